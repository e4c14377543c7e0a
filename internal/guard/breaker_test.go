package guard_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/guard"
)

// answering is a cloud whose reads and wakes end as set says.
func answering() (c *cloud, set func(error)) {
	var next atomic.Pointer[error]
	set = func(err error) { next.Store(&err) }
	set(nil)
	answer := func(context.Context, bluelink.Ask) error { return *next.Load() }
	return &cloud{cached: answer, force: answer}, set
}

// open makes a breaker open, with as many failures as that takes by default.
func open(t *testing.T, c bluelink.Cloud, set func(error)) {
	t.Helper()
	set(twice(bluelink.ErrUnavailable))
	for range 5 {
		if err := read(t.Context(), c); errors.Is(err, bluelink.ErrBreakerOpen) {
			t.Fatal("open too early")
		}
	}
	if err := read(t.Context(), c); !errors.Is(err, bluelink.ErrBreakerOpen) {
		t.Fatalf("not open after five failures: %v", err)
	}
}

func TestBreaker_OpensAfterFiveFailuresInARowAndSaysForHowLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner, set := answering()
		c := guard.Wrap(inner, options(t))
		set(twice(bluelink.ErrUnavailable))
		for range 4 {
			_ = read(t.Context(), c)
		}
		set(nil)
		if err := read(t.Context(), c); err != nil {
			t.Fatalf("four failures opened it: %v", err)
		}
		open(t, c, set)
		<-time.After(20 * time.Second)
		if left := bluelink.RetryAfter(read(t.Context(), c)); left != 40*time.Second {
			t.Errorf("20 s later it says %v", left)
		}
	})
}

// many operations at once, all admitted before the first of them fails.
func TestBreaker_ThousandFailuresOpenItOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, registry := measured(t)
		o.Bulkhead = guard.NewBulkhead(guard.BulkheadOptions{PerAccount: 1000, PerProcess: 1000})
		fail := make(chan struct{})
		var left atomic.Int64
		c := guard.Wrap(&cloud{cached: func(context.Context, bluelink.Ask) error {
			left.Add(1)
			<-fail
			return twice(bluelink.ErrUnavailable)
		}}, o)
		changes := func(state string) float64 {
			return metric(t, registry, "bluelink2mqtt_breaker_changes_total", "breaker", "reads", "state", state)
		}
		var all sync.WaitGroup
		for range 1000 {
			all.Go(func() { _ = read(t.Context(), c) })
		}
		synctest.Wait()
		close(fail)
		all.Wait()
		if changes("open") != 1 || left.Load() != 1000 {
			t.Fatalf("opened %v times by %d operations", changes("open"), left.Load())
		}

		left.Store(0)
		for range 1000 {
			all.Go(func() {
				if err := read(t.Context(), c); !errors.Is(err, bluelink.ErrBreakerOpen) {
					t.Errorf("while open: %v", err)
				}
			})
		}
		all.Wait()
		if left.Load() != 0 {
			t.Errorf("%d operations left while it was open", left.Load())
		}
	})
}

func TestBreaker_HalfOpenAdmitsExactlyOneOfAThousand(t *testing.T) {
	for _, test := range []struct {
		name        string
		probe       error
		then        float64 // 0 closed, 1 open
		admitted    int64   // of the thousand that follow the probe
		transitions float64 // to half-open
	}{
		{"success closes", nil, 0, 1000, 1},
		{"failure opens again", twice(bluelink.ErrBadResponse), 1, 0, 1},
		{"a sleeping car is an answer", twice(bluelink.ErrVehicleUnreachable), 0, 1000, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				inner, set := answering()
				o, registry := measured(t)
				o.Bulkhead = guard.NewBulkhead(guard.BulkheadOptions{PerAccount: 1000, PerProcess: 1000})
				c := guard.Wrap(inner, o)
				open(t, c, set)
				<-time.After(time.Minute)

				var admitted, refused atomic.Int64
				answer := make(chan error)
				inner.cached = func(context.Context, bluelink.Ask) error { admitted.Add(1); return <-answer }
				var all sync.WaitGroup
				rush := func() {
					for range 1000 {
						all.Go(func() {
							if err := read(t.Context(), c); errors.Is(err, bluelink.ErrBreakerOpen) {
								refused.Add(1)
							}
						})
					}
				}
				rush()
				synctest.Wait()
				if admitted.Load() != 1 || refused.Load() != 999 {
					t.Fatalf("admitted %d, refused %d", admitted.Load(), refused.Load())
				}
				answer <- test.probe
				all.Wait()
				if state := metric(t, registry, "bluelink2mqtt_breaker_state", "breaker", "reads"); state != test.then {
					t.Errorf("state %v, want %v", state, test.then)
				}
				if n := metric(t, registry, "bluelink2mqtt_breaker_changes_total", "breaker", "reads", "state", "half_open"); n != test.transitions {
					t.Errorf("half-open %v times, want %v", n, test.transitions)
				}

				admitted.Store(0)
				close(answer)
				rush()
				all.Wait()
				if admitted.Load() != test.admitted {
					t.Errorf("then admitted %d, want %d", admitted.Load(), test.admitted)
				}
			})
		})
	}
}

func TestBreaker_ProbeWithoutAnswerLeavesThePermitToTheNext(t *testing.T) {
	for name, none := range map[string]error{
		"cancelled":         twice(errors.Join(bluelink.ErrUnavailable, context.Canceled)),
		"refused by a hook": twice(bluelink.ErrQuota),
		"unsupported":       twice(bluelink.ErrUnsupported),
		"our own fault":     errors.New("disk full"),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				inner, set := answering()
				c := guard.Wrap(inner, options(t))
				open(t, c, set)
				<-time.After(time.Minute)
				for range 3 {
					set(none)
					if err := read(t.Context(), c); !errors.Is(err, none) {
						t.Fatalf("the probe was not let through: %v", err)
					}
				}
				set(nil)
				if err := errors.Join(read(t.Context(), c), read(t.Context(), c)); err != nil {
					t.Errorf("after a good probe: %v", err)
				}
			})
		})
	}
}

func TestBreaker_PanickingProbeGivesItsPermitBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner, set := answering()
		c := guard.Wrap(inner, options(t))
		open(t, c, set)
		<-time.After(time.Minute)
		answer := inner.cached
		inner.cached = func(context.Context, bluelink.Ask) error { panic("decoder") }
		func() {
			defer func() {
				if recover() == nil {
					t.Error("the panic was swallowed")
				}
			}()
			_ = read(t.Context(), c)
		}()
		inner.cached = answer
		set(nil)
		if err := read(t.Context(), c); !errors.Is(err, bluelink.ErrBreakerOpen) {
			t.Errorf("a panic counted as success: %v", err)
		}
		<-time.After(time.Minute)
		if err := read(t.Context(), c); err != nil {
			t.Errorf("no probe after a panic: %v", err)
		}
	})
}

// An operation that began before the breaker opened says nothing about the cloud of now.
func TestBreaker_LateFailureDoesNotSpoilTheProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner, set := answering()
		c := guard.Wrap(inner, options(t))
		late := make(chan error)
		inner.force = func(context.Context, bluelink.Ask) error { return <-late }
		done := make(chan error, 2)
		go func() { done <- wake(t.Context(), c) }()
		synctest.Wait()
		open(t, c, set)
		<-time.After(time.Minute)

		probe := make(chan error)
		inner.cached = func(context.Context, bluelink.Ask) error { return <-probe }
		go func() { done <- read(t.Context(), c) }()
		synctest.Wait()
		late <- twice(bluelink.ErrUnavailable)
		<-done
		if err := read(t.Context(), c); !errors.Is(err, bluelink.ErrBreakerOpen) {
			t.Errorf("a second probe: %v", err)
		}
		probe <- nil
		<-done
		close(probe)
		if err := read(t.Context(), c); err != nil {
			t.Errorf("the good probe did not close it: %v", err)
		}
	})
}

func TestBreaker_WhichErrorsCount(t *testing.T) {
	for _, test := range []struct {
		err    error
		counts bool
	}{
		{bluelink.ErrUnavailable, true},
		{bluelink.ErrBadResponse, true},
		{context.DeadlineExceeded, true},
		{errors.Join(bluelink.ErrUnavailable, context.DeadlineExceeded), true},
		{errors.Join(bluelink.ErrUnavailable, context.Canceled), false},
		{context.Canceled, false},
		{bluelink.ErrVehicleUnreachable, false},
		{errors.Join(bluelink.ErrVehicleUnreachable, context.DeadlineExceeded), false},
		{bluelink.ErrBusy, false},
		{bluelink.ErrRateLimited, false},
		{bluelink.ErrQuota, false},
		{bluelink.ErrOverloaded, false},
		{bluelink.ErrNotOwner, false},
		{bluelink.ErrBreakerOpen, false},
		{bluelink.ErrCredentials, false},
		{bluelink.ErrPIN, false},
		{bluelink.ErrPINRequired, false},
		{bluelink.ErrOTPRequired, false},
		{bluelink.ErrConsentRequired, false},
		{bluelink.ErrSessionExpired, false},
		{bluelink.ErrDevice, false},
		{bluelink.ErrUnsupported, false},
		{bluelink.ErrInvalidCommand, false},
		{bluelink.ErrNoData, false},
		{bluelink.ErrUnknownVehicle, false},
		{bluelink.ErrBlocked, false},
		{bluelink.ErrClientRefused, false},
		{bluelink.ErrRefused, false},
		{errors.New("disk full"), false},
	} {
		t.Run(test.err.Error(), func(t *testing.T) {
			inner, set := answering()
			o := options(t)
			o.Breaker.Reads = 1
			c := guard.Wrap(inner, o)
			set(twice(test.err))
			_ = read(t.Context(), c)
			set(nil)
			if opened := errors.Is(read(t.Context(), c), bluelink.ErrBreakerOpen); opened != test.counts {
				t.Errorf("opened: %v, want %v", opened, test.counts)
			}
		})
	}
}

func TestBreaker_ReadsAndWakesShareOneAndAccountsDoNot(t *testing.T) {
	inner, set := answering()
	o := options(t)
	home := guard.Wrap(inner, o)
	o.Account = "work"
	work := guard.Wrap(&cloud{}, o)
	open(t, home, set)
	if err := wake(t.Context(), home); !errors.Is(err, bluelink.ErrBreakerOpen) {
		t.Errorf("a wake passed the breaker of reads: %v", err)
	}
	if err := read(t.Context(), work); err != nil {
		t.Errorf("the other account suffers: %v", err)
	}
}

func TestBreaker_CommandsHaveTheirOwnWithThreeFailures(t *testing.T) {
	b := guard.NewBreakers("home", guard.BreakerOptions{}, options(t).Metrics)
	command := guard.Operation{Account: "home", Name: "lock", Kind: bluelink.CallCommand}
	get := guard.Operation{Account: "home", Name: "cached", Kind: bluelink.CallRead}
	fail := func(context.Context) error { return bluelink.ErrUnavailable }
	good := func(context.Context) error { return nil }
	for range 3 {
		if err := b(t.Context(), command, fail); errors.Is(err, bluelink.ErrBreakerOpen) {
			t.Fatal("open too early")
		}
	}
	if err := b(t.Context(), command, good); !errors.Is(err, bluelink.ErrBreakerOpen) {
		t.Errorf("commands pass after three failures: %v", err)
	}
	if err := b(t.Context(), get, good); err != nil {
		t.Errorf("reads suffer from commands: %v", err)
	}
}
