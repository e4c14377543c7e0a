package storetest

import (
	"context"
	"fmt"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/store"
)

func mustWatch(ctx context.Context, t testing.TB, s store.Store, prefix string) <-chan store.Change {
	t.Helper()
	changes, err := s.Watch(ctx, prefix)
	if err != nil {
		t.Fatalf("Watch(%q): %v", prefix, err)
	}
	return changes
}

func show(change store.Change) string {
	if change.Deleted {
		return fmt.Sprintf("%s deleted@%d", change.Key, change.Revision)
	}
	return fmt.Sprintf("%s=%s@%d", change.Key, change.Value, change.Revision)
}

func watchInOrder(t *testing.T, v Version) {
	s := v.open(t)
	mustPut(t, s, "a", "before", store.Absent)
	changes := mustWatch(t.Context(), t, s, "")
	last := uint64(0)
	for i, step := range []struct{ key, value string }{
		{"a", "1"}, {"b", "2"}, {"a", "3"}, {"b", ""}, {"c", "4"},
	} {
		revision := mustPut(t, s, step.key, step.value, store.AnyRevision)
		got, want := show(<-changes), fmt.Sprintf("%s=%s@%d", step.key, step.value, revision)
		if got != want {
			t.Fatalf("change %d is %s, want %s", i, got, want)
		}
		last = revision
	}
	if err := s.Delete(t.Context(), "a", store.AnyRevision); err != nil {
		t.Fatal(err)
	}
	if got := <-changes; !got.Deleted || got.Key != "a" || got.Revision <= last || got.Value != nil {
		t.Errorf("after the delete comes %s, want a deleted after %d", show(got), last)
	}
	// A write that was refused and a delete of nothing are no changes.
	if _, err := s.Put(t.Context(), "b", nil, store.Absent); err == nil {
		t.Fatal("want a conflict")
	}
	if err := s.Delete(t.Context(), "none", store.AnyRevision); err != nil {
		t.Fatal(err)
	}
	mustPut(t, s, "d", "last", store.Absent)
	if got := <-changes; got.Key != "d" {
		t.Errorf("next comes %s, want d", show(got))
	}
}

func watchPrefix(t *testing.T, v Version) {
	s := v.open(t)
	changes := mustWatch(t.Context(), t, s, "vehicle/a/")
	for _, key := range []string{"vehicle/a", "vehicle/ab/state", "account/a/tokens", "vehicle/a/state", "vehicle/b/state", "vehicle/a/trips/1"} {
		mustPut(t, s, key, "x", store.Absent)
	}
	for _, want := range []string{"vehicle/a/state", "vehicle/a/trips/1"} {
		if got := <-changes; got.Key != want {
			t.Errorf("the watch gives %s, want %s", got.Key, want)
		}
	}
}

// watchCoalesces writes a lot while nobody reads. No write may wait for the reader, and the reader may miss values but
// never the last one of a key, nor the order.
func watchCoalesces(t *testing.T, v Version) {
	s := v.open(t)
	changes := mustWatch(t.Context(), t, s, "")
	const writers, each = 5, 40
	group, ctx := errgroup.WithContext(t.Context())
	for w := range writers {
		group.Go(func() error {
			for i := range each {
				if _, err := s.Put(ctx, fmt.Sprintf("k/%d", w), decimal(i), store.AnyRevision); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	mustPut(t, s, "end", "", store.Absent)

	latest := map[string]string{}
	last, taken := uint64(0), 0
	for change := range changes {
		if change.Key == "end" {
			break
		}
		if change.Revision <= last {
			t.Fatalf("%s comes after revision %d", show(change), last)
		}
		last = change.Revision
		latest[change.Key] = string(change.Value)
		taken++
	}
	for w := range writers {
		if key := fmt.Sprintf("k/%d", w); latest[key] != fmt.Sprint(each-1) {
			t.Errorf("the last value of %s is %q, want %d", key, latest[key], each-1)
		}
	}
	if !v.Network && taken > 2*writers {
		t.Errorf("the slow reader got %d changes of %d keys: they were kept for it", taken, writers)
	}
}

func watchAndRange(t *testing.T, v Version) {
	s := v.open(t)
	group, ctx := errgroup.WithContext(t.Context())
	const writes = 200
	begun := make(chan struct{})
	group.Go(func() error {
		for i := range writes {
			if _, err := s.Put(ctx, fmt.Sprintf("k/%d", i%7), decimal(i), store.AnyRevision); err != nil {
				return err
			}
			if i == 20 {
				close(begun)
			}
		}
		_, err := s.Put(ctx, "k/end", nil, store.Absent)
		return err
	})
	<-begun
	changes := mustWatch(t.Context(), t, s, "k/")
	mirror := map[string]store.Entry{}
	for _, entry := range all(t.Context(), t, s, "k/") {
		mirror[entry.Key] = entry
	}
	if _, ended := mirror["k/end"]; !ended {
		for change := range changes {
			if change.Revision > mirror[change.Key].Revision {
				mirror[change.Key] = change.Entry
			}
			if change.Key == "k/end" {
				break
			}
		}
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	for _, want := range all(t.Context(), t, s, "k/") {
		if got := mirror[want.Key]; got.Revision != want.Revision || string(got.Value) != string(want.Value) {
			t.Errorf("the mirror has %s %q at %d, want %q at %d", want.Key, got.Value, got.Revision, want.Value, want.Revision)
		}
	}
}

func watchEnds(t *testing.T, v Version) {
	s := v.open(t)
	ctx, cancel := context.WithCancel(t.Context())
	withContext := mustWatch(ctx, t, s, "")
	withStore := mustWatch(t.Context(), t, s, "")
	mustPut(t, s, "a", "x", store.Absent)
	cancel()
	drain(withContext)
	mustPut(t, s, "b", "x", store.Absent) // the other watch goes on
	if first, second := <-withStore, <-withStore; first.Key != "a" || second.Key != "b" {
		t.Errorf("the other watch gives %s and %s, want a and b", first.Key, second.Key)
	}
	mustPut(t, s, "c", "x", store.Absent) // nobody takes it
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	drain(withStore)
}

// drain returns when changes is closed.
func drain(changes <-chan store.Change) {
	for range changes {
	}
}
