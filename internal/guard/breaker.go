package guard

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// BreakerOptions are the numbers of an account's circuit breakers; zero means the default.
type BreakerOptions struct {
	Reads    uint          // failures in a row that open the breaker of reads and wakes; 5
	Commands uint          // failures in a row that open the breaker of commands; 3
	Open     time.Duration // until one probe is let through; 60 s
	// Changed is told the new state of one of them, in its words; it may be nil, and must not come back to the cloud.
	Changed func(breaker, state string)
	// Wanted tells which of the listed cars are asked for anything; nil means all.
	Wanted func(vehicle.VIN) bool
}

// The names of an account's breakers, as metrics spell them.
const (
	BreakerReads    = "reads"
	BreakerCommands = "commands"
)

// BreakerClosed is the state in which a breaker begins; the others are open and half_open.
const BreakerClosed = "closed"

// breakers are the two circuit breakers of an account: a cloud that refuses commands may still answer reads.
type breakers struct {
	reads, commands *breaker
	wanted          func(vehicle.VIN) bool
}

func newBreakers(account string, o BreakerOptions, m *Metrics) *breakers {
	open := cmp.Or(o.Open, time.Minute)
	return &breakers{
		newBreaker(account, BreakerReads, cmp.Or(o.Reads, 5), open, o.Changed, m),
		newBreaker(account, BreakerCommands, cmp.Or(o.Commands, 3), open, o.Changed, m),
		o.Wanted,
	}
}

// list learns which cars the account has.
func (b *breakers) list(all []vehicle.Vehicle) {
	var cars []vehicle.ID
	for i := range all {
		if b.wanted == nil || b.wanted(all[i].VIN) {
			cars = append(cars, all[i].ID)
		}
	}
	for _, breaker := range []*breaker{b.reads, b.commands} {
		breaker.mu.Lock()
		breaker.blame.list(cars)
		breaker.mu.Unlock()
	}
}

func (b *breakers) around(ctx context.Context, op Operation, do func(context.Context) error) (err error) {
	breaker := b.reads
	if op.Kind == bluelink.CallCommand {
		breaker = b.commands
	}
	car := op.Vehicle.ID
	era, wait, ok := breaker.admit(car)
	if !ok {
		return &bluelink.Error{Op: op.Name, RetryAfter: wait, Err: bluelink.ErrBreakerOpen}
	}
	v := failed // also when do panics: a probe must be answered whatever happens
	defer func() { breaker.end(era, car, v) }()
	err = do(ctx)
	v = judge(err)
	return err
}

// breaker is one circuit breaker. What opens it is decided by its blame; the library keeps the states and their times.
//
// The library cannot tell a probe from an operation that was admitted long before and ends late, nor can it take back a
// probe that brought no answer. So each state is an era: only the end of an operation that was admitted in the same era
// counts. That also makes it open once, however many operations fail together.
type breaker struct {
	circuit circuitbreaker.CircuitBreaker[any]

	mu    sync.Mutex // guards what follows; held over each call that can change the circuit's state, so that all agree
	era   int
	blame *blame
}

func newBreaker(account, name string, failures uint, open time.Duration, changed func(breaker, state string), m *Metrics) *breaker {
	b := &breaker{blame: newBlame(failures)}
	b.circuit = circuitbreaker.NewBuilder[any]().
		WithFailureThreshold(1).WithSuccessThreshold(1).WithDelay(open).
		OnStateChanged(func(e circuitbreaker.StateChangedEvent) {
			b.era++ // called by whoever changes the state, who holds mu
			m.breakerChanged(account, name, e.NewState)
			if changed != nil {
				changed(name, breakerState(e.NewState))
			}
		}).Build()
	m.breakerBuilt(account, name, b.circuit)
	return b
}

// admit lets an operation through, or says how long the breaker stays open; 0 while a probe is on its way.
func (b *breaker) admit(car vehicle.ID) (era int, wait time.Duration, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.blame.meet(car)
	if !b.circuit.TryAcquirePermit() {
		return 0, b.circuit.RemainingDelay(), false
	}
	return b.era, 0, true
}

// end learns what an admitted operation says about the cloud.
func (b *breaker) end(era int, car vehicle.ID, v verdict) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if era != b.era {
		return
	}
	if b.circuit.IsHalfOpen() {
		b.endProbe(car, v)
		return
	}
	switch v {
	case answered:
		b.blame.served(car)
	case failed:
		if b.blame.failed(car) {
			b.circuit.RecordFailure()
			b.blame.forgive()
		}
	case silent:
	}
}

// endProbe is end while the breaker is half-open.
func (b *breaker) endProbe(car vehicle.ID, v verdict) {
	switch {
	case v == answered:
		b.blame.forgive()
		b.blame.served(car)
		b.circuit.RecordSuccess()
	case v == failed && b.blame.probed(car):
		b.circuit.RecordFailure()
	default:
		// The probe brought no answer, so that the next operation is one again.
		b.circuit.Open()
		b.circuit.HalfOpen()
	}
}

// verdict is what the end of an operation says about the cloud.
type verdict int

const (
	silent   verdict = iota // nothing: the cloud was not asked, or the caller went away
	answered                // it works, whatever its answer was
	failed
)

// judge reads a verdict off an error. Credentials, duplicates, limits and missing data are answers; so is a car that
// sleeps, which is its own lane's affair.
func judge(err error) verdict {
	if err == nil {
		return answered
	}
	for _, says := range []struct {
		err error
		verdict
	}{
		{context.Canceled, silent},
		{bluelink.ErrOverloaded, silent}, // it gave up in the bulkhead
		{bluelink.ErrQuota, silent},      // a hook refused a call
		{bluelink.ErrNotOwner, silent},
		{bluelink.ErrVehicleUnreachable, answered},
		{bluelink.ErrBusy, answered},
		{bluelink.ErrRateLimited, answered},
		{bluelink.ErrCredentials, answered},
		{bluelink.ErrPIN, answered},
		{bluelink.ErrOTPRequired, answered},
		{bluelink.ErrOTP, answered},
		{bluelink.ErrConsentRequired, answered},
		{bluelink.ErrSessionExpired, answered},
		{bluelink.ErrDevice, answered},
		{bluelink.ErrBlocked, answered},
		{bluelink.ErrClientRefused, answered},
		{bluelink.ErrRefused, answered},
		{bluelink.ErrNoData, answered},
		{bluelink.ErrUnavailable, failed},
		{bluelink.ErrBadResponse, failed},
		{context.DeadlineExceeded, failed},
	} {
		if errors.Is(err, says.err) {
			return says.verdict
		}
	}
	return silent // unsupported, senseless, or a fault of our own
}
