package canada

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

// errWrapper says that the form of the climate's body is not the car's.
var errWrapper = fmt.Errorf("%w: another form of the body is wanted", bluelink.ErrUnsupported)

// How long to wait where a code says that it is too much.
const (
	firewalled = 15 * time.Minute // of what stands before the cloud
	throttled  = 35 * time.Minute // of sign-ins; each earlier one extends the block
	inProgress = 90 * time.Second // of an earlier request
	dayIsOver  = time.Hour        // of the day's remote requests; when the day ends there nobody knows
)

// codes are the errorCode of failures, wherever they come (docs/protocol/canada.md §8).
var codes = map[string]answer.Outcome{
	"6459":  {Err: bluelink.ErrRefused, Reason: vehicle.CloudChanged}, // this client's identity is not the one for the call
	"6533":  {Err: bluelink.ErrBusy, Wait: inProgress},
	"6534":  {Err: bluelink.ErrRateLimited, Wait: dayIsOver},
	"7101":  {Err: bluelink.ErrUnavailable},
	"7310":  {Err: bluelink.ErrPIN},
	"7445":  {Err: bluelink.ErrUnavailable},
	"7901":  {Err: bluelink.ErrRateLimited, Wait: throttled},
	"15109": {Err: errWrapper}, // the form of the climate's body
}

// Codes that mean something else, or anything at all, by what a call is for.
var (
	// sessionCodes are those of calls with a token: each says that this one is no good, whatever it says of the reason. A
	// sign-in then tells.
	sessionCodes = map[string]answer.Outcome{
		"7110": {Err: bluelink.ErrSessionExpired}, "7402": {Err: bluelink.ErrSessionExpired}, "7403": {Err: bluelink.ErrSessionExpired},
		"7404": {Err: bluelink.ErrSessionExpired}, "7602": {Err: bluelink.ErrSessionExpired}, "7606": {Err: bluelink.ErrSessionExpired},
		"7710": {Err: bluelink.ErrSessionExpired},
	}
	signInCodes = map[string]answer.Outcome{
		"7110": {Err: bluelink.ErrOTPRequired},
		"7402": {Err: bluelink.ErrCredentials}, // the account is locked
		"7404": {Err: bluelink.ErrCredentials},
		"7710": {Err: bluelink.ErrDevice},
		// While a code is asked for and entered; of a wrong one and an old one the cloud says the same.
		"7549": {Err: bluelink.ErrOTP}, "7701": {Err: bluelink.ErrOTP}, "7702": {Err: bluelink.ErrOTP}, "7999": {Err: bluelink.ErrOTP},
		"7715": {Err: bluelink.ErrSessionExpired},
	}
)

// classify reads whether a call went well, and what its failure means. Failures come with status 200, so it looks at the
// envelope first (docs/protocol/canada.md §2.1).
func classify(call bluelink.Call, reply bluelink.Answer, root leaf.Value) error {
	header := root.Get("responseHeader")
	code, refused := leaf.AsState(header.Get("responseCode"))
	switch {
	case !header.Object():
		return pageOf(reply)
	case refused != "" || header.Get("responseCode").Missing():
		return &bluelink.Error{Err: bluelink.ErrBadResponse, Text: "no responseCode"}
	case code == 0 && reply.Status >= 200 && reply.Status <= 299:
		return nil
	case code == 0:
		return pageOf(reply)
	}
	word, text := root.Get("error.errorCode").Str(), root.Get("error.errorDesc").Str()
	known, ok := outcomeOf(call, word)
	switch {
	case outOfReach(text):
		known = answer.Outcome{Err: bluelink.ErrVehicleUnreachable}
	case !ok:
		known = answer.Unlisted(reply.Status)
	}
	return known.Fail(word, text, reply.Header)
}

// outOfReach knows the text about a car that does not answer; its code nobody has written down (docs/protocol/canada.md §8).
func outOfReach(text string) bool {
	text = strings.ToLower(text)
	return strings.Contains(text, "poor coverage") || strings.Contains(text, "engine") && strings.Contains(text, "recently")
}

// outcomeOf finds what a code means at a call.
func outcomeOf(call bluelink.Call, code string) (answer.Outcome, bool) {
	first := sessionCodes
	if call.Kind == bluelink.CallLogin || call.Kind == bluelink.CallRenew || call.Kind == bluelink.CallCode {
		first = signInCodes
	}
	if known, ok := first[code]; ok {
		return known, true
	}
	known, ok := codes[code]
	return known, ok
}

// pageOf is for answers that are no envelope. What stands before the cloud refuses with 403 and 429 for a while, and more
// calls make it longer (docs/protocol/canada.md §1.4, §8). Nothing else proves that a command was not carried out.
func pageOf(reply bluelink.Answer) error {
	err := answer.Classify(reply)
	e := (*bluelink.Error)(nil)
	if !errors.As(err, &e) {
		return err
	}
	switch reply.Status {
	case http.StatusForbidden, http.StatusTooManyRequests:
		e.Err, e.RetryAfter = bluelink.ErrRateLimited, max(e.RetryAfter, firewalled)
	case http.StatusUnauthorized:
		e.Err = bluelink.ErrBadResponse // this cloud says it in an envelope
	}
	return err
}
