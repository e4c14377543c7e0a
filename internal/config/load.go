package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// The places where a configuration file is looked for when none is named.
const (
	LocalFile  = "bluelink2mqtt.yaml" // in the working directory
	SystemFile = "/etc/bluelink2mqtt/config.yaml"
)

// Sources are where a configuration comes from. [Here] gives those of this process.
type Sources struct {
	// Path is the configuration file that was named by a flag; "" looks at BLUELINK_CONFIG, then for [LocalFile] and
	// [SystemFile].
	Path string
	// Environ is the environment as os.Environ gives it.
	Environ []string
	// Dir is the working directory, "" for that of the process.
	Dir string
	// System takes the place of [SystemFile] unless it is "".
	System string
	// Overrides are flags. They win over everything else.
	Overrides []Override
}

// Override is the value of one flag.
type Override struct {
	Key   string // full name of the key: http.listen
	Value string // as it would be entered in the file; "" says nothing
	Flag  string // its name for messages: --http-listen
}

// Here is what this process gets from outside, without flags.
func Here() Sources { return Sources{Environ: os.Environ()} }

// Load reads all sources and lays them over [Default]: file, .env file, environment, flags, each stronger than those
// before. Its error is [*Problems], and then the configuration is nil. Warnings come in either case.
func Load(sources Sources) (*Config, []Warning, error) {
	l := &loader{config: Default(), fileOf: map[string]bool{}}
	l.config.origins = map[string]Origin{}

	dotEnv := l.readDotEnv(sources)
	environ := environment(sources.Environ)
	settings := l.readFile(sources, dotEnv, environ)
	var account []setting // of the old service's variables
	for _, variables := range [][]variable{dotEnv, environ} {
		settings = append(settings, ownVariables(&l.findings, variables, sources.Dir)...)
		ofAccount, others := dropInVariables(&l.findings, variables, sources.Dir)
		settings, account = append(settings, others...), append(account, ofAccount...)
	}
	settings = append(settings, l.flags(sources)...)

	for _, s := range settings {
		l.apply(s)
	}
	l.dropInAccountFrom(account)
	l.followDropIn()
	l.validate(sources)
	if err := l.err(); err != nil {
		return nil, l.warnings, err
	}
	return l.config, l.warnings, nil
}

// loader carries one load from source to source.
type loader struct {
	findings
	config        *Config
	fileOf        map[string]bool // secrets that came from a file, by path
	dropInAccount bool            // the account comes from HYUNDAI_ variables
}

// readFile finds the configuration file and gives its settings.
func (l *loader) readFile(sources Sources, dotEnv, environ []variable) []setting {
	path, at := sources.Path, Origin{Source: FromFlags, Name: "--config"}
	if path == "" {
		path, at = lookup(environ, fileVariable)
	}
	if path == "" {
		path, at = lookup(dotEnv, fileVariable)
	}
	candidates := []string{path}
	if path == "" {
		candidates = []string{LocalFile, SystemFile}
		if sources.System != "" {
			candidates[1] = sources.System
		}
	}
	for _, candidate := range candidates {
		full := absolute(sources.Dir, candidate)
		text, err := os.ReadFile(full)
		switch {
		case err == nil:
			l.config.File = candidate
			return readYAML(&l.findings, candidate, filepath.Dir(full), text)
		case path != "":
			l.unreadable = true
			l.problem(at, "cannot read %s: %s", candidate, reason(err))
		case !errors.Is(err, fs.ErrNotExist):
			l.unreadable = true
			l.problem(Origin{Source: candidate, Name: "file"}, "cannot be read: %s", reason(err))
		}
	}
	return nil
}

// readDotEnv gives the variables of the .env file, if there is one.
func (l *loader) readDotEnv(sources Sources) []variable {
	path := absolute(sources.Dir, DotEnv)
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		return nil // a folder of that name is a Python environment
	}
	text, err := os.ReadFile(path)
	if err != nil {
		l.problem(Origin{Source: DotEnv, Name: "file"}, "cannot be read: %s", reason(err))
		return nil
	}
	return parseDotEnv(&l.findings, DotEnv, string(text))
}

// flags gives the settings of flags.
func (l *loader) flags(sources Sources) []setting {
	var all []setting
	for _, o := range sources.Overrides {
		at := Origin{Source: FromFlags, Name: o.Flag, layer: fromFlags}
		key := keys().byPath[o.Key]
		switch {
		case o.Value == "":
		case key == nil || key.Section || key.inList():
			l.problem(at, "sets %s, which is not a known key", o.Key)
		default:
			all = append(all, newSetting(key, 0, o.Value, at, sources.Dir))
		}
	}
	return all
}

// followDropIn sets the defaults that are the old service's when only its environment is given.
func (l *loader) followDropIn() {
	c := l.config
	c.FromDropIn = l.dropInAccount && c.File == ""
	if !c.FromDropIn {
		return
	}
	if _, given := c.origins["refresh.interval"]; !given {
		c.Refresh.Interval = 0
		l.warn(Origin{Source: FromEnvironment, Name: "REFRESH_INTERVAL"},
			"is not set: cars are read at the start and on command only, as by the service before. Set it to 30 (minutes) for regular reads")
	}
	if _, given := c.origins["ready_file"]; !given {
		c.ReadyFile = dropInReadyFile
	}
}

// noAccount is what somebody reads who has just installed the program.
func (l *loader) noAccount(sources Sources) {
	looked := []string{LocalFile, SystemFile, DotEnv, "the environment"}
	if l.config.File != "" {
		looked = []string{l.config.File, DotEnv, "the environment"}
	}
	if sources.System != "" {
		if i := slices.Index(looked, SystemFile); i >= 0 {
			looked[i] = sources.System
		}
	}
	l.problem(Origin{Source: l.config.File, Name: "accounts"}, "%s", fmt.Sprintf(`no account is configured (looked at %s).
The shortest way are three variables, in the environment or in a file .env:

  HYUNDAI_BRAND      hyundai, kia or genesis
  HYUNDAI_USERNAME   the e-mail address that you enter in the maker's app
  HYUNDAI_PASSWORD   its password

or the same in a file %s:

  accounts:
    - {region: eu, brand: hyundai, username: …, password: …}

"bluelink2mqtt config example" prints every key; "bluelink2mqtt demo" runs without an account.`,
		strings.Join(looked, ", "), LocalFile))
}
