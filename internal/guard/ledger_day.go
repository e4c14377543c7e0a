package guard

import (
	"time"
	_ "time/tzdata" // days and nights are those of the cars, whatever the machine knows of zones

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// ZoneOf is the clock by which the days and nights of a region count. Where a cloud's own day begins is unknown
// (docs/protocol/europe.md §10); midnight where its cars are is assumed, in the zone with most of them.
func ZoneOf(region vehicle.Region) *time.Location {
	zone, err := time.LoadLocation(region.Zone())
	if err != nil {
		return time.UTC
	}
	return zone
}

// calendar tells days of a zone; it remembers the present one, as it is asked at each call.
type calendar struct {
	zone     *time.Location
	from, to time.Time
	name     string
}

// day is the day of a moment: "2026-03-01".
func (c *calendar) day(now time.Time) string {
	if now.Before(c.from) || !now.Before(c.to) {
		y, m, d := now.In(c.zone).Date()
		c.from, c.to = time.Date(y, m, d, 0, 0, 0, 0, c.zone), time.Date(y, m, d+1, 0, 0, 0, 0, c.zone)
		c.name = c.from.Format(time.DateOnly)
	}
	return c.name
}

// midnight is the end of the day of a moment.
func (c *calendar) midnight(now time.Time) time.Time {
	c.day(now)
	return c.to
}

// daysBetween counts from one day to another; 0 when one is not a day.
func daysBetween(from, to string) int {
	a, wrongA := time.Parse(time.DateOnly, from)
	b, wrongB := time.Parse(time.DateOnly, to)
	if wrongA != nil || wrongB != nil {
		return 0
	}
	return int(b.Sub(a).Hours() / 24)
}
