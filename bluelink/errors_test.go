package bluelink_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// TestErrors_AnswerTheThreeQuestions asks what it is, whether it may be repeated, and whether it could have happened anyway,
// of each sentinel wrapped twice, of a request that had not left and of one that had.
func TestErrors_AnswerTheThreeQuestions(t *testing.T) {
	tests := []struct {
		err         error
		reason      vehicle.Reason
		temporary   bool
		maybeUnsent bool // could it have happened, although nothing left
		maybeSent   bool
	}{
		{bluelink.ErrCredentials, vehicle.LoginRequired, false, false, false},
		{bluelink.ErrPIN, vehicle.PINWrong, false, false, false},
		{bluelink.ErrPINRequired, vehicle.PINRequired, false, false, false},
		{bluelink.ErrOTPRequired, vehicle.CodeRequired, false, false, false},
		{bluelink.ErrOTP, vehicle.CodeRequired, false, false, false},
		{bluelink.ErrConsentRequired, vehicle.LoginRequired, false, false, false},
		{bluelink.ErrBlocked, vehicle.LoginRequired, false, false, false},
		{bluelink.ErrClientRefused, vehicle.CloudChanged, false, false, false},
		{bluelink.ErrRateLimited, vehicle.CloudLimit, true, false, false},
		{bluelink.ErrQuota, vehicle.QuotaExhausted, true, false, false},
		{bluelink.ErrBreakerOpen, vehicle.BreakerOpen, true, false, false},
		{bluelink.ErrOverloaded, vehicle.Overloaded, true, false, false},
		{bluelink.ErrBusy, vehicle.VehicleBusy, true, false, false},
		{bluelink.ErrSessionExpired, vehicle.LoginRequired, true, false, false},
		{bluelink.ErrDevice, vehicle.LoginRequired, true, false, false},
		{bluelink.ErrVehicleUnreachable, vehicle.VehicleUnreachable, true, true, true},
		{bluelink.ErrUnsupported, vehicle.Unsupported, false, false, false},
		{bluelink.ErrInvalidCommand, vehicle.InvalidPayload, false, false, false},
		{bluelink.ErrUnknownVehicle, vehicle.UnknownVehicle, false, false, false},
		{bluelink.ErrNoData, vehicle.Unsupported, false, false, false},
		{bluelink.ErrRefused, vehicle.VehicleRefused, false, false, false},
		{bluelink.ErrNotOwner, vehicle.NotOwner, false, false, false},
		{bluelink.ErrBadResponse, vehicle.CloudChanged, true, true, true},
		{bluelink.ErrUnavailable, vehicle.CloudUnavailable, true, false, true},
		{context.DeadlineExceeded, vehicle.Timeout, true, false, true},
		{context.Canceled, vehicle.Shutdown, false, false, true},
		{errors.Join(bluelink.ErrUnavailable, context.DeadlineExceeded), vehicle.Timeout, true, false, true},
		{errors.New("never seen"), vehicle.Internal, false, true, true},
	}
	for _, test := range tests {
		for _, left := range []bool{false, true} {
			err := fmt.Errorf("outer: %w", fmt.Errorf("inner: %w", &bluelink.Error{Op: "lock", Left: left, Err: test.err}))
			if reason := bluelink.Reason(err); reason != test.reason {
				t.Errorf("%v: reason %s, want %s", test.err, reason, test.reason)
			}
			if temporary := bluelink.Temporary(err); temporary != test.temporary {
				t.Errorf("%v: temporary %t", test.err, temporary)
			}
			want := test.maybeUnsent
			if left {
				want = test.maybeSent
			}
			if maybe := bluelink.MayHaveSucceeded(err); maybe != want {
				t.Errorf("%v, left %t: may have succeeded %t", test.err, left, maybe)
			}
		}
	}
	if bluelink.Reason(nil) != vehicle.NoReason || bluelink.Temporary(nil) || bluelink.MayHaveSucceeded(nil) {
		t.Error("no error is an error")
	}
}

func TestErrors_CarryWhatTheCloudSaid(t *testing.T) {
	cause := &bluelink.Error{
		Op: "read status", Cloud: "kia-eu", Code: "4007", Text: "low battery", Status: 400, RetryAfter: time.Minute,
		Reason: vehicle.PreconditionFailed, Err: bluelink.ErrRefused,
	}
	err := fmt.Errorf("outer: %w", fmt.Errorf("inner: %w", cause))
	if got, want := cause.Error(), "read status (kia-eu): refused: 4007 low battery [HTTP 400]"; got != want {
		t.Errorf("text %q, want %q", got, want)
	}
	if bluelink.Reason(err) != vehicle.PreconditionFailed || bluelink.RetryAfter(err) != time.Minute || !errors.Is(err, bluelink.ErrRefused) {
		t.Errorf("reason %s, retry after %s", bluelink.Reason(err), bluelink.RetryAfter(err))
	}
	if bluelink.RetryAfter(errors.New("x")) != 0 {
		t.Error("an error without a time to wait has one")
	}
}

func TestHint_IsThereWhereAPersonCanHelp(t *testing.T) {
	for _, err := range []error{
		bluelink.ErrCredentials, bluelink.ErrPIN, bluelink.ErrPINRequired, bluelink.ErrOTPRequired, bluelink.ErrOTP, bluelink.ErrConsentRequired,
		bluelink.ErrBlocked, bluelink.ErrClientRefused,
	} {
		if bluelink.Hint(fmt.Errorf("outer: %w", err)) == "" {
			t.Errorf("%v has no hint", err)
		}
	}
	for _, err := range []error{bluelink.ErrUnavailable, bluelink.ErrRateLimited, errors.New("x"), nil} {
		if hint := bluelink.Hint(err); hint != "" {
			t.Errorf("%v: %q, want nothing but waiting", err, hint)
		}
	}
	if !strings.Contains(bluelink.Hint(bluelink.ErrPIN), "app") {
		t.Error("the hint about the PIN does not say which PIN")
	}
}

// TestMayHaveSucceeded_KnowsWhatBecameOfTheCommand looks at failures around a command instead of the one of its own call.
func TestMayHaveSucceeded_KnowsWhatBecameOfTheCommand(t *testing.T) {
	lost := &bluelink.Error{Op: "exchange PIN", Left: true, Err: errors.Join(bluelink.ErrUnavailable, context.DeadlineExceeded)}
	busy := &bluelink.Error{Op: "schedule", Err: bluelink.ErrBusy}
	for name, test := range map[string]struct {
		err  error
		want bool
	}{
		"lost":                     {lost, true},
		"lost before the command":  {fmt.Errorf("lock: %w", bluelink.Unsent(lost)), false},
		"never seen, before":       {bluelink.Unsent(errors.New("never seen")), false},
		"refused":                  {busy, false},
		"refused after a part":     {fmt.Errorf("schedule: %w", bluelink.Begun(busy)), true},
		"not sent after a part":    {bluelink.Begun(bluelink.Unsent(lost)), true},
		"nothing before a command": {bluelink.Unsent(nil), false},
		"nothing after a part":     {bluelink.Begun(nil), false},
	} {
		if got := bluelink.MayHaveSucceeded(test.err); got != test.want {
			t.Errorf("%s: %t, want %t", name, got, test.want)
		}
	}
	if bluelink.Unsent(nil) != nil || bluelink.Begun(nil) != nil {
		t.Error("nothing became an error")
	}
	if err := bluelink.Unsent(lost); err.Error() != lost.Error() || bluelink.Reason(err) != vehicle.Timeout || !bluelink.Temporary(err) {
		t.Errorf("%v: reason %s", err, bluelink.Reason(err))
	}
}
