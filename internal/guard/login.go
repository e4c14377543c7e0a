package guard

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/store"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// LoginOptions say whose sign-ins are guarded.
type LoginOptions struct {
	Account string       // for logs and metrics
	Key     string       // in the store: account/…/logins
	Store   store.Store  // required
	Log     *slog.Logger // required
	// Loose lifts the bound on renewals by refresh token, for simulated tokens that live for seconds.
	Loose bool
	// Forgetful says that the store does not outlive the process or its container: each start looks like the first, so no
	// code is requested without a person.
	Forgetful bool
}

// Logins guards an account against being locked: it counts sign-ins, renewals, device registrations and code requests, and
// hangs in the transport as a [bluelink.Hook]. Each is durable before its first call leaves, so that a program that crashes
// and starts in a circle comes no further than one that runs.
type Logins struct {
	LoginOptions

	settled atomic.Bool               // a read that goes well is no news: the device is known, and no failure is left
	shown   atomic.Pointer[loginBook] // what those see who only look: they never wait for the disk

	mu      sync.Mutex // guards what follows; held while the book is written: attempts are rare, and one at a time
	book    loginBook
	attempt uint64 // the one that was admitted last
	acts    []act  // what it was booked as
	left    bool   // a call of the last of those may have reached the cloud
	ended   ended  // how its calls did so far
	failing bool   // the store, when it was last written without need
}

var _ bluelink.Hook = (*Logins)(nil)

// loginBook is the form in which it is stored. It stays small: no list is longer than a bound.
type loginBook struct {
	Acts   map[act][]time.Time `json:"acts"`
	Device deviceState         `json:"registration,omitempty"`
	Failed *loginFailure       `json:"failed,omitempty"`
}

// ended is how the calls of an attempt ended.
type ended int

const (
	notYet ended = iota
	well
	badly
)

// deviceState is how it stands with the registered device.
type deviceState string

// The states of the device. While one is only asked for, another may follow: without a device nothing works.
const (
	deviceNone    deviceState = ""
	deviceAsked   deviceState = "asked"   // nothing has shown yet that its id was answered and kept
	deviceKnown   deviceState = "known"   // it is in use
	deviceRefused deviceState = "refused" // the cloud does not know it any more
)

// loginFailure is how the last sign-in failed.
type loginFailure struct {
	At     time.Time `json:"at"`
	Reason string    `json:"reason"`
}

// failures are what a sign-in may have failed with; what it was tells how the account stands while no other is allowed.
var failures = map[string]error{
	"credentials": bluelink.ErrCredentials, "blocked": bluelink.ErrBlocked, "consent": bluelink.ErrConsentRequired, "code": bluelink.ErrOTPRequired,
	"client": bluelink.ErrClientRefused, "unreadable": bluelink.ErrBadResponse, "unavailable": bluelink.ErrUnavailable,
}

func failureOf(err error) string {
	for _, word := range []string{"credentials", "blocked", "consent", "code", "client", "unreadable"} {
		if errors.Is(err, failures[word]) {
			return word
		}
	}
	return "unavailable"
}

// OpenLogins reads what was counted from the store.
func OpenLogins(ctx context.Context, o LoginOptions) (*Logins, error) {
	g := &Logins{LoginOptions: o, book: loginBook{Acts: map[act][]time.Time{}}}
	entry, err := o.Store.Get(ctx, o.Key)
	damaged := (*store.DamagedError)(nil)
	switch {
	case errors.Is(err, store.ErrNotFound):
		err = nil
	case errors.As(err, &damaged):
	case err != nil:
		return nil, fmt.Errorf("open the login guard of account %s: %w", o.Account, err)
	default:
		err = json.Unmarshal(entry.Value, &g.book)
	}
	if g.book.Acts == nil {
		g.book.Acts = map[act][]time.Time{}
	}
	if err != nil {
		o.Log.Error("what was counted of sign-ins cannot be read; today's count as used up", "account", o.Account, "error", err)
		now := time.Now()
		g.book = loginBook{Acts: map[act][]time.Time{actLogin: {now, now, now}, actCode: {now}}, Device: deviceKnown}
	}
	g.straighten(ctx, time.Now())
	g.settle()
	return g, nil
}

// Before admits a call, or says why not and until when.
func (g *Logins) Before(ctx context.Context, call bluelink.Call) error {
	a, attempt := actOf(ctx, call), bluelink.AttemptOf(ctx)
	if a == "" {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.straighten(ctx, time.Now())
	if attempt.ID != g.attempt || attempt.ID == 0 {
		g.attempt, g.acts, g.ended = attempt.ID, nil, notYet
	}
	if a.signsIn() && slices.Contains(g.acts, actCodeTried) {
		return nil // the end of a sign-in whose code is booked
	}
	if a == actPage {
		if signIn := signInOf(ctx); slices.Contains(g.acts, signIn) {
			return nil // the end of a sign-in that is booked
		} else if err := g.refuse(ctx, signIn, time.Now()); err != nil {
			return err // what the page is for would not be allowed
		}
	}
	if slices.Contains(g.acts, a) && !a.single() {
		return nil // a further call of the same attempt
	}
	now := time.Now()
	if err := g.refuse(ctx, a, now); err != nil {
		return err
	}
	before, device := g.book.Acts[a], g.book.Device
	g.book.Acts[a] = append(recent(before, now), now)
	if a == actRegister {
		g.book.Device = deviceAsked
	}
	if err := g.write(ctx); err != nil {
		g.book.Acts[a], g.book.Device = before, device
		return &bluelink.Error{Text: "not booked, so not tried", Reason: vehicle.Internal, Err: fmt.Errorf("%w: %w", bluelink.ErrQuota, err)}
	}
	g.acts, g.left = append(g.acts, a), false
	g.settle()
	return nil
}

// actOf is what a call is counted as; nothing for reads and the like.
func actOf(ctx context.Context, call bluelink.Call) act {
	switch call.Kind {
	case bluelink.CallRegister:
		return actRegister
	case bluelink.CallCode:
		switch {
		case call.Credentials:
			return actCodeTried
		case bluelink.ByPerson(ctx):
			return actCodeAsked
		}
		return actCode
	case bluelink.CallRenew: // also when it is how an account signs in that has a refresh token instead of a password
		if call.Credentials {
			return signInOf(ctx)
		}
		return actRenewal
	case bluelink.CallLogin:
		if call.Credentials {
			return signInOf(ctx)
		}
		return actPage
	case bluelink.CallRead, bluelink.CallWake, bluelink.CallCommand:
	}
	return ""
}

// signInOf is what a sign-in counts as.
func signInOf(ctx context.Context) act {
	switch {
	case bluelink.AttemptOf(ctx).Renewal:
		return actSignAgain
	case bluelink.ByPerson(ctx):
		return actPerson
	}
	return actLogin
}

// refuse says why an act is not allowed now. The lock is held.
func (g *Logins) refuse(ctx context.Context, a act, now time.Time) error {
	switch {
	case a == actRegister && g.book.Device == deviceKnown && !bluelink.ByPerson(ctx):
		return &bluelink.Error{
			Text: "this account has a device at the cloud already, but its id is lost; run login to register another", Reason: vehicle.LoginRequired,
			Err: bluelink.ErrQuota,
		}
	case a == actCode && g.Forgetful:
		return &bluelink.Error{
			Text: "what is stored does not outlive this program, so each start would ask for a code; run login", Reason: vehicle.CodeRequired,
			Err: errors.Join(bluelink.ErrQuota, bluelink.ErrOTPRequired),
		}
	case a == actRenewal && g.Loose:
		return nil
	}
	until, ok := allowed(bounds[a], recent(g.book.Acts[a], now), now)
	if ok {
		return nil
	}
	e := &bluelink.Error{
		Text:   g.why(a) + "; the next is allowed at " + until.UTC().Format(time.RFC3339),
		Reason: vehicle.LoginRequired, RetryAfter: until.Sub(now), Err: bluelink.ErrQuota,
	}
	if a == actCode || a == actCodeAsked || a == actCodeTried {
		e.Reason = vehicle.CodeRequired
		e.Err = errors.Join(bluelink.ErrQuota, bluelink.ErrOTPRequired)
		return e
	}
	if f := g.book.Failed; f != nil && failures[f.Reason] != nil && a != actRenewal && a != actRegister {
		e.Text = "the last sign-in failed (" + failures[f.Reason].Error() + "); " + e.Text
		e.Err, e.Reason = errors.Join(bluelink.ErrQuota, failures[f.Reason]), bluelink.Reason(failures[f.Reason])
	}
	return e
}

// why says how much was tried.
func (g *Logins) why(a act) string {
	texts := map[act]string{
		actLogin: "signing in is tried once an hour and three times a day, so that the account is not locked", actPerson: "signing in was asked for too often",
		actPage: "the sign-in page was opened too often", actSignAgain: "the session was renewed twelve times in a day", actRenewal: "the session was renewed far too often in a day",
		actRegister: "four devices were registered in a day", actCode: "a code was requested within twelve hours", actCodeAsked: "codes were requested three times in twelve hours",
		actCodeTried: "codes were entered too often",
	}
	return texts[a]
}

// settledAfter is how long after a registration a read that goes well shows that the device's id was kept: those before may
// still have been made with the old one.
const settledAfter = time.Minute

// After learns how a call ended.
func (g *Logins) After(ctx context.Context, call bluelink.Call, _ time.Duration, err error) {
	if err == nil && g.settled.Load() {
		return
	}
	a := actOf(ctx, call)
	g.mu.Lock()
	defer g.mu.Unlock()
	if a == "" {
		g.learn(ctx, err)
		return
	}
	switch {
	case err == nil:
		if g.left = true; g.ended == notYet {
			g.ended = well
		}
	case !hasLeft(err) && !g.left:
		g.refund(ctx, a)
	default:
		g.left, g.ended = true, badly
		switch a {
		case actRegister:
			g.book.Device = deviceNone // another may be tried
		case actLogin, actPerson, actSignAgain, actPage:
			g.book.Failed = &loginFailure{At: time.Now(), Reason: failureOf(err)}
		case actRenewal, actCode, actCodeAsked, actCodeTried:
			return
		}
		g.note(ctx)
	}
}

// learn reads off the end of a call of another kind how it stands with device and session. The lock is held.
func (g *Logins) learn(ctx context.Context, err error) {
	device, failed := g.book.Device, g.book.Failed
	registered := g.book.Acts[actRegister]
	switch {
	case errors.Is(err, bluelink.ErrDevice):
		device = deviceRefused
	case err != nil:
	case device == deviceAsked && len(registered) > 0 && time.Since(registered[len(registered)-1]) >= settledAfter:
		device = deviceKnown
	}
	if err == nil && g.ended == well { // the session was good, and not only what was left of an older one
		failed = nil
	}
	if device != g.book.Device || failed != g.book.Failed {
		g.book.Device, g.book.Failed = device, failed
		g.note(ctx)
	}
}

// refund takes back an attempt of which nothing reached the cloud: there was no network. The lock is held.
func (g *Logins) refund(ctx context.Context, a act) {
	times := g.book.Acts[a]
	if len(times) == 0 || !slices.Contains(g.acts, a) {
		return
	}
	g.book.Acts[a] = slices.Clone(times[:len(times)-1])
	g.acts = slices.DeleteFunc(g.acts, func(other act) bool { return other == a })
	if a == actRegister {
		g.book.Device = deviceNone
	}
	g.note(ctx)
}

// straighten books what seems to lie ahead as of now, durably: the clock was wrong then, or is. Were it only read as of now,
// its bound would move along with the clock and never end. The lock is held, or nobody else knows g.
func (g *Logins) straighten(ctx context.Context, now time.Time) {
	wrong := false
	for a, times := range g.book.Acts {
		if slices.ContainsFunc(times, now.Before) {
			g.book.Acts[a], wrong = recent(times, now), true
		}
	}
	if wrong {
		g.note(ctx)
	}
}

// settle shows the book as it now is, and notes whether a read that goes well would tell anything. The lock is held, or
// nobody else knows g.
func (g *Logins) settle() {
	g.settled.Store(g.book.Device != deviceAsked && g.book.Failed == nil)
	g.shown.Store(&loginBook{maps.Clone(g.book.Acts), g.book.Device, g.book.Failed}) // the lists in it are never changed, only replaced
}

// note writes what must not be lost but holds nobody up. The lock is held.
func (g *Logins) note(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), saveWithin)
	defer cancel()
	err := g.write(ctx)
	if err != nil && !g.failing {
		g.Log.Error("what was counted of sign-ins cannot be written", "account", g.Account, "error", err)
	}
	g.failing = err != nil
	g.settle()
}

func (g *Logins) write(ctx context.Context) error {
	value, err := json.Marshal(&g.book)
	if err == nil {
		_, err = g.Store.Put(ctx, g.Key, value, store.AnyRevision)
	}
	if err != nil {
		return fmt.Errorf("write the count of sign-ins: %w", err)
	}
	return nil
}

// Today counts the acts of the last 24 hours.
func (g *Logins) Today() map[string]int {
	book := g.shown.Load()
	counts, now := map[string]int{}, time.Now()
	for a := range bounds {
		counts[string(a)] = len(recent(book.Acts[a], now))
	}
	return counts
}

// Next is when signing in is tried again after it failed; zero when it may be tried now or did not fail.
func (g *Logins) Next() time.Time {
	book := g.shown.Load()
	if book.Failed == nil {
		return time.Time{}
	}
	now := time.Now()
	until, _ := allowed(bounds[actLogin], recent(book.Acts[actLogin], now), now)
	return until
}
