package kiaus

import (
	"strings"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/internal/leaf"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// A status (docs/protocol/usa-kia.md §5): {vehicleConfig, service, lastVehicleInfo} of a cached read, or the vehicleStatus in
// it alone of a forced one. All times are UTC, whatever the offset beside them says.

// decodeInfo reads the answer to a cached read.
func decodeInfo(info leaf.Value, r *vehicle.Report) {
	decodeStatus(info.Get(statusPath), r)
	decodeBeside(info, r)
}

const statusPath = "lastVehicleInfo.vehicleStatusRpt.vehicleStatus"

// decodeStatus reads the vehicleStatus object.
func decodeStatus(status leaf.Value, r *vehicle.Report) {
	reportedAt(r, status.Get("syncDate.utc"))
	leaf.Follow(r, status, statusRules)
}

// decodeBeside reads what a cached answer holds beside the vehicleStatus. It is as old as that.
func decodeBeside(info leaf.Value, r *vehicle.Report) {
	if r.Reported.IsZero() {
		if at, refused := leaf.AsUTC(info.Get(statusPath + ".syncDate.utc")); refused == "" {
			r.Reported = at
		}
	}
	leaf.Follow(r, info, besideRules)
	// docs/protocol/usa-kia.md §4.5, §5
	leaf.TakePosition(r, info.Get("lastVehicleInfo.location"), leaf.Position{Time: "syncDate.utc", Speed: vehicle.KilometrePerHour})
}

// reportedAt notes when the car reported. A time that is missing or cannot be read leaves the report without one, which
// never counts as newer than what is known.
func reportedAt(r *vehicle.Report, at leaf.Value) {
	if at.Missing() {
		return
	}
	when, refused := leaf.AsUTC(at)
	if refused != "" {
		r.Refuse(vehicle.LastUpdatedAt, refused, at.Raw())
		return
	}
	r.Reported = when
	vehicle.LastUpdatedAt.Set(r, when, at.Raw())
}

// statusRules are relative to vehicleStatus. Its windowStatus is not read: it said 1 of the closed windows of a parked
// hybrid, and nobody knows what that means (docs/protocol/usa-kia.md §5, §11).
var statusRules = []leaf.Rule{
	leaf.Battery12V("batteryStatus.stateOfCharge"),
	leaf.Flag(vehicle.EngineRunning, "engine"),
	leaf.Flag(vehicle.Ignition3, "ign3"),
	leaf.Flag(vehicle.Transmission, "transCond"),
	leaf.Flag(vehicle.SleepMode, "sleepMode"),
	leaf.Flag(vehicle.ValetMode, "valetParkingMode"),

	airTemperature,
	leaf.Flag(vehicle.AirControl, "climate.airCtrl"),
	leaf.Flag(vehicle.Defrost, "climate.defrost"),
	leaf.Flag(vehicle.SteeringHeater, "climate.heatingAccessory.steeringWheel"),
	leaf.Flag(vehicle.RearHeater, "climate.heatingAccessory.rearWindow"),
	leaf.Flag(vehicle.MirrorHeater, "climate.heatingAccessory.sideMirror"),
	seat(vehicle.SeatFrontLeft, "climate.heatVentSeat.driverSeat"),
	seat(vehicle.SeatFrontRight, "climate.heatVentSeat.passengerSeat"),
	seat(vehicle.SeatRearLeft, "climate.heatVentSeat.rearLeftSeat"),
	seat(vehicle.SeatRearRight, "climate.heatVentSeat.rearRightSeat"),
	leaf.At(vehicle.HeaterFrontLeft, "seatHeaterVentState.flSeatHeatState", asHeater),
	leaf.At(vehicle.HeaterFrontRight, "seatHeaterVentState.frSeatHeatState", asHeater),
	leaf.At(vehicle.HeaterRearLeft, "seatHeaterVentState.rlSeatHeatState", asHeater),
	leaf.At(vehicle.HeaterRearRight, "seatHeaterVentState.rrSeatHeatState", asHeater),

	leaf.Flag(vehicle.Locked, "doorLock"),
	leaf.Flag(vehicle.DoorFrontLeft, "doorStatus.frontLeft"),
	leaf.Flag(vehicle.DoorFrontRight, "doorStatus.frontRight"),
	leaf.Flag(vehicle.DoorBackLeft, "doorStatus.backLeft"),
	leaf.Flag(vehicle.DoorBackRight, "doorStatus.backRight"),
	leaf.Flag(vehicle.Hood, "doorStatus.hood"),
	leaf.Flag(vehicle.Trunk, "doorStatus.trunk"),
	window(vehicle.WindowFrontLeft, "windowOpen.frontLeft", "evStatus.windowStatus.windowFL"),
	window(vehicle.WindowFrontRight, "windowOpen.frontRight", "evStatus.windowStatus.windowFR"),
	window(vehicle.WindowBackLeft, "windowOpen.backLeft", "evStatus.windowStatus.windowRL"),
	window(vehicle.WindowBackRight, "windowOpen.backRight", "evStatus.windowStatus.windowRR"),
	leaf.Flag(vehicle.Sunroof, "sunroofOpen"),

	leaf.Flag(vehicle.TireWarning, "tirePressure.all"),
	leaf.Flag(vehicle.TireWarningFrontLeft, "tirePressure.frontLeft"),
	leaf.Flag(vehicle.TireWarningFrontRight, "tirePressure.frontRight"),
	leaf.Flag(vehicle.TireWarningRearLeft, "tirePressure.rearLeft"),
	leaf.Flag(vehicle.TireWarningRearRight, "tirePressure.rearRight"),
	leaf.Flag(vehicle.WasherFluidLow, "washerFluidStatus"),
	brakeFluid,
	leaf.Flag(vehicle.KeyBatteryLow, "smartKeyBatteryWarning"),

	fuelLevel,
	leaf.Flag(vehicle.FuelLow, "lowFuelLight"),
	fuelRange,

	leaf.Percent(vehicle.SoC, "evStatus.batteryStatus"),
	leaf.Flag(vehicle.Charging, "evStatus.batteryCharge"),
	plug("evStatus.batteryPlugin"),
	leaf.Quantity(vehicle.ChargingPower, "evStatus.realTimePower", vehicle.Kilowatt),
	leaf.Flag(vehicle.PreconditionOn, "evStatus.batteryPrecondition"),
	leaf.Distance(vehicle.EVRange, ranges+"evModeRange"),
	leaf.Distance(vehicle.TotalRange, ranges+"totalAvailableRange"),
	chargeTimes,
	func(r *vehicle.Report, status leaf.Value) { readLimits(r, status.Get("evStatus.targetSOC")) },
}

const ranges = "evStatus.drvDistance.0.rangeByFuel."

// besideRules are relative to an entry of vehicleInfoList.
var besideRules = []leaf.Rule{
	leaf.Quantity(vehicle.Odometer, "vehicleConfig.vehicleDetail.vehicle.mileage", vehicle.Mile),
	nextService,
	leaf.Quantity(vehicle.LastService, "service.msopServiceOdometer", vehicle.Mile),
	leaf.Number(vehicle.DTCCount, "lastVehicleInfo.activeDTC.dtcActiveCount"),
	leaf.At(vehicle.DTCDescriptions, "lastVehicleInfo.activeDTC.dtcCategory", asList),
}

// airTemperature reads the temperature that is set: a number as text, or the words for what lies beyond the range. OFF says
// nothing about it. Where no unit stands beside it, it is °F.
func airTemperature(r *vehicle.Report, status leaf.Value) {
	block := status.Get("climate.airTemp")
	text := strings.ToUpper(strings.TrimSpace(block.Get("value").Str()))
	if text == "OFF" {
		return
	}
	leaf.Take(r, vehicle.AirTemperature, block.Get("value"), func(at leaf.Value) (vehicle.Quantity, vehicle.Refused) {
		switch text {
		case "LOW":
			return vehicle.Quantity{Value: lowestF, Unit: vehicle.Fahrenheit}, ""
		case "HIGH":
			return vehicle.Quantity{Value: highestF, Unit: vehicle.Fahrenheit}, ""
		}
		degrees, refused := leaf.AsNumber(at)
		if refused != "" {
			return vehicle.Quantity{}, refused
		}
		unit := vehicle.Fahrenheit
		if leafUnit := block.Get("unit"); !leafUnit.Missing() {
			switch code, wrong := leaf.AsCode(leafUnit); {
			case wrong == "" && code == 0:
				unit = vehicle.Celsius
			case wrong != "" || code != 1:
				return vehicle.Quantity{}, vehicle.RefusedUnit
			}
		}
		return vehicle.Quantity{Value: degrees, Unit: unit}, ""
	})
}

// seats are the states by type and level: 1 heats and 2 cools, each with levels from 2, low, to 4, high. It is what the
// commands send (docs/protocol/usa-kia.md §6.2), read backwards; assumed.
var seats = map[[2]int]vehicle.Seat{
	{1, 2}: vehicle.SeatLowHeat, {1, 3}: vehicle.SeatMediumHeat, {1, 4}: vehicle.SeatHighHeat,
	{2, 2}: vehicle.SeatLowCool, {2, 3}: vehicle.SeatMediumCool, {2, 4}: vehicle.SeatHighCool,
}

func seat(p vehicle.Point[vehicle.Seat], path string) leaf.Rule {
	return func(r *vehicle.Report, status leaf.Value) {
		block := status.Get(path)
		leaf.Take(r, p, block.Get("heatVentType"), func(at leaf.Value) (vehicle.Seat, vehicle.Refused) {
			kind, refused := leaf.AsCode(at)
			if refused != "" {
				return 0, refused
			}
			if kind == 0 {
				return vehicle.SeatOff, ""
			}
			level, refused := leaf.AsCode(block.Get("heatVentLevel"))
			if refused != "" {
				return 0, refused
			}
			s, known := seats[[2]int{kind, level}]
			if !known {
				return 0, vehicle.RefusedCode
			}
			return s, ""
		})
	}
}

// asHeater reads a seat's code for whether it heats.
func asHeater(at leaf.Value) (bool, vehicle.Refused) {
	code, refused := leaf.AsState(at)
	if refused != "" {
		return false, refused
	}
	s, known := vehicle.SeatOf(code)
	if !known {
		return false, vehicle.RefusedCode
	}
	return s == vehicle.SeatOn || s >= vehicle.SeatLowHeat, ""
}

// window reads a window from where the answer has it.
func window(p vehicle.Point[bool], path, otherwise string) leaf.Rule {
	return func(r *vehicle.Report, status leaf.Value) {
		at := status.Get(path)
		if at.Missing() {
			at = status.Get(otherwise)
		}
		leaf.Take(r, p, at, leaf.AsFlag)
	}
}

// brakeFluid reads the flag under both of its spellings; real answers have the right one.
func brakeFluid(r *vehicle.Report, status leaf.Value) {
	at := status.Get("brakeOilStatus")
	if at.Missing() {
		at = status.Get("breakOilStatus")
	}
	leaf.Take(r, vehicle.BrakeFluidLow, at, leaf.AsFlag)
}

// fuelLevel reads the tank; electric cars say false.
func fuelLevel(r *vehicle.Report, status leaf.Value) {
	if at := status.Get("fuelLevel"); at.Kind() != 'f' {
		leaf.Take(r, vehicle.FuelLevel, at, func(at leaf.Value) (vehicle.Percent, vehicle.Refused) {
			n, refused := leaf.AsNumber(at)
			return vehicle.Percent(n), refused
		})
	}
}

// fuelRange prefers the range by fuel, where that is one. For electric cars distanceToEmpty is the electric range.
func fuelRange(r *vehicle.Report, status leaf.Value) {
	gas := status.Get(ranges + "gasModeRange")
	if n, refused := leaf.AsNumber(gas.Get("value")); !gas.Get("value").Missing() && (refused != "" || n != 0) {
		leaf.TakeDistance(r, vehicle.FuelRange, gas)
		return
	}
	if status.Get("evStatus").Object() && gas.Get("value").Missing() {
		return
	}
	leaf.TakeDistance(r, vehicle.FuelRange, status.Get("distanceToEmpty"))
}

// plug reads what is plugged in: 0 nothing, 1 DC, more is AC.
func plug(path string) leaf.Rule {
	return func(r *vehicle.Report, status leaf.Value) {
		at := status.Get(path)
		leaf.Take(r, vehicle.PluggedIn, at, leaf.AsFlag)
		leaf.Take(r, vehicle.PlugType, at, func(at leaf.Value) (vehicle.Plug, vehicle.Refused) {
			code, refused := leaf.AsState(at)
			if refused == "" && code < 0 {
				refused = vehicle.RefusedCode
			}
			return vehicle.Plug(min(max(code, 0), int(vehicle.PlugAC))), refused
		})
	}
}

// nextService reads the reading at which the next service is due.
func nextService(r *vehicle.Report, info leaf.Value) {
	at := info.Get("vehicleConfig.maintenance.nextServiceMile")
	if at.Missing() {
		at = info.Get("service.imatServiceOdometer")
	}
	leaf.Take(r, vehicle.NextService, at, leaf.InUnit(vehicle.Mile))
}

// chargeTimes reads how long charging takes: of the kinds 1, 2 and 3 on a fast charger, a portable one and a station, and 4 as
// it is charging now. A lone entry is about the charger that is plugged in, whatever its kind. A car that does not charge has
// several, which all say what would be, and nothing is left to wait for; otherwise all clients take the first
// (docs/protocol/usa-kia.md §5).
func chargeTimes(r *vehicle.Report, status leaf.Value) {
	list := status.Get("evStatus.remainChargeTime")
	times := [5]leaf.Value{1: list.Get("0.etc1.value"), 2: list.Get("0.etc2.value"), 3: list.Get("0.etc3.value")}
	for entry := range list.All() {
		if kind, refused := leaf.AsCode(entry.Get("remainChargeType")); refused == "" && kind > 0 && kind < len(times) {
			times[kind] = entry.Get("timeInterval.value")
		}
	}
	leaf.Take(r, vehicle.ChargeTimeFast, times[1], leaf.AsMinutes)
	leaf.Take(r, vehicle.ChargeTimePort, times[2], leaf.AsMinutes)
	leaf.Take(r, vehicle.ChargeTimeAC, times[3], leaf.AsMinutes)
	charging := status.Get("evStatus.batteryCharge")
	switch on, refused := leaf.AsFlag(charging); {
	case !times[4].Missing():
		leaf.Take(r, vehicle.ChargeTime, times[4], leaf.AsMinutes)
	case list.Object(): // as one page shows it
		leaf.Take(r, vehicle.ChargeTime, list.Get("value"), leaf.AsMinutes)
	case list.Len() > 1 && refused == "" && !charging.Missing() && !on:
		vehicle.ChargeTime.Set(r, 0, charging.Raw())
	default:
		leaf.Take(r, vehicle.ChargeTime, list.Get("0.timeInterval.value"), leaf.AsMinutes)
	}
}

// readLimits reads charge limits: plug 0 is DC and 1 is AC, and of several entries for a plug the last is the true one. What
// is no number or not above 0, as fresh sessions answer, says nothing (docs/protocol/usa-kia.md §4.3).
func readLimits(r *vehicle.Report, list leaf.Value) {
	for _, limit := range []struct {
		point vehicle.Point[vehicle.Percent]
		plug  int
	}{{vehicle.LimitDC, 0}, {vehicle.LimitAC, 1}} {
		var found leaf.Value
		for entry := range list.All() {
			plug, refused := leaf.AsCode(entry.Get("plugType"))
			level, wrong := leaf.AsNumber(entry.Get("targetSOClevel"))
			if refused == "" && wrong == "" && plug == limit.plug && level > 0 {
				found = entry.Get("targetSOClevel")
			}
		}
		leaf.Take(r, limit.point, found, func(at leaf.Value) (vehicle.Percent, vehicle.Refused) {
			n, refused := leaf.AsNumber(at)
			return vehicle.Percent(n), refused
		})
	}
}

// asList joins a list of texts. An empty one says that there is nothing to name.
func asList(at leaf.Value) (string, vehicle.Refused) {
	if at.Kind() != '[' {
		return "", vehicle.RefusedType
	}
	var words []string
	for entry := range at.All() {
		if word := entry.Str(); word != "" {
			words = append(words, word)
		}
	}
	return strings.Join(words, ", "), ""
}
