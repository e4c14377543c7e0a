package bridge_test

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/store"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// TestCarBattery_ThatFallsWhileParkedIsToldOnceAndNeverWakes holds the warning over a restart, for a car that is read once
// a day.
func TestCarBattery_ThatFallsWhileParkedIsToldOnceAndNeverWakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory, percent, runs := store.NewMemory(), vehicle.Percent(90), false
		var events []string
		falling, warnings := "", 0
		c := newCloud(car(1))
		c.answering(func() (vehicle.Report, error) {
			return report(time.Now(), func(r *vehicle.Report) {
				vehicle.Battery12V.Set(r, percent, "")
				vehicle.EngineRunning.Set(r, runs, "")
			}), nil
		})
		days := func(n int, daily vehicle.Percent) {
			w := build(t, c, keeping(memory)).run()
			defer w.stop()
			for range n {
				published := w.ask(t)
				events = append(events, published["event/battery"]...)
				for _, payload := range published["status/car_battery_falling"] {
					falling = payload
				}
				pass(24 * time.Hour)
				percent -= daily
			}
			w.Connected()
			synctest.Wait()
			if again := w.outbox.value("car-1/status/car_battery_falling"); !strings.HasPrefix(falling, `{"value":`+again) {
				t.Errorf("after a connect it says %s", again)
			}
			warnings += len(w.log.with("WARN", "the 12 V battery falls"))
		}
		check := func(when string, count int, value string) {
			t.Helper()
			if len(events) != count || warnings != count || !strings.HasPrefix(falling, `{"value":`+value) {
				t.Errorf("%s: %s, events %v, %d warnings", when, falling, events, warnings)
			}
		}
		days(2, 3)
		check("after two days", 0, "false")
		days(2, 3)
		check("after four days", 1, "true")
		var event struct {
			Type    string  `json:"event_type"`
			Percent float64 `json:"percent"`
			Daily   float64 `json:"percent_per_day"`
		}
		if err := json.Unmarshal([]byte(events[0]), &event); err != nil || event.Type != "car_battery_falling" || event.Percent != 84 || event.Daily != 3 {
			t.Errorf("event %s: %v", events[0], err)
		}
		days(3, 3)
		check("after a restart and a week", 1, "true")
		runs = true
		days(1, -10)
		check("after a drive", 1, "false")
		for _, made := range c.made() {
			if made.force {
				t.Error("the car was woken")
			}
		}
	})
}
