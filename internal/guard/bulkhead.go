package guard

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/failsafe-go/failsafe-go/bulkhead"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
)

// BulkheadOptions bound how much is in flight; zero means the default.
type BulkheadOptions struct {
	PerAccount uint // operations of one kind in flight for one account; 8
	PerProcess uint // operations of one kind in flight for all accounts; 256
}

// Bulkhead keeps operations in compartments of their own, so that slow wakes never hold up a read. Operations wait for
// their turn; the wait counts as [bluelink.Trace] waiting, not as a stuck lane.
type Bulkhead struct {
	options BulkheadOptions
	process compartments
}

// NewBulkhead makes the bulkhead that all accounts of a process share.
func NewBulkhead(o BulkheadOptions) *Bulkhead {
	o = BulkheadOptions{cmp.Or(o.PerAccount, 8), cmp.Or(o.PerProcess, 256)}
	return &Bulkhead{o, newCompartments(o.PerProcess)}
}

// compartments are one bulkhead for each kind of operation.
type compartments map[bluelink.CallKind]bulkhead.Bulkhead[any]

func newCompartments(size uint) compartments {
	c := compartments{}
	for _, kind := range []bluelink.CallKind{bluelink.CallRead, bluelink.CallWake, bluelink.CallCommand} {
		c[kind] = bulkhead.New[any](size)
	}
	return c
}

func (b *Bulkhead) account(account string, m *Metrics) Around {
	own := newCompartments(b.options.PerAccount)
	return func(ctx context.Context, op Operation, do func(context.Context) error) error {
		// The account's place first: who waits for it must not hold one of the process.
		for _, level := range []bulkhead.Bulkhead[any]{own[op.Kind], b.process[op.Kind]} {
			if err := b.enter(ctx, level, op, m); err != nil {
				return err
			}
			defer level.ReleasePermit()
		}
		return do(ctx)
	}
}

func (b *Bulkhead) enter(ctx context.Context, level bulkhead.Bulkhead[any], op Operation, m *Metrics) error {
	if level.TryAcquirePermit() {
		return nil
	}
	leave := m.waiting(op)
	defer leave()
	defer bluelink.TraceOf(ctx).Wait()()
	start := time.Now()
	err := level.AcquirePermit(ctx)
	m.waited(op, time.Since(start), err)
	if err != nil {
		cause := context.Cause(ctx)
		if errors.Is(cause, context.DeadlineExceeded) {
			cause = bluelink.ErrOverloaded // the caller's patience, which says nothing about the cloud
		}
		return &bluelink.Error{Op: op.Name, Text: "gave up waiting for its turn", Err: cause}
	}
	return nil
}
