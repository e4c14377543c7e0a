package strain

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/sim"
)

// deaf is a transport that takes a call and neither answers nor minds its deadline, until it is let go: worse than any
// server, which the deadlines end.
type deaf struct {
	next  http.RoundTripper
	match atomic.Pointer[string]
	held  chan struct{}
}

func (d *deaf) RoundTrip(r *http.Request) (*http.Response, error) {
	if match := d.match.Load(); match != nil && strings.Contains(r.URL.Path, *match) {
		<-d.held
	}
	return d.next.RoundTrip(r)
}

func TestStuck_LaneIsSeenSaidAndAnsweredForWhileOthersGoOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &deaf{held: make(chan struct{})}
		s := parked
		s.transport = func(next http.RoundTripper) http.RoundTripper {
			d.next = next
			return d
		}
		w := newWorld(t, s)
		victim, other, far := w.car(home, "flat"), w.car(home, "ccs2"), w.car(away, "flat")
		w.start(s)
		defer w.stop()
		w.served()
		pass(5 * time.Minute)
		path := victim.ID + "/status/latest"
		d.match.Store(&path)

		// The limit of a cached read and the watchdog's margin.
		const due = 2*time.Minute + 15*time.Second + 10*time.Second
		first, second := w.send(victim, "cached"), ""
		pass(time.Second)
		second = w.send(victim, "force") // waits behind it
		if r := w.ended(first); r.end() != "timed_out/timeout" || r.took() > due {
			t.Errorf("the stuck command ended %s after %s", r.end(), r.took())
		}
		if r := w.ended(second); r.end() != "expired/expired" || r.took() > 2*time.Minute+10*time.Second {
			t.Errorf("the command behind it ended %s after %s", r.end(), r.took())
		}
		if status, body := w.ask("/healthz"); status != http.StatusServiceUnavailable || !strings.Contains(body, victim.ID) {
			t.Errorf("/healthz answers %d %s", status, body)
		}
		if got := w.stale(victim); got != "cloud_unavailable" {
			t.Errorf("the car is stale for %q", got)
		}
		if w.problem(victim) != "timeout" {
			t.Errorf("status/error says %q", w.problem(victim))
		}
		if n := w.metric("bluelink2mqtt_lanes_stuck_total"); n != 1 {
			t.Errorf("%v stuck lanes were counted", n)
		}
		// Who comes now is not made to share the stuck one.
		if r := w.refresh(victim, "cached"); r.end() != "expired/expired" {
			t.Errorf("a command to the stuck lane ended %s", r.end())
		}

		pass(outage)
		synctest.Wait()
		for _, car := range []sim.Vehicle{other, far} {
			if late := time.Since(w.updated(car)); late > interval+slack {
				t.Errorf("a neighbour was read %s ago", late)
			}
			if end := w.refresh(car, "force").end(); end != "verified/fresh" {
				t.Errorf("a neighbour's command ended %s", end)
			}
		}
		if n := strings.Count(w.box.logged(), "lane is stuck"); n != 1 {
			t.Errorf("the log says %d times that the lane is stuck", n)
		}

		d.match.Store(nil)
		close(d.held)
		synctest.Wait()
		if status, body := w.ask("/healthz"); status != http.StatusOK {
			t.Errorf("afterwards /healthz answers %d %s", status, body)
		}
		if end := w.refresh(victim, "cached").end(); end != "verified/cached" {
			t.Errorf("afterwards a command ended %s", end)
		}
		if got := w.stale(victim); got != "" {
			t.Errorf("afterwards the car is stale for %q", got)
		}
		if !strings.Contains(w.box.logged(), "lane works again") {
			t.Error("the log does not say that the lane works again")
		}
		if len(w.box.twice) > 0 {
			t.Errorf("%v ended twice", w.box.twice)
		}
	})
}

// A server that takes calls and never answers is ended by the deadlines; nothing is stuck then.
func TestStuck_SilentServerIsEndedByItsDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := parked
		w := newWorld(t, s)
		w.start(s)
		defer w.stop()
		w.served()
		pass(5 * time.Minute)
		w.fault("silent,host=*hyundai*")
		for _, car := range []sim.Vehicle{w.car(home, "flat"), w.car(home, "ccs2")} {
			for mode, limit := range map[string]time.Duration{"cached": 30 * time.Second, "force": 4 * time.Minute} {
				if r := w.refresh(car, mode); r.end() != "timed_out/timeout" && r.end() != "rejected/breaker_open" || r.took() > limit {
					t.Errorf("%s ended %s after %s", mode, r.end(), r.took())
				}
				if status, _ := w.ask("/healthz"); status != http.StatusOK {
					t.Error("/healthz blames the program for a cloud that is silent")
				}
			}
		}
		w.sim.ClearFaults()
		pass(interval + slack)
		synctest.Wait()
		for _, car := range w.cars() {
			if got := w.stale(car); got != "" {
				t.Errorf("afterwards the %s is stale for %q", car.Model, got)
			}
		}
	})
}
