package bridge_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

func TestExpiry_WhatCameTooLateIsNotCarriedOut(t *testing.T) {
	bubble(t, newCloud(car(1)), func(t *testing.T, w *world) {
		past, future := time.Now().Add(-time.Second), time.Now().Add(time.Second)
		send := func(id string, payload, property time.Time) {
			text := fmt.Sprintf(`{"id":%q,"mode":"cached"}`, id)
			if !payload.IsZero() {
				text = fmt.Sprintf(`{"id":%q,"mode":"cached","expires_at":%q}`, id, payload.UTC().Format(time.RFC3339))
			}
			m := w.message("car-1", "refresh", text)
			m.Expires = property
			w.Handle(m)
			synctest.Wait()
		}
		send("payload", past, time.Time{})
		send("property", time.Time{}, past)
		send("now", time.Time{}, time.Now())
		for _, id := range []string{"payload", "property", "now"} {
			if all := w.records("car-1", id); len(all) != 1 || all[0].State != "expired" || all[0].Reason != "expired" {
				t.Errorf("%s: %+v", id, all)
			}
		}
		if made := len(w.cloud.made()); made != 0 {
			t.Errorf("%d expired commands were carried out", made)
		}
		send("in-time", future, future)
		if r := w.last("car-1", "in-time"); r.State != "verified" {
			t.Errorf("in time: %+v", r)
		}
	})
}

func TestExpiry_TwoMinutesInLineAreTooLong(t *testing.T) {
	c := newCloud(car(1))
	bubble(t, c, func(t *testing.T, w *world) {
		g := c.hold()
		w.refresh("car-1", "long", "force")
		synctest.Wait()
		w.refresh("car-1", "early", "cached")
		pass(time.Minute)
		w.refresh("car-1", "late", "cached") // joins early
		w.refresh("car-1", "other", "smart:5")
		pass(time.Minute)
		g <- nil
		synctest.Wait()
		if r := w.last("car-1", "early"); r.State != "expired" {
			t.Errorf("after 120 s in line: %+v", r)
		}
		if r := w.last("car-1", "late"); r.State != "sent" {
			t.Errorf("after 60 s in line: %+v", r)
		}
		pass(time.Minute)
		close(g)
		synctest.Wait()
		if made := c.made(); len(made) != 2 || made[1].trace.Command != "late" {
			t.Errorf("operations %+v", made)
		}
		for id, want := range map[string]string{"long": "verified", "early": "expired", "late": "verified", "other": "expired"} {
			if r := w.last("car-1", id); r.State != want {
				t.Errorf("%s ended %+v, want %s", id, r, want)
			}
		}
		w.endings()
	})
}

// With hundreds of cars in forced refreshes, the turn in the bulkhead may come after many minutes.
func TestExpiry_WhoWaitsForItsTurnTooLongIsCalledOff(t *testing.T) {
	c := newCloud(car(1))
	bubble(t, c, func(t *testing.T, w *world) {
		turn, left := make(gate), 0
		c.reply(func(ctx context.Context, made call) (vehicle.Report, error) {
			done := made.trace.Wait()
			err := turn.wait(ctx)
			done()
			if err != nil {
				return vehicle.Report{}, err
			}
			left++
			return report(made.at, soc(50)), nil
		})
		w.refresh("car-1", "first", "force")
		pass(time.Minute)
		w.refresh("car-1", "second", "force") // shares it
		pass(61 * time.Second)
		if r := w.last("car-1", "first"); r.State != "expired" {
			pass(10 * time.Second)
			if r = w.last("car-1", "first"); r.State != "expired" {
				t.Errorf("after two minutes: %+v", r)
			}
		}
		if r := w.last("car-1", "second"); r.Terminal {
			t.Errorf("the second one ended with the first: %+v", r)
		}
		pass(time.Minute)
		if r := w.last("car-1", "second"); r.State != "expired" || left != 0 {
			t.Errorf("after its two minutes: %+v, %d operations left", r, left)
		}
		if w.outbox.last("car-1/status/error") != "" {
			t.Error("what was never tried counts as failed")
		}
		w.refresh("car-1", "third", "force")
		synctest.Wait()
		turn <- nil
		synctest.Wait()
		if r := w.last("car-1", "third"); r.State != "verified" || left != 1 {
			t.Errorf("the next one: %+v, %d operations left", r, left)
		}
		w.endings()
	})
}

// An operation that was called off may take a while to notice; nobody may join it.
func TestLane_NobodySharesARefreshThatWasCalledOff(t *testing.T) {
	c := newCloud(car(1))
	bubble(t, c, func(t *testing.T, w *world) {
		deaf := make(chan struct{})
		c.reply(func(ctx context.Context, made call) (vehicle.Report, error) {
			if done := made.trace.Wait(); made.trace.Command == "late" {
				<-deaf
				done()
			}
			return report(made.at, soc(50)), context.Cause(ctx)
		})
		w.refresh("car-1", "late", "cached")
		pass(130 * time.Second)
		w.refresh("car-1", "next", "cached")
		synctest.Wait()
		if r := w.last("car-1", "next"); r.State != "queued" || w.last("car-1", "late").State != "expired" {
			t.Errorf("beside a refresh that was called off: %+v", r)
		}
		close(deaf)
		synctest.Wait()
		if r := w.last("car-1", "next"); r.State != "verified" || len(c.made()) != 2 {
			t.Errorf("afterwards: %+v, %d operations", r, len(c.made()))
		}
	})
}
