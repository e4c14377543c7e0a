package bench

import (
	"context"
	"io/fs"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/app"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/bridge"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/config"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/redact"
	"github.com/bluelink2mqtt/bluelink2mqtt/sim"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// sink takes publications and counts them.
type sink struct{ atomic.Int64 }

func (s *sink) Publish(bridge.Publication) { s.Add(1) }

func (s *sink) Drained(context.Context) error { return nil }

// TestRefreshes_LeaveNothingBehind makes 100,000 refreshes of cars that drive and charge, and
// looks whether goroutines, memory or the store have grown.
func TestRefreshes_LeaveNothingBehind(t *testing.T) {
	const cars, workers = 40, 16
	world, err := sim.New(sim.Options{Regions: []string{"eu"}, Cars: cars, TimeScale: 600, LatencyForce: time.Nanosecond})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	c := config.Default()
	c.Accounts = []config.Account{{
		Name: "bench", Region: vehicle.Europe, Brand: vehicle.Hyundai, Language: "en",
		Username: redact.NewSecret(sim.Email), Password: redact.NewSecret(sim.Password), PIN: redact.NewSecret(sim.PIN),
	}}
	c.Limits.Enabled, c.Refresh.Interval, c.Store.Dir = false, 0, dir
	published := new(sink)
	a, err := app.New(app.Options{Config: c, Log: app.NewLogger(config.Log{}, discard{}), RoundTripper: world.RoundTripper(), Outbox: published})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	}()
	if err := a.Bridge().Settle(ctx); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, car := range a.Bridge().Cars() {
		names = append(names, car.Name)
	}
	if len(names) != cars {
		t.Fatalf("%d cars were found, not %d", len(names), cars)
	}

	// refresh makes so many of them and fails when one does not end well.
	refresh := func(n int64) {
		var begun atomic.Int64
		var all sync.WaitGroup
		for range workers {
			all.Go(func() {
				for i := begun.Add(1); i <= n && !t.Failed(); i = begun.Add(1) {
					for record, err := range a.Send(ctx, names[i%cars], "refresh", []byte("cached")) {
						if err != nil || record.Terminal && record.State != vehicle.Verified {
							t.Errorf("refresh %d ended with %+v, %v", i, record, err)
						}
					}
				}
			})
		}
		all.Wait()
	}
	refresh(10 * cars)
	goroutines, heap, file := footprint(t, dir)
	before := published.Load()
	n := pick(int64(4000), 100_000)
	refresh(n)
	if published.Load()-before < n {
		t.Errorf("%d refreshes made %d publications", n, published.Load()-before)
	}
	nowGoroutines, nowHeap, nowFile := footprint(t, dir)
	t.Logf("after %d refreshes: goroutines %d, were %d; heap %d kB, was %d kB; store %d kB, was %d kB",
		n, nowGoroutines, goroutines, nowHeap>>10, heap>>10, nowFile>>10, file>>10)
	if nowGoroutines > goroutines {
		stacks := make([]byte, 1<<20)
		t.Errorf("goroutines have grown from %d to %d:\n%s", goroutines, nowGoroutines, stacks[:runtime.Stack(stacks, true)])
	}
	if allowed := heap + heap/5 + 1<<20; nowHeap > allowed {
		t.Errorf("the heap has grown from %d kB to %d kB", heap>>10, nowHeap>>10)
	}
	if nowFile > mostStore {
		t.Errorf("the store has grown from %d kB to %d kB", file>>10, nowFile>>10)
	}
}

// mostStore is room for the cars of the test in a database that grows by doubling.
const mostStore = 4 << 20

// footprint is how many goroutines there are, what of the heap is in use, and how large the store's files are.
func footprint(t *testing.T, dir string) (goroutines int, heap uint64, file int64) {
	t.Helper()
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // pools are emptied by the second
	runtime.ReadMemStats(&m)
	err := filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			file += info.Size()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return runtime.NumGoroutine(), m.HeapAlloc, file
}

// discard takes a log that has no reader but costs what one costs.
type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
