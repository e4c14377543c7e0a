package topic

import (
	"bytes"
	"iter"
	"slices"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// Options are what the user decides about data topics.
type Options struct {
	Units Units
	// RetainLocation keeps the car's position on the broker; otherwise it is told and forgotten.
	RetainLocation bool
	// Location says what of the position is told at all, Zones the names of places.
	Location Location
	Zones    []Zone
}

// Table is all data topics for one choice of options. It never changes and may be shared by all cars and goroutines.
type Table struct {
	units   Units
	rows    []*Row
	byDatum map[*vehicle.Datum][]int // positions in rows, ascending
	moments []int                    // rows that depend on no data point but on the state's own times
}

// NewTable builds the table.
func NewTable(o Options) *Table {
	t := &Table{units: o.Units, byDatum: map[*vehicle.Datum][]int{}}
	all := specs()
	if len(o.Zones) > 0 {
		all = append(all, zoneTopic(o.Zones))
	}
	for at, topic := range slices.DeleteFunc(all, func(topic spec) bool { return !o.told(topic) }) {
		row := &Row{
			Suffix: topic.suffix, Place: slices.ContainsFunc(topic.from, place), Inputs: slices.Concat(topic.from, topic.with),
			at: at, units: o.Units, write: topic.write, from: topic.from,
		}
		row.Retain = o.RetainLocation || !row.Place
		t.rows = append(t.rows, row)
		for _, d := range row.Inputs {
			t.byDatum[d] = append(t.byDatum[d], at)
		}
		if len(row.Inputs) == 0 {
			t.moments = append(t.moments, at)
		}
	}
	return t
}

// Rows is all data topics in order of publication. It must not be changed.
func (t *Table) Rows() []*Row { return t.rows }

// Of is the topics that depend on a data point, in order of publication. The car's identity has none; it is published as
// info.
func (t *Table) Of(d *vehicle.Datum) []*Row {
	all := make([]*Row, 0, len(t.byDatum[d]))
	for _, at := range t.byDatum[d] {
		all = append(all, t.rows[at])
	}
	return all
}

// Seen gives the topics that have something to tell, in order of publication: everything that was ever known, what has
// become unknown since included. It is what a new connection publishes.
func (t *Table) Seen(s vehicle.State) iter.Seq[*Row] {
	return func(yield func(*Row) bool) {
		for _, row := range t.rows {
			if row.Seen(s) && !yield(row) {
				return
			}
		}
	}
}

// Changed gives the topics whose value or unit became another between two states, in order of publication; changes is
// what [vehicle.State.Apply] said. A data point that changed within the rounding, or that did not change what is made of
// it, is not among them.
func (t *Table) Changed(before, after vehicle.State, changes []vehicle.Change) []*Row {
	touched := slices.Clone(t.moments)
	for i := range changes {
		touched = append(touched, t.byDatum[changes[i].New.Datum]...)
	}
	slices.Sort(touched)
	touched = slices.Compact(touched)
	changed := make([]*Row, 0, len(touched))
	var old, now []byte
	var oldUnit, nowUnit string
	for _, at := range touched {
		row := t.rows[at]
		old, oldUnit = row.write(old[:0], row.units, before)
		now, nowUnit = row.write(now[:0], row.units, after)
		if oldUnit != nowUnit || !bytes.Equal(old, now) || !row.Seen(before) && row.Seen(after) {
			changed = append(changed, row)
		}
	}
	return changed
}

// Row is one data topic.
type Row struct {
	// Suffix is the topic below the car's, see [Car.Topic].
	Suffix string
	// Retain says whether the broker shall keep it.
	Retain bool
	// Place says that it tells where the car is.
	Place bool
	// Inputs are the data points on which the value depends.
	Inputs []*vehicle.Datum

	at    int
	units Units
	write writer
	from  []*vehicle.Datum // those of Inputs that the value is made of
}

// Position is the row's place in the order of publication, from 0, for tables beside this one.
func (r *Row) Position() int { return r.at }

// Seen tells whether the value was ever known. A topic that was never known is not published.
func (r *Row) Seen(s vehicle.State) bool {
	if len(r.from) == 0 {
		return !s.FetchedAt().IsZero()
	}
	for _, d := range r.from {
		if s.Read(d).Last != nil {
			return true
		}
	}
	return false
}

// Unit is the unit in which the value is told, empty where it has none or none is known yet.
func (r *Row) Unit(s vehicle.State) string {
	_, unit := r.write(nil, r.units, s)
	return unit
}

// Reported is when the car last reported what the value is made of, by its own clock; zero when unknown.
func (r *Row) Reported(s vehicle.State) time.Time {
	_, reported := r.times(s)
	return reported
}

// Append appends the payload: the envelope with value, null while unknown, the time at which it was fetched, the time at
// which the car reported it, and the unit, the last two where known. While the value is unknown the last good one and its
// time stand behind them.
func (r *Row) Append(dst []byte, s vehicle.State) []byte {
	fetched, reported := r.times(s)
	dst = appendHead(dst)
	start := len(dst)
	dst, unit := r.write(dst, r.units, s)
	unknown := isNull(dst[start:])
	dst = appendTail(dst, fetched, reported, unit)
	if !unknown {
		return dst
	}
	return r.appendLast(dst, s)
}

// appendLast adds the last good value to an envelope that ends with dst, where there is one.
func (r *Row) appendLast(dst []byte, s vehicle.State) []byte {
	s = s.LastGood(r.Inputs...)
	end := len(dst) - 1
	o := object{dst: dst[:end]}
	o.key("last_value")
	start := len(o.dst)
	o.dst, _ = r.write(o.dst, r.units, s)
	if isNull(o.dst[start:]) {
		return append(o.dst[:end], '}')
	}
	if _, reported := r.times(s); !reported.IsZero() {
		o.key("last_reported_at")
		o.dst = appendTime(o.dst, reported, seconds)
	}
	return o.end()
}

// times are the latest of what the value is made of.
func (r *Row) times(s vehicle.State) (fetched, reported time.Time) {
	if len(r.from) == 0 {
		return s.FetchedAt(), time.Time{}
	}
	for _, d := range r.from {
		reading := s.Read(d)
		if reading.Fetched.After(fetched) {
			fetched = reading.Fetched
		}
		if reading.Reported.After(reported) {
			reported = reading.Reported
		}
	}
	return fetched, reported
}
