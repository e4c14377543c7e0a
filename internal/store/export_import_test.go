package store_test

import (
	"bytes"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/store"
)

func everything(string) bool { return true }

func entries(t *testing.T, s store.Store) map[string]string {
	t.Helper()
	all := map[string]string{}
	for entry, err := range s.Range(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		all[entry.Key] = string(entry.Value)
	}
	return all
}

func TestExport_ComesBackByteForByteInAnyOtherStore(t *testing.T) {
	values := map[string]string{
		"json/object": `{"a":[1,2.50,"<ü>\u003c"],"b":null}`, "json/null": `null`, "json/text": `"x"`,
		"json/spaced": `{ "a": 1 }`, "json/newline": "{}\n", "json/broken": `{"a":`, "empty": "",
		"bytes": "\x00\x01\xff\n{}", "json/invalid-utf8": "\"\xff\"",
	}
	from := store.NewMemory()
	for key, value := range values {
		put(t, from, key, value)
	}
	var text bytes.Buffer
	n, err := store.Export(t.Context(), from, &text, everything)
	if err != nil || n != (store.Exported{Written: len(values)}) {
		t.Fatalf("exported %+v, %v", n, err)
	}
	if lines := strings.Count(text.String(), "\n"); lines != len(values)+1 {
		t.Errorf("%d lines, want one for each entry and a head:\n%s", lines, text.String())
	}
	for name, to := range map[string]store.Store{
		"bolt": openBolt(t, filepath.Join(t.TempDir(), "store"), store.BoltOptions{}), "sealed": seal(t, store.NewMemory(), sealingKey),
	} {
		n, err := store.Import(t.Context(), to, bytes.NewReader(text.Bytes()), false)
		if err != nil || n != (store.Imported{Written: len(values)}) {
			t.Fatalf("%s: imported %+v, %v", name, n, err)
		}
		got := entries(t, to)
		for key, value := range values {
			if got[key] != value {
				t.Errorf("%s: %s comes back as %q, was %q", name, key, got[key], value)
			}
		}
	}
}

func TestExport_HoldsBackWhatIsNotOpen(t *testing.T) {
	s := store.NewMemory()
	put(t, s, "account/a/tokens", tokens)
	put(t, s, "ledger/a", `{"calls":3}`)
	var text bytes.Buffer
	n, err := store.Export(t.Context(), s, &text, func(key string) bool { return strings.HasPrefix(key, "ledger/") })
	if err != nil || n != (store.Exported{Written: 1, HeldBack: 1}) || strings.Contains(text.String(), "MARKER") {
		t.Fatalf("exported %+v, %v:\n%s", n, err, text.String())
	}
	other := store.NewMemory()
	got, err := store.Import(t.Context(), other, &text, false)
	if err != nil || got != (store.Imported{Written: 1, LeftOut: 1}) || len(entries(t, other)) != 1 {
		t.Errorf("imported %+v, %v, want the open entry alone", got, err)
	}
}

func TestExport_TellsDamagedValuesAndGoesOn(t *testing.T) {
	inner := store.NewMemory()
	sealed := seal(t, inner, sealingKey)
	put(t, sealed, "a", "1")
	put(t, sealed, "b", "2")
	put(t, inner, "a", "not sealed")
	var text bytes.Buffer
	n, err := store.Export(t.Context(), sealed, &text, everything)
	if err != nil || n != (store.Exported{Written: 1, Damaged: 1}) || !strings.Contains(text.String(), `{"key":"a","left_out":"damaged"}`) {
		t.Errorf("exported %+v, %v:\n%s", n, err, text.String())
	}
	list, err := store.List(t.Context(), sealed)
	if err != nil || len(list) != 2 || !list[0].Damaged || list[1].Damaged || list[1].Size != 1 {
		t.Errorf("listed %+v, %v", list, err)
	}
}

func TestImport_WritesAllOrNothing(t *testing.T) {
	const (
		head = `{"export":"bluelink2mqtt store","schema":1,"at":"2026-01-01T00:00:00Z","secrets":true}` + "\n"
		a    = `{"key":"a","value":1}` + "\n"
	)
	for name, text := range map[string]string{
		"nothing":            "",
		"another file":       "MQTT_BROKER_HOST=localhost\n",
		"other JSON":         `{"value":1}` + "\n",
		"too new":            strings.Replace(head, `"schema":1`, `"schema":9999`, 1) + a,
		"wrong key":          head + a + `{"key":"A","value":1}`,
		"no value":           head + a + `{"key":"b"}`,
		"unknown field":      head + a + `{"key":"b","value":1,"more":2}`,
		"cut":                head + a + `{"key":"b","val`,
		"twice the same key": head + a + a,
		"seal of another":    head + a + `{"key":"store/seal","value":{}}`,
		"too big":            head + a + `{"key":"b","value":"` + strings.Repeat("x", store.MaxValueSize) + `"}`,
	} {
		s := store.NewMemory()
		if _, err := store.Import(t.Context(), s, strings.NewReader(text), false); err == nil {
			t.Errorf("%s: no error", name)
		}
		if got := entries(t, s); len(got) != 0 {
			t.Errorf("%s: wrote %v", name, got)
		}
	}

	s := store.NewMemory()
	put(t, s, "a", "old")
	put(t, s, "b", "stays")
	if _, err := store.Import(t.Context(), s, strings.NewReader(head+a), false); !errors.Is(err, store.ErrFilled) {
		t.Errorf("into a store that holds something: %v, want ErrFilled", err)
	}
	want(t, s, "a", "old")
	if _, err := store.Import(t.Context(), s, strings.NewReader(head+a), true); err != nil {
		t.Fatal(err)
	}
	want(t, s, "a", "1")
	want(t, s, "b", "stays")
}

// FuzzImport holds that whatever is read can be exported and read again, with the same result.
func FuzzImport(f *testing.F) {
	f.Add(`{"export":"bluelink2mqtt store","schema":1,"at":"2026-01-01T00:00:00Z","secrets":true}` + "\n" + `{"key":"a","value":[1, 2]}` + "\n" + `{"key":"b","base64":"AAE="}`)
	f.Add(`{"export":"bluelink2mqtt store"}{"key":"a","left_out":"secret"}`)
	f.Fuzz(func(t *testing.T, text string) {
		s := store.NewMemory()
		if _, err := store.Import(t.Context(), s, strings.NewReader(text), false); err != nil {
			return
		}
		var again bytes.Buffer
		if _, err := store.Export(t.Context(), s, &again, everything); err != nil {
			t.Fatal(err)
		}
		other := store.NewMemory()
		if _, err := store.Import(t.Context(), other, &again, false); err != nil {
			t.Fatalf("its own export is refused: %v", err)
		}
		a, b := entries(t, s), entries(t, other)
		for key, value := range a {
			if b[key] != value {
				t.Errorf("%s was %q and is %q", key, value, b[key])
			}
		}
		if len(a) != len(b) {
			t.Errorf("%d entries became %d", len(a), len(b))
		}
	})
}

// Rewriting while others read and write must lose nothing.
func TestBolt_RewriteBetweenReadersAndWriters(t *testing.T) {
	s := openBolt(t, filepath.Join(t.TempDir(), "store"), store.BoltOptions{NoSync: true})
	changes, err := s.Watch(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		var failures []error
		for range 20 {
			failures = append(failures, s.Rewrite())
		}
		done <- errors.Join(failures...)
	}()
	var revisions []uint64
	for running := true; running; {
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			running = false
		default:
			revision, err := s.Put(t.Context(), "a", []byte("x"), store.AnyRevision)
			if err != nil {
				t.Fatal(err)
			}
			revisions = append(revisions, revision)
			if entry, err := s.Get(t.Context(), "a"); err != nil || entry.Revision != revision {
				t.Fatalf("get after put %d: revision %d, %v", revision, entry.Revision, err)
			}
		}
	}
	if !slices.IsSorted(revisions) || len(slices.Compact(revisions)) != len(revisions) {
		t.Error("revisions did not rise")
	}
	if change := <-changes; change.Key != "a" {
		t.Errorf("the watch gives %+v", change)
	}
}

func TestBolt_RewriteOfAClosedStoreIsSaid(t *testing.T) {
	s := openBolt(t, filepath.Join(t.TempDir(), "store"), store.BoltOptions{})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Rewrite(); !errors.Is(err, store.ErrClosed) {
		t.Errorf("rewrite: %v, want ErrClosed", err)
	}
}
