package sim

import "time"

// schedule is what the driver has planned: charging in cheap hours and two departures
// with a warm car.
type schedule struct {
	charging    bool // scheduled charging is on
	offPeakOnly bool // charge in the cheap hours only; otherwise they are preferred
	start, end  clockTime
	departures  [2]departure
}

type clockTime struct {
	hour, minute int
	set          bool
}

type departure struct {
	enabled      bool
	days         [7]bool // Sunday first
	at           clockTime
	climate      bool
	temperatureC float64
	defrost      bool
}

func defaultSchedule() schedule {
	s := schedule{start: clockTime{23, 30, true}, end: clockTime{5, 30, true}}
	for i := range s.departures {
		s.departures[i].temperatureC = 21
	}
	s.departures[0].at = clockTime{7, 10, true}
	s.departures[0].days = [7]bool{1: true, 2: true, 3: true, 4: true, 5: true}
	return s
}

func (c clockTime) minutes() int { return c.hour*60 + c.minute }

// allowsCharging reports whether the schedule lets the car charge at a moment.
func (s *schedule) allowsCharging(at time.Time, zone *time.Location) bool {
	if !s.charging || !s.offPeakOnly || !s.start.set || !s.end.set {
		return true
	}
	local := at.In(zone)
	now, start, end := local.Hour()*60+local.Minute(), s.start.minutes(), s.end.minutes()
	if start <= end {
		return start <= now && now < end
	}
	return now >= start || now < end
}

// nextOpening is the next minute at which the answer of allowsCharging turns, or zero.
func (s *schedule) nextOpening(at time.Time, zone *time.Location) time.Time {
	if !s.charging || !s.offPeakOnly || !s.start.set || !s.end.set {
		return time.Time{}
	}
	local := at.In(zone)
	next := time.Time{}
	for day := range 2 {
		for _, c := range []clockTime{s.start, s.end} {
			t := time.Date(local.Year(), local.Month(), local.Day()+day, c.hour, c.minute, 0, 0, zone)
			if t.After(at) && (next.IsZero() || t.Before(next)) {
				next = t
			}
		}
	}
	return next
}
