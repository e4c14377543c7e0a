package broker

import (
	"errors"
	"fmt"
	"testing"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
	mochi "github.com/mochi-mqtt/server/v2"
	mochipackets "github.com/mochi-mqtt/server/v2/packets"
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

// A message that waits for its acknowledgement is not forgotten because the client publishes one under the same number.
func TestBroker_PublishingDoesNotForgetWhatIsOnItsWay(t *testing.T) {
	for qos := range byte(3) {
		b, _ := start(t, Options{})
		w, _ := hello(t, b.Addr(), "both", keeps)
		w.subscribed("in/#", 1)
		publisher, _ := hello(t, b.Addr(), "publisher", nil)
		publisher.published("in/1", "kept", false)
		given, ok := w.receive().(*packets.Publish)
		if !ok {
			t.Fatal("not the message")
		}
		own := packets.Publish{Topic: "out", QoS: qos}
		if qos > 0 {
			own.PacketID = given.PacketID
		}
		w.publish(own)
		switch answer := w.receiveUnless(qos == 0).(type) {
		case *packets.Puback:
			if answer.PacketID != own.PacketID {
				t.Errorf("acknowledged %d, want %d", answer.PacketID, own.PacketID)
			}
		case *packets.Pubrec:
			if answer.PacketID != own.PacketID {
				t.Errorf("received %d, want %d", answer.PacketID, own.PacketID)
			}
			w.acknowledge(packets.PUBREL, own.PacketID)
			if done, ok := w.receive().(*packets.Pubcomp); !ok || done.PacketID != own.PacketID {
				t.Errorf("completed %+v, want %d", done, own.PacketID)
			}
		case nil:
		default:
			t.Errorf("answered by %T", answer)
		}
		_ = w.Close()
		w, _ = hello(t, b.Addr(), "both", keeps)
		if p := w.message(); string(p.Payload) != "kept" {
			t.Errorf("qos %d: got %s", qos, p.Payload)
		}
	}
}

// A message of QoS 2 whose PUBREC was lost is sent again, also over a new connection, and was received well, once.
func TestBroker_MessageOfQoS2IsTakenOnce(t *testing.T) {
	b, _ := start(t, Options{})
	watcher, _ := hello(t, b.Addr(), "watcher", nil)
	watcher.subscribed("commands", 2)
	w, _ := hello(t, b.Addr(), "sender", keeps)
	command := packets.Publish{Topic: "commands", Payload: []byte("lock"), QoS: 2, PacketID: 1}
	w.publish(command)
	if _, ok := w.receive().(*packets.Pubrec); !ok {
		t.Fatal("not received")
	}
	_ = w.Close()
	w, _ = hello(t, b.Addr(), "sender", keeps)
	command.Duplicate = true
	w.publish(command)
	for range 2 { // mochi sends a PUBREC on its own, too
		if answer, ok := w.receive().(*packets.Pubrec); !ok || answer.ReasonCode != 0 || answer.PacketID != 1 {
			t.Errorf("answered by %+v", answer)
		}
	}
	w.acknowledge(packets.PUBREL, 1)
	if answer, ok := w.receive().(*packets.Pubcomp); !ok || answer.ReasonCode != 0 || answer.PacketID != 1 {
		t.Errorf("completed by %+v", answer)
	}
	given, ok := watcher.receive().(*packets.Publish)
	if !ok || string(given.Payload) != "lock" {
		t.Errorf("got %+v", given)
	}
	watcher.acknowledge(packets.PUBREC, given.PacketID)
	if _, ok := watcher.receive().(*packets.Pubrel); !ok {
		t.Error("no PUBREL")
	}
	watcher.acknowledge(packets.PUBCOMP, given.PacketID)
	watcher.quiet()

	// The same number is free for another message.
	w.publish(packets.Publish{Topic: "commands", Payload: []byte("unlock"), QoS: 2, PacketID: 1})
	if answer, ok := w.receive().(*packets.Pubrec); !ok || answer.ReasonCode != 0 {
		t.Errorf("answered by %+v", answer)
	}
	if p := watcher.message(); string(p.Payload) != "unlock" {
		t.Errorf("got %s", p.Payload)
	}
}

// Clients of 3.1.1 cannot know how many messages of QoS 2 the broker takes at once.
func TestBroker_ManyMessagesOfQoS2AtOnce(t *testing.T) {
	const total = 3000
	b, _ := start(t, Options{})
	w, _ := hello(t, b.Addr(), "sender", nil)
	for i := range total {
		w.publish(packets.Publish{Topic: "t", QoS: 2, PacketID: uint16(i + 1)})
	}
	for i := range total {
		if answer, ok := w.receive().(*packets.Pubrec); !ok || answer.ReasonCode != 0 || answer.PacketID != uint16(i+1) {
			t.Fatalf("message %d is answered by %+v", i+1, answer)
		}
	}
	for i := range total {
		w.acknowledge(packets.PUBREL, uint16(i+1))
		if answer, ok := w.receive().(*packets.Pubcomp); !ok || answer.PacketID != uint16(i+1) {
			t.Fatalf("message %d is completed by %+v", i+1, answer)
		}
	}
}

// A message of QoS 2 that mochi did not pass on, since its connection ended before the answer, is passed on when it comes again.
func TestIdentifiers_MessageThatWasNotPassedOnIsForgotten(t *testing.T) {
	client := mochi.New(serverOptions(quiet())).NewClient(nil, "tcp", "c", false)
	i := newIdentifiers()
	read := func() mochipackets.Packet {
		packet, err := i.OnPacketRead(client, mochipackets.Packet{FixedHeader: mochipackets.FixedHeader{Type: mochipackets.Publish, Qos: 2}, PacketID: 7})
		if err != nil {
			t.Fatal(err)
		}
		return packet
	}
	for passed, failures := range []error{errors.New("connection ended"), nil, errors.New("connection ended again")} {
		packet := read()
		client.State.Inflight.Set(mochipackets.Packet{FixedHeader: mochipackets.FixedHeader{Type: mochipackets.Pubrec}, PacketID: packet.PacketID})
		i.OnPacketProcessed(client, packet, failures)
		if _, known := client.State.Inflight.Get(packet.PacketID); known != (passed > 0) {
			t.Errorf("arrival %d: known is %v", passed, known)
		}
	}
}
