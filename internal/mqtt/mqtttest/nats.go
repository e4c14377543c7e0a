package mqtttest

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// NATS is a nats-server with its MQTT listener, which speaks only 3.1.1 and says so when it is asked in version 5.
type NATS struct{ *process }

// StartNATS runs one until the test ends; user and password empty: everybody may connect. It keeps what is retained on
// disk, so that it outlives a restart.
func StartNATS(t testing.TB, user, password string) *NATS {
	t.Helper()
	binary := installed(t, "nats-server", "nats-server", "nats-server", "/usr/sbin/nats-server")
	addr, dir := FreeAddr(t), t.TempDir()
	host, port, _ := net.SplitHostPort(addr)
	text := fmt.Sprintf("server_name: test\nhost: %q\nport: -1\njetstream { store_dir: %q }\nmqtt { host: %q, port: %s }\n", host, dir, host, port)
	if user != "" {
		text += fmt.Sprintf("authorization { user: %q, password: %q }\n", user, password)
	}
	config := filepath.Join(dir, "nats.conf")
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	n := &NATS{&process{
		t: t, name: "nats-server", addr: addr, command: func() *exec.Cmd { return exec.Command(binary, "-c", config) },
		running: func(line string) bool { return strings.HasSuffix(line, "Server is ready") },
	}}
	n.start()
	return n
}
