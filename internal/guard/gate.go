package guard

import (
	"context"
	"sync/atomic"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
)

// Gate is the one place through which every wake passes, whatever asked for it.
type Gate interface {
	// Admit decides about an operation before anything of it leaves. A refusal is an error of package bluelink that says
	// why and until when.
	Admit(ctx context.Context, op Operation) error
}

// CountingGate admits everything and counts the wakes.
type CountingGate struct{ wakes atomic.Int64 }

// Admit counts a wake.
func (g *CountingGate) Admit(_ context.Context, op Operation) error {
	if op.Kind == bluelink.CallWake {
		g.wakes.Add(1)
	}
	return nil
}

// Wakes is how many wakes were admitted.
func (g *CountingGate) Wakes() int64 { return g.wakes.Load() }

func admit(gate Gate) Around {
	return func(ctx context.Context, op Operation, do func(context.Context) error) error {
		if err := gate.Admit(ctx, op); err != nil {
			return err
		}
		return do(ctx)
	}
}
