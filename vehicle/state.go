package vehicle

import (
	"encoding/json"
	"fmt"
	"iter"
	"reflect"
	"slices"
	"time"
)

// futureTolerance is how far a report may be ahead of our clock before it is refused: more than any mistake about zones.
const futureTolerance = 24 * time.Hour

// State is what we believe about a car. The zero State knows nothing. A State is a value: Apply returns a new one and
// leaves the old as it was, so that both may be read by any goroutine.
type State struct {
	readings []reading // ordered by row of the catalogue
	fetched  time.Time
}

// reading is kept small: a process holds up to a million of them.
type reading struct {
	datum              *Datum
	value, last        any   // value is nil while unknown; last is the newest good value
	reported, lastSeen int64 // microseconds since 1970; 0 is unknown
	fetched            int64
}

// Reading is one data point of a state.
type Reading struct {
	Datum    *Datum
	Value    any       // of the row's Go type; nil while unknown
	Reported time.Time // the car's clock in UTC; zero when unknown
	Fetched  time.Time // our clock when the value, or its becoming unknown, was fetched
	Last     any       // the newest good value, also when Value is nil now
	LastSeen time.Time // when the car reported the last good value; zero when unknown
}

// Unit is the unit of the value, or NoUnit.
func (r Reading) Unit() Unit {
	value := r.Value
	if value == nil {
		value = r.Last
	}
	if q, ok := value.(Quantity); ok {
		return q.Unit
	}
	return r.Datum.Unit
}

// Change is a data point whose value or unit became another.
type Change struct{ Old, New Reading }

// Refusal is an observation that was not believed.
type Refusal struct {
	Datum  *Datum
	Reason Refused
	Raw    string
	Source string
}

func (r Refusal) String() string { return fmt.Sprintf("%s: %s (%s)", r.Datum.Key, r.Reason, r.Raw) }

// Apply is what we believe after a report. It is the only way in which a state changes, and pure.
//
// An observation that is older than what is known changes nothing, nor does one without a report time against one that
// has it: a missing time never counts as newer. A refused observation makes its data point unknown, except a counter,
// which holds; the last good value and its time stay in any case. What the report lacks stays as it is.
func (s State) Apply(report Report, now time.Time) (next State, changes []Change, refusals []Refusal) {
	if len(report.Observations) == 0 {
		return s, nil, nil
	}
	next = State{readings: slices.Grow(slices.Clone(s.readings), len(report.Observations)), fetched: now}
	for i := range report.Observations {
		o := &report.Observations[i]
		refused := func(reason Refused) {
			refusals = append(refusals, Refusal{o.Datum, reason, o.Raw, o.Source})
		}
		known := next.find(o.Datum)
		if reason := outOfOrder(known, o, now); reason != "" {
			if known == nil || o.Value == nil || !same(known.value, o.Value) {
				refused(reason)
			}
			continue
		}
		value := withUnit(o, known)
		if reason := implausible(o, value, known); reason != "" {
			refused(reason)
			if o.Datum.Counter || known == nil {
				continue
			}
			value = nil
		}
		if known == nil {
			known = next.insert(o.Datum)
		}
		before := *known
		// A clock that is ahead must not keep later reports out: nothing was reported after it reached us.
		known.value, known.reported, known.fetched = value, min(micros(o.Reported), micros(now)), micros(now)
		if value != nil {
			known.last, known.lastSeen = value, known.reported
		}
		if !same(before.value, value) {
			changes = append(changes, Change{before.export(), known.export()})
		}
	}
	return next, changes, refusals
}

// outOfOrder says why the observation must not touch what is known, or nothing.
func outOfOrder(known *reading, o *Observation, now time.Time) Refused {
	switch {
	case known == nil:
		if o.Reported.Sub(now) > futureTolerance && !o.Reported.IsZero() {
			return RefusedFuture
		}
		return ""
	case o.Reported.IsZero() && known.reported != 0:
		return RefusedNoTime
	case o.Reported.IsZero():
		return ""
	case o.Reported.Sub(now) > futureTolerance:
		return RefusedFuture
	case micros(o.Reported) < known.reported:
		return RefusedOlder
	}
	return ""
}

// withUnit completes a quantity whose unit is missing by the last one known, else by the row's own.
func withUnit(o *Observation, known *reading) any {
	q, ok := o.Value.(Quantity)
	if !ok || q.Unit != NoUnit {
		return o.Value
	}
	q.Unit = o.Datum.Unit
	if known != nil {
		if last, ok := known.last.(Quantity); ok && last.Unit != NoUnit {
			q.Unit = last.Unit
		}
	}
	if q.Unit == NoUnit {
		return o.Value
	}
	return q
}

// implausible says why the value is not believed, or nothing.
func implausible(o *Observation, value any, known *reading) Refused {
	if o.Refuse != "" {
		return o.Refuse
	}
	number, numeric := numberOf(value)
	if !numeric {
		return ""
	}
	d := o.Datum
	if !finite(number) || d.Min != d.Max && (number < d.Min || number > d.Max) {
		return RefusedRange
	}
	if q, ok := value.(Quantity); ok && d.Rising && known != nil {
		last, ok := known.last.(Quantity)
		if !ok {
			return ""
		}
		// Compared in the new unit: a car whose unit was switched has not driven backwards.
		if last, ok = last.In(q.Unit); ok && q.Value < last.Value-0.5 {
			return RefusedFell
		}
	}
	return ""
}

// numberOf is the number that the catalogue's bounds speak of.
func numberOf(value any) (float64, bool) {
	switch v := value.(type) {
	case Percent:
		return float64(v), true
	case Number:
		return float64(v), true
	case Quantity:
		return v.Value, true
	case time.Duration:
		return v.Minutes(), true
	}
	return 0, false
}

// same tells whether two values are equal; rows with lists are compared by element.
func same(a, b any) bool {
	switch v := a.(type) {
	case Days:
		w, ok := b.(Days)
		return ok && slices.Equal(v, w)
	case time.Time:
		w, ok := b.(time.Time)
		return ok && v.Equal(w)
	case []DailyStats, MonthTrips, DayTrips:
		return reflect.DeepEqual(a, b)
	}
	switch b.(type) {
	case Days, []DailyStats, MonthTrips, DayTrips:
		return false
	}
	return a == b
}

// Read gives one data point; a point that was never reported reads as unknown.
func (s State) Read(d *Datum) Reading {
	if r := s.find(d); r != nil {
		return r.export()
	}
	return Reading{Datum: d}
}

// All gives every data point that was ever reported, in the order of the catalogue.
func (s State) All() iter.Seq[Reading] {
	return func(yield func(Reading) bool) {
		for i := range s.readings {
			if !yield(s.readings[i].export()) {
				return
			}
		}
	}
}

// Empty tells whether nothing was ever reported.
func (s State) Empty() bool { return len(s.readings) == 0 }

// ReportedAt is when the car last reported, by its own clock in UTC; zero when unknown.
func (s State) ReportedAt() time.Time {
	at, _ := LastUpdatedAt.Of(s)
	return at
}

// FetchedAt is when a report last reached us, by our clock; zero when none has.
func (s State) FetchedAt() time.Time { return s.fetched }

func (s State) find(d *Datum) *reading {
	if at, ok := s.search(d); ok {
		return &s.readings[at]
	}
	return nil
}

func (s State) search(d *Datum) (int, bool) {
	low, high := 0, len(s.readings)
	for low < high {
		middle := int(uint(low+high) >> 1)
		if s.readings[middle].datum.index < d.index {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low, low < len(s.readings) && s.readings[low].datum == d
}

func (s *State) insert(d *Datum) *reading {
	at, _ := s.search(d)
	s.readings = slices.Insert(s.readings, at, reading{datum: d})
	return &s.readings[at]
}

func (r *reading) export() Reading {
	return Reading{r.datum, r.value, fromMicros(r.reported), fromMicros(r.fetched), r.last, fromMicros(r.lastSeen)}
}

func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func fromMicros(m int64) time.Time {
	if m == 0 {
		return time.Time{}
	}
	return time.UnixMicro(m).UTC()
}

// storedState and storedReading are the form in which a state lies in the store.
type storedState struct {
	Fetched  time.Time                `json:"fetched_at"`
	Readings map[string]storedReading `json:"readings"`
}

type storedReading struct {
	Value    json.RawMessage `json:"value,omitempty"`
	Last     json.RawMessage `json:"last,omitempty"` // only where it differs from Value
	Reported int64           `json:"reported,omitempty"`
	Seen     int64           `json:"seen,omitempty"`
	Fetched  int64           `json:"fetched,omitempty"`
}

// MarshalJSON writes the form for the store.
func (s State) MarshalJSON() ([]byte, error) {
	stored := storedState{s.fetched, make(map[string]storedReading, len(s.readings))}
	for i := range s.readings {
		r := &s.readings[i]
		entry := storedReading{Reported: r.reported, Seen: r.lastSeen, Fetched: r.fetched}
		var err error
		if r.value != nil {
			if entry.Value, err = json.Marshal(r.value); err != nil {
				return nil, fmt.Errorf("encode %s: %w", r.datum.Key, err)
			}
		} else if r.last != nil {
			if entry.Last, err = json.Marshal(r.last); err != nil {
				return nil, fmt.Errorf("encode %s: %w", r.datum.Key, err)
			}
		}
		stored.Readings[r.datum.Key] = entry
	}
	return json.Marshal(stored)
}

// UnmarshalJSON reads the form of the store. A data point of another version of the catalogue, or one that cannot be
// read, is left out: the next report brings it again.
func (s *State) UnmarshalJSON(text []byte) error {
	var stored storedState
	if err := json.Unmarshal(text, &stored); err != nil {
		return err
	}
	next := State{fetched: stored.Fetched, readings: make([]reading, 0, len(stored.Readings))}
	for _, d := range rows {
		entry, ok := stored.Readings[d.Key]
		if !ok {
			continue
		}
		r := reading{datum: d, reported: entry.Reported, lastSeen: entry.Seen, fetched: entry.Fetched}
		var err error
		if entry.Value != nil {
			r.value, err = d.codec(entry.Value)
			r.last = r.value
		} else if entry.Last != nil {
			r.last, err = d.codec(entry.Last)
		}
		if err == nil {
			next.readings = append(next.readings, r)
		}
	}
	*s = next
	return nil
}
