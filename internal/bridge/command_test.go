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
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/bridge"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// The bug that this program replaces: the first command worked, and the later ones never did.
func TestCommands_FirstSecondAndTenthWorkAlike(t *testing.T) {
	bubble(t, newCloud(car(1)), func(t *testing.T, w *world) {
		for n := 1; n <= 10; n++ {
			id := w.refresh("car-1", fmt.Sprintf("command-%d", n), "cached")
			synctest.Wait()
			if got := w.states("car-1", id); got != "accepted sent verified" {
				t.Errorf("command %d went %q", n, got)
			}
			if made := len(w.cloud.made()); made != n {
				t.Errorf("after command %d the cloud was asked %d times", n, made)
			}
			if w.acknowledged() != n {
				t.Errorf("command %d: %d acknowledgements", n, w.acknowledged())
			}
		}
	})
}

func TestCommands_BurstOfFiftyMixedEndsEachInExactlyOneRecord(t *testing.T) {
	c := newCloud(car(1), car(2))
	c.reply(func(ctx context.Context, made call) (vehicle.Report, error) {
		<-time.After(time.Second)
		if made.force {
			return vehicle.Report{}, bluelink.ErrVehicleUnreachable
		}
		return report(made.at, soc(50)), nil
	})
	bubble(t, c, func(t *testing.T, w *world) {
		payloads := []string{"cached", "force", "smart:300", "smart:0", `{"mode":"cached"}`, `{"mode":`, "fly", "", "CACHED", `{"mode":"cached","colour":"red"}`}
		for n := range 50 {
			m := w.message(fmt.Sprintf("car-%d", n%3), "refresh", payloads[n%len(payloads)]) // car-0 does not exist
			if n%17 == 16 {
				m = w.message("car-1", "warp", "now")
			}
			m.Retained = n%13 == 12
			if m.Retained && len(m.Payload) == 0 {
				m.Payload = []byte("cached")
			}
			w.Handle(m)
		}
		pass(3 * time.Minute)
		if ended := w.endings(); len(ended) != 50 {
			t.Errorf("%d of 50 messages ended", len(ended))
		}
		if w.acknowledged() != 50 {
			t.Errorf("%d of 50 messages were acknowledged", w.acknowledged())
		}
		if n := w.metric("bluelink2mqtt_queue_depth"); n != 0 {
			t.Errorf("%v operations in line after the end", n)
		}
	})
}

func TestLane_EqualRefreshesShareOneOperationAndEachSenderGetsARecord(t *testing.T) {
	c := newCloud(car(1))
	bubble(t, c, func(t *testing.T, w *world) {
		g := c.hold()
		var flying, inLine []string
		for n := range 5 {
			flying = append(flying, w.refresh("car-1", fmt.Sprintf("force-%d", n), "force"))
		}
		synctest.Wait()
		for n := range 5 {
			inLine = append(inLine, w.refresh("car-1", fmt.Sprintf("cached-%d", n), "cached"))
		}
		synctest.Wait()
		if made := c.made(); len(made) != 1 || !made[0].force {
			t.Fatalf("operations %+v", made)
		}
		for _, id := range flying[1:] {
			if got := w.states("car-1", id); got != "accepted sent" && got != "accepted queued sent" {
				t.Errorf("%s, which joined in flight, went %q", id, got)
			}
		}
		for _, id := range inLine {
			if got := w.states("car-1", id); got != "accepted queued" {
				t.Errorf("%s, which is in line, went %q", id, got)
			}
		}
		close(g)
		synctest.Wait()
		if made := c.made(); len(made) != 2 {
			t.Errorf("ten commands made %d operations", len(made))
		}
		for _, id := range slices.Concat(flying, inLine) {
			if r := w.last("car-1", id); r.State != "verified" || r.ID != id {
				t.Errorf("%s ended %+v", id, r)
			}
		}
		w.endings()
		if n := w.metric("bluelink2mqtt_refreshes_merged_total"); n != 8 {
			t.Errorf("%v merged, want 8", n)
		}
	})
}

func TestLane_RefreshThatCameAfterTheAnswerIsMadeAnew(t *testing.T) {
	bubble(t, newCloud(car(1)), func(t *testing.T, w *world) {
		w.refresh("car-1", "one", "cached")
		synctest.Wait()
		w.refresh("car-1", "two", "cached")
		synctest.Wait()
		if made := len(w.cloud.made()); made != 2 {
			t.Errorf("made %d operations", made)
		}
	})
}

func TestLane_SecondCommandWaitsForFirst(t *testing.T) {
	c := newCloud(car(1))
	bubble(t, c, func(t *testing.T, w *world) {
		g := c.hold()
		w.refresh("car-1", "first", "force")
		synctest.Wait()
		w.refresh("car-1", "second", "cached")
		pass(30 * time.Second)
		if got := w.states("car-1", "second"); got != "accepted queued" || len(c.made()) != 1 {
			t.Errorf("while the first one flies: %q, %d operations", got, len(c.made()))
		}
		g <- nil
		synctest.Wait()
		if got := w.states("car-1", "second"); got != "accepted queued sent" || w.last("car-1", "first").State != "verified" {
			t.Errorf("after the first one: %q", got)
		}
		g <- nil
		synctest.Wait()
		if r := w.last("car-1", "second"); r.State != "verified" {
			t.Errorf("second ended %+v", r)
		}
	})
}

func TestLane_OrderIsStrict(t *testing.T) {
	c := newCloud(car(1))
	bubble(t, c, func(t *testing.T, w *world) {
		g := c.hold()
		var want []string
		for n := range 20 {
			want = append(want, w.refresh("car-1", fmt.Sprintf("command-%02d", n), fmt.Sprintf("smart:%d", n+1)))
		}
		close(g)
		synctest.Wait()
		var ended []string
		for _, p := range w.outbox.read() {
			if strings.Contains(p.Topic, "/result/") {
				if r := parse(t, p.Payload); r.Terminal {
					ended = append(ended, r.ID)
				}
			}
		}
		if !slices.Equal(ended, want) {
			t.Errorf("ended in the order %v", ended)
		}
		var made []string
		for _, m := range c.made() {
			made = append(made, m.trace.Command)
		}
		if !slices.Equal(made, want) {
			t.Errorf("made in the order %v", made)
		}
	})
}

func TestLanes_CarsNeverWaitForEachOther(t *testing.T) {
	c := newCloud(car(1), car(2))
	c.reply(func(ctx context.Context, made call) (vehicle.Report, error) {
		if made.force {
			<-time.After(2 * time.Second)
		}
		return report(made.at, soc(50)), nil
	})
	bubble(t, c, func(t *testing.T, w *world) {
		w.refresh("car-1", "slow", "force")
		synctest.Wait()
		start := time.Now()
		w.refresh("car-2", "quick", "cached")
		synctest.Wait() // no time passes
		if r := w.last("car-2", "quick"); r.State != "verified" || !time.Now().Equal(start) {
			t.Errorf("beside a slow car: %+v", r)
		}
		if r := w.last("car-1", "slow"); r.Terminal {
			t.Errorf("the slow car is done already: %+v", r)
		}
	})
}

func TestHandle_NeverWaitsWhenEverythingStandsStill(t *testing.T) {
	c := newCloud(car(1), car(2))
	bubble(t, c, func(t *testing.T, w *world) {
		g := c.hold() // the clouds
		w.outbox.drained = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
		w.Connected()
		start := time.Now()
		for n := range 500 {
			w.refresh(fmt.Sprintf("car-%d", 1+n%2), fmt.Sprintf("command-%d", n), fmt.Sprintf("smart:%d", n+1))
		}
		synctest.Wait()
		if !time.Now().Equal(start) || w.acknowledged() != 500 {
			t.Errorf("%d of 500 acknowledged after %v", w.acknowledged(), time.Since(start))
		}
		close(g)
	})
}

func TestHandle_MessageWithoutRoomIsAnsweredAndAcknowledged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := build(t, newCloud(car(1))) // nobody takes from the inbox
		const many = 10_000
		for n := range many {
			w.refresh("car-1", fmt.Sprintf("command-%d", n), "cached")
		}
		turnedAway := w.metric("bluelink2mqtt_receive_dropped_total")
		if ended := w.endings(); turnedAway == 0 || len(ended) != int(turnedAway) || w.acknowledged() != len(ended) {
			t.Errorf("%v turned away, %d answered, %d acknowledged", turnedAway, len(ended), w.acknowledged())
		}
		if r := w.last("car-1", fmt.Sprintf("command-%d", many-1)); r.State != "rejected" || r.Reason != "overloaded" {
			t.Errorf("turned away with %+v", r)
		}
		if n := len(w.log.with("turned away")); n != 1 {
			t.Errorf("said %d times", n)
		}
	})
}

func TestLane_OverflowAnswersOverloaded(t *testing.T) {
	c := newCloud(car(1), car(2))
	bubble(t, c, func(t *testing.T, w *world) {
		g := c.hold()
		for n := range 5 {
			w.refresh("car-1", fmt.Sprintf("command-%d", n), fmt.Sprintf("smart:%d", n+1))
			synctest.Wait()
		}
		for n := range 4 {
			if w.last("car-1", fmt.Sprintf("command-%d", n)).Terminal {
				t.Errorf("command %d has ended", n)
			}
		}
		if all := w.records("car-1", "command-4"); len(all) != 1 || all[0].State != "rejected" || all[0].Reason != "overloaded" {
			t.Errorf("overflow answered %+v", all)
		}
		w.refresh("car-1", "equal", "smart:2")
		synctest.Wait()
		if w.last("car-1", "equal").Terminal {
			t.Error("an equal refresh takes no room and was refused")
		}
		w.refresh("car-2", "neighbour", "cached")
		synctest.Wait()
		if got := w.states("car-2", "neighbour"); got != "accepted sent" {
			t.Errorf("the neighbour went %q", got)
		}
		close(g)
	}, func(o *bridge.Options) { o.Inbox = 3 })
}

func TestLane_NotEvenSharersAreUnlimited(t *testing.T) {
	c := newCloud(car(1))
	bubble(t, c, func(t *testing.T, w *world) {
		g := c.hold()
		for n := range 1500 {
			w.refresh("car-1", fmt.Sprintf("command-%d", n), "cached")
		}
		synctest.Wait()
		close(g)
		synctest.Wait()
		count := map[string]int{}
		for _, r := range w.endings() {
			count[r.State+" "+r.Reason]++
		}
		if count["verified "] < 1024 || count["verified "]+count["rejected overloaded"] != 1500 || count["rejected overloaded"] == 0 {
			t.Errorf("ended %v", count)
		}
	})
}

func TestExpiry_WhatCameTooLateIsNotCarriedOut(t *testing.T) {
	bubble(t, newCloud(car(1)), func(t *testing.T, w *world) {
		past, future := time.Now().Add(-time.Second), time.Now().Add(time.Second)
		send := func(id string, payload, property time.Time) {
			text := fmt.Sprintf(`{"id":%q,"mode":"cached"}`, id)
			if !payload.IsZero() {
				text = fmt.Sprintf(`{"id":%q,"mode":"cached","expires_at":%q}`, id, payload.UTC().Format(time.RFC3339))
			}
			m := w.message("car-1", "refresh", text)
			m.Expires = property
			w.Handle(m)
			synctest.Wait()
		}
		send("payload", past, time.Time{})
		send("property", time.Time{}, past)
		send("now", time.Time{}, time.Now())
		for _, id := range []string{"payload", "property", "now"} {
			if all := w.records("car-1", id); len(all) != 1 || all[0].State != "expired" || all[0].Reason != "expired" {
				t.Errorf("%s: %+v", id, all)
			}
		}
		if made := len(w.cloud.made()); made != 0 {
			t.Errorf("%d expired commands were carried out", made)
		}
		send("in-time", future, future)
		if r := w.last("car-1", "in-time"); r.State != "verified" {
			t.Errorf("in time: %+v", r)
		}
	})
}

func TestExpiry_TwoMinutesInLineAreTooLong(t *testing.T) {
	c := newCloud(car(1))
	bubble(t, c, func(t *testing.T, w *world) {
		g := c.hold()
		w.refresh("car-1", "long", "force")
		synctest.Wait()
		w.refresh("car-1", "early", "cached")
		pass(time.Minute)
		w.refresh("car-1", "late", "cached") // joins early
		w.refresh("car-1", "other", "smart:5")
		pass(time.Minute)
		g <- nil
		synctest.Wait()
		if r := w.last("car-1", "early"); r.State != "expired" {
			t.Errorf("after 120 s in line: %+v", r)
		}
		if r := w.last("car-1", "late"); r.State != "sent" {
			t.Errorf("after 60 s in line: %+v", r)
		}
		pass(time.Minute)
		close(g)
		synctest.Wait()
		if made := c.made(); len(made) != 2 || made[1].trace.Command != "late" {
			t.Errorf("operations %+v", made)
		}
		for id, want := range map[string]string{"long": "verified", "early": "expired", "late": "verified", "other": "expired"} {
			if r := w.last("car-1", id); r.State != want {
				t.Errorf("%s ended %+v, want %s", id, r, want)
			}
		}
		w.endings()
	})
}

// With hundreds of cars in forced refreshes, the turn in the bulkhead may come after many minutes.
func TestExpiry_WhoWaitsForItsTurnTooLongIsCalledOff(t *testing.T) {
	c := newCloud(car(1))
	bubble(t, c, func(t *testing.T, w *world) {
		turn, left := make(gate), 0
		c.reply(func(ctx context.Context, made call) (vehicle.Report, error) {
			done := made.trace.Wait()
			err := turn.wait(ctx)
			done()
			if err != nil {
				return vehicle.Report{}, err
			}
			left++
			return report(made.at, soc(50)), nil
		})
		w.refresh("car-1", "first", "force")
		pass(time.Minute)
		w.refresh("car-1", "second", "force") // shares it
		pass(61 * time.Second)
		if r := w.last("car-1", "first"); r.State != "expired" {
			pass(10 * time.Second)
			if r = w.last("car-1", "first"); r.State != "expired" {
				t.Errorf("after two minutes: %+v", r)
			}
		}
		if r := w.last("car-1", "second"); r.Terminal {
			t.Errorf("the second one ended with the first: %+v", r)
		}
		pass(time.Minute)
		if r := w.last("car-1", "second"); r.State != "expired" || left != 0 {
			t.Errorf("after its two minutes: %+v, %d operations left", r, left)
		}
		if w.outbox.last("car-1/status/error") != "" {
			t.Error("what was never tried counts as failed")
		}
		w.refresh("car-1", "third", "force")
		synctest.Wait()
		turn <- nil
		synctest.Wait()
		if r := w.last("car-1", "third"); r.State != "verified" || left != 1 {
			t.Errorf("the next one: %+v, %d operations left", r, left)
		}
		w.endings()
	})
}

// An operation that was called off may take a while to notice; nobody may join it.
func TestLane_NobodySharesARefreshThatWasCalledOff(t *testing.T) {
	c := newCloud(car(1))
	bubble(t, c, func(t *testing.T, w *world) {
		deaf := make(chan struct{})
		c.reply(func(ctx context.Context, made call) (vehicle.Report, error) {
			if done := made.trace.Wait(); made.trace.Command == "late" {
				<-deaf
				done()
			}
			return report(made.at, soc(50)), context.Cause(ctx)
		})
		w.refresh("car-1", "late", "cached")
		pass(130 * time.Second)
		w.refresh("car-1", "next", "cached")
		synctest.Wait()
		if r := w.last("car-1", "next"); r.State != "queued" || w.last("car-1", "late").State != "expired" {
			t.Errorf("beside a refresh that was called off: %+v", r)
		}
		close(deaf)
		synctest.Wait()
		if r := w.last("car-1", "next"); r.State != "verified" || len(c.made()) != 2 {
			t.Errorf("afterwards: %+v, %d operations", r, len(c.made()))
		}
	})
}

func TestLane_RefreshBehindACommandShowsItsEffect(t *testing.T) {
	c := newCloud(car(1))
	bubble(t, c, func(t *testing.T, w *world) {
		g := c.hold()
		w.refresh("car-1", "flying", "cached")
		synctest.Wait()
		w.refresh("car-1", "shares", "cached")
		w.Handle(w.message("car-1", "lock", `{"id":"lock","action":"lock"}`))
		w.refresh("car-1", "behind", "cached")
		synctest.Wait()
		if a, b := w.last("car-1", "shares"), w.last("car-1", "behind"); a.State != "sent" || b.State != "queued" {
			t.Errorf("before the command %s, behind it %s", a.State, b.State)
		}
		close(g)
		synctest.Wait()
		if r := w.last("car-1", "behind"); !r.Terminal {
			t.Errorf("ended %+v", r)
		}
	})
}

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

func TestLane_PanicCostsOneCommandOfOneCar(t *testing.T) {
	c := newCloud(car(1), car(2))
	c.reply(func(_ context.Context, made call) (vehicle.Report, error) {
		if made.ask.Vehicle.CloudID == "car-1" && made.force {
			panic("decoder")
		}
		return report(made.at, soc(50)), nil
	})
	bubble(t, c, func(t *testing.T, w *world) {
		w.refresh("car-1", "bad", "force")
		synctest.Wait()
		if r := w.last("car-1", "bad"); r.State != "failed" || r.Reason != "internal" {
			t.Errorf("ended %+v", r)
		}
		w.refresh("car-1", "good", "cached")
		w.refresh("car-2", "good", "force")
		synctest.Wait()
		for _, name := range []string{"car-1", "car-2"} {
			if r := w.last(name, "good"); r.State != "verified" {
				t.Errorf("%s afterwards: %+v", name, r)
			}
		}
		if len(w.log.with("panic in an operation", "stack")) != 1 {
			t.Error("the panic is not in the log")
		}
	})
}
