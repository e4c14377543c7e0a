package storetest

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/store"
)

// model is a store as simple as can be, and the real one beside it. Rapid drives both with the same calls.
type model struct {
	v    Version
	t    *testing.T
	dir  string
	real store.Store

	entries map[string]store.Entry
	last    uint64 // highest revision seen
}

func agreesWithMap(t *testing.T, v Version) {
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(t.TempDir(), "model")
		if err != nil {
			rt.Fatal(err)
		}
		m := &model{v: v, t: t, dir: filepath.Join(dir, "store"), entries: map[string]store.Entry{}}
		m.real = v.Open(t, m.dir)
		defer func() { _ = m.real.Close() }()
		actions := map[string]func(*rapid.T){"put": m.put, "delete": m.remove, "get": m.get, "": m.same}
		if !v.OneKey {
			actions["apply"] = m.apply
		}
		if v.Durable {
			actions["reopen"] = m.reopen
		}
		rt.Repeat(actions)
	})
}

var modelKeys = rapid.SampledFrom([]string{"a", "a/b", "a/c", "b", "b/c/d"})

// op draws a change whose condition holds more often than not.
func (m *model) op(rt *rapid.T, key string) store.Op {
	op := store.Op{Key: key, Delete: rapid.Bool().Draw(rt, "delete")}
	if !op.Delete {
		op.Value = rapid.SliceOfN(rapid.Byte(), 0, 6000).Draw(rt, "value")
	}
	op.Revision = rapid.OneOf(
		rapid.Just(m.entries[key].Revision),
		rapid.Just(store.AnyRevision),
		rapid.Uint64Range(0, m.last+1),
	).Draw(rt, "revision")
	return op
}

func (m *model) holds(op store.Op) bool {
	return op.Revision == store.AnyRevision || op.Revision == m.entries[op.Key].Revision
}

func (m *model) make(rt *rapid.T, revision uint64, ops ...store.Op) {
	changes := false
	for _, op := range ops {
		_, exists := m.entries[op.Key]
		changes = changes || !op.Delete || exists
	}
	if changes && revision != 0 && revision <= m.last {
		rt.Fatalf("revision %d after %d, want a rise", revision, m.last)
	}
	for _, op := range ops {
		if op.Delete {
			delete(m.entries, op.Key)
		} else {
			m.entries[op.Key] = store.Entry{Key: op.Key, Value: op.Value, Revision: revision}
		}
	}
	m.last = max(m.last, revision)
}

func (m *model) put(rt *rapid.T) {
	op := m.op(rt, modelKeys.Draw(rt, "key"))
	op.Delete = false
	revision, err := m.real.Put(context.Background(), op.Key, op.Value, op.Revision)
	m.settle(rt, revision, err, op)
}

func (m *model) remove(rt *rapid.T) {
	op := m.op(rt, modelKeys.Draw(rt, "key"))
	op.Delete = true
	err := m.real.Delete(context.Background(), op.Key, op.Revision)
	m.settle(rt, 0, err, op)
}

func (m *model) apply(rt *rapid.T) {
	var ops []store.Op
	for _, key := range rapid.SliceOfNDistinct(modelKeys, 0, 4, rapid.ID).Draw(rt, "keys") {
		ops = append(ops, m.op(rt, key))
	}
	revision, err := m.real.Apply(context.Background(), ops...)
	m.settle(rt, revision, err, ops...)
}

// settle compares what the store answered with what the conditions say, and makes the change in the model.
func (m *model) settle(rt *rapid.T, revision uint64, err error, ops ...store.Op) {
	for _, op := range ops {
		if !m.holds(op) {
			if !errors.Is(err, store.ErrConflict) {
				rt.Fatalf("condition %d of %s does not hold: error %v, want ErrConflict", op.Revision, op.Key, err)
			}
			return
		}
	}
	if err != nil {
		rt.Fatalf("all conditions hold: %v", err)
	}
	m.make(rt, revision, ops...)
}

func (m *model) get(rt *rapid.T) {
	key := modelKeys.Draw(rt, "key")
	want, exists := m.entries[key]
	got, err := m.real.Get(context.Background(), key)
	switch {
	case !exists && !errors.Is(err, store.ErrNotFound):
		rt.Fatalf("Get(%s): %v, want ErrNotFound", key, err)
	case exists && (err != nil || !equalEntries([]store.Entry{got}, []store.Entry{want})):
		rt.Fatalf("Get(%s) = %v, %v, want %v", key, got, err, want)
	}
}

func (m *model) reopen(rt *rapid.T) {
	if err := m.real.Close(); err != nil {
		rt.Fatal(err)
	}
	m.real = m.v.Open(m.t, m.dir)
}

// same compares everything.
func (m *model) same(rt *rapid.T) {
	for _, prefix := range []string{"", "a/", "b/"} {
		var want, got []store.Entry
		for _, key := range slices.Sorted(maps.Keys(m.entries)) {
			if strings.HasPrefix(key, prefix) {
				want = append(want, m.entries[key])
			}
		}
		for entry, err := range m.real.Range(context.Background(), prefix) {
			if err != nil {
				rt.Fatal(err)
			}
			got = append(got, entry)
		}
		if !equalEntries(got, want) {
			rt.Fatalf("Range(%q) gives %v, want %v", prefix, got, want)
		}
	}
}
