package broker

import (
	"math"
	"sync"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// identifiers keeps the packet identifiers of clients apart from those of the broker, which are assigned independently (MQTT
// 5, section 2.2.1). Mochi 2.7.9 holds them to be one: it refuses to subscribe or unsubscribe in a packet whose identifier is
// that of a message on its way to the client, and forgets such a message when the client publishes one with its identifier, so
// that it is lost when the connection breaks. Both count from 1. So what a client sends bears an identifier that is free until
// it is answered.
type identifiers struct {
	mochi.HookBase
	asked sync.Map // *mochi.Client → uint16: the identifier that its last packet had, until that is answered

	mu      sync.Mutex                     // guards arrived
	arrived map[string]map[uint16]*arrival // client id → the client's identifier → message of QoS 2, until its PUBCOMP
}

// arrival is a message of QoS 2 from a client.
type arrival struct {
	id     uint16 // instead of the client's
	passed bool   // on to subscribers
}

var _ mochi.Hook = (*identifiers)(nil)

func newIdentifiers() *identifiers {
	return &identifiers{arrived: make(map[string]map[uint16]*arrival)}
}

// ID names the hook in mochi's log lines.
func (*identifiers) ID() string { return "identifiers" }

// Provides lists the calls that the hook wants.
func (*identifiers) Provides(call byte) bool {
	switch call {
	case mochi.OnPacketRead, mochi.OnPacketEncode, mochi.OnPacketSent, mochi.OnPacketProcessed, mochi.OnDisconnect, mochi.OnClientExpired:
		return true
	}
	return false
}

// OnPacketRead comes before a packet is looked at. A client's packets are processed, and answered, one after the other; what
// is known of a message of QoS 2 lasts until its PUBCOMP, also over connections of the session.
func (i *identifiers) OnPacketRead(client *mochi.Client, packet packets.Packet) (packets.Packet, error) {
	if packet.PacketID == 0 { // none, or an error that mochi will say
		return packet, nil
	}
	switch packet.FixedHeader.Type {
	case packets.Subscribe, packets.Unsubscribe:
		packet.PacketID = i.ask(client, packet.PacketID)
	case packets.Publish:
		if packet.FixedHeader.Qos == 1 {
			packet.PacketID = i.ask(client, packet.PacketID)
			break
		}
		i.mu.Lock()
		defer i.mu.Unlock()
		mine := i.arrived[client.ID]
		if mine == nil {
			mine = make(map[uint16]*arrival)
			i.arrived[client.ID] = mine
		}
		if mine[packet.PacketID] == nil {
			mine[packet.PacketID] = &arrival{id: unused(client, packet.PacketID)}
		}
		packet.PacketID = mine[packet.PacketID].id
	case packets.Pubrel:
		i.mu.Lock()
		message := i.arrived[client.ID][packet.PacketID]
		i.mu.Unlock()
		if message != nil {
			packet.PacketID = message.id
		} else {
			packet.PacketID = i.ask(client, packet.PacketID)
		}
	}
	return packet, nil
}

// ask returns a free identifier for a packet and remembers its own for the answer.
func (i *identifiers) ask(client *mochi.Client, id uint16) uint16 {
	i.asked.Store(client, id)
	return unused(client, id)
}

// unused looks for a free identifier, and returns id when there is none. Mochi counts its own upward, so the search begins at
// the other end.
func unused(client *mochi.Client, id uint16) uint16 {
	for free := uint16(math.MaxUint16); free > 0; free-- {
		if _, taken := client.State.Inflight.Get(free); !taken {
			return free
		}
	}
	return id
}

// OnPacketEncode comes before a packet is written.
func (i *identifiers) OnPacketEncode(client *mochi.Client, packet packets.Packet) packets.Packet {
	switch packet.FixedHeader.Type {
	case packets.Connack:
		if !packet.SessionPresent {
			i.forget(client.ID)
		}
	case packets.Suback, packets.Unsuback, packets.Puback:
		packet.PacketID = i.answer(client, packet.PacketID)
	case packets.Pubrec, packets.Pubcomp:
		if its, message := i.find(client, packet.PacketID); message != nil {
			packet.PacketID = its
		} else {
			packet.PacketID = i.answer(client, packet.PacketID)
		}
	}
	return packet
}

// find returns the message of QoS 2 that bears a free identifier, and the client's.
func (i *identifiers) find(client *mochi.Client, free uint16) (its uint16, message *arrival) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for its, message := range i.arrived[client.ID] {
		if message.id == free {
			return its, message
		}
	}
	return 0, nil
}

// answer returns the identifier that the client asked with, or id.
func (i *identifiers) answer(client *mochi.Client, id uint16) uint16 {
	if its, ok := i.asked.LoadAndDelete(client); ok {
		id, _ = its.(uint16)
	}
	return id
}

// OnPacketSent comes when a packet was written.
func (i *identifiers) OnPacketSent(client *mochi.Client, packet packets.Packet, _ []byte) {
	if packet.FixedHeader.Type == packets.Pubcomp {
		i.mu.Lock()
		defer i.mu.Unlock()
		delete(i.arrived[client.ID], packet.PacketID)
	}
}

// OnPacketProcessed comes when all was done that a packet asks for, or when mochi could not answer it. Then it has not passed
// on a message of QoS 2, but would hold to have when that comes again.
func (i *identifiers) OnPacketProcessed(client *mochi.Client, packet packets.Packet, err error) {
	if packet.FixedHeader.Type != packets.Publish || packet.FixedHeader.Qos != 2 {
		return
	}
	_, message := i.find(client, packet.PacketID)
	switch {
	case message == nil || message.passed:
	case err == nil:
		message.passed = true
	default:
		client.State.Inflight.Delete(packet.PacketID)
	}
}

// OnDisconnect forgets what was not answered, and with a session what is known of its messages.
func (i *identifiers) OnDisconnect(client *mochi.Client, _ error, expire bool) {
	i.asked.Delete(client)
	if expire {
		i.forget(client.ID)
	}
}

// OnClientExpired comes when a session has expired.
func (i *identifiers) OnClientExpired(client *mochi.Client) { i.forget(client.ID) }

func (i *identifiers) forget(id string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	delete(i.arrived, id)
}
