package broker

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/packets"
)

// wire is a client of version 5 that sends what a test tells it, and nothing else.
type wire struct {
	net.Conn
	t testing.TB
}

// dial opens a connection that ends with the test.
func dial(t testing.TB, addr string) *wire {
	t.Helper()
	conn, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &wire{conn, t}
}

// hello connects as id, after more was done to the CONNECT, and returns the answer.
func hello(t testing.TB, addr, id string, more func(*packets.Connect)) (*wire, *packets.Connack) {
	t.Helper()
	w := dial(t, addr)
	return w, w.hello(id, more)
}

func (w *wire) hello(id string, more func(*packets.Connect)) *packets.Connack {
	w.t.Helper()
	packet := packets.NewControlPacket(packets.CONNECT)
	c, _ := packet.Content.(*packets.Connect)
	c.ClientID, c.KeepAlive = id, 60
	if more != nil {
		more(c)
	}
	w.send(packet)
	answer, ok := w.receive().(*packets.Connack)
	if !ok {
		w.t.Fatal("not answered by CONNACK")
	}
	return answer
}

// keeps asks for a session that outlives its connections.
func keeps(c *packets.Connect) { c.Properties.SessionExpiryInterval = pointer(uint32(3600)) }

func pointer[T any](v T) *T { return &v }

func (w *wire) send(packet *packets.ControlPacket) {
	w.t.Helper()
	if _, err := packet.WriteTo(w.Conn); err != nil {
		w.t.Fatal(err)
	}
}

// receive returns what comes next.
func (w *wire) receive() any {
	w.t.Helper()
	if err := w.SetReadDeadline(time.Now().Add(patience)); err != nil {
		w.t.Fatal(err)
	}
	packet, err := packets.ReadPacket(w.Conn)
	if err != nil {
		w.t.Fatal(err)
	}
	return packet.Content
}

// receiveUnless returns nothing if nothing is to come.
func (w *wire) receiveUnless(nothing bool) any {
	w.t.Helper()
	if nothing {
		return nil
	}
	return w.receive()
}

// message returns the next PUBLISH, and acknowledges it if it has QoS 1.
func (w *wire) message() *packets.Publish {
	w.t.Helper()
	for {
		if p, ok := w.receive().(*packets.Publish); ok {
			if p.QoS == 1 {
				w.acknowledge(packets.PUBACK, p.PacketID)
			}
			return p
		}
	}
}

func (w *wire) acknowledge(kind byte, id uint16) {
	w.t.Helper()
	packet := packets.NewControlPacket(kind)
	switch c := packet.Content.(type) {
	case *packets.Puback:
		c.PacketID = id
	case *packets.Pubrec:
		c.PacketID = id
	case *packets.Pubrel:
		c.PacketID = id
	case *packets.Pubcomp:
		c.PacketID = id
	}
	w.send(packet)
}

func (w *wire) subscribe(id uint16, subscriptions ...packets.SubOptions) {
	w.t.Helper()
	packet := packets.NewControlPacket(packets.SUBSCRIBE)
	s, _ := packet.Content.(*packets.Subscribe)
	s.PacketID, s.Subscriptions = id, subscriptions
	w.send(packet)
}

// subscribed subscribes and waits for the answer.
func (w *wire) subscribed(filter string, qos byte) {
	w.t.Helper()
	w.subscribe(1, packets.SubOptions{Topic: filter, QoS: qos})
	for {
		if _, ok := w.receive().(*packets.Suback); ok {
			return
		}
	}
}

func (w *wire) publish(p packets.Publish) {
	w.t.Helper()
	packet := packets.NewControlPacket(packets.PUBLISH)
	content, _ := packet.Content.(*packets.Publish)
	if p.Properties == nil {
		p.Properties = content.Properties
	}
	*content = p
	if p.QoS > 0 && p.Duplicate {
		packet.Flags |= 1 << 3
	}
	w.send(packet)
}

// published publishes with QoS 1 and waits for the answer.
func (w *wire) published(topic, payload string, retain bool) {
	w.t.Helper()
	w.publish(packets.Publish{Topic: topic, Payload: []byte(payload), QoS: 1, Retain: retain, PacketID: 1})
	for {
		if _, ok := w.receive().(*packets.Puback); ok {
			return
		}
	}
}

// quiet fails the test if a message comes before the answer to a ping.
func (w *wire) quiet() {
	w.t.Helper()
	w.send(packets.NewControlPacket(packets.PINGREQ))
	for {
		switch p := w.receive().(type) {
		case *packets.Publish:
			w.t.Errorf("got %s on %s", p.Payload, p.Topic)
		case *packets.Pingresp:
			return
		}
	}
}

// cut waits until the broker hangs up.
func (w *wire) cut() {
	w.t.Helper()
	if err := w.SetReadDeadline(time.Now().Add(patience)); err != nil {
		w.t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, w.Conn); errors.Is(err, os.ErrDeadlineExceeded) {
		w.t.Error("the broker does not hang up")
	}
}

// quiet is a log that nobody reads.
func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }
