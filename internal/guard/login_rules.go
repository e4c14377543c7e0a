package guard

import (
	"slices"
	"time"
)

// act is something at the sign-in that makers count, and lock accounts for.
type act string

// The acts. What a person asks for has bounds of its own: wide enough for a person, too narrow for an automation that runs
// in a circle, as five wrong passwords lock an account.
const (
	actLogin     act = "login"
	actPerson    act = "login_by_person"
	actSignAgain act = "renewal_by_login" // of a cloud that signs in again to renew
	actRenewal   act = "renewal"
	actPage      act = "page" // around a sign-in; without the credentials, so that nothing is locked for it
	actRegister  act = "registration"
	actCode      act = "code"
	actCodeAsked act = "code_by_person"
	actCodeTried act = "code_entered"
)

// single tells the acts of which every call is one; the others are attempts of several calls.
func (a act) single() bool { return a == actRegister || a == actCode || a == actCodeAsked }

// signsIn tells the acts of a sign-in.
func (a act) signsIn() bool {
	return a == actLogin || a == actPerson || a == actSignAgain || a == actPage
}

// bound allows so many acts within a time.
type bound struct {
	most   int
	within time.Duration
}

const day = 24 * time.Hour

// bounds hold each act. Renewals by refresh token are bounded as well, so that no fault of ours can run in a circle; clouds
// whose tokens live half an hour need 48 a day.
var bounds = map[act][]bound{
	actLogin:     {{1, time.Hour}, {3, day}},
	actPerson:    {{3, time.Hour}, {10, day}},
	actSignAgain: {{12, day}},
	actRenewal:   {{96, day}},
	actPage:      {{12, time.Hour}, {60, day}},
	actRegister:  {{4, day}}, // the first, and three in the place of one that was refused
	actCode:      {{1, 12 * time.Hour}},
	actCodeAsked: {{3, 12 * time.Hour}},
	actCodeTried: {{5, time.Hour}, {10, day}},
}

// allowed tells whether one more is within the bounds, or from when on it is. The times are ascending.
func allowed(bounds []bound, times []time.Time, now time.Time) (until time.Time, ok bool) {
	for _, b := range bounds {
		if len(times) < b.most {
			continue
		}
		if next := times[len(times)-b.most].Add(b.within); next.After(now) && next.After(until) {
			until = next
		}
	}
	return until, until.IsZero()
}

// recent drops times that no bound looks at any more. A clock that went back must not lock anything for long: what seems to
// lie ahead counts as now.
func recent(times []time.Time, now time.Time) []time.Time {
	kept := slices.DeleteFunc(slices.Clone(times), func(at time.Time) bool { return now.Sub(at) >= day })
	for i, at := range kept {
		if at.After(now) {
			kept[i] = now
		}
	}
	return kept
}
