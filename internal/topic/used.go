package topic

import (
	"strconv"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// Used is what was asked of a car today, and when it was last woken.
type Used struct {
	Calls    int // that its cloud counts
	Wakes    int
	LastWake time.Time // zero when it was never woken
	Cause    vehicle.Cause
}

// Messages tell it; at is our clock.
func (u Used) Messages(at time.Time) []Message {
	last, cause := appendNull(nil), appendNull(nil)
	if !u.LastWake.IsZero() {
		last = appendTime(nil, u.LastWake, seconds)
	}
	if u.Cause != "" {
		cause = appendText(nil, string(u.Cause))
	}
	return []Message{
		retained("status/calls_today", at, strconv.AppendInt(nil, int64(u.Calls), 10)),
		retained("status/wakes_today", at, strconv.AppendInt(nil, int64(u.Wakes), 10)),
		retained("status/last_wake_at", at, last),
		retained("status/last_wake_cause", at, cause),
	}
}
