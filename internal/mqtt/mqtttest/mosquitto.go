package mqtttest

import (
	"bytes"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Mosquitto is one running broker on a free port of this machine, without persistence.
type Mosquitto struct{ *process }

// Start runs a broker until the test ends, which drops nothing that a client is slow to take. Each line of
// configuration is added to a minimal one that lets anonymous clients in; "allow_anonymous false" and
// "password_file …" replace that. The test is skipped when Mosquitto is not installed.
func Start(t testing.TB, configuration ...string) *Mosquitto {
	t.Helper()
	binary := Binary(t)
	addr := FreeAddr(t)
	config := filepath.Join(t.TempDir(), "mosquitto.conf")
	_, port, _ := net.SplitHostPort(addr)
	text := strings.Join(configuration, "\n")
	lines := []string{
		"listener " + port + " 127.0.0.1", "persistence false", "log_dest stderr",
		"max_queued_messages 1000000", // a test's listener is slower than the bridge, and must miss nothing
		"log_type error", "log_type warning", "log_type notice", "log_type information",
	}
	if os.Getuid() == 0 {
		lines = append(lines, "user root") // or it gives up rights it needs to read its files
	}
	if !strings.Contains(text, "allow_anonymous") {
		lines = append(lines, "allow_anonymous true")
	}
	lines = append(lines, text, "")
	if err := os.WriteFile(config, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	m := &Mosquitto{&process{
		t: t, name: "mosquitto", addr: addr, command: func() *exec.Cmd { return exec.Command(binary, "-c", config) },
		running: func(line string) bool { return strings.HasSuffix(line, "running") },
	}}
	m.serves = func() error { return touch(addr) }
	m.start()
	return m
}

// Binary finds the mosquitto program or skips the test.
func Binary(t testing.TB) string {
	t.Helper()
	return installed(t, "Mosquitto", "mosquitto", "mosquitto", "/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto")
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

// touch waits until the broker serves: it closes a connection that begins with PINGREQ, and with TLS or
// WebSocket one that begins with nonsense. A signal that
// comes between its "running" and the first round of its loop is forgotten.
func touch(addr string) error {
	conn, err := net.DialTimeout("tcp", addr, patience)
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
