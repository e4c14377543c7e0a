package store

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
)

// Memory is a [Store] that lives as long as the process: for tests, and for the demo, which leaves no trace.
type Memory struct {
	watches hub

	mu       sync.RWMutex // guards what follows; a writer holds it until its change is published
	closed   bool
	revision uint64 // of the last transaction
	entries  map[string]Entry
}

var _ Store = (*Memory)(nil)

// NewMemory returns an empty store.
func NewMemory() *Memory {
	return &Memory{entries: make(map[string]Entry)}
}

// Get implements [Store].
func (m *Memory) Get(ctx context.Context, key string) (Entry, error) {
	entry, err := m.get(ctx, key)
	if err != nil {
		return Entry{}, fmt.Errorf("get %s: %w", key, err)
	}
	return entry, nil
}

func (m *Memory) get(ctx context.Context, key string) (Entry, error) {
	if err := CheckKey(key); err != nil {
		return Entry{}, err
	}
	if err := ctx.Err(); err != nil {
		return Entry{}, err
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.closed {
		return Entry{}, ErrClosed
	}
	entry, ok := m.entries[key]
	if !ok {
		return Entry{}, ErrNotFound
	}
	entry.Value = cloneValue(entry.Value)
	return entry, nil
}

// Put implements [Store].
func (m *Memory) Put(ctx context.Context, key string, value []byte, revision uint64) (uint64, error) {
	return m.Apply(ctx, PutOp(key, value, revision))
}

// Delete implements [Store].
func (m *Memory) Delete(ctx context.Context, key string, revision uint64) error {
	_, err := m.Apply(ctx, DeleteOp(key, revision))
	return err
}

// Apply implements [Store].
func (m *Memory) Apply(ctx context.Context, ops ...Op) (uint64, error) {
	revision, err := m.apply(ctx, ops)
	if err != nil {
		return 0, wrapApply(ops, err)
	}
	return revision, nil
}

func (m *Memory) apply(ctx context.Context, ops []Op) (uint64, error) {
	if err := checkOps(ops); err != nil {
		return 0, err
	}
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return 0, ErrClosed
	}
	for _, op := range ops {
		if err := op.check(m.entries[op.Key].Revision); err != nil {
			return 0, err
		}
	}
	ops = slices.DeleteFunc(slices.Clone(ops), func(op Op) bool {
		return op.Delete && m.entries[op.Key].Revision == 0 // there is nothing to remove
	})
	if len(ops) == 0 {
		return m.revision, nil
	}
	m.revision++
	for _, op := range ops {
		if op.Delete {
			delete(m.entries, op.Key)
			continue
		}
		m.entries[op.Key] = Entry{Key: op.Key, Value: cloneValue(op.Value), Revision: m.revision}
	}
	m.watches.publish(m.revision, ops)
	return m.revision, nil
}

// Range implements [Store].
func (m *Memory) Range(ctx context.Context, prefix string) iter.Seq2[Entry, error] {
	return rangeCopy(ctx, prefix, m.snapshot)
}

func (m *Memory) snapshot(prefix string) ([]row, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.closed {
		return nil, ErrClosed
	}
	var rows []row
	for _, key := range slices.Sorted(maps.Keys(m.entries)) {
		if strings.HasPrefix(key, prefix) {
			entry := m.entries[key]
			entry.Value = cloneValue(entry.Value)
			rows = append(rows, row{Entry: entry})
		}
	}
	return rows, nil
}

// Watch implements [Store].
func (m *Memory) Watch(ctx context.Context, prefix string) (<-chan Change, error) {
	return startWatch(ctx, prefix, &m.watches)
}

// Close implements [Store].
func (m *Memory) Close() error {
	m.mu.Lock()
	m.closed = true
	m.mu.Unlock()
	m.watches.close()
	return nil
}
