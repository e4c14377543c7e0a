package broker

import (
	"crypto/sha256"
	"crypto/subtle"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// gatekeeper decides who may connect, and repairs one of mochi's counters.
type gatekeeper struct {
	mochi.HookBase
	username, password string // both empty: everybody may
}

var _ mochi.Hook = (*gatekeeper)(nil)

// ID names the hook in mochi's log lines.
func (*gatekeeper) ID() string { return "gatekeeper" }

// Provides lists the calls that the hook wants.
func (*gatekeeper) Provides(call byte) bool {
	return call == mochi.OnConnectAuthenticate || call == mochi.OnACLCheck || call == mochi.OnPacketRead
}

// OnConnectAuthenticate compares hashes, so that the time taken tells nothing.
func (g *gatekeeper) OnConnectAuthenticate(_ *mochi.Client, packet packets.Packet) bool {
	if g.username == "" {
		return true
	}
	same := func(got []byte, want string) int {
		a, b := sha256.Sum256(got), sha256.Sum256([]byte(want))
		return subtle.ConstantTimeCompare(a[:], b[:])
	}
	return same(packet.Connect.Username, g.username)&same(packet.Connect.Password, g.password) == 1
}

// OnACLCheck lets every client that may connect do everything.
func (*gatekeeper) OnACLCheck(*mochi.Client, string, bool) bool { return true }

// OnPacketRead gives a client with a Receive Maximum its quota back. Mochi 2.7.9 forgets a message that
// it had to hold back as soon as it has sent it, so the acknowledgement finds nothing and the quota
// stays used: after twice the Receive Maximum the client would hear nothing any more.
func (*gatekeeper) OnPacketRead(client *mochi.Client, packet packets.Packet) (packets.Packet, error) {
	if packet.FixedHeader.Type == packets.Puback {
		if _, known := client.State.Inflight.Get(packet.PacketID); !known {
			client.State.Inflight.IncreaseSendQuota()
		}
	}
	return packet, nil
}
