package vehicle

import (
	"encoding/json"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// seen is all that can be seen of a state.
func seen(s State) []Reading { return slices.Collect(s.All()) }

func TestApplyAlways_LeavesTheOldStateAsItWas(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := states().Draw(t, "state")
		before := seen(s)
		s.Apply(observations().Draw(t, "report"), noon.Add(time.Hour))
		if !reflect.DeepEqual(seen(s), before) {
			t.Fatalf("was %v, is %v", before, seen(s))
		}
	})
}

func TestApplyAlways_TheSameReportAgainChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		report := observations().Draw(t, "report")
		once, _, _ := states().Draw(t, "state").Apply(report, noon)
		twice, changes, _ := once.Apply(report, noon)
		if len(changes) != 0 || !reflect.DeepEqual(seen(once), seen(twice)) {
			t.Fatalf("changes %v\nonce  %v\ntwice %v", changes, seen(once), seen(twice))
		}
	})
}

func TestApplyAlways_AnOlderReportChangesNothingThatIsKnown(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := states().Draw(t, "state")
		report := observations().Draw(t, "report")
		for i := range report.Observations {
			o := &report.Observations[i]
			o.Reported = time.Time{}
			if known := s.Read(o.Datum).Reported; !known.IsZero() && rapid.Bool().Draw(t, "timed") {
				o.Reported = known.Add(-time.Duration(rapid.Int64Range(1, 1e6).Draw(t, "older")) * time.Microsecond)
			}
		}
		after, changes, _ := s.Apply(report, noon)
		for _, was := range seen(s) {
			if !was.Reported.IsZero() && !reflect.DeepEqual(after.Read(was.Datum), was) {
				t.Fatalf("%s was %v, is %v", was.Datum, was, after.Read(was.Datum))
			}
		}
		for _, c := range changes {
			if !c.Old.Reported.IsZero() {
				t.Fatalf("change of %s: %v", c.New.Datum, c)
			}
		}
	})
}

func TestApplyAlways_TheOrderOfObservationsDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := states().Draw(t, "state")
		report := observations().Draw(t, "report")
		shuffled := report
		shuffled.Observations = rapid.Permutation(report.Observations).Draw(t, "order")
		one, changes, refusals := s.Apply(report, noon)
		other, otherChanges, otherRefusals := s.Apply(shuffled, noon)
		if !reflect.DeepEqual(seen(one), seen(other)) || len(changes) != len(otherChanges) || len(refusals) != len(otherRefusals) {
			t.Fatalf("one   %v\nother %v", seen(one), seen(other))
		}
	})
}

func TestApplyAlways_ChangesAreTheDifference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		before := states().Draw(t, "state")
		after, changes, refusals := before.Apply(observations().Draw(t, "report"), noon)
		told := map[*Datum]bool{}
		for _, c := range changes {
			d := c.New.Datum
			if told[d] || !reflect.DeepEqual(c.Old.Value, before.Read(d).Value) || !reflect.DeepEqual(c.New, after.Read(d)) {
				t.Fatalf("change %v; was %v, is %v", c, before.Read(d), after.Read(d))
			}
			told[d] = true
		}
		for _, d := range Catalogue() {
			if differs := !reflect.DeepEqual(before.Read(d).Value, after.Read(d).Value); differs != told[d] {
				t.Fatalf("%s: differs %v, told %v", d, differs, told[d])
			}
		}
		for _, r := range refusals {
			if r.Datum == nil || r.Reason == "" {
				t.Fatalf("refusal %+v says nothing", r)
			}
		}
	})
}

func TestApplyAlways_KnowsOnlyPlausibleValuesAndKeepsTheLastGoodOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := states().Draw(t, "state")
		for _, r := range seen(s) {
			if p, ok := r.Value.(Percent); ok && (float64(p) < r.Datum.Min || float64(p) > r.Datum.Max) {
				t.Fatalf("%s is %v", r.Datum, p)
			}
			if r.Last == nil || r.Value != nil && !reflect.DeepEqual(r.Value, r.Last) {
				t.Fatalf("%s: value %v, last %v", r.Datum, r.Value, r.Last)
			}
			if r.LastSeen.After(r.Reported) {
				t.Fatalf("%s: seen %v after %v", r.Datum, r.LastSeen, r.Reported)
			}
		}
	})
}

func TestApplyAlways_TheFirstReportIsNotDoubted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		_, _, refusals := State{}.Apply(observations().Draw(t, "report"), noon)
		for _, r := range refusals {
			if r.Reason == RefusedJump || r.Reason == RefusedFell {
				t.Fatalf("refused %v", r)
			}
		}
	})
}

func TestApplyAlways_WhatANewerReportRepeatsIsBelieved(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		report := observations().Draw(t, "report")
		for i := range report.Observations {
			report.Observations[i].Reported = noon.Add(time.Minute)
		}
		once, _, _ := states().Draw(t, "state").Apply(report, noon.Add(time.Minute))
		for i := range report.Observations {
			report.Observations[i].Reported = noon.Add(time.Hour)
		}
		twice, _, refusals := once.Apply(report, noon.Add(time.Hour))
		for _, r := range refusals {
			if r.Reason == RefusedJump {
				t.Fatalf("refused %v although it was said twice: %v", r, twice.Read(r.Datum))
			}
		}
		if len(twice.doubts) > len(once.doubts) {
			t.Fatalf("doubts %v became %v", once.doubts, twice.doubts)
		}
	})
}

func TestApplyAlways_AChargeOfZeroIsKnownOnlyWithReason(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s State
		zeroes, last := 0, Percent(-1)
		for n := range rapid.IntRange(2, 12).Draw(t, "reports") {
			r := Report{Reported: noon.Add(time.Duration(n) * time.Minute)}
			level := rapid.SampledFrom([]Percent{0, 0, 3, 60, 80}).Draw(t, "charge")
			SoC.Set(&r, level, "")
			s, _, _ = s.Apply(r, r.Reported)
			if level == 0 {
				zeroes++
			} else {
				zeroes, last = 0, level
			}
			got, known := SoC.Of(s)
			if want := level > 0 || zeroes > 1 || last <= 5; known != want || known && got != level {
				t.Fatalf("report %d of %v: believed %v (known %v), last %v", n, level, got, known, last)
			}
		}
	})
}

func TestState_StoreFormReadsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := states().Draw(t, "state")
		checkStored(t, s)
	})
}

func TestState_StoreFormHoldsEveryRowOfTheCatalogue(t *testing.T) {
	for _, d := range Catalogue() {
		rapid.Check(t, func(t *rapid.T) {
			report := Report{Observations: []Observation{{Datum: d, Value: values(d).Draw(t, d.Key), Reported: noon}}}
			s, _, refusals := State{}.Apply(report, noon)
			if len(refusals) > 0 {
				t.Fatalf("refused: %v", refusals)
			}
			checkStored(t, s)
			s, _, _ = s.Apply(Report{Observations: []Observation{{Datum: d, Refuse: RefusedSentinel, Reported: noon}}}, noon)
			checkStored(t, s)
		})
	}
}

func checkStored(t *rapid.T, s State) {
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var back State
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	if !reflect.DeepEqual(seen(back), seen(s)) || len(back.doubts) != len(s.doubts) || !slices.Equal(back.ahead, s.ahead) || !back.FetchedAt().Equal(s.FetchedAt()) {
		t.Fatalf("stored %v\nread   %v\n%s", seen(s), seen(back), text)
	}
}
