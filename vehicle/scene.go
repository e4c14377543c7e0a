package vehicle

// scene is what a report as a whole, held against what was known before, says about the car.
type scene struct {
	drives      bool   // the engine runs, or the car is ready to drive
	stands      bool   // it does not drive, and its odometer stands where it stood …
	standsSince int64  // … at this time, in microseconds since 1970
	ended       *Datum // charging, where it is this report that ends it

	blank, nowhere     bool   // the report shows every gauge at 0; a position of 0, 0
	gauges, coordinate string // the calls that told them
}

// fewGauges is how many gauges at least a report must show at 0 to be blank: one or two can be.
const fewGauges = 3

// look makes the scene. The order of the observations does not matter, nor what Apply will make of each.
func (s State) look(report *Report) scene {
	var c scene
	var parked bool
	var odometer any
	gauges, shown, dead, zeroes := 0, 0, 0, 0
	for i := range report.Observations {
		o := &report.Observations[i]
		if o.Datum.rules.gauge && o.Refuse == "" {
			gauges++
			c.gauges = o.Source
			if n, _ := numberOf(o.Value); n != 0 {
				shown++
			} else if o.Datum.rules.vital {
				dead++
			}
		}
		switch o.Datum {
		case EngineRunning.Datum:
			parked, c.drives = o.Value == false, o.Value == true
		case Odometer.Datum:
			odometer = o.Value
		case Charging.Datum:
			if was, known := Charging.Of(s); known && was && o.Value == false {
				c.ended = Charging.Datum
			}
		case Latitude.Datum, Longitude.Datum:
			if n, ok := numberOf(o.Value); ok && n == 0 {
				zeroes++
				c.coordinate = o.Source
			}
		}
	}
	c.blank = gauges >= fewGauges && shown == 0 && dead > 0
	c.nowhere = zeroes == 2
	if known := s.find(Odometer.Datum); known != nil && parked {
		was, is, ok := numbers(known.good(), odometer)
		c.stands, c.standsSince = ok && is-was < 0.5 && was-is < 0.5, known.seen()
	}
	return c
}

// Blank tells whether a report shows every gauge at 0, also those that no car which still reports can have there: a cloud
// that has lost the car's data answers so. [State.Apply] does not believe it; a client may prefer to say that the cloud
// has nothing to tell.
func (r Report) Blank() bool { return State{}.look(&r).blank }

// blanks tells whether an observation comes from a call that shows nothing: what such a call says besides is as hollow.
func (c *scene) blanks(o *Observation) bool {
	return c.blank && o.Source == c.gauges || c.nowhere && o.Source == c.coordinate && o.Datum.Group == GroupLocation
}
