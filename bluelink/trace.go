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
