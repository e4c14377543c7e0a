package topic

import (
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// LockState is one word for what the car reports of its lock and for what it is being told. The list is closed.
type LockState string

// The states; a lock of which nothing is known has none.
const (
	Locked    LockState = "locked"
	Unlocked  LockState = "unlocked"
	Locking   LockState = "locking"
	Unlocking LockState = "unlocking"
)

// lockSuffix is where it is told.
const lockSuffix = "status/doors/lock_state"

// LockStates are the states of a lock.
func LockStates() []LockState { return []LockState{Locked, Unlocked, Locking, Unlocking} }

// Turning is what a lock is doing while a command runs; empty for a command that has nothing to do with it.
func Turning(c vehicle.Command) LockState {
	switch c.(type) {
	case vehicle.Lock:
		return Locking
	case vehicle.Unlock:
		return Unlocking
	}
	return ""
}

// LockOf is what a lock shows: what it is doing, else what the car reports; empty while nobody knows.
func LockOf(s vehicle.State, turning LockState) LockState {
	locked, known := vehicle.Locked.Of(s)
	switch {
	case turning != "":
		return turning
	case !known:
		return ""
	case locked:
		return Locked
	}
	return Unlocked
}

// Lock tells the state of a lock; at is our clock.
func Lock(at time.Time, state LockState) Message {
	if state == "" {
		return retained(lockSuffix, at, appendNull(nil))
	}
	return retained(lockSuffix, at, appendText(nil, string(state)))
}
