package vehicle

import (
	"fmt"
	"time"

	"pgregory.net/rapid"
)

// units are the units in which cars report each kind.
var units = map[Kind][]Unit{
	KindDistance: {Kilometre, Mile}, KindTemperature: {Celsius, Fahrenheit}, KindPressure: {PSI, Kilopascal, Bar},
	KindEnergy: {WattHour, Kilojoule}, KindConsumption: {WattHourPerKilometre, WattHourPerMile}, KindPower: {Kilowatt},
	KindVoltage: {Volt}, KindRotation: {RPM}, KindSpeed: {KilometrePerHour, MilePerHour}, KindAngle: {Degree},
	KindAltitude: {Metre},
}

// sample is a plausible value of a row.
func sample(d *Datum) any { return values(d).Example(1) }

// values draws plausible values of a row: of its Go type, within its range.
func values(d *Datum) *rapid.Generator[any] {
	low, high := d.Min, d.Max
	if low == high {
		low, high = -1e6, 1e6
	}
	if d.rules.zero == zeroIsNone {
		low = 1
	}
	number := rapid.Float64Range(low, high)
	count := rapid.IntRange(0, 9)
	text := rapid.StringN(0, 20, 60)
	return rapid.Custom(func(t *rapid.T) any {
		switch d.Kind {
		case KindFlag:
			return rapid.Bool().Draw(t, "flag")
		case KindPercent:
			return Percent(number.Draw(t, "percent"))
		case KindNumber:
			return Number(number.Draw(t, "number"))
		case KindDuration:
			return time.Duration(rapid.Int64Range(int64(low), int64(high)).Draw(t, "minutes")) * time.Minute
		case KindTime:
			return time.Unix(rapid.Int64Range(1, noon.Unix()).Draw(t, "time"), 0).UTC()
		case KindTimeOfDay:
			return TimeOfDay{rapid.IntRange(0, 23).Draw(t, "hour"), rapid.IntRange(0, 59).Draw(t, "minute")}
		case KindDays:
			return Days(rapid.SliceOfN(rapid.Custom(func(t *rapid.T) time.Weekday {
				return time.Weekday(rapid.IntRange(0, 6).Draw(t, "day"))
			}), 0, 7).Draw(t, "days"))
		case KindText:
			return text.Draw(t, "text")
		case KindSeat:
			return Seat(rapid.IntRange(1, 8).Draw(t, "seat"))
		case KindOpening:
			return Opening(rapid.IntRange(0, 2).Draw(t, "opening"))
		case KindPlug:
			return Plug(rapid.IntRange(0, 3).Draw(t, "plug"))
		case KindStats:
			stats := []DailyStats{}
			for range count.Draw(t, "days") {
				stats = append(stats, DailyStats{
					Date: text.Draw(t, "date"), Total: float64(count.Draw(t, "total")),
					Distance: Quantity{Value: float64(count.Draw(t, "distance")), Unit: Mile},
				})
			}
			return stats
		case KindMonth:
			return MonthTrips{
				Month: text.Draw(t, "month"), Summary: Trip{Drive: float64(count.Draw(t, "drive"))},
				Days: []DayCount{{Day: text.Draw(t, "day"), Trips: count.Draw(t, "trips")}},
			}
		case KindDay:
			return DayTrips{Day: text.Draw(t, "day"), Trips: []Trip{{Time: text.Draw(t, "time")}}}
		default:
			known, ok := units[d.Kind]
			if !ok {
				panic(fmt.Sprintf("no sample for the kind of %s", d))
			}
			q := Quantity{Value: number.Draw(t, "value"), Unit: rapid.SampledFrom(known).Draw(t, "unit")}
			if d.Kind == KindPressure {
				q, _ = Quantity{Value: 0.99 * q.Value, Unit: Kilopascal}.In(q.Unit) // rounding must not leave the range
			}
			return q
		}
	})
}

// observations draws a report of distinct data: values, wrong ones and sentinels, with and without a report time.
func observations() *rapid.Generator[Report] {
	return rapid.Custom(func(t *rapid.T) Report {
		r := Report{Source: "status"}
		picked := rapid.SliceOfNDistinct(rapid.SampledFrom(Catalogue()), 1, 12, (*Datum).String).Draw(t, "data")
		for _, d := range picked {
			o := Observation{Datum: d, Source: r.Source}
			if rapid.IntRange(0, 9).Draw(t, "refused") == 0 {
				o.Refuse = RefusedSentinel
			} else {
				o.Value = values(d).Draw(t, d.Key)
				if rapid.IntRange(0, 9).Draw(t, "spoiled") == 0 && d.Min != d.Max && d.Kind == KindPercent {
					o.Value = Percent(d.Max + 1)
				}
			}
			if rapid.IntRange(0, 4).Draw(t, "timed") > 0 {
				o.Reported = noon.Add(time.Duration(rapid.IntRange(-60, 60).Draw(t, "age")) * time.Minute)
			}
			r.Observations = append(r.Observations, o)
		}
		return r
	})
}

// states draws a state after a few reports.
func states() *rapid.Generator[State] {
	return rapid.Custom(func(t *rapid.T) State {
		var s State
		for range rapid.IntRange(0, 4).Draw(t, "reports") {
			s, _, _ = s.Apply(observations().Draw(t, "report"), noon)
		}
		return s
	})
}
