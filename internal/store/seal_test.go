package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/store"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/store/storetest"
)

// quick keeps the derivation of keys from taking the time of the tests.
var quick = store.SealOptions{Rounds: 1000}

const sealingKey = "correct horse battery staple"

func seal(t testing.TB, inner store.Store, key string) *store.Sealed {
	t.Helper()
	s, err := store.Seal(t.Context(), inner, key, quick)
	if err != nil {
		t.Fatal(errors.Join(err, inner.Close()))
	}
	return s
}

func TestSealed_FulfilsTheContract(t *testing.T) {
	storetest.Run(t, storetest.Version{
		Open: func(t testing.TB, dir string) store.Store {
			t.Helper()
			inner, err := store.OpenBolt(dir, store.BoltOptions{})
			if err != nil {
				t.Fatal(err)
			}
			return seal(t, inner, sealingKey)
		},
		Durable: true,
	})
}

func TestSealedMemory_FulfilsTheContract(t *testing.T) {
	storetest.Run(t, storetest.Version{Open: func(t testing.TB, _ string) store.Store {
		t.Helper()
		return seal(t, store.NewMemory(), sealingKey)
	}})
}

// tokens is what must not be found in a file.
const tokens = `{"access":"MARKER-ACCESS","refresh":"MARKER-REFRESH"}`

// markers counts what can be read in the files of a store directory.
func markers(t *testing.T, dir string) (n int) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		n += bytes.Count(text, []byte("MARKER"))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestSeal_KeyThatComesLaterLeavesNothingReadable(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	plain, err := store.OpenBolt(dir, store.BoltOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 50 {
		for range 2 { // the first one is overwritten: its page is free, and readable
			if _, err := plain.Put(t.Context(), fmt.Sprintf("account/%d/tokens", i), []byte(tokens), store.AnyRevision); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := plain.Close(); err != nil {
		t.Fatal(err)
	}
	if markers(t, dir) < 100 {
		t.Fatal("the plain file does not show its values: this test looks for nothing")
	}

	var last uint64
	for range 2 {
		inner, err := store.OpenBolt(dir, store.BoltOptions{})
		if err != nil {
			t.Fatal(err)
		}
		sealed := seal(t, inner, sealingKey)
		entry, err := sealed.Get(t.Context(), "account/49/tokens")
		if err != nil || string(entry.Value) != tokens {
			t.Errorf("the sealed value reads %q, %v", entry.Value, err)
		}
		revision, err := sealed.Put(t.Context(), "account/0/tokens", []byte(tokens), store.AnyRevision)
		if err != nil || revision <= last {
			t.Errorf("put after the file was rewritten: revision %d after %d, %v", revision, last, err)
		}
		last = revision
		if err := sealed.Close(); err != nil {
			t.Fatal(err)
		}
		if n := markers(t, dir); n != 0 {
			t.Errorf("%d values can be read in the sealed file", n)
		}
	}
	if last <= 100 {
		t.Errorf("revision %d after more than 100 writes: the rewritten file has forgotten them", last)
	}
}

func TestSeal_WrongOrMissingKeyIsSaid(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	inner := openBolt(t, dir, store.BoltOptions{})
	if err := store.CheckUnsealed(t.Context(), inner); err != nil {
		t.Errorf("a plain store: %v", err)
	}
	sealed := seal(t, inner, sealingKey)
	if _, err := sealed.Put(t.Context(), "account/a/tokens", []byte(tokens), store.Absent); err != nil {
		t.Fatal(err)
	}

	var wrong *store.KeyError
	_, err := store.Seal(t.Context(), inner, "another", quick)
	if !errors.As(err, &wrong) || wrong.Why != store.WrongKey || !strings.Contains(err.Error(), "store.key") || !strings.Contains(err.Error(), inner.Path()) {
		t.Errorf("another key: %v, want a KeyError with path and what to do", err)
	}
	err = store.CheckUnsealed(t.Context(), inner)
	if !errors.As(err, &wrong) || wrong.Why != store.NoKey || !strings.Contains(err.Error(), "BLUELINK_STORE_KEY") {
		t.Errorf("no key: %v, want a KeyError that says what to set", err)
	}
	if _, err := store.Seal(t.Context(), inner, "", quick); !errors.Is(err, store.ErrInvalid) {
		t.Errorf("an empty key: %v, want ErrInvalid", err)
	}
	if entry, err := sealed.Get(t.Context(), "account/a/tokens"); err != nil || string(entry.Value) != tokens {
		t.Errorf("after the wrong keys the value reads %q, %v", entry.Value, err)
	}
}

func TestSealed_ValueInAnotherPlaceOrChangedIsDamaged(t *testing.T) {
	inner := store.NewMemory()
	sealed := seal(t, inner, sealingKey)
	ctx := t.Context()
	for _, key := range []string{"account/a/tokens", "account/b/tokens", "account/c/tokens"} {
		if _, err := sealed.Put(ctx, key, []byte(tokens+key), store.Absent); err != nil {
			t.Fatal(err)
		}
	}
	moved, err := inner.Get(ctx, "account/a/tokens")
	if err != nil {
		t.Fatal(err)
	}
	changed := append([]byte{}, moved.Value...)
	changed[len(changed)-1] ^= 1
	for key, value := range map[string][]byte{"account/a/tokens": changed, "account/b/tokens": moved.Value, "account/c/tokens": []byte("plain")} {
		if _, err := inner.Put(ctx, key, value, store.AnyRevision); err != nil {
			t.Fatal(err)
		}
		var damaged *store.DamagedError
		if entry, err := sealed.Get(ctx, key); !errors.As(err, &damaged) || damaged.Key != key || len(entry.Value) > 0 {
			t.Errorf("%s: %q, %v, want a DamagedError", key, entry.Value, err)
		}
	}
	for entry, err := range sealed.Range(ctx, "account/") {
		if !errors.As(err, new(*store.DamagedError)) || entry.Key == "" || len(entry.Value) > 0 {
			t.Errorf("range gives %q at %q, %v", entry.Value, entry.Key, err)
		}
	}
	// What was readable is sealed by the next start; what was sealed for another place stays damaged.
	again := seal(t, inner, sealingKey)
	if entry, err := again.Get(ctx, "account/c/tokens"); err != nil || string(entry.Value) != "plain" {
		t.Errorf("the readable value is now %q, %v", entry.Value, err)
	}
	if _, err := again.Get(ctx, "account/b/tokens"); !errors.As(err, new(*store.DamagedError)) {
		t.Errorf("the moved value: %v, want a DamagedError", err)
	}
}

func TestSealed_ItsRecordIsNobodysKey(t *testing.T) {
	ctx := t.Context()
	sealed := seal(t, store.NewMemory(), sealingKey)
	for entry, err := range sealed.Range(ctx, "") {
		t.Errorf("an empty store holds %s, %v", entry.Key, err)
	}
	if _, err := sealed.Get(ctx, "store/seal"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("get: %v", err)
	}
	if _, err := sealed.Put(ctx, "store/seal", nil, store.AnyRevision); !errors.Is(err, store.ErrInvalid) {
		t.Errorf("put: %v", err)
	}
	if err := sealed.Delete(ctx, "store/seal", store.AnyRevision); !errors.Is(err, store.ErrInvalid) {
		t.Errorf("delete: %v", err)
	}
}

func TestSeal_RecordThatAsksForTooMuchIsDamaged(t *testing.T) {
	for _, record := range []string{"", "{}", `{"kdf":"pbkdf2-sha256","rounds":1,"salt":"AAAAAAAAAAAAAAAAAAAAAAAA"}`, `{"kdf":"x","rounds":5000,"salt":"AAAAAAAAAAAAAAAAAAAAAAAA"}`} {
		inner := store.NewMemory()
		if _, err := inner.Put(t.Context(), "store/seal", []byte(record), store.Absent); err != nil {
			t.Fatal(err)
		}
		if _, err := store.Seal(t.Context(), inner, sealingKey, quick); !errors.As(err, new(*store.DamagedError)) {
			t.Errorf("%q: %v, want a DamagedError", record, err)
		}
		if err := store.CheckUnsealed(t.Context(), inner); !errors.As(err, new(*store.DamagedError)) {
			t.Errorf("%q without a key: %v, want a DamagedError", record, err)
		}
	}
}
