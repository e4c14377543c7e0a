// Package bench measures the goals of the design: the real program as a process of its own, the simulated clouds as
// another, and a real Mosquitto, all on one machine. Start with goals_test.go, which lists the rows; each has a file of
// its own. It holds tests only, asserts no time, and runs nothing but a few checks of itself without -bench:
//
//	make bench            under five minutes, writes docs/performance.md
//	make bench SOAK=1     the same at full length
//	go test -run '^$' -bench 'Goals/answer' -benchtime 1x ./test/bench
package bench

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

// docs is where the page goes; nothing is written when it is empty or only some rows ran.
var docs = flag.String("docs", "", "folder in which performance.md and its plots are written after a whole run")

// long asks for the length at which the numbers of a release are measured.
var long = os.Getenv("SOAK") == "1"

// pick chooses between the short and the long run.
func pick[T any](short, full T) T {
	if long {
		return full
	}
	return short
}

func TestMain(m *testing.M) {
	if arguments := os.Getenv(cloudVariable); arguments != "" {
		os.Exit(serveCloud(arguments)) // this is the simulated cloud of another process of ours
	}
	dir, err := os.MkdirTemp("", "bluelink2mqtt-bench-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	built.dir = dir
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(dir) // what stays is in the folder for temporary files
		os.Exit(code)
	}))
}

// built is the program as it is released: static and stripped.
var built struct {
	sync.Once
	dir, path string
	err       error
}

// program builds the program once.
func program(tb testing.TB) string {
	tb.Helper()
	built.Do(func() {
		built.path = filepath.Join(built.dir, "bluelink2mqtt")
		build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", built.path, "../../cmd/bluelink2mqtt")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			built.err = fmt.Errorf("build the program: %w: %s", err, out)
		}
	})
	if built.err != nil {
		tb.Fatal(built.err)
	}
	return built.path
}
