package ccapi

import (
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/sim"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// BenchmarkRefresh is a whole cached refresh of an electric car, four calls and what is then believed, with the simulated
// cloud in the same process.
func BenchmarkRefresh(b *testing.B) {
	s, err := sim.New(sim.Options{Parked: true})
	if err != nil {
		b.Fatal(err)
	}
	settings, err := bluelink.NewSettings(bluelink.WithRoundTripper(s.RoundTripper()))
	if err != nil {
		b.Fatal(err)
	}
	cloud, err := Open(bluelink.Account{Region: vehicle.Europe, Brand: vehicle.Kia, Username: sim.Email, Password: sim.Password}, settings)
	if err != nil {
		b.Fatal(err)
	}
	list, err := cloud.Vehicles(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	var known vehicle.State
	b.ReportAllocs()
	for b.Loop() {
		report, err := cloud.Cached(b.Context(), bluelink.Ask{Vehicle: list[0], Known: known})
		if err != nil {
			b.Fatal(err)
		}
		known, _, _ = known.Apply(report, time.Now())
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "refreshes/s")
}
