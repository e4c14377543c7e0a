package guard

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/store"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// signer is a session whose authority makes the calls that a test says, each through the guard, as a transport would.
type signer struct {
	guard  *Logins
	login  func(ctx context.Context) error
	renew  func(ctx context.Context) error
	sent   map[string]int // calls that left, by operation
	tokens bluelink.TokenStore
	life   time.Duration
}

func openLogins(t testing.TB, s store.Store, change ...func(*LoginOptions)) *Logins {
	t.Helper()
	o := LoginOptions{Account: "home", Key: "account/a/logins", Store: s, Log: slog.New(slog.DiscardHandler)}
	for _, f := range change {
		f(&o)
	}
	g, err := OpenLogins(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// start is a program that starts on a store: a session and its guard.
func start(t testing.TB, s store.Store, tokens bluelink.TokenStore) (*signer, *bluelink.Session) {
	t.Helper()
	a := &signer{guard: openLogins(t, s), sent: map[string]int{}, tokens: tokens, life: 24 * time.Hour}
	settings, err := bluelink.NewSettings(bluelink.WithTokenStore(tokens))
	if err != nil {
		t.Fatal(err)
	}
	return a, bluelink.NewSession(bluelink.Account{Name: "home", Username: "a@example.com", Password: "secret"}, a, settings)
}

var (
	registerCall = bluelink.Call{Kind: bluelink.CallRegister, Op: "register"}
	pageCall     = bluelink.Call{Kind: bluelink.CallLogin, Op: "page"}
	passwordCall = bluelink.Call{Kind: bluelink.CallLogin, Op: "password", Credentials: true}
	redeemCall   = bluelink.Call{Kind: bluelink.CallLogin, Op: "redeem"}
	renewCall    = bluelink.Call{Kind: bluelink.CallRenew, Op: "renew"}
	codeCall     = bluelink.Call{Kind: bluelink.CallCode, Op: "code"}
)

// call makes one call that ends as said, when the guard lets it out.
func (a *signer) call(ctx context.Context, call bluelink.Call, end error) error {
	if err := a.guard.Before(ctx, call); err != nil {
		return err
	}
	a.sent[call.Op]++
	a.guard.After(ctx, call, time.Second, end)
	return end
}

func (a *signer) calls(ctx context.Context, calls ...bluelink.Call) error {
	for _, call := range calls {
		if err := a.call(ctx, call, nil); err != nil {
			return err
		}
	}
	return nil
}

func (a *signer) give(device string) bluelink.Tokens {
	n := a.sent["redeem"] + a.sent["renew"]
	return bluelink.Tokens{Access: fmt.Sprint("access ", n), Refresh: fmt.Sprint("refresh ", n), Device: device, Expires: time.Now().Add(a.life)}
}

func (a *signer) Login(ctx context.Context, old bluelink.Tokens, keep bluelink.Keep) (bluelink.Tokens, error) {
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
	do := a.login
	if do == nil {
		do = func(ctx context.Context) error { return a.calls(ctx, pageCall, pageCall, passwordCall, redeemCall) }
	}
	if err := do(ctx); err != nil {
		return bluelink.Tokens{}, err
	}
	return a.give(old.Device), nil
}

func (a *signer) Renew(ctx context.Context, old bluelink.Tokens, _ bluelink.Keep) (bluelink.Tokens, error) {
	do := a.renew
	if do == nil {
		do = func(ctx context.Context) error { return a.calls(ctx, renewCall, renewCall) }
	}
	if err := do(ctx); err != nil {
		return bluelink.Tokens{}, err
	}
	return a.give(old.Device), nil
}

func (a *signer) Register(ctx context.Context) (string, error) {
	return "device", a.call(ctx, registerCall, nil)
}

// failing is a call that fails after it has left.
func failing(err error) error { return &bluelink.Error{Left: true, Err: err} }

// passwordFails signs in as far as the password, which ends as said.
func (a *signer) passwordFails(err error) {
	a.login = func(ctx context.Context) error {
		if err := a.calls(ctx, pageCall); err != nil {
			return err
		}
		return a.call(ctx, passwordCall, failing(err))
	}
}

func TestLogins_OnePasswordAnHourAndThreeADayWhateverHappens(t *testing.T) {
	for name, restarts := range map[string]bool{"in one run": false, "in a crash loop": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, tokens, sent := store.NewMemory(), bluelink.NewMemoryTokens(), 0
				a, session := start(t, s, tokens)
				var at []time.Duration
				begin := time.Now()
				for time.Since(begin) < 3*24*time.Hour {
					if restarts {
						a, session = start(t, s, tokens)
					}
					a.passwordFails(bluelink.ErrUnavailable)
					before := a.sent["password"]
					_, err := session.Tokens(context.Background(), 0)
					if n := a.sent["password"] - before; n > 0 {
						sent += n
						at = append(at, time.Since(begin))
					} else if bluelink.RetryAfter(err) <= 0 || !errors.Is(err, bluelink.ErrUnavailable) {
						t.Fatalf("%v, wait %s", err, bluelink.RetryAfter(err))
					}
					<-time.After(30 * time.Second)
				}
				if sent != 9 {
					t.Errorf("%d passwords in three days", sent)
				}
				for i := range at {
					if i > 0 && at[i]-at[i-1] < time.Hour || i > 2 && at[i]-at[i-3] < 24*time.Hour {
						t.Errorf("passwords at %v", at)
						break
					}
				}
			})
		})
	}
}

// TestLogins_WrongPasswordIsTriedOnceInACrashLoop is A4.
func TestLogins_WrongPasswordIsTriedOnceInACrashLoop(t *testing.T) {
	for _, refusal := range []error{bluelink.ErrCredentials, bluelink.ErrBlocked} {
		synctest.Test(t, func(t *testing.T) {
			s, tokens, sent := store.NewMemory(), bluelink.NewMemoryTokens(), map[string]int{}
			for range 10_000 {
				a, session := start(t, s, tokens)
				a.passwordFails(refusal)
				if _, err := session.Tokens(context.Background(), 0); !errors.Is(err, refusal) {
					t.Fatal(err)
				}
				for op, n := range a.sent {
					sent[op] += n
				}
				<-time.After(5 * time.Second)
			}
			if sent["password"] != 1 || sent["register"] != 1 || sent["page"] != 1 {
				t.Errorf("%v: %v", refusal, sent)
			}
		})
	}
}

// TestLogins_PagesThatAreDownCostNoPassword lets the sign-in page be out of order for hours, and a sign-in follow at once.
func TestLogins_PagesThatAreDownCostNoPassword(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, tokens := store.NewMemory(), bluelink.NewMemoryTokens()
		a, session := start(t, s, tokens)
		a.login = func(ctx context.Context) error { return a.call(ctx, pageCall, failing(bluelink.ErrUnavailable)) }
		for range 5 * 60 {
			if _, err := session.Tokens(context.Background(), 0); !errors.Is(err, bluelink.ErrUnavailable) {
				t.Fatal(err)
			}
			<-time.After(time.Minute)
		}
		if a.sent["page"] < 8 || a.sent["page"] > 25 || a.sent["password"] != 0 {
			t.Errorf("in five hours: %v", a.sent)
		}
		a.login = nil
		<-time.After(30 * time.Minute)
		if _, err := session.Tokens(context.Background(), 0); err != nil {
			t.Error(err)
		}
		if next := a.guard.Next(); !next.IsZero() {
			_ = a.call(context.Background(), bluelink.Call{Kind: bluelink.CallRead}, nil)
			if next = a.guard.Next(); !next.IsZero() {
				t.Errorf("after a good sign-in and a read the next is said to be at %s", next)
			}
		}
		// A crash loop opens no more pages than that either.
		opened := 0
		for range 24 * 60 {
			b, session := start(t, s, bluelink.NewMemoryTokens())
			b.login = func(ctx context.Context) error { return b.call(ctx, pageCall, failing(bluelink.ErrUnavailable)) }
			_, _ = session.Tokens(context.Background(), 0)
			opened += b.sent["page"]
			<-time.After(time.Minute)
		}
		if opened > 60 {
			t.Errorf("a crash loop of a day opened %d pages", opened)
		}
	})
}

// TestLogins_APersonMayTryAgainButNotInACircle bounds what an automation does that publishes "retry" at each refusal.
func TestLogins_APersonMayTryAgainButNotInACircle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, session := start(t, store.NewMemory(), bluelink.NewMemoryTokens())
		a.passwordFails(bluelink.ErrCredentials)
		person := bluelink.WithPerson(context.Background())
		_, _ = session.Tokens(context.Background(), 0)
		begin := time.Now()
		for time.Since(begin) < 24*time.Hour {
			_, err := session.Tokens(person, 0)
			if !errors.Is(err, bluelink.ErrCredentials) {
				t.Fatal(err)
			}
			if time.Since(begin) < 59*time.Minute && a.sent["password"] > 4 {
				t.Fatalf("%d passwords within an hour", a.sent["password"])
			}
			<-time.After(time.Second * 10)
		}
		if n := a.sent["password"]; n != 11 { // one by itself, ten by the person
			t.Errorf("%d passwords in a day", n)
		}
		<-time.After(time.Minute)
		a.login = nil
		if _, err := session.Tokens(person, 0); err != nil {
			t.Errorf("a day later: %v", err)
		}
	})
}

func TestLogins_AttemptsAreDurableBeforeTheyLeave(t *testing.T) {
	ctx := context.Background()
	for _, call := range []bluelink.Call{registerCall, pageCall, passwordCall, renewCall, codeCall, enterCall} {
		d := newDisk()
		g := openLogins(t, d)
		if err := g.Before(ctx, call); err != nil {
			t.Fatalf("%s: %v", call.Op, err)
		}
		crashed := openLogins(t, d.Store)
		if n := crashed.Today()[string(actOf(ctx, call))]; n != 1 {
			t.Errorf("%s: after a crash %d are counted", call.Op, n)
		}
		d.breaks(errors.New("no space left"))
		g = openLogins(t, &disk{Store: store.NewMemory(), fail: d.fail})
		if err := g.Before(ctx, call); !errors.Is(err, bluelink.ErrQuota) || !errors.Is(err, d.fail) {
			t.Errorf("%s with a full disk: %v", call.Op, err)
		}
		if n := g.Today()[string(actOf(ctx, call))]; n != 0 {
			t.Errorf("%s with a full disk: %d are counted", call.Op, n)
		}
	}
}

// TestLogins_WithoutNetworkNothingIsCounted is a machine whose network comes up later than the program.
func TestLogins_WithoutNetworkNothingIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, session := start(t, store.NewMemory(), bluelink.NewMemoryTokens())
		a.login = func(ctx context.Context) error {
			return a.call(ctx, passwordCall, &bluelink.Error{Err: errors.Join(bluelink.ErrUnavailable, errors.New("no such host"))})
		}
		begin := time.Now()
		for time.Since(begin) < 10*time.Hour {
			if _, err := session.Tokens(context.Background(), 0); errors.Is(err, bluelink.ErrQuota) {
				t.Fatalf("after %s: %v", time.Since(begin), err)
			}
			<-time.After(time.Minute)
		}
		if n := a.guard.Today()["login"]; n != 0 {
			t.Errorf("%d sign-ins are counted", n)
		}
	})
}

// TestLogins_OneDeviceForThousandStarts is A3.
func TestLogins_OneDeviceForThousandStarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, tokens := store.NewMemory(), bluelink.NewMemoryTokens()
		sent := map[string]int{}
		for range 1000 {
			a, session := start(t, s, tokens)
			if _, err := session.Tokens(context.Background(), 0); err != nil {
				t.Fatal(err)
			}
			_ = a.call(context.Background(), bluelink.Call{Kind: bluelink.CallRead}, nil)
			for op, n := range a.sent {
				sent[op] += n
			}
			<-time.After(time.Minute)
		}
		if sent["register"] != 1 || sent["password"] != 1 {
			t.Errorf("%v", sent)
		}

		// Tokens that are lost are no reason to register another device by ourselves.
		a, session := start(t, s, bluelink.NewMemoryTokens())
		if _, err := session.Tokens(context.Background(), 0); bluelink.Reason(err) != vehicle.LoginRequired || !errors.Is(err, bluelink.ErrQuota) {
			t.Errorf("with lost tokens: %v", err)
		}
		if _, err := session.Tokens(bluelink.WithPerson(context.Background()), 0); err != nil || a.sent["register"] != 1 {
			t.Errorf("a person asked: %v, %v", err, a.sent)
		}
	})
}

func TestLogins_AnotherDeviceOnlyWhenTheCloudRefusesTheOldOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		a, session := start(t, store.NewMemory(), bluelink.NewMemoryTokens())
		if _, err := session.Tokens(ctx, 0); err != nil {
			t.Fatal(err)
		}
		<-time.After(2 * time.Minute)
		read := bluelink.Call{Kind: bluelink.CallRead}
		_ = a.call(ctx, read, nil)
		if err := a.call(ctx, registerCall, nil); !errors.Is(err, bluelink.ErrQuota) {
			t.Errorf("without need: %v", err)
		}
		for n := 2; n <= 4; n++ {
			_ = a.call(ctx, read, failing(bluelink.ErrDevice))
			if err := a.call(ctx, registerCall, nil); err != nil {
				t.Errorf("device %d: %v", n, err)
			}
			<-time.After(2 * time.Minute)
			_ = a.call(ctx, read, nil)
		}
		_ = a.call(ctx, read, failing(bluelink.ErrDevice))
		err := a.call(ctx, registerCall, nil)
		if !errors.Is(err, bluelink.ErrQuota) || bluelink.RetryAfter(err) <= 23*time.Hour {
			t.Errorf("a fifth within a day: %v, wait %s", err, bluelink.RetryAfter(err))
		}
		<-time.After(bluelink.RetryAfter(err))
		if err := a.call(ctx, registerCall, nil); err != nil {
			t.Errorf("a day later: %v", err)
		}
	})
}

// TestLogins_ARegistrationWithoutAnswerMayBeRepeated: without a device nothing works.
func TestLogins_ARegistrationWithoutAnswerMayBeRepeated(t *testing.T) {
	s := store.NewMemory()
	g := openLogins(t, s)
	ctx := context.Background()
	if err := g.Before(ctx, registerCall); err != nil {
		t.Fatal(err)
	}
	g = openLogins(t, s) // the process died before the answer
	if err := g.Before(ctx, registerCall); err != nil {
		t.Errorf("after a crash: %v", err)
	}
	g.After(ctx, registerCall, time.Second, failing(bluelink.ErrUnavailable))
	if err := g.Before(ctx, registerCall); err != nil {
		t.Errorf("after a failure: %v", err)
	}
}

// TestLogins_ACodeIsRequestedOnceInTwelveHours is A6, and A7 where the store does not last.
func TestLogins_ACodeIsRequestedOnceInTwelveHours(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := store.NewMemory()
		ctx, sent := context.Background(), 0
		for range 24 * 30 {
			g := openLogins(t, s)
			err := g.Before(ctx, codeCall)
			if err == nil {
				sent++
			} else if !errors.Is(err, bluelink.ErrOTPRequired) || bluelink.Reason(err) != vehicle.CodeRequired || bluelink.RetryAfter(err) > 12*time.Hour {
				t.Fatal(err)
			}
			<-time.After(2 * time.Minute)
		}
		if sent != 2 {
			t.Errorf("%d codes in a day", sent)
		}
		g := openLogins(t, s)
		person := bluelink.WithPerson(ctx)
		for n := range 4 {
			if err := g.Before(person, codeCall); (err == nil) != (n < 3) {
				t.Errorf("code %d that a person asks for: %v", n+1, err)
			}
		}
		g = openLogins(t, store.NewMemory(), func(o *LoginOptions) { o.Forgetful = true })
		if err := g.Before(ctx, codeCall); !errors.Is(err, bluelink.ErrOTPRequired) {
			t.Errorf("where the store does not last: %v", err)
		}
		if err := g.Before(person, codeCall); err != nil {
			t.Errorf("where the store does not last, a person: %v", err)
		}
	})
}

// TestLogins_RenewalsByPasswordAreTwelveADay is the way of clouds without refresh tokens.
func TestLogins_RenewalsByPasswordAreTwelveADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, session := start(t, store.NewMemory(), bluelink.NewMemoryTokens())
		a.life = time.Hour
		again := bluelink.Call{Kind: bluelink.CallRenew, Op: "password", Credentials: true}
		a.renew = func(ctx context.Context) error { return a.calls(ctx, pageCall, again) }
		begin, refused := time.Now(), 0
		for time.Since(begin) < 24*time.Hour {
			if _, err := session.Tokens(context.Background(), 0); err != nil {
				refused++
			}
			<-time.After(time.Minute)
		}
		if n := a.sent["password"]; n != 13 { // the sign-in, and twelve
			t.Errorf("%d passwords in a day", n)
		}
		if refused == 0 {
			t.Error("nothing was refused although tokens live for an hour")
		}
	})
}

func TestLogins_RenewalsByTokenAreBoundedOnlyAgainstRunningInACircle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, session := start(t, store.NewMemory(), bluelink.NewMemoryTokens())
		a.life = 30 * time.Minute // as in the USA
		begin := time.Now()
		for time.Since(begin) < 3*24*time.Hour {
			if _, err := session.Tokens(context.Background(), 0); err != nil {
				t.Fatal(err)
			}
			<-time.After(time.Minute)
		}
		if a.sent["password"] != 1 {
			t.Errorf("%v", a.sent)
		}
		circle := func(g *Logins) (sent int) {
			b := &signer{guard: g, sent: map[string]int{}}
			for range 1000 {
				if b.call(context.Background(), renewCall, nil) == nil {
					sent++
				}
			}
			return sent
		}
		if n := circle(openLogins(t, store.NewMemory())); n != 96 {
			t.Errorf("%d renewals in a circle", n)
		}
		if n := circle(openLogins(t, store.NewMemory(), func(o *LoginOptions) { o.Loose = true })); n != 1000 {
			t.Errorf("%d renewals of simulated tokens", n)
		}
	})
}

// TestLogins_BoundsHoldAtRandom never admits more than the bounds allow, whatever is tried when, and whatever crashes.
func TestLogins_BoundsHoldAtRandom(t *testing.T) {
	calls := []bluelink.Call{registerCall, pageCall, passwordCall, renewCall, codeCall, enterCall}
	rapid.Check(t, func(rt *rapid.T) {
		synctest.Test(t, func(t *testing.T) {
			s := store.NewMemory()
			g := openLogins(t, s)
			left := map[act][]time.Time{}
			for range rapid.IntRange(1, 300).Draw(rt, "steps") {
				ctx := context.Background()
				if rapid.IntRange(0, 9).Draw(rt, "person") == 0 {
					ctx = bluelink.WithPerson(ctx)
				}
				call := rapid.SampledFrom(calls).Draw(rt, "call")
				if g.Before(ctx, call) == nil {
					a := actOf(ctx, call)
					left[a] = append(left[a], time.Now())
					g.After(ctx, call, time.Second, rapid.SampledFrom([]error{nil, failing(bluelink.ErrUnavailable), failing(bluelink.ErrBadResponse)}).Draw(rt, "end"))
				}
				if rapid.IntRange(0, 4).Draw(rt, "crash") == 0 {
					g = openLogins(t, s)
				}
				<-time.After(time.Duration(rapid.IntRange(0, 90).Draw(rt, "minutes")) * time.Minute)
			}
			for a, times := range left {
				for _, b := range bounds[a] {
					for i := b.most; i < len(times); i++ {
						if gap := times[i].Sub(times[i-b.most]); gap < b.within {
							rt.Fatalf("%s: %d within %s", a, b.most+1, gap)
						}
					}
				}
			}
		})
	})
}

func TestLogins_WhatCannotBeReadCountsAsUsedUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := store.NewMemory()
		if _, err := s.Put(context.Background(), "account/a/logins", []byte("{"), store.AnyRevision); err != nil {
			t.Fatal(err)
		}
		g := openLogins(t, s)
		for _, call := range []bluelink.Call{passwordCall, pageCall, registerCall, codeCall} {
			if err := g.Before(context.Background(), call); !errors.Is(err, bluelink.ErrQuota) {
				t.Errorf("%s: %v", call.Op, err)
			}
		}
		if err := g.Before(bluelink.WithPerson(context.Background()), passwordCall); err != nil {
			t.Errorf("a person: %v", err)
		}
		<-time.After(24 * time.Hour)
		if err := g.Before(context.Background(), passwordCall); err != nil {
			t.Errorf("a day later: %v", err)
		}
	})
}

// TestLogins_StaysSmallAndHoldsNoSecret bounds what is stored after months of everything.
func TestLogins_StaysSmallAndHoldsNoSecret(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := store.NewMemory()
		a := &signer{guard: openLogins(t, s), sent: map[string]int{}}
		for range 1500 {
			for _, call := range []bluelink.Call{registerCall, pageCall, passwordCall, renewCall, codeCall, enterCall} {
				_ = a.call(context.Background(), call, failing(fmt.Errorf("%w: canary", bluelink.ErrBadResponse)))
				_ = a.call(bluelink.WithPerson(context.Background()), call, nil)
			}
			<-time.After(17 * time.Minute)
		}
		entry, err := s.Get(context.Background(), "account/a/logins")
		if err != nil || len(entry.Value) > 12_000 || !json.Valid(entry.Value) {
			t.Errorf("%d bytes, %v", len(entry.Value), err)
		}
		if strings.Contains(string(entry.Value), "canary") {
			t.Error("what a cloud said is stored")
		}
	})
}
