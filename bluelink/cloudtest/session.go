package cloudtest

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/sim"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// mustBe checks what an error is classified as.
func mustBe(t *testing.T, what string, err, sentinel error) {
	t.Helper()
	if !errors.Is(err, sentinel) {
		t.Fatalf("%s: error is %v, want %v", what, err, sentinel)
	}
}

// signsIn signs in once, however often it is asked to, and after a restart not at all.
func signsIn(t *testing.T, s *Setup, did *replayed) {
	w := newWorld(t, s, sim.Options{})
	w.enter()
	first := w.counts()
	if first.Logins != 1 || first.DeviceRegistrations > 1 || s.CodeBy != "" && first.Codes != 1 {
		t.Errorf("the cloud counts %+v", first)
	}
	n := w.book.len()
	for range 3 {
		if err := w.cloud.Login(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	w.open(w.RoundTripper())
	if _, err := w.cloud.Vehicles(t.Context()); err != nil {
		t.Fatal(err)
	}
	if again := w.counts(); again != first {
		t.Errorf("a good session costs %s: the cloud counts %+v", w.book.after(n), again)
	}
	w.agree()
	did.add("sign in", "")
}

// refusedOnce tries a wrong password once, however many ask, until it is corrected.
func refusedOnce(t *testing.T, s *Setup, _ *replayed) {
	w := newWorld(t, s, sim.Options{})
	w.account.Password = "not " + sim.Password
	for range 2 {
		w.open(w.RoundTripper())
		for range 3 {
			_, err := w.cloud.Vehicles(t.Context())
			mustBe(t, "wrong password", err, bluelink.ErrCredentials)
			pass(t, time.Hour)
		}
	}
	if counts := w.counts(); counts.Logins != 0 || counts.FailedLogins != 1 {
		t.Errorf("the cloud counts %+v", counts)
	}
	w.account.Password = sim.Password
	w.open(w.RoundTripper())
	w.enter()
	w.agree()
}

// renews goes on without a sign-in when the access token has ended.
func renews(t *testing.T, s *Setup, did *replayed) {
	w := newWorld(t, s, sim.Options{TokenLife: 20 * time.Minute})
	v := w.electric()
	before := w.counts()
	for range 5 {
		pass(t, time.Hour)
		w.read(v, vehicle.State{})
	}
	after := w.counts()
	renewals, logins := after.Renewals-before.Renewals, after.Logins-before.Logins
	if s.SignsInAgain {
		renewals, logins = renewals+logins, 0
	}
	if renewals != 5 || logins != 0 || after.Codes != before.Codes || after.DeviceRegistrations != before.DeviceRegistrations {
		t.Errorf("5 ended tokens: the cloud counts %+v, before %+v", after, before)
	}
	w.agree()
	did.add("renewal", "")
}

// sharesRenewal lets many callers find the token ended at once.
func sharesRenewal(t *testing.T, s *Setup, _ *replayed) {
	w := newWorld(t, s, sim.Options{TokenLife: 20 * time.Minute, Latency: time.Second})
	v := w.electric()
	before := w.counts()
	pass(t, time.Hour)
	var callers sync.WaitGroup
	for range 100 {
		callers.Go(func() {
			if _, err := w.cloud.Cached(t.Context(), bluelink.Ask{Vehicle: v, Sparing: true}); err != nil {
				t.Error(err)
			}
		})
	}
	callers.Wait()
	after := w.counts()
	if n := after.Renewals - before.Renewals + after.Logins - before.Logins; n != 1 {
		t.Errorf("%d renewals for 100 callers", n)
	}
	w.agree()
}

// expires lets the cloud end the token at a call: whoever works does not notice, and what the cloud has refused is sent
// once more.
func expires(t *testing.T, s *Setup, _ *replayed) {
	w := newWorld(t, s, sim.Options{})
	v := w.electric()
	for _, kind := range []string{"expired-token", "invalid-device"} {
		if kind == "invalid-device" && s.TrustsDevices {
			continue
		}
		strike := func() (struck func() int64) {
			pass(t, 25*time.Hour) // devices are replaced a few times a day
			w.set(v, map[string]any{"battery_12v_percent": 95})
			return w.fault(kind + ",count=1")
		}
		struck := strike()
		if w.read(v, vehicle.State{}); struck() == 0 {
			w.ClearFaults()
			continue // not at this cloud
		}
		struck = strike()
		if _, err := w.cloud.Vehicles(t.Context()); err != nil {
			t.Errorf("list, %s: %v", kind, err)
		}
		if struck() == 0 {
			w.ClearFaults() // it is one of calls about a car
		}
		strike()
		if _, err := w.cloud.Force(t.Context(), bluelink.Ask{Vehicle: v}); err != nil {
			t.Errorf("force, %s: %v", kind, err)
		}
		struck = strike()
		carried := w.truth(v).Commands
		id, err := w.cloud.Send(t.Context(), bluelink.Ask{Vehicle: v}, vehicle.Unlock{})
		if err != nil || w.truth(v).Commands != carried+1 {
			t.Errorf("unlock, %s: %v, %d commands", kind, err, w.truth(v).Commands-carried)
		}
		if struck() == 0 {
			t.Errorf("%s never struck the command", kind)
		}
		w.outcome(v, id)
		w.ClearFaults()
	}
	if counts := w.counts(); counts.Logins != 1 && !s.SignsInAgain || counts.FailedLogins != 0 {
		t.Errorf("the cloud counts %+v", counts)
	}
	w.agree()
}

// lists compares the list with the cars of the account.
func lists(t *testing.T, s *Setup, did *replayed) {
	w := newWorld(t, s, sim.Options{Cars: everyKind})
	list, want := w.cars(), w.truths()
	if len(list) != len(want) {
		t.Fatalf("%d cars of %d", len(list), len(want))
	}
	seen := map[vehicle.ID]bool{}
	for i, v := range list {
		engine, _ := vehicle.ParseEngine(want[i].Engine)
		if engine == vehicle.HEV && s.HEV != vehicle.EngineUnknown {
			engine = s.HEV
		}
		if v.VIN.Full() != want[i].VIN || v.ID != vehicle.NewID(v.VIN, s.Region, s.Brand, v.CloudID) || seen[v.ID] {
			t.Errorf("car %d: VIN and id are %s and %s", i, v.VIN.Full(), v.ID)
		}
		if v.Engine != engine || v.Region != s.Region || v.Brand != s.Brand || v.CloudID == "" || v.Name == "" || v.Model == "" {
			t.Errorf("car %d, a %s %s: listed as %+v", i, want[i].Engine, want[i].Model, v)
		}
		for _, name := range v.Capabilities.Commands {
			if spec, ok := vehicle.CommandByName(name); !ok || spec.Local {
				t.Errorf("car %d is offered %q", i, name)
			}
		}
		if !slices.Contains(v.Capabilities.Commands, "refresh") {
			t.Errorf("car %d cannot be refreshed", i)
		}
		seen[v.ID] = true
	}
	w.agree()
	did.add("list", "")
}
