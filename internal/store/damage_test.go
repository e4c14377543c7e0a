package store_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/store"
)

// fill makes a store of a few hundred kilobytes, closes it and returns the path of its file.
func fill(t *testing.T, dir string) string {
	t.Helper()
	s, err := store.OpenBolt(dir, store.BoltOptions{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 200 {
		if _, err := s.Put(t.Context(), fmt.Sprintf("vehicle/%03d/state", i), fmt.Appendf(nil, "%02000d", i), store.Absent); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return s.Path()
}

func TestOpenBolt_RefusesDamagedFilesAndSaysWhatToDo(t *testing.T) {
	const page = 4096
	for name, damage := range map[string]func([]byte) []byte{
		"not a database":      func([]byte) []byte { return []byte(strings.Repeat("this is no database\n", 5000)) },
		"a few bytes":         func([]byte) []byte { return []byte("x") },
		"only the first page": func(file []byte) []byte { return file[:page] },
		"cut in half":         func(file []byte) []byte { return file[:len(file)/2] },
		"cut within a page":   func(file []byte) []byte { return file[:len(file)/2+100] },
		"zeroes after the first pages": func(file []byte) []byte {
			clear(file[2*page:])
			return file
		},
		"noise after the first pages": func(file []byte) []byte {
			for i := range file[2*page:] {
				file[2*page+i] = byte(i*7 + i>>8)
			}
			return file
		},
		"both root pages": func(file []byte) []byte {
			clear(file[:2*page])
			return file
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "store")
			path := fill(t, dir)
			file, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, damage(file), 0o600); err != nil {
				t.Fatal(err)
			}
			for range 2 { // the second time too: nothing stays locked
				_, err = store.OpenBolt(dir, store.BoltOptions{})
				var damaged *store.DamagedError
				if !errors.As(err, &damaged) || damaged.Path != path {
					t.Fatalf("error %v, want a DamagedError for %s", err, path)
				}
				for _, part := range []string{path, "backup", "start anew"} {
					if !strings.Contains(err.Error(), part) {
						t.Errorf("error %q does not say %q", err, part)
					}
				}
			}
		})
	}
}

func TestBolt_DamagedValueCostsOneKeyOnly(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	path := fill(t, dir)
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	// Flip a bit of the value that ends in 00042, wherever the file keeps it or kept it once.
	changed := strings.ReplaceAll(string(file), strings.Repeat("0", 100)+"42", strings.Repeat("0", 100)+"43")
	if err := os.WriteFile(path, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}

	s := openBolt(t, dir, store.BoltOptions{})
	const key = "vehicle/042/state"
	if got := fmt.Sprint(s.Damaged()); got != "["+key+"]" {
		t.Errorf("damaged are %s, want %s", got, key)
	}
	var damaged *store.DamagedError
	if _, err := s.Get(t.Context(), key); !errors.As(err, &damaged) || damaged.Key != key {
		t.Errorf("get of a damaged value: %v, want a DamagedError for its key", err)
	}
	good, bad := 0, 0
	for entry, err := range s.Range(t.Context(), "vehicle/") {
		switch {
		case err == nil:
			good++
		case errors.As(err, &damaged) && entry.Key == key:
			bad++
		default:
			t.Fatal(err)
		}
	}
	if good != 199 || bad != 1 {
		t.Errorf("the range gives %d good and %d damaged entries, want 199 and 1", good, bad)
	}
	if _, err := s.Put(t.Context(), key, []byte("x"), 43); !errors.As(err, &damaged) {
		t.Errorf("put at a revision that nobody knows any more: %v, want a DamagedError", err)
	}
	if _, err := s.Put(t.Context(), key, []byte("anew"), store.AnyRevision); err != nil {
		t.Errorf("put over a damaged value: %v", err)
	}
	if entry, err := s.Get(t.Context(), key); err != nil || string(entry.Value) != "anew" {
		t.Errorf("after it the key holds %q, %v", entry.Value, err)
	}
}

// setSchema writes schema into a store file, as a release of another time would.
func setSchema(t *testing.T, path, schema string) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte("store")).Put([]byte("schema"), []byte(schema))
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestOpenBolt_ReadsTheNextSchemaAndRefusesLaterOnes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	path := fill(t, dir)

	setSchema(t, path, fmt.Sprint(store.Schema+1))
	for range 2 { // the number stays as it is
		s, err := store.OpenBolt(dir, store.BoltOptions{})
		if err != nil {
			t.Fatalf("the next schema: %v", err)
		}
		if _, err := s.Put(t.Context(), "a", nil, store.AnyRevision); err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}

	setSchema(t, path, fmt.Sprint(store.Schema+2))
	_, err := store.OpenBolt(dir, store.BoltOptions{})
	var schema *store.SchemaError
	if !errors.As(err, &schema) || schema.Found != store.Schema+2 || schema.Known != store.Schema || schema.Path != path {
		t.Fatalf("error %v, want a SchemaError", err)
	}
	if !strings.Contains(err.Error(), "newer one") {
		t.Errorf("error %q does not say what to do", err)
	}

	setSchema(t, path, "what")
	if _, err := store.OpenBolt(dir, store.BoltOptions{}); !errors.As(err, new(*store.DamagedError)) {
		t.Errorf("unreadable schema: %v, want a DamagedError", err)
	}
}

func TestBolt_BackupOpensAsAStore(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	fill(t, dir)
	s := openBolt(t, dir, store.BoltOptions{})
	other := filepath.Join(t.TempDir(), "other")
	if err := os.Mkdir(other, 0o700); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second replaces the first
		if err := s.Backup(filepath.Join(other, "bluelink2mqtt.db")); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Put(t.Context(), "later", nil, store.Absent); err != nil {
		t.Fatal(err)
	}
	copied := openBolt(t, other, store.BoltOptions{})
	n := 0
	for _, err := range copied.Range(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != 200 {
		t.Errorf("the backup holds %d entries, want the 200 of its moment", n)
	}
	if err := s.Backup(filepath.Join(other, "none", "x.db")); err == nil || !strings.Contains(err.Error(), "none") {
		t.Errorf("backup into a missing directory: %v, want an error with its path", err)
	}
}

// A file may also lose its pages while it is in use. Nothing may crash or hang then, Close included.
func TestBolt_FileThatIsDamagedWhileOpenIsSaid(t *testing.T) {
	const page = 4096
	for name, damage := range map[string]func(file *os.File, size int64) error{
		"cut": func(file *os.File, _ int64) error { return file.Truncate(2 * page) },
		"noise": func(file *os.File, size int64) error {
			_, err := file.WriteAt([]byte(strings.Repeat("noise, ", int(size/7)))[2*page:], 2*page)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "store")
			path := fill(t, dir)
			s, err := store.OpenBolt(dir, store.BoltOptions{NoSync: true})
			if err != nil {
				t.Fatal(err)
			}
			file, err := os.OpenFile(path, os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			info, err := file.Stat()
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(damage(file, info.Size()), file.Close()); err != nil {
				t.Fatal(err)
			}

			var damaged *store.DamagedError
			if _, err := s.Get(t.Context(), "vehicle/150/state"); !errors.As(err, &damaged) {
				t.Errorf("get: %v, want a DamagedError", err)
			}
			for range 2 {
				if _, err := s.Put(t.Context(), "vehicle/150/state", nil, store.AnyRevision); !errors.As(err, &damaged) {
					t.Errorf("put: %v, want a DamagedError", err)
				}
			}
			if err := s.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
			if _, err := store.OpenBolt(dir, store.BoltOptions{}); !errors.As(err, &damaged) {
				t.Errorf("open again: %v, want a DamagedError", err)
			}
		})
	}
}
