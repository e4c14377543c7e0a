package sim

// fits says where the cloud of Hyundai and Genesis in the USA can fail in its own words
// (docs/protocol/usa-hyundai-genesis.md §8).
func (h *hyundaiUS) fits(c *call, f *fault) bool {
	live := c.kind == kindWake || c.kind == kindCommand
	switch f.kind {
	case faultQuota, faultBusy, faultUnreachable, faultLowBattery, faultUnsupported:
		return live
	case faultDuplicate:
		return live || c.status // seen on cached reads, too
	case faultNoData:
		return c.status && c.kind == kindRead // what cached reads of Genesis often say (§1.3)
	case faultAction:
		return c.kind == kindCommand
	case faultExpiredToken:
		return c.kind != kindLogin && c.kind != kindRenew
	case faultCredentials:
		return c.path == hyundaiUSToken
	default:
		return false
	}
}

func (h *hyundaiUS) answer(c *call, f *fault) (reply, bool) {
	switch f.kind {
	case faultQuota:
		return hyundaiUSQuota.reply(), true
	case faultDuplicate:
		return hyundaiUSPending.reply(), true
	case faultBusy, faultNoData:
		return hyundaiUSGeneric.reply(), true
	case faultLowBattery:
		return hyundaiUSUnreachable.reply(), true
	case faultUnsupported:
		return hyundaiUSUnsupported.reply(), true
	case faultUnreachable:
		return hyundaiUSUnreachable.reply(), f.arg != "silent"
	case faultExpiredToken:
		c.cloud.account.expire("Bearer " + accessUS(c.r.Header))
		return hyundaiUSExpired.reply(), true
	default:
		return reply{}, false
	}
}
