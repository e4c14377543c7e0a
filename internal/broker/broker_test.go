package broker

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
	"github.com/gorilla/websocket"
	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/listeners"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for an event that must come.
const patience = 30 * time.Second

// start runs a broker until the test ends, or until stop is called.
func start(t *testing.T, opts Options) (b *Broker, stop func()) {
	t.Helper()
	if opts.Listen == "" {
		opts.Listen = "127.0.0.1:0"
	}
	b, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(patience):
			t.Error("the broker does not end")
		}
	})
	t.Cleanup(stop)
	select {
	case <-b.Ready():
	case err := <-done:
		t.Fatal(err)
	case <-time.After(patience):
		t.Fatal("the broker does not start")
	}
	return b, stop
}

// connect opens a client of the library.
func connect(t *testing.T, addr string, connect paho.Connect, config paho.ClientConfig) (*paho.Client, *paho.Connack, error) {
	t.Helper()
	conn, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		t.Fatal(err)
	}
	config.Conn = conn
	client := paho.NewClient(config)
	connect.KeepAlive, connect.CleanStart = 60, true
	answer, err := client.Connect(t.Context(), &connect)
	if err == nil {
		t.Cleanup(func() { _ = client.Disconnect(&paho.Disconnect{}) })
	}
	return client, answer, err
}

func TestNew_DoesNotExposeTheCars(t *testing.T) {
	for address, exposed := range map[string]bool{
		"": false, "127.0.0.1:1883": false, "localhost:1883": false, "[::1]:1883": false, "127.3.2.1:0": false,
		":1883": true, "0.0.0.0:1883": true, "[::]:1883": true, "192.168.1.2:1883": true, "broker.home:1883": true,
	} {
		for _, opts := range []Options{{Listen: address}, {Listen: "127.0.0.1:0", WebSocket: address}} {
			if _, err := New(opts); errors.Is(err, ErrExposed) != exposed {
				t.Errorf("%+v: %v", opts, err)
			}
			opts.AllowAnonymous = true
			if _, err := New(opts); err != nil {
				t.Errorf("%+v: %v", opts, err)
			}
			opts.AllowAnonymous, opts.Username, opts.Password = false, "u", "p"
			if _, err := New(opts); err != nil {
				t.Errorf("%+v: %v", opts, err)
			}
		}
	}
	for _, opts := range []Options{{Listen: "1883"}, {Username: "u"}, {Password: "p"}} {
		if _, err := New(opts); err == nil {
			t.Errorf("%+v was accepted", opts)
		}
	}
}

func TestBroker_TakenPortSaysWhatToDo(t *testing.T) {
	first, _ := start(t, Options{})
	for _, opts := range []Options{{Listen: first.Addr()}, {Listen: "127.0.0.1:0", WebSocket: first.Addr()}} {
		second, err := New(opts)
		if err != nil {
			t.Fatal(err)
		}
		err = second.Run(t.Context())
		if err == nil || !strings.Contains(err.Error(), first.Addr()) || !strings.Contains(err.Error(), "another program listens") {
			t.Errorf("second broker on %+v: %v", opts, err)
		}
	}
}

func TestBroker_AsksForCredentials(t *testing.T) {
	b, _ := start(t, Options{Username: "bridge", Password: "right"})
	for _, test := range []struct {
		user, password string
		ok             bool
	}{{"bridge", "right", true}, {"bridge", "wrong", false}, {"other", "right", false}, {"", "", false}} {
		request := paho.Connect{ClientID: "c"}
		if test.user != "" {
			request.UsernameFlag, request.Username = true, test.user
			request.PasswordFlag, request.Password = true, []byte(test.password)
		}
		_, answer, err := connect(t, b.Addr(), request, paho.ClientConfig{})
		if (err == nil) != test.ok {
			t.Errorf("%+v: %v", test, err)
		}
		if !test.ok && (answer == nil || answer.ReasonCode != packets.ConnackBadUsernameOrPassword) {
			t.Errorf("%+v: answer %+v", test, answer)
		}
	}
}

func TestBroker_EndsAlthoughAConnectionNeverSpeaks(t *testing.T) {
	b, stop := start(t, Options{WebSocket: "127.0.0.1:0"})
	silent, err := net.DialTimeout("tcp", b.Addr(), patience)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	socket, _, err := websocket.DefaultDialer.Dial("ws://"+b.WebSocketAddr(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = socket.Close() }()
	// The broker has accepted both when it serves a later one.
	if _, _, err := connect(t, b.Addr(), paho.Connect{ClientID: "later"}, paho.ClientConfig{}); err != nil {
		t.Fatal(err)
	}
	stop()
}

func TestBroker_SaysGoodbye(t *testing.T) {
	b, stop := start(t, Options{})
	goodbye := make(chan byte, 1)
	_, _, err := connect(t, b.Addr(), paho.Connect{ClientID: "c"}, paho.ClientConfig{
		OnServerDisconnect: func(d *paho.Disconnect) { goodbye <- d.ReasonCode },
	})
	if err != nil {
		t.Fatal(err)
	}
	stop()
	select {
	case code := <-goodbye:
		if code != packets.DisconnectServerShuttingDown {
			t.Errorf("disconnected with 0x%02x", code)
		}
	case <-time.After(patience):
		t.Error("no DISCONNECT")
	}
}

// Mochi looks for the clients to send away holding a read lock that it takes twice, and hangs when one leaves in between.
func TestListeners_LeaveMochisFarewellAlone(t *testing.T) {
	for _, make := range []func(*tracker, listeners.CloseFn) listeners.Listener{
		func(t *tracker, dismiss listeners.CloseFn) listeners.Listener {
			return tcpListener{tracker: t, dismiss: dismiss}
		},
		func(t *tracker, dismiss listeners.CloseFn) listeners.Listener {
			return &webSocketListener{tracker: t, dismiss: dismiss}
		},
	} {
		door, err := listen(t.Context(), "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		dismissed := ""
		l := make(door, func(listener string) { dismissed += listener })
		l.Close(func(string) { t.Errorf("%s: mochi's own farewell was called", l.ID()) })
		if dismissed != l.ID() {
			t.Errorf("the clients of %q were dismissed, want those of %q", dismissed, l.ID())
		}
	}
}

// A client that reads nothing of what it has subscribed to, and may even say that it is there, is cut: until then whoever
// publishes that waits for it.
func TestBroker_CutsWhoReadsNothing(t *testing.T) {
	b, _ := start(t, Options{WebSocket: "127.0.0.1:0"})
	publisher, _, err := connect(t, b.Addr(), paho.Connect{ClientID: "publisher"}, paho.ClientConfig{})
	if err != nil {
		t.Fatal(err)
	}
	overTCP, err := net.DialTimeout("tcp", b.Addr(), patience)
	if err != nil {
		t.Fatal(err)
	}
	overWebSocket, _, err := (&websocket.Dialer{Subprotocols: []string{"mqtt"}}).Dial("ws://"+b.WebSocketAddr(), nil)
	if err != nil {
		t.Fatal(err)
	}
	cut := make(chan struct{}, 2)
	for name, conn := range map[string]net.Conn{"tcp": overTCP, "websocket": &stream{Conn: overWebSocket}} {
		defer func() { _ = conn.Close() }()
		stuck := &wire{conn, t}
		stuck.hello(name, func(c *packets.Connect) { c.CleanStart, c.KeepAlive = true, 3 })
		stuck.subscribed("#", 1)
		go func() { // a ping a second, until the broker hangs up
			for range time.Tick(time.Second) {
				if _, err := packets.NewControlPacket(packets.PINGREQ).WriteTo(conn); err != nil {
					cut <- struct{}{}
					return
				}
			}
		}()
	}
	payload := bytes.Repeat([]byte("x"), 1<<16)
	for n := range 300 {
		begun := time.Now()
		if _, err := publisher.Publish(t.Context(), &paho.Publish{Topic: "a/b", QoS: 1, Payload: payload}); err != nil {
			t.Fatalf("publication %d after %v: %v", n, time.Since(begun), err)
		}
	}
	for range 2 {
		select {
		case <-cut:
		case <-time.After(patience):
			t.Fatal("one that reads nothing is not cut")
		}
	}
}

// A client that allows 2 messages in flight gets all of them in order: mochi alone stops after 4, or
// for good.
func TestBroker_ReceiveMaximumNeitherStarvesNorReorders(t *testing.T) {
	const total = 2000
	b, _ := start(t, Options{})
	got := make(chan string, total)
	subscriber, _, err := connect(t, b.Addr(),
		paho.Connect{ClientID: "subscriber", Properties: &paho.ConnectProperties{ReceiveMaximum: paho.Uint16(2), RequestProblemInfo: true}},
		paho.ClientConfig{OnPublishReceived: []func(paho.PublishReceived) (bool, error){
			func(p paho.PublishReceived) (bool, error) { got <- string(p.Packet.Payload); return true, nil },
		}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := subscriber.Subscribe(t.Context(), &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: "t", QoS: 1}}}); err != nil {
		t.Fatal(err)
	}
	publisher, _, err := connect(t, b.Addr(), paho.Connect{ClientID: "publisher"}, paho.ClientConfig{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range total {
		if _, err := publisher.Publish(t.Context(), &paho.Publish{Topic: "t", QoS: 1, Payload: []byte(strconv.Itoa(i))}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range total {
		select {
		case payload := <-got:
			if payload != strconv.Itoa(i) {
				t.Fatalf("message %d is %s", i, payload)
			}
		case <-time.After(patience):
			t.Fatalf("%d of %d messages arrived", i, total)
		}
	}
}

// A late subscriber gets many more retained topics than mochi's default queues hold.
func TestBroker_LateSubscriberGetsEveryRetainedTopic(t *testing.T) {
	const total = 12_000
	b, _ := start(t, Options{})
	publisher, _, err := connect(t, b.Addr(), paho.Connect{ClientID: "publisher"}, paho.ClientConfig{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range total {
		if _, err := publisher.Publish(t.Context(), &paho.Publish{Topic: "car/" + strconv.Itoa(i), QoS: 1, Retain: true, Payload: []byte("x")}); err != nil {
			t.Fatal(err)
		}
	}
	got := make(chan *paho.Publish, total)
	subscriber, _, err := connect(t, b.Addr(), paho.Connect{ClientID: "subscriber"}, paho.ClientConfig{
		OnPublishReceived: []func(paho.PublishReceived) (bool, error){
			func(p paho.PublishReceived) (bool, error) { got <- p.Packet; return true, nil },
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := subscriber.Subscribe(t.Context(), &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: "car/#", QoS: 1}}}); err != nil {
		t.Fatal(err)
	}
	for i := range total {
		select {
		case p := <-got:
			if p.Properties.MessageExpiry != nil {
				t.Fatalf("%s expires in %d s", p.Topic, *p.Properties.MessageExpiry)
			}
		case <-time.After(patience):
			t.Fatalf("%d of %d retained topics arrived", i, total)
		}
	}
}

func TestServerOptions_RetainedTopicOutlivesTheDay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opts := serverOptions(quiet())
		opts.InlineClient = true
		server := mochi.New(opts)
		if err := server.AddHook(newSessions(server, newTurnstile(), &windows{}), nil); err != nil {
			t.Fatal(err)
		}
		if err := server.Serve(); err != nil {
			t.Fatal(err)
		}
		if err := server.Publish("car/soc", []byte("74"), true, 1); err != nil {
			t.Fatal(err)
		}
		<-time.After(26 * time.Hour)
		if retained := server.Topics.Messages("car/soc"); len(retained) != 1 {
			t.Errorf("%d retained messages after 26 hours", len(retained))
		}
		_ = server.Close()
	})
}

func TestBroker_WebSocketRefusesPagesOfOtherOrigins(t *testing.T) {
	b, _ := start(t, Options{WebSocket: "127.0.0.1:0"})
	_, response, err := websocket.DefaultDialer.Dial("ws://"+b.WebSocketAddr(), http.Header{"Origin": {"https://evil.example"}})
	if err == nil || response == nil || response.StatusCode != http.StatusForbidden {
		t.Errorf("a page of another origin got %v", err)
	}
}

func TestQuietHandler_DropsPacketsAndChatter(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(quietHandler{slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelInfo})})
	log.Info("client connected")
	log.Warn("", "error", "EOF")
	if out.Len() != 0 {
		t.Errorf("chatter got through: %s", &out)
	}
	log.With("listener", "tcp").Error("broken", "pk", "secret payload", "packet", "secret payload", "error", "disk on fire")
	if text := out.String(); strings.Contains(text, "secret") || !strings.Contains(text, "disk on fire") || !strings.Contains(text, "tcp") {
		t.Errorf("logged %s", text)
	}
}
