package bridge

import (
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/topic"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// turns shows what the lock is doing while a command runs, where the command has to do with it. The caller says with done
// that it has ended; what the car has reported until then is shown again.
func (s *shelf) turns(c vehicle.Command) (done func()) {
	turning := topic.Turning(c)
	if turning == "" {
		return func() {}
	}
	show := func(turning topic.LockState) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.turning = turning
		s.tellLock(time.Now(), onNews)
	}
	show(turning)
	return func() { show("") }
}

// tellLock publishes the state of the lock, if it has changed or in any case. The shelf's lock is held.
func (s *shelf) tellLock(now time.Time, when tellWhen) {
	state := topic.LockOf(s.state, s.turning)
	if state == s.lock && when != always {
		return
	}
	s.lock = state
	s.send(topic.Lock(now, state))
}
