package bridge_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/bridge"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/store"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// mortal is the store and the cloud as a process sees them that is killed at some moment: from then on nothing that it
// does reaches either.
type mortal struct {
	store.Store
	car *obedient

	mu    sync.Mutex
	dead  bool
	left  int  // so many more steps until it is killed; negative for never
	after bool // killed right after the step, not before
	slow  chan struct{}
}

var errKilled = errors.New("killed")

// step counts one thing that the process does to the world, and says whether it still happens.
func (m *mortal) step(do func()) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dead {
		return false
	}
	if m.left--; m.left == 0 {
		m.dead = true
		if !m.after {
			return false
		}
	}
	do()
	return !m.dead
}

func (m *mortal) kill() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.dead = true
}

func (m *mortal) killed() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.dead
}

func (m *mortal) Apply(ctx context.Context, ops ...store.Op) (revision uint64, err error) {
	if m.slow != nil {
		<-m.slow
	}
	err = errKilled
	if !m.step(func() { revision, err = m.Store.Apply(ctx, ops...) }) {
		return 0, errKilled
	}
	return revision, err
}

// cloud is the car's cloud as the process reaches it.
func (m *mortal) cloud() *cloud {
	c := newCloud(m.car.cars...)
	c.reply(func(context.Context, call) (vehicle.Report, error) {
		if m.killed() {
			return vehicle.Report{}, bluelink.ErrUnavailable
		}
		return m.car.report(), nil
	})
	c.send = func(ctx context.Context, ask bluelink.Ask, command vehicle.Command) (id vehicle.ActionID, err error) {
		err = bluelink.ErrUnavailable
		if !m.step(func() { id, err = m.car.take(ctx, ask, command) }) {
			return "", &bluelink.Error{Op: "send", Left: true, Err: bluelink.ErrUnavailable} // nobody hears of it
		}
		return id, err
	}
	c.action = func(ctx context.Context, id vehicle.ActionID) (vehicle.ActionStatus, error) {
		if m.killed() {
			return "", bluelink.ErrUnavailable
		}
		return m.car.status(ctx, id)
	}
	return c
}

// life is one run of a process from its start until it is killed. What it published by then counts.
func (m *mortal) life(t *testing.T, live func(w *world), change ...func(*bridge.Options)) []bridge.Publication {
	t.Helper()
	w := build(t, m.cloud(), append([]func(*bridge.Options){func(o *bridge.Options) { o.Store = m }, withPresets}, change...)...)
	said := &watched{m: m}
	w.outbox.also = said.note
	w.run()
	live(w)
	m.kill()
	w.stop()
	return said.all
}

// watched notes what is published while the process lives.
type watched struct {
	m   *mortal
	mu  sync.Mutex
	all []bridge.Publication
}

func (s *watched) note(p bridge.Publication) {
	if s.m.killed() {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, p)
}

// ends gives the terminal records among publications, by id.
func ends(t *testing.T, all []bridge.Publication) map[string][]record {
	t.Helper()
	ended := map[string][]record{}
	for _, p := range all {
		if strings.Contains(p.Topic, "/result/") {
			if r := parse(t, p.Payload); r.Terminal {
				ended[r.ID] = append(ended[r.ID], r)
			}
		}
	}
	return ended
}

// afterCrash runs a process that is killed at the given step after the command came, and a second one.
func afterCrash(t *testing.T, step int, after bool, between time.Duration, command, payload string, test func(t *testing.T, w *world, o *obedient)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		kept, o := store.NewMemory(), newObedient()
		first := &mortal{Store: kept, car: o, left: -1}
		first.life(t, func(w *world) {
			pass(time.Minute) // the car is known, and stored
			first.mu.Lock()
			first.left, first.after = step, after
			first.mu.Unlock()
			w.give("x", command, payload)
			synctest.Wait()
			if !first.killed() {
				pass(time.Second)
			}
		})
		<-time.After(between)
		second := &mortal{Store: kept, car: o, left: -1}
		second.life(t, func(w *world) {
			synctest.Wait()
			test(t, w, o)
		})
	})
}

// The steps of a command: 1 its page is written, 2 it is marked as being sent, 3 it is sent, 4 its action is noted.
func TestJournal_WhatWasAcceptedAndNotSentRunsAfterACrashWhileItIsFresh(t *testing.T) {
	for _, c := range []struct {
		step    int
		after   bool
		between time.Duration
		want    string
		sent    string
	}{
		{1, false, time.Second, "", ""}, // never written, never acknowledged: its sender sends it again
		{1, true, time.Second, "accepted sent confirmed verified.", "lock"},
		{1, true, 3 * time.Minute, "expired expired.", ""},
		{2, false, time.Second, "accepted sent confirmed verified.", "lock"},
		// From here on it may have been sent.
		{2, true, time.Second, "unknown shutdown.", ""},
		{3, false, time.Second, "unknown shutdown.", ""},
		{3, true, time.Second, "verified.", "lock"},
		{4, false, time.Second, "verified.", "lock"},
		{4, true, time.Second, "confirmed verified.", "lock"},
		{4, true, time.Hour, "confirmed verified.", "lock"},
	} {
		t.Run(fmt.Sprintf("killed at step %d %v, back after %s", c.step, c.after, c.between), func(t *testing.T) {
			afterCrash(t, c.step, c.after, c.between, "lock", "lock", func(t *testing.T, w *world, o *obedient) {
				pass(5 * time.Minute)
				if got := w.life("x"); got != c.want || o.sent() != c.sent {
					t.Errorf("went %q, want %q; sent %q, want %q", got, c.want, o.sent(), c.sent)
				}
				if n := w.metric("bluelink2mqtt_journal_commands"); n != 0 {
					t.Errorf("%v commands are open at the end", n)
				}
			})
		})
	}
}

func TestJournal_RepeatedIDIsNotCarriedOutAgainOverACrash(t *testing.T) {
	for _, step := range []int{1, 2, 3, 4} {
		t.Run(fmt.Sprint(step), func(t *testing.T) {
			afterCrash(t, step, true, time.Second, "lock", "lock", func(t *testing.T, w *world, o *obedient) {
				for range 3 {
					w.give("x", "lock", "lock") // its sender never got an answer
					pass(30 * time.Second)
				}
				pass(3 * time.Minute)
				if n := strings.Count(o.sent(), "lock"); n > 1 {
					t.Errorf("sent %q", o.sent())
				}
				if r := w.last("car-1", "x"); !r.Terminal {
					t.Errorf("ended %+v", r)
				}
			})
		})
	}
}

func TestJournal_EndedCommandIsRememberedForADayOverRestarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kept, o := store.NewMemory(), newObedient()
		run := func(live func(w *world)) {
			m := &mortal{Store: kept, car: o, left: -1}
			m.life(t, live)
		}
		run(func(w *world) {
			w.give("x", "lock", "lock")
			pass(time.Minute)
			w.Handle(w.message("car-1", "lock", "unlock")) // without an id of the sender's
			pass(time.Minute)
		})
		if pages := keys(t, kept, "journal/"); len(pages) != 1 {
			t.Errorf("pages of ended commands: %v", pages)
		}
		<-time.After(20 * time.Hour)
		run(func(w *world) {
			w.give("x", "lock", "lock")
			pass(time.Minute)
			if got := w.life("x"); got != "verified." || o.sent() != "lock unlock" {
				t.Errorf("repeated after 20 h: %q, sent %q", got, o.sent())
			}
		})
		<-time.After(5 * time.Hour)
		run(func(w *world) {
			w.give("x", "lock", "lock")
			pass(time.Minute)
			if o.sent() != "lock unlock lock" {
				t.Errorf("after more than a day: sent %q", o.sent())
			}
		})
	})
}

func keys(t *testing.T, s store.Store, prefix string) (all []string) {
	t.Helper()
	for e, err := range s.Range(t.Context(), prefix) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e.Key)
	}
	return all
}

// Invariant 8: acknowledged means durable. Invariant 1: and nobody upstream waits for that.
func TestJournal_CommandIsAcknowledgedWhenItIsOnDiskAndNobodyElseWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newObedient()
		o.cars = append(o.cars, able(2))
		m := &mortal{Store: store.NewMemory(), car: o, left: -1}
		m.life(t, func(w *world) {
			pass(time.Minute)
			m.slow = make(chan struct{})
			start, before := time.Now(), w.acknowledged()
			for n := range 20 {
				w.give(fmt.Sprintf("command-%d", n), "hazard", "lights")
			}
			w.give("behind", "refresh", "cached")
			w.refresh("car-2", "other", "cached")
			synctest.Wait()
			if n := w.acknowledged() - before; n != 1 || !time.Now().Equal(start) { // the other car's refresh
				t.Errorf("%d acknowledged before anything is on disk", n)
			}
			if got := w.life("command-0"); got != "" {
				t.Errorf("told %q before it is on disk", got)
			}
			if r := w.records("car-1", "behind"); len(r) != 0 {
				t.Errorf("a refresh has passed the commands before it: %+v", r)
			}
			if r := w.last("car-2", "other"); r.State != "verified" {
				t.Errorf("another car's refresh: %+v", r)
			}
			writes := 0
			for w.acknowledged()-before < 22 {
				m.slow <- struct{}{}
				synctest.Wait()
				if writes++; writes > 5 { // the states of cars are among them
					t.Fatalf("%d acknowledged after %d writes", w.acknowledged()-before, writes)
				}
			}
			close(m.slow)
			pass(time.Minute)
			if r := w.last("car-1", "behind"); r.State != "verified" || o.sent() != "hazard" && o.sent() != "hazard hazard" {
				t.Errorf("the refresh behind ended %+v; sent %q", r, o.sent())
			}
		})
	})
}

func TestJournal_CommandThatCannotBeWrittenIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newObedient()
		broken := &mortal{Store: store.NewMemory(), car: o, left: -1}
		w := build(t, o.cloud, func(b *bridge.Options) { b.Store = broken }).run()
		defer w.stop()
		broken.kill()
		w.give("x", "lock", "lock")
		pass(time.Minute)
		if got := w.life("x"); got != "rejected internal." || o.sent() != "" || w.acknowledged() != 1 {
			t.Errorf("went %q, sent %q, %d acknowledged", got, o.sent(), w.acknowledged())
		}
	})
}

func TestJournal_RefreshesAreNotKept(t *testing.T) {
	drive(t, func(t *testing.T, w *world, o *obedient) {
		w.give("x", "refresh", "force")
		w.give("y", "hint", "plugged")
		w.Handle(w.message("car-1", "cancel", "nobody"))
		pass(time.Minute)
		if n := w.metric("bluelink2mqtt_journal_write_seconds"); n != 0 {
			t.Errorf("%v writes", n)
		}
	})
}

func TestStop_CommandThatWasSentIsLeftToTheNextRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kept, o := store.NewMemory(), newObedient()
		o.takes = 30 * time.Second
		m := &mortal{Store: kept, car: o, left: -1}
		w := build(t, m.cloud(), func(b *bridge.Options) { b.Store = m }).run()
		pass(time.Second)
		w.give("sent", "lock", "lock")
		pass(time.Second)
		w.give("waits", "climate", "start")
		synctest.Wait()
		steps, err := w.Submit("car-1", vehicle.Request{Command: vehicle.Hazard{}}, vehicle.ByCLI)
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		w.stop()
		for r := range steps { // ends
			if r.Terminal && r.Reason != vehicle.Shutdown {
				t.Errorf("another front got %+v", r)
			}
		}
		if took := time.Since(start); took > time.Second {
			t.Errorf("stopped after %v", took)
		}
		if a, b := w.last("car-1", "sent"), w.last("car-1", "waits"); a.State != "sent" || b.State != "rejected" || b.Reason != "shutdown" {
			t.Errorf("sent: %+v; waits: %+v", a, b)
		}
		(&mortal{Store: kept, car: o, left: -1}).life(t, func(w *world) {
			pass(2 * time.Minute)
			if got := w.life("sent"); got != "confirmed verified." || o.sent() != "lock" {
				t.Errorf("the next run: %q, sent %q", got, o.sent())
			}
			if r := w.records("car-1", "waits"); len(r) != 0 {
				t.Errorf("what was refused came back: %+v", r)
			}
		})
	})
}

func TestJournal_PresetGoesOnAfterACrashWhereItWas(t *testing.T) {
	for between, want := range map[time.Duration]string{time.Second: "lock climate-start", time.Hour: "lock"} {
		t.Run(between.String(), func(t *testing.T) {
			afterCrash(t, 4, true, between, "preset", "leave", func(t *testing.T, w *world, o *obedient) {
				pass(5 * time.Minute)
				r := w.last("car-1", "x")
				if o.sent() != want || !r.Terminal || (r.State == "verified") != (between == time.Second) {
					t.Errorf("sent %q, ended %+v", o.sent(), r)
				}
			})
		})
	}
}

// Commands that come in while the bridge stops are answered and acknowledged, whoever is faster.
func TestStop_NoCommandIsLostInTheRace(t *testing.T) {
	for range 30 {
		synctest.Test(t, func(t *testing.T) {
			o := newObedient()
			w := build(t, o.cloud).run()
			given := make(chan struct{})
			go func() {
				for n := range 40 {
					w.give(fmt.Sprintf("command-%d", n), "climate_target", `{"set_temp":20}`)
				}
				close(given)
			}()
			w.stop()
			<-given
			synctest.Wait()
			if n := len(w.endings()); n != 40 || w.acknowledged() != 40 {
				t.Fatalf("%d of 40 ended, %d acknowledged", n, w.acknowledged())
			}
		})
	}
}

// The cloud was busy when the second one came, and the program was killed while it waited.
func TestJournal_PresetBeginsAfterACrashWithWhatWasNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kept, o := store.NewMemory(), newObedient()
		o.answers = func(n int, _ vehicle.Command) error {
			if n == 2 {
				return bluelink.ErrBusy
			}
			return nil
		}
		first := &mortal{Store: kept, car: o, left: -1}
		first.life(t, func(w *world) {
			pass(time.Minute)
			w.give("x", "preset", "leave")
			pass(7 * time.Second)
		})
		if o.sent() != "lock climate-start" {
			t.Fatalf("sent %q", o.sent())
		}
		(&mortal{Store: kept, car: o, left: -1}).life(t, func(w *world) {
			w.give("y", "preset", "leave") // does not join what is half done
			pass(5 * time.Minute)
			for _, id := range []string{"x", "y"} {
				if r := w.last("car-1", id); r.State != "verified" {
					t.Errorf("%s ended %+v", id, r)
				}
			}
			if o.sent() != "lock climate-start climate-start lock climate-start" {
				t.Errorf("sent %q", o.sent())
			}
		})
	})
}

// A command of the command line that works by itself has no broker to answer by.
func TestJournal_GuestLeavesWhatIsOpenToTheNextRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kept, o := store.NewMemory(), newObedient()
		first := &mortal{Store: kept, car: o, left: -1}
		first.life(t, func(w *world) {
			pass(time.Minute)
			w.give("x", "lock", "lock")
			pass(time.Second)
		})
		guest := &mortal{Store: kept, car: o, left: -1}
		said := guest.life(t, func(w *world) {
			pass(2 * time.Minute)
			steps, err := w.Submit("car-1", vehicle.Request{Command: vehicle.Hazard{}}, vehicle.ByCLI)
			if err != nil {
				t.Fatal(err)
			}
			for r := range steps {
				if r.Terminal && r.State != vehicle.Confirmed {
					t.Errorf("its own command ended %+v", r)
				}
			}
		}, func(b *bridge.Options) { b.Guest = true })
		if ended := ends(t, said); len(ended["x"]) != 0 {
			t.Errorf("the guest ended %+v", ended["x"])
		}
		(&mortal{Store: kept, car: o, left: -1}).life(t, func(w *world) {
			pass(2 * time.Minute)
			if got := w.life("x"); got != "confirmed verified." || o.sent() != "lock hazard" {
				t.Errorf("went %q, sent %q", got, o.sent())
			}
		})
	})
}

// Else a crash in between would carry out what its sender was told is taken back.
func TestJournal_EndOfWhatWasNotSentIsOnDiskBeforeItIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kept, o := store.NewMemory(), newObedient()
		m := &mortal{Store: kept, car: o, left: -1}
		m.life(t, func(w *world) {
			pass(time.Minute)
			w.give("flies", "lock", "lock")
			synctest.Wait()
			w.give("waits", "climate", "start")
			synctest.Wait()
			m.slow = make(chan struct{})
			w.Handle(w.message("car-1", "cancel", "waits"))
			synctest.Wait()
			if got := w.life("waits"); got != "accepted queued" {
				t.Errorf("told %q before that is on disk", got)
			}
			m.slow <- struct{}{}
			synctest.Wait()
			if got := w.life("waits"); got != "accepted queued cancelled cancelled." {
				t.Errorf("went %q", got)
			}
			close(m.slow)
		})
		(&mortal{Store: kept, car: o, left: -1}).life(t, func(w *world) {
			pass(time.Minute)
			if o.sent() != "lock" {
				t.Errorf("sent %q", o.sent())
			}
		})
	})
}

// The program was killed between the two.
func TestJournal_EndThatWasNotToldIsToldByTheNextRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kept, o := store.NewMemory(), newObedient()
		first := &mortal{Store: kept, car: o, left: -1}
		first.life(t, func(w *world) {
			pass(time.Minute)
			w.give("flies", "lock", "lock")
			w.give("waits", "climate", "start")
			synctest.Wait()
			first.mu.Lock()
			first.left, first.after = 1, true // the next write is the last thing that it does
			first.mu.Unlock()
			w.Handle(w.message("car-1", "cancel", "waits"))
			synctest.Wait()
		})
		for _, want := range []string{"cancelled cancelled.", ""} {
			(&mortal{Store: kept, car: o, left: -1}).life(t, func(w *world) {
				pass(time.Minute)
				if got := w.life("waits"); got != want || o.sent() != "lock" {
					t.Errorf("went %q, want %q; sent %q", got, want, o.sent())
				}
				w.give("waits", "climate", "start")
				synctest.Wait()
				if r := w.last("car-1", "waits"); r.State != "cancelled" {
					t.Errorf("repeated: %+v", r)
				}
			})
		}
	})
}
