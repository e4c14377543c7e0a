package ccapi

import (
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/internal/want"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// Commands that look the same for all cars (docs/protocol/europe.md §6).

type limitsBody struct {
	List []plugLimit `json:"targetSOClist"`
}

// plugLimit is a charge limit; plug 0 is DC, 1 is AC.
type plugLimit struct {
	Plug  int `json:"plugType"`
	Level int `json:"targetSOClevel"`
}

// chargeLimits fills in the limit that is not given with the one that the car reports: the cloud takes both, and ignores
// one alone (kia_uvo#629). What the car has not reported is not guessed. A plug-in hybrid that reports no DC limit has
// none.
func chargeLimits(limits vehicle.ChargeLimits, o order) (any, error) {
	if !limits.AC.Given && !limits.DC.Given {
		return nil, want.Invalid("neither the AC nor the DC limit is given")
	}
	ac, err := want.Limit("AC", limits.AC, vehicle.LimitAC, o.ask.Known)
	if err != nil {
		return nil, err
	}
	if _, known := vehicle.LimitDC.Of(o.ask.Known); !limits.DC.Given && !known && o.ask.Vehicle.Engine == vehicle.PHEV {
		return limitsBody{[]plugLimit{{1, ac}}}, nil
	}
	dc, err := want.Limit("DC", limits.DC, vehicle.LimitDC, o.ask.Known)
	if err != nil {
		return nil, err
	}
	return limitsBody{[]plugLimit{{0, dc}, {1, ac}}}, nil
}

func chargingCurrent(current vehicle.SetChargingCurrent, _ order) (any, error) {
	if current.Level < 1 || current.Level > 3 {
		return nil, want.Invalid("the level must be 1, 2 or 3, not %d", current.Level)
	}
	return map[string]int{"chargingCurrent": current.Level}, nil
}

func dischargeLimit(limit vehicle.SetV2LLimit, _ order) (any, error) {
	if limit.Limit < 20 || limit.Limit > 80 || limit.Limit%10 != 0 {
		return nil, want.Invalid("the limit must be 20 to 80 %% in steps of 10, not %d %%", limit.Limit)
	}
	return map[string]int{"dischargingLimit": limit.Limit}, nil
}

type windowsBody struct {
	BackLeft   *int `json:"backLeft"`
	BackRight  *int `json:"backRight"`
	FrontLeft  *int `json:"frontLeft"`
	FrontRight *int `json:"frontRight"`
}

// windows sends null for a window that is not given (docs/protocol/europe.md §6.4, §10: null leaves it as it is, assumed).
// To repeat what was reported of it last could move a window that nobody spoke of, and that somebody has opened since.
func windows(w vehicle.Windows, _ order) (any, error) {
	var body windowsBody
	some := false
	for _, one := range []struct {
		asked vehicle.Optional[vehicle.Opening]
		into  **int
	}{{w.FrontLeft, &body.FrontLeft}, {w.FrontRight, &body.FrontRight}, {w.BackLeft, &body.BackLeft}, {w.BackRight, &body.BackRight}} {
		if !one.asked.Given {
			continue
		}
		code := int(one.asked.Value)
		if code > int(vehicle.Ventilated) {
			return nil, want.Invalid("a window must be 0, 1 or 2, not %d", code)
		}
		*one.into, some = &code, true
	}
	if !some {
		return nil, want.Invalid("no window is given")
	}
	return body, nil
}
