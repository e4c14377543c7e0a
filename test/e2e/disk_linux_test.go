package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bluelink2mqtt/bluelink2mqtt/sim"
)

// mountMemory mounts a small file system in memory.
func mountMemory(t *testing.T, dir, size string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "mode=700,size="+size); err != nil {
		t.Skipf("mounting a small file system needs privileges: %v", err)
	}
	unmountLater(t, dir)
}

func unmountLater(t *testing.T, dir string) {
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
}

// mountDisk mounts a disk of 8 MB that lies in a file.
func mountDisk(t *testing.T, dir string) {
	t.Helper()
	image := filepath.Join(t.TempDir(), "disk.img")
	file, err := os.Create(image)
	if err != nil {
		t.Fatal(err)
	}
	if err := file.Truncate(8 << 20); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, command := range [][]string{{"mkfs.ext4", "-q", image}, {"mount", "-o", "loop", image, dir}} {
		if out, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
			t.Skipf("a disk in a file needs privileges and its tools: %v: %s", err, out)
		}
	}
	unmountLater(t, dir)
}

// waitForLog waits until the program has said something.
func (d *daemon) waitForLog(text string) {
	d.t.Helper()
	deadline := time.After(patience)
	for !strings.Contains(d.text(), text) {
		select {
		case <-time.After(20 * time.Millisecond): // a log has nobody who could wake us
		case <-deadline:
			d.t.Fatalf("waited in vain for %q in the log", text)
		}
	}
}

func TestDisk_FullWhileItRunsCostsNothingOnceThereIsRoom(t *testing.T) {
	t.Parallel()
	const cars = 40
	w := newWorld(t, sim.Options{Cars: cars, Parked: true, TokenLife: 11 * time.Second})
	dir := t.TempDir()
	// Room for tokens, and for a few cars.
	mountMemory(t, dir+"/store", "96k")
	d := w.start(dir, append(w.dropIn("genesis"), "BLUELINK_REFRESH_INTERVAL=1s"), "run")
	l := w.listen(w.broker.URL(), "hyundai/#")
	d.waitForLog("is full: free some space")
	for _, car := range w.cars("genesis")[:3] {
		l.publish("hyundai/"+car.ID+"/commands/refresh", jsonRefresh("cached", "while-full"))
		l.terminal("hyundai/" + car.ID + "/result/while-full") // whatever it is: it answers
	}
	if out, stderr, code := d.command("doctor"); code != 0 || !strings.Contains(out, "healthy") {
		t.Errorf("doctor while the disk is full: %d %s%s", code, out, stderr)
	}
	if n := strings.Count(d.text(), "states cannot be written"); n != 1 {
		t.Errorf("that states cannot be written is said %d times, want once", n)
	}

	if err := unix.Mount("tmpfs", dir+"/store", "tmpfs", unix.MS_REMOUNT, "size=16m"); err != nil {
		t.Fatal(err)
	}
	for _, car := range w.cars("genesis") {
		l.await("each car's state", func() bool { return l.last["hyundai/"+car.ID+"/status/last_updated"] != nil })
	}
	if err := d.stop(syscall.SIGTERM); err != nil {
		t.Errorf("the program ended with %v", err)
	}
	after := openKept(t, dir+"/store")
	if len(after.cars) != cars {
		t.Errorf("the store holds %d cars, want all %d", len(after.cars), cars)
	}
	if c := w.counts("genesis"); c.Logins != 1 || c.Registrations != 1 {
		t.Errorf("the full disk cost %d sign-ins and %d registrations, want one of each", c.Logins, c.Registrations)
	}
}

func TestDisk_ThatTurnsReadOnlyStopsNeitherReadsNorTheProgram(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sim.Options{Cars: 2})
	dir := t.TempDir()
	mountDisk(t, dir+"/store")
	env := append(w.dropIn("genesis"), "BLUELINK_REFRESH_INTERVAL=1s")
	d := w.start(dir, env, "run")
	l := w.listen(w.broker.URL(), "hyundai/#")
	car := "hyundai/" + w.cars("genesis")[0].ID
	l.await("the first state", func() bool { return l.last[car+"/status/last_updated"] != nil })

	// What the kernel does to a disk that it no longer trusts.
	if out, err := exec.Command("mount", "-o", "remount,abort", dir+"/store").CombinedOutput(); err != nil {
		t.Skipf("the kernel does not let a disk fail: %v: %s", err, out)
	}
	before, _ := l.value(car + "/status/last_updated")
	d.waitForLog("states cannot be written")
	l.await("reads to go on", func() bool {
		now := string(l.last[car+"/status/last_updated"])
		return now != "" && !strings.Contains(now, before.Timestamp)
	})
	if out, stderr, code := d.command("doctor"); code != 0 {
		t.Errorf("doctor on a dead disk: %d %s%s", code, out, stderr)
	}
	_ = d.stop(syscall.SIGTERM) // that the last states were not written is an error
	if text := d.text(); !strings.Contains(text, "read-only file system: mount it writable") || strings.Count(text, "states cannot be written") != 1 {
		t.Error("the log does not say once what happened and what to do")
	}

	_, stderr, code := d.command("run")
	if code != 1 || !strings.Contains(stderr, "on a read-only file system: mount it writable or choose another store directory") {
		t.Errorf("start on a read-only disk: exit %d, %s", code, stderr)
	}
	if c := w.counts("genesis"); c.Logins != 1 || c.Registrations != 1 {
		t.Errorf("the dead disk cost %d sign-ins and %d registrations, want one of each", c.Logins, c.Registrations)
	}
}

func TestDisk_DamagedStoreIsSaidAtTheStartAndTouchedByNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sim.Options{Cars: 2, Parked: true})
	dir := t.TempDir()
	d := w.start(dir, w.dropIn("kia"), "run")
	l := w.listen(w.broker.URL(), "hyundai/#")
	car := "hyundai/" + w.cars("kia")[0].ID
	l.await("the first state", func() bool { return l.last[car+"/status/last_updated"] != nil })
	if err := d.stop(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	path := dir + "/store/bluelink2mqtt.db"
	sound, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, damaged := range map[string][]byte{
		"cut in half": sound[:len(sound)/2], "cut in the first page": sound[:1000], "noise": []byte(strings.Repeat("noise, ", len(sound)/7)),
		"zeros": make([]byte, len(sound)),
	} {
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		_, stderr, code := d.command("run")
		if code != 1 || !strings.Contains(stderr, path+" is damaged") || !strings.Contains(stderr, "put a backup in its place, or move it away") {
			t.Errorf("%s: exit %d, %s", name, code, stderr)
		}
		if now, err := os.ReadFile(path); err != nil || string(now) != string(damaged) {
			t.Errorf("%s: the file was changed: %v", name, err)
		}
	}
	if err := os.WriteFile(path, sound, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, stderr, code := d.command("vehicles"); code != 0 || strings.Count(out, "\n") != 3 {
		t.Errorf("with the backup in its place: exit %d, %s%s", code, out, stderr)
	}
	if c := w.counts("kia"); c.Logins != 1 || c.Registrations != 1 {
		t.Errorf("%d sign-ins and %d registrations, want one of each", c.Logins, c.Registrations)
	}
}

func TestDisk_ThatDoesNotLastIsSaidAtTheStart(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sim.Options{Cars: 1, Parked: true})
	dir := t.TempDir()
	mountMemory(t, dir+"/store", "4m")
	d := w.start(dir, w.dropIn("kia"), "run")
	d.waitForLog("signed in")
	if text := d.text(); strings.Count(text, dir+"/store is in memory (tmpfs)") != 1 || !strings.Contains(text, "docker run -v bluelink2mqtt:/data") {
		t.Error("the log does not say once that what is kept will not last, and what to do")
	}
	if err := d.stop(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
}
