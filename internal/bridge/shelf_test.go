package bridge_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/topic"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// answering makes the cloud answer with what next says at the time of the call.
func (c *cloud) answering(next func() (vehicle.Report, error)) {
	c.reply(func(context.Context, call) (vehicle.Report, error) { return next() })
}

// ask sends a cached refresh, waits for its end and gives what was published meanwhile below the car, by topic.
func (w *world) ask(t *testing.T) map[string][]string {
	t.Helper()
	w.outbox.take()
	w.Handle(w.message("car-1", "refresh", "cached"))
	synctest.Wait()
	published := map[string][]string{}
	for _, p := range w.outbox.take() {
		if suffix, ok := strings.CutPrefix(p.Topic, "hyundai/car-1/"); ok && !strings.HasPrefix(suffix, "result/") {
			published[suffix] = append(published[suffix], string(p.Payload))
		}
	}
	return published
}

func TestShelf_EverySuccessfulRefreshTellsWhenFromWhereAndThatAllIsWell(t *testing.T) {
	c := newCloud(car(1))
	bubble(t, c, func(t *testing.T, w *world) {
		reported := time.Now()
		c.answering(func() (vehicle.Report, error) { return report(reported, soc(50)), nil })
		for range 3 {
			pass(time.Second)
			published := w.ask(t)
			for _, suffix := range []string{"status/last_updated", "status/data_source", "status/update_method", "status/error"} {
				if n := len(published[suffix]); n != 1 {
					t.Errorf("%s published %d times", suffix, n)
				}
			}
			want := `{"value":null,"timestamp":"` + time.Now().UTC().Format("2006-01-02T15:04:05.000000Z") + `"}`
			if got := published["status/error"][0]; got != want {
				t.Errorf("error %s, want %s", got, want)
			}
		}
	})
}

func TestShelf_DataTopicIsPublishedWhenItsValueOrUnitChanged(t *testing.T) {
	c := newCloud(car(1))
	bubble(t, c, func(t *testing.T, w *world) {
		start, level, distance := time.Now(), 50.0, vehicle.Quantity{Value: 200, Unit: vehicle.Kilometre}
		c.answering(func() (vehicle.Report, error) {
			return report(start, soc(level), func(r *vehicle.Report) { vehicle.EVRange.Set(r, distance, "") }), nil
		})
		published := w.ask(t)
		if len(published["battery/level"]) != 1 || len(published["ev/range"]) != 1 {
			t.Fatalf("first refresh published %v", published)
		}
		if published = w.ask(t); published["battery/level"] != nil || published["ev/range"] != nil {
			t.Errorf("nothing changed, published %v", published)
		}
		level = 51
		if published = w.ask(t); len(published["battery/level"]) != 1 || published["ev/range"] != nil {
			t.Errorf("the level changed, published %v", published)
		}
		distance = vehicle.Quantity{Value: 200, Unit: vehicle.Mile}
		if published = w.ask(t); published["battery/level"] != nil || len(published["ev/range"]) != 1 || !strings.Contains(published["ev/range"][0], `"unit":"mi"`) {
			t.Errorf("the unit changed, published %v", published)
		}
	})
}

func TestShelf_UnchangedValueIsToldAgainWhenItWasReportedAgainAndAQuarterOfAnHourHasPassed(t *testing.T) {
	c := newCloud(car(1))
	bubble(t, c, func(t *testing.T, w *world) {
		start := time.Now()
		reported := start
		c.answering(func() (vehicle.Report, error) { return report(reported, soc(50)), nil })
		w.ask(t)
		for _, step := range []struct {
			after    time.Duration // since the first refresh
			reported time.Duration // the car's clock then
			told     bool
			why      string
		}{
			{5 * time.Minute, 4 * time.Minute, false, "reported again, too early"},
			{16 * time.Minute, 4 * time.Minute, true, "reported again, late enough"},
			{40 * time.Minute, 4 * time.Minute, false, "not reported again, however late"},
			{41 * time.Minute, 39 * time.Minute, true, "reported again"},
			{55 * time.Minute, 54 * time.Minute, false, "14 min after the last time"},
			{56 * time.Minute, 54 * time.Minute, true, "15 min after the last time"},
		} {
			<-time.After(time.Until(start.Add(step.after)))
			reported = start.Add(step.reported)
			published := w.ask(t)["battery/level"]
			if (len(published) == 1) != step.told {
				t.Errorf("%s: published %v", step.why, published)
			}
			if step.told && !strings.Contains(published[0], reported.UTC().Format(`"reported_at":"2006-01-02T15:04:05Z"`)) {
				t.Errorf("%s: %s does not tell the new report", step.why, published[0])
			}
		}
	})
}

func TestShelf_DatumThatBecomesUnknownIsToldOnceAsNull(t *testing.T) {
	c := newCloud(car(1))
	bubble(t, c, func(t *testing.T, w *world) {
		c.answering(func() (vehicle.Report, error) { return report(time.Now(), soc(50)), nil })
		w.ask(t)
		c.answering(func() (vehicle.Report, error) {
			return report(time.Now(), func(r *vehicle.Report) { r.Refuse(vehicle.SoC, vehicle.RefusedSentinel, "255") }), nil
		})
		pass(time.Minute)
		if published := w.ask(t)["battery/level"]; len(published) != 1 || !strings.HasPrefix(published[0], `{"value":null,`) {
			t.Errorf("published %v", published)
		}
		pass(time.Minute)
		if published := w.ask(t)["battery/level"]; published != nil {
			t.Errorf("published again: %v", published)
		}
		if len(w.log.with("value not believed", "ev_battery_percentage", "sentinel")) == 0 {
			t.Error("the refusal is not in the log")
		}
	})
}

func TestShelf_ReportWithoutADatumErasesNothing(t *testing.T) {
	c := newCloud(car(1))
	bubble(t, c, func(t *testing.T, w *world) {
		c.answering(func() (vehicle.Report, error) { return report(time.Now(), soc(50)), nil })
		w.ask(t)
		c.answering(func() (vehicle.Report, error) { return vehicle.Report{}, nil })
		if published := w.ask(t)["battery/level"]; published != nil {
			t.Errorf("published %v", published)
		}
		if known, err := w.Car("car-1"); err != nil || known.State.Read(vehicle.SoC.Datum).Value == nil {
			t.Errorf("the level is gone: %v", err)
		}
	})
}

// paris is a report with a position.
func paris(at time.Time) vehicle.Report {
	return report(at, soc(50), func(r *vehicle.Report) {
		vehicle.Latitude.Set(r, vehicle.Quantity{Value: 48.8584, Unit: vehicle.Degree}, "48.8584")
		vehicle.Longitude.Set(r, vehicle.Quantity{Value: 2.2945, Unit: vehicle.Degree}, "2.2945")
	})
}

func TestShelf_EverythingButTheLocationIsRetained(t *testing.T) {
	c := newCloud(car(1))
	bubble(t, c, func(t *testing.T, w *world) {
		c.answering(func() (vehicle.Report, error) { return paris(time.Now()), nil })
		w.Connected()
		w.Handle(w.message("car-1", "refresh", "cached"))
		synctest.Wait()
		places := 0
		for _, p := range w.outbox.take() {
			suffix := strings.TrimPrefix(p.Topic, "hyundai/car-1/")
			place := strings.HasPrefix(suffix, "status/location/")
			if place {
				places++
			}
			if moment := strings.HasPrefix(suffix, "result/") || strings.HasPrefix(suffix, "event/"); p.Retain == (place || moment) {
				t.Errorf("%s: retain %v", p.Topic, p.Retain)
			}
		}
		if places == 0 {
			t.Error("no location was published")
		}
		if found := w.log.with("48.85"); len(found) != 0 {
			t.Errorf("coordinates in the log: %v", found)
		}
	})
}

func TestShelf_RefusedCoordinatesStayOutOfTheLog(t *testing.T) {
	c := newCloud(car(1))
	bubble(t, c, func(t *testing.T, w *world) {
		c.answering(func() (vehicle.Report, error) {
			return report(time.Now(), func(r *vehicle.Report) { r.Refuse(vehicle.Latitude, vehicle.RefusedType, "48.8584 N") }), nil
		})
		w.ask(t)
		if len(w.log.with("value not believed", "location_latitude")) != 1 || len(w.log.with("48.8584")) != 0 {
			t.Errorf("log: %v", w.log.with("value not believed"))
		}
	})
}

func TestShelf_ErrorIsSetOnFailureAndClearedByTheNextSuccess(t *testing.T) {
	c := newCloud(car(1))
	bubble(t, c, func(t *testing.T, w *world) {
		for _, test := range []struct {
			mode        string
			err         error
			class, text string
			reason      string
		}{
			{"cached", bluelink.ErrUnavailable, "RefreshError", "Cached refresh failed: ", "cloud_unavailable"},
			{"force", bluelink.ErrVehicleUnreachable, "RefreshError", "Force refresh failed: ", "vehicle_unreachable"},
			{"smart:60", bluelink.ErrUnavailable, "RefreshError", "Smart refresh failed: ", "cloud_unavailable"},
			{"cached", bluelink.ErrBreakerOpen, "HyundaiAPIError", "Circuit breaker is open", "breaker_open"},
			{"force", bluelink.ErrQuota, "HyundaiAPIError", "Force refresh failed: ", "quota_exhausted"},
		} {
			c.answering(func() (vehicle.Report, error) { return vehicle.Report{}, test.err })
			w.outbox.take()
			w.Handle(w.message("car-1", "refresh", test.mode))
			synctest.Wait()
			var problem struct {
				Error       string `json:"error"`
				ErrorType   string `json:"error_type"`
				CommandType string `json:"command_type"`
				Timestamp   string `json:"timestamp"`
				Reason      string `json:"reason"`
			}
			if err := json.Unmarshal([]byte(w.outbox.value("car-1/status/error")), &problem); err != nil {
				t.Fatalf("%s: %q: %v", test.mode, w.outbox.last("car-1/status/error"), err)
			}
			mode, _, _ := strings.Cut(test.mode, ":")
			if problem.ErrorType != test.class || !strings.HasPrefix(problem.Error, test.text) || problem.CommandType != mode || problem.Reason != test.reason || problem.Timestamp == "" {
				t.Errorf("%s: %+v", test.mode, problem)
			}
			c.reply(nil)
			w.ask(t)
		}
		if n := len(w.log.with("level=WARN", "refresh failed")); n != 5 {
			t.Errorf("%d warnings for five failures of their own kind", n)
		}
	})
}

func TestShelf_LongOutageIsOneWarning(t *testing.T) {
	c := newCloud(car(1))
	bubble(t, c, func(t *testing.T, w *world) {
		c.answering(func() (vehicle.Report, error) { return vehicle.Report{}, bluelink.ErrUnavailable })
		for range 10 {
			w.Handle(w.message("car-1", "refresh", "cached"))
			pass(time.Minute)
		}
		if n := len(w.log.with("level=WARN", "refresh failed")); n != 1 {
			t.Errorf("%d warnings", n)
		}
		if n := len(w.log.with("level=INFO", "refresh failed")); n != 9 {
			t.Errorf("%d further lines for commands of a person, want 9", n)
		}
	})
}

func TestConnected_PublishesEverythingAnew(t *testing.T) {
	c := newCloud(car(1), car(2))
	bubble(t, c, func(t *testing.T, w *world) {
		c.answering(func() (vehicle.Report, error) { return paris(time.Now()), nil })
		w.ask(t)
		c.answering(func() (vehicle.Report, error) {
			return report(time.Now(), func(r *vehicle.Report) { r.Refuse(vehicle.SoC, vehicle.RefusedSentinel, "255") }), nil
		})
		w.ask(t)
		for range 2 { // also after the second connect
			w.outbox.take()
			w.Connected()
			synctest.Wait()
			for suffix, want := range map[string]string{
				"car-1/availability": "online", "bridge/state": "online", "car-2/availability": "online",
			} {
				if got := w.outbox.last(suffix); got != want {
					t.Errorf("%s is %q, want %q", suffix, got, want)
				}
			}
			for suffix, want := range map[string]string{
				"car-1/battery/level": "null", "car-1/status/location/latitude": "48.8584", "car-1/status/data_source": `"cached"`,
				"car-1/status/update_method": `"cached"`, "car-1/status/error": "null", "car-1/status/stale": "false", "car-1/status/stale_reason": "null",
				"car-2/status/stale": "true", "car-2/status/stale_reason": `"` + string(topic.NoSchedule) + `"`,
			} {
				if got := w.outbox.value(suffix); got != want {
					t.Errorf("%s has the value %q, want %q", suffix, got, want)
				}
			}
			for _, suffix := range []string{"bridge/info", "account/home/state", "car-1/info", "car-2/info", "car-1/status/last_updated"} {
				if w.outbox.last(suffix) == "" {
					t.Errorf("%s is missing", suffix)
				}
			}
			for _, suffix := range []string{"car-2/battery/level", "car-2/status/error", "car-2/status/last_updated", "car-1/status/engine/fuel_level"} {
				if got := w.outbox.last(suffix); got != "" {
					t.Errorf("%s, which was never known, says %s", suffix, got)
				}
			}
		}
	})
}
