package strain

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/app"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/bridge"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/config"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/mqtt"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/mqtt/linktest"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/mqtt/mqtttest"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/redact"
	"github.com/bluelink2mqtt/bluelink2mqtt/sim"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// patience bounds every wait in real time. It is long because test machines are slow; nothing waits for it to pass.
const patience = 60 * time.Second

// linked is the program with a real broker behind a link that can break. Its clouds are simulated in the process.
type linked struct {
	t      *testing.T
	sim    *sim.Sim
	app    *app.App
	logged *box
}

// run starts the program with a broker's address and a client id, and what else is to be different.
func run(t *testing.T, clouds *sim.Sim, address, clientID string, changes ...func(*config.Config)) *linked {
	t.Helper()
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	c := config.Default()
	c.Accounts = []config.Account{{
		Name: home, Region: vehicle.Europe, Brand: vehicle.Hyundai, Username: redact.NewSecret(sim.Email), Password: redact.NewSecret(sim.Password),
	}}
	c.MQTT.Host, c.MQTT.ClientID, c.MQTT.KeepAlive = host, clientID, time.Second
	if c.MQTT.Port, err = strconv.Atoi(port); err != nil {
		t.Fatal(err)
	}
	for _, change := range changes {
		change(c)
	}
	l := &linked{t: t, sim: clouds, logged: newBox()}
	l.app, err = app.New(app.Options{
		Config: c, Forgetful: true, RoundTripper: clouds.RoundTripper(), Log: app.NewLogger(config.Log{Format: config.JSONFormat}, l.logged),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- l.app.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the program ended with %v", err)
		}
		if err := l.app.Close(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("log:\n%s", l.logged.logged())
		}
	})
	return l
}

func simulate(t *testing.T, o sim.Options) *sim.Sim {
	t.Helper()
	o.Regions = []string{"eu"}
	clouds, err := sim.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return clouds
}

// first is the first car of the home account.
func (l *linked) first() sim.Vehicle {
	return l.sim.Vehicles()[slices.IndexFunc(l.sim.Vehicles(), func(v sim.Vehicle) bool { return v.Brand == home })]
}

// await waits until the program's log has a line with this text.
func (l *linked) said(text string) {
	l.t.Helper()
	eventually(l.t, "the log says "+text, func() bool { return strings.Contains(l.logged.logged(), text) })
}

// times is how many lines of the log have this text.
func (l *linked) times(text string) int { return strings.Count(l.logged.logged(), text) }

// ready is the answer of /readyz.
func (l *linked) ready() (status int, body string) {
	w := world{t: l.t, app: l.app}
	return w.ask("/readyz")
}

// eventually asks again and again.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	late := time.After(patience)
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for !condition() {
		select {
		case <-ticker.C:
		case <-late:
			t.Fatalf("waited %s in vain until %s", patience, what)
		}
	}
}

// observer is another client of the broker, which sees everything.
type observer struct {
	*box
	t      *testing.T
	client *mqtt.Client
	stop   func()
}

// observe sees everything, or what these filters match.
func observe(t *testing.T, url string, filters ...string) *observer {
	t.Helper()
	if len(filters) == 0 {
		filters = []string{"#"}
	}
	o := &observer{box: newBox(), t: t}
	up := make(chan struct{}, 16)
	client, err := mqtt.New(mqtt.Options{
		Servers: []string{url}, Subscriptions: filters, OnUp: func(mqtt.Info) { up <- struct{}{} },
		OnMessage: func(m mqtt.Message) {
			o.Publish(bridge.Publication{Topic: m.Topic, Payload: m.Payload})
			m.Ack()
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	o.client = client
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = client.Run(ctx) }()
	o.stop = func() { cancel(); <-ended }
	t.Cleanup(o.stop)
	select {
	case <-up:
	case <-time.After(patience):
		t.Fatal("the broker does not answer")
	}
	return o
}

// see waits until a topic has a payload that begins so.
func (o *observer) see(topic, payload string) {
	o.t.Helper()
	if !o.await(patience, func() bool { return o.last[topic] != nil && strings.HasPrefix(string(o.last[topic]), payload) }) {
		o.t.Fatalf("waited %s in vain for %q on %s, which has %q", patience, payload, topic, o.payload(topic))
	}
}

// send publishes and waits until the broker has it.
func (o *observer) send(topic, payload string) {
	o.t.Helper()
	o.publish(mqtt.Publication{Topic: topic, Payload: []byte(payload), QoS: 1})
}

// retain is the same for what the broker is to keep, and drop for what it is to keep no more.
func (o *observer) retain(topic, payload string) {
	o.t.Helper()
	o.publish(mqtt.Publication{Topic: topic, Payload: []byte(payload), QoS: 1, Retain: true})
}

func (o *observer) drop(topic string) {
	o.t.Helper()
	o.retain(topic, "")
}

func (o *observer) publish(pub mqtt.Publication) {
	o.t.Helper()
	ctx, cancel := context.WithTimeout(o.t.Context(), patience)
	defer cancel()
	if err := o.client.Publish(ctx, pub); err != nil {
		o.t.Fatal(err)
	}
	if err := o.client.Flush(ctx); err != nil {
		o.t.Fatal(err)
	}
}

// refresh gives a command and waits for its end.
func (o *observer) refresh(car sim.Vehicle, id, mode string) record {
	o.t.Helper()
	o.send("hyundai/"+car.ID+"/commands/refresh", fmt.Sprintf(`{"id":%q,"mode":%q}`, id, mode))
	return o.end(id)
}

func (o *observer) end(id string) (r record) {
	o.t.Helper()
	if !o.await(patience, func() (done bool) { r, done = o.ends[id]; return done }) {
		o.t.Fatalf("waited %s in vain for the end of %s", patience, id)
	}
	return r
}

// retained is what the broker keeps, of everything or of these topics: of data their values, of the rest that it is there.
func retained(t *testing.T, url string, topics ...string) map[string]string {
	t.Helper()
	if len(topics) > 0 {
		topics = append(topics, "test/end-of-retained")
	}
	o := observe(t, url, topics...)
	o.send("test/end-of-retained", "x") // comes after what is retained
	o.see("test/end-of-retained", "x")
	o.stop()
	kept := map[string]string{}
	for topic, payload := range o.last {
		var e struct {
			Value json.RawMessage `json:"value"`
		}
		switch {
		case strings.HasPrefix(topic, "test/"), strings.HasSuffix(topic, "/bridge/health"), strings.HasPrefix(topic, "$"):
		case strings.Contains(topic, "/status/location/"): // came live
		case strings.HasSuffix(topic, "/bridge/state"), strings.HasSuffix(topic, "/availability"):
			kept[topic] = string(payload)
		case strings.HasSuffix(topic, "/last_updated"), strings.HasSuffix(topic, "_today"), json.Unmarshal(payload, &e) != nil:
			kept[topic] = "there"
		default:
			kept[topic] = string(e.Value)
		}
	}
	return kept
}

// sameRetained tells what differs in what a broker keeps.
func sameRetained(before, after map[string]string) (differences []string) {
	for _, topic := range slices.Sorted(maps.Keys(before)) {
		if now, there := after[topic]; !there || now != before[topic] {
			differences = append(differences, fmt.Sprintf("%s was %s and is %q", topic, before[topic], now))
		}
	}
	for topic := range after {
		if _, known := before[topic]; !known {
			differences = append(differences, topic+" is new")
		}
	}
	return differences
}

func TestLink_BrokerThatIsDeadAtTheStartIsFoundLater(t *testing.T) {
	t.Parallel()
	broker := mqtttest.Start(t)
	broker.Stop()
	l := run(t, simulate(t, sim.Options{Cars: 2, Parked: true}), broker.Addr(), "")
	l.said("cannot connect to the broker, will keep trying")
	l.said("refresh done") // the clouds are read all the same
	if status, body := l.ready(); status != http.StatusServiceUnavailable || !strings.Contains(body, "broker is not connected") {
		t.Errorf("/readyz answers %d %s", status, body)
	}
	broker.Restart()
	o := observe(t, broker.URL())
	o.see("hyundai/bridge/state", "online")
	for _, car := range l.sim.Vehicles()[:2] {
		o.see("hyundai/"+car.ID+"/battery/level", `{"value":`)
	}
	if r := o.refresh(l.first(), "late", "cached"); r.State != "verified" {
		t.Errorf("a command ended %s", r.end())
	}
	if n := l.times("cannot connect to the broker"); n != 1 {
		t.Errorf("the log says it %d times", n)
	}
}

// TestLink_HomeAssistantsStartCountsAlsoWhenItIsToBeKept is a home whose birth message is set to be retained.
func TestLink_HomeAssistantsStartCountsAlsoWhenItIsToBeKept(t *testing.T) {
	t.Parallel()
	broker := mqtttest.Start(t)
	o := observe(t, broker.URL())
	l := run(t, simulate(t, sim.Options{Cars: 1, Parked: true}), broker.Addr(), "")
	told := "hyundai/" + l.first().ID + "/info" // after a connect only when a controller has started
	o.see(told, "{")
	o.send(told, "missed") // the home was not there yet
	o.see(told, "missed")
	o.retain("homeassistant/status", "online")
	o.see(told, "{")
}

func TestLink_BrokerRestartLeavesNothingRetainedBehind(t *testing.T) {
	for name, configuration := range map[string][]string{
		"without persistence": nil,
		"with persistence":    {"persistence true", "persistence_location " + t.TempDir() + "/", "autosave_interval 1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			broker := mqtttest.Start(t, configuration...)
			l := run(t, simulate(t, sim.Options{Cars: 3, Parked: true}), broker.Addr(), "")
			o := observe(t, broker.URL())
			for _, car := range l.sim.Vehicles()[:3] {
				o.see("hyundai/"+car.ID+"/status/last_updated", `{"value":`)
			}
			eventually(t, "the account is online", func() bool { return strings.Contains(string(o.payload("hyundai/account/"+home+"/state")), "online") })
			o.stop()
			before := retained(t, broker.URL())
			if len(before) < 3*60 {
				t.Fatalf("the broker keeps only %d topics", len(before))
			}
			broker.Restart()
			l.said("lost the broker")
			var differences []string
			eventually(t, "everything is retained again", func() bool {
				if l.times(`"msg":"connected to the broker`) < 2 {
					return false
				}
				differences = sameRetained(before, retained(t, broker.URL()))
				return len(differences) == 0
			})
			again := observe(t, broker.URL())
			if r := again.refresh(l.first(), "after", "cached"); r.State != "verified" {
				t.Errorf("a command ended %s", r.end())
			}
		})
	}
}

// A link that is cut is made anew; what the broker said in our name meanwhile is put right.
func TestLink_CutIsMadeAnewAndTheWillPutRight(t *testing.T) {
	t.Parallel()
	broker := mqtttest.Start(t)
	proxy := linktest.New(t, broker.Addr())
	l := run(t, simulate(t, sim.Options{Cars: 1, Parked: true}), proxy.Addr(), "")
	o := observe(t, broker.URL())
	o.see("hyundai/bridge/state", "online")
	proxy.Refuse(true)
	proxy.Cut()
	o.see("hyundai/bridge/state", "offline")
	eventually(t, "/readyz says so", func() bool {
		status, body := l.ready()
		return status == http.StatusServiceUnavailable && strings.Contains(body, "broker is not connected")
	})
	// Nobody keeps a command for us: old ones must not be carried out later.
	o.send("hyundai/"+l.first().ID+"/commands/refresh", `{"id":"meanwhile","mode":"force"}`)
	proxy.Refuse(false)
	o.see("hyundai/bridge/state", "online")
	if r := o.refresh(l.first(), "after", "cached"); r.State != "verified" {
		t.Errorf("a command ended %s", r.end())
	}
	if r, ended := o.ends["meanwhile"]; ended {
		t.Errorf("a command that was given during the outage ended %s", r.end())
	}
}

func TestLink_BlackHoleIsNoticedWithinTwoKeepalives(t *testing.T) {
	t.Parallel()
	broker := mqtttest.Start(t)
	proxy := linktest.New(t, broker.Addr())
	l := run(t, simulate(t, sim.Options{Cars: 1, Parked: true}), proxy.Addr(), "")
	o := observe(t, broker.URL())
	o.see("hyundai/"+l.first().ID+"/battery/level", `{"value":`)
	proxy.BlackHole(true)
	l.said("broker stopped answering")
	o.see("hyundai/bridge/state", "offline")
	proxy.BlackHole(false)
	o.see("hyundai/bridge/state", "online")
	if r := o.refresh(l.first(), "after", "cached"); r.State != "verified" {
		t.Errorf("a command ended %s", r.end())
	}
}

// A command that has been accepted is carried out whatever becomes of the link, and its end arrives when the link is back.
func TestLink_EndOfACommandArrivesAfterTheOutage(t *testing.T) {
	t.Parallel()
	broker := mqtttest.Start(t)
	proxy := linktest.New(t, broker.Addr())
	l := run(t, simulate(t, sim.Options{Cars: 2, Parked: true, LatencyForce: 2 * time.Second}), proxy.Addr(), "")
	car := l.sim.Vehicles()[1] // answers a forced read itself
	o := observe(t, broker.URL())
	o.see("hyundai/"+car.ID+"/battery/level", `{"value":`)
	o.send("hyundai/"+car.ID+"/commands/refresh", `{"id":"outlives","mode":"force"}`)
	woken := func() bool {
		for _, v := range l.sim.VehicleViews() {
			if v.ID == car.ID {
				return v.Wakes > 0
			}
		}
		return false
	}
	eventually(t, "the car is woken", woken)
	proxy.Refuse(true)
	proxy.Cut()
	o.see("hyundai/bridge/state", "offline")
	l.said(`"mode":"force","data_source":"fresh"`)
	if _, ended := o.ends["outlives"]; ended {
		t.Fatal("the end came through a link that was cut")
	}
	proxy.Refuse(false)
	if r := o.end("outlives"); r.end() != "verified/fresh" {
		t.Errorf("the command ended %s", r.end())
	}
	o.see("hyundai/"+car.ID+"/status/data_source", `{"value":"fresh"`)
	if len(o.twice) > 0 {
		t.Errorf("%v ended twice", o.twice)
	}
}

func TestLink_SlowOneDelaysAndLosesNothing(t *testing.T) {
	t.Parallel()
	broker := mqtttest.Start(t)
	proxy := linktest.New(t, broker.Addr())
	proxy.Delay(50 * time.Millisecond)
	l := run(t, simulate(t, sim.Options{Cars: 2, Parked: true}), proxy.Addr(), "")
	o := observe(t, broker.URL())
	for _, car := range l.sim.Vehicles()[:2] {
		o.see("hyundai/"+car.ID+"/status/last_updated", `{"value":`)
	}
	for i := range 10 {
		if r := o.refresh(l.first(), fmt.Sprintf("slow-%d", i), "cached"); r.State != "verified" {
			t.Errorf("a command ended %s", r.end())
		}
	}
	if n := l.times("lost the broker"); n > 0 {
		t.Errorf("the link was given up %d times", n)
	}
}

// Two programs with one client id push each other out. They must not do so for ever, and must say what is wrong.
func TestLink_TwoInstancesWithOneClientIDSaySoAndDoNotFight(t *testing.T) {
	t.Parallel()
	broker := mqtttest.Start(t)
	clouds := simulate(t, sim.Options{Cars: 1, Parked: true})
	one := run(t, clouds, broker.Addr(), "same")
	o := observe(t, broker.URL())
	o.see("hyundai/bridge/state", "online")
	two := run(t, clouds, broker.Addr(), "same")
	const guess, sure = "perhaps another program uses the same client id", "another client took over this client id"
	both := []*linked{one, two}
	eventually(t, "one of them names the reason", func() bool {
		return slices.ContainsFunc(both, func(l *linked) bool { return l.times(guess)+l.times(sure) > 0 })
	})
	made := 0
	for _, l := range both {
		if n := l.times(guess); n > 1 {
			t.Errorf("said %d times", n)
		}
		made += l.times(`"msg":"connected to the broker`)
	}
	if made > 12 {
		t.Errorf("they connected %d times until then", made)
	}
}
