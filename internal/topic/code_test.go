package topic

import (
	"strings"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

func TestCode_SaysWhatIsWantedAndHowItCanBeHad(t *testing.T) {
	at := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	for want, code := range map[string]Code{
		`{"required":false,"methods":[],"since":null,"sent":null,"sent_at":null,"tries_left":null,"message":null,"reason":null}`: {},
		`{"required":true,"methods":[{"method":"email","to":"j…@example.com"}],"since":"2026-03-01T08:00:00Z","sent":"email","sent_at":"2026-03-01T08:01:00Z","tries_left":2,"message":"enter it","reason":"login_required"}`: {
			Required: true, Methods: []Destination{{"email", "j…@example.com"}}, Since: at, Sent: "email", SentAt: at.Add(time.Minute), Left: 2,
			Message: "enter it", Reason: vehicle.LoginRequired,
		},
	} {
		if got := string(code.Payload()); got != want {
			t.Errorf("payload %s, want %s", got, want)
		}
	}
}

func TestParseCodeWord_TakesPlainWordsAndObjects(t *testing.T) {
	for _, c := range []struct {
		verb    AccountVerb
		payload string
		want    string // empty for refused
	}{
		{CodeSet, " 012345\n", "012345"},
		{CodeSet, `{"code": "012345"}`, "012345"},
		{CodeSet, `{"code": 123456}`, "123456"},
		{CodeSet, `{"code": 123456, "more": 1}`, ""},
		{CodeSet, `{"method": "sms"}`, ""},
		{CodeSet, `{"code": null}`, ""},
		{CodeSet, `{"code"`, ""},
		{CodeSet, "", ""},
		{CodeSet, strings.Repeat("1", 65), ""},
		{CodeMethod, "SMS", "sms"},
		{CodeMethod, `{"method": "Email"}`, "email"},
	} {
		got, err := ParseCodeWord(c.verb, []byte(c.payload))
		if got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%s %q: %q, %v", c.verb, c.payload, got, err)
		}
		if err != nil && strings.Contains(err.Error(), "123456") {
			t.Errorf("the error holds the code: %v", err)
		}
	}
}
