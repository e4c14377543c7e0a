package bluelink

import (
	"context"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// Trace is what travels in the context of an operation into each log line and call below it.
type Trace struct {
	Account string
	Vehicle vehicle.ID
	Command string // id of the command
	Cause   vehicle.Cause
	Sparing bool // as few calls as will do, whoever asked; what a timer asks for is sparing anyway
	// Waiting is told when the operation begins (true) and ends (false) to wait for its turn, so that whoever watches it
	// does not take it for stuck. Nil when nobody watches.
	Waiting func(bool)
}

// Wait tells that a wait begins; the function that it returns tells that it has ended.
func (t Trace) Wait() (done func()) {
	if t.Waiting == nil {
		return func() {}
	}
	t.Waiting(true)
	return func() { t.Waiting(false) }
}

type traceKey struct{}

// WithTrace gives an operation its trace.
func WithTrace(ctx context.Context, t Trace) context.Context {
	return context.WithValue(ctx, traceKey{}, t)
}

// TraceOf reads the trace of an operation; the zero Trace when it has none.
func TraceOf(ctx context.Context) Trace {
	t, _ := ctx.Value(traceKey{}).(Trace)
	return t
}
