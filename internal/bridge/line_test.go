package bridge_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/bridge"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/store"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

func TestLine_OfASlidersCommandsTheNewestIsSent(t *testing.T) {
	drive(t, func(t *testing.T, w *world, o *obedient) {
		for n, limit := range []int{20, 30, 40, 50} {
			w.give(fmt.Sprintf("command-%d", n), "v2l_limit", fmt.Sprintf(`{"limit":%d}`, limit))
			pass(time.Second)
		}
		if o.sent() != "" {
			t.Errorf("sent %q while the slider moves", o.sent())
		}
		pass(2 * time.Minute)
		for n := range 3 {
			if got := w.life(fmt.Sprintf("command-%d", n)); got != "accepted queued superseded superseded." {
				t.Errorf("command %d went %q", n, got)
			}
		}
		if got := w.life("command-3"); got != "accepted queued sent confirmed verified." || o.sent() != "v2l-limit" || o.v2l != 50 {
			t.Errorf("the newest went %q; sent %q; the limit is %d", got, o.sent(), o.v2l)
		}
		if got := w.events("command"); fmt.Sprint(got) != "[superseded superseded superseded verified]" {
			t.Errorf("events %v", got)
		}
	})
}

// D9: each of the two limits has a slider of its own.
func TestLine_BothLimitsOfTwoSlidersAreSentTogether(t *testing.T) {
	drive(t, func(t *testing.T, w *world, o *obedient) {
		w.give("one", "charge_limit", `{"ac":60}`)
		w.give("two", "charge_limit", `{"dc":90}`)
		w.give("three", "charge_limit", `{"ac":70}`)
		pass(2 * time.Minute)
		if o.sent() != "charge-limits" || o.ac != 70 || o.dc != 90 {
			t.Errorf("sent %q; limits %d and %d", o.sent(), o.ac, o.dc)
		}
		for id, want := range map[string]string{"one": "superseded", "two": "verified", "three": "verified"} {
			if r := w.last("car-1", id); r.State != want {
				t.Errorf("%s ended %+v", id, r)
			}
		}
		if n := w.metric("bluelink2mqtt_queue_depth"); n != 0 {
			t.Errorf("%v in line after the end", n)
		}
	})
}

func TestLine_ASliderHoldsUpNobody(t *testing.T) {
	drive(t, func(t *testing.T, w *world, o *obedient) {
		w.give("slider", "v2l_limit", `{"limit":50}`)
		pass(time.Second)
		w.give("lock", "lock", "lock")
		synctest.Wait()
		if o.sent() != "v2l-limit" {
			t.Errorf("sent %q, though somebody waits behind", o.sent())
		}
		pass(time.Minute)
		if o.sent() != "v2l-limit lock" {
			t.Errorf("sent %q", o.sent())
		}
	})
}

func TestLine_EqualCommandsThatWaitAreSentOnceAndEachSenderGetsItsRecord(t *testing.T) {
	drive(t, func(t *testing.T, w *world, o *obedient) {
		w.give("first", "climate", "start")
		synctest.Wait()
		for _, id := range []string{"one", "two", "three"} {
			w.give(id, "lock", "lock")
		}
		pass(2 * time.Minute)
		if o.sent() != "climate-start lock" {
			t.Errorf("sent %q", o.sent())
		}
		for _, id := range []string{"one", "two", "three"} {
			if got := w.life(id); got != "accepted queued sent confirmed verified." {
				t.Errorf("%s went %q", id, got)
			}
		}
	})
}

func TestLine_WhatIsOnItsWayIsNotJoined(t *testing.T) {
	drive(t, func(t *testing.T, w *world, o *obedient) {
		w.give("one", "lock", "lock")
		synctest.Wait()
		w.give("two", "lock", "lock")
		pass(2 * time.Minute)
		if o.sent() != "lock lock" {
			t.Errorf("sent %q", o.sent())
		}
	})
}

func TestLine_LockAndUnlockNeverMerge(t *testing.T) {
	drive(t, func(t *testing.T, w *world, o *obedient) {
		w.give("first", "hazard", "lights")
		synctest.Wait()
		for n, what := range []string{"lock", "unlock", "lock", "unlock"} {
			w.give(fmt.Sprintf("command-%d", n), "lock", what)
		}
		pass(3 * time.Minute)
		if o.sent() != "hazard lock unlock lock unlock" || o.locked {
			t.Errorf("sent %q; locked %v", o.sent(), o.locked)
		}
	})
}

func TestLine_CommandsAreCarriedOutOneAfterTheOther(t *testing.T) {
	drive(t, func(t *testing.T, w *world, o *obedient) {
		for _, c := range []string{"lock lock", "climate start", "charge start", "windows close", "valet on"} {
			topic, what, _ := strings.Cut(c, " ")
			m := w.message("car-1", topic, what)
			w.Handle(m)
		}
		w.give("read", "refresh", "cached")
		pass(5 * time.Minute)
		actions := o.taken()
		if o.sent() != "lock climate-start charge-start windows valet-on" {
			t.Fatalf("sent %q", o.sent())
		}
		for n, a := range actions[1:] {
			if before := actions[n]; a.at.Before(before.at.Add(o.takes)) {
				t.Errorf("%s was sent %v after %s", a.command.Spec().Name, a.at.Sub(before.at), before.command.Spec().Name)
			}
		}
		if r := w.last("car-1", "read"); r.State != "verified" {
			t.Errorf("the refresh behind them ended %+v", r)
		}
	})
}

func TestCancel_TakesBackWhatWaitsAndNothingElse(t *testing.T) {
	drive(t, func(t *testing.T, w *world, o *obedient) {
		w.give("flying", "lock", "lock")
		synctest.Wait()
		w.give("waiting", "climate", "start")
		w.give("joined", "climate", "start")
		w.give("read", "refresh", "force")
		synctest.Wait()
		for _, id := range []string{"waiting", "read", "flying", "nobody"} {
			w.Handle(w.message("car-1", "cancel", id))
		}
		synctest.Wait()
		ended := map[string]record{}
		for topic, r := range w.endings() {
			if r.Command == "cancel" {
				ended[topic] = r
			}
		}
		count := map[string]int{}
		for _, r := range ended {
			count[r.State+" "+r.Reason]++
		}
		if count["verified "] != 2 || count["rejected precondition_failed"] != 2 {
			t.Errorf("cancel ended %v", count)
		}
		for _, id := range []string{"waiting", "read"} {
			if got := w.life(id); got != "accepted queued cancelled cancelled." {
				t.Errorf("%s went %q", id, got)
			}
		}
		pass(2 * time.Minute)
		if got := w.life("joined"); got != "accepted queued sent confirmed verified." || o.sent() != "lock climate-start" {
			t.Errorf("who joined went %q; sent %q", got, o.sent())
		}
		if got := w.life("flying"); got != "accepted sent confirmed verified." {
			t.Errorf("what was sent went %q", got)
		}
	})
}

func TestCancel_TakesBackWhatFindsTheCloudBusy(t *testing.T) {
	drive(t, func(t *testing.T, w *world, o *obedient) {
		o.answers = func(int, vehicle.Command) error { return bluelink.ErrBusy }
		w.give("x", "lock", "lock")
		pass(5 * time.Second)
		w.Handle(w.message("car-1", "cancel", "x"))
		pass(time.Second)
		tried := len(o.taken())
		if got := w.life("x"); got != "accepted cancelled cancelled." {
			t.Errorf("went %q", got)
		}
		pass(2 * time.Minute)
		if len(o.taken()) != tried {
			t.Error("it was sent after it was taken back")
		}
		o.with(func() { o.answers = nil })
		w.give("next", "lock", "lock")
		pass(time.Minute)
		if got := w.life("next"); got != "accepted sent confirmed verified." {
			t.Errorf("the next one went %q", got)
		}
	})
}

func TestHint_AsksForOneCheapReadAMinute(t *testing.T) {
	drive(t, func(t *testing.T, w *world, o *obedient) {
		before := len(o.made())
		for n, what := range []string{"plugged", "plugged", "arrived"} {
			w.give(fmt.Sprintf("hint-%d", n), "hint", what)
			pass(10 * time.Second)
		}
		made := o.made()[before:]
		if len(made) != 1 || made[0].force || !made[0].ask.Sparing || made[0].trace.Cause != vehicle.ByHint {
			t.Fatalf("hints made %+v", made)
		}
		for n := range 3 {
			if r := w.last("car-1", fmt.Sprintf("hint-%d", n)); r.State != "verified" || r.Command != "hint" {
				t.Errorf("hint %d ended %+v", n, r)
			}
		}
		pass(time.Minute)
		w.give("later", "hint", "left")
		synctest.Wait()
		if n := len(o.made()) - before; n != 2 || o.sent() != "" {
			t.Errorf("%d reads, sent %q", n, o.sent())
		}
	})
}

func TestHint_WhoseReadFailedDoesNotAnswerForTheNext(t *testing.T) {
	drive(t, func(t *testing.T, w *world, o *obedient) {
		o.reply(func(context.Context, call) (vehicle.Report, error) { return vehicle.Report{}, bluelink.ErrUnavailable })
		w.give("one", "hint", "plugged")
		synctest.Wait()
		w.give("two", "hint", "plugged")
		synctest.Wait()
		for _, id := range []string{"one", "two"} {
			if r := w.last("car-1", id); r.State != "failed" {
				t.Errorf("%s ended %+v", id, r)
			}
		}
	})
}

func TestClimateTarget_IsKeptForTheNextStartAlsoOverARestart(t *testing.T) {
	kept := store.NewMemory()
	with := func(o *bridge.Options) { o.Store = kept }
	const target = "car-1/status/climate/target"
	drive(t, func(t *testing.T, w *world, o *obedient) {
		w.Connected()
		synctest.Wait()
		if got := w.outbox.value(target); got != "null" {
			t.Errorf("before it was set it is told as %s", got)
		}
		w.give("x", "climate_target", `{"set_temp":19}`)
		synctest.Wait()
		if got := w.life("x"); got != "accepted verified." || len(o.made()) > 1 {
			t.Errorf("went %q, %d reads", got, len(o.made()))
		}
		if got := w.outbox.last(target); !strings.HasPrefix(got, `{"value":19,`) || !strings.HasSuffix(got, `"unit":"°C"}`) {
			t.Errorf("told as %s", got)
		}
		w.give("y", "climate", `{"action":"start","defrost":true}`)
		w.give("z", "climate", `{"action":"start","set_temp":25}`)
		pass(time.Minute)
		if got, want := temperatures(o), "[19°C 25°C]"; got != want {
			t.Errorf("started with %s, want %s", got, want)
		}
	}, with)
	drive(t, func(t *testing.T, w *world, o *obedient) {
		w.Connected()
		synctest.Wait()
		if got := w.outbox.value(target); got != "19" {
			t.Errorf("after a restart it is told as %q", got)
		}
		w.give("next", "climate", "start")
		pass(time.Minute)
		if got, want := temperatures(o), "[19°C]"; got != want {
			t.Errorf("after a restart started with %s, want %s", got, want)
		}
	}, with)
}

// temperatures gives those of the climate-starts that were sent.
func temperatures(o *obedient) string {
	var all []string
	for _, a := range o.taken() {
		if c, ok := a.command.(vehicle.ClimateStart); ok && c.Temperature.Given {
			all = append(all, fmt.Sprintf("%g%s", c.Temperature.Value.Value, c.Temperature.Value.Unit))
		}
	}
	return fmt.Sprint(all)
}

var presets = map[string][]vehicle.Command{
	"warm":  {vehicle.ClimateStart{Temperature: vehicle.Some(vehicle.Quantity{Value: 23, Unit: vehicle.Celsius})}},
	"leave": {vehicle.Lock{}, vehicle.ClimateStart{}},
}

func withPresets(o *bridge.Options) { o.Presets = presets }

func TestPreset_IsTheCommandsThatTheUserNamed(t *testing.T) {
	drive(t, func(t *testing.T, w *world, o *obedient) {
		w.give("x", "preset", "warm")
		pass(time.Minute)
		if r := w.last("car-1", "x"); r.State != "verified" || r.Command != "preset" || temperatures(o) != "[23°C]" {
			t.Errorf("ended %+v; started with %s", r, temperatures(o))
		}
		w.give("y", "preset", "warmer")
		synctest.Wait()
		if r := w.last("car-1", "y"); r.State != "rejected" || r.Reason != "unsupported" || !strings.Contains(r.Message, "leave, warm") {
			t.Errorf("an unknown one ended %+v", r)
		}
	}, withPresets)
}

// TestPreset_NoneForgetsTheLastOneAndLeavesTheCarAlone is what a climate entity of Home Assistant sends whose preset is taken
// away.
func TestPreset_NoneForgetsTheLastOneAndLeavesTheCarAlone(t *testing.T) {
	drive(t, func(t *testing.T, w *world, o *obedient) {
		const shown = "car-1/status/climate/preset"
		w.give("x", "preset", "warm")
		pass(time.Minute)
		if got := w.outbox.value(shown); got != `"warm"` {
			t.Errorf("shown is %s", got)
		}
		sent := o.sent()
		w.give("y", "preset", "None")
		synctest.Wait()
		if r := w.last("car-1", "y"); r.State != "verified" {
			t.Errorf("ended %+v", r)
		}
		if got := w.outbox.value(shown); got != "null" || o.sent() != sent {
			t.Errorf("shown is %s; sent %q, before %q", got, o.sent(), sent)
		}
	}, withPresets)
}

func TestPreset_OfSeveralCommandsIsOneWithOneResult(t *testing.T) {
	drive(t, func(t *testing.T, w *world, o *obedient) {
		w.give("x", "preset", "leave")
		pass(2 * time.Minute)
		if got := w.life("x"); got != "accepted sent confirmed sent confirmed verified." || o.sent() != "lock climate-start" {
			t.Errorf("went %q, sent %q", got, o.sent())
		}
		actions := o.taken()
		if actions[1].at.Before(actions[0].at.Add(o.takes)) {
			t.Error("the second did not wait for the first")
		}
		for n := range 2 {
			if got := w.actions(fmt.Sprintf("action-%d", n+1)); got != "PENDING started_at SUCCESS started_at completed_at" {
				t.Errorf("action %d went %q", n+1, got)
			}
		}
		if got := w.events("command"); fmt.Sprint(got) != "[verified]" {
			t.Errorf("events %v", got)
		}
	}, withPresets)
}

func TestPreset_StopsAtTheFirstFailureAndSaysWhatWasNotSent(t *testing.T) {
	drive(t, func(t *testing.T, w *world, o *obedient) {
		o.carries = func(vehicle.Command) {} // nothing happens
		w.give("x", "preset", "leave")
		pass(5 * time.Minute)
		r := w.last("car-1", "x")
		if r.State != "failed" || r.Reason != "precondition_failed" || !strings.HasPrefix(r.Message, "lock: ") ||
			!strings.Contains(r.Message, "effect_not_seen") || !strings.Contains(r.Message, "not sent: climate-start") {
			t.Errorf("ended %+v", r)
		}
		if o.sent() != "lock" {
			t.Errorf("sent %q", o.sent())
		}
	}, withPresets)
}

func TestPreset_ThatFailsAtItsLastCommandHasThatOnesReason(t *testing.T) {
	drive(t, func(t *testing.T, w *world, o *obedient) {
		o.answers = func(n int, _ vehicle.Command) error {
			if n == 2 {
				return bluelink.ErrRateLimited
			}
			return nil
		}
		w.give("x", "preset", "leave")
		pass(2 * time.Minute)
		if r := w.last("car-1", "x"); r.State != "failed" || r.Reason != "cloud_limit" || !strings.HasPrefix(r.Message, "climate-start: ") {
			t.Errorf("ended %+v", r)
		}
	}, withPresets)
}
