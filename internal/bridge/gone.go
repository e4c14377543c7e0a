package bridge

import (
	"slices"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// A car that was sold disappears from its account's list. A list was never seen to lack a car that is there, but what is
// erased by mistake is gone; so a car goes only when a list lacks it that is read a day or more after the first one that did.
// It then gets no lane at the next start, and what it has left on the broker is cleared.

// goneAfter is how long a car must have been missing.
const goneAfter = 24 * time.Hour

// gone tells whether a car of the last run is left out, unless its account names it again.
func (s saved) gone(now time.Time) bool {
	return !s.Missing.IsZero() && now.Sub(s.Missing) >= goneAfter
}

// miss notes which cars of the account its list does not name any more.
func (b *Bridge) miss(a *account, list []vehicle.Vehicle) {
	if len(list) == 0 {
		return // an empty answer never erases
	}
	for _, l := range b.lanes.all() {
		ways := *l.ways.Load()
		named := slices.ContainsFunc(list, func(v vehicle.Vehicle) bool { return v.ID == l.id })
		if len(ways) > 1 || ways[0].account != a || !l.shelf.miss(!named, time.Now()) {
			continue
		}
		b.archive.mark(l)
		if !named {
			l.log.Warn("the account's list does not name this car any more; it goes when a list of another day does not either", "account", a.Name)
		}
	}
}

// miss notes since when the account's list lacks the car, and tells whether that is news.
func (s *shelf) miss(missing bool, now time.Time) (news bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if missing == !s.missing.IsZero() {
		return false
	}
	s.missing = time.Time{}
	if missing {
		s.missing = now.UTC()
	}
	return true
}
