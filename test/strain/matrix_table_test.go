package strain

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// want is what is demanded of a cell; see outcome. Numbers are upper bounds.
type want struct {
	end, stale, account, cure string

	calls   int64
	logins  int
	devices int
	took    time.Duration
	loud    int

	spreads bool // it is the whole account that suffers, not a single car
	instant bool // whoever of the account asks in the moment of the fault may suffer with it, and nobody later
}

// row is a fault and what it does to each operation.
type row struct {
	fault string
	cells []cell
}

type cell struct {
	ops []operation
	want
}

func (r row) at(o operation) want {
	for _, c := range r.cells {
		for _, op := range c.ops {
			if op == o {
				return c.want
			}
		}
	}
	return want{}
}

// The operations by what they have in common.
var (
	reads    = []operation{cachedFlat, cachedCCS2}
	wakes    = []operation{forceFlat, forceCCS2, smart}
	sessions = []operation{login, renewal}
	all      = operations
)

// In two hours of an outage a car is read four times, besides by the user; the cars of the account together eight times,
// and not every time, because of the breaker; an account that does not know its cars yet tries no more often than its
// backoff of 10 s to half an hour allows.
const (
	perCar     = 6
	perAccount = 24
	perStart   = 13
)

// harmlessAt is a fault that goes unnoticed; times is how often the cloud was struck by it at most.
func harmlessAt(ops []operation, times int64, took time.Duration) cell {
	return cell{ops, want{end: "verified", account: "online", cure: harmless, calls: times, logins: 1, devices: 1, took: took}}
}

// neverAt is a fault that the cloud does not have at these operations.
func neverAt(ops ...operation) cell { return harmlessAt(ops, 0, 26*time.Second) }

// readFails is a failure of a cached refresh: of one car, said once.
func readFails(end, stale string) cell {
	return cell{reads, want{end: end, stale: stale, account: "online", cure: itself, calls: perCar, logins: 1, devices: 1, loud: 1}}
}

// wakeFails is a failure of a forced or smart refresh: nothing wakes the car again by itself.
func wakeFails(end, stale string) cell {
	return cell{wakes, want{end: end, stale: stale, account: "online", cure: itself, calls: 1, logins: 1, devices: 1, loud: 1}}
}

// accountFails is a failure to sign in or to list the cars: said once for the account, once for its cars.
func accountFails(o operation, end, account string) cell {
	return cell{[]operation{o}, want{end: end, account: account, cure: itself, calls: perStart, logins: 1, devices: 1, loud: 4}}
}

// renewalFails is a failure to renew the session: said once when it begins, and when the token ends once for the account and
// for each of its cars.
func renewalFails(end, stale, account string) cell {
	return cell{[]operation{renewal}, want{end: end, stale: stale, account: account, cure: itself, calls: perAccount, logins: 1, devices: 1, loud: 4}}
}

// guardedRenewal is a failure to renew the session after which a sign-in is needed and fails as well: it is tried once an
// hour and three times a day. It is chance whether the user's refresh is one that tries, whether a car of the account has
// failed before, and whether a try is left when the outage ends.
func guardedRenewal(reason, stale, account string) cell {
	return renewalFails("failed/"+reason+"|rejected/"+reason, stale, account+"|online").signIns(5).curedBy(itself + "|" + aDay).said(9).within(time.Minute)
}

func (c cell) within(d time.Duration) cell { c.took = d; return c }
func (c cell) struck(n int64) cell         { c.calls = n; return c }
func (c cell) signIns(n int) cell          { c.logins = n; return c }
func (c cell) registrations(n int) cell    { c.devices = n; return c }
func (c cell) curedBy(cure string) cell    { c.cure = cure; return c }
func (c cell) only(ops ...operation) cell  { c.ops = ops; return c }
func (c cell) said(n int) cell             { c.loud = n; return c }
func (c cell) inAnInstant() cell           { c.instant = true; return c }
func (c cell) forAll(account string) cell  { c.spreads, c.account = true, account; return c }

// limitReached is a failure after which the whole account rests until midnight, so that the owner's app is not locked out too:
// it is struck once, and said for the ledger and each of its two cars.
func limitReached(c cell) cell { return c.forAll("limit_reached").struck(1).curedBy(aDay).said(4) }

// down is what a cloud does to us that is not there.
func down(fault string) row {
	return row{fault, []cell{
		readFails("failed/cloud_unavailable", "cloud_unavailable"),
		wakeFails("failed/cloud_unavailable", "cloud_unavailable").within(7 * time.Second),
		accountFails(login, "rejected/cloud_unavailable", "cloud_unavailable").struck(2 * perStart),
		renewalFails("failed/cloud_unavailable", "cloud_unavailable", "cloud_unavailable").signIns(2),
		accountFails(list, "rejected/cloud_unavailable", "cloud_unavailable"),
	}}
}

// mute is what a cloud does to us that takes the call and never answers.
func mute(fault string) row {
	return row{fault, []cell{
		readFails("timed_out/timeout", "cloud_unavailable").within(30 * time.Second),
		wakeFails("timed_out/timeout", "cloud_unavailable").within(30*time.Second).only(forceCCS2, smart),
		wakeFails("timed_out/timeout", "cloud_unavailable").within(2 * time.Minute).only(forceFlat),
		accountFails(login, "rejected/cloud_unavailable", "cloud_unavailable"),
		renewalFails("timed_out/timeout", "cloud_unavailable", "cloud_unavailable").signIns(2).within(30 * time.Second),
		accountFails(list, "rejected/cloud_unavailable", "cloud_unavailable"),
	}}
}

// unreadable is what a cloud does to us whose answer makes no sense. Where a refresh token may have been used up for such an
// answer, a sign-in follows.
func unreadable(fault string) row {
	return row{fault, []cell{
		readFails("failed/cloud_changed", "cloud_unavailable"),
		wakeFails("failed/cloud_changed", "cloud_unavailable").within(7 * time.Second),
		accountFails(login, "rejected/cloud_unavailable", "cloud_unavailable").struck(3 * perStart),
		guardedRenewal("cloud_changed", "cloud_unavailable", "cloud_unavailable"),
		accountFails(list, "rejected/cloud_unavailable", "cloud_unavailable"),
	}}
}

// refusedWake is what the cloud says of a car that it cannot wake.
func refusedWake(fault, end string) row {
	return row{fault, []cell{neverAt(append(reads, login, renewal, list)...), wakeFails(end, "vehicle_unreachable")}}
}

// refusedLogin is what stops every sign-in until a person acts, after a single one.
func refusedLogin(fault, account string) row {
	return row{fault, []cell{
		neverAt(append(append(reads, wakes...), renewal, list)...),
		accountFails(login, "rejected/login_required", account).struck(1).curedBy(person).said(2),
	}}
}

// forgotten is what a cloud does to us that takes back what it has given, a token or a device, at every call.
func forgotten(fault, cure string) row {
	return row{fault, []cell{
		readFails("failed/cloud_unavailable", "cloud_unavailable").struck(2 * perCar),
		wakeFails("failed/cloud_unavailable", "cloud_unavailable").struck(2),
		neverAt(sessions...),
		// A session that ends as soon as it is given is not replaced over and over: the pause doubles with each try.
		accountFails(list, "rejected/cloud_unavailable", "cloud_unavailable").struck(2 * perStart).curedBy(cure),
	}}
}

// table is the demand: a row for each fault, a cell for each operation.
var table = []row{
	{"slow=5s", []cell{
		harmlessAt(reads, perCar, 5*time.Second), harmlessAt(wakes, 1, 30*time.Second),
		harmlessAt(sessions, 4, 0), harmlessAt([]operation{list}, 1, 0),
	}},
	{"slow=45s", append(mute("").cells[:2:2],
		harmlessAt([]operation{forceFlat}, 1, 60*time.Second), // the car itself answers this call, so it may take its time
		mute("").cells[3], mute("").cells[4], mute("").cells[5],
	)},
	mute("silent"),
	mute("silent=after"),
	{"drip=1ms", []cell{
		harmlessAt(reads, perCar, 10*time.Second), harmlessAt(wakes, 1, 30*time.Second),
		harmlessAt(sessions, 4, 0), harmlessAt([]operation{list}, 1, 0),
	}},
	{"drip=100ms", []cell{
		readFails("timed_out/timeout", "cloud_unavailable").within(30 * time.Second),
		harmlessAt([]operation{forceCCS2, smart}, 1, 30*time.Second), // the answer to a wake is short
		wakeFails("timed_out/timeout", "cloud_unavailable").within(2 * time.Minute).only(forceFlat),
		accountFails(login, "rejected/cloud_unavailable", "cloud_unavailable").struck(3 * perStart),
		guardedRenewal("cloud_unavailable|timed_out/timeout", "cloud_unavailable", "cloud_unavailable"),
		accountFails(list, "rejected/cloud_unavailable", "cloud_unavailable"),
	}},
	down("reset"),
	down("reset=after"),
	down("status=500"),
	down("status=503"),
	down("html=503"),
	down("truncated"),
	unreadable("html"),
	unreadable("empty"),
	unreadable("wrong-types"),
	{"status=401", append(forgotten("", itself).cells[:2:2],
		accountFails(login, "rejected/cloud_unavailable", "cloud_unavailable").struck(2*perStart),
		guardedRenewal("cloud_changed", "client_blocked", "client_blocked"),
		forgotten("", itself).cells[3],
	)},
	{"status=403", []cell{
		readFails("failed/login_required", "client_blocked"),
		wakeFails("failed/login_required", "client_blocked"),
		accountFails(login, "rejected/login_required", "client_blocked").struck(1).curedBy(person).said(2),
		guardedRenewal("cloud_changed", "client_blocked", "client_blocked"),
		accountFails(list, "rejected/login_required", "client_blocked"),
	}},
	{"status=429", []cell{
		limitReached(readFails("failed/cloud_limit", "cloud_limit")),
		limitReached(wakeFails("failed/cloud_limit", "cloud_limit")),
		accountFails(login, "rejected/cloud_unavailable", "limit_reached").struck(2 * perStart),
		renewalFails("failed/cloud_limit", "cloud_limit", "limit_reached"),
		limitReached(accountFails(list, "rejected/cloud_unavailable", "limit_reached")),
	}},
	{"quota", []cell{
		limitReached(readFails("failed/cloud_limit", "cloud_limit")),
		limitReached(wakeFails("failed/cloud_limit", "cloud_limit")),
		neverAt(sessions...),
		limitReached(accountFails(list, "rejected/cloud_unavailable", "limit_reached")),
	}},
	refusedWake("duplicate", "failed/vehicle_busy"),
	refusedWake("busy", "failed/vehicle_unreachable"),
	refusedWake("unreachable", "failed/vehicle_unreachable"),
	{"unreachable=silent", []cell{
		neverAt(append(reads, login, renewal, list)...),
		wakeFails("failed/vehicle_unreachable", "vehicle_unreachable").within(140 * time.Second),
	}},
	refusedWake("low-battery", "failed/precondition_failed"),
	{"unsupported", []cell{
		neverAt(append(reads, login, renewal, list)...),
		wakeFails("failed/unsupported", ""), // the car can still be read
	}},
	{"code=9999", []cell{
		readFails("failed/vehicle_unreachable", "vehicle_unreachable"),
		wakeFails("failed/vehicle_unreachable", "vehicle_unreachable"),
		neverAt(sessions...),
		accountFails(list, "rejected/cloud_unavailable", "online"), // a code that speaks of a car, not of the account
	}},
	{"action=fail", []cell{neverAt(all...)}},         // of commands only
	{"action=non-response", []cell{neverAt(all...)}}, // of commands only
	{"action=pending", []cell{neverAt(all...)}},      // of commands only
	{"action=unrecorded", []cell{neverAt(all...)}},   // of commands only
	{"expired-token", []cell{ // the token is dead then, and it is the account's
		forgotten("", "").cells[0].inAnInstant(),
		forgotten("", "").cells[1].inAnInstant(),
		forgotten("", "").cells[2],
		forgotten("", aDay).cells[3],
	}},
	{"no-data", []cell{
		readFails("failed/unsupported", "disabled"), // as of a car that was sold: it fails for itself
		wakeFails("failed/unsupported", "disabled"),
		neverAt(login, renewal, list),
	}},
	{"invalid-device", []cell{
		// A device costs a registration, of which there are three a day; the account shares it.
		readFails("failed/cloud_unavailable", "cloud_unavailable").struck(2 * perCar).registrations(5).said(3).forAll("online").curedBy(aDay),
		// A neighbour's read at that very moment meets the second device while it is being taken back too.
		wakeFails("failed/cloud_unavailable", "cloud_unavailable").struck(2).registrations(3).said(3).forAll("online|cloud_unavailable"),
		neverAt(sessions...),
		accountFails(list, "rejected/cloud_unavailable", "cloud_unavailable").struck(2 * perStart).registrations(5).curedBy(aDay),
	}},
	refusedLogin("blocked", "client_blocked"),
	refusedLogin("blocked=403", "client_blocked"),
	refusedLogin("consent", "consent_required"),
	refusedLogin("credentials", "credentials_refused"),
	refusedLogin("credentials=error", "credentials_refused"),
	{"step=5", []cell{neverAt(all...)}},           // of sign-ins by e-mail, which Europe has not
	{"landing=plain", []cell{neverAt(all...)}},    // China's
	{"otp=untrusted", []cell{neverAt(all...)}},    // of clouds that send codes
	{"otp=unremembered", []cell{neverAt(all...)}}, // of clouds that send codes
}

// check compares what was seen with what is demanded.
func (w want) check(t *testing.T, seen outcome) {
	t.Helper()
	if end := seen.end; !oneOf(end, w.end) && !(w.end == "verified" && (end == "verified/cached" || end == "verified/fresh")) {
		t.Errorf("the refresh ended %s, want %s", end, w.end)
	}
	for _, word := range []struct{ what, seen, want string }{
		{"the stale reason", seen.stale, w.stale}, {"the account", seen.account, w.account}, {"what cured it", seen.cure, w.cure},
	} {
		if !oneOf(word.seen, word.want) {
			t.Errorf("%s is %q, want %q", word.what, word.seen, word.want)
		}
	}
	for _, number := range []struct {
		what              string
		seen, least, most int64
	}{
		{"calls that the fault struck", seen.calls, min(w.calls, 1), w.calls},
		{"sign-ins", int64(seen.logins), 1, int64(w.logins)},
		{"device registrations", int64(seen.devices), 1, int64(w.devices)},
		{"warnings in the log", int64(len(seen.loud)), min(int64(w.loud), 1), int64(w.loud)},
	} {
		if number.seen < number.least || number.seen > number.most {
			t.Errorf("%s: %d, want %d to %d; the log warns of %v", number.what, number.seen, number.least, number.most, seen.loud)
		}
	}
	if seen.took > w.took {
		t.Errorf("the refresh took %s, want at most %s", seen.took, w.took)
	}
}

// oneOf tells whether a word is one of those that a want allows, "a|b".
func oneOf(word, wanted string) bool { return slices.Contains(strings.Split(wanted, "|"), word) }
