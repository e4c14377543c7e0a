package sim

import "net/http"

// fits adds where Europe's identity provider fails (docs/protocol/europe.md §2.3).
func (e *europe) fits(c *call, f *fault) bool {
	switch f.kind {
	case faultBlocked:
		// Renewals of known clients go on while sign-ins are blocked
		// (docs/protocol/europe.md, state of 2026).
		return c.path == authorizePath || f.arg == "403" && c.kind == kindLogin && c.host == e.idpHost
	case faultConsent:
		return c.path == signinPath
	case faultCredentials:
		return c.path == signinPath || c.path == userSigninPath || c.host == e.keycloak.host && c.method == http.MethodPost
	case faultStep:
		return false
	default:
		return e.ccapi.fits(c, f)
	}
}

const (
	authorizePath = "/auth/api/v2/user/oauth2/authorize"
	signinPath    = "/auth/account/signin"
)

func (e *europe) answer(c *call, f *fault) (reply, bool) {
	if f.kind != faultBlocked || f.arg == "403" {
		return e.ccapi.answer(c, f)
	}
	return redirect(e.idpURL("/error?status=400&error=Bad+Request&error_description=" +
		"Your+request+was+recognised+as+an+abusing+request+and+blocked")), true
}
