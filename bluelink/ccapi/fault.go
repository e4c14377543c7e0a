package ccapi

import (
	"fmt"
	"runtime/debug"
)

// faultError is a fault of ours that strange data have hit.
type faultError struct {
	cause any
	stack []byte
}

func (e *faultError) Error() string { return fmt.Sprintf("panic: %v", e.cause) }

// contained does what runs on a goroutine of its own. A fault of ours in it would end the process there, where nobody above
// can contain it; so it becomes an error.
func contained(work func() error) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = &faultError{cause, debug.Stack()}
		}
	}()
	return work()
}
