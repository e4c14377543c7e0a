package kiaus

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/internal/answer"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/internal/leaf"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// errKey says that the key of a car is not one of this session.
var errKey = fmt.Errorf("%w: the car's key is not one of this session", bluelink.ErrSessionExpired)

// outcome is what a code of docs/protocol/usa-kia.md §8 means.
type outcome struct {
	err    error
	reason vehicle.Reason // where the sentinel's own is too coarse
	wait   time.Duration  // at least this long before another try
}

// throttled is how long to wait after "too many" that names no time: long (assumed; docs/protocol/usa-kia.md §8).
const throttled = 15 * time.Minute

// codes are the errorCode of the envelope, whatever the call.
var codes = map[string]outcome{
	"429":  {err: bluelink.ErrRateLimited, wait: throttled},
	"503":  {err: bluelink.ErrUnavailable},
	"554":  {err: bluelink.ErrVehicleUnreachable}, // after 44 s: it concerns this car, and may have been carried out (assumed)
	"1003": {err: bluelink.ErrSessionExpired},
	"1005": {err: errKey},
	"1037": {err: bluelink.ErrSessionExpired}, // its text is unknown
	"1043": {err: bluelink.ErrUnsupported},
	"1072": {err: bluelink.ErrRefused}, // the car is not enrolled; it concerns this car, not the account
	"1103": {err: errKey},
	"1132": {err: bluelink.ErrVehicleUnreachable},
	"9001": {err: bluelink.ErrRefused, reason: vehicle.CloudChanged}, // the form of the request
	"9789": {err: bluelink.ErrClientRefused},
}

// signInCodes go before at a sign-in, remoteCodes at what the car itself is asked for, and codeCodes where a code is sent or
// entered.
var (
	signInCodes = map[string]outcome{
		"1001": {err: bluelink.ErrCredentials},
		"1003": {err: bluelink.ErrBadResponse}, // there is no session yet
	}
	remoteCodes = map[string]outcome{
		"1001": {err: bluelink.ErrRefused, reason: vehicle.PreconditionFailed}, // doors, hood and trunk must be closed and locked
	}
	codeCodes = map[string]outcome{
		"1165": {err: bluelink.ErrOTP},
	}
)

// classify reads whether a call went well, and what its failure means. Errors come with status 200 too, so it looks at the
// envelope first (docs/protocol/usa-kia.md §1.5).
func classify(call bluelink.Call, reply bluelink.Answer, root leaf.Value) error {
	status := root.Get("status")
	code, refused := leaf.AsCode(status.Get("statusCode"))
	switch {
	case !status.Object():
		return pageOf(reply)
	case refused != "" || status.Get("statusCode").Missing():
		return &bluelink.Error{Err: bluelink.ErrBadResponse, Text: "no statusCode"}
	case code == 0 && reply.Status >= 200 && reply.Status <= 299:
		return nil
	case code == 0:
		return pageOf(reply)
	}
	text, message := status.Get("errorCode").Str(), status.Get("errorMessage").Str()
	known, ok := outcomeOf(call, text)
	switch {
	case !ok && text == "1" && (call.Kind == bluelink.CallLogin || call.Kind == bluelink.CallRenew) && speaksOfCredentials(message):
		known = outcome{err: bluelink.ErrCredentials}
	case !ok && call.Kind == bluelink.CallCode && call.Credentials:
		known = outcome{err: bluelink.ErrOTP} // whatever it says, it is not taken (§2.3)
	case !ok && reply.Status >= 500:
		known = outcome{err: bluelink.ErrUnavailable}
	case !ok:
		known = outcome{err: bluelink.ErrBadResponse} // a code that the page does not know
	}
	return &bluelink.Error{
		Code: answer.Brief(text), Text: answer.Brief(message), Reason: known.reason, Err: known.err,
		RetryAfter: max(known.wait, answer.RetryAfter(reply.Header)),
	}
}

// speaksOfCredentials knows the words of a refusal whose code says nothing (docs/protocol/usa-kia.md §2.1).
func speaksOfCredentials(message string) bool {
	message = strings.ToLower(message)
	return strings.Contains(message, "valid email") || strings.Contains(message, "invalid") || strings.Contains(message, "credential")
}

// outcomeOf finds what a code means at a call.
func outcomeOf(call bluelink.Call, code string) (outcome, bool) {
	first := map[bluelink.CallKind]map[string]outcome{
		bluelink.CallLogin: signInCodes, bluelink.CallRenew: signInCodes, bluelink.CallCode: codeCodes,
		bluelink.CallCommand: remoteCodes, bluelink.CallWake: remoteCodes,
	}[call.Kind]
	if known, ok := first[code]; ok {
		return known, true
	}
	known, ok := codes[code]
	return known, ok
}

// pageOf is for answers that are no envelope: a page of what stands before the cloud, or nothing that is known. Of those
// none proves that a command was not carried out, except that it was blocked or throttled before.
func pageOf(reply bluelink.Answer) error {
	err := answer.Classify(reply)
	e := (*bluelink.Error)(nil)
	if !errors.As(err, &e) {
		return err
	}
	switch {
	case errors.Is(err, bluelink.ErrRateLimited):
		e.RetryAfter = max(e.RetryAfter, throttled)
	case reply.Status == http.StatusUnauthorized:
		e.Err = bluelink.ErrBadResponse // this cloud says it in an envelope
	}
	return err
}
