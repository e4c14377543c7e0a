package app

import (
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/bridge"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/config"
)

// PaceOf is how often cars are read by themselves, as the configuration says.
func PaceOf(r config.Refresh) bridge.Pace {
	vacation, _ := r.VacationUntil() // checked when it was read
	return bridge.Pace{
		Interval: r.Interval, Moving: r.Moving, Parked: r.Parked, Resting: r.Resting,
		NightFrom: r.NightFrom, NightTo: r.NightTo, Vacation: vacation,
	}
}

// SetPace changes how often cars are read while the program runs.
func (a *App) SetPace(r config.Refresh) {
	a.bridge.SetPace(PaceOf(r))
	a.log.Info("schedule of reads changed", "interval", r.Interval.Round(time.Second).String(), "vacation_until", r.Vacation)
}
