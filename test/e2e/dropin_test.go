package e2e

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/sim"
)

func TestDropIn_EachBrandAnswersCachedForceAndSmart(t *testing.T) {
	for brand := range brandNumbers {
		t.Run(brand, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sim.Options{Cars: 2, Parked: true, LatencyForce: 100 * time.Millisecond})
			d := w.start(t.TempDir(), w.dropIn(brand), "run")
			l := w.listen(w.broker.URL(), "hyundai/#")
			l.await("birth", func() bool { return string(l.last["hyundai/bridge/state"]) == "online" })
			for _, car := range w.cars(brand) {
				base := "hyundai/" + car.ID
				l.await("the first state of "+car.Protocol, func() bool { return l.last[base+"/battery/level"] != nil })
				for _, c := range []struct{ payload, source, method string }{
					{"cached", "cached", "cached"},
					{"smart:300", "fresh", "smart"}, // a parked car reported hours ago
					{"force", "fresh", "force"},
					{"smart:604800", "cached", "smart"},
				} {
					id := strings.ReplaceAll(c.payload, ":", "-")
					l.publish(base+"/commands/refresh", jsonRefresh(c.payload, id))
					r := l.terminal(base + "/result/" + id)
					if r.State != "verified" || r.DataSource != c.source || r.UpdateMethod != c.method {
						t.Errorf("%s of a %s car ended %+v, want verified with %s data by %s", c.payload, car.Protocol, r, c.source, c.method)
					}
					l.awaitValue(base+"/status/data_source", c.source)
					l.awaitValue(base+"/status/update_method", c.method)
					l.awaitValue(base+"/status/error", nil)
				}
			}
			if err := d.stop(syscall.SIGTERM); err != nil {
				t.Errorf("the program ended with %v", err)
			}
			l.await("farewell", func() bool { return string(l.last["hyundai/bridge/state"]) == "offline" })
		})
	}
}

func TestDropIn_FiftyMessagesInABurstAreAllAnswered(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sim.Options{Cars: 3, LatencyForce: 50 * time.Millisecond})
	w.start(t.TempDir(), w.dropIn("hyundai"), "run")
	l := w.listen(w.broker.URL(), "hyundai/#")
	cars := w.cars("hyundai")
	for _, car := range cars {
		l.await("the first state", func() bool { return l.last["hyundai/"+car.ID+"/status/last_updated"] != nil })
	}
	payloads := []string{"cached", "force", "smart:300", "smart:604800", "nonsense"}
	for i := range 50 {
		car := cars[i%len(cars)]
		payload := payloads[i%len(payloads)]
		l.publish("hyundai/"+car.ID+"/commands/refresh", jsonRefresh(payload, fmt.Sprintf("burst-%d", i)))
	}
	for i := range 50 {
		r := l.terminal(fmt.Sprintf("hyundai/%s/result/burst-%d", cars[i%len(cars)].ID, i))
		want := "verified"
		if payloads[i%len(payloads)] == "nonsense" {
			want = "rejected"
		}
		if r.State != want {
			t.Errorf("message %d (%s) ended %+v, want %s", i, payloads[i%len(payloads)], r, want)
		}
	}
}

func TestDropIn_AForcedRefreshDelaysNoOtherCar(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sim.Options{Cars: 3, LatencyForce: 2 * time.Second})
	w.start(t.TempDir(), w.dropIn("kia"), "run")
	l := w.listen(w.broker.URL(), "hyundai/#")
	cars := w.cars("kia")
	for _, car := range cars {
		l.await("the first state", func() bool { return l.last["hyundai/"+car.ID+"/status/last_updated"] != nil })
	}
	slow, idle := "hyundai/"+cars[0].ID, "hyundai/"+cars[1].ID
	l.publish(slow+"/commands/refresh", jsonRefresh("force", "slow"))
	l.publish(idle+"/commands/refresh", jsonRefresh("cached", "idle"))
	if r := l.terminal(idle + "/result/idle"); r.State != "verified" {
		t.Errorf("the idle car's refresh ended %+v", r)
	}
	l.mu.Lock()
	for _, m := range l.all {
		if m.Topic == slow+"/result/slow" && strings.Contains(string(m.Payload), `"terminal":true`) {
			t.Error("the idle car was answered only after the slow one")
		}
	}
	l.mu.Unlock()
	if r := l.terminal(slow + "/result/slow"); r.State != "verified" || r.DataSource != "fresh" {
		t.Errorf("the slow car's refresh ended %+v", r)
	}
}

func TestRestart_TenTimesWithoutSecondLoginOrRegistration(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sim.Options{Cars: 2})
	dir := t.TempDir()
	car := w.cars("genesis")[0]
	for i := range 10 {
		d := w.start(dir, w.dropIn("genesis"), "run")
		l := w.listen(w.broker.URL(), "hyundai/+/result/#")
		id := fmt.Sprintf("start-%d", i)
		l.await("an answer after start "+id, func() bool {
			// The program may not have subscribed yet; an id is carried out only once.
			return answered(l, "hyundai/"+car.ID+"/result/"+id)
		}, retry(l, "hyundai/"+car.ID+"/commands/refresh", jsonRefresh("cached", id)))
		signal := syscall.SIGTERM
		if i%2 == 1 {
			signal = syscall.SIGKILL
		}
		_ = d.stop(signal)
	}
	if c := w.counts("genesis"); c.Logins != 1 || c.Registrations != 1 {
		t.Errorf("ten starts cost %d logins and %d registrations, want one of each", c.Logins, c.Registrations)
	}
}
