package ccapi

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/sim"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

const passwordSignIn = "1 exchange token, 2 open sign-in page, 1 read sign-in key, 1 redeem sign-in, 1 register device, 1 sign in"

func TestLogin_WithPasswordOnAllBrands(t *testing.T) {
	for _, brand := range brands {
		t.Run(brand.String(), func(t *testing.T) {
			w := newWorld(t, brand, sim.Options{Parked: true})
			for range 3 { // all but the first find a session
				if err := w.cloud.Login(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if got := w.calls.ops(); got != passwordSignIn {
				t.Errorf("calls: %s", got)
			}
			if counts := w.counts(); counts.Logins != 1 || counts.DeviceRegistrations != 1 || counts.FailedLogins != 0 {
				t.Errorf("the cloud counted %+v", counts)
			}
			stored := w.tokens.stored()
			if stored.Device == "" || stored.Refresh == "" || !strings.HasPrefix(stored.Access, "Bearer ") || len(stored.Extra) != 6 {
				t.Errorf("stored: device %t, refresh %t, access %t, %d more", stored.Device != "", stored.Refresh != "", stored.Access != "", len(stored.Extra))
			}
			if life := time.Until(stored.Expires); life < 23*time.Hour || life > 24*time.Hour {
				t.Errorf("the token lives %s, want a day", life)
			}
			w.open()
			w.calls.reset()
			if len(w.cars()) == 0 || w.calls.ops() != "1 list vehicles" {
				t.Errorf("after a restart: %s", w.calls.ops())
			}
		})
	}
}

func TestLogin_WithRefreshTokenOnAllBrands(t *testing.T) {
	for _, brand := range brands {
		for _, place := range []string{"its own field", "the password"} {
			t.Run(brand.String()+" in "+place, func(t *testing.T) {
				w := newWorld(t, brand, sim.Options{Parked: true})
				for _, account := range w.Accounts() {
					if account.Region == "eu" && account.Brand == brand.String() {
						w.account.Username, w.account.Password, w.account.RefreshToken = "", "", account.RefreshToken
					}
				}
				if place == "the password" {
					w.account.Username, w.account.Password, w.account.RefreshToken = sim.Email, w.account.RefreshToken, ""
				}
				w.open()
				if len(w.cars()) == 0 {
					t.Fatal("no cars")
				}
				if got := w.calls.ops(); got != "1 list vehicles, 1 register device, 1 renew token" {
					t.Errorf("calls: %s", got)
				}
				w.tokens.expire()
				w.open()
				w.calls.reset()
				if len(w.cars()) == 0 || w.calls.ops() != "1 list vehicles, 1 renew token" {
					t.Errorf("after a restart with an old token: %s", w.calls.ops())
				}
				if counts := w.counts(); counts.DeviceRegistrations != 1 || counts.Logins != 0 || counts.Renewals != 2 {
					t.Errorf("the cloud counted %+v", counts)
				}
			})
		}
	}
}

func TestLogin_WrongRefreshTokenStops(t *testing.T) {
	for _, brand := range brands {
		w := newWorld(t, brand, sim.Options{Parked: true})
		w.account.RefreshToken = strings.Repeat("X", 48)
		w.open()
		for range 3 {
			mustBe(t, w.cloud.Login(t.Context()), bluelink.ErrCredentials)
		}
		if got := w.calls.ops(); got != "1 register device, 1 renew token" {
			t.Errorf("%s: %s", brand, got)
		}
	}
}

// TestRenewal_KeepsTheDevice renews a password's session, whose tokens are replaced each time.
func TestRenewal_KeepsTheDevice(t *testing.T) {
	for _, brand := range brands {
		t.Run(brand.String(), func(t *testing.T) {
			w := newWorld(t, brand, sim.Options{Parked: true})
			if err := w.cloud.Login(t.Context()); err != nil {
				t.Fatal(err)
			}
			first := w.tokens.stored()
			for range 2 {
				w.tokens.expire()
				w.open()
				w.calls.reset()
				if len(w.cars()) == 0 || w.calls.ops() != "1 exchange token, 1 list vehicles, 1 renew session" {
					t.Fatalf("calls: %s", w.calls.ops())
				}
			}
			now := w.tokens.stored()
			if now.Device != first.Device || now.Refresh == first.Refresh || now.Access == first.Access {
				t.Errorf("device kept %t, refresh token rotated %t, access token new %t", now.Device == first.Device, now.Refresh != first.Refresh, now.Access != first.Access)
			}
			if counts := w.counts(); counts.Logins != 1 || counts.DeviceRegistrations != 1 || counts.Renewals != 2 {
				t.Errorf("the cloud counted %+v", counts)
			}
		})
	}
}

func TestRenewal_IsOneForAHundredCallers(t *testing.T) {
	for _, expired := range []string{"by our clock", "by the cloud's answer"} {
		t.Run(expired, func(t *testing.T) {
			w := newWorld(t, vehicle.Kia, sim.Options{Parked: true})
			if err := w.cloud.Login(t.Context()); err != nil {
				t.Fatal(err)
			}
			w.calls.reset()
			if expired == "by our clock" {
				w.tokens.expire()
				w.open()
			} else {
				w.fault("expired-token,count=1")
			}
			var callers sync.WaitGroup
			for range 100 {
				callers.Go(func() {
					if _, err := w.cloud.Vehicles(t.Context()); err != nil {
						t.Error(err)
					}
				})
			}
			callers.Wait()
			if n := w.counts().Renewals; n != 1 {
				t.Errorf("%d renewals", n)
			}
		})
	}
}

// TestRenewal_StoresTheRotatedTokenBeforeItUsesIt lets the exchange and the store fail after the rotation.
func TestRenewal_StoresTheRotatedTokenBeforeItUsesIt(t *testing.T) {
	w := newWorld(t, vehicle.Hyundai, sim.Options{Parked: true})
	if err := w.cloud.Login(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := w.tokens.stored().Refresh
	w.tokens.expire()
	w.open()
	w.fault("status=503,path=*/token-exchange,count=1")
	w.tokens.onSave = func(bluelink.Tokens) {
		if n := w.calls.count(bluelink.CallRenew); n != 1 {
			t.Errorf("stored after %d calls, want it right after the rotation", n)
		}
		w.tokens.onSave = nil
	}
	mustBe(t, w.cloud.Login(t.Context()), bluelink.ErrUnavailable)
	if w.tokens.stored().Refresh == before {
		t.Fatal("the rotated token was not stored")
	}
	w.open() // a crash here
	w.calls.reset()
	if err := w.cloud.Login(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := w.calls.ops(); got != "1 exchange token, 1 renew session" {
		t.Errorf("after the crash: %s, want no sign-in", got)
	}

	w.tokens.expire()
	w.open()
	w.tokens.fail = errors.New("disk full")
	w.calls.reset()
	if err := w.cloud.Login(t.Context()); err == nil || !errors.Is(err, w.tokens.fail) {
		t.Errorf("error is %v, want the store's", err)
	}
	if got := w.calls.ops(); got != "1 renew session" {
		t.Errorf("with a store that fails: %s, want nothing to depend on what was not stored", got)
	}
}

func TestRenewal_FallsBackToASignInOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, vehicle.Kia, sim.Options{Parked: true})
		if err := w.cloud.Login(t.Context()); err != nil {
			t.Fatal(err)
		}
		device := w.tokens.stored().Device
		dead := w.tokens.stored()
		dead.Refresh, dead.Expires = "dead", time.Time{}
		w.tokens.tokens = dead
		w.open()
		w.calls.reset()
		if err := w.cloud.Login(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got, want := w.calls.ops(), "1 exchange token, 2 open sign-in page, 1 read sign-in key, 1 redeem sign-in, 2 renew session, 1 sign in"; got != want {
			t.Errorf("calls: %s\n want: %s", got, want)
		}
		if w.tokens.stored().Device != device {
			t.Error("another device was registered")
		}

		// With a firewall before the sign-in, the dead token is not tried again and again.
		w.tokens.tokens = dead
		w.open()
		w.calls.reset()
		w.fault("blocked")
		for range 5 {
			mustBe(t, w.cloud.Login(t.Context()), bluelink.ErrBlocked)
		}
		if got := w.calls.ops(); got != "1 open sign-in page, 2 renew session" {
			t.Errorf("behind a firewall: %s", got)
		}
	})
}

func TestRenewal_ThatFailsForAWhileNeverSignsIn(t *testing.T) {
	for _, fault := range []string{"status=503", "html=502", "reset", "empty"} {
		w := newWorld(t, vehicle.Kia, sim.Options{Parked: true})
		if err := w.cloud.Login(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.tokens.expire()
		w.open()
		w.calls.reset()
		w.fault(fault + ",path=*/token-refresh,count=1")
		if err := w.cloud.Login(t.Context()); !bluelink.Temporary(err) {
			t.Errorf("%s: %v, want something temporary", fault, err)
		}
		if got := w.calls.ops(); got != "1 renew session" {
			t.Errorf("%s: %s", fault, got)
		}
	}
}

// TestLogin_StopsUntilAPersonActs holds that nothing is tried again by itself, not after a restart either.
func TestLogin_StopsUntilAPersonActs(t *testing.T) {
	for fault, want := range map[string]error{
		"credentials": bluelink.ErrCredentials, "credentials=error": bluelink.ErrCredentials, "consent": bluelink.ErrConsentRequired,
		"blocked": bluelink.ErrBlocked, "blocked=403": bluelink.ErrBlocked,
	} {
		t.Run(fault, func(t *testing.T) {
			w := newWorld(t, vehicle.Kia, sim.Options{Parked: true})
			w.fault(fault)
			mustBe(t, w.cloud.Login(t.Context()), want)
			w.calls.reset()
			for range 3 {
				w.open()
				mustBe(t, w.cloud.Login(t.Context()), want)
				if _, err := w.cloud.Vehicles(t.Context()); !errors.Is(err, want) {
					t.Errorf("list: %v", err)
				}
			}
			if got := w.calls.ops(); got != "" {
				t.Errorf("tried again by itself: %s", got)
			}
			mustBe(t, w.cloud.Login(bluelink.WithPerson(t.Context())), want)
			if w.calls.ops() == "" {
				t.Error("not tried although a person asked")
			}
			w.ClearFaults()
			w.calls.reset()
			if err := w.cloud.Login(bluelink.WithPerson(t.Context())); err != nil {
				t.Fatal(err)
			}
			if stop := w.tokens.stored().Stopped; stop != nil {
				t.Errorf("still stopped: %s", stop.Why)
			}
			if n := w.counts().DeviceRegistrations; n != 1 {
				t.Errorf("%d devices registered, want one", n)
			}
		})
	}
}

func TestLogin_IsTriedAgainWithOtherCredentials(t *testing.T) {
	w := newWorld(t, vehicle.Kia, sim.Options{Parked: true})
	right := w.account
	w.account.Password = "wrong"
	w.open()
	mustBe(t, w.cloud.Login(t.Context()), bluelink.ErrCredentials)
	if counts := w.counts(); counts.FailedLogins != 1 {
		t.Errorf("the cloud counted %+v", counts)
	}
	w.account = right
	w.open()
	if err := w.cloud.Login(t.Context()); err != nil {
		t.Fatal(err)
	}
	if counts := w.counts(); counts.FailedLogins != 1 || counts.Logins != 1 || counts.DeviceRegistrations != 1 {
		t.Errorf("the cloud counted %+v", counts)
	}
}

func TestLogin_BrokenOnTheWayKeepsTheDevice(t *testing.T) {
	for _, fault := range []string{
		"reset,path=/auth/account/signin", "status=500,path=*/accounts/certs", "html,path=*/accounts/certs", "empty,path=*/auth/token",
		"wrong-types,path=*/accounts/certs", "truncated,path=*/auth/token", "html=503,path=*/authorize", "status=400,path=*/auth/token",
	} {
		w := newWorld(t, vehicle.Genesis, sim.Options{Parked: true})
		w.fault(fault + ",count=1")
		err := w.cloud.Login(t.Context())
		if err == nil || errors.Is(err, bluelink.ErrCredentials) {
			t.Errorf("%s: %v, want an error that does not blame the credentials", fault, err)
		}
		w.open() // the wait after a failure ends with the process
		if err := w.cloud.Login(t.Context()); err != nil {
			t.Errorf("%s: then %v", fault, err)
		}
		if n := w.counts().DeviceRegistrations; n != 1 {
			t.Errorf("%s: %d devices registered", fault, n)
		}
	}
}

func TestLogin_RedirectsInACircleEnd(t *testing.T) {
	w := newWorld(t, vehicle.Kia, sim.Options{Parked: true})
	next := w.RoundTripper()
	w.openThrough(roundTripper(func(r *http.Request) (*http.Response, error) {
		if r.URL.Path == "/auth/api/v2/user/oauth2/authorize" {
			return answerWith(r, http.StatusFound, "", "Location", r.URL.String()), nil
		}
		return next.RoundTrip(r)
	}))
	mustBe(t, w.cloud.Login(t.Context()), bluelink.ErrBadResponse)
}

func TestSession_RefusedHookNeverSignsIn(t *testing.T) {
	w := newWorld(t, vehicle.Kia, sim.Options{Parked: true})
	w.calls.refuse = func(call bluelink.Call) error {
		if call.Kind == bluelink.CallLogin {
			return &bluelink.Error{Op: call.Op, Err: bluelink.ErrQuota}
		}
		return nil
	}
	mustBe(t, w.cloud.Login(t.Context()), bluelink.ErrQuota)
	if counts := w.counts(); counts.Logins+counts.FailedLogins != 0 {
		t.Errorf("the cloud counted %+v", counts)
	}
}

func TestReregister_HappensOnceAndRepeatsTheCall(t *testing.T) {
	w := newWorld(t, vehicle.Kia, sim.Options{Parked: true})
	v := w.car("ccs2", vehicle.EV)
	before := w.tokens.stored().Device
	w.calls.reset()
	w.fault("invalid-device,path=*/carstatus/latest,count=1")
	if _, err := w.cloud.Cached(t.Context(), bluelink.Ask{Vehicle: v}); err != nil {
		t.Fatal(err)
	}
	if got, want := w.calls.ops(), "2 read energy history, 1 read parked position, 2 read status, 1 register device"; got != want {
		t.Errorf("calls: %s, want %s", got, want)
	}
	if now := w.tokens.stored().Device; now == before || now == "" {
		t.Error("the new device was not stored")
	}

	w.calls.reset()
	w.fault("invalid-device,path=*/carstatus/latest")
	_, err := w.cloud.Cached(t.Context(), bluelink.Ask{Vehicle: v})
	mustBe(t, err, bluelink.ErrDevice)
	if got, want := w.calls.ops(), "2 read status, 1 register device"; got != want {
		t.Errorf("calls: %s, want %s", got, want)
	}
}

// TestReregister_NeverForPartsThatMayBeMissing holds docs/protocol/europe.md §2.8: what is overlooked triggers nothing.
func TestReregister_NeverForPartsThatMayBeMissing(t *testing.T) {
	w := scripted(t, func(r *http.Request) (*http.Response, error) {
		if strings.HasSuffix(r.URL.Path, "/latest") {
			return answerWith(r, 200, `{"retCode":"S","resMsg":{"state":{"Vehicle":`+minimalTree+`}}}`), nil
		}
		return answerWith(r, 400, `{"retCode":"F","resCode":"4002","resMsg":"Invalid request body - Invalid deviceId."}`), nil
	})
	if _, err := w.cloud.Cached(t.Context(), bluelink.Ask{Vehicle: vehicle.Vehicle{ID: "x", CloudID: "id", CCS2: 1, Engine: vehicle.EV}}); err != nil {
		t.Fatal(err)
	}
	if got, want := w.calls.ops(), "2 read energy history, 1 read parked position, 1 read status"; got != want {
		t.Errorf("calls: %s, want %s", got, want)
	}
}

func TestReregister_OtherReasonsOf4002RegisterNothing(t *testing.T) {
	for text, want := range map[string]error{
		"Invalid request body - Invalid parameter.":                 bluelink.ErrClientRefused,
		"Invalid request body - Block the UVO app id.":              bluelink.ErrClientRefused,
		"Invalid request body - service problem, because of x":      bluelink.ErrUnavailable,
		"Invalid request value - Invalid Application Id. (no code)": bluelink.ErrClientRefused,
	} {
		w := scripted(t, func(r *http.Request) (*http.Response, error) {
			return answerWith(r, http.StatusBadRequest, `{"retCode":"F","resCode":"4002","resMsg":"`+text+`"}`), nil
		})
		_, err := w.cloud.Vehicles(t.Context())
		mustBe(t, err, want)
		if got := w.calls.ops(); got != "1 list vehicles" {
			t.Errorf("%s: %s", text, got)
		}
	}
}

func TestExpiredToken_IsRenewedOnceAndTheCallRepeated(t *testing.T) {
	w := newWorld(t, vehicle.Kia, sim.Options{Parked: true})
	w.cars()
	w.calls.reset()
	w.fault("expired-token,count=1")
	w.cars()
	if got, want := w.calls.ops(), "1 exchange token, 2 list vehicles, 1 renew session"; got != want {
		t.Errorf("calls: %s, want %s", got, want)
	}
	w.calls.reset()
	w.fault("expired-token")
	_, err := w.cloud.Vehicles(t.Context())
	mustBe(t, err, bluelink.ErrSessionExpired)
	if got, want := w.calls.ops(), "1 exchange token, 2 list vehicles, 1 renew session"; got != want {
		t.Errorf("calls: %s, want %s", got, want)
	}
}

func TestReads_AreNotRepeatedAfterOtherFailures(t *testing.T) {
	for fault, want := range map[string]error{
		"quota": bluelink.ErrRateLimited, "status=503": bluelink.ErrUnavailable, "status=500": bluelink.ErrUnavailable, "reset": bluelink.ErrUnavailable,
		"html": bluelink.ErrBadResponse, "html=403": bluelink.ErrBlocked, "empty": bluelink.ErrBadResponse, "truncated": bluelink.ErrUnavailable,
	} {
		w := newWorld(t, vehicle.Kia, sim.Options{Parked: true})
		v := w.car("ccs2", vehicle.EV)
		w.calls.reset()
		w.fault(fault + ",path=*/carstatus/latest")
		_, err := w.cloud.Cached(t.Context(), bluelink.Ask{Vehicle: v})
		mustBe(t, err, want)
		if got := w.calls.ops(); got != "1 read status" {
			t.Errorf("%s: %s", fault, got)
		}
	}
}

func TestCalls_EndWithTheirContext(t *testing.T) {
	w := newWorld(t, vehicle.Kia, sim.Options{Parked: true})
	v := w.car("ccs2", vehicle.EV)
	w.fault("silent,path=*/location/park")
	ctx, cancel := context.WithCancel(t.Context())
	w.calls.refuse = func(call bluelink.Call) error {
		if call.Op == "read parked position" {
			cancel()
		}
		return nil
	}
	_, err := w.cloud.Cached(ctx, bluelink.Ask{Vehicle: v})
	mustBe(t, err, context.Canceled)
}
