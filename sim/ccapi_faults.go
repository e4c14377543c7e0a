package sim

import "net/http"

// fits says where a cloud of this family can fail in its own words
// (docs/protocol/europe.md §8, australia-newzealand.md §8).
func (g *ccapi) fits(c *call, f *fault) bool {
	switch f.kind {
	case faultQuota, faultInvalidDevice:
		return c.spa && c.kind != kindRegister
	case faultDuplicate, faultBusy, faultUnreachable, faultLowBattery, faultUnsupported:
		return c.spa && c.live
	case faultNoData:
		return c.spa && c.car != nil
	case faultCode:
		return c.spa
	case faultAction:
		return c.spa && c.kind == kindCommand
	case faultExpiredToken:
		return c.spa && c.kind != kindRegister || c.path == pinPath || c.path == silentSigninPath
	case faultBlocked:
		return c.kind == kindLogin
	case faultConsent, faultStep, faultCredentials:
		return c.path == userSigninPath
	default:
		return false
	}
}

// answer gives those that need nothing of the endpoint itself.
func (g *ccapi) answer(c *call, f *fault) (reply, bool) {
	switch f.kind {
	case faultQuota:
		return refusedQuota.reply(), true
	case faultDuplicate:
		return refusedDuplicate.reply(), true
	case faultBusy:
		return refusedBusy.reply(), true
	case faultLowBattery:
		return refusedBattery.reply(), true
	case faultUnsupported:
		return refusedSupport.reply(), true
	case faultNoData:
		return refusedNoData.reply(), true
	case faultCode:
		return refusals[f.arg].reply(), true
	case faultUnreachable:
		return refusedTimeout.reply(), f.arg != "silent"
	case faultExpiredToken:
		c.cloud.account.expire(c.r.Header.Get("Authorization"))
		if c.path == silentSigninPath {
			return requiresLogin.reply(nil), true
		}
		return expiredReply(), true
	case faultInvalidDevice:
		c.cloud.account.forgetDevice(c.r.Header.Get("ccsp-device-id"))
		return g.badDevice.reply(), true
	case faultBlocked:
		return page(http.StatusForbidden, "403 Forbidden", "Access denied."), true
	default:
		return reply{}, false
	}
}
