package hyundaius

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/internal/leaf"
)

// authority obtains the tokens of one account (§2.1, §2.2). No source knows a one-time code here, and devices are not
// registered.
type authority struct {
	account   bluelink.Account
	transport *bluelink.Transport
}

var _ bluelink.Authority = (*authority)(nil)

// Login signs in.
func (a *authority) Login(ctx context.Context, _ bluelink.Tokens, _ bluelink.Keep) (bluelink.Tokens, error) {
	return a.grant(ctx, bluelink.Call{Kind: bluelink.CallLogin, Op: "sign in", Credentials: true}, bluelink.Tokens{}, map[string]string{
		"username": a.account.Username, "password": a.account.Password,
	})
}

// Renew trades the refresh token. The server looks whether e-mail and password are there before it looks at the token
// (§2.2, variant A; seen). Should it say that the password is wrong, the refresh token is forgotten, so that the same is not
// shown with it again, a restart included: wrong passwords are counted. What is left is one sign-in.
func (a *authority) Renew(ctx context.Context, old bluelink.Tokens, keep bluelink.Keep) (bluelink.Tokens, error) {
	call := bluelink.Call{Kind: bluelink.CallRenew, Op: "renew token"}
	if old.Refresh == "" {
		return bluelink.Tokens{}, &bluelink.Error{Op: call.Op, Cloud: a.account.Cloud(), Text: "not tried again", Err: bluelink.ErrCredentials}
	}
	t, err := a.grant(ctx, call, old, map[string]string{
		"username": a.account.Username, "password": a.account.Password, "grant_type": "refresh_token", "refresh_token": old.Refresh,
	})
	if errors.Is(err, bluelink.ErrCredentials) {
		old.Refresh = ""
		if failure := keep(ctx, old); failure != nil {
			err = errors.Join(err, failure)
		}
	}
	return t, err
}

// Register has nothing to do: this cloud knows no devices.
func (a *authority) Register(context.Context) (string, error) {
	return "", &bluelink.Error{Op: "register device", Cloud: a.account.Cloud(), Err: bluelink.ErrUnsupported}
}

// grant asks for tokens.
func (a *authority) grant(ctx context.Context, call bluelink.Call, old bluelink.Tokens, fields map[string]string) (t bluelink.Tokens, err error) {
	body, err := json.Marshal(fields)
	if err != nil {
		return bluelink.Tokens{}, fmt.Errorf("%s: %w", call.Op, err)
	}
	r, err := newRequest(ctx, http.MethodPost, loginBase+"oauth/token", string(body))
	if err != nil {
		return bluelink.Tokens{}, err
	}
	_, err = a.transport.Do(ctx, bluelink.Exchange{Call: call, Request: r, Classify: func(answer bluelink.Answer) error {
		root, isJSON := leaf.Parse(answer.Body)
		if err := classifyGrant(call.Kind, answer, root, isJSON); err != nil {
			return err
		}
		access := root.Get("access_token")
		if access.Kind() != '"' || access.Str() == "" {
			return &bluelink.Error{Err: bluelink.ErrBadResponse, Text: "no access_token"}
		}
		t = bluelink.Tokens{Access: strings.Clone(access.Str()), Expires: expiry(root.Get("expires_in")), Refresh: old.Refresh}
		if next := root.Get("refresh_token"); next.Kind() == '"' && next.Str() != "" {
			t.Refresh = strings.Clone(next.Str())
		}
		return nil
	}})
	return t, err
}

// classifyGrant reads the answers of the token endpoint, where a refusal is about the password or the refresh token.
func classifyGrant(kind bluelink.CallKind, answer bluelink.Answer, root leaf.Value, isJSON bool) error {
	err := classify(&request{kind: kind}, answer, root, isJSON)
	e := (*bluelink.Error)(nil)
	if !errors.As(err, &e) {
		return err
	}
	refuses := isJSON && root.Kind() == '{' && (errors.Is(err, bluelink.ErrSessionExpired) || errors.Is(err, bluelink.ErrBadResponse) && answer.Status < 500)
	switch {
	case kind == bluelink.CallLogin && errors.Is(err, bluelink.ErrSessionExpired):
		e.Err = bluelink.ErrCredentials // an unknown refusal must not be repeated until the account is locked
	case kind == bluelink.CallRenew && (refuses || errors.Is(err, bluelink.ErrClientRefused)) && answer.Status != http.StatusOK:
		e.Err = bluelink.ErrSessionExpired // whatever it has against the refresh token, a sign-in follows, once (§2.2)
	}
	return e
}

// expiry is when a token that was just given ends: expires_in is a text of seconds (§2.1). Without a plausible one it counts
// for half an hour, the shortest that was seen.
func expiry(seconds leaf.Value) time.Time {
	n, refused := leaf.AsNumber(seconds)
	if refused != "" || seconds.Missing() || !(n > 0 && n <= 400*24*60*60) {
		n = 1799
	}
	return time.Now().Add(time.Duration(n) * time.Second)
}
