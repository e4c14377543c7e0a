package broker

import (
	"math"
	"sync"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// identifiers keeps the packet identifiers of clients apart from those of the broker, which are assigned independently (MQTT
// 5, section 2.2.1). Mochi 2.7.9 holds them to be one: it refuses to subscribe or unsubscribe in a packet whose identifier is
// that of a message on its way to the client. Both count from 1, so a client that asks for a second topic while it is still
// given what is retained of the first would not get it. Meanwhile the request bears an identifier that is free.
type identifiers struct {
	mochi.HookBase
	asked sync.Map // *mochi.Client → uint16, the request's own identifier, until it is answered
}

var _ mochi.Hook = (*identifiers)(nil)

// ID names the hook in mochi's log lines.
func (*identifiers) ID() string { return "identifiers" }

// Provides lists the calls that the hook wants.
func (*identifiers) Provides(call byte) bool {
	return call == mochi.OnPacketRead || call == mochi.OnPacketEncode || call == mochi.OnDisconnect
}

// OnPacketRead comes before a packet is looked at. A client's packets are processed, and its requests answered, one after the
// other. Mochi counts its own identifiers upward, so the search begins at the other end.
func (i *identifiers) OnPacketRead(client *mochi.Client, packet packets.Packet) (packets.Packet, error) {
	kind := packet.FixedHeader.Type
	if kind != packets.Subscribe && kind != packets.Unsubscribe || packet.PacketID == 0 { // 0 is an error, which mochi will say
		return packet, nil
	}
	for free := uint16(math.MaxUint16); free > 0; free-- {
		if _, taken := client.State.Inflight.Get(free); !taken {
			i.asked.Store(client, packet.PacketID)
			packet.PacketID = free
			break
		}
	}
	return packet, nil
}

// OnPacketEncode comes before a packet is written.
func (i *identifiers) OnPacketEncode(client *mochi.Client, packet packets.Packet) packets.Packet {
	if kind := packet.FixedHeader.Type; kind == packets.Suback || kind == packets.Unsuback {
		if id, ok := i.asked.LoadAndDelete(client); ok {
			packet.PacketID, _ = id.(uint16)
		}
	}
	return packet
}

// OnDisconnect forgets a request that was not answered.
func (i *identifiers) OnDisconnect(client *mochi.Client, _ error, _ bool) { i.asked.Delete(client) }
