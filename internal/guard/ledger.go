package guard

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/store"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// LedgerOptions say whose ledger it is.
type LedgerOptions struct {
	Account string         // for logs and metrics
	Key     string         // in the store: account/…/ledger
	Store   store.Store    // required
	Zone    *time.Location // by which days count; required
	Limit   int            // calls a day; 0 for no limit
	Log     *slog.Logger   // required
}

// Ledger books every call of an account, per car, by kind and cause. It hangs in the transport as a [bluelink.Hook], and
// knows of operations what the gate tells it.
//
// Wakes and commands are booked durably before they leave; when that fails they do not. Reads are reserved in blocks, so
// that after a crash the counts are too high by at most a block, never too low, and a memory card is spared. Reads go on
// while the store fails: they harm nobody, and the counts are then kept in memory.
type Ledger struct {
	LedgerOptions

	turn chan struct{} // held by the one caller that writes

	mu       sync.Mutex // guards what follows; never held during a write
	calendar calendar
	book     *book
	promised int    // calls that operations in flight may still make
	version  uint64 // of the book
	saved    uint64 // version in the store
	since    int    // calls that left since that version
	reserved int    // of those that may leave before the next write
	retryAt  time.Time
	failing  bool
	totals   totals
}

var _ bluelink.Hook = (*Ledger)(nil)

// Numbers of the reservation of reads.
const (
	minBlock   = 20
	saveWithin = 30 * time.Second // one write that nobody waits for
	saveAgain  = time.Minute      // after one that failed
)

// OpenLedger reads an account's ledger from the store, or begins one.
func OpenLedger(ctx context.Context, o LedgerOptions) (*Ledger, error) {
	l := &Ledger{LedgerOptions: o, turn: make(chan struct{}, 1), calendar: calendar{zone: o.Zone}, book: newBook()}
	entry, err := o.Store.Get(ctx, o.Key)
	damaged := (*store.DamagedError)(nil)
	switch {
	case errors.Is(err, store.ErrNotFound):
	case err == nil:
		if b, wrong := readBook(entry.Value); wrong == nil {
			l.book = b
		} else {
			l.assume(wrong)
		}
	case errors.As(err, &damaged):
		l.assume(err)
	default:
		return nil, fmt.Errorf("open the ledger of account %s: %w", o.Account, err)
	}
	now := time.Now()
	l.roll(now)
	for _, car := range l.book.Cars { // a clock that went back must not lock a car for long
		if car.LastWake.After(now) {
			car.LastWake = now
		}
	}
	return l, nil
}

// assume goes on without what cannot be read: today's calls count as used up, except some for the owner.
func (l *Ledger) assume(err error) {
	l.Log.Error("the ledger cannot be read; today's calls count as used up", "account", l.Account, "error", err)
	l.book = newBook()
	l.book.Day, l.book.Lost = l.calendar.day(time.Now()), max(0, l.Limit-defaultReserve)
}

// roll begins a new day when it is time. The lock is held.
func (l *Ledger) roll(now time.Time) {
	turned := l.book.turn(l.calendar.day(now), now)
	if l.book.Limited.straighten(now) {
		l.version++
	}
	if l.book.release(now) || turned {
		l.since, l.reserved = 0, 0 // the reservation was yesterday's
		l.version++
	}
}

// Before books a call that is about to leave.
func (l *Ledger) Before(ctx context.Context, call bluelink.Call) error {
	entry := l.enter(ctx, call)
	if entry.refused != nil {
		return entry.refused
	}
	if entry.durable {
		if err := l.save(ctx, entry.version); err != nil {
			l.strike(entry)
			return &bluelink.Error{
				Text: "not booked, so not sent", Reason: vehicle.Internal, Err: fmt.Errorf("%w: %w", bluelink.ErrQuota, err),
			}
		}
	} else if entry.write {
		l.noteWrite(l.save(ctx, entry.version))
	}
	return nil
}

// entry is what a call adds to the book.
type entry struct {
	call    bluelink.Call
	cause   vehicle.Cause
	day     string
	permit  *permit // of a call that wakes; nil for others
	wakes   bool    // the first one of its operation, which makes that a wake
	version uint64
	durable bool  // must be written before the call leaves
	write   bool  // should be written
	refused error // not booked at all
}

// enter books a call in memory.
func (l *Ledger) enter(ctx context.Context, call bluelink.Call) entry {
	e := entry{call: call, cause: bluelink.TraceOf(ctx).Cause}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.roll(now)
	e.day = l.book.Day
	if call.Kind == bluelink.CallWake {
		e.permit = permitOf(ctx)
		if p := e.permit; p == nil || p.ledger != l || call.Vehicle != "" && p.car != call.Vehicle {
			e.refused = &bluelink.Error{Text: "no wake without the leave of the gate", Reason: vehicle.NotPermitted, Err: bluelink.ErrQuota}
			return e
		}
		e.wakes = e.permit.calls == 0
		e.permit.calls++
	}
	l.count(&e, 1)
	if e.wakes {
		car := l.book.car(e.permit.car)
		e.permit.before = wakeBefore{car.LastWake, car.LastCause, car.Spared}
		car.LastWake, car.LastCause, car.Spared = now, e.cause, false
	}
	l.version++
	e.version = l.version
	e.durable = e.wakes || call.Kind == bluelink.CallCommand
	e.write = l.since > l.reserved && !now.Before(l.retryAt)
	return e
}

// count adds a call to the tallies, or takes it back. The lock is held.
func (l *Ledger) count(e *entry, n int) {
	kind, cause := kindIndex(e.call.Kind), causeIndex(e.cause)
	add := func(to *uint32) {
		if n > 0 || *to > 0 {
			*to += uint32(n)
		}
	}
	add(&l.book.Calls[kind][cause])
	l.totals.calls[kind][cause] += uint64(n)
	if kind < quotaKinds {
		l.since += n
	}
	if e.call.Vehicle != "" {
		add(&l.book.car(e.call.Vehicle).Calls[kind][cause])
	}
	if e.wakes {
		add(&l.book.Wakes[cause])
		add(&l.book.car(e.permit.car).Wakes[cause])
		l.totals.wakes[cause] += uint64(n)
	}
}

// strike takes back a call that did not leave.
func (l *Ledger) strike(e entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if p := e.permit; p != nil {
		p.calls--
		e.wakes = p.calls == 0
	}
	if l.roll(time.Now()); l.book.Day != e.day {
		return
	}
	l.count(&e, -1)
	l.version++
	if e.wakes {
		car, before := l.book.car(e.permit.car), e.permit.before
		car.LastWake, car.LastCause, car.Spared = before.at, before.cause, before.spared
	}
}

// After learns how a call ended.
func (l *Ledger) After(ctx context.Context, call bluelink.Call, _ time.Duration, err error) {
	e := entry{call: call, cause: bluelink.TraceOf(ctx).Cause}
	l.mu.Lock()
	e.day = l.book.Day
	if call.Kind == bluelink.CallWake {
		e.permit = permitOf(ctx)
		e.permit.reached = e.permit.reached || err == nil || bluelink.MayHaveSucceeded(err)
	}
	l.mu.Unlock()
	switch {
	case err == nil:
	case !hasLeft(err):
		l.strike(e)
	case errors.Is(err, bluelink.ErrRateLimited) && kindIndex(call.Kind) < quotaKinds:
		l.tooMany(ctx, bluelink.RetryAfter(err))
	}
}

// hasLeft tells whether a call that failed may have reached the cloud: one that found no connection has not.
func hasLeft(err error) bool {
	e := (*bluelink.Error)(nil)
	return !errors.Is(err, bluelink.ErrUnavailable) || !errors.As(err, &e) || e.Left
}

// shortWait is the longest wait that a cloud may ask for without that its limit of the day is meant.
const shortWait = time.Hour

// tooMany stops all but commands until the cloud's limit is reset, by what it said or by its midnight.
func (l *Ledger) tooMany(ctx context.Context, wait time.Duration) {
	l.mu.Lock()
	now := time.Now()
	l.roll(now)
	until := l.calendar.midnight(now)
	if wait > 0 {
		until = now.Add(wait)
	}
	news := l.book.Limited == nil || !now.Before(l.book.Limited.Until)
	if news {
		l.book.Limited = &limited{Since: now, Until: until, Daily: wait == 0 || wait > shortWait}
		if l.book.Limited.Daily {
			l.book.learn(l.Limit)
		}
		l.version++
	}
	used, version := l.book.used(), l.version
	l.mu.Unlock()
	if !news {
		return
	}
	l.Log.WarnContext(ctx, "the cloud has had too many requests; nothing but commands until its limit is reset", "account", l.Account,
		"calls_today", used, "until", until.Format(time.RFC3339))
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), saveWithin)
	defer cancel()
	l.noteWrite(l.save(ctx, version))
}

// save makes a version of the book durable, or a later one. Callers share a write.
func (l *Ledger) save(ctx context.Context, version uint64) error {
	select {
	case l.turn <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("write the ledger: %w", context.Cause(ctx))
	}
	defer func() { <-l.turn }()
	l.mu.Lock()
	if l.saved >= version {
		l.mu.Unlock()
		return nil
	}
	return l.write(ctx, max(minBlock, l.book.used()/8))
}

// write writes the book and reserves so many reads. The caller has the turn and the lock, which is given back.
func (l *Ledger) write(ctx context.Context, reserved int) error {
	version, since := l.version, l.since
	value, err := l.book.write(reserved)
	l.mu.Unlock()
	if err == nil {
		_, err = l.Store.Put(ctx, l.Key, value, store.AnyRevision)
	}
	if err != nil {
		return fmt.Errorf("write the ledger: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.saved, l.since, l.reserved = version, l.since-since, reserved
	return nil
}

// noteWrite says once when the store fails, and when it works again.
func (l *Ledger) noteWrite(err error) {
	l.mu.Lock()
	before := l.failing
	l.failing = err != nil
	if l.failing {
		l.retryAt = time.Now().Add(saveAgain)
	}
	l.mu.Unlock()
	switch {
	case err != nil && !before:
		l.Log.Error("the ledger cannot be written; reads go on, wakes and commands do not", "account", l.Account, "error", err)
	case err == nil && before:
		l.Log.Info("the ledger is written again", "account", l.Account)
	}
}

// Settle writes the exact counts, when the process ends: what was reserved and not used is given back.
func (l *Ledger) Settle(ctx context.Context) error {
	select {
	case l.turn <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("settle the ledger of account %s: %w", l.Account, context.Cause(ctx))
	}
	defer func() { <-l.turn }()
	l.mu.Lock()
	if l.version == l.saved && l.reserved == 0 {
		l.mu.Unlock()
		return nil
	}
	return l.write(ctx, 0)
}

// Today tells what the account has used up today.
func (l *Ledger) Today() AccountBook {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.roll(now)
	return l.account(now)
}

// account is Today with the lock held.
func (l *Ledger) account(now time.Time) AccountBook {
	a := l.book.accountBook(l.Limit, l.calendar.midnight(now))
	a.promised = l.promised
	return a
}

// Car tells what was done to a car today.
func (l *Ledger) Car(id vehicle.ID) CarBook {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.roll(time.Now())
	return l.book.carBook(id)
}
