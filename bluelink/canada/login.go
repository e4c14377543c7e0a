package canada

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/internal/leaf"
)

// again stands in the place of a refresh token: the cloud renews by a sign-in, which a trusted device needs no code for. The
// refresh token that it gives is good for nothing that is known (docs/protocol/canada.md §2.5).
const again = "by signing in"

// authority obtains the tokens of one account. The steps with a one-time code stand in code.go.
type authority struct{ cloud *cloud }

var (
	_ bluelink.CodeAuthority = (*authority)(nil)
	_ bluelink.Exporter      = (*authority)(nil)
)

// Login signs in. The device id is made here and tells the cloud nothing before a code has made it a trusted one: no device
// is registered.
func (a *authority) Login(ctx context.Context, old bluelink.Tokens, keep bluelink.Keep) (bluelink.Tokens, error) {
	if old.Device == "" {
		old.Device = newDevice()
		if err := keep(ctx, old); err != nil {
			return bluelink.Tokens{}, err
		}
	}
	return a.signIn(ctx, bluelink.CallLogin, old, keep)
}

// Renew signs in again.
func (a *authority) Renew(ctx context.Context, old bluelink.Tokens, keep bluelink.Keep) (bluelink.Tokens, error) {
	if old.Refresh != again {
		return bluelink.Tokens{}, &bluelink.Error{Op: "renew session", Cloud: a.cloud.account.Cloud(), Text: "this cloud takes no refresh tokens", Err: bluelink.ErrUnsupported}
	}
	return a.signIn(ctx, bluelink.CallRenew, old, keep)
}

// Export gives nothing: the refresh token that the cloud gives is good for nothing.
func (a *authority) Export(bluelink.Tokens) string { return "" }

// Register makes another device id. Nothing is sent for it.
func (a *authority) Register(context.Context) (string, error) { return newDevice(), nil }

// signIn makes the call (docs/protocol/canada.md §2.3).
func (a *authority) signIn(ctx context.Context, kind bluelink.CallKind, old bluelink.Tokens, keep bluelink.Keep) (t bluelink.Tokens, err error) {
	c := a.cloud
	err = c.try(ctx, request{
		call: bluelink.Call{Kind: kind, Op: "sign in", Credentials: true}, path: "v2/login", header: map[string]string{"Deviceid": old.Device},
		body: struct {
			User     string `json:"loginId"`
			Password string `json:"password"`
		}{c.account.Username, c.account.Password},
		answer: func(result leaf.Value, _ http.Header) (err error) {
			t, err = tokensOf(result, old.Device)
			return err
		},
	})
	switch {
	case errors.Is(err, bluelink.ErrOTPRequired):
		if failure := a.challenge(ctx, old, keep); failure != nil {
			return bluelink.Tokens{}, failure
		}
	case errors.Is(err, bluelink.ErrDevice): // the next sign-in comes from another, which needs a code
		old.Device = newDevice()
		if failure := keep(ctx, old); failure != nil {
			return bluelink.Tokens{}, failure
		}
	}
	return t, err
}

// tokensOf reads the token of a sign-in, of whichever way.
func tokensOf(result leaf.Value, device string) (bluelink.Tokens, error) {
	token := result.Get("token")
	access := strings.Clone(token.Get("accessToken").Str())
	if access == "" {
		return bluelink.Tokens{}, &bluelink.Error{Err: bluelink.ErrBadResponse, Text: "no accessToken"}
	}
	return bluelink.Tokens{Access: access, Expires: expiry(token.Get("expireIn")), Refresh: again, Device: device}, nil
}

// expiry is when a token that was just given ends, a minute before the cloud's own time. Without a plausible number it is
// taken to live for an hour.
func expiry(at leaf.Value) time.Time {
	seconds, refused := leaf.AsNumber(at)
	if refused != "" || at.Missing() || !(seconds > 120 && seconds <= 400*24*60*60) {
		seconds = 3600
	}
	return time.Now().Add(time.Duration(seconds)*time.Second - time.Minute)
}
