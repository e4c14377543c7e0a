package guard

import (
	"cmp"
	"context"
	"fmt"
	"time"
)

// Deadlines bound whole operations, once they have their place in the bulkhead; zero means the default. Each call has
// its own, shorter one below.
type Deadlines struct {
	Login  time.Duration // 2 min: a sign-in is up to eight calls
	List   time.Duration // 90 s, a renewal included
	Cached time.Duration // 2 min: status, then position and history together, a renewal included
	Force  time.Duration // 4 min: the car's 140 s, reads before and after
}

func (d Deadlines) around(ctx context.Context, op Operation, do func(context.Context) error) error {
	var limit time.Duration
	switch op.Name {
	case opLogin:
		limit = cmp.Or(d.Login, 2*time.Minute)
	case opVehicles:
		limit = cmp.Or(d.List, 90*time.Second)
	case opForce:
		limit = cmp.Or(d.Force, 4*time.Minute)
	default:
		limit = cmp.Or(d.Cached, 2*time.Minute)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, limit, overrun{op.Name, limit})
	defer cancel()
	return do(ctx)
}

// overrun is the cause of an operation's deadline. It makes its text when somebody reads it, which is hardly ever.
type overrun struct {
	name  string
	limit time.Duration
}

func (o overrun) Error() string {
	return fmt.Sprintf("%s took longer than %s: %v", o.name, o.limit, context.DeadlineExceeded)
}

func (overrun) Unwrap() error { return context.DeadlineExceeded }
