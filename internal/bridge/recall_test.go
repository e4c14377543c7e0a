package bridge_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/bridge"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/store"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// down is a cloud that does not answer, for the cars it would have.
func down(cars ...vehicle.Vehicle) *cloud {
	c := newCloud(cars...)
	c.signIn(func(context.Context) error { return bluelink.ErrUnavailable })
	return c
}

// keeping makes a bridge use a store of the test's.
func keeping(s store.Store) func(*bridge.Options) { return func(o *bridge.Options) { o.Store = s } }

func names(w *world) string {
	var all []string
	for _, known := range w.Cars() {
		all = append(all, known.Name)
	}
	return strings.Join(all, " ")
}

func TestRecall_CarsAndStatesAreThereBeforeTheCloudAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory := store.NewMemory()
		c := newCloud(car(1), car(2))
		w := build(t, c, keeping(memory)).run()
		w.ask(t)
		w.stop()

		c = down(car(1), car(2))
		w = build(t, c, keeping(memory)).run()
		defer w.stop()
		if names(w) != "car-1 car-2" {
			t.Fatalf("cars %q", names(w))
		}
		w.Connected()
		synctest.Wait()
		if got := w.outbox.value("car-1/battery/level"); got != "50" {
			t.Errorf("level of the last run: %q", got)
		}
		if got := w.outbox.value("car-1/status/stale"); got != "true" {
			t.Errorf("the state of the last run is stale: %s", got)
		}
		if known, _ := w.Car("KMHXX00XXPU000001"); known.Vehicle.VIN.Full() != car(1).VIN.Full() || known.Vehicle.Model != "IONIQ 5" {
			t.Errorf("the car of the last run is %+v", known.Vehicle)
		}
		if w.Ready() != nil {
			t.Errorf("with cars of the last run it is not ready: %v", w.Ready())
		}

		w.refresh("car-1", "known", "cached")
		w.refresh("car-3", "unknown", "cached")
		synctest.Wait()
		if r := w.last("car-1", "known"); r.State != "verified" || len(c.made()) != 1 {
			t.Errorf("command for a known car: %+v", r)
		}
		if c.made()[0].ask.Known.Empty() {
			t.Error("the client does not know the state of the last run")
		}
		if r := w.last("car-3", "unknown"); r.State != "rejected" || r.Reason != "cloud_unavailable" {
			t.Errorf("command for an unknown car: %+v", r)
		}
	})
}

func TestRecall_OlderReportAfterARestartChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory := store.NewMemory()
		c := newCloud(car(1))
		w := build(t, c, keeping(memory)).run()
		newest := time.Now()
		w.ask(t)
		w.stop()
		c = newCloud(car(1))
		c.answering(func() (vehicle.Report, error) { return report(newest.Add(-time.Hour), soc(51)), nil })
		w = build(t, c, keeping(memory)).run()
		defer w.stop()
		w.Connected()
		w.Handle(w.message("car-1", "refresh", "cached"))
		synctest.Wait()
		if got := w.outbox.value("car-1/battery/level"); got != "50" {
			t.Errorf("an older report brought the level to %s", got)
		}
	})
}

func TestRecall_NameStaysWhenTheCloudGivesTheCarAnotherID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory := store.NewMemory()
		w := build(t, newCloud(car(1)), keeping(memory)).run()
		w.stop()
		moved := car(1)
		moved.CloudID = "another-id"
		w = build(t, newCloud(moved), keeping(memory)).run()
		w.stop()
		for _, c := range []*cloud{down(), newCloud(moved)} { // known from the store, then from the list
			name := fmt.Sprint(len(c.cars), " cars in the list")
			w = build(t, c, keeping(memory)).run()
			if names(w) != "car-1" {
				t.Errorf("%s: cars %q", name, names(w))
			}
			w.refresh("car-1", "x", "cached")
			synctest.Wait()
			if made := c.made(); len(made) != 1 || made[0].ask.Vehicle.CloudID != "another-id" {
				t.Errorf("%s: operations %+v", name, made)
			}
			if _, err := w.Car("another-id"); err != nil {
				t.Errorf("%s: the new id finds nothing: %v", name, err)
			}
			w.stop()
		}
	})
}

func TestName_UsersWinAndFallsBackWhenItIsTakenAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory := store.NewMemory()
		run := func(chosen map[vehicle.VIN]string) string {
			w := build(t, newCloud(car(1), car(2)), keeping(memory), func(o *bridge.Options) { o.Names = chosen }).run()
			defer w.stop()
			return names(w)
		}
		for _, step := range []struct {
			chosen map[vehicle.VIN]string
			want   string
		}{
			{nil, "car-1 car-2"},
			{map[vehicle.VIN]string{vehicle.VIN(strings.ToLower(string(car(2).VIN))): "ioniq"}, "car-1 ioniq"},
			{nil, "car-1 car-2"},
			// A name that another car had by itself goes to the one that the user gave it to.
			{map[vehicle.VIN]string{car(2).VIN: "car-1"}, strings.Join(slices.Sorted(slices.Values([]string{string(car(1).ID), "car-1"})), " ")},
			{map[vehicle.VIN]string{car(2).VIN: "car-1", car(1).VIN: "car-2"}, "car-1 car-2"},
		} {
			if got := run(step.chosen); got != step.want {
				t.Errorf("with %v cars are called %q, want %q", slices.Collect(maps.Values(step.chosen)), got, step.want)
			}
		}
	})
}

func TestName_IDsWithVINOrOddCharactersAreReplaced(t *testing.T) {
	for name, test := range map[string]struct {
		cloudID string
		keep    bool
		want    string // empty for vehicle.ID
	}{
		"the cloud's id":                    {"0f6e-UUID_1", false, "0f6e-UUID_1"},
		"a slash":                           {"a/b", false, ""},
		"a wildcard":                        {"+", false, ""},
		"nothing":                           {"", false, ""},
		"a reserved word":                   {"bridge", false, ""},
		"umlauts":                           {"käfer", false, ""},
		"the VIN":                           {"KMHXX00XXPU000001", false, ""},
		"the VIN inside":                    {"x-kmhxx00xxpu000001", false, ""},
		"the VIN, kept":                     {"KMHXX00XXPU000001", true, "KMHXX00XXPU000001"},
		"the VIN with a slash, not to keep": {"KMHXX00XXPU000001/1", true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			v := car(1)
			v.CloudID = test.cloudID
			bubble(t, newCloud(v), func(t *testing.T, w *world) {
				want := test.want
				if want == "" {
					want = string(v.ID)
				}
				if names(w) != want {
					t.Errorf("called %q, want %q", names(w), want)
				}
				if said := len(w.log.with("level=WARN", "holds its VIN")); (said == 1) != (test.keep && test.want != "") {
					t.Errorf("the warning stands %d times in the log", said)
				}
				if !test.keep && len(w.log.with("KMHXX00XXPU000001")) != 0 {
					t.Error("the VIN stands in the log")
				}
			}, func(o *bridge.Options) { o.KeepVIN = test.keep })
		})
	}
}

func TestName_WithTheVINIsWarnedOfOnlyWhereItIsUsed(t *testing.T) {
	v := car(1)
	v.CloudID = v.VIN.Full()
	for name, test := range map[string]struct {
		set  func(*bridge.Options)
		said int
	}{
		"a bridge": {func(*bridge.Options) {}, 1},
		"a command beside it, which publishes nothing": {func(o *bridge.Options) { o.Guest = true }, 0},
		"a user who has given a name":                  {func(o *bridge.Options) { o.Names = map[vehicle.VIN]string{v.VIN: "mine"} }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, newCloud(v), func(t *testing.T, w *world) {
				if said := len(w.log.with("level=WARN", "holds its VIN")); said != test.said {
					t.Errorf("the warning stands %d times in the log, want %d", said, test.said)
				}
			}, func(o *bridge.Options) { o.KeepVIN = true }, test.set)
		})
	}
}

func TestAccounts_TwoWorkSideBySide(t *testing.T) {
	home, work := newCloud(car(1), car(3)), newCloud(car(2), car(3))
	synctest.Test(t, func(t *testing.T) {
		memory := store.NewMemory()
		two := func(o *bridge.Options) {
			o.Store = memory
			o.Accounts = append(o.Accounts, bridge.Account{
				Name: "work", Key: "work-key", Client: client(t, work), Wanted: func(vin vehicle.VIN) bool { return vin != car(4).VIN },
			})
		}
		work.cars = append(work.cars, car(4))
		w := build(t, home, two).run()
		if names(w) != "car-1 car-2 car-3" {
			t.Errorf("cars %q; one is shared, one not wanted", names(w))
		}
		for _, name := range []string{"car-1", "car-2", "car-3"} {
			w.refresh(name, "x", "cached")
			synctest.Wait()
			if r := w.last(name, "x"); r.State != "verified" {
				t.Errorf("%s: %+v", name, r)
			}
		}
		if h, k := len(home.made()), len(work.made()); h+k != 3 || h == 0 || k == 0 {
			t.Errorf("%d and %d operations", h, k)
		}
		w.stop()

		home.signIn(func(context.Context) error { return bluelink.ErrCredentials })
		w = build(t, home, two).run()
		defer w.stop()
		if names(w) != "car-1 car-2 car-3" {
			t.Errorf("after the restart: cars %q", names(w))
		}
		states := w.AccountStates()
		if states["home"].State != "credentials_refused" || states["work"].State != "online" {
			t.Errorf("states %+v", states)
		}
		w.refresh("car-2", "y", "cached")
		synctest.Wait()
		if r := w.last("car-2", "y"); r.State != "verified" {
			t.Errorf("beside a refused account: %+v", r)
		}
	})
}

func TestRecall_CarsOfAnotherAccountStayAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory := store.NewMemory()
		w := build(t, newCloud(car(1)), keeping(memory)).run()
		w.stop()
		w = build(t, down(), keeping(memory), func(o *bridge.Options) { o.Accounts[0].Key = "other-key" }).run()
		defer w.stop()
		if names(w) != "" {
			t.Errorf("cars %q", names(w))
		}
	})
}

func TestRecall_DamagedCarBeginsAnewAndTheOthersDoNotMind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory := store.NewMemory()
		w := build(t, newCloud(car(1), car(2)), keeping(memory)).run()
		w.stop()
		if _, err := memory.Put(t.Context(), "vehicle/"+string(car(1).ID), []byte("{"), store.AnyRevision); err != nil {
			t.Fatal(err)
		}
		w = build(t, down(), keeping(memory)).run()
		defer w.stop()
		if names(w) != "car-2" || len(w.log.with("begins anew")) != 1 {
			t.Errorf("cars %q", names(w))
		}
	})
}

// full is a store that cannot write for a while, or has no transactions over several keys.
type full struct {
	store.Store
	failing, single atomic.Bool
	applied         atomic.Int64
}

var errFull = errors.New("disk full")

func (f *full) Apply(ctx context.Context, ops ...store.Op) (uint64, error) {
	switch {
	case f.failing.Load():
		return 0, errFull
	case f.single.Load() && len(ops) > 1:
		return 0, errors.ErrUnsupported
	}
	f.applied.Add(1)
	return f.Store.Apply(ctx, ops...)
}

func TestArchive_FullDiskIsSaidOnceAndMadeUpFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := &full{Store: store.NewMemory()}
		disk.failing.Store(true)
		w := build(t, newCloud(car(1), car(2)), keeping(disk)).run()
		defer w.stop()
		pass(time.Hour)
		if n := len(w.log.with("level=ERROR", "states cannot be written")); n != 1 {
			t.Errorf("said %d times", n)
		}
		w.refresh("car-1", "x", "cached")
		synctest.Wait()
		if r := w.last("car-1", "x"); r.State != "verified" {
			t.Errorf("a full disk stops the lane: %+v", r)
		}
		disk.failing.Store(false)
		pass(time.Minute)
		for n := range 2 {
			if _, err := disk.Get(t.Context(), "vehicle/"+string(car(n+1).ID)); err != nil {
				t.Errorf("car %d was not written afterwards: %v", n+1, err)
			}
		}
		if n := len(w.log.with("states are written again")); n != 1 {
			t.Errorf("recovery said %d times", n)
		}
	})
}

func TestArchive_StoreWithoutTransactionsIsWrittenKeyByKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := &full{Store: store.NewMemory()}
		disk.single.Store(true)
		w := build(t, newCloud(car(1), car(2), car(3)), keeping(disk)).run()
		w.stop()
		for n := range 3 {
			if _, err := disk.Get(t.Context(), "vehicle/"+string(car(n+1).ID)); err != nil {
				t.Errorf("car %d: %v", n+1, err)
			}
		}
	})
}

func TestArchive_RefreshesWithoutNewsSpareTheMemoryCard(t *testing.T) {
	c := newCloud(car(1))
	synctest.Test(t, func(t *testing.T) {
		disk := &full{Store: store.NewMemory()}
		reported := time.Now()
		c.answering(func() (vehicle.Report, error) { return report(reported, soc(50)), nil })
		w := build(t, c, keeping(disk)).run()
		defer w.stop()
		w.ask(t)
		pass(time.Minute)
		before := disk.applied.Load()
		for range 14 {
			pass(time.Minute)
			w.ask(t)
		}
		pass(2 * time.Second)
		if n := disk.applied.Load() - before; n > 1 {
			t.Errorf("14 refreshes without news were written %d times", n)
		}
		before, reported = disk.applied.Load(), time.Now()
		w.ask(t)
		pass(2 * time.Second)
		if n := disk.applied.Load() - before; n != 1 {
			t.Errorf("news were written %d times", n)
		}
	})
}

func TestRun_StoreThatCannotBeReadEndsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory := store.NewMemory()
		if err := memory.Close(); err != nil {
			t.Fatal(err)
		}
		w := build(t, newCloud(car(1)), keeping(memory)).run()
		if err := <-w.ended; !errors.Is(err, store.ErrClosed) {
			t.Errorf("ended with %v", err)
		}
		w.end()
	})
}
