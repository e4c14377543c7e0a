package ccapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/sim"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// inBubble runs a test in virtual time.
func inBubble(t *testing.T, test func(*testing.T)) { synctest.Test(t, test) }

// wait lets virtual time pass.
func wait(t *testing.T, d time.Duration) {
	t.Helper()
	if err := pause(t.Context(), d); err != nil {
		t.Fatal(err)
	}
}

func TestForceCCS2_WakesOnceAndWaitsForTheReport(t *testing.T) {
	for _, reports := range []time.Duration{time.Second, 21 * time.Second, 33 * time.Second, 100 * time.Second} {
		inBubble(t, func(t *testing.T) {
			w := newWorld(t, vehicle.Kia, sim.Options{Parked: true, LatencyForce: reports})
			v := w.car("ccs2", vehicle.EV)
			known := w.cached(v, vehicle.State{}, false)
			wait(t, time.Hour)
			w.calls.reset()
			start := time.Now()
			report, err := w.cloud.Force(t.Context(), bluelink.Ask{Vehicle: v, Known: known})
			if err != nil {
				t.Fatal(err)
			}
			took := time.Since(start)
			if state := believe(known, report); state.ReportedAt().Before(start.Truncate(time.Second)) {
				t.Errorf("reported at %s, woken at %s", state.ReportedAt(), start)
			}
			if n := w.calls.count(bluelink.CallWake); n != 1 {
				t.Errorf("%d wakes", n)
			}
			if took < reports || took > reports+10*time.Second {
				t.Errorf("a car that reports after %s took %s", reports, took)
			}
			for _, part := range []string{"1 read parked position", "2 read energy history"} {
				if !strings.Contains(w.calls.ops(), part) {
					t.Errorf("calls: %s, want %s", w.calls.ops(), part)
				}
			}
		})
	}
}

func TestForceCCS2_LooksAtTheTimesOfTheDesign(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, vehicle.Kia, sim.Options{Parked: true})
		v := w.car("ccs2", vehicle.EV)
		known := w.cached(v, vehicle.State{}, false)
		w.fault("unreachable=silent")
		var looked []string
		var woken time.Time
		w.calls.refuse = func(call bluelink.Call) error {
			switch call.Op {
			case "wake":
				woken = time.Now()
			case "read status":
				looked = append(looked, fmt.Sprint(time.Since(woken).Seconds()))
			}
			return nil
		}
		start := time.Now()
		report, err := w.cloud.Force(t.Context(), bluelink.Ask{Vehicle: v, Known: known})
		mustBe(t, err, bluelink.ErrVehicleUnreachable)
		if took := time.Since(start); took != wakeDeadline {
			t.Errorf("gave up after %s, want %s", took, wakeDeadline)
		}
		if reason := bluelink.Reason(err); reason != vehicle.VehicleUnreachable || !strings.Contains(err.Error(), "2m20s") {
			t.Errorf("reason %s, text %q", reason, err)
		}
		if len(report.Observations) != 0 {
			t.Error("something old was returned in the place of news")
		}
		// The first look-up of what is known is recent enough to spare a read before the wake.
		if got, want := strings.Join(looked, " "), "2 5 10 15 20 25 35 45 55 65 75 85 95 105 115 125 135"; got != want {
			t.Errorf("looked after %s s, want %s s", got, want)
		}
		if n := w.calls.count(bluelink.CallWake); n != 1 {
			t.Errorf("%d wakes", n)
		}
	})
}

// TestForceCCS2_TakesNoOlderReportForTheAnswer lets the car report of its own between our last read and the wake.
func TestForceCCS2_TakesNoOlderReportForTheAnswer(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, vehicle.Kia, sim.Options{Parked: true, LatencyForce: 21 * time.Second})
		v := w.car("ccs2", vehicle.EV)
		known := w.cached(v, vehicle.State{}, false)
		wait(t, 10*time.Minute)
		if err := w.SetVehicle(v.CloudID, map[string]any{"report": true}); err != nil {
			t.Fatal(err)
		}
		wait(t, 10*time.Minute)
		start := time.Now()
		report, err := w.cloud.Force(t.Context(), bluelink.Ask{Vehicle: v, Known: known})
		if err != nil {
			t.Fatal(err)
		}
		if report.Reported.Before(start.Truncate(time.Second)) {
			t.Errorf("took the report of %s for the answer to the wake at %s", report.Reported, start)
		}
	})
}

func TestForceCCS2_FailedWakeAppliesNothing(t *testing.T) {
	for fault, want := range map[string]error{
		"unreachable": bluelink.ErrVehicleUnreachable, "busy": bluelink.ErrVehicleUnreachable, "duplicate": bluelink.ErrBusy,
		"low-battery": bluelink.ErrRefused, "quota,path=*/ccs2/carstatus": bluelink.ErrRateLimited, "html,path=*/ccs2/carstatus": bluelink.ErrBadResponse,
		"status=500,path=*/ccs2/carstatus": bluelink.ErrUnavailable, "reset,path=*/ccs2/carstatus": bluelink.ErrUnavailable,
	} {
		inBubble(t, func(t *testing.T) {
			w := newWorld(t, vehicle.Kia, sim.Options{Parked: true})
			v := w.car("ccs2", vehicle.EV)
			known := w.cached(v, vehicle.State{}, false)
			w.calls.reset()
			w.fault(fault)
			report, err := w.cloud.Force(t.Context(), bluelink.Ask{Vehicle: v, Known: known})
			mustBe(t, err, want)
			if got := w.calls.ops(); got != "1 wake" || len(report.Observations) != 0 {
				t.Errorf("%s: %s, %d observations", fault, got, len(report.Observations))
			}
		})
	}
}

func TestForceCCS2_TemporaryFailuresOfLooksPass(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, vehicle.Kia, sim.Options{Parked: true, LatencyForce: 12 * time.Second})
		v := w.car("ccs2", vehicle.EV)
		known := w.cached(v, vehicle.State{}, false)
		w.fault("status=503,path=*/carstatus/latest,count=2")
		w.fault("html,path=*/carstatus/latest,count=1,after=2")
		if _, err := w.cloud.Force(t.Context(), bluelink.Ask{Vehicle: v, Known: known}); err != nil {
			t.Fatal(err)
		}
		if n := w.calls.count(bluelink.CallWake); n != 1 {
			t.Errorf("%d wakes", n)
		}
	})
	for fault, want := range map[string]error{"quota": bluelink.ErrRateLimited, "html=403": bluelink.ErrBlocked} {
		inBubble(t, func(t *testing.T) {
			w := newWorld(t, vehicle.Kia, sim.Options{Parked: true})
			v := w.car("ccs2", vehicle.EV)
			known := w.cached(v, vehicle.State{}, false)
			w.fault(fault + ",path=*/carstatus/latest")
			start := time.Now()
			_, err := w.cloud.Force(t.Context(), bluelink.Ask{Vehicle: v, Known: known})
			mustBe(t, err, want)
			if took := time.Since(start); took != 2*time.Second {
				t.Errorf("%s: ended after %s, want the first look", fault, took)
			}
		})
	}
}

func TestForceCCS2_EndsWithItsContext(t *testing.T) {
	for name, test := range map[string]struct {
		end  func(context.Context) (context.Context, context.CancelFunc)
		want error
		not  error
	}{
		"deadline": {func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, time.Minute)
		}, bluelink.ErrVehicleUnreachable, nil},
		"cancel": {func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			time.AfterFunc(time.Minute, cancel)
			return ctx, cancel
		}, context.Canceled, bluelink.ErrVehicleUnreachable},
	} {
		inBubble(t, func(t *testing.T) {
			w := newWorld(t, vehicle.Kia, sim.Options{Parked: true})
			v := w.car("ccs2", vehicle.EV)
			known := w.cached(v, vehicle.State{}, false)
			w.fault("unreachable=silent")
			ctx, cancel := test.end(t.Context())
			defer cancel()
			start := time.Now()
			_, err := w.cloud.Force(ctx, bluelink.Ask{Vehicle: v, Known: known})
			mustBe(t, err, test.want)
			if test.not != nil && errors.Is(err, test.not) {
				t.Errorf("%s: %v", name, err)
			}
			if took := time.Since(start); took != time.Minute {
				t.Errorf("%s: ended after %s", name, took)
			}
		})
	}
}

// TestForceCCS2_NeverKnownCar forces a car of which nothing is known yet.
func TestForceCCS2_NeverKnownCar(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, vehicle.Kia, sim.Options{Parked: true})
		v := w.car("ccs2", vehicle.EV)
		start := time.Now()
		report, err := w.cloud.Force(t.Context(), bluelink.Ask{Vehicle: v})
		if err != nil {
			t.Fatal(err)
		}
		if report.Reported.Before(start.Truncate(time.Second)) {
			t.Errorf("reported at %s, woken at %s", report.Reported, start)
		}
		w.fault("status=503,path=*/carstatus/latest")
		w.calls.reset()
		_, err = w.cloud.Force(t.Context(), bluelink.Ask{Vehicle: v})
		mustBe(t, err, bluelink.ErrUnavailable)
		if n := w.calls.count(bluelink.CallWake); n != 0 {
			t.Error("woken although nobody could tell the answer from what was there before")
		}
	})
}

func TestForceFlat_WaitsForTheCarAndReadsItsPosition(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, vehicle.Kia, sim.Options{Parked: true, LatencyForce: 40 * time.Second})
		v := w.car("flat", vehicle.EV)
		known := w.cached(v, vehicle.State{}, false)
		odometer, _ := vehicle.Odometer.Of(known)
		wait(t, time.Hour)
		w.calls.reset()
		start := time.Now()
		report, err := w.cloud.Force(t.Context(), bluelink.Ask{Vehicle: v, Known: known})
		if err != nil {
			t.Fatal(err)
		}
		if got, want := w.calls.ops(), "2 read energy history, 1 read live position, 1 wake and read status"; got != want {
			t.Errorf("calls: %s, want %s", got, want)
		}
		state := believe(known, report)
		if state.ReportedAt().Before(start.Truncate(time.Second)) {
			t.Errorf("reported at %s, asked at %s", state.ReportedAt(), start)
		}
		taken, _ := vehicle.LocationUpdatedAt.Of(state)
		if taken.Before(start.Truncate(time.Second)) || taken.After(time.Now()) {
			t.Errorf("the position is of %s, asked at %s: its clock is UTC", taken, start)
		}
		if now, _ := vehicle.Odometer.Of(state); now != odometer {
			t.Errorf("odometer %v, want %v", now, odometer)
		}
	})
}

func TestForceFlat_PositionMayFail(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, vehicle.Kia, sim.Options{Parked: true, LatencyForce: 5 * time.Second})
		v := w.car("flat", vehicle.ICE)
		w.fault("duplicate,path=*/location")
		if _, err := w.cloud.Force(t.Context(), bluelink.Ask{Vehicle: v}); err != nil {
			t.Fatal(err)
		}
	})
}

func TestForceFlat_MetadataAloneWipesNothing(t *testing.T) {
	w := newWorld(t, vehicle.Kia, sim.Options{Parked: true})
	v := w.car("ccs2", vehicle.EV)
	v.CCS2 = 0 // as when the list lacks the flag for a while
	w.calls.reset()
	report, err := w.cloud.Force(t.Context(), bluelink.Ask{Vehicle: v})
	mustBe(t, err, bluelink.ErrNoData)
	if len(report.Observations) != 0 || w.calls.ops() != "1 wake and read status" {
		t.Errorf("%d observations, calls: %s", len(report.Observations), w.calls.ops())
	}
}

// TestForceFlat_ReadsEitherClock holds the rule of docs/protocol/europe.md §5.3.
func TestForceFlat_ReadsEitherClock(t *testing.T) {
	now := time.Now().UTC().Truncate(time.Second)
	berlin := dialects[vehicle.Europe].zone
	_, offset := now.In(berlin).Zone()
	ahead := time.Duration(offset) * time.Second
	for name, test := range map[string]struct {
		text  string
		known time.Time
		want  time.Time // zero when the answer is refused
	}{
		"Berlin":                      {now.In(berlin).Format(compact), now.Add(-time.Hour / 2), now},
		"UTC, as Berlin it is older":  {now.Format(compact), now.Add(-ahead / 2), now},
		"either fits, so Berlin":      {now.Format(compact), now.Add(-24 * time.Hour), now.Add(-ahead)},
		"nothing known, so Berlin":    {now.In(berlin).Format(compact), time.Time{}, now},
		"as new as what is known":     {now.In(berlin).Format(compact), now, now},
		"older on both clocks":        {now.Add(-5 * time.Hour).Format(compact), now, time.Time{}},
		"UTC would be in the future":  {now.In(berlin).Add(-time.Minute).Format(compact), now.Add(-time.Second), time.Time{}},
		"a time that is no time":      {"yesterday", now, time.Time{}.Add(1)},
		"no time and nothing to fear": {"", time.Time{}, time.Time{}.Add(1)},
	} {
		w := scripted(t, func(r *http.Request) (*http.Response, error) {
			if strings.HasSuffix(r.URL.Path, "/status") {
				return answerWith(r, 200, `{"retCode":"S","resMsg":{"time":"`+test.text+`","doorLock":true}}`), nil
			}
			return answerWith(r, 503, ""), nil
		})
		known := vehicle.Report{Reported: test.known}
		if !test.known.IsZero() {
			vehicle.LastUpdatedAt.Set(&known, test.known, "")
		}
		report, err := w.cloud.Force(t.Context(), bluelink.Ask{Vehicle: vehicle.Vehicle{ID: "x", CloudID: "id"}, Known: believe(vehicle.State{}, known)})
		switch {
		case test.want.IsZero():
			if !errors.Is(err, bluelink.ErrVehicleUnreachable) {
				t.Errorf("%s: %v, want it refused as old", name, err)
			}
		case err != nil:
			t.Errorf("%s: %v", name, err)
		case test.want.Equal(time.Time{}.Add(1)):
			if !report.Reported.IsZero() {
				t.Errorf("%s: reported %s, want unknown", name, report.Reported)
			}
		case !report.Reported.Equal(test.want):
			t.Errorf("%s: reported %s, want %s", name, report.Reported, test.want)
		}
	}
}
