package ccapi

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/sim"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// TestSend_IsSentOnceUnlessTheCloudProvesItRefused lets every way to fail strike a command, before and after the cloud has
// carried it out.
func TestSend_IsSentOnceUnlessTheCloudProvesItRefused(t *testing.T) {
	for _, test := range []struct {
		fault   string
		err     error // nil when it succeeds in the end
		reason  vehicle.Reason
		maybe   bool
		posts   int
		carried int // commands that the cloud accepted
	}{
		{"expired-token,count=1", nil, "", false, 2, 1},
		{"invalid-device,count=1", nil, "", false, 2, 1},
		{"expired-token", bluelink.ErrSessionExpired, vehicle.CloudUnavailable, false, 2, 0},
		{"invalid-device", bluelink.ErrDevice, vehicle.CloudUnavailable, false, 2, 0},
		{"duplicate", bluelink.ErrBusy, vehicle.VehicleBusy, false, 1, 0},
		{"low-battery", bluelink.ErrRefused, vehicle.PreconditionFailed, false, 1, 0},
		{"quota", bluelink.ErrRateLimited, vehicle.CloudLimit, false, 1, 0},
		{"busy", bluelink.ErrVehicleUnreachable, vehicle.VehicleUnreachable, true, 1, 0},
		{"unreachable", bluelink.ErrVehicleUnreachable, vehicle.VehicleUnreachable, true, 1, 0},
		{"silent", bluelink.ErrUnavailable, vehicle.Timeout, true, 1, 0},
		{"silent=after", bluelink.ErrUnavailable, vehicle.Timeout, true, 1, 1},
		{"reset", bluelink.ErrUnavailable, vehicle.CloudUnavailable, true, 1, 0},
		{"reset=after", bluelink.ErrUnavailable, vehicle.CloudUnavailable, true, 1, 1},
		{"truncated", bluelink.ErrUnavailable, vehicle.CloudUnavailable, true, 1, 1},
		{"empty", bluelink.ErrBadResponse, vehicle.CloudChanged, true, 1, 0},
		{"html", bluelink.ErrBadResponse, vehicle.CloudChanged, true, 1, 0},
		{"html=401", bluelink.ErrBadResponse, vehicle.CloudChanged, true, 1, 0},
		{"status=401", bluelink.ErrBadResponse, vehicle.CloudChanged, true, 1, 0},
		{"html=403", bluelink.ErrBlocked, vehicle.LoginRequired, false, 1, 0}, // the firewall, before the cloud
		{"html=400", bluelink.ErrBadResponse, vehicle.CloudChanged, true, 1, 0},
		{"status=500", bluelink.ErrUnavailable, vehicle.CloudUnavailable, true, 1, 0},
		{"status=502", bluelink.ErrUnavailable, vehicle.CloudUnavailable, true, 1, 0},
		{"html=503", bluelink.ErrUnavailable, vehicle.CloudUnavailable, true, 1, 0},
		{"wrong-types", bluelink.ErrBadResponse, vehicle.CloudChanged, true, 1, 1},
	} {
		for _, form := range []string{"flat", "ccs2"} {
			inBubble(t, func(t *testing.T) {
				w := newWorld(t, vehicle.Kia, sim.Options{Parked: true})
				v := w.car(form, vehicle.EV)
				w.fault(test.fault + ",path=*/control/door")
				w.calls.reset()
				start := time.Now()
				id, err := w.cloud.Send(t.Context(), bluelink.Ask{Vehicle: v}, vehicle.Unlock{})
				if !errors.Is(err, test.err) || (err == nil) != (test.err == nil) || bluelink.Reason(err) != test.reason || bluelink.MayHaveSucceeded(err) != test.maybe {
					t.Errorf("%s, %s: %v, reason %s, may have succeeded %t", form, test.fault, err, bluelink.Reason(err), bluelink.MayHaveSucceeded(err))
				}
				if took := time.Since(start); took > bluelink.CallTimeout {
					t.Errorf("%s, %s: took %s", form, test.fault, took)
				}
				if (id == "") != (err != nil) {
					t.Errorf("%s, %s: id %q", form, test.fault, id)
				}
				posts := 0
				for _, call := range w.calls.calls {
					if call.Op == "unlock" {
						posts++
					}
				}
				if posts != test.posts || w.commandsSeen(v) != test.carried {
					t.Errorf("%s, %s: %d posts and %d accepted, want %d and %d", form, test.fault, posts, w.commandsSeen(v), test.posts, test.carried)
				}
				if test.err != nil {
					return
				}
				if w.outcome(v, id) != vehicle.ActionSuccess || w.truth(v)["locked"] != false {
					t.Errorf("%s, %s: not carried out", form, test.fault)
				}
			})
		}
	}
}

// TestSend_NeverLeftIsNeverMaybe fails before the command's own call.
func TestSend_NeverLeftIsNeverMaybe(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, vehicle.Kia, sim.Options{Parked: true})
		v := w.car("ccs2", vehicle.EV)
		// A token that cannot be renewed: the command does not leave, although the renewal did.
		for _, fault := range []string{"silent", "reset=after", "html", "status=500", "empty"} {
			w.ClearFaults()
			w.tokens.expire()
			w.open()
			w.fault(fault + ",host=cci-api-eu.kia.com")
			w.calls.reset()
			_, err := w.cloud.Send(t.Context(), bluelink.Ask{Vehicle: v}, vehicle.Lock{})
			if err == nil || bluelink.MayHaveSucceeded(err) || strings.Contains(w.calls.ops(), "lock") {
				t.Errorf("renewal, %s: %v after %s", fault, err, w.calls.ops())
			}
		}
		w.ClearFaults()
		wait(t, time.Hour)
		w.open()
		w.send(v, vehicle.State{}, vehicle.Lock{})
		// A hook that refuses, and a caller who has gone.
		w.calls.refuse = func(call bluelink.Call) error {
			if call.Op == "unlock" {
				return fmt.Errorf("enough for today: %w", bluelink.ErrQuota)
			}
			return nil
		}
		_, err := w.cloud.Send(t.Context(), bluelink.Ask{Vehicle: v}, vehicle.Unlock{})
		if mustBe(t, err, bluelink.ErrQuota); bluelink.MayHaveSucceeded(err) {
			t.Error("a refused call may have succeeded")
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		w.calls.refuse = nil
		_, err = w.cloud.Send(ctx, bluelink.Ask{Vehicle: v}, vehicle.Unlock{})
		if mustBe(t, err, context.Canceled); bluelink.MayHaveSucceeded(err) {
			t.Error("what was never begun may have succeeded")
		}
		if w.commandsSeen(v) != 1 {
			t.Errorf("%d commands", w.commandsSeen(v))
		}
	})
}

// TestSend_RenewsTheTokenAhead sends no command with a token that may expire on its way.
func TestSend_RenewsTheTokenAhead(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, vehicle.Kia, sim.Options{Parked: true})
		flat, ccs2 := w.car("flat", vehicle.EV), w.car("ccs2", vehicle.EV)
		w.outcome(ccs2, w.send(ccs2, vehicle.State{}, vehicle.Lock{}))
		life := func(left time.Duration) {
			w.tokens.mu.Lock()
			w.tokens.tokens.Expires = time.Now().Add(left)
			w.tokens.mu.Unlock()
			w.open()
			w.calls.reset()
		}
		life(59 * time.Second)
		w.send(flat, vehicle.State{}, vehicle.Lock{})
		if w.calls.count(bluelink.CallRenew) == 0 {
			t.Errorf("sent with a token of 59 s: %s", w.calls.ops())
		}
		// The control token has its own margin.
		w.outcome(ccs2, w.send(ccs2, vehicle.State{}, vehicle.Unlock{}))
		wait(t, controlLife-commandMargin-30*time.Second)
		w.calls.reset()
		w.outcome(ccs2, w.send(ccs2, vehicle.State{}, vehicle.Lock{}))
		if strings.Contains(w.calls.ops(), "PIN") {
			t.Error("a good control token was thrown away")
		}
		wait(t, 30*time.Second)
		w.send(ccs2, vehicle.State{}, vehicle.Unlock{})
		if !strings.Contains(w.calls.ops(), "1 exchange PIN") {
			t.Errorf("sent with a control token near its end: %s", w.calls.ops())
		}
	})
}

// TestSend_SecondCommandOfACarIsBusy sends two at once.
func TestSend_SecondCommandOfACarIsBusy(t *testing.T) {
	for _, form := range []string{"flat", "ccs2"} {
		inBubble(t, func(t *testing.T) {
			w := newWorld(t, vehicle.Kia, sim.Options{Parked: true, Latency: time.Second})
			v := w.car(form, vehicle.EV)
			var errs [2]error
			var both sync.WaitGroup
			for i := range errs {
				both.Go(func() {
					_, errs[i] = w.cloud.Send(t.Context(), bluelink.Ask{Vehicle: v}, vehicle.Hazard{Horn: i == 1})
				})
			}
			both.Wait()
			if (errs[0] == nil) == (errs[1] == nil) {
				t.Fatalf("%s: %v and %v", form, errs[0], errs[1])
			}
			err := errors.Join(errs[:]...)
			if mustBe(t, err, bluelink.ErrBusy); bluelink.Reason(err) != vehicle.VehicleBusy || bluelink.RetryAfter(err) == 0 {
				t.Errorf("%s: reason %s, again after %s", form, bluelink.Reason(err), bluelink.RetryAfter(err))
			}
			if w.commandsSeen(v) != 1 {
				t.Errorf("%d accepted", w.commandsSeen(v))
			}
		})
	}
}
