package bench

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/app"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/config"
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
	d := w.drive()
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
	defer log.Close()
	a, err := app.New(app.Options{Config: c, Log: app.NewLogger(config.Log{Level: slog.LevelInfo}, log)})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-ended; err != nil {
			b.Error(err)
		}
		if err := a.Close(); err != nil {
			b.Error(err)
		}
	}()
	cars := pluggedIn(b, w.url, d.await(refreshCars))
	d.refresh(cars, 2, atOnce, "cached")
	b.ReportAllocs()
	b.ResetTimer()
	var begun atomic.Int64
	d.loop(cars, atOnce, "cached", func() bool { return begun.Add(1) <= int64(b.N) })
	b.StopTimer()
}
