package mqtt_test

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/mqtt"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/mqtt/linktest"
)

func state(topic, payload string) mqtt.Publication {
	return mqtt.Publication{Topic: topic, Payload: []byte(payload), QoS: 1, Retain: true}
}

func event(topic, payload string) mqtt.Publication {
	return mqtt.Publication{Topic: topic, Payload: []byte(payload), QoS: 1}
}

func TestClient_PublicationsCarryTheirProperties(t *testing.T) {
	onBothBrokersIn5(t, func(t *testing.T, b testBroker) {
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
