package ccapi

import (
	"context"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"
	"unique"

	"golang.org/x/sync/errgroup"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/internal/beside"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// historyEvery is how often a sparing read asks for the energy history at most (DESIGN: "after a drive and at most every
// 6 h").
const historyEvery = 6 * time.Hour

// historyMark is when a car's history was last asked for, and with which odometer it was last read.
type historyMark struct {
	asked    time.Time
	odometer vehicle.Quantity
}

// historyDue tells whether the history is worth its two calls: it never changes without a drive.
func (c *cloud) historyDue(ask bluelink.Ask, odometer vehicle.Quantity, now time.Time) bool {
	c.mu.Lock()
	mark, known := c.histories[ask.Vehicle.ID]
	c.mu.Unlock()
	if !known { // since an earlier process asked, the car may have been driven
		mark.asked = ask.Known.Read(vehicle.TotalConsumed.Datum).Fetched
	}
	return mark.asked.IsZero() || now.Sub(mark.asked) >= historyEvery && mark.odometer != odometer
}

// historyAsked notes an attempt; one that failed does not count as read, and is repeated no sooner than any other.
func (c *cloud) historyAsked(id vehicle.ID, odometer vehicle.Quantity, now time.Time, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	mark := c.histories[id]
	if mark.asked = now; err == nil {
		mark.odometer = odometer
	}
	c.histories[id] = mark
}

// odometerOf is the odometer of a report, else the one that was known.
func odometerOf(report vehicle.Report, known vehicle.State) vehicle.Quantity {
	for _, o := range report.Observations {
		if q, ok := o.Value.(vehicle.Quantity); ok && o.Datum == vehicle.Odometer.Datum {
			return q
		}
	}
	q, _ := vehicle.Odometer.Of(known)
	return q
}

// readHistory reads what the car used since it was paired and in the last 30 days (docs/protocol/europe.md §4.4). The
// distances in it are in the odometer's unit. An answer without data, which some cars give now and then, says nothing.
func (c *cloud) readHistory(ctx context.Context, v *vehicle.Vehicle, distance vehicle.Unit) (vehicle.Report, error) {
	r := vehicle.Report{Engine: v.Engine, Source: "drvhistory"}
	var all value
	both, ctx := errgroup.WithContext(ctx)
	both.Go(func() error {
		return beside.Contained(func() (err error) { all, err = c.askHistory(ctx, v, "1"); return err })
	})
	month, err := c.askHistory(ctx, v, "0")
	if err != nil {
		both.Go(func() error { return err }) // which calls the other one off
	}
	if err := both.Wait(); err != nil {
		return r, err
	}
	c.profile.history.decode(all, month, distance, &r)
	all.release()
	month.release()
	return r, nil
}

func (c *cloud) askHistory(ctx context.Context, v *vehicle.Vehicle, period string) (value, error) {
	return c.ask(ctx, request{
		op: "read energy history", kind: bluelink.CallRead, method: http.MethodPost, path: below(v, "/drvhistory"),
		body: `{"periodTarget":` + period + `}`, car: v, ccs2: v.CCS2, besides: true,
	})
}

// fedAndElectric are the cars that keep an energy history in most regions.
func fedAndElectric(v *vehicle.Vehicle) bool {
	return v.Engine == vehicle.EV || v.Engine == vehicle.PHEV
}

func (d *dialect) keepsHistory(v *vehicle.Vehicle) bool {
	return d.history.kept != nil && d.history.kept(v)
}

// decode reads both answers.
func (h *history) decode(all, month value, distance vehicle.Unit, r *vehicle.Report) {
	total := all.get(h.total)
	if total.get("totalPwrCsp").missing() {
		return
	}
	wattHours := func(leaf value) (vehicle.Quantity, vehicle.Refused) {
		n, refused := asNumber(leaf)
		return vehicle.Quantity{Value: n, Unit: vehicle.WattHour}, refused
	}
	take(r, vehicle.TotalConsumed, total.get("totalPwrCsp"), wattHours)
	if h.regenerated {
		take(r, vehicle.TotalRegenerated, total.get("regenPwr"), wattHours)
	}
	for entry := month.get("drivingInfo").first(); entry.Exists(); entry = entry.next() {
		period, wrongPeriod := asCode(entry.get("drivingPeriod"))
		used, wrongUsed := asNumber(entry.get("totalPwrCsp"))
		driven, wrongDriven := asNumber(distanceOf(entry))
		if wrongPeriod != "" || wrongUsed != "" || wrongDriven != "" || period != 0 || driven <= 0 {
			continue
		}
		vehicle.Consumption30d.Set(r, vehicle.Quantity{Value: math.RoundToEven(used / driven), Unit: perDistance(distance)}, "")
		break
	}
	if days := decodeDays(month.get("drivingInfoDetail"), distance); len(days) > 0 {
		vehicle.Daily.Set(r, days, "")
	}
}

func perDistance(unit vehicle.Unit) vehicle.Unit {
	switch unit {
	case vehicle.Kilometre:
		return vehicle.WattHourPerKilometre
	case vehicle.Mile:
		return vehicle.WattHourPerMile
	default:
		return vehicle.NoUnit
	}
}

// decodeDays reads the use by day, newest first. A damaged day costs that day.
func decodeDays(list value, distance vehicle.Unit) []vehicle.DailyStats {
	days := make([]vehicle.DailyStats, 0, list.len())
	for entry := list.first(); entry.Exists(); entry = entry.next() {
		if day, ok := decodeDay(entry, distance); ok {
			days = append(days, day)
		}
	}
	slices.SortStableFunc(days, func(a, b vehicle.DailyStats) int { return strings.Compare(b.Date, a.Date) })
	return days
}

// decodeDay goes through a day once: a month of days is the longest of a car's answers.
func decodeDay(entry value, distance vehicle.Unit) (day vehicle.DailyStats, ok bool) {
	day.Distance.Unit = distance
	for member := entry.first(); member.Exists(); member = member.next() {
		if member.key() == "drivingDate" {
			date, err := time.Parse("20060102", member.str())
			if err != nil {
				return day, false
			}
			// All cars have the same days: each text is kept once.
			day.Date = unique.Make(date.Format(time.DateOnly)).Value()
			continue
		}
		part := partOf(&day, member.key())
		if part == nil || member.missing() {
			continue
		}
		n, refused := asNumber(member)
		if refused != "" {
			return day, false
		}
		*part = n
	}
	return day, day.Date != ""
}

// partOf is where a number of a day belongs; nil for what is not kept.
func partOf(day *vehicle.DailyStats, key string) *float64 {
	switch key {
	case "totalPwrCsp":
		return &day.Total
	case "motorPwrCsp":
		return &day.Engine
	case "climatePwrCsp":
		return &day.Climate
	case "eDPwrCsp":
		return &day.Electronics
	case "batteryMgPwrCsp":
		return &day.BatteryCare
	case "regenPwr":
		return &day.Regenerated
	}
	if isDistance(key) {
		return &day.Distance.Value
	}
	return nil
}

// distanceOf finds calculativeOdo, whose spelling varies in case between accounts (docs/protocol/europe.md §4.4; seen).
func distanceOf(entry value) value {
	for member := entry.first(); member.Exists(); member = member.next() {
		if isDistance(member.key()) {
			return member
		}
	}
	return value{}
}

func isDistance(key string) bool { return strings.EqualFold(key, "calculativeOdo") }
