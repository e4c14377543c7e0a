package store_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/store"
)

// as opens a store as a release that knows schema, uses it and closes it.
func as(t *testing.T, dir string, schema int, use func(s *store.Bolt)) error {
	t.Helper()
	s, err := store.OpenAs(dir, schema)
	if err != nil {
		return err
	}
	use(s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return nil
}

func put(t *testing.T, s store.Store, key, value string) {
	t.Helper()
	if _, err := s.Put(t.Context(), key, []byte(value), store.AnyRevision); err != nil {
		t.Fatal(err)
	}
}

func want(t *testing.T, s store.Store, key, value string) {
	t.Helper()
	if entry, err := s.Get(t.Context(), key); err != nil || string(entry.Value) != value {
		t.Errorf("%s is %q, %v, want %q", key, entry.Value, err, value)
	}
}

// A user upgrades, does not like it, goes one release back, and comes again.
func TestOpenBolt_UpgradeAndOneStepBackKeepEverything(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	const before, after = store.Schema, store.Schema + 1
	for i, step := range []struct {
		release int
		sees    string
	}{{before, ""}, {after, "0"}, {before, "1"}, {after, "2"}, {after, "3"}} {
		err := as(t, dir, step.release, func(s *store.Bolt) {
			if step.sees != "" {
				want(t, s, "vehicle/a/state", step.sees)
			}
			put(t, s, "vehicle/a/state", fmt.Sprint(i))
		})
		if err != nil {
			t.Fatalf("step %d, release %d: %v", i, step.release, err)
		}
	}
}

func TestOpenBolt_UpgradeLeavesACopyOfBefore(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	const before, after = store.Schema, store.Schema + 1
	var path string
	for release, value := range map[int]string{before: "old"} {
		if err := as(t, dir, release, func(s *store.Bolt) { path = s.Path(); put(t, s, "vehicle/a/state", value) }); err != nil {
			t.Fatal(err)
		}
	}
	backup := fmt.Sprintf("%s.schema%d", path, before)
	if _, err := os.Stat(backup); err == nil {
		t.Fatal("there is a copy before any upgrade")
	}
	if err := as(t, dir, after, func(s *store.Bolt) { put(t, s, "vehicle/a/state", "new") }); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(backup)
	if err != nil {
		t.Fatalf("the upgrade left no copy: %v", err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the copy has mode %o", info.Mode().Perm())
	}

	// Two releases on, going back is refused, and the error names the copy; with the copy it works.
	if err := as(t, dir, before+2, func(*store.Bolt) {}); err != nil {
		t.Fatal(err)
	}
	err = as(t, dir, before, func(*store.Bolt) {})
	var schema *store.SchemaError
	if !errors.As(err, &schema) || !strings.Contains(err.Error(), ".schema") {
		t.Fatalf("two releases back: %v, want a SchemaError that names a copy", err)
	}
	if schema.Backup != fmt.Sprintf("%s.schema%d", path, after) {
		t.Errorf("the error names %s, want the newest copy that this release reads", schema.Backup)
	}
	if err := os.Rename(backup, path); err != nil {
		t.Fatal(err)
	}
	if err := as(t, dir, before, func(s *store.Bolt) { want(t, s, "vehicle/a/state", "old") }); err != nil {
		t.Errorf("with the copy: %v", err)
	}
}

func TestOpenBolt_DoesNotUpgradeWithoutACopy(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	var path string
	if err := as(t, dir, store.Schema, func(s *store.Bolt) { path = s.Path(); put(t, s, "a", "x") }); err != nil {
		t.Fatal(err)
	}
	inTheWay := fmt.Sprintf("%s.schema%d", path, store.Schema)
	if err := os.MkdirAll(filepath.Join(inTheWay, "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	err := as(t, dir, store.Schema+1, func(*store.Bolt) {})
	if err == nil || !strings.Contains(err.Error(), "before it is upgraded") || !strings.Contains(err.Error(), inTheWay) {
		t.Errorf("upgrade without room for a copy: %v, want an error that says so", err)
	}
	if err := as(t, dir, store.Schema, func(s *store.Bolt) { want(t, s, "a", "x") }); err != nil {
		t.Errorf("the release before: %v", err)
	}
}

// Who encrypts the store, or signs out, wants no readable copy left.
func TestBolt_RewriteRemovesTheCopiesOfUpgrades(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	if err := as(t, dir, store.Schema, func(s *store.Bolt) { put(t, s, "account/a/tokens", tokens) }); err != nil {
		t.Fatal(err)
	}
	err := as(t, dir, store.Schema+1, func(s *store.Bolt) {
		put(t, s, "account/a/tokens", "{}")
		if markers(t, dir) == 0 {
			t.Error("there is no readable copy: this test looks for nothing")
		}
		if err := s.Rewrite(); err != nil {
			t.Error(err)
		}
		want(t, s, "account/a/tokens", "{}")
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := markers(t, dir); n != 0 {
		t.Errorf("%d secrets can be read in the directory", n)
	}
}
