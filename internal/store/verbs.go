package store

import (
	"context"
	"errors"
	"fmt"
	"iter"
)

// What the versions of this package do alike, so that their errors read alike.

// wrapApply names what was tried: the key for one change, the key that stood in the way for several.
func wrapApply(ops []Op, err error) error {
	if len(ops) == 1 {
		return fmt.Errorf("%s %s: %w", ops[0].verb(), ops[0].Key, err)
	}
	var conflict *ConflictError
	if errors.As(err, &conflict) {
		return fmt.Errorf("apply %d changes: %s: %w", len(ops), conflict.Key, err)
	}
	return fmt.Errorf("apply %d changes: %w", len(ops), err)
}

// row is an entry of a snapshot, or the key of one that cannot be read and why.
type row struct {
	Entry
	err error
}

// rangeCopy yields what snapshot copies when the loop begins.
func rangeCopy(ctx context.Context, prefix string, snapshot func(prefix string) ([]row, error)) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		fail := func(err error) { yield(Entry{}, fmt.Errorf("range over %q: %w", prefix, err)) }
		if err := checkPrefix(prefix); err != nil {
			fail(err)
			return
		}
		if err := ctx.Err(); err != nil {
			fail(err)
			return
		}
		rows, err := snapshot(prefix)
		if err != nil {
			fail(err)
			return
		}
		for _, row := range rows {
			if err := ctx.Err(); err != nil {
				fail(err)
				return
			}
			if !yield(row.Entry, row.err) {
				return
			}
		}
	}
}

// startWatch checks what the caller of Watch gave and starts a watcher.
func startWatch(ctx context.Context, prefix string, watches *hub) (<-chan Change, error) {
	if err := checkPrefix(prefix); err != nil {
		return nil, fmt.Errorf("watch: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("watch %q: %w", prefix, err)
	}
	changes, err := watches.watch(ctx, prefix)
	if err != nil {
		return nil, fmt.Errorf("watch %q: %w", prefix, err)
	}
	return changes, nil
}
