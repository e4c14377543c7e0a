package bench

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/app"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/config"
	"github.com/bluelink2mqtt/bluelink2mqtt/sim"
)

// BenchmarkRefresh is the way of a refresh through the whole program inside this process, for profiles and allocations:
//
//	go test -run '^$' -bench 'Refresh/none' -cpuprofile cpu.out -memprofile mem.out ./test/bench
//
// Clouds and broker are processes of their own; the driver, which is in the profile too, is not.
func BenchmarkRefresh(b *testing.B) {
	b.Run("none_changes", func(b *testing.B) { benchmarkRefresh(b, simulate(b, "--cars", strconv.Itoa(refreshCars))) })
	b.Run("all_change", func(b *testing.B) {
		benchmarkRefresh(b, serve(b, cloudOptions{Accounts: 1, Cars: refreshCars, Restless: true}))
	})
}

func benchmarkRefresh(b *testing.B, w *world) {
	d := w.drive(byEvents)
	w.runInside(b, nil)
	cars := pluggedIn(b, w.url, d.await(refreshCars))
	d.refresh(cars, 2, atOnce, "cached")
	b.ReportAllocs()
	b.ResetTimer()
	var begun atomic.Int64
	d.loop(cars, atOnce, "cached", func() bool { return begun.Add(1) <= int64(b.N) })
	b.StopTimer()
}

// runInside runs the whole program inside this process until the benchmark ends; transport takes the place of the network
// to the clouds unless it is nil.
func (w *world) runInside(b *testing.B, transport http.RoundTripper) {
	b.Helper()
	dir := b.TempDir()
	path := filepath.Join(dir, "bluelink2mqtt.yaml")
	if err := os.WriteFile(path, []byte(w.configuration(setup{account: 2 * atOnce, storeDir: filepath.Join(dir, "store")})), 0o600); err != nil {
		b.Fatal(err)
	}
	c, _, err := config.Load(config.Sources{Path: path})
	if err != nil {
		b.Fatal(err)
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		b.Fatal(err)
	}
	a, err := app.New(app.Options{Config: c, Log: app.NewLogger(config.Log{Level: slog.LevelInfo}, log), RoundTripper: transport})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	b.Cleanup(func() {
		cancel()
		if err := errors.Join(<-ended, a.Close(), log.Close()); err != nil {
			b.Error(err)
		}
	})
}

// measureInside is how many refreshes a second go when the cloud is a function in the same process: without net/http on
// either side, but with all else, the broker over a socket included.
func measureInside(b *testing.B, n *numbers) {
	clouds, err := sim.New(sim.Options{Regions: []string{"eu"}, Cars: refreshCars, Seed: 1, Parked: true})
	if err != nil {
		b.Fatal(err)
	}
	// Named as a simulator, so that the bookkeeping of calls to real clouds, which waits for the disk, is left out here too.
	w := &world{tb: b, broker: newBroker(b), url: "http://simulator.invalid"}
	d := w.drive(byEvents)
	w.runInside(b, clouds.RoundTripper())
	cars := slices.DeleteFunc(d.await(refreshCars), func(car *target) bool {
		return slices.ContainsFunc(clouds.Vehicles(), func(v sim.Vehicle) bool { return v.ID == car.name && v.Engine != "EV" })
	})
	d.refresh(cars, 2, atOnce, "cached")
	var rates []float64
	for range pick(5, 15) {
		count, took := d.refreshFor(pick(time.Second, 5*time.Second), cars, atOnce, "cached")
		rates = append(rates, float64(count)/took.Seconds())
	}
	n.add(b, "refreshes/inside/per_second", rates...)
}
