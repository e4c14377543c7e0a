package strain

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/bridge"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/config"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/redact"
	"github.com/bluelink2mqtt/bluelink2mqtt/sim"
)

// What befell accounts of others, replayed on the whole program: the account home is never locked by us.

// standing is what the account's topic says.
type standing struct {
	State     string    `json:"auth"`
	Message   string    `json:"message"`
	Until     time.Time `json:"until"`
	Used      int       `json:"quota_used"`
	Limit     int       `json:"quota_limit"`
	Remaining int       `json:"quota_remaining"`
	Reset     time.Time `json:"quota_reset_at"`
	Wakes     int       `json:"wakes_today"`
	Next      time.Time `json:"next_allowed_at"`
}

func (w *world) standing() (s standing) {
	w.t.Helper()
	if payload := w.box.payload("hyundai/account/" + home + "/state"); json.Unmarshal(payload, &s) != nil {
		w.t.Fatalf("the state of the account is %q", payload)
	}
	return s
}

// retry publishes "try again".
func (w *world) retry() {
	w.app.Bridge().Handle(bridge.Message{Topic: "hyundai/account/" + home + "/retry", Payload: []byte("now")})
	pass(time.Second)
}

// worked is a world that has worked for a while, so that tokens begin to end.
func worked(t *testing.T, work time.Duration, test func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := setup{sim: sim.Options{Cars: 2, Parked: true}, interval: interval}
		w := newWorld(t, s)
		w.start(s)
		defer func() { w.stop() }()
		w.served()
		pass(work)
		test(t, w)
	})
}

// TestAccount_RenewalRefusedOnceIsNoSignIn is A1 on the whole program.
func TestAccount_RenewalRefusedOnceIsNoSignIn(t *testing.T) {
	t.Parallel()
	worked(t, 20*time.Hour, func(t *testing.T, w *world) {
		w.fault("status=400,path=*token-refresh*,count=1")
		pass(2 * 24 * time.Hour)
		if c := w.counts(home); c.Logins != 1 || c.Renewals < 2 || w.standing().State != "online" {
			t.Errorf("%+v, account %s", c, w.standing().State)
		}
		if !strings.Contains(w.box.logged(), "session could not be renewed yet") {
			t.Error("the cause is not in the log")
		}
	})
}

// TestAccount_BlockedClientLivesOnItsTokenAndThenStops is A2: the account says until when it works; then a single attempt is
// left to it, until a person acts.
func TestAccount_BlockedClientLivesOnItsTokenAndThenStops(t *testing.T) {
	t.Parallel()
	worked(t, 20*time.Hour, func(t *testing.T, w *world) {
		w.fault("status=400,path=*token-refresh*")
		w.fault("blocked")
		pass(3 * time.Hour)
		s := w.standing()
		if s.State != "expiring" || time.Until(s.Until).Abs() > 70*time.Minute || s.Message == "" || strings.Contains(s.Message, "password") {
			t.Errorf("while the token lives: %+v", s)
		}
		if late := time.Since(w.updated(w.car(home, "ccs2"))); late > interval+slack {
			t.Errorf("reads stopped %s ago although the token lives", late)
		}
		pass(3 * 24 * time.Hour)
		if s := w.standing(); s.State != "client_blocked" {
			t.Errorf("afterwards: %+v", s)
		}
		if c := w.counts(home); c.Logins+c.FailedLogins > 2 {
			t.Errorf("%+v", c)
		}
		w.sim.ClearFaults()
		pass(24 * time.Hour)
		if c := w.counts(home); c.Logins != 1 || w.standing().State != "client_blocked" {
			t.Errorf("tried again by itself: %+v", c)
		}
		w.retry()
		if s := w.standing(); s.State != "online" {
			t.Errorf("after a person asked: %+v", s)
		}
	})
}

// TestAccount_UnknownAnswersOfTheTokenServerAreTransient is A13 on the whole program.
func TestAccount_UnknownAnswersOfTheTokenServerAreTransient(t *testing.T) {
	t.Parallel()
	worked(t, 20*time.Hour, func(t *testing.T, w *world) {
		w.fault("status=418,path=*token-refresh*")
		pass(3*time.Hour + 50*time.Minute)
		if c, s := w.counts(home), w.standing(); c.Logins != 1 || s.State != "expiring" || s.Until.IsZero() {
			t.Errorf("%d sign-ins, account %+v", c.Logins, s)
		}
		w.sim.ClearFaults()
		pass(time.Hour)
		if c, s := w.counts(home), w.standing(); c.Logins != 1 || s.State != "online" || !s.Until.IsZero() {
			t.Errorf("afterwards %d sign-ins, account %+v", c.Logins, s)
		}
	})
}

// TestAccount_AnotherUserNeverMeetsTheTokensOfTheFirst is A8.
func TestAccount_AnotherUserNeverMeetsTheTokensOfTheFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex // the calls of a read are made side by side
		var bearers []string
		s := setup{sim: sim.Options{Cars: 1, Parked: true}, interval: interval}
		s.transport = func(next http.RoundTripper) http.RoundTripper {
			return roundTripper(func(r *http.Request) (*http.Response, error) {
				if strings.Contains(r.Host+r.URL.Host, "hyundai") {
					mu.Lock()
					bearers = append(bearers, r.Header.Get("Authorization"))
					mu.Unlock()
				}
				return next.RoundTrip(r)
			})
		}
		w := newWorld(t, s)
		w.start(s)
		w.served()
		w.stop()
		mine := slices.Clone(bearers)
		bearers = nil

		other := s
		other.change = func(c *config.Config) { c.Accounts[0].Username = redact.NewSecret("somebody.else@example.com") }
		w.box = newBox()
		w.start(other)
		pass(6 * time.Hour)
		if got := w.account(home); got != "credentials_refused" {
			t.Errorf("somebody else's account is %s", got)
		}
		w.stop()
		for _, bearer := range bearers {
			if bearer != "" && slices.Contains(mine, bearer) {
				t.Fatal("a token of the first user was sent for the other")
			}
		}
		w.start(s)
		w.served()
		if c := w.counts(home); c.Logins != 1 || c.DeviceRegistrations != 2 {
			t.Errorf("back to the first user: %+v", c)
		}
		w.stop()
	})
}

// TestAccount_WrongPasswordStopsUntilAPersonOrTheConfigurationSaysOtherwise is A4 with its ends: the account's own topic, and
// another password.
func TestAccount_WrongPasswordStopsUntilAPersonOrTheConfigurationSaysOtherwise(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		wrong := setup{sim: sim.Options{Cars: 1, Parked: true}, interval: interval}
		right := wrong
		wrong.change = func(c *config.Config) { c.Accounts[0].Password = redact.NewSecret("not this one") }
		w := newWorld(t, wrong)
		for range 20 { // a crash loop
			w.start(wrong)
			pass(5 * time.Second)
			w.stop()
		}
		if c := w.counts(home); c.FailedLogins != 1 || c.DeviceRegistrations != 1 {
			t.Errorf("after twenty starts: %+v", c)
		}
		w.start(wrong)
		pass(time.Minute)
		if s := w.standing(); s.State != "credentials_refused" || s.Message == "" {
			t.Errorf("account %+v", s)
		}
		for range 30 { // an automation that runs in a circle
			w.retry()
			pass(time.Minute)
		}
		if c := w.counts(home); c.FailedLogins != 4 {
			t.Errorf("after thirty retries: %+v", c)
		}
		if s := w.standing(); s.State != "credentials_refused" {
			t.Errorf("account %+v", s)
		}
		w.stop()
		pass(time.Hour)
		w.start(right)
		pass(time.Minute)
		if c := w.counts(home); c.Logins != 1 || w.account(home) != "online" {
			t.Errorf("with another password: %+v, account %s", c, w.account(home))
		}
		w.stop()
	})
}

// TestAccount_TooManyRequestsIsSaidAndWaitedFor is C8 on the whole program: the cloud counts 60 calls a day, and its limit is
// reached by what somebody asks for.
func TestAccount_TooManyRequestsIsSaidAndWaitedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := setup{sim: sim.Options{Cars: 1, Parked: true, Quota: 60}, interval: 2 * time.Hour}
		w := newWorld(t, s)
		w.start(s)
		defer func() { w.stop() }()
		w.served()
		car := w.car(home, "ccs2")
		var last record
		for range 40 {
			last = w.refresh(car, "cached")
			pass(time.Minute)
		}
		if last.end() != "rejected/cloud_limit" || !strings.Contains(last.Message, "not before 2000-01-02 01:00 CET") {
			t.Errorf("the last one ended %s: %s", last.end(), last.Message)
		}
		reset := time.Date(2000, 1, 2, 0, 0, 0, 0, time.UTC) // as the cloud says
		if s := w.standing(); s.State != "limit_reached" || !s.Next.Equal(reset) || s.Message == "" {
			t.Errorf("account %+v", s)
		}
		over := w.calls(home)
		w.stop() // a restart changes nothing
		w.box = newBox()
		w.start(s)
		pass(10 * time.Hour)
		if n := w.calls(home); n != over {
			t.Errorf("%d calls after too many requests", n-over)
		}
		if s := w.standing(); s.State != "limit_reached" || w.stale(car) != "cloud_limit" {
			t.Errorf("account %+v, the car is stale for %q", s, w.stale(car))
		}
		pass(time.Until(reset) + 5*time.Hour)
		if s := w.standing(); s.State != "online" || s.Limit != 50 || s.Used > 12 {
			t.Errorf("the day after: %+v", s)
		}
	})
}

// calls is how many calls an account's vehicle API has seen, those that it refused included.
func (w *world) calls(brand string) (n int64) {
	for _, c := range w.sim.Calls() {
		if strings.Contains(c.Host, brand) && slices.Contains([]string{"read", "wake", "command"}, c.Kind) {
			n += c.Count
		}
	}
	return n
}
