package store

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Surroundings is what the choice of a store directory depends on. [Here] describes this process.
type Surroundings struct {
	Root    bool                     // the process runs as user 0
	Getenv  func(name string) string // looks up an environment variable
	HomeDir func() (string, error)   // the user's home directory
	IsMount func(path string) bool   // something is mounted at path
}

// Here returns the surroundings of this process.
func Here() Surroundings {
	return Surroundings{
		Root:    os.Geteuid() == 0,
		Getenv:  os.Getenv,
		HomeDir: os.UserHomeDir,
		IsMount: isMount,
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
	mounts, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return false
	}
	defer func() { _ = mounts.Close() }()
	return mountedAt(mounts, target)
}

// mountedAt looks for path among the mount points of a mountinfo file (proc(5)): the fifth field, where space, tab,
// newline and backslash are written as octal numbers. A device number that differs from that of "/" would tell less:
// a directory of the same disk may be mounted too.
func mountedAt(mountinfo io.Reader, path string) bool {
	unescape := strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)
	lines := bufio.NewScanner(mountinfo)
	lines.Buffer(nil, 1<<20) // overlay mounts have long options
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) > 4 && unescape.Replace(fields[4]) == path {
			return true
		}
	}
	return false
}
