package bluelink_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
)

func TestSession_SignedOutStaysOutUntilAPersonOrNewCredentials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, s := &authority{life: time.Hour}, newStore()
		me := bluelink.Account{Username: "me@example.com", Password: "secret"}
		session := newSession(t, a, s, me)
		if _, err := session.Tokens(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
		if err := session.SignOut(t.Context(), false); err != nil {
			t.Fatal(err)
		}
		stored, err := s.Load(t.Context())
		if err != nil || stored.Access+stored.Refresh != "" || stored.Device != "device 1" {
			t.Errorf("stored is %+v, %v, want the device id and no tokens", stored, err)
		}
		for range 3 {
			if tokens, err := session.Tokens(t.Context(), 0); !errors.Is(err, bluelink.ErrSignedOut) || tokens.Access != "" {
				t.Errorf("after signing out: %+v, %v, want ErrSignedOut", tokens, err)
			}
			<-time.After(time.Hour)
			session = newSession(t, a, s, me) // a restart changes nothing
		}
		if a.logins != 1 || a.renews != 0 {
			t.Fatalf("%d sign-ins and %d renewals, want only the first", a.logins, a.renews)
		}
		if _, err := session.Tokens(bluelink.WithPerson(t.Context()), 0); err != nil {
			t.Errorf("a person signs in: %v", err)
		}
		if a.logins != 2 || a.devices != 1 {
			t.Errorf("%d sign-ins and %d devices, want two with the same device", a.logins, a.devices)
		}

		if err := session.SignOut(t.Context(), true); err != nil {
			t.Fatal(err)
		}
		if stored, err := s.Load(t.Context()); err != nil || stored.Device != "" {
			t.Errorf("stored is %+v, %v, want no device id", stored, err)
		}
		me.Password = "changed"
		if _, err := newSession(t, a, s, me).Tokens(t.Context(), 0); err != nil {
			t.Errorf("with a new password: %v", err)
		}
		if a.devices != 2 {
			t.Errorf("%d devices, want another one", a.devices)
		}
	})
}

// The disk is full just when the cloud gives new tokens, and has room again later.
func TestSession_TokensThatCouldNotBeStoredAreNotLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, s := &authority{life: time.Hour}, newStore()
		session := newSession(t, a, s, bluelink.Account{Username: "me@example.com", Password: "secret"})
		if _, err := session.Tokens(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
		<-time.After(2 * time.Hour)
		full := errors.New("disk full")
		s.save = full
		for range 5 {
			if tokens, err := session.Tokens(t.Context(), 0); !errors.Is(err, full) || tokens.Access != "" {
				t.Errorf("while nothing can be stored: %+v, %v, want the store's error", tokens, err)
			}
			<-time.After(time.Minute)
		}
		if a.renews != 1 {
			t.Errorf("the cloud was asked %d times for tokens that nobody can keep, want once", a.renews)
		}
		s.save = nil
		tokens, err := session.Tokens(t.Context(), 0)
		if err != nil || tokens.Access != "access 2" {
			t.Errorf("with room again: %+v, %v, want those of the renewal", tokens, err)
		}
		if a.renews != 1 || a.logins != 1 {
			t.Errorf("%d renewals and %d sign-ins, want one of each", a.renews, a.logins)
		}
	})
}

func TestSession_DeviceThatCouldNotBeStoredIsNotRegisteredAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, s := &authority{life: time.Hour}, newStore()
		session := newSession(t, a, s, bluelink.Account{Username: "me@example.com", Password: "secret"})
		s.save = errors.New("disk full")
		for range 5 {
			if _, err := session.Tokens(t.Context(), 0); err == nil {
				t.Error("tokens although nothing can be stored")
			}
			<-time.After(time.Hour)
		}
		s.save = nil
		if _, err := session.Tokens(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
		if a.devices != 1 || a.logins != 1 {
			t.Errorf("%d devices and %d sign-ins, want one of each", a.devices, a.logins)
		}
	})
}
