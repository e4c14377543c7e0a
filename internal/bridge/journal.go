package bridge

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/store"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// Bounds of the journal.
const (
	writeTogether = 256              // pages in one transaction
	writeWithin   = 10 * time.Second // one transaction
	// writeQueue is how many commands may wait to be written; more are turned away.
	writeQueue = 4096
)

// journal writes down each command before it is acknowledged, and what became of it, so that a crash neither loses one
// nor sends one twice. It stands between the intake and the lanes as a goroutine that writes whatever has queued as one
// transaction: nobody upstream waits for the disk, and a lonely command waits for nobody.
//
// A page, one key a command, is written when a command is accepted, right before it is sent, after it was sent, and at its
// end; see page.go.
type journal struct {
	bridge *Bridge
	store  store.Store
	log    *slog.Logger

	mu      sync.Mutex // guards what follows; never held while something is written or handed to a lane
	queue   []entry
	ahead   map[*lane]int // entries of a car that are queued or being written, which nothing of that car may pass
	closed  bool
	open    int                  // commands that have not ended
	keeping []keepsake           // pages of ended commands whose ids are remembered, oldest first
	left    map[vehicle.ID]*left // of the last run, of cars that have no lane yet

	wake chan struct{}
	done chan struct{}
}

// entry is one change of the journal, or an order that only passes through to keep its place behind others.
type entry struct {
	ops  []store.Op
	then func(error) // called when it is on disk; nil for nothing to do
	lane *lane       // whose order follows; nil for none
}

// keepsake is the page of an ended command.
type keepsake struct {
	key string
	at  time.Time
}

func newJournal(b *Bridge, s store.Store, log *slog.Logger) *journal {
	return &journal{
		bridge: b, store: s, log: log, ahead: map[*lane]int{}, wake: make(chan struct{}, 1), done: make(chan struct{}),
	}
}

// hand leads an order to its lane, behind those of the same car that came before. A command is written first and then
// acknowledged; what only reads, or takes back, is not kept. It never waits.
func (j *journal) hand(o *order) {
	refuse := func(reason vehicle.Reason, message string) {
		j.mu.Unlock()
		o.page = nil
		j.bridge.advance(o, vehicle.Rejected, reason, message)
		o.acknowledge()
	}
	j.mu.Lock()
	kept, behind := o.page != nil, j.ahead[o.lane] > 0
	switch {
	case kept && j.closed:
		refuse(vehicle.Shutdown, "the bridge is stopping")
	case (kept || behind) && len(j.queue) >= writeQueue:
		refuse(vehicle.Overloaded, fmt.Sprintf("%d commands wait to be written already", writeQueue))
	case !kept && !behind:
		j.mu.Unlock()
		o.lane.push(o)
		o.acknowledge()
	default:
		e := entry{lane: o.lane, then: func(err error) { j.handed(o, err) }}
		if kept {
			e.ops = o.page.accept(o)
			j.open++
		}
		j.ahead[o.lane]++
		j.put(e)
		j.mu.Unlock()
	}
}

// handed goes on with an order that is written, or could not be.
func (j *journal) handed(o *order, err error) {
	defer o.acknowledge()
	if err == nil {
		o.lane.push(o)
		return
	}
	j.log.Error("command is refused, since the journal cannot be written", "vehicle", o.lane.name, "command", o.record.ID, "error", err)
	j.mu.Lock()
	// It may have been written all the same, and must not be carried out after a restart.
	j.put(entry{ops: []store.Op{store.DeleteOp(o.page.key(), store.AnyRevision)}})
	j.open--
	j.mu.Unlock()
	o.page = nil
	j.bridge.advance(o, vehicle.Rejected, vehicle.Internal, "the journal cannot be written")
}

// close writes down how an order ended. The order's lock is held. It does not wait.
func (j *journal) close(p *page, r vehicle.Record) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.open--
	j.finish(p.close(r))
}

// closeFirst is close for an end that nobody may hear of before it is on disk: tell is called then, or when it cannot be
// written. The order's lock is held. It is false, and nothing is done, when nothing is written any more.
func (j *journal) closeFirst(o *order, r vehicle.Record, tell func()) bool {
	last := o.page.close(r)
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return false
	}
	j.open--
	j.put(entry{ops: []store.Op{o.page.untold(r)}, then: func(err error) {
		if err != nil {
			j.log.Warn("the end of a command cannot be written; after a restart it may be carried out all the same", "command", r.ID, "error", err)
		}
		tell()
		j.mu.Lock()
		defer j.mu.Unlock()
		j.finish(last)
	}})
	return true
}

// finish makes the last change to a page. The journal's lock is held.
func (j *journal) finish(op store.Op) {
	if j.closed {
		return
	}
	if !op.Delete {
		j.keeping = append(j.keeping, keepsake{op.Key, time.Now()})
	}
	j.put(entry{ops: append([]store.Op{op}, j.outlived(time.Now())...)})
}

// put queues an entry. The journal's lock is held.
func (j *journal) put(e entry) {
	j.queue = append(j.queue, e)
	select {
	case j.wake <- struct{}{}:
	default:
	}
}

// outlived are the removals of pages whose ids need not be remembered any more. The journal's lock is held.
func (j *journal) outlived(now time.Time) (ops []store.Op) {
	for len(j.keeping) > 0 && (now.Sub(j.keeping[0].at) > rememberFor || len(j.keeping) > rememberAtMax) {
		ops = append(ops, store.DeleteOp(j.keeping[0].key, store.AnyRevision))
		j.keeping[0], j.keeping = keepsake{}, j.keeping[1:]
	}
	return ops
}

// run writes until stop, which comes after the last lane has ended, and then what is left.
func (j *journal) run() error {
	failing := false // an outage is a line, not a flood
	for stopped := false; ; {
		entries := j.take(stopped)
		if entries == nil {
			if stopped {
				return nil
			}
			select {
			case <-j.done:
				stopped = true
			case <-j.wake:
			}
			continue
		}
		errs := j.write(entries)
		for i, e := range entries {
			if e.then != nil {
				_ = j.bridge.contain(context.Background(), "journal", func() { e.then(errs[i]) })
			} else if errs[i] != nil && !failing {
				j.log.Warn("the journal cannot be written; after a restart the outcomes of commands are asked for again", "error", errs[i])
			}
			failing = errs[i] != nil
			j.passed(e.lane)
		}
	}
}

// take removes the next group from the queue; nil when there is none. The last one closes the journal.
func (j *journal) take(last bool) []entry {
	j.mu.Lock()
	defer j.mu.Unlock()
	n := min(len(j.queue), writeTogether)
	if n == 0 {
		j.closed = last
		return nil
	}
	group := slices.Clone(j.queue[:n])
	j.queue = slices.Delete(j.queue, 0, n)
	return group
}

// passed lets a car's next orders by when all before them have reached the lane.
func (j *journal) passed(l *lane) {
	if l == nil {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.ahead[l]--; j.ahead[l] == 0 {
		delete(j.ahead, l)
	}
}

func (j *journal) stop() { close(j.done) }

// write makes the changes of a group together, or one by one where the store cannot do that or one of them cannot be
// written.
func (j *journal) write(entries []entry) []error {
	errs := make([]error, len(entries))
	var ops []store.Op
	for _, e := range entries {
		for _, op := range e.ops {
			// A key may stand in a transaction once: the newest change counts.
			ops = append(slices.DeleteFunc(ops, func(o store.Op) bool { return o.Key == op.Key }), op)
		}
	}
	if len(ops) == 0 {
		return errs
	}
	start := time.Now()
	err := j.apply(ops...)
	if err != nil && len(ops) > 1 && (errors.Is(err, errors.ErrUnsupported) || errors.Is(err, store.ErrInvalid)) {
		err = nil
		for i, e := range entries {
			for _, op := range e.ops {
				errs[i] = errors.Join(errs[i], j.apply(op))
			}
		}
	}
	j.bridge.metrics.journalWrite.Observe(time.Since(start).Seconds())
	if err != nil {
		for i, e := range entries {
			if len(e.ops) > 0 {
				errs[i] = err
			}
		}
	}
	return errs
}

func (j *journal) apply(ops ...store.Op) error {
	// Not under the context of Run: the last write comes after its end.
	ctx, cancel := context.WithTimeout(context.Background(), writeWithin)
	defer cancel()
	_, err := j.store.Apply(ctx, ops...)
	return err
}

// mark writes down how far a flight has come, before its next step depends on that: that it is being sent, was sent, or is
// accepted as before, because the cloud refused it. It waits for the disk.
func (j *journal) mark(ctx context.Context, f *flight, at stage, a *attempt) error {
	l := f.lead.lane
	l.mu.Lock()
	orders := slices.Clone(f.orders)
	l.mu.Unlock()
	var ops []store.Op
	for _, o := range orders {
		if op, kept := o.mark(at, f.step, a); kept {
			ops = append(ops, op)
		}
	}
	if len(ops) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, writeWithin)
	defer cancel()
	_, err := j.store.Apply(ctx, ops...)
	if errors.Is(err, errors.ErrUnsupported) {
		err = nil
		for _, op := range ops {
			_, one := j.store.Apply(ctx, op)
			err = errors.Join(err, one)
		}
	}
	if err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	return nil
}

// size is how many commands have not ended.
func (j *journal) size() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.open
}
