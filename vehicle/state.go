package vehicle

import (
	"fmt"
	"iter"
	"reflect"
	"slices"
	"time"
)

// Limits of a report's time against our clock.
const (
	// futureTolerance is how far a report may be ahead before it is refused: more than any mistake about zones.
	futureTolerance = 24 * time.Hour
	// aheadTolerance is how far a time may be ahead before that is said: more than clocks commonly differ.
	aheadTolerance = 2 * time.Minute
)

// State is what we believe about a car. The zero State knows nothing. A State is a value: Apply returns a new one and
// leaves the old as it was, so that both may be read by any goroutine.
type State struct {
	readings []reading // ordered by row of the catalogue
	doubts   []doubt   // few, mostly none
	ahead    []moment  // the same
	fetched  time.Time
}

// reading is kept small: a process holds more than a million of them.
type reading struct {
	held              any   // the value, or the *past while it is unknown
	reported, fetched int64 // microseconds since 1970; 0 is unknown
	row               uint16
}

// past is what is remembered of a value that has become unknown.
type past struct {
	good any
	seen int64 // when it was last reported
}

// value is the value, nil while it is unknown.
func (r *reading) value() any {
	if _, unknown := r.held.(*past); unknown {
		return nil
	}
	return r.held
}

// good is the newest good value.
func (r *reading) good() any {
	if before, unknown := r.held.(*past); unknown {
		return before.good
	}
	return r.held
}

// seen is when that was last reported.
func (r *reading) seen() int64 {
	if before, unknown := r.held.(*past); unknown {
		return before.seen
	}
	return r.reported
}

// take believes a value, nil for one that is unknown.
func (r *reading) take(value any, reported, fetched int64) {
	switch _, unknown := r.held.(*past); {
	case value != nil:
		r.held = value
	case !unknown:
		r.held = &past{r.held, r.reported}
	}
	r.reported, r.fetched = reported, fetched
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

// Age is how old the last good value is, by the car's report; ok is false where there is none or its time is unknown.
func (r Reading) Age(now time.Time) (age time.Duration, ok bool) {
	if r.Last == nil || r.LastSeen.IsZero() {
		return 0, false
	}
	return max(0, now.Sub(r.LastSeen)), true
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
// has it: a missing time never counts as newer. Neither does a blank report, which shows every gauge at 0. Any other
// refused observation makes its data point unknown, except a counter, which holds; the last good value and its time stay
// in any case. A value that contradicts the last good one is doubted, that is refused until a newer report agrees. What
// the report lacks stays as it is.
func (s State) Apply(report Report, now time.Time) (next State, changes []Change, refusals []Refusal) {
	if len(report.Observations) == 0 {
		return s, nil, nil
	}
	scene := s.look(&report)
	draft, added := s.begin(&report, now)
	if added > 0 {
		changes = make([]Change, 0, added)
	}
	for i := range report.Observations {
		o := &report.Observations[i]
		refuse := func(reason Refused) {
			refusals = append(refusals, Refusal{o.Datum, reason, o.Raw, o.Source})
		}
		known := draft.find(o.Datum)
		if reason := outOfOrder(known, o, now); reason != "" {
			if known == nil || o.Value == nil || !same(known.value(), o.Value) {
				refuse(reason)
			}
			continue
		}
		if scene.blanks(o) {
			refuse(RefusedBlank)
			continue
		}
		reported := draft.notAhead(micros(o.Reported))
		value, ahead := draft.complete(o, known)
		value = unrounded(o.Datum, value, known)
		if ahead {
			refuse(RefusedAhead)
		}
		reason := implausible(o, value, known)
		if reason == "" {
			reason = draft.doubtful(o.Datum, known, value, reported, &scene)
		}
		if reason != "" {
			refuse(reason)
			if o.Datum.Counter || known == nil {
				continue
			}
			value = nil
		}
		if known == nil {
			known = draft.add(o.Datum)
		}
		before := *known
		known.take(value, reported, draft.now)
		if !same(before.value(), value) {
			changes = append(changes, Change{before.export(), known.export()})
		}
	}
	return draft.finish(), changes, refusals
}

// draft is a state in the making. It finds a row at once, as reports have about as many observations as states readings.
type draft struct {
	State
	now    int64 // microseconds since 1970
	sorted int   // so many readings are in order
	at     [mostRows]uint8
}

// begin copies the state, with room for the rows that the report adds.
func (s State) begin(report *Report, now time.Time) (d *draft, added int) {
	d = &draft{State: s, now: micros(now), sorted: len(s.readings)}
	d.fetched = now
	for i := range s.readings {
		d.at[s.readings[i].row] = uint8(i + 1)
	}
	for i := range report.Observations {
		if d.at[report.Observations[i].Datum.index] == 0 {
			added++
		}
	}
	d.readings = append(make([]reading, 0, len(s.readings)+added), s.readings...)
	return d, added
}

func (d *draft) find(datum *Datum) *reading {
	if at := d.at[datum.index]; at > 0 {
		return &d.readings[at-1]
	}
	return nil
}

func (d *draft) add(datum *Datum) *reading {
	d.readings = append(d.readings, reading{row: datum.index})
	d.at[datum.index] = uint8(len(d.readings))
	return &d.readings[len(d.readings)-1]
}

// finish puts the readings in order.
func (d *draft) finish() State {
	if len(d.readings) > d.sorted {
		slices.SortFunc(d.readings, func(a, b reading) int { return int(a.row) - int(b.row) })
	}
	return d.State
}

// outOfOrder says why the observation must not touch what is known, or nothing.
func outOfOrder(known *reading, o *Observation, now time.Time) Refused {
	switch {
	case o.Reported.Sub(now) > futureTolerance: // a time that is unknown is long past
		return RefusedFuture
	case known == nil || known.reported == 0:
		return ""
	case o.Reported.IsZero():
		return RefusedNoTime
	case micros(o.Reported) < known.reported:
		return RefusedOlder
	}
	return ""
}

// complete gives a quantity without unit the last one known, else the row's own, and takes a time that is ahead of our
// clock for now, which it tells when the two differ by more than clocks do.
func (d *draft) complete(o *Observation, known *reading) (value any, ahead bool) {
	switch v := o.Value.(type) {
	case Quantity:
		if v.Unit != NoUnit {
			break
		}
		unit := o.Datum.Unit
		if known != nil {
			if last, ok := known.good().(Quantity); ok && last.Unit != NoUnit {
				unit = last.Unit
			}
		}
		if unit != NoUnit {
			return Quantity{v.Value, unit}, false
		}
	case time.Time:
		claimed := micros(v)
		if at := d.notAhead(claimed); at != claimed {
			return fromMicros(at), claimed-at > aheadTolerance.Microseconds()
		}
	}
	return o.Value, false
}

// rounded is how much less than before a reading may be that never falls, as some calls of a cloud tell it without decimals.
const rounded = 0.5

// unrounded gives, in place of such a reading, the one that was told before: it is the same, told more exactly.
func unrounded(d *Datum, value any, known *reading) any {
	now, ok := value.(Quantity)
	if !ok || !d.Rising || known == nil {
		return value
	}
	last, ok := known.good().(Quantity)
	if ok && last.Unit == now.Unit && now.Value < last.Value && now.Value >= last.Value-rounded {
		return last
	}
	return value
}

// implausible says why the value itself is not believed, or nothing.
func implausible(o *Observation, value any, known *reading) Refused {
	if o.Refuse != "" {
		return o.Refuse
	}
	number, numeric := numberOf(value)
	if !numeric {
		return ""
	}
	d := o.Datum
	if q, ok := value.(Quantity); ok && d.Kind == KindPressure {
		if q, ok = q.In(Kilopascal); ok {
			number = q.Value
		}
	}
	if !finite(number) || d.Min != d.Max && (number < d.Min || number > d.Max) {
		return RefusedRange
	}
	if number == 0 && d.rules.zeroIsNone(o.Value) {
		return RefusedSentinel
	}
	if q, ok := value.(Quantity); ok && d.Rising && known != nil {
		last, ok := known.good().(Quantity)
		if !ok {
			return ""
		}
		// Compared in the new unit: a car whose unit was switched has not driven backwards.
		if last, ok = last.In(q.Unit); ok && q.Value < last.Value-rounded {
			return RefusedFell
		}
	}
	return ""
}

// numberOf is the number that the catalogue's rules speak of.
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

// LastGood is the state as if each of these data points still had its last good value, reported when that was.
func (s State) LastGood(data ...*Datum) State {
	old := State{fetched: s.fetched, readings: slices.Clone(s.readings)}
	for _, d := range data {
		if r := old.find(d); r != nil {
			r.held, r.reported = r.good(), r.seen()
		}
	}
	return old
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
	at, ok := slices.BinarySearchFunc(s.readings, d.index, func(r reading, row uint16) int { return int(r.row) - int(row) })
	if !ok {
		return nil
	}
	return &s.readings[at]
}

func (r *reading) export() Reading {
	return Reading{rows[r.row], r.value(), fromMicros(r.reported), fromMicros(r.fetched), r.good(), fromMicros(r.seen())}
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
