package store_test

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/store"
)

// mount mounts a file system of half a megabyte in memory.
func mount(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=512k"); err != nil {
		t.Skipf("mounting a small file system needs privileges: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	return dir
}

func TestBolt_FullDiskIsSaidAndTheStoreGoesOn(t *testing.T) {
	s := openBolt(t, filepath.Join(mount(t), "store"), store.BoltOptions{})
	checkFullDisk(t, s, syscall.ENOSPC)
}

func TestOpenBolt_SaysThatTheFileSystemIsReadOnly(t *testing.T) {
	dir := mount(t)
	s, err := store.OpenBolt(dir, store.BoltOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Skipf("remount: %v", err)
	}
	for _, dir := range []string{dir, filepath.Join(dir, "new")} {
		if _, err := store.OpenBolt(dir, store.BoltOptions{}); err == nil ||
			!strings.Contains(err.Error(), dir+" is on a read-only file system: mount it writable") {
			t.Errorf("open: %v, want an error that says so", err)
		}
	}
}
