package broker

import (
	"strconv"
	"testing"

	"github.com/eclipse/paho.golang/packets"
)

// A client that takes so many messages at once is never sent more, gets all of them in order, and holds up nobody else.
func TestWindows_NeverMoreThanTheClientTakes(t *testing.T) {
	const size, total = 3, 50
	for _, qos := range []byte{1, 2} {
		b, _ := start(t, Options{})
		w, _ := hello(t, b.Addr(), "subscriber", func(c *packets.Connect) { c.Properties.ReceiveMaximum = pointer(uint16(size)) })
		w.subscribed("t", qos)
		other, _ := hello(t, b.Addr(), "other", nil)
		other.subscribed("t", 0)
		publisher, _ := hello(t, b.Addr(), "publisher", nil)
		publisher.subscribed("never", 0)
		for i := range total {
			publisher.publish(packets.Publish{Topic: "t", QoS: qos, PacketID: uint16(i + 1), Payload: []byte(strconv.Itoa(i))})
		}
		for range total {
			other.message()
		}
		var waiting []uint16
		for next := 0; next < total; {
			for len(waiting) < size && next < total {
				given, ok := w.receive().(*packets.Publish)
				if !ok || string(given.Payload) != strconv.Itoa(next) {
					t.Fatalf("got %+v, want %d", given, next)
				}
				waiting, next = append(waiting, given.PacketID), next+1
			}
			w.quiet()
			if qos == 2 {
				w.acknowledge(packets.PUBREC, waiting[0])
				if _, ok := w.receive().(*packets.Pubrel); !ok {
					t.Fatal("no PUBREL")
				}
				w.acknowledge(packets.PUBCOMP, waiting[0])
			} else {
				w.acknowledge(packets.PUBACK, waiting[0])
			}
			waiting = waiting[1:]
		}
	}
}

// One that never acknowledges can go all the same, and what it did not take is kept for it.
func TestWindows_WhoNeverAcknowledgesCanGo(t *testing.T) {
	b, _ := start(t, Options{})
	few := func(c *packets.Connect) { keeps(c); c.Properties.ReceiveMaximum = pointer(uint16(2)) }
	w, _ := hello(t, b.Addr(), "subscriber", few)
	w.subscribed("t", 1)
	publisher, _ := hello(t, b.Addr(), "publisher", nil)
	for i := range 10 {
		publisher.published("t", strconv.Itoa(i), false)
	}
	for range 2 {
		w.receive()
	}
	w, _ = hello(t, b.Addr(), "subscriber", few)
	for i := range 10 {
		if p := w.message(); string(p.Payload) != strconv.Itoa(i) {
			t.Fatalf("got %s, want %d", p.Payload, i)
		}
	}
}
