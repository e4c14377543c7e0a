package ccapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/sim"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// lock sends a command that needs a control token, or one of the flat form, which does not.
func (w *world) lock(v vehicle.Vehicle) error {
	w.t.Helper()
	_, err := w.cloud.Send(w.t.Context(), bluelink.Ask{Vehicle: v}, vehicle.Lock{})
	if err != nil && bluelink.MayHaveSucceeded(err) {
		w.t.Errorf("may have succeeded: %v", err)
	}
	return err
}

func TestControl_OnePINServesAllCommands(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, vehicle.Kia, sim.Options{Parked: true, Cars: 40, Latency: time.Second})
		var all sync.WaitGroup
		sent := 0
		for _, v := range w.cars() {
			if v.CCS2 == 0 {
				continue
			}
			sent++
			all.Go(func() {
				if err := w.lock(v); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if n := w.counts().PINs; n != 1 || sent < 20 {
			t.Errorf("%d PINs for %d commands", n, sent)
		}
	})
}

func TestControl_WithoutAPINNothingLeaves(t *testing.T) {
	w := newWorld(t, vehicle.Kia, sim.Options{Parked: true})
	cars := w.cars()
	w.withPIN("")
	for _, v := range cars {
		w.tokens.expire()
		w.calls.reset()
		err := w.lock(v)
		if mustBe(t, err, bluelink.ErrPINRequired); w.calls.ops() != "" || bluelink.Reason(err) != vehicle.PINRequired {
			t.Errorf("%s: %v after %s", v.Protocol(), err, w.calls.ops())
		}
	}
}

// TestControl_WrongPINIsTriedOnce tries it once for all commands, renewals and restarts, until it changes.
func TestControl_WrongPINIsTriedOnce(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, vehicle.Kia, sim.Options{Parked: true, Cars: 10, Latency: time.Second})
		flat, ccs2 := w.car("flat", vehicle.EV), w.car("ccs2", vehicle.EV)
		w.withPIN("9999")
		var all sync.WaitGroup
		for _, v := range w.cars() {
			if v.CCS2 != 0 {
				all.Go(func() {
					if err := w.lock(v); !errors.Is(err, bluelink.ErrPIN) || bluelink.Reason(err) != vehicle.PINWrong || bluelink.Temporary(err) {
						t.Errorf("error is %v", err)
					}
				})
			}
		}
		all.Wait()
		again := func(when string) {
			t.Helper()
			w.calls.reset()
			err := w.lock(ccs2)
			if !errors.Is(err, bluelink.ErrPIN) || strings.Contains(w.calls.ops(), "PIN") || w.counts().WrongPINs != 1 {
				t.Errorf("%s: %v after %s, %d wrong PINs", when, err, w.calls.ops(), w.counts().WrongPINs)
			}
		}
		again("at once")
		wait(t, 24*time.Hour)
		again("the next day")
		w.open()
		again("after a restart")
		w.tokens.expire()
		w.open()
		if err := w.cloud.Login(t.Context()); err != nil {
			t.Fatal(err)
		}
		again("after a renewal")
		w.open()
		again("after a renewal and a restart")
		if err := w.lock(flat); err != nil {
			t.Errorf("a command that needs no PIN: %v", err)
		}
		for _, token := range w.tokens.stored().Extra {
			if strings.Contains(token, "9999") {
				t.Error("the PIN is stored")
			}
		}
		w.withPIN(sim.PIN)
		if err := w.lock(ccs2); err != nil {
			t.Errorf("after a change: %v", err)
		}
		if _, marked := w.tokens.stored().Extra["refusedPin"]; marked {
			t.Error("a good PIN left the mark of the refused one")
		}
	})
}

// TestControl_APersonMayTryTheSamePINOnceMore signs in as a person does, who may have changed the PIN in the app.
func TestControl_APersonMayTryTheSamePINOnceMore(t *testing.T) {
	w := newWorld(t, vehicle.Kia, sim.Options{Parked: true})
	v := w.car("ccs2", vehicle.EV)
	w.withPIN("9999")
	for n := range 3 {
		for range 2 {
			mustBe(t, w.lock(v), bluelink.ErrPIN)
		}
		if wrong := w.counts().WrongPINs; wrong != n+1 {
			t.Errorf("%d wrong PINs after %d persons", wrong, n)
		}
		if err := w.cloud.Login(bluelink.WithPerson(t.Context())); err != nil {
			t.Fatal(err)
		}
		w.open()
	}
}

// TestControl_AnUnstoredRefusalCountsForTheProcess lets the disk be full.
func TestControl_AnUnstoredRefusalCountsForTheProcess(t *testing.T) {
	w := newWorld(t, vehicle.Kia, sim.Options{Parked: true})
	v := w.car("ccs2", vehicle.EV)
	w.withPIN("9999")
	full := errors.New("disk full")
	w.tokens.fail = full
	err := w.lock(v)
	mustBe(t, err, bluelink.ErrPIN)
	mustBe(t, err, full)
	w.tokens.fail = nil
	mustBe(t, w.lock(v), bluelink.ErrPIN)
	if wrong := w.counts().WrongPINs; wrong != 1 {
		t.Errorf("%d wrong PINs", wrong)
	}
}

func TestControl_TokensAreRenewedForThePIN(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, vehicle.Kia, sim.Options{Parked: true})
		v := w.car("ccs2", vehicle.EV)
		w.fault("expired-token,count=1,path=*/user/pin")
		if err := w.lock(v); err != nil {
			t.Fatal(err)
		}
		if n := w.calls.count(bluelink.CallRenew); n == 0 || w.counts().PINs != 1 {
			t.Errorf("%d renewals, %d PINs", n, w.counts().PINs)
		}
		wait(t, time.Minute)
		// The device id is lost with the next command; the control token stays (docs/protocol/europe.md §2.7).
		w.fault("invalid-device,count=1,path=*/control/door")
		if err := w.lock(v); err != nil || w.counts().PINs != 1 {
			t.Errorf("%v after %d PINs", err, w.counts().PINs)
		}
	})
}

// TestControl_UnderstandsTheAnswersToAPIN answers a PIN in every way, and then sends another command.
func TestControl_UnderstandsTheAnswersToAPIN(t *testing.T) {
	for _, test := range []struct {
		name   string
		status int
		body   string
		err    error
		first  int // PINs for the first command
		second int // further ones for the second
	}{
		{"good", 200, `{"controlToken":"c","expiresTime":600}`, nil, 1, 0},
		{"good, without a life", 200, `{"controlToken":"c"}`, nil, 1, 0},
		{"good, with a short life", 200, `{"controlToken":"c","expiresTime":60}`, nil, 1, 1},
		{"good, with a life that is none", 200, `{"controlToken":"c","expiresTime":"soon"}`, nil, 1, 0},
		{"wrong", 400, `{"errId":"x","errCode":"4003","errMsg":"Invalid values","errBody":{"remainCount":4}}`, bluelink.ErrPIN, 1, 0},
		{"wrong, in another code", 403, `{"errId":"x","errCode":"4104","errMsg":"Mismatch"}`, bluelink.ErrPIN, 1, 0},
		{"wrong, in the other envelope", 400, `{"retCode":"F","resCode":"4999","resMsg":"PIN"}`, bluelink.ErrPIN, 1, 0},
		{"wrong, as an invalid parameter", 400, `{"retCode":"F","resCode":"4002","resMsg":"Invalid request body - Invalid parameter."}`, bluelink.ErrPIN, 1, 0},
		{"wrong, by the gateway", 401, `{"error":"Unauthorized"}`, bluelink.ErrPIN, 1, 0},
		{"wrong, with 200", 200, `{"errCode":"4003","errMsg":"Invalid values"}`, bluelink.ErrPIN, 1, 0},
		{"wrong, in an unknown object", 400, `{"message":"no"}`, bluelink.ErrPIN, 1, 0},
		{"wrong, in an unknown object with 401", 401, `{"message":"no"}`, bluelink.ErrPIN, 1, 0},
		{"token expired", 401, `{"error":"Key not authorized: Token is expired"}`, bluelink.ErrSessionExpired, 2, 1},
		{"session gone", 401, `{"errId":"x","errCode":"4010","errMsg":"Require authentication"}`, bluelink.ErrSessionExpired, 2, 1},
		{"device gone", 400, `{"retCode":"F","resCode":"4002","resMsg":"Invalid request body - Invalid deviceId."}`, bluelink.ErrDevice, 2, 2},
		{"bad moment", 400, `{"retCode":"F","resCode":"4002","resMsg":"service problem, because of anything problem"}`, bluelink.ErrUnavailable, 1, 1},
		{"limit", 509, `{"retCode":"F","resCode":"5091","resMsg":"Exceeds"}`, bluelink.ErrRateLimited, 1, 1},
		{"too many", 429, `{"error":"slow down"}`, bluelink.ErrRateLimited, 1, 1},
		{"broken", 500, `{"errCode":"5000","errMsg":"x"}`, bluelink.ErrUnavailable, 1, 1},
		{"broken gateway", 502, `{"error":"bad gateway"}`, bluelink.ErrUnavailable, 1, 1},
		{"moved", 404, `{"message":"no"}`, bluelink.ErrBadResponse, 1, 1},
		{"maintenance", 200, `<html>`, bluelink.ErrBadResponse, 1, 1},
		{"firewall", 403, `<html>`, bluelink.ErrBlocked, 1, 1},
		{"bare 401", 401, ``, bluelink.ErrBadResponse, 1, 1},
		{"empty", 200, ``, bluelink.ErrBadResponse, 1, 1},
		{"no token", 200, `{"retCode":"S","resCode":"0000"}`, bluelink.ErrBadResponse, 1, 1},
		{"empty token", 200, `{"controlToken":"","expiresTime":600}`, bluelink.ErrBadResponse, 1, 1},
		{"token of another type", 200, `{"controlToken":{"a":1}}`, bluelink.ErrBadResponse, 1, 1},
		{"list", 200, `[]`, bluelink.ErrBadResponse, 1, 1},
	} {
		inBubble(t, func(t *testing.T) {
			pins, posts := 0, 0
			w := scripted(t, func(r *http.Request) (*http.Response, error) {
				switch {
				case strings.HasSuffix(r.URL.Path, "/user/pin"):
					pins++
					return answerWith(r, test.status, test.body), nil
				case strings.HasSuffix(r.URL.Path, "/register"):
					return answerWith(r, 200, `{"retCode":"S","resMsg":{"deviceId":"`+fmt.Sprint("d", pins)+`"}}`), nil
				case strings.HasSuffix(r.URL.Path, "/oauth2/token"):
					return answerWith(r, 200, fmt.Sprintf(`{"access_token":"a%d","token_type":"Bearer","expires_in":3600}`, pins)), nil
				}
				posts++
				return answerWith(r, 200, `{"retCode":"S","resCode":"0000","msgId":"1"}`), nil
			})
			w.withPIN("1234")
			v := vehicle.Vehicle{ID: "x", CloudID: "id", CCS2: 1, Engine: vehicle.EV}
			for n, want := range []int{test.first, test.first + test.second} {
				err := w.lock(v)
				if !errors.Is(err, test.err) || (err == nil) != (test.err == nil) {
					t.Errorf("%s: %v, want %v", test.name, err, test.err)
				}
				if pins != want {
					t.Errorf("%s: %d PINs after command %d, want %d", test.name, pins, n+1, want)
				}
				if n == 0 && test.name == "wrong" && !strings.Contains(err.Error(), "4 more") {
					t.Errorf("%s: %v does not say how many tries are left", test.name, err)
				}
			}
			if (posts > 0) != (test.err == nil) {
				t.Errorf("%s: %d commands left", test.name, posts)
			}
		})
	}
}

// TestControl_UnansweredPINsKeepTheirDistance loses every answer: a wrong PIN counts at the cloud all the same.
func TestControl_UnansweredPINsKeepTheirDistance(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, vehicle.Kia, sim.Options{Parked: true})
		v := w.car("ccs2", vehicle.EV)
		w.fault("reset,path=*/user/pin")
		for range 24 * 60 { // a command a minute for a day
			mustBe(t, w.lock(v), bluelink.ErrUnavailable)
			wait(t, time.Minute)
		}
		pins := 0
		for _, call := range w.calls.calls {
			if call.Op == "exchange PIN" {
				pins++
			}
		}
		if pins > 32 {
			t.Errorf("%d PINs", pins)
		}
		w.ClearFaults()
		wait(t, time.Hour)
		if err := w.lock(v); err != nil {
			t.Error(err)
		}
	})
}

// TestControl_ARefusalIsReadAlthoughTheCallerHasGone gives up before the cloud answers.
func TestControl_ARefusalIsReadAlthoughTheCallerHasGone(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, vehicle.Kia, sim.Options{Parked: true})
		v := w.car("ccs2", vehicle.EV)
		w.withPIN("9999")
		if err := w.cloud.Login(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.fault("slow=5s,path=*/user/pin")
		for range 3 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			_, err := w.cloud.Send(ctx, bluelink.Ask{Vehicle: v}, vehicle.Lock{})
			cancel()
			mustBe(t, err, bluelink.ErrPIN)
		}
		if wrong := w.counts().WrongPINs; wrong != 1 {
			t.Errorf("%d wrong PINs", wrong)
		}
		// A good one that came late sends no command any more.
		w.withPIN(sim.PIN)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := w.cloud.Send(ctx, bluelink.Ask{Vehicle: v}, vehicle.Lock{})
		if mustBe(t, err, context.DeadlineExceeded); bluelink.MayHaveSucceeded(err) || w.commandsSeen(v) != 0 {
			t.Errorf("%v with %d commands", err, w.commandsSeen(v))
		}
		if err := w.lock(v); err != nil || w.counts().PINs != 1 {
			t.Errorf("%v after %d PINs", err, w.counts().PINs)
		}
	})
}
