package store

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// Concerns says, one sentence each, what a person should know about a store directory before it costs them: that what is
// in it will not last, or that others can read it. A directory that does not last makes every new container a stranger to
// the cloud: it signs in, registers a device and may need a code each time.
func Concerns(dir string, s Surroundings) []string {
	var concerns []string
	if why := s.fleeting(dir); why != "" {
		concerns = append(concerns, fmt.Sprintf("store directory %s %s. Tokens, counts and states are lost with it, and accounts sign in anew: %s", dir, why, keepAdvice))
	}
	if info, err := os.Stat(dir); err == nil && info.Mode().Perm()&0o077 != 0 {
		concerns = append(concerns, fmt.Sprintf("store directory %s is open to other users (mode %o): chmod 700 it, or choose one of its own", dir, info.Mode().Perm()))
	}
	return concerns
}

// Lasts tells whether what is in a store directory outlives this machine's or container's end, as far as can be told.
func Lasts(dir string, s Surroundings) bool { return s.fleeting(dir) == "" }

const keepAdvice = "mount a volume with a name or a directory of the host (docker run -v bluelink2mqtt:/data …), or choose another store.dir"

// fleeting says why what is in dir will not last; empty when it should.
func (s Surroundings) fleeting(dir string) string {
	mounts, err := s.Mounts()
	if err != nil {
		return ""
	}
	defer func() { _ = mounts.Close() }()
	if target, err := filepath.EvalSymlinks(dir); err == nil {
		dir = target
	}
	m := mountOf(mounts, dir)
	switch {
	case m.kind == "tmpfs", m.kind == "ramfs":
		return "is in memory (" + m.kind + ") and ends when this machine or container stops"
	case anonymousVolume.MatchString(m.root):
		return "is a volume without a name and stays behind when this container is replaced"
	case strings.Contains(m.root, "/kubernetes.io~empty-dir/"):
		return "is an emptyDir and ends with this pod"
	case s.Container && (m.point == "/" || strings.HasPrefix(m.kind, "overlay") || m.kind == "aufs" || m.kind == "fuse.fuse-overlayfs"):
		return "is inside this container and ends when that is replaced"
	}
	return ""
}

// anonymousVolume is where Docker and Podman keep a volume that nobody named, as the root of its mount.
var anonymousVolume = regexp.MustCompile(`/volumes/[0-9a-f]{64}/_data$`)

// mount is a line of mountinfo (proc(5)), as far as it matters here.
type mount struct {
	root  string // within its file system
	point string // where it is mounted
	kind  string // of file system
}

// mountOf finds the mount that dir is on: the deepest one, of several at one place the last.
func mountOf(mountinfo io.Reader, dir string) (deepest mount) {
	for m := range readMounts(mountinfo) {
		inside := m.point == "/" || dir == m.point || strings.HasPrefix(dir, m.point+"/")
		if inside && len(m.point) >= len(deepest.point) {
			deepest = m
		}
	}
	return deepest
}

// readMounts yields the lines of a mountinfo file that can be read. Space, tab, newline and backslash are written there as
// octal numbers.
func readMounts(mountinfo io.Reader) func(yield func(mount) bool) {
	unescape := strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)
	return func(yield func(mount) bool) {
		lines := bufio.NewScanner(mountinfo)
		lines.Buffer(nil, 1<<20) // overlay mounts have long options
		for lines.Scan() {
			front, back, _ := strings.Cut(lines.Text(), " - ")
			fields := strings.Fields(front)
			if len(fields) < 5 {
				continue
			}
			kind, _, _ := strings.Cut(back, " ")
			if !yield(mount{root: unescape.Replace(fields[3]), point: unescape.Replace(fields[4]), kind: kind}) {
				return
			}
		}
	}
}

// inContainer recognises containers that are thrown away and made anew: of Docker, Podman and Kubernetes. Those of LXC and
// systemd are small machines, whose disks last.
func inContainer() bool {
	for _, file := range []string{"/.dockerenv", "/run/.containerenv"} {
		if _, err := os.Stat(file); err == nil {
			return true
		}
	}
	return os.Getenv("KUBERNETES_SERVICE_HOST") != ""
}

// protect closes dir to other users, unless it is also used for something else: the mode of a directory like /tmp is not
// ours to change. Concerns tells about one that stays open.
func protect(dir string) {
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm()&0o077 == 0 || info.Mode()&fs.ModeSticky != 0 {
		return
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, entry := range entries {
		if name := entry.Name(); !strings.HasPrefix(name, "bluelink2mqtt.") && name != "control.sock" && name != "lost+found" {
			return
		}
	}
	_ = os.Chmod(dir, info.Mode().Perm()&0o700)
}

// openMounts opens Linux' list of mounts; elsewhere there is none.
func openMounts() (io.ReadCloser, error) {
	file, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return nil, errors.ErrUnsupported
	}
	return file, nil
}
