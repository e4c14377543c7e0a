package broker

import (
	"sync/atomic"
	"time"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// turnstile lets retained messages be changed and be looked up one after the other. Mochi 2.7.9 does both at once: a client
// that subscribes with a wildcard reads, without a lock, a string that another one is writing which publishes a retained
// message (issue 200 of mochi-mqtt/server), and half of one string with half of another ends the process.
//
// The hooks are the only places to stand. A change lies between OnPublish or OnWill and OnRetainMessage; a look-up between
// the SUBACK and the end of that packet, where all that is found is queued for the client. That waits for the network when
// the queue is being written to one that reads slowly; after writeTimeout the others go on all the same. Two stay unguarded,
// since mochi asks nobody: a retained will that is sent with a delay, and its own $SYS topics, which only its start creates
// and which # leaves out.
type turnstile struct {
	mochi.HookBase
	turn   chan struct{}                // holds one thing while somebody is inside
	inside atomic.Pointer[mochi.Client] // who that is
	limit  atomic.Pointer[time.Timer]   // of who looks up what is kept
}

var _ mochi.Hook = (*turnstile)(nil)

func newTurnstile() *turnstile { return &turnstile{turn: make(chan struct{}, 1)} }

// ID names the hook in mochi's log lines.
func (*turnstile) ID() string { return "turnstile" }

// Provides lists the calls that the hook wants.
func (*turnstile) Provides(call byte) bool {
	switch call {
	case mochi.OnPublish, mochi.OnWill, mochi.OnRetainMessage, mochi.OnPacketSent, mochi.OnPacketProcessed:
		return true
	}
	return false
}

func (t *turnstile) enter(client *mochi.Client) {
	t.turn <- struct{}{}
	t.inside.Store(client)
}

// leave does nothing for a client that is not inside.
func (t *turnstile) leave(client *mochi.Client) {
	if t.inside.CompareAndSwap(client, nil) {
		if limit := t.limit.Swap(nil); limit != nil {
			limit.Stop()
		}
		<-t.turn
	}
}

// OnPublish comes right before a retained message is kept, or nothing of it.
func (t *turnstile) OnPublish(client *mochi.Client, packet packets.Packet) (packets.Packet, error) {
	if packet.FixedHeader.Retain {
		t.enter(client)
	}
	return packet, nil
}

// OnWill comes right before a will is kept, unless it is delayed.
func (t *turnstile) OnWill(client *mochi.Client, will mochi.Will) (mochi.Will, error) {
	if will.Retain && client.Properties.Will.WillDelayInterval == 0 {
		t.enter(client)
	}
	return will, nil
}

// OnRetainMessage comes right after a message was kept.
func (t *turnstile) OnRetainMessage(client *mochi.Client, _ packets.Packet, _ int64) { t.leave(client) }

// OnPacketSent comes, with a SUBACK, right before what is kept is looked up.
func (t *turnstile) OnPacketSent(client *mochi.Client, packet packets.Packet, _ []byte) {
	if packet.FixedHeader.Type == packets.Suback {
		t.enter(client)
		t.limit.Store(time.AfterFunc(writeTimeout, func() { t.leave(client) }))
	}
}

// OnPacketProcessed comes when a subscription has been given all that is kept.
func (t *turnstile) OnPacketProcessed(client *mochi.Client, packet packets.Packet, _ error) {
	if packet.FixedHeader.Type == packets.Subscribe {
		t.leave(client)
	}
}
