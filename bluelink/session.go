package bluelink

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// Tokens are what a session lives on. Families fill what their cloud has; the whole set is stored together
// (docs/protocol/vehicle-model.md §2.12).
type Tokens struct {
	Access  string    `json:"access,omitempty"` // as it goes into the Authorization header
	Expires time.Time `json:"expires,omitzero"` // of Access, by our clock
	// Obtained is when Access was given, or given again with a later end. The session keeps it.
	Obtained time.Time `json:"obtained,omitzero"`

	Refresh string `json:"refresh,omitempty"`
	Device  string `json:"device,omitempty"`
	// Extra holds further tokens of a family by name, such as Europe's exchangeable ones.
	Extra map[string]string `json:"extra,omitempty"`

	// Registered are the latest times at which a refused device id was replaced. The session keeps them.
	Registered []time.Time `json:"registered,omitempty"`
	// Stopped tells that a person must act before another sign-in is tried.
	Stopped *Stop `json:"stopped,omitempty"`
	// Challenge tells that a sign-in waits for a one-time code.
	Challenge *Challenge `json:"challenge,omitempty"`
}

// maxReregistrations is how often a day a refused device id is replaced: each one is another device at the cloud, and many
// of them have been linked to locked accounts.
const maxReregistrations = 3

// attemptTimeout bounds a sign-in or a renewal with all its calls, for which others wait. China's are allowed a minute each
// (docs/protocol/china.md §2.1).
const attemptTimeout = 2 * time.Minute

// expiryMargin is how much life a token must have left to be used.
const expiryMargin = 10 * time.Second

// valid tells whether the access token lives for at least left.
func (t Tokens) valid(left time.Duration) bool {
	return t.Access != "" && time.Until(t.Expires) > left
}

// ahead is how much life is left when the access token begins to be renewed, so that a cloud may be out of order for a
// while: a tenth of its life, or five minutes where that is more; never more than a third.
func (t Tokens) ahead() time.Duration {
	if t.Obtained.IsZero() {
		return 5 * time.Minute
	}
	life := t.Expires.Sub(t.Obtained)
	return max(life/10, min(5*time.Minute, life/3))
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
	// Renew trades what old holds for new tokens, by the cloud's way to renew. ErrSessionExpired says that a sign-in is needed.
	// Where the cloud's way is another sign-in, its call says so, as one of CallRenew with Credentials: it then fails as Login
	// does.
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

	expiring func(until time.Time, why error) // never nil
	awaiting func(c Challenge, waits bool)    // never nil

	mu      sync.Mutex // guards what follows; never held during a call
	tokens  Tokens
	loaded  bool
	unsaved *Tokens // tokens that could not be stored yet, and are not used until then
	refused string  // an access token that the cloud no longer takes
	dead    string  // a refresh token that the cloud does not take
	renewal renewal // how renewing goes
	signing signing // how signing in goes
}

// NewSession makes the session of an account.
func NewSession(account Account, authority Authority, s Settings) *Session {
	expiring := s.Watcher.Expiring
	if expiring == nil {
		expiring = func(time.Time, error) {}
	}
	awaiting := s.Watcher.Challenge
	if awaiting == nil {
		awaiting = func(Challenge, bool) {}
	}
	session := &Session{
		authority: authority, store: s.Tokens, log: s.Log, turn: make(chan struct{}, 1), expiring: expiring, awaiting: awaiting,
		credentials: func(salt string) string {
			sum := sha256.Sum256([]byte(salt + "\x00" + account.Username + "\x00" + account.Password + "\x00" + account.RefreshToken))
			return salt + ":" + hex.EncodeToString(sum[:])
		},
	}
	if s.OnSession != nil {
		s.OnSession(session)
	}
	return session
}

// Tokens gives tokens that live for at least left; it loads, renews or signs in when it must. The zero left means the
// usual margin; before a command a minute is right. Tokens near their end are renewed by one caller; as long as that fails,
// all go on with those that live.
func (s *Session) Tokens(ctx context.Context, left time.Duration) (Tokens, error) {
	left = max(left, expiryMargin)
	if ByPerson(ctx) {
		s.pardon()
	}
	t, good, due := s.look(ctx, left)
	switch {
	case good && due:
		return s.renewAhead(ctx, t), nil
	case good:
		return t, nil
	}
	if err := s.takeTurn(ctx); err != nil {
		return Tokens{}, err
	}
	defer s.endTurn()
	if t, good, _ := s.look(ctx, left); good { // another caller was faster
		return t, nil
	}
	// The work goes on when this caller gives up: a rotated token that is not stored would be lost for everybody.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), attemptTimeout)
	defer cancel()
	if err := s.load(ctx); err != nil {
		return Tokens{}, err
	}
	if err := s.saveAgain(ctx); err != nil {
		return Tokens{}, err
	}
	if t, good, _ := s.look(ctx, left); good {
		return t, nil
	}
	return s.renew(ctx, false)
}

// Expire says that the cloud refused the access token of used; the next call of Tokens renews it. One that was replaced
// already changes nothing, or a slow caller would hide that its successor was refused too.
func (s *Session) Expire(used Tokens) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if used.Access == s.tokens.Access {
		s.refused = used.Access
	}
}

// Reregister replaces a device id that the cloud refused. Callers that come with the same id share one registration.
func (s *Session) Reregister(ctx context.Context, refused string) (Tokens, error) {
	if err := s.takeTurn(ctx); err != nil {
		return Tokens{}, err
	}
	defer s.endTurn()
	if err := s.saveAgain(ctx); err != nil {
		return Tokens{}, err
	}
	current := s.current()
	if current.Device != refused {
		return current, nil
	}
	now := time.Now()
	recent := slices.DeleteFunc(slices.Clone(current.Registered), func(at time.Time) bool { return now.Sub(at).Abs() >= 24*time.Hour })
	if len(recent) >= maxReregistrations {
		return Tokens{}, &Error{
			Op: "register device", Text: fmt.Sprintf("the cloud has refused %d devices within a day", len(recent)),
			RetryAfter: recent[0].Add(24 * time.Hour).Sub(now), Reason: vehicle.CloudUnavailable, Err: errors.Join(ErrDevice, ErrUnavailable),
		}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), attemptTimeout)
	defer cancel()
	// Booked before it leaves: a registration whose answer is lost has happened all the same.
	current.Registered = append(slices.Clone(recent), now)
	if err := s.keep(ctx, current); err != nil {
		return Tokens{}, err
	}
	device, err := s.authority.Register(ctx)
	if e := (*Error)(nil); errors.As(err, &e) && !e.Left { // there was no connection, or it was not let out
		current.Registered = append([]time.Time{}, recent...)
		return Tokens{}, errors.Join(err, s.keep(ctx, current))
	}
	if err != nil {
		return Tokens{}, err
	}
	s.log.InfoContext(ctx, "device registered again, the cloud no longer knew the old one")
	current.Device = device
	return current, s.keep(ctx, current)
}

// look gives the tokens, whether they are good for at least left, and whether it is time to renew them: a person who asks
// for it does not wait for the next try.
func (s *Session) look(ctx context.Context, left time.Duration) (t Tokens, good, due bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t = s.tokens
	good = s.loaded && t.valid(left) && t.Access != s.refused
	due = good && t.Refresh != "" && !t.valid(t.ahead()) && (ByPerson(ctx) || !time.Now().Before(s.renewal.next))
	return t, good, due
}

// pardon forgets how often devices were replaced, because a person wants it tried.
func (s *Session) pardon() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens.Registered = []time.Time{}
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
	if s.tokens, s.loaded = t, true; ByPerson(ctx) {
		s.tokens.Registered = []time.Time{}
	}
	s.mu.Unlock()
	if t.Challenge != nil {
		s.awaiting(t.Challenge.shown(), true)
	}
	return nil
}

// keep stores tokens, then uses them.
func (s *Session) keep(ctx context.Context, t Tokens) error {
	old := s.current()
	if t.Registered == nil {
		t.Registered = old.Registered // an authority makes its tokens anew
	}
	t.Obtained = old.Obtained
	if t.Access != old.Access || t.Expires.After(old.Expires) {
		t.Obtained = time.Now()
	}
	if c := t.Challenge; c != nil {
		t.Stopped = nil // the credentials were good
		if c.Since.IsZero() {
			begun := *c
			begun.Since = time.Now()
			t.Challenge = &begun
		}
	}
	if err := s.store.Save(ctx, t); err != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.unsaved = &t
		return fmt.Errorf("store tokens: %w", err)
	}
	s.mu.Lock()
	s.tokens, s.loaded, s.unsaved = t, true, nil
	s.mu.Unlock()
	if t.Challenge != old.Challenge {
		s.awaiting(t.Challenge.shown(), t.Challenge != nil)
	}
	return nil
}

// saveAgain stores what could not be stored when it came: the disk was full, and is not any more. The cloud may have
// forgotten what those tokens replaced, so that without them only another sign-in, or another device, would help. As long
// as it fails, the cloud is not asked for more.
func (s *Session) saveAgain(ctx context.Context) error {
	s.mu.Lock()
	unsaved := s.unsaved
	s.mu.Unlock()
	if unsaved == nil {
		return nil
	}
	if err := s.keep(ctx, *unsaved); err != nil {
		return err
	}
	s.log.InfoContext(ctx, "tokens are stored now, at another attempt")
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
