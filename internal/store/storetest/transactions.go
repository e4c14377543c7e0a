package storetest

import (
	"errors"
	"fmt"
	"testing"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/store"
)

func transactionAllOrNothing(t *testing.T, v Version) {
	if v.OneKey {
		t.Skip("the engine changes one key at a time")
	}
	s, ctx := v.open(t), t.Context()
	a := mustPut(t, s, "a", "1", store.Absent)
	mustPut(t, s, "b", "1", store.Absent)

	for name, ops := range map[string][]store.Op{
		"last fails":   {store.PutOp("a", []byte("2"), a), store.PutOp("c", nil, store.Absent), store.PutOp("b", nil, store.Absent)},
		"first fails":  {store.PutOp("b", nil, store.Absent), store.DeleteOp("a", a)},
		"delete fails": {store.PutOp("a", []byte("2"), a), store.DeleteOp("b", a)},
	} {
		_, err := s.Apply(ctx, ops...)
		wantError(t, name, err, store.ErrConflict)
		if conflict := new(store.ConflictError); !errors.As(err, &conflict) || conflict.Key != "b" {
			t.Errorf("%s: the conflict names %q, want b", name, conflict.Key)
		}
		if got := wantValue(t, s, "a", "1"); got != a {
			t.Errorf("%s: a stands at %d, want %d", name, got, a)
		}
		wantValue(t, s, "b", "1")
		wantAbsent(t, s, "c")
	}

	revision, err := s.Apply(ctx, store.PutOp("a", []byte("2"), a), store.PutOp("c", []byte("2"), store.Absent), store.DeleteOp("b", store.AnyRevision))
	if err != nil {
		t.Fatal(err)
	}
	if ra, rc := wantValue(t, s, "a", "2"), wantValue(t, s, "c", "2"); ra != revision || rc != revision {
		t.Errorf("a stands at %d and c at %d, want both at the transaction's %d", ra, rc, revision)
	}
	wantAbsent(t, s, "b")

	again, err := s.Apply(ctx, store.DeleteOp("b", store.AnyRevision), store.DeleteOp("d", store.Absent))
	if err != nil || again != revision {
		t.Errorf("transaction without any change: revision %d, %v, want the last one, %d", again, err, revision)
	}
	if _, err := s.Apply(ctx); err != nil {
		t.Errorf("empty transaction: %v", err)
	}
}

func transactionRefused(t *testing.T, v Version) {
	if !v.OneKey {
		t.Skip("the engine changes several keys at once")
	}
	s, ctx := v.open(t), t.Context()
	_, err := s.Apply(ctx, store.PutOp("a", nil, 0), store.PutOp("b", nil, 0))
	wantError(t, "two keys", err, errors.ErrUnsupported)
	wantAbsent(t, s, "a")
	if _, err := s.Apply(ctx, store.PutOp("a", nil, 0)); err != nil {
		t.Errorf("one key: %v", err)
	}
}

func rangeOrdered(t *testing.T, v Version) {
	s, ctx := v.open(t), t.Context()
	for _, key := range []string{"b/2", "a", "b/10", "b", "b/1", "b-/1", "b0/1", "c/1", "b/1/x"} {
		mustPut(t, s, key, key, store.Absent)
	}
	for prefix, want := range map[string]string{
		"":        "a b b-/1 b/1 b/1/x b/10 b/2 b0/1 c/1",
		"b/":      "b/1 b/1/x b/10 b/2",
		"b/1/":    "b/1/x",
		"none/":   "",
		"c/1/no/": "",
	} {
		entries := all(ctx, t, s, prefix)
		if got := keys(entries); got != want {
			t.Errorf("Range(%q) gives %q, want %q", prefix, got, want)
		}
		for _, entry := range entries {
			if string(entry.Value) != entry.Key || entry.Revision == 0 {
				t.Errorf("Range(%q) gives %s: %q at %d", prefix, entry.Key, entry.Value, entry.Revision)
			}
		}
	}
}

func rangeSnapshot(t *testing.T, v Version) {
	s, ctx := v.open(t), t.Context()
	const n = 200
	for i := range n {
		mustPut(t, s, fmt.Sprintf("k/%04d", i), "old", store.Absent)
	}
	i := 0
	for entry, err := range s.Range(ctx, "k/") {
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 { // the loop has begun: what follows must not show
			for j := range n {
				mustPut(t, s, fmt.Sprintf("k/%04d", j), "new", store.AnyRevision)
			}
			mustPut(t, s, "k/9999", "new", store.Absent)
			if err := s.Delete(ctx, "k/0100", store.AnyRevision); err != nil {
				t.Fatal(err)
			}
		}
		if want := fmt.Sprintf("k/%04d", i); entry.Key != want || string(entry.Value) != "old" {
			t.Fatalf("entry %d is %s: %q, want %s as it was", i, entry.Key, entry.Value, want)
		}
		i++
	}
	if i != n {
		t.Errorf("the range gave %d entries, want %d", i, n)
	}
}

func rangeMayWrite(t *testing.T, v Version) {
	s, ctx := v.open(t), t.Context()
	for _, key := range []string{"a/1", "a/2", "a/3"} {
		mustPut(t, s, key, "old", store.Absent)
	}
	sequence := s.Range(ctx, "a/")
	for entry, err := range sequence {
		if err != nil {
			t.Fatal(err)
		}
		mustPut(t, s, entry.Key, "new", entry.Revision)
		if entry.Key == "a/2" {
			break
		}
	}
	wantValue(t, s, "a/2", "new")
	wantValue(t, s, "a/3", "old")
	// A sequence may be used again, and then shows the present.
	var values []string
	for entry := range sequence {
		values = append(values, string(entry.Value))
	}
	if got := fmt.Sprint(values); got != "[new new old]" {
		t.Errorf("second loop over the sequence gives %s", got)
	}
}
