package sim

import (
	"net/http"
	"strings"
	"time"
)

// What the clouds of the USA and Canada have in common: cars that count miles and
// degrees Fahrenheit, and a budget of remote requests instead of one of calls.

const milesPerKm = 1 / 1.609344

func miles(km float64) float64 { return km * milesPerKm }

func fahrenheit(celsius float64) int { return whole(celsius*9/5 + 32) }

func celsiusOf(fahrenheit float64) float64 { return (fahrenheit - 32) * 5 / 9 }

// Homes of cars in America.
var (
	losAngeles = place{34.0522, -118.2437, zone("America/Los_Angeles")}
	oakland    = place{37.8044, -122.2712, zone("America/Los_Angeles")}
	austin     = place{30.2672, -97.7431, zone("America/Chicago")}
	montreal   = place{45.5019, -73.5674, zone("America/Toronto")}
	toronto    = place{43.6532, -79.3832, zone("America/Toronto")}
	vancouver  = place{49.2827, -123.1207, zone("America/Vancouver")}
)

// remote carries out something that needs the car and counts towards the day's remote
// requests. What is refused does not count, as one client repeats each refused read twice
// (docs/protocol/usa-hyundai-genesis.md §12).
func (c *call) remote(do func() *refusal) *refusal {
	a, limit := c.cloud.account, c.sim.options.Quota
	if limit == 0 {
		return do()
	}
	if !a.reserve(limit) {
		return &refusedQuota
	}
	refused := do()
	if refused != nil {
		a.giveBack()
	}
	return refused
}

// reserve books one call of today's unless that would be too many.
func (a *account) reserve(limit int) bool {
	if q := a.spend(limit); !q.exceeded {
		return true
	}
	a.giveBack()
	return false
}

// giveBack takes back a call that was booked today and came to nothing.
func (a *account) giveBack() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.quota.calls = max(0, a.quota.calls-1)
}

// signInsKept is how many sign-ins that wait for a code are remembered.
const signInsKept = 1024

// pinLock is how long an account refuses all PINs after too many wrong ones
// (docs/protocol/usa-hyundai-genesis.md §2.4).
const pinLock = time.Hour

// signedIn compares a name and a password of a sign-in; names count without regard to
// case.
func signedIn(name, password string) bool {
	return strings.EqualFold(name, Email) && password == Password
}

// recordOf finds a command by its id. The caller holds v.mu.
func (v *car) recordOf(id string) (record, bool) {
	for _, r := range v.records {
		if r.id == id {
			return r, true
		}
	}
	return record{}, false
}

// seatsFit reports whether all seat codes that are given exist.
func seatsFit(seats ...*int) bool {
	for _, seat := range seats {
		if !within(seat, 0, 8) {
			return false
		}
	}
	return true
}

// heat applies the five values of heating1 and the seats that are given to a car whose
// climate starts (docs/protocol/vehicle-model.md §4.2).
func (v *car) heat(heating int, seats [4]*int) {
	b := &v.body
	b.wheelHeat = 0
	if heating == 1 || heating == 3 || heating == 4 {
		b.wheelHeat = 1
	}
	b.rearHeat = heating == 1 || heating == 2 || heating == 4
	b.mirrorHeat = heating == 1 || heating == 4
	for i, seat := range seats {
		if seat != nil {
			b.seats[i] = *seat
		}
	}
}

// recentTrips are the last drives before a moment, newest first: those of this world
// and, while there are too few, those that the car's habit would have had before.
func (v *car) recentTrips(now time.Time, most int) []tripRecord {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.settle(now)
	var trips []tripRecord
	today := v.dayOf(v.body.at)
	for day := today; day > today-7 && len(trips) < most; day-- {
		drives := v.drives(day)
		for i := len(drives) - 1; i >= 0 && len(trips) < most; i-- {
			if drives[i].to.Before(v.body.at) {
				trips = append(trips, drives[i])
			}
		}
	}
	return trips
}

// headerOf is the first of several spellings that a client uses for one header.
func headerOf(h http.Header, names ...string) string {
	for _, name := range names {
		if value := h.Get(name); value != "" {
			return value
		}
	}
	return ""
}
