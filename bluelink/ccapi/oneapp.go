package ccapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
)

// The tokens of the OneApp backend "CCI" and their exchange for one of the vehicle API (docs/protocol/europe.md §2.3 steps
// 4 and 5, §2.5).

// The tokens of the set, named as the backend does; the session stores all but the refresh token under the same
// names. Each answer replaces those that it holds.
const (
	cciAccess           = "accessToken"
	cciRefresh          = "refreshToken"
	exchangeable        = "exchangeableAccessToken"
	exchangeableRefresh = "exchangeableRefreshToken"
	nonCCS              = "nonCcsToken"
	nonCCSRefresh       = "nonCcsRefreshToken"
	idToken             = "idToken"
)

var extraTokens = [...]string{cciAccess, exchangeable, exchangeableRefresh, nonCCS, nonCCSRefresh, idToken}

// oneApp is Europe's way to a session (docs/protocol/europe.md §2): a password gives tokens of the OneApp backend, which are
// exchanged (signin.go); a refresh token of an ordinary sign-in is granted directly (grant.go).
type oneApp struct{ *authority }

var _ bluelink.Exporter = (*oneApp)(nil)

func newOneApp(a *authority) bluelink.Authority { return &oneApp{a} }

// Login signs in.
func (a *oneApp) Login(ctx context.Context, old bluelink.Tokens, keep bluelink.Keep) (bluelink.Tokens, error) {
	old, err := a.withDevice(ctx, old, keep)
	if err != nil {
		return bluelink.Tokens{}, err
	}
	if token := refreshTokenOf(a.account); token != "" {
		return a.byToken(ctx, old.Device, token)
	}
	code, err := a.signIn(ctx)
	if err != nil {
		return bluelink.Tokens{}, err
	}
	t, err := a.redeem(ctx, code, old.Device)
	if err != nil {
		return bluelink.Tokens{}, err
	}
	// From here on a renewal can complete what breaks, without another sign-in.
	if err := keep(ctx, t); err != nil {
		return bluelink.Tokens{}, err
	}
	return a.exchange(ctx, bluelink.CallLogin, t)
}

// Renew trades a refresh token for new tokens.
func (a *oneApp) Renew(ctx context.Context, old bluelink.Tokens, keep bluelink.Keep) (bluelink.Tokens, error) {
	if !fromOneApp(old) {
		return a.grant(ctx, old)
	}
	t, err := a.rotate(ctx, old)
	if err != nil {
		return bluelink.Tokens{}, err
	}
	// The old refresh token is dead: were the new one lost now, only the password would help.
	if err := keep(ctx, t); err != nil {
		return bluelink.Tokens{}, err
	}
	return a.exchange(ctx, bluelink.CallRenew, t)
}

// refreshTokenOf is the account's refresh token: in its own field, or in the place of the password, where only its shape
// tells it (docs/protocol/europe.md §2.3).
func refreshTokenOf(account bluelink.Account) string {
	if account.RefreshToken != "" {
		return account.RefreshToken
	}
	if len(account.Password) == 48 && strings.Trim(account.Password, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == "" {
		return account.Password
	}
	return ""
}

// fromOneApp tells a session that began with a password from one that began with a refresh token: neither's refresh tokens
// work at the other's endpoint.
func fromOneApp(t bluelink.Tokens) bool { return t.Extra[cciAccess] != "" || t.Extra[nonCCS] != "" }

// Export keeps the refresh tokens of the OneApp backend back: they are of use together with its other tokens only.
func (a *oneApp) Export(t bluelink.Tokens) string {
	if fromOneApp(t) {
		return ""
	}
	return t.Refresh
}

// redeem turns an authorization code into a set of tokens.
func (a *oneApp) redeem(ctx context.Context, code, device string) (bluelink.Tokens, error) {
	return a.askOneApp(ctx, bluelink.CallLogin, "redeem sign-in", "v1/auth/token?code="+url.QueryEscape(code), "", bluelink.Tokens{Device: device})
}

// rotate replaces the whole set; the old one is dead afterwards.
func (a *oneApp) rotate(ctx context.Context, old bluelink.Tokens) (bluelink.Tokens, error) {
	set := map[string]string{cciRefresh: old.Refresh}
	for _, name := range extraTokens {
		set[name] = old.Extra[name] // all are demanded, empty or not
	}
	body, err := json.Marshal(set)
	if err != nil {
		return bluelink.Tokens{}, fmt.Errorf("write tokens: %w", err)
	}
	return a.askOneApp(ctx, bluelink.CallRenew, "renew session", "v2/auth/token-refresh", string(body), old)
}

// askOneApp makes a call that answers with a set of tokens, which take the place of the old ones.
func (a *oneApp) askOneApp(ctx context.Context, kind bluelink.CallKind, op, path, body string, old bluelink.Tokens) (t bluelink.Tokens, err error) {
	r, err := a.oneAppRequest(ctx, path, body, old)
	if err != nil {
		return bluelink.Tokens{}, err
	}
	call := bluelink.Call{Kind: kind, Op: op}
	_, err = a.transport.Do(ctx, bluelink.Exchange{Call: call, Request: r, Classify: func(answer bluelink.Answer) error {
		root, err := a.read(call, answer)
		if err != nil {
			return err
		}
		if root.get(cciAccess).str() == "" {
			return &bluelink.Error{Err: bluelink.ErrBadResponse, Text: "no " + cciAccess}
		}
		t = bluelink.Tokens{Access: old.Access, Expires: old.Expires, Refresh: newer(root.get(cciRefresh), old.Refresh), Device: old.Device, Extra: map[string]string{}}
		for _, name := range extraTokens {
			if token := newer(root.get(name), old.Extra[name]); token != "" {
				t.Extra[name] = token
			}
		}
		// A cookie may carry a newer one still.
		for _, cookie := range (&http.Response{Header: answer.Header}).Cookies() {
			if cookie.Name == "t" && cookie.Value != "" {
				t.Extra[exchangeable] = cookie.Value
			}
		}
		return nil
	}})
	return t, err
}

func newer(leaf value, old string) string {
	if token := leaf.str(); token != "" {
		return strings.Clone(token)
	}
	return old
}

// exchange gets a token of the vehicle API for a set.
func (a *oneApp) exchange(ctx context.Context, kind bluelink.CallKind, set bluelink.Tokens) (bluelink.Tokens, error) {
	r, err := a.oneAppRequest(ctx, "v1/auth/token-exchange?serviceType=CCS", "", set)
	if err != nil {
		return bluelink.Tokens{}, err
	}
	t := set
	call := bluelink.Call{Kind: kind, Op: "exchange token"}
	_, err = a.transport.Do(ctx, bluelink.Exchange{Call: call, Request: r, Classify: func(answer bluelink.Answer) error {
		root, err := a.read(call, answer)
		if err != nil {
			return err
		}
		access := newer(root.get("accessToken"), root.get("ccsAccessToken").str())
		if access == "" {
			return &bluelink.Error{Err: bluelink.ErrBadResponse, Text: "no accessToken"}
		}
		t.Access, t.Expires = "Bearer "+access, a.profile.expiry(root.get("expiresTime")) // a duration, whatever its name
		return nil
	}})
	if err != nil {
		return bluelink.Tokens{}, err
	}
	return t, nil
}

// read reads an answer of the backend, whose failures are a status and an envelope of their own. What refuses a token says,
// during a renewal, that a sign-in is needed, and another status nothing; right after a sign-in the password was good, so
// then it is this client that is refused.
func (a *oneApp) read(call bluelink.Call, answer bluelink.Answer) (value, error) {
	root, ok := parse(answer.Body)
	code := root.get("code").str() // docs/protocol/europe.md §1.6
	dead := call.Kind == bluelink.CallRenew && code == "4111"
	if answer.Status == http.StatusOK && ok && root.kind() == '{' && !dead {
		return root, nil
	}
	e := &bluelink.Error{Err: bluelink.ErrClientRefused, Text: brief(string(answer.Body))}
	switch {
	case dead:
		e.Err = bluelink.ErrSessionExpired
	case answer.Status == http.StatusOK, answer.Status == http.StatusTooManyRequests, answer.Status >= 500,
		answer.Status == http.StatusForbidden && strings.HasPrefix(strings.TrimSpace(string(answer.Body)), "<"):
		err := a.profile.classifyStatus(call, answer)
		if !errors.As(err, &e) {
			return value{}, err
		}
	case call.Kind == bluelink.CallRenew && !refusesToken(answer.Status):
		e.Err = bluelink.ErrBadResponse
	case call.Kind == bluelink.CallRenew:
		e.Err = bluelink.ErrSessionExpired
	}
	if code != "" {
		e.Code, e.Text = brief(code), brief(root.get("message").str())
	}
	return value{}, e
}

// oneAppRequest builds a call of the backend with the headers of docs/protocol/europe.md §1.5. Authorization and
// Authentication are two different ones.
func (a *oneApp) oneAppRequest(ctx context.Context, path, body string, t bluelink.Tokens) (*http.Request, error) {
	r, err := a.profile.newRequest(ctx, http.MethodPost, "https://"+a.profile.cci+"/domain/api/"+path, "application/json", body)
	if err != nil {
		return nil, err
	}
	language := a.profile.language(a.account.Language)
	for name, text := range map[string]string{
		"client-id": a.profile.client, "client-name": a.profile.brand.String(), "client-version": "1.3.3", "client-os-code": "ios",
		"client-os-version": a.profile.osVersion, "client-device-model": "iPhone", "client-notification-provider-type": a.profile.notifier,
		"client-device-id": t.Device, "locale": strings.ToUpper(language), "timezone": time.Now().In(a.profile.zone).Format("-07:00"),
		"Accept": "application/json", "Accept-Language": language,
	} {
		r.Header.Set(name, text)
	}
	if access := t.Extra[cciAccess]; access != "" {
		r.Header.Set("authorization", "Bearer "+access)
		r.Header.Set("Authentication", t.Extra[nonCCS])
		r.Header.Set("exchangeable-token", t.Extra[exchangeable])
		r.Header.Set("non-ccs-token", t.Extra[nonCCS])
	}
	return r, nil
}
