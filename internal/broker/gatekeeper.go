package broker

import (
	"crypto/sha256"
	"crypto/subtle"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// gatekeeper decides who may connect.
type gatekeeper struct {
	mochi.HookBase
	username, password string // both empty: everybody may
}

var _ mochi.Hook = (*gatekeeper)(nil)

// ID names the hook in mochi's log lines.
func (*gatekeeper) ID() string { return "gatekeeper" }

// Provides lists the calls that the hook wants.
func (*gatekeeper) Provides(call byte) bool {
	return call == mochi.OnConnectAuthenticate
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
