package vehicle

import (
	"encoding/json"
	"slices"
	"testing"
	"time"
)

// told is a report that says itself when it was made.
func told(at time.Time, set func(*Report)) Report {
	return report(at, func(r *Report) {
		LastUpdatedAt.Set(r, at, at.String())
		set(r)
	})
}

func TestApply_ReportOfTheNextHoursIsTakenForNowAndSaid(t *testing.T) {
	for name, c := range map[string]struct {
		ahead time.Duration
		said  bool
	}{"two hours": {2 * time.Hour, true}, "three minutes": {3 * minute, true}, "one minute": {minute, false}, "none": {0, false}} {
		s, _, refusals := State{}.Apply(told(noon.Add(c.ahead), soc(60)), noon)
		if !s.ReportedAt().Equal(noon) || !s.Read(SoC.Datum).Reported.Equal(noon) {
			t.Errorf("%s ahead: reported %s and %s", name, s.ReportedAt(), s.Read(SoC.Datum).Reported)
		}
		wantSoC(t, s, 60)
		if said := slices.Equal(reasons(refusals), []Refused{RefusedAhead}); said != c.said || said && refusals[0].Raw == "" {
			t.Errorf("%s ahead: refusals %v", name, refusals)
		}
	}
}

func TestApply_ReportThatIsAheadGrowsNoYoungerWhenReadAgain(t *testing.T) {
	ahead := told(noon.Add(2*time.Hour), soc(60))
	s, _, _ := State{}.Apply(ahead, noon)
	for _, later := range []time.Duration{time.Hour, 2 * time.Hour, 3 * time.Hour} {
		var changes []Change
		if s, changes, _ = s.Apply(ahead, noon.Add(later)); len(changes) > 0 || !s.ReportedAt().Equal(noon) {
			t.Errorf("%s later: reported %s, changes %v", later, s.ReportedAt(), changes)
		}
		text, err := json.Marshal(s) // a restart
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, &s); err != nil {
			t.Fatal(err)
		}
	}
	s, _, _ = s.Apply(told(noon.Add(5*time.Hour), soc(50)), noon.Add(3*time.Hour))
	if !s.ReportedAt().Equal(noon.Add(3 * time.Hour)) {
		t.Errorf("the next report: %s", s.ReportedAt())
	}
	wantSoC(t, s, 50)
}

func TestApply_RemembersFewTimesThatAreAhead(t *testing.T) {
	var s State
	for n := range 100 {
		now := noon.Add(time.Duration(n) * minute)
		s, _, _ = s.Apply(told(now.Add(time.Hour), soc(60)), now)
	}
	if len(s.ahead) > mostMoments {
		t.Errorf("%d of them", len(s.ahead))
	}
}

func TestApply_ReportsOfAClockAheadDoNotKeepLaterOnesOut(t *testing.T) {
	s, _, _ := State{}.Apply(told(noon.Add(2*time.Hour), soc(60)), noon)
	s, _, _ = s.Apply(told(noon.Add(minute), soc(59)), noon.Add(minute)) // its clock was set
	wantSoC(t, s, 59)
}

func TestReading_TellsTheAgeOfTheLastGoodValue(t *testing.T) {
	s, _, _ := apply(t, State{}, report(noon, soc(60)))
	s, _, _ = apply(t, s, report(noon.Add(time.Hour), func(r *Report) { r.Refuse(SoC, RefusedSentinel, "255") }))
	r := s.Read(SoC.Datum)
	if age, ok := r.Age(noon.Add(3 * time.Hour)); r.Value != nil || r.Last != Percent(60) || !ok || age != 3*time.Hour {
		t.Errorf("%+v of age %s", r, age)
	}
	if age, ok := r.Age(noon.Add(-time.Hour)); !ok || age != 0 {
		t.Errorf("by a clock that goes after the car's: %s", age)
	}
	if _, ok := (State{}).Read(SoC.Datum).Age(noon); ok {
		t.Error("what was never reported has an age")
	}
}

func TestApply_StoredSnapshotWinsOverAnOlderDefault(t *testing.T) {
	s, _, _ := apply(t, State{}, told(noon, soc(80)))
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var back State
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	back, changes, refusals := back.Apply(told(noon.Add(-24*time.Hour), soc(51)), noon.Add(time.Hour))
	wantSoC(t, back, 80)
	if len(changes) > 0 || !slices.Equal(reasons(refusals), []Refused{RefusedOlder, RefusedOlder}) {
		t.Errorf("changes %v, refusals %v", changes, refusals)
	}
}
