package ccapi

import (
	"math"
	"strings"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/internal/leaf"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// decoding is a status on its way to a report.
type decoding struct {
	*vehicle.Report
	root   value
	format *format

	path string // of the leaf that was read last
	way  []stop // to it
}

// stop is a value on the way to a leaf, and the length of the path up to it.
type stop struct {
	to int
	at value
}

// get goes down a path from the root. Most rules stand beside others about the same part of the car, so it goes on from
// where the last path and this one part.
func (d *decoding) get(path string) value {
	same := 0
	for same < len(path) && same < len(d.path) && path[same] == d.path[same] {
		same++
	}
	kept, at, from := 0, d.root, 0
	for kept < len(d.way) && d.way[kept].to <= same && (d.way[kept].to == len(path) || path[d.way[kept].to] == '.') {
		at, from = d.way[kept].at, d.way[kept].to+1
		kept++
	}
	d.path, d.way = path, d.way[:kept]
	for from < len(path) && at.Exists() {
		to := len(path)
		if dot := strings.IndexByte(path[from:], '.'); dot >= 0 {
			to = from + dot
		}
		at = at.step(path[from:to])
		d.way = append(d.way, stop{to, at})
		from = to + 1
	}
	return at
}

// most is how many observations a full report holds, about, with what is read beside a status.
const most = 144

// A rule reads one data point, or a few that belong together, from where a table says that they stand. All rules keep the
// same truth: a missing leaf says nothing; a leaf that is the wire's way to say "no value", or that cannot be read, is
// refused with its reason; values stay in the car's unit.
type rule func(*decoding)

func (d *decoding) follow(rules []rule) {
	for _, read := range rules {
		read(d)
	}
}

// leafRule is a rule about one leaf.
func leafRule[T any](p vehicle.Point[T], path string, convert func(value) (T, vehicle.Refused)) rule {
	return func(d *decoding) { take(d.Report, p, d.get(path), convert) }
}

// take reads one leaf into a report.
func take[T any](r *vehicle.Report, p vehicle.Point[T], leaf value, convert func(value) (T, vehicle.Refused)) {
	if leaf.missing() {
		return
	}
	v, refused := convert(leaf)
	if refused != "" {
		r.Refuse(p, refused, leaf.raw())
		return
	}
	p.Set(r, v, leaf.raw())
}

func flag(p vehicle.Point[bool], path string) rule { return leafRule(p, path, asFlag) }

// unless reads a flag whose 1 means no, such as the locks of the CCS2 tree.
func unless(p vehicle.Point[bool], path string) rule {
	return leafRule(p, path, func(leaf value) (bool, vehicle.Refused) {
		on, refused := asFlag(leaf)
		return !on, refused
	})
}

// threeState reads a switch whose 1 means on and whose 0 and 2 mean off (docs/protocol/ccs2-status.md §2).
func threeState(p vehicle.Point[bool], path string) rule { return leafRule(p, path, asThreeState) }

func percent(p vehicle.Point[vehicle.Percent], path string) rule {
	return leafRule(p, path, func(leaf value) (vehicle.Percent, vehicle.Refused) {
		n, refused := asNumber(leaf)
		return vehicle.Percent(n), refused
	})
}

func number(p vehicle.Point[vehicle.Number], path string) rule {
	return leafRule(p, path, func(leaf value) (vehicle.Number, vehicle.Refused) {
		n, refused := asNumber(leaf)
		return vehicle.Number(n), refused
	})
}

func quantity(p vehicle.Point[vehicle.Quantity], path string, unit vehicle.Unit) rule {
	return leafRule(p, path, func(leaf value) (vehicle.Quantity, vehicle.Refused) {
		n, refused := asNumber(leaf)
		return vehicle.Quantity{Value: n, Unit: unit}, refused
	})
}

// withUnit reads a number whose unit another leaf tells.
func withUnit(p vehicle.Point[vehicle.Quantity], path, unitPath string, unitOf func(value) (vehicle.Unit, vehicle.Refused)) rule {
	return func(d *decoding) {
		take(d.Report, p, d.get(path), func(leaf value) (vehicle.Quantity, vehicle.Refused) {
			n, refused := asNumber(leaf)
			if refused != "" {
				return vehicle.Quantity{}, refused
			}
			unit, refused := unitOf(d.get(unitPath))
			return vehicle.Quantity{Value: n, Unit: unit}, refused
		})
	}
}

func distance(p vehicle.Point[vehicle.Quantity], path, unitPath string) rule {
	return withUnit(p, path, unitPath, asDistanceUnit)
}

func minutes(p vehicle.Point[time.Duration], path string) rule { return leafRule(p, path, asMinutes) }

func seat(p vehicle.Point[vehicle.Seat], path string) rule {
	return leafRule(p, path, func(leaf value) (vehicle.Seat, vehicle.Refused) {
		code, refused := asState(leaf)
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

// asNumber reads a number, or a text that is one.
func asNumber(v value) (float64, vehicle.Refused) { return leaf.AsNumber(v.Value) }

// asFlag reads a flag: real cars send 0 and 1, some answers true and false, some "1".
func asFlag(v value) (bool, vehicle.Refused) { return leaf.AsFlag(v.Value) }

// asState reads the code of a state; false and true are 0 and 1.
func asState(v value) (int, vehicle.Refused) { return leaf.AsState(v.Value) }

// asCode reads a small whole number.
func asCode(v value) (int, vehicle.Refused) { return leaf.AsCode(v.Value) }

func asThreeState(v value) (bool, vehicle.Refused) { return leaf.AsThreeState(v.Value) }

// asDistanceUnit reads docs/protocol/ccs2-status.md §4: 0 or nothing unknown, 1 km, 2 and 3 miles.
func asDistanceUnit(v value) (vehicle.Unit, vehicle.Refused) { return leaf.AsDistanceUnit(v.Value) }

// asTemperatureUnit reads docs/protocol/ccs2-status.md §4: nothing unknown, 0 °C, 1 °F.
func asTemperatureUnit(leaf value) (vehicle.Unit, vehicle.Refused) {
	if leaf.missing() {
		return vehicle.NoUnit, ""
	}
	switch code, refused := asCode(leaf); {
	case refused == "" && code == 0:
		return vehicle.Celsius, ""
	case refused == "" && code == 1:
		return vehicle.Fahrenheit, ""
	}
	return vehicle.NoUnit, vehicle.RefusedUnit
}

func asMinutes(v value) (time.Duration, vehicle.Refused) { return leaf.AsMinutes(v.Value) }

// tenths rounds to one decimal, as ranges and pressures are reported elsewhere.
func tenths(n float64) float64 {
	if rounded := math.Round(n*10) / 10; !math.IsInf(rounded, 0) {
		return rounded
	}
	return n
}
