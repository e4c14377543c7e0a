package ccapi

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/internal/answer"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// TestClassify_KnowsEveryRowOfThePage holds docs/protocol/europe.md §8.
func TestClassify_KnowsEveryRowOfThePage(t *testing.T) {
	failure := func(code, text string) string {
		return fmt.Sprintf(`{"retCode":"F","resCode":%q,"resMsg":%q,"msgId":"11111111-2222-3333-4444-555555555555"}`, code, text)
	}
	tests := []struct {
		name   string
		status int
		body   string
		kind   bluelink.CallKind // read when empty
		want   error             // nil when it went well
		reason vehicle.Reason    // what every front shows
		code   string
	}{
		{name: "0000", status: 200, body: `{"retCode":"S","resCode":"0000","resMsg":{}}`},
		{name: "code as a number", status: 200, body: `{"retCode":"S","resCode":0,"resMsg":{}}`},
		{name: "accepted without message", status: 200, body: `{"retCode":"S","resCode":"0000","msgId":"x"}`},
		{name: "7501", status: 400, body: failure("7501", "x"), want: bluelink.ErrSessionExpired, reason: vehicle.LoginRequired, code: "7501"},
		{
			name: "7501 of the identity provider", status: 400, want: bluelink.ErrSessionExpired, reason: vehicle.LoginRequired, code: "7501",
			body: `{"retId":"x","retCode":7501,"retMsg":"Received unexpected statusCode","retSubMsg":"{\"errCode\":\"4002\"}","retValue":null}`,
		},
		{name: "expired", status: 401, body: `{"error":"Key not authorized: Token is expired"}`, want: bluelink.ErrSessionExpired, reason: vehicle.LoginRequired},
		{name: "has expired", status: 401, body: `{"error":"Key not authorized: token has expired"}`, want: bluelink.ErrSessionExpired, reason: vehicle.LoginRequired},
		{name: "expired with another status", status: 400, body: `{"error":"Key not authorized: Token is expired"}`, want: bluelink.ErrSessionExpired, reason: vehicle.LoginRequired},
		{name: "disallowed", status: 403, body: `{"error":"Access to this API has been disallowed"}`, want: bluelink.ErrUnsupported, reason: vehicle.Unsupported},
		{name: "4002 device", status: 400, body: failure("4002", "Invalid request body - Invalid deviceId."), want: bluelink.ErrDevice, reason: vehicle.LoginRequired, code: "4002"},
		{name: "4002 parameter", status: 400, body: failure("4002", "Invalid request body - Invalid parameter."), want: bluelink.ErrClientRefused, reason: vehicle.CloudChanged, code: "4002"},
		{name: "4002 app", status: 400, body: failure("4002", "Invalid request body - Block the UVO app id."), want: bluelink.ErrClientRefused, reason: vehicle.CloudChanged, code: "4002"},
		{name: "4002 app id", status: 400, body: failure("4002", "Invalid request value - Invalid Application Id."), want: bluelink.ErrClientRefused, reason: vehicle.CloudChanged, code: "4002"},
		{name: "4002 service", status: 400, body: failure("4002", "x - service problem, because of anything problem"), want: bluelink.ErrUnavailable, reason: vehicle.CloudUnavailable, code: "4002"},
		{name: "4002 as a number", status: 400, body: `{"retCode":"F","resCode":4002,"resMsg":"Invalid deviceId"}`, want: bluelink.ErrDevice, reason: vehicle.LoginRequired, code: "4002"},
		{name: "4003", status: 400, body: `{"errId":"x","errCode":"4003","errMsg":"Invalid values","errBody":{"remainCount":4}}`, want: bluelink.ErrCredentials, reason: vehicle.LoginRequired, code: "4003"},
		{name: "4004", status: 400, body: failure("4004", "Duplicate request - Duplicate request"), want: bluelink.ErrBusy, reason: vehicle.VehicleBusy, code: "4004"},
		{name: "4004 with 200", status: 200, body: failure("4004", "Duplicate request - Duplicate request"), want: bluelink.ErrBusy, reason: vehicle.VehicleBusy, code: "4004"},
		{name: "4005", status: 400, body: failure("4005", "Unsupported control request - Vehicle is not Supported"), want: bluelink.ErrUnsupported, reason: vehicle.Unsupported, code: "4005"},
		{name: "4006", status: 400, body: failure("4006", "TMU timeout"), want: bluelink.ErrVehicleUnreachable, reason: vehicle.VehicleUnreachable, code: "4006"},
		{name: "4007", status: 400, body: failure("4007", "Remote control unavailable(low battery)"), want: bluelink.ErrRefused, reason: vehicle.PreconditionFailed, code: "4007"},
		{name: "4010", status: 401, body: `{"errId":"x","errCode":"4010","errMsg":"Require authentication"}`, want: bluelink.ErrSessionExpired, reason: vehicle.LoginRequired, code: "4010"},
		{name: "4017", status: 401, body: failure("4017", "Invalid Application Id"), want: bluelink.ErrClientRefused, reason: vehicle.CloudChanged, code: "4017"},
		{name: "4081", status: 408, body: failure("4081", "Request timeout"), want: bluelink.ErrVehicleUnreachable, reason: vehicle.VehicleUnreachable, code: "4081"},
		{name: "5031", status: 503, body: failure("5031", "Unavailable remote control - Service Temporary Unavailable"), want: bluelink.ErrUnavailable, reason: vehicle.CloudUnavailable, code: "5031"},
		{name: "5031 of a wake", status: 503, kind: bluelink.CallWake, body: failure("5031", "Unavailable remote control - Service Temporary Unavailable"), want: bluelink.ErrVehicleUnreachable, reason: vehicle.VehicleUnreachable, code: "5031"},
		{name: "5031 of a command", status: 503, kind: bluelink.CallCommand, body: failure("5031", "Unavailable remote control - Service Temporary Unavailable"), want: bluelink.ErrVehicleUnreachable, reason: vehicle.VehicleUnreachable, code: "5031"},
		{name: "5091", status: 509, body: failure("5091", "Exceeds number of requests - Exceeds Number of Requests."), want: bluelink.ErrRateLimited, reason: vehicle.CloudLimit, code: "5091"},
		{name: "5153", status: 400, body: failure("5153", "Invalid valet auth"), want: bluelink.ErrRefused, reason: vehicle.VehicleRefused, code: "5153"},
		{name: "5921", status: 592, body: failure("5921", "No Data Found v2 - No Data Found v2"), want: bluelink.ErrNoData, reason: vehicle.Unsupported, code: "5921"},
		{name: "9999", status: 504, body: failure("9999", "Undefined Error - Response timeout"), want: bluelink.ErrVehicleUnreachable, reason: vehicle.VehicleUnreachable, code: "9999"},
		{name: "another code", status: 400, body: failure("4999", "new"), want: bluelink.ErrBadResponse, reason: vehicle.CloudChanged, code: "4999"},
		{name: "another code of a failure", status: 500, body: failure("5999", "new"), want: bluelink.ErrUnavailable, reason: vehicle.CloudUnavailable, code: "5999"},
		{name: "failure without code", status: 400, body: `{"retCode":"F"}`, want: bluelink.ErrBadResponse, reason: vehicle.CloudChanged},
		{name: "firewall", status: 403, body: "<html>Access denied</html>", want: bluelink.ErrBlocked, reason: vehicle.LoginRequired},
		{name: "maintenance", status: 503, body: "<html>Maintenance</html>", want: bluelink.ErrUnavailable, reason: vehicle.CloudUnavailable},
		{name: "maintenance with 200", status: 200, body: "<html>Maintenance</html>", want: bluelink.ErrBadResponse, reason: vehicle.CloudChanged},
		{name: "410 without body", status: 410, want: bluelink.ErrBadResponse, reason: vehicle.CloudChanged},
		{name: "200 without body", status: 200, want: bluelink.ErrBadResponse, reason: vehicle.CloudChanged},
		{name: "401 without body", status: 401, want: bluelink.ErrSessionExpired, reason: vehicle.LoginRequired},
		{name: "429", status: 429, body: "slow down", want: bluelink.ErrRateLimited, reason: vehicle.CloudLimit},
		{name: "502 in JSON", status: 502, body: `{"message":"bad gateway"}`, want: bluelink.ErrUnavailable, reason: vehicle.CloudUnavailable},
		{name: "404 in JSON", status: 404, body: `{"message":"no"}`, want: bluelink.ErrBadResponse, reason: vehicle.CloudChanged},
		{name: "no envelope", status: 200, body: `{"vehicles":[]}`, want: bluelink.ErrBadResponse, reason: vehicle.CloudChanged},
		{name: "list", status: 200, body: `[]`, want: bluelink.ErrBadResponse, reason: vehicle.CloudChanged},
		{name: "null", status: 200, body: `null`, want: bluelink.ErrBadResponse, reason: vehicle.CloudChanged},
		{name: "half", status: 200, body: `{"retCode":"S","resMsg":{"veh`, want: bluelink.ErrBadResponse, reason: vehicle.CloudChanged},
		{name: "wrong types", status: 200, body: `{"retCode":7,"resCode":[],"resMsg":false}`, want: bluelink.ErrBadResponse, reason: vehicle.CloudChanged},
	}
	seen := map[string]bool{}
	for _, test := range tests {
		kind := test.kind
		if kind == "" {
			kind = bluelink.CallRead
		}
		root, ok := parse([]byte(test.body))
		err := europe.classify(bluelink.Call{Kind: kind}, bluelink.Answer{Status: test.status, Header: http.Header{}, Body: []byte(test.body)}, root, ok)
		if !errors.Is(err, test.want) || (err == nil) != (test.want == nil) {
			t.Errorf("%s: %v, want %v", test.name, err, test.want)
			continue
		}
		if reason := bluelink.Reason(fmt.Errorf("b: %w", fmt.Errorf("a: %w", err))); err != nil && reason != test.reason {
			t.Errorf("%s: reason %s, want %s", test.name, reason, test.reason)
		}
		if e := (*bluelink.Error)(nil); err != nil && (!errors.As(err, &e) || e.Code != test.code) {
			t.Errorf("%s: code %q, want %q", test.name, e.Code, test.code)
		}
		seen[test.code] = true
	}
	for _, table := range []map[string]answer.Outcome{codes, userCodes} {
		for code := range table {
			if !seen[code] {
				t.Errorf("code %s has no test", code)
			}
		}
	}
}

func TestClassify_SaysHowLongToWait(t *testing.T) {
	quota := `{"retCode":"F","resCode":"5091","resMsg":"Exceeds number of requests"}`
	for name, test := range map[string]struct {
		status   int
		body     string
		header   http.Header
		from, to time.Duration
	}{
		"until the quota's reset": {
			509, quota, http.Header{"X-Ratelimit-Reset": {fmt.Sprint(time.Now().Add(5 * time.Hour).Unix())}}, 4*time.Hour + 59*time.Minute, 5 * time.Hour,
		},
		"reset that is over":  {509, quota, http.Header{"X-Ratelimit-Reset": {"1"}}, 0, 0},
		"reset in a century":  {509, quota, http.Header{"X-Ratelimit-Reset": {"99999999999"}}, 24 * time.Hour, 24 * time.Hour},
		"reset that is none":  {509, quota, http.Header{"X-Ratelimit-Reset": {"soon"}}, 0, 0},
		"header of HTTP":      {503, "<html>", http.Header{"Retry-After": {"120"}}, 2 * time.Minute, 2 * time.Minute},
		"duplicate":           {400, `{"retCode":"F","resCode":"4004","resMsg":"x"}`, nil, 30 * time.Second, 30 * time.Second},
		"problem of a device": {400, `{"retCode":"F","resCode":"4002","resMsg":"service problem"}`, nil, time.Minute, time.Minute},
	} {
		root, ok := parse([]byte(test.body))
		err := europe.classify(bluelink.Call{Kind: bluelink.CallRead}, bluelink.Answer{Status: test.status, Header: test.header, Body: []byte(test.body)}, root, ok)
		if wait := bluelink.RetryAfter(err); wait < test.from || wait > test.to {
			t.Errorf("%s: wait %s, want %s to %s", name, wait, test.from, test.to)
		}
	}
}

func TestBrief_ShowsNoSecrets(t *testing.T) {
	for text, want := range map[string]string{
		"Invalid request body - Invalid deviceId.":                 "Invalid request body - Invalid deviceId.",
		"Exceeds number of requests - Exceeds Number of Requests.": "Exceeds number of requests - Exceeds Number of Requests.",
		"Remote control unavailable(low battery)":                  "Remote control unavailable(low battery)",
		"two\nlines\tand  spaces":                                  "two lines and spaces",
		"user somebody@example.com is locked":                      "user … is locked",
		"token eyJhbGciOiJSUzI1NiJ9.eyJwaWQiOiJ4In0.abc is bad":    "token … is bad",
		"car KNAXXXXXXX0000001 at 52.520008,13.404954":             "car … at …,…",
	} {
		if got := brief(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
	if got := brief(strings.Repeat("word ", 1000)); len(got) > 200 {
		t.Errorf("a long text stays %d bytes long", len(got))
	}
}

func TestReadSignIn_TellsTheOutcomesApart(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		target string
		body   string
		code   string
		want   error
	}{ // docs/protocol/europe.md §2.3
		"code":             {302, "https://oneapp.kia.com/redirect?code=abc&state=ccsp&login_success=y", "", "abc", nil},
		"code beside text": {302, "https://oneapp.kia.com/redirect?code=abc&error=x", "", "abc", nil},
		"error":            {302, "https://oneapp.kia.com/redirect?error=access_denied&error_description=locked", "", "", bluelink.ErrCredentials},
		"consent":          {302, "https://prd.eu-ccapi.kia.com:8080/web/v1/user/authorization?x=1", "", "", bluelink.ErrConsentRequired},
		"form again":       {302, "https://idpconnect-eu.kia.com/auth/api/v2/user/oauth2/authorize?x=1", "", "", bluelink.ErrCredentials},
		"form, relative":   {302, "/auth/api/v2/user/oauth2/authorize?x=1", "", "", bluelink.ErrCredentials},
		"blocked":          {302, "https://idpconnect-eu.kia.com/error?status=400&error=Bad+Request&error_description=abusing", "", "", bluelink.ErrBlocked},
		"elsewhere":        {302, "https://idpconnect-eu.kia.com/welcome", "", "", bluelink.ErrBadResponse},
		"firewall":         {403, "", "<html>", "", bluelink.ErrBlocked},
		"down":             {502, "", "<html>", "", bluelink.ErrUnavailable},
		"too often":        {429, "", "", "", bluelink.ErrRateLimited},
		"page":             {200, "", "<html>", "", bluelink.ErrCredentials},
		"redirect to none": {302, "", "", "", bluelink.ErrCredentials},
		"redirect to junk": {302, "https://%zz", "", "", bluelink.ErrCredentials},
	} {
		address, err := url.Parse("https://idpconnect-eu.kia.com/auth/account/signin")
		if err != nil {
			t.Fatal(err)
		}
		answer := bluelink.Answer{Status: test.status, Header: http.Header{}, Body: []byte(test.body), URL: address}
		if test.target != "" {
			answer.Header.Set("Location", test.target)
		}
		code, err := (&oneApp{&authority{profile: profileOf(vehicle.Europe, vehicle.Kia)}}).readSignIn(answer)
		if code != test.code || !errors.Is(err, test.want) || (err == nil) != (test.want == nil) {
			t.Errorf("%s: code %q, error %v, want %q and %v", name, code, err, test.code, test.want)
		}
	}
}

// TestOneApp_TellsWhatItsBackendSays holds that its envelope is read where there is one, and its status always.
func TestOneApp_TellsWhatItsBackendSays(t *testing.T) {
	const envelope = `{"code":9001,"message":"Externer Servicefehler","errors":[]}`
	for name, test := range map[string]struct {
		kind       bluelink.CallKind
		status     int
		body       string
		want       error
		code, text string
	}{ // docs/protocol/europe.md §1.6
		"down at sign-in":    {bluelink.CallLogin, 502, envelope, bluelink.ErrUnavailable, "9001", "Externer Servicefehler"},
		"down at renewal":    {bluelink.CallRenew, 500, `{"code":9009,"message":"x"}`, bluelink.ErrUnavailable, "9009", "x"},
		"a page":             {bluelink.CallRenew, 502, "<html>", bluelink.ErrUnavailable, "", "a web page instead of data"},
		"refused at sign-in": {bluelink.CallLogin, 401, envelope, bluelink.ErrClientRefused, "9001", "Externer Servicefehler"},
		"refused at renewal": {bluelink.CallRenew, 401, envelope, bluelink.ErrSessionExpired, "9001", "Externer Servicefehler"},
		"dead, says a code":  {bluelink.CallRenew, 500, `{"code":4111,"message":"x"}`, bluelink.ErrSessionExpired, "4111", "x"},
		"dead, and HTTP 200": {bluelink.CallRenew, 200, `{"code":4111,"message":"x"}`, bluelink.ErrSessionExpired, "4111", "x"},
		"odd at renewal":     {bluelink.CallRenew, 404, envelope, bluelink.ErrBadResponse, "9001", "Externer Servicefehler"},
		"words":              {bluelink.CallRenew, 401, "expired", bluelink.ErrSessionExpired, "", "expired"},
		"no object":          {bluelink.CallRenew, 200, "[]", bluelink.ErrBadResponse, "", "not the JSON object that was expected"},
	} {
		_, err := (&oneApp{&authority{profile: profileOf(vehicle.Europe, vehicle.Kia)}}).read(
			bluelink.Call{Kind: test.kind}, bluelink.Answer{Status: test.status, Header: http.Header{}, Body: []byte(test.body)})
		var e *bluelink.Error
		if !errors.Is(err, test.want) || !errors.As(err, &e) || e.Code != test.code || e.Text != test.text {
			t.Errorf("%s: %v, want %v with %q and %q", name, err, test.want, test.code, test.text)
		}
	}
}
