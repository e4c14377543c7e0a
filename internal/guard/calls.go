package guard

import (
	"context"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
)

// Hooks are several hooks as one. Each sees a call only when those before it have admitted it, and exactly those that
// admitted a call learn how it ended.
type Hooks []bluelink.Hook

// Before asks each hook in turn; the first refusal is the answer.
func (h Hooks) Before(ctx context.Context, call bluelink.Call) error {
	for i, hook := range h {
		if err := hook.Before(ctx, call); err != nil {
			for _, asked := range h[:i] {
				asked.After(ctx, call, 0, err)
			}
			return err
		}
	}
	return nil
}

// After tells each hook.
func (h Hooks) After(ctx context.Context, call bluelink.Call, took time.Duration, err error) {
	for _, hook := range h {
		hook.After(ctx, call, took, err)
	}
}

// CallHook measures each call.
func (m *Metrics) CallHook() bluelink.Hook { return callMetrics{m} }

type callMetrics struct{ *Metrics }

func (m callMetrics) Before(_ context.Context, call bluelink.Call) error {
	m.callsOpen.WithLabelValues(call.Account, string(call.Kind)).Inc()
	return nil
}

func (m callMetrics) After(_ context.Context, call bluelink.Call, took time.Duration, err error) {
	m.callsOpen.WithLabelValues(call.Account, string(call.Kind)).Dec()
	m.calls.WithLabelValues(call.Account, string(call.Kind), outcome(err)).Observe(took.Seconds())
}
