package hass_test

import (
	"testing"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/topic"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// BenchmarkHome_Car writes the announcement of a car of which everything is known.
func BenchmarkHome_Car(b *testing.B) {
	h := newHome(b, options(b, topic.AsReported))
	c := car(ioniq(), full(b, vehicle.EV, 0), everything())
	size := 0
	b.ReportAllocs()
	for b.Loop() {
		size = 0
		for _, m := range h.Car(c, 0) {
			size += len(m.Payload)
		}
	}
	b.ReportMetric(float64(size), "payload-bytes/car")
}
