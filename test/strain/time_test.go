package strain

import (
	"os"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/bridge"
	"github.com/bluelink2mqtt/bluelink2mqtt/sim"
)

// gaps watches how long each car goes without being read.
type gaps struct {
	last    map[string]time.Time
	longest map[string]time.Duration
	after   time.Time // only gaps that begin later count
}

// watch begins to look at what is published.
func watchGaps(w *world) *gaps {
	g := &gaps{last: map[string]time.Time{}, longest: map[string]time.Duration{}}
	w.box.watch = func(p bridge.Publication) {
		if !strings.HasSuffix(p.Topic, "/status/last_updated") {
			return
		}
		now := time.Now()
		if before, known := g.last[p.Topic]; known && !before.Before(g.after) {
			g.longest[p.Topic] = max(g.longest[p.Topic], now.Sub(before))
		}
		g.last[p.Topic] = now
	}
	return g
}

// check demands that no car went without a read for longer than limit.
func (g *gaps) check(t *testing.T, cars int, limit time.Duration) {
	t.Helper()
	now := time.Now()
	if len(g.last) != cars {
		t.Errorf("%d cars were read, want %d", len(g.last), cars)
	}
	for topic, last := range g.last {
		if longest := max(g.longest[topic], now.Sub(last)); longest > limit {
			t.Errorf("%s: %s without a read, want at most %s", topic, longest, limit)
		}
	}
}

// size is what must not grow.
type size struct {
	goroutines int
	heap       uint64 // bytes
	series     int    // of metrics
}

func (w *world) size() size {
	w.t.Helper()
	synctest.Wait()
	families, err := w.app.Registry().Gather()
	if err != nil {
		w.t.Fatal(err)
	}
	s := size{}
	for _, f := range families {
		s.series += len(f.GetMetric())
	}
	w.box.mu.Lock()
	w.box.log.Reset()
	clear(w.box.ends)
	w.box.mu.Unlock()
	runtime.GC()
	runtime.GC() // what has finalizers goes at the second
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	s.goroutines, s.heap = runtime.NumGoroutine(), memory.HeapAlloc
	return s
}

// longRun lets the program work for days and looks every day.
func longRun(t *testing.T, days int) {
	synctest.Test(t, func(t *testing.T) {
		s := setup{sim: sim.Options{Cars: 2}, interval: interval, unlimited: true} // the day's budget has a test of its own
		w := newWorld(t, s)
		g := watchGaps(w)
		w.start(s)
		defer w.stop()
		w.served()
		pass(24 * time.Hour)
		first := w.size()
		last := first
		for day := 2; day <= days; day++ {
			pass(12 * time.Hour)
			// Users do something, too.
			for _, car := range w.cars() {
				for _, mode := range []string{"cached", "smart:3600"} {
					if r := w.refresh(car, mode); r.State != "verified" {
						t.Errorf("day %d: %s of the %s ended %s: %s", day, mode, car.Model, r.end(), r.Message)
					}
				}
			}
			pass(12 * time.Hour)
			last = w.size()
		}
		g.check(t, len(w.cars()), 2*interval)
		for _, brand := range []string{home, away} {
			c := w.counts(brand)
			if c.Logins != 1 || c.FailedLogins != 0 || c.DeviceRegistrations != 1 {
				t.Errorf("%s: %d sign-ins, %d failed ones, %d device registrations; want one, none, one", brand, c.Logins, c.FailedLogins, c.DeviceRegistrations)
			}
			// A token lives for a day and is renewed when a tenth of that is left.
			if least, most := days-1, days*24/20+1; c.Renewals < least || c.Renewals > most || c.FailedRenewals != 0 {
				t.Errorf("%s: %d renewals, %d failed ones, want %d to %d and none", brand, c.Renewals, c.FailedRenewals, least, most)
			}
		}
		for _, v := range w.sim.VehicleViews() {
			if most := days; v.Wakes > most { // only users wake
				t.Errorf("the %s was woken %d times in %d days", v.Model, v.Wakes, days)
			}
		}
		for _, v := range w.cars() {
			if got := w.stale(v); got != "" {
				t.Errorf("the %s is stale for %q", v.Model, got)
			}
		}
		if last.goroutines > first.goroutines+2 {
			t.Errorf("goroutines grew from %d to %d", first.goroutines, last.goroutines)
		}
		if last.series > first.series+20 { // those that the users' commands brought
			t.Errorf("series of metrics grew from %d to %d", first.series, last.series)
		}
		if last.heap > first.heap+first.heap/4+1<<20 {
			t.Errorf("the heap grew from %d to %d bytes", first.heap, last.heap)
		}
		if lines := w.box.loud(); len(lines) > 0 {
			t.Errorf("the log has warnings: %v", lines[0].text)
		}
		if status, body := w.ask("/healthz"); status != 200 {
			t.Errorf("/healthz answers %d %s", status, body)
		}
		t.Logf("after one day %+v, after %d days %+v", first, days, last)
	})
}

// TestTime_ScheduleChangedWhileItRunsAppliesAtOnce is B8: a new interval that was ignored, or an old timer that went on.
func TestTime_ScheduleChangedWhileItRunsAppliesAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, parked)
		w.start(parked)
		defer w.stop()
		w.served()
		car := w.car(home, "flat")
		reads := func(during time.Duration) (n int64) {
			pass(during)
			synctest.Wait()
			for _, c := range w.sim.Calls() {
				if c.Vehicle == car.ID && strings.HasSuffix(c.Path, "/status/latest") {
					n += c.Count
				}
			}
			return n
		}
		before := reads(6 * time.Hour)
		w.app.SetPace(plain(10 * time.Minute))
		often := reads(6*time.Hour) - before
		if often < 33 || often > 38 {
			t.Errorf("every ten minutes for six hours are %d reads", often)
		}
		w.app.SetPace(plain(0))
		if n := reads(24*time.Hour) - before - often; n > 0 {
			t.Errorf("%d reads in a day without a schedule", n)
		}
		w.app.SetPace(plain(interval))
		if n := reads(6*time.Hour) - before - often; n < 11 || n > 13 {
			t.Errorf("every half hour for six hours are %d reads", n)
		}
		for _, v := range w.sim.VehicleViews() {
			if v.Wakes > 0 {
				t.Errorf("the %s was woken %d times", v.Model, v.Wakes)
			}
		}
	})
}

// TestTime_DaysBudgetLastsForAllCars: two cars that drive need more calls than a day has. Both are read less often, evenly,
// and not until noon and then no more.
func TestTime_DaysBudgetLastsForAllCars(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := setup{sim: sim.Options{Cars: 2}, interval: interval}
		w := newWorld(t, s)
		g := watchGaps(w)
		w.start(s)
		defer w.stop()
		w.served()
		for range 3 * 24 {
			pass(time.Hour)
			synctest.Wait()
			if used := w.metric("bluelink2mqtt_ledger_calls_today", "account", home); used > 130 {
				t.Fatalf("%v calls are used, of 150 less a reserve of 25 and what one read may exceed it by", used)
			}
		}
		g.check(t, len(w.cars()), 6*time.Hour)
	})
}

// TestTime_FailingCommandsDoNotPutReadsOff: an automation that forces a car out of reach, more often than it is read.
func TestTime_FailingCommandsDoNotPutReadsOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, parked)
		g := watchGaps(w)
		w.start(parked)
		defer w.stop()
		w.served()
		w.fault("unreachable")
		for range 6 * 6 {
			for _, car := range w.cars() {
				if r := w.refresh(car, "force"); r.State == "verified" {
					t.Errorf("the command ended %s", r.end())
				}
			}
			pass(10 * time.Minute)
		}
		g.check(t, len(w.cars()), interval+slack)
	})
}

// TestTime_ThreeDays is B7: a service that stopped when its token of 24 h had ended.
func TestTime_ThreeDays(t *testing.T) { longRun(t, 3) }

func TestTime_ThirtyDays(t *testing.T) {
	if os.Getenv("SOAK") == "" {
		t.Skip("a month takes a minute or two; SOAK=1 runs it")
	}
	longRun(t, 30)
}
