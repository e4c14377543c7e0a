package ccapi

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
)

// opGrant is what the renewal of an ordinary sign-in is called.
const opGrant = "renew token"

// nowhere is where the app's renewals claim to come from.
const nowhere = "https://www.getpostman.com/oauth2/callback"

const formType = "application/x-www-form-urlencoded"

// grant trades the refresh token of an ordinary sign-in (docs/protocol/europe.md §2.4). The old token stays valid; the
// answer may bring a newer one.
func (a *authority) grant(ctx context.Context, old bluelink.Tokens) (t bluelink.Tokens, err error) {
	r, err := a.grantRequest(ctx, old.Refresh)
	if err != nil {
		return bluelink.Tokens{}, err
	}
	return a.askGrant(ctx, bluelink.Call{Kind: bluelink.CallRenew, Op: opGrant}, r, old)
}

// askGrant makes a call that answers with an access token.
func (a *authority) askGrant(ctx context.Context, call bluelink.Call, r *http.Request, old bluelink.Tokens) (t bluelink.Tokens, err error) {
	_, err = a.transport.Do(ctx, bluelink.Exchange{Call: call, Request: r, Classify: func(answer bluelink.Answer) error {
		root, _ := parse(answer.Body)
		if err := a.profile.classifyGrant(call, answer); err != nil {
			return err
		}
		access, scheme := root.get("access_token").str(), root.get("token_type").str()
		if access == "" {
			return &bluelink.Error{Err: bluelink.ErrBadResponse, Text: "no access_token"}
		}
		if scheme == "" {
			scheme = "Bearer"
		}
		t = bluelink.Tokens{
			Access: scheme + " " + access, Expires: a.profile.expiry(root.get("expires_in")), Refresh: newer(root.get("refresh_token"), old.Refresh),
			Device: old.Device, Extra: old.Extra,
		}
		return nil
	}})
	return t, err
}

// byToken signs in with the account's refresh token.
func (a *authority) byToken(ctx context.Context, device, token string) (bluelink.Tokens, error) {
	t, err := a.grant(ctx, bluelink.Tokens{Device: device, Refresh: token})
	if e := (*bluelink.Error)(nil); errors.As(err, &e) && errors.Is(err, bluelink.ErrSessionExpired) {
		refused := *e
		refused.Err = bluelink.ErrCredentials // here the token is the credential
		return bluelink.Tokens{}, &refused
	}
	return t, err
}

// grantRequest asks the identity provider where a brand has one for that, else the vehicle API.
func (a *authority) grantRequest(ctx context.Context, token string) (*http.Request, error) {
	if a.profile.idp != "" && !a.profile.ownRenewal {
		values := url.Values{
			"grant_type": {"refresh_token"}, "refresh_token": {token}, "client_id": {a.profile.service}, "client_secret": {a.profile.secret},
		}
		return a.profile.newRequest(ctx, http.MethodPost, "https://"+a.profile.idp+"/auth/api/v2/user/oauth2/token", formType, values.Encode())
	}
	values := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}
	if a.profile.grantRedirect != "" {
		values.Set("redirect_uri", a.profile.grantRedirect)
	}
	return a.tokenRequest(ctx, values)
}

// tokenRequest is a call of the vehicle API's token endpoint, which wants to see the secret of the app.
func (a *authority) tokenRequest(ctx context.Context, values url.Values) (*http.Request, error) {
	r, err := a.profile.newRequest(ctx, http.MethodPost, "https://"+a.profile.api+"/api/v1/user/oauth2/token", formType, values.Encode())
	if err != nil {
		return nil, err
	}
	if a.profile.stamps != unstamped {
		a.profile.introduce(r, a.transport.Now())
	}
	r.Header["Authorization"] = []string{"Basic " + base64.StdEncoding.EncodeToString([]byte(a.profile.service+":"+a.profile.secret))}
	return r, nil
}

// classifyGrant reads the answers of token endpoints: what refuses a refresh token says that a sign-in is needed. A status
// that nobody has seen there says nothing about the token.
func (d *dialect) classifyGrant(call bluelink.Call, answer bluelink.Answer) error {
	if answer.Status == http.StatusOK {
		if root, ok := parse(answer.Body); !ok || root.kind() != '{' {
			return d.classifyStatus(call, answer)
		}
		return nil
	}
	root, _ := parse(answer.Body)
	text := userText(root) + root.get("retMsg").str()
	code := userCode(root).str() + root.get("retCode").str()
	own, isOwn := d.own(call, answer.Status, code)
	if code == "4002" && (!isOwn || errors.Is(classify4002(text).Err, bluelink.ErrUnavailable)) {
		own, isOwn = classify4002(text), true // says nothing about the token; no device is involved
	}
	switch {
	case isOwn:
		return &bluelink.Error{Code: code, Text: brief(text), RetryAfter: own.Wait, Err: own.Err}
	case answer.Status == http.StatusForbidden && !root.Exists(), answer.Status == http.StatusTooManyRequests, answer.Status >= 500:
		return d.classifyStatus(call, answer)
	case !refusesToken(answer.Status):
		return &bluelink.Error{Code: brief(code), Text: brief(text), Err: bluelink.ErrBadResponse}
	}
	refused := &bluelink.Error{Code: brief(code), Text: brief(text), Err: bluelink.ErrSessionExpired}
	if call.Kind == bluelink.CallLogin { // right after a password that was good
		refused.Err = bluelink.ErrClientRefused
	}
	return refused
}
