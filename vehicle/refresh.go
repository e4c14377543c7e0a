package vehicle

import "time"

// NeedsForce decides whether a smart refresh wakes the car: only when its last report is known and older than maxAge. An
// unknown report time, a report exactly maxAge old and one from the future do not.
func NeedsForce(reported, now time.Time, maxAge time.Duration) bool {
	return !reported.IsZero() && now.Sub(reported) > maxAge
}

// RefreshMode is how a car's state is asked for.
type RefreshMode string

// The three modes. Cached reads what the cloud holds and never wakes the car; Force wakes it; Smart forces only when the
// last report is older than asked.
const (
	Cached RefreshMode = "cached"
	Force  RefreshMode = "force"
	Smart  RefreshMode = "smart"
)
