package storetest

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/store"
)

// Rules that one goroutine can check: revisions, keys, values, errors.

func getAbsent(t *testing.T, v Version) {
	s := v.open(t)
	wantAbsent(t, s, "vehicle/none/state")
	mustPut(t, s, "vehicle/some/state", "x", store.Absent)
	wantAbsent(t, s, "vehicle/some")
	wantAbsent(t, s, "vehicle/some/state2")
}

func revisionsGuard(t *testing.T, v Version) {
	s, ctx := v.open(t), t.Context()
	const key = "account/a/tokens"

	_, err := s.Put(ctx, key, []byte("x"), 7)
	wantError(t, "put at a revision that never was", err, store.ErrConflict)
	wantAbsent(t, s, key)

	one := mustPut(t, s, key, "one", store.Absent)
	if one == 0 || one == store.AnyRevision {
		t.Fatalf("the first revision is %d, want neither Absent nor AnyRevision", one)
	}
	if got := wantValue(t, s, key, "one"); got != one {
		t.Errorf("Get gives revision %d, Put gave %d", got, one)
	}

	_, err = s.Put(ctx, key, []byte("x"), store.Absent)
	wantError(t, "put of what exists as absent", err, store.ErrConflict)
	var conflict *store.ConflictError
	if !errors.As(err, &conflict) || conflict.Key != key || conflict.Want != store.Absent || conflict.Have != one {
		t.Errorf("the conflict says %+v, want key %s, want 0, have %d", conflict, key, one)
	}

	two := mustPut(t, s, key, "two", one)
	if two <= one {
		t.Errorf("revision went from %d to %d, want a rise", one, two)
	}
	_, err = s.Put(ctx, key, []byte("late"), one)
	wantError(t, "put by a late owner", err, store.ErrConflict)
	wantError(t, "delete by a late owner", s.Delete(ctx, key, one), store.ErrConflict)
	wantError(t, "delete of what exists as absent", s.Delete(ctx, key, store.Absent), store.ErrConflict)
	wantValue(t, s, key, "two")

	three := mustPut(t, s, key, "three", store.AnyRevision)
	if err := s.Delete(ctx, key, three); err != nil {
		t.Errorf("delete at the present revision: %v", err)
	}
	wantAbsent(t, s, key)
}

func revisionsNeverComeBack(t *testing.T, v Version) {
	s := v.open(t)
	const key = "lease/a"
	seen := map[uint64]bool{}
	last := uint64(0)
	for range 5 {
		revision := mustPut(t, s, key, "mine", store.Absent)
		if seen[revision] || revision <= last {
			t.Fatalf("revision %d after %d: a generation must be new and higher", revision, last)
		}
		seen[revision], last = true, revision
		if err := s.Delete(t.Context(), key, revision); err != nil {
			t.Fatal(err)
		}
		_, err := s.Put(t.Context(), key, []byte("late"), revision)
		wantError(t, "put at the revision of a deleted key", err, store.ErrConflict)
	}
}

func deleteAbsent(t *testing.T, v Version) {
	s, ctx := v.open(t), t.Context()
	if err := s.Delete(ctx, "a", store.AnyRevision); err != nil {
		t.Errorf("delete of an absent key at any revision: %v, want none", err)
	}
	if err := s.Delete(ctx, "a", store.Absent); err != nil {
		t.Errorf("delete of an absent key as absent: %v, want none", err)
	}
	wantError(t, "delete of an absent key at a revision", s.Delete(ctx, "a", 3), store.ErrConflict)
}

func keysAndPrefixes(t *testing.T, v Version) {
	s, ctx := v.open(t), t.Context()
	long := strings.Repeat("k", store.MaxKeyLength)
	for _, key := range []string{"a", "a/b", "vehicle/0123456789ab/state", "a.b-c_d/0", ".", "-", long} {
		if _, err := s.Put(ctx, key, []byte(key), store.Absent); err != nil {
			t.Errorf("Put(%q): %v", key, err)
			continue
		}
		wantValue(t, s, key, key)
	}
	for _, key := range []string{"", "/", "/a", "a/", "a//b", "A", "a b", "a*", "a>", "ä", "a\x00", "a\n", "a=b", long + "k"} {
		_, err := s.Put(ctx, key, nil, store.AnyRevision)
		wantError(t, "Put of a wrong key "+key, err, store.ErrInvalid)
		_, err = s.Get(ctx, key)
		wantError(t, "Get of a wrong key "+key, err, store.ErrInvalid)
		wantError(t, "Delete of a wrong key "+key, s.Delete(ctx, key, store.AnyRevision), store.ErrInvalid)
	}
	for _, prefix := range []string{"a", "a/b", "/", "a//", "A/"} {
		wantError(t, "Range over a wrong prefix "+prefix, lastError(ctx, s, prefix), store.ErrInvalid)
		_, err := s.Watch(ctx, prefix)
		wantError(t, "Watch of a wrong prefix "+prefix, err, store.ErrInvalid)
	}
	_, err := s.Apply(ctx, store.PutOp("twice", nil, 0), store.DeleteOp("twice", store.AnyRevision))
	if !v.OneKey {
		wantError(t, "transaction with a key twice", err, store.ErrInvalid)
	}
}

func bigValues(t *testing.T, v Version) {
	s, ctx := v.open(t), t.Context()
	big := bytes.Repeat([]byte("0123456789abcdef"), store.MaxValueSize/16+1)[:store.MaxValueSize]
	for _, size := range []int{1, 4095, 4096, 4097, 100_000, store.MaxValueSize} {
		mustPut(t, s, "big", string(big[:size]), store.AnyRevision)
		wantValue(t, s, "big", string(big[:size]))
	}
	_, err := s.Put(ctx, "big", append(big, 'x'), store.AnyRevision)
	wantError(t, "put of too much", err, store.ErrInvalid)
	wantValue(t, s, "big", string(big))
}

func emptyValue(t *testing.T, v Version) {
	s := v.open(t)
	for _, value := range [][]byte{nil, {}} {
		if _, err := s.Put(t.Context(), "empty", value, store.AnyRevision); err != nil {
			t.Fatal(err)
		}
		wantValue(t, s, "empty", "")
	}
	if got := keys(all(t.Context(), t, s, "")); got != "empty" {
		t.Errorf("range gives %q, want the key with the empty value", got)
	}
}

func bytesBelongToTheCaller(t *testing.T, v Version) {
	s, ctx := v.open(t), t.Context()
	changes, err := s.Watch(ctx, "")
	if err != nil {
		t.Fatal(err)
	}
	value := []byte("kept")
	if _, err := s.Put(ctx, "a", value, store.Absent); err != nil {
		t.Fatal(err)
	}
	copy(value, "XXXX")
	if change := <-changes; string(change.Value) != "kept" {
		t.Errorf("the watch gives %q, want what was put", change.Value)
	} else {
		copy(change.Value, "XXXX")
	}
	entry, err := s.Get(ctx, "a")
	if err != nil {
		t.Fatal(err)
	}
	copy(entry.Value, "XXXX")
	for entry := range s.Range(ctx, "") {
		copy(entry.Value, "XXXX")
	}
	wantValue(t, s, "a", "kept")
}

func errorsNameVerbAndKey(t *testing.T, v Version) {
	s, ctx := v.open(t), t.Context()
	mustPut(t, s, "account/a", "x", store.Absent)
	_, get := s.Get(ctx, "account/b")
	_, put := s.Put(ctx, "account/a", nil, store.Absent)
	for want, err := range map[string]error{
		"get account/b":    get,
		"put account/a":    put,
		"delete account/a": s.Delete(ctx, "account/a", store.Absent),
	} {
		if err == nil || !strings.HasPrefix(err.Error(), want+": ") {
			t.Errorf("error %q, want it to begin with %q", err, want+": ")
		}
	}
}

func endedContext(t *testing.T, v Version) {
	s := v.open(t)
	mustPut(t, s, "a", "before", store.Absent)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Put(ctx, "a", []byte("after"), store.AnyRevision)
	wantError(t, "put", err, context.Canceled)
	_, err = s.Get(ctx, "a")
	wantError(t, "get", err, context.Canceled)
	wantError(t, "delete", s.Delete(ctx, "a", store.AnyRevision), context.Canceled)
	wantError(t, "range", lastError(ctx, s, ""), context.Canceled)
	_, err = s.Watch(ctx, "")
	wantError(t, "watch", err, context.Canceled)
	wantValue(t, s, "a", "before")

	for _, key := range []string{"b", "c"} {
		mustPut(t, s, key, "x", store.Absent)
	}
	ctx, cancel = context.WithCancel(t.Context())
	defer cancel()
	seen := 0
	for _, err := range s.Range(ctx, "") {
		if seen++; seen == 1 {
			cancel()
			continue
		}
		wantError(t, "range whose context ends on the way", err, context.Canceled)
	}
	if seen != 2 {
		t.Errorf("the range went on for %d steps, want one entry and one error", seen)
	}
}

func closedStore(t *testing.T, v Version) {
	s, ctx := v.open(t), t.Context()
	mustPut(t, s, "a", "x", store.Absent)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := s.Get(ctx, "a")
	wantError(t, "get", err, store.ErrClosed)
	_, err = s.Put(ctx, "a", nil, store.AnyRevision)
	wantError(t, "put", err, store.ErrClosed)
	wantError(t, "delete", s.Delete(ctx, "a", store.AnyRevision), store.ErrClosed)
	_, err = s.Apply(ctx, store.PutOp("a", nil, store.AnyRevision))
	wantError(t, "apply", err, store.ErrClosed)
	wantError(t, "range", lastError(ctx, s, ""), store.ErrClosed)
	_, err = s.Watch(ctx, "")
	wantError(t, "watch", err, store.ErrClosed)
	if err := s.Close(); err != nil {
		t.Errorf("second close: %v, want nothing to happen", err)
	}
}

func reopened(t *testing.T, v Version) {
	if !v.Durable {
		t.Skip("this version forgets")
	}
	dir := filepath.Join(t.TempDir(), "store")
	s := v.openIn(t, dir)
	revision := mustPut(t, s, "a/kept", "kept", store.Absent)
	mustPut(t, s, "a/empty", "", store.Absent)
	last := mustPut(t, s, "a/gone", "gone", store.Absent)
	if err := s.Delete(t.Context(), "a/gone", last); err != nil {
		t.Fatal(err)
	}
	before := all(t.Context(), t, s, "")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	s = v.openIn(t, dir)
	if after := all(t.Context(), t, s, ""); !equalEntries(before, after) {
		t.Errorf("reopened it holds %v, want %v", after, before)
	}
	if got := wantValue(t, s, "a/kept", "kept"); got != revision {
		t.Errorf("reopened it stands at revision %d, want %d", got, revision)
	}
	wantAbsent(t, s, "a/gone")
	if next := mustPut(t, s, "a/next", "", store.Absent); next <= last {
		t.Errorf("revision %d after reopening, want more than %d", next, last)
	}
}
