package bridge

import (
	"math/rand/v2"
	"time"
)

// A controller that has just started is told everything, after a moment: it is not ready at once, and other programs
// answer it too. What was not retained, it hears once more a little later.
const (
	birthAtLeast = 2 * time.Second
	birthAtMost  = 8 * time.Second
	birthAgain   = 30 * time.Second
)

// hear takes a message that says that a controller has started, and tells whether it was one. One that the broker had kept
// is old, and comes with a connection, which tells everything anyway. One that is sent to be kept is as good as any other:
// the topic is subscribed to without Retain As Published, so that it does not come as retained.
func (b *Bridge) hear(m Message) bool {
	if b.heralding.out == nil {
		return false
	}
	ours, born := b.heralding.out.Hears(m.Topic, m.Payload)
	if born && !m.Retained {
		b.herald.greet()
	}
	return ours
}

// birthDelay is the wait before a controller is answered.
func birthDelay() time.Duration { return birthAtLeast + rand.N(birthAtMost-birthAtLeast) }
