package vehicle

import (
	"encoding/json"
	"slices"
	"testing"
	"time"
)

// The rows of data that hold a value against the last good one. Each case is a car that reports once, then again.

// drive sets an odometer and whether the engine runs.
func drive(kilometres float64, running bool) func(*Report) {
	return func(r *Report) {
		Odometer.Set(r, km(kilometres), "raw")
		EngineRunning.Set(r, running, "raw")
	}
}

// together makes one report of two.
func together(sets ...func(*Report)) func(*Report) {
	return func(r *Report) {
		for _, set := range sets {
			set(r)
		}
	}
}

// after applies reports one after the other, each with its age after noon, and gives the reasons of the last.
func after(t testing.TB, s State, steps ...step) (State, []Refused) {
	t.Helper()
	var refusals []Refusal
	for _, step := range steps {
		s, _, refusals = apply(t, s, report(noon.Add(step.at), step.set))
	}
	return s, reasons(refusals)
}

type step struct {
	at  time.Duration
	set func(*Report)
}

// wantDoubt checks that the last report was not believed and that the last good value is still there.
func wantDoubt(t *testing.T, name string, s State, refused []Refused, d *Datum, last any) {
	t.Helper()
	r := s.Read(d)
	if r.Value != nil || r.Last != last || !slices.Equal(refused, []Refused{RefusedJump}) {
		t.Errorf("%s: value %v, last %v, refused %v", name, r.Value, r.Last, refused)
	}
}

func wantBelieved(t *testing.T, name string, s State, refused []Refused, d *Datum, value any) {
	t.Helper()
	if got := s.Read(d).Value; got != value || len(refused) > 0 {
		t.Errorf("%s: value %v, want %v; refused %v", name, got, value, refused)
	}
}

func TestApply_ChargeOfZeroIsDoubtedUnlessTheCarDrives(t *testing.T) {
	for name, c := range map[string]struct {
		last      Percent
		then      func(*Report)
		later     time.Duration
		believed  bool
		andDriven float64
	}{
		"parked for a quarter of an hour": {60, together(soc(0), drive(1000, false)), 15 * minute, false, 0},
		"parked for a night":              {60, together(soc(0), drive(1000, false)), 8 * time.Hour, false, 0},
		"parked for a month":              {60, together(soc(0), drive(1000, false)), 30 * 24 * time.Hour, false, 0},
		"just arrived":                    {60, together(soc(0), drive(1100, false)), 2 * time.Hour, false, 0},
		"nothing told of the engine":      {60, soc(0), 15 * minute, false, 0},
		"nearly empty before":             {5, together(soc(0), drive(1000, false)), 15 * minute, true, 0},
		"it drives":                       {12, together(soc(0), drive(1020, true)), 30 * minute, true, 0},
	} {
		s, refused := after(t, State{}, step{0, together(soc(c.last), drive(1000, false))}, step{c.later, c.then})
		if c.believed {
			wantBelieved(t, name, s, refused, SoC.Datum, Percent(0))
		} else {
			wantDoubt(t, name, s, refused, SoC.Datum, c.last)
		}
	}
}

func TestApply_CarThatStandsDoesNotLoseHalfItsChargeAtOnce(t *testing.T) {
	parked := drive(1000, false)
	for name, c := range map[string]struct {
		from, to Percent
		scene    func(*Report)
		later    time.Duration
		believed bool
	}{
		"falls to an old default":        {98, 41, parked, 5 * minute, false},
		"falls a little":                 {98, 60, parked, 5 * minute, true},
		"gives its charge to the house":  {98, 41, parked, 30 * minute, true},
		"was driven":                     {98, 41, drive(1060, false), 5 * minute, true},
		"drives":                         {98, 41, drive(1000, true), 5 * minute, true},
		"says nothing about a drive":     {98, 41, func(*Report) {}, 5 * minute, true},
		"rises, as charging has no rule": {10, 95, parked, 5 * minute, true},
	} {
		s, refused := after(t, State{}, step{0, together(soc(c.from), parked)}, step{c.later, together(soc(c.to), c.scene)})
		if c.believed {
			wantBelieved(t, name, s, refused, SoC.Datum, c.to)
		} else {
			wantDoubt(t, name, s, refused, SoC.Datum, c.from)
		}
	}
}

func TestApply_StandingCountsOnlyFromTheLastGoodCharge(t *testing.T) {
	// The car was driven while its charge was not told: that the odometer stands since the last report says nothing.
	s, refused := after(t, State{}, step{0, together(soc(98), drive(1000, false))}, step{30 * minute, drive(1080, false)},
		step{40 * minute, together(soc(5), drive(1080, false))})
	wantBelieved(t, "driven before", s, refused, SoC.Datum, Percent(5))
}

func TestApply_DoubtedValueIsBelievedWhenANewerReportAgrees(t *testing.T) {
	empty := together(soc(0), drive(1000, false))
	s, _ := after(t, State{}, step{0, together(soc(60), drive(1000, false))}, step{10 * minute, empty})

	again, refused := after(t, s, step{10 * minute, empty})
	wantDoubt(t, "the same report again", again, refused, SoC.Datum, Percent(60))

	older, _, refusals := s.Apply(report(noon.Add(5*minute), empty), noon.Add(20*minute))
	if !slices.Contains(reasons(refusals), RefusedOlder) || older.Read(SoC.Datum).Value != nil {
		t.Errorf("an older report that agrees: %v", refusals)
	}

	newer, refused := after(t, s, step{11 * minute, empty})
	wantBelieved(t, "a newer report", newer, refused, SoC.Datum, Percent(0))
	newer, refused = after(t, newer, step{12 * minute, empty})
	wantBelieved(t, "and the one after it", newer, refused, SoC.Datum, Percent(0))

	charging, refused := after(t, s, step{20 * minute, together(soc(2), drive(1000, false))})
	wantBelieved(t, "a newer report that has begun to charge", charging, refused, SoC.Datum, Percent(2))

	back, refused := after(t, s, step{20 * minute, together(soc(59), drive(1000, false))})
	wantBelieved(t, "a newer report that returns", back, refused, SoC.Datum, Percent(59))
	back, refused = after(t, back, step{30 * minute, empty})
	wantDoubt(t, "the next nonsense begins anew", back, refused, SoC.Datum, Percent(59))
}

func TestApply_DoubtSurvivesTheStore(t *testing.T) {
	empty := together(soc(0), drive(1000, false))
	s, _ := after(t, State{}, step{0, together(soc(60), drive(1000, false))}, step{10 * minute, empty})
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var back State
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	again, refused := after(t, back, step{10 * minute, empty})
	wantDoubt(t, "the same report after a restart", again, refused, SoC.Datum, Percent(60))
	newer, refused := after(t, back, step{11 * minute, empty})
	wantBelieved(t, "a newer one", newer, refused, SoC.Datum, Percent(0))
}

func TestApply_WithoutReportTimesNothingIsDoubted(t *testing.T) {
	s, _, _ := apply(t, State{}, report(time.Time{}, soc(60)))
	s, _, refusals := apply(t, s, report(time.Time{}, soc(0)))
	wantBelieved(t, "no times at all", s, reasons(refusals), SoC.Datum, Percent(0))
}

func TestApply_FirstReportIsNeverDoubted(t *testing.T) {
	s, refused := after(t, State{}, step{0, together(soc(0), drive(400_000, false), func(r *Report) { Battery12V.Set(r, 0, "") })})
	wantBelieved(t, "an empty car with a long life", s, refused, SoC.Datum, Percent(0))
}

func TestApply_TwelveVoltsDoNotVanishAtOnce(t *testing.T) {
	set := func(percent Percent) func(*Report) { return func(r *Report) { Battery12V.Set(r, percent, "raw") } }
	s, refused := after(t, State{}, step{0, set(100)}, step{time.Hour, set(0)})
	wantDoubt(t, "100 to 0", s, refused, Battery12V.Datum, Percent(100))
	s, refused = after(t, s, step{2 * time.Hour, set(0)})
	wantBelieved(t, "confirmed", s, refused, Battery12V.Datum, Percent(0))
	s, refused = after(t, State{}, step{0, set(10)}, step{time.Hour, set(0)})
	wantBelieved(t, "nearly empty before", s, refused, Battery12V.Datum, Percent(0))
	s, refused = after(t, State{}, step{0, set(95)}, step{time.Hour, set(40)})
	wantBelieved(t, "a mere fall", s, refused, Battery12V.Datum, Percent(40))
}

func TestApply_OdometerRisesNoFasterThanACarDrives(t *testing.T) {
	miles := func(n float64) Quantity { return Quantity{Value: n, Unit: Mile} }
	for name, c := range map[string]struct {
		from, to Quantity
		later    time.Duration
		believed bool
	}{
		"a day's drive":                  {km(1000), km(1900), 9 * time.Hour, true},
		"soon after":                     {km(1000), km(1090), minute, true},
		"too far":                        {km(1000), km(1900), time.Hour, false},
		"a thousandfold":                 {km(1000), km(1_000_000), 24 * time.Hour, false},
		"miles, a day's drive":           {miles(1000), miles(1600), 9 * time.Hour, true},
		"miles, too far":                 {miles(1000), miles(1300), time.Hour, false},
		"the unit was switched":          {km(1000), miles(622), minute, true},
		"the unit was switched, too far": {km(1000), miles(1000), minute, false},
	} {
		set := func(q Quantity) func(*Report) { return func(r *Report) { Odometer.Set(r, q, "raw") } }
		s, refused := after(t, State{}, step{0, set(c.from)}, step{c.later, set(c.to)})
		if c.believed {
			wantBelieved(t, name, s, refused, Odometer.Datum, c.to)
			continue
		}
		// A counter holds while it is doubted.
		if got := s.Read(Odometer.Datum).Value; got != c.from || !slices.Equal(refused, []Refused{RefusedJump}) {
			t.Errorf("%s: %v, refused %v", name, got, refused)
		}
		further, refused := after(t, s, step{c.later + minute, set(Quantity{Value: c.to.Value + 1, Unit: c.to.Unit})})
		wantBelieved(t, name+", and a newer report agrees", further, refused, Odometer.Datum, Quantity{Value: c.to.Value + 1, Unit: c.to.Unit})
		back, refused := after(t, s, step{c.later + minute, set(c.from)})
		wantBelieved(t, name+", and a newer report returns", back, refused, Odometer.Datum, c.from)
	}
}

func TestApply_OnlyANewerReportThatGoesAsFarConfirms(t *testing.T) {
	set := func(kilometres float64) func(*Report) {
		return func(r *Report) { Odometer.Set(r, km(kilometres), "raw") }
	}
	s, _ := after(t, State{}, step{0, set(1000)}, step{minute, set(50_000)})
	for name, then := range map[string]step{
		"another value of the same time": {minute, set(50_001)},
		"a leap that is shorter":         {2 * minute, set(20_000)},
	} {
		next, refused := after(t, s, then)
		if got := next.Read(Odometer.Datum).Value; got != km(1000) || !slices.Equal(refused, []Refused{RefusedJump}) {
			t.Errorf("%s: %v, refused %v", name, got, refused)
		}
	}
	next, refused := after(t, s, step{2 * minute, set(20_000)}, step{3 * minute, set(20_000)})
	wantBelieved(t, "the shorter leap, twice", next, refused, Odometer.Datum, km(20_000))
}

func TestApply_OdometerThatFallsIsNeverConfirmed(t *testing.T) {
	set := func(kilometres float64) func(*Report) {
		return func(r *Report) { Odometer.Set(r, km(kilometres), "raw") }
	}
	for name, c := range map[string]struct {
		to     float64
		reason Refused
	}{"last month's": {14_000, RefusedFell}, "0 of a car at rest": {0, RefusedSentinel}} {
		s, _ := after(t, State{}, step{0, set(15_000)})
		for n := range 5 {
			var refused []Refused
			s, refused = after(t, s, step{time.Duration(n+1) * time.Hour, set(c.to)})
			r := s.Read(Odometer.Datum)
			if r.Value != km(15_000) || !slices.Equal(refused, []Refused{c.reason}) || !r.Reported.Equal(noon) {
				t.Errorf("%s, report %d: %+v, refused %v", name, n, r, refused)
			}
		}
	}
}

func TestApply_TotalsMayBeginAnew(t *testing.T) {
	set := func(wh float64) func(*Report) {
		return func(r *Report) { TotalConsumed.Set(r, Quantity{Value: wh, Unit: WattHour}, "raw") }
	}
	s, refused := after(t, State{}, step{0, set(5000)}, step{time.Hour, set(12)})
	wantBelieved(t, "falls in the evening", s, refused, TotalConsumed.Datum, Quantity{Value: 12, Unit: WattHour})
	for _, d := range Catalogue() {
		if d.Counter && d.Rising != (d == Odometer.Datum) {
			t.Errorf("%s: only the odometer can never begin anew", d)
		}
	}
}

func TestApply_PlugThatVanishesWithTheChargingIsDoubted(t *testing.T) {
	told := func(charging, plugged bool, plug Plug) func(*Report) {
		return func(r *Report) {
			Charging.Set(r, charging, "raw")
			PluggedIn.Set(r, plugged, "raw")
			PlugType.Set(r, plug, "raw")
		}
	}
	charges := step{0, told(true, true, PlugAC)}
	vanished := told(false, false, PlugNone)

	s, refused := after(t, State{}, charges, step{10 * minute, vanished})
	for _, d := range []*Datum{PluggedIn.Datum, PlugType.Datum} {
		if r := s.Read(d); r.Value != nil || r.Last == nil {
			t.Errorf("%s is %v, last %v", d, r.Value, r.Last)
		}
	}
	if charging, ok := Charging.Of(s); !ok || charging || !slices.Equal(refused, []Refused{RefusedJump, RefusedJump}) {
		t.Errorf("charging %v (known %v), refused %v", charging, ok, refused)
	}
	again, _ := after(t, s, step{10 * minute, vanished})
	if _, known := PluggedIn.Of(again); known {
		t.Error("the same report confirmed itself")
	}
	gone, refused := after(t, s, step{20 * minute, vanished})
	wantBelieved(t, "a newer report agrees", gone, refused, PluggedIn.Datum, false)
	in, refused := after(t, s, step{20 * minute, told(false, true, PlugAC)})
	wantBelieved(t, "a newer report has the plug in", in, refused, PluggedIn.Datum, true)

	for name, steps := range map[string][]step{
		"unplugged after charging had ended": {charges, {10 * minute, told(false, true, PlugAC)}, {20 * minute, vanished}},
		"driven away":                        {charges, {10 * minute, together(vanished, drive(1001, true))}},
		"never charged":                      {{0, told(false, true, PlugAC)}, {10 * minute, vanished}},
	} {
		s, refused := after(t, State{}, steps...)
		wantBelieved(t, name, s, refused, PluggedIn.Datum, false)
		wantBelieved(t, name, s, refused, PlugType.Datum, PlugNone)
	}
}

func TestApply_255IsNoValueOfAGauge(t *testing.T) {
	for name, set := range map[string]func(*Report){
		"percent":     soc(255),
		"12 V":        func(r *Report) { Battery12V.Set(r, 255, "255") },
		"tyre in psi": func(r *Report) { TireFrontLeft.Set(r, Quantity{Value: 255, Unit: PSI}, "255") },
		"tyre in bar": func(r *Report) { TireFrontLeft.Set(r, Quantity{Value: 25.5, Unit: Bar}, "255") },
	} {
		if s, refused := after(t, State{}, step{0, set}); !s.Empty() || !slices.Equal(refused, []Refused{RefusedRange}) {
			t.Errorf("%s: believed %v, refused %v", name, seen(s), refused)
		}
	}
	s, refused := after(t, State{}, step{0, func(r *Report) { TireFrontLeft.Set(r, Quantity{Value: 255, Unit: Kilopascal}, "51") }})
	wantBelieved(t, "255 kPa is a good pressure", s, refused, TireFrontLeft.Datum, Quantity{Value: 255, Unit: Kilopascal})
}

func TestApply_BareZeroOfARangeIsNoValueAndKeepsTheUnit(t *testing.T) {
	set := func(q Quantity) func(*Report) { return func(r *Report) { EVRange.Set(r, q, "0") } }
	s, refused := after(t, State{}, step{0, set(Quantity{Value: 200, Unit: Mile})}, step{minute, set(Quantity{})})
	if r := s.Read(EVRange.Datum); r.Value != nil || r.Unit() != Mile || !slices.Equal(refused, []Refused{RefusedSentinel}) {
		t.Errorf("%+v, refused %v", r, refused)
	}
	s, refused = after(t, s, step{2 * minute, set(Quantity{Unit: Mile})})
	wantBelieved(t, "0 with its unit", s, refused, EVRange.Datum, Quantity{Unit: Mile})
	s, refused = after(t, s, step{3 * minute, set(Quantity{Value: 5})})
	wantBelieved(t, "a number without unit", s, refused, EVRange.Datum, Quantity{Value: 5, Unit: Mile})
}
