package sim

import (
	"fmt"
	"math"
	"sort"
	"strconv"
	"time"
)

// dayStats is what a car used on one day.
type dayStats struct {
	km                                                float64
	motorWh, climateWh, electronicsWh, careWh, regenW float64
}

// book splits the energy that left the battery among its users, in Wh.
func (d *dayStats) book(wh float64) {
	d.motorWh += wh * 0.84
	d.climateWh += wh * 0.09
	d.electronicsWh += wh * 0.068
	d.careWh += wh * 0.002
	d.regenW += wh * 0.27
}

func (d *dayStats) totalWh() float64 { return d.motorWh + d.climateWh + d.electronicsWh + d.careWh }

func (d *dayStats) add(other dayStats) {
	d.km += other.km
	d.motorWh += other.motorWh
	d.climateWh += other.climateWh
	d.electronicsWh += other.electronicsWh
	d.careWh += other.careWh
	d.regenW += other.regenW
}

// tripRecord is a drive that is over; times are car time.
type tripRecord struct {
	from, to time.Time
	km       float64
}

// day returns the book of the day of a moment in car time.
func (v *car) day(at time.Time) *dayStats {
	number := epochDay(at)
	if v.days == nil {
		v.days = map[int]*dayStats{}
	}
	d := v.days[number]
	if d == nil {
		d = &dayStats{}
		v.days[number] = d
		delete(v.days, number-daysKept)
	}
	return d
}

const daysKept = 70

// past is what happened on a day: lived days as they were, days before the car came
// into the world as its habit would have had them. The caller holds v.mu.
func (v *car) past(number int) (dayStats, []tripRecord) {
	if number >= epochDay(v.pattern.born) {
		stats := dayStats{}
		if d := v.days[number]; d != nil {
			stats = *d
		}
		var trips []tripRecord
		for _, t := range v.trips {
			if epochDay(t.from) == number {
				trips = append(trips, t)
			}
		}
		return stats, trips
	}
	stats := dayStats{}
	var trips []tripRecord
	date := time.Unix(int64(number)*86400, 0).UTC()
	for i, hour := range commuteHours(date.Weekday()) {
		if v.seed("rest", number, i)%8 == 0 {
			continue
		}
		km := round(12+v.chance("past", number, i)*26, 1)
		from := time.Date(date.Year(), date.Month(), date.Day(), 0, 0, 0, 0, berlin).
			Add(time.Duration(hour * float64(time.Hour))).Add(time.Duration(v.seed("past", number, i)%3600) * time.Second)
		trips = append(trips, tripRecord{from: from, to: from.Add(time.Duration(km / 42 * float64(time.Hour))), km: km})
		part := dayStats{km: km}
		if v.model.engine.plugs() {
			part.book(km * v.model.kWhPerKm * 1000 * (0.9 + 0.2*v.chance("wind", number, i)))
		}
		stats.add(part)
	}
	return stats, trips
}

// labelShift is how many days car time is ahead of the calendar that clients live in;
// with a time scale a car's days go by faster than ours, but its history must not reach
// into the future.
func (v *car) labelShift(now time.Time) int { return epochDay(v.body.at) - epochDay(now) }

func dayLabel(number int) string {
	return time.Unix(int64(number)*86400, 0).UTC().Format("20060102")
}

// energyEntry is a row of drvhistory, in Wh.
func energyEntry(period int, date string, d dayStats) map[string]any {
	row := map[string]any{
		"drivingPeriod": period, "totalPwrCsp": whole(d.totalWh()), "motorPwrCsp": whole(d.motorWh), "climatePwrCsp": whole(d.climateWh),
		"eDPwrCsp": whole(d.electronicsWh), "batteryMgPwrCsp": whole(d.careWh), "regenPwr": whole(d.regenW), "calculativeOdo": whole(d.km),
	}
	if date != "" {
		row["drivingDate"] = date
	}
	return row
}

func scaled(d dayStats, by float64) dayStats {
	return dayStats{d.km * by, d.motorWh * by, d.climateWh * by, d.electronicsWh * by, d.careWh * by, d.regenW * by}
}

// drivingHistory answers POST drvhistory. The protocol header must name the car's own
// protocol, or the lists are empty (docs/protocol/europe.md §1.5).
func (e *europe) drivingHistory(c *call) reply {
	var body struct {
		PeriodTarget *int `json:"periodTarget"`
	}
	if !c.decode(&body) || body.PeriodTarget == nil || *body.PeriodTarget < 0 || *body.PeriodTarget > 1 {
		return refusedParameter.reply()
	}
	v := c.car
	claims, _ := strconv.Atoi(c.r.Header.Get("Ccuccs2protocolsupport")) // absent is 0
	if (claims != 0) != v.model.ccs2 || v.replay != nil || !v.model.engine.plugs() {
		return spaAnswer([]byte(`{"drivingInfo":[],"drivingInfoDetail":[]}`))
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.settle(c.now)
	today, shift := epochDay(v.body.at), v.labelShift(c.now)
	var sum, current dayStats
	driven := 0
	detail := []any{}
	if *body.PeriodTarget == 1 {
		// All time: the odometer says how much, the habit how.
		months := map[string]*dayStats{}
		var labels []string
		for number := today - 365; number <= today; number++ {
			stats, _ := v.past(number)
			label := dayLabel(number - shift)[:6]
			if months[label] == nil {
				months[label] = &dayStats{}
				labels = append(labels, label)
			}
			months[label].add(stats)
			current = stats
		}
		for i := len(labels) - 1; i >= 0; i-- {
			detail = append(detail, energyEntry(0, labels[i], *months[labels[i]]))
		}
		sum.km = v.body.odometerKm
		sum.book(v.body.odometerKm * v.model.kWhPerKm * 1000)
		driven = max(1, int(sum.km/45))
	} else {
		for number := today; number > today-30; number-- {
			stats, _ := v.past(number)
			if number == today {
				current = stats
			}
			if stats.km < 0.5 {
				continue
			}
			driven++
			sum.add(stats)
			detail = append(detail, energyEntry(0, dayLabel(number-shift), stats))
		}
	}
	average := scaled(sum, 1/math.Max(1, float64(driven)))
	return spaAnswer(marshal(map[string]any{
		"drivingInfo":       []any{energyEntry(0, "", sum), energyEntry(1, "", average), energyEntry(2, "", current)},
		"drivingInfoDetail": detail,
	}))
}

// tripSums are the figures of trips, a day or a month.
type tripSums struct{ drive, idle, dist, top int }

func (s *tripSums) add(t tripRecord) map[string]any {
	minutes := int(math.Ceil(t.to.Sub(t.from).Minutes()))
	idle := minutes / 9
	mean := t.km / t.to.Sub(t.from).Hours()
	top := whole(mean * (1 + speedSwing))
	s.drive += minutes
	s.idle += idle
	s.dist += whole(t.km)
	s.top = max(s.top, top)
	return map[string]any{
		"tripTime": t.from.In(berlin).Format("150405"), "tripDrvTime": minutes, "tripIdleTime": idle,
		"tripDist": whole(t.km), "tripAvgSpeed": whole(mean), "tripMaxSpeed": top,
	}
}

func (s *tripSums) into(row map[string]any) map[string]any {
	row["tripDrvTime"], row["tripIdleTime"], row["tripDist"], row["tripMaxSpeed"] = s.drive, s.idle, s.dist, s.top
	row["tripAvgSpeed"] = round(float64(s.dist)/math.Max(1, float64(s.drive))*60, 1)
	return row
}

// tripInfo answers POST tripinfo for a month or a day.
func (e *europe) tripInfo(c *call) reply {
	var body struct {
		Period *int   `json:"tripPeriodType"`
		Month  string `json:"setTripMonth"`
		Day    string `json:"setTripDay"`
	}
	if !c.decode(&body) || body.Period == nil {
		return refusedParameter.reply()
	}
	v := c.car
	if v.replay != nil {
		return refusedNoData.reply()
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.settle(c.now)
	today, shift := epochDay(v.body.at), v.labelShift(c.now)
	oldest := today - 730
	switch *body.Period {
	case 0:
		month, err := time.Parse("200601", body.Month)
		if err != nil {
			return refusedParameter.reply()
		}
		days := []any{}
		var sums tripSums
		for d := month; d.Month() == month.Month(); d = d.AddDate(0, 0, 1) {
			number := int(d.Unix()/86400) + shift
			if number > today || number < oldest {
				continue
			}
			_, trips := v.past(number)
			for _, t := range trips {
				sums.add(t)
			}
			if len(trips) > 0 {
				days = append(days, map[string]any{"tripDayInMonth": d.Format("20060102"), "tripCntDay": len(trips)})
			}
		}
		return spaAnswer(marshal(sums.into(map[string]any{"monthTripDayCnt": len(days), "tripDayList": days})))
	case 1:
		date, err := time.Parse("20060102", body.Day)
		if err != nil {
			return refusedParameter.reply()
		}
		number := int(date.Unix()/86400) + shift
		var trips []tripRecord
		if number <= today && number >= oldest {
			_, trips = v.past(number)
		}
		if len(trips) == 0 {
			return spaAnswer([]byte(`{"dayTripList":[]}`))
		}
		sort.Slice(trips, func(i, j int) bool { return trips[i].from.After(trips[j].from) })
		var sums tripSums
		list := []any{}
		for _, t := range trips {
			list = append(list, sums.add(t))
		}
		return spaAnswer(marshal(map[string]any{"dayTripList": []any{
			sums.into(map[string]any{"tripDay": body.Day, "dayTripCnt": len(trips), "tripList": list}),
		}}))
	}
	return refusedParameter.reply()
}

// monthlyReport answers POST monthlyreport (docs/protocol/europe.md §4.6).
func (e *europe) monthlyReport(c *call) reply {
	var body struct {
		Month string `json:"setRptMonth"`
	}
	month, err := time.Time{}, error(nil)
	if c.decode(&body) {
		month, err = time.Parse("200601", body.Month)
	}
	if err != nil || month.IsZero() {
		return refusedParameter.reply()
	}
	v := c.car
	v.mu.Lock()
	defer v.mu.Unlock()
	v.settle(c.now)
	today, shift := epochDay(v.body.at), v.labelShift(c.now)
	var sums tripSums
	starts := 0
	for d := month; d.Month() == month.Month(); d = d.AddDate(0, 0, 1) {
		if number := int(d.Unix()/86400) + shift; number <= today && number >= today-730 {
			_, trips := v.past(number)
			starts += len(trips)
			for _, t := range trips {
				sums.add(t)
			}
		}
	}
	lamp := "0"
	if v.report.body.anyTyreWarning() {
		lamp = "1"
	}
	return spaAnswer([]byte(fmt.Sprintf(`{"monthlyReport":{"ifo":{"mvrMonthStart":"%s","mvrMonthEnd":"%s"},"driving":{"runDistance":%d,"engineStartCount":%d,"engineIdleTime":%d,"engineOnTime":%d},"breakdown":[],"vehicleStatus":{"tpmsSupport":1,"tirePressure":{"tirePressureLampAll":"%s"}}}}`,
		month.Format("20060102"), month.AddDate(0, 1, -1).Format("20060102"), sums.dist, starts, sums.idle, sums.drive, lamp)))
}
