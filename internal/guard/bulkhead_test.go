package guard_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/guard"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// gated is a cloud whose operations end when they are let go; it counts those in flight.
type gated struct {
	*cloud
	reads, wakes atomic.Int64 // in flight
	letGo        chan struct{}
}

func newGated() *gated {
	g := &gated{letGo: make(chan struct{})}
	hold := func(n *atomic.Int64) func(context.Context, bluelink.Ask) error {
		return func(ctx context.Context, _ bluelink.Ask) error {
			n.Add(1)
			defer n.Add(-1)
			select {
			case <-g.letGo:
				return nil
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
	}
	g.cloud = &cloud{cached: hold(&g.reads), force: hold(&g.wakes)}
	return g
}

func TestBulkhead_EightOfEachKindForAnAccountAndWakesNeverHoldUpReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := newGated()
		o, registry := measured(t)
		c := guard.Wrap(inner, o)
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() { _ = wake(t.Context(), c) })
		}
		synctest.Wait()
		if n := inner.wakes.Load(); n != 8 {
			t.Errorf("%d wakes in flight, want 8", n)
		}
		for range 20 {
			all.Go(func() { _ = read(t.Context(), c) })
		}
		synctest.Wait()
		if n := inner.reads.Load(); n != 8 {
			t.Errorf("%d reads in flight beside the wakes, want 8", n)
		}
		for _, kind := range []string{"read", "wake"} {
			if n := metric(t, registry, "bluelink2mqtt_bulkhead_waiting", "kind", kind); n != 12 {
				t.Errorf("%v of kind %s wait, want 12", n, kind)
			}
		}
		close(inner.letGo)
		all.Wait()
		for _, kind := range []string{"read", "wake"} {
			if n := metric(t, registry, "bluelink2mqtt_bulkhead_waiting", "kind", kind); n != 0 {
				t.Errorf("%v of kind %s wait after the end", n, kind)
			}
		}
	})
}

func TestBulkhead_AccountsShareTheProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := newGated()
		o := options(t)
		o.Bulkhead = guard.NewBulkhead(guard.BulkheadOptions{PerAccount: 4, PerProcess: 10})
		var all sync.WaitGroup
		for i := range 5 {
			o.Account = fmt.Sprintf("account-%d", i)
			c := guard.Wrap(inner, o)
			for range 6 {
				all.Go(func() { _ = read(t.Context(), c) })
			}
		}
		synctest.Wait()
		if n := inner.reads.Load(); n != 10 {
			t.Errorf("%d reads in flight for all accounts, want 10", n)
		}
		close(inner.letGo)
		all.Wait()
	})
}

func TestBulkhead_WaitingIsToldThroughTheTrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := newGated()
		o := options(t)
		o.Bulkhead = guard.NewBulkhead(guard.BulkheadOptions{PerAccount: 1})
		c := guard.Wrap(inner, o)
		var first, second journal
		traced := func(j *journal) context.Context {
			return bluelink.WithTrace(t.Context(), bluelink.Trace{Waiting: func(waits bool) { j.note(fmt.Sprint(waits)) }})
		}
		var all sync.WaitGroup
		all.Go(func() { _ = read(traced(&first), c) })
		synctest.Wait()
		all.Go(func() { _ = read(traced(&second), c) })
		synctest.Wait()
		if got := second.read(); len(got) != 1 || got[0] != "true" {
			t.Errorf("while it waits: %v", got)
		}
		close(inner.letGo)
		all.Wait()
		if got := second.read(); len(got) != 2 || got[1] != "false" {
			t.Errorf("after its wait: %v", got)
		}
		if got := first.read(); len(got) != 0 {
			t.Errorf("who had its turn at once was told %v", got)
		}
	})
}

func TestBulkhead_CancelledWaitGivesNothingBackThatItDidNotTake(t *testing.T) {
	for _, level := range []guard.BulkheadOptions{{PerAccount: 2}, {PerAccount: 1000, PerProcess: 2}} {
		t.Run(fmt.Sprintf("%+v", level), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				inner := newGated()
				o, registry := measured(t)
				o.Bulkhead = guard.NewBulkhead(level)
				c := guard.Wrap(inner, o)
				var all sync.WaitGroup
				for range 2 {
					all.Go(func() { _ = read(t.Context(), c) })
				}
				synctest.Wait()
				ctx, cancel := context.WithCancel(t.Context())
				for range 50 {
					all.Go(func() {
						err := read(ctx, c)
						if !errors.Is(err, context.Canceled) || bluelink.Reason(err) != vehicle.Shutdown {
							t.Errorf("gave up with %v", err)
						}
					})
				}
				synctest.Wait()
				cancel()
				synctest.Wait()
				if n := metric(t, registry, "bluelink2mqtt_bulkhead_refused_total", "kind", "read"); n != 50 {
					t.Errorf("%v refusals counted", n)
				}
				for range 10 {
					all.Go(func() { _ = read(t.Context(), c) })
				}
				synctest.Wait()
				if n := inner.reads.Load(); n != 2 {
					t.Errorf("%d reads in flight after the others gave up, want 2", n)
				}
				close(inner.letGo)
				all.Wait()
			})
		})
	}
}

func TestBulkhead_EndOfACallersPatienceIsOverloadAndSpeaksNotAgainstTheCloud(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := newGated()
		o := options(t)
		o.Breaker.Reads, o.Bulkhead = 1, guard.NewBulkhead(guard.BulkheadOptions{PerAccount: 1})
		c := guard.Wrap(inner, o)
		done := make(chan error, 1)
		go func() { done <- read(t.Context(), c) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := read(ctx, c); bluelink.Reason(err) != vehicle.Overloaded {
			t.Errorf("gave up with %v", err)
		}
		close(inner.letGo)
		if err := errors.Join(<-done, read(t.Context(), c)); err != nil {
			t.Errorf("the wait opened the breaker: %v", err)
		}
	})
}

func TestBulkhead_PanicGivesThePlaceBack(t *testing.T) {
	o := options(t)
	o.Bulkhead = guard.NewBulkhead(guard.BulkheadOptions{PerAccount: 1, PerProcess: 1})
	inner := &cloud{cached: func(context.Context, bluelink.Ask) error { panic("decoder") }}
	c := guard.Wrap(inner, o)
	func() {
		defer func() { _ = recover() }()
		_ = read(t.Context(), c)
	}()
	inner.cached = nil
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // a full bulkhead would say so at once
	if err := read(ctx, c); err != nil {
		t.Errorf("the place was lost: %v", err)
	}
}
