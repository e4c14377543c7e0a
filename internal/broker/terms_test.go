package broker

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/eclipse/paho.golang/packets"
	mochi "github.com/mochi-mqtt/server/v2"
	mochipackets "github.com/mochi-mqtt/server/v2/packets"
)

// A will without payload clears a retained topic; an empty password is a password.
func TestTerms_EmptyWillAndEmptyPasswordAreTaken(t *testing.T) {
	b, _ := start(t, Options{})
	publisher, _ := hello(t, b.Addr(), "publisher", nil)
	publisher.published("state", "online", true)
	publisher.quiet() // it is acknowledged before it is passed on
	watcher, _ := hello(t, b.Addr(), "watcher", nil)
	watcher.subscribed("state", 1)
	watcher.message()
	dying, answer := hello(t, b.Addr(), "dying", func(c *packets.Connect) {
		c.WillFlag, c.WillTopic, c.WillRetain = true, "state", true
		c.UsernameFlag, c.Username, c.PasswordFlag = true, "anybody", true
	})
	if answer.ReasonCode != 0 {
		t.Fatalf("refused: %s", answer.Reason())
	}
	_ = dying.Close()
	if p := watcher.message(); len(p.Payload) != 0 {
		t.Errorf("the will is %q", p.Payload)
	}
	late, _ := hello(t, b.Addr(), "late", nil)
	late.subscribed("state", 1)
	late.quiet()
}

// A will waits no longer than the session lasts, and is retained.
func TestTerms_WillOfASessionThatEndsAtOnceComesAtOnce(t *testing.T) {
	b, _ := start(t, Options{})
	watcher, _ := hello(t, b.Addr(), "watcher", nil)
	watcher.subscribed("state", 1)
	dying, _ := hello(t, b.Addr(), "dying", func(c *packets.Connect) {
		c.WillFlag, c.WillTopic, c.WillRetain, c.WillMessage = true, "state", true, []byte("offline")
		c.WillProperties = &packets.Properties{WillDelayInterval: pointer(uint32(3600))}
	})
	_ = dying.Close()
	if p := watcher.message(); string(p.Payload) != "offline" {
		t.Errorf("got %s", p.Payload)
	}
	late, _ := hello(t, b.Addr(), "late", nil)
	late.subscribed("state", 1)
	if p := late.message(); string(p.Payload) != "offline" {
		t.Errorf("got %s", p.Payload)
	}
}

// Mochi sends and keeps a delayed will only of a session that is still there, and looks for both in the same second.
func TestTerms_SessionOutlivesItsWill(t *testing.T) {
	for delay, want := range map[uint32][2]uint32{0: {0, 60}, 10: {10, 60}, 60: {60, 62}, 3600: {60, 62}} {
		client := mochi.New(serverOptions(quiet())).NewClient(nil, "tcp", "c", false)
		client.Properties.Will.WillDelayInterval, client.Properties.Props.SessionExpiryInterval = delay, 60
		if err := new(terms).OnConnect(client, mochipackets.Packet{}); err != nil {
			t.Fatal(err)
		}
		if got := [2]uint32{client.Properties.Will.WillDelayInterval, client.Properties.Props.SessionExpiryInterval}; got != want {
			t.Errorf("delay %d: delay and expiry are %v, want %v", delay, got, want)
		}
	}
}

func TestTerms_LongKeepAliveIsNotCutShort(t *testing.T) {
	b, _ := start(t, Options{})
	for _, keepAlive := range []uint16{0, math.MaxUint16/3*2 + 1, math.MaxUint16} { // mochi reckons with 0 s, 0 s and 9 h
		w, _ := hello(t, b.Addr(), fmt.Sprint("c", keepAlive), func(c *packets.Connect) { c.KeepAlive = keepAlive })
		w.quiet()
		w.quiet()
	}
}

// Who allows aliases is sent whole topics all the same: what was kept for it would come under an alias that it has forgotten.
func TestTerms_TopicsAreSentWhole(t *testing.T) {
	b, _ := start(t, Options{})
	publisher, _ := hello(t, b.Addr(), "publisher", nil)
	allow := func(c *packets.Connect) { keeps(c); c.Properties.TopicAliasMaximum = pointer(uint16(10)) }
	w, _ := hello(t, b.Addr(), "subscriber", allow)
	w.subscribed("car/#", 1)
	publisher.published("car/soc", "1", false)
	publisher.published("car/soc", "2", false)
	_ = w.Close()
	w, _ = hello(t, b.Addr(), "subscriber", allow)
	for range 2 {
		if p := w.message(); p.Topic != "car/soc" {
			t.Errorf("the topic is %q", p.Topic)
		}
	}
}

// All that a message of version 5 bears arrives, also at a client that wants no reasons for problems, as libraries have it
// unless they are told otherwise.
func TestTerms_PropertiesArriveAtWhoWantsNoReasons(t *testing.T) {
	b, _ := start(t, Options{})
	w, answer := hello(t, b.Addr(), "subscriber", func(c *packets.Connect) { c.Properties.RequestProblemInfo = pointer(byte(0)) })
	if got := answer.Properties.MaximumPacketSize; got == nil || *got != maxPacketSize {
		t.Errorf("the broker says that it takes %v", got)
	}
	w.subscribe(1, packets.SubOptions{Topic: "#", QoS: 1})
	publisher, _ := hello(t, b.Addr(), "publisher", nil)
	publisher.publish(packets.Publish{Topic: "a", QoS: 1, PacketID: 1, Payload: []byte("x"), Properties: &packets.Properties{
		ResponseTopic: "reply", CorrelationData: []byte("7"), ContentType: "text/plain", PayloadFormat: pointer(byte(1)),
		MessageExpiry: pointer(uint32(60)), User: []packets.User{{Key: "id", Value: "1"}, {Key: "id", Value: "2"}},
	}})
	if answer, ok := publisher.receive().(*packets.Puback); !ok || answer.ReasonCode != 0 || len(answer.Properties.User) > 0 {
		t.Errorf("acknowledged by %+v", answer) // mochi would send the properties back with the QoS as reason, over which mqtt.js stumbles
	}
	p := w.message().Properties
	if p.ResponseTopic != "reply" || string(p.CorrelationData) != "7" || p.ContentType != "text/plain" || p.PayloadFormat == nil ||
		p.MessageExpiry == nil || *p.MessageExpiry > 60 || len(p.User) != 2 || p.User[1].Value != "2" {
		t.Errorf("arrived: %+v", p)
	}
}

func TestTerms_PacketBeyondTheMaximumIsRefusedBeforeItComes(t *testing.T) {
	b, _ := start(t, Options{})
	for _, first := range []string{
		"\x10\xff\xff\xff\x7f", // a CONNECT of 256 MB
		"GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01\x02\x00", "\x30\x03\x00\x01a", strings.Repeat("\xff", 100),
	} {
		w := dial(t, b.Addr())
		if _, err := w.Write([]byte(first)); err != nil {
			t.Fatal(err)
		}
		w.cut()
	}
	w, _ := hello(t, b.Addr(), "c", nil)
	if _, err := w.Write([]byte("\x30\xff\xff\xff\x7f\x00\x01a")); err != nil {
		t.Fatal(err)
	}
	w.cut()
}
