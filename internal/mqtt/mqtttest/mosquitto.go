// Package mqtttest starts a real Mosquitto for tests: the broker that most homes run, and a second
// opinion beside the embedded one. Start at [Start]. Only tests import it.
package mqtttest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience bounds the start and the end of the process.
const patience = 20 * time.Second

// Mosquitto is one running broker on a free port of this machine, without persistence.
type Mosquitto struct {
	t      testing.TB
	binary string
	config string // path of the configuration file
	addr   string

	process *exec.Cmd
	exited  chan error

	mu  sync.Mutex // guards log
	log []string
}

// Start runs a broker until the test ends. Each line of configuration is added to a minimal one that
// lets anonymous clients in; "allow_anonymous false" and "password_file …" replace that. The test is
// skipped when Mosquitto is not installed.
func Start(t testing.TB, configuration ...string) *Mosquitto {
	t.Helper()
	binary := Binary(t)
	m := &Mosquitto{t: t, binary: binary, addr: freeAddr(t)}
	m.config = filepath.Join(t.TempDir(), "mosquitto.conf")
	_, port, _ := net.SplitHostPort(m.addr)
	text := strings.Join(configuration, "\n")
	lines := []string{
		"listener " + port + " 127.0.0.1", "persistence false", "log_dest stderr",
		"log_type error", "log_type warning", "log_type notice", "log_type information",
	}
	if os.Getuid() == 0 {
		lines = append(lines, "user root") // or it gives up rights it needs to read its files
	}
	if !strings.Contains(text, "allow_anonymous") {
		lines = append(lines, "allow_anonymous true")
	}
	lines = append(lines, text, "")
	if err := os.WriteFile(m.config, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	m.Restart()
	t.Cleanup(func() {
		m.Stop()
		if t.Failed() {
			t.Logf("mosquitto said:\n%s", strings.Join(m.Log(), "\n"))
		}
	})
	return m
}

// Binary finds the mosquitto program or skips the test.
func Binary(t testing.TB) string {
	t.Helper()
	for _, name := range []string{"mosquitto", "/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("Mosquitto is not installed; to run this test: apt-get install mosquitto")
	return ""
}

// PasswordFile writes a password file for one user and returns the lines of configuration that use it.
func PasswordFile(t testing.TB, user, password string) []string {
	t.Helper()
	tool, err := exec.LookPath("mosquitto_passwd")
	if err != nil {
		t.Skip("mosquitto_passwd is not installed; to run this test: apt-get install mosquitto")
	}
	path := filepath.Join(t.TempDir(), "passwords")
	if out, err := exec.Command(tool, "-b", "-c", path, user, password).CombinedOutput(); err != nil {
		t.Fatalf("mosquitto_passwd: %v: %s", err, out)
	}
	return []string{"allow_anonymous false", "password_file " + path}
}

// Addr is host:port, the same after Restart.
func (m *Mosquitto) Addr() string { return m.addr }

// URL is what a client connects to.
func (m *Mosquitto) URL() string { return "mqtt://" + m.addr }

// Restart starts the broker, after stopping the one that runs, on the same port and with nothing
// retained.
func (m *Mosquitto) Restart() {
	m.t.Helper()
	m.Stop()
	m.process = exec.Command(m.binary, "-c", m.config)
	output, err := m.process.StderrPipe()
	if err != nil {
		m.t.Fatal(err)
	}
	if err := m.process.Start(); err != nil {
		m.t.Fatalf("start mosquitto: %v", err)
	}
	running := make(chan struct{})
	m.exited = make(chan error, 1)
	go func() { // ends with the process; Stop waits for it
		said := false
		for lines := bufio.NewScanner(output); lines.Scan(); {
			m.mu.Lock()
			m.log = append(m.log, lines.Text())
			m.mu.Unlock()
			if !said && strings.HasSuffix(lines.Text(), "running") {
				said = true
				close(running)
			}
		}
		m.exited <- m.process.Wait()
	}()
	select {
	case <-running:
	case err := <-m.exited:
		m.exited <- err
		m.t.Fatalf("mosquitto ended at once: %v\n%s", err, strings.Join(m.Log(), "\n"))
	case <-time.After(patience):
		m.t.Fatalf("mosquitto does not start:\n%s", strings.Join(m.Log(), "\n"))
	}
	if err := m.touch(); err != nil {
		m.t.Fatalf("mosquitto does not answer: %v", err)
	}
}

// touch waits until the broker serves: it closes a connection that begins with PINGREQ, and with TLS or
// WebSocket one that begins with nonsense. A signal that
// comes between its "running" and the first round of its loop is forgotten.
func (m *Mosquitto) touch() error {
	conn, err := net.DialTimeout("tcp", m.addr, patience)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	if _, err := conn.Write(bytes.Repeat([]byte{0xc0, 0}, 8)); err != nil {
		return err
	}
	if _, err := conn.Read(make([]byte, 1)); errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	return nil
}

// Stop ends the broker in an orderly way; it does nothing when none runs.
func (m *Mosquitto) Stop() { m.end(syscall.SIGTERM) }

// Kill ends the broker without a word to its clients.
func (m *Mosquitto) Kill() { m.end(syscall.SIGKILL) }

func (m *Mosquitto) end(signal os.Signal) {
	m.t.Helper()
	if m.process == nil {
		return
	}
	_ = m.process.Process.Signal(signal) // it may have ended already
	select {
	case <-m.exited:
	case <-time.After(patience):
		m.t.Errorf("mosquitto does not end")
		_ = m.process.Process.Kill()
		<-m.exited
	}
	m.process = nil
}

// Log is what the broker has said so far.
func (m *Mosquitto) Log() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]string(nil), m.log...)
}

// freeAddr is an address of this machine that nobody listens on at the moment.
func freeAddr(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(fmt.Errorf("find a free port: %w", err))
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}
