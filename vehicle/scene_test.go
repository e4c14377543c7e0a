package vehicle

import (
	"reflect"
	"slices"
	"testing"
)

// hollow is what a cloud answers that has lost the car's data: every gauge at 0, and the rest at its defaults.
func hollow(r *Report) {
	SoC.Set(r, 0, "0")
	EVRange.Set(r, km(0), "0")
	TotalRange.Set(r, km(0), "0")
	Odometer.Set(r, km(0), "0")
	Locked.Set(r, false, "0")
	Latitude.Set(r, Quantity{Unit: Degree}, "")
	Longitude.Set(r, Quantity{Unit: Degree}, "")
	LastUpdatedAt.Set(r, r.Reported, "")
}

func TestApply_BlankReportChangesNothing(t *testing.T) {
	known, _ := after(t, State{}, step{0, together(soc(60), drive(1000, false), func(r *Report) {
		Locked.Set(r, true, "")
		LastUpdatedAt.Set(r, r.Reported, "")
		Latitude.Set(r, Quantity{Value: 52, Unit: Degree}, "")
		Longitude.Set(r, Quantity{Value: 13, Unit: Degree}, "")
	})})
	for name, before := range map[string]State{"known": known, "first": {}} {
		s := before
		for n := range 3 { // no number of blank reports makes one true
			var changes []Change
			var refusals []Refusal
			s, changes, refusals = apply(t, s, report(noon.Add(minute+minute*1<<n), hollow))
			if len(changes) != 0 || !reflect.DeepEqual(seen(s), seen(before)) {
				t.Errorf("%s: changes %v", name, changes)
			}
			if len(refusals) != 8 || slices.ContainsFunc(refusals, func(r Refusal) bool { return r.Reason != RefusedBlank }) {
				t.Errorf("%s: refusals %v", name, refusals)
			}
		}
	}
}

func TestReport_KnowsThatItIsBlank(t *testing.T) {
	if r := report(noon, hollow); !r.Blank() {
		t.Error("a hollow report is not blank")
	}
	if r := report(noon, together(hollow, func(r *Report) { Battery12V.Set(r, 80, "80") })); r.Blank() || (Report{}).Blank() {
		t.Error("a report that shows something, or nothing at all, is blank")
	}
}

func TestApply_BlankIsToldByWhatNoCarHasAtZero(t *testing.T) {
	forced := func(r *Report) { // without odometer, as the answer to a forced read of the flat form
		SoC.Set(r, 0, "0")
		EVRange.Set(r, km(0), "0")
		Battery12V.Set(r, 0, "0")
	}
	s, refused := after(t, State{}, step{0, forced})
	if !s.Empty() || !slices.Equal(refused, []Refused{RefusedBlank, RefusedBlank, RefusedBlank}) {
		t.Errorf("believed %v, refused %v", seen(s), refused)
	}
}

func TestApply_BlankIsOnlyTheCallThatShowsNothing(t *testing.T) {
	r := report(noon, hollow)
	r.Source, r.Reported = "drvhistory", noon
	TotalConsumed.Set(&r, Quantity{Value: 5, Unit: WattHour}, "5")
	s, _, _ := apply(t, State{}, r)
	if got, ok := TotalConsumed.Of(s); !ok || got.Value != 5 || len(seen(s)) != 1 {
		t.Errorf("believed %v", seen(s))
	}
}

func TestApply_EmptyCarIsNoBlankReport(t *testing.T) {
	for name, set := range map[string]func(*Report){
		"odometer tells": together(hollow, func(r *Report) { r.Drop(Odometer); Odometer.Set(r, km(1000), "1000") }),
		"12 V tells":     together(hollow, func(r *Report) { Battery12V.Set(r, 80, "80") }),
		"neither is told, as in a forced answer": func(r *Report) {
			SoC.Set(r, 0, "0")
			EVRange.Set(r, km(0), "0")
			TotalRange.Set(r, km(0), "0")
		},
		"two gauges are too few": func(r *Report) { SoC.Set(r, 0, "0"); Battery12V.Set(r, 0, "0") },
	} {
		s, _, _ := apply(t, State{}, report(noon, set))
		if got, ok := SoC.Of(s); !ok || got != 0 {
			t.Errorf("%s: believed %v", name, seen(s))
		}
	}
}

func TestApply_PositionOfZeroAndZeroIsNone(t *testing.T) {
	place := func(latitude, longitude float64) func(*Report) {
		return func(r *Report) {
			Latitude.Set(r, Quantity{Value: latitude, Unit: Degree}, "")
			Longitude.Set(r, Quantity{Value: longitude, Unit: Degree}, "")
			LocationUpdatedAt.Set(r, r.Reported, "")
			SoC.Set(r, 60, "60")
		}
	}
	s, _ := after(t, State{}, step{0, place(52, 13)}, step{minute, place(0, 0)})
	if got, _ := Latitude.Of(s); got.Value != 52 {
		t.Errorf("latitude %v", got)
	}
	if at, _ := LocationUpdatedAt.Of(s); !at.Equal(noon) {
		t.Errorf("position of %s", at)
	}
	if r := s.Read(SoC.Datum); !r.Reported.Equal(noon.Add(minute)) {
		t.Error("the rest of the report was not believed")
	}
	s, _ = after(t, s, step{2 * minute, place(0, 13)})
	if got, _ := Latitude.Of(s); got.Value != 0 {
		t.Errorf("a place on the equator is one: %v", got)
	}
}
