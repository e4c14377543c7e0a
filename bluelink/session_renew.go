package bluelink

import (
	"context"
	"errors"
	"time"
)

// The pace of renewals.
const (
	// secondTry is the wait before a refused refresh token is tried once more: clouds have refused good ones in a bad moment,
	// and a sign-in instead, repeated, has locked accounts.
	secondTry = 10 * time.Second
	// aheadAgain is the shortest wait between two tries while the access token lives.
	aheadAgain = time.Minute
	// An answer that nobody can read says nothing about the refresh token, until it has come so often for so long.
	unreadTries = 3
	unreadFor   = time.Hour
	// deadFor is how long a refresh token counts as refused. When no sign-in has replaced it by then, the fault was perhaps
	// not the token's.
	deadFor = time.Hour
)

// renewal is how renewing goes. The lock of its session guards it.
type renewal struct {
	failed  int       // tries in a row
	next    time.Time // no try before
	failure error     // of the last one
	refused int       // refusals of the refresh token in a row
	unread  int       // answers in a row that could not be read
	since   time.Time // of the first of those
	said    bool      // that the session expires
	dead    time.Time // until then the refresh token that was refused is not tried
}

// renewAhead renews tokens that still live, and gives the best there are then. Only one caller does the work; the others
// do not wait for it.
func (s *Session) renewAhead(ctx context.Context, living Tokens) Tokens {
	select {
	case s.turn <- struct{}{}:
	default:
		return living
	}
	defer s.endTurn()
	if t, good, due := s.look(ctx, expiryMargin); !good || !due { // another caller was faster
		if good {
			return t
		}
		return living
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), attemptTimeout)
	defer cancel()
	err := s.saveAgain(ctx)
	if err == nil {
		if t, good, due := s.look(ctx, expiryMargin); good && !due { // what could not be stored were new tokens
			return t
		}
		var t Tokens
		if t, err = s.renew(ctx, true); err == nil {
			return t
		}
	}
	s.mu.Lock()
	s.renewal.next = later(s.renewal.next, time.Now().Add(max(aheadAgain, RetryAfter(err))))
	news := !s.renewal.said
	s.renewal.said = true
	s.mu.Unlock()
	if news {
		s.log.WarnContext(ctx, "session could not be renewed yet and goes on until it ends", "expires", living.Expires, "error", err)
	}
	s.expiring(living.Expires, err)
	return living
}

// renew gets new tokens by the cheapest way that works: renewal, else sign-in. The access token may still live.
func (s *Session) renew(ctx context.Context, alive bool) (Tokens, error) {
	old := s.current()
	if old.Challenge != nil && !ByPerson(ctx) {
		return Tokens{}, old.Challenge.waits()
	}
	s.mu.Lock()
	dead := old.Refresh == s.dead && (old.Stopped != nil || time.Now().Before(s.renewal.dead))
	wait, failure := time.Until(s.renewal.next), s.renewal.failure
	s.mu.Unlock()
	if old.Refresh == "" || dead || old.Stopped != nil && old.Stopped.Renewals {
		return s.login(ctx, old)
	}
	if wait > 0 && failure != nil && !ByPerson(ctx) {
		return Tokens{}, &Error{Op: "renew session", Text: "waiting after a failure", RetryAfter: wait, Reason: Reason(failure), Err: failure}
	}
	t, signsIn, err := s.tryRenewal(ctx)
	if err != nil && (signsIn || errors.Is(err, ErrOTPRequired)) {
		return Tokens{}, s.signInAgainFailed(ctx, err)
	}
	if err != nil && s.doubtful(err, alive) {
		s.log.WarnContext(ctx, "the cloud refused to renew the session; trying once more", "again_in", secondTry.String(), "error", err)
		if err := sleep(ctx, secondTry); err != nil {
			return Tokens{}, &Error{Op: "renew session", Err: err}
		}
		t, _, err = s.tryRenewal(ctx)
	}
	if err == nil {
		return t, nil
	}
	if !s.isDead(err, alive) {
		return Tokens{}, err // what we hold may still be good
	}
	s.log.InfoContext(ctx, "session cannot be renewed, signing in", "error", err)
	s.mu.Lock()
	s.dead, s.renewal = s.tokens.Refresh, renewal{said: s.renewal.said, dead: time.Now().Add(deadFor)}
	s.mu.Unlock()
	return s.login(ctx, s.current())
}

// signInAgainFailed remembers what a renewal that signs in has met: it is doubted as little as a first sign-in, and no other
// sign-in takes its place.
func (s *Session) signInAgainFailed(ctx context.Context, err error) error {
	if errors.Is(err, ErrQuota) {
		return err
	}
	if failure := s.challenged(ctx, err); failure != nil {
		return errors.Join(err, failure)
	}
	return s.stop(ctx, err, true)
}

// tryRenewal renews once and remembers how that went. It tells whether the cloud's way to renew is to sign in.
func (s *Session) tryRenewal(ctx context.Context) (_ Tokens, signsIn bool, err error) {
	ctx = withAttempt(ctx, true)
	t, err := s.authority.Renew(ctx, s.current(), s.keep)
	signsIn = AttemptOf(ctx).signedIn()
	if err == nil {
		t.Stopped, t.Challenge = nil, nil
		if err := s.keep(ctx, t); err != nil {
			return Tokens{}, signsIn, err
		}
		s.log.DebugContext(ctx, "session renewed", "expires", t.Expires)
		s.renewed()
		return t, signsIn, nil
	}
	if errors.Is(err, ErrQuota) { // our own refusal says nothing about the token
		return Tokens{}, signsIn, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r := &s.renewal
	r.failed++
	r.failure, r.next = err, time.Now().Add(max(renewBackoff(r.failed), RetryAfter(err)))
	r.refused, r.unread = r.refused+1, r.unread+1
	if !isRefusal(err) {
		r.refused = 0
	}
	switch {
	case !errors.Is(err, ErrBadResponse):
		r.unread = 0
	case r.unread == 1:
		r.since = time.Now()
	}
	return Tokens{}, signsIn, err
}

// renewed tells that there are new tokens.
func (s *Session) renewed() {
	s.mu.Lock()
	said := s.renewal.said
	s.renewal = renewal{}
	s.refused = "" // should it be the same token, the cloud has given it again
	s.mu.Unlock()
	if said {
		s.expiring(time.Time{}, nil)
	}
}

func isRefusal(err error) bool {
	return errors.Is(err, ErrSessionExpired) || errors.Is(err, ErrCredentials)
}

// doubtful tells whether a refusal deserves another try at once: the first one, when there is nothing to go on with.
func (s *Session) doubtful(err error, alive bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return isRefusal(err) && !alive && s.renewal.refused == 1
}

// isDead tells whether what the cloud says proves that the refresh token is of no use any more.
func (s *Session) isDead(err error, alive bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.renewal
	unread := errors.Is(err, ErrBadResponse) && r.unread >= unreadTries && time.Since(r.since) >= unreadFor
	return isRefusal(err) && r.refused > 1 || unread && !alive
}

// renewBackoff is the wait after the n-th failed renewal in a row: none, then as after failed sign-ins, but shorter than
// people let pass between two reads, so that the first read after an outage finds it over.
func renewBackoff(n int) time.Duration {
	if n < 2 {
		return 0
	}
	return min(loginBackoff(n-1), 20*time.Minute)
}

// sleep waits, or ends with the context.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
