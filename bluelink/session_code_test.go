package bluelink_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
)

// otpCloud is a cloud that demands a code once for each device, and keeps a key for each demand.
type otpCloud struct {
	authority
	trusted map[string]bool
	keys    int // given so far; the last one is valid
	sent    []string
	entered []string
	send    error // instead of sending
	enter   error // instead of looking at the code
	methods []bluelink.CodeMethod
}

func newOTPCloud() *otpCloud {
	return &otpCloud{
		authority: authority{life: 24 * time.Hour}, trusted: map[string]bool{},
		methods: []bluelink.CodeMethod{{Name: bluelink.ByEmail, To: "m…@example.com"}, {Name: bluelink.BySMS, To: "…34"}},
	}
}

func (o *otpCloud) Login(ctx context.Context, old bluelink.Tokens, keep bluelink.Keep) (bluelink.Tokens, error) {
	t, err := o.authority.Login(ctx, old, keep)
	if err != nil {
		return t, err
	}
	return o.demand(ctx, t, keep)
}

func (o *otpCloud) demand(ctx context.Context, t bluelink.Tokens, keep bluelink.Keep) (bluelink.Tokens, error) {
	if o.trusted[t.Device] {
		return t, nil
	}
	o.keys++
	waiting := bluelink.Tokens{Device: t.Device, Challenge: &bluelink.Challenge{Methods: o.methods, State: map[string]string{"key": o.key()}}}
	if err := keep(ctx, waiting); err != nil {
		return bluelink.Tokens{}, err
	}
	return bluelink.Tokens{}, &bluelink.Error{Op: "sign in", Left: true, Err: bluelink.ErrOTPRequired}
}

func (o *otpCloud) key() string { return fmt.Sprint("key ", o.keys) }

func (o *otpCloud) SendCode(_ context.Context, old bluelink.Tokens, method string, _ bluelink.Keep) (bluelink.Tokens, error) {
	switch {
	case old.Challenge.State["key"] != o.key():
		return bluelink.Tokens{}, &bluelink.Error{Op: "send", Left: true, Err: bluelink.ErrSessionExpired}
	case o.send != nil:
		return bluelink.Tokens{}, o.send
	}
	o.sent = append(o.sent, method)
	return old, nil
}

func (o *otpCloud) EnterCode(_ context.Context, old bluelink.Tokens, code string, _ bluelink.Keep) (bluelink.Tokens, error) {
	switch {
	case old.Challenge.State["key"] != o.key():
		return bluelink.Tokens{}, &bluelink.Error{Op: "enter", Left: true, Err: bluelink.ErrSessionExpired}
	case o.enter != nil:
		return bluelink.Tokens{}, o.enter
	}
	if o.entered = append(o.entered, code); code != "123456" {
		return bluelink.Tokens{}, &bluelink.Error{Op: "enter", Left: true, Err: bluelink.ErrOTP}
	}
	o.trusted[old.Device] = true
	return o.give(old.Device), nil
}

// program is one run of a program on a store.
func (o *otpCloud) program(t *testing.T, s *store) *bluelink.Session {
	t.Helper()
	settings, err := bluelink.NewSettings(bluelink.WithTokenStore(s))
	if err != nil {
		t.Fatal(err)
	}
	return bluelink.NewSession(account, o, settings)
}

// challenged is a session whose sign-in waits for a code, with the store that it lies in.
func challenged(t *testing.T) (*otpCloud, *store, *bluelink.Session) {
	t.Helper()
	o, s := newOTPCloud(), newStore()
	session := o.program(t, s)
	mustFail(t, tokensOf(t, session), bluelink.ErrOTPRequired)
	return o, s, session
}

func tokensOf(t *testing.T, s *bluelink.Session) error {
	t.Helper()
	_, err := s.Tokens(t.Context(), 0)
	return err
}

func mustFail(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("error %v, want %v", err, want)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestSession_WaitsForACodeAndSignsInNoMoreByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, s, session := challenged(t)
		begun := time.Now()
		for range 7 * 24 {
			mustFail(t, tokensOf(t, session), bluelink.ErrOTPRequired)
			<-time.After(time.Hour)
			session = o.program(t, s) // a restart changes nothing
		}
		if o.logins != 1 || o.devices != 1 || len(o.sent) != 0 {
			t.Errorf("in a week %d sign-ins, %d devices, codes %v; want one sign-in and no code", o.logins, o.devices, o.sent)
		}
		c, waits := session.Challenge()
		if !waits || len(c.Methods) != 2 || !c.Since.Equal(begun) || c.Sent != "" || c.State != nil {
			t.Errorf("%+v, %t", c, waits)
		}
		_, err := session.Tokens(bluelink.WithPerson(t.Context()), 0)
		if mustFail(t, err, bluelink.ErrOTPRequired); o.logins != 2 {
			t.Errorf("a person starts over: %d sign-ins", o.logins)
		}
	})
}

func TestSession_FinishesWithTheCode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, s, session := challenged(t)
		must(t, session.SendCode(t.Context(), bluelink.BySMS))
		sentAt := time.Now()
		<-time.After(5 * time.Minute)
		session = o.program(t, s)
		if c, _ := session.Challenge(); c.Sent != bluelink.BySMS || !c.SentAt.Equal(sentAt) {
			t.Errorf("after a restart: %+v", c)
		}
		must(t, session.EnterCode(t.Context(), " 123 456 "))
		if _, waits := session.Challenge(); waits {
			t.Error("still waits")
		}
		session = o.program(t, s)
		must(t, tokensOf(t, session))
		if stored, err := s.Load(t.Context()); err != nil || stored.Challenge != nil || o.logins != 1 {
			t.Errorf("stored %+v, %v; %d sign-ins", stored.Challenge, err, o.logins)
		}
		mustFail(t, session.EnterCode(t.Context(), "123456"), bluelink.ErrInvalidCommand)
		mustFail(t, session.SendCode(t.Context(), bluelink.BySMS), bluelink.ErrInvalidCommand)
	})
}

func TestSession_SendsByAMethodThatIsOffered(t *testing.T) {
	o, _, session := challenged(t)
	for _, method := range []string{"", "pigeon", "EMAIL"} {
		mustFail(t, session.SendCode(t.Context(), method), bluelink.ErrInvalidCommand)
	}
	if len(o.sent) != 0 {
		t.Errorf("sent %v", o.sent)
	}
	o.methods = o.methods[:1]
	_, err := session.Tokens(bluelink.WithPerson(t.Context()), 0)
	mustFail(t, err, bluelink.ErrOTPRequired)
	must(t, session.SendCode(t.Context(), ""))
	if len(o.sent) != 1 || o.sent[0] != bluelink.ByEmail {
		t.Errorf("sent %v, want by the only method", o.sent)
	}
}

func TestSession_ThreeWrongCodesForEachThatIsSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, s, session := challenged(t)
		must(t, session.SendCode(t.Context(), bluelink.ByEmail))
		for range 20 {
			mustFail(t, session.EnterCode(t.Context(), "000000"), bluelink.ErrOTP)
			session = o.program(t, s) // the count outlives the process
		}
		if len(o.entered) != 3 {
			t.Errorf("%d wrong codes left", len(o.entered))
		}
		for _, typo := range []string{"", "12", "12345678901", "12a456", "١٢٣٤"} {
			mustFail(t, session.EnterCode(t.Context(), typo), bluelink.ErrInvalidCommand)
		}
		must(t, session.SendCode(t.Context(), bluelink.ByEmail))
		must(t, session.EnterCode(t.Context(), "123456"))
		if len(o.entered) != 4 {
			t.Errorf("entered %v", o.entered)
		}
	})
}

func TestSession_ACodeWhoseAnswerIsLostCountsAndOneThatNeverLeftDoesNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, _, session := challenged(t)
		must(t, session.SendCode(t.Context(), bluelink.ByEmail))
		o.enter = &bluelink.Error{Op: "enter", Err: bluelink.ErrUnavailable}
		for range 10 {
			mustFail(t, session.EnterCode(t.Context(), "123456"), bluelink.ErrUnavailable)
		}
		o.enter = &bluelink.Error{Op: "enter", Left: true, Err: bluelink.ErrUnavailable}
		for range 3 {
			mustFail(t, session.EnterCode(t.Context(), "123456"), bluelink.ErrUnavailable)
		}
		o.enter = nil
		mustFail(t, session.EnterCode(t.Context(), "123456"), bluelink.ErrOTP)
	})
}

func TestSession_AnExpiredChallengeIsBegunAnewByTheNextRequestForACode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, s, session := challenged(t)
		must(t, session.SendCode(t.Context(), bluelink.ByEmail))
		o.keys = 100 // the cloud has forgotten it
		mustFail(t, session.EnterCode(t.Context(), "123456"), bluelink.ErrOTPRequired)
		c, waits := session.Challenge()
		if !waits || c.Sent != "" || o.logins != 1 {
			t.Errorf("%+v, %t; %d sign-ins", c, waits, o.logins)
		}
		session = o.program(t, s)
		person := bluelink.WithPerson(t.Context())
		must(t, session.SendCode(person, bluelink.BySMS))
		if o.logins != 2 || len(o.sent) != 2 {
			t.Errorf("%d sign-ins, codes %v", o.logins, o.sent)
		}
		must(t, session.EnterCode(person, "123456"))

		// Begun anew, it may turn out that no code is wanted any more.
		o, _, session = challenged(t)
		o.keys, o.trusted["device 1"] = 100, true
		must(t, session.SendCode(person, bluelink.BySMS))
		if err := tokensOf(t, session); err != nil || len(o.sent) != 0 {
			t.Errorf("%v, codes %v", err, o.sent)
		}

		// And it may be refused for other reasons, which are told as they are.
		o, _, session = challenged(t)
		o.keys, o.login = 100, refuse(bluelink.ErrCredentials)
		mustFail(t, session.SendCode(person, bluelink.BySMS), bluelink.ErrCredentials)
		mustFail(t, tokensOf(t, session), bluelink.ErrCredentials)
	})
}

func TestSession_DemandForACodeAtARenewalLeavesTheLivingToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, s := newOTPCloud(), newStore()
		o.trusted["device 1"] = true
		session := o.program(t, s)
		must(t, tokensOf(t, session))
		o.renew = func(ctx context.Context) error {
			stored, err := s.Load(ctx)
			must(t, err)
			stored.Challenge = &bluelink.Challenge{Methods: o.methods}
			must(t, s.Save(ctx, stored)) // stands for keep
			return &bluelink.Error{Left: true, Err: bluelink.ErrOTPRequired}
		}
		<-time.After(23 * time.Hour)
		for range 59 {
			must(t, tokensOf(t, session))
			<-time.After(time.Minute)
		}
		<-time.After(time.Minute)
		for range 24 * 60 {
			mustFail(t, tokensOf(t, session), bluelink.ErrOTPRequired)
			<-time.After(time.Minute)
		}
		if o.renews != 1 || o.logins != 1 {
			t.Errorf("%d renewals and %d sign-ins", o.renews, o.logins)
		}
	})
}

func TestSession_ACloudThatKnowsNoCodesMayDemandOne(t *testing.T) {
	a, s := &authority{login: refuse(bluelink.ErrOTPRequired)}, newStore()
	for range 10 { // restarts
		session := newSession(t, a, s, account)
		mustFail(t, tokensOf(t, session), bluelink.ErrOTPRequired)
		mustFail(t, session.SendCode(t.Context(), bluelink.ByEmail), bluelink.ErrUnsupported)
	}
	if a.logins != 1 {
		t.Errorf("%d sign-ins", a.logins)
	}
	a.login = nil
	session := newSession(t, a, s, account)
	_, err := session.Tokens(bluelink.WithPerson(t.Context()), 0)
	must(t, err)
}

func TestSession_AChallengeThatCannotBeStoredIsNotMetAgain(t *testing.T) {
	o, s := newOTPCloud(), newStore()
	full := errors.New("disk full")
	o.trusted["device 2"] = true
	must(t, s.Save(t.Context(), bluelink.Tokens{Device: "device 1"}))
	session := o.program(t, s)
	s.save = full
	for range 5 {
		mustFail(t, tokensOf(t, session), full)
	}
	s.save = nil
	mustFail(t, tokensOf(t, session), bluelink.ErrOTPRequired)
	if o.logins != 1 {
		t.Errorf("%d sign-ins", o.logins)
	}
}

func TestSession_TellsOfItsChallengeWithoutSecrets(t *testing.T) {
	o, s := newOTPCloud(), newStore()
	var told []string
	watch := bluelink.WithWatcher(bluelink.Watcher{Challenge: func(c bluelink.Challenge, waits bool) {
		told = append(told, fmt.Sprint(waits, " ", c.Sent, " ", c.Tries))
		if len(c.State) != 0 {
			t.Errorf("told %v", c.State)
		}
	}})
	run := func() *bluelink.Session {
		settings, err := bluelink.NewSettings(bluelink.WithTokenStore(s), watch)
		must(t, err)
		return bluelink.NewSession(account, o, settings)
	}
	session := run()
	mustFail(t, tokensOf(t, session), bluelink.ErrOTPRequired)
	must(t, session.SendCode(t.Context(), bluelink.ByEmail))
	session = run()
	mustFail(t, session.EnterCode(t.Context(), "000000"), bluelink.ErrOTP)
	must(t, session.EnterCode(t.Context(), "123456"))
	want := "true  0, true email 0, true email 0, true email 1, true email 2, false  0"
	if got := strings.Join(told, ", "); got != want {
		t.Errorf("told %s\nwant %s", got, want)
	}
}

// reSigner is a cloud that renews by signing in.
type reSigner struct {
	authority
	transport *bluelink.Transport
	answer    error
}

func (r *reSigner) Renew(ctx context.Context, old bluelink.Tokens, keep bluelink.Keep) (bluelink.Tokens, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://cloud.example/login", http.NoBody)
	if err != nil {
		return bluelink.Tokens{}, err
	}
	_, err = r.transport.Do(ctx, bluelink.Exchange{
		Call: bluelink.Call{Kind: bluelink.CallRenew, Op: "sign in", Credentials: true}, Request: request,
		Classify: func(bluelink.Answer) error { return r.answer },
	})
	if err != nil {
		r.renews++
		return bluelink.Tokens{}, err
	}
	return r.authority.Renew(ctx, old, keep)
}

// TestSession_PasswordRefusedAtARenewalIsNotTriedAgain is about clouds that renew by signing in: a refusal there is one of
// the password, and neither doubted nor followed by another sign-in, restarts included.
func TestSession_PasswordRefusedAtARenewalIsNotTriedAgain(t *testing.T) {
	for _, sentinel := range []error{bluelink.ErrCredentials, bluelink.ErrBlocked, bluelink.ErrConsentRequired} {
		synctest.Test(t, func(t *testing.T) {
			r, s := &reSigner{authority: authority{life: 24 * time.Hour}}, newStore()
			rt := roundTripper(func(*http.Request) (*http.Response, error) {
				return &http.Response{StatusCode: 200, Body: http.NoBody, Header: http.Header{}, Request: &http.Request{}}, nil
			})
			settings, err := bluelink.NewSettings(bluelink.WithTokenStore(s), bluelink.WithRoundTripper(rt))
			must(t, err)
			r.transport = bluelink.NewTransport(account, settings)
			session := bluelink.NewSession(account, r, settings)
			must(t, tokensOf(t, session))
			<-time.After(25 * time.Hour)
			r.answer = &bluelink.Error{Err: sentinel}
			for range 10 {
				for range 10 {
					mustFail(t, tokensOf(t, session), sentinel)
					<-time.After(10 * time.Minute)
				}
				session = bluelink.NewSession(account, r, settings)
			}
			if r.renews != 1 || r.logins != 1 {
				t.Errorf("%v: %d renewals and %d sign-ins", sentinel, r.renews, r.logins)
			}
			r.answer = nil
			_, err = session.Tokens(bluelink.WithPerson(t.Context()), 0)
			must(t, err)
			must(t, tokensOf(t, session))
		})
	}
}

func TestMaskDestination(t *testing.T) {
	for to, want := range map[string]string{
		"jane@example.com": "j…@example.com", "j***@example.com": "j***@example.com", "5550101": "…101", "+15550101234": "…1234",
		"***-***-1234": "***-***-1234", "12": "…2", "": "", " ": "",
	} {
		if got := bluelink.MaskDestination(to); got != want {
			t.Errorf("%q is shown as %q, want %q", to, got, want)
		}
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
