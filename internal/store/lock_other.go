//go:build !(darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd)

package store

import "os"

// tryLock leaves the exclusion to the lock that bbolt takes on the database file; the second start is then refused all
// the same, only without the name of the first.
func tryLock(*os.File) (bool, error) { return true, nil }

// unlock leaves it to closing the file.
func unlock(*os.File) error { return nil }

// syncDir does nothing: these systems cannot flush a directory, or do so by themselves.
func syncDir(string) error { return nil }
