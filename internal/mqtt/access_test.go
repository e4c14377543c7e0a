package mqtt_test

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/mochi-mqtt/server/v2/packets"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/broker"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/mqtt"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/mqtt/linktest"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/mqtt/mqtttest"
)

var brokerDefaults = broker.Options{}

func TestClient_WrongPasswordSaysSoOnceAndKeepsItSecret(t *testing.T) {
	test := func(t *testing.T, addr string, want error) {
		attempts := make(chan int, 10_000)
		var book logbook
		l := start(t, addr, mqtt.Options{
			Servers: []string{"mqtt://bridge:wrong-password@" + addr}, Logger: book.logger(),
			Backoff: func(n int) time.Duration { attempts <- n; return quickly(n) },
		})
		for range 4 {
			next(t, attempts, "an attempt")
		}
		err := l.Stats().LastError
		failure, ok := errors.AsType[*mqtt.Error](err)
		if !errors.Is(err, want) || !ok || failure.Code == 0 || !strings.Contains(failure.Hint(), "password") {
			t.Errorf("failed with %v", err)
		}
		said := book.containing("cannot connect")
		if len(said) != 1 {
			t.Errorf("said %d times: %q", len(said), said)
		}
		if text := strings.Join(said, "") + err.Error(); strings.Contains(text, "wrong-password") {
			t.Errorf("the password is in %q", text)
		}
		startUp(t, addr, mqtt.Options{Username: "bridge", Password: "right-password"})
	}
	t.Run("embedded", func(t *testing.T) {
		test(t, startEmbedded(t, broker.Options{Username: "bridge", Password: "right-password"}).Addr(), mqtt.ErrCredentials)
	})
	t.Run("mosquitto", func(t *testing.T) {
		m := mqtttest.Start(t, mqtttest.PasswordFile(t, "bridge", "right-password")...)
		test(t, m.Addr(), mqtt.ErrNotAuthorized)
	})
}

func TestClient_RefusedPublicationsAreCountedAndNamedOnce(t *testing.T) {
	acl := filepath.Join(t.TempDir(), "acl")
	if err := os.WriteFile(acl, []byte("topic readwrite base/#\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	m := mqtttest.Start(t, "acl_file "+acl)
	var book logbook
	l := startUp(t, m.Addr(), mqtt.Options{Logger: book.logger()})
	for range 3 {
		l.publish(t, event("elsewhere/x", "y"))
	}
	l.publish(t, event("base/x", "y"))
	l.flush(t)
	if stats := l.Stats(); stats.Refused != 3 || stats.Published != 1 {
		t.Errorf("stats %+v", stats)
	}
	if said := book.containing("refused a publication"); len(said) != 1 || !strings.Contains(said[0], "elsewhere/x") {
		t.Errorf("said %q", said)
	}
}

// denyReading is a mochi hook that lets clients read below base/ only. Mosquitto cannot play this part:
// its access file accepts every subscription and then stays silent.
type denyReading struct{ mochi.HookBase }

func (denyReading) ID() string { return "deny" }

func (denyReading) Provides(call byte) bool {
	return call == mochi.OnACLCheck || call == mochi.OnConnectAuthenticate
}

func (denyReading) OnConnectAuthenticate(*mochi.Client, packets.Packet) bool { return true }

func (denyReading) OnACLCheck(_ *mochi.Client, topic string, write bool) bool {
	return write || strings.HasPrefix(topic, "base/")
}

func TestClient_RefusedSubscriptionsAreNamed(t *testing.T) {
	server := mochi.New(&mochi.Options{Logger: slog.New(slog.DiscardHandler)})
	listener := listeners.NewTCP(listeners.Config{ID: "tcp", Address: "127.0.0.1:0"})
	if err := errors.Join(server.AddHook(&denyReading{}, nil), server.AddListener(listener), server.Serve()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	var book logbook
	l := start(t, listener.Address(), mqtt.Options{Subscriptions: []string{"base/+/commands/+", "homeassistant/status"}, Logger: book.logger()})
	info := next(t, l.ups, "the connection")
	if len(info.RefusedFilters) != 1 || info.RefusedFilters[0] != "homeassistant/status" {
		t.Errorf("refused filters %q", info.RefusedFilters)
	}
	if said := book.containing("refused subscriptions"); len(said) != 1 {
		t.Errorf("said %q", said)
	}
	if err := l.Subscribe(t.Context(), "elsewhere/#"); !errors.Is(err, mqtt.ErrRefused) || !strings.Contains(err.Error(), "elsewhere/#") {
		t.Errorf("subscribe elsewhere: %v", err)
	}
}

func TestClient_BrokerLimitsAreRespected(t *testing.T) {
	m := mqtttest.Start(t, "max_packet_size 200", "retain_available false", "max_qos 0")
	link := linktest.New(t, m.Addr())
	link.Refuse(true)
	l := start(t, link.Addr(), mqtt.Options{})
	big := strings.Repeat("x", 300)
	l.publish(t, event("car/big", big)) // the limit is not known yet
	link.Refuse(false)
	info := next(t, l.ups, "the connection")
	if info.MaximumPacket != 200 || info.RetainAvailable || info.MaximumQoS != 0 {
		t.Errorf("limits %+v", info)
	}
	if err := l.Publish(t.Context(), state("car/big", big)); !errors.Is(err, mqtt.ErrTooLarge) {
		t.Errorf("a publication over the limit: %v", err)
	}
	o := observe(t, m.Addr(), "car/#")
	for _, payload := range []string{"74", "75"} {
		l.publish(t, state("car/soc", payload))
		if got := o.expect(t, "car/soc", payload); got.QoS != 0 || got.Retain {
			t.Errorf("arrived with QoS %d, retained %v", got.QoS, got.Retain)
		}
	}
	l.flush(t)
	if stats := l.Stats(); stats.Published != 2 || stats.Refused != 2 || !stats.Connected || stats.Connections != 1 {
		t.Errorf("stats %+v", stats)
	}
}

func TestNew_ReportsEverythingThatIsWrong(t *testing.T) {
	_, err := mqtt.New(mqtt.Options{
		Servers:       []string{"http://host", "mqtts://host"},
		TLS:           mqtt.TLS{CAFile: "/does/not/exist"},
		KeepAlive:     time.Millisecond,
		Will:          &mqtt.Publication{Topic: "#"},
		Subscriptions: []string{"a/b+"},
	})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, part := range []string{"unknown scheme", "/does/not/exist", "keepalive", "will", "a/b+"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q is missing in %q", part, err)
		}
	}
	if _, err := mqtt.New(mqtt.Options{Servers: []string{"mqtt://user:secret@ho st"}}); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("unreadable URL: %v", err)
	}
	if _, err := mqtt.New(mqtt.Options{}); err == nil {
		t.Error("accepted without a broker")
	}
}
