package sim

import (
	"math"
	"sort"
	"time"
)

// tripSums are the figures of trips, a day or a month.
type tripSums struct{ drive, idle, dist, top int }

func (s *tripSums) add(t tripRecord, zone *time.Location) map[string]any {
	minutes := int(math.Ceil(t.to.Sub(t.from).Minutes()))
	idle := minutes / 9
	mean := t.km / t.to.Sub(t.from).Hours()
	top := whole(mean * (1 + speedSwing))
	s.drive += minutes
	s.idle += idle
	s.dist += whole(t.km)
	s.top = max(s.top, top)
	return map[string]any{
		"tripTime": t.from.In(zone).Format("150405"), "tripDrvTime": minutes, "tripIdleTime": idle,
		"tripDist": whole(t.km), "tripAvgSpeed": whole(mean), "tripMaxSpeed": top,
	}
}

func (s *tripSums) into(row map[string]any) map[string]any {
	row["tripDrvTime"], row["tripIdleTime"], row["tripDist"], row["tripMaxSpeed"] = s.drive, s.idle, s.dist, s.top
	row["tripAvgSpeed"] = round(float64(s.dist)/math.Max(1, float64(s.drive))*60, 1)
	return row
}

// tripInfo answers POST tripinfo for a month or a day.
func (g *ccapi) tripInfo(c *call) reply {
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
	today, shift := v.dayOf(v.body.at), v.labelShift(c.now)
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
			trips := v.drives(number)
			for _, t := range trips {
				sums.add(t, v.cloud.home.zone)
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
			trips = v.drives(number)
		}
		if len(trips) == 0 {
			return spaAnswer([]byte(`{"dayTripList":[]}`))
		}
		sort.Slice(trips, func(i, j int) bool { return trips[i].from.After(trips[j].from) })
		var sums tripSums
		list := []any{}
		for _, t := range trips {
			row := sums.add(t, v.cloud.home.zone)
			if g.tripsByID != nil && g.tripsByID(v) {
				row = v.tripID(t, date)
			}
			list = append(list, row)
		}
		return spaAnswer(marshal(map[string]any{"dayTripList": []any{
			sums.into(map[string]any{"tripDay": body.Day, "dayTripCnt": len(trips), "tripList": list}),
		}}))
	}
	return refusedParameter.reply()
}

// tripID is a trip whose figures have to be asked for; it is labelled with the day on which
// the client looks for it.
func (v *car) tripID(t tripRecord, day time.Time) map[string]any {
	from := t.from.In(v.cloud.home.zone)
	hour, minute, second := from.Clock()
	label := time.Date(day.Year(), day.Month(), day.Day(), hour, minute, second, 0, time.UTC)
	return map[string]any{
		"tripStartTime": label.Format(compactTime), "tripEndTime": label.Add(t.to.Sub(t.from)).Format(compactTime),
		"serviceTID": fixedUUID(v.id, t.from.Unix()),
	}
}

// tripDetail answers POST tripinfo/detail for one trip (docs/protocol/india.md §4).
func (g *ccapi) tripDetail(c *call) reply {
	var body struct {
		Period    int    `json:"tripPeriodType"`
		Day       string `json:"setTripDay"`
		SetStart  string `json:"setTripStartTime"`
		ServiceID string `json:"setServiceTID"`
		Start     string `json:"tripStartTime"`
		End       string `json:"tripEndTime"`
	}
	date, err := time.Time{}, error(nil)
	if c.decode(&body) {
		date, err = time.Parse("20060102", body.Day)
	}
	v := c.car
	switch {
	case err != nil || date.IsZero() || body.Period != 1 || body.SetStart != body.Start:
		return refusedParameter.reply()
	case v.replay != nil:
		return refusedNoData.reply()
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.settle(c.now)
	number := int(date.Unix()/86400) + v.labelShift(c.now)
	if today := v.dayOf(v.body.at); number > today || number < today-730 {
		return refusedNoData.reply()
	}
	for _, t := range v.drives(number) {
		if id := v.tripID(t, date); id["serviceTID"] == body.ServiceID && id["tripStartTime"] == body.Start && id["tripEndTime"] == body.End {
			var sums tripSums
			row := sums.add(t, v.cloud.home.zone)
			delete(row, "tripTime")
			return spaAnswer(marshal(map[string]any{"tripInfo": row}))
		}
	}
	return refusedNoData.reply()
}
