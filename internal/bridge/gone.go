package bridge

import (
	"slices"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// A car that was sold disappears from its account's list. A list was never seen to lack a car that is there, but what is
// erased by mistake is gone; so a car goes only when a list lacks it that is read a day or more after the first one that did,
// and no other account has it. Its lane then takes no more orders, sees what was sent to its end, and ends. What the car has
// left on the broker is cleared, and it gets no lane again, at a start neither, until an account names it.

// goneAfter is how long a car must have been missing.
const goneAfter = 24 * time.Hour

// miss notes which cars of the account its list does not name any more, and takes leave of those that are gone.
func (b *Bridge) miss(a *account, list []vehicle.Vehicle) {
	if len(list) == 0 {
		return // an empty answer never erases
	}
	named := make(map[vehicle.ID]bool, len(list))
	for _, v := range list {
		named[v.ID] = true
	}
	b.adopting.Lock()
	defer b.adopting.Unlock()
	for _, l := range b.lanes.all() {
		missing, concerned := l.miss(a, !named[l.id])
		if !concerned {
			continue
		}
		since, news := l.shelf.miss(missing, time.Now())
		if news {
			b.archive.mark(l)
		}
		switch {
		case missing && news:
			l.log.Warn("the account's list does not name this car any more; it goes when a list of another day does not either", "account", a.Name)
		case missing && since >= goneAfter && b.listed():
			l.retire()
		}
	}
}

// listed tells whether every account has named its cars, so that a car that none has named is not there.
func (b *Bridge) listed() bool {
	return !slices.ContainsFunc(b.accounts, func(a *account) bool { _, named := a.snapshot(); return !named })
}

// miss notes whether the list of an account that has the car lacks it, and tells whether those of all its accounts do.
// Accounts that never had it do not concern it. It is called by one goroutine at a time.
func (l *lane) miss(a *account, missing bool) (everywhere, concerned bool) {
	ways := *l.ways.Load()
	at := slices.IndexFunc(ways, func(w way) bool { return w.account == a })
	if at < 0 {
		return false, false
	}
	if ways[at].missing != missing {
		ways = slices.Clone(ways)
		ways[at].missing = missing
		l.ways.Store(&ways)
	}
	return !slices.ContainsFunc(ways, func(w way) bool { return !w.missing }), true
}

// miss notes since when the accounts' lists lack the car. It tells for how long, and whether that they do is news.
func (s *shelf) miss(missing bool, now time.Time) (since time.Duration, news bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	news = missing == s.missing.IsZero()
	switch {
	case !missing:
		s.missing = time.Time{}
		return 0, news
	case news:
		s.missing = now.UTC()
	}
	return now.Sub(s.missing), news
}

// retire makes the lane end, since its car is gone. What was not sent is refused, what was is seen to its end first.
func (l *lane) retire() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed != nil {
		return
	}
	l.retired = true
	l.refuse(&refusal{vehicle.UnknownVehicle, "its account does not name this car any more"})
	l.nudge()
}

// stay keeps the lane of a car that is named again; false when that has ended already.
func (l *lane) stay() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.retired && !l.ended {
		l.retired, l.closed = false, nil
	}
	return !l.ended
}

// farewell ends a lane that was retired when nothing is left to be seen to its end, and tells whether it did. The lane's
// goroutine calls it, with nothing in flight.
func (l *lane) farewell() bool {
	b := l.bridge
	l.mu.Lock()
	if !l.retired || len(l.line) > 0 {
		l.mu.Unlock()
		return false
	}
	l.ended = true
	l.shelf.leave()
	b.archive.leave(l.shelf.kept())
	b.archive.mark(l)
	b.lanes.remove(l) // last: it may come back at once, and goes on from what is kept
	l.mu.Unlock()
	for _, w := range *l.ways.Load() {
		w.account.lost(l.id)
	}
	l.log.Info("the car is gone: no list has named it for a day")
	b.herald.wake() // which clears what it has left
	return true
}

// leave makes the shelf show nothing any more.
func (s *shelf) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gone = true
}
