package bridge_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/bridge"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

func every(d time.Duration) func(*bridge.Options) {
	return func(o *bridge.Options) { o.Pace.Interval = d }
}

func TestSchedule_ReadsAtThePlainIntervalWithALittleJitter(t *testing.T) {
	c := newCloud(car(1), car(2), car(3))
	const interval = 30 * time.Minute
	bubble(t, c, func(t *testing.T, w *world) {
		start := time.Now()
		pass(48 * time.Hour)
		for n := range 3 {
			last := start
			reads := 0
			for _, made := range c.made() {
				if made.ask.Vehicle.ID != car(n+1).ID {
					continue
				}
				wait, low := made.at.Sub(last), time.Duration(float64(interval)*0.95)
				if reads == 0 {
					low = interval / 2 // spreads the first ones
				}
				if high := time.Duration(float64(interval) * 1.05); wait < low || wait > high {
					t.Errorf("read %d of car %d came after %v", reads, n+1, wait)
				}
				if made.force || !made.ask.Sparing || made.trace.Cause != vehicle.ByTimer {
					t.Errorf("a scheduled read is %+v", made.trace)
				}
				last = made.at
				reads++
			}
			if reads < 90 || reads > 102 {
				t.Errorf("car %d was read %d times in two days", n+1, reads)
			}
		}
		for _, p := range w.outbox.read() {
			if strings.Contains(p.Topic, "/result/") {
				t.Fatalf("a scheduled read has a record: %s", p.Payload)
			}
		}
	}, every(interval))
}

func TestSchedule_WithoutIntervalNothingIsReadByItself(t *testing.T) {
	c := newCloud(car(1))
	bubble(t, c, func(t *testing.T, w *world) {
		pass(3 * 24 * time.Hour)
		if n := len(c.made()); n != 0 {
			t.Errorf("%d reads in three days", n)
		}
	})
}

func TestSchedule_InitialReadIsWholeAndHappensOnceForEachCar(t *testing.T) {
	c := newCloud(car(1), car(2))
	bubble(t, c, func(t *testing.T, w *world) {
		pass(time.Hour)
		made := c.made()
		if len(made) != 2 {
			t.Fatalf("%d reads", len(made))
		}
		for _, m := range made {
			if m.force || m.ask.Sparing || m.trace.Cause != vehicle.ByStart {
				t.Errorf("the first read is %+v", m.trace)
			}
		}
	}, func(o *bridge.Options) { o.Initial = true })
}

func TestSchedule_UserDoesNotShareATimersSparingRead(t *testing.T) {
	c := newCloud(car(1))
	bubble(t, c, func(t *testing.T, w *world) {
		g := c.hold()
		for len(c.made()) == 0 {
			pass(time.Minute)
		}
		w.refresh("car-1", "x", "cached")
		synctest.Wait()
		if got := w.states("car-1", "x"); got != "accepted queued" {
			t.Errorf("beside a timer's read it went %q", got)
		}
		close(g)
		synctest.Wait()
		var sparing []bool
		for _, made := range c.made() {
			sparing = append(sparing, made.ask.Sparing)
		}
		if !slices.Equal(sparing, []bool{true, false}) {
			t.Errorf("sparing reads: %v", sparing)
		}
		if r := w.last("car-1", "x"); r.State != "verified" {
			t.Errorf("ended %+v", r)
		}
	}, every(time.Hour))
}

func TestSchedule_UserSharesTheWholeReadOfTheStart(t *testing.T) {
	c := newCloud(car(1))
	synctest.Test(t, func(t *testing.T) {
		g := c.hold()
		w := build(t, c, func(o *bridge.Options) { o.Initial = true }).run()
		defer w.stop()
		w.refresh("car-1", "x", "cached")
		synctest.Wait()
		close(g)
		synctest.Wait()
		if n := len(c.made()); n != 1 {
			t.Errorf("%d operations", n)
		}
		if r := w.last("car-1", "x"); r.State != "verified" {
			t.Errorf("ended %+v", r)
		}
	})
}

func TestSchedule_FailuresDoNotStopIt(t *testing.T) {
	c := newCloud(car(1))
	bubble(t, c, func(t *testing.T, w *world) {
		c.reply(func(context.Context, call) (vehicle.Report, error) { return vehicle.Report{}, bluelink.ErrUnavailable })
		pass(24 * time.Hour)
		if n := len(c.made()); n < 22 {
			t.Errorf("%d reads in a day of outage", n)
		}
		if n := len(w.log.with("level=WARN", "refresh failed")); n != 1 {
			t.Errorf("%d warnings in a day of outage", n)
		}
		c.reply(nil)
		pass(64 * time.Minute)
		if known, _ := w.Car("car-1"); known.Stale != "" {
			t.Errorf("an interval after the outage it is stale by %s", known.Stale)
		}
	}, every(time.Hour))
}
