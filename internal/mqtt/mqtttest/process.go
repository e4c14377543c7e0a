// Package mqtttest starts real brokers for tests: Mosquitto, which most homes run and which is a second opinion beside the
// embedded broker, and two that speak only MQTT 3.1.1, nats-server and RabbitMQ before its version 3.13. Start at [Start]. A test
// whose broker is not installed is skipped. Only tests import it.
package mqtttest

import (
	"bufio"
	"errors"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience bounds the start and the end of a process. RabbitMQ takes a quarter of a minute to start for the first time.
const patience = 90 * time.Second

// process is a broker that runs on a port of its own.
type process struct {
	t       testing.TB
	name    string
	addr    string
	command func() *exec.Cmd
	running func(line string) bool // whether this line of its log says that it serves
	serves  func() error           // waits until it does; nil when the line is enough

	current *exec.Cmd
	exited  chan error

	mu  sync.Mutex // guards log
	log []string
}

// start runs the broker until the test ends.
func (p *process) start() {
	p.t.Helper()
	p.Restart()
	p.t.Cleanup(func() {
		p.Stop()
		if p.t.Failed() {
			said := p.Log()
			p.t.Logf("%s said at last:\n%s", p.name, strings.Join(said[max(0, len(said)-60):], "\n"))
		}
	})
}

// Addr is host:port, the same after Restart.
func (p *process) Addr() string { return p.addr }

// URL is what a client connects to.
func (p *process) URL() string { return "mqtt://" + p.addr }

// Restart starts the broker, after stopping the one that runs, on the same port. What is retained is gone then, unless
// the broker keeps it on disk.
func (p *process) Restart() {
	p.t.Helper()
	p.Stop()
	p.current = p.command()
	output, write, err := os.Pipe()
	if err != nil {
		p.t.Fatal(err)
	}
	p.current.Stdout, p.current.Stderr = write, write
	err = p.current.Start()
	_ = write.Close()
	if err != nil {
		_ = output.Close()
		p.current = nil
		p.t.Fatalf("start %s: %v", p.name, err)
	}
	running := make(chan struct{})
	p.exited = make(chan error, 1)
	current := p.current
	var reading sync.WaitGroup
	reading.Go(func() {
		said := false
		for lines := bufio.NewScanner(output); lines.Scan(); {
			p.mu.Lock()
			p.log = append(p.log, lines.Text())
			p.mu.Unlock()
			if !said && p.running(lines.Text()) {
				said = true
				close(running)
			}
		}
	})
	go func() { // ends with the process; Stop waits for it
		err := current.Wait()
		_ = output.SetReadDeadline(time.Now().Add(time.Second)) // what it has started and left behind may hold the pipe open
		reading.Wait()
		_ = output.Close()
		p.exited <- err
	}()
	select {
	case <-running:
	case err := <-p.exited:
		p.exited <- err
		p.t.Fatalf("%s ended at once: %v\n%s", p.name, err, strings.Join(p.Log(), "\n"))
	case <-time.After(patience):
		p.t.Fatalf("%s does not start:\n%s", p.name, strings.Join(p.Log(), "\n"))
	}
	if p.serves != nil {
		if err := p.serves(); err != nil {
			p.t.Fatalf("%s does not answer: %v", p.name, err)
		}
	}
}

// Stop ends the broker in an orderly way; it does nothing when none runs.
func (p *process) Stop() { p.end(syscall.SIGTERM) }

// Kill ends the broker without a word to its clients.
func (p *process) Kill() { p.end(syscall.SIGKILL) }

func (p *process) end(signal os.Signal) {
	p.t.Helper()
	if p.current == nil {
		return
	}
	_ = p.current.Process.Signal(signal) // it may have ended already
	select {
	case <-p.exited:
	case <-time.After(patience):
		p.t.Errorf("%s does not end", p.name)
		_ = p.current.Process.Kill()
		<-p.exited
	}
	p.current = nil
}

// Log is what the broker has said so far.
func (p *process) Log() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.log...)
}

// FreeAddr is an address of this machine that nobody listens on at the moment. It is not one of those that the system gives
// to connections and to listeners that name none, or one of these might take it before, or while a broker restarts.
func FreeAddr(t testing.TB) string {
	t.Helper()
	const lowest, count = 20000, 12000 // Linux gives from 32768 on
	for range 100 {
		addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(lowest+rand.IntN(count)))
		if l, err := net.Listen("tcp", addr); err == nil {
			_ = l.Close()
			return addr
		}
	}
	t.Fatal("no port of this machine is free")
	return ""
}

// installed finds a program, or skips the test.
func installed(t testing.TB, what, install string, names ...string) string {
	t.Helper()
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		} else if !errors.Is(err, exec.ErrNotFound) && !errors.Is(err, os.ErrNotExist) {
			t.Logf("%s: %v", name, err)
		}
	}
	t.Skipf("%s is not installed; to run this test: apt-get install %s", what, install)
	return ""
}

// PID is the id of the broker's process.
func (p *process) PID() int { return p.current.Process.Pid }
