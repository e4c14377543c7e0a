package storetest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/store"
)

// number reads a counter; an absent one is 0 at revision Absent.
func number(ctx context.Context, s store.Store, key string) (int, uint64, error) {
	entry, err := s.Get(ctx, key)
	if errors.Is(err, store.ErrNotFound) {
		return 0, store.Absent, nil
	}
	if err != nil {
		return 0, 0, err
	}
	n, err := strconv.Atoi(string(entry.Value))
	return n, entry.Revision, err
}

func decimal(n int) []byte { return strconv.AppendInt(nil, int64(n), 10) }

func concurrentIncrements(t *testing.T, v Version) {
	s := v.open(t)
	const writers, each = 8, 25
	group, ctx := errgroup.WithContext(t.Context())
	for range writers {
		group.Go(func() error {
			for done := 0; done < each; {
				n, revision, err := number(ctx, s, "counter")
				if err != nil {
					return err
				}
				_, err = s.Put(ctx, "counter", decimal(n+1), revision)
				switch {
				case err == nil:
					done++
				case !errors.Is(err, store.ErrConflict):
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	wantValue(t, s, "counter", strconv.Itoa(writers*each))
}

func concurrentTransfers(t *testing.T, v Version) {
	if v.OneKey {
		t.Skip("the engine changes one key at a time")
	}
	s := v.open(t)
	const accounts, sum = 4, 1000
	key := func(i int) string { return fmt.Sprintf("purse/%d", i%accounts) }
	mustPut(t, s, key(0), strconv.Itoa(sum), store.Absent)
	for i := 1; i < accounts; i++ {
		mustPut(t, s, key(i), "0", store.Absent)
	}

	readers, stop := context.WithCancel(t.Context())
	var reading sync.WaitGroup
	for range 2 {
		reading.Go(func() {
			for readers.Err() == nil {
				total := 0
				for entry, err := range s.Range(t.Context(), "purse/") {
					if err != nil {
						t.Errorf("range: %v", err)
						return
					}
					n, _ := strconv.Atoi(string(entry.Value))
					total += n
				}
				if total != sum {
					t.Errorf("a snapshot sums to %d, want %d", total, sum)
					return
				}
			}
		})
	}

	group, ctx := errgroup.WithContext(t.Context())
	for w := range 4 {
		group.Go(func() error {
			for i := range 50 {
				from, to := key(w+i), key(w+i+1+i%(accounts-1))
				have, revision, err := number(ctx, s, from)
				if err != nil {
					return err
				}
				other, otherRevision, err := number(ctx, s, to)
				if err != nil {
					return err
				}
				_, err = s.Apply(ctx, store.PutOp(from, decimal(have-1), revision), store.PutOp(to, decimal(other+1), otherRevision))
				if err != nil && !errors.Is(err, store.ErrConflict) {
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Error(err)
	}
	stop()
	reading.Wait()
}

func thousandWriters(t *testing.T, v Version) {
	s := v.open(t)
	const writers = 1000
	revisions := make([]uint64, writers)
	group, ctx := errgroup.WithContext(t.Context())
	for i := range writers {
		group.Go(func() (err error) {
			revisions[i], err = s.Put(ctx, fmt.Sprintf("vehicle/%04d/state", i), decimal(i), store.Absent)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	seen := map[uint64]bool{}
	for i, entry := range all(t.Context(), t, s, "vehicle/") {
		if string(entry.Value) != strconv.Itoa(i) || entry.Revision != revisions[i] || seen[entry.Revision] {
			t.Fatalf("%s holds %q at %d, want %d at %d, a revision of its own", entry.Key, entry.Value, entry.Revision, i, revisions[i])
		}
		seen[entry.Revision] = true
	}
	if len(seen) != writers {
		t.Errorf("%d writes are there, want %d", len(seen), writers)
	}
}

// closeWaits closes a store in the middle of a storm: each writer must learn the truth, and what was acknowledged must
// be there afterwards.
func closeWaits(t *testing.T, v Version) {
	dir := t.TempDir()
	s := v.openIn(t, dir)
	const writers = 64
	acknowledged := make([]int, writers)
	var writing sync.WaitGroup
	warm := make(chan struct{}, writers)
	for w := range writers {
		writing.Go(func() {
			for i := 1; ; i++ {
				_, err := s.Put(t.Context(), fmt.Sprintf("writer/%02d", w), decimal(i), store.AnyRevision)
				if err != nil {
					wantError(t, "put while the store closes", err, store.ErrClosed)
					return
				}
				acknowledged[w] = i
				if i == 1 {
					warm <- struct{}{}
				}
			}
		})
	}
	for range writers {
		<-warm
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	writing.Wait()
	if !v.Durable {
		return
	}
	s = v.openIn(t, dir)
	for w, want := range acknowledged {
		wantValue(t, s, fmt.Sprintf("writer/%02d", w), strconv.Itoa(want))
	}
}

func virtualTime(t *testing.T, v Version) {
	if v.Network {
		t.Skip("virtual time does not pass around sockets")
	}
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := v.openIn(t, dir)
		changes, err := s.Watch(t.Context(), "tick/")
		if err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		var writing sync.WaitGroup
		for w := range 10 {
			writing.Go(func() {
				for i := range 24 {
					select {
					case <-time.After(time.Hour):
					case <-t.Context().Done():
						return
					}
					if _, err := s.Put(t.Context(), fmt.Sprintf("tick/%d", w), decimal(i), store.AnyRevision); err != nil {
						t.Error(err)
					}
				}
			})
		}
		writing.Wait()
		if took := time.Since(begin); took != 24*time.Hour {
			t.Errorf("24 h of writes took %v: the store spent virtual time of its own", took)
		}
		synctest.Wait()
		for range 10 {
			if change := <-changes; string(change.Value) != "23" {
				t.Errorf("the watch gives %s %q, want the last value", change.Key, change.Value)
			}
		}
	})
}
