package bridge

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// sendWithin is how long after its receipt a command may still be sent.
const sendWithin = 120 * time.Second

// order is one command of one sender on its way.
type order struct {
	command vehicle.Command // nil when what was sent could not be read
	cause   vehicle.Cause
	expires time.Time

	mu     sync.Mutex     // guards what follows; held while a step is handed to the outbox
	record vehicle.Record // its ID, Vehicle and Command never change, and may be read without the lock
	askers []asker        // who learns of each step; nobody after the last one
}

// asker is somebody who is told of an order's steps besides the result topic.
type asker struct {
	topic       string // where the sender of an MQTT v5 request wants the answer; empty for a watcher
	correlation []byte
	watch       func(vehicle.Record) // must not wait
}

// maxAskers bounds who may wait for the end of one order by repeating its id.
const maxAskers = 64

// quiet tells that no record of the order is published: nobody sent it.
func (o *order) quiet() bool { return o.cause.Automatic() }

// expired tells that the order may not be sent any more.
func (o *order) expired(now time.Time) bool { return !now.Before(o.expires) }

// trace is what the order puts into the context of its operation.
func (o *order) trace(account string) bluelink.Trace {
	return bluelink.Trace{Account: account, Command: o.record.ID, Cause: o.cause}
}

// advance moves an order to its next state and tells whoever asked. After its end an order does not move.
func (b *Bridge) advance(o *order, state vehicle.CommandState, reason vehicle.Reason, message string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.record.Terminal {
		return
	}
	o.record.State, o.record.Terminal, o.record.Reason, o.record.Message = state, state.Terminal(), reason, message
	o.record.UpdatedAt = time.Now().UTC()
	b.publishRecord(o.record, o.quiet(), o.askers...)
	if o.record.Terminal {
		o.askers = nil
		if !o.quiet() {
			b.metrics.ended(o.record)
		}
	}
}

// repeat answers an order whose id was seen before with the record of the first one, and lets its sender learn how that
// goes on. It is not carried out again.
func (b *Bridge) repeat(first, again *order) {
	first.mu.Lock()
	defer first.mu.Unlock()
	b.log.Info("command repeated, not carried out again", "vehicle", first.record.Vehicle, "command", first.record.ID,
		"state", string(first.record.State))
	b.publishRecord(first.record, again.quiet())
	for _, a := range again.askers {
		record := first.record
		if !record.Terminal && !slices.ContainsFunc(first.askers, a.same) {
			if len(first.askers) < maxAskers {
				first.askers = append(first.askers, a)
			} else {
				record.State, record.Terminal, record.Reason = vehicle.Rejected, true, vehicle.Overloaded
				record.Message = "too many wait for the end of this command"
			}
		}
		b.publishRecord(record, true, a)
	}
}

// same tells that two askers are one: a broker delivered its message twice.
func (a asker) same(other asker) bool {
	return a.watch == nil && other.watch == nil && a.topic == other.topic && string(a.correlation) == string(other.correlation)
}

// flight is one operation with all the orders that it answers. The lock of its lane guards it.
type flight struct {
	command vehicle.Command
	orders  []*order

	// Of a flight that has left the line:
	lead      *order    // in whose name it is made
	since     time.Time // when it left
	due       time.Time // when it should have ended
	waiting   bool      // it waits for its turn among those of the account
	stuck     bool      // said so
	calledOff bool      // nobody wants its result any more
	cancel    func(error)
}

// serves tells whether the flight's result would answer the order too. A flight in line will be made in the name of the
// most demanding of its orders; one that has left for a timer alone brings too little for anybody else.
func (f *flight) serves(o *order) bool {
	_, refresh := f.command.(vehicle.Refresh)
	enough := f.lead == nil || f.lead.cause != vehicle.ByTimer || o.cause == vehicle.ByTimer
	return refresh && f.command == o.command && enough && !f.calledOff && !f.stuck
}

// leader is the order in whose name the flight is made: somebody's who waits for the answer, else one of our own, and a
// timer's, which is content with the fewest calls, only among its like.
func (f *flight) leader() *order {
	return slices.MinFunc(f.orders, func(a, b *order) int { return cmp.Compare(a.modesty(), b.modesty()) })
}

func (o *order) modesty() int {
	switch {
	case o.cause == vehicle.ByTimer:
		return 2
	case o.cause.Automatic():
		return 1
	}
	return 0
}

// outcomeOf is how a refresh that ended with err is told: state, reason and text.
func outcomeOf(err error) (vehicle.CommandState, vehicle.Reason, string) {
	if err == nil {
		return vehicle.Verified, vehicle.NoReason, ""
	}
	reason := bluelink.Reason(err)
	text := strings.ReplaceAll(err.Error(), "\n", ": ") // joined errors stand in lines of their own
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
