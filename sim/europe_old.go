package sim

import (
	"html"
	"net/http"
	"net/url"
	"strings"
)

// What the vehicle API's own sign-ins were in Europe: both are dead in reality since
// 2025-08, and unchanged clients still use them (docs/protocol/europe.md §2.2, §2.6).
func (e *europe) userEndpoints() []endpoint {
	return []endpoint{
		{pattern: "GET " + userAuthorizePath, kind: kindLogin, handle: e.prime},
		{pattern: "GET " + redirectPath, kind: kindOther, handle: signedInPage},
		{pattern: "GET /web/v1/user/authorize", kind: kindLogin, handle: e.webHop},
		{pattern: "GET /web/v1/user/authorization", kind: kindOther, handle: consentPage},
		{pattern: "POST /api/v1/user/language", kind: kindOther, handle: setLanguage},
		{pattern: "GET /api/v1/user/integrationinfo", kind: kindLogin, handle: e.integrationInfo},
		{pattern: "GET " + integratedPath, kind: kindLogin, handle: e.integrated},
		{pattern: "POST " + userSigninPath, kind: kindLogin, handle: e.legacySignin},
		{pattern: "POST " + silentSigninPath, kind: kindLogin, handle: e.silentSignin},
		{pattern: "POST " + userTokenPath, kind: kindRenew, kindOf: grantKind, handle: e.token},
	}
}

const integratedPath = "/api/v1/user/integration/redirect/login"

// prime answers the session priming before a login; what counts is the cookie and that
// the end of the chain is 2xx (docs/protocol/europe.md §2.2, strangers.md 2).
func (e *europe) prime(c *call) reply {
	answer := page(http.StatusOK, "Sign in", "This page needs a browser.")
	answer.header = http.Header{"Set-Cookie": {e.sign(ticket{Client: e.serviceID, Back: e.url(redirectPath), State: c.r.URL.Query().Get("state")})}}
	return answer
}

// webHop is where the redirects of a sign-in end: a page whose script leads a browser
// back to the identity provider, and nowhere else (docs/protocol/europe.md §2.3).
func (e *europe) webHop(c *call) reply {
	text := "This page needs a browser."
	next, err := url.Parse(c.r.URL.Query().Get("next_uri"))
	if err == nil && next.Scheme == "https" && next.Host == e.idpHost {
		text += `<script>location.replace(` + string(marshal(next.String())) + `)</script>`
	}
	return page(http.StatusOK, "Sign in", text)
}

func consentPage(*call) reply {
	return page(http.StatusOK, "Terms", "Please accept the changed terms once in the app.")
}

// legacySignin is the oldest login; it needs no session.
func (e *europe) legacySignin(c *call) reply {
	var body struct{ Email, Password string }
	if !c.decode(&body) || c.acts(faultCredentials) || !strings.EqualFold(body.Email, Email) || body.Password != Password {
		c.cloud.account.tally(func(n *AccountCounts) { n.FailedLogins++ })
		return e.badLogin.reply(map[string]any{"userId": "", "remainCount": 4, "remainTime": 300})
	}
	c.cloud.account.tally(func(n *AccountCounts) { n.Logins++ })
	return e.signedIn(c)
}

func (e *europe) signedIn(c *call) reply {
	return reply{status: http.StatusOK, body: marshal(map[string]any{
		"redirectUrl": e.url(redirectPath + "?code=" + c.cloud.account.newCode(e.serviceID) + "&state=test"),
		"popup":       false, "method": "", "upgrade": false, "integrated": false, "deleteAccountLink": "",
	})}
}

// keycloak is the brand's own identity server, which the login between the oldest and
// today's used: host, realm and OAuth client.
type keycloak struct{ host, realm, client string }

func (e *europe) keycloakEndpoints() []endpoint {
	realm := "/auth/realms/" + e.keycloak.realm
	return []endpoint{
		{pattern: "GET " + realm + "/protocol/openid-connect/auth", kind: kindLogin, handle: e.brandPage},
		{pattern: "POST " + realm + "/login-actions/authenticate", kind: kindLogin, handle: e.brandSignin},
	}
}

// integrationInfo names the user and the service that the brand's login is for; brands
// without one send clients to the oldest login.
func (e *europe) integrationInfo(c *call) reply {
	switch _, known := e.ticketOf(c.r); {
	case e.keycloak.host == "":
		return userError{status: http.StatusNotFound, code: "4040", text: "Not found"}.reply(nil)
	case !known:
		return requiresLogin.reply(nil)
	}
	return reply{status: http.StatusOK, body: marshal(map[string]string{
		"userId": fixedUUID("uid", c.cloud.region, e.brand), "serviceId": e.serviceID,
	})}
}

// brandPage is the form; clients read no more of it than the address it is sent to,
// which may hold neither percent signs nor quotes.
func (e *europe) brandPage(c *call) reply {
	query := c.r.URL.Query()
	back := query.Get("redirect_uri")
	if query.Get("client_id") != e.keycloak.client || query.Get("response_type") != "code" || back != e.url(integratedPath) {
		return page(http.StatusBadRequest, "Error", "Invalid parameter: redirect_uri or client_id")
	}
	seal, _, _ := strings.Cut(strings.TrimPrefix(e.sign(ticket{Client: e.keycloak.client, Back: back, State: query.Get("state")}), ticketCookie+"="), ";")
	action := "https://" + e.keycloak.host + "/auth/realms/" + e.keycloak.realm + "/login-actions/authenticate?session_code=" + seal + "&client_id=" + e.keycloak.client
	return page(http.StatusOK, "Sign in", `<form id="kc-form-login" action="`+html.EscapeString(action)+`" method="post">E-mail, password</form>`)
}

// brandSignin checks the form and leads back to the vehicle API, or shows it again with
// the reason.
func (e *europe) brandSignin(c *call) reply {
	asked := &http.Request{Header: http.Header{"Cookie": {ticketCookie + "=" + c.r.URL.Query().Get("session_code")}}}
	t, known := e.ticketOf(asked)
	form := c.form()
	if !known || t.Client != e.keycloak.client || c.acts(faultCredentials) ||
		!strings.EqualFold(form.Get("username"), Email) || form.Get("password") != Password {
		c.cloud.account.tally(func(n *AccountCounts) { n.FailedLogins++ })
		return page(http.StatusOK, "Sign in", `<span class="kc-feedback-text">Invalid username or password.</span>`)
	}
	c.cloud.account.tally(func(n *AccountCounts) { n.Logins++ })
	return redirect(t.Back + "?" + url.Values{"state": {t.State}, "session_state": {freshUUID()}, "code": {c.cloud.account.newCode(t.Client)}}.Encode())
}

// integrated takes the code of the brand's login; from then on the session has a user.
func (e *europe) integrated(c *call) reply {
	t, known := e.ticketOf(c.r)
	if !known || !c.cloud.account.redeem(c.r.URL.Query().Get("code"), e.keycloak.client) {
		return requiresLogin.reply(nil)
	}
	t.User = Email
	answer := page(http.StatusOK, "Signed in", "Go back to the app.")
	answer.header = http.Header{"Set-Cookie": {e.sign(t)}}
	return answer
}

// silentSignin gives the code for the vehicle API to a session that has a user.
func (e *europe) silentSignin(c *call) reply {
	if t, known := e.ticketOf(c.r); !known || t.User == "" {
		return requiresLogin.reply(nil)
	}
	return e.signedIn(c)
}
