package bridge

import (
	"cmp"
	"slices"
	"strings"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/topic"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// way is one way to a car: an account that lists it, and the car as that account's cloud knows it. A car that two people
// share has two.
type way struct {
	account *account
	vehicle vehicle.Vehicle
	missing bool // the account's list has ceased to name it
}

// join adds a way to the car, or learns what its account says of the car now. The first way commands the car and counts its
// calls: that of the account that the user has chosen for it, else of the one that comes first in the configuration. It tells
// whether the first way has changed. It is called by one goroutine at a time.
func (l *lane) join(w way) (changed bool) {
	var ways []way
	if old := l.ways.Load(); old != nil {
		ways = slices.Clone(*old)
	}
	if at := slices.IndexFunc(ways, func(known way) bool { return known.account == w.account }); at >= 0 {
		ways[at] = w
	} else {
		ways = append(ways, w)
	}
	slices.SortStableFunc(ways, func(a, b way) int { return cmp.Compare(l.bridge.rank(a), l.bridge.rank(b)) })
	old := l.ways.Swap(&ways)
	return old == nil || (*old)[0].account != ways[0].account
}

// rank orders the ways to a car.
func (b *Bridge) rank(w way) int {
	for vin, chosen := range b.options.Senders {
		if chosen == w.account.Name && w.vehicle.VIN != "" && strings.EqualFold(vin.Full(), w.vehicle.VIN.Full()) {
			return -1
		}
	}
	return slices.Index(b.accounts, w.account)
}

// account is the one that commands the car.
func (l *lane) account() *account { return (*l.ways.Load())[0].account }

// reader is the way by which the car is read: the first one, or while that needs a person or has used up its calls, another
// that works. Reads alone may change over; a car's commands come from one account.
func (l *lane) reader() (reader, first way) {
	ways := *l.ways.Load()
	if len(ways) == 1 || !ways[0].account.barred() {
		return ways[0], ways[0]
	}
	for _, w := range ways[1:] {
		if w.account.works() {
			return w, ways[0]
		}
	}
	return ways[0], ways[0]
}

// barred tells whether reading through the account is of no use until a person acts or a new day begins.
func (a *account) barred() bool {
	status, _ := a.snapshot()
	return needsPerson(status.State) || status.State == topic.AccountLimitReached
}

func (a *account) works() bool {
	status, _ := a.snapshot()
	return status.State == topic.AccountOnline || status.State == topic.AccountExpiring
}
