package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/mqtt"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/mqtt/mqtttest"
	"github.com/bluelink2mqtt/bluelink2mqtt/sim"
)

// patience bounds every wait. It is long because test machines are slow; nothing waits for it to pass.
const patience = 60 * time.Second

// world is what surrounds the program: simulated clouds and a broker.
type world struct {
	t      *testing.T
	sim    *sim.Sim
	clouds string // URL
	broker *mqtttest.Mosquitto
}

func newWorld(t *testing.T, o sim.Options) *world {
	t.Helper()
	broker := mqtttest.Start(t)
	s, err := sim.New(o)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return &world{t, s, server.URL, broker}
}

// cars gives the simulated cars of a brand in Europe.
func (w *world) cars(brand string) []sim.Vehicle {
	w.t.Helper()
	var cars []sim.Vehicle
	for _, v := range w.sim.Vehicles() {
		if v.Brand == brand && v.Region == "eu" {
			cars = append(cars, v)
		}
	}
	if len(cars) == 0 {
		w.t.Fatalf("the simulator has no %s in Europe", brand)
	}
	return cars
}

// view reads one of the simulator's own views.
func (w *world) view(path string, result any) {
	w.t.Helper()
	response, err := http.Get(w.clouds + path)
	if err != nil {
		w.t.Fatal(err)
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(result); err != nil {
		w.t.Fatalf("read %s: %v", path, err)
	}
}

// counts are what the simulator counted for an account.
type counts struct {
	Region        string `json:"region"`
	Brand         string `json:"brand"`
	Logins        int    `json:"logins"`
	Renewals      int    `json:"renewals"`
	Registrations int    `json:"device_registrations"`
	CallsToday    int    `json:"calls_today"`
	PINs          int    `json:"pins"`
}

func (w *world) counts(brand string) counts {
	w.t.Helper()
	var all []counts
	w.view("/_sim/accounts", &all)
	for _, c := range all {
		if c.Region == "eu" && c.Brand == brand {
			return c
		}
	}
	w.t.Fatalf("the simulator counted nothing for %s", brand)
	return counts{}
}

// brandNumbers are those of the service that this one replaces.
var brandNumbers = map[string]string{"kia": "1", "hyundai": "2", "genesis": "3"}

// dropIn is the environment of the service that this one replaces, and nothing else.
func (w *world) dropIn(brand string) []string {
	host, port, _ := strings.Cut(w.broker.Addr(), ":")
	return []string{
		"HYUNDAI_USERNAME=" + sim.Email, "HYUNDAI_PASSWORD=" + sim.Password, "HYUNDAI_PIN=" + sim.PIN,
		"HYUNDAI_REGION=1", "HYUNDAI_BRAND=" + brandNumbers[brand],
		"MQTT_BROKER_HOST=" + host, "MQTT_BROKER_PORT=" + port, "BLUELINK_CLOUD_URL=" + w.clouds,
	}
}

// daemon is the program at work.
type daemon struct {
	t    *testing.T
	cmd  *exec.Cmd
	env  []string
	dir  string
	done chan error

	mu  sync.Mutex // guards log
	log bytes.Buffer
}

// start runs a sub-command in a directory of its own, with nothing but this environment.
func (w *world) start(dir string, env []string, args ...string) *daemon {
	w.t.Helper()
	d := &daemon{t: w.t, dir: dir, done: make(chan error, 1)}
	d.env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "BLUELINK_STORE_DIR=" + dir + "/store", "BLUELINK_READY_FILE=" + dir + "/ready"}, env...)
	d.cmd = exec.Command(program, args...)
	d.cmd.Dir, d.cmd.Env = dir, d.env
	out, err := d.cmd.StderrPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	if err := d.cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	go func() {
		lines := bufio.NewScanner(out)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			d.mu.Lock()
			d.log.WriteString(lines.Text() + "\n")
			d.mu.Unlock()
		}
		d.done <- d.cmd.Wait()
	}()
	w.t.Cleanup(func() {
		d.stop(syscall.SIGKILL)
		if w.t.Failed() {
			w.t.Logf("log of %v:\n%s", args, d.text())
		}
	})
	return d
}

// stop ends the program with a signal, 0 for none, and gives its error.
func (d *daemon) stop(signal syscall.Signal) error {
	if d.cmd.ProcessState != nil {
		return nil
	}
	_ = d.cmd.Process.Signal(signal)
	select {
	case err := <-d.done:
		d.done <- err
		return err
	case <-time.After(patience):
		_ = d.cmd.Process.Kill()
		return errors.New("it did not stop")
	}
}

func (d *daemon) text() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.log.String()
}

// command runs another sub-command beside the daemon, with its environment.
func (d *daemon) command(args ...string) (stdout, stderr string, code int) {
	d.t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Dir, cmd.Env = d.dir, d.env
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		d.t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// listener sees everything that is published below a base topic.
type listener struct {
	t      *testing.T
	client *mqtt.Client

	mu    sync.Mutex // guards what follows
	all   []mqtt.Message
	last  map[string][]byte
	moved chan struct{} // closed and replaced at each message
}

func (w *world) listen(server string, filters ...string) *listener {
	w.t.Helper()
	l := &listener{t: w.t, last: map[string][]byte{}, moved: make(chan struct{})}
	up := make(chan struct{}, 1)
	client, err := mqtt.New(mqtt.Options{
		Servers: []string{server}, Subscriptions: filters,
		OnMessage: func(m mqtt.Message) {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.all = append(l.all, m)
			l.last[m.Topic] = m.Payload
			close(l.moved)
			l.moved = make(chan struct{})
			m.Ack()
		},
		OnUp: func(mqtt.Info) {
			select {
			case up <- struct{}{}:
			default:
			}
		},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	l.client = client
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = client.Run(ctx) }()
	w.t.Cleanup(func() { cancel(); <-ended })
	select {
	case <-up:
	case <-time.After(patience):
		w.t.Fatal("the broker does not answer")
	}
	return l
}

// await waits until what was received satisfies the condition, and gives a nudge every second meanwhile.
func (l *listener) await(what string, condition func() bool, nudges ...func()) {
	l.t.Helper()
	deadline := time.After(patience)
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		l.mu.Lock()
		met, moved := condition(), l.moved
		l.mu.Unlock()
		if met {
			return
		}
		select {
		case <-moved:
		case <-ticker.C:
			for _, nudge := range nudges {
				nudge()
			}
		case <-deadline:
			l.t.Fatalf("waited %s in vain for %s", patience, what)
		}
	}
}

// publish sends a message and waits until the broker has it.
func (l *listener) publish(topic, payload string) {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := l.client.Publish(ctx, mqtt.Publication{Topic: topic, Payload: []byte(payload), QoS: 1}); err != nil {
		l.t.Fatal(err)
	}
	if err := l.client.Flush(ctx); err != nil {
		l.t.Fatal(err)
	}
}

// record is a command's record on MQTT.
type record struct {
	ID           string `json:"id"`
	State        string `json:"state"`
	Terminal     bool   `json:"terminal"`
	Reason       string `json:"reason"`
	Message      string `json:"message"`
	DataSource   string `json:"data_source"`
	UpdateMethod string `json:"update_method"`
}

// terminal waits for the end of a command and checks that it has only one.
func (l *listener) terminal(topic string) record {
	l.t.Helper()
	var found record
	l.await("a terminal record on "+topic, func() bool {
		ends := 0
		for _, m := range l.all {
			var r record
			if m.Topic == topic && json.Unmarshal(m.Payload, &r) == nil && r.Terminal {
				found = r
				ends++
			}
		}
		if ends > 1 {
			l.t.Errorf("%s has %d terminal records", topic, ends)
		}
		return ends > 0
	})
	return found
}

// envelope is the form of every datum.
type envelope struct {
	Value     any     `json:"value"`
	Timestamp string  `json:"timestamp"`
	Reported  string  `json:"reported_at"`
	Unit      *string `json:"unit"`
}

// value gives what a topic tells; ok is false while nothing was published there.
func (l *listener) value(topic string) (e envelope, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	payload, ok := l.last[topic]
	if ok {
		if err := json.Unmarshal(payload, &e); err != nil {
			l.t.Errorf("%s: %q is no envelope: %v", topic, payload, err)
		}
	}
	return e, ok
}

func (l *listener) awaitValue(topic string, want any) {
	l.t.Helper()
	l.await(fmt.Sprintf("%s = %v", topic, want), func() bool {
		var e envelope
		return json.Unmarshal(l.last[topic], &e) == nil && e.Value == want
	})
}

// answered tells whether a command has ended; the listener's lock is held.
func answered(l *listener, topic string) bool {
	var r record
	return json.Unmarshal(l.last[topic], &r) == nil && r.Terminal
}

// retry publishes again: for a program that may not have subscribed yet.
func retry(l *listener, topic, payload string) func() {
	return func() { l.publish(topic, payload) }
}

// jsonRefresh is a refresh with an id of ours.
func jsonRefresh(word, id string) string {
	mode, age, smart := strings.Cut(word, ":")
	if smart {
		return fmt.Sprintf(`{"id":%q,"mode":%q,"max_age":%s}`, id, mode, age)
	}
	return fmt.Sprintf(`{"id":%q,"mode":%q}`, id, mode)
}
