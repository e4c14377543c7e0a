package store

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"go.etcd.io/bbolt"
)

// Grouped commits. One flush to disk costs the same for one change as for a thousand, so writers queue their requests,
// and whoever gets the lead commits all that has queued until then as one transaction of bbolt. While it flushes, the
// next group gathers. A lonely writer waits for nobody: there is no timer (bbolt's own Batch waits 10 ms for company)
// and no goroutine. Requests stay independent: one that conflicts fails alone.

// maxGroup bounds the requests in one transaction, and so the time that the last of them waits.
const maxGroup = 1024

// request is one Apply on its way to disk.
type request struct {
	ops  []Op
	done chan struct{} // closed when revision and err are set

	revision uint64
	changed  []Op // of ops, those that made a difference
	err      error
}

// Apply implements [Store].
func (b *Bolt) Apply(ctx context.Context, ops ...Op) (uint64, error) {
	revision, err := b.apply(ctx, ops)
	if err != nil {
		return 0, wrapApply(ops, err)
	}
	return revision, nil
}

func (b *Bolt) apply(ctx context.Context, ops []Op) (uint64, error) {
	if err := checkOps(ops); err != nil {
		return 0, err
	}
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	r := &request{ops: ops, done: make(chan struct{})}
	b.enqueue(r)
	select {
	case <-r.done:
	case b.lead <- struct{}{}:
		b.commitQueue(r)
		<-b.lead
		<-r.done
	case <-ctx.Done():
		if b.withdraw(r) {
			return 0, ctx.Err()
		}
		<-r.done // it is being written: wait for the truth
	}
	return r.revision, r.err
}

func (b *Bolt) enqueue(r *request) {
	b.queueMu.Lock()
	defer b.queueMu.Unlock()
	b.queue = append(b.queue, r)
}

// withdraw takes r out of the queue and reports whether it was still there.
func (b *Bolt) withdraw(r *request) bool {
	b.queueMu.Lock()
	defer b.queueMu.Unlock()
	i := slices.Index(b.queue, r)
	if i < 0 {
		return false
	}
	b.queue = slices.Delete(b.queue, i, i+1)
	return true
}

// take removes the next group from the queue.
func (b *Bolt) take() []*request {
	b.queueMu.Lock()
	defer b.queueMu.Unlock()
	n := min(len(b.queue), maxGroup)
	group := slices.Clone(b.queue[:n])
	b.queue = slices.Delete(b.queue, 0, n)
	return group
}

// commitQueue commits groups until own is among what was written. The caller has the lead; it does not stay to serve
// others, the first of whom gets the lead next.
func (b *Bolt) commitQueue(own *request) {
	for {
		select {
		case <-own.done:
			return
		default:
			b.commit(b.take())
		}
	}
}

// commit writes group as one transaction of bbolt and settles its requests.
func (b *Bolt) commit(group []*request) {
	err := b.write(group)
	for _, r := range group {
		switch {
		case r.err != nil: // its own fault
		case err != nil:
			r.revision, r.err = 0, err
		case len(r.changed) > 0:
			b.watches.publish(r.revision, r.changed)
		}
		close(r.done)
	}
}

// errUnchanged rolls a transaction back that has nothing to write.
var errUnchanged = errors.New("nothing changed")

func (b *Bolt) write(group []*request) error {
	err := b.update(func(entries *bbolt.Bucket) error {
		changed := false
		for _, r := range group {
			if r.err = b.check(entries, r); r.err != nil {
				continue
			}
			if err := change(entries, r); err != nil {
				return err // r may be half made: nobody of the group goes on
			}
			changed = changed || len(r.changed) > 0
		}
		if !changed {
			return errUnchanged
		}
		return nil
	})
	if errors.Is(err, errUnchanged) {
		return nil
	}
	return err
}

// check looks at the conditions of r and notes which of its changes would make a difference.
func (b *Bolt) check(entries *bbolt.Bucket, r *request) error {
	for _, op := range r.ops {
		raw := entries.Get([]byte(op.Key))
		if op.Revision != AnyRevision { // which may also replace what cannot be read any more
			have := Absent
			if raw != nil {
				entry, err := b.decode(op.Key, raw)
				if err != nil {
					return err
				}
				have = entry.Revision
			}
			if err := op.check(have); err != nil {
				return err
			}
		}
		if !op.Delete || raw != nil {
			r.changed = append(r.changed, op)
		}
	}
	return nil
}

// change makes the changes of r, whose conditions hold.
func change(entries *bbolt.Bucket, r *request) (err error) {
	if len(r.changed) == 0 {
		r.revision = entries.Sequence()
		return nil
	}
	if r.revision, err = entries.NextSequence(); err != nil {
		return err
	}
	for _, op := range r.changed {
		if op.Delete {
			err = entries.Delete([]byte(op.Key))
		} else {
			err = entries.Put([]byte(op.Key), encode(op.Key, op.Value, r.revision))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// update runs fn in a write transaction. The caller has the lead.
func (b *Bolt) update(fn func(entries *bbolt.Bucket) error) error {
	b.mu.RLock()
	if b.closed || b.broken != nil || b.db == nil {
		b.mu.RUnlock()
		if err := b.ready(); err != nil {
			return err
		}
		b.mu.RLock()
	}
	writing := false
	err := b.guarded(func() error {
		return b.db.Update(func(tx *bbolt.Tx) error {
			err := fn(tx.Bucket(entriesBucket))
			writing = err == nil
			return err
		})
	})
	b.mu.RUnlock()

	var damaged *DamagedError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &damaged):
		b.mu.Lock()
		defer b.mu.Unlock()
		b.broken = err
		return err
	case writing:
		return b.reopen(err)
	default:
		return err
	}
}

// ready reports why nothing can be written, and tries again to open a file that was lost. Only the lead calls it,
// and Close takes the lead, so nothing closes the file between this and the transaction.
func (b *Bolt) ready() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.closed:
		return ErrClosed
	case b.broken != nil:
		return b.broken
	case b.db == nil:
		return b.openAgain()
	}
	return nil
}

// reopen follows a write that failed with cause. Whether its last page reached the disk is not known then, and what
// bbolt keeps in memory may disagree with the file; the file says what is true.
func (b *Bolt) reopen(cause error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	cause = explain(b.path, cause)
	_ = b.release() // what could be said about the file was said by cause
	if err := b.openAgain(); err != nil {
		return errors.Join(cause, err)
	}
	return cause
}

func (b *Bolt) openAgain() error {
	if err := b.open(); err != nil {
		_ = b.release()
		b.lost = fmt.Errorf("open store again after a failed write: %w", err)
		return b.lost
	}
	return nil
}
