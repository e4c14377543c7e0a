package guard

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

var berlin = ZoneOf(vehicle.Europe)

// noon is a moment in no quiet hours.
var noon = time.Date(2026, 3, 10, 12, 0, 0, 0, berlin)

// known is a state with a 12 V charge, reported some time before noon.
func known(charge float64, age time.Duration) vehicle.State {
	r := vehicle.Report{Reported: noon.Add(-age).UTC()}
	vehicle.LastUpdatedAt.Set(&r, r.Reported, "")
	vehicle.Battery12V.Set(&r, vehicle.Percent(charge), "")
	next, _, _ := vehicle.State{}.Apply(r, noon)
	return next
}

// wakeAt is the situation of a wake at a time, of a car that is well.
func wakeAt(now time.Time, cause vehicle.Cause) Situation {
	return Situation{
		Now: now, Cause: cause, Operation: Operation{Name: opForce, Kind: bluelink.CallWake, Known: known(80, time.Hour)},
		Account: AccountBook{Limit: 150, Reset: time.Date(2026, 3, 11, 0, 0, 0, 0, berlin)},
	}
}

// automatic are rules that allow three automatic wakes a day.
func automatic() Rules {
	r := DefaultRules(vehicle.Europe, vehicle.Kia)
	r.AutomaticWakes.PerDay = 3
	return r
}

func TestDecide_TableOfRules(t *testing.T) {
	defaults := DefaultRules(vehicle.Europe, vehicle.Kia)
	loose := automatic()
	loose.Enabled = false
	usa := DefaultRules(vehicle.USA, vehicle.Hyundai)
	midnight := wakeAt(noon, "").Account.Reset
	type change func(*Situation)
	read := func(s *Situation) { s.Operation.Name, s.Operation.Kind = opCached, bluelink.CallRead }
	command := func(s *Situation) { s.Operation.Name, s.Operation.Kind = "lock", bluelink.CallCommand }
	used := func(n int) change { return func(s *Situation) { s.Account.Used = n } }
	promised := func(n int) change { return func(s *Situation) { s.Account.promised = n } }
	limited := func(s *Situation) { s.Account.LimitedUntil = noon.Add(time.Hour) }
	woken := func(ago time.Duration) change { return func(s *Situation) { s.Car.LastWake = s.Now.Add(-ago) } }
	at := func(hour, minute int) change {
		return func(s *Situation) { s.Now = time.Date(2026, 3, 10, hour, minute, 0, 0, berlin) }
	}
	state := func(charge float64, age time.Duration) change {
		return func(s *Situation) { s.Operation.Known = known(charge, age) }
	}
	for name, test := range map[string]struct {
		rules   Rules
		cause   vehicle.Cause
		changes []change
		refuse  vehicle.Reason
		until   time.Time
	}{
		"user":                            {rules: defaults, cause: vehicle.ByMQTT},
		"by default nothing wakes":        {rules: defaults, cause: vehicle.ByTimer, refuse: vehicle.GuardedDailyCap},
		"nobody asked":                    {rules: defaults, cause: "", refuse: vehicle.GuardedDailyCap},
		"a hint is automatic":             {rules: defaults, cause: vehicle.ByHint, refuse: vehicle.GuardedDailyCap},
		"automatic when allowed":          {rules: automatic(), cause: vehicle.ByTimer},
		"sign in, whatever":               {rules: defaults, cause: vehicle.ByStart, changes: []change{limited, used(900), func(s *Situation) { s.Operation.Name = opLogin }}},
		"outcome of a command":            {rules: defaults, cause: vehicle.ByMQTT, changes: []change{limited, used(900), func(s *Situation) { s.Operation.Name = opAction }}},
		"command after too many requests": {rules: defaults, cause: vehicle.ByMQTT, changes: []change{command, limited, used(900)}},
		"commands and wakes in the USA":   {rules: usa, cause: vehicle.ByMQTT, changes: []change{command, func(s *Situation) { s.Account.Commands, s.Account.Wakes = 20, 10 }}, refuse: vehicle.QuotaExhausted, until: midnight},
		"a wake after them":               {rules: usa, cause: vehicle.ByMQTT, changes: []change{func(s *Situation) { s.Account.Commands, s.Account.Wakes = 29, 1 }}, refuse: vehicle.QuotaExhausted, until: midnight},
		"one more in the USA":             {rules: usa, cause: vehicle.ByMQTT, changes: []change{func(s *Situation) { s.Account.Commands, s.Account.Wakes = 28, 1 }}},
		"a read after them":               {rules: usa, cause: vehicle.ByMQTT, changes: []change{read, func(s *Situation) { s.Account.Commands = 30 }}},
		"thirty commands in the USA":      {rules: usa, cause: vehicle.ByMQTT, changes: []change{command, func(s *Situation) { s.Account.Commands = 30 }}, refuse: vehicle.QuotaExhausted, until: midnight},
		"thirty commands elsewhere":       {rules: defaults, cause: vehicle.ByMQTT, changes: []change{command, func(s *Situation) { s.Account.Commands = 30 }}},

		"too many requests, user":          {rules: defaults, cause: vehicle.ByMQTT, changes: []change{read, limited}, refuse: vehicle.CloudLimit, until: noon.Add(time.Hour)},
		"too many requests without limits": {rules: loose, cause: vehicle.ByMQTT, changes: []change{read, limited}, refuse: vehicle.CloudLimit, until: noon.Add(time.Hour)},
		"too many requests is over":        {rules: defaults, cause: vehicle.ByTimer, changes: []change{read, func(s *Situation) { s.Account.LimitedUntil = noon }}},

		"timer before the reserve":   {rules: defaults, cause: vehicle.ByTimer, changes: []change{read, used(122)}},
		"timer into the reserve":     {rules: defaults, cause: vehicle.ByTimer, changes: []change{read, used(123)}, refuse: vehicle.QuotaExhausted, until: midnight},
		"what is in flight counts":   {rules: defaults, cause: vehicle.ByTimer, changes: []change{read, used(110), promised(13)}, refuse: vehicle.QuotaExhausted, until: midnight},
		"user in the reserve":        {rules: defaults, cause: vehicle.ByCLI, changes: []change{read, used(149)}},
		"user with nothing left":     {rules: defaults, cause: vehicle.ByHTTP, changes: []change{read, used(150)}, refuse: vehicle.QuotaExhausted, until: midnight},
		"user's wake, nothing left":  {rules: defaults, cause: vehicle.ByMQTT, changes: []change{used(150)}, refuse: vehicle.QuotaExhausted, until: midnight},
		"without a limit":            {rules: defaults, cause: vehicle.ByTimer, changes: []change{read, used(5000), func(s *Situation) { s.Account.Limit = 0 }}},
		"reads that stir a car":      {rules: defaults, cause: vehicle.ByTimer, changes: []change{read, func(s *Situation) { s.Car.stirs, s.Car.lastRead = true, noon.Add(-time.Hour) }}, refuse: vehicle.GuardedSpacing, until: noon.Add(3 * time.Hour)},
		"reads that stir, by a user": {rules: defaults, cause: vehicle.ByMQTT, changes: []change{read, func(s *Situation) { s.Car.stirs, s.Car.lastRead = true, noon.Add(-time.Hour) }}},

		"24 by a user":              {rules: defaults, cause: vehicle.ByMQTT, changes: []change{func(s *Situation) { s.Car.UserWakes = 24 }}, refuse: vehicle.GuardedDailyCap, until: midnight},
		"24 without limits":         {rules: loose, cause: vehicle.ByMQTT, changes: []change{func(s *Situation) { s.Car.UserWakes = 24 }}},
		"23 by a user":              {rules: defaults, cause: vehicle.ByMQTT, changes: []change{func(s *Situation) { s.Car.UserWakes, s.Car.AutomaticWakes = 23, 6 }}},
		"too soon for a user":       {rules: defaults, cause: vehicle.ByMQTT, changes: []change{woken(4 * time.Minute)}, refuse: vehicle.GuardedSpacing, until: noon.Add(time.Minute)},
		"just in time":              {rules: defaults, cause: vehicle.ByMQTT, changes: []change{woken(5 * time.Minute)}},
		"failed before it woke":     {rules: defaults, cause: vehicle.ByMQTT, changes: []change{woken(time.Second), func(s *Situation) { s.Car.Spared = true }}},
		"spared, but 24":            {rules: defaults, cause: vehicle.ByMQTT, changes: []change{func(s *Situation) { s.Car.Spared, s.Car.UserWakes = true, 24 }}, refuse: vehicle.GuardedDailyCap, until: midnight},
		"one under way":             {rules: loose, cause: vehicle.ByMQTT, changes: []change{func(s *Situation) { s.Car.Waking = true }}, refuse: vehicle.GuardedSpacing, until: noon.Add(time.Minute)},
		"a user at night":           {rules: defaults, cause: vehicle.ByMQTT, changes: []change{at(23, 0)}},
		"a user with an empty 12 V": {rules: defaults, cause: vehicle.ByMQTT, changes: []change{state(11, time.Hour)}},
		"a user after ten days":     {rules: defaults, cause: vehicle.ByMQTT, changes: []change{state(80, 240*time.Hour)}},

		"three automatic":           {rules: automatic(), cause: vehicle.ByTimer, changes: []change{func(s *Situation) { s.Car.AutomaticWakes = 3 }}, refuse: vehicle.GuardedDailyCap, until: midnight},
		"users' wakes do not count": {rules: automatic(), cause: vehicle.ByTimer, changes: []change{func(s *Situation) { s.Car.UserWakes = 20 }}},
		"too soon after any wake":   {rules: automatic(), cause: vehicle.ByTimer, changes: []change{woken(time.Hour)}, refuse: vehicle.GuardedSpacing, until: noon.Add(3 * time.Hour)},
		"doubled once":              {rules: automatic(), cause: vehicle.ByTimer, changes: []change{woken(5 * time.Hour), func(s *Situation) { s.Car.Unreached = 1 }}, refuse: vehicle.GuardedSpacing, until: noon.Add(3 * time.Hour)},
		"doubled up to a day":       {rules: automatic(), cause: vehicle.ByTimer, changes: []change{woken(23 * time.Hour), func(s *Situation) { s.Car.Unreached = 9 }}, refuse: vehicle.GuardedSpacing, until: noon.Add(time.Hour)},
		"spared is no excuse":       {rules: automatic(), cause: vehicle.ByTimer, changes: []change{woken(time.Hour), func(s *Situation) { s.Car.Spared = true }}, refuse: vehicle.GuardedSpacing, until: noon.Add(3 * time.Hour)},
		"late in the evening":       {rules: automatic(), cause: vehicle.ByTimer, changes: []change{at(22, 0)}, refuse: vehicle.GuardedQuietHours, until: time.Date(2026, 3, 11, 7, 0, 0, 0, berlin)},
		"early in the morning":      {rules: automatic(), cause: vehicle.ByTimer, changes: []change{at(6, 59)}, refuse: vehicle.GuardedQuietHours, until: time.Date(2026, 3, 10, 7, 0, 0, 0, berlin)},
		"morning":                   {rules: automatic(), cause: vehicle.ByTimer, changes: []change{at(7, 0)}},
		"12 V low":                  {rules: automatic(), cause: vehicle.ByTimer, changes: []change{state(59, time.Hour)}, refuse: vehicle.Guarded12V},
		"12 V enough":               {rules: automatic(), cause: vehicle.ByTimer, changes: []change{state(60, time.Hour)}},
		"12 V unknown":              {rules: automatic(), cause: vehicle.ByTimer, changes: []change{state(255, time.Hour)}, refuse: vehicle.Guarded12V},
		"parked for five days":      {rules: automatic(), cause: vehicle.ByTimer, changes: []change{state(80, 121*time.Hour)}, refuse: vehicle.GuardedParked},
		"never reported":            {rules: automatic(), cause: vehicle.ByTimer, changes: []change{func(s *Situation) { s.Operation.Known = vehicle.State{} }}, refuse: vehicle.GuardedParked},
		"rules hold without limits": {rules: loose, cause: vehicle.ByTimer, changes: []change{func(s *Situation) { s.Car.AutomaticWakes = 3 }}, refuse: vehicle.GuardedDailyCap, until: midnight},
	} {
		t.Run(name, func(t *testing.T) {
			s := wakeAt(noon, test.cause)
			for _, change := range test.changes {
				change(&s)
			}
			v := decide(test.rules, s)
			if v.Refuse != test.refuse || !v.Until.Equal(test.until) {
				t.Errorf("%q until %s, want %q until %s", v.Refuse, v.Until, test.refuse, test.until)
			}
			if (v.Text == "") != (v.Refuse == vehicle.NoReason) {
				t.Errorf("refused %q with the text %q", v.Refuse, v.Text)
			}
		})
	}
}

// TestDecide_QuietHoursOverTheNightsOfTheSwitch asks in each minute of both nights in which clocks are changed.
func TestDecide_QuietHoursOverTheNightsOfTheSwitch(t *testing.T) {
	for _, night := range []time.Time{time.Date(2026, 3, 28, 12, 0, 0, 0, berlin), time.Date(2026, 10, 24, 12, 0, 0, 0, berlin)} {
		for now := night; now.Before(night.Add(24 * time.Hour)); now = now.Add(time.Minute) {
			s := wakeAt(now, vehicle.ByTimer)
			r := vehicle.Report{Reported: now.Add(-time.Hour).UTC()}
			vehicle.LastUpdatedAt.Set(&r, r.Reported, "")
			vehicle.Battery12V.Set(&r, 80, "")
			s.Operation.Known, _, _ = vehicle.State{}.Apply(r, now)
			v := decide(automatic(), s)
			quiet := now.Hour() >= 22 || now.Hour() < 7
			if quiet != (v.Refuse == vehicle.GuardedQuietHours) {
				t.Fatalf("at %s: %q", now, v.Refuse)
			}
			if quiet && (v.Until.Hour() != 7 || !v.Until.After(now) || v.Until.Sub(now) > 10*time.Hour) {
				t.Fatalf("at %s until %s", now, v.Until)
			}
		}
	}
}

// situations draws any situation and any rules.
func situations(t *rapid.T) (Rules, Situation) {
	hours := func(label string, most int) time.Duration {
		return time.Duration(rapid.IntRange(0, most*60).Draw(t, label)) * time.Minute
	}
	r := DefaultRules(vehicle.Europe, vehicle.Kia)
	r.Enabled = rapid.Bool().Draw(t, "enabled")
	r.AutomaticWakes.PerDay = rapid.IntRange(0, 6).Draw(t, "automatic a day")
	r.AutomaticWakes.QuietFrom, r.AutomaticWakes.QuietTo = rapid.IntRange(0, 23).Draw(t, "from"), rapid.IntRange(0, 23).Draw(t, "to")
	s := wakeAt(noon.Add(hours("now", 48)), rapid.SampledFrom(tallyCauses[:]).Draw(t, "cause"))
	s.Operation.Known = known(float64(rapid.IntRange(0, 120).Draw(t, "12 V")), hours("age", 200))
	if rapid.Bool().Draw(t, "read") {
		s.Operation.Name, s.Operation.Kind = opCached, bluelink.CallRead
	}
	s.Account.Limit = r.Limit()
	s.Account.Used, s.Account.promised = rapid.IntRange(0, 160).Draw(t, "used"), rapid.IntRange(0, 20).Draw(t, "promised")
	s.Account.Reset = s.Now.Add(time.Hour)
	if rapid.Bool().Draw(t, "limited") {
		s.Account.LimitedUntil = s.Now.Add(hours("limit", 30) - 15*time.Hour)
	}
	s.Car = CarBook{
		UserWakes: rapid.IntRange(0, 30).Draw(t, "user wakes"), AutomaticWakes: rapid.IntRange(0, 8).Draw(t, "automatic wakes"),
		LastWake: s.Now.Add(-hours("since", 50)), Unreached: rapid.IntRange(0, 80).Draw(t, "unreached"),
		Spared: rapid.Bool().Draw(t, "spared"), Waking: rapid.Bool().Draw(t, "waking"),
	}
	return r, s
}

// TestDecide_AdmitsNothingThatAnyRuleForbids states the rules once more, each for itself.
func TestDecide_AdmitsNothingThatAnyRuleForbids(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, s := situations(t)
		v := decide(r, s)
		wake, automatic := s.Operation.Kind == bluelink.CallWake, s.Cause.Automatic()
		if v.Refuse != vehicle.NoReason {
			if v.Text == "" || !v.Until.IsZero() && !v.Until.After(s.Now) {
				t.Fatalf("refused %q, %q, until %s", v.Refuse, v.Text, v.Until)
			}
			// Asked again at the time that it named, the same refusal does not name a time once more.
			if !v.Until.IsZero() && v.Refuse == vehicle.CloudLimit {
				s.Now = v.Until
				if again := decide(r, s); again.Refuse == vehicle.CloudLimit {
					t.Fatalf("refused again until %s", again.Until)
				}
			}
			return
		}
		charge, charged := vehicle.Battery12V.Of(s.Operation.Known)
		hour := s.Now.In(r.Zone).Hour()
		a := r.AutomaticWakes
		quiet := a.QuietFrom < a.QuietTo && hour >= a.QuietFrom && hour < a.QuietTo || a.QuietFrom > a.QuietTo && (hour >= a.QuietFrom || hour < a.QuietTo)
		for what, forbidden := range map[string]bool{
			"after too many requests": s.Now.Before(s.Account.LimitedUntil),
			"over the limit":          r.Enabled && s.Account.Used >= 150,
			"into the reserve":        r.Enabled && automatic && s.Account.Used+s.Account.promised+cost(s.Operation) > 125,
			"beside another":          wake && s.Car.Waking,
			"a user's 25th":           wake && !automatic && r.Enabled && s.Car.UserWakes >= 24,
			"a user's too soon":       wake && !automatic && r.Enabled && !s.Car.Spared && s.Now.Sub(s.Car.LastWake) < 5*time.Minute,
			"automatic beyond":        wake && automatic && s.Car.AutomaticWakes >= a.PerDay,
			"automatic too soon":      wake && automatic && s.Now.Sub(s.Car.LastWake) < 4*time.Hour,
			"automatic unreached":     wake && automatic && s.Car.Unreached >= 3 && s.Now.Sub(s.Car.LastWake) < 24*time.Hour,
			"automatic at night":      wake && automatic && quiet,
			"automatic on low 12 V":   wake && automatic && (!charged || charge < 60),
			"automatic when parked":   wake && automatic && s.Now.Sub(s.Operation.Known.ReportedAt()) > 120*time.Hour,
		} {
			if forbidden {
				t.Fatalf("admitted %s", what)
			}
		}
	})
}
