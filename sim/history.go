package sim

import (
	"fmt"
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
	number := v.dayOf(at)
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

// lived reports whether the car was in this world on a day.
func (v *car) lived(number int) bool { return number >= v.dayOf(v.pattern.born) }

// used is what the car used on a day: lived days as they were, earlier ones as its
// habit would have had them. The caller holds v.mu.
func (v *car) used(number int) dayStats {
	stats := dayStats{}
	if v.lived(number) {
		if d := v.days[number]; d != nil {
			stats = *d
		}
		return stats
	}
	for i := range commuteHours(weekdayOf(number)) {
		if km := v.pastKm(number, i); km > 0 {
			stats.km += km
			stats.book(km * v.model.kWhPerKm * 1000 * (0.9 + 0.2*v.chance("wind", number, i)))
		}
	}
	return stats
}

// pastKm is the length of a drive before the car came into the world, 0 on a day off.
func (v *car) pastKm(number, i int) float64 {
	if v.seed("rest", number, i)%8 == 0 {
		return 0
	}
	return round(12+v.chance("past km", number, i)*26, 1)
}

// drives lists the drives of a day. The caller holds v.mu.
func (v *car) drives(number int) []tripRecord {
	var trips []tripRecord
	if v.lived(number) {
		for _, t := range v.trips {
			if v.dayOf(t.from) == number {
				trips = append(trips, t)
			}
		}
		return trips
	}
	date := time.Unix(int64(number)*86400, 0).UTC()
	for i, hour := range commuteHours(date.Weekday()) {
		km := v.pastKm(number, i)
		if km == 0 {
			continue
		}
		from := time.Date(date.Year(), date.Month(), date.Day(), 0, 0, 0, 0, v.cloud.home.zone).
			Add(time.Duration(hour * float64(time.Hour))).Add(time.Duration(v.seed("past start", number, i)%3600) * time.Second)
		trips = append(trips, tripRecord{from: from, to: from.Add(time.Duration(km / 42 * float64(time.Hour))), km: km})
	}
	return trips
}

func weekdayOf(number int) time.Weekday { return time.Weekday((number + 4) % 7) } // day 0 was a Thursday

// history sums up the days before a certain one, as nothing changes there any more.
type history struct {
	today, shift int
	days         [29]dayStats // yesterday first
	months       []monthStats // newest first, the present one without today
}

type monthStats struct {
	label string
	dayStats
}

// upTo brings the history up to a day. The caller holds v.mu.
func (v *car) upTo(today, shift int) *history {
	if h := v.history; h != nil && h.today == today && h.shift == shift {
		return h
	}
	h := &history{today: today, shift: shift, months: []monthStats{{label: monthLabel(today - shift)}}}
	for ago := 1; ago <= 365; ago++ {
		stats := v.used(today - ago)
		if ago <= len(h.days) {
			h.days[ago-1] = stats
		}
		label := monthLabel(today - ago - shift)
		if h.months[len(h.months)-1].label != label {
			h.months = append(h.months, monthStats{label: label})
		}
		h.months[len(h.months)-1].add(stats)
	}
	v.history = h
	return h
}

func monthLabel(number int) string { return dayLabel(number)[:6] }

// labelShift is how many days car time is ahead of the calendar that clients live in;
// with a time scale a car's days go by faster than ours, but its history must not reach
// into the future.
func (v *car) labelShift(now time.Time) int { return v.dayOf(v.body.at) - v.dayOf(now) }

func dayLabel(number int) string {
	return time.Unix(int64(number)*86400, 0).UTC().Format("20060102")
}

// appendEnergy writes a row of drvhistory, in Wh; total and average rows have no date.
func appendEnergy(buf []byte, period int, date string, d dayStats) []byte {
	buf = strconv.AppendInt(append(buf, `{"drivingPeriod":`...), int64(period), 10)
	if date != "" {
		buf = append(append(append(buf, `,"drivingDate":"`...), date...), '"')
	}
	for _, row := range [...]struct {
		key string
		v   float64
	}{
		{`,"totalPwrCsp":`, d.totalWh()},
		{`,"motorPwrCsp":`, d.motorWh},
		{`,"climatePwrCsp":`, d.climateWh},
		{`,"eDPwrCsp":`, d.electronicsWh},
		{`,"batteryMgPwrCsp":`, d.careWh},
		{`,"regenPwr":`, d.regenW},
		{`,"calculativeOdo":`, d.km},
	} {
		buf = strconv.AppendInt(append(buf, row.key...), int64(whole(row.v)), 10)
	}
	return append(buf, '}')
}

func scaled(d dayStats, by float64) dayStats {
	return dayStats{d.km * by, d.motorWh * by, d.climateWh * by, d.electronicsWh * by, d.careWh * by, d.regenW * by}
}

// historyForm is how a region tells what was used.
type historyForm struct {
	// has says which engines have one.
	has func(engine) bool
	// named is true where the protocol header must name the car's own protocol, or the
	// lists are empty (docs/protocol/europe.md §1.5).
	named bool
	// everFirst is true where the whole life is the first row of the detail as well
	// (docs/protocol/australia-newzealand.md §4; that the months follow is assumed).
	everFirst bool
}

// drivingHistory answers POST drvhistory.
func (g *ccapi) drivingHistory(c *call) reply {
	var body struct {
		PeriodTarget *int `json:"periodTarget"`
	}
	if !c.decode(&body) || body.PeriodTarget == nil || *body.PeriodTarget < 0 || *body.PeriodTarget > 1 {
		return refusedParameter.reply()
	}
	v := c.car
	claims, _ := strconv.Atoi(c.r.Header.Get("Ccuccs2protocolsupport")) // absent is 0
	if g.history.named && (claims != 0) != v.model.ccs2 || v.replay != nil || !g.history.has(v.model.engine) {
		return spaAnswer([]byte(`{"drivingInfo":[],"drivingInfoDetail":[]}`))
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.settle(c.now)
	if *body.PeriodTarget == 1 {
		return spaAnswer(v.energyEver(c.now, g.history.everFirst))
	}
	return spaAnswer(v.energy30Days(c.now))
}

// energyEver is the whole life by month: the odometer says how much was used, the habit
// how.
func (v *car) energyEver(now time.Time, first bool) []byte {
	today, shift := v.dayOf(v.body.at), v.labelShift(now)
	current := v.used(today)
	ever := dayStats{km: v.body.odometerKm}
	ever.book(ever.km * v.model.kWhPerKm * 1000)
	var detail []byte
	if first {
		detail = append(appendEnergy(detail, 0, "", ever), ',')
	}
	for i, month := range v.upTo(today, shift).months {
		if i == 0 {
			month.add(current)
		} else {
			detail = append(detail, ',')
		}
		detail = appendEnergy(detail, 0, month.label, month.dayStats)
	}
	return energyLists(ever, max(1, int(ever.km/45)), current, detail)
}

// energy30Days is the last 30 days on which the car drove, by day.
func (v *car) energy30Days(now time.Time) []byte {
	today, shift := v.dayOf(v.body.at), v.labelShift(now)
	current := v.used(today)
	var sum dayStats
	var detail []byte
	driven := 0
	add := func(number int, stats dayStats) {
		if stats.km < 0.5 {
			return
		}
		if driven++; driven > 1 {
			detail = append(detail, ',')
		}
		sum.add(stats)
		detail = appendEnergy(detail, 0, dayLabel(number-shift), stats)
	}
	add(today, current)
	for ago, stats := range v.upTo(today, shift).days {
		add(today-ago-1, stats)
	}
	return energyLists(sum, max(1, driven), current, detail)
}

// energyLists writes total, average over the driven days, and today, then the rows.
func energyLists(sum dayStats, driven int, current dayStats, detail []byte) []byte {
	buf := append(make([]byte, 0, len(detail)+640), `{"drivingInfo":[`...)
	buf = append(appendEnergy(buf, 0, "", sum), ',')
	buf = append(appendEnergy(buf, 1, "", scaled(sum, 1/float64(driven))), ',')
	buf = appendEnergy(buf, 2, "", current)
	return append(append(append(buf, `],"drivingInfoDetail":[`...), detail...), `]}`...)
}

// monthlyReport answers POST monthlyreport (docs/protocol/europe.md §4.6).
func (g *ccapi) monthlyReport(c *call) reply {
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
	today, shift := v.dayOf(v.body.at), v.labelShift(c.now)
	var sums tripSums
	starts := 0
	for d := month; d.Month() == month.Month(); d = d.AddDate(0, 0, 1) {
		if number := int(d.Unix()/86400) + shift; number <= today && number >= today-730 {
			trips := v.drives(number)
			starts += len(trips)
			for _, t := range trips {
				sums.add(t, v.cloud.home.zone)
			}
		}
	}
	lamp := "0"
	if v.report.body.anyTyreWarning() {
		lamp = "1"
	}
	distance := ""
	if g.reportOdometer {
		distance = fmt.Sprintf(`"odometer":%.1f,`, v.report.body.odometerKm)
	}
	return spaAnswer([]byte(fmt.Sprintf(`{%s"monthlyReport":{"ifo":{"mvrMonthStart":"%s","mvrMonthEnd":"%s"},"driving":{"runDistance":%d,"engineStartCount":%d,"engineIdleTime":%d,"engineOnTime":%d},"breakdown":[],"vehicleStatus":{"tpmsSupport":1,"tirePressure":{"tirePressureLampAll":"%s"}}}}`,
		distance, month.Format("20060102"), month.AddDate(0, 1, -1).Format("20060102"), sums.dist, starts, sums.idle, sums.drive, lamp)))
}
