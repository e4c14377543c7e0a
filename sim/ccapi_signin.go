package sim

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Signing in with e-mail and password at the vehicle API itself, as all regions but
// Europe do (docs/protocol/australia-newzealand.md §2.2, india.md §2.2, brazil.md §2.2,
// china.md §2.1).
const (
	userAuthorizePath = "/api/v1/user/oauth2/authorize"
	userSigninPath    = "/api/v1/user/signin"
	silentSigninPath  = "/api/v1/user/silentsignin"
	signinPagePath    = "/web/v1/user/signin"
)

func (g *ccapi) signinEndpoints() []endpoint {
	return []endpoint{
		{pattern: "GET " + userAuthorizePath, kind: kindLogin, handle: g.userAuthorize},
		{pattern: "GET " + signinPagePath, kind: kindLogin, handle: signinPage},
		{pattern: "GET " + redirectPath, kind: kindOther, handle: signedInPage},
		{pattern: "POST /api/v1/user/language", kind: kindOther, handle: setLanguage},
		{pattern: "DELETE /api/v1/user/session", kind: kindOther, handle: endSession},
		{pattern: "POST " + userSigninPath, kind: kindLogin, handle: g.userSignin},
		{pattern: "POST " + userTokenPath, kind: kindRenew, kindOf: grantKind, handle: g.token},
	}
}

// ticket is what the cookie of the sign-in page holds: for whom somebody signs in, and
// who it is once that is known. The cloud seals it instead of remembering it.
type ticket struct {
	Client  string `json:"client"`
	Back    string `json:"back"` // the redirect URI
	State   string `json:"state,omitempty"`
	User    string `json:"user,omitempty"`
	Expires int64  `json:"exp"` // Unix time of the cloud
}

const (
	ticketCookie = "account"
	// ticketLife is how long a session lives without being used (assumed: unknown).
	ticketLife = 30 * 24 * time.Hour
)

// sign makes the cookie of a ticket: text and seal, as captured ones have
// (docs/protocol/australia-newzealand.md §2.2).
func (g *ccapi) sign(t ticket) string {
	t.Expires = g.cloud.account.now().Add(ticketLife).Unix()
	text := base64.RawURLEncoding.EncodeToString(marshal(t))
	return ticketCookie + "=" + text + "." + g.ticketSeal(text) + "; Path=/; HttpOnly"
}

func (g *ccapi) ticketSeal(text string) string {
	sum := digest("account cookie", g.cloud.region, g.cloud.brand, g.cloud.sim.options.Seed, text)
	return hex.EncodeToString(sum[:20])
}

// ticketOf reads the first good ticket of a request; some clients send the cookie twice
// (docs/protocol/brazil.md §10).
func (g *ccapi) ticketOf(r *http.Request) (ticket, bool) {
	for _, cookie := range r.CookiesNamed(ticketCookie) {
		text, seal, _ := strings.Cut(cookie.Value, ".")
		raw, err := base64.RawURLEncoding.DecodeString(text)
		var t ticket
		if err == nil && seal == g.ticketSeal(text) && json.Unmarshal(raw, &t) == nil && g.cloud.account.now().Unix() < t.Expires {
			return t, true
		}
	}
	return ticket{}, false
}

// userAuthorize begins a sign-in: a cookie, and the way to the page.
func (g *ccapi) userAuthorize(c *call) reply {
	query := c.r.URL.Query()
	if query.Get("response_type") != "code" || query.Get("client_id") != g.serviceID || !slices.Contains(g.backs, query.Get("redirect_uri")) {
		return invalidValues.reply(nil)
	}
	t := ticket{Client: g.serviceID, Back: query.Get("redirect_uri"), State: query.Get("state")}
	return redirect(g.url(signinPagePath+"?lang="+url.QueryEscape(query.Get("lang"))), g.sign(t))
}

func signinPage(*call) reply {
	return page(http.StatusOK, "Sign in", `<form>E-mail, password</form>`)
}

// endSession is what one client does before it signs in.
func endSession(*call) reply {
	return reply{status: http.StatusNoContent, header: http.Header{"Set-Cookie": {ticketCookie + "=; Path=/; Max-Age=0"}}}
}

// userSignin checks e-mail and password and says where to go with a code. Its body is
// JSON whatever the content type says.
func (g *ccapi) userSignin(c *call) reply {
	refuse := func(answer reply) reply {
		c.cloud.account.tally(func(n *AccountCounts) { n.FailedLogins++ })
		return answer
	}
	t, known := g.ticketOf(c.r)
	var body struct {
		Email    *string `json:"email"`
		Password *string `json:"password"`
		Mobile   string  `json:"mobileNum"`
	}
	switch {
	case c.acts(faultStep):
		step, status, _ := strings.Cut(c.fault.arg, "/")
		code, err := strconv.Atoi(status)
		if err != nil {
			code = http.StatusOK
		}
		return refuse(jsonReply(code, `{"step":`+step+`,"upgrade":false}`))
	case c.acts(faultConsent):
		return refuse(jsonReply(http.StatusOK, `{"step":4,"upgrade":false}`))
	case c.acts(faultCredentials) && c.fault.arg == "error":
		return refuse(invalidValues.reply(nil))
	case !known:
		return refuse(requiresLogin.reply(nil))
	case !c.onlyKeys("email password mobileNum") || !c.decode(&body) || body.Email == nil || body.Password == nil:
		return refuse(invalidValues.reply(nil))
	case c.acts(faultCredentials), !strings.EqualFold(*body.Email, Email), *body.Password != Password:
		return refuse(g.badLogin.reply(nil))
	}
	c.cloud.account.tally(func(n *AccountCounts) { n.Logins++ })
	t.User = Email
	answer := g.sendBack(t, c.cloud.account.newCode(t.Client))
	answer.header = http.Header{"Set-Cookie": {g.sign(t)}}
	return answer
}

// sendBack answers a sign-in with the address at which the code is wanted.
func (g *ccapi) sendBack(t ticket, code string) reply {
	target := t.Back + "?code=" + code
	if t.State != "" {
		target += "&state=" + url.QueryEscape(t.State)
	}
	return reply{status: http.StatusOK, body: marshal(map[string]string{"redirectUrl": target})}
}
