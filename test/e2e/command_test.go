package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/mqtt"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/mqtt/mqtttest"
	"github.com/bluelink2mqtt/bluelink2mqtt/sim"
)

// client runs one of Mosquitto's clients against the broker.
func (w *world) client(name string, args ...string) string {
	w.t.Helper()
	host, port, _ := strings.Cut(w.broker.Addr(), ":")
	path, err := exec.LookPath(name)
	if err != nil {
		w.t.Skipf("%s is not there", name)
	}
	out, err := exec.Command(path, append([]string{"-h", host, "-p", port}, args...)...).CombinedOutput()
	if err != nil {
		w.t.Fatalf("%s: %v: %s", name, err, out)
	}
	return strings.TrimSpace(string(out))
}

// The flow of the service that this one replaces, driven as its users do it.
func TestDropIn_CommandsAndTheirActions(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sim.Options{Cars: 2, Parked: true})
	w.start(t.TempDir(), w.dropIn("hyundai"), "run")
	l := w.listen(w.broker.URL(), "hyundai/#")
	for _, car := range w.cars("hyundai") {
		v := "hyundai/" + car.ID + "/"
		l.await("the first state", func() bool { return l.last[v+"status/last_updated"] != nil })
		if err := w.sim.SetVehicle(car.ID, map[string]any{"locked": false, "report": true}); err != nil {
			t.Fatal(err)
		}
		w.client("mosquitto_pub", "-q", "1", "-t", v+"commands/lock", "-m", `{"action": "lock"}`)
		var steps []string
		l.await("the action's end", func() bool {
			steps = nil
			for _, m := range l.all {
				if rest, ok := strings.CutPrefix(m.Topic, v+"action/"); ok {
					_, step, _ := strings.Cut(rest, "/")
					if step == "status" {
						step = string(m.Payload)
					}
					if m.Retained {
						t.Errorf("%s is retained", m.Topic)
					}
					steps = append(steps, step)
				}
			}
			return len(steps) >= 5
		})
		if got := strings.Join(steps, " "); got != "PENDING started_at SUCCESS started_at completed_at" {
			t.Errorf("%s: the action went %s", car.Protocol, got)
		}
		l.awaitValue(v+"status/doors/locked", true)

		w.client("mosquitto_pub", "-q", "1", "-t", v+"commands/windows", "-m", `{"front_left": 7}`)
		l.await("the error", func() bool {
			return slices.ContainsFunc(l.all, func(m mqtt.Message) bool {
				return m.Topic == v+"status/error" && bytes.Contains(m.Payload, []byte("Set windows command failed: "))
			})
		})
	}
}

// An MQTT v5 client asks and gets the records on its own topic, with its correlation data.
func TestCommand_RequestAndResponseOfMQTT5(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sim.Options{Cars: 1, Parked: true})
	w.start(t.TempDir(), w.dropIn("kia"), "run")
	l := w.listen(w.broker.URL(), "hyundai/#", "app/#")
	car := w.cars("kia")[0]
	v := "hyundai/" + car.ID + "/"
	l.await("the first state", func() bool { return l.last[v+"status/last_updated"] != nil })
	out := w.client("mosquitto_rr", "-V", "5", "-q", "1", "-W", "30", "-t", v+"commands/lock", "-e", "app/replies", "-m", `{"action":"unlock","id":"rr"}`,
		"-D", "publish", "correlation-data", "number-7", "-F", "%D %p")
	if !strings.HasPrefix(out, "number-7 {") || !strings.Contains(out, `"id":"rr"`) || !strings.Contains(out, `"state":"accepted"`) {
		t.Errorf("the first answer is %s", out)
	}
	if r := l.terminal("app/replies"); r.ID != "rr" || r.State != "verified" {
		t.Errorf("the last answer is %+v", r)
	}
	if r := l.terminal(v + "result/rr"); r.State != "verified" {
		t.Errorf("the record is %+v", r)
	}
}

func TestReadOnly_CommandsAreNotEvenSubscribedTo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sim.Options{Cars: 1, Parked: true})
	w.start(t.TempDir(), append(w.dropIn("hyundai"), "BLUELINK_PERMISSIONS_READ_ONLY=true"), "run")
	l := w.listen(w.broker.URL(), "hyundai/#")
	car := w.cars("hyundai")[0]
	v := "hyundai/" + car.ID + "/"
	l.await("the first state", func() bool { return l.last[v+"status/last_updated"] != nil })
	l.publish(v+"commands/lock", `{"action":"unlock","id":"x"}`)
	l.publish(v+"commands/refresh", `{"mode":"cached","id":"y"}`)
	if r := l.terminal(v + "result/y"); r.State != "verified" {
		t.Errorf("the refresh ended %+v", r)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last[v+"result/x"] != nil {
		t.Errorf("the command was read: %s", l.last[v+"result/x"])
	}
	if !bytes.Contains(l.last["hyundai/bridge/info"], []byte(`"read_only"`)) {
		t.Errorf("the bridge does not say that it only reads: %s", l.last["hyundai/bridge/info"])
	}
}

// carnet sees what commands reach the simulated clouds.
type carnet struct {
	next http.Handler

	mu        sync.Mutex     // guards what follows
	places    map[string]int // how often each destination came, by its name
	collision []string       // refused because the car was busy
}

func (c *carnet) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost || !strings.Contains(r.URL.Path, "/vehicles/") {
		c.next.ServeHTTP(w, r)
		return
	}
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	recorder := httptest.NewRecorder()
	c.next.ServeHTTP(recorder, r)
	var route struct {
		List []struct{ Name string } `json:"poiInfoList"`
	}
	_ = json.Unmarshal(body, &route)
	c.mu.Lock()
	busy := strings.Contains(recorder.Body.String(), `"4004"`)
	if busy {
		c.collision = append(c.collision, r.URL.Path+" "+string(body))
	}
	if len(route.List) > 0 && recorder.Code == http.StatusOK && !busy {
		c.places[route.List[0].Name]++
	}
	c.mu.Unlock()
	for name, values := range recorder.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(recorder.Code)
	_, _ = w.Write(recorder.Body.Bytes())
}

// Eight senders give random commands to the cars of three accounts while the program is killed again and again: no command
// reaches a cloud twice, none collides with another, and each that was accepted ends as the cars show.
func TestCommands_SurviveKillsAndAreNeverSentTwice(t *testing.T) {
	const senders, carsOfEach = 8, 10
	rounds, lasts := 3, 4*time.Second
	if os.Getenv("SOAK") != "" {
		rounds, lasts = 40, 15*time.Second
	}
	t.Parallel()
	broker := mqtttest.Start(t)
	s, err := sim.New(sim.Options{Regions: []string{"eu"}, Cars: carsOfEach, Parked: true})
	if err != nil {
		t.Fatal(err)
	}
	seen := &carnet{next: s, places: map[string]int{}}
	server := httptest.NewServer(seen)
	t.Cleanup(server.Close)
	w := &world{t, s, server.URL, broker}
	dir := t.TempDir()
	env := append(w.threeAccounts(), "BLUELINK_REFRESH_INTERVAL=off", "BLUELINK_PERMISSIONS_UNLOCK_PER_HOUR=0", "BLUELINK_LOG_LEVEL=error")
	l := w.listen(w.broker.URL(), "hyundai/bridge/state", "hyundai/+/result/+", "hyundai/+/status/last_updated")
	var cars []sim.Vehicle
	for brand := range brandNumbers {
		cars = append(cars, w.cars(brand)...)
	}
	online := func() bool { return string(l.last["hyundai/bridge/state"]) == "online" }

	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var sending sync.WaitGroup
	var given atomic.Int64
	for n := range senders {
		sending.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				id := fmt.Sprintf("s%d-%d", n, i)
				car := cars[rand.IntN(len(cars))]
				topic, payload := "destination", fmt.Sprintf(`{"id":%q,"points":[{"name":%q,"lat":1,"lon":2}]}`, id, id)
				switch rand.IntN(5) {
				case 0:
					topic, payload = "lock", fmt.Sprintf(`{"id":%q,"action":"lock"}`, id)
				case 1:
					topic, payload = "climate", fmt.Sprintf(`{"id":%q,"action":"start","set_temp":22}`, id)
				}
				given.Add(1)
				for range 1 + rand.IntN(2) { // some send twice, as they got no answer
					_ = l.client.Publish(ctx, mqtt.Publication{Topic: "hyundai/" + car.ID + "/commands/" + topic, Payload: []byte(payload), QoS: 1})
				}
				select {
				case <-ctx.Done():
				case <-time.After(time.Duration(500+rand.IntN(2000)) * time.Millisecond):
				}
			}
		})
	}
	d := w.start(dir, env, "run")
	for range rounds {
		l.await("the bridge", online)
		<-time.After(lasts/2 + rand.N(lasts))
		_ = d.stop(syscall.SIGKILL)
		l.await("the will", func() bool { return !online() })
		d = w.start(dir, env, "run")
	}
	l.await("the bridge", online)
	stop()
	sending.Wait()

	// Each that was accepted ends.
	ends, accepted := map[string]record{}, map[string]bool{}
	deadline := time.Now().Add(8 * time.Minute)
	for open := -1; open != 0; {
		l.mu.Lock()
		for _, m := range l.all {
			var r record
			if strings.Contains(m.Topic, "/result/") && json.Unmarshal(m.Payload, &r) == nil {
				accepted[r.ID] = true
				if r.Terminal {
					ends[r.ID] = r
				}
			}
		}
		l.mu.Unlock()
		if open = len(accepted) - len(ends); open > 0 {
			if time.Now().After(deadline) {
				t.Fatalf("%d of %d commands have not ended", open, len(accepted))
			}
			<-time.After(time.Second)
		}
	}
	count := map[string]int{}
	for id, r := range ends {
		count[strings.TrimSuffix(r.State+" "+r.Reason, " ")]++
		seen.mu.Lock()
		n := seen.places[id]
		seen.mu.Unlock()
		switch r.State {
		case "rejected", "expired", "cancelled", "superseded":
			if n > 0 {
				t.Errorf("%s ended %+v and was sent", id, r)
			}
		case "confirmed", "verified":
		case "unknown", "failed", "timed_out":
		default:
			t.Errorf("%s ended %+v", id, r)
		}
	}
	seen.mu.Lock()
	defer seen.mu.Unlock()
	for id, n := range seen.places {
		if n > 1 {
			t.Errorf("%s was sent %d times: %+v", id, n, ends[id])
		}
		if ends[id].State == "" {
			t.Errorf("%s was sent and has no end", id)
		}
	}
	if len(seen.collision) > 0 {
		t.Errorf("%d collisions: %v", len(seen.collision), seen.collision)
	}
	if count["confirmed"]+count["verified"] == 0 {
		t.Errorf("nothing went well: %v", count)
	}
	t.Logf("%d given, %d accepted, ended %v, over %d kills", given.Load(), len(accepted), count, rounds)
}
