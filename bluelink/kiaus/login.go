package kiaus

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/internal/leaf"
)

// sessionLife is how long a session id is taken to live; the cloud does not say, and may end it before
// (docs/protocol/usa-kia.md §2.1, §9).
const sessionLife = 23 * time.Hour

// What is kept beside the tokens that all clouds have.
const (
	// trust is under which name the tokens keep the rmtoken: it makes the cloud take the device without a code.
	trust = "rmtoken"
	// again stands in the place of a refresh token: the cloud renews by a sign-in (docs/protocol/usa-kia.md §2.5).
	again = "by signing in"
)

// What a challenge needs to go on, by the names of the wire.
const (
	otpKey = "otpkey"
	xid    = "xid"
)

// authority obtains the tokens of the account.
type authority struct{ cloud *cloud }

var (
	_ bluelink.CodeAuthority = (*authority)(nil)
	_ bluelink.Exporter      = (*authority)(nil)
)

// signInBody is the body of prof/authUser.
type signInBody struct {
	Device     string     `json:"deviceKey"`
	Type       int        `json:"deviceType"`
	Credential credential `json:"userCredential"`
	Terms      int        `json:"tncFlag,omitempty"`
}

type credential struct {
	User     string `json:"userId"`
	Password string `json:"password"`
}

// Login signs in. The device id is made here and tells the cloud nothing before a code has made it a trusted one: no device
// is registered.
func (a *authority) Login(ctx context.Context, old bluelink.Tokens, keep bluelink.Keep) (bluelink.Tokens, error) {
	if old.Device == "" {
		old.Device = newDevice()
		if err := keep(ctx, old); err != nil {
			return bluelink.Tokens{}, err
		}
	}
	return a.signIn(ctx, bluelink.CallLogin, old, nil, keep)
}

// Renew signs in again. With the trust that came with the code it needs no other.
func (a *authority) Renew(ctx context.Context, old bluelink.Tokens, keep bluelink.Keep) (bluelink.Tokens, error) {
	if old.Refresh != again {
		return bluelink.Tokens{}, &bluelink.Error{Op: "renew session", Cloud: a.cloud.account.Cloud(), Text: "this cloud takes no refresh tokens", Err: bluelink.ErrUnsupported}
	}
	return a.signIn(ctx, bluelink.CallRenew, old, nil, keep)
}

// Export gives nothing: of the session and its trust nothing works on another device.
func (a *authority) Export(bluelink.Tokens) string { return "" }

// Register makes another device id. Nothing is sent for it.
func (a *authority) Register(context.Context) (string, error) { return newDevice(), nil }

// signIn makes the call (docs/protocol/usa-kia.md §2.1), or the one that completes a sign-in with a code, which shows what
// that has given (§2.4).
func (a *authority) signIn(
	ctx context.Context, kind bluelink.CallKind, old bluelink.Tokens, after map[string]string, keep bluelink.Keep,
) (t bluelink.Tokens, err error) {
	c := a.cloud
	q := request{
		call: bluelink.Call{Kind: kind, Op: "sign in", Credentials: true}, method: http.MethodPost, path: "prof/authUser",
		body: signInBody{old.Device, 2, credential{c.account.Username, c.account.Password}, 1},
	}
	if rm := old.Extra[trust]; rm != "" {
		q.header = map[string]string{trust: rm}
	}
	if after != nil {
		q.header = after
		q.body = signInBody{old.Device, 2, credential{c.account.Username, c.account.Password}, 0}
	}
	var demand *bluelink.Challenge
	var forgotten bool
	q.answer = func(root leaf.Value, header http.Header) error {
		payload := root.Get("payload")
		switch sid := header.Get("Sid"); {
		case sid != "":
			t = sessionOf(old, sid, header.Get("Rmtoken"))
			return nil
		case payload.Get("otpKey").Str() != "":
			forgotten, _ = leaf.AsFlag(payload.Get("rmTokenExpired"))
			demand = challengeOf(payload, header)
			return &bluelink.Error{Err: bluelink.ErrOTPRequired}
		}
		return &bluelink.Error{Err: bluelink.ErrBadResponse, Text: "neither a session id nor the demand for a code"}
	}
	err = c.try(ctx, q, old.Device)
	if demand != nil {
		old.Challenge = demand
		if old.Extra = maps.Clone(old.Extra); forgotten {
			delete(old.Extra, trust)
		}
		if failure := keep(ctx, old); failure != nil {
			return bluelink.Tokens{}, failure
		}
	}
	return t, err
}

// sessionOf are the tokens of a session.
func sessionOf(old bluelink.Tokens, sid, rm string) bluelink.Tokens {
	t := bluelink.Tokens{Access: strings.Clone(sid), Expires: time.Now().Add(sessionLife), Refresh: again, Device: old.Device}
	if rm == "" {
		rm = old.Extra[trust]
	}
	if rm != "" {
		t.Extra = map[string]string{trust: rm}
	}
	return t
}

// challengeOf reads the demand for a code. An answer that names no way is taken for one that has e-mail, as accounts have
// that name (assumed).
func challengeOf(payload leaf.Value, header http.Header) *bluelink.Challenge {
	c := &bluelink.Challenge{State: map[string]string{otpKey: strings.Clone(payload.Get("otpKey").Str()), xid: header.Get("Xid")}}
	offer := func(method, has, to string) {
		if on, _ := leaf.AsFlag(payload.Get(has)); on {
			c.Methods = append(c.Methods, bluelink.CodeMethod{Name: method, To: bluelink.MaskDestination(strings.Clone(payload.Get(to).Str()))})
		}
	}
	offer(bluelink.ByEmail, "hasEmail", "email")
	offer(bluelink.BySMS, "hasPhone", "phone")
	if c.Methods == nil {
		c.Methods = []bluelink.CodeMethod{{Name: bluelink.ByEmail}}
	}
	return c
}

// notifyTypes are the names of methods on the wire.
var notifyTypes = map[string]string{bluelink.ByEmail: "EMAIL", bluelink.BySMS: "SMS"}

// SendCode asks the cloud to send a code (docs/protocol/usa-kia.md §2.2). The same challenge serves for any number of them.
func (a *authority) SendCode(ctx context.Context, old bluelink.Tokens, method string, _ bluelink.Keep) (bluelink.Tokens, error) {
	state := old.Challenge.State
	if state[otpKey] == "" {
		return bluelink.Tokens{}, a.over("request a code")
	}
	err := a.cloud.try(ctx, request{
		call: bluelink.Call{Kind: bluelink.CallCode, Op: "request a code"}, method: http.MethodPost, path: "cmm/sendOTP", body: struct{}{},
		header: map[string]string{otpKey: state[otpKey], xid: state[xid], "notifytype": notifyTypes[method]},
	}, old.Device)
	if time.Since(old.Challenge.Since) > freshFor {
		err = forgotten(err)
	}
	return old, err
}

// freshFor is how long the cloud is sure to remember a challenge; how long it does nobody knows.
const freshFor = 10 * time.Minute

// forgotten reads a refusal of a code that is asked for late. The page knows no code for a challenge that the cloud has
// forgotten, so that whatever it says in general words is taken for one: then another sign-in tells.
func forgotten(err error) error {
	e := (*bluelink.Error)(nil)
	if !errors.As(err, &e) || e.Code == "" || errors.Is(err, bluelink.ErrRateLimited) || errors.Is(err, bluelink.ErrClientRefused) {
		return err
	}
	over := *e
	over.Err = bluelink.ErrSessionExpired
	return &over
}

// EnterCode enters a code and completes the sign-in (docs/protocol/usa-kia.md §2.3, §2.4).
func (a *authority) EnterCode(ctx context.Context, old bluelink.Tokens, code string, keep bluelink.Keep) (bluelink.Tokens, error) {
	const op = "enter code"
	state := old.Challenge.State
	if state[otpKey] == "" {
		return bluelink.Tokens{}, a.over(op)
	}
	var sid, rm string
	err := a.cloud.try(ctx, request{
		call: bluelink.Call{Kind: bluelink.CallCode, Op: op, Credentials: true}, method: http.MethodPost, path: "cmm/verifyOTP",
		header: map[string]string{otpKey: state[otpKey], xid: state[xid]}, body: map[string]string{"otp": code},
		answer: func(_ leaf.Value, header http.Header) error {
			if sid, rm = header.Get("Sid"), header.Get("Rmtoken"); sid == "" {
				return &bluelink.Error{Err: bluelink.ErrBadResponse, Text: "no session id"}
			}
			return nil
		},
	}, old.Device)
	if err != nil {
		return bluelink.Tokens{}, err
	}
	if rm == "" {
		return a.untrusted(ctx, old, sid)
	}
	// From here on a renewal can complete what breaks, without another code.
	trusted := bluelink.Tokens{Refresh: again, Device: old.Device, Extra: map[string]string{trust: rm}}
	if err := keep(ctx, trusted); err != nil {
		return bluelink.Tokens{}, err
	}
	return a.signIn(ctx, bluelink.CallLogin, trusted, map[string]string{"sid": sid, trust: rm}, keep)
}

// untrusted is for accounts to which the cloud gives a session, but no trust for the next time: the session that was meant
// to be completed then serves as it is (docs/protocol/usa-kia.md §2.3; seen in January 2026).
func (a *authority) untrusted(ctx context.Context, old bluelink.Tokens, sid string) (bluelink.Tokens, error) {
	t := sessionOf(bluelink.Tokens{Device: old.Device}, sid, "")
	if _, err := a.cloud.readList(ctx, t); err != nil {
		return bluelink.Tokens{}, err
	}
	a.cloud.log.WarnContext(ctx, "the cloud does not trust this device: it will want another code when the session ends", "account", a.cloud.account.Name)
	return t, nil
}

// over says that a challenge is not one that the cloud would know.
func (a *authority) over(op string) error {
	return &bluelink.Error{Op: op, Cloud: a.cloud.account.Cloud(), Text: "the sign-in that waits for it is over", Err: bluelink.ErrSessionExpired}
}
