package kiaus

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/cloudtest"
)

func TestIdentity_IsTheAppOnADevice(t *testing.T) {
	if got := clientUUID("8AAE8C1F-CE6A-499D-9538-30D36E434F10"); got != "f7fb3494-7483-5eb2-8a42-a206863fef78" {
		t.Errorf("client UUID %s, want that of docs/protocol/usa-kia.md §1.1", got)
	}
	if d := newDevice(); len(d) != 36 || d != strings.ToUpper(d) || d[14] != '4' || d == newDevice() {
		t.Errorf("device %s", d)
	}
	s, o := signedIn(t)
	o.list(t)
	for _, c := range s.Calls() {
		for name, want := range map[string]string{
			"clientid": "SPACL716-APL", "appversion": "7.22.0", "content-type": "application/json;charset=utf-8", "from": "SPA", "to": "APIGW",
			"clientuuid": clientUUID(c.Header.Get("deviceid")), "tokentype": "A", "apptype": "L",
		} {
			if got := c.Header.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", c.Path, name, got, want)
			}
		}
		if _, err := time.Parse(http.TimeFormat, c.Header.Get("date")); err != nil {
			t.Errorf("%s: %v", c.Path, err)
		}
	}
}

func TestLogin_WithACodeOnceAndNeverAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		o := open(t, s, bluelink.NewMemoryTokens())
		mustFail(t, o.Login(t.Context()), bluelink.ErrOTPRequired)
		o = open(t, s, o.tokens) // a restart
		mustFail(t, o.Login(t.Context()), bluelink.ErrOTPRequired)
		if n := s.Count("prof/authUser"); n != 1 || s.codes != 0 {
			t.Fatalf("%d sign-ins and %d codes, want one sign-in", n, s.codes)
		}
		c, _ := o.session.Challenge()
		if len(c.Methods) != 2 || c.Methods[0] != (bluelink.CodeMethod{Name: "email", To: "j***@example.com"}) || c.Methods[1] != (bluelink.CodeMethod{Name: "sms", To: "***-***-1234"}) {
			t.Errorf("offered %v", c.Methods)
		}
		person := bluelink.WithPerson(t.Context())
		must(t, o.session.SendCode(person, bluelink.BySMS))
		if sent := s.Last("cmm/sendOTP"); sent.Header.Get("notifytype") != "SMS" {
			t.Errorf("sent by %q", sent.Header.Get("notifytype"))
		}
		mustFail(t, o.session.EnterCode(person, "000000"), bluelink.ErrOTP)
		o = open(t, s, o.tokens)
		must(t, o.session.EnterCode(person, "123456"))
		completed := s.Last("prof/authUser")
		if completed.Header.Get("rmtoken") != "rm-1" || completed.Header.Get("sid") == "" || strings.Contains(completed.Body, "tncFlag") {
			t.Errorf("completed by %s with %v", completed.Body, completed.Header)
		}
		if len(o.list(t)) != 2 {
			t.Error("no cars")
		}
		device := completed.Header.Get("deviceid")
		for range 10 { // days
			<-time.After(24 * time.Hour)
			o = open(t, s, o.tokens)
			o.list(t)
		}
		renewed := s.Last("prof/authUser")
		if n := s.Count("prof/authUser"); n != 12 || s.codes != 1 || renewed.Header.Get("deviceid") != device || renewed.Header.Get("rmtoken") != "rm-1" {
			t.Errorf("in ten days %d sign-ins and %d codes", n, s.codes)
		}
	})
}

func TestLogin_AccountWithoutCodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		s.noOTP = true
		o := open(t, s, bluelink.NewMemoryTokens())
		o.list(t)
		<-time.After(25 * time.Hour)
		o.list(t)
		stored, err := o.tokens.Load(t.Context())
		if err != nil || s.Count("prof/authUser") != 2 || stored.Refresh != again || stored.Extra[trust] != "" {
			t.Errorf("%+v, %v, %d sign-ins", stored.Extra, err, s.Count("prof/authUser"))
		}
	})
}

// TestLogin_CodeThatBringsNoTrust is what some accounts met in January 2026.
func TestLogin_CodeThatBringsNoTrust(t *testing.T) {
	s := newSite(t)
	s.noTrust = true
	o := open(t, s, bluelink.NewMemoryTokens())
	mustFail(t, o.Login(t.Context()), bluelink.ErrOTPRequired)
	must(t, o.session.SendCode(t.Context(), bluelink.ByEmail))
	must(t, o.session.EnterCode(t.Context(), "123456"))
	if o.list(t); s.Count("prof/authUser") != 1 {
		t.Errorf("%d sign-ins", s.Count("prof/authUser"))
	}
}

// TestLogin_TrustOutlivesACompletionThatFails: the code is spent then, and no other may be needed.
func TestLogin_TrustOutlivesACompletionThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		o := open(t, s, bluelink.NewMemoryTokens())
		mustFail(t, o.Login(t.Context()), bluelink.ErrOTPRequired)
		must(t, o.session.SendCode(t.Context(), bluelink.ByEmail))
		s.Once("prof/authUser", cloudtest.Say(503, "<html>"))
		mustFail(t, o.session.EnterCode(t.Context(), "123456"), bluelink.ErrUnavailable)
		o = open(t, s, o.tokens)
		if _, waits := o.session.Challenge(); waits {
			t.Error("still waits for a code")
		}
		if o.list(t); s.codes != 1 {
			t.Errorf("%d codes", s.codes)
		}
	})
}

func TestLogin_TrustThatTheCloudForgotIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, o := signedIn(t)
		clear(s.trusted)
		<-time.After(24 * time.Hour)
		for range 5 {
			mustFail(t, o.Login(t.Context()), bluelink.ErrOTPRequired)
		}
		stored, err := o.tokens.Load(t.Context())
		if n := s.Count("prof/authUser"); n != 3 || err != nil || stored.Extra[trust] != "" || stored.Device == "" {
			t.Errorf("%d sign-ins; stored %v, %v", n, stored.Extra, err)
		}
		person := bluelink.WithPerson(t.Context())
		must(t, o.session.SendCode(person, bluelink.ByEmail))
		must(t, o.session.EnterCode(person, "123456"))
		o.list(t)
	})
}

func TestLogin_DemandAtACallLeavesNothingToGuess(t *testing.T) {
	s, o := signedIn(t)
	cars := o.list(t)
	clear(s.trusted)
	s.sid += 100 // the session is dead
	for range 3 {
		_, err := o.read(t.Context(), cars[0])
		mustFail(t, err, bluelink.ErrOTPRequired)
		_, err = o.Vehicles(t.Context())
		mustFail(t, err, bluelink.ErrOTPRequired)
		_, err = o.Send(t.Context(), bluelink.Ask{Vehicle: cars[0]}, lock)
		if mustFail(t, err, bluelink.ErrOTPRequired); bluelink.MayHaveSucceeded(err) {
			t.Error("the command may have been carried out")
		}
	}
	if n := s.Count("prof/authUser"); n != 3 {
		t.Errorf("%d sign-ins", n)
	}
}

func TestLogin_WrongPasswordAtARenewalStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, o := signedIn(t)
		s.password = "changed"
		<-time.After(24 * time.Hour)
		for range 5 {
			mustFail(t, o.Login(t.Context()), bluelink.ErrCredentials)
			o = open(t, s, o.tokens)
			<-time.After(time.Hour)
		}
		if n := s.Count("prof/authUser"); n != 3 {
			t.Errorf("%d sign-ins, want one with the wrong password", n)
		}
	})
}

func TestLogin_AnswersMeanWhatThePageSays(t *testing.T) {
	for name, test := range map[string]struct {
		reply reply
		want  error
	}{
		"no address":            {bad(1037), bluelink.ErrCredentials},
		"wrong password":        {bad(1001), bluelink.ErrCredentials},
		"in words":              {cloudtest.Say(200, `{"status":{"statusCode":1,"errorType":1,"errorCode":1,"errorMessage":"Please enter a valid email"}}`), bluelink.ErrCredentials},
		"in other words":        {bad(1), bluelink.ErrBadResponse},
		"client identity":       {bad(9789), bluelink.ErrClientRefused},
		"neither":               {good("{}"), bluelink.ErrBadResponse},
		"no payload":            {cloudtest.Say(200, `{"status":`+okStatus+`}`), bluelink.ErrBadResponse},
		"unknown":               {bad(4711), bluelink.ErrBadResponse},
		"a session's end":       {bad(1003), bluelink.ErrBadResponse},
		"firewall":              {cloudtest.Say(403, "<html>"), bluelink.ErrBlocked},
		"throttled":             {cloudtest.Say(429, "error code: 1015"), bluelink.ErrRateLimited},
		"throttled in words":    {bad(429), bluelink.ErrRateLimited},
		"out of order":          {cloudtest.Say(502, "<html>"), bluelink.ErrUnavailable},
		"out of order in words": {bad(503), bluelink.ErrUnavailable},
		"a page":                {cloudtest.Say(200, "<html>"), bluelink.ErrBadResponse},
		"reset":                 {reply{}, bluelink.ErrUnavailable},
	} {
		s := newSite(t)
		s.Always("prof/authUser", test.reply)
		o := open(t, s, bluelink.NewMemoryTokens())
		if err := o.Login(t.Context()); err == nil || !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
		if n := s.Count("prof/authUser"); n != 1 {
			t.Errorf("%s: %d sign-ins", name, n)
		}
	}
}

// TestLogin_RefusedRequestForACodeIsNoticed: one that is not would leave its owner waiting.
func TestLogin_RefusedRequestForACodeIsNoticed(t *testing.T) {
	s := newSite(t)
	o := open(t, s, bluelink.NewMemoryTokens())
	mustFail(t, o.Login(t.Context()), bluelink.ErrOTPRequired)
	s.Once("cmm/sendOTP", bad(429))
	mustFail(t, o.session.SendCode(t.Context(), bluelink.ByEmail), bluelink.ErrRateLimited)
	if c, _ := o.session.Challenge(); c.Sent != "" {
		t.Errorf("sent by %s", c.Sent)
	}
	// An unknown refusal of a code is one of the code; the end of the challenge is told apart.
	must(t, o.session.SendCode(t.Context(), bluelink.ByEmail))
	s.Once("cmm/verifyOTP", bad(4711))
	mustFail(t, o.session.EnterCode(t.Context(), "123456"), bluelink.ErrOTP)
	s.challenge = "another"
	mustFail(t, o.session.EnterCode(t.Context(), "123456"), bluelink.ErrOTPRequired)
	must(t, o.session.SendCode(bluelink.WithPerson(t.Context()), bluelink.ByEmail))
	must(t, o.session.EnterCode(t.Context(), "123456"))
}

// TestLogin_ASignInThatTheCloudHasForgottenIsBegunAnew when somebody asks for a code, in whatever words the cloud says it.
func TestLogin_ASignInThatTheCloudHasForgottenIsBegunAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		o := open(t, s, bluelink.NewMemoryTokens())
		mustFail(t, o.Login(t.Context()), bluelink.ErrOTPRequired)
		s.Once("cmm/sendOTP", bad(4711)) // right after the demand it must be something else
		mustFail(t, o.session.SendCode(t.Context(), bluelink.ByEmail), bluelink.ErrBadResponse)
		<-time.After(9 * time.Hour)
		for want, r := range map[error]reply{bluelink.ErrUnavailable: {}, bluelink.ErrRateLimited: bad(429), bluelink.ErrClientRefused: bad(9789)} {
			s.Always("cmm/sendOTP", r)
			mustFail(t, o.session.SendCode(t.Context(), bluelink.ByEmail), want)
		}
		s.Once("cmm/sendOTP", bad(4711))
		must(t, o.session.SendCode(bluelink.WithPerson(t.Context()), bluelink.ByEmail))
		must(t, o.session.EnterCode(t.Context(), "123456"))
		if n := s.Count("prof/authUser"); n != 3 || s.codes != 1 {
			t.Errorf("%d sign-ins, %d codes", n, s.codes)
		}
	})
}

func TestLogin_TakesAndGivesNoRefreshTokens(t *testing.T) {
	s, o := signedIn(t)
	n := len(s.Calls())
	mustFail(t, o.session.Adopt(t.Context(), "token of another program"), bluelink.ErrUnsupported)
	if token, err := o.session.RefreshToken(t.Context()); token != "" || err != nil || len(s.Calls()) != n {
		t.Errorf("%q, %v, %d calls", token, err, len(s.Calls())-n)
	}
	o.list(t)
}
