package bluelink

import (
	"context"
)

// Exporter is an [Authority] whose refresh tokens are not all of use elsewhere.
type Exporter interface {
	// Export gives the refresh token that another program can be given; empty when there is none.
	Export(t Tokens) string
}

// RefreshToken is what the session is renewed with, to be taken to another program; empty where the cloud gives none that
// is of use there, or nothing is signed in. Clouds that replace it at each use go on accepting it from one of the two only.
func (s *Session) RefreshToken(ctx context.Context) (string, error) {
	if err := s.takeTurn(ctx); err != nil {
		return "", err
	}
	defer s.endTurn()
	if err := s.load(ctx); err != nil {
		return "", err
	}
	if family, choosy := s.authority.(Exporter); choosy {
		return family.Export(s.current()), nil
	}
	return s.current().Refresh, nil
}

// Adopt goes on with a refresh token from elsewhere: it is used at once, and when the cloud takes it the session lives on
// what it brought. When not, the session is as before; the password is not tried.
func (s *Session) Adopt(ctx context.Context, refresh string) error {
	if err := s.takeTurn(ctx); err != nil {
		return err
	}
	defer s.endTurn()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), attemptTimeout)
	defer cancel()
	if err := s.load(ctx); err != nil {
		return err
	}
	if err := s.saveAgain(ctx); err != nil {
		return err
	}
	old := s.current()
	ctx = withAttempt(WithPerson(ctx), true)
	t := Tokens{Refresh: refresh, Device: old.Device, Registered: old.Registered}
	if t.Device == "" {
		device, err := s.authority.Register(ctx)
		if err != nil {
			return err
		}
		t.Device, old.Device = device, device
		if err := s.keep(ctx, old); err != nil {
			return err
		}
	}
	t, err := s.authority.Renew(ctx, t, s.keep)
	if err != nil {
		return err
	}
	return s.signedIn(ctx, t)
}
