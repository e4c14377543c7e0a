package bench

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience bounds every wait of the harness. Nothing waits for it to pass.
const patience = 5 * time.Minute

// process is a program that runs beside this one.
type process struct {
	tb      testing.TB
	cmd     *exec.Cmd
	exited  chan error
	log     string // file with what it said
	started time.Time
}

// start runs a program until the benchmark ends. What it says goes to a file, as it would in a service.
func start(tb testing.TB, env []string, path string, args ...string) *process {
	tb.Helper()
	p := &process{tb: tb, cmd: exec.Command(path, args...), exited: make(chan error, 1)}
	log, err := os.CreateTemp(tb.TempDir(), filepath.Base(path)+"-*.log")
	if err != nil {
		tb.Fatal(err)
	}
	defer log.Close() // the process has its own
	p.log = log.Name()
	p.cmd.Env, p.cmd.Dir = env, filepath.Dir(p.log)
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.started = time.Now()
	if err := p.cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	go func() { p.exited <- p.cmd.Wait() }() // ends with the process; stop waits for it
	tb.Cleanup(func() {
		p.stop()
		if tb.Failed() {
			tb.Logf("%s said at last:\n%s", strings.Join(append([]string{filepath.Base(path)}, args...), " "), tail(p.said(), 4000))
		}
	})
	return p
}

// stop ends the process in an orderly way; it does nothing when it has ended.
func (p *process) stop() {
	if p.cmd.ProcessState != nil {
		return
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended already
	select {
	case err := <-p.exited:
		p.exited <- err
	case <-time.After(patience):
		p.tb.Errorf("%s does not end", p.cmd.Path)
		_ = p.cmd.Process.Kill()
		<-p.exited
	}
}

func (p *process) said() []byte {
	text, err := os.ReadFile(p.log)
	if err != nil {
		p.tb.Error(err)
	}
	return text
}

// await waits until the process has written a line with this word and returns the rest of the line.
func (p *process) await(word string) string {
	p.tb.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		if _, rest, found := bytes.Cut(p.said(), []byte(word)); found {
			if line, _, whole := bytes.Cut(rest, []byte("\n")); whole {
				return string(line)
			}
		}
		select {
		case <-tick.C:
		case err := <-p.exited:
			p.exited <- err
			p.tb.Fatalf("%s ended early: %v\n%s", p.cmd.Path, err, tail(p.said(), 4000))
		case <-deadline:
			p.tb.Fatalf("%s does not say %q:\n%s", p.cmd.Path, word, tail(p.said(), 4000))
		}
	}
}

func tail(text []byte, n int) string {
	if len(text) > n {
		text = text[len(text)-n:]
	}
	return string(text)
}

// clockTick is the unit of times in /proc/PID/stat, 100 a second on every Linux that Go runs on.
const clockTick = 10 * time.Millisecond

// cpu is the processor time that the process has used.
func (p *process) cpu() time.Duration {
	p.tb.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		p.tb.Fatal(err)
	}
	// The name may hold blanks; what follows its bracket does not. User and system time are fields 14 and 15.
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	user, err1 := strconv.Atoi(fields[11])
	system, err2 := strconv.Atoi(fields[12])
	if err1 != nil || err2 != nil {
		p.tb.Fatalf("times of %s: %v, %v", p.cmd.Path, err1, err2)
	}
	return time.Duration(user+system) * clockTick
}

// memory is the resident set and its highest mark so far, in MB of 10^6 bytes.
func (p *process) memory() (now, peak float64) {
	p.tb.Helper()
	return memoryOf(p.tb, p.cmd.Process.Pid)
}

func memoryOf(tb testing.TB, pid int) (now, peak float64) {
	tb.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		tb.Fatal(err)
	}
	read := func(key string) float64 {
		_, rest, _ := strings.Cut(string(text), key+":")
		line, _, _ := strings.Cut(rest, "\n")
		kB, err := strconv.Atoi(strings.Fields(line)[0])
		if err != nil {
			tb.Fatalf("%s of process %d: %v", key, pid, err)
		}
		return float64(kB) * 1024 / 1e6
	}
	return read("VmRSS"), read("VmHWM")
}

// ownCPU is the processor time that this process has used.
func ownCPU(tb testing.TB) time.Duration {
	tb.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
