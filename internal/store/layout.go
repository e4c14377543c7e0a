package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"strconv"

	"go.etcd.io/bbolt"
)

// The database file has two buckets: "entries" (key → entry as encode writes it; its sequence is the revision of the
// last transaction) and "store" (what is to be known about the file).
var (
	entriesBucket = []byte("entries")
	storeBucket   = []byte("store")
	schemaKey     = []byte("schema") // decimal text
)

// Schema is the version of the file's layout and of what is kept in it. A release reads files of its own and of
// earlier schemas, and of the next one, so that one step back after an upgrade is always possible. A schema may
// therefore only add to what the one before it understands.
const Schema = 1

// prepare makes a new file's buckets, checks the schema of an old one, and brings an older one up to ours.
func (b *Bolt) prepare() error {
	found, err := b.schema()
	known := b.options.schema
	switch {
	case err != nil:
		return err
	case found > known+1:
		return &SchemaError{Path: b.path, Found: found, Known: known, Backup: b.backupBefore(known)}
	case found >= known:
		return nil // the next release's number stays, so that it knows its file again
	case found > 0:
		if err := b.db.View(func(tx *bbolt.Tx) error { return copyTo(tx, schemaBackup(b.path, found)) }); err != nil {
			return fmt.Errorf("copy the store before it is upgraded from schema %d to %d: %w", found, known, err)
		}
	}
	return b.setSchema(known)
}

// schemaBackup is where the file is copied to before a schema is left behind.
func schemaBackup(path string, schema int) string { return path + ".schema" + strconv.Itoa(schema) }

// backupBefore is the newest copy that a release which knows schema can read; empty when there is none.
func (b *Bolt) backupBefore(schema int) string {
	for s := schema + 1; s > 0; s-- {
		if path := schemaBackup(b.path, s); exists(path) {
			return path
		}
	}
	return ""
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// schema reads the schema of the file; 0 when it is new.
func (b *Bolt) schema() (found int, err error) {
	err = b.guarded(func() error {
		return b.db.View(func(tx *bbolt.Tx) error {
			about := tx.Bucket(storeBucket)
			if about == nil {
				return nil
			}
			var err error
			if found, err = strconv.Atoi(string(about.Get(schemaKey))); err != nil || found < 1 || tx.Bucket(entriesBucket) == nil {
				return &DamagedError{Path: b.path, Err: errors.New("its schema is missing")}
			}
			return nil
		})
	})
	return found, err
}

// setSchema makes what is missing of the layout and writes the schema's number.
func (b *Bolt) setSchema(schema int) error {
	err := b.guarded(func() error {
		return b.db.Update(func(tx *bbolt.Tx) error {
			if _, err := tx.CreateBucketIfNotExists(entriesBucket); err != nil {
				return err
			}
			about, err := tx.CreateBucketIfNotExists(storeBucket)
			if err != nil {
				return err
			}
			return about.Put(schemaKey, []byte(strconv.Itoa(schema)))
		})
	})
	var damaged *DamagedError
	switch {
	case errors.As(err, &damaged):
		b.broken = err
		return err
	case err != nil:
		return explain(b.path, err)
	}
	return nil
}

// verify reads the whole file once, so that one that lost a part is refused when the daemon starts, and not in the
// middle of a night. Single values that are damaged do not stop it; see Damaged.
func (b *Bolt) verify() error {
	info, err := b.file.Stat()
	if err != nil {
		return explain(b.path, err)
	}
	return b.guarded(func() error {
		return b.db.View(func(tx *bbolt.Tx) error {
			if info.Size() < tx.Size() {
				return &DamagedError{Path: b.path, Err: fmt.Errorf("it has %d bytes and should have %d", info.Size(), tx.Size())}
			}
			return tx.Bucket(entriesBucket).ForEach(func(k, raw []byte) error {
				key := string(k)
				if err := CheckKey(key); err != nil {
					return &DamagedError{Path: b.path, Err: err}
				}
				if !intact(key, raw) {
					b.damaged = append(b.damaged, key)
				}
				return nil
			})
		})
	})
}

// headerSize is what stands before the value: the revision and the checksum, big-endian.
const headerSize = 8 + 4

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// encode returns revision, checksum of key, revision and value, and value. bbolt has checksums for its two root pages
// only, and memory cards do lose bits.
func encode(key string, value []byte, revision uint64) []byte {
	raw := make([]byte, headerSize, headerSize+len(value))
	binary.BigEndian.PutUint64(raw, revision)
	raw = append(raw, value...)
	binary.BigEndian.PutUint32(raw[8:], checksum(key, raw))
	return raw
}

// decode copies an entry out of the mapped file.
func (b *Bolt) decode(key string, raw []byte) (Entry, error) {
	if !intact(key, raw) {
		return Entry{Key: key}, &DamagedError{Path: b.path, Key: key, Err: errors.New("its checksum does not match")}
	}
	return Entry{Key: key, Value: cloneValue(raw[headerSize:]), Revision: binary.BigEndian.Uint64(raw)}, nil
}

func intact(key string, raw []byte) bool {
	return len(raw) >= headerSize && binary.BigEndian.Uint32(raw[8:]) == checksum(key, raw)
}

func checksum(key string, raw []byte) uint32 {
	sum := crc32.Update(0, castagnoli, []byte(key))
	sum = crc32.Update(sum, castagnoli, raw[:8])
	return crc32.Update(sum, castagnoli, raw[headerSize:])
}
