package kiaus

import (
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

var lock = vehicle.Lock{}

// TestKeys_OfAllCarsAreRenewedTogether is the trap of docs/protocol/usa-kia.md §2.7: with the key of one car renewed, the
// others would sign in again, each ending the session of the one before.
func TestKeys_OfAllCarsAreRenewedTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, o := signedIn(t)
		s.cars = []string{"1", "2", "3", "4", "5"}
		cars := o.list(t)
		logins, lists := s.Count("prof/authUser"), s.Count("ownr/gvl")
		for round := 1; round <= 10; round++ {
			s.mu.Lock()
			s.sid += 100 // the session ends before its time
			s.mu.Unlock()
			var callers sync.WaitGroup
			for range 4 {
				for _, v := range cars {
					callers.Go(func() {
						if _, err := o.Cached(t.Context(), bluelink.Ask{Vehicle: v, Sparing: true}); err != nil {
							t.Error(err)
						}
					})
				}
			}
			callers.Wait()
			if n, m := s.Count("prof/authUser")-logins, s.Count("ownr/gvl")-lists; n != round || m != round {
				t.Fatalf("round %d: %d sign-ins and %d lists, want one of each a round", round, n, m)
			}
		}
	})
}

func TestKeys_WhoComesLateGetsThoseOfTheSessionThatThereIs(t *testing.T) {
	s, o := signedIn(t)
	cars := o.list(t)
	former, err := o.session.Tokens(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	o.session.Expire(former)
	if _, err := o.read(t.Context(), cars[0]); err != nil {
		t.Fatal(err)
	}
	lists := s.Count("ownr/gvl")
	tokens, vin, err := o.fetchKeys(t.Context(), former, 0, cars[0].CloudID)
	if err != nil || tokens.Access == former.Access || vin != s.keyOf(cars[0].CloudID) || s.Count("ownr/gvl") != lists {
		t.Errorf("got %q of the same session %t after %d lists: %v", vin, tokens.Access == former.Access, s.Count("ownr/gvl")-lists, err)
	}
}

func TestKeys_OfAnotherSessionAreFetchedAnewBeforeASignIn(t *testing.T) {
	s, o := signedIn(t)
	cars := o.list(t)
	logins, lists := s.Count("prof/authUser"), s.Count("ownr/gvl")
	o.garage.put(s.live(), map[string]string{"1": "stale", "2": "stale"})
	if _, err := o.read(t.Context(), cars[0]); err != nil {
		t.Fatal(err)
	}
	if n, m := s.Count("prof/authUser")-logins, s.Count("ownr/gvl")-lists; n != 0 || m != 1 {
		t.Errorf("%d sign-ins and %d lists, want the list alone", n, m)
	}
	// The same key again says that it is the session.
	s.Once("cmm/gvi", bad(1103))
	if _, err := o.read(t.Context(), cars[0]); err != nil {
		t.Fatal(err)
	}
	if n := s.Count("prof/authUser") - logins; n != 1 {
		t.Errorf("%d sign-ins", n)
	}
	// For ever refused, it is the cloud's fault and no endless circle.
	s.Always("cmm/gvi", bad(1005))
	before := s.Count("cmm/gvi")
	_, err := o.read(t.Context(), cars[0])
	if bluelink.Reason(err) != vehicle.CloudUnavailable || s.Count("cmm/gvi")-before != 2 {
		t.Errorf("%v after %d calls", err, s.Count("cmm/gvi")-before)
	}
}

func TestKeys_AreFetchedOnceAfterARestart(t *testing.T) {
	s, o := signedIn(t)
	cars := o.list(t)
	o = open(t, s, o.tokens)
	lists := s.Count("ownr/gvl")
	for range 3 {
		for _, v := range cars {
			if _, err := o.read(t.Context(), v); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := s.Count("ownr/gvl") - lists; n != 1 {
		t.Errorf("%d lists", n)
	}
	_, err := o.read(t.Context(), vehicle.Vehicle{CloudID: "sold"})
	mustFail(t, err, bluelink.ErrUnknownVehicle)
}

// TestKeys_OfACarThatIsRefusedForEverCostFewSignIns holds its neighbours harmless: each sign-in ends the session of all, and
// a day has twelve.
func TestKeys_OfACarThatIsRefusedForEverCostFewSignIns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, o := signedIn(t)
		cars := o.list(t)
		logins := s.Count("prof/authUser")
		s.Always("cmm/gvi", bad(1005))
		for range 24 * 6 {
			if _, err := o.read(t.Context(), cars[0]); bluelink.Reason(err) != vehicle.CloudUnavailable {
				t.Fatal(err)
			}
			<-time.After(10 * time.Minute)
		}
		if n := s.Count("prof/authUser") - logins; n < 1 || n > 7 {
			t.Errorf("%d sign-ins in a day for the key of one car", n)
		}
		logins = s.Count("prof/authUser")
		s.On("cmm/gvi", nil)
		if _, err := o.read(t.Context(), cars[0]); err != nil {
			t.Errorf("taken again: %v", err)
		}
		s.Once("cmm/gvi", bad(1005))
		if _, err := o.read(t.Context(), cars[0]); err != nil {
			t.Errorf("after it was taken, it is mended as before: %v", err)
		}
		if n := s.Count("prof/authUser") - logins; n != 1 {
			t.Errorf("%d sign-ins, want one", n)
		}
	})
}

// TestKeys_AListThatIsRefusedForEverCostsFewSignIns leaves the account some for when the cloud is well again.
func TestKeys_AListThatIsRefusedForEverCostsFewSignIns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, o := signedIn(t)
		cars := o.list(t)
		o = open(t, s, o.tokens)
		logins := s.Count("prof/authUser")
		s.Always("ownr/gvl", bad(1003))
		for range 12 * 6 {
			for _, do := range []func() error{
				func() error { _, err := o.read(t.Context(), cars[0]); return err },
				func() error { _, err := o.Vehicles(t.Context()); return err },
			} {
				if err := do(); bluelink.Reason(err) != vehicle.CloudUnavailable {
					t.Fatal(err)
				}
			}
			<-time.After(10 * time.Minute)
		}
		if n := s.Count("prof/authUser") - logins; n < 1 || n > 5 {
			t.Errorf("%d sign-ins in half a day", n)
		}
		s.On("ownr/gvl", nil)
		if _, err := o.read(t.Context(), cars[0]); err != nil {
			t.Error(err)
		}
	})
}

// TestExpiry_IsMendedAndTheCallRepeatedOnce ends the session at each call.
func TestExpiry_IsMendedAndTheCallRepeatedOnce(t *testing.T) {
	for _, code := range []int{1003, 1005, 1037, 1103} {
		synctest.Test(t, func(t *testing.T) {
			s, o := signedIn(t)
			cars := o.list(t)
			for path, do := range map[string]func() error{
				"cmm/gvi":  func() error { _, err := o.read(t.Context(), cars[0]); return err },
				"rems/rvs": func() error { _, err := o.Force(t.Context(), bluelink.Ask{Vehicle: cars[0]}); return err },
				"rems/door/lock": func() error {
					_, err := o.Send(t.Context(), bluelink.Ask{Vehicle: cars[0]}, lock)
					return err
				},
				"cmm/gts": func() error { _, err := o.Action(t.Context(), cars[0], "xid-1"); return err },
			} {
				<-time.After(time.Hour)
				n := s.Count(path)
				s.Once(path, bad(code))
				if err := do(); err != nil || s.Count(path)-n < 2 {
					t.Errorf("%d at %s: %v after %d calls", code, path, err, s.Count(path)-n)
				}
				s.Always(path, bad(code))
				n = s.Count(path)
				if err := do(); !errors.Is(err, bluelink.ErrSessionExpired) || bluelink.MayHaveSucceeded(err) || s.Count(path)-n != 2 {
					t.Errorf("%d for ever at %s: %v after %d calls", code, path, err, s.Count(path)-n)
				}
				s.On(path, nil)
			}
		})
	}
}
