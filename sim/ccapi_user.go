package sim

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"
)

const (
	pinPath       = "/api/v1/user/pin"
	userTokenPath = "/api/v1/user/oauth2/token"
	redirectPath  = "/api/v1/user/oauth2/redirect"
)

func signedInPage(*call) reply { return page(http.StatusOK, "Signed in", "Go back to the app.") }

func setLanguage(c *call) reply {
	var body struct {
		Lang string `json:"lang"`
	}
	if !c.decode(&body) || body.Lang == "" {
		return invalidValues.reply(nil)
	}
	return jsonReply(http.StatusOK, `{}`)
}

// userError is a failure of /api/v1/user.
type userError struct {
	status     int
	code, text string
	// number is true where the code is no text.
	number bool
}

var (
	invalidValues     = userError{status: http.StatusBadRequest, code: "4003", text: "Invalid values"}
	invalidParameters = userError{status: http.StatusBadRequest, code: "4002", text: "Invalid parameters"}
	requiresLogin     = userError{status: http.StatusUnauthorized, code: "4010", text: "Require authentication"}
)

// reply is the failure envelope of /api/v1/user.
func (e userError) reply(body map[string]any) reply {
	failure := map[string]any{"errId": freshUUID(), "errCode": e.code, "errMsg": e.text}
	if e.number {
		code, _ := strconv.Atoi(e.code) // of the tables in this package
		failure["errCode"] = code
	}
	if body != nil {
		failure["errBody"] = body
	}
	return reply{status: e.status, body: marshal(failure)}
}

// grantKind tells renewals from the last step of a login.
func grantKind(c *call) kind {
	if c.form().Get("grant_type") == "authorization_code" {
		return kindLogin
	}
	return kindRenew
}

// form reads a form-encoded body; what cannot be read is empty.
func (c *call) form() url.Values {
	values, err := url.ParseQuery(string(c.body))
	if err != nil {
		return url.Values{}
	}
	return values
}

// token is the vehicle API's own token endpoint: the end of a sign-in and its renewal.
// Refresh tokens stay valid and are not replaced (docs/protocol/europe.md §2.4,
// australia-newzealand.md §2.3).
func (g *ccapi) token(c *call) reply {
	refuse := func(e userError) reply {
		c.cloud.account.tally(func(n *AccountCounts) { n.FailedRenewals++ })
		return e.reply(nil)
	}
	if c.r.Header.Get("Authorization") != g.basic() {
		return refuse(requiresLogin)
	}
	if !g.stampOK(c.r.Header.Get("Stamp"), g.tokenStamps) {
		return refuse(invalidParameters)
	}
	form := c.form()
	if g.clientInForm && form.Get("client_id") != g.serviceID {
		return refuse(g.badGrant)
	}
	life := c.sim.tokenLife(g.tokenLife)
	answer := map[string]any{"token_type": "Bearer", "expires_in": int(life / time.Second)}
	switch form.Get("grant_type") {
	case "refresh_token":
		if !c.cloud.account.validRefreshToken(form.Get("refresh_token")) {
			return refuse(g.badGrant)
		}
		c.cloud.account.tally(func(n *AccountCounts) { n.Renewals++ })
	case "authorization_code":
		if len(g.backs) > 0 && !slices.Contains(g.backs, form.Get("redirect_uri")) || !c.cloud.account.redeem(form.Get("code"), g.serviceID) {
			return refuse(g.badGrant)
		}
		answer["refresh_token"] = c.cloud.account.newRefreshToken()
	default:
		return refuse(g.badGrant)
	}
	answer["access_token"] = g.accessToken(c, life)
	return reply{status: http.StatusOK, body: marshal(answer)}
}

// basic is the Authorization header of the OAuth client.
func (g *ccapi) basic() string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(g.serviceID+":"+g.secret))
}

// accessToken issues what the vehicle API accepts as Bearer: a JWT by its looks, whose
// signature nobody can check.
func (g *ccapi) accessToken(c *call, life time.Duration) string {
	now := c.cloud.account.now()
	part := func(v any) string { return base64.RawURLEncoding.EncodeToString(marshal(v)) }
	text := part(map[string]string{"alg": "RS256", "typ": "JWT"}) + "." + part(map[string]any{
		"pid": fixedUUID("pid", c.cloud.region, c.cloud.brand), "uid": fixedUUID("uid", c.cloud.region, c.cloud.brand), "sid": g.serviceID,
		"iss": "bluelink", "iat": now.Unix(), "exp": now.Add(life).Unix(),
	}) + "." + freshText(43)
	return c.cloud.account.issue(text, token{use: useAccess}, life)
}

// controlLife is how long a control token lives (docs/protocol/europe.md §9); all
// regions agree.
const controlLife = 600 * time.Second

// pinTries is how many wrong PINs in a row lock all PINs, and controlLock for how long
// (seen at Europe's OneApp backend, docs/protocol/europe.md §2.7; elsewhere assumed).
const (
	pinTries    = 5
	controlLock = 300 * time.Second
)

// pin hands out a control token; neither stamp nor ccsp headers are needed, and the
// token is not tied to the device (docs/protocol/europe.md §2.7).
func (g *ccapi) pin(c *call) reply {
	a := c.cloud.account
	t, ok := a.lookup(c.r.Header.Get("Authorization"))
	if !ok || t.use != useAccess {
		return expiredReply()
	}
	var body struct {
		DeviceID string `json:"deviceId"`
		PIN      string `json:"pin"`
	}
	if !c.decode(&body) {
		return invalidValues.reply(nil)
	}
	if !a.knowsDevice(body.DeviceID) {
		return g.badDevice.reply()
	}
	verdict := a.tryPIN(body.PIN, controlLock)
	if !verdict.right {
		return invalidValues.reply(map[string]any{"remainCount": verdict.left, "remainTime": int(controlLock / time.Second)})
	}
	a.tally(func(n *AccountCounts) { n.PINs++ })
	text := a.issue(freshText(64), token{use: useControl}, controlLife)
	return jsonReply(http.StatusOK, `{"controlToken":"`+text+`","expiresTime":`+strconv.Itoa(int(controlLife/time.Second))+`}`)
}
