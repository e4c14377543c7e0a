package ccapi

import (
	"bytes"
	"errors"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// outcome is what a code of docs/protocol/europe.md §8 means.
type outcome struct {
	err    error
	reason vehicle.Reason // where the sentinel's own is too coarse
	wait   time.Duration  // at least this long before another try
}

// codes are the resCode of the vehicle API's failures.
var codes = map[string]outcome{
	"4004": {err: bluelink.ErrBusy, wait: 30 * time.Second},
	"4005": {err: bluelink.ErrUnsupported},
	"4006": {err: bluelink.ErrVehicleUnreachable},
	"4007": {err: bluelink.ErrRefused, reason: vehicle.PreconditionFailed}, // 12 V battery low
	"4081": {err: bluelink.ErrVehicleUnreachable},
	"5031": {err: bluelink.ErrUnavailable},
	"5091": {err: bluelink.ErrRateLimited},
	"5153": {err: bluelink.ErrRefused}, // the car's subscription; it concerns this car, not the account
	"5921": {err: bluelink.ErrNoData},
	"7501": {err: bluelink.ErrSessionExpired},
	"9999": {err: bluelink.ErrVehicleUnreachable},
}

// userCodes are the errCode of the API's part about users and tokens.
var userCodes = map[string]outcome{
	"4003": {err: bluelink.ErrCredentials},
	"4010": {err: bluelink.ErrSessionExpired},
}

// classify reads whether a call of the vehicle API went well, and what its failure means. It looks at the body first: the
// code in it says more than the HTTP status. root is the body, where it is JSON.
func classify(kind bluelink.CallKind, answer bluelink.Answer, root value, isJSON bool) error {
	switch {
	case !isJSON || root.kind() != '{':
		return classifyStatus(answer)
	case root.get("retCode").str() == "F":
		return classifyCode(kind, answer, codes, root.get("resCode").str(), root.get("resMsg").str())
	case !root.get("error").missing():
		return classifyGateway(answer, root.get("error").str())
	case !root.get("errCode").missing():
		return classifyCode(kind, answer, userCodes, root.get("errCode").str(), root.get("errMsg").str())
	case root.get("retMsg").str() == "Received unexpected statusCode":
		return classifyCode(kind, answer, codes, "7501", root.get("retMsg").str())
	case answer.Status < 200 || answer.Status > 299:
		return classifyStatus(answer)
	case root.get("retCode").str() != "S":
		return &bluelink.Error{Err: bluelink.ErrBadResponse, Text: "no retCode"}
	}
	return nil
}

func classifyCode(kind bluelink.CallKind, answer bluelink.Answer, table map[string]outcome, code, text string) error {
	known, ok := table[code]
	switch {
	case code == "4002":
		known = classify4002(text)
	case code == "5031" && (kind == bluelink.CallWake || kind == bluelink.CallCommand):
		// Of a read it says that the cloud is down; of what needs the car, that this one sleeps or has no signal.
		known = outcome{err: bluelink.ErrVehicleUnreachable}
	case !ok && answer.Status >= 500:
		known = outcome{err: bluelink.ErrUnavailable}
	case !ok:
		known = outcome{err: bluelink.ErrBadResponse} // a code that the page does not know
	}
	wait := known.wait
	if errors.Is(known.err, bluelink.ErrRateLimited) {
		wait = retryAfter(answer.Header)
	}
	return &bluelink.Error{Code: brief(code), Text: brief(text), RetryAfter: wait, Reason: known.reason, Err: known.err}
}

// classify4002 tells by its text which of three things the code means.
func classify4002(text string) outcome {
	text = strings.ToLower(text)
	switch {
	case strings.Contains(text, "deviceid"):
		return outcome{err: bluelink.ErrDevice}
	case strings.Contains(text, "service problem"):
		return outcome{err: bluelink.ErrUnavailable, wait: time.Minute}
	}
	return outcome{err: bluelink.ErrClientRefused} // application id, stamp or clock
}

// classifyGateway reads the answers of what stands before the vehicle API.
func classifyGateway(answer bluelink.Answer, text string) error {
	err := bluelink.ErrUnsupported // "Access to this API has been disallowed"
	switch {
	case answer.Status == http.StatusUnauthorized, strings.Contains(strings.ToLower(text), "token is expired"),
		strings.Contains(strings.ToLower(text), "token has expired"):
		err = bluelink.ErrSessionExpired
	case answer.Status == http.StatusTooManyRequests:
		err = bluelink.ErrRateLimited
	case answer.Status >= 500:
		err = bluelink.ErrUnavailable
	}
	return &bluelink.Error{Text: brief(text), Err: err, RetryAfter: retryAfter(answer.Header)}
}

// classifyStatus is for answers whose body says nothing: pages, empty bodies, something else than JSON.
func classifyStatus(answer bluelink.Answer) error {
	e := &bluelink.Error{Err: bluelink.ErrBadResponse, Text: describe(answer.Body), RetryAfter: retryAfter(answer.Header)}
	switch {
	case answer.Status == http.StatusUnauthorized:
		e.Err = bluelink.ErrSessionExpired
	case answer.Status == http.StatusForbidden:
		e.Err = bluelink.ErrBlocked
	case answer.Status == http.StatusTooManyRequests, answer.Status == 509:
		e.Err = bluelink.ErrRateLimited
	case answer.Status >= 500:
		e.Err = bluelink.ErrUnavailable
	}
	return e
}

// describe says what kind of body it is, and nothing of what is in it.
func describe(body []byte) string {
	switch text := bytes.TrimSpace(body); {
	case len(text) == 0:
		return "empty answer"
	case text[0] == '<':
		return "a web page instead of data"
	}
	return "not the JSON object that was expected"
}

// retryAfter is how long the cloud asks to wait, by the header of HTTP or by its own of the quota
// (docs/protocol/europe.md §9: epoch seconds).
func retryAfter(header http.Header) time.Duration {
	if seconds, err := strconv.Atoi(header.Get("Retry-After")); err == nil && seconds > 0 {
		return time.Duration(min(seconds, 86400)) * time.Second
	}
	if reset, err := strconv.ParseInt(header.Get("X-Ratelimit-Reset"), 10, 64); err == nil {
		return max(0, min(time.Until(time.Unix(reset, 0)), 24*time.Hour)).Round(time.Second)
	}
	return 0
}

// secretive are the shapes of what must not be shown, should a cloud echo it: e-mail addresses, tokens, chassis numbers,
// coordinates. None of the known texts has such words.
var secretive = regexp.MustCompile(`\S+@\S+|[A-Za-z0-9_\-.+/=%]{20,}|\b[A-HJ-NPR-Z0-9]{17}\b|-?\d+\.\d{3,}`)

// brief makes a cloud's text fit for logs: one line, no secrets, not long.
func brief(text string) string {
	text = secretive.ReplaceAllString(strings.Join(strings.Fields(text), " "), "…")
	if len(text) > 160 {
		text = strings.ToValidUTF8(text[:160], "") + "…"
	}
	return text
}
