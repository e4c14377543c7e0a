package ccapi

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/big"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
)

// The sign-in with e-mail and password at the identity provider, as the OneApp does it (docs/protocol/europe.md §2.3, steps
// 1 to 3).

// browserAgent names the app; the firewall takes a plain browser for abuse (docs/protocol/europe.md §1.2).
const browserAgent = "Mozilla/5.0 (Linux; Android 4.1.1; Galaxy Nexus Build/JRO03C) AppleWebKit/535.19 (KHTML, like Gecko) " +
	"Chrome/18.0.1025.166 Mobile Safari/535.19_CCS_APP_AOS"

// signIn gives the authorization code for the account's e-mail and password.
func (a *oneApp) signIn(ctx context.Context) (code string, err error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return "", fmt.Errorf("make a cookie jar: %w", err)
	}
	browser := a.transport.Browser(jar, false)
	if err := a.openPage(ctx, browser); err != nil {
		return "", err
	}
	kid, cipher, err := a.encryptPassword(ctx, browser)
	if err != nil {
		return "", err
	}
	form := url.Values{
		"client_id": {a.profile.oneApp}, "encryptedPassword": {"true"}, "password": {cipher}, "redirect_uri": {a.profile.redirect},
		"scope": {""}, "nonce": {""}, "state": {"ccsp"}, "username": {a.account.Username}, "connector_session_key": {""}, "kid": {kid}, "_csrf": {""},
	}
	r, err := a.profile.newRequest(ctx, http.MethodPost, "https://"+a.profile.idp+"/auth/account/signin", "application/x-www-form-urlencoded", form.Encode())
	if err != nil {
		return "", err
	}
	_, err = a.browse(ctx, browser, bluelink.Call{Op: "sign in", Credentials: true}, r, func(answer bluelink.Answer) error {
		code, err = a.readSignIn(answer)
		return err
	})
	return code, err
}

// openPage visits the sign-in page, whose cookies the rest needs.
func (a *oneApp) openPage(ctx context.Context, browser *http.Client) error {
	address := "https://" + a.profile.idp + "/auth/api/v2/user/oauth2/authorize?response_type=code&client_id=" + a.profile.oneApp +
		"&redirect_uri=" + a.profile.redirect + "&lang=en&state=ccsp&country=de"
	return a.follow(ctx, browser, bluelink.Call{Kind: bluelink.CallLogin, Op: "open sign-in page"}, address, func(answer bluelink.Answer) error {
		if answer.Status >= 500 {
			return a.profile.classifyStatus(bluelink.Call{Kind: bluelink.CallLogin}, answer)
		}
		return nil // whatever else it is: what counts are the cookies
	})
}

// browse makes a call as the page in the app does.
func (a *oneApp) browse(ctx context.Context, browser *http.Client, call bluelink.Call, r *http.Request, classify func(bluelink.Answer) error) (bluelink.Answer, error) {
	r.Header["User-Agent"] = []string{browserAgent}
	call.Kind = bluelink.CallLogin
	return a.transport.Do(ctx, bluelink.Exchange{Call: call, Request: r, Client: browser, Classify: classify})
}

// encryptPassword veils the password with the key that the identity provider shows.
func (a *oneApp) encryptPassword(ctx context.Context, browser *http.Client) (kid, cipher string, err error) {
	r, err := a.profile.newRequest(ctx, http.MethodGet, "https://"+a.profile.idp+"/auth/api/v1/accounts/certs", "", "")
	if err != nil {
		return "", "", err
	}
	var key rsa.PublicKey
	_, err = a.browse(ctx, browser, bluelink.Call{Op: "read sign-in key"}, r, func(answer bluelink.Answer) error {
		root, _ := parse(answer.Body)
		if answer.Status != http.StatusOK {
			return a.profile.classifyStatus(bluelink.Call{Kind: bluelink.CallLogin}, answer)
		}
		kid = strings.Clone(root.get("retValue.kid").str())
		n, wrongN := base64.RawURLEncoding.DecodeString(strings.TrimRight(root.get("retValue.n").str(), "="))
		e, wrongE := base64.RawURLEncoding.DecodeString(strings.TrimRight(root.get("retValue.e").str(), "="))
		key = rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Int64())}
		if wrongN != nil || wrongE != nil || key.N.BitLen() < 1024 || len(e) > 4 || key.E < 3 {
			return &bluelink.Error{Err: bluelink.ErrBadResponse, Text: "no usable key"}
		}
		return nil
	})
	if err != nil {
		return "", "", err
	}
	//nolint:staticcheck // the cloud's own format (docs/protocol/europe.md §2.3), inside of TLS
	veiled, err := rsa.EncryptPKCS1v15(rand.Reader, &key, []byte(a.account.Password))
	if err != nil {
		// Its text tells only about lengths.
		return "", "", &bluelink.Error{Op: "encrypt password", Cloud: a.account.Cloud(), Text: "longer than the cloud's key can take", Err: bluelink.ErrCredentials}
	}
	return kid, hex.EncodeToString(veiled), nil
}

// readSignIn reads the outcome of a sign-in from where it redirects to, in the order of docs/protocol/europe.md §2.3.
func (a *oneApp) readSignIn(answer bluelink.Answer) (code string, err error) {
	target := location(answer)
	if target == nil {
		switch {
		case answer.Status == http.StatusForbidden, answer.Status == http.StatusTooManyRequests, answer.Status >= 500:
			return "", a.profile.classifyStatus(bluelink.Call{Kind: bluelink.CallLogin}, answer)
		}
		return "", &bluelink.Error{Err: bluelink.ErrCredentials, Text: "the sign-in page did not let go"}
	}
	query := target.Query()
	switch address := target.String(); {
	case query.Get("code") != "":
		return query.Get("code"), nil
	case blockedPage(answer):
		return "", &bluelink.Error{Err: bluelink.ErrBlocked}
	case strings.Contains(address, "error"):
		return "", &bluelink.Error{Err: bluelink.ErrCredentials, Code: brief(query.Get("error")), Text: brief(query.Get("error_description"))}
	case strings.Contains(address, "/web/v1/user/authorization"):
		return "", &bluelink.Error{Err: bluelink.ErrConsentRequired}
	case strings.Contains(address, "authorize"):
		// Some accounts come here with a good password, too (docs/protocol/europe.md §2.3).
		return "", &bluelink.Error{Err: bluelink.ErrCredentials, Text: "sent back to the sign-in page"}
	}
	return "", &bluelink.Error{Err: bluelink.ErrBadResponse, Text: "redirected to an unknown place"}
}
