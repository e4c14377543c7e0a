package sim

import (
	"net/http"
)

// fits says where the European cloud can fail in its own words
// (docs/protocol/europe.md §2.3, §8).
func (e *europe) fits(c *call, f *fault) bool {
	switch f.kind {
	case faultQuota:
		return c.spa && c.kind != kindRegister
	case faultDuplicate, faultBusy, faultUnreachable, faultLowBattery:
		return c.spa && c.live
	case faultNoData:
		return c.spa && c.car != nil
	case faultAction:
		return c.spa && c.kind == kindCommand
	case faultExpiredToken:
		return c.spa && c.kind != kindRegister || c.path == pinPath
	case faultInvalidDevice:
		return c.spa && c.kind != kindRegister
	case faultBlocked:
		// Renewals of known clients go on while sign-ins are blocked
		// (docs/protocol/europe.md, state of 2026).
		return c.path == authorizePath || f.arg == "403" && c.kind == kindLogin && c.host == e.idpHost
	case faultConsent:
		return c.path == signinPath
	case faultCredentials:
		return c.path == signinPath || c.path == legacySigninPath
	default:
		return false
	}
}

const (
	authorizePath    = "/auth/api/v2/user/oauth2/authorize"
	signinPath       = "/auth/account/signin"
	legacySigninPath = "/api/v1/user/signin"
	pinPath          = "/api/v1/user/pin"
)

// answer gives those that need nothing of the endpoint itself.
func (e *europe) answer(c *call, f *fault) (reply, bool) {
	switch f.kind {
	case faultQuota:
		return refusedQuota.reply(), true
	case faultDuplicate:
		return refusedDuplicate.reply(), true
	case faultBusy:
		return refusedBusy.reply(), true
	case faultLowBattery:
		return refusedBattery.reply(), true
	case faultNoData:
		return refusedNoData.reply(), true
	case faultUnreachable:
		return refusedTimeout.reply(), f.arg != "silent"
	case faultExpiredToken:
		c.cloud.account.expire(c.r.Header.Get("Authorization"))
		return expiredReply(), true
	case faultInvalidDevice:
		c.cloud.account.forgetDevice(c.r.Header.Get("ccsp-device-id"))
		return refusedDevice.reply(), true
	case faultBlocked:
		if f.arg == "403" {
			return page(http.StatusForbidden, "403 Forbidden", "Access denied."), true
		}
		return redirect(e.idpURL("/error?status=400&error=Bad+Request&error_description=" +
			"Your+request+was+recognised+as+an+abusing+request+and+blocked")), true
	default:
		return reply{}, false
	}
}
