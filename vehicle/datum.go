package vehicle

import (
	"fmt"
	"strings"
	"time"
)

// Kind says what sort of thing a data point is. Each front (topics, discovery, pages, tables) derives its own words from
// it in one small table.
type Kind uint8

// The kinds, each with the Go type of its values.
const (
	KindFlag        Kind = iota + 1 // bool
	KindPercent                     // Percent
	KindNumber                      // Number, a count, code or level without unit
	KindDistance                    // Quantity in km or mi
	KindTemperature                 // Quantity in °C or °F
	KindPressure                    // Quantity in psi, kPa or bar
	KindEnergy                      // Quantity in Wh or kJ
	KindConsumption                 // Quantity in Wh per distance
	KindPower                       // Quantity in kW
	KindVoltage                     // Quantity in V
	KindRotation                    // Quantity in rpm
	KindSpeed                       // Quantity in km/h or mph
	KindAngle                       // Quantity in degrees
	KindAltitude                    // Quantity in m
	KindDuration                    // time.Duration, whole minutes on the wire
	KindTime                        // time.Time, UTC
	KindTimeOfDay                   // TimeOfDay
	KindDays                        // Days
	KindText                        // string
	KindSeat                        // Seat
	KindOpening                     // Opening
	KindPlug                        // Plug
	KindStats                       // []DailyStats
	KindMonth                       // MonthTrips
	KindDay                         // DayTrips
)

// Group is the part of the car a data point belongs to; topics, pages and tables are ordered by it.
type Group string

// The groups, by the sections of docs/protocol/vehicle-model.md.
const (
	GroupIdentity Group = "identity" // §2.1; told by the vehicle list, published as the car's info
	GroupGeneral  Group = "general"  // §2.2
	GroupClimate  Group = "climate"  // §2.3
	GroupDoors    Group = "doors"    // §2.4
	GroupWindows  Group = "windows"  // §2.4
	GroupTires    Group = "tires"    // §2.5
	GroupLights   Group = "lights"   // §2.6
	GroupService  Group = "service"  // §2.7
	GroupLocation Group = "location" // §2.7
	GroupBattery  Group = "battery"  // §2.8, and the 12 V battery
	GroupEV       Group = "ev"       // §2.8
	GroupSchedule Group = "schedule" // §2.9
	GroupEngine   Group = "engine"   // §2.10
	GroupTrip     Group = "trip"     // §2.11
)

// Datum is one row of the catalogue of data points.
type Datum struct {
	Key     string // canonical key, unique
	Meaning string // one line for tables and pages
	Group   Group
	Kind    Kind
	Unit    Unit // the unit when there is only one; NoUnit where each report tells it

	// Min and Max bound the plausible values, both inclusive, in the reported unit, pressures in kPa; equal bounds mean no
	// bounds.
	Min, Max float64
	// Counter marks a total: a refused value leaves the last one standing instead of making it unknown. One that is not
	// Rising may begin anew: some cars count their energy by the day (seen).
	Counter bool
	// Rising marks a counter that cannot fall (odometer).
	Rising bool
	// Plugs marks what only a car with a plug can have, Burns what only one with a tank can have.
	Plugs, Burns bool

	rules rules
	index uint16
	codec codec
}

// Fits reports whether a car with this engine can have the data point; an unknown engine can have all.
func (d *Datum) Fits(e Engine) bool {
	switch {
	case d.Plugs && d.Burns:
		return e == PHEV || e == EngineUnknown
	case d.Plugs:
		return e.Plugs()
	case d.Burns:
		return e != EV
	}
	return true
}

func (d *Datum) String() string { return d.Key }

// Point is a row of the catalogue together with the Go type of its values.
type Point[T any] struct{ *Datum }

// Of reads the data point from a state; ok is false while it is unknown.
func (p Point[T]) Of(s State) (value T, ok bool) {
	r := s.find(p.Datum)
	if r == nil {
		return value, false
	}
	value, ok = r.held.(T)
	return value, ok
}

// Set adds an observation to a report: the value as the car reported it, and raw, the text it was read from.
func (p Point[T]) Set(r *Report, value T, raw string) {
	r.add(Observation{Datum: p.Datum, Value: value, Raw: raw})
}

// Catalogue is every data point once, in order of groups and rows. It must not be changed.
func Catalogue() []*Datum { return rows }

// ByKey finds a row of the catalogue by its key.
func ByKey(key string) (*Datum, bool) {
	d, ok := byKey[key]
	return d, ok
}

var (
	rows  []*Datum
	byKey = map[string]*Datum{}
)

// mostRows bounds the catalogue, so that a table of all rows fits on a stack.
const mostRows = 255

// An option refines a row while the catalogue is built.
type option func(*Datum)

func between(low, high float64) option { return func(d *Datum) { d.Min, d.Max = low, high } }
func in(unit Unit) option              { return func(d *Datum) { d.Unit = unit } }
func plugs(d *Datum)                   { d.Plugs = true }
func burns(d *Datum)                   { d.Burns = true }
func counter(d *Datum)                 { d.Counter = true }
func rising(d *Datum)                  { d.Counter, d.Rising = true, true }

// datum adds a row. The catalogue is built once, while the package's variables are initialised.
func datum[T any](kind Kind, group Group, key, meaning string, options ...option) Point[T] {
	if byKey[key] != nil {
		panic("vehicle: catalogue has two rows " + key)
	}
	if len(rows) == mostRows {
		panic("vehicle: catalogue has too many rows")
	}
	d := &Datum{Key: key, Meaning: meaning, Group: group, Kind: kind, index: uint16(len(rows)), codec: codecOf[T]()}
	for _, o := range options {
		o(d)
	}
	rows, byKey[key] = append(rows, d), d
	return Point[T]{d}
}

// Percent is a share of one hundred; clouds report fractions for some.
type Percent float64

// Number is a count, code or level without unit.
type Number float64

// TimeOfDay is a time on the car's clock, without date or zone.
type TimeOfDay struct{ Hour, Minute int }

// NewTimeOfDay checks hour 0–23 and minute 0–59.
func NewTimeOfDay(hour, minute int) (TimeOfDay, bool) {
	ok := hour >= 0 && hour <= 23 && minute >= 0 && minute <= 59
	return TimeOfDay{hour, minute}, ok
}

// String is HH:MM:SS, the form of the service that this one replaces.
func (t TimeOfDay) String() string { return fmt.Sprintf("%02d:%02d:00", t.Hour, t.Minute) }

// MarshalText writes HH:MM:SS.
func (t TimeOfDay) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads HH:MM or HH:MM:SS.
func (t *TimeOfDay) UnmarshalText(text []byte) error {
	for _, layout := range []string{time.TimeOnly, "15:04"} {
		if at, err := time.Parse(layout, string(text)); err == nil {
			*t = TimeOfDay{at.Hour(), at.Minute()}
			return nil
		}
	}
	return fmt.Errorf("time of day %q is not HH:MM:SS", text)
}

// Days are weekdays, Sunday first; 0 is Sunday (docs/protocol/vehicle-model.md §2.9).
type Days []time.Weekday

// Seat is a seat's heating or ventilation, by the code that status and commands share
// (docs/protocol/vehicle-model.md §4.1).
type Seat uint8

// The seat codes. Code 0 means off as well; it is read as SeatOff.
const (
	SeatOn         Seat = 1
	SeatOff        Seat = 2
	SeatLowCool    Seat = 3
	SeatMediumCool Seat = 4
	SeatHighCool   Seat = 5
	SeatLowHeat    Seat = 6
	SeatMediumHeat Seat = 7
	SeatHighHeat   Seat = 8
)

var seatTexts = [...]string{
	SeatOn: "On", SeatOff: "Off", SeatLowCool: "Low Cool", SeatMediumCool: "Medium Cool", SeatHighCool: "High Cool",
	SeatLowHeat: "Low Heat", SeatMediumHeat: "Medium Heat", SeatHighHeat: "High Heat",
}

// SeatOf reads a wire code; ok is false for codes that nobody has explained (15 was seen on a Genesis G80).
func SeatOf(code int) (seat Seat, ok bool) {
	if code == 0 {
		return SeatOff, true
	}
	return Seat(code), code >= int(SeatOn) && code <= int(SeatHighHeat)
}

func (s Seat) String() string { return enumText(seatTexts[:], int(s)) }

// Level is how strongly the seat heats or cools: OFF, LOW, MED or HIGH; a seat that is merely on says LOW.
func (s Seat) Level() string {
	switch s {
	case SeatOn, SeatLowCool, SeatLowHeat:
		return "LOW"
	case SeatMediumCool, SeatMediumHeat:
		return "MED"
	case SeatHighCool, SeatHighHeat:
		return "HIGH"
	case SeatOff:
	}
	return "OFF"
}

// MarshalText writes the text of the service that this one replaces, "High Heat".
func (s Seat) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads that text.
func (s *Seat) UnmarshalText(text []byte) error {
	return parseEnum(s, "seat status", seatTexts[:], text)
}

// Opening is how far a window is open.
type Opening uint8

// The openings, by the numbers that topics and commands share.
const (
	Closed     Opening = 0
	Open       Opening = 1
	Ventilated Opening = 2
)

var openingTexts = [...]string{Closed: "CLOSED", Open: "OPEN", Ventilated: "VENTILATION"}

func (o Opening) String() string { return enumText(openingTexts[:], int(o)) }

// MarshalText writes CLOSED, OPEN or VENTILATION.
func (o Opening) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// UnmarshalText reads that text.
func (o *Opening) UnmarshalText(text []byte) error {
	return parseEnum(o, "opening", openingTexts[:], text)
}

// Plug is what is plugged in.
type Plug uint8

// The plugs, by the codes of the flat protocol (docs/protocol/europe.md §5.1, ev_battery_is_plugged_in).
const (
	PlugNone     Plug = 0
	PlugDC       Plug = 1
	PlugPortable Plug = 2
	PlugAC       Plug = 3
)

var plugTexts = [...]string{PlugNone: "none", PlugDC: "dc", PlugPortable: "portable", PlugAC: "ac"}

func (p Plug) String() string { return enumText(plugTexts[:], int(p)) }

// MarshalText writes none, dc, portable or ac.
func (p Plug) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads that text.
func (p *Plug) UnmarshalText(text []byte) error { return parseEnum(p, "plug", plugTexts[:], text) }

func enumText(texts []string, code int) string {
	if code < len(texts) {
		return texts[code]
	}
	return ""
}

func parseEnum[T ~uint8](target *T, what string, texts []string, text []byte) error {
	for code, known := range texts {
		if known != "" && strings.EqualFold(known, string(text)) {
			*target = T(code)
			return nil
		}
	}
	return fmt.Errorf("%s %q is not known; one of %s", what, text, strings.Join(texts, ", "))
}
