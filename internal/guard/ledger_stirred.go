package guard

import (
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// Signs that reads wake a car.
const (
	stirWithin  = 2 * time.Minute // after a read, a report of a parked car is no accident
	stirGap     = 5 * time.Minute // reads that are closer together tell nothing
	stirSuspect = 3               // times in a row
)

// stirred watches whether the reads of a car, which should be answered from what the cloud knows, wake it: some clouds ask
// some cars, and a parked car whose report time moves right after each read gives them away.
type stirred struct {
	Last     time.Time `json:"last,omitzero"`     // the latest read
	Previous time.Time `json:"previous,omitzero"` // the one before
	Times    int       `json:"times,omitempty"`   // reads in a row after which a parked car reported at once
}

func (s stirred) suspect() bool { return s.Times >= stirSuspect }

// read notes a read that begins, and what its predecessor brought.
func (s *stirred) read(now, lastWake time.Time, known vehicle.State) {
	reported := known.ReportedAt()
	if !s.Previous.IsZero() && s.Last.Sub(s.Previous) >= stirGap && !reported.IsZero() {
		after := reported.Sub(s.Previous)
		switch {
		case lastWake.After(s.Previous.Add(-stirWithin)) && lastWake.Before(s.Last), !isParked(known):
			s.Times = 0 // there was another reason to report
		case after > 0 && after <= stirWithin:
			s.Times++
		default:
			s.Times = 0
		}
	}
	s.Previous, s.Last = s.Last, now
}

// isParked tells whether the car is known to stand and not to charge.
func isParked(known vehicle.State) bool {
	running, known1 := vehicle.EngineRunning.Of(known)
	charging, known2 := vehicle.Charging.Of(known)
	climate, _ := vehicle.AirControl.Of(known)
	return known1 && !running && !(known2 && charging) && !climate
}
