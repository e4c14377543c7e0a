package bridge_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/bridge"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/store"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

func TestStop_OperationInFlightMayEndAndWhatWaitsIsRefused(t *testing.T) {
	c := newCloud(car(1), car(2))
	synctest.Test(t, func(t *testing.T) {
		memory := store.NewMemory()
		w := build(t, c, func(o *bridge.Options) { o.Store = memory }).run()
		g := c.hold()
		w.refresh("car-1", "flying", "force")
		synctest.Wait()
		w.refresh("car-1", "joined", "force")
		w.refresh("car-1", "waiting", "cached")
		w.refresh("car-1", "waiting-too", "smart:5")
		synctest.Wait()
		start := time.Now()
		w.end()
		synctest.Wait()
		for _, id := range []string{"waiting", "waiting-too"} {
			if r := w.last("car-1", id); r.State != "accepted" && r.State != "queued" {
				t.Errorf("%s: %+v", id, r)
			}
		}
		<-time.After(3 * time.Second)
		g <- nil
		if err := <-w.ended; err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took != 3*time.Second {
			t.Errorf("ended after %v", took)
		}
		for id, want := range map[string]string{"flying": "verified", "joined": "verified", "waiting": "rejected", "waiting-too": "rejected"} {
			if r := w.last("car-1", id); r.State != want || want == "rejected" && r.Reason != "shutdown" {
				t.Errorf("%s ended %+v", id, r)
			}
		}
		w.endings()
		if _, err := memory.Get(t.Context(), "vehicle/"+string(car(1).ID)); err != nil {
			t.Errorf("what the last operation brought is not in the store: %v", err)
		}
	})
}

func TestStop_OperationThatOutlastsTheGraceIsEndedAndHasItsRecord(t *testing.T) {
	c := newCloud(car(1))
	synctest.Test(t, func(t *testing.T) {
		w := build(t, c, func(o *bridge.Options) { o.Grace = 7 * time.Second }).run()
		w.ask(t)
		c.hold()
		w.refresh("car-1", "x", "force")
		synctest.Wait()
		w.outbox.take()
		start := time.Now()
		w.stop()
		if took := time.Since(start); took != 7*time.Second {
			t.Errorf("ended after %v", took)
		}
		if r := w.last("car-1", "x"); r.State != "failed" || r.Reason != "shutdown" {
			t.Errorf("ended %+v", r)
		}
		// A stop is no fault of the car: nothing of it stays on the broker.
		for _, suffix := range []string{"status/error", "status/stale", "availability"} {
			if got := w.outbox.last("car-1/" + suffix); got != "" {
				t.Errorf("%s says %s", suffix, got)
			}
		}
	})
}

func TestStop_WhileTheCloudIsAskedForTheCarsEndsInTime(t *testing.T) {
	c := newCloud(car(1))
	synctest.Test(t, func(t *testing.T) {
		g := make(gate)
		c.signIn(func(ctx context.Context) error { return g.wait(ctx) })
		w := build(t, c).run()
		start := time.Now()
		w.stop()
		if took := time.Since(start); took != 5*time.Second {
			t.Errorf("ended after %v", took)
		}
	})
}

func TestStop_MessagesAfterwardsAreRefusedAndAcknowledged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := build(t, newCloud(car(1))).run()
		w.stop()
		w.refresh("car-1", "x", "cached")
		if r := w.last("car-1", "x"); r.State != "rejected" || r.Reason != "shutdown" || w.acknowledged() != 1 {
			t.Errorf("ended %+v, %d acknowledged", r, w.acknowledged())
		}
		steps, err := w.Submit("car-1", vehicle.Request{Command: vehicle.Refresh{Mode: vehicle.Cached}}, vehicle.ByHTTP)
		if err != nil {
			t.Fatal(err)
		}
		if r := <-steps; r.State != vehicle.Rejected || r.Reason != vehicle.Shutdown {
			t.Errorf("another front got %+v", r)
		}
	})
}

// Messages that come in while the bridge stops are answered, whoever is faster.
func TestStop_NoMessageIsLostInTheRace(t *testing.T) {
	for range 50 {
		synctest.Test(t, func(t *testing.T) {
			w := build(t, newCloud(car(1), car(2))).run()
			sent := make(chan struct{})
			go func() {
				for n := range 40 {
					w.refresh([]string{"car-1", "car-2"}[n%2], fmt.Sprintf("command-%d", n), "cached")
				}
				close(sent)
			}()
			w.stop()
			<-sent
			if n := len(w.endings()); n != 40 || w.acknowledged() != 40 {
				t.Fatalf("%d of 40 ended, %d acknowledged", n, w.acknowledged())
			}
		})
	}
}

func TestStop_BeforeItHasBegunIsNoFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := build(t, newCloud(car(1)))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		w.refresh("car-1", "early", "cached")
		if err := w.Run(ctx); err != nil {
			t.Error(err)
		}
		if r := w.last("car-1", "early"); r.State != "rejected" {
			t.Errorf("a command of that moment ended %+v", r)
		}
	})
}
