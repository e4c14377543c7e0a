// Package strangers lets public clients, unchanged, use the simulated clouds as if they were the real ones: what they
// demand is written in docs/protocol/strangers.md. Start with bluelinky_test.go; redirect.cjs leads a Node program to the
// simulator. It holds tests only; "make strangers" installs what they need.
package strangers

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/bluelink2mqtt/bluelink2mqtt/sim"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a simulated world behind a socket.
type world struct {
	*sim.Sim
	url string
}

func newWorld(t *testing.T, o sim.Options) *world {
	t.Helper()
	s, err := sim.New(o)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return &world{s, server.URL}
}

// step is what a client did, as its script tells it.
type step struct {
	Step   string          `json:"step"`
	OK     bool            `json:"ok"`
	Answer json.RawMessage `json:"answer"`
	Error  string          `json:"error"`
}

// node runs a script of this folder to its end and returns its steps.
func (w *world) node(t *testing.T, script string, args ...string) []step {
	t.Helper()
	steps, err := w.run(t, script, args...)
	if err != nil {
		t.Error(err)
	}
	return steps
}

// tries runs a script that is to fail.
func (w *world) tries(t *testing.T, script string, args ...string) []step {
	t.Helper()
	steps, err := w.run(t, script, args...)
	if err == nil {
		t.Errorf("%s %v went well", script, args)
	}
	return steps
}

// run runs a script with the packages that "make strangers" has installed. It skips where they are not.
func (w *world) run(t *testing.T, script string, args ...string) ([]step, error) {
	t.Helper()
	program, err := exec.LookPath("node")
	if err != nil {
		t.Skip("no node on this machine: public clients are not tested; make strangers installs it")
	}
	packages := packages()
	if _, err := os.Stat(filepath.Join(packages, "bluelinky")); err != nil {
		t.Skipf("no npm package bluelinky in %s: public clients are not tested; make strangers installs it", packages)
	}
	var out, complaints bytes.Buffer
	command := exec.CommandContext(t.Context(), program, append([]string{"--require", "./redirect.cjs", script}, args...)...)
	command.Env = append(os.Environ(), "SIMULATOR="+w.url, "NODE_PATH="+packages, "LOG_LEVEL=error")
	command.Stdout, command.Stderr = &out, &complaints
	err = command.Run()
	if err != nil {
		err = fmt.Errorf("%s %v: %w\n%s%s", script, args, err, out.Bytes(), complaints.Bytes())
	}
	var steps []step
	lines := bufio.NewScanner(&out)
	for lines.Scan() {
		var s step
		if json.Unmarshal(lines.Bytes(), &s) == nil && s.Step != "" { // clients print lines of their own
			steps = append(steps, s)
		}
	}
	return steps, err
}

// packages is where npm has put them, outside the repository.
func packages() string {
	if folder := os.Getenv("STRANGERS"); folder != "" {
		return filepath.Join(folder, "node_modules")
	}
	return filepath.Join(os.TempDir(), "strangers", "node_modules")
}
