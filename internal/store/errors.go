package store

import (
	"errors"
	"fmt"
	"time"
)

// What a call on a [Store] can say besides its result.
var (
	ErrNotFound = errors.New("not found")
	ErrConflict = errors.New("conflict")
	ErrClosed   = errors.New("store is closed")
	ErrInvalid  = errors.New("invalid") // a key, prefix, value or transaction outside the contract
)

// ConflictError is an [ErrConflict] that tells which condition did not hold.
type ConflictError struct {
	Key        string
	Want, Have uint64 // revisions; 0 is an absent key
}

func (e *ConflictError) Error() string {
	switch {
	case e.Want == Absent:
		return fmt.Sprintf("conflict: it exists already, at revision %d", e.Have)
	case e.Have == Absent:
		return fmt.Sprintf("conflict: revision %d was expected, it does not exist", e.Want)
	default:
		return fmt.Sprintf("conflict: revision %d was expected, it is at %d", e.Want, e.Have)
	}
}

// Is makes errors.Is(err, ErrConflict) hold.
func (e *ConflictError) Is(target error) bool { return target == ErrConflict }

// InUseError says that another process owns a store directory. Only what that process wrote about itself is known;
// fields may be zero. PID is a number of that process's host or container, not of ours.
type InUseError struct {
	Dir    string
	PID    int
	Host   string
	Since  time.Time
	Holder string // what it runs as, for instance "bluelink2mqtt run"
}

func (e *InUseError) Error() string {
	who := "another process"
	if e.PID != 0 {
		who = fmt.Sprintf("process %d", e.PID)
	}
	if e.Holder != "" {
		who += " (" + e.Holder + ")"
	}
	if e.Host != "" {
		who += " on " + e.Host
	}
	if !e.Since.IsZero() {
		who += " since " + e.Since.Format(time.RFC3339)
	}
	return fmt.Sprintf("store directory %s is in use by %s: stop that one first, or give this one a directory of its own", e.Dir, who)
}

// DamagedError says that a store file, or the value of one key in it, cannot be read any more.
type DamagedError struct {
	Path string
	Key  string // empty when the file as a whole is meant
	Err  error
}

func (e *DamagedError) Error() string {
	if e.Key != "" {
		where := "the store"
		if e.Path != "" {
			where = "store file " + e.Path
		}
		return fmt.Sprintf("value of %s in %s is damaged: %v", e.Key, where, e.Err)
	}
	return fmt.Sprintf("store file %s is damaged: %v: put a backup in its place, or move it away to start anew "+
		"(accounts then sign in again, and what was counted and recorded is lost)", e.Path, e.Err)
}

func (e *DamagedError) Unwrap() error { return e.Err }

// KeyError says that a sealed store cannot be used with the key that was given, or without one.
type KeyError struct {
	Path string // empty when the store is no file
	Why  KeyProblem
}

// KeyProblem is what is wrong with the key of a sealed store.
type KeyProblem int

// The problems with keys.
const (
	NoKey    KeyProblem = iota + 1 // it is sealed, and no key was given
	WrongKey                       // it was sealed with another key
)

func (e *KeyError) Error() string {
	what := "the store"
	if e.Path != "" {
		what = "store file " + e.Path
	}
	if e.Why == NoKey {
		return what + " is encrypted and no key is given: set store.key (BLUELINK_STORE_KEY) or store.key_file"
	}
	return what + " was encrypted with another key: correct store.key (BLUELINK_STORE_KEY) or store.key_file, " +
		"or move the file away to start anew (accounts then sign in again)"
}

// SchemaError says that a store file was written by a release that is too new to be understood.
type SchemaError struct {
	Path         string
	Found, Known int
	Backup       string // a copy that this release can read, from before an upgrade; empty when there is none
}

func (e *SchemaError) Error() string {
	text := fmt.Sprintf("store file %s has schema %d, this release knows %d and reads at most %d: "+
		"run the release that wrote it, or a newer one", e.Path, e.Found, e.Known, e.Known+1)
	if e.Backup != "" {
		text += "; or put " + e.Backup + " in its place, a copy from before an upgrade (what was kept since is lost)"
	}
	return text
}
