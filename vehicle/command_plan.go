package vehicle

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Schedule sets departures, charging hours and climate together (docs/protocol/vehicle-model.md §3).
type Schedule struct {
	Departures  [2]Departure
	Charging    bool         // charging follows the schedule
	OffPeak     [2]TimeOfDay // start and end of the cheap hours
	OffPeakOnly bool         // charge in them only
	Climate     bool         // climate before departures
	Temperature Quantity     // 17–27 °C in steps of 0.5, or °F
	Defrost     bool
}

// Departure is one planned departure.
type Departure struct {
	Enabled bool
	Days    Days
	Time    TimeOfDay
}

// Destination sends places to the car's navigation, in the order of the route.
type Destination struct{ Points []PointOfInterest }

// PointOfInterest is a place (docs/protocol/vehicle-model.md §3, POIInfo).
type PointOfInterest struct {
	Name      string  `json:"name"`
	Latitude  float64 `json:"lat"`
	Longitude float64 `json:"lon"`
	Address   string  `json:"addr"`
	Zip       string  `json:"zip"`
	Phone     string  `json:"phone"`
	PlaceID   string  `json:"place_id"`
}

// Spec is the command's row in the catalogue.
func (Schedule) Spec() *Spec { return scheduleSpec }
func (Schedule) command()    {}

// Spec is the command's row in the catalogue.
func (Destination) Spec() *Spec { return destinationSpec }
func (Destination) command()    {}

var scheduleSpec = &Spec{
	Name: "schedule", Topic: "schedule", Meaning: "set departures, charging hours and climate",
	Fields: []Field{
		{Key: "first_departure", Meaning: `{"enabled": true, "days": [1, 2], "time": "07:10"}; 0 is Sunday`, Kind: FieldObject},
		{Key: "second_departure", Meaning: "the same", Kind: FieldObject},
		{Key: "charging_enabled", Meaning: "charge by the schedule", Kind: FieldFlag},
		{Key: "off_peak_start_time", Meaning: "start of the cheap hours, HH:MM", Kind: FieldText},
		{Key: "off_peak_end_time", Meaning: "end of the cheap hours, HH:MM", Kind: FieldText},
		{Key: "off_peak_charge_only_enabled", Meaning: "charge in the cheap hours only", Kind: FieldFlag},
		{Key: "climate_enabled", Meaning: "climate before departures", Kind: FieldFlag},
		{Key: "temperature", Meaning: "temperature, in °C unless temperature_unit is 1", Kind: FieldNumber, Min: 14, Max: 90},
		{Key: "temperature_unit", Meaning: "0 °C, 1 °F", Kind: FieldNumber, Min: 0, Max: 1, Step: 1},
		{Key: "defrost", Meaning: "defrost before departures", Kind: FieldFlag},
	},
	Limit: usualLimit, Wakes: wakes, build: buildSchedule, Effect: scheduleEffect,
}

func buildSchedule(v Values) (Command, error) {
	s := Schedule{
		Charging: v.flag("charging_enabled").Value, OffPeakOnly: v.flag("off_peak_charge_only_enabled").Value,
		Climate: v.flag("climate_enabled").Value, Defrost: v.flag("defrost").Value,
		Temperature: Quantity{v.number("temperature").Or(21), Celsius},
	}
	if v.whole("temperature_unit").Value == 1 {
		s.Temperature.Unit = Fahrenheit
	}
	for i, key := range []string{"first_departure", "second_departure"} {
		s.Departures[i].Days = Days{time.Sunday}
		if raw, ok := v[key].(json.RawMessage); ok {
			if err := strict(raw, (*departure)(&s.Departures[i])); err != nil {
				return nil, fmt.Errorf("%s: %w", key, err)
			}
		}
	}
	start := v.text("off_peak_start_time")
	for i, text := range []string{start, v.text("off_peak_end_time")} {
		if text == "" {
			text = start // the end is the start when it is not given
		}
		if text != "" && s.OffPeak[i].UnmarshalText([]byte(text)) != nil {
			return nil, fmt.Errorf("off_peak time %.16q is not HH:MM", text)
		}
	}
	return s, nil
}

// departure reads the JSON of one.
type departure Departure

func (d *departure) UnmarshalJSON(text []byte) error {
	form := struct {
		Enabled bool      `json:"enabled"`
		Days    []int     `json:"days"`
		Time    TimeOfDay `json:"time"`
	}{Days: []int{0}}
	if err := strict(text, &form); err != nil {
		return errors.New(`it must look like {"enabled": true, "days": [1, 2], "time": "07:10"}`)
	}
	d.Enabled, d.Time, d.Days = form.Enabled, form.Time, nil
	for _, day := range form.Days {
		if day < 0 || day > 6 {
			return fmt.Errorf("day %d is not 0 (Sunday) to 6", day)
		}
		d.Days = append(d.Days, time.Weekday(day))
	}
	return nil
}

// scheduleEffect looks at what cars report of a schedule: what is on, and of that the days and times. Cars report less of
// it than they take, so only the flags and the start of the cheap hours must be known.
func scheduleEffect(c Command, s State) Effect {
	want, _ := c.(Schedule)
	seen := flagEffect(want.Charging, ScheduledChargingOn, s)
	if want.Charging {
		start, known := OffPeakStart.Of(s)
		seen = both(seen, effect(known, start == want.OffPeak[0]))
		seen = both(seen, reported(OffPeakEnd, s, func(end TimeOfDay) bool { return end == want.OffPeak[1] }))
		seen = both(seen, reported(OffPeakOnly, s, func(only bool) bool { return only == want.OffPeakOnly }))
	}
	for i, row := range departureRows {
		departure := want.Departures[i]
		seen = both(seen, flagEffect(departure.Enabled, row.on, s))
		if !departure.Enabled {
			continue // the rest of what is off is nobody's wish
		}
		seen = both(seen, reported(row.days, s, departure.Days.same))
		seen = both(seen, reported(row.time, s, func(at TimeOfDay) bool { return at == departure.Time }))
	}
	return seen
}

// departureRows are what cars report of departures.
var departureRows = [2]struct {
	on   Point[bool]
	days Point[Days]
	time Point[TimeOfDay]
}{
	{Departure1On, Departure1Days, Departure1Time},
	{Departure2On, Departure2Days, Departure2Time},
}

// reported is the effect where a data point is known; one that is not contradicts nothing.
func reported[T any](p Point[T], s State, wanted func(T) bool) Effect {
	is, known := p.Of(s)
	return effect(true, !known || wanted(is))
}

// same tells whether the days are the same, in whatever order.
func (d Days) same(other Days) bool {
	return d.set() == other.set()
}

// set is the days as bits.
func (d Days) set() (bits uint8) {
	for _, day := range d {
		bits |= 1 << day
	}
	return bits
}

func flagEffect(want bool, p Point[bool], s State) Effect {
	is, known := p.Of(s)
	return effect(known, is == want)
}

var destinationSpec = &Spec{
	Name: "destination", Topic: "destination", Meaning: "send places to the navigation",
	Fields: []Field{{
		Key: "points", Meaning: `[{"name": "Home", "lat": 52.52, "lon": 13.405}], in the order of the route; also addr, zip, phone, place_id`,
		Kind: FieldObject, Required: true,
	}},
	Limit: usualLimit, Wakes: wakes,
	build: func(v Values) (Command, error) {
		raw, _ := v["points"].(json.RawMessage)
		var d Destination
		if err := strict(raw, &d.Points); err != nil || len(d.Points) == 0 || len(d.Points) > 10 {
			return nil, errors.New(`points must be a list of 1 to 10 places such as {"name": "Home", "lat": 52.52, "lon": 13.405}`)
		}
		for i, p := range d.Points {
			if p.Latitude < -90 || p.Latitude > 90 || p.Longitude < -180 || p.Longitude > 180 || p.Name == "" {
				return nil, fmt.Errorf("point %d needs a name, a lat within 90 and a lon within 180 degrees", i+1)
			}
		}
		return d, nil
	},
}

// strict reads JSON in which no key is unknown.
func strict(raw []byte, target any) error {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	return decoder.Decode(target)
}
