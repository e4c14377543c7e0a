package broker

import (
	"math"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// maxPacketSize bounds what a client may send, in bytes; the largest that homes send are pictures. Mochi takes the memory for
// a packet when its length has come, also of one that nobody has let in yet: without a bound that is 256 MiB a connection.
const maxPacketSize = 16 << 20

// terms are what a client and the broker agree upon in CONNECT and CONNACK, made such that mochi 2.7.9 can keep to it.
type terms struct{ mochi.HookBase }

var _ mochi.Hook = (*terms)(nil)

// ID names the hook in mochi's log lines.
func (*terms) ID() string { return "terms" }

// Provides lists the calls that the hook wants.
func (*terms) Provides(call byte) bool {
	return call == mochi.OnPacketRead || call == mochi.OnConnect || call == mochi.OnPacketEncode
}

// emptyWill stands for the payload of a will that has none, which mochi holds to be a mistake. It is what clears a retained
// topic when a client dies. Its address is what counts.
var emptyWill = []byte{0}

// OnPacketRead comes before a CONNECT is looked at.
func (*terms) OnPacketRead(_ *mochi.Client, packet packets.Packet) (packets.Packet, error) {
	if packet.FixedHeader.Type == packets.Connect {
		if packet.Connect.WillFlag && len(packet.Connect.WillPayload) == 0 {
			packet.Connect.WillPayload = emptyWill
		}
		// An empty password is one (MQTT 5, section 3.1.3.6), which mochi holds to be a mistake.
		packet.Connect.PasswordFlag = len(packet.Connect.Password) > 0
	}
	return packet, nil
}

// OnConnect comes when a CONNECT was found to be valid.
func (*terms) OnConnect(client *mochi.Client, _ packets.Packet) error {
	props, will := &client.Properties.Props, &client.Properties.Will
	if len(will.Payload) > 0 && &will.Payload[0] == &emptyWill[0] {
		will.Payload = nil
	}
	// A will is sent when the session ends, if that is before its delay has passed. Mochi does so only when the client has
	// named the end of its session, and when both end in the same second it may keep nothing of a retained will.
	will.WillDelayInterval = min(will.WillDelayInterval, props.SessionExpiryInterval)
	if delay := will.WillDelayInterval; delay > 0 && delay < math.MaxUint32-2 {
		props.SessionExpiryInterval = max(props.SessionExpiryInterval, delay+2)
	}
	// Half as much again must fit into 16 bits, or mochi waits for less than the client has said, or not at all.
	if client.State.Keepalive > math.MaxUint16/3*2 {
		client.State.Keepalive = 0
	}
	// Mochi names a topic by an alias before the message that explains it is sent, or after that was lost with a connection:
	// clients hang up over that, and with a session that is kept do so for ever.
	props.TopicAliasMaximum = 0
	dropQuotas(client)
	return nil
}

// dropQuotas makes mochi forget the client's Receive Maximum. What mochi 2.7.9 does with it is worse than sending more at once
// than asked: messages held back lose their order; their acknowledgements do not free the quota, so that after twice the
// maximum the client hears nothing any more; and looking for them takes a read lock twice, which stops the whole broker when a
// publisher comes in between. With a quota of nothing out of nothing, none of that code runs, and windows stand in for it.
//
// Nor does it count against the broker's own: mochi hangs up over messages of QoS 2 beyond it, also of clients of 3.1.1, which
// cannot know of it, and counts those that it sends itself.
func dropQuotas(client *mochi.Client) {
	client.Properties.Props.ReceiveMaximum = 0
	client.State.Inflight.ResetSendQuota(0)
	client.State.Inflight.ResetReceiveQuota(math.MaxInt32)
}

// OnPacketEncode comes before a packet is written.
func (*terms) OnPacketEncode(client *mochi.Client, packet packets.Packet) packets.Packet {
	switch packet.FixedHeader.Type {
	case packets.Connack:
		packet.Properties.MaximumPacketSize = maxPacketSize // mochi keeps to it, but does not say so
		packet.Mods.DisallowProblemInfo = false
		if packet.SessionPresent {
			dropQuotas(client) // which it takes up again with a session
		}
	case packets.Publish, packets.Disconnect:
		packet.Mods.DisallowProblemInfo = false // user properties are no information about a problem [MQTT-3.1.2-29]
	case packets.Puback:
		// Mochi says the QoS, which is no reason code and makes mqtt.js fail, whenever it says a reason at all.
		if packet.ReasonCode == packets.CodeGrantedQos1.Code {
			packet.ReasonCode = packets.CodeSuccess.Code
		}
	case packets.Pubrec:
		// A message of QoS 2 that comes again has arrived before, and that is what the client asks [MQTT-4.3.3-10].
		if packet.ReasonCode == packets.ErrPacketIdentifierInUse.Code {
			packet.ReasonCode, packet.Properties.ReasonString = packets.CodeSuccess.Code, ""
		}
	}
	return packet
}
