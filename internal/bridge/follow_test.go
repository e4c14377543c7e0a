package bridge_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/bridge"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

func TestFollowers_AreToldOfEachReportThatIsNews(t *testing.T) {
	var mu sync.Mutex
	var told []float64
	follow := func(o *bridge.Options) {
		o.Followers = []func(bridge.Car){func(c bridge.Car) {
			mu.Lock()
			defer mu.Unlock()
			percent, _ := vehicle.SoC.Of(c.State)
			told = append(told, float64(percent))
		}}
	}
	c := newCloud(car(1))
	bubble(t, c, func(t *testing.T, w *world) {
		at := time.Now()
		for i, percent := range []float64{50, 51, 52} {
			if i != 1 { // the second answer is an old report
				at = at.Add(time.Minute)
			}
			reported := at
			c.reply(func(context.Context, call) (vehicle.Report, error) { return report(reported, soc(percent)), nil })
			pass(2 * time.Minute)
			w.refresh("car-1", []string{"a", "b", "c"}[i], "cached")
			synctest.Wait()
		}
		mu.Lock()
		defer mu.Unlock()
		if len(told) != 2 || told[0] != 50 || told[1] != 52 {
			t.Errorf("told %v", told)
		}
	}, follow)
}
