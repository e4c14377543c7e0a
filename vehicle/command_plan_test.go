package vehicle

import (
	"testing"
	"time"
)

func TestEffect_OfAScheduleComparesDaysAndTimesWhereTheCarReportsThem(t *testing.T) {
	wish := Schedule{
		Departures: [2]Departure{
			{Enabled: true, Days: Days{time.Monday, time.Friday}, Time: TimeOfDay{7, 10}},
			{Days: Days{time.Sunday}, Time: TimeOfDay{9, 0}},
		},
		Charging: true, OffPeak: [2]TimeOfDay{{22, 0}, {6, 30}}, OffPeakOnly: true,
	}
	flags := func(r *Report) {
		Departure1On.Set(r, true, "")
		Departure2On.Set(r, false, "")
		ScheduledChargingOn.Set(r, true, "")
		OffPeakStart.Set(r, TimeOfDay{22, 0}, "")
	}
	all := func(r *Report) {
		flags(r)
		Departure1Days.Set(r, Days{time.Friday, time.Monday}, "")
		Departure1Time.Set(r, TimeOfDay{7, 10}, "")
		OffPeakEnd.Set(r, TimeOfDay{6, 30}, "")
		OffPeakOnly.Set(r, true, "")
	}
	for name, c := range map[string]struct {
		set  func(*Report)
		want Effect
	}{
		"all of it, days in another order":         {all, EffectSeen},
		"a car that reports flags only":            {flags, EffectSeen},
		"nothing of the flags":                     {func(r *Report) { Departure1Time.Set(r, TimeOfDay{7, 10}, "") }, EffectUnknown},
		"another day":                              {with(all, func(r *Report) { Departure1Days.Set(r, Days{time.Monday}, "") }), EffectMissing},
		"no day":                                   {with(all, func(r *Report) { Departure1Days.Set(r, Days{}, "") }), EffectMissing},
		"another time":                             {with(all, func(r *Report) { Departure1Time.Set(r, TimeOfDay{19, 10}, "") }), EffectMissing},
		"another end of the cheap hours":           {with(all, func(r *Report) { OffPeakEnd.Set(r, TimeOfDay{22, 0}, "") }), EffectMissing},
		"charging outside of the cheap hours too":  {with(all, func(r *Report) { OffPeakOnly.Set(r, false, "") }), EffectMissing},
		"a departure that is off, at another time": {with(all, func(r *Report) { Departure2Time.Set(r, TimeOfDay{23, 0}, "") }), EffectSeen},
		"the other departure is on":                {with(all, func(r *Report) { Departure2On.Set(r, true, "") }), EffectMissing},
	} {
		var r Report
		c.set(&r)
		s, _, _ := State{}.Apply(r, noon)
		if got := wish.Spec().Effect(wish, s); got != c.want {
			t.Errorf("%s: effect %d, want %d", name, got, c.want)
		}
	}
}

func with(set ...func(*Report)) func(*Report) {
	return func(r *Report) {
		for _, s := range set {
			s(r)
		}
	}
}
