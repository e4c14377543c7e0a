package bluelink

import (
	"context"
	"sync/atomic"
)

// Attempt is one try to get tokens, with all its calls: a sign-in is up to eight of them. It travels in the context of the
// calls, so that a [Hook] can count tries instead of calls.
type Attempt struct {
	ID      uint64 // unique in the process; 0 is no attempt
	Renewal bool   // it renews a session; some clouds sign in again for that

	presented *atomic.Bool // whether a call with credentials has been made
}

// signedIn tells whether credentials were presented.
func (a Attempt) signedIn() bool { return a.presented != nil && a.presented.Load() }

var attempts atomic.Uint64

type attemptKey struct{}

func withAttempt(ctx context.Context, renewal bool) context.Context {
	return context.WithValue(ctx, attemptKey{}, Attempt{ID: attempts.Add(1), Renewal: renewal, presented: new(atomic.Bool)})
}

// AttemptOf is the attempt that a call belongs to; the zero Attempt when it belongs to none.
func AttemptOf(ctx context.Context) Attempt {
	a, _ := ctx.Value(attemptKey{}).(Attempt)
	return a
}

type personKey struct{}

// WithPerson marks an operation that a person asked for in order to sign in: it is tried although earlier attempts were
// refused. Nothing automatic may use it.
func WithPerson(ctx context.Context) context.Context {
	return context.WithValue(ctx, personKey{}, true)
}

// ByPerson tells whether a person asked for the operation, see [WithPerson].
func ByPerson(ctx context.Context) bool { return ctx.Value(personKey{}) != nil }
