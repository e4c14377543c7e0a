package guard_test

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/guard"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

func TestStack_FirstGuardIsOutermost(t *testing.T) {
	var seen journal
	named := func(name string) guard.Around {
		return func(ctx context.Context, _ guard.Operation, do func(context.Context) error) error {
			seen.note(name + " in")
			defer seen.note(name + " out")
			return do(ctx)
		}
	}
	c := guard.Stack("home", &cloud{cached: func(context.Context, bluelink.Ask) error { seen.note("cloud"); return nil }}, named("a"), named("b"))
	if err := read(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if want := []string{"a in", "b in", "cloud", "b out", "a out"}; !slices.Equal(seen.read(), want) {
		t.Errorf("order %v, want %v", seen.read(), want)
	}
}

func TestStack_GuardsLearnWhatTheOperationIs(t *testing.T) {
	car := vehicle.Vehicle{ID: "0123456789ab", Model: "Kona"}
	known, _, _ := vehicle.State{}.Apply(func() (r vehicle.Report) { vehicle.SoC.Set(&r, 40, ""); return r }(), time.Now())
	ask := bluelink.Ask{Vehicle: car, Known: known}
	for name, test := range map[string]struct {
		do   func(bluelink.Cloud) error
		want guard.Operation
	}{
		"login":    {func(c bluelink.Cloud) error { return c.Login(t.Context()) }, guard.Operation{Account: "home", Name: "login", Kind: bluelink.CallRead}},
		"vehicles": {func(c bluelink.Cloud) error { _, err := c.Vehicles(t.Context()); return err }, guard.Operation{Account: "home", Name: "vehicles", Kind: bluelink.CallRead}},
		"cached": {
			func(c bluelink.Cloud) error { _, err := c.Cached(t.Context(), ask); return err },
			guard.Operation{Account: "home", Name: "cached", Kind: bluelink.CallRead, Vehicle: car, Known: known},
		},
		"force": {
			func(c bluelink.Cloud) error { _, err := c.Force(t.Context(), ask); return err },
			guard.Operation{Account: "home", Name: "force", Kind: bluelink.CallWake, Vehicle: car, Known: known},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var got guard.Operation
			c := guard.Stack("home", &cloud{}, func(ctx context.Context, op guard.Operation, do func(context.Context) error) error {
				got = op
				return do(ctx)
			})
			if err := test.do(c); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("guard saw %+v, want %+v", got, test.want)
			}
		})
	}
}

func TestStack_GivesTheCloudsAnswer(t *testing.T) {
	broken := errors.New("broken")
	listed := []vehicle.Vehicle{{Model: "EV6"}}
	c := guard.Wrap(&cloud{
		login:    func(context.Context) error { return broken },
		vehicles: func(context.Context) ([]vehicle.Vehicle, error) { return listed, nil },
	}, options(t))
	if err := c.Login(t.Context()); !errors.Is(err, broken) {
		t.Errorf("login: %v", err)
	}
	if list, err := c.Vehicles(t.Context()); err != nil || len(list) != 1 || list[0].Model != "EV6" {
		t.Errorf("vehicles: %v, %v", list, err)
	}
	for want, get := range map[string]func(context.Context, bluelink.Ask) (vehicle.Report, error){"cached": c.Cached, "force": c.Force} {
		if report, err := get(t.Context(), bluelink.Ask{}); err != nil || report.Source != want {
			t.Errorf("%s: report of %q, %v", want, report.Source, err)
		}
	}
}

// refusing is a gate that refuses everything.
type refusing struct{ calls int }

func (g *refusing) Admit(ctx context.Context, _ guard.Operation) (context.Context, func(error), error) {
	g.calls++
	return ctx, nil, &bluelink.Error{Op: "force", Reason: vehicle.GuardedDailyCap, Err: bluelink.ErrQuota}
}

// The order of the guards shows in who sees an operation that another one refuses.
func TestWrap_GateStandsOutsideOfTheBreaker(t *testing.T) {
	o, registry := measured(t)
	gate := &refusing{}
	o.Gate, o.Breaker.Reads = gate, 1
	left := false
	c := guard.Wrap(&cloud{force: func(context.Context, bluelink.Ask) error { left = true; return nil }}, o)
	for range 3 {
		if err := wake(t.Context(), c); bluelink.Reason(err) != vehicle.GuardedDailyCap {
			t.Errorf("refused with %v", err)
		}
	}
	if left || gate.calls != 3 {
		t.Errorf("operation left: %v; the gate was asked %d times", left, gate.calls)
	}
	if state := metric(t, registry, "bluelink2mqtt_breaker_state", "breaker", "reads"); state != 0 {
		t.Errorf("the gate's refusals opened the breaker")
	}
	if n := metric(t, registry, "bluelink2mqtt_operation_seconds"); n != 0 {
		t.Errorf("%v refused operations were measured", n)
	}
}

func TestWrap_OpenBreakerAsksTheGateButTakesNoPlaceInTheBulkhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := options(t)
		gate := &guard.CountingGate{}
		o.Gate, o.Breaker.Reads, o.Bulkhead = gate, 1, guard.NewBulkhead(guard.BulkheadOptions{PerAccount: 1})
		release := make(chan struct{})
		c := guard.Wrap(&cloud{
			cached: func(context.Context, bluelink.Ask) error { return twice(bluelink.ErrUnavailable) },
			force:  func(context.Context, bluelink.Ask) error { <-release; return nil },
		}, o)
		done := make(chan error, 1)
		go func() { done <- wake(t.Context(), c) }()
		synctest.Wait() // the only place for wakes is taken
		_ = read(t.Context(), c)
		if err := wake(t.Context(), c); !errors.Is(err, bluelink.ErrBreakerOpen) {
			t.Errorf("with an open breaker: %v", err)
		}
		if gate.Wakes() != 2 {
			t.Errorf("the gate counted %d wakes", gate.Wakes())
		}
		close(release)
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestWrap_DeadlineBeginsWithTheTurnInTheBulkhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, registry := measured(t)
		o.Bulkhead, o.Deadline.Cached = guard.NewBulkhead(guard.BulkheadOptions{PerAccount: 1}), time.Minute
		c := guard.Wrap(&cloud{cached: func(ctx context.Context, _ bluelink.Ask) error {
			select {
			case <-time.After(40 * time.Second):
				return nil
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}}, o)
		done := make(chan error, 3)
		for range 3 { // the last one waits for 80 s
			go func() { done <- read(t.Context(), c) }()
		}
		for range 3 {
			if err := <-done; err != nil {
				t.Errorf("the wait was counted as work: %v", err)
			}
		}
		if n := metric(t, registry, "bluelink2mqtt_operation_seconds", "operation", "cached", "outcome", "ok"); n != 3 {
			t.Errorf("measured %v operations", n)
		}
		if n := metric(t, registry, "bluelink2mqtt_bulkhead_wait_seconds", "kind", "read"); n != 2 {
			t.Errorf("measured %v waits, want 2", n)
		}
	})
}

func TestWrap_MetricsSeeTheDeadlineAsTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, registry := measured(t)
		c := guard.Wrap(&cloud{force: func(ctx context.Context, _ bluelink.Ask) error {
			<-ctx.Done()
			return twice(errors.Join(bluelink.ErrUnavailable, context.Cause(ctx)))
		}}, o)
		if err := wake(t.Context(), c); bluelink.Reason(err) != vehicle.Timeout {
			t.Errorf("ended with %v", err)
		}
		if n := metric(t, registry, "bluelink2mqtt_operation_seconds", "operation", "force", "outcome", "timeout"); n != 1 {
			t.Errorf("measured %v timeouts", n)
		}
		if n := metric(t, registry, "bluelink2mqtt_operations_in_flight", "operation", "force"); n != 0 {
			t.Errorf("%v operations in flight after the end", n)
		}
	})
}

func TestDeadlines_EveryOperationHasOneThatSaysItsName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wait := func(ctx context.Context) error { <-ctx.Done(); return context.Cause(ctx) }
		waitAsked := func(ctx context.Context, _ bluelink.Ask) error { return wait(ctx) }
		c := guard.Wrap(&cloud{
			login: wait, vehicles: func(ctx context.Context) ([]vehicle.Vehicle, error) { return nil, wait(ctx) },
			cached: waitAsked, force: waitAsked,
		}, options(t))
		for _, test := range []struct {
			name  string
			do    func() error
			limit time.Duration
		}{
			{"login", func() error { return c.Login(t.Context()) }, 2 * time.Minute},
			{"vehicles", func() error { _, err := c.Vehicles(t.Context()); return err }, 90 * time.Second},
			{"cached", func() error { return read(t.Context(), c) }, 2 * time.Minute},
			{"force", func() error { return wake(t.Context(), c) }, 4 * time.Minute},
		} {
			start := time.Now()
			err := test.do()
			if took := time.Since(start); took != test.limit {
				t.Errorf("%s ended after %v, want %v", test.name, took, test.limit)
			}
			if want := test.name + " took longer than " + test.limit.String() + ": context deadline exceeded"; err == nil || err.Error() != want {
				t.Errorf("%s ended with %q, want %q", test.name, err, want)
			}
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: %v is no exceeded deadline", test.name, err)
			}
		}
	})
}

func TestMetrics_OutcomesAreTheReasonsOfEveryFront(t *testing.T) {
	inner, set := answering()
	o, registry := measured(t)
	o.Breaker.Reads = 100
	c := guard.Wrap(inner, o)
	for outcome, err := range map[string]error{
		"ok": nil, "cloud_unavailable": bluelink.ErrUnavailable, "cloud_changed": bluelink.ErrBadResponse, "cloud_limit": bluelink.ErrRateLimited,
		"vehicle_unreachable": bluelink.ErrVehicleUnreachable, "login_required": bluelink.ErrCredentials, "code_required": bluelink.ErrOTPRequired,
		"timeout": context.DeadlineExceeded, "shutdown": context.Canceled, "internal": errors.New("a stranger's word"),
	} {
		if set(nil); err != nil {
			set(twice(err))
		}
		_ = read(t.Context(), c)
		if n := metric(t, registry, "bluelink2mqtt_operation_seconds", "account", "home", "operation", "cached", "outcome", outcome); n != 1 {
			t.Errorf("%v counted as %s: %v", err, outcome, n)
		}
	}
}
