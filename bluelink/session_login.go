package bluelink

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"time"
)

// Stop is why no sign-in is tried by itself any more.
type Stop struct {
	Why         string    `json:"why"` // "credentials", "blocked", "consent" or "signed_out"
	Text        string    `json:"text"`
	Since       time.Time `json:"since"`
	Credentials string    `json:"credentials"` // fingerprint of those that it is about
	// Renewals tells that renewing is stopped as well, because the cloud renews by signing in.
	Renewals bool `json:"renewals,omitempty"`
}

var stops = map[string]error{
	"credentials": ErrCredentials, "blocked": ErrBlocked, "consent": ErrConsentRequired, signedOut: ErrSignedOut,
}

// signing is how signing in goes. The lock of its session guards it.
type signing struct {
	failed  int       // sign-ins in a row
	retryAt time.Time // no sign-in before
	failure error     // of the last one, repeated until retryAt
}

// login signs in, unless that was refused before and neither the configuration has changed nor a person asks.
func (s *Session) login(ctx context.Context, old Tokens) (Tokens, error) {
	if stop := old.Stopped; stop != nil {
		salt, _, _ := strings.Cut(stop.Credentials, ":")
		switch {
		case s.credentials(salt) != stop.Credentials:
			ctx = WithPerson(ctx) // somebody has changed them
		case !ByPerson(ctx):
			return Tokens{}, &Error{
				Op: "sign in", Text: "not tried again since " + stop.Since.UTC().Format(time.RFC3339) + ": " + stop.Text, Err: stops[stop.Why],
			}
		}
	}
	s.mu.Lock()
	wait, failure := time.Until(s.signing.retryAt), s.signing.failure
	s.mu.Unlock()
	if wait > 0 && !ByPerson(ctx) {
		return Tokens{}, &Error{Op: "sign in", Text: "waiting after a failure", RetryAfter: wait, Err: failure}
	}
	t, err := s.authority.Login(withAttempt(ctx, false), old, s.keep)
	if err != nil {
		return Tokens{}, s.loginFailed(ctx, err)
	}
	if err := s.signedIn(ctx, t); err != nil {
		return Tokens{}, err
	}
	return s.current(), nil
}

// signedIn uses what a sign-in gave.
func (s *Session) signedIn(ctx context.Context, t Tokens) error {
	t.Stopped, t.Challenge = nil, nil
	if err := s.keep(ctx, t); err != nil {
		return err
	}
	s.mu.Lock()
	s.signing, s.dead = signing{}, ""
	s.mu.Unlock()
	s.renewed()
	s.log.InfoContext(ctx, "signed in", "expires", t.Expires)
	return nil
}

// loginFailed remembers what must not be repeated.
func (s *Session) loginFailed(ctx context.Context, err error) error {
	if errors.Is(err, ErrQuota) {
		return err // nothing was tried: it says itself how long to wait
	}
	s.mu.Lock()
	s.signing.failed++
	s.signing.retryAt, s.signing.failure = time.Now().Add(max(loginBackoff(s.signing.failed), RetryAfter(err))), err
	s.mu.Unlock()
	if failure := s.challenged(ctx, err); failure != nil {
		return errors.Join(err, failure)
	}
	return s.stop(ctx, err, false)
}

// stop lets nothing sign in by itself any more, when err says that a person must act first.
func (s *Session) stop(ctx context.Context, err error, renewals bool) error {
	for why, sentinel := range stops {
		if errors.Is(err, sentinel) {
			next := s.current()
			next.Challenge = nil
			next.Stopped = &Stop{Why: why, Text: err.Error(), Since: time.Now(), Credentials: s.credentials(rand.Text()), Renewals: renewals}
			return errors.Join(err, s.keep(ctx, next))
		}
	}
	return err
}

// loginBackoff is the wait after the n-th failed sign-in in a row: 10 s, doubling, at most 30 min.
func loginBackoff(n int) time.Duration {
	return min(10*time.Second<<min(n-1, 10), 30*time.Minute)
}
