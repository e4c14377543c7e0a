package bluelink

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Challenge is a sign-in that waits for a one-time code. It is kept with the tokens, so that the wait outlives the process:
// as long as it stands nothing signs in by itself, since each further sign-in would be another one that the maker counts.
//
// A code is never asked for by itself either, not even where there is only one way to get it. The demand may come in the
// middle of a night, codes live for minutes, and few are sent in a day: one that nobody waits for is wasted. Whoever asks
// for one reads it.
type Challenge struct {
	Methods []CodeMethod `json:"methods"`
	Sent    string       `json:"sent,omitempty"` // the method by which a code was sent last; empty when none was
	SentAt  time.Time    `json:"sent_at,omitzero"`
	Since   time.Time    `json:"since"`
	Tries   int          `json:"tries,omitempty"` // codes entered since the last one was sent; the session counts them
	// State is what the family needs to go on, such as the key of the challenge. It is secret.
	State map[string]string `json:"state,omitempty"`
}

// CodeMethod is a way by which the cloud sends codes.
type CodeMethod struct {
	Name string `json:"name"`         // ByEmail or BySMS
	To   string `json:"to,omitempty"` // masked, see [MaskDestination]; empty when the cloud does not say
}

// The names of methods.
const (
	ByEmail = "email"
	BySMS   = "sms"
)

// CodeAuthority is an [Authority] whose sign-in may want a one-time code. Its Login or Renew that meets the demand keeps
// the tokens with a Challenge, of which it fills Methods and State, and returns [ErrOTPRequired].
//
// Both methods get tokens whose Challenge is set. ErrSessionExpired says that the challenge is over, or lacks what it needs,
// and that a sign-in has to begin it anew.
type CodeAuthority interface {
	Authority
	// SendCode asks the cloud to send a code by a method that the challenge has. The tokens that it returns hold the challenge
	// with what was learnt.
	SendCode(ctx context.Context, old Tokens, method string, keep Keep) (Tokens, error)
	// EnterCode finishes the sign-in with the code, and returns tokens as Login does. What the code brought, such as a trust in
	// this device, it keeps before it goes on. [ErrOTP] says that the code was refused, or is too old.
	EnterCode(ctx context.Context, old Tokens, code string, keep Keep) (Tokens, error)
}

// maxCodeTries is how many codes may be entered for one that was sent. Makers lock accounts after wrong codes as they do
// after wrong passwords, after how many nobody knows; five wrong passwords do.
const maxCodeTries = 3

// SendsCodes tells whether a sign-in at this cloud may want a one-time code.
func (s *Session) SendsCodes() bool {
	_, ok := s.authority.(CodeAuthority)
	return ok
}

// Challenge is what the sign-in waits for, without its secret State; false when it waits for no code. It reads the store
// when nothing else has yet, and never waits for a call.
func (s *Session) Challenge() (Challenge, bool) {
	s.mu.Lock()
	t, loaded := s.tokens, s.loaded
	s.mu.Unlock()
	if !loaded {
		ctx, cancel := context.WithTimeout(context.Background(), CallTimeout)
		defer cancel()
		var err error
		if t, err = s.store.Load(ctx); err != nil {
			return Challenge{}, false // whoever uses the session learns it
		}
	}
	return t.Challenge.shown(), t.Challenge != nil
}

// Left is how many codes may still be entered for the one that was sent; 0 when none was.
func (c Challenge) Left() int {
	if c.Sent == "" {
		return 0
	}
	return max(0, maxCodeTries-c.Tries)
}

// shown is the challenge as others may see it.
func (c *Challenge) shown() Challenge {
	if c == nil {
		return Challenge{}
	}
	public := *c
	public.Methods, public.State = slices.Clone(c.Methods), nil
	return public
}

// waits is the error of whoever meets a challenge that stands.
func (c *Challenge) waits() error {
	text := "waiting since " + c.Since.UTC().Format(time.RFC3339)
	if c.Sent != "" {
		text += "; a code was sent by " + c.Sent + " at " + c.SentAt.UTC().Format(time.RFC3339)
	}
	return &Error{Op: "sign in", Text: text, Err: ErrOTPRequired}
}

// method finds the one that is asked for; the only one when none is named.
func (c *Challenge) method(name string) (string, error) {
	var names []string
	for _, m := range c.Methods {
		names = append(names, m.Name)
	}
	switch {
	case len(names) == 0:
		return "", &Error{Op: "request a code", Text: "the cloud offers no way to get one", Err: ErrUnsupported}
	case name == "" && len(names) == 1:
		return names[0], nil
	case slices.Contains(names, name):
		return name, nil
	}
	return "", &Error{Op: "request a code", Text: "it is sent by " + strings.Join(names, " or "), Err: ErrInvalidCommand}
}

// challenged makes sure that a demand for a code stands as a challenge, also for a family that knows none.
func (s *Session) challenged(ctx context.Context, err error) error {
	if !errors.Is(err, ErrOTPRequired) || errors.Is(err, ErrQuota) {
		return nil
	}
	s.mu.Lock()
	next, stands := s.tokens, s.tokens.Challenge != nil || s.unsaved != nil && s.unsaved.Challenge != nil
	s.mu.Unlock()
	if stands {
		return nil
	}
	next.Challenge = &Challenge{}
	return s.keep(ctx, next)
}

// SendCode asks the cloud to send a one-time code by a method of the challenge; the empty method stands for the only one. A
// challenge that has expired is begun anew by another sign-in, as far as whoever guards the account allows it; when that
// demands no code any more the session is good, and no challenge stands.
func (s *Session) SendCode(ctx context.Context, method string) error {
	const op = "request a code"
	ctx, authority, end, err := s.answer(ctx, op)
	if err != nil {
		return err
	}
	defer end()
	old := s.current()
	err = s.sendCode(ctx, authority, old, method)
	if !errors.Is(err, ErrSessionExpired) {
		return err
	}
	s.log.InfoContext(ctx, "the sign-in that waits for a code has expired; beginning it anew", "error", err)
	switch _, err := s.login(ctx, old); {
	case err == nil:
		return nil
	case !errors.Is(err, ErrOTPRequired), s.current().Challenge == old.Challenge:
		return err
	}
	return s.sendCode(ctx, authority, s.current(), method)
}

func (s *Session) sendCode(ctx context.Context, authority CodeAuthority, old Tokens, method string) error {
	method, err := old.Challenge.method(method)
	if err != nil {
		return err
	}
	t, err := authority.SendCode(withAttempt(ctx, false), old, method, s.keep)
	if err != nil {
		return err
	}
	next := *old.Challenge
	if t.Challenge != nil {
		next = *t.Challenge
	}
	next.Sent, next.SentAt, next.Tries = method, time.Now(), 0
	t.Challenge = &next
	if err := s.keep(ctx, t); err != nil {
		return err
	}
	s.log.InfoContext(ctx, "a one-time code was sent", "by", method)
	return nil
}

// EnterCode finishes the sign-in with a one-time code. A code that was refused leaves the challenge as it is, so that
// another may be entered, up to three for each that is sent.
func (s *Session) EnterCode(ctx context.Context, code string) error {
	const op = "enter code"
	code = strings.Join(strings.Fields(code), "")
	if len(code) < 4 || len(code) > 8 || strings.Trim(code, "0123456789") != "" {
		return &Error{Op: op, Text: "a code has four to eight digits", Err: ErrInvalidCommand}
	}
	ctx, authority, end, err := s.answer(ctx, op)
	if err != nil {
		return err
	}
	defer end()
	if tries := s.current().Challenge.Tries; tries >= maxCodeTries {
		return &Error{Op: op, Text: fmt.Sprintf("not tried, as %d were refused already; have another code sent", tries), Err: ErrOTP}
	}
	// Booked before it leaves: a code whose answer is lost was entered all the same.
	if err := s.amend(ctx, func(c *Challenge) { c.Tries++ }); err != nil {
		return err
	}
	t, err := authority.EnterCode(withAttempt(ctx, false), s.current(), code, s.keep)
	if err != nil {
		return s.notEntered(ctx, op, err)
	}
	return s.signedIn(ctx, t)
}

// notEntered leaves the challenge as the failure of a code demands.
func (s *Session) notEntered(ctx context.Context, op string, err error) error {
	if s.current().Challenge == nil {
		return err // the code was good, and is not needed again
	}
	unsent := (*Error)(nil)
	switch {
	case errors.Is(err, ErrOTP):
		return err
	case errors.Is(err, ErrSessionExpired):
		// Nothing that is left of it is of use.
		again := s.amend(ctx, func(c *Challenge) { c.Sent, c.SentAt, c.State, c.Tries = "", time.Time{}, nil, 0 })
		return errors.Join(&Error{Op: op, Text: "the sign-in that the code was for has expired; have another code sent", Err: ErrOTPRequired}, again)
	case errors.As(err, &unsent) && !unsent.Left:
		return errors.Join(err, s.amend(ctx, func(c *Challenge) { c.Tries = max(0, c.Tries-1) }))
	}
	return s.stop(ctx, err, false)
}

// amend changes the challenge that stands.
func (s *Session) amend(ctx context.Context, change func(*Challenge)) error {
	next := s.current()
	c := *next.Challenge
	c.State = maps.Clone(c.State)
	change(&c)
	next.Challenge = &c
	return s.keep(ctx, next)
}

// answer takes the turn for whoever answers a challenge. The work goes on when the caller gives up, as what it brings would
// be lost; end gives the turn back.
func (s *Session) answer(ctx context.Context, op string) (_ context.Context, _ CodeAuthority, end func(), err error) {
	authority, ok := s.authority.(CodeAuthority)
	if !ok {
		return nil, nil, nil, &Error{Op: op, Text: "this cloud sends no codes", Err: ErrUnsupported}
	}
	if err := s.takeTurn(ctx); err != nil {
		return nil, nil, nil, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), attemptTimeout)
	end = func() { cancel(); s.endTurn() }
	if err = s.load(ctx); err == nil {
		err = s.saveAgain(ctx)
	}
	if err == nil && s.current().Challenge == nil {
		err = &Error{Op: op, Text: "no sign-in waits for one", Err: ErrInvalidCommand}
	}
	if err != nil {
		end()
		return nil, nil, nil, err
	}
	return ctx, authority, end, nil
}

// MaskDestination hides where a code is sent to, except for what its owner knows it by: j…@example.com, …1234. What the
// cloud has masked stays as it is.
func MaskDestination(to string) string {
	name, domain, mail := strings.Cut(strings.TrimSpace(to), "@")
	switch {
	case strings.Contains(to, "*"):
		return strings.TrimSpace(to)
	case name == "":
		return ""
	case mail:
		return string([]rune(name)[:1]) + "…@" + domain
	}
	digits := []rune(name)
	return "…" + string(digits[max(0, len(digits)-min(4, len(digits)/2)):])
}
