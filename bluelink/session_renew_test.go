package bluelink_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
)

// expiry notes what a session tells of its end.
type expiry struct {
	until time.Time
	why   error
	told  int
}

// watched is a session whose expiry is noted.
func watched(t *testing.T, a *authority, s *store) (*bluelink.Session, *expiry) {
	t.Helper()
	if a.life == 0 {
		a.life = time.Hour
	}
	e := &expiry{}
	settings, err := bluelink.NewSettings(bluelink.WithTokenStore(s), bluelink.WithWatcher(bluelink.Watcher{
		Expiring: func(until time.Time, why error) { e.until, e.why = until, why; e.told++ },
	}))
	if err != nil {
		t.Fatal(err)
	}
	return bluelink.NewSession(account, a, settings), e
}

// use asks for tokens every minute and fails the test when they are not the expected ones.
func use(t *testing.T, session *bluelink.Session, minutes int, want string) {
	t.Helper()
	for range minutes {
		if tokens, err := session.Tokens(t.Context(), 0); err != nil || tokens.Access != want {
			t.Fatalf("%q, %v; want %q", tokens.Access, err, want)
		}
		<-time.After(time.Minute)
	}
}

// TestSession_GoesOnWithALivingTokenWhenRenewalFails lets a cloud be out of order for the whole last tenth of a token's life.
func TestSession_GoesOnWithALivingTokenWhenRenewalFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, s := &authority{life: 24 * time.Hour}, newStore()
		session, told := watched(t, a, s)
		use(t, session, 21*60, "access 1")
		if a.renews != 0 || told.told != 0 {
			t.Fatalf("%d renewals with three hours left", a.renews)
		}
		a.renew = func(context.Context) error { return &bluelink.Error{Err: bluelink.ErrUnavailable} }
		use(t, session, 150, "access 1")
		if a.renews < 5 || a.renews > 20 || a.logins != 1 {
			t.Errorf("%d renewals and %d sign-ins", a.renews, a.logins)
		}
		if !errors.Is(told.why, bluelink.ErrUnavailable) || (time.Until(told.until)-30*time.Minute).Abs() > time.Minute {
			t.Errorf("told: until %s, %v", told.until, told.why)
		}
		a.renew = nil
		<-time.After(29 * time.Minute)
		n := a.renews
		if tokens, err := session.Tokens(t.Context(), 0); err != nil || tokens.Access != fmt.Sprint("access ", n+2) {
			t.Errorf("%q, %v", tokens.Access, err)
		}
		if !told.until.IsZero() || told.why != nil {
			t.Errorf("still told to expire at %s: %v", told.until, told.why)
		}
	})
}

func TestSession_EndsWhenRenewalFailsForTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &authority{}
		session, _ := watched(t, a, newStore())
		use(t, session, 50, "access 1")
		a.renew = func(context.Context) error { return &bluelink.Error{Err: bluelink.ErrUnavailable} }
		use(t, session, 9, "access 1")
		<-time.After(time.Minute)
		n := a.renews
		for range 24 * 60 {
			if _, err := session.Tokens(t.Context(), 0); !errors.Is(err, bluelink.ErrUnavailable) {
				t.Fatal(err)
			}
			<-time.After(time.Minute)
		}
		if a.logins != 1 || a.renews-n > 80 {
			t.Errorf("%d sign-ins and %d renewals in a day of trouble", a.logins, a.renews-n)
		}
	})
}

// TestSession_RefusedOnceIsTriedAgainLater is A1: a 400 in a bad moment costs a delay, not a sign-in.
func TestSession_RefusedOnceIsTriedAgainLater(t *testing.T) {
	for name, alive := range map[string]bool{"while the token lives": true, "after its end": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, s := &authority{}, newStore()
				session := newSession(t, a, s, account)
				if _, err := session.Tokens(t.Context(), 0); err != nil {
					t.Fatal(err)
				}
				a.renew = func(context.Context) error {
					a.renew = nil
					return &bluelink.Error{Err: bluelink.ErrSessionExpired, Status: 400}
				}
				if alive {
					<-time.After(55 * time.Minute)
					use(t, session, 1, "access 1")
				} else {
					<-time.After(2 * time.Hour)
				}
				start := time.Now()
				tokens, err := session.Tokens(t.Context(), 0)
				if err != nil || a.logins != 1 || a.renews != 2 || tokens.Access != "access 3" {
					t.Errorf("%q, %v; %d sign-ins, %d renewals", tokens.Access, err, a.logins, a.renews)
				}
				if took := time.Since(start); !alive && took < 5*time.Second {
					t.Errorf("tried again after %s", took)
				}
			})
		})
	}
}

// TestSession_UnreadableAnswersSayNothingAboutTheToken is A13: only when they have come for long does the session sign in.
func TestSession_UnreadableAnswersSayNothingAboutTheToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &authority{}
		session := newSession(t, a, newStore(), account)
		first, err := session.Tokens(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		session.Expire(first)
		a.renew = func(context.Context) error { return &bluelink.Error{Err: bluelink.ErrBadResponse, Code: "7777"} }
		start := time.Now()
		for a.logins == 1 && time.Since(start) < 24*time.Hour {
			if _, err := session.Tokens(t.Context(), 0); err != nil && !errors.Is(err, bluelink.ErrBadResponse) {
				t.Fatal(err)
			}
			<-time.After(time.Minute)
		}
		if took := time.Since(start); took < time.Hour || took > 3*time.Hour {
			t.Errorf("signed in after %s", took)
		}
	})
}

// TestSession_BlockedSignInLeavesTheLivingToken is A2: reads go on, nothing is tried again by itself.
func TestSession_BlockedSignInLeavesTheLivingToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, s := &authority{}, newStore()
		session, told := watched(t, a, s)
		use(t, session, 50, "access 1")
		a.renew = func(context.Context) error { return &bluelink.Error{Err: bluelink.ErrSessionExpired} }
		a.login = refuse(bluelink.ErrBlocked)
		use(t, session, 9, "access 1")
		if a.logins != 2 || !errors.Is(told.why, bluelink.ErrBlocked) {
			t.Errorf("%d sign-ins; told %v", a.logins, told.why)
		}
		<-time.After(time.Hour)
		for range 100 {
			if _, err := session.Tokens(t.Context(), 0); !errors.Is(err, bluelink.ErrBlocked) {
				t.Fatal(err)
			}
			<-time.After(time.Hour)
		}
		if a.logins != 2 {
			t.Errorf("%d sign-ins", a.logins)
		}
	})
}

// TestSession_APersonNeedNotWaitForTheNextTry is "try again" while the session expires.
func TestSession_APersonNeedNotWaitForTheNextTry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &authority{life: 24 * time.Hour}
		session, told := watched(t, a, newStore())
		use(t, session, 1, "access 1")
		<-time.After(22 * time.Hour)
		a.renew = func(context.Context) error { return &bluelink.Error{Err: bluelink.ErrUnavailable} }
		use(t, session, 30, "access 1")
		a.renew = nil
		n := a.renews
		use(t, session, 1, "access 1")
		if a.renews != n {
			t.Fatal("it was time for another try anyway")
		}
		if tokens, err := session.Tokens(bluelink.WithPerson(t.Context()), 0); err != nil || tokens.Access == "access 1" || !told.until.IsZero() {
			t.Errorf("%q, %v, expires %s", tokens.Access, err, told.until)
		}
	})
}

// TestSession_OthersDoNotWaitForARenewalAhead holds that a slow cloud costs one caller at most.
func TestSession_OthersDoNotWaitForARenewalAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &authority{}
		session := newSession(t, a, newStore(), account)
		use(t, session, 54, "access 1")
		a.renew = func(context.Context) error { <-time.After(30 * time.Second); return nil }
		done := make(chan string)
		go func() {
			tokens, err := session.Tokens(t.Context(), 0)
			if err != nil {
				t.Error(err)
			}
			done <- tokens.Access
		}()
		synctest.Wait()
		start := time.Now()
		if tokens, err := session.Tokens(t.Context(), 0); err != nil || tokens.Access != "access 1" || time.Since(start) != 0 {
			t.Errorf("%q after %s, %v", tokens.Access, time.Since(start), err)
		}
		if got := <-done; got != "access 2" {
			t.Errorf("the caller that renewed got %q", got)
		}
	})
}

func TestSession_OurOwnRefusalIsNoFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &authority{login: refuse(errors.Join(bluelink.ErrQuota, bluelink.ErrCredentials))}
		s := newStore()
		session := newSession(t, a, s, account)
		for range 3 {
			if _, err := session.Tokens(t.Context(), 0); !errors.Is(err, bluelink.ErrQuota) {
				t.Fatal(err)
			}
		}
		if a.logins != 3 {
			t.Errorf("asked %d times: a refusal of our own says itself how long to wait", a.logins)
		}
		if stored, err := s.Load(t.Context()); err != nil || stored.Stopped != nil {
			t.Errorf("stopped by our own refusal: %+v, %v", stored.Stopped, err)
		}
	})
}

func TestAttempt_IsOneForAllCallsOfATry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen []bluelink.Attempt
		a := &authority{}
		a.renew = func(ctx context.Context) error {
			seen = append(seen, bluelink.AttemptOf(ctx), bluelink.AttemptOf(ctx))
			return nil
		}
		session := newSession(t, a, newStore(), account)
		use(t, session, 1, "access 1")
		for range 2 {
			<-time.After(2 * time.Hour)
			if _, err := session.Tokens(t.Context(), 0); err != nil {
				t.Fatal(err)
			}
		}
		if len(seen) != 4 || !seen[0].Renewal || seen[0].ID == 0 || seen[0] != seen[1] || seen[0] == seen[2] {
			t.Errorf("%+v", seen)
		}
		if bluelink.AttemptOf(t.Context()) != (bluelink.Attempt{}) || bluelink.ByPerson(t.Context()) {
			t.Error("an attempt out of nothing")
		}
	})
}

// sameToken is a cloud that gives the token again which it has given before, with a later end.
type sameToken struct{ *authority }

func (a sameToken) Renew(ctx context.Context, old bluelink.Tokens, keep bluelink.Keep) (bluelink.Tokens, error) {
	t, err := a.authority.Renew(ctx, old, keep)
	t.Access = old.Access
	return t, err
}

// TestSession_ATokenThatIsGivenAgainIsGood renews once after a refusal, and then as rarely as with another token.
func TestSession_ATokenThatIsGivenAgainIsGood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &authority{life: 24 * time.Hour}
		settings, err := bluelink.NewSettings()
		if err != nil {
			t.Fatal(err)
		}
		session := bluelink.NewSession(account, sameToken{a}, settings)
		first, err := session.Tokens(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		session.Expire(first)
		use(t, session, 60, first.Access)
		if a.renews != 1 {
			t.Errorf("%d renewals for one refusal", a.renews)
		}
		use(t, session, 10*24*60, first.Access)
		if a.renews < 10 || a.renews > 13 {
			t.Errorf("%d renewals in ten days", a.renews)
		}
	})
}
