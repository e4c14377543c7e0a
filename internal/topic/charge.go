package topic

import (
	"strings"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// ChargeState is one word for plug, charging and schedule together.
type ChargeState string

// The charge states. No cloud tells a charging fault today, so ChargeError is a word without a source: discovery lists it,
// and an automation that waits for it will not have to change.
const (
	Unplugged   ChargeState = "unplugged"
	Plugged     ChargeState = "plugged"
	Scheduled   ChargeState = "scheduled"
	ChargingAC  ChargeState = "charging_ac"
	ChargingDC  ChargeState = "charging_dc"
	Complete    ChargeState = "complete"
	ChargeError ChargeState = "error"
	Unknown     ChargeState = "unknown"
)

// ChargeStates is the closed list, for enumerations.
func ChargeStates() []ChargeState {
	return []ChargeState{Unplugged, Plugged, Scheduled, ChargingAC, ChargingDC, Complete, ChargeError, Unknown}
}

// strongestAC is the power in kW of the strongest on-board charger; what is above comes from a DC station.
const strongestAC = 22

// ChargeStateOf derives the charge state. Data that contradict each other, or are too few to tell, give unknown; so does
// a plug that vanishes at the very end of charging, until a newer report says so too (vehicle.State.Apply).
//
// The flat protocol says which plug is in; the CCS2 tree only whether one is (docs/protocol/europe.md §5.1,
// ccs2-status.md), so there the power decides between AC and DC (assumed: a DC station that gives less than 22 kW reads
// as AC). Without charge limit only a full battery is complete.
func ChargeStateOf(s vehicle.State) ChargeState {
	charging, chargingKnown := vehicle.Charging.Of(s)
	plugged, pluggedKnown := vehicle.PluggedIn.Of(s)
	plug, plugKnown := vehicle.PlugType.Of(s)
	if plugKnown && !pluggedKnown {
		plugged, pluggedKnown = plug != vehicle.PlugNone, true
	}
	switch {
	case plugKnown && plugged != (plug != vehicle.PlugNone), charging && pluggedKnown && !plugged:
		return Unknown
	case charging && waits(s):
		return Scheduled
	case charging && plugKnown:
		if plug == vehicle.PlugDC {
			return ChargingDC
		}
		return ChargingAC
	case charging:
		return byPower(s)
	case pluggedKnown && !plugged:
		return Unplugged
	case !pluggedKnown || !chargingKnown:
		return Unknown
	}
	limit, limitKnown := vehicle.LimitAC.Of(s)
	if plugKnown && plug == vehicle.PlugDC {
		limit, limitKnown = vehicle.LimitDC.Of(s)
	}
	if !limitKnown {
		limit = 100
	}
	if level, ok := vehicle.SoC.Of(s); ok && level >= limit {
		return Complete
	}
	if scheduled, _ := vehicle.ScheduledChargingOn.Of(s); scheduled {
		return Scheduled
	}
	return Plugged
}

// waits tells whether what is called charging draws no power while a schedule is on: cars were seen to say so until the
// cheap hours begin (kia_uvo#1661).
func waits(s vehicle.State) bool {
	scheduled, _ := vehicle.ScheduledChargingOn.Of(s)
	power, known := vehicle.ChargingPower.Of(s)
	return scheduled && known && power.Value == 0
}

// byPower tells AC from DC where the plug is not told. Charging without power is a contradiction.
func byPower(s vehicle.State) ChargeState {
	power, ok := vehicle.ChargingPower.Of(s)
	switch {
	case !ok || power.Value <= 0:
		return Unknown
	case power.Value > strongestAC:
		return ChargingDC
	}
	return ChargingAC
}

func chargeStateValue(dst []byte, _ Units, s vehicle.State) ([]byte, string) {
	return appendText(dst, string(ChargeStateOf(s))), ""
}

// chargeStateWords is the closed list for docs/topics.md.
func chargeStateWords() string {
	var all []string
	for _, state := range ChargeStates() {
		all = append(all, "`"+string(state)+"`")
	}
	return strings.Join(all, ", ")
}
