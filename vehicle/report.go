package vehicle

import "time"

// Report is what a cloud saw of a car: a sparse list of observations. A data point that is not in it was not reported,
// which says nothing about the car.
type Report struct {
	Engine       Engine    // drops what such a car cannot have
	Reported     time.Time // the car's clock in UTC, given to the observations that follow; zero when unknown
	Source       string    // the call that answered, given to the observations that follow
	Observations []Observation
}

// Observation is one data point of a report.
type Observation struct {
	Datum    *Datum
	Value    any       // of the row's Go type, in the unit of the car; nil with a reason to refuse
	Refuse   Refused   // why the decoder could not take the leaf; empty for a value
	Raw      string    // the text that was read
	Reported time.Time // zero when unknown
	Source   string
}

// Refused says why a value was not believed.
type Refused string

// The reasons, as decode, logs and metrics spell them.
const (
	RefusedSentinel Refused = "sentinel"       // the wire's way to say "no value"
	RefusedType     Refused = "wrong_type"     // a leaf of another type than the page says
	RefusedCode     Refused = "unknown_code"   // a code that nobody has explained
	RefusedUnit     Refused = "unknown_unit"   // a unit code that nobody has explained
	RefusedRange    Refused = "out_of_range"   // outside the catalogue's plausible range
	RefusedOlder    Refused = "older_report"   // a newer report is known
	RefusedNoTime   Refused = "no_report_time" // cannot be ordered against a report that has a time
	RefusedFuture   Refused = "future_report"  // more than a day ahead of our clock
	RefusedAhead    Refused = "clock_ahead"    // a time minutes or hours ahead of our clock, believed as the moment when it was first read
	RefusedFell     Refused = "counter_fell"   // a total that went down
	RefusedJump     Refused = "jump"           // contradicts the last good value; believed when a newer report says it too
	RefusedBlank    Refused = "blank_report"   // of a report that shows every gauge, or the position, at 0
)

// Refuse adds a leaf that the decoder could not take: the data point becomes unknown, except a counter, which holds.
func (r *Report) Refuse(d Row, reason Refused, raw string) {
	r.add(Observation{Datum: d.row(), Refuse: reason, Raw: raw})
}

// Merge adds the observations of another call to this report.
func (r *Report) Merge(other Report) {
	r.Observations = append(r.Observations, other.Observations...)
}

// Drop takes all observations of a data point out of the report, for a decoder that has a better source.
func (r *Report) Drop(points ...Row) {
	kept := r.Observations[:0]
next:
	for _, o := range r.Observations {
		for _, p := range points {
			if p.row() == o.Datum {
				continue next
			}
		}
		kept = append(kept, o)
	}
	r.Observations = kept
}

// Has tells whether the report holds a value for the data point.
func (r *Report) Has(d Row) bool {
	for i := range r.Observations {
		if r.Observations[i].Datum == d.row() && r.Observations[i].Refuse == "" {
			return true
		}
	}
	return false
}

// Row is a data point, typed or not.
type Row interface{ row() *Datum }

func (d *Datum) row() *Datum { return d }

func (r *Report) add(o Observation) {
	if !o.Datum.Fits(r.Engine) {
		return
	}
	o.Reported, o.Source = r.Reported, r.Source
	r.Observations = append(r.Observations, o)
}
