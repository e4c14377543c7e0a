package ccapi

import (
	"slices"
	"strconv"
	"strings"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// The flat form (docs/protocol/europe.md §5.1): {vehicleStatus, vehicleLocation, odometer} of a cached read, or the
// vehicleStatus alone of a forced one.

// decodeFlat reads the answer to a read.
func decodeFlat(f *format, root value, c clock, r *vehicle.Report) {
	status := f.flatOf(root)
	decodeFlatStatus(f, status, c, r)
	odometer := root.get("odometer")
	if f.odometerInside {
		odometer = status.get("odometer")
	}
	(&decoding{Report: r, root: odometer, format: f}).follow(odometerRules)
	readPosition(r, root.get("vehicleLocation"), c)
}

// flatOf is the status in an answer: in its object, or bare, as forced reads and some regions send it.
func (f *format) flatOf(root value) value {
	if inner := root.get(f.flatStatus); f.flatStatus != "" && inner.kind() == '{' {
		return inner
	}
	return root
}

// decodeFlatStatus reads the vehicleStatus object, whose time is on the given clock.
func decodeFlatStatus(f *format, root value, c clock, r *vehicle.Report) {
	r.Observations = slices.Grow(r.Observations, most)
	d := &decoding{Report: r, root: root, format: f}
	if f.anyClock {
		c = c.newest(root.get("time"))
	}
	d.reportedAt(root.get("time"), c)
	d.follow(f.rules)
}

// isFlatStatus tells a vehicleStatus from the bare metadata with which a CCS2 car answers a forced read of the flat form;
// to believe those would wipe all that is known (docs/protocol/europe.md §4; seen).
func isFlatStatus(leaf value) bool {
	return !leaf.get("doorLock").missing() || !leaf.get("engine").missing()
}

var odometerRules = []rule{distance(vehicle.Odometer, "value", "unit")}

// flatRules are relative to vehicleStatus.
var flatRules = []rule{
	flag(vehicle.EngineRunning, "engine"),
	twelveVolt("battery.batSoc", ""),

	hexTemperature(vehicle.AirTemperature, "airTemp"),
	flag(vehicle.AirControl, "airCtrlOn"),
	flag(vehicle.Defrost, "defrost"),
	threeState(vehicle.SteeringHeater, "steerWheelHeat"),
	flag(vehicle.RearHeater, "sideBackWindowHeat"),
	flag(vehicle.MirrorHeater, "sideMirrorHeat"),
	seat(vehicle.SeatFrontLeft, "seatHeaterVentState.flSeatHeatState"),
	seat(vehicle.SeatFrontRight, "seatHeaterVentState.frSeatHeatState"),
	seat(vehicle.SeatRearLeft, "seatHeaterVentState.rlSeatHeatState"),
	seat(vehicle.SeatRearRight, "seatHeaterVentState.rrSeatHeatState"),

	flag(vehicle.Locked, "doorLock"),
	flag(vehicle.DoorFrontLeft, "doorOpen.frontLeft"),
	flag(vehicle.DoorFrontRight, "doorOpen.frontRight"),
	flag(vehicle.DoorBackLeft, "doorOpen.backLeft"),
	flag(vehicle.DoorBackRight, "doorOpen.backRight"),
	flag(vehicle.Hood, "hoodOpen"),
	flag(vehicle.Trunk, "trunkOpen"),
	flag(vehicle.WindowFrontLeft, "windowOpen.frontLeft"),
	flag(vehicle.WindowFrontRight, "windowOpen.frontRight"),
	flag(vehicle.WindowBackLeft, "windowOpen.backLeft"),
	flag(vehicle.WindowBackRight, "windowOpen.backRight"),

	flag(vehicle.TireWarning, "tirePressureLamp.tirePressureLampAll"),
	flag(vehicle.TireWarningFrontLeft, "tirePressureLamp.tirePressureLampFL"),
	flag(vehicle.TireWarningFrontRight, "tirePressureLamp.tirePressureLampFR"),
	flag(vehicle.TireWarningRearLeft, "tirePressureLamp.tirePressureLampRL"),
	flag(vehicle.TireWarningRearRight, "tirePressureLamp.tirePressureLampRR"),

	flag(vehicle.HeadLamp, "lampWireStatus.headLamp.headLampStatus"),
	flag(vehicle.HeadLampLeftLow, "lampWireStatus.headLamp.leftLowLamp"),
	flag(vehicle.HeadLampRightLow, "lampWireStatus.headLamp.rightLowLamp"),
	flag(vehicle.HeadLampLeftHigh, "lampWireStatus.headLamp.leftHighLamp"),
	flag(vehicle.HeadLampRightHigh, "lampWireStatus.headLamp.rightHighLamp"),
	flag(vehicle.HeadLampLeftBi, "lampWireStatus.headLamp.leftBifuncLamp"),
	flag(vehicle.HeadLampRightBi, "lampWireStatus.headLamp.rightBifuncLamp"),
	flag(vehicle.StopLampLeft, "lampWireStatus.stopLamp.leftLamp"),
	flag(vehicle.StopLampRight, "lampWireStatus.stopLamp.rightLamp"),
	flag(vehicle.TurnLeftFront, "lampWireStatus.turnSignalLamp.leftFrontLamp"),
	flag(vehicle.TurnRightFront, "lampWireStatus.turnSignalLamp.rightFrontLamp"),
	flag(vehicle.TurnLeftRear, "lampWireStatus.turnSignalLamp.leftRearLamp"),
	flag(vehicle.TurnRightRear, "lampWireStatus.turnSignalLamp.rightRearLamp"),

	flag(vehicle.WasherFluidLow, "washerFluidStatus"),
	flag(vehicle.BrakeFluidLow, "breakOilStatus"),
	flag(vehicle.KeyBatteryLow, "smartKeyBatteryWarning"),
	percent(vehicle.FuelLevel, "fuelLevel"),
	flag(vehicle.FuelLow, "lowFuelLight"),

	percent(vehicle.SoC, "evStatus.batteryStatus"),
	stateOfHealth("evStatus.batterySoh"),
	flag(vehicle.Charging, "evStatus.batteryCharge"),
	flatPlug("evStatus.batteryPlugin"),
	chargePort("evStatus.chargePortDoorOpenStatus"),
	quantity(vehicle.ChargingPower, "evStatus.batteryPower.batteryStndChrgPower", vehicle.Kilowatt),
	distance(vehicle.TotalRange, flatRange+"totalAvailableRange.value", flatRange+"totalAvailableRange.unit"),
	distance(vehicle.EVRange, flatRange+"evModeRange.value", flatRange+"evModeRange.unit"),
	flatFuelRange,
	minutes(vehicle.ChargeTime, "evStatus.remainTime2.atc.value"),
	minutes(vehicle.ChargeTimeFast, "evStatus.remainTime2.etc1.value"),
	minutes(vehicle.ChargeTimePort, "evStatus.remainTime2.etc2.value"),
	minutes(vehicle.ChargeTimeAC, "evStatus.remainTime2.etc3.value"),
	flatTargets("evStatus.reservChargeInfos.targetSOClist"),

	flag(vehicle.Departure1On, flatDeparture1+"reservChargeSet"),
	flatDays(vehicle.Departure1Days, flatDeparture1+"reservInfo.day"),
	timer12(vehicle.Departure1Time, flatDeparture1+"reservInfo.time"),
	flag(vehicle.Departure1Climate, flatDeparture1+"reservFatcSet.airCtrl"),
	hexTemperature(vehicle.Departure1Temp, flatDeparture1+"reservFatcSet.airTemp"),
	flag(vehicle.Departure1Defrost, flatDeparture1+"reservFatcSet.defrost"),
	flag(vehicle.Departure2On, flatDeparture2+"reservChargeSet"),
	flatDays(vehicle.Departure2Days, flatDeparture2+"reservInfo.day"),
	timer12(vehicle.Departure2Time, flatDeparture2+"reservInfo.time"),
	flag(vehicle.Departure2Climate, flatDeparture2+"reservFatcSet.airCtrl"),
	hexTemperature(vehicle.Departure2Temp, flatDeparture2+"reservFatcSet.airTemp"),
	flag(vehicle.Departure2Defrost, flatDeparture2+"reservFatcSet.defrost"),
	timer12(vehicle.OffPeakStart, flatOffPeak+"offPeakPowerTime1.starttime"),
	timer12(vehicle.OffPeakEnd, flatOffPeak+"offPeakPowerTime1.endtime"),
	flatOffPeakOnly(flatOffPeak + "offPeakPowerFlag"),
	flag(vehicle.ScheduledChargingOn, "evStatus.reservChargeInfos.reservFlag"),
}

const (
	flatRange      = "evStatus.drvDistance.0.rangeByFuel."
	flatDeparture1 = "evStatus.reservChargeInfos.reservChargeInfo.reservChargeInfoDetail."
	flatDeparture2 = "evStatus.reservChargeInfos.reserveChargeInfo2.reservChargeInfoDetail." // "reserve" is the wire's spelling
	flatOffPeak    = "evStatus.reservChargeInfos.offpeakPowerInfo."
)

// twelveVolt reads the charge of the 12 V battery: 255, and whatever an unreliable sensor says, is no value
// (docs/protocol/ccs2-status.md §2).
func twelveVolt(path, reliabilityPath string) rule {
	return func(d *decoding) {
		unreliable := false
		if reliabilityPath != "" {
			code, refused := asCode(d.get(reliabilityPath))
			unreliable = refused == "" && code == 1
		}
		take(d.Report, vehicle.Battery12V, d.get(path), func(leaf value) (vehicle.Percent, vehicle.Refused) {
			n, refused := asNumber(leaf)
			if refused == "" && (unreliable || n == 255) {
				refused = vehicle.RefusedSentinel
			}
			return vehicle.Percent(int(min(max(n, -1), 1000))), refused
		})
	}
}

// stateOfHealth reads the health of the traction battery; cars that do not know say 0 (docs/protocol/ccs2-status.md §4).
func stateOfHealth(path string) rule {
	return leafRule(vehicle.SoH, path, func(leaf value) (vehicle.Percent, vehicle.Refused) {
		n, refused := asNumber(leaf)
		if refused == "" && n == 0 {
			refused = vehicle.RefusedSentinel
		}
		return vehicle.Percent(n), refused
	})
}

// hexTemperature reads a set temperature, whose code counts half degrees from the region's lowest: "0EH" is 21.0 °C in
// Europe. OFF and FFH are no value.
func hexTemperature(p vehicle.Point[vehicle.Quantity], path string) rule {
	return func(d *decoding) {
		block := d.get(path)
		take(d.Report, p, block.get("value"), func(leaf value) (vehicle.Quantity, vehicle.Refused) {
			degrees, refused := asHexTemperature(leaf, d.format.lowestAir, d.format.highestAir)
			if refused != "" {
				return vehicle.Quantity{}, refused
			}
			unit, refused := asTemperatureUnit(block.get("unit"))
			return vehicle.Quantity{Value: degrees, Unit: unit}, refused
		})
	}
}

func asHexTemperature(leaf value, lowest, highest float64) (float64, vehicle.Refused) {
	if leaf.kind() != '"' {
		return 0, vehicle.RefusedType
	}
	switch leaf.str() {
	case "", "OFF", "FFH":
		return 0, vehicle.RefusedSentinel
	}
	digits, marked := strings.CutSuffix(leaf.str(), "H")
	index, err := strconv.ParseUint(digits, 16, 8)
	degrees := lowest + float64(index)/2
	switch {
	case err != nil || !marked:
		return 0, vehicle.RefusedType
	case degrees > highest:
		return 0, vehicle.RefusedCode
	}
	return degrees, ""
}

// flatPlug reads what is plugged in: 0 nothing, 1 DC, 2 portable charger, 3 AC station.
func flatPlug(path string) rule {
	return func(d *decoding) {
		leaf := d.get(path)
		take(d.Report, vehicle.PluggedIn, leaf, asFlag)
		take(d.Report, vehicle.PlugType, leaf, func(leaf value) (vehicle.Plug, vehicle.Refused) {
			code, refused := asCode(leaf)
			if refused == "" && (code < 0 || code > int(vehicle.PlugAC)) {
				refused = vehicle.RefusedCode
			}
			return vehicle.Plug(code & 3), refused
		})
	}
}

// chargePort reads the port's lid: 1 open, 2 closed; 0 says nothing in the flat form.
func chargePort(path string) rule {
	return func(d *decoding) {
		if code, refused := asState(d.get(path)); refused == "" && code == 0 {
			return
		}
		threeState(vehicle.ChargePortOpen, path)(d)
	}
}

// flatFuelRange prefers the range by fuel, where 0 is a value, to the older leaf, where 0 is none.
func flatFuelRange(d *decoding) {
	if !d.get(flatRange + "gasModeRange.value").missing() {
		distance(vehicle.FuelRange, flatRange+"gasModeRange.value", flatRange+"gasModeRange.unit")(d)
		return
	}
	if n, refused := asNumber(d.get("dte.value")); refused == "" && n == 0 {
		return
	}
	distance(vehicle.FuelRange, "dte.value", "dte.unit")(d)
}

// flatTargets reads the charge limits and the ranges at them. Plug 0 is DC and 1 is AC; of several entries for the same
// plug the last is the true one (docs/protocol/europe.md §4.5).
func flatTargets(path string) rule {
	return func(d *decoding) {
		var dc, ac value
		for entry := d.get(path).first(); entry.Exists(); entry = entry.next() {
			switch plug, refused := asCode(entry.get("plugType")); {
			case refused != "" || entry.get("targetSOClevel").missing():
			case plug == 0:
				dc = entry
			case plug == 1:
				ac = entry
			}
		}
		(&decoding{Report: d.Report, root: ac, format: d.format}).follow(limitRulesAC)
		(&decoding{Report: d.Report, root: dc, format: d.format}).follow(limitRulesDC)
	}
}

var (
	limitRulesAC = []rule{
		percent(vehicle.LimitAC, "targetSOClevel"),
		distance(vehicle.TargetRangeAC, "dte.rangeByFuel.totalAvailableRange.value", "dte.rangeByFuel.totalAvailableRange.unit"),
	}
	limitRulesDC = []rule{
		percent(vehicle.LimitDC, "targetSOClevel"),
		distance(vehicle.TargetRangeDC, "dte.rangeByFuel.totalAvailableRange.value", "dte.rangeByFuel.totalAvailableRange.unit"),
	}
)

// flatDays reads a list of weekdays, Sunday 0; [9] is none.
func flatDays(p vehicle.Point[vehicle.Days], path string) rule {
	return leafRule(p, path, func(leaf value) (vehicle.Days, vehicle.Refused) {
		if leaf.kind() != '[' {
			return nil, vehicle.RefusedType
		}
		days := vehicle.Days{}
		for entry := leaf.first(); entry.Exists(); entry = entry.next() {
			day, refused := asCode(entry)
			switch {
			case refused != "":
				return nil, refused
			case day == 9:
			case day < 0 || day > 6:
				return nil, vehicle.RefusedCode
			default:
				days = append(days, weekday(day))
			}
		}
		return days, ""
	})
}

// flatOffPeakOnly reads 1 as only in the cheap hours and 2 as preferably; 0 says nothing.
func flatOffPeakOnly(path string) rule {
	return func(d *decoding) {
		if code, refused := asState(d.get(path)); refused == "" && code == 0 {
			return
		}
		threeState(vehicle.OffPeakOnly, path)(d)
	}
}
