package vehicle

import (
	"time"
)

// What the charge of a resting 12 V battery is judged by. A healthy one loses less than a percent a day in a parked car
// (assumed; no cloud says so); sensors are coarse by two or three (seen in recorded reports).
const (
	restKept       = 14   // days of which a charge is remembered
	restSpan       = 2    // days between the first and the last charge before anything is said
	restFalls      = 6    // percent between them that are no accident
	restFallsDaily = 1.5  // percent a day, likewise
	restRises      = 3    // percent above the one before: something has charged it
	restDrives     = 0.5  // km on the odometer
	restBusyDaily  = 8    // reports a day of a parked car that something must keep awake
	day            = 24.0 // hours
)

// Rest is what the charges of a 12 V battery were since the car last drove, charged or was conditioned, one a day. The
// zero Rest knows none. A Rest is a value: Next returns a new one.
type Rest struct {
	Charges  []RestCharge `json:"charges,omitempty"` // oldest first, at most restKept
	Odometer Quantity     `json:"odometer,omitzero"` // while it rests
	Fell     bool         `json:"fell,omitempty"`    // it was found falling
}

// RestCharge is the last charge of a day of rest.
type RestCharge struct {
	At      time.Time `json:"at"` // by the car's clock
	Percent Percent   `json:"percent"`
	Reports int       `json:"reports"` // of the car, on that day
}

// Fall is how the charge of a resting 12 V battery falls.
type Fall struct {
	Since   time.Time // by the car's clock
	From    Percent   // then
	To      Percent   // now
	Daily   float64   // percent a day
	Reports float64   // of the car, a day
}

// Busy tells whether the parked car reports so often that something must keep it awake: reads, wakes, an app, an open
// door. Otherwise the battery itself, or what hangs on it, explains the fall.
func (f Fall) Busy() bool { return f.Reports >= restBusyDaily }

// Next takes a newer state of the car.
func (r Rest) Next(s State) Rest {
	odometer, _ := Odometer.Of(s)
	if active(s) || moved(r.Odometer, odometer) {
		return Rest{Odometer: odometer}
	}
	if r.Odometer == (Quantity{}) {
		r.Odometer = odometer
	}
	percent, known := Battery12V.Of(s)
	at := s.Read(Battery12V.Datum).Reported
	if !known || at.IsZero() {
		return r
	}
	charge := RestCharge{at, percent, 1}
	count := len(r.Charges)
	if count == 0 {
		r.Charges = []RestCharge{charge}
		return r
	}
	last := r.Charges[count-1]
	switch {
	case !at.After(last.At):
		return r
	case percent >= last.Percent+restRises:
		return Rest{Odometer: r.Odometer, Charges: []RestCharge{charge}}
	}
	kept := append(make([]RestCharge, 0, count+1), r.Charges...)
	if sameDay := count > 1 && at.Sub(kept[count-2].At).Hours() < day; sameDay {
		charge.Reports += last.Reports
		kept[count-1] = charge
	} else {
		kept = append(kept, charge)
	}
	r.Charges = kept[max(0, len(kept)-restKept):]
	if fall, ok := r.Trend(); ok {
		r.Fell = r.Fell || fall.falls()
	}
	return r
}

// Trend is how the charge falls or holds; ok is false until the car has rested for two days.
func (r Rest) Trend() (fall Fall, ok bool) {
	if len(r.Charges) < 2 {
		return Fall{}, false
	}
	first, last := r.Charges[0], r.Charges[len(r.Charges)-1]
	days := last.At.Sub(first.At).Hours() / day
	if days < restSpan {
		return Fall{}, false
	}
	reports := 0
	for _, c := range r.Charges[1:] {
		reports += c.Reports
	}
	return Fall{
		Since: first.At, From: first.Percent, To: last.Percent, Daily: float64(first.Percent-last.Percent) / days,
		Reports: float64(reports) / days,
	}, true
}

func (f Fall) falls() bool { return f.From-f.To >= restFalls && f.Daily >= restFallsDaily }

// active tells whether the car does something that charges its 12 V battery.
func active(s State) bool {
	for _, p := range []Point[bool]{EngineRunning, Charging, AirControl} {
		if on, known := p.Of(s); known && on {
			return true
		}
	}
	return false
}

func moved(from, to Quantity) bool {
	if from == (Quantity{}) || to == (Quantity{}) {
		return false
	}
	from, known := from.In(Kilometre)
	to, also := to.In(Kilometre)
	return known && also && to.Value-from.Value >= restDrives
}
