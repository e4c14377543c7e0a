package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"

	bberrors "go.etcd.io/bbolt/errors"
)

// explain adds to an error of the operating system or of bbolt what a person can do about it, and the path where.
func explain(path string, err error) error {
	switch {
	case err == nil:
		return nil
	case isFull(err):
		return fmt.Errorf("the disk that holds %s is full: free some space, the store then goes on by itself: %w", path, err)
	case errors.Is(err, bberrors.ErrMaxSizeReached):
		return fmt.Errorf("%s has reached its size limit: raise the limit or remove something: %w", path, err)
	case errors.Is(err, syscall.EROFS):
		return fmt.Errorf("%s is on a read-only file system: mount it writable or choose another store directory: %w", path, err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("user %d may not write to %s: change its owner or choose another store directory: %w", os.Getuid(), path, err)
	case errors.Is(err, syscall.ENOTDIR):
		return fmt.Errorf("%s is not a directory: choose another store directory: %w", path, err)
	case errors.Is(err, syscall.ENOLCK), errors.Is(err, errors.ErrUnsupported):
		return fmt.Errorf("the file system of %s cannot lock files: choose a store directory on a local disk: %w", path, err)
	case errors.Is(err, syscall.EIO):
		return fmt.Errorf("the disk that holds %s fails to read or write: copy the directory to a sound one: %w", path, err)
	}
	return fmt.Errorf("%s: %w", path, err)
}

// isFull also knows the text: bbolt prints some errors of the system into a new one instead of wrapping them.
func isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) ||
		strings.Contains(err.Error(), syscall.ENOSPC.Error())
}
