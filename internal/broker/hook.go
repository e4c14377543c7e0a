package broker

import (
	"crypto/sha256"
	"crypto/subtle"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// gatekeeper decides who may connect, and keeps every client off mochi's own flow control.
type gatekeeper struct {
	mochi.HookBase
	username, password string // both empty: everybody may
}

var _ mochi.Hook = (*gatekeeper)(nil)

// ID names the hook in mochi's log lines.
func (*gatekeeper) ID() string { return "gatekeeper" }

// Provides lists the calls that the hook wants.
func (*gatekeeper) Provides(call byte) bool {
	return call == mochi.OnConnectAuthenticate || call == mochi.OnACLCheck || call == mochi.OnConnect
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

// OnConnect makes mochi forget the client's Receive Maximum. What mochi 2.7.9 does with it is worse than
// sending more at once than asked: messages held back lose their order; their acknowledgements do not
// free the quota, so that after twice the maximum the client hears nothing any more; and looking for
// them takes a read lock twice, which stops the whole broker when a publisher comes in between. With a
// quota of nothing out of nothing, none of that code runs.
func (*gatekeeper) OnConnect(client *mochi.Client, _ packets.Packet) error {
	client.Properties.Props.ReceiveMaximum = 0
	client.State.Inflight.ResetSendQuota(0)
	return nil
}
