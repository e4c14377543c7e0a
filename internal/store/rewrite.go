package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"
)

// rewriteChunk bounds a transaction of the new file, and so the memory that it takes, in bytes.
const rewriteChunk = 1 << 20

// Rewrite writes the file anew with what is in the store and nothing else: a database keeps what was overwritten or
// deleted until it needs the room. Copies from before an upgrade, which hold it too, are removed. Call it where a secret was
// removed. Everybody else waits meanwhile. The new file takes the place of the old one only when it is complete and on the
// disk.
func (b *Bolt) Rewrite() error {
	b.lead <- struct{}{} // no commit meanwhile
	defer func() { <-b.lead }()
	b.mu.Lock()
	defer b.mu.Unlock()
	var err error
	switch {
	case b.closed:
		err = ErrClosed
	case b.broken != nil:
		err = b.broken
	case b.db == nil:
		err = b.lost
	default:
		err = errors.Join(b.rewrite(b.part()), b.removeCopies())
	}
	if err != nil {
		return fmt.Errorf("rewrite store: %w", err)
	}
	return nil
}

// rewrite makes part a copy without free pages, and then the file. The caller has the lead and holds mu.
func (b *Bolt) rewrite(part string) error {
	err := b.guarded(func() error { return compact(b.db, part) })
	if err != nil {
		_ = os.Remove(part)
		return explain(part, err)
	}
	if err := b.release(); err != nil {
		_ = os.Remove(part)
		return errors.Join(explain(b.path, err), b.openAgain())
	}
	if err = os.Rename(part, b.path); err == nil {
		err = syncDir(filepath.Dir(b.path))
	}
	if err != nil {
		_ = os.Remove(part)
	}
	return errors.Join(explain(b.path, err), b.openAgain())
}

func compact(from *bbolt.DB, path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) { // of a process that was killed
		return err
	}
	to, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: time.Nanosecond, FreelistType: bbolt.FreelistMapType, NoStatistics: true})
	if err != nil {
		return err
	}
	return errors.Join(bbolt.Compact(to, from, rewriteChunk), to.Close())
}

// removeCopies removes what upgrades have left.
func (b *Bolt) removeCopies() (err error) {
	for schema := 1; schema <= b.options.schema; schema++ {
		if failed := os.Remove(schemaBackup(b.path, schema)); failed != nil && !errors.Is(failed, fs.ErrNotExist) {
			err = errors.Join(err, failed)
		}
	}
	return err
}
