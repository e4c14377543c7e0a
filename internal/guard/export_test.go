package guard

// NewBreakers gives the guard for operations that no method of a cloud makes yet.
func NewBreakers(account string, o BreakerOptions, m *Metrics) Around {
	return newBreakers(account, o, m).around
}
