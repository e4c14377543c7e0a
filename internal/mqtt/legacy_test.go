package mqtt

import (
	"bytes"
	"io"
	"math"
	"reflect"
	"strings"
	"testing"

	old "github.com/eclipse/paho.mqtt.golang/packets"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
	"pgregory.net/rapid"
)

// What is translated is judged by two libraries of others: one that writes and reads version 5, and one of 3.1.1.

// wire is a connection that keeps what is written and answers with what comes.
type wire struct {
	pieces
	written bytes.Buffer
}

func (w *wire) Write(b []byte) (int, error) { return w.written.Write(b) }

// down sends a packet of version 5 through a connection that translates and reads it as 3.1.1.
func down(t *rapid.T, packet io.WriterTo) old.ControlPacket {
	w := &wire{}
	c := newConn(deaf{w}, true, nil)
	if _, err := packet.WriteTo(c); err != nil {
		t.Fatal(err)
	}
	got, err := old.ReadPacket(&w.written)
	if err != nil {
		t.Fatalf("the broker cannot read it: %v", err)
	}
	if w.written.Len() > 0 {
		t.Fatalf("%d bytes too many", w.written.Len())
	}
	return got
}

// up sends a packet of 3.1.1 the other way.
func up(t *rapid.T, packet old.ControlPacket) *packets.ControlPacket {
	var b bytes.Buffer
	if err := packet.Write(&b); err != nil {
		t.Fatal(err)
	}
	in := &pieces{in: &b, most: rapid.IntRange(1, 5000).Draw(t, "piece")}
	got, err := packets.ReadPacket(newConn(in, true, func(uint16, byte) { t.Fatal("taken for an acknowledgement") }))
	if err != nil {
		t.Fatalf("the library cannot read it: %v", err)
	}
	if b.Len() > 0 {
		t.Fatalf("%d bytes are left", b.Len())
	}
	return got
}

func TestLegacy_ConnectSaysTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringN(1, 50, 200)
		connect := &paho.Connect{
			ClientID: text.Draw(t, "client id"), KeepAlive: rapid.Uint16().Draw(t, "keepalive"), CleanStart: true,
			Properties: &paho.ConnectProperties{RequestProblemInfo: true, ReceiveMaximum: paho.Uint16(32)},
		}
		if rapid.Bool().Draw(t, "user") {
			connect.UsernameFlag, connect.Username = true, text.Draw(t, "user name")
		}
		if rapid.Bool().Draw(t, "pass") {
			connect.PasswordFlag, connect.Password = true, []byte(text.Draw(t, "password"))
		}
		if rapid.Bool().Draw(t, "will") {
			connect.WillMessage = &paho.WillMessage{
				Topic: text.Draw(t, "topic"), Payload: []byte(text.Draw(t, "payload")), Retain: rapid.Bool().Draw(t, "retain"),
				QoS: byte(rapid.IntRange(0, 1).Draw(t, "qos")),
			}
			connect.WillProperties = &paho.WillProperties{WillDelayInterval: paho.Uint32(7)}
		}
		packet := connect.Packet()
		packet.ProtocolName, packet.ProtocolVersion = "MQTT", 5
		got := down(t, packet).(*old.ConnectPacket)
		if got.ProtocolName != "MQTT" || got.ProtocolVersion != 4 || !got.CleanSession || got.Keepalive != connect.KeepAlive ||
			got.ClientIdentifier != connect.ClientID || got.Username != connect.Username || string(got.Password) != string(connect.Password) ||
			got.UsernameFlag != (connect.UsernameFlag || connect.PasswordFlag) || got.PasswordFlag != connect.PasswordFlag ||
			got.WillFlag != (connect.WillMessage != nil) {
			t.Fatalf("%+v became %+v", connect, got)
		}
		if will := connect.WillMessage; will != nil && (got.WillTopic != will.Topic || !bytes.Equal(got.WillMessage, will.Payload) ||
			got.WillQos != will.QoS || got.WillRetain != will.Retain) {
			t.Fatalf("will %+v became %+v", will, got)
		}
		if code := got.Validate(); code != old.Accepted {
			t.Fatalf("the broker would answer %d", code)
		}
	})
}

func TestLegacy_SubscriptionsSayTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		filters := rapid.SliceOfN(rapid.StringN(1, 50, 200), 1, filtersAtOnce).Draw(t, "filters")
		id := rapid.Uint16Min(1).Draw(t, "id")
		subscribe := &paho.Subscribe{}
		for _, filter := range filters {
			subscribe.Subscriptions = append(subscribe.Subscriptions, paho.SubscribeOptions{Topic: filter, QoS: 1, RetainAsPublished: true, NoLocal: true})
		}
		packet := subscribe.Packet()
		packet.PacketID = id
		got := down(t, packet).(*old.SubscribePacket)
		if got.MessageID != id || !reflect.DeepEqual(got.Topics, filters) || !bytes.Equal(got.Qoss, bytes.Repeat([]byte{1}, len(filters))) {
			t.Fatalf("became %+v", got)
		}
		unsubscribe := (&paho.Unsubscribe{Topics: filters}).Packet()
		unsubscribe.PacketID = id
		if got := down(t, unsubscribe).(*old.UnsubscribePacket); got.MessageID != id || !reflect.DeepEqual(got.Topics, filters) {
			t.Fatalf("became %+v", got)
		}
		suback := old.NewControlPacket(old.Suback).(*old.SubackPacket)
		suback.MessageID, suback.ReturnCodes = id, []byte{0, 1, 0x80}
		if got := up(t, suback).Content.(*packets.Suback); got.PacketID != id || !bytes.Equal(got.Reasons, suback.ReturnCodes) {
			t.Fatalf("SUBACK became %+v", got)
		}
		unsuback := old.NewControlPacket(old.Unsuback).(*old.UnsubackPacket)
		unsuback.MessageID = id
		if got := up(t, unsuback).Content.(*packets.Unsuback); got.PacketID != id {
			t.Fatalf("UNSUBACK became %+v", got)
		}
	})
}

func TestLegacy_PublicationsSayTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		packet := old.NewControlPacket(old.Publish).(*old.PublishPacket)
		packet.TopicName = rapid.StringN(1, 300, 1000).Draw(t, "topic")
		packet.Payload = rapid.SliceOfN(rapid.Byte(), 0, 20_000).Draw(t, "payload")
		packet.Qos, packet.Retain = byte(rapid.IntRange(0, 1).Draw(t, "qos")), rapid.Bool().Draw(t, "retain")
		if packet.Qos > 0 {
			packet.MessageID, packet.Dup = rapid.Uint16Min(1).Draw(t, "id"), rapid.Bool().Draw(t, "duplicate")
		}
		came := up(t, packet)
		got := came.Content.(*packets.Publish)
		if got.Topic != packet.TopicName || !bytes.Equal(got.Payload, packet.Payload) || got.QoS != packet.Qos || got.Retain != packet.Retain ||
			got.PacketID != packet.MessageID || got.Duplicate != packet.Dup {
			t.Fatalf("%+v became %+v", packet, got)
		}

		pub := Publication{
			Topic: packet.TopicName, Payload: packet.Payload, QoS: packet.Qos, ContentType: "text/plain", ResponseTopic: "r",
			CorrelationData: []byte("c"), User: []Property{{"k", "v"}}, Expiry: 1,
		}
		sent := pub.encode([]byte("before"), packet.MessageID, pub.QoS, packet.Retain, pub.Expiry, true)[len("before"):]
		if pub.size(true) != len(sent) {
			t.Fatalf("size says %d, the packet has %d bytes", pub.size(true), len(sent))
		}
		read, err := old.ReadPacket(bytes.NewReader(sent))
		if err != nil {
			t.Fatal(err)
		}
		arrived := read.(*old.PublishPacket)
		if arrived.TopicName != pub.Topic || !bytes.Equal(arrived.Payload, pub.Payload) || arrived.Qos != pub.QoS ||
			arrived.Retain != packet.Retain || arrived.MessageID != packet.MessageID {
			t.Fatalf("%+v was sent as %+v", pub, arrived)
		}
	})
}

func TestLegacy_AnswersToConnectKeepTheirMeaning(t *testing.T) {
	for code, want := range map[byte]byte{0: 0, 1: 0x84, 2: 0x85, 3: 0x88, 4: 0x86, 5: 0x87, 0x9a: 0x9a} {
		packet, err := packets.ReadPacket(newConn(&pieces{in: bytes.NewReader([]byte{0x20, 2, 0, code}), most: 1}, true, nil))
		if err != nil || packet.Content.(*packets.Connack).ReasonCode != want {
			t.Errorf("code %d became %+v, %v", code, packet, err)
		}
	}
}

func TestLegacy_PingAndFarewellAreThoseOf311(t *testing.T) {
	for want, packet := range map[string]io.WriterTo{
		"\xc0\x00": &packets.Pingreq{}, "\xe0\x00": &packets.Disconnect{Properties: &packets.Properties{ReasonString: "bye"}},
	} {
		w := &wire{}
		if _, err := packet.WriteTo(newConn(deaf{w}, true, nil)); err != nil || w.written.String() != want {
			t.Errorf("% x was written, %v", w.written.String(), err)
		}
	}
	w := &wire{}
	if _, err := (&packets.Auth{Properties: &packets.Properties{}}).WriteTo(newConn(deaf{w}, true, nil)); err == nil || w.written.Len() > 0 {
		t.Errorf("a packet that 3.1.1 does not know was written as % x", w.written.String())
	}
}

// Whatever a broker sends ends in packets or an error.
func TestLegacy_NonsenseIsAnError(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sent := rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, "sent")
		c := newConn(&pieces{in: bytes.NewReader(sent), most: math.MaxInt}, true, func(uint16, byte) {})
		for {
			if _, err := packets.ReadPacket(c); err != nil {
				return
			}
		}
	})
	for _, short := range []string{"\x20\x01\x00", "\x90\x01\x00", "\x30\x01\x00", "\x30\x03\x00\x05a", "\x32\x04\x00\x01a\x00"} {
		c := newConn(&pieces{in: strings.NewReader(short + strings.Repeat("x", 10)), most: 100}, true, nil)
		if n, err := c.Read(make([]byte, 10)); err == nil {
			t.Errorf("%q gives %d bytes", short, n)
		}
	}
}
