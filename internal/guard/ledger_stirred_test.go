package guard

import (
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// TestStirred_TellsReadsThatWakeAParkedCar is C4.
func TestStirred_TellsReadsThatWakeAParkedCar(t *testing.T) {
	parked := func(reported time.Time, change ...func(*vehicle.Report)) vehicle.State {
		r := vehicle.Report{Reported: reported.UTC()}
		vehicle.LastUpdatedAt.Set(&r, r.Reported, "")
		vehicle.EngineRunning.Set(&r, false, "")
		for _, f := range change {
			f(&r)
		}
		next, _, _ := vehicle.State{}.Apply(r, reported)
		return next
	}
	for name, test := range map[string]struct {
		known   func(previous time.Time) vehicle.State // what the read after it saw
		every   time.Duration
		woken   func(previous time.Time) time.Time
		suspect bool
	}{
		"it reports right after each read": {known: func(p time.Time) vehicle.State { return parked(p.Add(20 * time.Second)) }, suspect: true},
		"it sleeps":                        {known: func(time.Time) vehicle.State { return parked(noon.Add(-9 * time.Hour)) }},
		"it reports when it likes":         {known: func(p time.Time) vehicle.State { return parked(p.Add(11 * time.Minute)) }},
		"it drives": {known: func(p time.Time) vehicle.State {
			return parked(p.Add(20*time.Second), func(r *vehicle.Report) { vehicle.EngineRunning.Set(r, true, "") })
		}},
		"it charges": {known: func(p time.Time) vehicle.State {
			return parked(p.Add(20*time.Second), func(r *vehicle.Report) { vehicle.Charging.Set(r, true, "") })
		}},
		"a person woke it":  {known: func(p time.Time) vehicle.State { return parked(p.Add(20 * time.Second)) }, woken: func(p time.Time) time.Time { return p.Add(time.Second) }},
		"reads are a flood": {known: func(p time.Time) vehicle.State { return parked(p.Add(20 * time.Second)) }, every: time.Minute},
		"nothing is known":  {known: func(time.Time) vehicle.State { return vehicle.State{} }},
	} {
		t.Run(name, func(t *testing.T) {
			var s stirred
			every := test.every
			if every == 0 {
				every = 30 * time.Minute
			}
			for n := range 8 {
				now := noon.Add(time.Duration(n) * every)
				var wake time.Time
				if test.woken != nil {
					wake = test.woken(s.Previous)
				}
				s.read(now, wake, test.known(s.Previous))
			}
			if s.suspect() != test.suspect {
				t.Errorf("suspected: %t (%d times)", s.suspect(), s.Times)
			}
		})
	}
}
