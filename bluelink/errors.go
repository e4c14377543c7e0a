package bluelink

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// The sentinels into which every failure is classified. An error may wrap one of them any number of times.
var (
	ErrCredentials        = errors.New("credentials refused")
	ErrPIN                = errors.New("PIN refused")
	ErrPINRequired        = errors.New("a PIN is needed")
	ErrOTPRequired        = errors.New("a one-time code is needed")
	ErrOTP                = errors.New("one-time code refused")
	ErrConsentRequired    = errors.New("the terms of use must be accepted")
	ErrSessionExpired     = errors.New("session expired")
	ErrDevice             = errors.New("device id refused")
	ErrRateLimited        = errors.New("the cloud's limit is reached")
	ErrQuota              = errors.New("our own limit is reached")
	ErrBreakerOpen        = errors.New("circuit breaker is open")
	ErrOverloaded         = errors.New("too much at once")
	ErrBusy               = errors.New("an earlier request still runs")
	ErrVehicleUnreachable = errors.New("the car does not answer")
	ErrUnavailable        = errors.New("the cloud does not answer")
	ErrUnsupported        = errors.New("not supported")
	ErrInvalidCommand     = errors.New("the command makes no sense")
	ErrNoData             = errors.New("the cloud has no data for this car")
	ErrUnknownVehicle     = errors.New("the account has no such car")
	ErrBlocked            = errors.New("the maker's firewall blocks this client")
	ErrSignedOut          = errors.New("signed out on request")
	ErrClientRefused      = errors.New("the cloud refuses this client")
	ErrRefused            = errors.New("refused")
	ErrBadResponse        = errors.New("the answer cannot be read")
	ErrNotOwner           = errors.New("another instance owns this car")
)

// Error is a classified failure of one operation.
type Error struct {
	Op         string        // what was tried: "read status"
	Cloud      string        // which cloud: "hyundai-eu"
	Code       string        // the cloud's own code, such as 5091; empty when it gave none
	Text       string        // the cloud's own text, redacted; empty when it gave none
	Status     int           // HTTP status; 0 when there was no answer
	RetryAfter time.Duration // 0 when the cloud did not say
	// Left tells that the request had left: after silence it may have been carried out.
	Left   bool
	Reason vehicle.Reason // overrides what the sentinel implies, such as vehicle_refused's finer ones
	Err    error          // a sentinel, possibly joined with its cause
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Op)
	if e.Cloud != "" {
		fmt.Fprintf(&b, " (%s)", e.Cloud)
	}
	fmt.Fprintf(&b, ": %v", e.Err)
	switch {
	case e.Code != "" && e.Text != "":
		fmt.Fprintf(&b, ": %s %s", e.Code, e.Text)
	case e.Code != "" || e.Text != "":
		fmt.Fprintf(&b, ": %s%s", e.Code, e.Text)
	}
	if e.Status != 0 && e.Status != http.StatusOK {
		fmt.Fprintf(&b, " [HTTP %d]", e.Status)
	}
	return b.String()
}

// Unwrap gives the sentinel and its cause.
func (e *Error) Unwrap() error { return e.Err }

// class is what a sentinel means: the columns of the table of errors in docs/architecture.md.
type class struct {
	err       error
	reason    vehicle.Reason
	temporary bool
	maybeDone bool // whatever Left says
	hint      string
}

// classes is in the order in which they are asked: the first sentinel that an error wraps decides.
var classes = []class{
	{err: ErrCredentials, reason: vehicle.LoginRequired, hint: "check e-mail and password in the maker's app, correct them here, then run login"},
	{err: ErrPIN, reason: vehicle.PINWrong, hint: "use the PIN of the maker's app, not the one of the car's screen"},
	{err: ErrPINRequired, reason: vehicle.PINRequired, hint: "set the PIN of the maker's app"},
	{err: ErrOTPRequired, reason: vehicle.CodeRequired, hint: "run login and enter the code"},
	{err: ErrOTP, reason: vehicle.CodeRequired, hint: "enter the latest code that was sent, or have another one sent; codes live for minutes"},
	{err: ErrConsentRequired, reason: vehicle.LoginRequired, hint: "sign in once in the maker's app or web site and accept the terms"},
	{err: ErrBlocked, reason: vehicle.LoginRequired, hint: "wait some hours, or import a refresh token of an ordinary sign-in; more attempts make it worse"},
	{err: ErrSignedOut, reason: vehicle.LoginRequired, hint: "run login to sign in again"},
	{err: ErrClientRefused, reason: vehicle.CloudChanged, hint: "check this machine's clock; else the cloud has changed and an update is needed"},
	{err: ErrRateLimited, reason: vehicle.CloudLimit, temporary: true},
	{err: ErrQuota, reason: vehicle.QuotaExhausted, temporary: true},
	{err: ErrBreakerOpen, reason: vehicle.BreakerOpen, temporary: true},
	{err: ErrOverloaded, reason: vehicle.Overloaded, temporary: true},
	{err: ErrBusy, reason: vehicle.VehicleBusy, temporary: true},
	{err: ErrSessionExpired, reason: vehicle.LoginRequired, temporary: true},
	{err: ErrDevice, reason: vehicle.LoginRequired, temporary: true},
	{err: ErrVehicleUnreachable, reason: vehicle.VehicleUnreachable, temporary: true, maybeDone: true, hint: "the car sleeps deeply or has no signal: try again later, where that lasts start it once or move it"},
	{err: ErrUnsupported, reason: vehicle.Unsupported},
	{err: ErrInvalidCommand, reason: vehicle.InvalidPayload},
	{err: ErrUnknownVehicle, reason: vehicle.UnknownVehicle},
	{err: ErrNoData, reason: vehicle.Unsupported},
	{err: ErrRefused, reason: vehicle.VehicleRefused},
	{err: ErrNotOwner, reason: vehicle.NotOwner},
	{err: ErrBadResponse, reason: vehicle.CloudChanged, temporary: true, maybeDone: true},
	{err: ErrUnavailable, reason: vehicle.CloudUnavailable, temporary: true},
	{err: context.DeadlineExceeded, reason: vehicle.Timeout, temporary: true},
	{err: context.Canceled, reason: vehicle.Shutdown},
}

func classOf(err error) (class, bool) {
	for _, c := range classes {
		if errors.Is(err, c.err) {
			return c, true
		}
	}
	return class{}, false
}

// Reason is the word that every front shows for an error; internal for one that nobody classified.
func Reason(err error) vehicle.Reason {
	if err == nil {
		return vehicle.NoReason
	}
	if e := (*Error)(nil); errors.As(err, &e) && e.Reason != "" {
		return e.Reason
	}
	if c, ok := classOf(err); ok {
		// A call that ran into its deadline is reported as such, whatever broke because of it.
		if errors.Is(c.err, ErrUnavailable) && errors.Is(err, context.DeadlineExceeded) {
			return vehicle.Timeout
		}
		return c.reason
	}
	return vehicle.Internal
}

// Temporary tells whether the same request may do better later.
func Temporary(err error) bool {
	c, ok := classOf(err)
	return ok && c.temporary
}

// MayHaveSucceeded tells whether the request could have been carried out although it failed. For a command it outranks
// [Temporary]: such a command is not sent again.
func MayHaveSucceeded(err error) bool {
	if f := (*fate)(nil); errors.As(err, &f) {
		return f.maybe
	}
	c, ok := classOf(err)
	if !ok {
		return err != nil
	}
	if c.maybeDone {
		return true
	}
	var e *Error
	interrupted := errors.Is(c.err, ErrUnavailable) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
	return interrupted && errors.As(err, &e) && e.Left
}

// fate says of an error whether its command may have been carried out, whatever the error is.
type fate struct {
	err   error
	maybe bool
}

func (f *fate) Error() string { return f.err.Error() }
func (f *fate) Unwrap() error { return f.err }

// Unsent marks the failure of what a command needs before it can be sent, such as a token: however that call ended, the
// command itself did not leave, and [MayHaveSucceeded] is false. It keeps nil.
func Unsent(err error) error { return fated(err, false) }

// Begun marks the failure of a command of which a part was carried out: [MayHaveSucceeded] is true. It keeps nil.
func Begun(err error) error { return fated(err, true) }

func fated(err error, maybe bool) error {
	if err == nil {
		return nil
	}
	return &fate{err, maybe}
}

// Hint says what a person can do about an error; empty where nothing helps but waiting.
func Hint(err error) string {
	c, _ := classOf(err)
	return c.hint
}

// RetryAfter is how long the cloud asked to wait; 0 when it did not say.
func RetryAfter(err error) time.Duration {
	if e := (*Error)(nil); errors.As(err, &e) {
		return e.RetryAfter
	}
	return 0
}
