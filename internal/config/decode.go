package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/redact"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// setting is what one source says about one key.
type setting struct {
	key    *Key
	entry  int // of the list, for a key in a list
	items  []item
	origin Origin // its Name is the key, the variable or the flag
	dir    string // relative file names begin here
}

// item is the text of a value, or of one part of a list of texts.
type item struct {
	text   string
	origin Origin
}

// maxSecretFile bounds what is read from the file of a secret, in bytes.
const maxSecretFile = 64 << 10

// apply lays one setting over the configuration. Settings come weakest source first; an entry of a list comes after the
// entries before it.
func (l *loader) apply(s setting) {
	if (s.key.inList() || s.key.List) && !l.grow(s) || s.key.List {
		return
	}
	warnBrandNumber(&l.findings, s)
	path := s.key.concrete(s.entry)
	if twin, ok := strings.CutSuffix(path, fileSuffix); ok && s.key.File {
		path = twin
	}
	if before, ok := l.config.origins[path]; ok && before.layer == s.origin.layer && before.Name != s.origin.Name {
		if l.fileOf[path] != s.key.File {
			l.problem(s.origin, "%s is given too: keep one of the two", before.Name)
			return
		}
		l.warn(s.origin, "wins over %s: remove one of the two", before.Name)
	}
	l.config.origins[path] = s.origin
	l.fileOf[path] = s.key.File

	value, err := s.value()
	if err != nil {
		var at *itemError
		if errors.As(err, &at) {
			s.origin = at.origin
		}
		l.problem(s.origin, "%v", err)
		return
	}
	s.key.field(l.config, s.entry).Set(reflect.ValueOf(value).Convert(s.key.field(l.config, s.entry).Type()))
}

// grow makes room for the entry that a setting speaks of.
func (l *loader) grow(s setting) bool {
	list := keys().byPath[s.key.list()] // of a list itself, the list
	entries := reflect.ValueOf(l.config).Elem().FieldByIndex(list.index)
	if s.entry > entries.Len() {
		l.problem(s.origin, "there is no entry %d before it: numbers begin at 0 and have no gaps", entries.Len())
		return false
	}
	if s.entry == entries.Len() {
		fresh := reflect.Zero(list.typ.Elem())
		if list.typ.Elem() == reflect.TypeFor[Account]() {
			fresh = reflect.ValueOf(newAccount())
		}
		entries.Set(reflect.Append(entries, fresh))
		at := s.origin
		at.Name = list.concreteEntry(s.entry)
		l.config.origins[at.Name] = at
	}
	return true
}

// itemError is what is wrong with one part of a list.
type itemError struct {
	origin Origin
	err    error
}

func (e *itemError) Error() string { return e.err.Error() }
func (e *itemError) Unwrap() error { return e.err }

// value reads the texts of the setting as what its key wants.
func (s setting) value() (any, error) {
	if s.key.typ == textsType {
		return s.texts()
	}
	if s.key.typ == vinsType {
		var vins []vehicle.VIN
		for _, item := range s.items {
			vin, err := parseVIN(item.text)
			if err == nil && slices.ContainsFunc(vins, func(v vehicle.VIN) bool { return sameVIN(v, vin) }) {
				err = fmt.Errorf("VIN %s stands here twice", vin)
			}
			if err != nil {
				return nil, &itemError{item.origin, err}
			}
			vins = append(vins, vin)
		}
		return vins, nil
	}
	text := s.items[0].text
	switch {
	case s.key.Secret:
		var secret redact.Secret
		err := secret.UnmarshalText([]byte(text))
		return secret, err
	case s.key.File:
		return readSecret(s.dir, text)
	case s.key.Off && isOff(text):
		return reflect.Zero(s.key.typ).Interface(), nil
	case s.key.path:
		return absolute(s.dir, text), nil
	}
	return s.key.parse(text)
}

// parse reads a text as a value of the key's type, within its bounds.
func (k *Key) parse(text string) (any, error) {
	text = strings.TrimSpace(text)
	switch k.typ {
	case durationType:
		return k.parseDuration(text)
	case vinType:
		return parseVIN(text)
	case regionType:
		region, err := vehicle.ParseRegion(text)
		if err != nil {
			return nil, fmt.Errorf("%s is no region: %s, or the number 1 to 8", shown(text), k.Range())
		}
		return region, nil
	case brandType:
		brand, err := vehicle.ParseBrand(text)
		if err != nil {
			return nil, fmt.Errorf("%s is no brand: %s, or the number 1 to 3", shown(text), k.Range())
		}
		return brand, nil
	case levelType:
		level, ok := levels[strings.ToLower(text)]
		if !ok {
			return nil, fmt.Errorf("%s is none of %s", shown(text), k.Range())
		}
		return level, nil
	}
	switch k.typ.Kind() {
	case reflect.Bool:
		return parseSwitch(text)
	case reflect.Int:
		return k.parseNumber(text)
	default:
		if len(k.OneOf) > 0 {
			text = strings.ToLower(text)
			if !slices.Contains(k.OneOf, text) {
				return nil, fmt.Errorf("%s is none of %s", shown(text), k.Range())
			}
		}
		return text, nil
	}
}

// levels are the words for what is logged; warning and critical are those of the service that this one replaces.
var levels = map[string]slog.Level{
	"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError,
	"warning": slog.LevelWarn, "critical": slog.LevelError,
}

func parseSwitch(text string) (any, error) {
	switch strings.ToLower(text) {
	case "true", "yes", "on", "1":
		return true, nil
	case "false", "no", "off", "0":
		return false, nil
	}
	return nil, fmt.Errorf("%s is neither true nor false", shown(text))
}

func (k *Key) parseNumber(text string) (any, error) {
	if strings.HasPrefix(text, "tcp://") {
		return nil, errors.New("is not a number, but what Kubernetes sets for a service of this name: " +
			"set the variable yourself, or enableServiceLinks: false")
	}
	number, err := strconv.Atoi(text)
	if err != nil {
		return nil, fmt.Errorf("%s is not a whole number from %s", shown(text), k.Range())
	}
	least, _ := strconv.Atoi(k.Min)
	most, _ := strconv.Atoi(k.Max)
	if number < least || number > most {
		return nil, fmt.Errorf("%d is out of range: %s", number, k.Range())
	}
	return number, nil
}

func (k *Key) parseDuration(text string) (any, error) {
	d, err := parseDuration(text)
	if err != nil {
		return nil, err
	}
	least, _ := parseDuration(k.Min)
	most, _ := parseDuration(k.Max)
	if d < least || d > most {
		return nil, fmt.Errorf("%s is out of range: %s", formatDuration(d), k.Range())
	}
	return d, nil
}

// parseDuration reads 90s, 1h30m or 2d; a day has 24 hours.
func parseDuration(text string) (time.Duration, error) {
	if days, rest, ok := strings.Cut(text, "d"); ok && rest == "" {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil {
			return time.Duration(n) * 24 * time.Hour, nil
		}
	}
	d, err := time.ParseDuration(text)
	if err == nil {
		return d, nil
	}
	if _, err := strconv.ParseFloat(text, 64); err == nil {
		return 0, fmt.Errorf("%s has no unit: %ss, %sm, %sh or %sd", shown(text), text, text, text, text)
	}
	return 0, fmt.Errorf("%s is no duration: such as 90s, 30m, 12h or 2d", shown(text))
}

// formatDuration writes a duration as it is entered: 30m, 1h30m, 2d.
func formatDuration(d time.Duration) string {
	const day = 24 * time.Hour
	if d > day && d%day == 0 {
		return strconv.Itoa(int(d/day)) + "d"
	}
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

func parseVIN(text string) (vehicle.VIN, error) {
	text = strings.ToUpper(strings.TrimSpace(text))
	if len(text) != 17 {
		return "", fmt.Errorf("a VIN has 17 characters, not %d", len(text))
	}
	for _, c := range text {
		if (c < 'A' || c > 'Z') && (c < '0' || c > '9') {
			return "", errors.New("a VIN has only letters and digits")
		}
		if c == 'I' || c == 'O' || c == 'Q' {
			return "", fmt.Errorf("a VIN never has the letter %c, which looks like a digit", c)
		}
	}
	return vehicle.VIN(text), nil
}

func isOff(text string) bool {
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "off", "never", "0", "false", "no":
		return true
	}
	return false
}

// readSecret reads the file of a secret. One newline at the end belongs to the file, not to the secret.
func readSecret(dir, name string) (any, error) {
	path := absolute(dir, name)
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %s", secretFileName(name, path), reason(err))
	}
	defer func() { _ = file.Close() }()
	text, err := io.ReadAll(io.LimitReader(file, maxSecretFile+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("cannot read %s: %s", secretFileName(name, path), reason(err))
	case len(text) > maxSecretFile:
		return nil, fmt.Errorf("%s is larger than %d bytes: is it the right file?", path, maxSecretFile)
	}
	text = bytes.TrimSuffix(bytes.TrimSuffix(text, []byte("\n")), []byte("\r"))
	if len(text) == 0 {
		return nil, fmt.Errorf("%s is empty: it should hold the secret", path)
	}
	var secret redact.Secret
	err = secret.UnmarshalText(text)
	return secret, err
}

// secretFileName gives the name for an error, unless it may be the secret itself, entered at the wrong key.
func secretFileName(name, path string) string {
	if strings.ContainsRune(name, filepath.Separator) {
		if info, err := os.Stat(filepath.Dir(path)); err == nil && info.IsDir() {
			return path
		}
	}
	return "the file that it names (the secret itself goes to the key without " + fileSuffix + ")"
}

// reason is what the system says, without the file name.
func reason(err error) string {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err.Error()
	}
	return err.Error()
}

// absolute puts a relative file name below dir.
func absolute(dir, name string) string {
	if filepath.IsAbs(name) || dir == "" {
		return name
	}
	return filepath.Join(dir, name)
}
