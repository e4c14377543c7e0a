package bridge

import (
	"errors"
	"sync"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// sendWithin is how long after its receipt a command may still be sent.
const sendWithin = 120 * time.Second

// order is one command of one sender on its way.
type order struct {
	command vehicle.Command
	cause   vehicle.Cause
	expires time.Time
	reply   reply
	watch   func(vehicle.Record) // told of each step; nil when nobody watches. Must not wait

	mu     sync.Mutex // guards record once the order is on its way; held while a step is handed to the outbox
	record vehicle.Record
}

// reply is where the sender of an MQTT v5 request wants the answer.
type reply struct {
	topic       string
	correlation []byte
}

// quiet tells that no record of the order is published: nobody sent it.
func (o *order) quiet() bool { return o.cause.Automatic() }

func (o *order) snapshot() vehicle.Record {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.record
}

// flight is one operation with all the orders that it answers.
type flight struct {
	command vehicle.Command
	sparing bool // as few calls as will do; only a timer is content with that
	orders  []*order
}

func newFlight(o *order) *flight {
	return &flight{command: o.command, sparing: o.cause == vehicle.ByTimer, orders: []*order{o}}
}

// serves tells whether the flight's result would answer the order too.
func (f *flight) serves(o *order) bool {
	_, refresh := f.command.(vehicle.Refresh)
	return refresh && f.command == o.command && (!f.sparing || o.cause == vehicle.ByTimer)
}

// outcomeOf is how a refresh that ended with err is told: state, reason and text.
func outcomeOf(err error) (vehicle.CommandState, vehicle.Reason, string) {
	if err == nil {
		return vehicle.Verified, vehicle.NoReason, ""
	}
	reason := bluelink.Reason(err)
	text := err.Error()
	if hint := bluelink.Hint(err); hint != "" {
		text += "; " + hint
	}
	switch {
	case refusedByUs(err):
		return vehicle.Rejected, reason, text
	case reason == vehicle.Timeout:
		return vehicle.TimedOut, reason, text
	}
	return vehicle.Failed, reason, text
}

// refusedByUs tells that nothing was sent, by our own decision.
func refusedByUs(err error) bool {
	for _, ours := range []error{bluelink.ErrBreakerOpen, bluelink.ErrQuota, bluelink.ErrOverloaded, bluelink.ErrNotOwner} {
		if errors.Is(err, ours) {
			return true
		}
	}
	return false
}
