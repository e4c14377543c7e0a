// Package storetest is the contract of store.Store in executable form: one suite that every version passes. A version
// joins with a test of a few lines; see memory_test.go and bolt_test.go next door. Only tests import it.
package storetest

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/store"
)

// Version says how the suite gets at one version of the store.
type Version struct {
	// Open opens the store in dir, which is a new directory or one whose store was closed before. The suite closes it.
	Open func(t testing.TB, dir string) store.Store
	// Durable is set when a store that is opened anew in the same directory holds what it held.
	Durable bool
	// OneKey is set when the engine cannot change several keys at once; Apply must then say so.
	OneKey bool
	// Network is set when calls wait for sockets, so that virtual time cannot pass around them.
	Network bool
}

// Run checks v against the contract.
func Run(t *testing.T, v Version) {
	for _, promise := range []struct {
		name  string
		check func(*testing.T, Version)
	}{
		{"GetOfAnAbsentKeyIsNotFound", getAbsent},
		{"RevisionsGuardEveryWrite", revisionsGuard},
		{"RevisionsNeverComeBack", revisionsNeverComeBack},
		{"DeleteOfAnAbsentKey", deleteAbsent},
		{"KeysAndPrefixesAreChecked", keysAndPrefixes},
		{"ValuesUpToTheLimit", bigValues},
		{"EmptyValueIsAValue", emptyValue},
		{"BytesBelongToTheCaller", bytesBelongToTheCaller},
		{"ErrorsNameVerbAndKey", errorsNameVerbAndKey},
		{"EndedContextWritesNothing", endedContext},
		{"ClosedStoreSaysSo", closedStore},
		{"TransactionIsAllOrNothing", transactionAllOrNothing},
		{"TransactionOfSeveralKeysIsRefusedWhereTheEngineCannot", transactionRefused},
		{"RangeIsOrderedAndBounded", rangeOrdered},
		{"RangeIsASnapshot", rangeSnapshot},
		{"RangeMayWriteAndStop", rangeMayWrite},
		{"ReopenedStoreHoldsEverything", reopened},
		{"AgreesWithAMap", agreesWithMap},
		{"ConcurrentIncrementsLoseNothing", concurrentIncrements},
		{"ConcurrentTransfersKeepTheSum", concurrentTransfers},
		{"ThousandWriters", thousandWriters},
		{"CloseWaitsForWriters", closeWaits},
		{"WatchSeesChangesInOrder", watchInOrder},
		{"WatchSeesItsPrefixOnly", watchPrefix},
		{"WatchKeepsTheLatestForASlowReader", watchCoalesces},
		{"WatchAndRangeLeaveNoGap", watchAndRange},
		{"WatchEndsWithItsContextOrTheStore", watchEnds},
		{"WorksInVirtualTime", virtualTime},
	} {
		t.Run(promise.name, func(t *testing.T) { promise.check(t, v) })
	}
}

// open opens a store in a directory of its own and closes it when the test ends.
func (v Version) open(t *testing.T) store.Store {
	t.Helper()
	return v.openIn(t, filepath.Join(t.TempDir(), "store"))
}

func (v Version) openIn(t *testing.T, dir string) store.Store {
	t.Helper()
	s := v.Open(t, dir)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

func mustPut(t testing.TB, s store.Store, key, value string, revision uint64) uint64 {
	t.Helper()
	got, err := s.Put(t.Context(), key, []byte(value), revision)
	if err != nil {
		t.Fatalf("Put(%s, %q, %d): %v", key, value, revision, err)
	}
	return got
}

// wantValue fails unless key holds value; it returns the revision.
func wantValue(t testing.TB, s store.Store, key, value string) uint64 {
	t.Helper()
	entry, err := s.Get(t.Context(), key)
	if err != nil {
		t.Fatalf("Get(%s): %v", key, err)
	}
	if string(entry.Value) != value || entry.Key != key {
		t.Fatalf("Get(%s) = %s: %.40q, want %.40q", key, entry.Key, entry.Value, value)
	}
	return entry.Revision
}

func wantAbsent(t testing.TB, s store.Store, key string) {
	t.Helper()
	if entry, err := s.Get(t.Context(), key); !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("Get(%s) = %.40q at %d, %v, want ErrNotFound", key, entry.Value, entry.Revision, err)
	}
}

func wantError(t testing.TB, what string, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Errorf("%s: error %v, want %v", what, err, target)
	}
}

// all collects a range.
func all(ctx context.Context, t testing.TB, s store.Store, prefix string) []store.Entry {
	t.Helper()
	var entries []store.Entry
	for entry, err := range s.Range(ctx, prefix) {
		if err != nil {
			t.Fatalf("Range(%q): %v", prefix, err)
		}
		entries = append(entries, entry)
	}
	return entries
}

// lastError returns the error that ended a range, or nil.
func lastError(ctx context.Context, s store.Store, prefix string) (last error) {
	for _, err := range s.Range(ctx, prefix) {
		last = err
	}
	return last
}

func keys(entries []store.Entry) string {
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Key)
	}
	return strings.Join(names, " ")
}

func equalEntries(a, b []store.Entry) bool {
	return slices.EqualFunc(a, b, func(x, y store.Entry) bool {
		return x.Key == y.Key && x.Revision == y.Revision && string(x.Value) == string(y.Value)
	})
}
