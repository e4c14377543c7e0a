package broker

import (
	"fmt"
	"testing"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
)

// A client numbers its requests from 1, and so does the broker what it sends: neither has to do with the other (MQTT 5,
// section 2.2.1). One that asks before it has acknowledged what it is sent gets its subscription.
func TestBroker_IdentifiersOfClientAndBrokerAreTheirOwn(t *testing.T) {
	const topics, more = 50, 10
	b, _ := start(t, Options{})
	publisher, _, err := connect(t, b.Addr(), paho.Connect{ClientID: "publisher"}, paho.ClientConfig{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range topics {
		if _, err := publisher.Publish(t.Context(), &paho.Publish{Topic: fmt.Sprint("car/", i), QoS: 1, Retain: true, Payload: []byte("x")}); err != nil {
			t.Fatal(err)
		}
	}
	slow, _, err := connect(t, b.Addr(), paho.Connect{ClientID: "slow"}, paho.ClientConfig{EnableManualAcknowledgment: true})
	if err != nil {
		t.Fatal(err)
	}
	for i := range more {
		filter := "#"
		if i > 0 {
			filter = fmt.Sprint("more/", i)
		}
		answer, err := slow.Subscribe(t.Context(), &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: filter, QoS: 1}}})
		if err != nil {
			t.Errorf("subscription %d: %v %+v", i, err, answer)
		}
	}
	for i := range more {
		filter := fmt.Sprint("more/", i)
		want := byte(packets.UnsubackSuccess)
		if i == 0 {
			filter, want = "never", packets.UnsubackNoSubscriptionFound
		}
		answer, err := slow.Unsubscribe(t.Context(), &paho.Unsubscribe{Topics: []string{filter}})
		if err != nil || answer.Reasons[0] != want {
			t.Errorf("unsubscription %d: %v %+v", i, err, answer)
		}
	}
}
