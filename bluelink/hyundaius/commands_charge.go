package hyundaius

import (
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/internal/want"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// target is a charge limit; plug 0 is DC, 1 is AC.
type target struct {
	Plug  int `json:"plugType"`
	Level int `json:"targetSOClevel"`
}

// targets fills in the limit that is not given with the one that the car reports. Where that is not known the other goes
// alone, as one client sends it (§6).
func targets(limits vehicle.ChargeLimits, o order) (any, error) {
	if !limits.AC.Given && !limits.DC.Given {
		return nil, want.Invalid("neither the AC nor the DC limit is given")
	}
	var list []target
	for _, one := range []struct {
		name  string
		plug  int
		asked vehicle.Optional[int]
		point vehicle.Point[vehicle.Percent]
	}{{"DC", 0, limits.DC, vehicle.LimitDC}, {"AC", 1, limits.AC, vehicle.LimitAC}} {
		level, known := one.asked.Value, one.asked.Given
		if !known {
			var is vehicle.Percent
			is, known = one.point.Of(o.ask.Known)
			level = int(is)
			known = known && vehicle.Percent(level) == is && allowed(level)
		} else if !allowed(level) {
			return nil, want.Invalid("the %s limit must be 50 to 100 %% in steps of 10, not %d %%", one.name, level)
		}
		if known {
			list = append(list, target{one.plug, level})
		}
	}
	return struct {
		List []target `json:"targetSOClist"`
	}{list}, nil
}

func allowed(level int) bool { return level >= 50 && level <= 100 && level%10 == 0 }
