package ccapi

import (
	"bytes"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/internal/answer"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// codes are the resCode of the vehicle API's failures (docs/protocol/europe.md §8).
var codes = map[string]answer.Outcome{
	"4004": {Err: bluelink.ErrBusy, Wait: 30 * time.Second},
	"4005": {Err: bluelink.ErrUnsupported},
	"4006": {Err: bluelink.ErrVehicleUnreachable},
	"4007": {Err: bluelink.ErrRefused, Reason: vehicle.PreconditionFailed}, // 12 V battery low
	"4017": {Err: bluelink.ErrClientRefused},                               // application id or stamp
	"4081": {Err: bluelink.ErrVehicleUnreachable},
	"5031": {Err: bluelink.ErrUnavailable},
	"5091": {Err: bluelink.ErrRateLimited},
	"5153": {Err: bluelink.ErrRefused}, // the car's subscription; it concerns this car, not the account
	"5921": {Err: bluelink.ErrNoData},
	"7501": {Err: bluelink.ErrSessionExpired},
	"9999": {Err: bluelink.ErrVehicleUnreachable},
}

// userCodes are the errCode of the API's part about users and tokens.
var userCodes = map[string]answer.Outcome{
	"4003": {Err: bluelink.ErrCredentials},
	"4010": {Err: bluelink.ErrSessionExpired},
}

// meaning is a row of a region's own: what some answers mean there and not elsewhere.
type meaning struct {
	op     string // of the call; any when empty
	status int    // any when 0
	code   string // empty for answers without one, webPage for pages
	answer.Outcome
}

// webPage stands for the code of an answer that is a page.
const webPage = "<"

func (m *meaning) fits(call bluelink.Call, status int, code string) bool {
	return (m.op == "" || m.op == call.Op) && (m.status == 0 || m.status == status) && m.code == code
}

// own is what an answer means in this region and not elsewhere.
func (d *dialect) own(call bluelink.Call, status int, code string) (known answer.Outcome, ok bool) {
	for i := range d.meanings {
		if m := &d.meanings[i]; m.fits(call, status, code) {
			return m.Outcome, true
		}
	}
	return answer.Outcome{}, false
}

// ownBare is the same for an answer without a code.
func (d *dialect) ownBare(call bluelink.Call, reply bluelink.Answer) (known answer.Outcome, ok bool) {
	if bytes.HasPrefix(bytes.TrimSpace(reply.Body), []byte(webPage)) {
		if known, ok = d.own(call, reply.Status, webPage); ok {
			return known, true
		}
	}
	return d.own(call, reply.Status, "")
}

// classify reads whether a call of the vehicle API went well, and what its failure means. It looks at the body first: the
// code in it says more than the HTTP status. root is the body, where it is JSON.
func (d *dialect) classify(call bluelink.Call, reply bluelink.Answer, root value, isJSON bool) error {
	switch {
	case !isJSON || root.kind() != '{':
		return d.classifyStatus(call, reply)
	case root.get("retCode").str() == "F":
		return d.classifyCode(call, reply, codes, root.get("resCode").str(), root.get("resMsg").str())
	case !root.get("error").missing():
		return classifyGateway(reply, root.get("error").str())
	case !userCode(root).missing():
		return d.classifyCode(call, reply, userCodes, userCode(root).str(), userText(root))
	case root.get("retMsg").str() == "Received unexpected statusCode":
		return d.classifyCode(call, reply, codes, "7501", root.get("retMsg").str())
	case reply.Status < 200 || reply.Status > 299:
		return d.classifyStatus(call, reply)
	case root.get("retCode").str() != "S":
		return &bluelink.Error{Err: bluelink.ErrBadResponse, Text: "no retCode"}
	}
	return nil
}

// userCode and userText are the code and the words of the API's part about users; Brazil spells them out.
func userCode(root value) value { return first(root.get("errCode"), root.get("errorCode")) }

func userText(root value) string {
	return first(root.get("errMsg"), root.get("errorMessage")).str()
}

// first is a where there is one, else b.
func first(a, b value) value {
	if a.missing() {
		return b
	}
	return a
}

func (d *dialect) classifyCode(call bluelink.Call, reply bluelink.Answer, table map[string]answer.Outcome, code, text string) error {
	known, ok := table[code]
	own, isOwn := d.own(call, reply.Status, code)
	switch {
	case isOwn:
		known = own
	case code == "4002":
		known = classify4002(text)
	case code == "5031" && (call.Kind == bluelink.CallWake || call.Kind == bluelink.CallCommand):
		// Of a read it says that the cloud is down; of what needs the car, that this one sleeps or has no signal.
		known = answer.Outcome{Err: bluelink.ErrVehicleUnreachable}
	case !ok:
		known = answer.Unlisted(reply.Status)
	}
	return known.Fail(code, text, reply.Header)
}

// classify4002 tells by its text which of three things the code means.
func classify4002(text string) answer.Outcome {
	text = strings.ToLower(text)
	switch {
	case strings.Contains(text, "deviceid"):
		return answer.Outcome{Err: bluelink.ErrDevice}
	case strings.Contains(text, "service problem"):
		return answer.Outcome{Err: bluelink.ErrUnavailable, Wait: time.Minute}
	}
	return answer.Outcome{Err: bluelink.ErrClientRefused} // application id, stamp or clock
}

// classifyGateway reads the answers of what stands before the vehicle API.
func classifyGateway(reply bluelink.Answer, text string) error {
	err := bluelink.ErrUnsupported // "Access to this API has been disallowed"
	switch {
	case reply.Status == http.StatusUnauthorized, strings.Contains(strings.ToLower(text), "token is expired"),
		strings.Contains(strings.ToLower(text), "token has expired"):
		err = bluelink.ErrSessionExpired
	case reply.Status == http.StatusTooManyRequests:
		err = bluelink.ErrRateLimited
	case reply.Status >= 500:
		err = bluelink.ErrUnavailable
	}
	return &bluelink.Error{Text: brief(text), Err: err, RetryAfter: retryAfter(reply.Header)}
}

// classifyStatus is for answers whose body says nothing: pages, empty bodies, something else than JSON.
func (d *dialect) classifyStatus(call bluelink.Call, reply bluelink.Answer) error {
	err := answer.Classify(reply)
	own, isOwn := d.ownBare(call, reply)
	if e := (*bluelink.Error)(nil); isOwn && errors.As(err, &e) {
		e.Err, e.RetryAfter = own.Err, max(e.RetryAfter, own.Wait)
	}
	return err
}

// What every family makes of an answer.
var (
	retryAfter = answer.RetryAfter
	brief      = answer.Brief
)
