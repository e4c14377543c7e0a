package bluelink

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// Tokens are what a session lives on. Families fill what their cloud has; the whole set is stored together
// (docs/protocol/vehicle-model.md §2.12).
type Tokens struct {
	Access  string    `json:"access,omitempty"` // as it goes into the Authorization header
	Expires time.Time `json:"expires,omitzero"` // of Access, by our clock
	Refresh string    `json:"refresh,omitempty"`
	Device  string    `json:"device,omitempty"`
	// Extra holds further tokens of a family by name, such as Europe's exchangeable ones.
	Extra map[string]string `json:"extra,omitempty"`

	// Registered are the latest times at which a refused device id was replaced. The session keeps them.
	Registered []time.Time `json:"registered,omitempty"`

	// Stopped tells that a person must act before another sign-in is tried.
	Stopped *Stop `json:"stopped,omitempty"`
}

// maxReregistrations is how often a day a refused device id is replaced: each one is another device at the cloud, and many
// of them have been linked to locked accounts.
const maxReregistrations = 3

// Stop is why no sign-in is tried by itself any more.
type Stop struct {
	Why         string    `json:"why"` // "credentials", "blocked" or "consent"
	Text        string    `json:"text"`
	Since       time.Time `json:"since"`
	Credentials string    `json:"credentials"` // fingerprint of those that were refused
}

var stops = map[string]error{"credentials": ErrCredentials, "blocked": ErrBlocked, "consent": ErrConsentRequired}

// expiryMargin is how much life a token must have left to be used.
const expiryMargin = 10 * time.Second

// valid tells whether the access token lives for at least left.
func (t Tokens) valid(left time.Duration) bool {
	return t.Access != "" && time.Until(t.Expires) > left
}

// TokenStore keeps the tokens of one account. Save must be durable when it returns: a rotated token is used only then.
type TokenStore interface {
	Load(ctx context.Context) (Tokens, error) // the zero Tokens when there are none
	Save(ctx context.Context, t Tokens) error
}

// Keep stores tokens in the middle of a sign-in or renewal. What later steps depend on must be durable first: a device id,
// a refresh token that was rotated and whose predecessor no longer works.
type Keep func(ctx context.Context, t Tokens) error

// Authority is how a protocol family obtains tokens. The session calls one method at a time, and stores what it returns.
type Authority interface {
	// Login signs in with the account's credentials. It may reuse the device id of old.
	Login(ctx context.Context, old Tokens, keep Keep) (Tokens, error)
	// Renew trades what old holds for new tokens without the password. ErrSessionExpired says that a sign-in is needed.
	Renew(ctx context.Context, old Tokens, keep Keep) (Tokens, error)
	// Register registers a device; its id goes into Tokens.Device.
	Register(ctx context.Context) (device string, err error)
}

// Session keeps the tokens of one account good: one renewal at a time, however many callers wait for it, and each result
// stored before it is used.
type Session struct {
	authority   Authority
	store       TokenStore
	log         *slog.Logger
	credentials func(salt string) string // fingerprint of the account's credentials

	turn chan struct{} // held by the one caller that talks to the authority

	mu      sync.Mutex // guards what follows; never held during a call
	tokens  Tokens
	loaded  bool
	refused string    // an access token that the cloud no longer takes
	dead    string    // a refresh token that the cloud no longer takes; tried again only after a restart
	retryAt time.Time // no sign-in before
	failure error     // of the last sign-in, repeated until retryAt
	failed  int       // sign-ins that failed in a row
}

// NewSession makes the session of an account.
func NewSession(account Account, authority Authority, s Settings) *Session {
	return &Session{
		authority: authority, store: s.Tokens, log: s.Log, turn: make(chan struct{}, 1),
		credentials: func(salt string) string {
			sum := sha256.Sum256([]byte(salt + "\x00" + account.Username + "\x00" + account.Password + "\x00" + account.RefreshToken))
			return salt + ":" + hex.EncodeToString(sum[:])
		},
	}
}

// Tokens gives tokens that live for at least left; it loads, renews or signs in when it must. The zero left means the
// usual margin; before a command a minute is right.
func (s *Session) Tokens(ctx context.Context, left time.Duration) (Tokens, error) {
	left = max(left, expiryMargin)
	if t, ok := s.good(left); ok {
		return t, nil
	}
	if err := s.takeTurn(ctx); err != nil {
		return Tokens{}, err
	}
	defer s.endTurn()
	if t, ok := s.good(left); ok { // another caller was faster
		return t, nil
	}
	// The work goes on when this caller gives up: a rotated token that is not stored would be lost for everybody.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*CallTimeout)
	defer cancel()
	if err := s.load(ctx); err != nil {
		return Tokens{}, err
	}
	if t, ok := s.good(left); ok {
		return t, nil
	}
	return s.renew(ctx)
}

// Expire says that the cloud refused the access token of used; the next call of Tokens renews it.
func (s *Session) Expire(used Tokens) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused = used.Access
}

// Reregister replaces a device id that the cloud refused. Callers that come with the same id share one registration.
func (s *Session) Reregister(ctx context.Context, refused string) (Tokens, error) {
	if err := s.takeTurn(ctx); err != nil {
		return Tokens{}, err
	}
	defer s.endTurn()
	current := s.current()
	if current.Device != refused {
		return current, nil
	}
	now := time.Now()
	recent := slices.DeleteFunc(slices.Clone(current.Registered), func(at time.Time) bool { return now.Sub(at) >= 24*time.Hour })
	if len(recent) >= maxReregistrations {
		return Tokens{}, &Error{
			Op: "register device", Text: fmt.Sprintf("the cloud has refused %d devices within a day", len(recent)),
			RetryAfter: recent[0].Add(24 * time.Hour).Sub(now), Reason: vehicle.CloudUnavailable, Err: errors.Join(ErrDevice, ErrUnavailable),
		}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*CallTimeout)
	defer cancel()
	// Booked before it leaves: a registration whose answer is lost has happened all the same.
	current.Registered = append(recent, now)
	if err := s.keep(ctx, current); err != nil {
		return Tokens{}, err
	}
	device, err := s.authority.Register(ctx)
	if err != nil {
		return Tokens{}, err
	}
	s.log.InfoContext(ctx, "device registered again, the cloud no longer knew the old one")
	current.Device = device
	return current, s.keep(ctx, current)
}

func (s *Session) good(left time.Duration) (Tokens, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tokens, s.loaded && s.tokens.valid(left) && s.tokens.Access != s.refused
}

func (s *Session) current() Tokens {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tokens
}

func (s *Session) takeTurn(ctx context.Context) error {
	select {
	case s.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return &Error{Op: "wait for the session", Err: context.Cause(ctx)}
	}
}

func (s *Session) endTurn() { <-s.turn }

func (s *Session) load(ctx context.Context) error {
	s.mu.Lock()
	loaded := s.loaded
	s.mu.Unlock()
	if loaded {
		return nil
	}
	t, err := s.store.Load(ctx)
	if err != nil {
		return fmt.Errorf("load tokens: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens, s.loaded = t, true
	return nil
}

// renew gets new tokens by the cheapest way that works: renewal, else sign-in.
func (s *Session) renew(ctx context.Context) (Tokens, error) {
	old := s.current()
	s.mu.Lock()
	dead := s.dead
	s.mu.Unlock()
	if old.Refresh != "" && old.Refresh != dead {
		t, err := s.authority.Renew(ctx, old, s.keep)
		if err == nil {
			s.log.DebugContext(ctx, "session renewed", "expires", t.Expires)
			return t, s.keep(ctx, t)
		}
		if !errors.Is(err, ErrSessionExpired) && !errors.Is(err, ErrCredentials) {
			return Tokens{}, err // the renewal was not refused: what we hold may still be good
		}
		s.log.InfoContext(ctx, "session cannot be renewed, signing in", "error", err)
		s.mu.Lock()
		s.dead = s.tokens.Refresh
		s.mu.Unlock()
	}
	return s.login(ctx, s.current())
}

func (s *Session) login(ctx context.Context, old Tokens) (Tokens, error) {
	person := byPerson(ctx)
	if stop := old.Stopped; stop != nil && !person {
		salt, _, _ := strings.Cut(stop.Credentials, ":")
		if s.credentials(salt) == stop.Credentials {
			return Tokens{}, &Error{
				Op: "sign in", Text: "not tried again since " + stop.Since.UTC().Format(time.RFC3339) + ": " + stop.Text, Err: stops[stop.Why],
			}
		}
	}
	s.mu.Lock()
	wait, failure := time.Until(s.retryAt), s.failure
	s.mu.Unlock()
	if wait > 0 && !person {
		return Tokens{}, &Error{Op: "sign in", Text: "waiting after a failure", RetryAfter: wait, Err: failure}
	}
	t, err := s.authority.Login(ctx, old, s.keep)
	if err != nil {
		return Tokens{}, s.loginFailed(ctx, err)
	}
	s.mu.Lock()
	s.failed = 0
	s.mu.Unlock()
	s.log.InfoContext(ctx, "signed in", "expires", t.Expires)
	return t, s.keep(ctx, t)
}

type personKey struct{}

// WithPerson marks an operation that a person asked for in order to sign in: it is tried although earlier attempts were
// refused. Nothing automatic may use it.
func WithPerson(ctx context.Context) context.Context {
	return context.WithValue(ctx, personKey{}, true)
}

func byPerson(ctx context.Context) bool { return ctx.Value(personKey{}) != nil }

// loginFailed remembers what must not be repeated.
func (s *Session) loginFailed(ctx context.Context, err error) error {
	s.mu.Lock()
	s.failed++
	s.retryAt, s.failure = time.Now().Add(loginBackoff(s.failed)), err
	s.mu.Unlock()
	for why, sentinel := range stops {
		if errors.Is(err, sentinel) {
			next := s.current()
			next.Stopped = &Stop{Why: why, Text: err.Error(), Since: time.Now(), Credentials: s.credentials(rand.Text())}
			return errors.Join(err, s.keep(ctx, next))
		}
	}
	return err
}

// loginBackoff is the wait after the n-th failed sign-in in a row: 10 s, doubling, at most 30 min.
func loginBackoff(n int) time.Duration {
	return min(10*time.Second<<min(n-1, 10), 30*time.Minute)
}

// keep stores tokens, then uses them.
func (s *Session) keep(ctx context.Context, t Tokens) error {
	if t.Registered == nil {
		t.Registered = s.current().Registered // an authority makes its tokens anew
	}
	if err := s.store.Save(ctx, t); err != nil {
		return fmt.Errorf("store tokens: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens, s.loaded = t, true
	return nil
}

// memoryTokens keeps tokens for the life of the process.
type memoryTokens struct {
	mu     sync.Mutex
	tokens Tokens
}

// NewMemoryTokens is a store that forgets with the process.
func NewMemoryTokens() TokenStore { return &memoryTokens{} }

func (m *memoryTokens) Load(context.Context) (Tokens, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.tokens, nil
}

func (m *memoryTokens) Save(_ context.Context, t Tokens) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tokens = t
	return nil
}
