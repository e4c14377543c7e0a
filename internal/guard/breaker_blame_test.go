package guard_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/guard"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// family is three cars of one account: the first one is dead when the test says so, all are while the cloud is down.
type family struct {
	bluelink.Cloud
	inner      *cloud
	dead, down bool
}

var familyCars = []vehicle.Vehicle{{ID: "dead"}, {ID: "second"}, {ID: "third"}}

func newFamily(t *testing.T) *family {
	t.Helper()
	f := &family{}
	answer := func(_ context.Context, ask bluelink.Ask) error {
		if f.down || f.dead && ask.Vehicle.ID == "dead" {
			return twice(bluelink.ErrUnavailable)
		}
		return nil
	}
	f.inner = &cloud{cached: answer, force: answer, vehicles: listing(familyCars)}
	f.Cloud = guard.Wrap(f.inner, options(t))
	if _, err := f.Cloud.Vehicles(t.Context()); err != nil {
		t.Fatal(err)
	}
	return f
}

func listing(cars []vehicle.Vehicle) func(context.Context) ([]vehicle.Vehicle, error) {
	return func(context.Context) ([]vehicle.Vehicle, error) { return cars, nil }
}

// ask reads a car, at random by waking it.
func (f *family) ask(t *testing.T, random *rand.Rand, car int) error {
	t.Helper()
	read := f.Cloud.Cached
	if random.IntN(2) == 0 {
		read = f.Cloud.Force
	}
	_, err := read(t.Context(), bluelink.Ask{Vehicle: familyCars[car]})
	return err
}

func TestBreaker_OneDeadCarAmongThreeNeverOpensIt(t *testing.T) {
	for seed := range uint64(300) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 4))
			f := newFamily(t)
			f.dead = true
			often := 1 + random.IntN(30) // how often somebody asks for the dead one, for each time a neighbour is read
			for range 200 {
				car := 0
				if random.IntN(often) == 0 {
					car = random.IntN(3)
				}
				if random.IntN(50) == 0 {
					if err := f.Cloud.Login(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				err := f.ask(t, random, car)
				if errors.Is(err, bluelink.ErrBreakerOpen) || (err == nil) != (car > 0) {
					t.Fatalf("seed %d: car %d: %v", seed, car, err)
				}
			}
		})
	}
}

func TestBreaker_OutageOfAllCarsOpensItWithinFiveFailures(t *testing.T) {
	for seed := range uint64(300) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 5))
			f := newFamily(t)
			f.dead = random.IntN(2) == 0
			for range random.IntN(60) { // whatever was before
				_ = f.ask(t, random, random.IntN(3))
			}
			f.down = true
			failures := 0
			for asked := random.IntN(3); ; asked++ {
				car := asked % 3
				if f.dead && car == 0 {
					continue
				}
				if err := f.ask(t, random, car); errors.Is(err, bluelink.ErrBreakerOpen) {
					break
				}
				if failures++; failures > 5 {
					t.Fatalf("seed %d: six failures have left", seed)
				}
			}
		})
	}
}

// A dead car that is asked for without pause takes every probe; it must not keep its neighbours out by that.
func TestBreaker_ProbesOfADeadCarDoNotKeepItOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		random := rand.New(rand.NewPCG(1, 6))
		f := newFamily(t)
		f.down, f.dead = true, true
		for n := 0; !errors.Is(f.ask(t, random, n%3), bluelink.ErrBreakerOpen); n++ {
			if n > 5 {
				t.Fatal("not open")
			}
		}
		f.down = false
		for range 30 {
			<-time.After(10 * time.Second)
			if err := f.ask(t, random, 0); err == nil {
				t.Fatal("the dead one answers")
			}
		}
		if err := errors.Join(f.ask(t, random, 1), f.ask(t, random, 2)); err != nil {
			t.Errorf("its neighbours are shut out: %v", err)
		}
	})
}

// The account's only car has nobody to bear witness against it.
func TestBreaker_OnlyCarThatIsWantedOpensItAlone(t *testing.T) {
	f := newFamily(t)
	o := options(t)
	o.Breaker.Wanted = func(v vehicle.VIN) bool { return v == "WANTED" }
	f.inner.vehicles = listing([]vehicle.Vehicle{{ID: "dead", VIN: "WANTED"}, {ID: "second", VIN: "EXCLUDED"}})
	f.Cloud = guard.Wrap(f.inner, o)
	if _, err := f.Cloud.Vehicles(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.down = true
	for range 5 {
		if _, err := f.Cloud.Cached(t.Context(), bluelink.Ask{Vehicle: familyCars[0]}); errors.Is(err, bluelink.ErrBreakerOpen) {
			t.Fatal("open too early")
		}
	}
	if _, err := f.Cloud.Cached(t.Context(), bluelink.Ask{Vehicle: familyCars[0]}); !errors.Is(err, bluelink.ErrBreakerOpen) {
		t.Errorf("after five failures: %v", err)
	}
}

func TestBreaker_TellsItsChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner, set := answering()
		var told journal
		o := options(t)
		o.Breaker.Changed = func(breaker, state string) { told.note(breaker + " " + state) }
		c := guard.Wrap(inner, o)
		open(t, c, set)
		<-time.After(time.Minute)
		set(nil)
		if err := read(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		if got, want := told.read(), []string{"reads open", "reads half_open", "reads closed"}; !slices.Equal(got, want) {
			t.Errorf("told %v, want %v", got, want)
		}
	})
}
