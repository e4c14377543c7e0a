package sim

import (
	"crypto/rsa"
	"encoding/base64"
	"encoding/hex"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// The identity provider: authorize, certs, signin and its token endpoint
// (docs/protocol/europe.md §2.3, §2.4).
func (e *europe) idpEndpoints() []endpoint {
	return []endpoint{
		{pattern: "GET " + authorizePath, kind: kindLogin, handle: e.authorize},
		{pattern: "GET /auth/api/v1/accounts/certs", kind: kindLogin, handle: e.certs},
		{pattern: "POST " + signinPath, kind: kindLogin, handle: e.signin},
		{pattern: "POST /auth/api/v2/user/oauth2/token", kind: kindRenew, kindOf: grantKind, handle: e.idpToken},
		{pattern: "GET /error", kind: kindOther, handle: blockedPage},
	}
}

func (e *europe) oneAppEndpoints() []endpoint {
	return []endpoint{{pattern: "GET /redirect", kind: kindOther, handle: func(*call) reply {
		return page(http.StatusOK, "OneApp", "Signed in. Go back to the app.")
	}}}
}

// authorize begins a sign-in. The first visit is sent to the vehicle API's web page, as
// the real one is; from there a browser comes back with a connector client id.
func (e *europe) authorize(c *call) reply {
	query := c.r.URL.Query()
	if !e.clientKnown(query.Get("client_id"), query.Get("redirect_uri")) || query.Get("response_type") != "code" {
		return redirect(e.idpURL("/error?status=400&error=Bad+Request&error_description=invalid_client"))
	}
	session := []string{
		"account=" + freshText(32) + "; Path=/; HttpOnly",
		"_hazkpw=" + freshText(24) + "; Path=/; HttpOnly; Secure",
	}
	if query.Get("connector_client_id") == "" {
		query.Set("connector_client_id", "hmgid1.0-"+query.Get("client_id"))
		next := e.idpURL(c.r.URL.Path + "?" + query.Encode())
		return redirect(e.url("/web/v1/user/authorize?cache=reset&country=de&protocol=openid&next_uri="+url.QueryEscape(next)), session...)
	}
	answer := page(http.StatusOK, "Sign in", `<form method="post" action="/auth/account/signin">E-mail, password</form>`)
	answer.header = http.Header{"Set-Cookie": session}
	return answer
}

// certs publishes the key for the password, as unpadded base64url integers.
func (e *europe) certs(*call) reply {
	public := e.key().PublicKey
	return reply{status: http.StatusOK, body: marshal(map[string]any{"retValue": map[string]string{
		"kty": "RSA", "kid": passwordKeyID, "use": "enc", "alg": "RSA1_5",
		"n": base64.RawURLEncoding.EncodeToString(public.N.Bytes()),
		"e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(public.E)).Bytes()),
	}})}
}

// passwordKeyID is the one that the real provider has had since 2025
// (docs/protocol/europe.md §2.3).
const passwordKeyID = "HMGID2_CIPHER_KEY1"

// signin always answers 302; where to is the outcome.
func (e *europe) signin(c *call) reply {
	form := c.form()
	client, target, state := form.Get("client_id"), form.Get("redirect_uri"), form.Get("state")
	back, err := url.Parse(target)
	if err != nil || back.Host == "" || !e.clientKnown(client, target) {
		c.cloud.account.tally(func(n *AccountCounts) { n.FailedLogins++ })
		return redirect(e.idpURL("/error?status=400&error=Bad+Request&error_description=invalid_client"))
	}
	answer := func(values url.Values) reply {
		if state != "" {
			values.Set("state", state)
		}
		back.RawQuery = values.Encode()
		return redirect(back.String())
	}
	refuse := func() reply {
		c.cloud.account.tally(func(n *AccountCounts) { n.FailedLogins++ })
		return redirect(e.idpURL(authorizePath + "?response_type=code&client_id=" + url.QueryEscape(client) +
			"&redirect_uri=" + url.QueryEscape(target) + "&lang=en&state=" + url.QueryEscape(state)))
	}
	switch {
	case c.acts(faultConsent):
		c.cloud.account.tally(func(n *AccountCounts) { n.FailedLogins++ })
		return redirect(e.url("/web/v1/user/authorization?client_id=" + url.QueryEscape(client) + "&lang=en"))
	case c.acts(faultCredentials) && c.fault.arg == "error":
		c.cloud.account.tally(func(n *AccountCounts) { n.FailedLogins++ })
		return answer(url.Values{"error": {"access_denied"}, "error_description": {"the account is locked"}})
	case c.acts(faultCredentials):
		return refuse()
	}
	password := form.Get("password")
	if form.Get("encryptedPassword") == "true" {
		if form.Get("kid") != passwordKeyID {
			c.cloud.account.tally(func(n *AccountCounts) { n.FailedLogins++ })
			return answer(url.Values{"error": {"invalid_request"}, "error_description": {"unknown key id"}})
		}
		password = decryptPassword(e.key(), password)
	}
	if !strings.EqualFold(form.Get("username"), Email) || password != Password {
		return refuse()
	}
	c.cloud.account.tally(func(n *AccountCounts) { n.Logins++ })
	return answer(url.Values{"code": {c.cloud.account.newCode(client)}, "login_success": {"y"}})
}

// decryptPassword reads PKCS#1 v1.5 cipher text in hex, as the OneApp login sends it,
// or in base64, as the older one did. What cannot be read is no password.
func decryptPassword(key *rsa.PrivateKey, text string) string {
	raw, err := hex.DecodeString(text)
	if err != nil {
		if raw, err = base64.StdEncoding.DecodeString(text); err != nil {
			return ""
		}
	}
	//nolint:staticcheck // the makers' own format (docs/protocol/europe.md §2.3); nothing here is secret
	plain, err := rsa.DecryptPKCS1v15(nil, key, raw)
	if err != nil {
		return ""
	}
	return string(plain)
}

// Lives of tokens as seen in 2026 (docs/protocol/europe.md §9); Options.TokenLife
// replaces those of the vehicle API.
const (
	idpAccessLife = 3600 * time.Second
	oneAppLife    = 3599 * time.Second
)

// idpToken grants vehicle tokens to the vehicle API's own OAuth client.
func (e *europe) idpToken(c *call) reply {
	form := c.form()
	if form.Get("client_id") != e.serviceID || form.Get("client_secret") != e.secret {
		return e.idpRefusal(c, "4001", "Invalid client")
	}
	switch form.Get("grant_type") {
	case "refresh_token":
		if !c.cloud.account.validRefreshToken(form.Get("refresh_token")) {
			return e.idpRefusal(c, "4002", "Invalid parameters")
		}
	case "authorization_code":
		if !c.cloud.account.redeem(form.Get("code"), e.serviceID) {
			return e.idpRefusal(c, "4002", "Invalid parameters")
		}
	default:
		return e.idpRefusal(c, "4000", "Unsupported grant type")
	}
	if c.kind == kindRenew {
		c.cloud.account.tally(func(n *AccountCounts) { n.Renewals++ })
	}
	life := c.sim.tokenLife(idpAccessLife)
	return reply{status: http.StatusOK, body: marshal(map[string]any{
		"access_token":  e.accessToken(c, life),
		"refresh_token": c.cloud.account.newRefreshToken(),
		"token_type":    "Bearer", "expires_in": int(life / time.Second), "id_token": nil,
	})}
}

// idpRefusal is the IDP's failure envelope, with its numeric code and the reason inside
// a text (docs/protocol/europe.md §1.6).
func (e *europe) idpRefusal(c *call, code, reason string) reply {
	c.cloud.account.tally(func(n *AccountCounts) { n.FailedRenewals++ })
	return reply{status: http.StatusBadRequest, body: marshal(map[string]any{
		"retId": freshUUID(), "retCode": 7501, "retMsg": "Received unexpected statusCode", "retValue": nil,
		"retSubMsg": string(marshal(map[string]any{"errId": freshUUID(), "errCode": code, "errMsg": reason, "errBody": nil})),
	})}
}

// blockedPage is where the firewall sends clients that it takes for abuse.
func blockedPage(c *call) reply {
	return page(http.StatusBadRequest, "Error", "Bad Request: "+
		"your request was recognised as an abusing request and blocked.")
}
