package bridge_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/bridge"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/store"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// fleet is so many cars.
func fleet(n int) []vehicle.Vehicle {
	all := make([]vehicle.Vehicle, n)
	for i := range all {
		all[i] = car(i)
	}
	return all
}

func TestLanes_ThousandCarsRefreshAtOnceAndAllEnd(t *testing.T) {
	const many = 1000
	c := newCloud(fleet(many)...)
	var flying, most atomic.Int64
	c.reply(func(_ context.Context, made call) (vehicle.Report, error) {
		if n := flying.Add(1); n > most.Load() {
			most.Store(n)
		}
		defer flying.Add(-1)
		<-time.After(time.Second)
		return report(made.at, soc(50)), nil
	})
	bubble(t, c, func(t *testing.T, w *world) {
		start := time.Now()
		for n := range many {
			w.refresh(fmt.Sprintf("car-%d", n), "x", "cached")
		}
		pass(time.Second)
		ended := w.endings()
		if len(ended) != many || time.Since(start) != time.Second {
			t.Errorf("%d of %d ended after %v", len(ended), many, time.Since(start))
		}
		for topic, r := range ended {
			if r.State != "verified" {
				t.Errorf("%s ended %+v", topic, r)
			}
		}
		if most.Load() != many {
			t.Errorf("at most %d at once", most.Load())
		}
		for _, name := range []string{"bluelink2mqtt_queue_depth", "bluelink2mqtt_lanes_busy"} {
			if n := w.metric(name); n != 0 {
				t.Errorf("%s is %v after the end", name, n)
			}
		}
	})
}

// recalled is a world whose many cars have a state of the last run, and whose cloud serves them.
func recalled(t *testing.T, many int) *world {
	t.Helper()
	memory := store.NewMemory()
	w := build(t, newCloud(fleet(many)...), func(o *bridge.Options) { o.Store, o.Initial = memory, true }).run()
	w.stop()
	return build(t, newCloud(fleet(many)...), func(o *bridge.Options) { o.Store = memory }).run()
}

// infos counts the cars that have been published as a whole since the outbox was last emptied.
func infos(all []bridge.Publication) (n int) {
	for _, p := range all {
		if strings.HasSuffix(p.Topic, "/info") && !strings.Contains(p.Topic, "/bridge/") {
			n++
		}
	}
	return n
}

func TestConnected_PublishesManyCarsInPortionsWhileCommandsGoOn(t *testing.T) {
	const many = 1000
	synctest.Test(t, func(t *testing.T) {
		w := recalled(t, many)
		defer w.stop()
		w.outbox.take()
		drained := make(chan struct{})
		w.outbox.drained = func(ctx context.Context) error {
			select {
			case <-drained:
			case <-ctx.Done():
			}
			return ctx.Err()
		}
		w.Connected()
		synctest.Wait()
		first := w.outbox.read()
		if n := infos(first); n == 0 || n == many || len(first) > 2200 {
			t.Fatalf("the first portion has %d cars in %d publications", n, len(first))
		}
		if got := w.outbox.last("bridge/state"); got != "online" {
			t.Errorf("the bridge itself comes first; it is %q", got)
		}
		w.refresh("car-999", "x", "cached")
		synctest.Wait()
		if r := w.last("car-999", "x"); r.State != "verified" {
			t.Errorf("a command meanwhile: %+v", r)
		}
		w.outbox.take()

		drained <- struct{}{}
		synctest.Wait()
		if second := w.outbox.take(); infos(second) == 0 || len(second) > 2200 {
			t.Errorf("the second portion has %d publications", len(second))
		}
		w.Connected() // anew: all cars again, from the first
		close(drained)
		synctest.Wait()
		if n := infos(w.outbox.take()); n != many {
			t.Errorf("after another connect %d cars were published, want each once", n)
		}
	})
}

// A steady stream of other publications never lets the outbox drain.
func TestConnected_DoesNotWaitForeverForTheOutbox(t *testing.T) {
	const many = 300
	synctest.Test(t, func(t *testing.T) {
		w := recalled(t, many)
		defer w.stop()
		w.outbox.take()
		w.outbox.drained = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
		w.Connected()
		pass(time.Minute)
		if n := infos(w.outbox.take()); n != many {
			t.Errorf("%d of %d cars were published", n, many)
		}
	})
}

// Nobody may be able to fill the process's memory with ids.
func TestMemory_RemembersABoundedNumberOfIDs(t *testing.T) {
	var m bridge.Memory
	for n := range bridge.RememberAtMax + 1000 {
		if m.Seen(fmt.Sprint(n)) {
			t.Fatalf("id %d was not seen before", n)
		}
	}
	if n := m.Len(); n != bridge.RememberAtMax {
		t.Errorf("%d ids are remembered", n)
	}
	if m.Seen("0") {
		t.Error("the oldest id is still known")
	}
	if !m.Seen(fmt.Sprint(bridge.RememberAtMax + 999)) {
		t.Error("the newest id is forgotten")
	}
}
