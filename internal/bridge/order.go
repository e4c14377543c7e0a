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
	command vehicle.Command   // nil when what was sent could not be read
	steps   []vehicle.Command // what is given to the car for it, one after the other; none for what is only read
	cause   vehicle.Cause
	hint    bool // it began as a hint: the fewest calls will do
	expires time.Time
	lane    *lane  // of its car; nil when there is no such car
	page    *page  // in the journal; nil of what is not kept
	ack     func() // acknowledges it; nil when there is nothing to acknowledge, or it was done

	mu     sync.Mutex     // guards what follows; held while a step is handed to the outbox
	over   bool           // it has ended; its record says so as soon as that may be told
	record vehicle.Record // its ID, Vehicle and Command never change, and may be read without the lock
	askers []asker        // who learns of each step; nobody after the last one
}

// asker is somebody who is told of an order's steps besides the result topic.
type asker struct {
	topic       string // where the sender of an MQTT v5 request wants the answer; empty for a watcher
	correlation []byte
	watch       func(vehicle.Record) // must not wait
	gone        func()               // of a watcher: nothing more comes, since the next run sees to the end; must not wait
}

// maxAskers bounds who may wait for the end of one order by repeating its id.
const maxAskers = 64

// controls tells whether the order was meant to do more than to read, also when it could not be read itself.
func (o *order) controls() bool {
	switch o.command.(type) {
	case nil:
		word := o.record.Command
		return word != vehicle.Refresh{}.Spec().Topic && word != vehicle.Hint{}.Spec().Topic && word != vehicle.Cancel{}.Spec().Topic &&
			slices.Contains(vehicle.CommandTopics(), word)
	case vehicle.Refresh, vehicle.Hint, vehicle.Cancel:
		return false
	}
	return true
}

// kept tells that the order stands in the journal: what reaches a car, or outlives the process.
func (o *order) kept() bool {
	_, target := o.command.(vehicle.ClimateTarget)
	return len(o.steps) > 0 || target
}

// acknowledge tells the sender's broker that the order is taken care of.
func (o *order) acknowledge() {
	if o.ack != nil {
		o.ack()
	}
}

// quiet tells that no record of the order is published: nobody sent it.
func (o *order) quiet() bool { return o.cause.Automatic() }

// expired tells that the order may not be sent any more.
func (o *order) expired(now time.Time) bool { return !now.Before(o.expires) }

// trace is what the order puts into the context of its operation.
func (o *order) trace(account string) bluelink.Trace {
	t := bluelink.Trace{Account: account, Command: o.record.ID, Cause: o.cause}
	if o.hint {
		t.Cause, t.Sparing = vehicle.ByHint, true
	}
	return t
}

// outcome is how something ended: the state, why, and what people are told.
type outcome struct {
	state   vehicle.CommandState
	reason  vehicle.Reason
	message string
}

// well tells whether it did what was asked for, as far as anybody can tell.
func (o outcome) well() bool { return o.state == vehicle.Verified || o.state == vehicle.Confirmed }

// advance moves an order to its next state and tells whoever asked. After its end an order does not move.
func (b *Bridge) advance(o *order, state vehicle.CommandState, reason vehicle.Reason, message string) {
	b.move(o, outcome{state, reason, message}, state.Terminal())
}

// suspend leaves an order to the next run of the process.
func (b *Bridge) suspend(o *order) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, a := range o.askers {
		if a.gone != nil {
			a.gone()
		}
	}
	o.askers = nil
}

// conclude ends an order, also in a state that does not always end one.
func (b *Bridge) conclude(o *order, out outcome) { b.move(o, out, true) }

func (b *Bridge) move(o *order, to outcome, terminal bool) { b.moveThen(o, to, terminal, nil) }

// moveThen moves an order, and calls then when that has been told. The end of a command that was not sent is told when it
// is on disk: the next run would send it.
func (b *Bridge) moveThen(o *order, to outcome, terminal bool, then func()) {
	if told := b.step(o, to, terminal, then); told && then != nil {
		then()
	}
}

// step is moveThen as far as it needs the order's lock; told is false when the journal tells the end, or there is nothing
// to tell.
func (b *Bridge) step(o *order, to outcome, terminal bool, then func()) (told bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.over {
		return false
	}
	o.over = terminal
	r := o.record
	r.State, r.Terminal, r.Reason, r.Message, r.UpdatedAt = to.state, terminal, to.reason, to.message, time.Now().UTC()
	if terminal && o.page != nil && o.page.Stage == stageAccepted {
		tell := func() {
			b.tell(o, r)
			if then != nil {
				then()
			}
		}
		if b.journal.closeFirst(o, r, tell) {
			return false
		}
	}
	p := o.page
	b.show(o, r)
	if terminal && p != nil { // afterwards: should it be told twice, after a crash, that is better than never
		b.journal.close(p, r)
	}
	return true
}

// tell shows a step of an order.
func (b *Bridge) tell(o *order, r vehicle.Record) {
	o.mu.Lock()
	defer o.mu.Unlock()
	b.show(o, r)
}

// show tells whoever asked of a step. The order's lock is held.
func (b *Bridge) show(o *order, r vehicle.Record) {
	o.record = r
	b.publishRecord(r, o.quiet(), o.askers...)
	if !r.Terminal {
		return
	}
	o.askers = nil
	if !o.quiet() {
		b.metrics.ended(r)
		if o.lane != nil {
			o.lane.tellEnd(o)
		}
	}
	o.page, o.steps = nil, nil // its id may be remembered for a day, and no more is needed for that
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
	steps   []vehicle.Command // as in its orders
	orders  []*order
	ripens  time.Time // a slider's: not before, when nobody else waits
	resume  *attempt  // of the last run: it was sent, or may have been
	revived bool      // it began in the last run

	// Of a flight that has left the line:
	step      int       // which of its commands is on its way
	out       bool      // that one was sent, or may have been
	resting   bool      // nothing is under way, it will be sent again
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
	enough := f.lead == nil || !f.lead.sparing() || o.sparing()
	return refresh && f.command == o.command && enough && !f.calledOff && !f.stuck
}

// begun tells whether a part of it was sent before it came into the line, or may have been: by the last run.
func (f *flight) begun() bool { return f.resume != nil || f.step > 0 }

// refreshes tells whether the flight only reads.
func (f *flight) refreshes() bool {
	_, refresh := f.command.(vehicle.Refresh)
	return refresh
}

// leader is the order in whose name the flight is made: somebody's who waits for the answer, else one of our own, and a
// timer's, which is content with the fewest calls, only among its like.
func (f *flight) leader() *order {
	return slices.MinFunc(f.orders, func(a, b *order) int { return cmp.Compare(a.modesty(), b.modesty()) })
}

// sparing tells whether the fewest calls will do for the order.
func (o *order) sparing() bool { return o.cause == vehicle.ByTimer || o.hint }

func (o *order) modesty() int {
	switch {
	case o.sparing():
		return 2
	case o.cause.Automatic():
		return 1
	}
	return 0
}

// outcomeOf is how an operation that ended with err is told.
func outcomeOf(err error) outcome {
	if err == nil {
		return outcome{state: vehicle.Verified}
	}
	reason := bluelink.Reason(err)
	text := strings.ReplaceAll(err.Error(), "\n", ": ") // joined errors stand in lines of their own
	if hint := bluelink.Hint(err); hint != "" {
		text += "; " + hint
	}
	switch {
	case refusedByUs(err):
		return outcome{vehicle.Rejected, reason, text}
	case reason == vehicle.Timeout:
		return outcome{vehicle.TimedOut, reason, text}
	}
	return outcome{vehicle.Failed, reason, text}
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
