package cloudtest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/sim"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// operation is something that a caller wants of a cloud. Its car has a good session.
type operation struct {
	name string
	do   func(context.Context, *world, vehicle.Vehicle) error
}

// operations are in the order of the columns of expected.
var operations = []operation{
	{"list", func(ctx context.Context, w *world, _ vehicle.Vehicle) error {
		_, err := w.cloud.Vehicles(ctx)
		return err
	}},
	{"cached", func(ctx context.Context, w *world, v vehicle.Vehicle) error {
		_, err := w.cloud.Cached(ctx, bluelink.Ask{Vehicle: v})
		return err
	}},
	{"force", func(ctx context.Context, w *world, v vehicle.Vehicle) error {
		_, err := w.cloud.Force(ctx, bluelink.Ask{Vehicle: v, Known: w.known})
		return err
	}},
	{"command", func(ctx context.Context, w *world, v vehicle.Vehicle) error {
		_, err := w.cloud.Send(ctx, bluelink.Ask{Vehicle: v}, vehicle.Unlock{})
		return err
	}},
}

// row is what a fault means, by operation: list, cached, force, command.
type row struct {
	fault string
	want  [4]error
}

// expected is what each fault of the simulator means. A fault that a cloud does not have at an operation does not strike there,
// and the operation must succeed.
var expected = []row{
	{"quota", all(bluelink.ErrRateLimited)},
	{"duplicate", [4]error{nil, nil, bluelink.ErrBusy, bluelink.ErrBusy}},
	{"busy", [4]error{nil, nil, bluelink.ErrVehicleUnreachable, bluelink.ErrVehicleUnreachable}},
	{"unreachable", [4]error{nil, nil, bluelink.ErrVehicleUnreachable, bluelink.ErrVehicleUnreachable}},
	{"low-battery", [4]error{nil, nil, bluelink.ErrRefused, bluelink.ErrRefused}},
	{"unreachable=silent", [4]error{nil, nil, bluelink.ErrVehicleUnreachable, nil}}, // of a command the action tells
	{"unsupported", [4]error{nil, nil, bluelink.ErrUnsupported, bluelink.ErrUnsupported}},
	{"no-data", [4]error{nil, bluelink.ErrNoData, bluelink.ErrNoData, bluelink.ErrNoData}},
	{"expired-token", all(bluelink.ErrSessionExpired)},
	{"invalid-device", all(bluelink.ErrDevice)},
	{"status=429", all(bluelink.ErrRateLimited)},
	{"status=500", all(bluelink.ErrUnavailable)},
	{"html=503", all(bluelink.ErrUnavailable)},
	{"html", all(bluelink.ErrBadResponse)},
	{"html=403", all(bluelink.ErrBlocked)},
	{"truncated", all(bluelink.ErrUnavailable)},
	{"slow", [4]error{}},
	{"drip=1ms", [4]error{}},
	{"silent", all(bluelink.ErrUnavailable)},
	{"reset", all(bluelink.ErrUnavailable)},
}

func all(err error) [4]error { return [4]error{err, err, err, err} }

// signInFaults are those of a sign-in.
var signInFaults = map[string]error{
	"credentials": bluelink.ErrCredentials, "credentials=error": bluelink.ErrCredentials, "blocked=403": bluelink.ErrBlocked, "blocked": bluelink.ErrBlocked, "consent": bluelink.ErrConsentRequired,
	"status=503": bluelink.ErrUnavailable, "silent": bluelink.ErrUnavailable, "reset": bluelink.ErrUnavailable,
}

// elsewhere are the faults of the simulator that are not in this table, with the place that holds them.
var elsewhere = map[string]string{
	"action":  "the part about actions",
	"code":    "Setup.Codes: each cloud has its own",
	"step":    "the families whose sign-in has such steps",
	"landing": "the families whose sign-in ends at such a page",
	"otp":     "codes",
}

// faults lets each fault strike each operation.
func faults(t *testing.T, s *Setup, _ *replayed) {
	struckAnywhere := 0
	table := slices.Clone(expected)
	for code, want := range s.Codes {
		table = append(table, row{"code=" + code, all(want)})
	}
	for _, row := range table {
		for i, op := range operations {
			w := newWorld(t, s, sim.Options{})
			v := w.electric()
			w.known = w.read(v, vehicle.State{})
			pass(t, 5*time.Minute) // what it reports next is another report
			struck := w.fault(row.fault)
			err := op.do(t.Context(), w, v)
			want := row.want[i]
			if other, differs := s.Errors[op.name+" "+row.fault]; differs {
				want = other
			}
			if struck() == 0 {
				want = nil
			} else {
				struckAnywhere++
			}
			if !errors.Is(err, want) || (err == nil) != (want == nil) || err != nil && bluelink.Reason(err) == vehicle.Internal {
				t.Errorf("%s, %s: %v (struck %d times), want %v", op.name, row.fault, err, struck(), want)
			}
			w.agree()
		}
	}
	if struckAnywhere < len(expected) {
		t.Errorf("%d faults struck: the simulator hardly has any at this cloud", struckAnywhere)
	}
	for fault, want := range signInFaults {
		w := newWorld(t, s, sim.Options{})
		struck := w.fault(fault)
		err := w.cloud.Login(t.Context())
		if other, differs := s.Errors["sign in "+fault]; differs {
			want = other
		}
		if struck() == 0 {
			if waits := s.CodeBy != "" && errors.Is(err, bluelink.ErrOTPRequired); err != nil && !waits {
				t.Errorf("sign in, %s did not strike: %v", fault, err)
			}
			continue
		}
		if !errors.Is(err, want) || bluelink.Reason(err) == vehicle.Internal {
			t.Errorf("sign in, %s: %v, want %v", fault, err, want)
		}
		w.agree()
	}
}

// onceFaults are the ways to fail that leave a command's end in doubt, or seem to.
var onceFaults = []string{
	"silent", "silent=after", "reset", "reset=after", "truncated", "empty", "html", "html=401", "html=403", "html=400",
	"status=401", "status=404", "status=408", "status=500", "status=502", "html=503", "status=504", "wrong-types",
	"quota", "duplicate", "busy", "unreachable", "low-battery", "unsupported",
}

// sentOnce lets every way to fail strike a command, before and after the cloud has carried it out: it leaves once, and the
// error never says that it cannot have happened when it has.
func sentOnce(t *testing.T, s *Setup, _ *replayed) {
	for _, fault := range onceFaults {
		w := newWorld(t, s, sim.Options{})
		v := w.electric()
		w.warmUp(v)
		carried, n, start := w.truth(v).Commands, w.book.len(), time.Now()
		w.commandFault(fault)
		id, err := w.cloud.Send(t.Context(), bluelink.Ask{Vehicle: v}, vehicle.Unlock{})
		carried = w.truth(v).Commands - carried
		if posts := w.book.since(n, "unlock"); posts != 1 || carried > 1 {
			t.Errorf("%s: sent %d times, carried out %d times", fault, posts, carried)
		}
		if took := time.Since(start); took > 2*bluelink.CallTimeout {
			t.Errorf("%s: took %s", fault, took)
		}
		switch {
		case err != nil && carried > 0 && !bluelink.MayHaveSucceeded(err):
			t.Errorf("%s: carried out, but the error denies it: %v", fault, err)
		case err != nil && bluelink.Reason(err) == vehicle.Internal:
			t.Errorf("%s: nobody has classified %v", fault, err)
		case err == nil && carried == 0:
			w.ClearFaults()
			if status := w.outcome(v, id); status == vehicle.ActionSuccess {
				t.Errorf("%s: an action that never happened is a success", fault)
			}
		case silentFault(fault) && (err == nil || !bluelink.MayHaveSucceeded(err)):
			t.Errorf("%s: after silence nobody can know, but the error is %v", fault, err)
		}
		w.agree()
	}
}

// warmUp sends a command, so that the next one leaves without what a first one needs, such as showing the PIN.
func (w *world) warmUp(v vehicle.Vehicle) {
	w.t.Helper()
	if _, err := w.cloud.Send(w.t.Context(), bluelink.Ask{Vehicle: v}, vehicle.Lock{}); err != nil {
		w.t.Fatal(err)
	}
	pass(w.t, 2*time.Minute)
}

func silentFault(fault string) bool {
	return strings.HasPrefix(fault, "silent") || strings.HasPrefix(fault, "reset") || strings.Contains(fault, "=50")
}

// cancels gives up each operation while the cloud is silent.
func cancels(t *testing.T, s *Setup, _ *replayed) {
	for _, op := range append([]operation{{"sign in", func(ctx context.Context, w *world, _ vehicle.Vehicle) error {
		return w.cloud.Login(ctx)
	}}}, operations...) {
		w := newWorld(t, s, sim.Options{})
		var v vehicle.Vehicle
		if op.name != "sign in" {
			v = w.electric()
			w.known = w.read(v, vehicle.State{})
			w.warmUp(v)
		}
		hush := w.fault
		if op.name == "command" {
			hush = w.commandFault
		}
		struck := hush("silent")
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(3*time.Second, cancel)
		start := time.Now()
		err := op.do(ctx, w, v)
		if took := time.Since(start); struck() == 0 || err == nil || took > 10*time.Second && op.name != "sign in" {
			t.Errorf("%s: took %s, %v", op.name, took, err)
		}
		// A sign-in goes on for the others who wait for it, within its own limit.
		if op.name != "sign in" && !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v, want it cancelled", op.name, err)
		}
		if op.name == "command" && !bluelink.MayHaveSucceeded(err) {
			t.Errorf("a command that was given up on its way cannot have happened: %v", err)
		}
		cancel()
		w.ClearFaults()
		pass(t, 5*time.Minute)
		if op.name == "sign in" {
			pass(t, time.Hour)
			w.electric()
			continue
		}
		if err := op.do(t.Context(), w, v); err != nil {
			t.Errorf("%s afterwards: %v", op.name, err)
		}
		w.agree()
	}
}
