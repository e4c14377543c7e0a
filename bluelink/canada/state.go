package canada

import (
	"strconv"
	"strings"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/internal/leaf"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// A status (docs/protocol/canada.md §4.2, §5), the same of a cached and of a forced read.

// decodeStatus reads the status object of a car of a model year; 0 is an unknown one.
func decodeStatus(status leaf.Value, zone *time.Location, year int, r *vehicle.Report) {
	reportedAt(r, status.Get("lastStatusDate"), zone)
	leaf.Follow(r, status, statusRules)
	airTemperature(r, status.Get("airTemp"), tableOf(year))
}

// statusRules are relative to the status.
var statusRules = []leaf.Rule{
	leaf.Battery12V("battery.batSoc"),
	leaf.Flag(vehicle.EngineRunning, "engine"),
	leaf.Flag(vehicle.AccessoryOn, "acc"),
	leaf.Flag(vehicle.Ignition3, "ign3"),
	leaf.Flag(vehicle.RemoteIgnition, "remoteIgnition"),
	leaf.Flag(vehicle.Transmission, "transCond"),
	leaf.Flag(vehicle.SleepMode, "sleepModeCheck"),

	leaf.Flag(vehicle.AirControl, "airCtrlOn"),
	leaf.Flag(vehicle.Defrost, "defrost"),
	leaf.Flag(vehicle.SteeringHeater, "steerWheelHeat"),
	leaf.Flag(vehicle.RearHeater, "sideBackWindowHeat"),
	leaf.Flag(vehicle.MirrorHeater, "sideMirrorHeat"),
	seat(vehicle.SeatFrontLeft, "fl", "drv"),
	seat(vehicle.SeatFrontRight, "fr", "ast"),
	seat(vehicle.SeatRearLeft, "rl", "rl"),
	seat(vehicle.SeatRearRight, "rr", "rr"),

	leaf.Flag(vehicle.Locked, "doorLock"),
	leaf.Flag(vehicle.DoorFrontLeft, "doorOpen.frontLeft"),
	leaf.Flag(vehicle.DoorFrontRight, "doorOpen.frontRight"),
	leaf.Flag(vehicle.DoorBackLeft, "doorOpen.backLeft"),
	leaf.Flag(vehicle.DoorBackRight, "doorOpen.backRight"),
	leaf.Flag(vehicle.Hood, "hoodOpen"),
	leaf.Flag(vehicle.Trunk, "trunkOpen"),
	leaf.Flag(vehicle.Sunroof, "sunroofOpen"),
	leaf.Flag(vehicle.WindowFrontLeft, "windowOpen.frontLeft"),
	leaf.Flag(vehicle.WindowFrontRight, "windowOpen.frontRight"),
	leaf.Flag(vehicle.WindowBackLeft, "windowOpen.backLeft"),
	leaf.Flag(vehicle.WindowBackRight, "windowOpen.backRight"),

	leaf.Flag(vehicle.TireWarning, "tirePressureLamp.tirePressureLampAll"),
	leaf.Flag(vehicle.TireWarningFrontLeft, "tirePressureLamp.tirePressureLampFL"),
	leaf.Flag(vehicle.TireWarningFrontRight, "tirePressureLamp.tirePressureLampFR"),
	leaf.Flag(vehicle.TireWarningRearLeft, "tirePressureLamp.tirePressureLampRL"),
	leaf.Flag(vehicle.TireWarningRearRight, "tirePressureLamp.tirePressureLampRR"),

	leaf.Flag(vehicle.HeadLamp, headLamp+"headLampStatus"),
	leaf.Flag(vehicle.HeadLampLeftLow, headLamp+"leftLowLamp"),
	leaf.Flag(vehicle.HeadLampRightLow, headLamp+"rightLowLamp"),
	leaf.Flag(vehicle.HeadLampLeftHigh, headLamp+"leftHighLamp"),
	leaf.Flag(vehicle.HeadLampRightHigh, headLamp+"rightHighLamp"),
	leaf.Flag(vehicle.HeadLampLeftBi, headLamp+"leftBifuncLamp"),
	leaf.Flag(vehicle.HeadLampRightBi, headLamp+"rightBifuncLamp"),
	leaf.Flag(vehicle.StopLampLeft, "lampWireStatus.stopLamp.leftLamp"),
	leaf.Flag(vehicle.StopLampRight, "lampWireStatus.stopLamp.rightLamp"),
	leaf.Flag(vehicle.TurnLeftFront, "lampWireStatus.turnSignalLamp.leftFrontLamp"),
	leaf.Flag(vehicle.TurnRightFront, "lampWireStatus.turnSignalLamp.rightFrontLamp"),
	leaf.Flag(vehicle.TurnLeftRear, "lampWireStatus.turnSignalLamp.leftRearLamp"),
	leaf.Flag(vehicle.TurnRightRear, "lampWireStatus.turnSignalLamp.rightRearLamp"),

	leaf.Flag(vehicle.WasherFluidLow, "washerFluidStatus"),
	leaf.Flag(vehicle.BrakeFluidLow, "breakOilStatus"), // the wire's spelling
	leaf.Flag(vehicle.OilLevelLow, "engineOilStatus"),
	leaf.Flag(vehicle.KeyBatteryLow, "smartKeyBatteryWarning"),
	leaf.Percent(vehicle.FuelLevel, "fuelLevel"),
	leaf.Flag(vehicle.FuelLow, "lowFuelLight"),
	fuelRange,

	leaf.Percent(vehicle.SoC, "evStatus.batteryStatus"),
	leaf.Flag(vehicle.Charging, "evStatus.batteryCharge"),
	leaf.Plug("evStatus.batteryPlugin"),
	chargingPower,
	leaf.Flag(vehicle.PreconditionOn, "evStatus.batteryPreconditiong"), // the wire's spelling
	leaf.Distance(vehicle.EVRange, ranges+"evModeRange"),
	totalRange,
	leaf.Minutes(vehicle.ChargeTime, "evStatus.remainTime2.atc.value"),
	leaf.Minutes(vehicle.ChargeTimeFast, "evStatus.remainTime2.etc1.value"),
	leaf.Minutes(vehicle.ChargeTimePort, "evStatus.remainTime2.etc2.value"),
	leaf.Minutes(vehicle.ChargeTimeAC, "evStatus.remainTime2.etc3.value"),
}

const (
	headLamp = "lampWireStatus.headLamp."
	ranges   = "evStatus.drvDistance.0.rangeByFuel."
)

// serviceRules are relative to maintenanceInfo (docs/protocol/canada.md §4.3).
var serviceRules = []leaf.Rule{
	withUnit(vehicle.Odometer, "currentOdometer"),
	withUnit(vehicle.NextService, "imatServiceOdometer"),
	withUnit(vehicle.LastService, "msopServiceOdometer"),
}

// withUnit reads a distance whose unit stands under the same name, with Unit behind.
func withUnit(p vehicle.Point[vehicle.Quantity], name string) leaf.Rule {
	return func(r *vehicle.Report, root leaf.Value) {
		leaf.Take(r, p, root.Get(name), func(at leaf.Value) (vehicle.Quantity, vehicle.Refused) {
			n, refused := leaf.AsNumber(at)
			if refused != "" {
				return vehicle.Quantity{}, refused
			}
			unit, refused := leaf.AsDistanceUnit(root.Get(name + "Unit"))
			return vehicle.Quantity{Value: n, Unit: unit}, refused
		})
	}
}

// seat reads a seat from either of the two blocks in which answers have it; real ones have the second, some both.
func seat(p vehicle.Point[vehicle.Seat], first, second string) leaf.Rule {
	rules := [2]leaf.Rule{leaf.Seat(p, "seatHeaterVentState."+first+"SeatHeatState"), leaf.Seat(p, "seatHeaterVentInfo."+second+"SeatHeatState")}
	return func(r *vehicle.Report, status leaf.Value) {
		if status.Get("seatHeaterVentState." + first + "SeatHeatState").Missing() {
			rules[1](r, status)
			return
		}
		rules[0](r, status)
	}
}

// table is how set temperatures are written: a code counts half degrees Celsius (docs/protocol/canada.md §6.4).
type table struct {
	lowest float64 // °C, code 0
	last   int     // code
}

var (
	newTable = table{14, 35} // from model year 2020 on
	oldTable = table{16, 31}
)

// tableOf is that of a model year. Of an unknown one the new is assumed: older cars have grown rare.
func tableOf(year int) table {
	if year != 0 && year < 2020 {
		return oldTable
	}
	return newTable
}

// code writes a temperature; ok is false for one that the table does not have.
func (t table) code(celsius float64) (code string, ok bool) {
	index := (celsius - t.lowest) * 2
	if index != float64(int(index)) || index < 0 || int(index) > t.last {
		return "", false
	}
	text := strings.ToUpper(strconv.FormatInt(int64(index), 16)) + "H"
	return strings.Repeat("0", max(0, 3-len(text))) + text, true
}

// airTemperature reads the temperature that is set: a code in °C, or a decimal text in either unit.
func airTemperature(r *vehicle.Report, block leaf.Value, of table) {
	leaf.Take(r, vehicle.AirTemperature, block.Get("value"), func(at leaf.Value) (vehicle.Quantity, vehicle.Refused) {
		if at.Kind() != '"' {
			return vehicle.Quantity{}, vehicle.RefusedType
		}
		text := strings.ToUpper(strings.TrimSpace(at.Str()))
		if text == "OFF" || text == "" {
			return vehicle.Quantity{}, vehicle.RefusedSentinel
		}
		unit, unitRefused := leaf.AsCode(block.Get("unit"))
		digits, coded := strings.CutSuffix(text, "H")
		if !coded {
			degrees, refused := leaf.AsNumber(at)
			switch {
			case refused != "":
				return vehicle.Quantity{}, refused
			case unitRefused == "" && unit == 1:
				return vehicle.Quantity{Value: degrees, Unit: vehicle.Fahrenheit}, ""
			}
			return vehicle.Quantity{Value: degrees, Unit: vehicle.Celsius}, ""
		}
		index, err := strconv.ParseUint(digits, 16, 8)
		switch {
		case err != nil:
			return vehicle.Quantity{}, vehicle.RefusedType
		case unitRefused != "" || unit != 0:
			return vehicle.Quantity{}, vehicle.RefusedUnit
		case int(index) > of.last:
			return vehicle.Quantity{}, vehicle.RefusedCode
		}
		return vehicle.Quantity{Value: of.lowest + float64(index)/2, Unit: vehicle.Celsius}, ""
	})
}

// chargingPower reads whichever of the two powers there is.
func chargingPower(r *vehicle.Report, status leaf.Value) {
	fast, standard := status.Get("evStatus.batteryPower.batteryFstChrgPower"), status.Get("evStatus.batteryPower.batteryStndChrgPower")
	at := standard
	if n, refused := leaf.AsNumber(fast); refused == "" && n > 0 || standard.Missing() {
		at = fast
	}
	leaf.Take(r, vehicle.ChargingPower, at, leaf.InUnit(vehicle.Kilowatt))
}

// totalRange reads the range with all that is on board. 0 has been seen for "not available", of cars that were not empty.
func totalRange(r *vehicle.Report, status leaf.Value) {
	block := status.Get(ranges + "totalAvailableRange")
	n, refused := leaf.AsNumber(block.Get("value"))
	charge, _ := leaf.AsNumber(status.Get("evStatus.batteryStatus"))
	if refused == "" && n == 0 && charge > 0 {
		r.Refuse(vehicle.TotalRange, vehicle.RefusedSentinel, block.Get("value").Raw())
		return
	}
	leaf.TakeDistance(r, vehicle.TotalRange, block)
}

// fuelRange prefers the range by fuel, where 0 is a value, to the older leaf.
func fuelRange(r *vehicle.Report, status leaf.Value) {
	block := status.Get(ranges + "gasModeRange")
	if block.Get("value").Missing() {
		block = status.Get("dte")
	}
	leaf.TakeDistance(r, vehicle.FuelRange, block)
}

// readLimits reads a list of {plugType, level}: plug 0 is DC and 1 is AC, and of several entries for a plug the last is the
// true one. What is above 100 is no limit (docs/protocol/canada.md §4.5).
func readLimits(r *vehicle.Report, list leaf.Value) {
	for _, limit := range []struct {
		point vehicle.Point[vehicle.Percent]
		reach vehicle.Point[vehicle.Quantity]
		plug  int
	}{{vehicle.LimitDC, vehicle.TargetRangeDC, 0}, {vehicle.LimitAC, vehicle.TargetRangeAC, 1}} {
		var found leaf.Value
		for entry := range list.All() {
			plug, refused := leaf.AsCode(entry.Get("plugType"))
			level, wrong := leaf.AsNumber(entry.Get("level"))
			if refused == "" && wrong == "" && plug == limit.plug && level > 0 && level <= 100 {
				found = entry
			}
		}
		leaf.Take(r, limit.point, found.Get("level"), func(at leaf.Value) (vehicle.Percent, vehicle.Refused) {
			n, refused := leaf.AsNumber(at)
			return vehicle.Percent(n), refused
		})
		leaf.TakeDistance(r, limit.reach, found.Get("dte.rangeByFuel.totalAvailableRange"))
	}
}
