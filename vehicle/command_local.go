package vehicle

import (
	"errors"
	"strings"
)

// Preset carries out a command that the user named in the configuration, or forgets which one was carried out last.
type Preset struct{ Name string }

// NoPreset is the name of none, as Home Assistant calls it; no preset of the user's has it.
const NoPreset = "none"

// None tells that the preset is to be forgotten.
func (p Preset) None() bool { return strings.EqualFold(p.Name, NoPreset) }

// Cancel takes back a command that still waits.
type Cancel struct{ ID string }

// Hint tells what somebody else saw of the car, and asks for one cheap read.
type Hint struct{ What string } // plugged, unplugged, arrived, left

// Spec is the command's row in the catalogue.
func (Preset) Spec() *Spec { return presetSpec }
func (Preset) command()    {}

// Spec is the command's row in the catalogue.
func (Cancel) Spec() *Spec { return cancelSpec }
func (Cancel) command()    {}

// Spec is the command's row in the catalogue.
func (Hint) Spec() *Spec { return hintSpec }
func (Hint) command()    {}

var presetSpec = &Spec{
	Name: "preset", Topic: "preset", Meaning: "carry out a command that the configuration names", Plain: "name",
	Fields: []Field{{Key: "name", Meaning: "its name; none shows that none is on, and changes nothing in the car", Kind: FieldText, Required: true}},
	Local:  true, Wakes: wakes,
	build: func(v Values) (Command, error) { return Preset{v.text("name")}, nil },
}

// cancelled is what the id of a cancel command means: not its own, but the one to cancel.
const cancelled = "command_id"

var cancelSpec = &Spec{
	Name: "cancel", Topic: "cancel", Meaning: "take back a command that still waits", Plain: cancelled,
	Fields: []Field{{Key: cancelled, Meaning: "id of the command", Kind: FieldText}},
	Local:  true, Wakes: lets, idMeans: cancelled,
	build: func(v Values) (Command, error) {
		if id := v.text(cancelled); ValidID(id) {
			return Cancel{id}, nil
		}
		return nil, errors.New("the id of the command to cancel is missing")
	},
}

var hintSpec = &Spec{
	Name: "hint", Topic: "hint", Meaning: "tell what happened to the car; asks for one cheap read", Plain: "what",
	Fields: []Field{{Key: "what", Meaning: "what happened", Kind: FieldWord, Words: []string{"plugged", "unplugged", "arrived", "left"}, Required: true}},
	Local:  true, Wakes: lets,
	build: func(v Values) (Command, error) { return Hint{v.text("what")}, nil },
}
