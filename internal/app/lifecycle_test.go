package app

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// journal notes what happens in which order.
type journal struct {
	mu    sync.Mutex // guards lines
	lines []string
}

func (j *journal) note(line string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, line)
}

// waits is a part that works until it is stopped.
func (j *journal) waits(name string) part {
	ready := make(chan struct{})
	return part{name: name, ready: ready, run: func(ctx context.Context) error {
		j.note(name + " starts")
		close(ready)
		<-ctx.Done()
		j.note(name + " stops")
		return nil
	}}
}

func TestParts_StartInOrderAndStopInReverse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var j journal
		ended := make(chan error, 1)
		go func() { ended <- runParts(ctx, []part{j.waits("broker"), j.waits("client"), j.waits("bridge")}) }()
		synctest.Wait()
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("an orderly stop gave %v", err)
		}
		want := []string{"broker starts", "client starts", "bridge starts", "bridge stops", "client stops", "broker stops"}
		if !slices.Equal(j.lines, want) {
			t.Errorf("it went %v, want %v", j.lines, want)
		}
	})
}

func TestParts_AFailureStopsTheOthersAndIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var j journal
		broken := errors.New("port taken")
		failing := part{name: "web server", run: func(context.Context) error { return broken }}
		err := runParts(t.Context(), []part{j.waits("broker"), failing, j.waits("bridge")})
		if !errors.Is(err, broken) || !strings.Contains(err.Error(), "web server") {
			t.Errorf("the failure came as %v", err)
		}
		if len(j.lines)%2 != 0 || j.lines[len(j.lines)-1] != "broker stops" {
			t.Errorf("not everything that started has stopped: %v", j.lines)
		}
	})
}

func TestParts_OneThatNeverGetsReadyKeepsTheNextFromStarting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var j journal
		broken := errors.New("cannot listen")
		failing := part{name: "broker", ready: make(chan struct{}), run: func(context.Context) error { return broken }}
		err := runParts(t.Context(), []part{failing, j.waits("bridge")})
		if !errors.Is(err, broken) {
			t.Errorf("the failure came as %v", err)
		}
		if len(j.lines) != 0 {
			t.Errorf("what comes after started all the same: %v", j.lines)
		}
	})
}

func TestParts_OneThatEndsUnaskedIsAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var j journal
		gone := part{name: "bridge", run: func(context.Context) error { return nil }}
		if err := runParts(t.Context(), []part{j.waits("broker"), gone}); err == nil {
			t.Error("a part that went away by itself went unnoticed")
		}
	})
}

func TestCleanups_RunInReverseAndJoinErrors(t *testing.T) {
	var c cleanups
	var order []string
	first, last := errors.New("first"), errors.New("last")
	c.add("a", func() error { order = append(order, "a"); return first })
	c.add("b", func() error { order = append(order, "b"); return last })
	err := c.run()
	if !errors.Is(err, first) || !errors.Is(err, last) || !slices.Equal(order, []string{"b", "a"}) {
		t.Errorf("cleaned up %v with %v", order, err)
	}
	if err := c.run(); err != nil {
		t.Errorf("a second run did it again: %v", err)
	}
}
