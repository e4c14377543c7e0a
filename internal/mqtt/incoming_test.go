package mqtt_test

import (
	"fmt"
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/paho"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/mqtt"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/mqtt/linktest"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/mqtt/mqtttest"
)

func TestClient_MessagesArriveAsPublished(t *testing.T) {
	onBothBrokersIn5(t, func(t *testing.T, b testBroker) {
		o := observe(t, b.Addr())
		o.send(t, paho.Publish{Topic: "base/car/commands/lock", Payload: []byte("unlock"), Retain: true})
		l := startUp(t, b.Addr(), mqtt.Options{Subscriptions: []string{"base/+/commands/+"}})

		stored := next(t, l.messages, "the stored command")
		stored.Ack()
		if !stored.Retained || string(stored.Payload) != "unlock" || stored.QoS != 1 {
			t.Errorf("stored command arrived as %+v", stored)
		}
		if stored.HasExpiry {
			t.Errorf("the broker invented an expiry of %v", stored.Expiry)
		}

		o.send(t, paho.Publish{Topic: "base/car/commands/lock", Payload: []byte("lock"), Retain: true})
		live := next(t, l.messages, "the live retained command")
		live.Ack()
		if !live.Retained {
			t.Error("a command published with the retain bit arrived without it")
		}

		o.send(t, paho.Publish{Topic: "base/car/commands/climate", Payload: []byte("start"), Properties: &paho.PublishProperties{
			ResponseTopic: "app/42/replies", CorrelationData: []byte{0x00, 0x7f, 0xff},
			MessageExpiry: paho.Uint32(60), ContentType: "text/plain",
			User: paho.UserProperties{{Key: "source", Value: "app"}},
		}})
		plain := next(t, l.messages, "the plain command")
		plain.Ack()
		plain.Ack() // does nothing
		if plain.Retained || plain.Duplicate || plain.ReceivedAt.IsZero() ||
			plain.ResponseTopic != "app/42/replies" || string(plain.CorrelationData) != "\x00\x7f\xff" ||
			!plain.HasExpiry || plain.Expiry <= 50*time.Second || plain.Expiry > 60*time.Second ||
			plain.ContentType != "text/plain" || len(plain.User) != 1 || plain.User[0] != (mqtt.Property{Key: "source", Value: "app"}) {
			t.Errorf("command arrived as %+v", plain)
		}
	})
}

func TestClient_AMomentThatIsToBeKeptArrivesAsAnyOther(t *testing.T) {
	onBothBrokers(t, func(t *testing.T, b testBroker) {
		o := observe(t, b.Addr())
		o.send(t, paho.Publish{Topic: "status", Payload: []byte("old"), Retain: true})
		l := startUp(t, b.Addr(), mqtt.Options{Subscriptions: []string{"status", "other"}, Moments: []string{"status"}})
		for _, retained := range []bool{true, false} {
			m := next(t, l.messages, "a message")
			m.Ack()
			if m.Retained != retained {
				t.Errorf("%s arrived with retained %v", m.Payload, m.Retained)
			}
			o.send(t, paho.Publish{Topic: "status", Payload: []byte("new"), Retain: true})
		}
	})
}

func TestClient_UnacknowledgedMessageIsNotRepeatedOnTheNextConnection(t *testing.T) {
	onBothBrokers(t, func(t *testing.T, b testBroker) {
		link := linktest.New(t, b.Addr())
		l := startUp(t, link.Addr(), mqtt.Options{ClientID: "fixed", Subscriptions: []string{"cmd/+"}})
		o := observe(t, b.Addr())
		o.send(t, paho.Publish{Topic: "cmd/a", Payload: []byte("first")})
		first := next(t, l.messages, "the first command")
		link.Cut()
		next(t, l.ups, "the second connection")
		first.Ack() // of a connection that is gone: must not acknowledge anything else
		o.send(t, paho.Publish{Topic: "cmd/a", Payload: []byte("second")})
		second := next(t, l.messages, "the second command")
		second.Ack()
		if string(second.Payload) != "second" || second.Duplicate {
			t.Errorf("got %q again, duplicate %v", second.Payload, second.Duplicate)
		}
	})
}

func TestClient_CommandsQueuedWhileAwayAreNotDelivered(t *testing.T) {
	onBothBrokers(t, func(t *testing.T, b testBroker) {
		// Somebody used the client id with a session that the broker keeps.
		keeper := observe(t, b.Addr())
		network, err := net.DialTimeout("tcp", b.Addr(), patience)
		if err != nil {
			t.Fatal(err)
		}
		former := paho.NewClient(paho.ClientConfig{Conn: network})
		if _, err := former.Connect(t.Context(), &paho.Connect{
			ClientID: "bridge", KeepAlive: 60,
			Properties: &paho.ConnectProperties{SessionExpiryInterval: paho.Uint32(3600), RequestProblemInfo: true},
		}); err != nil {
			t.Fatal(err)
		}
		if _, err := former.Subscribe(t.Context(), &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: "cmd", QoS: 1}}}); err != nil {
			t.Fatal(err)
		}
		if err := former.Disconnect(&paho.Disconnect{}); err != nil {
			t.Fatal(err)
		}
		keeper.send(t, paho.Publish{Topic: "cmd", Payload: []byte("late")})
		l := startUp(t, b.Addr(), mqtt.Options{ClientID: "bridge", Subscriptions: []string{"cmd"}})
		keeper.send(t, paho.Publish{Topic: "cmd", Payload: []byte("fresh")})
		m := next(t, l.messages, "the fresh command")
		m.Ack()
		if string(m.Payload) != "fresh" {
			t.Errorf("got %q", m.Payload)
		}
	})
}

func TestClient_BrokerWaitsForAcknowledgements(t *testing.T) {
	const window = 5
	t.Run("in 5", func(t *testing.T) {
		waitsForAcknowledgements(t, window, mqtttest.Start(t), mqtt.Options{ReceiveMaximum: window})
	})
	// In 3.1.1 nobody can ask for it, and the broker's own bound counts.
	t.Run("in 3.1.1", func(t *testing.T) {
		waitsForAcknowledgements(t, window, mqtttest.Start(t, fmt.Sprint("max_inflight_messages ", window)), mqtt.Options{})
	})
}

func waitsForAcknowledgements(t *testing.T, window int, b testBroker, opts mqtt.Options) {
	const total = 40
	opts.Subscriptions = []string{"cmd"}
	l := startUp(t, b.Addr(), opts)
	o := observe(t, b.Addr())
	for i := range total {
		o.send(t, paho.Publish{Topic: "cmd", Payload: []byte(strconv.Itoa(i))})
	}
	var open []mqtt.Message
	for range window {
		open = append(open, next(t, l.messages, "a message within the window"))
	}
	// The broker has handled a later request of ours, so more would have been here by now.
	if err := l.Subscribe(t.Context(), "other"); err != nil {
		t.Fatal(err)
	}
	if extra := len(l.messages); extra != 0 {
		t.Fatalf("%d messages beyond the window of %d", extra, window)
	}
	for i := len(open) - 1; i >= 0; i-- {
		open[i].Ack() // last first: the client keeps MQTT's order
	}
	seen := window
	for ; seen < total; seen++ {
		m := next(t, l.messages, fmt.Sprintf("message %d", seen))
		m.Ack()
	}
}

func TestClient_BurstOfMessagesIsTakenInOrder(t *testing.T) {
	const total = 1000
	onBothBrokers(t, func(t *testing.T, b testBroker) {
		l := startUp(t, b.Addr(), mqtt.Options{Subscriptions: []string{"cmd"}})
		sender := startUp(t, b.Addr(), mqtt.Options{})
		for i := range total {
			sender.publish(t, event("cmd", strconv.Itoa(i)))
		}
		for i := range total {
			m := next(t, l.messages, "message "+strconv.Itoa(i))
			if string(m.Payload) != strconv.Itoa(i) {
				t.Fatalf("message %d is %s", i, m.Payload)
			}
			m.Ack()
		}
		if stats := l.Stats(); stats.Received != total {
			t.Errorf("received %d", stats.Received)
		}
	})
}

func TestClient_FiltersCanComeAndGo(t *testing.T) {
	onBothBrokers(t, func(t *testing.T, b testBroker) {
		link := linktest.New(t, b.Addr())
		l := startUp(t, link.Addr(), mqtt.Options{})
		var filters []string
		for i := range 20 { // more than one SUBSCRIBE carries
			filters = append(filters, fmt.Sprintf("base/car%d/commands/+", i))
		}
		if err := l.Subscribe(t.Context(), filters...); err != nil {
			t.Fatal(err)
		}
		o := observe(t, b.Addr())
		hear := func(topic string) {
			t.Helper()
			o.send(t, paho.Publish{Topic: topic, Payload: []byte("x")})
			m := next(t, l.messages, topic)
			m.Ack()
			if m.Topic != topic {
				t.Fatalf("heard %s, want %s", m.Topic, topic)
			}
		}
		hear("base/car0/commands/lock")
		hear("base/car19/commands/lock")

		if err := l.Unsubscribe(t.Context(), filters[0]); err != nil {
			t.Fatal(err)
		}
		o.send(t, paho.Publish{Topic: "base/car0/commands/lock", Payload: []byte("unheard")})
		hear("base/car7/commands/lock")

		link.Cut()
		next(t, l.ups, "the second connection")
		o.send(t, paho.Publish{Topic: "base/car0/commands/lock", Payload: []byte("unheard")})
		hear("base/car19/commands/climate")
		if err := l.Subscribe(t.Context(), "a/#/b"); err == nil {
			t.Error("a wrong filter was accepted")
		}
	})
}
