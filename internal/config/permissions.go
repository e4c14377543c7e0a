package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// Permissions are what this program may do with the cars.
type Permissions struct {
	ReadOnly      bool     `yaml:"read_only" doc:"No command reaches a car, and none is subscribed to but reading. The PIN is then not used at all"`
	Allow         []string `yaml:"allow" holds:"names" doc:"Names of the only commands that may reach a car, such as lock and climate-start; empty for all. A preset may do what its commands may"`
	UnlockPerHour int      `yaml:"unlock_per_hour" min:"0" max:"1000" doc:"How often an hour a car may be unlocked; 0 for as often as it is asked for"`
}

// Preset is one command or several in a row under a name of the user's own.
type Preset struct {
	Name     string   `yaml:"name" example:"leave" doc:"Its name, which commands/preset takes"`
	Commands []string `yaml:"commands" holds:"lines" example:"[lock, climate-start set_temp=22 duration=10]" doc:"Its commands as the command line takes them: a name, then a word or key=value. They are sent one after the other, each when the one before is done; the first that fails is the last"`
}

// Steps are the preset's commands.
func (p Preset) Steps() []vehicle.Command {
	var steps []vehicle.Command
	for _, line := range p.Commands {
		if request, err := vehicle.ParseLine(strings.Fields(line)...); err == nil { // as it was when it was read
			steps = append(steps, request.Command)
		}
	}
	return steps
}

// holds is what the texts of a list are.
type holds string

const (
	holdsVINs  holds = ""
	holdsNames holds = "names" // of commands
	holdsLines holds = "lines" // commands with their parameters
)

func (h holds) one() string {
	switch h {
	case holdsNames:
		return "name of a command"
	case holdsLines:
		return "command"
	case holdsVINs:
	}
	return "VIN"
}

func (h holds) many() string {
	if h == holdsNames {
		return "names of commands"
	}
	return h.one() + "s"
}

// separates tells what stands between the texts of a list in a variable.
func (h holds) separates(r rune) bool {
	if h == holdsLines {
		return r == ';'
	}
	return r == ',' || r == ' ' || r == ';'
}

// texts reads a list of texts.
func (s setting) texts() (any, error) {
	var all []string
	for _, item := range s.items {
		text := strings.TrimSpace(item.text)
		var err error
		if s.key.Holds == holdsNames {
			err = checkName(text, all)
		} else {
			err = checkLine(text)
		}
		if err != nil {
			return nil, &itemError{item.origin, err}
		}
		all = append(all, text)
	}
	return all, nil
}

// commandNames are those that a car can be given.
func commandNames() (names []string) {
	for _, spec := range vehicle.Commands() {
		if controls(spec) {
			names = append(names, spec.Name)
		}
	}
	return names
}

// controls tells whether a command does more than to read or to take back.
func controls(spec *vehicle.Spec) bool {
	return spec != vehicle.Refresh{}.Spec() && (!spec.Local || spec == vehicle.ClimateTarget{}.Spec())
}

func checkName(name string, before []string) error {
	switch {
	case !slices.Contains(commandNames(), name):
		if near := nearest(name, commandNames()); near != "" {
			return fmt.Errorf("%s is no command; did you mean %s?", shown(name), near)
		}
		return fmt.Errorf("%s is no command: %s", shown(name), strings.Join(commandNames(), ", "))
	case slices.Contains(before, name):
		return fmt.Errorf("%s stands here twice", name)
	}
	return nil
}

func checkLine(line string) error {
	request, err := vehicle.ParseLine(strings.Fields(line)...)
	switch {
	case errors.Is(err, vehicle.ErrUnknownCommand):
		word, _, _ := strings.Cut(line, " ")
		return checkName(word, nil)
	case err != nil:
		return fmt.Errorf("%s cannot be sent: %w", shown(line), err)
	case request.Command.Spec().Local || !controls(request.Command.Spec()):
		return fmt.Errorf("%s cannot stand in a preset: it is nothing that a car is given", request.Command.Spec().Name)
	case request.ID != "" || !request.Expires.IsZero():
		return errors.New("id and expires_at belong to one command, not to a preset")
	}
	return nil
}

func (l *loader) presets() {
	names := map[string]Origin{}
	for i, p := range l.config.Presets {
		entry := fmt.Sprintf("presets[%d]", i)
		for _, key := range []string{"name", "commands"} {
			if !l.given(entry + "." + key) {
				at := l.config.origins[entry]
				at.Name = entry + "." + key
				l.problem(at, "is missing: a preset has a name and commands")
			}
		}
		at := l.at(entry + ".name")
		first, twice := names[p.Name]
		switch {
		case p.Name == "":
		case vehicle.Preset{Name: p.Name}.None():
			l.problem(at, "%s cannot be the name of a preset: it is what Home Assistant calls having none; choose another one", shown(p.Name))
		case twice:
			l.problem(at, "%s is the name of another one (%s): names are unique", shown(p.Name), first)
		case len(p.Name) > 256:
			l.problem(at, "is longer than 256 bytes")
		default:
			names[p.Name] = at
		}
	}
}
