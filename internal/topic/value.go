package topic

import (
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// A writer appends the value of a topic, null while it is unknown, and tells the unit for the envelope, if any.
type writer func(dst []byte, u Units, s vehicle.State) (out []byte, unit string)

// plain tells a data point by its kind.
func plain(d *vehicle.Datum) writer {
	return func(dst []byte, u Units, s vehicle.State) ([]byte, string) {
		r := s.Read(d)
		return u.appendValue(dst, d.Kind, r.Value), u.unit(r)
	}
}

// appendValue writes a value of the catalogue as JSON.
func (u Units) appendValue(dst []byte, kind vehicle.Kind, value any) []byte {
	decimals := forms[kind].decimals
	switch v := value.(type) {
	case bool:
		if v {
			return append(dst, "true"...)
		}
		return append(dst, "false"...)
	case vehicle.Percent:
		return appendNumber(dst, float64(v), decimals)
	case vehicle.Number:
		return appendNumber(dst, float64(v), decimals)
	case vehicle.Quantity:
		if q, ok := u.convert(kind, v); ok {
			return appendNumber(dst, q.Value, decimals)
		}
	case time.Duration:
		return appendNumber(dst, v.Minutes(), decimals)
	case time.Time:
		return appendTime(dst, v, seconds)
	case vehicle.TimeOfDay:
		return appendText(dst, v.String())
	case vehicle.Days:
		return appendList(dst, v, func(dst []byte, day time.Weekday) []byte { return appendNumber(dst, float64(day), 0) })
	case string:
		return appendText(dst, v)
	case vehicle.Seat:
		return appendText(dst, v.String())
	case vehicle.Opening:
		return appendText(dst, v.String())
	case vehicle.Plug:
		return appendText(dst, v.String())
	case []vehicle.DailyStats:
		return appendList(dst, v, u.appendDailyStats)
	case vehicle.MonthTrips:
		return appendMonth(dst, v)
	case vehicle.DayTrips:
		return appendDay(dst, v)
	}
	return appendNull(dst)
}

// words tells a flag by two words.
func words(p vehicle.Point[bool], no, yes string) writer {
	return func(dst []byte, _ Units, s vehicle.State) ([]byte, string) {
		on, ok := p.Of(s)
		switch {
		case !ok:
			return appendNull(dst), ""
		case on:
			return appendText(dst, yes), ""
		}
		return appendText(dst, no), ""
	}
}

// not tells the opposite of a flag.
func not(p vehicle.Point[bool]) writer {
	return func(dst []byte, u Units, s vehicle.State) ([]byte, string) {
		on, ok := p.Of(s)
		if !ok {
			return appendNull(dst), ""
		}
		return u.appendValue(dst, p.Kind, !on), ""
	}
}

// labelled tells a data point under a fixed text for its unit.
func labelled(d *vehicle.Datum, unit string) writer {
	value := plain(d)
	return func(dst []byte, u Units, s vehicle.State) ([]byte, string) {
		dst, _ = value(dst, u, s)
		return dst, unit
	}
}

// unitOf tells the unit of another topic as a value.
func unitOf(d *vehicle.Datum) writer {
	return func(dst []byte, u Units, s vehicle.State) ([]byte, string) {
		r := s.Read(d)
		unit := u.unit(r)
		if r.Last == nil || unit == "" {
			return appendNull(dst), ""
		}
		return appendText(dst, unit), ""
	}
}

// perHundred tells a use per distance in kWh/100km, whatever the units are: the topic promises that.
func perHundred(p vehicle.Point[vehicle.Quantity]) writer {
	return func(dst []byte, _ Units, s vehicle.State) ([]byte, string) {
		const unit = "kWh/100km"
		q, ok := p.Of(s)
		if ok {
			q, ok = q.In(vehicle.WattHourPerKilometre)
		}
		if !ok {
			return appendNull(dst), unit
		}
		return appendNumber(dst, q.Value/10, 2), unit
	}
}

// seat tells a seat in two words. The contract's envelope stands around all values, so value is an object that has
// another value in it: {"value": {"value": "High Heat", "level": "HIGH"}, "timestamp": …}.
func seat(p vehicle.Point[vehicle.Seat]) writer {
	return func(dst []byte, _ Units, s vehicle.State) ([]byte, string) {
		v, ok := p.Of(s)
		if !ok {
			return appendNull(dst), ""
		}
		o := appendObject(dst)
		o.text("value", v.String())
		o.text("level", v.Level())
		return o.end(), ""
	}
}

// window tells how far a window is open, by number and word, in an object as [seat] does. The level counts where it and
// the flag agree or only it is known; cars that cannot tell vented from open have the flag alone. level may be nil.
func window(flag vehicle.Point[bool], level vehicle.Point[vehicle.Opening]) writer {
	return func(dst []byte, _ Units, s vehicle.State) ([]byte, string) {
		open, known := flag.Of(s)
		how := vehicle.Closed
		if open {
			how = vehicle.Open
		}
		if level.Datum != nil {
			if told, ok := level.Of(s); ok && (!known || open == (told != vehicle.Closed)) {
				how, known = told, true
			}
		}
		if !known {
			return appendNull(dst), ""
		}
		o := appendObject(dst)
		o.number("value", float64(how), 0)
		o.text("state", how.String())
		return o.end(), ""
	}
}

// position tells where the car is in one object, as trackers want it; half a position is none.
func position(dst []byte, u Units, s vehicle.State) ([]byte, string) {
	_, north := vehicle.Latitude.Of(s)
	_, east := vehicle.Longitude.Of(s)
	if !north || !east {
		return appendNull(dst), ""
	}
	o := appendObject(dst)
	for _, part := range []struct {
		key string
		p   vehicle.Point[vehicle.Quantity]
	}{
		{"latitude", vehicle.Latitude},
		{"longitude", vehicle.Longitude},
		{"speed", vehicle.Speed},
		{"heading", vehicle.Heading},
		{"altitude", vehicle.Altitude},
	} {
		if q, known := part.p.Of(s); known {
			o.key(part.key)
			o.dst = u.appendValue(o.dst, part.p.Kind, q)
		}
	}
	return o.end(), ""
}

func (u Units) appendDailyStats(dst []byte, day vehicle.DailyStats) []byte {
	o := appendObject(dst)
	o.text("date", day.Date)
	o.number("total_consumed", day.Total, 1)
	o.number("engine_consumption", day.Engine, 1)
	o.number("climate_consumption", day.Climate, 1)
	o.number("onboard_electronics_consumption", day.Electronics, 1)
	o.number("battery_care_consumption", day.BatteryCare, 1)
	o.number("regenerated_energy", day.Regenerated, 1)
	distance, ok := u.convert(vehicle.KindDistance, day.Distance)
	o.key("distance")
	if !ok {
		o.dst = appendNull(o.dst)
		return o.end()
	}
	o.dst = appendNumber(o.dst, distance.Value, 1)
	o.text("distance_unit", distance.Unit.String())
	return o.end()
}

// appendTrip writes distance and speeds in the car's unit: a trip does not tell which one that is.
func appendTrip(dst []byte, trip vehicle.Trip) []byte {
	o := appendObject(dst)
	if trip.Time != "" {
		o.text("hhmmss", trip.Time)
	}
	o.number("drive_time", trip.Drive, 1)
	o.number("idle_time", trip.Idle, 1)
	o.number("distance", trip.Distance, 1)
	o.number("avg_speed", trip.AvgSpeed, 1)
	o.number("max_speed", trip.MaxSpeed, 1)
	return o.end()
}

func appendMonth(dst []byte, month vehicle.MonthTrips) []byte {
	o := appendObject(dst)
	o.text("yyyymm", month.Month)
	o.key("summary")
	o.dst = appendTrip(o.dst, month.Summary)
	o.key("day_list")
	o.dst = appendList(o.dst, month.Days, func(dst []byte, day vehicle.DayCount) []byte {
		o := appendObject(dst)
		o.text("yyyymmdd", day.Day)
		o.number("trip_count", float64(day.Trips), 0)
		return o.end()
	})
	return o.end()
}

func appendDay(dst []byte, day vehicle.DayTrips) []byte {
	o := appendObject(dst)
	o.text("yyyymmdd", day.Day)
	o.key("summary")
	o.dst = appendTrip(o.dst, day.Summary)
	o.key("trip_list")
	o.dst = appendList(o.dst, day.Trips, appendTrip)
	return o.end()
}
