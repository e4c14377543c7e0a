package store_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/store"
)

// ownerDirVariable makes the test binary a process that owns the directory it names; see ownUntilKilled.
const ownerDirVariable = "STORE_TEST_OWNER_DIR"

// ownUntilKilled writes rising numbers and prints each when the store has acknowledged it.
func ownUntilKilled(dir string) {
	s, err := store.OpenBolt(dir, store.BoltOptions{Holder: "bluelink2mqtt run"})
	if err != nil {
		fmt.Println(err)
		return
	}
	for i := 1; ; i++ {
		if _, err := s.Put(context.Background(), "counter", strconv.AppendInt(nil, int64(i), 10), store.AnyRevision); err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(i)
	}
}

// owner is another process that owns a store directory.
type owner struct {
	command *exec.Cmd
	lines   *bufio.Scanner
	pid     int
}

func startOwner(t *testing.T, dir string) *owner {
	t.Helper()
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), executable)
	command.Env = append(os.Environ(), ownerDirVariable+"="+dir)
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	o := &owner{command: command, lines: bufio.NewScanner(out), pid: command.Process.Pid}
	if n := o.next(t); n != 1 {
		t.Fatalf("the other process begins with %d", n)
	}
	return o
}

// next returns the next number that the store of the other process acknowledged, 0 after the last.
func (o *owner) next(t *testing.T) int {
	t.Helper()
	if !o.lines.Scan() {
		return 0
	}
	n, err := strconv.Atoi(o.lines.Text())
	if err != nil {
		t.Fatalf("the other process says %q", o.lines.Text())
	}
	return n
}

// kill ends the process without a chance to tidy up, and returns the last number it printed.
func (o *owner) kill(t *testing.T) (last int) {
	t.Helper()
	if err := o.command.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for n := o.next(t); n != 0; n = o.next(t) {
		last = n
	}
	_ = o.command.Wait() // it says "killed"
	return last
}

func TestOpenBolt_SecondProcessLearnsWhoOwnsTheDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	begin := time.Now().Add(-2 * time.Second)
	first := startOwner(t, dir)
	defer first.kill(t)

	_, err := store.OpenBolt(dir, store.BoltOptions{})
	var inUse *store.InUseError
	if !errors.As(err, &inUse) {
		t.Fatalf("error %v, want an InUseError", err)
	}
	host, _ := os.Hostname()
	if inUse.PID != first.pid || inUse.Host != host || inUse.Dir != dir || inUse.Holder != "bluelink2mqtt run" || inUse.Since.Before(begin) {
		t.Errorf("the error says %+v, want process %d on %s since now", inUse, first.pid, host)
	}
	for _, part := range []string{dir, strconv.Itoa(first.pid), "stop that one first"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not say %q", err, part)
		}
	}
}

func TestOpenBolt_KilledOwnerIsNoObstacleAndNothingAcknowledgedIsLost(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	for range 5 {
		first := startOwner(t, dir)
		for first.next(t) < 20 { // let it get into the middle of things
		}
		acknowledged := first.kill(t)

		s, err := store.OpenBolt(dir, store.BoltOptions{})
		if err != nil {
			t.Fatalf("open after the owner was killed: %v", err)
		}
		entry, err := s.Get(t.Context(), "counter")
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := strconv.Atoi(string(entry.Value)); got < acknowledged {
			t.Errorf("the counter stands at %d, but %d was acknowledged", got, acknowledged)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestLockDir_ComesFreeWithUnlock(t *testing.T) {
	dir := t.TempDir()
	lock, err := store.LockDir(dir, "first")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.LockDir(dir, "second"); !errors.As(err, new(*store.InUseError)) || !strings.Contains(err.Error(), "(first)") {
		t.Errorf("second lock: %v, want an InUseError that names the first", err)
	}
	if err := lock.Unlock(); err != nil {
		t.Fatal(err)
	}
	again, err := store.LockDir(dir, "second")
	if err != nil {
		t.Fatalf("lock after unlock: %v", err)
	}
	if err := again.Unlock(); err != nil {
		t.Fatal(err)
	}
}

func TestLockDir_SpeaksWithoutKnowingTheHolder(t *testing.T) {
	dir := t.TempDir()
	lock, err := store.LockDir(dir, "first")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = lock.Unlock() }()
	if err := os.WriteFile(filepath.Join(dir, "bluelink2mqtt.lock"), []byte(`{"pid": 1`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err = store.LockDir(dir, "second"); err == nil || !strings.Contains(err.Error(), "in use by another process: stop") {
		t.Errorf("error %v, want it to speak of another process", err)
	}
}
