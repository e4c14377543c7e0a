package cloudtest

import (
	"errors"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/sim"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// codes signs in where the cloud wants a one-time code, loses the trust that it brought, and never gets any.
func codes(t *testing.T, s *Setup, did *replayed) {
	if s.CodeBy == "" {
		return
	}
	w := newWorld(t, s, sim.Options{})
	w.waitsForACode("at the first sign-in")
	if counts := w.counts(); counts.Codes != 0 || counts.Logins != 0 {
		t.Errorf("nobody has asked for anything, and the cloud counts %+v", counts)
	}
	w.enterCode(true)
	w.list()

	// Days later the device is not trusted any more.
	struck := w.fault("otp=untrusted")
	pass(t, 25*time.Hour)
	w.waitsForACode("when the trust is lost")
	if struck() != 1 {
		t.Errorf("%d sign-ins met the demand, want one", struck())
	}
	w.ClearFaults()
	w.enterCode(false)
	pass(t, 25*time.Hour)
	w.list()
	if counts := w.counts(); counts.Codes != 2 {
		t.Errorf("the cloud counts %+v, want two codes", counts)
	}
	w.agree()
	did.add("one-time code", "")

	// A code that earns no trust is good for one session.
	w = newWorld(t, s, sim.Options{})
	w.fault("otp=unremembered")
	w.waitsForACode("where no device is trusted")
	w.enterCode(false)
	w.list()
	pass(t, 25*time.Hour)
	w.waitsForACode("after a session without trust")
	w.agree()
}

// waitsForACode lets everybody ask the cloud for days, and the program restart: each is told to enter a code, and no more
// than one sign-in is tried.
func (w *world) waitsForACode(when string) {
	w.t.Helper()
	n := w.book.len()
	for range 3 {
		for range 3 {
			_, list := w.cloud.Vehicles(w.t.Context())
			_, read := w.cloud.Cached(w.t.Context(), bluelink.Ask{Vehicle: vehicle.Vehicle{ID: "x", CloudID: "x"}})
			for _, err := range []error{w.cloud.Login(w.t.Context()), list, read} {
				if !errors.Is(err, bluelink.ErrOTPRequired) || bluelink.Reason(err) != vehicle.CodeRequired {
					w.t.Errorf("%s: %v, want that a code is needed", when, err)
				}
			}
			pass(w.t, 3*time.Hour)
		}
		w.open(w.way)
	}
	if c, waits := w.session.Challenge(); !waits || len(c.Methods) == 0 || c.Sent != "" {
		w.t.Errorf("%s: %+v, waits: %t", when, c, waits)
	}
	if tried := w.book.since(n, "sign in"); tried != 1 {
		w.t.Errorf("%s: %d sign-ins, want one: %s", when, tried, w.book.after(n))
	}
}

// enterCode has a code sent and enters it, after a wrong one where that is asked for, with a restart at each step.
func (w *world) enterCode(afterAWrongOne bool) {
	w.t.Helper()
	ctx := bluelink.WithPerson(w.t.Context())
	if err := w.session.SendCode(ctx, w.setup.CodeBy); err != nil {
		w.t.Fatal(err)
	}
	w.open(w.way)
	if afterAWrongOne {
		if err := w.session.EnterCode(ctx, "000000"); !errors.Is(err, bluelink.ErrOTP) {
			w.t.Errorf("a wrong code: %v", err)
		}
		w.open(w.way)
	}
	if err := w.session.EnterCode(ctx, sim.OTP); err != nil {
		w.t.Fatal(err)
	}
	w.open(w.way)
}
