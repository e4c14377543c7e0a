// Package beside is for what families read beside a car's status: parts of which none may fail the whole. One that cannot be
// read is left out, and the log says so; a fault of ours that strange data hit costs that part only.
package beside

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// Parts are those of one car's report. After [Parts.Wait] none is being read any more.
type Parts struct {
	Log     *slog.Logger
	Vehicle vehicle.ID
	Cloud   string // as errors name it

	running sync.WaitGroup
}

// Go reads a part on a goroutine of its own.
func (p *Parts) Go(ctx context.Context, part string, read func() error) {
	p.running.Go(func() { _ = p.Do(ctx, part, read) })
}

// Do reads a part. Its error has been told, and matters only to who remembers when the part was last read.
func (p *Parts) Do(ctx context.Context, part string, read func() error) error {
	err := Contained(read)
	p.Overlook(ctx, part, err)
	return err
}

// Overlook tells of a part that is left out because of err; nil is none.
func (p *Parts) Overlook(ctx context.Context, part string, err error) {
	fault := (*faultError)(nil)
	switch {
	case err == nil:
	case errors.As(err, &fault):
		p.Log.ErrorContext(ctx, "panic in an operation; please report it", "part", part, "vehicle", string(p.Vehicle), "panic", fault.Error(), "stack", string(fault.stack))
	default:
		p.Log.DebugContext(ctx, "left out of the report", "part", part, "vehicle", string(p.Vehicle), "error", err)
	}
}

// Wait waits for all parts. It fails only when whoever asked has given up: then the report is nobody's.
func (p *Parts) Wait(ctx context.Context) error {
	p.running.Wait()
	if errors.Is(ctx.Err(), context.Canceled) {
		return &bluelink.Error{Op: "read beside the status", Cloud: p.Cloud, Left: true, Err: context.Cause(ctx)}
	}
	return nil
}

// faultError is a fault of ours that strange data have hit.
type faultError struct {
	cause any
	stack []byte
}

func (e *faultError) Error() string { return fmt.Sprintf("panic: %v", e.cause) }

// Contained does what runs on a goroutine of its own. A fault of ours in it would end the process there, where nobody above
// can contain it; so it becomes an error.
func Contained(work func() error) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = &faultError{cause, debug.Stack()}
		}
	}()
	return work()
}
