package hyundaius

import (
	"cmp"
	"context"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/internal/leaf"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// tripsEvery is how often a sparing read asks for the trips at most.
const tripsEvery = 6 * time.Hour

// tripsDue tells whether the trips are worth their call: they never change without news of the car.
func (c *cloud) tripsDue(ask bluelink.Ask, news bool, now time.Time) bool {
	c.mu.Lock()
	asked, known := c.trips[ask.Vehicle.ID]
	c.mu.Unlock()
	if !known { // since an earlier process asked, the car may have been driven
		asked = ask.Known.Read(vehicle.Daily.Datum).Fetched
	}
	return asked.IsZero() || news && now.Sub(asked) >= tripsEvery
}

func (c *cloud) tripsAsked(id vehicle.ID, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.trips[id] = now
}

// trip is one entry of evTripDetails (§4.6). Energies are in Wh, times in seconds, distances in miles.
type trip struct {
	start    time.Time // on the car's clock, whatever its zone
	odometer float64   // at its end; 0 when it is not told
	distance float64
	moving   float64
	whole    float64
	average  float64
	fastest  float64
	energy   vehicle.DailyStats
}

// readTrips reads the last trips of an electric car, newest first. A damaged trip costs that trip.
func (c *cloud) readTrips(ctx context.Context, v *vehicle.Vehicle) ([]trip, error) {
	got, err := c.ask(ctx, request{
		op: "read trips", kind: bluelink.CallRead, method: http.MethodGet, path: "ts/alerts/maintenance/evTripDetails", car: v,
		headers: map[string]string{"UserId": c.account.Username},
	})
	if err != nil {
		return nil, err
	}
	return decodeTrips(got.root.Get("tripdetails")), nil
}

func decodeTrips(list leaf.Value) []trip {
	var trips []trip
	for entry := range list.All() {
		if t, ok := decodeTrip(entry); ok {
			trips = append(trips, t)
		}
	}
	slices.SortStableFunc(trips, func(a, b trip) int { return b.start.Compare(a.start) })
	for i := range len(trips) - 1 {
		// The odometers tell more than the whole miles beside them (§5).
		if driven := trips[i].odometer - trips[i+1].odometer; trips[i].odometer > 0 && trips[i+1].odometer > 0 && driven >= 0 {
			trips[i].distance = math.Round(driven*10) / 10
		}
	}
	return trips
}

func decodeTrip(entry leaf.Value) (t trip, ok bool) {
	text, _, _ := strings.Cut(entry.Get("startdate").Str(), ".")
	start, err := time.Parse(time.DateTime, strings.TrimSpace(text))
	if err != nil || start.Year() < 1990 {
		return t, false
	}
	t.start = start
	for _, part := range []struct {
		path string
		into *float64
	}{
		{"odometer.value", &t.odometer},
		{"distance", &t.distance},
		{"mileagetime.value", &t.moving},
		{"duration.value", &t.whole},
		{"avgspeed.value", &t.average},
		{"maxspeed.value", &t.fastest},
		{"totalused", &t.energy.Total},
		{"drivetrain", &t.energy.Engine},
		{"climate", &t.energy.Climate},
		{"accessories", &t.energy.Electronics},
		{"batterycare", &t.energy.BatteryCare},
		{"regen", &t.energy.Regenerated},
	} {
		value := entry.Get(part.path)
		if value.Missing() {
			continue
		}
		n, refused := leaf.AsNumber(value)
		if refused != "" || n < 0 || n > 1e9 {
			return t, false
		}
		*part.into = n
	}
	return t, true
}

// reportTrips tells what the trips used by day, and sums up the newest day and its month. The cloud keeps a handful of
// trips, so that the oldest day and the month may be without some of theirs.
func reportTrips(r *vehicle.Report, trips []trip) {
	if len(trips) == 0 {
		return
	}
	days := daysOf(trips)
	vehicle.Daily.Set(r, days, "")
	newest := trips[0].start
	var ofDay, ofMonth []trip
	for _, t := range trips {
		if t.start.Format("200601") == newest.Format("200601") {
			ofMonth = append(ofMonth, t)
		}
		if t.start.Format(time.DateOnly) == newest.Format(time.DateOnly) {
			ofDay = append(ofDay, t)
		}
	}
	month := vehicle.MonthTrips{Month: newest.Format("200601"), Summary: sum(ofMonth)}
	for _, t := range slices.Backward(ofMonth) {
		name := t.start.Format("20060102")
		if n := len(month.Days); n == 0 || month.Days[n-1].Day != name {
			month.Days = append(month.Days, vehicle.DayCount{Day: name})
		}
		month.Days[len(month.Days)-1].Trips++
	}
	vehicle.MonthTrip.Set(r, month, "")
	day := vehicle.DayTrips{Day: newest.Format("20060102"), Summary: sum(ofDay)}
	for _, t := range ofDay {
		one := sum([]trip{t})
		one.Time = t.start.Format("150405")
		day.Trips = append(day.Trips, one)
	}
	vehicle.DayTrip.Set(r, day, "")
}

func daysOf(trips []trip) []vehicle.DailyStats {
	var days []vehicle.DailyStats
	for _, t := range trips {
		date := t.start.Format(time.DateOnly)
		if n := len(days); n == 0 || days[n-1].Date != date {
			days = append(days, vehicle.DailyStats{Date: date, Distance: vehicle.Quantity{Unit: vehicle.Mile}})
		}
		d := &days[len(days)-1]
		d.Total += t.energy.Total
		d.Engine += t.energy.Engine
		d.Climate += t.energy.Climate
		d.Electronics += t.energy.Electronics
		d.BatteryCare += t.energy.BatteryCare
		d.Regenerated += t.energy.Regenerated
		d.Distance.Value = math.Round((d.Distance.Value+t.distance)*10) / 10
	}
	return days
}

// sum adds up trips: times in minutes, cut toward zero, and the plain mean of the average speeds.
func sum(trips []trip) (all vehicle.Trip) {
	for _, t := range trips {
		all.Drive += math.Trunc(t.moving / 60)
		all.Idle += math.Trunc(max(0, t.whole-t.moving) / 60)
		all.Distance = math.Round((all.Distance+t.distance)*10) / 10
		all.AvgSpeed += t.average / float64(len(trips))
		all.MaxSpeed = max(all.MaxSpeed, math.Trunc(t.fastest))
	}
	all.AvgSpeed = math.Round(all.AvgSpeed*10) / 10
	return all
}

// newestOdometer is what the newest trip says.
func newestOdometer(trips []trip) float64 {
	if len(trips) == 0 {
		return 0
	}
	return slices.MaxFunc(trips, func(a, b trip) int { return cmp.Compare(a.odometer, b.odometer) }).odometer
}
