package strain

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	dto "github.com/prometheus/client_model/go"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/app"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/bridge"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/config"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/redact"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/store"
	"github.com/bluelink2mqtt/bluelink2mqtt/sim"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// interval is the time between two scheduled reads in most worlds here; slack is what its jitter may add.
const (
	interval = 30 * time.Minute
	slack    = 3 * time.Minute
)

// world is the whole program, two accounts of it, beside the simulated clouds. It has no sockets and lives in a bubble of
// virtual time: an hour passes as soon as everybody waits.
type world struct {
	t     *testing.T
	sim   *sim.Sim
	store store.Store
	box   *box

	app  *app.App
	stop func()
}

// Accounts of a world, by the brand of their cars. The faults strike home; away is its neighbour.
const (
	home = "hyundai"
	away = "kia"
)

// setup is what differs from world to world.
type setup struct {
	sim       sim.Options
	interval  time.Duration // between scheduled reads
	unlimited bool          // without the user's limits and the day's budget
	transport func(http.RoundTripper) http.RoundTripper
	change    func(*config.Config) // nil for none
}

// newWorld simulates the clouds; start starts the program beside them. It is called in a bubble.
func newWorld(t *testing.T, s setup) *world {
	t.Helper()
	s.sim.Regions = []string{"eu"} // where home and away are
	clouds, err := sim.New(s.sim)
	if err != nil {
		t.Fatal(err)
	}
	return &world{t: t, sim: clouds, store: store.NewMemory(), box: newBox()}
}

// start runs the program until stop, or the end of the test.
func (w *world) start(s setup) {
	w.t.Helper()
	c := config.Default()
	c.Refresh = plain(s.interval)
	c.Limits.Enabled = !s.unlimited
	for _, brand := range []vehicle.Brand{vehicle.Hyundai, vehicle.Kia} {
		c.Accounts = append(c.Accounts, config.Account{
			Name: brand.String(), Region: vehicle.Europe, Brand: brand,
			Username: redact.NewSecret(sim.Email), Password: redact.NewSecret(sim.Password),
		})
	}
	if s.change != nil {
		s.change(c)
	}
	transport := w.sim.RoundTripper()
	if s.transport != nil {
		transport = s.transport(transport)
	}
	logging := config.Log{Format: config.JSONFormat}
	a, err := app.New(app.Options{
		Config: c, Log: app.NewLogger(logging, w.box), RoundTripper: transport, Outbox: w.box, Store: w.store,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.app = a
	a.Bridge().Connected()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	w.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			w.t.Errorf("the program ended with %v", err)
		}
		if err := a.Close(); err != nil {
			w.t.Errorf("close: %v", err)
		}
	})
}

// plain is a schedule that knows no differences between cars and hours.
func plain(interval time.Duration) config.Refresh {
	return config.Refresh{Initial: true, Interval: interval}
}

// car is a car of an account that speaks a protocol: "flat" or "ccs2".
func (w *world) car(brand, protocol string) sim.Vehicle {
	w.t.Helper()
	for _, v := range w.sim.Vehicles() {
		if v.Region == "eu" && v.Brand == brand && v.Protocol == protocol {
			return v
		}
	}
	w.t.Fatalf("there is no %s %s", brand, protocol)
	return sim.Vehicle{}
}

// fault switches a fault on.
func (w *world) fault(text string) sim.Fault {
	w.t.Helper()
	f, err := w.sim.AddFault(text)
	if err != nil {
		w.t.Fatal(err)
	}
	return f
}

// struck is how often the faults that are on have struck.
func (w *world) struck() (n int64) {
	for _, f := range w.sim.Faults() {
		n += f.Struck
	}
	return n
}

// counts is what an account's cloud counted.
func (w *world) counts(brand string) sim.AccountCounts {
	for _, v := range w.sim.AccountViews() {
		if v.Region == "eu" && v.Brand == brand {
			return v.AccountCounts
		}
	}
	w.t.Fatalf("no account of %s", brand)
	return sim.AccountCounts{}
}

// send gives a command to a car as a broker would and returns the id under which it is answered.
func (w *world) send(car sim.Vehicle, mode string) (id string) {
	id = fmt.Sprintf("c%d", w.box.next())
	body := fmt.Sprintf(`{"id":%q,"mode":%q}`, id, mode)
	if word, age, smart := strings.Cut(mode, ":"); smart {
		body = fmt.Sprintf(`{"id":%q,"mode":%q,"max_age":%s}`, id, word, age)
	}
	w.app.Bridge().Handle(bridge.Message{Topic: "hyundai/" + car.ID + "/commands/refresh", Payload: []byte(body)})
	return id
}

// ended waits for the end of a command.
func (w *world) ended(id string) record {
	w.t.Helper()
	var r record
	if !w.box.await(time.Hour, func() (done bool) {
		r, done = w.box.ends[id]
		return done
	}) {
		w.t.Fatalf("command %s has no end after an hour", id)
	}
	synctest.Wait() // what the car's topics say of it follows the end
	return r
}

// refresh gives a command and waits for its end.
func (w *world) refresh(car sim.Vehicle, mode string) record {
	w.t.Helper()
	return w.ended(w.send(car, mode))
}

// served waits until all cars have been read, and until nothing of that goes on: a refresh that comes while the first read is
// being published joins it, and would meet no fault that is switched on now.
func (w *world) served() {
	w.t.Helper()
	for _, car := range w.cars() {
		if !w.box.await(time.Minute, func() bool { return w.box.last["hyundai/"+car.ID+"/status/last_updated"] != nil }) {
			w.t.Fatalf("the %s %s was not read within a minute", car.Brand, car.Model)
		}
	}
	synctest.Wait()
}

// cars are those of both accounts.
func (w *world) cars() []sim.Vehicle {
	return slices.DeleteFunc(w.sim.Vehicles(), func(v sim.Vehicle) bool { return v.Brand != home && v.Brand != away })
}

// updated is when a car was last read, as its topic says.
func (w *world) updated(car sim.Vehicle) time.Time {
	w.t.Helper()
	text, _ := w.box.value("hyundai/" + car.ID + "/status/last_updated").(string)
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		w.t.Fatalf("status/last_updated of %s is %q: %v", car.Model, text, err)
	}
	return at
}

// stale is why a car's data are old, as its topics say; empty when they are not.
func (w *world) stale(car sim.Vehicle) string {
	w.t.Helper()
	flag, _ := w.box.value("hyundai/" + car.ID + "/status/stale").(bool)
	reason, _ := w.box.value("hyundai/" + car.ID + "/status/stale_reason").(string)
	if flag != (reason != "") {
		w.t.Errorf("status/stale of %s is %v and its reason %q", car.Model, flag, reason)
	}
	return reason
}

// problem is the reason in status/error; empty when there is none.
func (w *world) problem(car sim.Vehicle) string {
	value, _ := w.box.value("hyundai/" + car.ID + "/status/error").(map[string]any)
	reason, _ := value["reason"].(string)
	return reason
}

// account is the state of an account, as its topic says.
func (w *world) account(name string) string {
	w.t.Helper()
	var a struct {
		State string `json:"auth"`
	}
	if payload := w.box.payload("hyundai/account/" + name + "/state"); json.Unmarshal(payload, &a) != nil {
		w.t.Errorf("the state of account %s is %q", name, payload)
	}
	return a.State
}

// ask asks the web server's handler, which needs no socket.
func (w *world) ask(path string) (status int, body string) {
	answer := httptest.NewRecorder()
	w.app.Handler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, nil))
	return answer.Code, answer.Body.String()
}

// metric adds up the series of a metric that have these labels, in pairs; of a histogram it is the number of samples.
func (w *world) metric(name string, labels ...string) (sum float64) {
	w.t.Helper()
	families, err := w.app.Registry().Gather()
	if err != nil {
		w.t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() != name {
			continue
		}
		for _, m := range family.GetMetric() {
			if hasLabels(m, labels) {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
			}
		}
	}
	return sum
}

func hasLabels(m *dto.Metric, labels []string) bool {
	for i := 0; i+1 < len(labels); i += 2 {
		if !slices.ContainsFunc(m.GetLabel(), func(l *dto.LabelPair) bool { return l.GetName() == labels[i] && l.GetValue() == labels[i+1] }) {
			return false
		}
	}
	return true
}

// pass lets time go by.
func pass(d time.Duration) { <-time.After(d) }

// record is a command's record on its result topic.
type record struct {
	ID         string    `json:"id"`
	Vehicle    string    `json:"vehicle"`
	State      string    `json:"state"`
	Terminal   bool      `json:"terminal"`
	Reason     string    `json:"reason"`
	Message    string    `json:"message"`
	AcceptedAt time.Time `json:"accepted_at"`
	UpdatedAt  time.Time `json:"updated_at"`
	DataSource string    `json:"data_source"`
}

// end is how it ended, as "failed/cloud_unavailable" or "verified/fresh".
func (r record) end() string {
	if r.State == "verified" {
		return r.State + "/" + r.DataSource
	}
	return r.State + "/" + r.Reason
}

func (r record) took() time.Duration { return r.UpdatedAt.Sub(r.AcceptedAt) }

// box takes what the program publishes and logs.
type box struct {
	mu        sync.Mutex // guards what follows
	last      map[string][]byte
	ends      map[string]record // of commands
	twice     []string          // commands that ended more than once
	log       bytes.Buffer
	commands  int
	published int
	moved     chan struct{} // closed and replaced when anything comes
	watch     func(bridge.Publication)
}

func newBox() *box {
	return &box{last: map[string][]byte{}, ends: map[string]record{}, moved: make(chan struct{})}
}

// Publish takes a publication.
func (b *box) Publish(p bridge.Publication) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.published++
	b.last[p.Topic] = p.Payload
	if strings.Contains(p.Topic, "/result/") {
		delete(b.last, p.Topic)
		var r record
		if json.Unmarshal(p.Payload, &r) == nil && r.Terminal {
			if _, ended := b.ends[r.ID]; ended {
				b.twice = append(b.twice, r.ID)
			}
			b.ends[r.ID] = r
		}
	}
	if b.watch != nil {
		b.watch(p)
	}
	close(b.moved)
	b.moved = make(chan struct{})
}

// Drained tells that everything is out.
func (b *box) Drained(context.Context) error { return nil }

// Write takes log lines.
func (b *box) Write(line []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.log.Write(line)
}

func (b *box) next() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.commands++
	return b.commands
}

// await waits until the condition, asked with the lock held, is met; false when it is not in time.
func (b *box) await(limit time.Duration, condition func() bool) bool {
	late := time.After(limit)
	for {
		b.mu.Lock()
		met, moved := condition(), b.moved
		b.mu.Unlock()
		if met {
			return true
		}
		select {
		case <-moved:
		case <-late:
			return false
		}
	}
}

func (b *box) payload(topic string) []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.last[topic]
}

// value is what a datum's topic tells.
func (b *box) value(topic string) any {
	var e struct {
		Value any `json:"value"`
	}
	if json.Unmarshal(b.payload(topic), &e) != nil {
		return nil
	}
	return e.Value
}

// line is one line of the log.
type line struct {
	Level   string `json:"level"`
	Message string `json:"msg"`
	Vehicle string `json:"vehicle"`
	Account string `json:"account"`
	Reason  string `json:"reason"`
	State   string `json:"state"`
	text    string
}

// loud are the lines of the log so far that are warnings or worse.
func (b *box) loud() (lines []line) {
	b.mu.Lock()
	text := b.log.String()
	b.mu.Unlock()
	for entry := range strings.Lines(text) {
		l := line{text: entry}
		if json.Unmarshal([]byte(entry), &l) == nil && (l.Level == "WARN" || l.Level == "ERROR") {
			lines = append(lines, l)
		}
	}
	return lines
}

func (b *box) logged() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.log.String()
}
