package bridge_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/bridge"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/store"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/topic"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// The world around the heart: a cloud that does what a test says below the real client, an outbox that notes what is
// published, a store in memory and a log that can be read.

// car makes the n-th car; it is called car-n in topics.
func car(n int) vehicle.Vehicle {
	vin := vehicle.VIN(fmt.Sprintf("KMHXX00XXPU%06d", n))
	return vehicle.Vehicle{
		ID: vehicle.NewID(vin, vehicle.Europe, vehicle.Hyundai, ""), CloudID: fmt.Sprintf("car-%d", n), VIN: vin, Model: "IONIQ 5", Name: "mine",
		Brand: vehicle.Hyundai, Region: vehicle.Europe, Engine: vehicle.EV, CCS2: 1,
	}
}

// report is what a car says at a time, with what fill adds to the time itself.
func report(at time.Time, fill ...func(*vehicle.Report)) vehicle.Report {
	r := vehicle.Report{Engine: vehicle.EV, Reported: at, Source: "status"}
	if !at.IsZero() {
		vehicle.LastUpdatedAt.Set(&r, at, "")
	}
	for _, f := range fill {
		f(&r)
	}
	return r
}

// soc adds a state of charge.
func soc(percent float64) func(*vehicle.Report) {
	return func(r *vehicle.Report) { vehicle.SoC.Set(r, vehicle.Percent(percent), fmt.Sprint(percent)) }
}

// call is one operation that reached the cloud.
type call struct {
	force bool
	ask   bluelink.Ask
	trace bluelink.Trace
	at    time.Time
}

// cloud is an account at a cloud, as the guards would hand it to the client.
type cloud struct {
	mu     sync.Mutex // guards what follows
	login  func(context.Context) error
	answer func(context.Context, call) (vehicle.Report, error)
	cars   []vehicle.Vehicle
	calls  []call

	send   func(context.Context, bluelink.Ask, vehicle.Command) (vehicle.ActionID, error) // nil refuses; set before the bridge runs
	action func(context.Context, vehicle.ActionID) (vehicle.ActionStatus, error)
}

var _ bluelink.Cloud = (*cloud)(nil)

func newCloud(cars ...vehicle.Vehicle) *cloud { return &cloud{cars: cars} }

// signIn makes sign-ins end as f says; without it they succeed at once.
func (c *cloud) signIn(f func(context.Context) error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.login = f
}

// reply makes reads and wakes end as f says; without it, or with nil, they answer at once with 50 %.
func (c *cloud) reply(f func(context.Context, call) (vehicle.Report, error)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answer = f
}

func (c *cloud) Login(ctx context.Context) error {
	c.mu.Lock()
	login := c.login
	c.mu.Unlock()
	if login == nil {
		return nil
	}
	return login(ctx)
}

func (c *cloud) Vehicles(context.Context) ([]vehicle.Vehicle, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.cars), nil
}

func (c *cloud) Cached(ctx context.Context, ask bluelink.Ask) (vehicle.Report, error) {
	return c.do(ctx, call{ask: ask})
}

func (c *cloud) Force(ctx context.Context, ask bluelink.Ask) (vehicle.Report, error) {
	return c.do(ctx, call{force: true, ask: ask})
}

func (c *cloud) Send(ctx context.Context, ask bluelink.Ask, command vehicle.Command) (vehicle.ActionID, error) {
	if c.send == nil {
		return "", bluelink.ErrUnsupported
	}
	return c.send(ctx, ask, command)
}

func (c *cloud) Action(ctx context.Context, _ vehicle.Vehicle, id vehicle.ActionID) (vehicle.ActionStatus, error) {
	if c.action == nil {
		return vehicle.ActionUnknown, bluelink.ErrUnsupported
	}
	return c.action(ctx, id)
}

func (c *cloud) do(ctx context.Context, made call) (vehicle.Report, error) {
	made.trace, made.at = bluelink.TraceOf(ctx), time.Now()
	c.mu.Lock()
	c.calls = append(c.calls, made)
	answer := c.answer
	c.mu.Unlock()
	if answer == nil {
		return report(made.at, soc(50)), nil
	}
	return answer(ctx, made)
}

// made gives the operations so far.
func (c *cloud) made() []call {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.calls)
}

// gate lets operations wait until they are let go, one by one or all.
type gate chan error

// wait ends with what pass says, or with the context.
func (g gate) wait(ctx context.Context) error {
	select {
	case err := <-g:
		return err
	case <-ctx.Done():
		return &bluelink.Error{Op: "read status", Left: true, Err: fmt.Errorf("%w: %w", bluelink.ErrUnavailable, context.Cause(ctx))}
	}
}

// hold makes every operation of the cloud wait for the gate.
func (c *cloud) hold() gate {
	g := make(gate)
	c.reply(func(ctx context.Context, made call) (vehicle.Report, error) {
		return report(made.at, soc(50)), g.wait(ctx)
	})
	return g
}

// outbox notes what is published.
type outbox struct {
	drained func(context.Context) error // nil is drained at once
	also    func(bridge.Publication)    // told of each publication; nil for nobody

	mu  sync.Mutex
	all []bridge.Publication
}

func (o *outbox) Publish(p bridge.Publication) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.all = append(o.all, p)
	if o.also != nil {
		o.also(p)
	}
}

func (o *outbox) Drained(ctx context.Context) error {
	if o.drained == nil {
		return nil
	}
	return o.drained(ctx)
}

// take gives what was published since it was last asked.
func (o *outbox) take() []bridge.Publication {
	o.mu.Lock()
	defer o.mu.Unlock()
	all := o.all
	o.all = nil
	return all
}

func (o *outbox) read() []bridge.Publication {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.all)
}

// on gives the payloads on a topic, oldest first.
func (o *outbox) on(topic string) (payloads []string) {
	for _, p := range o.read() {
		if p.Topic == topic {
			payloads = append(payloads, string(p.Payload))
		}
	}
	return payloads
}

// last gives the newest payload on a topic below the base.
func (o *outbox) last(suffix string) string {
	payloads := o.on("hyundai/" + suffix)
	if len(payloads) == 0 {
		return ""
	}
	return payloads[len(payloads)-1]
}

// value gives the value in the newest envelope on a topic below the base, as JSON; nothing when there is none.
func (o *outbox) value(suffix string) string {
	var envelope struct {
		Value json.RawMessage `json:"value"`
	}
	if json.Unmarshal([]byte(o.last(suffix)), &envelope) != nil {
		return ""
	}
	return string(envelope.Value)
}

// record is a command's record as senders read it.
type record struct {
	ID           string  `json:"id"`
	Vehicle      string  `json:"vehicle"`
	Command      string  `json:"command"`
	State        string  `json:"state"`
	Terminal     bool    `json:"terminal"`
	Reason       string  `json:"reason"`
	Message      string  `json:"message"`
	DataSource   string  `json:"data_source"`
	UpdateMethod string  `json:"update_method"`
	Accepted     *string `json:"accepted_at"`
}

// records gives the records on a topic, oldest first.
func (o *outbox) records(t *testing.T, topic string) (all []record) {
	t.Helper()
	for _, payload := range o.on(topic) {
		all = append(all, parse(t, []byte(payload)))
	}
	return all
}

func parse(t *testing.T, payload []byte) (r record) {
	t.Helper()
	if err := json.Unmarshal(payload, &r); err != nil {
		t.Fatalf("record %s: %v", payload, err)
	}
	return r
}

// lines is a log that can be read.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// with gives the lines that hold all words.
func (l *lines) with(words ...string) (found []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
next:
	for line := range strings.Lines(l.text.String()) {
		for _, word := range words {
			if !strings.Contains(line, word) {
				continue next
			}
		}
		found = append(found, line)
	}
	return found
}

// world is a bridge at work in a bubble.
type world struct {
	*bridge.Bridge
	t        *testing.T
	cloud    *cloud
	outbox   *outbox
	log      *lines
	registry *prometheus.Registry
	acks     int // by the bridge's own goroutines, one at a time
	mu       sync.Mutex
	end      context.CancelFunc
	ended    chan error
}

// build makes a bridge with one account, "home", that does not run yet.
func build(t *testing.T, c *cloud, change ...func(*bridge.Options)) *world {
	t.Helper()
	w := &world{t: t, cloud: c, outbox: &outbox{}, log: &lines{}, registry: prometheus.NewRegistry(), ended: make(chan error, 1)}
	tree, err := topic.NewTree("hyundai")
	if err != nil {
		t.Fatal(err)
	}
	o := bridge.Options{
		Accounts: []bridge.Account{{Name: "home", Key: "home-key", Client: client(t, c)}}, Outbox: w.outbox, Store: store.NewMemory(),
		Tree: tree, Table: topic.NewTable(topic.Options{}), Metrics: bridge.NewMetrics(w.registry),
		Log: slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, f := range change {
		f(&o)
	}
	if w.Bridge, err = bridge.New(o); err != nil {
		t.Fatal(err)
	}
	return w
}

func client(t *testing.T, c *cloud) *bluelink.Client {
	t.Helper()
	client, err := bluelink.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// run starts the bridge and waits until it has nothing more to do. The test stops it, or leaves that to its end.
func (w *world) run() *world {
	ctx, cancel := context.WithCancel(context.Background())
	w.end = cancel
	go func() { w.ended <- w.Run(ctx) }()
	synctest.Wait()
	return w
}

// stop ends the bridge and waits for it.
func (w *world) stop() {
	w.t.Helper()
	w.end()
	if err := <-w.ended; err != nil {
		w.t.Errorf("run: %v", err)
	}
}

// bubble runs a test in virtual time with a bridge at work on the given cloud.
func bubble(t *testing.T, c *cloud, test func(t *testing.T, w *world), change ...func(*bridge.Options)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := build(t, c, change...).run()
		defer w.stop()
		test(t, w)
	})
}

// message is a command on its way to the bridge.
func (w *world) message(car, command, payload string) bridge.Message {
	return bridge.Message{
		Topic: "hyundai/" + car + "/commands/" + command, Payload: []byte(payload), Received: time.Now(),
		Ack: func() { w.mu.Lock(); w.acks++; w.mu.Unlock() },
	}
}

func (w *world) acknowledged() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.acks
}

// refresh sends a refresh command with an id and returns that.
func (w *world) refresh(car, id, mode string) string {
	w.Handle(w.message(car, "refresh", order(id, mode)))
	return id
}

// order is the JSON form of a refresh command.
func order(id, mode string) string {
	word, age, smart := strings.Cut(mode, ":")
	if smart {
		return fmt.Sprintf(`{"id":%q,"mode":%q,"max_age":%s}`, id, word, age)
	}
	return fmt.Sprintf(`{"id":%q,"mode":%q}`, id, word)
}

// records gives the records of a command so far.
func (w *world) records(car, id string) []record {
	w.t.Helper()
	return w.outbox.records(w.t, "hyundai/"+car+"/result/"+id)
}

// states gives the states of a command so far.
func (w *world) states(car, id string) string {
	w.t.Helper()
	var all []string
	for _, r := range w.records(car, id) {
		all = append(all, r.State)
	}
	return strings.Join(all, " ")
}

// last gives the newest record of a command.
func (w *world) last(car, id string) record {
	w.t.Helper()
	all := w.records(car, id)
	if len(all) == 0 {
		w.t.Fatalf("command %s of %s has no record", id, car)
	}
	return all[len(all)-1]
}

// endings counts the terminal records on each result topic, and fails when one is not the last or not alone.
func (w *world) endings() (ended map[string]record) {
	w.t.Helper()
	ended = map[string]record{}
	for _, p := range w.outbox.read() {
		if !strings.Contains(p.Topic, "/result/") {
			continue
		}
		if _, over := ended[p.Topic]; over {
			w.t.Errorf("%s: %s follows the end", p.Topic, p.Payload)
		}
		if r := parse(w.t, p.Payload); r.Terminal {
			ended[p.Topic] = r
		}
	}
	return ended
}

// metric reads one series; labels are name, value, name, value …
func (w *world) metric(name string, labels ...string) float64 {
	w.t.Helper()
	families, err := w.registry.Gather()
	if err != nil {
		w.t.Fatal(err)
	}
	for _, family := range families {
	series:
		for _, m := range family.GetMetric() {
			if family.GetName() != name {
				continue
			}
			has := map[string]string{}
			for _, l := range m.GetLabel() {
				has[l.GetName()] = l.GetValue()
			}
			for label := range slices.Chunk(labels, 2) {
				if has[label[0]] != label[1] {
					continue series
				}
			}
			switch {
			case m.Gauge != nil:
				return m.GetGauge().GetValue()
			case m.Counter != nil:
				return m.GetCounter().GetValue()
			}
			return float64(m.GetHistogram().GetSampleCount())
		}
	}
	return 0
}

// pass lets time go by and everything happen that is due.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}
