package store

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// here is a place with these mounts.
func here(container bool, mountinfo string) Surroundings {
	return Surroundings{Container: container, Mounts: func() (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(mountinfo)), nil
	}}
}

const (
	overlayRoot = "100 50 0:60 / / rw,relatime master:20 - overlay overlay rw,lowerdir=/var/lib/docker/overlay2/l/A:/var/lib/docker/overlay2/l/B\n"
	diskRoot    = "22 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n"
	anonymous   = "101 100 254:1 /var/lib/docker/volumes/0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef/_data /data rw - ext4 /dev/sda1 rw\n"
	named       = "101 100 254:1 /var/lib/docker/volumes/bluelink2mqtt/_data /data rw - ext4 /dev/sda1 rw\n"
	bind        = "101 100 254:1 /home/me/bluelink /data rw - ext4 /dev/sda1 rw\n"
	memory      = "102 100 0:70 / /data rw - tmpfs tmpfs rw\n"
	emptyDir    = "103 100 254:1 /var/lib/kubelet/pods/1-2/volumes/kubernetes.io~empty-dir/store /data rw - ext4 /dev/sda1 rw\n"
)

func TestConcerns_DirectoryThatDoesNotLastIsSaidWithWhatToDo(t *testing.T) {
	for _, c := range []struct {
		name      string
		container bool
		mounts    string
		dir       string
		want      string // "" for nothing to say
	}{
		{"container without a volume", true, overlayRoot, "/var/lib/bluelink2mqtt", "inside this container"},
		{"container on a disk of its own", true, diskRoot, "/var/lib/bluelink2mqtt", "inside this container"},
		{"volume beside the store directory", true, overlayRoot + named, "/var/lib/bluelink2mqtt", "inside this container"},
		{"directory whose name begins like the volume's", true, overlayRoot + named, "/database", "inside this container"},
		{"named volume", true, overlayRoot + named, "/data", ""},
		{"directory in a named volume", true, overlayRoot + named, "/data/store", ""},
		{"directory of the host", true, overlayRoot + bind, "/data", ""},
		{"volume that the image asked for", true, overlayRoot + anonymous, "/data", "without a name"},
		{"memory in a container", true, overlayRoot + memory, "/data", "in memory"},
		{"memory over a volume", true, overlayRoot + named + memory, "/data", "in memory"},
		{"emptyDir", true, overlayRoot + emptyDir, "/data", "emptyDir"},
		{"machine", false, diskRoot, "/var/lib/bluelink2mqtt", ""},
		{"router whose root is an overlay on its flash", false, overlayRoot, "/var/lib/bluelink2mqtt", ""},
		{"memory of a machine", false, diskRoot + memory, "/data/x", "in memory"},
		{"no list of mounts", true, "", "/data", ""},
	} {
		got := strings.Join(Concerns(c.dir, here(c.container, c.mounts)), "\n")
		if (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want a sentence with %q", c.name, got, c.want)
		}
		if c.want != "" && (!strings.Contains(got, "-v bluelink2mqtt:/data") || !strings.Contains(got, c.dir)) {
			t.Errorf("%s: %q says neither where nor what to do", c.name, got)
		}
	}
}

func TestConcerns_KnowsThisSystem(t *testing.T) {
	mounts, err := openMounts()
	if err != nil {
		t.Skip("this system has no list of mounts")
	}
	defer mounts.Close()
	if m := mountOf(mounts, "/dev/shm"); m.kind != "tmpfs" {
		t.Skipf("/dev/shm is no memory here: %+v", m)
	}
	if got := strings.Join(Concerns("/dev/shm", Here()), "\n"); !strings.Contains(got, "in memory (tmpfs)") {
		t.Errorf("of a directory in memory is said %q", got)
	}
}

func TestOpenBolt_ClosesItsDirectoryToOthersUnlessThereIsMoreInIt(t *testing.T) {
	for name, stranger := range map[string]string{"its own": "", "shared": "holiday.jpg"} {
		dir := filepath.Join(t.TempDir(), "store")
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if stranger != "" {
			if err := os.WriteFile(filepath.Join(dir, stranger), nil, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 { // a new store, and one that was there
			s, err := OpenBolt(dir, BoltOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
		info, err := os.Stat(dir)
		if err != nil {
			t.Fatal(err)
		}
		concerns := strings.Join(Concerns(dir, here(false, diskRoot)), "\n")
		if closed := info.Mode().Perm() == 0o700; closed != (stranger == "") || closed == strings.Contains(concerns, "open to other users (mode 755)") {
			t.Errorf("%s: mode %o, said %q", name, info.Mode().Perm(), concerns)
		}
	}
}
