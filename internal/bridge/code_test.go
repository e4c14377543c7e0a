package bridge_test

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/bridge"
)

// challenged is a session whose sign-in wants the code 123456.
type challenged struct {
	mu     sync.Mutex
	open   bool
	now    bluelink.Challenge
	ctxs   []context.Context
	resend error
}

func newChallenged() *challenged {
	return &challenged{open: true, now: bluelink.Challenge{
		Since: time.Now(), Methods: []bluelink.CodeMethod{{Name: bluelink.ByEmail, To: "j…@example.com"}, {Name: bluelink.BySMS, To: "…1234"}},
	}}
}

func (c *challenged) Challenge() (bluelink.Challenge, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now, c.open
}

func (c *challenged) SendCode(ctx context.Context, method string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ctxs = append(c.ctxs, ctx)
	if c.resend != nil {
		return c.resend
	}
	c.now.Sent, c.now.SentAt, c.now.Tries = method, time.Now(), 0
	return nil
}

func (c *challenged) EnterCode(ctx context.Context, code string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ctxs = append(c.ctxs, ctx)
	if code != "123456" {
		c.now.Tries++
		return &bluelink.Error{Op: "enter code", Text: "wrong code", Err: bluelink.ErrOTP}
	}
	c.open = false
	return nil
}

// login is what a sign-in says while the challenge stands.
func (c *challenged) login(context.Context) error {
	if _, open := c.Challenge(); open {
		return &bluelink.Error{Op: "sign in", Err: bluelink.ErrOTPRequired}
	}
	return nil
}

// told is what the topic of codes says.
func (w *world) told() (code struct {
	Required bool
	Methods  []struct{ Method, To string }
	Sent     string
	Left     *int `json:"tries_left"`
	Message  string
	Reason   string
},
) {
	w.t.Helper()
	if err := json.Unmarshal([]byte(w.outbox.last("account/home/code")), &code); err != nil {
		w.t.Errorf("the topic of codes says %q: %v", w.outbox.last("account/home/code"), err)
	}
	return code
}

func (w *world) tellCode(word, payload string, retained bool) {
	w.Handle(bridge.Message{Topic: "hyundai/account/home/code/" + word, Payload: []byte(payload), Retained: retained, Received: time.Now()})
	synctest.Wait()
}

func TestCode_IsAskedForAndEnteredOverMQTT(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		codes, c := newChallenged(), newCloud(car(1))
		c.signIn(codes.login)
		w := build(t, c, func(o *bridge.Options) { o.Accounts[0].Codes = codes }).run()
		defer w.stop()
		w.Connected()
		if state, rest := w.auth(); state != "code_required" {
			t.Errorf("the account says %v", rest)
		}
		if got := w.told(); !got.Required || len(got.Methods) != 2 || got.Methods[1].To != "…1234" || !strings.Contains(got.Message, "hyundai/account/home/code/method") {
			t.Errorf("told %+v", got)
		}
		w.tellCode("method", "sms", true)
		if got := w.told(); got.Sent != "" {
			t.Errorf("a retained message had a code sent: %+v", got)
		}
		w.tellCode("method", "sms", false)
		if got := w.told(); got.Sent != "sms" || got.Left == nil || *got.Left != 3 || !strings.Contains(got.Message, "hyundai/account/home/code/set") {
			t.Errorf("told %+v", got)
		}
		w.tellCode("set", "654321", false)
		if got := w.told(); *got.Left != 2 || !strings.Contains(got.Message, "wrong code") || got.Reason != string(bluelink.Reason(bluelink.ErrOTP)) {
			t.Errorf("told %+v", got)
		}
		w.tellCode("set", `{"code": "123456"}`, false)
		if got := w.told(); got.Required || got.Message != "" || got.Reason != "" {
			t.Errorf("told %+v", got)
		}
		if state, rest := w.auth(); state != "online" {
			t.Errorf("afterwards the account says %v", rest)
		}
		w.refresh("car-1", "now", "cached")
		synctest.Wait()
		if r := w.last("car-1", "now"); r.State != "verified" {
			t.Errorf("a refresh ended %+v", r)
		}
		for _, ctx := range codes.ctxs {
			if !bluelink.ByPerson(ctx) || bluelink.TraceOf(ctx).Account != "home" {
				t.Error("the call does not say that a person asked for it")
			}
		}
		if found := append(w.log.with("123456"), w.log.with("654321")...); len(found) != 0 {
			t.Error("the log holds a code")
		}
	})
}

func TestCode_WhatCannotBeDoneIsSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		codes, c := newChallenged(), newCloud(car(1))
		c.signIn(codes.login)
		codes.resend = &bluelink.Error{Op: "request a code", Text: "codes were requested three times in twelve hours", Err: bluelink.ErrQuota}
		w := build(t, c, func(o *bridge.Options) { o.Accounts[0].Codes = codes }).run()
		defer w.stop()
		w.Connected()
		for _, order := range [][2]string{{"method", "{"}, {"method", "email"}, {"set", ""}, {"set", "[]"}} {
			before := len(w.outbox.on("hyundai/account/home/code"))
			w.tellCode(order[0], order[1], false)
			if got := w.told(); !got.Required || got.Message == "" || got.Reason == "" || len(w.outbox.on("hyundai/account/home/code")) == before {
				t.Errorf("%v is answered %+v", order, got)
			}
		}
		w.tellCode("password", "x", false)
		w.Handle(bridge.Message{Topic: "hyundai/account/elsewhere/code/set", Payload: []byte("123456"), Received: time.Now()})
		synctest.Wait()
	})
}

func TestCode_CloudsThatSendNoneSayNothing(t *testing.T) {
	bubble(t, newCloud(car(1)), func(t *testing.T, w *world) {
		w.Connected()
		w.tellCode("set", "123456", false)
		if got := w.outbox.on("hyundai/account/home/code"); len(got) != 0 {
			t.Errorf("told %s", got)
		}
		if n := len(w.log.with("level=WARN", "sends none", "hyundai/account/home/code/set")); n != 1 || len(w.log.with("123456")) > 0 {
			t.Errorf("the log says so %d times", n)
		}
	})
}
