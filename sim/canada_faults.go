package sim

import "net/http"

// fits says where the Canadian cloud can fail in its own words (docs/protocol/canada.md
// §8).
func (n *canada) fits(c *call, f *fault) bool {
	live := c.carOf != nil && (c.kind == kindWake || c.kind == kindCommand)
	switch f.kind {
	case faultQuota, faultDuplicate, faultBusy, faultUnreachable, faultLowBattery, faultUnsupported:
		return live
	case faultNoData:
		return c.toCanada(canadaCached)
	case faultAction:
		return live && c.kind == kindCommand
	case faultExpiredToken:
		return c.kind == kindRead || c.kind == kindWake || c.kind == kindCommand
	case faultInvalidDevice:
		return c.toCanada(canadaLogin)
	case faultBlocked:
		return true
	case faultCredentials:
		return c.toCanada(canadaLogin) || c.toCanada(canadaOldLogin)
	case faultOTP:
		if f.arg == "unremembered" {
			return c.toCanada(canadaTrust)
		}
		return c.toCanada(canadaLogin)
	default:
		return false
	}
}

func (n *canada) answer(c *call, f *fault) (reply, bool) {
	switch f.kind {
	case faultQuota:
		return canadaQuota.reply(), true
	case faultDuplicate:
		return canadaPending.reply(), true
	case faultBusy:
		return canadaGeneric.reply(), true
	case faultLowBattery:
		return canadaUnreachable.reply(), true
	case faultUnsupported:
		return canadaWrongClimate.reply(), true
	case faultUnreachable:
		return canadaUnreachable.reply(), f.arg != "silent"
	case faultNoData:
		return canadaNoStatus.reply(), true
	case faultExpiredToken:
		return n.expire(f.arg).reply(), true
	case faultInvalidDevice:
		return canadaWrongDevice.reply(), true
	case faultBlocked:
		return page(http.StatusForbidden, "Attention Required! | Cloudflare", "Sorry, you have been blocked."), true
	default:
		return reply{}, false
	}
}

// expire ends the token that counts and says why.
func (n *canada) expire(why string) canadaFailure {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch why {
	case "other-login":
		if n.access != "" {
			n.ended[n.access], n.access = true, ""
		}
		return canadaOtherLogin
	case "other-address":
		n.access = ""
		return canadaOtherAddress
	default:
		n.access = ""
		return canadaExpired
	}
}
