package bridge_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/bridge"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

func TestStale_SaysWhyAtOnceAndIsOverWithTheNextSuccess(t *testing.T) {
	for _, test := range []struct {
		err  error
		want string
	}{
		{bluelink.ErrUnavailable, "cloud_unavailable"},
		{context.DeadlineExceeded, "cloud_unavailable"},
		{bluelink.ErrBreakerOpen, "cloud_unavailable"},
		{bluelink.ErrBadResponse, "cloud_unavailable"},
		{bluelink.ErrVehicleUnreachable, "vehicle_unreachable"},
		{bluelink.ErrRateLimited, "cloud_limit"},
		{bluelink.ErrQuota, "quota_exhausted"},
		{&bluelink.Error{Op: "gate", Reason: vehicle.GuardedQuietHours, Err: bluelink.ErrQuota}, "quiet_hours"},
		{&bluelink.Error{Op: "gate", Reason: vehicle.Guarded12V, Err: bluelink.ErrQuota}, "guarded"},
		{bluelink.ErrCredentials, "login_required"},
		{bluelink.ErrOTPRequired, "code_required"},
		{bluelink.ErrConsentRequired, "consent_required"},
		{bluelink.ErrBlocked, "client_blocked"},
		{bluelink.ErrNoData, "disabled"},
		{errors.New("a bug"), "bridge_fault"},
	} {
		t.Run(test.err.Error(), func(t *testing.T) {
			c := newCloud(car(1))
			bubble(t, c, func(t *testing.T, w *world) {
				w.ask(t)
				c.answering(func() (vehicle.Report, error) { return vehicle.Report{}, test.err })
				published := w.ask(t)
				if n := len(published["status/stale"]); n != 1 {
					t.Errorf("stale published %d times", n)
				}
				if known, _ := w.Car("car-1"); string(known.Stale) != test.want {
					t.Errorf("stale by %q, want %q", known.Stale, test.want)
				}
				if got := published["status/stale_reason"]; len(got) != 1 || !strings.Contains(got[0], `"value":"`+test.want+`"`) {
					t.Errorf("published %v, want %s", got, test.want)
				}
				if published = w.ask(t); published["status/stale"] != nil {
					t.Error("the same reason was published again")
				}
				if published["battery/level"] != nil {
					t.Error("a failure touched the data")
				}
				c.reply(nil)
				if published = w.ask(t); len(published["status/stale"]) != 1 || !strings.Contains(published["status/stale"][0], `"value":false`) {
					t.Errorf("after the next success: %v", published["status/stale"])
				}
			})
		})
	}
}

func TestAvailability_EndsADayAfterTheLastSuccess(t *testing.T) {
	c := newCloud(car(1), car(2))
	bubble(t, c, func(t *testing.T, w *world) {
		w.Connected()
		w.ask(t)
		c.answering(func() (vehicle.Report, error) { return vehicle.Report{}, bluelink.ErrUnavailable })
		pass(23 * time.Hour)
		w.outbox.take()
		pass(10 * time.Second)
		if got := w.outbox.last("car-1/availability"); got != "" {
			t.Errorf("an hour early it is %s", got)
		}
		pass(time.Hour)
		for _, suffix := range []string{"car-1/availability", "car-2/availability"} { // the second one was never read
			if got := w.outbox.on("hyundai/" + suffix); len(got) != 1 || got[0] != "offline" {
				t.Errorf("after a day %s is %v", suffix, got)
			}
		}
		if got := w.outbox.value("car-1/status/stale_reason"); got != `"no_schedule"` {
			t.Errorf("nobody asked for a day: stale by %s", got)
		}
		c.reply(nil)
		w.Handle(w.message("car-1", "refresh", "cached"))
		synctest.Wait()
		if got := w.outbox.last("car-1/availability"); got != "online" {
			t.Errorf("after a success it is %q", got)
		}
	})
}

func TestAccount_StateIsReadOffTheEndOfOperationsAndSaidOnce(t *testing.T) {
	for _, test := range []struct {
		err     error
		state   string
		waiting bool // for a person
	}{
		{bluelink.ErrCredentials, "credentials_refused", true},
		{bluelink.ErrBlocked, "client_blocked", true},
		{bluelink.ErrClientRefused, "client_blocked", true},
		{bluelink.ErrConsentRequired, "consent_required", true},
		{bluelink.ErrOTPRequired, "code_required", true},
		{bluelink.ErrUnavailable, "cloud_unavailable", false},
		{bluelink.ErrBadResponse, "cloud_unavailable", false},
		{context.DeadlineExceeded, "cloud_unavailable", false},
		{bluelink.ErrRateLimited, "limit_reached", false},
		{bluelink.ErrVehicleUnreachable, "online", false},
		{bluelink.ErrBreakerOpen, "online", false},
		{bluelink.ErrQuota, "online", false},
		{errors.New("a bug"), "online", false},
	} {
		t.Run(test.err.Error(), func(t *testing.T) {
			c := newCloud(car(1))
			bubble(t, c, func(t *testing.T, w *world) {
				state := func() string { return string(w.AccountStates()["home"].State) }
				if state() != "online" || w.Ready() != nil {
					t.Fatalf("after the start: %s, %v", state(), w.Ready())
				}
				c.answering(func() (vehicle.Report, error) { return vehicle.Report{}, test.err })
				w.outbox.take()
				for range 3 {
					w.Handle(w.message("car-1", "refresh", "cached"))
					synctest.Wait()
				}
				if state() != test.state {
					t.Errorf("state %s, want %s", state(), test.state)
				}
				if err := w.Ready(); (err != nil) != test.waiting {
					t.Errorf("ready: %v", err)
				} else if err != nil && !strings.Contains(err.Error(), "account home is "+test.state+"; ") {
					t.Errorf("not ready says %q", err)
				}
				published := w.outbox.on("hyundai/account/home/state")
				if changed := test.state != "online"; changed != (len(published) == 1) || changed && !strings.Contains(published[0], test.state) {
					t.Errorf("published %v", published)
				}
				if n := w.metric("bluelink2mqtt_account_state", "account", "home", "state", test.state); n != 1 {
					t.Errorf("the metric of %s says %v", test.state, n)
				}
				if w.Healthy() != nil {
					t.Errorf("the bridge itself calls itself ill: %v", w.Healthy())
				}
				c.reply(nil)
				w.Handle(w.message("car-1", "refresh", "cached"))
				synctest.Wait()
				if state() != "online" {
					t.Errorf("after the next success: %s", state())
				}
			})
		})
	}
}

// A sold car may answer 502 for ever (kia_uvo#816).
func TestAccount_OneFailingCarAmongSeveralDoesNotMakeItIll(t *testing.T) {
	c := newCloud(car(1), car(2), car(3))
	ill := map[string]bool{"car-1": true}
	c.reply(func(_ context.Context, made call) (vehicle.Report, error) {
		if ill[made.ask.Vehicle.CloudID] {
			return vehicle.Report{}, bluelink.ErrUnavailable
		}
		return report(made.at, soc(50)), nil
	})
	bubble(t, c, func(t *testing.T, w *world) {
		state := func() string { return string(w.AccountStates()["home"].State) }
		for range 5 {
			w.Handle(w.message("car-1", "refresh", "cached"))
			synctest.Wait()
		}
		if state() != "online" {
			t.Errorf("one failing car made the account %s", state())
		}
		ill["car-2"] = true
		w.Handle(w.message("car-2", "refresh", "cached"))
		synctest.Wait()
		if state() != "cloud_unavailable" {
			t.Errorf("two failing cars leave it %s", state())
		}
		w.Handle(w.message("car-3", "refresh", "cached"))
		synctest.Wait()
		if state() != "online" {
			t.Errorf("a success leaves it %s", state())
		}
	})
}

func TestAccount_IsAskedAgainUntilItNamesItsCars(t *testing.T) {
	c := newCloud(car(1))
	c.signIn(func(context.Context) error { return bluelink.ErrUnavailable })
	bubble(t, c, func(t *testing.T, w *world) {
		if err := w.Ready(); err == nil || !strings.Contains(err.Error(), "cloud_unavailable") {
			t.Errorf("ready: %v", err)
		}
		pass(3 * time.Hour)
		if n := len(w.log.with("level=WARN", "cars of the account are not known yet")); n != 1 {
			t.Errorf("%d warnings for one outage", n)
		}
		c.signIn(nil)
		pass(38 * time.Minute) // at most 30 min, jittered
		if err := w.Ready(); err != nil {
			t.Errorf("after the outage: %v", err)
		}
		w.refresh("car-1", "x", "cached")
		synctest.Wait()
		if r := w.last("car-1", "x"); r.State != "verified" {
			t.Errorf("after the outage: %+v", r)
		}
	})
}

func TestObserve_GoodSignInOfAPersonAsksForTheCarsAtOnce(t *testing.T) {
	c := newCloud(car(1))
	c.signIn(func(context.Context) error { return bluelink.ErrCredentials })
	bubble(t, c, func(t *testing.T, w *world) {
		pass(3 * time.Hour)
		c.signIn(nil)
		w.Observe("home", nil)
		synctest.Wait()
		if _, err := w.Car("car-1"); err != nil || w.Ready() != nil {
			t.Errorf("after the sign-in: %v, %v", err, w.Ready())
		}
	})
}

func TestSettle_EndsWhenEachAccountWasAskedOnce(t *testing.T) {
	c := newCloud(car(1))
	synctest.Test(t, func(t *testing.T) {
		g := make(gate)
		c.signIn(func(ctx context.Context) error { return g.wait(ctx) })
		w := build(t, c).run()
		defer w.stop()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := w.Settle(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("settled before the answer: %v", err)
		}
		g <- bluelink.ErrUnavailable
		if err := w.Settle(t.Context()); err != nil {
			t.Errorf("after the answer: %v", err)
		}
	})
}

func TestWatch_StuckLaneIsSaidOnceAndSoIsItsRecovery(t *testing.T) {
	c := newCloud(car(1), car(2))
	bubble(t, c, func(t *testing.T, w *world) {
		stuck := make(chan struct{})
		c.reply(func(_ context.Context, made call) (vehicle.Report, error) {
			if made.ask.Vehicle.CloudID == "car-1" {
				<-stuck // deaf to its context
			}
			return report(made.at, soc(50)), nil
		})
		w.refresh("car-1", "x", "cached")
		pass(2*time.Minute + 15*time.Second)
		if err := w.Healthy(); err != nil {
			t.Errorf("within its limit: %v", err)
		}
		pass(time.Hour)
		if n := len(w.log.with("level=ERROR", "lane is stuck", "vehicle=car-1")); n != 1 {
			t.Errorf("said %d times", n)
		}
		if err := w.Healthy(); err == nil || !strings.Contains(err.Error(), "the lane of car-1 is stuck") {
			t.Errorf("healthy: %v", err)
		}
		if got := w.outbox.last("bridge/health"); !strings.Contains(got, `"stuck_lanes":1`) || !strings.Contains(got, `"operations_in_flight":1`) {
			t.Errorf("health says %s", got)
		}
		if n := w.metric("bluelink2mqtt_lanes_stuck_total"); n != 1 {
			t.Errorf("counted %v", n)
		}
		if n := w.metric("bluelink2mqtt_lanes_busy"); n != 1 {
			t.Errorf("%v lanes busy", n)
		}
		w.refresh("car-2", "x", "cached")
		synctest.Wait()
		if r := w.last("car-2", "x"); r.State != "verified" {
			t.Errorf("the neighbour of a stuck lane: %+v", r)
		}
		close(stuck)
		synctest.Wait()
		if n := len(w.log.with("lane works again", "vehicle=car-1")); n != 1 || w.Healthy() != nil {
			t.Errorf("recovery said %d times; healthy: %v", n, w.Healthy())
		}
	})
}

func TestWatch_LimitIsThatOfTheGuards(t *testing.T) {
	c := newCloud(car(1))
	bubble(t, c, func(t *testing.T, w *world) {
		g := c.hold()
		w.refresh("car-1", "x", "force")
		pass(20 * time.Minute)
		if err := w.Healthy(); err != nil {
			t.Errorf("within the configured limit: %v", err)
		}
		pass(30 * time.Second)
		if err := w.Healthy(); err == nil {
			t.Error("beyond the configured limit it is healthy")
		}
		close(g)
	}, func(o *bridge.Options) { o.WakeWithin = 20 * time.Minute })
}

func TestWatch_WaitingForItsTurnIsNotStuck(t *testing.T) {
	c := newCloud(car(1))
	bubble(t, c, func(t *testing.T, w *world) {
		turn, work := make(gate), make(chan struct{})
		c.reply(func(ctx context.Context, made call) (vehicle.Report, error) {
			done := made.trace.Wait()
			err := turn.wait(ctx)
			done()
			if err == nil {
				<-work
			}
			return report(made.at, soc(50)), err
		})
		pass(30 * time.Minute) // the timer's read waits for its turn from now on, at most
		if err := w.Healthy(); err != nil || len(c.made()) != 1 {
			t.Fatalf("%v, %d operations", err, len(c.made()))
		}
		pass(9 * time.Minute)
		if err := w.Healthy(); err != nil {
			t.Errorf("while it waits for its turn: %v", err)
		}
		turn <- nil
		pass(2 * time.Minute)
		if err := w.Healthy(); err != nil {
			t.Errorf("its limit does not begin with its turn: %v", err)
		}
		pass(30 * time.Second)
		if err := w.Healthy(); err == nil {
			t.Error("stuck after its turn, and nobody says so")
		}
		close(work)
	}, func(o *bridge.Options) { o.Pace.Interval = 30 * time.Minute })
}
