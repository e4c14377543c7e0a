package canada

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/cloudtest"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

func TestRequests_LookLikeTheWebSiteOfTheBrand(t *testing.T) {
	for brand, host := range map[vehicle.Brand]string{vehicle.Kia: "kiaconnect.ca", vehicle.Hyundai: "mybluelink.ca", vehicle.Genesis: "genesisconnect.ca"} {
		for language, number := range map[string]string{"en": "0", "fr": "1", "": "0"} {
			s, o := signedIn(t, func(a *bluelink.Account) { a.Brand, a.Language = brand, language })
			o.list(t)
			for _, c := range s.Calls() {
				for name, want := range map[string]string{
					"origin": "https://" + host, "referer": "https://" + host + "/login", "from": "CWP", "offset": "-5", "language": number,
					"client_id": "HATAHSPACA0232141ED9722C67715A0B", "client_secret": "CLISCR01AHSPA", "content-type": "application/json;charset=UTF-8",
				} {
					if got := c.Header[http.CanonicalHeaderKey(name)]; len(got) != 1 || got[0] != want {
						t.Errorf("%s at %s: %s is %q, want %q", c.Path, host, name, got, want)
					}
				}
				if signs := c.Path == "v2/login" || strings.HasPrefix(c.Path, "mfa/"); signs != (c.Header.Get("Deviceid") != "") {
					t.Errorf("%s: device %q", c.Path, c.Header.Get("Deviceid"))
				}
			}
		}
	}
}

func TestLogin_WithACodeOnceAndThenFromATrustedDevice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		o := open(t, s, bluelink.NewMemoryTokens())
		for range 3 {
			mustFail(t, o.Login(t.Context()), bluelink.ErrOTPRequired)
			o = open(t, s, o.tokens) // a restart
		}
		if s.Count("v2/login") != 1 || s.Count("mfa/sendotp") != 0 {
			t.Fatalf("%d sign-ins and %d codes", s.Count("v2/login"), s.Count("mfa/sendotp"))
		}
		c, _ := o.session.Challenge()
		if len(c.Methods) != 2 || c.Methods[0] != (bluelink.CodeMethod{Name: "email", To: "j…@example.com"}) || c.Methods[1] != (bluelink.CodeMethod{Name: "sms", To: "***0100"}) {
			t.Errorf("offered %v", c.Methods)
		}
		person := bluelink.WithPerson(t.Context())
		must(t, o.session.SendCode(person, bluelink.BySMS))
		mustFail(t, o.session.EnterCode(person, "000000"), bluelink.ErrOTP)
		o = open(t, s, o.tokens)
		must(t, o.session.EnterCode(person, s.code))
		if got := strings.Join(s.codesSent, ","); got != "M***0100" {
			t.Errorf("codes by %s", got)
		}
		o.list(t)
		device := s.Last("v2/login").Header.Get("Deviceid")
		for range 10 {
			<-time.After(24 * time.Hour)
			o = open(t, s, o.tokens)
			o.list(t)
		}
		if n := s.Count("v2/login"); n != 11 || len(s.codesSent) != 1 || s.Last("v2/login").Header.Get("Deviceid") != device {
			t.Errorf("in ten days %d sign-ins and %d codes", n, len(s.codesSent))
		}
	})
}

// TestLogin_ACodeThatIsAskedForMuchLater finds what was told about the ways to get one outdated.
func TestLogin_ACodeThatIsAskedForMuchLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		o := open(t, s, bluelink.NewMemoryTokens())
		s.Once("mfa/selverifmeth", reply{}) // and the first time they could not be read
		mustFail(t, o.Login(t.Context()), bluelink.ErrOTPRequired)
		if c, waits := o.session.Challenge(); !waits || len(c.Methods) != 1 || c.Methods[0].To != "j…@example.com" {
			t.Errorf("offered %v", c.Methods)
		}
		must(t, o.session.SendCode(t.Context(), bluelink.ByEmail))
		<-time.After(9 * time.Hour)
		must(t, o.session.SendCode(t.Context(), bluelink.ByEmail))
		must(t, o.session.EnterCode(t.Context(), s.code))
		if s.Count("mfa/selverifmeth") != 3 || s.Count("v2/login") != 1 || strings.Join(s.codesSent, ",") != "E,E" {
			t.Errorf("ways read %d times, %d sign-ins, codes by %v", s.Count("mfa/selverifmeth"), s.Count("v2/login"), s.codesSent)
		}
	})
}

// TestLogin_ASignInThatTheCloudHasForgottenIsBegunAnew when somebody asks for a code.
func TestLogin_ASignInThatTheCloudHasForgottenIsBegunAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		o := open(t, s, bluelink.NewMemoryTokens())
		mustFail(t, o.Login(t.Context()), bluelink.ErrOTPRequired)
		<-time.After(9 * time.Hour)
		for r, want := range map[string]error{"": bluelink.ErrUnavailable, bad("7901").Body: bluelink.ErrRateLimited} { // which say nothing of it
			s.Always("mfa/selverifmeth", cloudtest.Say(min(len(r), 1)*200, r))
			mustFail(t, o.session.SendCode(t.Context(), bluelink.ByEmail), want)
		}
		s.Once("mfa/selverifmeth", bad("7445"))
		must(t, o.session.SendCode(bluelink.WithPerson(t.Context()), bluelink.ByEmail))
		must(t, o.session.EnterCode(t.Context(), s.code))
		if n := s.Count("v2/login"); n != 2 || len(s.codesSent) != 1 {
			t.Errorf("%d sign-ins, codes by %v", n, s.codesSent)
		}
	})
}

func TestLogin_WithoutATelephoneOnlyByEmail(t *testing.T) {
	s := newSite(t)
	s.spare = true
	o := open(t, s, bluelink.NewMemoryTokens())
	mustFail(t, o.Login(t.Context()), bluelink.ErrOTPRequired)
	mustFail(t, o.session.SendCode(t.Context(), bluelink.BySMS), bluelink.ErrInvalidCommand)
	must(t, o.session.SendCode(t.Context(), ""))
	must(t, o.session.EnterCode(t.Context(), s.code))
}

// TestLogin_ARightCodeNeedsNoOtherWhenTheLastStepFails.
func TestLogin_ARightCodeNeedsNoOtherWhenTheLastStepFails(t *testing.T) {
	s := newSite(t)
	o := open(t, s, bluelink.NewMemoryTokens())
	mustFail(t, o.Login(t.Context()), bluelink.ErrOTPRequired)
	must(t, o.session.SendCode(t.Context(), bluelink.ByEmail))
	s.Once("mfa/genmfatkn", cloudtest.Say(502, "<html>"))
	mustFail(t, o.session.EnterCode(t.Context(), s.code), bluelink.ErrUnavailable)
	s.code = "spent"
	must(t, o.session.EnterCode(t.Context(), "123456"))
	if s.Count("mfa/validateotp") != 1 {
		t.Errorf("the code was shown %d times", s.Count("mfa/validateotp"))
	}

	// Refused there, what the code has given is of no use, and another code is needed.
	s, o = newSite(t), nil
	o = open(t, s, bluelink.NewMemoryTokens())
	mustFail(t, o.Login(t.Context()), bluelink.ErrOTPRequired)
	must(t, o.session.SendCode(t.Context(), bluelink.ByEmail))
	s.Once("mfa/genmfatkn", bad("7999"))
	mustFail(t, o.session.EnterCode(t.Context(), s.code), bluelink.ErrOTPRequired)
	must(t, o.session.SendCode(t.Context(), bluelink.ByEmail))
	must(t, o.session.EnterCode(t.Context(), s.code))
}

func TestLogin_CodesAreRefusedInTheWordsOfThePage(t *testing.T) {
	for code, want := range map[string]error{
		"7999": bluelink.ErrOTP, "7549": bluelink.ErrOTP, "7701": bluelink.ErrOTP, "7702": bluelink.ErrOTP, "7715": bluelink.ErrOTPRequired,
		"7901": bluelink.ErrRateLimited, "7445": bluelink.ErrUnavailable, "4711": bluelink.ErrBadResponse,
	} {
		s := newSite(t)
		o := open(t, s, bluelink.NewMemoryTokens())
		mustFail(t, o.Login(t.Context()), bluelink.ErrOTPRequired)
		must(t, o.session.SendCode(t.Context(), bluelink.ByEmail))
		s.Once("mfa/validateotp", bad(code))
		if err := o.session.EnterCode(t.Context(), s.code); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", code, err, want)
		}
		if code != "7715" {
			must(t, o.session.EnterCode(t.Context(), s.code))
		}
	}
	s := newSite(t)
	o := open(t, s, bluelink.NewMemoryTokens())
	mustFail(t, o.Login(t.Context()), bluelink.ErrOTPRequired)
	must(t, o.session.SendCode(t.Context(), bluelink.ByEmail))
	s.Always("mfa/validateotp", good(`{"verifiedOtp":false,"otpValidationKey":"x"}`))
	mustFail(t, o.session.EnterCode(t.Context(), s.code), bluelink.ErrOTP)
}

func TestLogin_AnswersMeanWhatThePageSays(t *testing.T) {
	for name, test := range map[string]struct {
		reply reply
		want  error
		wait  time.Duration
	}{
		"wrong password":   {bad("7404"), bluelink.ErrCredentials, 0},
		"locked":           {bad("7402"), bluelink.ErrCredentials, 0},
		"too many":         {bad("7901"), bluelink.ErrRateLimited, 35 * time.Minute},
		"generic":          {bad("7445"), bluelink.ErrUnavailable, 0},
		"unknown":          {bad("4711"), bluelink.ErrBadResponse, 0},
		"device":           {bad("7710"), bluelink.ErrDevice, 0},
		"no token":         {good(`{}`), bluelink.ErrBadResponse, 0},
		"no code":          {cloudtest.Say(200, `{"responseHeader":{"responseCode":1}}`), bluelink.ErrBadResponse, 0},
		"Cloudflare":       {cloudtest.Say(403, "<html>Attention Required"), bluelink.ErrRateLimited, 15 * time.Minute},
		"Cloudflare JSON":  {cloudtest.Say(429, `{"error":"1015"}`), bluelink.ErrRateLimited, 15 * time.Minute},
		"back end":         {cloudtest.Say(500, "<html>"), bluelink.ErrUnavailable, 0},
		"a page":           {cloudtest.Say(200, "<html>"), bluelink.ErrBadResponse, 0},
		"numeric code":     {cloudtest.Say(200, `{"error":{"errorCode":7404},"responseHeader":{"responseCode":1}}`), bluelink.ErrCredentials, 0},
		"code as a flag":   {cloudtest.Say(200, `{"error":{"errorCode":"7404"},"responseHeader":{"responseCode":true}}`), bluelink.ErrCredentials, 0},
		"reset":            {reply{}, bluelink.ErrUnavailable, 0},
		"code is no code":  {cloudtest.Say(200, `{"responseHeader":{"responseCode":"x"},"result":{}}`), bluelink.ErrBadResponse, 0},
		"nothing of a use": {cloudtest.Say(200, `{"result":{}}`), bluelink.ErrBadResponse, 0},
	} {
		s := newSite(t)
		s.Always("v2/login", test.reply)
		o := open(t, s, bluelink.NewMemoryTokens())
		err := o.Login(t.Context())
		if !errors.Is(err, test.want) || bluelink.RetryAfter(err) != test.wait || s.Count("v2/login") != 1 {
			t.Errorf("%s: %v, wait %s, after %d sign-ins; want %v", name, err, bluelink.RetryAfter(err), s.Count("v2/login"), test.want)
		}
	}
}

// TestLogin_TooManySignInsAreLetBe: each one that follows would extend the block.
func TestLogin_TooManySignInsAreLetBe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, o := signedIn(t)
		s.Always("v2/login", bad("7901"))
		<-time.After(25 * time.Hour)
		n := s.Count("v2/login")
		for range 35 {
			mustFail(t, o.Login(t.Context()), bluelink.ErrRateLimited)
			<-time.After(time.Minute)
		}
		if got := s.Count("v2/login") - n; got != 1 {
			t.Errorf("%d sign-ins in 35 minutes", got)
		}
		s.On("v2/login", nil)
		<-time.After(time.Minute)
		must(t, o.Login(t.Context()))
	})
}

func TestLogin_WrongPasswordAtARenewalStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, o := signedIn(t)
		s.password = "changed"
		n := s.Count("v2/login")
		<-time.After(25 * time.Hour)
		for range 5 {
			mustFail(t, o.Login(t.Context()), bluelink.ErrCredentials)
			o = open(t, s, o.tokens)
			<-time.After(time.Hour)
		}
		if got := s.Count("v2/login") - n; got != 1 {
			t.Errorf("the wrong password was tried %d times", got)
		}
	})
}

func TestLogin_ADeviceThatIsRefusedIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, o := signedIn(t)
		before := s.Last("v2/login").Header.Get("Deviceid")
		s.Once("v2/login", bad("7710"))
		<-time.After(25 * time.Hour)
		mustFail(t, o.Login(t.Context()), bluelink.ErrDevice)
		<-time.After(time.Minute)
		mustFail(t, o.Login(t.Context()), bluelink.ErrOTPRequired)
		if after := s.Last("v2/login").Header.Get("Deviceid"); after == before || after == "" {
			t.Errorf("device %q after %q", after, before)
		}
	})
}

// TestExpiry_IsMendedAndTheCallRepeatedOnce ends the token at each call, for each of the reasons.
func TestExpiry_IsMendedAndTheCallRepeatedOnce(t *testing.T) {
	for _, code := range []string{"7403", "7602", "7606", "7110"} {
		synctest.Test(t, func(t *testing.T) {
			s, o := signedIn(t)
			car := o.list(t)[0]
			ask := bluelink.Ask{Vehicle: car}
			for path, do := range map[string]func() error{
				"vhcllst":     func() error { _, err := o.Vehicles(t.Context()); return err },
				"lstvhclsts":  func() error { _, err := o.Cached(t.Context(), ask); return err },
				"rltmvhclsts": func() error { _, err := o.Force(t.Context(), ask); return err },
				"drlck":       func() error { _, err := o.Send(t.Context(), ask, vehicle.Lock{}); return err },
				"rmtsts":      func() error { _, err := o.Action(t.Context(), car, "tx-1"); return err },
			} {
				<-time.After(time.Hour)
				n, signIns := s.Count(path), s.Count("v2/login")
				s.Once(path, bad(code))
				if err := do(); err != nil || s.Count(path)-n != 2 || s.Count("v2/login")-signIns != 1 {
					t.Errorf("%s at %s: %v after %d calls and %d sign-ins", code, path, err, s.Count(path)-n, s.Count("v2/login")-signIns)
				}
				s.Always(path, bad(code))
				n = s.Count(path)
				if err := do(); !errors.Is(err, bluelink.ErrSessionExpired) || bluelink.MayHaveSucceeded(err) || s.Count(path)-n != 2 {
					t.Errorf("%s for ever at %s: %v after %d calls", code, path, err, s.Count(path)-n)
				}
				s.On(path, nil)
			}
		})
	}
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
