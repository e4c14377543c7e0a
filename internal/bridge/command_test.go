package bridge_test

import (
	"context"
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
