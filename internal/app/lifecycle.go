package app

import (
	"context"
	"errors"
	"fmt"
)

// part is something that runs for the life of the program.
type part struct {
	name  string
	run   func(context.Context) error // blocks until its context ends
	ready <-chan struct{}             // closed when the next part may start; nil for at once
}

// runParts starts the parts in their order and stops them in the reverse one, each only when those after it have ended:
// so the bridge can still publish while it stops, and the MQTT client say farewell before the broker goes. It stops all
// when ctx ends or one of them fails.
func runParts(ctx context.Context, parts []part) error {
	type end struct {
		index int
		err   error
	}
	type running struct {
		cancel context.CancelFunc
		done   chan struct{}
		err    error
	}
	ends := make(chan end, len(parts))
	var started []*running
	var failure error
	for i, p := range parts {
		own, cancel := context.WithCancel(context.WithoutCancel(ctx))
		r := &running{cancel: cancel, done: make(chan struct{})}
		started = append(started, r)
		go func() {
			defer close(r.done)
			r.err = p.run(own)
			ends <- end{i, r.err}
		}()
		if p.ready == nil {
			continue
		}
		select {
		case <-p.ready:
			continue
		case <-r.done:
			failure = ended(p, r.err)
		case <-ctx.Done():
		}
		break
	}
	if failure == nil && len(started) == len(parts) {
		select {
		case <-ctx.Done():
		case e := <-ends:
			failure = ended(parts[e.index], e.err)
		}
	}
	for i := len(started) - 1; i >= 0; i-- {
		r := started[i]
		r.cancel()
		<-r.done
		if r.err != nil && failure == nil {
			failure = ended(parts[i], r.err)
		}
	}
	return failure
}

// ended is the error of a part that stopped although nobody asked it to.
func ended(p part, err error) error {
	if err == nil {
		err = errors.New("stopped by itself")
	}
	return fmt.Errorf("%s: %w", p.name, err)
}

// cleanups are named acts that give back what was opened, in reverse order.
type cleanups []cleanup

type cleanup struct {
	name string
	act  func() error
}

func (c *cleanups) add(name string, act func() error) { *c = append(*c, cleanup{name, act}) }

func (c *cleanups) run() error {
	var failures []error
	for len(*c) > 0 {
		last := (*c)[len(*c)-1]
		*c = (*c)[:len(*c)-1]
		if err := last.act(); err != nil {
			failures = append(failures, fmt.Errorf("%s: %w", last.name, err))
		}
	}
	return errors.Join(failures...)
}
