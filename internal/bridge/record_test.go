package bridge_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

func TestLog_SaysAtDebugWhatIsHandedOverAndAtInfoWhatIsDoneInHowManySeconds(t *testing.T) {
	c := newCloud(car(1))
	bubble(t, c, func(t *testing.T, w *world) {
		g := c.hold()
		w.refresh("car-1", "x", "smart:60")
		pass(1500 * time.Millisecond)
		if n := len(w.log.with("level=DEBUG", "handed to the lane", "vehicle=car-1", "command=x", "cause=mqtt", "smart:60")); n != 1 {
			t.Errorf("the hand-over stands %d times in the log", n)
		}
		g <- nil
		synctest.Wait()
		if n := len(w.log.with("level=INFO", "refresh done", "vehicle=car-1", "mode=smart", "seconds=1.5")); n != 1 {
			t.Errorf("the end stands %d times in the log", n)
		}
	})
}

func TestRecord_EndsAsTheOperationDid(t *testing.T) {
	for _, test := range []struct {
		err           error
		state, reason string
	}{
		{nil, "verified", ""},
		{bluelink.ErrUnavailable, "failed", "cloud_unavailable"},
		{errors.Join(bluelink.ErrUnavailable, context.DeadlineExceeded), "timed_out", "timeout"},
		{context.DeadlineExceeded, "timed_out", "timeout"},
		{bluelink.ErrBadResponse, "failed", "cloud_changed"},
		{bluelink.ErrVehicleUnreachable, "failed", "vehicle_unreachable"},
		{bluelink.ErrBusy, "failed", "vehicle_busy"},
		{bluelink.ErrRateLimited, "failed", "cloud_limit"},
		{bluelink.ErrCredentials, "failed", "login_required"},
		{bluelink.ErrOTPRequired, "failed", "code_required"},
		{bluelink.ErrConsentRequired, "failed", "login_required"},
		{bluelink.ErrNoData, "failed", "unsupported"},
		{bluelink.ErrBreakerOpen, "rejected", "breaker_open"},
		{bluelink.ErrQuota, "rejected", "quota_exhausted"},
		{&bluelink.Error{Op: "gate", Reason: vehicle.GuardedSpacing, Err: bluelink.ErrQuota}, "rejected", "guarded_spacing"},
		{bluelink.ErrOverloaded, "rejected", "overloaded"},
		{bluelink.ErrNotOwner, "rejected", "not_owner"},
		{errors.New("a bug"), "failed", "internal"},
	} {
		t.Run(fmt.Sprint(test.err), func(t *testing.T) {
			c := newCloud(car(1))
			c.reply(func(_ context.Context, made call) (vehicle.Report, error) { return report(made.at), test.err })
			bubble(t, c, func(t *testing.T, w *world) {
				w.refresh("car-1", "x", "force")
				synctest.Wait()
				r := w.last("car-1", "x")
				if r.State != test.state || r.Reason != test.reason || !r.Terminal || r.Accepted == nil || r.Vehicle != "car-1" || r.Command != "refresh" {
					t.Errorf("ended %+v", r)
				}
				if strings.Contains(r.Message, "\n") || (r.Message == "") != (test.err == nil) {
					t.Errorf("message %q", r.Message)
				}
				if got := w.states("car-1", "x"); got != "accepted sent "+test.state {
					t.Errorf("went %q", got)
				}
				if n := w.metric("bluelink2mqtt_commands_total", "command", "refresh", "state", test.state); n != 1 {
					t.Errorf("counted %v", n)
				}
			})
		})
	}
}

func TestRecord_SaysWhereTheDataCameFromAndHowItWasAsked(t *testing.T) {
	c := newCloud(car(1))
	bubble(t, c, func(t *testing.T, w *world) {
		c.reply(func(_ context.Context, made call) (vehicle.Report, error) {
			return report(made.at.Add(-5*time.Minute), soc(50)), nil
		})
		for _, test := range []struct{ mode, source, method string }{
			{"smart:60", "cached", "smart"}, // nothing is known yet: no reason to wake
			{"cached", "cached", "cached"},
			{"force", "fresh", "force"},
			{"smart:600", "cached", "smart"}, // the report is 5 min old
			{"smart:299", "fresh", "smart"},
		} {
			id := strings.ReplaceAll(test.mode, ":", "-")
			w.refresh("car-1", id, test.mode)
			synctest.Wait()
			if r := w.last("car-1", id); r.DataSource != test.source || r.UpdateMethod != test.method {
				t.Errorf("%s: record %+v", test.mode, r)
			}
			if source, method := w.outbox.value("car-1/status/data_source"), w.outbox.value("car-1/status/update_method"); source != `"`+test.source+`"` || method != `"`+test.method+`"` {
				t.Errorf("%s: topics say %s, %s", test.mode, source, method)
			}
		}
	})
}

func TestRecord_GoesToTheResponseTopicWithTheCorrelationByteForByte(t *testing.T) {
	bubble(t, newCloud(car(1)), func(t *testing.T, w *world) {
		correlation := []byte{0, 1, 0xff, '"', '\n', 0}
		m := w.message("car-1", "refresh", order("x", "cached"))
		m.ResponseTopic, m.Correlation = "app/answers", bytes.Clone(correlation)
		w.Handle(m)
		synctest.Wait()
		var states []string
		for _, p := range w.outbox.read() {
			if p.Topic != "app/answers" {
				continue
			}
			if !bytes.Equal(p.Correlation, correlation) || p.Retain {
				t.Errorf("published %+v", p)
			}
			states = append(states, parse(t, p.Payload).State)
		}
		if want := []string{"accepted", "sent", "verified"}; !slices.Equal(states, want) {
			t.Errorf("response topic got %v", states)
		}
		if got := w.states("car-1", "x"); got != "accepted sent verified" {
			t.Errorf("result topic got %q", got)
		}
	})
}

func TestSubmit_WatcherGetsEveryStepAndTheEnd(t *testing.T) {
	bubble(t, newCloud(car(1)), func(t *testing.T, w *world) {
		for _, ref := range []string{"car-1", "KMHXX00XXPU000001", "kmhxx00xxpu000001", "0001", string(car(1).ID)} {
			steps, err := w.Submit(ref, vehicle.Request{Command: vehicle.Refresh{Mode: vehicle.Cached}}, vehicle.ByCLI)
			if err != nil {
				t.Fatal(err)
			}
			var states []vehicle.CommandState
			for r := range steps {
				states = append(states, r.State)
			}
			if want := []vehicle.CommandState{vehicle.Accepted, vehicle.Sent, vehicle.Verified}; !slices.Equal(states, want) {
				t.Errorf("%s went %v", ref, states)
			}
		}
		if _, err := w.Submit("car-7", vehicle.Request{Command: vehicle.Refresh{Mode: vehicle.Cached}}, vehicle.ByCLI); err == nil {
			t.Error("an unknown car was accepted")
		}
		if _, err := w.Submit("car-1", vehicle.Request{}, vehicle.ByCLI); err == nil {
			t.Error("no command was accepted")
		}
	})
}

func TestFind_EndingOfTwoCarsIsNoName(t *testing.T) {
	bubble(t, newCloud(car(1), car(11)), func(t *testing.T, w *world) {
		if _, err := w.Car("00001"); err != nil {
			t.Errorf("an ending of one car: %v", err)
		}
		if _, err := w.Car("PU0000"); err == nil {
			t.Error("no ending, but a middle")
		}
		if _, err := w.Car("01"); err == nil {
			t.Error("two characters are too few")
		}
	})
}
