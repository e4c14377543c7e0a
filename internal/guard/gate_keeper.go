package guard

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// Keeper is the gate of an account: it decides by its rules and by what the ledger knows, and gives an admitted wake the
// permit without which the ledger lets no waking call out.
type Keeper struct {
	rules  Rules
	ledger *Ledger
	log    *slog.Logger
}

var _ Gate = (*Keeper)(nil)

// NewKeeper makes the gate of the account whose ledger it is.
func NewKeeper(rules Rules, ledger *Ledger) *Keeper {
	return &Keeper{rules, ledger, ledger.Log}
}

// permit is the leave to wake a car, once. The lock of its ledger guards it.
type permit struct {
	ledger  *Ledger
	car     vehicle.ID
	calls   int        // waking calls that left
	reached bool       // one of them may have reached the car
	before  wakeBefore // what the first one overwrote in the car's row
}

type wakeBefore struct {
	at     time.Time
	cause  vehicle.Cause
	spared bool
}

type permitKey struct{}

func permitOf(ctx context.Context) *permit {
	p, _ := ctx.Value(permitKey{}).(*permit)
	return p
}

// Admit decides about an operation and, when it admits it, notes that it is under way.
func (k *Keeper) Admit(ctx context.Context, op Operation) (context.Context, func(error), error) {
	l := k.ledger
	cause := bluelink.TraceOf(ctx).Cause
	l.mu.Lock()
	now := time.Now()
	l.roll(now)
	verdict := decide(k.rules, Situation{
		Now: now, Operation: op, Cause: cause, Account: l.account(now), Car: l.book.carBook(op.Vehicle.ID),
	})
	if verdict.Refuse != vehicle.NoReason {
		l.totals.refuse(op.Name, cause, verdict.Refuse)
		l.mu.Unlock()
		return ctx, nil, k.refuse(op, verdict, now)
	}
	promised := cost(op)
	l.promised += promised
	var p *permit
	news := false
	switch op.Kind {
	case bluelink.CallWake:
		p = &permit{ledger: l, car: op.Vehicle.ID}
		l.book.car(p.car).waking = true
		ctx = context.WithValue(ctx, permitKey{}, p)
	case bluelink.CallRead:
		if op.Name == opCached {
			news = l.noteRead(op, now)
		}
	default: // a command is neither: what it costs is promised above
	}
	l.mu.Unlock()
	if news {
		k.log.WarnContext(ctx, "reading this car seems to wake it: it reports right after each read while it is parked. It is read less often",
			"account", op.Account, "car", op.Vehicle)
	}
	return ctx, func(err error) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.promised -= promised
		if p != nil {
			l.woken(p, err)
		}
	}, nil
}

// refuse says why and until when.
func (k *Keeper) refuse(op Operation, v Verdict, now time.Time) error {
	e := &bluelink.Error{Op: op.Name, Text: v.Text, Reason: v.Refuse, Err: bluelink.ErrQuota}
	if !v.Until.IsZero() {
		e.RetryAfter = v.Until.Sub(now)
		e.Text += "; not before " + v.Until.In(k.rules.Zone).Format("2006-01-02 15:04 MST")
	}
	return e
}

// woken learns how an admitted wake ended. The lock is held.
func (l *Ledger) woken(p *permit, err error) {
	car := l.book.car(p.car)
	car.waking = false
	if p.calls == 0 {
		return // it never came to the wake
	}
	l.version++
	car.Spared = !p.reached
	switch {
	case err == nil:
		car.Unreached = 0
	case errors.Is(err, bluelink.ErrVehicleUnreachable):
		car.Unreached++
	}
}

// noteRead watches whether reads wake the car, and tells when that suspicion is new. The lock is held.
func (l *Ledger) noteRead(op Operation, now time.Time) bool {
	car := l.book.car(op.Vehicle.ID)
	before := car.Stirred.suspect()
	car.Stirred.read(now, car.LastWake, op.Known)
	return car.Stirred.suspect() && !before
}
