//go:build darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd

package store

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// tryLock locks file for this process without waiting; false means that somebody else has locked it. Two opened files
// of one process exclude each other too.
func tryLock(file *os.File) (bool, error) {
	for {
		err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		switch {
		case err == nil:
			return true, nil
		case errors.Is(err, unix.EWOULDBLOCK):
			return false, nil
		case errors.Is(err, unix.EINTR): // a signal came first
		default:
			return false, err
		}
	}
}

// unlock ends the lock on file, also while a mapping keeps the file open after its last descriptor was closed.
func unlock(file *os.File) error {
	return unix.Flock(int(file.Fd()), unix.LOCK_UN)
}

// syncDir makes the names in dir durable; a new file could otherwise be gone after a power cut, whatever was flushed
// into it.
func syncDir(dir string) error {
	file, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = file.Sync()
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOTSUP) {
		err = nil // some network file systems cannot, and need not
	}
	return errors.Join(err, file.Close())
}
