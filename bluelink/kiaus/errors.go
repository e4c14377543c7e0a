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

// throttled is how long to wait after "too many" that names no time: long (assumed; docs/protocol/usa-kia.md §8).
const throttled = 15 * time.Minute

// codes are the errorCode of the envelope, whatever the call (docs/protocol/usa-kia.md §8).
var codes = map[string]answer.Outcome{
	"429":  {Err: bluelink.ErrRateLimited, Wait: throttled},
	"503":  {Err: bluelink.ErrUnavailable},
	"554":  {Err: bluelink.ErrVehicleUnreachable}, // after 44 s: it concerns this car, and may have been carried out (assumed)
	"1003": {Err: bluelink.ErrSessionExpired},
	"1005": {Err: errKey},
	"1037": {Err: bluelink.ErrSessionExpired}, // its text is unknown, but at a sign-in
	"1043": {Err: bluelink.ErrUnsupported},
	"1072": {Err: bluelink.ErrRefused}, // the car is not enrolled; it concerns this car, not the account
	"1103": {Err: errKey},
	"1132": {Err: bluelink.ErrVehicleUnreachable},
	"9001": {Err: bluelink.ErrRefused, Reason: vehicle.CloudChanged}, // the form of the request
	"9200": {Err: bluelink.ErrClientRefused},                         // a header is missing
	"9789": {Err: bluelink.ErrClientRefused},
}

// signInCodes go before at a sign-in, remoteCodes at what the car itself is asked for, and codeCodes where a code is sent or
// entered.
var (
	signInCodes = map[string]answer.Outcome{
		"1001": {Err: bluelink.ErrCredentials},
		"1003": {Err: bluelink.ErrBadResponse}, // there is no session yet
		"1037": {Err: bluelink.ErrCredentials}, // the name is no address
	}
	remoteCodes = map[string]answer.Outcome{
		"1001": {Err: bluelink.ErrRefused, Reason: vehicle.PreconditionFailed}, // doors, hood and trunk must be closed and locked
	}
	codeCodes = map[string]answer.Outcome{
		"1165": {Err: bluelink.ErrOTP},
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
		known = answer.Outcome{Err: bluelink.ErrCredentials}
	case !ok && call.Kind == bluelink.CallCode && call.Credentials:
		known = answer.Outcome{Err: bluelink.ErrOTP} // whatever it says, it is not taken (§2.3)
	case !ok:
		known = answer.Unlisted(reply.Status)
	}
	return known.Fail(text, message, reply.Header)
}

// speaksOfCredentials knows the words of a refusal whose code says nothing (docs/protocol/usa-kia.md §2.1).
func speaksOfCredentials(message string) bool {
	message = strings.ToLower(message)
	return strings.Contains(message, "valid email") || strings.Contains(message, "invalid") || strings.Contains(message, "credential")
}

// outcomeOf finds what a code means at a call.
func outcomeOf(call bluelink.Call, code string) (answer.Outcome, bool) {
	first := map[bluelink.CallKind]map[string]answer.Outcome{
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
