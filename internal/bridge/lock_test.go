package bridge_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

func TestLock_ShowsThatItMovesWhileACommandRuns(t *testing.T) {
	drive(t, func(t *testing.T, w *world, o *obedient) {
		shown := func() (words []string) {
			for _, payload := range w.outbox.on("hyundai/car-1/status/doors/lock_state") {
				var envelope struct {
					Value string `json:"value"`
				}
				if err := json.Unmarshal([]byte(payload), &envelope); err != nil {
					t.Errorf("%s: %v", payload, err)
				}
				words = append(words, envelope.Value)
			}
			w.outbox.take()
			return words
		}
		w.give("x", "lock", "lock")
		pass(time.Minute)
		if got, want := fmt.Sprint(shown()), "[locking locked]"; got != want {
			t.Errorf("locked, it shows %s, want %s", got, want)
		}
		o.carries = func(vehicle.Command) {} // nothing happens
		w.give("y", "lock", "unlock")
		pass(5 * time.Minute)
		if got, want := fmt.Sprint(shown()), "[unlocking locked]"; got != want {
			t.Errorf("refused, it shows %s, want %s", got, want)
		}
		w.give("z", "climate", "start")
		pass(5 * time.Minute)
		if got := shown(); len(got) > 0 {
			t.Errorf("the climate control moves it: %v", got)
		}
	})
}
