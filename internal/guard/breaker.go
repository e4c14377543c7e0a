package guard

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
)

// BreakerOptions are the numbers of an account's circuit breakers; zero means the default.
type BreakerOptions struct {
	Reads    uint          // failures in a row that open the breaker of reads and wakes; 5
	Commands uint          // failures in a row that open the breaker of commands; 3
	Open     time.Duration // until one probe is let through; 60 s
}

// The names of an account's breakers, as metrics spell them.
const (
	breakerReads    = "reads"
	breakerCommands = "commands"
)

// breakers are the two circuit breakers of an account: a cloud that refuses commands may still answer reads.
type breakers struct {
	reads, commands circuitbreaker.CircuitBreaker[any]
}

func newBreakers(account string, o BreakerOptions, m *Metrics) *breakers {
	build := func(name string, failures uint) circuitbreaker.CircuitBreaker[any] {
		b := circuitbreaker.NewBuilder[any]().
			WithFailureThreshold(failures).WithSuccessThreshold(1).WithDelay(cmp.Or(o.Open, time.Minute)).
			OnStateChanged(func(e circuitbreaker.StateChangedEvent) { m.breakerChanged(account, name, e.NewState) }).
			Build()
		m.breakerBuilt(account, name, b)
		return b
	}
	return &breakers{build(breakerReads, cmp.Or(o.Reads, 5)), build(breakerCommands, cmp.Or(o.Commands, 3))}
}

func (b *breakers) around(ctx context.Context, op Operation, do func(context.Context) error) (err error) {
	breaker := b.reads
	if op.Kind == bluelink.CallCommand {
		breaker = b.commands
	}
	if !breaker.TryAcquirePermit() {
		return &bluelink.Error{Op: op.Name, RetryAfter: breaker.RemainingDelay(), Err: bluelink.ErrBreakerOpen}
	}
	// A permit of a half-open breaker must be given back whatever happens, a panic included.
	ended := false
	defer func() {
		if !ended {
			breaker.RecordFailure()
		}
	}()
	err = do(ctx)
	ended = true
	switch {
	case cloudFailed(err):
		breaker.RecordFailure()
	case errors.Is(err, context.Canceled):
		// The caller went away: it says nothing about the cloud. Only a probe must be answered, and is tried again later.
		if breaker.IsHalfOpen() {
			breaker.RecordFailure()
		}
	default:
		breaker.RecordSuccess()
	}
	return err
}

// cloudFailed tells whether an error speaks against the cloud. Quota, credentials, duplicates, unsupported requests and
// missing data do not: the cloud answered. Nor does a car that sleeps, which is its own lane's affair.
func cloudFailed(err error) bool {
	switch {
	case errors.Is(err, bluelink.ErrVehicleUnreachable), errors.Is(err, bluelink.ErrOverloaded), errors.Is(err, context.Canceled):
		return false
	case errors.Is(err, bluelink.ErrUnavailable), errors.Is(err, bluelink.ErrBadResponse), errors.Is(err, context.DeadlineExceeded):
		return true
	}
	return false
}
