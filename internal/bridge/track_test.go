package bridge_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/bridge"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// pins tells when cars were where they are.
type pins struct{}

func (pins) Topic(car string) string { return "map/" + car }

func (pins) Position(car bridge.Car) []byte {
	at, _ := vehicle.LocationUpdatedAt.Of(car.State)
	return []byte(at.UTC().Format(time.TimeOnly))
}

func TestTracker_HearsOfNewPositionsAndTellsThemToABrokerThatWasAway(t *testing.T) {
	c := newCloud(car(1))
	bubble(t, c, func(t *testing.T, w *world) {
		read := func(id string, taken time.Time) {
			c.reply(func(context.Context, call) (vehicle.Report, error) {
				r := report(time.Now(), soc(50))
				if !taken.IsZero() {
					vehicle.Latitude.Set(&r, vehicle.Quantity{Value: 52.5, Unit: vehicle.Degree}, "")
					vehicle.Longitude.Set(&r, vehicle.Quantity{Value: 13.3, Unit: vehicle.Degree}, "")
					vehicle.LocationUpdatedAt.Set(&r, taken, "")
				}
				return r, nil
			})
			w.refresh("car-1", id, "cached")
			pass(2 * time.Minute)
		}
		expect := func(what string, want ...time.Time) {
			t.Helper()
			var texts []string
			for _, at := range want {
				texts = append(texts, at.UTC().Format(time.TimeOnly))
			}
			if told := w.outbox.on("map/car-1"); !slices.Equal(told, texts) {
				t.Errorf("%s: told %q, want %q", what, told, texts)
			}
			w.outbox.take()
		}
		read("a", time.Time{})
		expect("no position")
		first := time.Now()
		read("b", first)
		expect("a position", first)
		read("c", first)
		expect("the same, reported again")
		w.Connected()
		pass(time.Minute)
		expect("a broker that may have forgotten it", first)
		second := time.Now()
		read("d", second)
		expect("another one", second)
	}, func(o *bridge.Options) { o.Tracker = pins{} })
}
