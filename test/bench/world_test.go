package bench

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/mqtt/mqtttest"
	"github.com/bluelink2mqtt/bluelink2mqtt/sim"
)

// world is what surrounds the program: simulated clouds and a broker, each a process of its own.
type world struct {
	tb     testing.TB
	broker *mqtttest.Mosquitto
	clouds *process
	url    string   // of the clouds
	tokens []string // refresh tokens of the accounts, when there are several
}

// simulate starts a world whose clouds are the program's own simulator.
func simulate(tb testing.TB, flags ...string) *world {
	tb.Helper()
	w := &world{tb: tb, broker: newBroker(tb)}
	args := append([]string{"simulate", "--listen", "127.0.0.1:0", "--region", "eu", "--parked"}, flags...)
	w.clouds = start(tb, os.Environ(), program(tb), args...)
	address, _, _ := strings.Cut(w.clouds.await("Simulated clouds on "), ": ")
	w.url = address
	return w
}

// newBroker starts Mosquitto. Without TCP_NODELAY it lets small packets wait for each other up to 40 ms, which would
// hide what is measured here; everything else is as it comes.
func newBroker(tb testing.TB) *mqtttest.Mosquitto {
	tb.Helper()
	return mqtttest.Start(tb, "set_tcp_nodelay true")
}

// setup is how the program is configured for a row.
type setup struct {
	account  int    // operations in flight an account; 0 for the default
	process  int    // operations in flight in all; 0 for the default
	initial  bool   // read all cars at the start
	storeDir string // of an earlier run; empty for a new one
}

// run starts the program.
func (w *world) run(s setup) *process {
	w.tb.Helper()
	dir := w.tb.TempDir()
	if s.storeDir == "" {
		s.storeDir = filepath.Join(dir, "store")
	}
	path := filepath.Join(dir, "bluelink2mqtt.yaml")
	if err := os.WriteFile(path, []byte(w.configuration(s)), 0o600); err != nil {
		w.tb.Fatal(err)
	}
	return start(w.tb, []string{"HOME=" + dir, "PATH=" + os.Getenv("PATH")}, program(w.tb), "run", "--config", path)
}

func (w *world) configuration(s setup) string {
	var c strings.Builder
	host, port, err := net.SplitHostPort(w.broker.Addr())
	if err != nil {
		w.tb.Fatal(err)
	}
	fmt.Fprintf(&c, "cloud_url: %s\nmqtt: {host: %s, port: %s}\nstore: {dir: %s}\n", w.url, host, port, s.storeDir)
	fmt.Fprintf(&c, "refresh: {initial: %v, interval: off}\nlog: {format: json}\n", s.initial)
	if s.account != 0 {
		fmt.Fprintf(&c, "limits: {bulkhead: {account: %d, process: %d}}\n", s.account, max(s.process, s.account))
	}
	c.WriteString("accounts:\n")
	if len(w.tokens) == 0 {
		fmt.Fprintf(&c, "  - {name: bench, region: eu, brand: hyundai, username: %s, password: %s, pin: %q}\n", sim.Email, sim.Password, sim.PIN)
	}
	for i, token := range w.tokens {
		name := "bench" + strconv.Itoa(i)
		fmt.Fprintf(&c, "  - {name: %s, region: eu, brand: hyundai, username: %s@example.com, refresh_token: %s}\n", name, name, token)
	}
	return c.String()
}
