package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"go.etcd.io/bbolt"
	bberrors "go.etcd.io/bbolt/errors"
)

// fileName is the database file in a store directory.
const fileName = "bluelink2mqtt.db"

// Bolt is a durable [Store] in one file of one directory, which one process owns; see [OpenBolt].
//
// Reads go to the memory-mapped file, each in a transaction of microseconds: a long one would keep the file growing.
// Writes queue up and are committed in groups, see commit.go.
type Bolt struct {
	path    string
	options BoltOptions
	lock    *Lock
	watches hub
	damaged []string // set before anybody else knows this store

	lead    chan struct{} // one token, with the writer that commits at present
	queueMu sync.Mutex    // guards queue; held for moments only
	queue   []*request

	mu     sync.RWMutex // guards what follows; a read or commit holds it for reading, Close and reopen for writing
	db     *bbolt.DB    // nil when closed or lost
	file   *os.File     // of db
	closed bool
	lost   error // why db is nil although the store was not closed: it could not be opened anew
	broken error // why nothing is written any more: a write found the file damaged
}

var _ Store = (*Bolt)(nil)

// BoltOptions are the choices of [OpenBolt]. The zero value is right for a daemon.
type BoltOptions struct {
	// Holder tells the next who wants the directory what this process is ("bluelink2mqtt run"). Default: the name
	// of the executable.
	Holder string
	// MaxSize bounds the file, in bytes. What does not fit is refused, what is there stays readable. Default: none.
	MaxSize int
	// NoSync leaves the flush to the operating system: for tests, as a power cut then loses acknowledged writes.
	NoSync bool

	schema int // what this release knows; [Schema] when zero. Tests of upgrades play other releases.
}

// OpenBolt opens the store in dir, and creates both when there is none: the directory for its user alone (0700), the
// file too (0600); where they were open to others, they are closed, unless the directory has other things in it, see
// [Concerns]. The caller closes the store.
//
// Errors say what to do. Typed are [*InUseError] when another process owns dir, [*DamagedError] when the file cannot
// be read, [*SchemaError] when a release wrote it that is too new for this one.
func OpenBolt(dir string, options BoltOptions) (*Bolt, error) {
	if options.Holder == "" {
		options.Holder = filepath.Base(os.Args[0])
	}
	if options.schema == 0 {
		options.schema = Schema
	}
	if err := makeDir(dir); err != nil {
		return nil, fmt.Errorf("open store: %w", explain(dir, err))
	}
	protect(dir)
	lock, err := LockDir(dir, options.Holder)
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	b := &Bolt{
		path:    filepath.Join(dir, fileName),
		options: options,
		lock:    lock,
		lead:    make(chan struct{}, 1),
	}
	_ = os.Remove(b.part()) // of a copy that was never finished
	err = b.open()
	if err == nil {
		err = b.verify()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open store: %w", err), b.release(), lock.Unlock())
	}
	return b, nil
}

// makeDir creates dir, and makes its name durable in its parent.
func makeDir(dir string) error {
	if info, err := os.Stat(dir); err == nil && info.IsDir() {
		return nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return syncDir(filepath.Dir(dir))
}

// open opens the file. The caller holds mu, or is the only one who knows b.
func (b *Bolt) open() error {
	_, statErr := os.Stat(b.path)
	isNew := errors.Is(statErr, fs.ErrNotExist)
	var file *os.File
	var db *bbolt.DB
	err := b.guarded(func() (err error) {
		db, err = bbolt.Open(b.path, 0o600, &bbolt.Options{
			Timeout:      time.Nanosecond, // look once; the directory's lock has decided already
			FreelistType: bbolt.FreelistMapType,
			// The list of free pages is written with each commit. Without it bbolt would read the whole file when it
			// opens it, on a goroutine of its own, where a damaged page ends the process.
			NoFreelistSync: false,
			NoStatistics:   true,
			NoSync:         b.options.NoSync,
			MaxSize:        b.options.MaxSize,
			OpenFile: func(path string, flag int, mode os.FileMode) (f *os.File, err error) {
				f, err = os.OpenFile(path, flag, mode)
				file = f
				return f, err
			},
		})
		return err
	})
	if err != nil {
		if file != nil { // bbolt has closed it, unless it panicked: then the mapping stays, which would keep its lock
			_, _ = unlock(file), file.Close()
		}
		return b.openError(err)
	}
	b.db, b.file, b.lost = db, file, nil
	_ = file.Chmod(0o600) // a restored backup may be open to others; some file systems have no modes
	if err := b.prepare(); err != nil {
		return err
	}
	if isNew {
		if err := syncDir(filepath.Dir(b.path)); err != nil {
			return explain(b.path, err)
		}
	}
	return nil
}

func (b *Bolt) openError(err error) error {
	switch {
	case errors.Is(err, bberrors.ErrTimeout):
		return &InUseError{Dir: filepath.Dir(b.path)} // by something that does not know our lock file
	case errors.Is(err, bberrors.ErrInvalid), errors.Is(err, bberrors.ErrChecksum), errors.Is(err, bberrors.ErrVersionMismatch),
		strings.Contains(err.Error(), "file size too small"):
		return &DamagedError{Path: b.path, Err: err}
	}
	var damaged *DamagedError
	if errors.As(err, &damaged) {
		return err
	}
	return explain(b.path, err)
}

// release closes the file, if it is open. The caller holds mu, or is the only one who knows b.
func (b *Bolt) release() error {
	db, file := b.db, b.file
	b.db, b.file = nil, nil
	switch {
	case db == nil:
		return nil
	case b.broken != nil:
		// The write that found the damage may have left bbolt's locks behind, for which Close would wait for ever.
		// The mapping stays until the process ends, the file and its lock do not.
		return errors.Join(unlock(file), file.Close())
	default:
		return db.Close()
	}
}

// guarded runs fn, which reads pages of the file. On a damaged page bbolt panics, and where the file ends too early
// the system sends a fault; both become a DamagedError.
func (b *Bolt) guarded(fn func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = &DamagedError{Path: b.path, Err: fmt.Errorf("%v", p)}
		}
	}()
	return fn()
}

// view runs fn in a read transaction.
func (b *Bolt) view(fn func(entries *bbolt.Bucket) error) error {
	b.mu.RLock()
	defer b.mu.RUnlock()
	if b.closed {
		return ErrClosed
	}
	if b.db == nil {
		return b.lost
	}
	return b.guarded(func() error {
		return b.db.View(func(tx *bbolt.Tx) error { return fn(tx.Bucket(entriesBucket)) })
	})
}

// Get implements [Store].
func (b *Bolt) Get(ctx context.Context, key string) (Entry, error) {
	entry, err := b.get(ctx, key)
	if err != nil {
		return Entry{}, fmt.Errorf("get %s: %w", key, err)
	}
	return entry, nil
}

func (b *Bolt) get(ctx context.Context, key string) (entry Entry, err error) {
	if err := CheckKey(key); err != nil {
		return Entry{}, err
	}
	if err := ctx.Err(); err != nil {
		return Entry{}, err
	}
	err = b.view(func(entries *bbolt.Bucket) error {
		raw := entries.Get([]byte(key))
		if raw == nil {
			return ErrNotFound
		}
		entry, err = b.decode(key, raw)
		return err
	})
	return entry, err
}

// Put implements [Store].
func (b *Bolt) Put(ctx context.Context, key string, value []byte, revision uint64) (uint64, error) {
	return b.Apply(ctx, PutOp(key, value, revision))
}

// Delete implements [Store].
func (b *Bolt) Delete(ctx context.Context, key string, revision uint64) error {
	_, err := b.Apply(ctx, DeleteOp(key, revision))
	return err
}

// Range implements [Store].
func (b *Bolt) Range(ctx context.Context, prefix string) iter.Seq2[Entry, error] {
	return rangeCopy(ctx, prefix, b.snapshot)
}

func (b *Bolt) snapshot(prefix string) (rows []row, err error) {
	first := []byte(prefix)
	err = b.view(func(entries *bbolt.Bucket) error {
		cursor := entries.Cursor()
		for k, raw := cursor.Seek(first); k != nil && bytes.HasPrefix(k, first); k, raw = cursor.Next() {
			entry, err := b.decode(string(k), raw)
			rows = append(rows, row{entry, err})
		}
		return nil
	})
	return rows, err
}

// Watch implements [Store].
func (b *Bolt) Watch(ctx context.Context, prefix string) (<-chan Change, error) {
	return startWatch(ctx, prefix, &b.watches)
}

// Path returns the path of the database file.
func (b *Bolt) Path() string { return b.path }

// Damaged returns the keys whose values could not be read when the store was opened: Get answers a [*DamagedError] for
// them until they are written anew (with [AnyRevision], as their revision is lost too) or deleted.
func (b *Bolt) Damaged() []string { return slices.Clone(b.damaged) }

// Backup writes a copy of the whole store to the file path, as it is at one moment. It replaces an older copy only
// when the new one is complete. Writers that need the file to grow wait for it.
func (b *Bolt) Backup(path string) error {
	if err := b.view(func(entries *bbolt.Bucket) error { return copyTo(entries.Tx(), path) }); err != nil {
		return fmt.Errorf("back up store to %s: %w", path, err)
	}
	return nil
}

// copyTo writes what tx sees to the file path, by way of a file beside it.
func copyTo(tx *bbolt.Tx, path string) error {
	part := path + ".part"
	err := tx.CopyFile(part, 0o600)
	if err == nil {
		err = os.Rename(part, path)
	}
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	if err != nil {
		_ = os.Remove(part)
		return explain(path, err)
	}
	return nil
}

// part is where a copy grows that is to take the place of the file.
func (b *Bolt) part() string { return b.path + ".part" }

// Close implements [Store]. It also gives the directory free.
func (b *Bolt) Close() error {
	b.lead <- struct{}{} // wait for the commit that runs; those that queue find the store closed
	b.mu.Lock()
	defer func() {
		b.mu.Unlock()
		<-b.lead
		b.watches.close()
	}()
	if b.closed {
		return nil
	}
	b.closed = true
	if err := errors.Join(b.release(), b.lock.Unlock()); err != nil {
		return fmt.Errorf("close store %s: %w", b.path, err)
	}
	return nil
}
