package bluelink

import (
	"context"
	"crypto/rand"
	"time"
)

// signedOut is why a session is stopped that a person has ended.
const signedOut = "signed_out"

// SignOut forgets the session's tokens, durably; what the cloud knows of them ends by itself. The device id stays, since a
// new one is another device at the cloud, unless device is set. Nothing signs in afterwards until a person asks for it or
// the credentials are changed: every use of the session answers [ErrSignedOut].
func (s *Session) SignOut(ctx context.Context, device bool) error {
	if err := s.takeTurn(ctx); err != nil {
		return err
	}
	defer s.endTurn()
	if err := s.load(ctx); err != nil {
		s.log.WarnContext(ctx, "what was stored of the session cannot be read and is replaced", "error", err)
	}
	old := s.current()
	next := Tokens{
		Registered: old.Registered,
		Stopped:    &Stop{Why: signedOut, Text: "signed out", Since: time.Now(), Credentials: s.credentials(rand.Text())},
	}
	if !device {
		next.Device = old.Device
	}
	if err := s.keep(ctx, next); err != nil {
		return err
	}
	s.mu.Lock()
	s.renewal, s.signing, s.dead = renewal{}, signing{}, ""
	s.mu.Unlock()
	s.log.InfoContext(ctx, "signed out", "device_kept", next.Device != "")
	return nil
}
