package bridge

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// lane is one car's way to its cloud: one goroutine, a bounded inbox, one operation at a time, strictly in order. It is
// the only one that calls the cloud for this car. Cars never wait for each other.
type lane struct {
	bridge *Bridge
	ways   atomic.Pointer[[]way] // at least one; see join
	id     vehicle.ID
	name   string // in topics
	bound  string // the name that the car has when the user gives it none
	shelf  *shelf
	log    *slog.Logger

	work  chan struct{} // holds a token when there may be something in line
	paced chan struct{} // holds a token when the pace has changed

	mu      sync.Mutex // guards what follows; held while a step is handed to the outbox, never during a call
	line    []*flight
	current *flight     // nil while idle
	closed  *refusal    // of all that comes; nil while it takes orders
	retired bool        // its car is gone: it ends when nothing is under way
	ended   bool        // for that reason
	hinted  time.Time   // when a hint was last followed
	unlocks []time.Time // of the last hour

	used     *account        // through which it was read last; the lane's goroutine keeps it
	stopping <-chan struct{} // closed when the bridge is told to stop; the lane's goroutine reads it
}

// maxShared bounds how many orders may share one refresh. They take no place in line, but memory.
const maxShared = 1024

// watchMargin is what the watchdog allows beyond the limits that the guards enforce.
const watchMargin = 15 * time.Second

// errCalledOff ends a flight that waited for its turn until nobody wanted its result any more.
var errCalledOff = fmt.Errorf("it could not be sent in time: %w", context.Canceled)

// push puts an order in line, or lets it share an equal refresh that is in line or in flight. It never waits.
func (l *lane) push(o *order) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.enter(o)
}

// enter is push. The lane's lock is held.
func (l *lane) enter(o *order) {
	switch {
	case l.closed != nil:
		l.bridge.advance(o, vehicle.Rejected, l.closed.reason, l.closed.message)
		return
	case l.local(o):
		return
	}
	l.complete(o)
	f := l.shared(o)
	switch {
	case f == nil && len(l.line) >= l.bridge.options.Inbox:
		l.bridge.advance(o, vehicle.Rejected, vehicle.Overloaded, fmt.Sprintf("%d commands wait for this car already", len(l.line)))
		return
	case f != nil && len(f.orders) >= maxShared:
		l.bridge.advance(o, vehicle.Rejected, vehicle.Overloaded, fmt.Sprintf("%d wait for the same already", len(f.orders)))
		return
	}
	l.bridge.advance(o, vehicle.Accepted, vehicle.NoReason, "")
	if f != nil {
		l.bridge.metrics.merged.Inc()
		f.orders = append(f.orders, o)
		if f == l.current {
			l.bridge.advance(o, vehicle.Sent, vehicle.NoReason, "")
		} else {
			l.bridge.advance(o, vehicle.Queued, vehicle.NoReason, "")
		}
		return
	}
	f = &flight{command: o.command, steps: o.steps, orders: append(l.overtake(o), o)}
	if f.fold(); o.command.Spec().Slider {
		f.ripens = time.Now().Add(debounce)
	}
	if l.current != nil || len(l.line) > 0 || !f.ripens.IsZero() {
		l.bridge.advance(o, vehicle.Queued, vehicle.NoReason, "")
	}
	l.enlist(f)
	l.log.Debug("handed to the lane", "account", l.account().Name, "command", o.record.ID, "cause", string(o.cause),
		"request", o.command, "ahead", len(l.line)-1)
}

// enlist puts a flight in line. The lane's lock is held.
func (l *lane) enlist(f *flight) {
	l.line = append(l.line, f)
	l.bridge.metrics.queued.Inc()
	l.nudge()
}

// nudge makes the lane look at its line.
func (l *lane) nudge() {
	select {
	case l.work <- struct{}{}:
	default:
	}
}

// shared finds what the order may share: an equal command that waits, or an equal refresh. It looks back only as far as
// nothing but refreshes is in line: a refresh that was asked for after another command shows that command's effect.
func (l *lane) shared(o *order) *flight {
	if len(o.steps) > 0 {
		return l.equal(o)
	}
	for _, f := range slices.Backward(l.line) {
		if f.serves(o) {
			return f
		}
		if !f.refreshes() {
			return nil
		}
	}
	if l.current != nil && l.current.serves(o) {
		return l.current
	}
	return nil
}

// run works until ctx ends, or its car is gone. Operations are made under ops, which lasts a little longer.
func (l *lane) run(ctx, ops context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	wait := func(first bool) {
		timer.Stop()
		if d, ok := l.untilNext(first); ok {
			timer.Reset(d)
		}
	}
	apart(func() { wait(true) })
	l.stopping = ctx.Done()
	var ripe <-chan time.Time // nil while nothing ripens
	known := l.shelf.fetched()
	for {
		due, changed := false, false
		select {
		case <-ctx.Done():
			apart(l.close)
			return
		case <-timer.C:
			due = true
		case <-l.paced:
			changed = true
		case <-l.work:
		case <-ripe:
		}
		apart(func() {
			before := l.account().spent()
			if due {
				l.push(l.read(vehicle.ByTimer))
			}
			for ctx.Err() == nil && l.fly(ops) {
			}
			if due {
				l.account().learn(l.account().spent() - before)
			}
			// By what it has learned. Commands that bring nothing do not put the next read off.
			if at := l.shelf.fetched(); due || changed || !at.Equal(known) {
				known = at
				wait(false)
			}
			ripe = nil
			if left, waits := l.ripens(time.Now()); waits {
				ripe = time.After(left)
			}
		})
		if l.farewell() {
			return
		}
	}
}

// apart does something on another stack and waits for it. The stack of an operation grows to 16 kB and would never become
// as small again as that of a lane that only waits, of which there are ten thousand.
func apart(do func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		do()
	}()
	<-done
}

// fly carries out the next operation in line; false when there is none.
func (l *lane) fly(ctx context.Context) bool {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	f := l.depart(cancel)
	if f == nil {
		return false
	}
	trace := f.lead.trace(l.account().Name)
	trace.Vehicle, trace.Waiting = l.id, func(waits bool) { l.turn(f, waits) }
	ctx = bluelink.WithTrace(ctx, trace)
	if fault := l.bridge.contain(ctx, "lane", func() { l.carryOut(ctx, f) }); fault != nil {
		_ = l.bridge.contain(ctx, "lane", func() { l.crashed(f, fault) }) // logged and counted there
	}
	return true
}

func (l *lane) carryOut(ctx context.Context, f *flight) {
	switch command := f.command.(type) {
	case vehicle.Refresh:
		l.refresh(ctx, f, command)
	default:
		l.command(ctx, f)
	}
}

// crashed ends a flight whose end was lost in a fault of ours, so that its senders are answered and the next one can leave.
func (l *lane) crashed(f *flight, fault error) {
	state := vehicle.Failed
	if f.out {
		state = vehicle.Unknown
	}
	defer l.end(f, func(o *order) { l.bridge.advance(o, state, vehicle.Internal, fault.Error()) })
	if r, refresh := f.command.(vehicle.Refresh); refresh {
		l.shelf.failed(r.Mode, fault, vehicle.Internal, fault.Error())
	}
}

// depart takes the first flight in line that somebody still waits for; nil when there is none, or it is not ripe yet.
func (l *lane) depart(cancel func(error)) *flight {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	for len(l.line) > 0 && l.ripe(l.line[0], now) {
		f := l.line[0]
		l.line[0], l.line = nil, l.line[1:]
		l.bridge.metrics.queued.Dec()
		if l.expire(f, now); len(f.orders) == 0 {
			continue
		}
		if f.refreshes() {
			for _, o := range f.orders {
				l.bridge.advance(o, vehicle.Sent, vehicle.NoReason, "")
			}
		}
		f.lead, f.since, f.due, f.cancel = f.leader(), now, now.Add(l.limit(f)), cancel
		l.current = f
		return f
	}
	return nil
}

// expire ends the orders of a flight that have waited too long. The lane's lock is held.
func (l *lane) expire(f *flight, now time.Time) {
	if f.resume != nil {
		return // it was sent in time
	}
	f.orders = slices.DeleteFunc(f.orders, func(o *order) bool {
		late := o.expired(now)
		if late {
			l.bridge.expire(o)
		}
		return late
	})
	f.fold()
}

// limit is how long an operation may take before its lane counts as stuck.
func (l *lane) limit(f *flight) time.Duration {
	if len(f.steps) > 0 {
		return l.commandLimit(f)
	}
	if f.command.Spec().Wakes(f.command) {
		return l.bridge.options.WakeWithin + watchMargin
	}
	return l.bridge.options.ReadWithin + watchMargin
}

// turn learns that the flight begins or ends to wait for its turn among those of the account.
func (l *lane) turn(f *flight, waits bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f.waiting = waits
	f.due = time.Now().Add(l.limit(f)) // its deadline begins with its turn
}

// end tells all orders of a flight its outcome. It closes the flight first, so that nobody can join it any more.
func (l *lane) end(f *flight, tell func(*order)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.current = nil
	for _, o := range f.orders {
		tell(o)
	}
	if f.stuck {
		l.log.Info("lane works again")
	}
}

// close refuses what is still in line, and all that comes, since the bridge is stopping. To the end of what was begun, the next
// run sees.
func (l *lane) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.retired = false
	l.refuse(&refusal{vehicle.Shutdown, "the bridge is stopping"})
	l.bridge.metrics.queued.Sub(float64(len(l.line)))
	for _, f := range l.line {
		for _, o := range f.orders {
			l.bridge.suspend(o)
		}
	}
	l.line = nil
}

// refuse ends what is in line and was not begun, and all that comes. The lane's lock is held.
func (l *lane) refuse(why *refusal) {
	l.closed = why
	l.line = slices.DeleteFunc(l.line, func(f *flight) bool {
		if f.begun() {
			return false
		}
		l.bridge.metrics.queued.Dec()
		for _, o := range f.orders {
			l.bridge.advance(o, vehicle.Rejected, why.reason, why.message)
		}
		return true
	})
}

// look ends what has waited in line for too long, and calls off an operation that has waited for its turn until nobody wants
// it any more. It tells once when the one in flight has outlived its deadline, which nothing honest does: its senders are
// answered, and those who come later are no longer made to share it.
func (l *lane) look(now time.Time) (stuck vehicle.Command) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.line = slices.DeleteFunc(l.line, func(f *flight) bool {
		l.expire(f, now)
		late := len(f.orders) == 0
		if late {
			l.bridge.metrics.queued.Dec()
		}
		return late
	})
	f := l.current
	switch {
	case f == nil:
	case f.recallable():
		l.expire(f, now)
		l.callOff(f)
	case f.waiting: // with a command that was sent: its own limit ends that
	case now.After(f.due) && !f.stuck:
		f.stuck = true
		l.bridge.metrics.stuck.Inc()
		l.log.Error("lane is stuck: its operation has outlived its deadline", "seconds", now.Sub(f.since).Seconds())
		for _, o := range f.orders {
			l.bridge.advance(o, vehicle.TimedOut, vehicle.Timeout, stuckText)
		}
		return f.command
	}
	return nil
}

// stuckText is what the senders of a stuck operation are told.
const stuckText = "the operation has outlived its deadline; nothing else can be done for this car until it ends"

// load is what a lane has to do.
type load struct {
	waiting int // operations in line
	flying  bool
	since   time.Time // when the operation in flight left the line
	stuck   bool
}

func (l *lane) load() load {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.current == nil {
		return load{waiting: len(l.line)}
	}
	return load{len(l.line), true, l.current.since, l.current.stuck}
}
