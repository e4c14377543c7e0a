package config

import "time"

// VacationUntil is the day, on this machine's clock, from which cars are read again; zero for no vacation.
func (r Refresh) VacationUntil() (time.Time, error) {
	if r.Vacation == "" {
		return time.Time{}, nil
	}
	return time.ParseInLocation(time.DateOnly, r.Vacation, time.Local)
}
