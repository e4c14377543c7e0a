package store

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"sync"
)

// sealKey is where a store says that it is sealed, and with what. Nobody sees it through a [Sealed].
const sealKey = "store/seal"

// defaultRounds makes guessing a key costly. It is the advice of OWASP for PBKDF2 with SHA-256, and takes 0.1 to 1 s of a
// start, on small machines too.
const defaultRounds = 600_000

// sealMark begins a value that was sealed; no JSON begins so. Nonce and ciphertext follow.
const sealMark = "\x00sealed1"

const (
	nonceSize = 12
	tagSize   = 16
	// sealSlack is what sealing adds to a value.
	sealSlack = len(sealMark) + nonceSize + tagSize
)

// sealRecord is the value of sealKey, as JSON.
type sealRecord struct {
	KDF    string `json:"kdf"`    // "pbkdf2-sha256"
	Rounds int    `json:"rounds"` // of it
	Salt   []byte `json:"salt"`
	Check  []byte `json:"check"` // a known text, sealed: tells a wrong key
}

const kdfName = "pbkdf2-sha256"

// Bounds of what a record may ask for: fewer rounds would be a weakness, more a start that never ends.
const (
	minRounds = 1_000
	maxRounds = 100_000_000
)

// Sealed is a [Store] that keeps its values encrypted in another one: AES-256 in Galois/counter mode, a nonce of its own
// for each value, the value's key bound in, so that nobody can put one value in the place of another. Keys (in which no
// secret ever stands), sizes and revisions stay readable. See [Seal].
//
// It protects what is on the disk and in copies of it. Whoever can also read the key, or the memory of the process, reads
// everything.
type Sealed struct {
	inner Store
	aead  cipher.AEAD

	mu      sync.Mutex // held where a watch begins and while inner is closed: none begins when Close waits
	watches sync.WaitGroup
}

var _ Store = (*Sealed)(nil)

// SealOptions are the choices of [Seal]. The zero value is right for a daemon.
type SealOptions struct {
	// Rounds of the key derivation of a store that is not sealed yet; 600,000 when zero. A sealed store keeps its own.
	Rounds int
}

// Seal returns inner with its values encrypted by key, any text. The first time it encrypts what is there already, and
// rewrites the file where inner can, so that nothing readable stays behind in it. Closing the result closes inner.
//
// The error is a [*KeyError] when inner was sealed with another key.
func Seal(ctx context.Context, inner Store, key string, options SealOptions) (*Sealed, error) {
	if key == "" {
		return nil, fmt.Errorf("seal store: %w key: it is empty", ErrInvalid)
	}
	s := &Sealed{inner: inner}
	record, found, err := readSeal(ctx, inner)
	if err != nil {
		return nil, fmt.Errorf("seal store: %w", err)
	}
	if !found {
		record = sealRecord{KDF: kdfName, Rounds: options.Rounds, Salt: make([]byte, 32)}
		if record.Rounds == 0 {
			record.Rounds = defaultRounds
		}
		_, _ = rand.Read(record.Salt)
	}
	if s.aead, err = record.derive(key); err != nil {
		return nil, fmt.Errorf("seal store: %w", err)
	}
	if found {
		if _, err := s.open(sealKey, record.Check); err != nil {
			return nil, &KeyError{Path: pathOf(inner), Why: WrongKey}
		}
		// What a crash or an import from elsewhere left readable.
		if err := s.sealRest(ctx); err != nil {
			return nil, fmt.Errorf("seal store: %w", err)
		}
		return s, nil
	}
	record.Check = s.seal(sealKey, nil)
	if err := s.sealAll(ctx, record); err != nil {
		return nil, fmt.Errorf("seal store: %w", err)
	}
	return s, nil
}

// CheckUnsealed reports, as a [*KeyError], that s is sealed and can be used with its key only.
func CheckUnsealed(ctx context.Context, s Store) error {
	_, found, err := readSeal(ctx, s)
	switch {
	case err != nil:
		return err
	case found:
		return &KeyError{Path: pathOf(s), Why: NoKey}
	}
	return nil
}

// readSeal tells whether s is sealed, and with what.
func readSeal(ctx context.Context, s Store) (record sealRecord, found bool, err error) {
	entry, err := s.Get(ctx, sealKey)
	switch {
	case errors.Is(err, ErrNotFound):
		return record, false, nil
	case err != nil:
		return record, false, err
	}
	if err := json.Unmarshal(entry.Value, &record); err != nil {
		return record, false, &DamagedError{Path: pathOf(s), Key: sealKey, Err: err}
	}
	if record.KDF != kdfName || record.Rounds < minRounds || record.Rounds > maxRounds || len(record.Salt) < 16 {
		return record, false, &DamagedError{Path: pathOf(s), Key: sealKey, Err: errors.New("it names no way of sealing that this release knows")}
	}
	return record, true, nil
}

// derive makes the cipher of a key.
func (r sealRecord) derive(key string) (cipher.AEAD, error) {
	secret, err := pbkdf2.Key(sha256.New, key, r.Salt, r.Rounds, 32)
	if err != nil {
		return nil, fmt.Errorf("derive key: %w", err)
	}
	block, err := aes.NewCipher(secret)
	if err != nil {
		return nil, fmt.Errorf("derive key: %w", err)
	}
	return cipher.NewGCM(block)
}

// sealAll seals a store for the first time: all values and the record in one transaction where the engine can, so that
// a crash leaves one or the other; else the record first, and what is left the next time.
func (s *Sealed) sealAll(ctx context.Context, record sealRecord) error {
	value, err := json.Marshal(record)
	if err != nil {
		return err
	}
	plain, err := s.plain(ctx)
	if err != nil {
		return err
	}
	first := PutOp(sealKey, value, Absent)
	_, err = s.inner.Apply(ctx, append([]Op{first}, plain...)...)
	if errors.Is(err, errors.ErrUnsupported) {
		if _, err := s.inner.Apply(ctx, first); err != nil {
			return err
		}
		return s.sealRest(ctx)
	}
	if err != nil || len(plain) == 0 {
		return err
	}
	return s.rewrite()
}

// sealRest seals what is still readable.
func (s *Sealed) sealRest(ctx context.Context) error {
	plain, err := s.plain(ctx)
	if err != nil || len(plain) == 0 {
		return err
	}
	for _, op := range plain {
		if _, err := s.inner.Apply(ctx, op); err != nil && !errors.Is(err, ErrConflict) { // somebody else was faster
			return err
		}
	}
	return s.rewrite()
}

// plain gives the changes that seal what is readable. Damaged values stay as they are.
func (s *Sealed) plain(ctx context.Context) (ops []Op, err error) {
	for entry, err := range s.inner.Range(ctx, "") {
		if damaged := (*DamagedError)(nil); errors.As(err, &damaged) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if entry.Key != sealKey && !isSealed(entry.Value) {
			ops = append(ops, s.sealOp(PutOp(entry.Key, entry.Value, entry.Revision)))
		}
	}
	return ops, nil
}

// rewrite removes what was overwritten from the file.
func (s *Sealed) rewrite() error {
	if file, ok := s.inner.(interface{ Rewrite() error }); ok {
		return file.Rewrite()
	}
	return nil
}

func isSealed(value []byte) bool {
	return len(value) >= sealSlack && string(value[:len(sealMark)]) == sealMark
}

// seal encrypts value for key. A random nonce of 96 bits is safe for 2^32 values of one store, which are thousands of
// years of a home's writes.
func (s *Sealed) seal(key string, value []byte) []byte {
	out := make([]byte, 0, sealSlack+len(value))
	out = append(out, sealMark...)
	out = out[:len(sealMark)+nonceSize]
	nonce := out[len(sealMark):]
	_, _ = rand.Read(nonce)
	return s.aead.Seal(out, nonce, value, []byte(key))
}

// open is the reverse of seal.
func (s *Sealed) open(key string, sealed []byte) ([]byte, error) {
	if !isSealed(sealed) {
		return nil, &DamagedError{Path: pathOf(s.inner), Key: key, Err: errors.New("it is not sealed, the others are")}
	}
	rest := sealed[len(sealMark):]
	value, err := s.aead.Open([]byte{}, rest[:nonceSize], rest[nonceSize:], []byte(key))
	if err != nil {
		return nil, &DamagedError{Path: pathOf(s.inner), Key: key, Err: errors.New("it was sealed with another key, for another place, or was changed")}
	}
	return value, nil
}

func (s *Sealed) sealOp(op Op) Op {
	if !op.Delete {
		op.Value, op.slack = s.seal(op.Key, op.Value), sealSlack
	}
	return op
}

func (s *Sealed) openEntry(entry Entry) (Entry, error) {
	value, err := s.open(entry.Key, entry.Value)
	if err != nil {
		return Entry{Key: entry.Key}, err
	}
	entry.Value = value
	return entry, nil
}

// pathOf is the file of a store that has one.
func pathOf(s Store) string {
	if file, ok := s.(interface{ Path() string }); ok {
		return file.Path()
	}
	return ""
}

// Get implements [Store].
func (s *Sealed) Get(ctx context.Context, key string) (Entry, error) {
	if key == sealKey {
		return Entry{}, fmt.Errorf("get %s: %w", key, ErrNotFound)
	}
	entry, err := s.inner.Get(ctx, key)
	if err != nil {
		return Entry{}, err
	}
	entry, err = s.openEntry(entry)
	if err != nil {
		return Entry{}, fmt.Errorf("get %s: %w", key, err)
	}
	return entry, nil
}

// Put implements [Store].
func (s *Sealed) Put(ctx context.Context, key string, value []byte, revision uint64) (uint64, error) {
	return s.Apply(ctx, PutOp(key, value, revision))
}

// Delete implements [Store].
func (s *Sealed) Delete(ctx context.Context, key string, revision uint64) error {
	_, err := s.Apply(ctx, DeleteOp(key, revision))
	return err
}

// Apply implements [Store].
func (s *Sealed) Apply(ctx context.Context, ops ...Op) (uint64, error) {
	sealed := make([]Op, len(ops))
	for i, op := range ops {
		switch {
		case op.Key == sealKey:
			return 0, wrapApply(ops, fmt.Errorf("%w key: it is the store's own", ErrInvalid))
		case !op.Delete && len(op.Value) > MaxValueSize: // not worth the work
			return 0, wrapApply(ops, checkOps(ops))
		}
		sealed[i] = s.sealOp(op)
	}
	return s.inner.Apply(ctx, sealed...)
}

// Range implements [Store].
func (s *Sealed) Range(ctx context.Context, prefix string) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		for entry, err := range s.inner.Range(ctx, prefix) {
			if entry.Key == sealKey {
				continue
			}
			if err == nil {
				entry, err = s.openEntry(entry)
			}
			if !yield(entry, err) {
				return
			}
		}
	}
}

// Watch implements [Store]. A change that cannot be opened is left out; Get tells why.
func (s *Sealed) Watch(ctx context.Context, prefix string) (<-chan Change, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sealed, err := s.inner.Watch(ctx, prefix)
	if err != nil {
		return nil, err
	}
	w := newWatcher(prefix)
	s.watches.Go(func() { w.run(ctx) })
	s.watches.Go(func() {
		defer close(w.stop)
		for change := range sealed {
			if change.Key == sealKey {
				continue
			}
			if !change.Deleted {
				opened, err := s.openEntry(change.Entry)
				if err != nil {
					continue
				}
				change.Entry = opened
			}
			w.take(change)
		}
	})
	return w.out, nil
}

// Path returns the path of the file, "" when there is none.
func (s *Sealed) Path() string { return pathOf(s.inner) }

// Rewrite writes the file anew where there is one; see [Bolt.Rewrite].
func (s *Sealed) Rewrite() error { return s.rewrite() }

// Close implements [Store].
func (s *Sealed) Close() error {
	s.mu.Lock()
	err := s.inner.Close()
	s.mu.Unlock()
	s.watches.Wait()
	return err
}
