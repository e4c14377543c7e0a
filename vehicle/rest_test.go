package vehicle

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"
)

// resting is the reports of a car that is parked, given by the hours since noon and what is new then.
type resting struct {
	t     *testing.T
	state State
	rest  Rest
}

func (r *resting) report(hours float64, set func(*Report)) {
	at := noon.Add(time.Duration(hours * float64(time.Hour)))
	report := Report{Reported: at}
	set(&report)
	r.state, _, _ = r.state.Apply(report, at)
	r.rest = r.rest.Next(r.state)
	text, err := json.Marshal(r.rest) // as over a restart
	var stored Rest
	if err == nil {
		err = json.Unmarshal(text, &stored)
	}
	if err != nil || len(stored.Charges) != len(r.rest.Charges) || !reflect.DeepEqual(stored, r.rest) {
		r.t.Fatalf("stored %s, read %+v: %v", text, stored, err)
	}
	r.rest = stored
}

func (r *resting) charge(hours float64, percent Percent) {
	r.report(hours, func(report *Report) { Battery12V.Set(report, percent, "") })
}

func rest(t *testing.T) *resting {
	r := &resting{t: t}
	r.report(0, func(report *Report) {
		EngineRunning.Set(report, false, "")
		Odometer.Set(report, Quantity{1000, Kilometre}, "")
	})
	return r
}

func TestRest_FallsOverDays(t *testing.T) {
	r := rest(t)
	for d, percent := range []Percent{88, 86, 84, 82} {
		r.charge(float64(24*d), percent)
		if want := d >= 3; r.rest.Fell != want {
			t.Errorf("day %d at %v %%: fell %v", d, percent, r.rest.Fell)
		}
	}
	fall, ok := r.rest.Trend()
	if !ok || fall.From != 88 || fall.To != 82 || fall.Daily != 2 || fall.Busy() || !fall.Since.Equal(noon) {
		t.Errorf("trend %+v, %v", fall, ok)
	}
}

func TestRest_WhatIsNoFall(t *testing.T) {
	for name, charges := range map[string][]Percent{
		"a healthy battery over two weeks": {90, 90, 89, 88, 88, 87, 86, 86, 85, 84, 84, 83, 82, 82, 81, 80},
		"a coarse sensor":                  {88, 86, 88, 85, 87, 86, 88, 85},
		"one that is topped up":            {88, 86, 84, 88, 86, 84, 88, 86, 84},
		"too short":                        {88, 80},
	} {
		r := rest(t)
		for d, percent := range charges {
			r.charge(float64(24*d), percent)
		}
		if r.rest.Fell {
			t.Errorf("%s falls: %+v", name, r.rest.Charges)
		}
	}
}

func TestRest_EndsWithWhatChargesTheBattery(t *testing.T) {
	for name, set := range map[string]func(*Report){
		"the engine":   func(r *Report) { EngineRunning.Set(r, true, "") },
		"charging":     func(r *Report) { Charging.Set(r, true, "") },
		"conditioning": func(r *Report) { AirControl.Set(r, true, "") },
		"a drive":      func(r *Report) { Odometer.Set(r, Quantity{1010, Kilometre}, "") },
		"a charger":    func(r *Report) { Battery12V.Set(r, 95, "") },
	} {
		r := rest(t)
		for d, percent := range []Percent{88, 84, 80, 76} {
			r.charge(float64(24*d), percent)
		}
		if !r.rest.Fell {
			t.Fatal("did not fall")
		}
		r.report(100, set)
		if _, ok := r.rest.Trend(); ok || r.rest.Fell {
			t.Errorf("%s: %+v", name, r.rest)
		}
	}
}

func TestRest_ManyReportsOfAParkedCarExplainAFall(t *testing.T) {
	r := rest(t)
	for hour := range 96 {
		r.charge(float64(hour), 90-Percent(hour)/12)
	}
	fall, ok := r.rest.Trend()
	if !ok || !r.rest.Fell || !fall.Busy() || fall.Reports < 23 || fall.Reports > 25 {
		t.Errorf("trend %+v, %v", fall, ok)
	}
	if len(r.rest.Charges) > 6 {
		t.Errorf("%d charges of four days", len(r.rest.Charges))
	}
}

func TestRest_RemembersNoMoreThanTwoWeeks(t *testing.T) {
	r := rest(t)
	for hour := range 24 * 60 {
		r.charge(float64(hour), 90)
		if len(r.rest.Charges) > restKept {
			t.Fatalf("%d charges", len(r.rest.Charges))
		}
	}
	if fall, _ := r.rest.Trend(); fall.Since.Before(noon.Add(24 * 40 * time.Hour)) {
		t.Errorf("since %s", fall.Since)
	}
	// The same report again, an older one, and one that does not know change nothing.
	before := r.rest
	r.rest = r.rest.Next(r.state)
	r.report(24*60, func(report *Report) { report.Refuse(Battery12V, RefusedSentinel, "255") })
	if !reflect.DeepEqual(before, r.rest) {
		t.Errorf("changed to %+v", r.rest)
	}
}
