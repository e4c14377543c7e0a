// Package store keeps bytes under keys: durably, with a revision for each key, and for one process at a time.
//
// It knows keys and bytes, no cars, and imports nothing of ours. Whoever keeps something here (tokens, the last state
// of a car, the ledger, the journal) chooses the keys and the form of the values, and asks for what it needs through a
// small interface of its own; [Store] is the whole contract that the versions fulfil: [Memory] for tests and the demo,
// [Bolt] for a home, and store/jetstream for a fleet. The suite in storetest is the contract in executable form.
//
// # One key, one transaction
//
// What must change together lives under one key. [Store.Apply] changes several keys at once, but only where the
// engine can: a cluster of JetStream buckets cannot, and answers [errors.ErrUnsupported]. Code that is meant for both
// keeps one value per account, per vehicle and per command, and uses Apply only to be faster or tidier.
package store

import (
	"context"
	"iter"
	"math"
)

// Conditions for [Store.Put], [Store.Delete] and [Op] besides the revision that the caller has read.
const (
	// Absent lets a write pass only when the key has no value. It is 0, so a condition that was forgotten never
	// overwrites anything.
	Absent uint64 = 0
	// AnyRevision lets a write pass whatever the key holds.
	AnyRevision uint64 = math.MaxUint64
)

// Limits of every version. They are what a message of a NATS server with default settings can carry, so that a value
// that fits at home also fits in a fleet.
const (
	MaxKeyLength = 255       // bytes
	MaxValueSize = 1_000_000 // bytes
)

// Store is a map from keys to bytes that survives the process.
//
// Keys are segments of [a-z0-9_.-]+ joined by "/", at most [MaxKeyLength] bytes; prefixes are whole segments
// ("vehicle/"), or "" for everything. Values have at most [MaxValueSize] bytes; an empty value is a value.
//
// Revisions are positive, unique to one transaction and rise over the whole store; a deleted key's revisions never
// come back. So the revision of a key may serve as the generation of a lease.
//
// Concurrency: every method may be called from any goroutine at any time, also from inside a Range.
//
// Durability: when Put, Delete or Apply return nil, the change outlives the process and a power cut, on versions
// that are durable at all. Concurrent writers share the cost of one flush to disk.
//
// Time: a method returns ctx's error when ctx has ended before it began. A write that has begun is not abandoned by
// this package's versions, so ctx's error means that nothing was written. A version that talks to a network cannot
// promise it: there, an error that is none of the errors below leaves the outcome unknown until the key is read again.
//
// Errors, to be asked for with errors.Is and errors.As: [ErrNotFound], [ErrConflict], [ErrClosed], [ErrInvalid];
// [*DamagedError] when what is stored can no longer be read. Every error names the verb and the key.
//
// Bytes belong to the caller on both sides: the store keeps no reference to a value that it was given or gave.
type Store interface {
	// Get returns the entry of key, or ErrNotFound.
	Get(ctx context.Context, key string) (Entry, error)

	// Put writes value if the key's revision is still revision (or [Absent], or [AnyRevision]) and returns the new
	// revision; otherwise it returns ErrConflict and changes nothing.
	Put(ctx context.Context, key string, value []byte, revision uint64) (uint64, error)

	// Delete removes key under the same condition. With AnyRevision an absent key is no error.
	Delete(ctx context.Context, key string, revision uint64) error

	// Apply makes all changes or none, as one transaction with one revision, which it returns. Each condition is
	// checked against the state before the transaction; a key may occur once. An engine that has no transactions
	// over several keys answers errors.ErrUnsupported to more than one Op.
	Apply(ctx context.Context, ops ...Op) (uint64, error)

	// Range yields the entries below prefix in the byte order of their keys, as they were at one moment: when the
	// loop began. The loop may take its time and may write; it holds up nobody, as the entries were copied first.
	// A value that can no longer be read comes as its key and a *DamagedError, and the sequence goes on; any other
	// error, the end of ctx among them, comes with an empty entry and ends it.
	Range(ctx context.Context, prefix string) iter.Seq2[Entry, error]

	// Watch sends every change below prefix that is made after Watch has returned, in the order of their revisions.
	// Writers never wait for a reader: of the changes of one key that a slow reader has not taken yet, only the
	// latest is kept, so memory is bounded by the number of keys. The channel is closed when ctx ends or the store
	// is closed. To know a state and its changes without a gap, call Watch first and Range after it; what is in
	// both has the same revision.
	Watch(ctx context.Context, prefix string) (<-chan Change, error)

	// Close ends the watches, waits for the calls in flight and releases what the store holds. Every later call
	// answers ErrClosed; a second Close does nothing.
	Close() error
}

// Entry is the value of a key and the revision at which it was written.
type Entry struct {
	Key      string
	Value    []byte
	Revision uint64
}

// Change is a write that somebody made: the key's new entry, or, when Deleted is set, the revision of its removal.
type Change struct {
	Entry
	Deleted bool
}

// Op is one change of a transaction; see [PutOp] and [DeleteOp].
type Op struct {
	Key      string
	Value    []byte
	Revision uint64 // condition: Absent, AnyRevision or a revision that was read
	Delete   bool   // remove the key; Value is not used

	slack int // what a decorator of this package has added to Value
}

// PutOp is [Store.Put] as a part of a transaction.
func PutOp(key string, value []byte, revision uint64) Op {
	return Op{Key: key, Value: value, Revision: revision}
}

// DeleteOp is [Store.Delete] as a part of a transaction.
func DeleteOp(key string, revision uint64) Op {
	return Op{Key: key, Revision: revision, Delete: true}
}

// check reports whether op may be made while its key stands at revision have (0: the key is absent).
func (op Op) check(have uint64) error {
	if op.Revision == AnyRevision || op.Revision == have {
		return nil
	}
	return &ConflictError{Key: op.Key, Want: op.Revision, Have: have}
}

// verb names op in errors.
func (op Op) verb() string {
	if op.Delete {
		return "delete"
	}
	return "put"
}
