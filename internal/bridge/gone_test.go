package bridge_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/bridge"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/store"
)

// TestGone_ACarGoesWhenListsOfTwoDaysLackIt sells a car, and buys it back.
func TestGone_ACarGoesWhenListsOfTwoDaysLackIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kept := store.NewMemory()
		// cars are those that a run has once its cloud has answered with a list of so many.
		cars := func(listed int) int {
			all := newCloud(car(1), car(2))
			all.cars = all.cars[:listed]
			w := build(t, all, func(o *bridge.Options) { o.Store = kept }).run()
			defer w.stop()
			w.Connected()
			pass(time.Minute)
			return len(w.Cars())
		}
		for _, c := range []struct {
			what         string
			listed, want int
			after        time.Duration
		}{
			{"both are there", 2, 2, time.Hour},
			{"one is not named", 1, 2, time.Hour},
			{"not an hour later either", 1, 2, time.Hour},
			{"an empty list says nothing", 0, 2, 25 * time.Hour},
			{"nor a day later", 1, 1, time.Hour},
			{"it is named again", 2, 2, time.Hour},
			{"and stays", 2, 2, 48 * time.Hour},
			{"one is not named once more", 1, 2, time.Hour},
		} {
			if got := cars(c.listed); got != c.want {
				t.Errorf("%s: %d cars, want %d", c.what, got, c.want)
			}
			pass(c.after)
		}
	})
}
