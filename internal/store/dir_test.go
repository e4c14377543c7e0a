package store

import (
	"errors"
	"os"
	"strings"
	"testing"
)

func TestDefaultDir_TakesTheFirstThatApplies(t *testing.T) {
	for _, c := range []struct {
		name  string
		mount bool
		root  bool
		xdg   string
		home  string
		want  string
	}{
		{name: "container with a volume", mount: true, root: true, xdg: "/xdg", home: "/home/u", want: "/data"},
		{name: "root", root: true, xdg: "/xdg", home: "/root", want: "/var/lib/bluelink2mqtt"},
		{name: "user with XDG", xdg: "/xdg", home: "/home/u", want: "/xdg/bluelink2mqtt"},
		{name: "user", home: "/home/u", want: "/home/u/.local/state/bluelink2mqtt"},
		{name: "XDG that is not absolute counts as unset", xdg: "xdg", home: "/home/u", want: "/home/u/.local/state/bluelink2mqtt"},
		{name: "XDG without home", xdg: "/xdg", want: "/xdg/bluelink2mqtt"},
	} {
		got, err := DefaultDir(Surroundings{
			Root: c.root,
			Getenv: func(name string) string {
				return map[string]string{"XDG_STATE_HOME": c.xdg}[name]
			},
			HomeDir: func() (string, error) {
				if c.home == "" {
					return "", errors.New("$HOME is not defined")
				}
				return c.home, nil
			},
			IsMount: func(path string) bool { return c.mount && path == "/data" },
		})
		if got != c.want || err != nil {
			t.Errorf("%s: %q, %v, want %q", c.name, got, err, c.want)
		}
	}
}

func TestDefaultDir_SaysWhatToSetWithoutAHome(t *testing.T) {
	for _, homeErr := range []error{errors.New("$HOME is not defined"), nil} {
		_, err := DefaultDir(Surroundings{
			Getenv:  func(string) string { return "" },
			HomeDir: func() (string, error) { return "", homeErr },
			IsMount: func(string) bool { return false },
		})
		if err == nil || !strings.Contains(err.Error(), "BLUELINK_STORE_DIR") {
			t.Errorf("error %v, want one that says what to set", err)
		}
	}
}

func TestMountedAt_ReadsMountinfo(t *testing.T) {
	const mountinfo = `21 29 0:20 / /proc rw,nosuid shared:12 - proc proc rw
22 1 254:0 / / rw,relatime - ext4 /dev/vda rw
23 22 254:0 /var/lib/volumes/x /data rw,relatime - ext4 /dev/vda rw
24 22 0:31 / /mnt/with\040space\134 rw - tmpfs tmpfs rw
bad line
`
	for path, want := range map[string]bool{
		"/data":            true, // from the disk of "/": its device number says nothing
		"/":                true,
		`/mnt/with space\`: true,
		"/data/":           false,
		"/dat":             false,
		"/dev/vda":         false,
		"/var/lib":         false,
	} {
		if got := mountedAt(strings.NewReader(mountinfo), path); got != want {
			t.Errorf("mountedAt(%q) = %v, want %v", path, got, want)
		}
	}
}

func TestIsMount_KnowsThisSystem(t *testing.T) {
	if _, err := os.Stat("/proc/self/mountinfo"); err != nil {
		t.Skip("this system has no mountinfo")
	}
	if !isMount("/proc") {
		t.Error("/proc is no mount")
	}
	if dir := t.TempDir(); isMount(dir) {
		t.Errorf("%s is a mount", dir)
	}
	if isMount("/no/such/directory") {
		t.Error("a missing directory is a mount")
	}
	if _, err := DefaultDir(Here()); err != nil && os.Getenv("HOME") != "" {
		t.Errorf("DefaultDir(Here()): %v", err)
	}
}
