package mqtt_test

import (
	"context"
	"errors"
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

func state(topic, payload string) mqtt.Publication {
	return mqtt.Publication{Topic: topic, Payload: []byte(payload), QoS: 1, Retain: true}
}

func event(topic, payload string) mqtt.Publication {
	return mqtt.Publication{Topic: topic, Payload: []byte(payload), QoS: 1}
}

func TestClient_OwnerPublishesBirthOnEachConnection(t *testing.T) {
	onBothBrokers(t, func(t *testing.T, b testBroker) {
		var l *line
		ready := make(chan struct{})
		l = start(t, b.Addr(), mqtt.Options{OnUp: func(mqtt.Info) {
			<-ready
			if err := l.Publish(context.Background(), state("base/bridge/state", "online")); err != nil {
				t.Error(err)
			}
		}})
		close(ready)
		if info := next(t, l.ups, "the connection"); info.Connection != 1 || !info.RetainAvailable {
			t.Errorf("first connection: %+v", info)
		}
		l.flush(t)
		if got := observe(t, b.Addr(), "#").expect(t, "base/bridge/state", "online"); !got.Retain {
			t.Error("the birth message is not retained")
		}

		b.Restart()
		next(t, l.downs, "the loss")
		if info := next(t, l.ups, "the second connection"); info.Connection != 2 {
			t.Errorf("second connection is number %d", info.Connection)
		}
		l.flush(t)
		observe(t, b.Addr(), "#").expect(t, "base/bridge/state", "online")
		if stats := l.Stats(); !stats.Connected || stats.Connections != 2 || stats.Published != 2 || stats.LastError != nil {
			t.Errorf("stats %+v", stats)
		}
	})
}

func TestClient_WillIsPublishedWhenTheLinkBreaks(t *testing.T) {
	onBothBrokers(t, func(t *testing.T, b testBroker) {
		link := linktest.New(t, b.Addr())
		will := state("base/bridge/state", "offline")
		l := startUp(t, link.Addr(), mqtt.Options{Will: &will})
		o := observe(t, b.Addr(), "#")
		link.Refuse(true)
		link.Cut()
		if got := o.expect(t, "base/bridge/state", "offline"); !got.Retain {
			t.Error("the will is not retained")
		}
		if err := next(t, l.downs, "the loss"); !errors.Is(err, mqtt.ErrLost) {
			t.Errorf("lost with %v", err)
		}
		link.Refuse(false)
		next(t, l.ups, "the connection after the cut")
	})
}

func TestClient_FarewellIsTheLastWordAndNoWillFollows(t *testing.T) {
	onBothBrokers(t, func(t *testing.T, b testBroker) {
		will := state("base/bridge/state", "lost")
		opts := mqtt.Options{ClientID: "one", Will: &will, Farewell: []mqtt.Publication{state("base/bridge/state", "offline")}}
		l := startUp(t, b.Addr(), opts)
		o := observe(t, b.Addr(), "base/#")
		l.publish(t, event("base/event", "last event"))
		l.stop()
		if err := l.Publish(t.Context(), event("base/event", "late")); !errors.Is(err, mqtt.ErrClosed) {
			t.Errorf("publish after the end: %v", err)
		}
		// A second session with the same client id makes the broker finish the first.
		second := startUp(t, b.Addr(), mqtt.Options{ClientID: "one"})
		second.publish(t, event("base/marker", "done"))
		o.expect(t, "base/event", "last event")
		o.expect(t, "base/bridge/state", "offline")
		o.expect(t, "base/marker", "done")
	})
}

func TestClient_FarewellThatCannotBeDeliveredLeavesTheWill(t *testing.T) {
	onBothBrokers(t, func(t *testing.T, b testBroker) {
		link := linktest.New(t, b.Addr())
		will := state("base/bridge/state", "lost")
		l := startUp(t, link.Addr(), mqtt.Options{
			Will: &will, FarewellTimeout: 100 * time.Millisecond,
			Farewell: []mqtt.Publication{event("base/farewell", "bye")},
		})
		o := observe(t, b.Addr(), "base/bridge/state")
		link.BlackHole(true)
		l.stop()
		link.BlackHole(false)
		o.expect(t, "base/bridge/state", "lost")
	})
}

func TestClient_RunEndsWhenTheBrokerNeverAnswers(t *testing.T) {
	link := linktest.New(t, "127.0.0.1:1") // nobody
	link.BlackHole(true)
	attempts := make(chan int, 100)
	l := start(t, link.Addr(), mqtt.Options{Backoff: func(n int) time.Duration { attempts <- n; return quickly(n) }})
	next(t, attempts, "the first attempt")
	l.stop()
	if l.Run(t.Context()) == nil {
		t.Error("a second Run must be refused")
	}
}

func TestClient_MessagesArriveAsPublished(t *testing.T) {
	onBothBrokers(t, func(t *testing.T, b testBroker) {
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

func TestClient_PublicationsCarryTheirProperties(t *testing.T) {
	onBothBrokers(t, func(t *testing.T, b testBroker) {
		o := observe(t, b.Addr(), "app/#")
		l := startUp(t, b.Addr(), mqtt.Options{})
		l.publish(t, mqtt.Publication{
			Topic: "app/42/replies", Payload: []byte(`{"id":"1"}`), QoS: 1, ContentType: "application/json",
			CorrelationData: []byte{1, 0, 2}, ResponseTopic: "app/back", Expiry: time.Hour,
			User: []mqtt.Property{{Key: "status", Value: "accepted"}, {Key: "schema", Value: "1"}},
		})
		got := o.expect(t, "app/42/replies", `{"id":"1"}`)
		p := got.Properties
		if got.Retain || p.ContentType != "application/json" || p.PayloadFormat == nil || *p.PayloadFormat != 1 ||
			string(p.CorrelationData) != "\x01\x00\x02" || p.ResponseTopic != "app/back" ||
			p.MessageExpiry == nil || *p.MessageExpiry < 3590 || *p.MessageExpiry > 3600 || p.User.Get("status") != "accepted" {
			t.Errorf("arrived as %+v", got)
		}
		l.publish(t, mqtt.Publication{Topic: "app/plain", QoS: 0})
		if got := o.expect(t, "app/plain", ""); got.Properties.MessageExpiry != nil || got.Properties.PayloadFormat != nil || got.QoS != 0 {
			t.Errorf("plain publication arrived as %+v", got)
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
	onBothBrokers(t, func(t *testing.T, b testBroker) {
		const window, total = 5, 40
		l := startUp(t, b.Addr(), mqtt.Options{Subscriptions: []string{"cmd"}, ReceiveMaximum: window})
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
			t.Fatalf("%d messages beyond the Receive Maximum of %d", extra, window)
		}
		for i := len(open) - 1; i >= 0; i-- {
			open[i].Ack() // last first: the client keeps MQTT's order
		}
		seen := window
		for ; seen < total; seen++ {
			m := next(t, l.messages, fmt.Sprintf("message %d", seen))
			m.Ack()
		}
	})
}

func TestClient_TenThousandPublicationsArriveInOrder(t *testing.T) {
	const total = 10_000
	onBothBrokers(t, func(t *testing.T, b testBroker) {
		o := observe(t, b.Addr(), "events/#")
		l := startUp(t, b.Addr(), mqtt.Options{EventLimit: total})
		for i := range total {
			l.publish(t, event("events/count", strconv.Itoa(i)))
		}
		l.flush(t)
		for i := range total {
			o.expect(t, "events/count", strconv.Itoa(i))
		}
		if stats := l.Stats(); stats.Published != total || stats.Dropped != 0 || stats.Queued != 0 || stats.InFlight != 0 {
			t.Errorf("stats %+v", stats)
		}
	})
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

func TestClient_NewerStateReplacesOneThatWaits(t *testing.T) {
	onBothBrokers(t, func(t *testing.T, b testBroker) {
		const window, updates = 2, 1000
		link := linktest.New(t, b.Addr())
		l := startUp(t, link.Addr(), mqtt.Options{MaxInFlight: window})
		o := observe(t, b.Addr(), "car/#")
		link.BlackHole(true)
		for i := range updates {
			l.publish(t, state("car/soc", strconv.Itoa(i)))
		}
		l.publish(t, state("car/range", "300"))
		if queued := l.Stats().Queued; queued > 2 {
			t.Errorf("%d publications wait for 2 topics", queued)
		}
		link.BlackHole(false)
		l.flush(t)
		arrived, last := 0, ""
		for {
			m := next(t, o.messages, "the states")
			if m.Topic == "car/range" {
				break // it was handed over last and keeps its place
			}
			arrived, last = arrived+1, string(m.Payload)
		}
		if last != strconv.Itoa(updates-1) || arrived > 20 {
			t.Errorf("%d of %d updates arrived, the last is %s", arrived, updates, last)
		}
	})
}

func TestClient_EventsSurviveAnOutageAndStatesDoNot(t *testing.T) {
	onBothBrokers(t, func(t *testing.T, b testBroker) {
		link := linktest.New(t, b.Addr())
		l := startUp(t, link.Addr(), mqtt.Options{})
		o := observe(t, b.Addr(), "car/#")

		link.BlackHole(true) // in flight when the link breaks
		l.publish(t, event("car/event", "-1"))
		l.publish(t, event("car/event", "0"))
		l.publish(t, event("car/event", "1"))
		l.publish(t, state("car/soc", "old"))
		link.Refuse(true)
		link.Cut()
		next(t, l.downs, "the loss")
		for _, payload := range []string{"2", "3", "4"} { // handed over while there is no connection
			l.publish(t, event("car/event", payload))
			l.publish(t, state("car/soc", "stale"))
		}
		link.BlackHole(false)
		link.Refuse(false)
		next(t, l.ups, "the second connection")
		l.publish(t, state("car/soc", "new"))
		for _, payload := range []string{"-1", "0", "1", "2", "3", "4"} {
			o.expect(t, "car/event", payload)
		}
		o.expect(t, "car/soc", "new")
		if stats := l.Stats(); stats.Skipped < 4 || stats.Dropped != 0 {
			t.Errorf("stats %+v", stats)
		}
	})
}

func TestClient_TooManyWaitingEventsPushOutTheOldest(t *testing.T) {
	b := startEmbedded(t, brokerDefaults)
	link := linktest.New(t, b.Addr())
	link.Refuse(true)
	var book logbook
	l := start(t, link.Addr(), mqtt.Options{EventLimit: 3, Logger: book.logger()})
	for i := range 8 {
		l.publish(t, event("car/event", strconv.Itoa(i)))
	}
	o := observe(t, b.Addr(), "car/#")
	link.Refuse(false)
	for _, payload := range []string{"5", "6", "7"} {
		o.expect(t, "car/event", payload)
	}
	if dropped := l.Stats().Dropped; dropped != 5 {
		t.Errorf("%d dropped events counted, want 5", dropped)
	}
	if said := book.containing("events are being dropped"); len(said) != 1 {
		t.Errorf("said %d times: %q", len(said), said)
	}
}

func TestClient_BrokerThatStartsLaterIsFound(t *testing.T) {
	onBothBrokers(t, func(t *testing.T, b testBroker) {
		b.Stop()
		attempts := make(chan int, 10_000)
		var book logbook
		l := start(t, b.Addr(), mqtt.Options{
			Logger:  book.logger(),
			Backoff: func(n int) time.Duration { attempts <- n; return quickly(n) },
		})
		for want := range 4 {
			if n := next(t, attempts, "an attempt"); n != want {
				t.Errorf("attempt %d was counted as %d", want, n)
			}
		}
		if err := l.Stats().LastError; !errors.Is(err, mqtt.ErrUnreachable) {
			t.Errorf("last error %v", err)
		}
		b.Restart()
		next(t, l.ups, "the connection")
		if said := book.containing("cannot connect"); len(said) != 1 {
			t.Errorf("said %d times: %q", len(said), said)
		}
	})
}

func TestClient_TakeOverIsNamedAndNotFought(t *testing.T) {
	b := startEmbedded(t, brokerDefaults)
	waits := make(chan int, 100)
	var book logbook
	l := startUp(t, b.Addr(), mqtt.Options{
		ClientID: "same", Logger: book.logger(),
		Backoff: func(n int) time.Duration { waits <- n; return mqtt.DefaultBackoff(n) },
	})
	if n := next(t, waits, "the first attempt"); n != 0 {
		t.Errorf("first attempt counted as %d", n)
	}
	startUp(t, b.Addr(), mqtt.Options{ClientID: "same"})
	err := next(t, l.downs, "the take-over")
	failure, ok := errors.AsType[*mqtt.Error](err)
	if !errors.Is(err, mqtt.ErrTakenOver) || !ok || failure.Code != 0x8e || failure.Hint() == "" {
		t.Fatalf("lost with %v", err)
	}
	if wait := mqtt.DefaultBackoff(next(t, waits, "the next attempt")); wait < 30*time.Second {
		t.Errorf("comes back after %v", wait)
	}
	if said := book.containing("took over this client id"); len(said) != 1 {
		t.Errorf("said %q", said)
	}
}

// Mosquitto 2.0.11 closes the older connection without a reason, so that it can only be guessed.
func TestClient_TwoClientsWithOneIDWaitEverLongerAndSayWhy(t *testing.T) {
	m := mqtttest.Start(t)
	attempts := make(chan int, 1000)
	var book logbook
	opts := mqtt.Options{
		ClientID: "same", Logger: book.logger(),
		Backoff: func(n int) time.Duration { attempts <- n; return quickly(n) },
	}
	start(t, m.Addr(), opts)
	start(t, m.Addr(), opts)
	for next(t, attempts, "a fight that calms down") < 6 {
	}
	if len(book.containing("perhaps another program uses the same client id")) == 0 &&
		len(book.containing("took over this client id")) == 0 {
		t.Error("nobody says what may be wrong")
	}
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

func TestClient_FlushEndsWithItsContext(t *testing.T) {
	link := linktest.New(t, "127.0.0.1:1")
	link.Refuse(true)
	l := start(t, link.Addr(), mqtt.Options{})
	l.flush(t) // nothing waits
	l.publish(t, event("car/event", "waits"))
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	if err := l.Flush(ctx); !errors.Is(err, cause) {
		t.Errorf("flush without a broker: %v", err)
	}
	if err := l.Publish(ctx, event("car/event", "late")); !errors.Is(err, cause) {
		t.Errorf("publish with an ended context: %v", err)
	}
}

func TestClient_ImpossiblePublicationsAreRefused(t *testing.T) {
	l := start(t, "127.0.0.1:1", mqtt.Options{})
	for _, pub := range []mqtt.Publication{
		{}, {Topic: "a/+"}, {Topic: "a/#"}, {Topic: "a\x00"}, {Topic: "\xff"}, {Topic: "a", QoS: 2}, {Topic: "a", Expiry: -1},
	} {
		if err := l.Publish(t.Context(), pub); !errors.Is(err, mqtt.ErrInvalid) {
			t.Errorf("%+v: %v", pub, err)
		}
	}
}
