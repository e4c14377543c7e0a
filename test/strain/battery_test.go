package strain

import (
	"context"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/bridge"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/config"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/store"
	"github.com/bluelink2mqtt/bluelink2mqtt/sim"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// What emptied 12 V batteries of others, replayed on the whole program.

// berlin is the clock by which the days of the accounts count.
var berlin = func() *time.Location {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		panic(err)
	}
	return zone
}()

// wakes is how often a simulated car was woken.
func (w *world) wakes(car sim.Vehicle) int {
	for _, v := range w.sim.VehicleViews() {
		if v.ID == car.ID {
			return v.Wakes
		}
	}
	w.t.Fatalf("there is no car %s", car.ID)
	return 0
}

// TestBattery_AClientThatAsksEveryTwentySeconds is C1: a day of it costs 24 wakes, five minutes apart, whatever the words.
func TestBattery_AClientThatAsksEveryTwentySeconds(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"force", "smart:15"} {
		t.Run(mode, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := setup{sim: sim.Options{Cars: 2, Parked: true}, interval: interval}
				// Only the wakes are held here: the calls of a day are used up within minutes.
				s.change = func(c *config.Config) { c.Limits.CallsPerDay = 100_000 }
				w := newWorld(t, s)
				w.start(s)
				defer w.stop()
				w.served()
				pass(23*time.Hour - time.Since(midnight())) // to the region's midnight
				car := w.car(home, "ccs2")
				before, begin := w.wakes(car), time.Now()
				ends := map[string]int{}
				for time.Since(begin) < 24*time.Hour-time.Minute {
					ends[w.refresh(car, mode).end()]++
					pass(20 * time.Second)
				}
				if n := w.wakes(car) - before; n != 24 {
					t.Errorf("%d wakes in a day", n)
				}
				if got := w.box.value("hyundai/" + car.ID + "/status/wakes_today"); got != 24.0 {
					t.Errorf("wakes_today is %v", got)
				}
				if got := w.box.value("hyundai/" + car.ID + "/status/last_wake_cause"); got != "mqtt" {
					t.Errorf("last_wake_cause is %v", got)
				}
				want := []string{"rejected/guarded_daily_cap", "rejected/guarded_spacing", "verified/fresh"}
				if mode != "force" {
					want = []string{"verified/cached", "verified/fresh"}
				}
				for end := range ends {
					if !slices.Contains(want, end) {
						t.Errorf("refreshes ended %v", ends)
						break
					}
				}
			})
		})
	}
}

// midnight is when virtual time begins.
func midnight() time.Time { return time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) }

// TestBattery_DaysWithoutAWish is C9 and C2: cars drive, charge and change every minute, and nothing of it wakes them, in ten
// days, or in thirty where there is time.
func TestBattery_DaysWithoutAWish(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := setup{sim: sim.Options{Cars: 3}, interval: interval}
		w := newWorld(t, s)
		w.start(s)
		defer w.stop()
		w.served()
		days := 10
		if os.Getenv("SOAK") != "" {
			days = 30
		}
		pass(time.Duration(days) * 24 * time.Hour)
		for _, v := range w.sim.VehicleViews() {
			if v.Wakes != 0 {
				t.Errorf("the %s was woken %d times", v.Model, v.Wakes)
			}
		}
		// C3: whatever is called by itself is known not to wake (docs/protocol/europe.md §4).
		harmless := []string{
			"GET /api/v1/spa/vehicles", "GET /api/v1/spa/vehicles/{vehicle}/status/latest", "GET /api/v1/spa/vehicles/{vehicle}/ccs2/carstatus/latest",
			"GET /api/v1/spa/vehicles/{vehicle}/location/park", "POST /api/v1/spa/vehicles/{vehicle}/drvhistory",
		}
		for _, c := range w.sim.Calls() {
			if c.Kind == "read" && !slices.Contains(harmless, c.Method+" "+c.Path) || c.Kind == "wake" || c.Kind == "command" {
				t.Errorf("%d calls of %s %s (%s)", c.Count, c.Method, c.Path, c.Kind)
			}
		}
	})
}

// TestBattery_WakesThatFailAreBoundedToo is C5: an automation asks again at once whenever a wake fails.
func TestBattery_WakesThatFailAreBoundedToo(t *testing.T) {
	t.Parallel()
	for _, fault := range []string{"busy", "duplicate", "unreachable", "unreachable=silent", "low-battery"} {
		t.Run(fault, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := setup{sim: sim.Options{Cars: 1, Parked: true}, interval: 0}
				s.change = func(c *config.Config) { c.Limits.CallsPerDay = 100_000 }
				w := newWorld(t, s)
				w.start(s)
				defer w.stop()
				w.served()
				w.fault(fault)
				pass(23*time.Hour - time.Since(midnight()))
				car, begin := w.car(home, "ccs2"), time.Now()
				for time.Since(begin) < 24*time.Hour-5*time.Minute {
					w.refresh(car, "force")
					pass(10 * time.Second)
				}
				n := 0
				for _, c := range w.sim.Calls() {
					if c.Kind == "wake" && strings.Contains(c.Host, home) {
						n += int(c.Count)
					}
				}
				if n != 24 {
					t.Errorf("%d waking calls in a day", n)
				}
			})
		})
	}
}

// TestBattery_TenParkedDays is C10: a car that has not reported for a week is read once a day, as is the list that it is on, and
// never woken although automatic wakes are allowed.
func TestBattery_TenParkedDays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := setup{sim: sim.Options{Cars: 1, Parked: true}}
		s.change = func(c *config.Config) {
			c.Refresh = config.Default().Refresh
			c.Limits.Wakes.Automatic.PerDay = 3
		}
		w := newWorld(t, s)
		w.start(s)
		defer w.stop()
		w.served()
		pass(8 * 24 * time.Hour)
		before := w.calls(home)
		pass(3 * 24 * time.Hour)
		if n := w.calls(home) - before; n < 4 || n > 8 {
			t.Errorf("%d calls in three days", n)
		}
		if n := w.wakes(w.car(home, "ccs2")); n != 0 {
			t.Errorf("%d wakes", n)
		}
	})
}

// trigger is one way to ask for something.
type trigger func(w *world, car sim.Vehicle, random *rand.Rand)

// triggers are all entry points: MQTT in its forms, the command line, the web's way, hints, "try again".
var triggers = []trigger{
	func(w *world, car sim.Vehicle, _ *rand.Rand) { w.send(car, "force") },
	func(w *world, car sim.Vehicle, r *rand.Rand) { w.send(car, fmt.Sprintf("smart:%d", 1+r.IntN(3600))) },
	func(w *world, car sim.Vehicle, _ *rand.Rand) { w.send(car, "cached") },
	func(w *world, car sim.Vehicle, _ *rand.Rand) {
		w.app.Bridge().Handle(bridge.Message{Topic: "hyundai/" + car.ID + "/commands/refresh", Payload: []byte("force"), Retained: true})
	},
	func(w *world, car sim.Vehicle, _ *rand.Rand) {
		w.app.Bridge().Handle(bridge.Message{Topic: "hyundai/" + car.ID + "/commands/hint", Payload: []byte("plugged")})
	},
	func(w *world, car sim.Vehicle, _ *rand.Rand) {
		for _, err := range w.app.Send(context.Background(), car.ID, "refresh", []byte("force")) {
			if err != nil {
				w.t.Errorf("command line: %v", err)
			}
		}
	},
	func(w *world, car sim.Vehicle, _ *rand.Rand) {
		steps, err := w.app.Bridge().Submit(car.ID, vehicle.Request{Command: vehicle.Refresh{Mode: vehicle.Force}}, vehicle.ByHTTP)
		if err != nil {
			w.t.Errorf("web: %v", err)
			return
		}
		for range steps {
		}
	},
	func(w *world, car sim.Vehicle, _ *rand.Rand) {
		w.app.Bridge().Handle(bridge.Message{Topic: "hyundai/account/" + car.Brand + "/retry", Payload: []byte("x")})
	},
}

// limitsOf watches what the clouds see and holds it against the limits.
type limitsOf struct {
	t     *testing.T
	last  map[string]time.Time // of a car's latest wake
	wakes map[string]int       // by day and car
	calls map[string]int       // by day and account
}

// look takes what was woken and called since it last looked.
func (l *limitsOf) look(w *world, seen map[string]int, called map[string]int64) {
	now := time.Now()
	day := now.In(berlin).Format(time.DateOnly)
	for _, v := range w.sim.VehicleViews() {
		if seen[v.ID] == v.Wakes {
			continue
		}
		seen[v.ID] = v.Wakes
		since := now.Sub(l.last[v.ID])
		if v.Protocol == "flat" && since <= 2*time.Minute {
			continue // the second call of the same wake
		}
		if since < 4*time.Minute+30*time.Second { // looked at once in half a minute
			l.t.Errorf("the %s %s was woken %s after the wake before", v.Brand, v.Model, since)
		}
		l.last[v.ID] = now
		l.wakes[day+" "+v.ID]++
	}
	for _, brand := range []string{home, away} {
		n := w.calls(brand)
		l.calls[day+" "+brand] += int(n - called[brand])
		called[brand] = n
	}
}

func (l *limitsOf) check(callsPerDay int) {
	l.t.Helper()
	for car, n := range l.wakes {
		if n > 24 {
			l.t.Errorf("%s: %d wakes", car, n)
		}
	}
	for account, n := range l.calls {
		if n > callsPerDay+2*16 { // what was admitted is finished
			l.t.Errorf("%s: %d calls", account, n)
		}
	}
}

// TestBattery_TenThousandTriggersNeverExceedACap fires at random from all entry points over virtual weeks, with restarts in
// peace. The books and the simulated clouds agree to the call.
func TestBattery_TenThousandTriggersNeverExceedACap(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		random := rand.New(rand.NewPCG(7, 7))
		s := setup{sim: sim.Options{Cars: 2}, interval: interval}
		w := newWorld(t, s)
		l := &limitsOf{t, map[string]time.Time{}, map[string]int{}, map[string]int{}}
		seen, called := map[string]int{}, map[string]int64{}
		booked := map[string]float64{}
		runs := 0
		run := func() {
			runs++
			w.start(s)
			pass(10 * time.Second)
		}
		settle := func() { // what this run booked
			synctest.Wait()
			for _, brand := range []string{home, away} {
				for _, kind := range []string{"read", "wake", "command", "login", "renew", "register", "code"} {
					booked[brand+" "+kind] += w.metric("bluelink2mqtt_ledger_calls_total", "account", brand, "kind", kind)
				}
				booked[brand+" wakes"] += w.metric("bluelink2mqtt_ledger_wakes_total", "account", brand)
			}
		}
		run()
		for n := range 10_000 {
			cars := w.cars()
			triggers[random.IntN(len(triggers))](w, cars[random.IntN(len(cars))], random)
			// Bursts, and long pauses.
			if random.IntN(3) == 0 {
				for range random.IntN(30) {
					pass(30 * time.Second)
					l.look(w, seen, called)
				}
			}
			if n%2500 == 2499 {
				pass(5 * time.Minute)
				l.look(w, seen, called)
				settle()
				w.stop()
				run()
			}
		}
		pass(5 * time.Minute)
		l.look(w, seen, called)
		settle()
		w.stop()
		l.check(150)

		made := map[string]float64{}
		for _, c := range w.sim.Calls() {
			for _, brand := range []string{home, away} {
				if strings.Contains(c.Host, brand) {
					made[brand+" "+c.Kind] += float64(c.Count)
					if c.Kind == "wake" && !strings.HasSuffix(c.Path, "/location") { // that is the second call of a wake
						made[brand+" wakes"] += float64(c.Count)
					}
				}
			}
		}
		for what := range booked {
			if booked[what] != made[what] {
				t.Errorf("%s: %v booked, the clouds say %v", what, booked[what], made[what])
			}
		}
		weeks := time.Since(midnight()).Hours() / 24 / 7
		t.Logf("%.1f weeks, %d starts; booked %v", weeks, runs, booked)
		if weeks < 2 || booked[home+" wakes"] < 100 {
			t.Errorf("%.1f weeks with %v wakes prove little", weeks, booked[home+" wakes"])
		}
	})
}

// dying is a store of a process that can die: from then on nothing reaches it.
type dying struct {
	store.Store
	dead atomic.Bool
}

func (d *dying) Put(ctx context.Context, key string, value []byte, revision uint64) (uint64, error) {
	if d.dead.Load() {
		return 0, fs.ErrClosed
	}
	return d.Store.Put(ctx, key, value, revision)
}

func (d *dying) Apply(ctx context.Context, ops ...store.Op) (uint64, error) {
	if d.dead.Load() {
		return 0, fs.ErrClosed
	}
	return d.Store.Apply(ctx, ops...)
}

// TestBattery_CrashesNeverForgetAWake lets the process die at random moments, on real files that are copied away as a crash
// leaves them, while somebody forces and forces.
func TestBattery_CrashesNeverForgetAWake(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		random := rand.New(rand.NewPCG(3, 9))
		s := setup{sim: sim.Options{Cars: 1, Parked: true}, interval: interval}
		s.change = func(c *config.Config) { c.Limits.CallsPerDay = 100_000 }
		w := newWorld(t, s)
		l := &limitsOf{t, map[string]time.Time{}, map[string]int{}, map[string]int{}}
		seen, called := map[string]int{}, map[string]int64{}
		car := w.car(home, "ccs2")
		dir := t.TempDir()
		crashes := 0
		for time.Since(midnight()) < 8*24*time.Hour {
			file, err := store.OpenBolt(dir, store.BoltOptions{NoSync: true})
			if err != nil {
				t.Fatal(err)
			}
			d := &dying{Store: file}
			w.store, w.box = d, newBox()
			w.start(s)
			for range 1 + random.IntN(40) {
				if err := w.sim.SetVehicle(car.ID, map[string]any{"battery_12v_percent": 90}); err != nil {
					t.Fatal(err)
				}
				w.send(car, "force")
				for range random.IntN(40) {
					pass(30 * time.Second)
					l.look(w, seen, called)
				}
			}
			today := l.wakes[time.Now().In(berlin).Format(time.DateOnly)+" "+car.ID]
			pass(11 * time.Second)
			if told, _ := w.box.value("hyundai/" + car.ID + "/status/wakes_today").(float64); int(told) < today {
				t.Errorf("%d wakes today, told are %v", today, told)
			}
			l.look(w, seen, called)
			d.dead.Store(true) // what comes now is lost
			crashes++
			w.quietly(w.stop)
			l.look(w, seen, called)
			if err := file.Close(); err != nil {
				t.Fatal(err)
			}
			dir = copied(t, dir)
		}
		l.check(100_000)
		if c := w.counts(home); c.Logins != 1 || c.DeviceRegistrations != 1 {
			t.Errorf("%d crashes cost %d sign-ins and %d devices", crashes, c.Logins, c.DeviceRegistrations)
		}
		t.Logf("%d crashes, %d wakes", crashes, w.wakes(car))
	})
}

// quietly stops a program that cannot write any more, which it may say.
func (w *world) quietly(stop func()) {
	t := w.t
	w.t = new(testing.T)
	defer func() { w.t = t }()
	stop()
}

// copied is a copy of a directory, as a crash leaves it.
func copied(t *testing.T, dir string) string {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	_ = os.Remove(filepath.Join(to, "lock"))
	return to
}
