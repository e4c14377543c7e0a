package bluelink_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
)

// tokenServer is a cloud's token endpoints in three functions.
type tokenServer struct {
	login, renew func(context.Context) (bluelink.Tokens, error)
	register     func() (string, error)
}

func (a tokenServer) Login(ctx context.Context, _ bluelink.Tokens, _ bluelink.Keep) (bluelink.Tokens, error) {
	return a.login(ctx)
}

func (a tokenServer) Renew(ctx context.Context, _ bluelink.Tokens, _ bluelink.Keep) (bluelink.Tokens, error) {
	return a.renew(ctx)
}

func (a tokenServer) Register(context.Context) (string, error) { return a.register() }

// sessionOf makes a session that holds these tokens.
func sessionOf(t *testing.T, a tokenServer, held bluelink.Tokens) (*bluelink.Session, bluelink.TokenStore) {
	t.Helper()
	tokens := bluelink.NewMemoryTokens()
	if err := tokens.Save(t.Context(), held); err != nil {
		t.Fatal(err)
	}
	settings, err := bluelink.NewSettings(bluelink.WithTokenStore(tokens))
	if err != nil {
		t.Fatal(err)
	}
	return bluelink.NewSession(bluelink.Account{}, a, settings), tokens
}

func TestSession_ARenewalThatIsNotAnsweredIsTriedTwiceHoweverManyWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit = 30 * time.Second
		tries := 0
		s, _ := sessionOf(t, tokenServer{renew: func(context.Context) (bluelink.Tokens, error) {
			tries++
			<-time.After(limit)
			return bluelink.Tokens{}, fmt.Errorf("renew: %w", bluelink.ErrUnavailable)
		}}, bluelink.Tokens{Access: "old", Refresh: "r"})
		start := time.Now()
		var callers sync.WaitGroup
		for range 100 {
			callers.Go(func() {
				if _, err := s.Tokens(t.Context(), 0); !errors.Is(err, bluelink.ErrUnavailable) {
					t.Errorf("a caller got %v", err)
				}
			})
		}
		callers.Wait()
		if took := time.Since(start); took > 2*limit || tries > 2 {
			t.Errorf("a hundred callers took %s and %d renewals, want at most two of %s", took, tries, limit)
		}
	})
}

func TestSession_ReplacesThreeDevicesADayAlsoAfterRestarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		registered := 0
		a := tokenServer{register: func() (string, error) {
			registered++
			return fmt.Sprintf("device-%d", registered), nil
		}}
		s, kept := sessionOf(t, a, bluelink.Tokens{Access: "a", Expires: time.Now().Add(100 * time.Hour), Refresh: "r", Device: "first"})
		replace := func(ctx context.Context) error {
			t.Helper()
			now, err := s.Tokens(ctx, 0)
			if err != nil {
				t.Fatal(err)
			}
			_, err = s.Reregister(ctx, now.Device)
			return err
		}
		for range 3 {
			if err := replace(t.Context()); err != nil {
				t.Fatal(err)
			}
			<-time.After(time.Hour)
		}
		now, err := kept.Load(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		s, _ = sessionOf(t, a, now) // the program starts again
		err = replace(t.Context())
		if !errors.Is(err, bluelink.ErrDevice) || registered != 3 {
			t.Fatalf("the fourth ended with %v after %d registrations", err, registered)
		}
		if after := bluelink.RetryAfter(err); after != 21*time.Hour {
			t.Errorf("it says to come again in %s, want 21h", after)
		}
		<-time.After(bluelink.RetryAfter(err))
		if err := replace(t.Context()); err != nil || registered != 4 {
			t.Errorf("a day after the first it ended with %v after %d registrations", err, registered)
		}
		if err := replace(t.Context()); err == nil {
			t.Error("a fifth was registered")
		}
		if err := replace(bluelink.WithPerson(t.Context())); err != nil || registered != 5 {
			t.Errorf("a person's attempt ended with %v after %d registrations", err, registered)
		}
	})
}

// TestSession_ARegistrationThatNeverLeftDoesNotCount has the network break between the refusal of a device and its
// replacement.
func TestSession_ARegistrationThatNeverLeftDoesNotCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var broken error = &bluelink.Error{Err: bluelink.ErrUnavailable}
		s, kept := sessionOf(t, tokenServer{register: func() (string, error) { return "second", broken }}, bluelink.Tokens{
			Access: "a", Expires: time.Now().Add(time.Hour), Device: "first",
		})
		if _, err := s.Tokens(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
		for range 10 {
			if _, err := s.Reregister(t.Context(), "first"); !errors.Is(err, bluelink.ErrUnavailable) || errors.Is(err, bluelink.ErrDevice) {
				t.Fatal(err)
			}
		}
		broken = nil
		if _, err := s.Reregister(t.Context(), "first"); err != nil {
			t.Fatal(err)
		}
		if now, _ := kept.Load(t.Context()); len(now.Registered) != 1 || now.Device != "second" {
			t.Errorf("%+v", now)
		}
	})
}

// TestSession_RegistrationsOfAClockThatWasAheadCountNoMore holds what was noted on a clock that was a year ahead.
func TestSession_RegistrationsOfAClockThatWasAheadCountNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ahead := time.Now().AddDate(1, 0, 0)
		s, kept := sessionOf(t, tokenServer{register: func() (string, error) { return "second", nil }}, bluelink.Tokens{
			Access: "a", Expires: time.Now().Add(time.Hour), Device: "first", Registered: []time.Time{ahead, ahead, ahead},
		})
		if _, err := s.Tokens(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Reregister(t.Context(), "first"); err != nil {
			t.Fatal(err)
		}
		if now, _ := kept.Load(t.Context()); len(now.Registered) != 1 || now.Device != "second" {
			t.Errorf("%+v", now)
		}
	})
}

func TestSession_ARegistrationWhoseAnswerIsLostCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tries := 0
		s, _ := sessionOf(t, tokenServer{register: func() (string, error) {
			tries++
			return "", bluelink.ErrUnavailable
		}}, bluelink.Tokens{Access: "a", Expires: time.Now().Add(time.Hour), Device: "first"})
		if _, err := s.Tokens(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
		for range 10 {
			if _, err := s.Reregister(t.Context(), "first"); err == nil {
				t.Fatal("registered without an answer")
			}
		}
		if tries != 3 {
			t.Errorf("%d registrations left, want 3", tries)
		}
	})
}
