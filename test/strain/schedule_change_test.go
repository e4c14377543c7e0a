package strain

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/bridge"
)

// TestSchedule_PartsAreChangedOneByOne sets what Home Assistant's switches and times set, on a car whose schedule is known.
func TestSchedule_PartsAreChangedOneByOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, parked)
		w.start(setup{interval: interval, unlimited: true, change: withPIN})
		defer w.stop()
		w.served()
		// A car of the CCS2 protocol does not tell whether it warms up before departures: nothing is guessed.
		for protocol, known := range map[string]bool{"flat": true, "ccs2": false} {
			car := w.car(home, protocol)
			give := func(id, topic, payload string) record {
				w.app.Bridge().Handle(bridge.Message{Topic: "hyundai/" + car.ID + "/commands/" + topic, Payload: []byte(`{"id":"` + id + `",` + payload + `}`)})
				return w.ended(id)
			}
			topics := "hyundai/" + car.ID + "/status/schedule/"
			first := give(protocol+"-whole", "schedule", `"first_departure":{"enabled":true,"days":[1,2],"time":"07:10"},"charging_enabled":true,"off_peak_start_time":"23:00","off_peak_end_time":"06:00","climate_enabled":true,"temperature":21`)
			if first.State != "verified" && first.State != "confirmed" {
				t.Skipf("%s: this car takes no schedule: %s", protocol, first.end())
			}
			pass(time.Minute)
			part := give(protocol+"-part", "schedule_change", `"first_departure_time":"08:20:00"`)
			if done := part.State == "verified" || part.State == "confirmed"; done != known || !done && part.end() != "rejected/precondition_failed" {
				t.Errorf("%s: a part of the schedule ended %s: %s", protocol, part.end(), part.Message)
			}
			at := "08:20:00"
			if !known {
				at = "07:10:00"
			}
			for key, want := range map[string]any{
				"ev_first_departure_time": at, "ev_first_departure_enabled": true, "ev_off_peak_start_time": "23:00:00", "ev_schedule_charge_enabled": true,
			} {
				if got := w.box.value(topics + key); got != want {
					t.Errorf("%s: %s is %v, want %v", protocol, key, got, want)
				}
			}
		}
	})
}
