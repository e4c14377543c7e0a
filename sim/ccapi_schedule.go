package sim

import "encoding/json"

// Schedules on the wire (docs/protocol/europe.md §6.5): 12-hour times, temperatures as
// text with one decimal.

type wireTime struct {
	Time    string `json:"time"`
	Section int    `json:"timeSection"`
}

// clock reads "1130" and 0 for AM, 1 for PM; midnight is "1200" and 0.
func (w *wireTime) clock() (clockTime, bool) {
	if w == nil || len(w.Time) != 4 || w.Section < 0 || w.Section > 1 {
		return clockTime{}, false
	}
	for i := range w.Time {
		if w.Time[i] < '0' || w.Time[i] > '9' {
			return clockTime{}, false
		}
	}
	hour, minute := int(w.Time[0]-'0')*10+int(w.Time[1]-'0'), int(w.Time[2]-'0')*10+int(w.Time[3]-'0')
	if hour < 1 || hour > 12 || minute > 59 {
		return clockTime{}, false
	}
	return clockTime{hour%12 + 12*w.Section, minute, true}, true
}

type wireDay struct {
	Days []int     `json:"day"`
	Time *wireTime `json:"time"`
}

// into reads days, Sunday 0 and none 9, and a time.
func (w *wireDay) into(d *departure) bool {
	if w == nil {
		return false
	}
	d.days = [7]bool{}
	for _, day := range w.Days {
		switch {
		case day >= 0 && day <= 6:
			d.days[day] = true
		case day != 9:
			return false
		}
	}
	var ok bool
	d.at, ok = w.Time.clock()
	return ok
}

type wireAir struct {
	AirCtrl *int `json:"airCtrl"`
	AirTemp *struct {
		Value *json.Number `json:"value"`
		Unit  int          `json:"unit"`
	} `json:"airTemp"`
	Defrost bool `json:"defrost"`
}

func (w *wireAir) into(d *departure) bool {
	if w == nil || w.AirCtrl == nil || !within(w.AirCtrl, 0, 1) || w.AirTemp == nil || w.AirTemp.Unit != 0 {
		return false
	}
	var ok bool
	d.temperatureC, ok = readTemperature(w.AirTemp.Value)
	d.climate, d.defrost = *w.AirCtrl == 1, w.Defrost
	return ok
}

func flagOf(n *int) (bool, bool) {
	return n != nil && *n == 1, n != nil && (*n == 0 || *n == 1)
}

// The keys of the three forms.
var (
	timeKeys = "time timeSection"
	dayKeys  = "day time " + under("time", timeKeys)
	airKeys  = "airCtrl airTemp defrost " + under("airTemp", "value hvacTempType unit")

	departureKeys = "reservChargeSet reservInfo reservFatcSet " + under("reservInfo", dayKeys) + " " + under("reservFatcSet", airKeys+" heating1")
	windowOfKeys  = "offPeakPowerTime1 offPeakPowerFlag offPeakPowerTime1.starttime offPeakPowerTime1.endtime " +
		under("offPeakPowerTime1.starttime", timeKeys) + " " + under("offPeakPowerTime1.endtime", timeKeys)
	scheduleKeys = "reservChargeInfo1 reservChargeInfo2 offPeakPowerInfo reservFlag " + under("reservChargeInfo1", departureKeys) + " " +
		under("reservChargeInfo2", departureKeys) + " " + under("offPeakPowerInfo", windowOfKeys)

	scheduleChargeKeys = "reservFlag offpeakPowerFlag reservStartTime reservEndTime " +
		under("reservStartTime", timeKeys) + " " + under("reservEndTime", timeKeys)

	climateAtKeys       = "reservHVACflag reservInfo reservHVACSet " + under("reservInfo", dayKeys) + " " + under("reservHVACSet", airKeys)
	scheduleClimateKeys = "reservedHVACInfo1 reservedHVACInfo2 " + under("reservedHVACInfo1", climateAtKeys) + " " + under("reservedHVACInfo2", climateAtKeys)
)

// orderSchedule is the combined form.
func orderSchedule(c *call) (effect, bool) {
	type part struct {
		Set *bool    `json:"reservChargeSet"`
		Day *wireDay `json:"reservInfo"`
		Air *wireAir `json:"reservFatcSet"`
	}
	var body struct {
		First   *part `json:"reservChargeInfo1"`
		Second  *part `json:"reservChargeInfo2"`
		OffPeak *struct {
			Window *struct {
				Start *wireTime `json:"starttime"`
				End   *wireTime `json:"endtime"`
			} `json:"offPeakPowerTime1"`
			Flag int `json:"offPeakPowerFlag"`
		} `json:"offPeakPowerInfo"`
		Flag *int `json:"reservFlag"`
	}
	if !c.decode(&body) || body.OffPeak == nil || body.OffPeak.Window == nil || body.OffPeak.Flag < 0 || body.OffPeak.Flag > 2 {
		return nil, false
	}
	s := schedule{offPeakOnly: body.OffPeak.Flag == 1}
	ok := true
	for i, p := range []*part{body.First, body.Second} {
		if p == nil || p.Set == nil {
			return nil, false
		}
		d := &s.departures[i]
		d.enabled = *p.Set
		ok = ok && p.Day.into(d) && p.Air.into(d)
	}
	var okStart, okEnd, okFlag bool
	s.start, okStart = body.OffPeak.Window.Start.clock()
	s.end, okEnd = body.OffPeak.Window.End.clock()
	s.charging, okFlag = flagOf(body.Flag)
	return func(v *car) bool {
		v.body.schedule = s
		return v.model.engine.plugs()
	}, ok && okStart && okEnd && okFlag
}

// orderScheduleCharge is the first of the two flat calls; its offpeak has a small p.
func orderScheduleCharge(c *call) (effect, bool) {
	var body struct {
		Flag    *int      `json:"reservFlag"`
		OffPeak int       `json:"offpeakPowerFlag"`
		Start   *wireTime `json:"reservStartTime"`
		End     *wireTime `json:"reservEndTime"`
	}
	if !c.decode(&body) || body.OffPeak < 0 || body.OffPeak > 2 {
		return nil, false
	}
	on, okFlag := flagOf(body.Flag)
	start, okStart := body.Start.clock()
	end, okEnd := body.End.clock()
	return func(v *car) bool {
		s := &v.body.schedule
		s.charging, s.offPeakOnly, s.start, s.end = on, body.OffPeak == 1, start, end
		return v.model.engine.plugs()
	}, okFlag && okStart && okEnd
}

// orderScheduleClimate is the second.
func orderScheduleClimate(c *call) (effect, bool) {
	type part struct {
		Flag *int     `json:"reservHVACflag"`
		Day  *wireDay `json:"reservInfo"`
		Air  *wireAir `json:"reservHVACSet"`
	}
	var body struct {
		First  *part `json:"reservedHVACInfo1"`
		Second *part `json:"reservedHVACInfo2"`
	}
	if !c.decode(&body) {
		return nil, false
	}
	var departures [2]departure
	for i, p := range []*part{body.First, body.Second} {
		if p == nil {
			return nil, false
		}
		d := &departures[i]
		var ok bool
		if d.enabled, ok = flagOf(p.Flag); !ok || !p.Day.into(d) || !p.Air.into(d) {
			return nil, false
		}
	}
	return func(v *car) bool {
		v.body.schedule.departures = departures
		return true
	}, true
}
