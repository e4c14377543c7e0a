package guard

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/store"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

var enterCall = bluelink.Call{Kind: bluelink.CallCode, Op: "enter", Credentials: true}

// coder is a signer whose sign-ins demand a code.
type coder struct {
	*signer
	good bool // the code is
}

func (c *coder) Login(ctx context.Context, old bluelink.Tokens, keep bluelink.Keep) (bluelink.Tokens, error) {
	if err := c.calls(ctx, pageCall); err != nil {
		return bluelink.Tokens{}, err
	}
	err := c.call(ctx, passwordCall, failing(bluelink.ErrOTPRequired))
	if errors.Is(err, bluelink.ErrQuota) {
		return bluelink.Tokens{}, err
	}
	old.Challenge = &bluelink.Challenge{Methods: []bluelink.CodeMethod{{Name: bluelink.ByEmail}}}
	return bluelink.Tokens{}, errors.Join(err, keep(ctx, old))
}

func (c *coder) SendCode(ctx context.Context, old bluelink.Tokens, _ string, _ bluelink.Keep) (bluelink.Tokens, error) {
	return old, c.call(ctx, codeCall, nil)
}

func (c *coder) EnterCode(ctx context.Context, _ bluelink.Tokens, _ string, _ bluelink.Keep) (bluelink.Tokens, error) {
	var refusal error
	if !c.good {
		refusal = failing(bluelink.ErrOTP)
	}
	if err := c.call(ctx, enterCall, refusal); err != nil {
		return bluelink.Tokens{}, err
	}
	// The end of such a sign-in may be a page and the password once more.
	if err := c.calls(ctx, pageCall, passwordCall, redeemCall); err != nil {
		return bluelink.Tokens{}, err
	}
	return c.give("device"), nil
}

func startCoder(t *testing.T, s store.Store, tokens bluelink.TokenStore) (*coder, *bluelink.Session) {
	t.Helper()
	signer, _ := start(t, s, tokens)
	c := &coder{signer: signer}
	settings, err := bluelink.NewSettings(bluelink.WithTokenStore(tokens))
	if err != nil {
		t.Fatal(err)
	}
	return c, bluelink.NewSession(bluelink.Account{Name: "home", Username: "a@example.com", Password: "secret"}, c, settings)
}

// TestLogins_ADemandForACodeCostsOneSignInAndNoCode runs for a week without anybody there, crashing all the time.
func TestLogins_ADemandForACodeCostsOneSignInAndNoCode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, tokens, sent := store.NewMemory(), bluelink.NewMemoryTokens(), map[string]int{}
		for range 7 * 24 * 4 {
			c, session := startCoder(t, s, tokens)
			if _, err := session.Tokens(context.Background(), 0); !errors.Is(err, bluelink.ErrOTPRequired) || bluelink.Reason(err) != vehicle.CodeRequired {
				t.Fatal(err)
			}
			for op, n := range c.sent {
				sent[op] += n
			}
			<-time.After(15 * time.Minute)
		}
		if sent["password"] != 1 || sent["code"]+sent["enter"] != 0 {
			t.Errorf("%v, want one password and no code", sent)
		}
	})
}

// TestLogins_ACodeMayBeEnteredWhereSignInsAreUsedUp: what a person was asked for must not be refused then.
func TestLogins_ACodeMayBeEnteredWhereSignInsAreUsedUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, session := startCoder(t, store.NewMemory(), bluelink.NewMemoryTokens())
		person := bluelink.WithPerson(context.Background())
		for range 4 {
			_, _ = session.Tokens(person, 0)
		}
		if n := c.sent["password"]; n != 3 {
			t.Fatalf("%d sign-ins by a person within an hour", n)
		}
		if err := session.SendCode(person, bluelink.ByEmail); err != nil {
			t.Fatal(err)
		}
		c.good = true
		if err := session.EnterCode(person, "123456"); err != nil {
			t.Errorf("the right code: %v", err)
		}
		today := c.guard.Today()
		if today["code_entered"] != 1 || today["code_by_person"] != 1 || today["code"] != 0 || today["login_by_person"] != 3 {
			t.Errorf("counted %v", today)
		}
	})
}

// TestLogins_WrongCodesAreBounded is an automation that sends codes and guesses, in a circle.
func TestLogins_WrongCodesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, tokens, sent := store.NewMemory(), bluelink.NewMemoryTokens(), map[string]int{}
		person := bluelink.WithPerson(context.Background())
		for range 24 * 60 {
			c, session := startCoder(t, s, tokens)
			_, _ = session.Tokens(context.Background(), 0)
			_ = session.SendCode(person, bluelink.ByEmail)
			for range 5 {
				if err := session.EnterCode(person, "000000"); err == nil || bluelink.Reason(err) != vehicle.CodeRequired {
					t.Fatal(err)
				}
			}
			for op, n := range c.sent {
				sent[op] += n
			}
			<-time.After(time.Minute)
		}
		if sent["password"] != 1 || sent["code"] != 6 || sent["enter"] == 0 || sent["enter"] > 10 {
			t.Errorf("in a day %v, want one password, six codes, at most ten entered", sent)
		}
	})
}

func TestLogins_CodesAskedForByNobodyAreOneInTwelveHours(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, session := startCoder(t, store.NewMemory(), bluelink.NewMemoryTokens())
		_, _ = session.Tokens(context.Background(), 0)
		for range 24 * 60 {
			if err := session.SendCode(context.Background(), bluelink.ByEmail); err != nil && bluelink.RetryAfter(err) <= 0 {
				t.Fatal(err)
			}
			<-time.After(time.Minute)
		}
		if c.sent["code"] != 2 {
			t.Errorf("%d codes in a day", c.sent["code"])
		}
	})
}
