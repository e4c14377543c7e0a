// Package e2e runs the real program against the simulated clouds and real brokers, as a stranger would. Start with
// harness_test.go. It holds tests only.
package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// program is the built binary, the same for all tests.
var program string

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (int, error) {
	dir, err := os.MkdirTemp("", "bluelink2mqtt-e2e-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "bluelink2mqtt")
	build := exec.Command("go", "build", "-o", program, "../../cmd/bluelink2mqtt")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return 0, fmt.Errorf("build the program: %w", err)
	}
	return m.Run(), nil
}
