package guard

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
)

// Gate is the one place through which every wake passes, whatever asked for it.
type Gate interface {
	// Admit decides about an operation before anything of it leaves. A refusal is an error of package bluelink that says
	// why and until when. An admitted operation is made under the context that Admit gives; ended learns how it ended, and
	// is called once.
	Admit(ctx context.Context, op Operation) (admitted context.Context, ended func(error), err error)
}

// CountingGate admits everything and counts the wakes.
type CountingGate struct{ wakes atomic.Int64 }

// Admit counts a wake.
func (g *CountingGate) Admit(ctx context.Context, op Operation) (context.Context, func(error), error) {
	if op.Kind == bluelink.CallWake {
		g.wakes.Add(1)
	}
	return ctx, func(error) {}, nil
}

// Wakes is how many wakes were admitted.
func (g *CountingGate) Wakes() int64 { return g.wakes.Load() }

// errPanicked is the end of an operation that did not return.
var errPanicked = errors.New("panic")

func admit(gate Gate) Around {
	return func(ctx context.Context, op Operation, do func(context.Context) error) (err error) {
		ctx, ended, err := gate.Admit(ctx, op)
		if err != nil {
			return err
		}
		err = errPanicked // until do returns
		defer func() { ended(err) }()
		err = do(ctx)
		return err
	}
}
