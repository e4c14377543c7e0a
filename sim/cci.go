package sim

import (
	"net/http"
	"time"
)

// The OneApp backend, as far as it hands out tokens for the vehicle API
// (docs/protocol/europe.md §2.3 steps 4 and 5, §2.5).
func (e *europe) cciEndpoints() []endpoint {
	return []endpoint{
		{pattern: "POST /domain/api/v1/auth/token", kind: kindLogin, handle: e.oneAppToken},
		{pattern: "POST /domain/api/v1/auth/token-exchange", kind: kindLogin, kindOf: exchangeKind, handle: e.exchange},
		{pattern: "POST /domain/api/v2/auth/token-refresh", kind: kindRenew, handle: e.oneAppRefresh},
	}
}

// oneAppTokens is the set as it stands on the wire.
type oneAppTokens struct {
	AccessToken              string `json:"accessToken"`
	RefreshToken             string `json:"refreshToken"`
	ExchangeableAccessToken  string `json:"exchangeableAccessToken"`
	ExchangeableRefreshToken string `json:"exchangeableRefreshToken"`
	NonCCSToken              string `json:"nonCcsToken"`
	NonCCSRefreshToken       string `json:"nonCcsRefreshToken"`
	IDToken                  string `json:"idToken"`
	TokenType                string `json:"tokenType"`
	ExpiresIn                int    `json:"expiresIn"`
}

// Codes of this backend's failures: the one that was seen, which stands here for all that
// a client can do wrong, and the one for a dead refresh token. With which HTTP status it
// refuses is unknown (docs/protocol/europe.md §1.6).
const (
	cciFailure = 9001
	cciExpired = 4111
)

func cciRefusal(status int, text string) reply { return cciRefusalOf(status, cciFailure, text) }

func cciRefusalOf(status, code int, text string) reply {
	return reply{status: status, body: marshal(map[string]any{"code": code, "message": text, "errors": []string{}})}
}

// appKnown checks the one header that every client of this backend sends.
func (e *europe) appKnown(c *call) bool { return c.r.Header.Get("client-id") == e.cciClientID }

// oneAppToken redeems the code of the sign-in for a set of tokens.
func (e *europe) oneAppToken(c *call) reply {
	if !e.appKnown(c) {
		return cciRefusal(http.StatusBadRequest, "unknown client-id")
	}
	if !c.cloud.account.redeem(c.r.URL.Query().Get("code"), e.oneAppID) {
		return cciRefusal(http.StatusUnauthorized, "invalid code")
	}
	return reply{status: http.StatusOK, body: marshal(e.newOneApp(c, false))}
}

// newOneApp makes a fresh set of tokens.
func (e *europe) newOneApp(c *call, exchanged bool) oneAppTokens {
	set := &oneApp{
		access: freshText(120), refresh: freshText(87), exchangeable: freshText(96), exchangeableR: freshText(96),
		nonCCS: freshText(96), nonCCSR: freshText(96), id: freshText(200), exchanged: exchanged,
	}
	a := c.cloud.account
	a.issue(set.access, token{use: useOneApp, oneApp: set}, oneAppLife)
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.oneApps) >= sessionsKept {
		clear(a.oneApps) // somebody signs in again and again: their refresh tokens die
	}
	a.oneApps[set.refresh] = set
	return oneAppTokens{
		AccessToken: set.access, RefreshToken: set.refresh, ExchangeableAccessToken: set.exchangeable,
		ExchangeableRefreshToken: set.exchangeableR, NonCCSToken: set.nonCCS, NonCCSRefreshToken: set.nonCCSR,
		IDToken: set.id, TokenType: "Bearer", ExpiresIn: int(oneAppLife / time.Second),
	}
}

const sessionsKept = 4096

// oneAppOf finds the set behind the authorization header.
func (e *europe) oneAppOf(c *call) *oneApp {
	t, ok := c.cloud.account.lookup(c.r.Header.Get("authorization"))
	if !ok || t.use != useOneApp {
		return nil
	}
	return t.oneApp
}

// exchangeKind tells the exchange that ends a login from those that renew.
func exchangeKind(c *call) kind {
	t, ok := c.cloud.account.lookup(c.r.Header.Get("authorization"))
	if !ok || t.oneApp == nil {
		return kindLogin
	}
	c.cloud.account.mu.RLock()
	defer c.cloud.account.mu.RUnlock()
	if t.oneApp.exchanged {
		return kindRenew
	}
	return kindLogin
}

// exchange gives a token for the vehicle API.
func (e *europe) exchange(c *call) reply {
	header := c.r.Header
	set := e.oneAppOf(c)
	switch {
	case !e.appKnown(c):
		return cciRefusal(http.StatusBadRequest, "unknown client-id")
	case set == nil:
		return cciRefusal(http.StatusUnauthorized, "access token is expired")
	case header.Get("exchangeable-token") != set.exchangeable:
		return cciRefusal(http.StatusUnauthorized, "invalid exchangeable-token")
	case header.Get("non-ccs-token") != set.nonCCS:
		return cciRefusal(http.StatusUnauthorized, "invalid non-ccs-token")
	case header.Get("Authentication") != set.nonCCS && header.Get("Authentication") != set.id:
		// One client sends the id token here (docs/protocol/europe.md §10.7).
		return cciRefusal(http.StatusUnauthorized, "invalid Authentication")
	case c.r.URL.Query().Get("serviceType") != "CCS":
		return cciRefusal(http.StatusBadRequest, "unknown serviceType")
	}
	a := c.cloud.account
	a.mu.Lock()
	set.exchanged = true
	a.mu.Unlock()
	life := c.sim.tokenLife(e.tokenLife)
	return reply{status: http.StatusOK, body: marshal(map[string]any{
		"accessToken": e.accessToken(c, life), "expiresTime": int(life / time.Second),
	})}
}

// oneAppRefresh replaces a set of tokens; the old refresh token dies with it.
func (e *europe) oneAppRefresh(c *call) reply {
	refuse := func(status, code int, text string) reply {
		c.cloud.account.tally(func(n *AccountCounts) { n.FailedRenewals++ })
		return cciRefusalOf(status, code, text)
	}
	if !e.appKnown(c) {
		return refuse(http.StatusBadRequest, cciFailure, "unknown client-id")
	}
	var sent map[string]string
	if !c.decode(&sent) {
		return refuse(http.StatusBadRequest, cciFailure, "the body is no JSON object of texts")
	}
	for _, key := range []string{
		"accessToken", "refreshToken", "exchangeableAccessToken", "exchangeableRefreshToken",
		"nonCcsToken", "nonCcsRefreshToken", "idToken",
	} {
		if _, there := sent[key]; !there {
			return refuse(http.StatusBadRequest, cciFailure, key+" is missing")
		}
	}
	a := c.cloud.account
	a.mu.Lock()
	set, current := a.oneApps[sent["refreshToken"]]
	current = current && set.exchangeableR == sent["exchangeableRefreshToken"] && set.nonCCSR == sent["nonCcsRefreshToken"]
	if current {
		delete(a.oneApps, set.refresh)
		delete(a.tokens, set.access)
		a.counts.Renewals++
	}
	a.mu.Unlock()
	if !current {
		return refuse(http.StatusUnauthorized, cciExpired, "refresh token is expired or was used before")
	}
	return reply{status: http.StatusOK, body: marshal(e.newOneApp(c, true))}
}
