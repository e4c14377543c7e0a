package bridge_test

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/bridge"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/topic"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// books are what a test says.
type books struct {
	mu      sync.Mutex
	account bridge.AccountBook
	cars    map[vehicle.ID]topic.Used
}

func (b *books) Account() bridge.AccountBook {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.account
}

func (b *books) Car(id vehicle.ID) topic.Used {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.cars[id]
}

func (b *books) set(change func(*books)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change(b)
}

// counted gives the account of a bridge its books.
func counted(b *books) func(*bridge.Options) {
	return func(o *bridge.Options) { o.Accounts[0].Books = b }
}

// auth is the state of the account as it was published last, and the rest of that.
func (w *world) auth() (state string, rest map[string]any) {
	w.t.Helper()
	if err := json.Unmarshal([]byte(w.outbox.last("account/home/state")), &rest); err != nil {
		w.t.Fatal(err)
	}
	state, _ = rest["auth"].(string)
	return state, rest
}

func TestAccount_TellsWhatIsUsedUpAndUntilWhen(t *testing.T) {
	b := &books{}
	bubble(t, newCloud(car(1)), func(t *testing.T, w *world) {
		now := time.Now()
		for _, test := range []struct {
			book  bridge.AccountBook
			state string
			until string
			next  any
		}{
			{bridge.AccountBook{Used: 12, Limit: 150, Wakes: 3, Reset: now.Add(time.Hour)}, "online", "", nil},
			{bridge.AccountBook{Used: 150, Limit: 150, Reset: now.Add(3 * time.Hour)}, "limit_reached", "", "2000-01-01T03:00:00Z"},
			{bridge.AccountBook{Used: 90, Limit: 150, Limited: now.Add(5 * time.Hour)}, "limit_reached", "", "2000-01-01T05:00:00Z"},
			{bridge.AccountBook{Used: 90, Limit: 150}, "online", "", nil},
			{bridge.AccountBook{Limit: 150, Expiring: now.Add(2 * time.Hour), Why: bluelink.ErrBlocked}, "expiring", "2000-01-01T02:00:00Z", nil},
			{bridge.AccountBook{Limit: 150}, "online", "", nil},
		} {
			b.set(func(b *books) { b.account = test.book })
			pass(11 * time.Second)
			state, rest := w.auth()
			until, _ := rest["until"].(string)
			if state != test.state || until != test.until || rest["next_allowed_at"] != test.next || rest["quota_used"] != float64(test.book.Used) {
				t.Errorf("%+v is told as %v", test.book, rest)
			}
			if wantMessage := test.state != "online"; (rest["message"] != nil) != wantMessage {
				t.Errorf("%s: message %v", state, rest["message"])
			}
			if got := w.AccountStates()["home"].State; string(got) != test.state {
				t.Errorf("other fronts see %s", got)
			}
		}
		n := len(w.outbox.on("hyundai/account/home/state"))
		pass(time.Hour)
		if more := len(w.outbox.on("hyundai/account/home/state")) - n; more != 0 {
			t.Errorf("told %d times more without news", more)
		}
	}, counted(b))
}

func TestAccount_AfterARestartLimitsAreToldAtOnce(t *testing.T) {
	b := &books{account: bridge.AccountBook{Used: 99, Limited: time.Date(2000, 1, 1, 8, 0, 0, 0, time.UTC)}}
	c := newCloud(car(1))
	c.signIn(func(context.Context) error {
		return &bluelink.Error{Reason: vehicle.CloudLimit, Err: bluelink.ErrQuota}
	})
	bubble(t, c, func(t *testing.T, w *world) {
		w.Connected()
		if state, rest := w.auth(); state != "limit_reached" || rest["next_allowed_at"] != "2000-01-01T08:00:00Z" {
			t.Errorf("told %v", rest)
		}
	}, counted(b))
}

func TestCar_TellsItsCallsAndWakes(t *testing.T) {
	b := &books{cars: map[vehicle.ID]topic.Used{}}
	bubble(t, newCloud(car(1)), func(t *testing.T, w *world) {
		w.Connected()
		pass(11 * time.Second)
		for _, suffix := range []string{"calls_today", "wakes_today", "last_wake_at", "last_wake_cause"} {
			if w.outbox.last("car-1/status/"+suffix) == "" {
				t.Errorf("%s is not told after a connect", suffix)
			}
		}
		w.outbox.take()
		b.set(func(b *books) {
			b.cars[car(1).ID] = topic.Used{Calls: 4, Wakes: 1, LastWake: time.Now(), Cause: vehicle.ByMQTT}
		})
		w.refresh("car-1", "now", "force")
		synctest.Wait()
		if got := w.outbox.value("car-1/status/wakes_today") + w.outbox.value("car-1/status/last_wake_cause"); got != `1"mqtt"` {
			t.Errorf("told %s right after a wake", got)
		}
		w.outbox.take()
		b.set(func(b *books) { u := b.cars[car(1).ID]; u.Calls++; b.cars[car(1).ID] = u })
		pass(11 * time.Second)
		if w.outbox.value("car-1/status/calls_today") != "5" || w.outbox.last("car-1/status/wakes_today") != "" {
			t.Errorf("calls %s, wakes %q", w.outbox.value("car-1/status/calls_today"), w.outbox.last("car-1/status/wakes_today"))
		}
	}, counted(b))
}

// TestRefresh_SmartThatMayNotWakeIsServedFromTheCloud holds what a refused wake looks like, in both modes.
func TestRefresh_SmartThatMayNotWakeIsServedFromTheCloud(t *testing.T) {
	c := newCloud(car(1))
	refusal := &bluelink.Error{Op: "force", Reason: vehicle.GuardedSpacing, Text: "the car was woken less than 5 min ago", Err: bluelink.ErrQuota}
	c.reply(func(_ context.Context, made call) (vehicle.Report, error) {
		if made.force {
			return vehicle.Report{}, refusal
		}
		return report(made.at.Add(-time.Hour), soc(61)), nil
	})
	bubble(t, c, func(t *testing.T, w *world) {
		w.refresh("car-1", "first", "cached")
		synctest.Wait()
		w.refresh("car-1", "smart", "smart:60")
		synctest.Wait()
		r := w.last("car-1", "smart")
		if r.State != "verified" || r.Reason != "guarded_spacing" || !strings.Contains(r.Message, "woken less than 5 min ago") ||
			r.DataSource != "cached" || r.UpdateMethod != "smart" {
			t.Errorf("%+v", r)
		}
		if got := w.outbox.value("car-1/status/error"); got != "null" {
			t.Errorf("status/error is %s", got)
		}
		if got := w.outbox.value("car-1/status/update_method"); got != `"smart"` {
			t.Errorf("update_method is %s", got)
		}
		w.refresh("car-1", "force", "force")
		synctest.Wait()
		if r := w.last("car-1", "force"); r.State != "rejected" || r.Reason != "guarded_spacing" {
			t.Errorf("%+v", r)
		}
		if got := w.outbox.value("car-1/status/error"); !strings.Contains(got, `"reason":"guarded_spacing"`) || !strings.Contains(got, "HyundaiAPIError") {
			t.Errorf("status/error is %s", got)
		}

		refuseAll := func(_ context.Context, made call) (vehicle.Report, error) {
			return vehicle.Report{}, &bluelink.Error{Reason: vehicle.QuotaExhausted, Err: bluelink.ErrQuota}
		}
		c.reply(refuseAll)
		w.refresh("car-1", "nothing", "smart:60")
		synctest.Wait()
		if r := w.last("car-1", "nothing"); r.State != "rejected" || r.Reason != "quota_exhausted" {
			t.Errorf("with nothing left: %+v", r)
		}
	})
}

func (w *world) tell(account, verb string, retained bool) {
	w.Handle(bridge.Message{
		Topic: "hyundai/account/" + account + "/" + verb, Payload: []byte("again"), Retained: retained, Received: time.Now(),
		Ack: func() { w.mu.Lock(); w.acks++; w.mu.Unlock() },
	})
}

// TestRetry_SignsInByAPersonsWish holds that "try again" passes what stops automatic sign-ins, and is answered by the state.
func TestRetry_SignsInByAPersonsWish(t *testing.T) {
	c := newCloud(car(1))
	var persons, others int
	fail := bluelink.ErrCredentials
	c.signIn(func(ctx context.Context) error {
		if bluelink.ByPerson(ctx) {
			persons++
			if bluelink.TraceOf(ctx).Cause != vehicle.ByMQTT {
				t.Errorf("cause %q", bluelink.TraceOf(ctx).Cause)
			}
			return fail
		}
		others++
		return fail
	})
	bubble(t, c, func(t *testing.T, w *world) {
		pass(time.Second)
		if state, _ := w.auth(); state != "credentials_refused" {
			t.Fatalf("account is %s", state)
		}
		w.tell("home", "retry", true) // a retained one would come again at each connect
		w.tell("nobody", "retry", false)
		w.tell("home", "code/set", false)
		synctest.Wait()
		if persons != 0 {
			t.Fatal("a retained message signed in")
		}
		n := len(w.outbox.on("hyundai/account/home/state"))
		w.tell("home", "retry", false)
		synctest.Wait()
		if persons != 1 || len(w.outbox.on("hyundai/account/home/state")) != n+1 {
			t.Errorf("%d sign-ins, %d answers", persons, len(w.outbox.on("hyundai/account/home/state"))-n)
		}
		fail = nil
		w.tell("home", "retry", false)
		synctest.Wait()
		if state, _ := w.auth(); state != "online" || persons != 2 {
			t.Errorf("account is %s after %d sign-ins", state, persons)
		}
		if w.acknowledged() != 5 {
			t.Errorf("%d messages acknowledged", w.acknowledged())
		}
		w.refresh("car-1", "works", "cached")
		synctest.Wait()
		if w.last("car-1", "works").State != "verified" {
			t.Errorf("%+v", w.last("car-1", "works"))
		}
	})
	if others == 0 {
		t.Error("nothing was tried by itself")
	}
}
