package strain

import (
	"context"
	"net"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/app"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/config"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/hass/hasstest"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/mqtt"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/mqtt/mqtttest"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/redact"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/store"
	"github.com/bluelink2mqtt/bluelink2mqtt/sim"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// house is a home: the program, a real broker, and Home Assistant, each of which can start again.
type house struct {
	t      *testing.T
	clouds *sim.Sim
	store  store.Store
	broker *mqtttest.Mosquitto

	stopBridge, stopHome func()

	mu       sync.Mutex // guards home
	home     *hasstest.Home
	problems []error
}

func newHouse(t *testing.T, configuration ...string) *house {
	h := &house{t: t, clouds: simulate(t, sim.Options{Cars: 2, Parked: true}), store: store.NewMemory(), broker: mqtttest.Start(t, configuration...)}
	h.stopBridge, h.stopHome = func() {}, func() {}
	t.Cleanup(func() {
		h.stopHome()
		h.stopBridge()
	})
	return h
}

// restart starts a part again: bridge, broker or home.
func (h *house) restart(part string) {
	h.t.Helper()
	switch part {
	case "broker":
		h.broker.Restart()
	case "bridge":
		h.stopBridge()
		h.startBridge()
	case "home":
		h.stopHome()
		h.startHome()
	}
}

func (h *house) startBridge() {
	h.t.Helper()
	host, port, err := net.SplitHostPort(h.broker.Addr())
	if err != nil {
		h.t.Fatal(err)
	}
	c := config.Default()
	c.Refresh = plain(0)
	c.Accounts = []config.Account{{
		Name: home, Region: vehicle.Europe, Brand: vehicle.Hyundai, Username: redact.NewSecret(sim.Email), Password: redact.NewSecret(sim.Password),
		PIN: redact.NewSecret(sim.PIN),
	}}
	c.MQTT.Host, c.MQTT.KeepAlive = host, time.Second
	if c.MQTT.Port, err = strconv.Atoi(port); err != nil {
		h.t.Fatal(err)
	}
	log := newBox()
	a, err := app.New(app.Options{
		Config: c, Store: h.store, RoundTripper: h.clouds.RoundTripper(), Log: app.NewLogger(config.Log{Format: config.JSONFormat}, log),
	})
	if err != nil {
		h.t.Fatal(err)
	}
	h.stopBridge = h.runs(a.Run, func() {
		if err := a.Close(); err != nil {
			h.t.Error(err)
		}
	})
}

// runs runs a part until it is stopped.
func (h *house) runs(run func(context.Context) error, after func()) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- run(ctx) }()
	return sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			h.t.Errorf("a part ended with %v", err)
		}
		after()
	})
}

// startHome starts a Home Assistant that knows nothing. It says that it is there whenever it has a connection.
func (h *house) startHome() {
	h.t.Helper()
	fresh := hasstest.NewHome("homeassistant")
	var client *mqtt.Client
	client, err := mqtt.New(mqtt.Options{
		Servers: []string{h.broker.URL()}, Subscriptions: []string{"homeassistant/#", "hyundai/#"},
		OnMessage: func(m mqtt.Message) {
			fresh.Receive(m.Topic, m.Payload, !passing.MatchString(m.Topic))
			m.Ack()
		},
		OnUp: func(mqtt.Info) {
			_ = client.Publish(context.Background(), mqtt.Publication{Topic: "homeassistant/status", Payload: []byte("online"), QoS: 1})
		},
		OnDown: func(error) { fresh.Reconnected() },
	})
	if err != nil {
		h.t.Fatal(err)
	}
	h.mu.Lock()
	h.home = fresh
	h.mu.Unlock()
	h.stopHome = h.runs(client.Run, func() { h.problems = append(h.problems, fresh.Err()) })
}

// passing are topics that no broker keeps. A message that comes while one listens does not say so with MQTT 3.1.1.
var passing = regexp.MustCompile(`/(event|result|action|location)/`)

// fleeting are entities whose state tells of times and counts, which differ after a restart, or of a moment.
var fleeting = regexp.MustCompile(`_(last_updated|last_updated_at|calls_today|wakes_today|last_wake_at|last_wake_cause|quota_used|quota_remaining|quota_reset_at|account_wakes_today|next_allowed_at|started_at|memory|reconnects|operations|queue|vehicles|stuck_lanes|data_source|location_last_updated_at) `)

// picture is what a person sees, without what is fleeting.
func (h *house) picture() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out strings.Builder
	for line := range strings.Lines(h.home.Picture()) {
		if words := strings.Fields(line); fleeting.MatchString(line) || words[1] == "event" {
			line = strings.Join(words[:min(len(words), 2)], " ") + "\n"
		}
		out.WriteString(line)
	}
	return out.String()
}

// TestRestart_AnyOrderEndsInTheSamePicture starts bridge, broker and Home Assistant again, in each of the six orders, with a
// broker that keeps what it was told over its restart and one that does not.
func TestRestart_AnyOrderEndsInTheSamePicture(t *testing.T) {
	t.Parallel()
	for name, configuration := range map[string][]string{
		"without persistence": nil,
		"with persistence":    {"persistence true", "persistence_location " + t.TempDir() + "/", "autosave_interval 1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, configuration...)
			h.startBridge()
			h.startHome()
			whole := func() bool {
				p := h.picture()
				return strings.Count(p, "_odometer sensor") == 2 && strings.Count(p, "_location device_tracker state_topic=") == 0 &&
					strings.Count(p, "unavailable") == 0 && strings.Count(p, "device_tracker json_attributes_topic=unknown") == 0
			}
			eventually(t, "the home is whole", whole)
			var want string
			same := 0
			eventually(t, "it has settled", func() bool {
				before := want
				if want = h.picture(); want != before {
					same = 0
				}
				same++
				return same > 50
			})
			t.Cleanup(func() {
				if got := h.picture(); t.Failed() {
					t.Logf("not so before: %v\nnot so now: %v", without(got, want), without(want, got))
				}
			})
			for _, order := range [][]string{
				{"bridge", "broker", "home"},
				{"bridge", "home", "broker"},
				{"broker", "bridge", "home"},
				{"broker", "home", "bridge"},
				{"home", "bridge", "broker"},
				{"home", "broker", "bridge"},
			} {
				for _, part := range order {
					h.restart(part)
				}
				eventually(t, strings.Join(order, ", ")+" end in the same picture", func() bool { return h.picture() == want })
			}
			h.stopHome()
			for _, err := range h.problems {
				if err != nil {
					t.Errorf("Home Assistant complains:\n%v", err)
				}
			}
		})
	}
}

// without are the lines of a text that another does not have.
func without(text, other string) (lines []string) {
	for line := range strings.Lines(text) {
		if !strings.Contains(other, line) {
			lines = append(lines, line)
		}
	}
	return lines
}
