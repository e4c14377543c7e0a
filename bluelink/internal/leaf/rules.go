package leaf

import (
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// A Rule reads one data point, or a few that belong together, from where a family's table says that they stand. All rules
// keep the same truth: a missing leaf says nothing; a leaf that is the wire's way to say "no value", or that cannot be
// read, is refused with its reason; values stay in the car's unit.
type Rule func(r *vehicle.Report, root Value)

// Follow reads what a table names.
func Follow(r *vehicle.Report, root Value, rules []Rule) {
	for _, read := range rules {
		read(r, root)
	}
}

// Take reads one leaf into a report.
func Take[T any](r *vehicle.Report, p vehicle.Point[T], leaf Value, convert func(Value) (T, vehicle.Refused)) {
	if leaf.Missing() {
		return
	}
	v, refused := convert(leaf)
	if refused != "" {
		r.Refuse(p, refused, leaf.Raw())
		return
	}
	p.Set(r, v, leaf.Raw())
}

// At is a rule about the leaf at a path.
func At[T any](p vehicle.Point[T], path string, convert func(Value) (T, vehicle.Refused)) Rule {
	return func(r *vehicle.Report, root Value) { Take(r, p, root.Get(path), convert) }
}

// Flag reads 0 and 1, true and false.
func Flag(p vehicle.Point[bool], path string) Rule { return At(p, path, AsFlag) }

// Percent reads a share of one hundred.
func Percent(p vehicle.Point[vehicle.Percent], path string) Rule {
	return At(p, path, func(leaf Value) (vehicle.Percent, vehicle.Refused) {
		n, refused := AsNumber(leaf)
		return vehicle.Percent(n), refused
	})
}

// Number reads a count, code or level.
func Number(p vehicle.Point[vehicle.Number], path string) Rule {
	return At(p, path, func(leaf Value) (vehicle.Number, vehicle.Refused) {
		n, refused := AsNumber(leaf)
		return vehicle.Number(n), refused
	})
}

// Quantity reads a number whose unit is always the same.
func Quantity(p vehicle.Point[vehicle.Quantity], path string, unit vehicle.Unit) Rule {
	return At(p, path, InUnit(unit))
}

// InUnit reads a number in a unit.
func InUnit(unit vehicle.Unit) func(Value) (vehicle.Quantity, vehicle.Refused) {
	return func(leaf Value) (vehicle.Quantity, vehicle.Refused) {
		n, refused := AsNumber(leaf)
		return vehicle.Quantity{Value: n, Unit: unit}, refused
	}
}

// Distance reads {value, unit} in the codes of [AsDistanceUnit].
func Distance(p vehicle.Point[vehicle.Quantity], path string) Rule {
	return func(r *vehicle.Report, root Value) { TakeDistance(r, p, root.Get(path)) }
}

// TakeDistance reads {value, unit} into a report.
func TakeDistance(r *vehicle.Report, p vehicle.Point[vehicle.Quantity], block Value) {
	Take(r, p, block.Get("value"), func(leaf Value) (vehicle.Quantity, vehicle.Refused) {
		n, refused := AsNumber(leaf)
		if refused != "" {
			return vehicle.Quantity{}, refused
		}
		unit, refused := AsDistanceUnit(block.Get("unit"))
		return vehicle.Quantity{Value: n, Unit: unit}, refused
	})
}

// Minutes reads a number of minutes.
func Minutes(p vehicle.Point[time.Duration], path string) Rule { return At(p, path, AsMinutes) }

// Seat reads the code of a seat (docs/protocol/vehicle-model.md §4.1).
func Seat(p vehicle.Point[vehicle.Seat], path string) Rule {
	return At(p, path, func(leaf Value) (vehicle.Seat, vehicle.Refused) {
		code, refused := AsState(leaf)
		if refused != "" {
			return 0, refused
		}
		s, ok := vehicle.SeatOf(code)
		if !ok {
			return 0, vehicle.RefusedCode
		}
		return s, ""
	})
}

// Battery12V reads the charge of the 12 V battery; 255 is no value (docs/protocol/ccs2-status.md §2).
func Battery12V(path string) Rule {
	return At(vehicle.Battery12V, path, func(leaf Value) (vehicle.Percent, vehicle.Refused) {
		n, refused := AsNumber(leaf)
		if refused == "" && n == 255 {
			refused = vehicle.RefusedSentinel
		}
		return vehicle.Percent(n), refused
	})
}

// Plug reads what is plugged in: 0 nothing, 1 DC, 2 portable charger, 3 AC station (docs/protocol/europe.md §5.1).
func Plug(path string) Rule {
	return func(r *vehicle.Report, root Value) {
		leaf := root.Get(path)
		Take(r, vehicle.PluggedIn, leaf, AsFlag)
		Take(r, vehicle.PlugType, leaf, func(leaf Value) (vehicle.Plug, vehicle.Refused) {
			code, refused := AsCode(leaf)
			if refused == "" && (code < 0 || code > int(vehicle.PlugAC)) {
				refused = vehicle.RefusedCode
			}
			return vehicle.Plug(code & 3), refused
		})
	}
}

// ChargePort reads the port's lid: 1 open, 2 closed; 0 says nothing.
func ChargePort(path string) Rule {
	return func(r *vehicle.Report, root Value) {
		leaf := root.Get(path)
		if code, refused := AsState(leaf); refused == "" && code == 0 {
			return
		}
		Take(r, vehicle.ChargePortOpen, leaf, AsThreeState)
	}
}

// Days reads a list of weekdays, Sunday 0; [9] is none.
func Days(p vehicle.Point[vehicle.Days], path string) Rule {
	return At(p, path, func(leaf Value) (vehicle.Days, vehicle.Refused) {
		if leaf.Kind() != '[' {
			return nil, vehicle.RefusedType
		}
		days := vehicle.Days{}
		for entry := range leaf.All() {
			day, refused := AsCode(entry)
			switch {
			case refused != "":
				return nil, refused
			case day == 9:
			case day < 0 || day > 6:
				return nil, vehicle.RefusedCode
			default:
				days = append(days, time.Weekday(day))
			}
		}
		return days, ""
	})
}

// Timer12 reads {time, timeSection}: "hhmm" on a 12-hour clock, and 0 for AM or 1 for PM (docs/protocol/europe.md §5.2).
func Timer12(p vehicle.Point[vehicle.TimeOfDay], path string) Rule {
	return func(r *vehicle.Report, root Value) {
		block := root.Get(path)
		Take(r, p, block.Get("time"), func(leaf Value) (vehicle.TimeOfDay, vehicle.Refused) {
			return AsTimer12(leaf, block.Get("timeSection"))
		})
	}
}
