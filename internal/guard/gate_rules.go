package guard

import (
	"fmt"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// Rules are the numbers by which the gate decides. [DefaultRules] has those of a region.
type Rules struct {
	Zone *time.Location // by which days and nights count

	// Enabled holds the owner to limits too: calls a day, forced refreshes a day and apart. Without it only the cloud's own
	// limit and the rules for automatic wakes are left.
	Enabled bool
	Calls   int // a day and account
	Reserve int // of those, for what a person asks for
	Remote  int // commands and wakes a day and account; 0 where the cloud does not count them apart

	UserWakes      int           // a day and car
	UserSpacing    time.Duration // between a wake and the next that a person asks for
	AutomaticWakes AutomaticRules
}

// AutomaticRules are those for wakes that nobody waits for.
type AutomaticRules struct {
	PerDay    int           // a day and car; 0 is never
	Spacing   time.Duration // doubled with each one in a row that the car did not answer, up to a day
	QuietFrom int           // hour of the day from which on cars sleep; the same as QuietTo for never
	QuietTo   int           // hour at which that ends
	Min12V    float64       // percent that the 12 V battery must have
	MaxParked time.Duration // since the last report
}

// Defaults of the rules, docs/configuration.md.
const (
	defaultReserve = 25
	longestSpacing = 24 * time.Hour
	// stirredSpacing is the wait between automatic reads of a car that they seem to wake.
	stirredSpacing = 4 * time.Hour
)

// DefaultRules are those of a region and brand.
func DefaultRules(region vehicle.Region, brand vehicle.Brand) Rules {
	r := Rules{
		Zone: ZoneOf(region), Enabled: true, Calls: 150, Reserve: defaultReserve, UserWakes: 24, UserSpacing: 5 * time.Minute,
		AutomaticWakes: AutomaticRules{Spacing: 4 * time.Hour, QuietFrom: 22, QuietTo: 7, Min12V: 60, MaxParked: 5 * 24 * time.Hour},
	}
	if region == vehicle.USA && brand != vehicle.Kia {
		r.Calls, r.Remote = 100, 30 // docs/protocol/usa-hyundai-genesis.md §9; told by the maker's support
	}
	return r
}

// Limit is how many calls a day the ledger counts with; 0 without a limit.
func (r Rules) Limit() int {
	if !r.Enabled {
		return 0
	}
	return r.Calls
}

// Situation is all that a decision depends on.
type Situation struct {
	Now       time.Time
	Operation Operation
	Cause     vehicle.Cause
	Account   AccountBook
	Car       CarBook // of the operation's car
}

// Verdict is a decision: no reason admits.
type Verdict struct {
	Refuse vehicle.Reason
	Until  time.Time // when to ask again; zero when time alone does not help
	Text   string
}

// decide is the gate: it depends on its arguments alone.
func decide(r Rules, s Situation) Verdict {
	switch s.Operation.Name {
	case opLogin: // has a guard of its own, which counts attempts
		return Verdict{}
	case opAction: // belongs to a command that was sent
		return Verdict{}
	}
	if s.Operation.Kind == bluelink.CallCommand {
		return refuseRemote(r, s)
	}
	for _, refuse := range []func(Rules, Situation) Verdict{refuseLimited, refuseBudget, refuseStirring, refuseRemote, refuseWake} {
		if v := refuse(r, s); v.Refuse != vehicle.NoReason {
			return v
		}
	}
	return Verdict{}
}

// refuseRemote holds what needs the car to a limit where the cloud counts that apart: what remains of the account's calls is
// for commands.
func refuseRemote(r Rules, s Situation) Verdict {
	needsCar := s.Operation.Kind == bluelink.CallCommand || s.Operation.Kind == bluelink.CallWake
	if needsCar && r.Enabled && r.Remote > 0 && s.Account.Commands+s.Account.Wakes >= r.Remote {
		return Verdict{vehicle.QuotaExhausted, s.Account.Reset, fmt.Sprintf("%d commands and wakes a day are allowed and used up", r.Remote)}
	}
	return Verdict{}
}

func refuseLimited(_ Rules, s Situation) Verdict {
	if s.Now.Before(s.Account.LimitedUntil) {
		return Verdict{vehicle.CloudLimit, s.Account.LimitedUntil, "the cloud has had too many requests"}
	}
	return Verdict{}
}

// refuseBudget holds what is automatic to what leaves the reserve untouched when it has ended; what a person asks for is
// admitted as long as anything is left, and finished.
func refuseBudget(r Rules, s Situation) Verdict {
	a := s.Account
	if a.Limit == 0 {
		return Verdict{}
	}
	taken := a.Used + a.promised
	switch automatic := s.Cause.Automatic(); {
	case taken >= a.Limit:
		return Verdict{vehicle.QuotaExhausted, a.Reset, fmt.Sprintf("%d calls a day are allowed and used up", a.Limit)}
	case automatic && taken+cost(s.Operation) > a.Limit-r.Reserve:
		return Verdict{vehicle.QuotaExhausted, a.Reset, fmt.Sprintf("of %d calls a day %d are used, and %d are kept for you", a.Limit, a.Used, r.Reserve)}
	}
	return Verdict{}
}

// cost is how many calls an operation makes, at most, when nothing has to be repeated.
func cost(op Operation) int {
	switch op.Name {
	case opVehicles, opAction, opLogin:
		return 1
	case opForce:
		return 16 // a look before, the wake, looks until the car reports, position, history
	case opCached:
		return 3 // status, position, history
	}
	return 1
}

// refuseStirring slows down automatic reads that seem to wake the car.
func refuseStirring(_ Rules, s Situation) Verdict {
	until := s.Car.lastRead.Add(stirredSpacing)
	if s.Operation.Name == opCached && s.Cause.Automatic() && s.Car.stirs && s.Now.Before(until) {
		return Verdict{vehicle.GuardedSpacing, until, "reading this car seems to wake it, so it is read less often"}
	}
	return Verdict{}
}

func refuseWake(r Rules, s Situation) Verdict {
	switch {
	case s.Operation.Kind != bluelink.CallWake:
		return Verdict{}
	case s.Car.Waking:
		return Verdict{vehicle.GuardedSpacing, s.Now.Add(time.Minute), "the car is being woken already"}
	case s.Cause.Automatic():
		return refuseAutomaticWake(r.AutomaticWakes, r.Zone, s)
	case r.Enabled:
		return refuseUserWake(r, s)
	}
	return Verdict{}
}

func refuseUserWake(r Rules, s Situation) Verdict {
	next := s.Car.LastWake.Add(r.UserSpacing)
	switch {
	case s.Car.UserWakes >= r.UserWakes:
		return Verdict{vehicle.GuardedDailyCap, s.Account.Reset, fmt.Sprintf("%d wakes a day are allowed and used up; each takes its share of the 12 V battery", r.UserWakes)}
	case !s.Car.Spared && s.Now.Before(next):
		return Verdict{vehicle.GuardedSpacing, next, fmt.Sprintf("the car was woken less than %s ago", spell(r.UserSpacing))}
	}
	return Verdict{}
}

func refuseAutomaticWake(r AutomaticRules, zone *time.Location, s Situation) Verdict {
	spacing := min(longestSpacing, r.Spacing<<min(s.Car.Unreached, 10))
	next := s.Car.LastWake.Add(spacing)
	charge, known := vehicle.Battery12V.Of(s.Operation.Known)
	reported := s.Operation.Known.ReportedAt()
	switch {
	case r.PerDay == 0:
		return Verdict{vehicle.GuardedDailyCap, time.Time{}, "cars are not woken by themselves"}
	case reported.IsZero():
		return Verdict{vehicle.GuardedParked, time.Time{}, "it is unknown when the car last reported"}
	case s.Now.Sub(reported) > r.MaxParked:
		return Verdict{vehicle.GuardedParked, time.Time{}, fmt.Sprintf("the car has not reported for %s", spell(r.MaxParked))}
	case !known:
		return Verdict{vehicle.Guarded12V, time.Time{}, "the charge of its 12 V battery is unknown"}
	case float64(charge) < r.Min12V:
		return Verdict{vehicle.Guarded12V, time.Time{}, fmt.Sprintf("its 12 V battery has %v %%, less than %v %%", float64(charge), r.Min12V)}
	}
	if until := quietUntil(r, s.Now.In(zone)); !until.IsZero() {
		return Verdict{vehicle.GuardedQuietHours, until, fmt.Sprintf("cars sleep from %d to %d", r.QuietFrom, r.QuietTo)}
	}
	switch {
	case s.Car.AutomaticWakes >= r.PerDay:
		return Verdict{vehicle.GuardedDailyCap, s.Account.Reset, fmt.Sprintf("%d automatic wakes a day are allowed and used up", r.PerDay)}
	case s.Now.Before(next):
		return Verdict{vehicle.GuardedSpacing, next, fmt.Sprintf("automatic wakes are %s apart", spell(spacing))}
	}
	return Verdict{}
}

// quietUntil is when the quiet hours end that now lies in; zero when it lies in none.
func quietUntil(r AutomaticRules, now time.Time) time.Time {
	from, to, hour := r.QuietFrom, r.QuietTo, now.Hour()
	end := func(days int) time.Time {
		return time.Date(now.Year(), now.Month(), now.Day()+days, to, 0, 0, 0, now.Location())
	}
	switch {
	case from == to:
	case from < to && from <= hour && hour < to, from > to && hour < to:
		return end(0)
	case from > to && hour >= from:
		return end(1)
	}
	return time.Time{}
}

// spell writes a duration for people: 5m, 4h, 5 days.
func spell(d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%d days", int(d.Hours()/24))
	case d >= time.Hour && d%time.Hour == 0:
		return fmt.Sprintf("%d h", int(d.Hours()))
	case d >= time.Minute:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	}
	return d.String()
}
