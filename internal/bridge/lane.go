package bridge

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// lane is one car's way to its cloud: one goroutine, a bounded inbox, one operation at a time, strictly in order. It is
// the only one that calls the cloud for this car. Cars never wait for each other.
type lane struct {
	bridge  *Bridge
	account *account
	car     vehicle.Vehicle
	name    string // in topics
	shelf   *shelf
	log     *slog.Logger

	work chan struct{} // holds a token when there may be something in line

	mu      sync.Mutex // guards what follows; held while a step is handed to the outbox, never during a call
	line    []*flight
	current *flight
	closed  bool

	// What the watchdog looks at.
	since   atomic.Int64 // when the current operation began, in nanoseconds since 1970; 0 while idle
	due     atomic.Int64 // when it should have ended
	waiting atomic.Bool  // it waits for its turn in the bulkhead
	stuck   atomic.Bool  // said so
}

// Limits of operations, as the guards enforce them; the watchdog allows a little more.
const (
	readWithin = 2*time.Minute + watchMargin
	wakeWithin = 4*time.Minute + watchMargin

	watchMargin = 15 * time.Second
)

// push puts an order in line, or lets it share an equal refresh that is in line or in flight. It never waits.
func (l *lane) push(o *order) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		l.bridge.advance(o, vehicle.Rejected, vehicle.Shutdown, "the bridge is stopping")
		return
	}
	l.bridge.advance(o, vehicle.Accepted, vehicle.NoReason, "")
	if f := l.shared(o); f != nil {
		l.bridge.metrics.merged.Inc()
		f.orders = append(f.orders, o)
		if f == l.current {
			l.bridge.advance(o, vehicle.Sent, vehicle.NoReason, "")
		} else {
			l.bridge.advance(o, vehicle.Queued, vehicle.NoReason, "")
		}
		return
	}
	if len(l.line) >= l.bridge.options.Inbox {
		l.bridge.advance(o, vehicle.Rejected, vehicle.Overloaded, fmt.Sprintf("%d commands wait for this car already", len(l.line)))
		return
	}
	if l.current != nil || len(l.line) > 0 {
		l.bridge.advance(o, vehicle.Queued, vehicle.NoReason, "")
	}
	l.line = append(l.line, newFlight(o))
	l.bridge.metrics.queued.Inc()
	l.log.Debug("command handed to its lane", "command", o.record.Command, "id", o.record.ID, "ahead", len(l.line)-1)
	select {
	case l.work <- struct{}{}:
	default:
	}
}

// shared finds an equal refresh that the order may share. It looks back only as far as nothing but refreshes is in line:
// a refresh that was asked for after another command shows that command's effect.
func (l *lane) shared(o *order) *flight {
	for i := len(l.line) - 1; i >= 0; i-- {
		if l.line[i].serves(o) {
			return l.line[i]
		}
		if _, refresh := l.line[i].command.(vehicle.Refresh); !refresh {
			return nil
		}
	}
	if l.current != nil && l.current.serves(o) {
		return l.current
	}
	return nil
}

// next takes the first flight in line; nil when there is none. Orders that waited too long end here.
func (l *lane) next() *flight {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.line) > 0 {
		f := l.line[0]
		l.line[0], l.line = nil, l.line[1:]
		l.bridge.metrics.queued.Dec()
		now, kept := time.Now(), f.orders[:0]
		for _, o := range f.orders {
			if o.expires.Before(now) {
				l.bridge.expire(o)
				continue
			}
			l.bridge.advance(o, vehicle.Sent, vehicle.NoReason, "")
			kept = append(kept, o)
		}
		if f.orders = kept; len(kept) > 0 {
			l.current = f
			return f
		}
	}
	l.current = nil
	return nil
}

func (l *lane) waitingCommands() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.line)
}

// run works until ctx ends. Operations are made under ops, which lasts a little longer.
func (l *lane) run(ctx, ops context.Context) {
	timer := time.NewTimer(l.firstRead())
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			l.close()
			return
		case <-timer.C:
			l.push(l.read(vehicle.ByTimer))
			timer.Reset(l.interval())
		case <-l.work:
			for ctx.Err() == nil {
				f := l.next()
				if f == nil {
					break
				}
				l.fly(ops, f)
			}
		}
	}
}

// close refuses what is still in line.
func (l *lane) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.bridge.metrics.queued.Sub(float64(len(l.line)))
	for _, f := range l.line {
		for _, o := range f.orders {
			l.bridge.advance(o, vehicle.Rejected, vehicle.Shutdown, "the bridge is stopping")
		}
	}
	l.line = nil
}

// fly carries out one operation and tells all its orders how it ended.
func (l *lane) fly(ctx context.Context, f *flight) {
	lead := f.orders[0]
	ctx = bluelink.WithTrace(ctx, bluelink.Trace{
		Account: l.account.Name, Vehicle: l.car.ID, Command: lead.record.ID, Cause: lead.cause, Waiting: l.waiting.Store,
	})
	start := time.Now()
	limit := readWithin
	if spec := f.command.Spec(); spec.Wakes(f.command) {
		limit = wakeWithin
	}
	l.due.Store(start.Add(limit).UnixNano())
	l.since.Store(start.UnixNano())
	defer func() {
		l.since.Store(0)
		if l.stuck.Swap(false) {
			l.log.InfoContext(ctx, "lane works again")
		}
	}()
	switch command := f.command.(type) {
	case vehicle.Refresh:
		l.refresh(ctx, f, command, start)
	default:
		l.end(f, func(o *order) {
			l.bridge.advance(o, vehicle.Rejected, vehicle.Unsupported, "this car cannot do that")
		})
	}
}

// end tells all orders of a flight its outcome. It closes the flight first, so that nobody can join it any more.
func (l *lane) end(f *flight, tell func(*order)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.current = nil
	for _, o := range f.orders {
		tell(o)
	}
}
