package bridge

import (
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

var usual = Pace{
	Interval: 30 * time.Minute, Moving: 10 * time.Minute, Parked: 4 * time.Hour, Resting: 24 * time.Hour, NightFrom: 23, NightTo: 6,
}

// reportedAt is a state with one report.
func reportedAt(t *testing.T, at time.Time, set func(*vehicle.Report)) vehicle.State {
	t.Helper()
	r := vehicle.Report{Reported: at}
	if !at.IsZero() {
		vehicle.LastUpdatedAt.Set(&r, at, "")
	}
	vehicle.SoC.Set(&r, 50, "")
	if set != nil {
		set(&r)
	}
	s, _, _ := vehicle.State{}.Apply(r, at.Add(time.Second))
	return s
}

func TestPace_FollowsTheCar(t *testing.T) {
	noon := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	midnight := time.Date(2026, 3, 10, 0, 30, 0, 0, time.UTC)
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	charging := func(left time.Duration) func(*vehicle.Report) {
		return func(r *vehicle.Report) {
			vehicle.Charging.Set(r, true, "")
			vehicle.ChargeTime.Set(r, left, "")
		}
	}
	driving := func(r *vehicle.Report) { vehicle.EngineRunning.Set(r, true, "") }
	for name, c := range map[string]struct {
		pace Pace
		c    circumstances
		want time.Duration // 0 for never
	}{
		"without interval nothing is read":     {Pace{Moving: time.Minute}, circumstances{now: noon}, 0},
		"nothing is known yet":                 {usual, circumstances{now: noon}, 30 * time.Minute},
		"it reported lately":                   {usual, circumstances{state: reportedAt(t, noon.Add(-time.Hour), nil), now: noon}, 30 * time.Minute},
		"it drives":                            {usual, circumstances{state: reportedAt(t, noon, driving), now: noon}, 10 * time.Minute},
		"it drives at night":                   {usual, circumstances{state: reportedAt(t, midnight, driving), now: midnight}, 10 * time.Minute},
		"it charges":                           {usual, circumstances{state: reportedAt(t, noon, charging(3*time.Hour)), now: noon}, 10 * time.Minute},
		"it will be full before the next":      {usual, circumstances{state: reportedAt(t, noon, charging(5*time.Minute)), now: noon}, 6 * time.Minute},
		"the prediction has passed":            {usual, circumstances{state: reportedAt(t, noon.Add(-time.Hour), charging(5*time.Minute)), now: noon}, 10 * time.Minute},
		"it stands for a day":                  {usual, circumstances{state: reportedAt(t, noon.Add(-25*time.Hour), nil), now: noon}, 4 * time.Hour},
		"it stands for a week":                 {usual, circumstances{state: reportedAt(t, noon.Add(-8*24*time.Hour), nil), now: noon}, 24 * time.Hour},
		"it is night":                          {usual, circumstances{state: reportedAt(t, midnight, nil), now: midnight}, time.Hour},
		"it is night in the region only":       {usual, circumstances{now: time.Date(2026, 7, 1, 21, 30, 0, 0, time.UTC), zone: berlin}, time.Hour},
		"a read a day is one at night too":     {usual, circumstances{state: reportedAt(t, midnight.Add(-8*24*time.Hour), nil), now: midnight}, 24 * time.Hour},
		"four hours become eight at night":     {usual, circumstances{state: reportedAt(t, midnight.Add(-25*time.Hour), nil), now: midnight}, 8 * time.Hour},
		"its cloud has no data":                {usual, circumstances{noData: true, now: noon}, 24 * time.Hour},
		"the budget is ample":                  {usual, circumstances{now: noon, left: 100, until: noon.Add(12 * time.Hour), cars: 1}, 30 * time.Minute},
		"three cars share a small budget":      {usual, circumstances{now: noon, left: 12, until: noon.Add(12 * time.Hour), cars: 3}, 3 * time.Hour},
		"the budget is used up":                {usual, circumstances{now: noon, left: 0, until: noon.Add(12 * time.Hour), cars: 3}, 12 * time.Hour},
		"a plain pace knows no differences":    {Pace{Interval: time.Minute}, circumstances{state: reportedAt(t, noon.Add(-9*24*time.Hour), nil), now: midnight.AddDate(0, 0, 1)}, time.Minute},
		"on vacation the end is waited for":    {Pace{Interval: time.Hour, Vacation: noon.Add(72 * time.Hour)}, circumstances{now: noon}, 72 * time.Hour},
		"a vacation that is over means nought": {Pace{Interval: time.Hour, Vacation: noon.Add(-time.Hour)}, circumstances{now: noon}, time.Hour},
	} {
		wait, ok := c.pace.next(c.c)
		if ok != (c.want != 0) || wait != c.want {
			t.Errorf("%s: it waits %v (%v), want %v", name, wait, ok, c.want)
		}
	}
}
