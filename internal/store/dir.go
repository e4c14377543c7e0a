package store

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Surroundings is what the choice of a store directory, and how long it lasts, depend on. [Here] describes this process.
type Surroundings struct {
	Root      bool                     // the process runs as user 0
	Container bool                     // it runs in a container that is replaced and not repaired
	Getenv    func(name string) string // looks up an environment variable
	HomeDir   func() (string, error)   // the user's home directory
	IsMount   func(path string) bool   // something is mounted at path

	Mounts func() (io.ReadCloser, error) // Linux' list of mounts, as in /proc/self/mountinfo
}

// Here returns the surroundings of this process.
func Here() Surroundings {
	return Surroundings{
		Root:      os.Geteuid() == 0,
		Container: inContainer(),
		Getenv:    os.Getenv,
		HomeDir:   os.UserHomeDir,
		IsMount:   isMount,
		Mounts:    openMounts,
	}
}

// DefaultDir returns the directory of the store when none is configured: the first that applies of
//
//   - /data, when that is a mount, as in a container with a volume;
//   - /var/lib/bluelink2mqtt, as root;
//   - $XDG_STATE_HOME/bluelink2mqtt, when that variable holds an absolute path, as its specification demands;
//   - ~/.local/state/bluelink2mqtt.
//
// It touches nothing. The error says that there is no home directory, and what to set.
func DefaultDir(s Surroundings) (string, error) {
	const name = "bluelink2mqtt"
	if s.IsMount("/data") {
		return "/data", nil
	}
	if s.Root {
		return filepath.Join("/var/lib", name), nil
	}
	if state := s.Getenv("XDG_STATE_HOME"); filepath.IsAbs(state) {
		return filepath.Join(state, name), nil
	}
	home, err := s.HomeDir()
	if err == nil && home == "" {
		err = errors.New("it is empty")
	}
	if err != nil {
		return "", fmt.Errorf("choose store directory: find home directory: %w: set store.dir (BLUELINK_STORE_DIR)", err)
	}
	return filepath.Join(home, ".local", "state", name), nil
}

// isMount asks Linux. Elsewhere nothing counts as a mount.
func isMount(path string) bool {
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return false
	}
	mounts, err := openMounts()
	if err != nil {
		return false
	}
	defer func() { _ = mounts.Close() }()
	return mountedAt(mounts, target)
}

// mountedAt looks for path among the mount points of a mountinfo file. A device number that differs from that of "/" would
// tell less: a directory of the same disk may be mounted too.
func mountedAt(mountinfo io.Reader, path string) bool {
	for m := range readMounts(mountinfo) {
		if m.point == path {
			return true
		}
	}
	return false
}
