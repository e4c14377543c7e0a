package canada

import (
	"slices"
	"strings"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/internal/leaf"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// tripsEvery is how often the energy of trips is read at most, when nobody asks for all.
const tripsEvery = 6 * time.Hour

// tripMark is when the trips of a car were last read, and its odometer then.
type tripMark struct {
	at       time.Time
	odometer vehicle.Quantity
}

// tripsDue tells whether the car has been driven since its trips were read, and that was long enough ago.
func (c *cloud) tripsDue(id vehicle.ID, odometer vehicle.Quantity, now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	mark, read := c.trips[id]
	return !read || mark.odometer != odometer && now.Sub(mark.at) >= tripsEvery
}

// tripsAsked notes it. What failed is due again, at the same pace.
func (c *cloud) tripsAsked(id vehicle.ID, odometer vehicle.Quantity, now time.Time, read bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !read {
		odometer = vehicle.Quantity{}
	}
	c.trips[id] = tripMark{now, odometer}
}

// readTrips adds up the trips of each day (docs/protocol/canada.md §4.6). Their times are on a clock that nobody has named,
// of which only the date is taken; distances are in the odometer's unit.
func readTrips(r *vehicle.Report, list leaf.Value, unit vehicle.Unit) {
	if list.Kind() != '[' {
		return
	}
	days := map[string]*vehicle.DailyStats{}
	for trip := range list.All() {
		date, _, _ := strings.Cut(trip.Get("startdate").Str(), " ")
		if _, err := time.Parse(time.DateOnly, date); err != nil {
			continue
		}
		day := days[date]
		if day == nil {
			day = &vehicle.DailyStats{Date: strings.Clone(date), Distance: vehicle.Quantity{Unit: unit}}
			days[date] = day
		}
		for path, sum := range map[string]*float64{
			"totalused": &day.Total, "drivetrain": &day.Engine, "climate": &day.Climate, "accessories": &day.Electronics,
			"batterycare": &day.BatteryCare, "regen": &day.Regenerated, "distance": &day.Distance.Value,
		} {
			if n, refused := leaf.AsNumber(trip.Get(path)); refused == "" && n > 0 && n < 1e6 {
				*sum += n
			}
		}
	}
	stats := make([]vehicle.DailyStats, 0, len(days))
	for _, day := range days {
		stats = append(stats, *day)
	}
	slices.SortFunc(stats, func(a, b vehicle.DailyStats) int { return strings.Compare(b.Date, a.Date) })
	if len(stats) > 0 {
		vehicle.Daily.Set(r, stats, "")
	}
}
