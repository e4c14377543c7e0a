package vehicle

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ScheduleChange changes a part of the schedule; the rest stays as the car reports it. Clouds take schedules as a whole
// only, so the bridge makes a [Schedule] of it with [ScheduleChange.On].
type ScheduleChange struct {
	Departures  [2]DepartureChange
	Charging    Optional[bool]
	OffPeak     [2]Optional[TimeOfDay] // start and end of the cheap hours
	OffPeakOnly Optional[bool]
	Climate     Optional[bool]
	Temperature Optional[Quantity]
	Defrost     Optional[bool]
}

// DepartureChange changes a part of a planned departure.
type DepartureChange struct {
	Enabled Optional[bool]
	Days    Optional[Days]
	Time    Optional[TimeOfDay]
}

// Spec is the command's row in the catalogue.
func (ScheduleChange) Spec() *Spec { return scheduleChangeSpec }
func (ScheduleChange) command()    {}

// The temperatures that clouds take for climate before departures, in each unit.
var (
	ScheduleCelsius    = Bounds{17, 27, 0.5}
	ScheduleFahrenheit = Bounds{63, 80, 1}
)

// The keys of the two departures begin with these.
var departureKeys = [2]string{"first_departure_", "second_departure_"}

var scheduleChangeSpec = &Spec{
	Name: "schedule-change", Topic: "schedule_change", Meaning: "change a part of the schedule; the rest stays as the car reports it",
	Fields: []Field{
		{Key: "first_departure_enabled", Meaning: "the first departure is on", Kind: FieldFlag},
		{Key: "first_departure_days", Meaning: `its days, such as "1, 2"; 0 is Sunday, "none" no day`, Kind: FieldText},
		{Key: "first_departure_time", Meaning: "its time, HH:MM", Kind: FieldText},
		{Key: "second_departure_enabled", Meaning: "the second departure is on", Kind: FieldFlag},
		{Key: "second_departure_days", Meaning: "its days", Kind: FieldText},
		{Key: "second_departure_time", Meaning: "its time", Kind: FieldText},
		{Key: "charging_enabled", Meaning: "charge by the schedule", Kind: FieldFlag},
		{Key: "off_peak_start_time", Meaning: "start of the cheap hours, HH:MM", Kind: FieldText},
		{Key: "off_peak_end_time", Meaning: "end of the cheap hours, HH:MM", Kind: FieldText},
		{Key: "off_peak_charge_only_enabled", Meaning: "charge in the cheap hours only", Kind: FieldFlag},
		{Key: "climate_enabled", Meaning: "climate before departures", Kind: FieldFlag},
		{Key: "temperature", Meaning: "temperature, in °C unless temperature_unit is 1", Kind: FieldNumber, Min: 14, Max: 90},
		{Key: "temperature_unit", Meaning: "0 °C, 1 °F", Kind: FieldNumber, Min: 0, Max: 1, Step: 1},
		{Key: "defrost", Meaning: "defrost before departures", Kind: FieldFlag},
	},
	Limit: usualLimit, Local: true, Wakes: wakes, Slider: true, Again: AgainIdles,
	build: buildScheduleChange, Effect: scheduleChangeEffect,
}

func buildScheduleChange(v Values) (Command, error) {
	c := ScheduleChange{
		Charging: v.flag("charging_enabled"), OffPeakOnly: v.flag("off_peak_charge_only_enabled"), Climate: v.flag("climate_enabled"),
		Defrost: v.flag("defrost"),
	}
	if temperature := v.number("temperature"); temperature.Given {
		q := Quantity{temperature.Value, Celsius}
		if v.whole("temperature_unit").Value == 1 {
			q.Unit = Fahrenheit
		}
		c.Temperature = Some(q)
	}
	var err error
	read := func(key string) (at Optional[TimeOfDay]) {
		text := v.text(key)
		if text == "" {
			return at
		}
		if at.Value.UnmarshalText([]byte(text)) != nil {
			err = fmt.Errorf("%s %.16q is not HH:MM", key, text)
		}
		at.Given = true
		return at
	}
	c.OffPeak = [2]Optional[TimeOfDay]{read("off_peak_start_time"), read("off_peak_end_time")}
	for i, key := range departureKeys {
		c.Departures[i] = DepartureChange{Enabled: v.flag(key + "enabled"), Time: read(key + "time")}
		if text := v.text(key + "days"); text != "" {
			days, bad := daysOf(text)
			if bad != nil {
				err = fmt.Errorf("%sdays: %w", key, bad)
			}
			c.Departures[i].Days = Some(days)
		}
	}
	switch {
	case err != nil:
		return nil, err
	case SameCommand(c, ScheduleChange{}):
		return nil, errors.New("nothing to change is given")
	}
	return c, nil
}

// noDays is how people say that a departure has no day.
const noDays = "none"

// daysOf reads days as people list them.
func daysOf(text string) (days Days, err error) {
	if strings.EqualFold(strings.TrimSpace(text), noDays) {
		return Days{}, nil
	}
	for word := range strings.SplitSeq(text, ",") {
		day, err := strconv.Atoi(strings.TrimSpace(word))
		if err != nil || day < 0 || day > 6 {
			return nil, fmt.Errorf("%.16q is not 0 (Sunday) to 6", word)
		}
		days = append(days, time.Weekday(day))
	}
	return days, nil
}

// On is the whole schedule: what is to change, and the rest as the state has it. It fails where the rest is not known:
// guessing would overwrite what the owner has set.
func (c ScheduleChange) On(s State) (Schedule, error) {
	var missing []string
	lacks := func(d *Datum) { missing = append(missing, d.Key) }
	whole := Schedule{
		Charging: otherwise(c.Charging, ScheduledChargingOn, s, lacks), OffPeakOnly: otherwise(c.OffPeakOnly, OffPeakOnly, s, lacks),
		Temperature: Quantity{21, Celsius},
	}
	never := func(*Datum) {}
	cheap := lacks // hours count where something is charged by them
	if !whole.Charging && !whole.OffPeakOnly {
		cheap = never
	}
	for i, p := range []Point[TimeOfDay]{OffPeakStart, OffPeakEnd} {
		whole.OffPeak[i] = otherwise(c.OffPeak[i], p, s, cheap)
	}
	for i, row := range departureRows {
		change, d := c.Departures[i], &whole.Departures[i]
		d.Enabled = otherwise(change.Enabled, row.on, s, lacks)
		planned := lacks
		if !d.Enabled {
			planned = never
		}
		d.Days, d.Time = otherwise(change.Days, row.days, s, planned), otherwise(change.Time, row.time, s, planned)
		if d.Enabled && len(d.Days) == 0 && !change.Days.Given {
			planned(row.days.Datum)
		}
	}
	// Climate is the same for both departures; some cars report it with the first one only.
	whole.Climate = otherwise(c.Climate, Departure1Climate, s, lacks)
	whole.Defrost = otherwise(c.Defrost, Departure1Defrost, s, never)
	switch set, known := Departure1Temp.Of(s); {
	case c.Temperature.Given:
		whole.Temperature = c.Temperature.Value
	case known:
		whole.Temperature = set
	case whole.Climate:
		lacks(Departure1Temp.Datum)
	}
	if len(missing) > 0 {
		return Schedule{}, fmt.Errorf("the rest of the schedule is not known (%s); set it once as a whole, or in the maker's app", strings.Join(missing, ", "))
	}
	return whole, nil
}

// otherwise is what is given, else what the car reports.
func otherwise[T any](change Optional[T], p Point[T], s State, lacks func(*Datum)) T {
	if change.Given {
		return change.Value
	}
	value, known := p.Of(s)
	if !known {
		lacks(p.Datum)
	}
	return value
}

func scheduleChangeEffect(c Command, s State) Effect {
	want, _ := c.(ScheduleChange)
	seen := EffectSeen
	flag := func(wish Optional[bool], p Point[bool]) {
		if wish.Given {
			seen = both(seen, flagEffect(wish.Value, p, s))
		}
	}
	at := func(wish Optional[TimeOfDay], p Point[TimeOfDay]) {
		if wish.Given {
			is, known := p.Of(s)
			seen = both(seen, effect(known, is == wish.Value))
		}
	}
	flag(want.Charging, ScheduledChargingOn)
	flag(want.OffPeakOnly, OffPeakOnly)
	flag(want.Climate, Departure1Climate)
	flag(want.Defrost, Departure1Defrost)
	at(want.OffPeak[0], OffPeakStart)
	at(want.OffPeak[1], OffPeakEnd)
	for i, row := range departureRows {
		d := want.Departures[i]
		flag(d.Enabled, row.on)
		at(d.Time, row.time)
		if d.Days.Given {
			is, known := row.days.Of(s)
			seen = both(seen, effect(known, d.Days.Value.same(is)))
		}
	}
	if want.Temperature.Given {
		is, known := Departure1Temp.Of(s)
		same, ok := want.Temperature.Value.In(is.Unit)
		seen = both(seen, effect(known, ok && same == is))
	}
	return seen
}

// over is the change that is left of an older one and a newer one.
func (c ScheduleChange) over(older ScheduleChange) ScheduleChange {
	for i := range c.Departures {
		d, was := &c.Departures[i], older.Departures[i]
		d.Enabled, d.Days, d.Time = given(d.Enabled, was.Enabled), given(d.Days, was.Days), given(d.Time, was.Time)
		c.OffPeak[i] = given(c.OffPeak[i], older.OffPeak[i])
	}
	c.Charging, c.OffPeakOnly = given(c.Charging, older.Charging), given(c.OffPeakOnly, older.OffPeakOnly)
	c.Climate, c.Defrost = given(c.Climate, older.Climate), given(c.Defrost, older.Defrost)
	c.Temperature = given(c.Temperature, older.Temperature)
	return c
}
