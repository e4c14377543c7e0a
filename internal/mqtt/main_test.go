package mqtt_test

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	paho311 "github.com/eclipse/paho.mqtt.golang"

	"github.com/eclipse/paho.golang/paho"
	"go.uber.org/goleak"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/broker"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/mqtt"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/mqtt/mqtttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for an event that must come.
const patience = 30 * time.Second

// next takes the next value of a channel.
func next[T any](t testing.TB, values <-chan T, what string) T {
	t.Helper()
	select {
	case value := <-values:
		return value
	case <-time.After(patience):
		t.Fatalf("waited %v in vain for %s", patience, what)
		panic("unreachable")
	}
}

// testBroker is a broker that can be stopped and started again on the same port.
type testBroker interface {
	Addr() string
	Stop()
	Restart()
}

// embedded is the embedded broker as a testBroker.
type embedded struct {
	t    testing.TB
	opts broker.Options
	end  context.CancelFunc
	done chan error
}

func startEmbedded(t testing.TB, opts broker.Options) *embedded {
	t.Helper()
	if opts.Listen == "" {
		opts.Listen = mqtttest.FreeAddr(t)
	}
	e := &embedded{t: t, opts: opts}
	e.Restart()
	t.Cleanup(e.Stop)
	return e
}

func (e *embedded) Addr() string { return e.opts.Listen }

func (e *embedded) Stop() {
	e.t.Helper()
	if e.end == nil {
		return
	}
	e.end()
	if err := next(e.t, e.done, "end of the embedded broker"); err != nil {
		e.t.Errorf("embedded broker: %v", err)
	}
	e.end = nil
}

func (e *embedded) Restart() {
	e.t.Helper()
	e.Stop()
	b, err := broker.New(e.opts)
	if err != nil {
		e.t.Fatal(err)
	}
	ctx, end := context.WithCancel(context.Background())
	e.end, e.done = end, make(chan error, 1)
	go func() { e.done <- b.Run(ctx) }()
	select {
	case <-b.Ready():
	case err := <-e.done:
		e.t.Fatalf("embedded broker: %v", err)
	}
	e.opts.Listen = b.Addr()
}

// onBothBrokers runs a test against the embedded broker and against Mosquitto, in both versions of MQTT.
func onBothBrokers(t *testing.T, test func(t *testing.T, b testBroker)) {
	t.Helper()
	onBothBrokersIn5(t, test)
	t.Run("embedded in "+string(mqtt.Version311), func(t *testing.T) { test(t, startEmbedded(t, broker.Options{})) })
	t.Run("mosquitto in "+string(mqtt.Version311), func(t *testing.T) { test(t, mqtttest.Start(t)) })
}

// onBothBrokersIn5 is for what 3.1.1 cannot express.
func onBothBrokersIn5(t *testing.T, test func(t *testing.T, b testBroker)) {
	t.Helper()
	t.Run("embedded", func(t *testing.T) { test(t, startEmbedded(t, broker.Options{})) })
	t.Run("mosquitto", func(t *testing.T) { test(t, mqtttest.Start(t)) })
}

// in311 tells whether a test is one of those of onBothBrokers in which the client speaks 3.1.1.
func in311(t testing.TB) bool { return strings.HasSuffix(t.Name(), "_in_"+string(mqtt.Version311)) }

// line is a running client and what it reports.
type line struct {
	*mqtt.Client
	ups      chan mqtt.Info
	downs    chan error
	messages chan mqtt.Message
	stop     func() // ends Run and waits
}

// quickly is a backoff for tests that wait for another attempt.
func quickly(int) time.Duration { return 5 * time.Millisecond }

// start runs a client until the test ends, in 3.1.1 where the test is named so. Callbacks of opts run before the channels get their word.
func start(t testing.TB, addr string, opts mqtt.Options) *line {
	t.Helper()
	if opts.Servers == nil {
		opts.Servers = []string{"mqtt://" + addr}
	}
	if opts.Backoff == nil {
		opts.Backoff = quickly
	}
	if in311(t) {
		opts.Version = mqtt.Version311
	}
	l := &line{
		ups: make(chan mqtt.Info, 100), downs: make(chan error, 100), messages: make(chan mqtt.Message, 100_000),
	}
	onUp, onDown, onMessage := opts.OnUp, opts.OnDown, opts.OnMessage
	opts.OnUp = func(info mqtt.Info) {
		if onUp != nil {
			onUp(info)
		}
		l.ups <- info
	}
	opts.OnDown = func(err error) {
		if onDown != nil {
			onDown(err)
		}
		l.downs <- err
	}
	if onMessage == nil {
		opts.OnMessage = func(m mqtt.Message) { l.messages <- m }
	}
	client, err := mqtt.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	l.Client = client
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- client.Run(ctx) }()
	l.stop = sync.OnceFunc(func() {
		t.Helper()
		cancel()
		if err := next(t, done, "end of Run"); err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(l.stop)
	return l
}

// startUp is start, and waits for the connection.
func startUp(t testing.TB, addr string, opts mqtt.Options) *line {
	t.Helper()
	l := start(t, addr, opts)
	next(t, l.ups, "the connection")
	return l
}

func (l *line) publish(t testing.TB, pub mqtt.Publication) {
	t.Helper()
	if err := l.Publish(t.Context(), pub); err != nil {
		t.Fatal(err)
	}
}

func (l *line) flush(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := l.Flush(ctx); err != nil {
		t.Fatal(err)
	}
}

// observer is an independent client, made of the library alone, that sees what the broker hands out.
type observer struct {
	*paho.Client
	messages chan *paho.Publish
}

func observe(t testing.TB, addr string, filters ...string) *observer {
	t.Helper()
	network, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		t.Fatal(err)
	}
	o := &observer{messages: make(chan *paho.Publish, 100_000)}
	o.Client = paho.NewClient(paho.ClientConfig{
		Conn: network,
		OnPublishReceived: []func(paho.PublishReceived) (bool, error){func(p paho.PublishReceived) (bool, error) {
			o.messages <- p.Packet
			return true, nil
		}},
	})
	if _, err := o.Connect(t.Context(), &paho.Connect{CleanStart: true, KeepAlive: 60, ClientID: "observer-" + t.Name()}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = o.Disconnect(&paho.Disconnect{}) })
	subscribe := &paho.Subscribe{}
	for _, filter := range filters {
		subscribe.Subscriptions = append(subscribe.Subscriptions, paho.SubscribeOptions{Topic: filter, QoS: 1, RetainAsPublished: true})
	}
	if len(filters) > 0 {
		if _, err := o.Subscribe(t.Context(), subscribe); err != nil {
			t.Fatal(err)
		}
		// A broker may hand out what is retained after it has acknowledged the subscription. It is done
		// with that when it answers the next request.
		if _, err := o.Unsubscribe(t.Context(), &paho.Unsubscribe{Topics: []string{"nothing"}}); err != nil {
			t.Fatal(err)
		}
	}
	return o
}

// expect takes the next message and compares topic and payload.
func (o *observer) expect(t testing.TB, topic, payload string) *paho.Publish {
	t.Helper()
	got := next(t, o.messages, topic+" "+payload)
	if got.Topic != topic || string(got.Payload) != payload {
		t.Fatalf("got %s %q, want %s %q", got.Topic, got.Payload, topic, payload)
	}
	return got
}

// send publishes and waits until the broker has it.
func (o *observer) send(t testing.TB, p paho.Publish) {
	t.Helper()
	p.QoS = 1
	if _, err := o.Publish(t.Context(), &p); err != nil {
		t.Fatal(err)
	}
}

// observer311 is the same for 3.1.1, made of a library that shares nothing with the client.
type observer311 struct {
	paho311.Client
	messages chan paho311.Message
}

func observe311(t testing.TB, addr string, filters ...string) *observer311 {
	t.Helper()
	o := &observer311{messages: make(chan paho311.Message, 100_000)}
	opts := paho311.NewClientOptions().AddBroker("tcp://" + addr).SetProtocolVersion(4).SetAutoReconnect(false)
	opts.SetClientID("observer-" + strconv.FormatInt(rand.Int64(), 36)).SetUsername(mqtttest.RabbitUser).SetPassword(mqtttest.RabbitUser)
	opts.SetDefaultPublishHandler(func(_ paho311.Client, m paho311.Message) { o.messages <- m })
	o.Client = paho311.NewClient(opts)
	o.wait(t, o.Connect())
	t.Cleanup(func() { o.Disconnect(0) })
	for _, filter := range filters {
		o.wait(t, o.Subscribe(filter, 1, nil))
	}
	return o
}

func (o *observer311) wait(t testing.TB, token paho311.Token) {
	t.Helper()
	if !token.WaitTimeout(patience) || token.Error() != nil {
		t.Fatalf("the library of 3.1.1: %v", token.Error())
	}
}

// expect takes the next message and compares topic and payload.
func (o *observer311) expect(t testing.TB, topic, payload string) paho311.Message {
	t.Helper()
	got := next(t, o.messages, topic+" "+payload)
	if got.Topic() != topic || string(got.Payload()) != payload {
		t.Fatalf("got %s %q, want %s %q", got.Topic(), got.Payload(), topic, payload)
	}
	return got
}

// send publishes and waits until the broker has it.
func (o *observer311) send(t testing.TB, topic, payload string, retained bool) {
	t.Helper()
	o.wait(t, o.Publish(topic, 1, retained, payload))
}

// logbook collects log lines of a level and above.
type logbook struct {
	mu    sync.Mutex
	lines []string
}

func (l *logbook) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

func (l *logbook) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, string(b))
	return len(b), nil
}

// containing are the lines with text.
func (l *logbook) containing(text string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var found []string
	for _, line := range l.lines {
		if strings.Contains(line, text) {
			found = append(found, line)
		}
	}
	return found
}
