package vehicle

import (
	"reflect"
	"slices"
	"time"
)

// Command is something that a person or a program asks of a car. The set is closed: each command is a struct in a file
// command_*.go with its row in [Commands].
type Command interface {
	Spec() *Spec
	command()
}

// Spec is a row of the catalogue of commands. Every front (topics, CLI, pages, tables) ranges over the catalogue.
type Spec struct {
	Name    string // as the CLI, REST and records spell it
	Topic   string // last segment of its command topic; several commands may share one
	Meaning string // one line for tables

	// Words are the plain payloads that mean this command, and what the key "action" may say; the first is the usual one.
	Words []string
	// Plain is the key that a plain payload other than a word sets; empty when there is none.
	Plain string
	// Shortcuts are further topics on which a plain payload sets one key.
	Shortcuts []Shortcut
	// Fields are the JSON keys that it takes.
	Fields []Field

	// Limit is how long it may take from sending until it counts as timed out.
	Limit time.Duration
	// Wakes tells whether this one may wake the car.
	Wakes func(Command) bool
	// Local marks a command that the bridge carries out by itself: nothing is sent to a cloud.
	Local bool
	// Effect tells what the car's state says of the command's effect; nil where no data point shows it.
	Effect func(Command, State) Effect
	// Lasts is how long the effect must last: cars and schedules undo some by themselves, moments later.
	Lasts time.Duration
	// Again is what the command does to a car that is already as it asks for.
	Again Again
	// Slider marks what people set with sliders: of several in a row only the newest is meant.
	Slider bool

	// idMeans tells that the key "id" is no id of this command but says which one it is about.
	idMeans string
	// plain reads plain payloads that Words and Plain do not cover; plainForm says which.
	plain     func(word string) (Values, error)
	plainForm string
	build     func(Values) (Command, error)
}

// Shortcut is a topic of its own for one key of a command.
type Shortcut struct{ Topic, Key string }

// Field is a key that a command takes.
type Field struct {
	Key, Meaning   string
	Kind           FieldKind
	Min, Max, Step float64 // of a number; both bounds inclusive, steps counted from Min, 0 for any
	Unit           Unit
	Words          []string // of a word
	Required       bool
}

// FieldKind is what sort of value a key takes.
type FieldKind uint8

// The kinds of values.
const (
	FieldFlag   FieldKind = iota + 1 // true or false
	FieldNumber                      // a number within bounds
	FieldWord                        // one of a list, case does not matter
	FieldText                        // any text of 1 to 256 bytes
	FieldObject                      // JSON of a form of its own
)

// Again is what a command does to a car that is already as it asks for.
type Again uint8

// The ways.
const (
	AgainActs   Again = iota // something, or it may: somebody may have opened the doors since
	AgainIdles               // nothing, as far as a report of the last moments shows the whole effect
	AgainUndoes              // the opposite: clouds take it for a toggle (kia_uvo#875: stopping starts)
)

// Effect is what a state says of a command's effect.
type Effect uint8

// The effects.
const (
	EffectUnknown Effect = iota // the data point is unknown
	EffectMissing               // the car reports something else
	EffectSeen                  // the car reports what was asked for
)

// Commands is every command once, in the order of tables. It must not be changed.
func Commands() []*Spec { return commands }

var commands = []*Spec{
	refreshSpec,
	lockSpec, unlockSpec,
	climateStartSpec, climateStopSpec, climateTargetSpec,
	chargeStartSpec, chargeStopSpec, chargeLimitsSpec, chargingCurrentSpec,
	chargePortOpenSpec, chargePortCloseSpec,
	windowsSpec, hazardSpec, valetOnSpec, valetOffSpec, v2lLimitSpec,
	scheduleSpec, scheduleChangeSpec, destinationSpec, presetSpec, cancelSpec, hintSpec,
}

// CommandByName finds a row by its name.
func CommandByName(name string) (*Spec, bool) {
	for _, spec := range commands {
		if spec.Name == name {
			return spec, true
		}
	}
	return nil, false
}

// CommandTopics are the last segments of all command topics, in the order of the catalogue.
func CommandTopics() []string {
	var all []string
	for _, spec := range commands {
		if !slices.Contains(all, spec.Topic) {
			all = append(all, spec.Topic)
		}
		for _, s := range spec.Shortcuts {
			all = append(all, s.Topic)
		}
	}
	return all
}

// SameCommand tells whether two commands ask for the same.
func SameCommand(a, b Command) bool { return reflect.DeepEqual(a, b) }

// Optional is a parameter that need not be given; the car or the cloud then decides.
type Optional[T any] struct {
	Value T
	Given bool
}

// Some is a parameter that was given.
func Some[T any](value T) Optional[T] { return Optional[T]{value, true} }

// Or is the value, or another when none was given.
func (o Optional[T]) Or(other T) T {
	if o.Given {
		return o.Value
	}
	return other
}

// Limits of commands: how long each may take until it counts as timed out, as in the service that this one replaces.
const (
	lockLimit    = 60 * time.Second
	windowsLimit = 90 * time.Second
	portLimit    = 60 * time.Second
	usualLimit   = 120 * time.Second
)

// wakes is the rule of commands that reach the car.
func wakes(Command) bool { return true }

// lets is the rule of commands that never reach the car.
func lets(Command) bool { return false }

// shows is the effect of a command that one flag shows.
func shows(p Point[bool], want bool) func(Command, State) Effect {
	return func(_ Command, s State) Effect {
		is, known := p.Of(s)
		return effect(known, is == want)
	}
}

func effect(known, seen bool) Effect {
	switch {
	case !known:
		return EffectUnknown
	case seen:
		return EffectSeen
	}
	return EffectMissing
}

// toggle builds the row of a command without parameters.
func toggle(name, topic, meaning string, limit time.Duration, words []string, c func() Command, shown func(Command, State) Effect) *Spec {
	return &Spec{
		Name: name, Topic: topic, Meaning: meaning, Words: words, Limit: limit, Wakes: wakes, Effect: shown,
		build: func(Values) (Command, error) { return c(), nil },
	}
}

// idles completes the row of a command that a car which is already so need not be sent.
func idles(row *Spec) *Spec {
	row.Again = AgainIdles
	return row
}
