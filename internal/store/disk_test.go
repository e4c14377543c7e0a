package store_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	bberrors "go.etcd.io/bbolt/errors"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/store"
)

func TestOpenBolt_KeepsDirectoryAndFilesPrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "parent", "store")
	s, err := store.OpenBolt(dir, store.BoltOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Close(), os.Chmod(s.Path(), 0o644)); err != nil {
		t.Fatal(err)
	}
	openBolt(t, dir, store.BoltOptions{}) // a file that came open to others is closed to them
	for path, want := range map[string]os.FileMode{
		dir:                                      0o700,
		s.Path():                                 0o600,
		filepath.Join(dir, "bluelink2mqtt.lock"): 0o600,
	} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %o, want %o", path, got, want)
		}
	}
	if s.Path() != filepath.Join(dir, "bluelink2mqtt.db") {
		t.Errorf("the file is %s", s.Path())
	}
}

func TestOpenBolt_SaysWhichDirectoryItCannotUse(t *testing.T) {
	parent := t.TempDir()
	file := filepath.Join(parent, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{file, filepath.Join(file, "store")} {
		_, err := store.OpenBolt(dir, store.BoltOptions{})
		if err == nil || !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), "choose another store directory") {
			t.Errorf("open in %s: %v, want an error with the path and what to do", dir, err)
		}
	}
}

func TestOpenBolt_SaysThatItMayNotWrite(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("user 0 may write everywhere")
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{dir, filepath.Join(dir, "store")} {
		_, err := store.OpenBolt(dir, store.BoltOptions{})
		if !errors.Is(err, os.ErrPermission) || !strings.Contains(err.Error(), fmt.Sprintf("user %d may not write to %s", os.Getuid(), dir)) {
			t.Errorf("open in %s: %v, want an error that says who may not write where", dir, err)
		}
	}
}

// A write that fails must change nothing, and must leave a store that goes on.
func TestBolt_FailedWriteIsUndoneAndTheStoreGoesOn(t *testing.T) {
	s := openBolt(t, filepath.Join(t.TempDir(), "store"), store.BoltOptions{MaxSize: 256 << 10})
	checkFullDisk(t, s, bberrors.ErrMaxSizeReached)
}

// checkFullDisk writes until the store is full, and expects the error want, an unchanged state, and room again after a
// delete.
func checkFullDisk(t *testing.T, s *store.Bolt, want error) {
	t.Helper()
	ctx := t.Context()
	value := make([]byte, 20_000)
	if _, err := s.Put(ctx, "first", value, store.Absent); err != nil {
		t.Fatal(err)
	}
	last, n := uint64(0), 0
	var full error
	for ; full == nil && n < 10_000; n++ {
		var revision uint64
		if revision, full = s.Put(ctx, fmt.Sprintf("k/%04d", n), value, store.Absent); full == nil {
			last = revision
		}
	}
	if !errors.Is(full, want) || !strings.Contains(full.Error(), s.Path()) {
		t.Fatalf("put %d: %v, want %v with the path", n, full, want)
	}
	failed := fmt.Sprintf("k/%04d", n-1)
	if _, err := s.Get(ctx, failed); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("get of what could not be written: %v, want ErrNotFound", err)
	}
	for i := range n - 1 {
		if entry, err := s.Get(ctx, fmt.Sprintf("k/%04d", i)); err != nil || len(entry.Value) != len(value) {
			t.Fatalf("k/%04d after the failed write: %d bytes, %v", i, len(entry.Value), err)
		}
	}
	for i := range n - 1 {
		if err := s.Delete(ctx, fmt.Sprintf("k/%04d", i), store.AnyRevision); err != nil && i > 2 {
			t.Fatalf("delete %d after the store was full: %v", i, err)
		}
	}
	if err := s.Delete(ctx, "k/0000", store.AnyRevision); err != nil {
		t.Error(err)
	}
	revision, err := s.Put(ctx, failed, value, store.Absent)
	if err != nil {
		t.Fatalf("put when there is room again: %v", err)
	}
	if revision <= last {
		t.Errorf("revision %d after %d, want a rise", revision, last)
	}
}
