package vehicle

import (
	"encoding/json"
	"slices"
	"testing"
	"time"
	"unsafe"
)

var (
	noon   = time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC)
	minute = time.Minute
)

// report builds a report of one call.
func report(reported time.Time, set func(*Report)) Report {
	r := Report{Reported: reported, Source: "status"}
	set(&r)
	return r
}

// apply applies a report at its own time, or at noon when it has none.
func apply(t testing.TB, s State, r Report) (State, []Change, []Refusal) {
	t.Helper()
	now := r.Reported
	if now.IsZero() {
		now = noon
	}
	return s.Apply(r, now)
}

func soc(percent Percent) func(*Report) { return func(r *Report) { SoC.Set(r, percent, "raw") } }

func km(value float64) Quantity { return Quantity{Value: value, Unit: Kilometre} }

// wantSoC checks what is believed of the state of charge.
func wantSoC(t *testing.T, s State, want Percent) {
	t.Helper()
	if got, ok := SoC.Of(s); !ok || got != want {
		t.Errorf("state of charge is %v (known %v), want %v", got, ok, want)
	}
}

// reasons lists why observations were refused.
func reasons(refusals []Refusal) []Refused {
	var all []Refused
	for _, r := range refusals {
		all = append(all, r.Reason)
	}
	return all
}

func TestApply_BelievesANewerReport(t *testing.T) {
	s, changes, refusals := apply(t, State{}, report(noon, soc(60)))
	if len(changes) != 1 || len(refusals) != 0 || changes[0].Old.Value != nil || changes[0].New.Value != Percent(60) {
		t.Fatalf("changes %v, refusals %v", changes, refusals)
	}
	s, changes, _ = apply(t, s, report(noon.Add(minute), soc(61)))
	if len(changes) != 1 || changes[0].Old.Value != Percent(60) || changes[0].New.Value != Percent(61) {
		t.Errorf("changes %v", changes)
	}
	wantSoC(t, s, 61)
	reading := s.Read(SoC.Datum)
	if !reading.Reported.Equal(noon.Add(minute)) || !reading.Fetched.Equal(noon.Add(minute)) || !reading.LastSeen.Equal(noon.Add(minute)) {
		t.Errorf("times of %+v", reading)
	}
}

func TestApply_OlderReportChangesNothing(t *testing.T) {
	before, _, _ := apply(t, State{}, report(noon, soc(60)))
	after, changes, refusals := before.Apply(report(noon.Add(-minute), soc(40)), noon.Add(minute))
	wantSoC(t, after, 60)
	if len(changes) != 0 || !slices.Equal(reasons(refusals), []Refused{RefusedOlder}) {
		t.Errorf("changes %v, refusals %v", changes, refusals)
	}
	if got, want := after.Read(SoC.Datum), before.Read(SoC.Datum); got != want {
		t.Errorf("reading became %+v", got)
	}
}

func TestApply_OlderReportWithTheSameValueIsNoRefusal(t *testing.T) {
	s, _, _ := apply(t, State{}, report(noon, soc(60)))
	if _, changes, refusals := s.Apply(report(noon.Add(-minute), soc(60)), noon); len(changes)+len(refusals) != 0 {
		t.Errorf("changes %v, refusals %v", changes, refusals)
	}
}

func TestApply_OlderRefusalDoesNotErase(t *testing.T) {
	s, _, _ := apply(t, State{}, report(noon, soc(60)))
	s, _, refusals := s.Apply(report(noon.Add(-minute), func(r *Report) { r.Refuse(SoC, RefusedSentinel, "255") }), noon)
	wantSoC(t, s, 60)
	if !slices.Equal(reasons(refusals), []Refused{RefusedOlder}) {
		t.Errorf("refusals %v", refusals)
	}
}

func TestApply_SameTimeIsBelieved(t *testing.T) {
	s, _, _ := apply(t, State{}, report(noon, soc(60)))
	s, _, _ = s.Apply(report(noon, soc(59)), noon.Add(minute))
	wantSoC(t, s, 59)
}

func TestApply_MissingTimeNeverCountsAsNewer(t *testing.T) {
	s, _, _ := apply(t, State{}, report(noon, soc(60)))
	s, changes, refusals := s.Apply(report(time.Time{}, soc(40)), noon.Add(time.Hour))
	wantSoC(t, s, 60)
	if len(changes) != 0 || !slices.Equal(reasons(refusals), []Refused{RefusedNoTime}) {
		t.Errorf("changes %v, refusals %v", changes, refusals)
	}
}

func TestApply_WithoutTimesTheLastReportIsBelieved(t *testing.T) {
	s, _, _ := apply(t, State{}, report(time.Time{}, soc(60)))
	s, _, _ = apply(t, s, report(time.Time{}, soc(61)))
	wantSoC(t, s, 61)
	if !s.Read(SoC.Datum).Reported.IsZero() {
		t.Error("a missing report time became a time")
	}
	s, _, _ = apply(t, s, report(noon, soc(62))) // a time is better than none
	wantSoC(t, s, 62)
}

func TestApply_ReportFromTheFarFutureIsRefused(t *testing.T) {
	known, _, _ := apply(t, State{}, report(noon, soc(60)))
	for name, before := range map[string]State{"known": known, "unknown": {}} {
		after, changes, refusals := before.Apply(report(noon.Add(24*time.Hour+minute), soc(40)), noon)
		if len(changes) != 0 || !slices.Equal(reasons(refusals), []Refused{RefusedFuture}) || after.Read(SoC.Datum) != before.Read(SoC.Datum) {
			t.Errorf("%s: changes %v, refusals %v", name, changes, refusals)
		}
	}
	s, _, refusals := known.Apply(report(noon.Add(24*time.Hour), soc(40)), noon) // a mistake about zones is tolerated
	wantSoC(t, s, 40)
	if len(refusals) != 0 {
		t.Errorf("refusals %v", refusals)
	}
}

func TestApply_EmptyReportErasesNothing(t *testing.T) {
	s, _, _ := apply(t, State{}, report(noon, soc(60)))
	after, changes, refusals := s.Apply(Report{Reported: noon.Add(minute)}, noon.Add(minute))
	wantSoC(t, after, 60)
	if len(changes)+len(refusals) != 0 {
		t.Errorf("changes %v, refusals %v", changes, refusals)
	}
}

func TestApply_WhatAReportLacksStays(t *testing.T) {
	s, _, _ := apply(t, State{}, report(noon, func(r *Report) { SoC.Set(r, 60, ""); Locked.Set(r, true, "") }))
	s, _, _ = apply(t, s, report(noon.Add(minute), soc(61)))
	if locked, ok := Locked.Of(s); !locked || !ok {
		t.Error("the lock was forgotten")
	}
}

func TestApply_RefusedValueBecomesUnknownAndTheLastGoodOneStays(t *testing.T) {
	for name, refuse := range map[string]func(*Report){
		"sentinel":     func(r *Report) { r.Refuse(SoC, RefusedSentinel, "255") },
		"out of range": func(r *Report) { SoC.Set(r, 101, "101") },
	} {
		s, _, _ := apply(t, State{}, report(noon, soc(60)))
		s, changes, refusals := apply(t, s, report(noon.Add(minute), refuse))
		if _, ok := SoC.Of(s); ok {
			t.Errorf("%s: still known", name)
		}
		r := s.Read(SoC.Datum)
		if r.Last != Percent(60) || !r.LastSeen.Equal(noon) || !r.Reported.Equal(noon.Add(minute)) {
			t.Errorf("%s: %+v", name, r)
		}
		if len(changes) != 1 || len(refusals) != 1 || refusals[0].Source != "status" {
			t.Errorf("%s: changes %v, refusals %v", name, changes, refusals)
		}
		if s, changes, _ = apply(t, s, report(noon.Add(2*minute), soc(60))); len(changes) != 1 {
			t.Errorf("%s: a value that came back is a change: %v", name, changes)
		}
		wantSoC(t, s, 60)
	}
}

func TestApply_RefusedFirstValueLeavesNoTrace(t *testing.T) {
	s, changes, refusals := apply(t, State{}, report(noon, func(r *Report) { r.Refuse(SoC, RefusedType, "{}") }))
	if !s.Empty() || len(changes) != 0 || len(refusals) != 1 {
		t.Errorf("state %v, changes %v, refusals %v", slices.Collect(s.All()), changes, refusals)
	}
}

func TestApply_CounterHoldsWhenAValueIsRefused(t *testing.T) {
	set := func(wh float64) func(*Report) {
		return func(r *Report) { TotalConsumed.Set(r, Quantity{Value: wh, Unit: WattHour}, "raw") }
	}
	s, _, _ := apply(t, State{}, report(noon, set(5000)))
	for name, bad := range map[string]func(*Report){
		"sentinel": func(r *Report) { r.Refuse(TotalConsumed, RefusedSentinel, "-1") }, "negative": set(-1),
	} {
		after, changes, refusals := apply(t, s, report(noon.Add(minute), bad))
		if got, _ := TotalConsumed.Of(after); got.Value != 5000 || len(changes) != 0 || len(refusals) != 1 {
			t.Errorf("%s: %v, changes %v, refusals %v", name, got, changes, refusals)
		}
	}
}

func TestApply_OdometerNeverFalls(t *testing.T) {
	set := func(q Quantity) func(*Report) { return func(r *Report) { Odometer.Set(r, q, "raw") } }
	for _, c := range []struct {
		name string
		next Quantity
		want Quantity
		fell bool
	}{
		{"rises", km(1010), km(1010), false},
		{"stands", km(1000), km(1000), false},
		{"falls by rounding", km(999.6), km(1000), false},
		{"falls", km(900), km(1000), true},
		{"changes its unit", Quantity{Value: 621.5, Unit: Mile}, Quantity{Value: 621.5, Unit: Mile}, false},
		{"falls in another unit", Quantity{Value: 600, Unit: Mile}, km(1000), true},
	} {
		s, _, _ := apply(t, State{}, report(noon, set(km(1000))))
		s, _, refusals := apply(t, s, report(noon.Add(minute), set(c.next)))
		if got, _ := Odometer.Of(s); got != c.want || slices.Equal(reasons(refusals), []Refused{RefusedFell}) != c.fell {
			t.Errorf("%s: %v, refusals %v", c.name, got, refusals)
		}
	}
}

func TestApply_RangeIsInclusive(t *testing.T) {
	for _, percent := range []Percent{0, 100} {
		s, _, _ := apply(t, State{}, report(noon, soc(percent)))
		wantSoC(t, s, percent)
	}
	for _, percent := range []Percent{-0.1, 100.1} {
		if s, _, refusals := apply(t, State{}, report(noon, soc(percent))); !s.Empty() || !slices.Equal(reasons(refusals), []Refused{RefusedRange}) {
			t.Errorf("%v: refusals %v", percent, refusals)
		}
	}
}

func TestApply_MissingUnitIsTheLastOneKnown(t *testing.T) {
	bare := func(value float64) func(*Report) {
		return func(r *Report) { Odometer.Set(r, Quantity{Value: value}, "raw") }
	}
	s, _, _ := apply(t, State{}, report(noon, bare(1000)))
	if got, _ := Odometer.Of(s); got != (Quantity{Value: 1000}) {
		t.Errorf("nothing is known of the unit, got %v", got)
	}
	s, _, _ = apply(t, s, report(noon.Add(minute), func(r *Report) { Odometer.Set(r, Quantity{Value: 1001, Unit: Mile}, "raw") }))
	s, _, _ = apply(t, s, report(noon.Add(2*minute), bare(1002)))
	if got, _ := Odometer.Of(s); got != (Quantity{Value: 1002, Unit: Mile}) {
		t.Errorf("got %v", got)
	}
}

func TestApply_MissingUnitOfARowWithOneUnitIsThatUnit(t *testing.T) {
	s, _, _ := apply(t, State{}, report(noon, func(r *Report) { PackVoltage.Set(r, Quantity{Value: 700}, "700") }))
	if got, _ := PackVoltage.Of(s); got.Unit != Volt {
		t.Errorf("got %v", got)
	}
}

func TestApply_NewUnitIsAChange(t *testing.T) {
	s, _, _ := apply(t, State{}, report(noon, func(r *Report) { NextService.Set(r, km(1000), "") }))
	_, changes, _ := apply(t, s, report(noon.Add(minute), func(r *Report) {
		NextService.Set(r, Quantity{Value: 1000, Unit: Mile}, "")
	}))
	if len(changes) != 1 || changes[0].Old.Unit() != Kilometre || changes[0].New.Unit() != Mile {
		t.Errorf("changes %v", changes)
	}
}

func TestApply_TimeMovesWithoutChange(t *testing.T) {
	s, _, _ := apply(t, State{}, report(noon, soc(60)))
	s, changes, _ := apply(t, s, report(noon.Add(minute), soc(60)))
	if len(changes) != 0 || !s.Read(SoC.Datum).Reported.Equal(noon.Add(minute)) {
		t.Errorf("changes %v, reading %+v", changes, s.Read(SoC.Datum))
	}
}

func TestApply_OldAndNewStateLiveSideBySide(t *testing.T) {
	before, _, _ := apply(t, State{}, report(noon, func(r *Report) { SoC.Set(r, 60, ""); Odometer.Set(r, km(5), "") }))
	left, _, _ := apply(t, before, report(noon.Add(minute), func(r *Report) { SoC.Set(r, 61, ""); Locked.Set(r, true, "") }))
	right, _, _ := apply(t, before, report(noon.Add(minute), func(r *Report) { SoC.Set(r, 62, ""); Hood.Set(r, true, "") }))
	wantSoC(t, before, 60)
	wantSoC(t, left, 61)
	wantSoC(t, right, 62)
	if _, known := Hood.Of(left); known {
		t.Error("one successor knows what the other was told")
	}
}

func TestState_IsSmall(t *testing.T) {
	if size := unsafe.Sizeof(reading{}); size > 40 {
		t.Errorf("a reading has %d bytes, and a process holds a million", size)
	}
	s, _, _ := State{}.Apply(fullReport(noon), noon)
	again, _, _ := s.Apply(fullReport(noon.Add(minute)), noon.Add(minute))
	for _, s := range []State{s, again} {
		if cap(s.readings) != len(s.readings) {
			t.Errorf("room for %d readings, filled with %d", cap(s.readings), len(s.readings))
		}
	}
}

func TestState_TellsItsTimes(t *testing.T) {
	if s := (State{}); !s.ReportedAt().IsZero() || !s.FetchedAt().IsZero() || !s.Empty() {
		t.Error("the zero state knows something")
	}
	s, _, _ := State{}.Apply(report(noon, func(r *Report) { LastUpdatedAt.Set(r, noon, "") }), noon.Add(minute))
	if !s.ReportedAt().Equal(noon) || !s.FetchedAt().Equal(noon.Add(minute)) || s.Empty() {
		t.Errorf("reported %v, fetched %v", s.ReportedAt(), s.FetchedAt())
	}
}

func TestState_AllIsInTheOrderOfTheCatalogue(t *testing.T) {
	s, _, _ := apply(t, State{}, report(noon, func(r *Report) {
		for _, d := range slices.Backward(Catalogue()) {
			r.Observations = append(r.Observations, Observation{Datum: d, Value: sample(d), Reported: noon})
		}
	}))
	var got []*Datum
	for r := range s.All() {
		got = append(got, r.Datum)
	}
	if !slices.Equal(got, Catalogue()) {
		t.Errorf("got %v", got)
	}
	for range s.All() {
		break // a consumer may stop early
	}
}

func TestState_ReadOfWhatWasNeverReported(t *testing.T) {
	r := State{}.Read(Odometer.Datum)
	if r.Datum != Odometer.Datum || r.Value != nil || r.Last != nil || !r.Fetched.IsZero() || r.Unit() != NoUnit {
		t.Errorf("got %+v", r)
	}
	if unit := (State{}).Read(SoC.Datum).Unit(); unit != Percentage {
		t.Errorf("unit %v", unit)
	}
}

func TestReading_KeepsItsUnitWhenItBecomesUnknown(t *testing.T) {
	s, _, _ := apply(t, State{}, report(noon, func(r *Report) { EVRange.Set(r, Quantity{Value: 200, Unit: Mile}, "") }))
	s, _, _ = apply(t, s, report(noon.Add(minute), func(r *Report) { r.Refuse(EVRange, RefusedSentinel, "") }))
	if r := s.Read(EVRange.Datum); r.Value != nil || r.Unit() != Mile {
		t.Errorf("got %+v", r)
	}
}

func TestState_StoreFormLeavesOutWhatCannotBeRead(t *testing.T) {
	var s State
	err := json.Unmarshal([]byte(`{"fetched_at": "2026-01-05T12:00:00Z", "readings": {
		"ev_battery_percentage": {"value": 60, "reported": 1, "seen": 1, "fetched": 1},
		"is_locked": {"value": "yes"}, "from_tomorrow": {"value": 1}, "front_left_seat_status": {"value": "Glowing"}
	}}`), &s)
	if err != nil {
		t.Fatal(err)
	}
	wantSoC(t, s, 60)
	if n := len(slices.Collect(s.All())); n != 1 {
		t.Errorf("%d readings", n)
	}
	if err := json.Unmarshal([]byte(`{"readings": [`), &s); err == nil {
		t.Error("half a state was accepted")
	}
}
