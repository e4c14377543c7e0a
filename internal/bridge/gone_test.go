package bridge_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/bridge"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/store"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// TestGone_ACarGoesWhenListsOfTwoDaysLackIt sells a car, and buys it back.
func TestGone_ACarGoesWhenListsOfTwoDaysLackIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kept := store.NewMemory()
		// cars are those that a run has once its cloud has answered with a list of so many.
		cars := func(listed int) int {
			all := newCloud(car(1), car(2))
			all.cars = all.cars[:listed]
			w := build(t, all, func(o *bridge.Options) { o.Store = kept }).run()
			defer w.stop()
			w.Connected()
			pass(time.Minute)
			return len(w.Cars())
		}
		for _, c := range []struct {
			what         string
			listed, want int
			after        time.Duration
		}{
			{"both are there", 2, 2, time.Hour},
			{"one is not named", 1, 2, time.Hour},
			{"not an hour later either", 1, 2, time.Hour},
			{"an empty list says nothing", 0, 2, 25 * time.Hour},
			{"nor a day later", 1, 1, time.Hour},
			{"it is named again", 2, 2, time.Hour},
			{"and stays", 2, 2, 48 * time.Hour},
			{"one is not named once more", 1, 2, time.Hour},
		} {
			if got := cars(c.listed); got != c.want {
				t.Errorf("%s: %d cars, want %d", c.what, got, c.want)
			}
			pass(c.after)
		}
	})
}

// list makes the account's list name these cars, and has it read.
func (w *world) list(cars ...vehicle.Vehicle) {
	w.cloud.mu.Lock()
	w.cloud.cars = cars
	w.cloud.mu.Unlock()
	w.tell("home", "retry", false)
	synctest.Wait()
}

// kept counts the topics below a car's name that the broker keeps.
func (w *world) kept(car string) int {
	keeps := map[string]bool{}
	for _, p := range w.outbox.read() {
		if p.Retain && strings.HasPrefix(p.Topic, "hyundai/"+car+"/") {
			keeps[p.Topic] = len(p.Payload) > 0
		}
	}
	n := 0
	for _, there := range keeps {
		if there {
			n++
		}
	}
	return n
}

func TestGone_WhatIsUnderWayEndsFirstAndNothingElseBegins(t *testing.T) {
	kept := store.NewMemory()
	bubble(t, newCloud(car(1), car(2)), func(t *testing.T, w *world) {
		w.Connected()
		w.refresh("car-1", "first", "cached")
		pass(time.Minute)
		w.list(car(2))
		pass(25 * time.Hour)
		gate := w.cloud.hold()
		w.refresh("car-1", "under-way", "force")
		synctest.Wait()
		w.refresh("car-1", "in-line", "cached")
		synctest.Wait()
		w.list(car(2))
		w.refresh("car-1", "too-late", "cached")
		synctest.Wait()
		for _, id := range []string{"in-line", "too-late"} {
			if r := w.last("car-1", id); r.State != "rejected" || r.Reason != "unknown_vehicle" {
				t.Errorf("%s: %+v", id, r)
			}
		}
		if got := w.states("car-1", "under-way"); !strings.HasSuffix(got, "sent") || len(w.Cars()) != 2 || w.kept("car-1") == 0 {
			t.Errorf("with a refresh under way (%s) there are %d cars, and %d topics of the one that is gone", got, len(w.Cars()), w.kept("car-1"))
		}
		gate <- nil
		synctest.Wait()
		if r := w.last("car-1", "under-way"); r.State != "verified" {
			t.Errorf("what was under way: %+v", r)
		}
		w.refresh("car-1", "gone", "cached")
		pass(time.Minute)
		if r := w.last("car-1", "gone"); r.State != "rejected" || r.Reason != "unknown_vehicle" {
			t.Errorf("afterwards: %+v", r)
		}
		if cars := w.Cars(); len(cars) != 1 || cars[0].Name != "car-2" || w.AccountStates()["home"].Cars != 1 {
			t.Errorf("there are %+v; the account has %d", cars, w.AccountStates()["home"].Cars)
		}
		if n := w.kept("car-1"); n != 0 || w.kept("car-2") == 0 {
			t.Errorf("the broker keeps %d topics of what is gone, and %d of what is there", n, w.kept("car-2"))
		}
		if all, its := w.metric("bluelink2mqtt_vehicles"), w.metric("bluelink2mqtt_report_age_seconds", "vehicle", "car-1"); all != 1 || its != 0 {
			t.Errorf("metrics show %v cars, and %v of the one that is gone", all, its)
		}
		w.endings()
	}, func(o *bridge.Options) { o.Store = kept })

	bubble(t, newCloud(car(2)), func(t *testing.T, w *world) {
		w.Connected()
		pass(time.Minute)
		if n := len(w.Cars()); n != 1 {
			t.Errorf("after a restart there are %d cars", n)
		}
		w.list(car(1), car(2))
		back, err := w.Car("car-1")
		if soc, known := vehicle.SoC.Of(back.State); err != nil || !known || soc != 50 {
			t.Errorf("named again it has %v (%v), %v", soc, known, err)
		}
		pass(time.Minute)
		if w.kept("car-1") == 0 {
			t.Error("nothing of it is told")
		}
		w.refresh("car-1", "again", "cached")
		synctest.Wait()
		if r := w.last("car-1", "again"); r.State != "verified" {
			t.Errorf("%+v", r)
		}
		pass(48 * time.Hour)
		w.list(car(1), car(2))
		if n := len(w.Cars()); n != 2 {
			t.Errorf("two days later there are %d cars", n)
		}
	}, func(o *bridge.Options) { o.Store = kept })
}

func TestGone_ThatIsNamedAgainWhileItsLastOperationRunsStays(t *testing.T) {
	bubble(t, newCloud(car(1), car(2)), func(t *testing.T, w *world) {
		w.Connected()
		w.list(car(2))
		pass(25 * time.Hour)
		gate := w.cloud.hold()
		w.refresh("car-1", "under-way", "force")
		synctest.Wait()
		w.list(car(2))
		w.list(car(1), car(2))
		gate <- nil
		w.cloud.reply(nil)
		synctest.Wait()
		w.refresh("car-1", "next", "cached")
		synctest.Wait()
		if r := w.last("car-1", "next"); r.State != "verified" || len(w.Cars()) != 2 {
			t.Errorf("%+v of %d cars", r, len(w.Cars()))
		}
	})
}

// TestGone_ComesBackInTheSameRunWithWhatWasKnown brings it back while what it has left is still being cleared.
func TestGone_ComesBackInTheSameRunWithWhatWasKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kept := store.NewMemory()
		w := build(t, newCloud(car(1), car(2)), func(o *bridge.Options) { o.Store = kept })
		w.outbox.drained = func(context.Context) error { <-time.After(time.Second); return nil }
		w.run()
		defer w.stop()
		w.Connected()
		w.refresh("car-1", "first", "cached")
		pass(time.Minute)
		w.list(car(2))
		pass(25 * time.Hour)
		w.list(car(2))
		if n := len(w.Cars()); n != 1 {
			t.Fatalf("there are %d cars", n)
		}
		w.list(car(1), car(2))
		pass(time.Minute)
		back, err := w.Car("car-1")
		if soc, known := vehicle.SoC.Of(back.State); err != nil || !known || soc != 50 || w.AccountStates()["home"].Cars != 2 {
			t.Errorf("it has %v (%v), %v", soc, known, err)
		}
		if w.outbox.last("car-1/battery/level") == "" || w.outbox.last("car-1/availability") == "" {
			t.Error("its topics stayed empty")
		}
		if _, err := kept.Get(t.Context(), "announced/car/"+string(car(1).ID)); err != nil {
			t.Errorf("that it is announced is not kept: %v", err)
		}
	})
}

func TestGone_ListsAreReadEachDayWhereCarsAre(t *testing.T) {
	for interval, want := range map[time.Duration]int{0: 2, time.Hour: 1} {
		bubble(t, newCloud(car(1), car(2)), func(t *testing.T, w *world) {
			pass(time.Hour)
			w.cloud.mu.Lock()
			w.cloud.cars = w.cloud.cars[:1]
			w.cloud.mu.Unlock()
			pass(72 * time.Hour)
			if n := len(w.Cars()); n != want {
				t.Errorf("read every %v, of two cars %d are left, want %d", interval, n, want)
			}
		}, func(o *bridge.Options) { o.Pace.Interval = interval })
	}
}

func TestGone_CarOfTwoAccountsGoesWhenBothLackIt(t *testing.T) {
	pace := func(o *bridge.Options) { o.Pace.Interval = time.Hour }
	shared(t, pace, func(t *testing.T, w *world, first, second *cloud) {
		sell := func(c *cloud) {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.cars = append(c.cars, car(2))[1:]
		}
		pass(time.Hour)
		sell(first)
		pass(100 * time.Hour)
		if n := len(w.Cars()); n != 2 { // and the one that was bought instead
			t.Errorf("with one account that has it there are %d cars", n)
		}
		sell(second)
		pass(100 * time.Hour)
		if cars := w.Cars(); len(cars) != 1 || cars[0].Name != "car-2" {
			t.Errorf("with none there are %d cars", len(cars))
		}
	})
}

// TestGone_ACommandIsSeenToItsEndAndTheNextIsNotSent takes the car out of the list while it locks.
func TestGone_ACommandIsSeenToItsEndAndTheNextIsNotSent(t *testing.T) {
	drive(t, func(t *testing.T, w *world, o *obedient) {
		w.Connected()
		w.list(car(2))
		pass(25 * time.Hour)
		acked := w.acknowledged()
		w.give("under-way", "lock", "lock")
		w.give("in-line", "charge", "start")
		pass(time.Second)
		w.list(car(2))
		if r := w.last("car-1", "in-line"); r.State != "rejected" || r.Reason != "unknown_vehicle" {
			t.Errorf("what was in line: %+v", r)
		}
		pass(5 * time.Minute)
		if r := w.last("car-1", "under-way"); r.State != "verified" || o.sent() != "lock" {
			t.Errorf("what was under way: %+v; sent was %q", r, o.sent())
		}
		if n := w.acknowledged() - acked; n != 3 { // and the word to the account
			t.Errorf("%d messages are acknowledged", n)
		}
		if cars := w.Cars(); len(cars) != 1 || cars[0].Name != "car-2" || w.kept("car-1") > 0 {
			t.Errorf("there are %d cars, and %d topics of the one that is gone", len(cars), w.kept("car-1"))
		}
		if n := w.metric("bluelink2mqtt_journal_commands"); n != 0 {
			t.Errorf("%v commands have not ended", n)
		}
	})
}
