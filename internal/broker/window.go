package broker

import (
	"math"
	"sync"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// windows keeps to the Receive Maximum of clients: what they have not acknowledged is never more, or some hang up, like those
// of Mosquitto over 20 messages of QoS 2. Mochi's own way of doing so must not run (dropQuotas). Here the goroutine waits that
// sends what is queued for the client, with nothing held. What was kept for a client is sent before anything is read of it, so
// that goes uncounted.
type windows struct {
	mochi.HookBase
	open sync.Map // *mochi.Client → *window
}

// window is what one client may be sent.
type window struct {
	mu     sync.Mutex          // guards the rest
	size   int                 // messages
	sent   map[uint16]struct{} // identifiers of those that are not acknowledged
	closed bool
	moved  *sync.Cond // tells that there may be room, or that the window was closed
}

var _ mochi.Hook = (*windows)(nil)

// ID names the hook in mochi's log lines.
func (*windows) ID() string { return "windows" }

// Provides lists the calls that the hook wants.
func (*windows) Provides(call byte) bool {
	return call == mochi.OnSessionEstablish || call == mochi.OnPacketEncode || call == mochi.OnPacketRead
}

// OnSessionEstablish comes before anything is sent.
func (w *windows) OnSessionEstablish(client *mochi.Client, packet packets.Packet) {
	if size := packet.Properties.ReceiveMaximum; size > 0 && size < math.MaxUint16 {
		opened := &window{size: int(size), sent: make(map[uint16]struct{})}
		opened.moved = sync.NewCond(&opened.mu)
		w.open.Store(client, opened)
	}
}

func (w *windows) of(client *mochi.Client) *window {
	found, _ := w.open.Load(client)
	its, _ := found.(*window)
	return its
}

// OnPacketEncode comes before a packet is written, and waits while a new message has no room.
func (w *windows) OnPacketEncode(client *mochi.Client, packet packets.Packet) packets.Packet {
	if packet.FixedHeader.Type != packets.Publish || packet.FixedHeader.Qos == 0 || packet.FixedHeader.Dup {
		return packet
	}
	if its := w.of(client); its != nil {
		its.mu.Lock()
		defer its.mu.Unlock()
		if _, expected := its.sent[packet.PacketID]; expected {
			return packet
		}
		for len(its.sent) >= its.size && !its.closed {
			its.moved.Wait()
		}
		its.sent[packet.PacketID] = struct{}{}
	}
	return packet
}

// expect lets a message pass without waiting.
func (w *windows) expect(client *mochi.Client, id uint16) {
	if its := w.of(client); its != nil {
		its.mu.Lock()
		defer its.mu.Unlock()
		its.sent[id] = struct{}{}
	}
}

// OnPacketRead comes before a packet is looked at.
func (w *windows) OnPacketRead(client *mochi.Client, packet packets.Packet) (packets.Packet, error) {
	switch packet.FixedHeader.Type {
	case packets.Puback, packets.Pubcomp:
	case packets.Pubrec:
		if packet.ReasonCode < packets.ErrUnspecifiedError.Code {
			return packet, nil
		}
	default:
		return packet, nil
	}
	if its := w.of(client); its != nil {
		its.mu.Lock()
		defer its.mu.Unlock()
		delete(its.sent, packet.PacketID)
		its.moved.Signal()
	}
	return packet, nil
}

// leave is told of each client whose connection has ended.
func (w *windows) leave(client *mochi.Client) {
	if its := w.of(client); its != nil {
		w.open.Delete(client)
		its.mu.Lock()
		defer its.mu.Unlock()
		its.closed = true
		its.moved.Broadcast()
	}
}
