package sim

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// prime answers the session priming before a login; what counts is the cookie and that
// the end of the chain is 2xx (docs/protocol/europe.md §2.2, strangers.md 2).
func (e *europe) prime(c *call) reply {
	answer := page(http.StatusOK, "Sign in", "This page needs a browser.")
	answer.header = http.Header{"Set-Cookie": {"account=" + freshText(32) + "; Path=/; HttpOnly"}}
	return answer
}

// webHop sends the sign-in back to the identity provider, and nowhere else.
func (e *europe) webHop(c *call) reply {
	next, err := url.Parse(c.r.URL.Query().Get("next_uri"))
	if err == nil && next.Scheme == "https" && next.Host == e.idpHost {
		return redirect(next.String())
	}
	return page(http.StatusOK, "Sign in", "This page needs a browser.")
}

func signedInPage(*call) reply { return page(http.StatusOK, "Signed in", "Go back to the app.") }

func consentPage(*call) reply {
	return page(http.StatusOK, "Terms", "Please accept the changed terms once in the app.")
}

func setLanguage(c *call) reply {
	var body struct {
		Lang string `json:"lang"`
	}
	if !c.decode(&body) || body.Lang == "" {
		return userRefusal(http.StatusBadRequest, "4003", "Invalid values", nil)
	}
	return jsonReply(http.StatusOK, `{}`)
}

// noBrandLogin makes clients of the old brand login fall back to signin at once
// (docs/protocol/strangers.md 3).
func noBrandLogin(*call) reply {
	return userRefusal(http.StatusNotFound, "4040", "Not found", nil)
}

func noBrandSession(*call) reply {
	return userRefusal(http.StatusUnauthorized, "4010", "Require authentication", nil)
}

// userRefusal is the failure envelope of /api/v1/user.
func userRefusal(status int, code, text string, body map[string]any) reply {
	failure := map[string]any{"errId": freshUUID(), "errCode": code, "errMsg": text}
	if body != nil {
		failure["errBody"] = body
	}
	return reply{status: status, body: marshal(failure)}
}

// legacySignin is the oldest login, dead in reality since 2025-08
// (docs/protocol/europe.md §2.6).
func (e *europe) legacySignin(c *call) reply {
	var body struct{ Email, Password string }
	if !c.decode(&body) || c.acts(faultCredentials) || !strings.EqualFold(body.Email, Email) || body.Password != Password {
		c.cloud.account.tally(func(n *AccountCounts) { n.FailedLogins++ })
		return userRefusal(http.StatusBadRequest, "4003", "Invalid values", map[string]any{"userId": "", "remainCount": 4, "remainTime": 300})
	}
	c.cloud.account.tally(func(n *AccountCounts) { n.Logins++ })
	return reply{status: http.StatusOK, body: marshal(map[string]any{
		"redirectUrl": e.apiURL("/api/v1/user/oauth2/redirect?code=" + c.cloud.account.newCode(e.serviceID) + "&state=test"),
		"popup":       false, "method": "", "upgrade": false, "integrated": false, "deleteAccountLink": "",
	})}
}

// userToken is the vehicle API's own token endpoint: the renewal of Genesis and the end
// of the oldest login. A stamp is checked only when one is sent (docs/protocol/europe.md
// §2.4, §11.3.3).
func (e *europe) userToken(c *call) reply {
	refuse := func(status int, code, text string) reply {
		c.cloud.account.tally(func(n *AccountCounts) { n.FailedRenewals++ })
		return userRefusal(status, code, text, nil)
	}
	want := "Basic " + base64.StdEncoding.EncodeToString([]byte(e.serviceID+":"+e.secret))
	if c.r.Header.Get("Authorization") != want {
		return refuse(http.StatusUnauthorized, "4010", "Require authentication")
	}
	if stamp := c.r.Header.Get("Stamp"); stamp != "" && !verifyStamp(stamp, e.stampKey, e.appIDs) {
		return refuse(http.StatusBadRequest, "4002", refusedParameter.text)
	}
	form := c.form()
	life := c.sim.tokenLife(vehicleTokenLife)
	answer := map[string]any{"token_type": "Bearer", "expires_in": int(life / time.Second)}
	switch form.Get("grant_type") {
	case "refresh_token":
		if !c.cloud.account.validRefreshToken(form.Get("refresh_token")) {
			return refuse(http.StatusBadRequest, "4003", "Invalid values")
		}
		c.cloud.account.tally(func(n *AccountCounts) { n.Renewals++ })
	case "authorization_code":
		if !c.cloud.account.redeem(form.Get("code"), e.serviceID) {
			return refuse(http.StatusBadRequest, "4003", "Invalid values")
		}
		answer["refresh_token"] = c.cloud.account.newRefreshToken()
	default:
		return refuse(http.StatusBadRequest, "4003", "Invalid values")
	}
	answer["access_token"] = e.vehicleToken(c, life)
	return reply{status: http.StatusOK, body: marshal(answer)}
}

// pinTries is how many wrong PINs in a row are taken before every PIN is refused until
// the simulator is reset (assumed: the real count is unknown).
const pinTries = 5

// pin hands out a control token; neither stamp nor ccsp headers are needed, and the
// token is not tied to the device (docs/protocol/europe.md §2.7).
func (e *europe) pin(c *call) reply {
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
		return userRefusal(http.StatusBadRequest, "4003", "Invalid values", nil)
	}
	if !a.knowsDevice(body.DeviceID) {
		return refusedDevice.reply()
	}
	a.mu.Lock()
	right := body.PIN == PIN && a.wrong < pinTries
	if right {
		a.wrong = 0
		a.counts.PINs++
	} else {
		a.wrong++
		a.counts.WrongPINs++
	}
	left := max(0, pinTries-a.wrong)
	a.mu.Unlock()
	if !right {
		return userRefusal(http.StatusBadRequest, "4003", "Invalid values", map[string]any{"remainCount": left, "remainTime": 300})
	}
	text := a.issue(freshText(64), token{use: useControl}, controlLife)
	return jsonReply(http.StatusOK, `{"controlToken":"`+text+`","expiresTime":`+strconv.Itoa(int(controlLife/time.Second))+`}`)
}
