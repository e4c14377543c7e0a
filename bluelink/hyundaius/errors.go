package hyundaius

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/internal/answer"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/internal/leaf"
)

// pinLock is how long a locked PIN stays so, about (§2.4).
const pinLock = time.Hour

// fault is an error body in the words of the cloud (§8).
type fault struct{ code, sub, system, function, text string }

func faultOf(root leaf.Value) fault {
	field := func(name string) string { return root.Get(name).Str() }
	f := fault{field("errorCode"), strings.ToUpper(field("errorSubCode")), strings.ToUpper(field("systemName")), field("functionName"), field("errorMessage")}
	if more := field("errorSubMessage"); more != "" && !strings.Contains(f.text, more) {
		f.text = strings.TrimSpace(f.text + " " + more)
	}
	return f
}

// subCodes are those whose meaning does not depend on anything else. The code above them says little: 502 stands over nearly
// all of them.
var subCodes = map[string]answer.Outcome{
	"IDM_401_1": {Err: bluelink.ErrCredentials},
	"C401_2":    {Err: bluelink.ErrSessionExpired},
	"HT_533":    {Err: bluelink.ErrBusy, Wait: time.Minute},
	"HT_534":    {Err: bluelink.ErrRateLimited},
	"HT_900":    {Err: bluelink.ErrVehicleUnreachable},
}

// meaning classifies an error body: by what it says of the PIN, then by sub code and system, and only then by the code.
func (f fault) meaning() answer.Outcome {
	text := strings.ToLower(f.text)
	says := func(words ...string) bool {
		for _, word := range words {
			if !strings.Contains(text, word) {
				return false
			}
		}
		return true
	}
	known, ok := subCodes[f.sub]
	switch {
	case says("pin", "locked"):
		return answer.Outcome{Err: bluelink.ErrPIN, Wait: pinLock}
	case ok:
		return known
	case strings.EqualFold(f.function, "customerLogin"), says("incorrect username or password"):
		return answer.Outcome{Err: bluelink.ErrCredentials}
	case f.sub == "C400_1" && (strings.EqualFold(f.function, "validatePIN") || says("pin", "missing")):
		return answer.Outcome{Err: bluelink.ErrPINRequired}
	case f.sub == "C400_1", says("client_id"):
		return answer.Outcome{Err: bluelink.ErrClientRefused}
	case f.sub == "GEN" && f.system == "BLODS", says("feature status is off"), says("does not support this feature"):
		return answer.Outcome{Err: bluelink.ErrUnsupported}
	}
	switch code, _ := strconv.Atoi(f.code); {
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		return answer.Outcome{Err: bluelink.ErrSessionExpired}
	case code == http.StatusTooManyRequests:
		return answer.Outcome{Err: bluelink.ErrRateLimited}
	case code >= 500:
		return answer.Outcome{Err: bluelink.ErrUnavailable} // the generic 502 among them
	}
	return answer.Outcome{Err: bluelink.ErrBadResponse} // a code that the page does not know
}

// classify reads whether a call went well, and what its failure means. It looks at the body first: what stands in it says
// more than the HTTP status.
func classify(q *request, a bluelink.Answer, root leaf.Value, isJSON bool) error {
	isObject := isJSON && root.Kind() == '{'
	if isObject {
		if err := classifyPIN(root); err != nil {
			return err
		}
		// 0 and 200 stand in answers to calls that went well (§8; one client).
		if f := faultOf(root); f.code != "" && !(a.Status == http.StatusOK && (f.code == "0" || f.code == "200")) {
			return f.meaning().Fail(strings.Trim(f.code+" "+f.sub, " "), f.text, a.Header)
		}
	}
	switch {
	case a.Status != http.StatusOK:
		return classifyStatus(q.kind, a, root, isObject)
	case isObject, q.bodiless && len(strings.TrimSpace(string(a.Body))) == 0:
		return nil
	}
	return &bluelink.Error{Err: bluelink.ErrBadResponse, Text: answer.Describe(a.Body)}
}

// classifyPIN reads what an answer says of the PIN (§2.4): a wrong one is counted.
func classifyPIN(root leaf.Value) error {
	if !strings.EqualFold(root.Get("isBlueLinkServicePinValid").Str(), "invalid") {
		return nil
	}
	e := &bluelink.Error{Text: answer.Brief(root.Get("errorMessage").Str()), Err: bluelink.ErrPIN}
	if left, refused := leaf.AsCode(root.Get("remainingAttemptCount")); refused == "" {
		e.Text = strings.TrimSpace(e.Text + " " + strconv.Itoa(left) + " more before it locks")
	}
	return e
}

// classifyStatus is for answers whose body has no code: pages, empty bodies, something else than an object.
func classifyStatus(kind bluelink.CallKind, a bluelink.Answer, root leaf.Value, isObject bool) error {
	err := answer.Classify(a)
	e := (*bluelink.Error)(nil)
	if !errors.As(err, &e) {
		return err
	}
	if isObject {
		e.Text = answer.Brief(root.Get("error").Str() + root.Get("message").Str() + root.Get("errorMessage").Str())
	}
	refuses := a.Status == http.StatusUnauthorized || a.Status == http.StatusForbidden
	switch {
	case strings.Contains(string(a.Body[:min(len(a.Body), 1024)]), "client_id required"):
		e.Err = bluelink.ErrClientRefused
	case a.Status == http.StatusForbidden && !isObject: // the firewall, before the cloud
	case refuses && kind == bluelink.CallCommand:
		// It may come from anywhere, and does not prove that the command was not carried out.
		e.Err, e.Text = bluelink.ErrBadResponse, "refused in no words that are known"
	case refuses:
		e.Err = bluelink.ErrSessionExpired
	}
	return e
}
