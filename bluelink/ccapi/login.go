package ccapi

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
)

// authority obtains the tokens of one account, in the two ways that Europe has (docs/protocol/europe.md §2): a password
// gives tokens of the OneApp backend, which are exchanged (signin.go, oneapp.go); a refresh token of an ordinary sign-in is
// granted directly.
type authority struct {
	account   bluelink.Account
	profile   *profile
	transport *bluelink.Transport
}

var (
	_ bluelink.Authority = (*authority)(nil)
	_ bluelink.Exporter  = (*authority)(nil)
)

// Login signs in. It registers a device only when there is none yet: each registration is another device at the cloud, and
// many of them have been linked to locked accounts (docs/protocol/europe.md §2.1).
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
	if token := refreshTokenOf(a.account); token != "" {
		t, err := a.grant(ctx, bluelink.Tokens{Device: old.Device, Refresh: token})
		if e := (*bluelink.Error)(nil); errors.As(err, &e) && errors.Is(err, bluelink.ErrSessionExpired) {
			refused := *e
			refused.Err = bluelink.ErrCredentials // here the token is the credential
			return bluelink.Tokens{}, &refused
		}
		return t, err
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
func (a *authority) Renew(ctx context.Context, old bluelink.Tokens, keep bluelink.Keep) (bluelink.Tokens, error) {
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

// Register registers a device (docs/protocol/europe.md §2.1). Its push id is invented, as nobody here receives pushes.
func (a *authority) Register(ctx context.Context) (device string, err error) {
	var push [32]byte
	_, _ = rand.Read(push[:])
	body := `{"pushRegId":"` + hex.EncodeToString(push[:]) + `","pushType":"` + a.profile.push + `","uuid":"` + newUUID() + `"}`
	r, err := newRequest(ctx, http.MethodPost, "https://"+a.profile.api+"/api/v1/spa/notifications/register", "application/json;charset=UTF-8", body)
	if err != nil {
		return "", err
	}
	a.profile.sign(r, a.transport.Now())
	_, err = a.transport.Do(ctx, bluelink.Exchange{
		Call: bluelink.Call{Kind: bluelink.CallRegister, Op: "register device"}, Request: r,
		Classify: func(answer bluelink.Answer) error {
			root, ok := parse(answer.Body)
			if err := classify(bluelink.CallRegister, answer, root, ok); err != nil {
				return err
			}
			if device = strings.Clone(root.get("resMsg.deviceId").str()); device == "" {
				return &bluelink.Error{Err: bluelink.ErrBadResponse, Text: "no deviceId"}
			}
			return nil
		},
	})
	return device, err
}

// newUUID is a random UUID of version 4.
func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:16])
}

// grant trades the refresh token of an ordinary sign-in (docs/protocol/europe.md §2.4). The old token stays valid; the
// answer may bring a newer one.
func (a *authority) grant(ctx context.Context, old bluelink.Tokens) (t bluelink.Tokens, err error) {
	r, err := a.grantRequest(ctx, old.Refresh)
	if err != nil {
		return bluelink.Tokens{}, err
	}
	_, err = a.transport.Do(ctx, bluelink.Exchange{
		Call: bluelink.Call{Kind: bluelink.CallRenew, Op: "renew token"}, Request: r,
		Classify: func(answer bluelink.Answer) error {
			root, _ := parse(answer.Body)
			if err := classifyGrant(answer); err != nil {
				return err
			}
			access, scheme := root.get("access_token").str(), root.get("token_type").str()
			if access == "" {
				return &bluelink.Error{Err: bluelink.ErrBadResponse, Text: "no access_token"}
			}
			if scheme == "" {
				scheme = "Bearer"
			}
			t = bluelink.Tokens{Access: scheme + " " + access, Expires: expiry(root.get("expires_in")), Refresh: old.Refresh, Device: old.Device}
			if next := root.get("refresh_token").str(); next != "" {
				t.Refresh = strings.Clone(next)
			}
			return nil
		},
	})
	return t, err
}

func (a *authority) grantRequest(ctx context.Context, token string) (*http.Request, error) {
	const form = "application/x-www-form-urlencoded"
	if !a.profile.ownRenewal {
		values := url.Values{
			"grant_type": {"refresh_token"}, "refresh_token": {token}, "client_id": {a.profile.service}, "client_secret": {a.profile.secret},
		}
		return newRequest(ctx, http.MethodPost, "https://"+a.profile.idp+"/auth/api/v2/user/oauth2/token", form, values.Encode())
	}
	values := url.Values{
		"grant_type": {"refresh_token"}, "refresh_token": {token}, "redirect_uri": {"https://www.getpostman.com/oauth2/callback"},
	}
	r, err := newRequest(ctx, http.MethodPost, "https://"+a.profile.api+"/api/v1/user/oauth2/token", form, values.Encode())
	if err != nil {
		return nil, err
	}
	a.profile.sign(r, a.transport.Now())
	r.Header["Authorization"] = []string{"Basic " + base64.StdEncoding.EncodeToString([]byte(a.profile.service+":"+a.profile.secret))}
	return r, nil
}

// classifyGrant reads the answers of token endpoints: what refuses a refresh token says that a sign-in is needed. A status
// that nobody has seen there says nothing about the token.
func classifyGrant(answer bluelink.Answer) error {
	if answer.Status == http.StatusOK {
		if root, ok := parse(answer.Body); !ok || root.kind() != '{' {
			return classifyStatus(answer)
		}
		return nil
	}
	root, _ := parse(answer.Body)
	text := root.get("errMsg").str() + root.get("retMsg").str()
	code := root.get("errCode").str() + root.get("retCode").str()
	switch {
	case code == "4002": // says nothing about the token; no device is involved
		known := classify4002(text)
		return &bluelink.Error{Code: code, Text: brief(text), RetryAfter: known.wait, Err: known.err}
	case answer.Status == http.StatusForbidden && root.doc == nil, answer.Status == http.StatusTooManyRequests, answer.Status >= 500:
		return classifyStatus(answer)
	case !refusesToken(answer.Status):
		return &bluelink.Error{Code: brief(code), Text: brief(text), Err: bluelink.ErrBadResponse}
	}
	return &bluelink.Error{Code: brief(code), Text: brief(text), Err: bluelink.ErrSessionExpired}
}

// refusesToken tells the statuses by which a server says that a token is no good.
func refusesToken(status int) bool {
	return status == http.StatusBadRequest || status == http.StatusUnauthorized || status == http.StatusForbidden
}

// expiry is when a token that was just given ends. Without a plausible number it counts for an hour, the shortest that any
// cloud here gives (docs/protocol/europe.md §2.3).
func expiry(leaf value) time.Time {
	seconds, refused := asNumber(leaf)
	if refused != "" || leaf.missing() || !(seconds > 0 && seconds <= 400*24*60*60) {
		seconds = 3600
	}
	return time.Now().Add(time.Duration(seconds) * time.Second)
}
