package sim

import "net/http"

// fits says where the cloud of Kia in the USA can fail in its own words
// (docs/protocol/usa-kia.md §8).
func (k *kiaUS) fits(c *call, f *fault) bool {
	live := c.kind == kindWake || c.kind == kindCommand
	switch f.kind {
	case faultQuota, faultDuplicate, faultBusy, faultUnreachable, faultLowBattery, faultUnsupported:
		return live
	case faultNoData:
		return c.path == kiaUSBase+kiaUSInfo
	case faultAction:
		return c.kind == kindCommand
	case faultExpiredToken:
		return c.kind == kindRead || live
	case faultInvalidDevice:
		return c.carOf != nil
	case faultBlocked:
		return true
	case faultCredentials:
		return c.path == kiaUSBase+kiaUSAuth
	case faultOTP:
		if f.arg == "unremembered" {
			return c.path == kiaUSBase+kiaUSVerify
		}
		return c.path == kiaUSBase+kiaUSAuth && c.kind == kindRenew
	default:
		return false
	}
}

func (k *kiaUS) answer(c *call, f *fault) (reply, bool) {
	say := func(f kiaUSFailure) (reply, bool) { return c.withXid(f.reply()), true }
	switch f.kind {
	case faultQuota:
		return say(kiaUSThrottled)
	case faultDuplicate:
		return say(kiaUSPending)
	case faultBusy:
		return say(kiaUSUnavailable)
	case faultLowBattery:
		return say(kiaUSUnreachable)
	case faultUnsupported:
		return say(kiaUSUnsupported)
	case faultUnreachable:
		answer, _ := say(kiaUSUnreachable)
		return answer, f.arg != "silent"
	case faultExpiredToken:
		k.mu.Lock()
		k.session = nil
		k.mu.Unlock()
		return say(kiaUSSessionOver)
	case faultInvalidDevice:
		// What becomes invalid here is the key of the car.
		k.mu.Lock()
		if k.session != nil {
			delete(k.session.keys, c.car)
		}
		k.mu.Unlock()
		return say(kiaUSWrongKey)
	case faultBlocked:
		return page(http.StatusForbidden, "Attention Required! | Cloudflare", "Sorry, you have been blocked."), true
	case faultCredentials:
		if f.arg == "error" {
			return say(kiaUSRejected)
		}
		return reply{}, false
	default:
		return reply{}, false
	}
}
