package bluelink_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
)

// authority is a cloud that hands out numbered tokens; its functions may be replaced.
type authority struct {
	mu                      sync.Mutex
	logins, renews, devices int
	login                   func() error
	renew                   func(context.Context) error
	life                    time.Duration
}

func (a *authority) give(device string) bluelink.Tokens {
	n := a.logins + a.renews
	return bluelink.Tokens{Access: fmt.Sprint("access ", n), Refresh: fmt.Sprint("refresh ", n), Device: device, Expires: time.Now().Add(a.life)}
}

func (a *authority) Login(ctx context.Context, old bluelink.Tokens, keep bluelink.Keep) (bluelink.Tokens, error) {
	if old.Device == "" {
		device, err := a.Register(ctx)
		if err != nil {
			return bluelink.Tokens{}, err
		}
		old.Device = device
		if err := keep(ctx, old); err != nil {
			return bluelink.Tokens{}, err
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.logins++
	if a.login != nil {
		if err := a.login(); err != nil {
			return bluelink.Tokens{}, err
		}
	}
	return a.give(old.Device), nil
}

func (a *authority) Renew(ctx context.Context, old bluelink.Tokens, _ bluelink.Keep) (bluelink.Tokens, error) {
	a.mu.Lock()
	a.renews++
	renew := a.renew
	a.mu.Unlock()
	if renew != nil {
		if err := renew(ctx); err != nil {
			return bluelink.Tokens{}, err
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.give(old.Device), nil
}

func (a *authority) Register(context.Context) (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.devices++
	return fmt.Sprint("device ", a.devices), nil
}

// store keeps tokens and can fail.
type store struct {
	bluelink.TokenStore
	save, load error
	saved      []bluelink.Tokens
}

func newStore() *store { return &store{TokenStore: bluelink.NewMemoryTokens()} }

func (s *store) Load(ctx context.Context) (bluelink.Tokens, error) {
	if s.load != nil {
		return bluelink.Tokens{}, s.load
	}
	return s.TokenStore.Load(ctx)
}

func (s *store) Save(ctx context.Context, t bluelink.Tokens) error {
	if s.save != nil {
		return s.save
	}
	s.saved = append(s.saved, t)
	return s.TokenStore.Save(ctx, t)
}

func newSession(t *testing.T, a *authority, s *store, who bluelink.Account) *bluelink.Session {
	t.Helper()
	if a.life == 0 {
		a.life = time.Hour
	}
	settings, err := bluelink.NewSettings(bluelink.WithTokenStore(s))
	if err != nil {
		t.Fatal(err)
	}
	return bluelink.NewSession(who, a, settings)
}

func refuse(err error) func() error {
	return func() error { return &bluelink.Error{Op: "sign in", Err: err} }
}

func TestSession_RenewsOnceForAllCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, s := &authority{}, newStore()
		session := newSession(t, a, s, account)
		if _, err := session.Tokens(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
		<-time.After(2 * time.Hour)
		a.renew = func(context.Context) error { <-time.After(time.Second); return nil }
		var callers sync.WaitGroup
		for range 100 {
			callers.Go(func() {
				tokens, err := session.Tokens(t.Context(), 0)
				if err != nil || tokens.Access != "access 2" {
					t.Errorf("%q, %v", tokens.Access, err)
				}
			})
		}
		callers.Wait()
		if a.logins != 1 || a.renews != 1 || a.devices != 1 {
			t.Errorf("%d logins, %d renewals, %d devices", a.logins, a.renews, a.devices)
		}
		again := newSession(t, a, s, account) // a restart
		if tokens, err := again.Tokens(t.Context(), 0); err != nil || tokens.Access != "access 2" {
			t.Errorf("after a restart: %q, %v", tokens.Access, err)
		}
		if a.logins != 1 || a.renews != 1 {
			t.Errorf("after a restart: %d logins, %d renewals", a.logins, a.renews)
		}
	})
}

func TestSession_KeepsTheLifeThatIsAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &authority{life: time.Hour}
		session := newSession(t, a, newStore(), account)
		access := func(left time.Duration) string {
			tokens, err := session.Tokens(t.Context(), left)
			if err != nil {
				t.Fatal(err)
			}
			return tokens.Access
		}
		access(0)
		<-time.After(50 * time.Minute)
		if got := access(0); got != "access 1" {
			t.Errorf("with 10 min left: %s", got)
		}
		if got := access(11 * time.Minute); got != "access 2" {
			t.Errorf("11 min were asked for: %s", got)
		}
	})
}

func TestSession_ExpiredTokenIsNotUsedAgain(t *testing.T) {
	a := &authority{}
	session := newSession(t, a, newStore(), account)
	first, err := session.Tokens(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	session.Expire(first)
	second, err := session.Tokens(t.Context(), 0)
	if err != nil || second.Access == first.Access {
		t.Errorf("%q, %v", second.Access, err)
	}
	session.Expire(first) // a caller that comes late with the old one
	if third, err := session.Tokens(t.Context(), 0); err != nil || third.Access != second.Access || a.renews != 1 {
		t.Errorf("%q, %v, %d renewals", third.Access, err, a.renews)
	}
	session.Expire(second)
	session.Expire(first) // and who comes late does not make the next one good again
	if third, err := session.Tokens(t.Context(), 0); err != nil || third.Access == second.Access || a.renews != 2 {
		t.Errorf("%q, %v, %d renewals", third.Access, err, a.renews)
	}
}

func TestSession_UsesNothingThatIsNotStored(t *testing.T) {
	a, s := &authority{}, newStore()
	session := newSession(t, a, s, account)
	s.save = errors.New("disk full")
	if _, err := session.Tokens(t.Context(), 0); !errors.Is(err, s.save) {
		t.Errorf("error %v, want the store's", err)
	}
	if a.logins != 0 {
		t.Error("signed in with a device id that was not stored")
	}
	s.save = nil
	if _, err := newSession(t, a, s, account).Tokens(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	if len(s.saved) != 2 || s.saved[0].Device == "" || s.saved[0].Access != "" {
		t.Errorf("stored %d sets, want the device first", len(s.saved))
	}
	session = newSession(t, a, &store{load: errors.New("locked")}, account)
	if _, err := session.Tokens(t.Context(), 0); err == nil || !strings.Contains(err.Error(), "locked") {
		t.Errorf("error %v, want the store's", err)
	}
}

// TestSession_RenewalOutlivesTheCallerWhoGivesUp holds that a rotated token is not lost for everybody.
func TestSession_RenewalOutlivesTheCallerWhoGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, s := &authority{}, newStore()
		session := newSession(t, a, s, account)
		if _, err := session.Tokens(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
		<-time.After(2 * time.Hour)
		ctx, cancel := context.WithCancel(t.Context())
		a.renew = func(ctx context.Context) error {
			cancel()
			select {
			case <-time.After(time.Second):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if _, err := session.Tokens(ctx, 0); err != nil {
			t.Error(err)
		}
		if last := s.saved[len(s.saved)-1]; last.Access != "access 2" {
			t.Errorf("stored %q", last.Access)
		}
		// A caller that only waits gives up at once.
		<-time.After(2 * time.Hour)
		waiting, stop := context.WithCancel(t.Context())
		a.renew = func(context.Context) error { stop(); <-time.After(time.Minute); return nil }
		var renewing sync.WaitGroup
		renewing.Go(func() { _, _ = session.Tokens(t.Context(), 0) })
		synctest.Wait()
		if _, err := session.Tokens(waiting, 0); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
		renewing.Wait()
	})
}

func TestSession_StopsUntilAPersonActs(t *testing.T) {
	for _, sentinel := range []error{bluelink.ErrCredentials, bluelink.ErrBlocked, bluelink.ErrConsentRequired} {
		a, s := &authority{login: refuse(sentinel)}, newStore()
		for range 3 { // restarts
			session := newSession(t, a, s, account)
			for range 3 {
				if _, err := session.Tokens(t.Context(), 0); !errors.Is(err, sentinel) {
					t.Errorf("error %v, want %v", err, sentinel)
				}
			}
		}
		if a.logins != 1 || a.devices != 1 {
			t.Errorf("%v: %d sign-ins, %d devices", sentinel, a.logins, a.devices)
		}
		session := newSession(t, a, s, account)
		if _, err := session.Tokens(bluelink.WithPerson(t.Context()), 0); !errors.Is(err, sentinel) || a.logins != 2 {
			t.Errorf("a person asked: %v after %d sign-ins", err, a.logins)
		}
		a.login = nil
		other := account
		other.Password = "another"
		if _, err := newSession(t, a, s, other).Tokens(t.Context(), 0); err != nil || a.logins != 3 {
			t.Errorf("with another password: %v after %d sign-ins", err, a.logins)
		}
		if stored, err := s.Load(t.Context()); err != nil || stored.Stopped != nil {
			t.Errorf("stored %+v, %v", stored.Stopped, err)
		}
	}
}

func TestSession_StoresNoCredentials(t *testing.T) {
	a, s := &authority{login: refuse(bluelink.ErrCredentials)}, newStore()
	if _, err := newSession(t, a, s, account).Tokens(t.Context(), 0); err == nil {
		t.Fatal("signed in")
	}
	stopped := s.saved[len(s.saved)-1].Stopped
	if stopped == nil {
		t.Fatal("not stopped")
	}
	for _, canary := range canaries {
		if strings.Contains(fmt.Sprintf("%+v", *stopped), canary) {
			t.Errorf("%q is stored", canary)
		}
	}
}

func TestSession_WaitsLongerAfterEachFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &authority{login: refuse(bluelink.ErrUnavailable)}
		session := newSession(t, a, newStore(), account)
		var tried []time.Duration
		start := time.Now()
		for time.Since(start) < 3*time.Hour {
			before := a.logins
			_, err := session.Tokens(t.Context(), 0)
			if !errors.Is(err, bluelink.ErrUnavailable) {
				t.Fatal(err)
			}
			if a.logins != before {
				tried = append(tried, time.Since(start))
			} else if bluelink.RetryAfter(err) <= 0 {
				t.Fatal("the error does not say how long to wait")
			}
			<-time.After(time.Second)
		}
		for i := 1; i < len(tried); i++ {
			gap, want := tried[i]-tried[i-1], min(10*time.Second<<(i-1), 30*time.Minute)
			if gap < want || gap > want+2*time.Second {
				t.Errorf("try %d came after %s, want %s", i+1, gap, want)
			}
		}
		if len(tried) < 8 {
			t.Errorf("tried %d times", len(tried))
		}
		a.login = nil
		if _, err := session.Tokens(bluelink.WithPerson(t.Context()), 0); err != nil {
			t.Errorf("a person asked: %v", err)
		}
	})
}

func TestSession_RefusedRenewalSignsInAndIsNotRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, s := &authority{}, newStore()
		session := newSession(t, a, s, account)
		first, err := session.Tokens(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		session.Expire(first)
		a.renew = func(context.Context) error { return &bluelink.Error{Err: bluelink.ErrSessionExpired} }
		second, err := session.Tokens(t.Context(), 0)
		if err != nil || a.logins != 2 || a.renews != 2 || second.Device != first.Device {
			t.Fatalf("%v, %d sign-ins, %d renewals, device kept %t", err, a.logins, a.renews, second.Device == first.Device)
		}
		session.Expire(second)
		a.login = refuse(bluelink.ErrBlocked)
		renews := a.renews
		for range 3 {
			if _, err := session.Tokens(t.Context(), 0); !errors.Is(err, bluelink.ErrBlocked) {
				t.Errorf("error %v", err)
			}
		}
		if a.renews != renews+2 {
			t.Errorf("a refresh token that was refused twice was tried %d times", a.renews-renews)
		}
	})
}

func TestSession_FailingRenewalNeverSignsIn(t *testing.T) {
	for _, sentinel := range []error{bluelink.ErrUnavailable, bluelink.ErrBlocked, bluelink.ErrQuota, bluelink.ErrBadResponse, bluelink.ErrRateLimited} {
		a := &authority{}
		session := newSession(t, a, newStore(), account)
		first, err := session.Tokens(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		session.Expire(first)
		a.renew = func(context.Context) error { return &bluelink.Error{Err: sentinel} }
		if _, err := session.Tokens(t.Context(), 0); !errors.Is(err, sentinel) || a.logins != 1 {
			t.Errorf("%v: %v after %d sign-ins", sentinel, err, a.logins)
		}
		a.renew = nil
		if _, err := session.Tokens(t.Context(), 0); err != nil || a.logins != 1 {
			t.Errorf("%v: then %v after %d sign-ins", sentinel, err, a.logins)
		}
	}
}

func TestSession_RegistersOneDeviceForAllCallers(t *testing.T) {
	a, s := &authority{}, newStore()
	session := newSession(t, a, s, account)
	first, err := session.Tokens(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	var callers sync.WaitGroup
	for range 50 {
		callers.Go(func() {
			if tokens, err := session.Reregister(t.Context(), first.Device); err != nil || tokens.Device != "device 2" || tokens.Access != first.Access {
				t.Errorf("%+v, %v", tokens.Device, err)
			}
		})
	}
	callers.Wait()
	if a.devices != 2 {
		t.Errorf("%d devices", a.devices)
	}
	if last := s.saved[len(s.saved)-1]; last.Device != "device 2" {
		t.Errorf("stored %q", last.Device)
	}
}

func TestSession_LogsNoSecrets(t *testing.T) {
	var log bytes.Buffer
	settings, err := bluelink.NewSettings(bluelink.WithLogger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))))
	if err != nil {
		t.Fatal(err)
	}
	a := &authority{life: time.Hour}
	session := bluelink.NewSession(account, a, settings)
	first, err := session.Tokens(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	session.Expire(first)
	if _, err := session.Tokens(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	if _, err := session.Reregister(t.Context(), first.Device); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(log.String(), "signed in") {
		t.Errorf("log: %s", &log)
	}
	for _, secret := range append(canaries, "access ", "refresh ", "device 1") {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log shows %q:\n%s", secret, &log)
		}
	}
}
