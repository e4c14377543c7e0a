package strain

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/bridge"
	"github.com/bluelink2mqtt/bluelink2mqtt/sim"
)

// roundTripper is a transport in one function.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// breaking makes a setup in which calls that match hit a bug of ours: it panics on the goroutine that makes the call, as a
// decoder would that stumbles over the answer.
func breaking(on *atomic.Bool, match string) setup {
	return setup{sim: sim.Options{Cars: 2, Parked: true}, interval: interval, transport: func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			if on.Load() && strings.Contains(r.Method+" "+r.URL.Path, match) {
				var nothing []int
				_ = nothing[len(r.URL.Path)]
			}
			return next.RoundTrip(r)
		})
	}}
}

func TestPanic_InAnOperationCostsThatOperation(t *testing.T) {
	t.Parallel()
	for name, mode := range map[string]string{"/status/latest": "cached", "/status": "force"} {
		t.Run(mode, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var on atomic.Bool
				w := newWorld(t, setup{sim: sim.Options{Cars: 2, Parked: true}})
				victim, other, far := w.car(home, "flat"), w.car(home, "ccs2"), w.car(away, "flat")
				w.start(breaking(&on, victim.ID+name))
				defer w.stop()
				w.served()
				on.Store(true)
				r := w.refresh(victim, mode)
				if r.end() != "failed/internal" || !strings.Contains(r.Message, "report it") {
					t.Errorf("the command ended %s: %s", r.end(), r.Message)
				}
				if got := w.stale(victim); got != "bridge_fault" {
					t.Errorf("the car is stale for %q", got)
				}
				pass(outage)
				synctest.Wait()
				for _, car := range w.cars() {
					if late := time.Since(w.updated(car)); car.ID != victim.ID && late > interval+slack {
						t.Errorf("the %s was read %s ago", car.Model, late)
					}
				}
				for _, car := range []sim.Vehicle{other, far} {
					if end := w.refresh(car, "cached").end(); end != "verified/cached" {
						t.Errorf("a neighbour's refresh ended %s", end)
					}
				}
				if n := w.metric("bluelink2mqtt_faults_total", "part", "operation"); n < 1 {
					t.Error("the fault was not counted")
				}
				if log := w.box.logged(); !strings.Contains(log, `"stack":"goroutine`) || !strings.Contains(log, "index out of range") {
					t.Error("the log has no stack")
				}
				on.Store(false)
				if end := w.refresh(victim, mode).end(); !strings.HasPrefix(end, "verified/") {
					t.Errorf("afterwards the same refresh ends %s", end)
				}
				if got := w.stale(victim); got != "" {
					t.Errorf("afterwards the car is stale for %q", got)
				}
			})
		})
	}
}

// What is read beside the status runs on goroutines of its own, where a panic would end the process.
func TestPanic_BesideTheStatusCostsThatPartOnly(t *testing.T) {
	t.Parallel()
	for _, part := range []string{"/location/park", "/drvhistory"} {
		t.Run(part, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var on atomic.Bool
				on.Store(true)
				s := breaking(&on, part)
				w := newWorld(t, s)
				w.start(s)
				defer w.stop()
				w.served()
				if end := w.refresh(w.car(home, "flat"), "cached").end(); end != "verified/cached" {
					t.Errorf("the refresh ended %s", end)
				}
				if log := w.box.logged(); !strings.Contains(log, `"stack":"goroutine`) {
					t.Error("the log has no stack")
				}
			})
		})
	}
}

func TestPanic_WhileCarsAreListedIsTriedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var on atomic.Bool
		on.Store(true)
		s := breaking(&on, "GET /api/v1/spa/vehicles")
		w := newWorld(t, s)
		w.start(s)
		defer w.stop()
		pass(5 * time.Minute)
		on.Store(false)
		pass(10 * time.Minute)
		synctest.Wait()
		if n := w.metric("bluelink2mqtt_faults_total", "part", "account"); n < 2 {
			t.Errorf("%v faults, want one for each attempt", n)
		}
		w.served()
	})
}

// Whatever publishes may stumble over a value: the lane, the herald after a connect, the watch.
func TestPanic_WhilePublishingCostsThatCarOnly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var on atomic.Bool
		s := setup{sim: sim.Options{Cars: 2, Parked: true}, interval: interval}
		w := newWorld(t, s)
		victim, other := w.car(home, "flat"), w.car(home, "ccs2")
		w.box.watch = func(p bridge.Publication) {
			if on.Load() && strings.HasPrefix(p.Topic, "hyundai/"+victim.ID+"/status/last_updated") {
				panic("a value that nobody foresaw")
			}
		}
		w.start(s)
		defer w.stop()
		w.served()
		on.Store(true)
		if end := w.refresh(victim, "cached").end(); end != "failed/internal" {
			t.Errorf("the refresh ended %s", end)
		}
		w.app.Bridge().Connected()
		pass(outage)
		synctest.Wait()
		if late := time.Since(w.updated(other)); late > interval+slack {
			t.Errorf("the other car was read %s ago", late)
		}
		for _, part := range []string{"lane", "herald"} {
			if n := w.metric("bluelink2mqtt_faults_total", "part", part); n < 1 {
				t.Errorf("no fault of the %s was counted", part)
			}
		}
		on.Store(false)
		if end := w.refresh(victim, "cached").end(); end != "verified/cached" {
			t.Errorf("afterwards the refresh ends %s", end)
		}
		if got := w.stale(victim); got != "" {
			t.Errorf("afterwards the car is stale for %q", got)
		}
	})
}

// A message that hits a bug of ours is acknowledged, and the next one is taken.
func TestPanic_OverAMessageCostsThatMessage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := setup{sim: sim.Options{Cars: 1, Parked: true}, interval: interval}
		w := newWorld(t, s)
		w.box.watch = func(p bridge.Publication) {
			if strings.Contains(p.Topic, "/result/poison") {
				panic("an id that nobody foresaw")
			}
		}
		w.start(s)
		defer w.stop()
		w.served()
		acknowledged := false
		car := w.cars()[0]
		w.app.Bridge().Handle(bridge.Message{
			Topic: "hyundai/" + car.ID + "/commands/refresh", Payload: []byte(`{"id":"poison","mode":"sideways"}`), Ack: func() { acknowledged = true },
		})
		synctest.Wait()
		if !acknowledged || w.metric("bluelink2mqtt_faults_total", "part", "intake") != 1 {
			t.Errorf("acknowledged %v, %v faults", acknowledged, w.metric("bluelink2mqtt_faults_total", "part", "intake"))
		}
		if end := w.refresh(car, "cached").end(); end != "verified/cached" {
			t.Errorf("the next command ended %s", end)
		}
	})
}
