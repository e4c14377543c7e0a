package canada

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

func TestRequests_LookLikeTheWebSiteOfTheBrand(t *testing.T) {
	for brand, host := range map[vehicle.Brand]string{vehicle.Kia: "kiaconnect.ca", vehicle.Hyundai: "mybluelink.ca", vehicle.Genesis: "genesisconnect.ca"} {
		for language, number := range map[string]string{"en": "0", "fr": "1", "": "0"} {
			s, o := signedIn(t, func(a *bluelink.Account) { a.Brand, a.Language = brand, language })
			o.list(t)
			for _, c := range s.calls {
				for name, want := range map[string]string{
					"origin": "https://" + host, "referer": "https://" + host + "/login", "from": "CWP", "offset": "-5", "language": number,
					"client_id": "HATAHSPACA0232141ED9722C67715A0B", "client_secret": "CLISCR01AHSPA", "content-type": "application/json;charset=UTF-8",
				} {
					if got := c.header[http.CanonicalHeaderKey(name)]; len(got) != 1 || got[0] != want {
						t.Errorf("%s at %s: %s is %q, want %q", c.path, host, name, got, want)
					}
				}
				if signs := c.path == "v2/login" || strings.HasPrefix(c.path, "mfa/"); signs != (c.header.Get("Deviceid") != "") {
					t.Errorf("%s: device %q", c.path, c.header.Get("Deviceid"))
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
		if s.count("v2/login") != 1 || s.count("mfa/sendotp") != 0 {
			t.Fatalf("%d sign-ins and %d codes", s.count("v2/login"), s.count("mfa/sendotp"))
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
		device := s.last("v2/login").header.Get("Deviceid")
		for range 10 {
			<-time.After(24 * time.Hour)
			o = open(t, s, o.tokens)
			o.list(t)
		}
		if n := s.count("v2/login"); n != 11 || len(s.codesSent) != 1 || s.last("v2/login").header.Get("Deviceid") != device {
			t.Errorf("in ten days %d sign-ins and %d codes", n, len(s.codesSent))
		}
	})
}

// TestLogin_ACodeThatIsAskedForMuchLater finds what was told about the ways to get one outdated.
func TestLogin_ACodeThatIsAskedForMuchLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		o := open(t, s, bluelink.NewMemoryTokens())
		s.once("mfa/selverifmeth", reply{}) // and the first time they could not be read
		mustFail(t, o.Login(t.Context()), bluelink.ErrOTPRequired)
		if c, waits := o.session.Challenge(); !waits || len(c.Methods) != 1 || c.Methods[0].To != "j…@example.com" {
			t.Errorf("offered %v", c.Methods)
		}
		must(t, o.session.SendCode(t.Context(), bluelink.ByEmail))
		<-time.After(9 * time.Hour)
		must(t, o.session.SendCode(t.Context(), bluelink.ByEmail))
		must(t, o.session.EnterCode(t.Context(), s.code))
		if s.count("mfa/selverifmeth") != 3 || s.count("v2/login") != 1 || strings.Join(s.codesSent, ",") != "E,E" {
			t.Errorf("ways read %d times, %d sign-ins, codes by %v", s.count("mfa/selverifmeth"), s.count("v2/login"), s.codesSent)
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
		for r, want := range map[string]error{"": bluelink.ErrUnavailable, bad("7901").body: bluelink.ErrRateLimited} { // which say nothing of it
			s.always("mfa/selverifmeth", reply{min(len(r), 1) * 200, r, nil})
			mustFail(t, o.session.SendCode(t.Context(), bluelink.ByEmail), want)
		}
		s.once("mfa/selverifmeth", bad("7445"))
		must(t, o.session.SendCode(bluelink.WithPerson(t.Context()), bluelink.ByEmail))
		must(t, o.session.EnterCode(t.Context(), s.code))
		if n := s.count("v2/login"); n != 2 || len(s.codesSent) != 1 {
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
	s.once("mfa/genmfatkn", reply{502, "<html>", nil})
	mustFail(t, o.session.EnterCode(t.Context(), s.code), bluelink.ErrUnavailable)
	s.code = "spent"
	must(t, o.session.EnterCode(t.Context(), "123456"))
	if s.count("mfa/validateotp") != 1 {
		t.Errorf("the code was shown %d times", s.count("mfa/validateotp"))
	}

	// Refused there, what the code has given is of no use, and another code is needed.
	s, o = newSite(t), nil
	o = open(t, s, bluelink.NewMemoryTokens())
	mustFail(t, o.Login(t.Context()), bluelink.ErrOTPRequired)
	must(t, o.session.SendCode(t.Context(), bluelink.ByEmail))
	s.once("mfa/genmfatkn", bad("7999"))
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
		s.once("mfa/validateotp", bad(code))
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
	s.always("mfa/validateotp", good(`{"verifiedOtp":false,"otpValidationKey":"x"}`))
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
		"no code":          {reply{200, `{"responseHeader":{"responseCode":1}}`, nil}, bluelink.ErrBadResponse, 0},
		"Cloudflare":       {reply{403, "<html>Attention Required", nil}, bluelink.ErrRateLimited, 15 * time.Minute},
		"Cloudflare JSON":  {reply{429, `{"error":"1015"}`, nil}, bluelink.ErrRateLimited, 15 * time.Minute},
		"back end":         {reply{500, "<html>", nil}, bluelink.ErrUnavailable, 0},
		"a page":           {reply{200, "<html>", nil}, bluelink.ErrBadResponse, 0},
		"numeric code":     {reply{200, `{"error":{"errorCode":7404},"responseHeader":{"responseCode":1}}`, nil}, bluelink.ErrCredentials, 0},
		"code as a flag":   {reply{200, `{"error":{"errorCode":"7404"},"responseHeader":{"responseCode":true}}`, nil}, bluelink.ErrCredentials, 0},
		"reset":            {reply{}, bluelink.ErrUnavailable, 0},
		"code is no code":  {reply{200, `{"responseHeader":{"responseCode":"x"},"result":{}}`, nil}, bluelink.ErrBadResponse, 0},
		"nothing of a use": {reply{200, `{"result":{}}`, nil}, bluelink.ErrBadResponse, 0},
	} {
		s := newSite(t)
		s.always("v2/login", test.reply)
		o := open(t, s, bluelink.NewMemoryTokens())
		err := o.Login(t.Context())
		if !errors.Is(err, test.want) || bluelink.RetryAfter(err) != test.wait || s.count("v2/login") != 1 {
			t.Errorf("%s: %v, wait %s, after %d sign-ins; want %v", name, err, bluelink.RetryAfter(err), s.count("v2/login"), test.want)
		}
	}
}

// TestLogin_TooManySignInsAreLetBe: each one that follows would extend the block.
func TestLogin_TooManySignInsAreLetBe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, o := signedIn(t)
		s.always("v2/login", bad("7901"))
		<-time.After(25 * time.Hour)
		n := s.count("v2/login")
		for range 35 {
			mustFail(t, o.Login(t.Context()), bluelink.ErrRateLimited)
			<-time.After(time.Minute)
		}
		if got := s.count("v2/login") - n; got != 1 {
			t.Errorf("%d sign-ins in 35 minutes", got)
		}
		s.usual("v2/login")
		<-time.After(time.Minute)
		must(t, o.Login(t.Context()))
	})
}

func TestLogin_WrongPasswordAtARenewalStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, o := signedIn(t)
		s.password = "changed"
		n := s.count("v2/login")
		<-time.After(25 * time.Hour)
		for range 5 {
			mustFail(t, o.Login(t.Context()), bluelink.ErrCredentials)
			o = open(t, s, o.tokens)
			<-time.After(time.Hour)
		}
		if got := s.count("v2/login") - n; got != 1 {
			t.Errorf("the wrong password was tried %d times", got)
		}
	})
}

func TestLogin_ADeviceThatIsRefusedIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, o := signedIn(t)
		before := s.last("v2/login").header.Get("Deviceid")
		s.once("v2/login", bad("7710"))
		<-time.After(25 * time.Hour)
		mustFail(t, o.Login(t.Context()), bluelink.ErrDevice)
		<-time.After(time.Minute)
		mustFail(t, o.Login(t.Context()), bluelink.ErrOTPRequired)
		if after := s.last("v2/login").header.Get("Deviceid"); after == before || after == "" {
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
				n, signIns := s.count(path), s.count("v2/login")
				s.once(path, bad(code))
				if err := do(); err != nil || s.count(path)-n != 2 || s.count("v2/login")-signIns != 1 {
					t.Errorf("%s at %s: %v after %d calls and %d sign-ins", code, path, err, s.count(path)-n, s.count("v2/login")-signIns)
				}
				s.always(path, bad(code))
				n = s.count(path)
				if err := do(); !errors.Is(err, bluelink.ErrSessionExpired) || bluelink.MayHaveSucceeded(err) || s.count(path)-n != 2 {
					t.Errorf("%s for ever at %s: %v after %d calls", code, path, err, s.count(path)-n)
				}
				s.usual(path)
			}
		})
	}
}

func TestLogin_TakesAndGivesNoRefreshTokens(t *testing.T) {
	s, o := signedIn(t)
	n := len(s.calls)
	mustFail(t, o.session.Adopt(t.Context(), "token of another program"), bluelink.ErrUnsupported)
	if token, err := o.session.RefreshToken(t.Context()); token != "" || err != nil || len(s.calls) != n {
		t.Errorf("%q, %v, %d calls", token, err, len(s.calls)-n)
	}
	o.list(t)
}
