package hyundaius

import (
	"slices"
	"strings"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/internal/leaf"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// most is how many observations a full report holds, about.
const most = 90

// decodeStatus reads a vehicleStatus (§5). Every time of it is UTC; temperatures are in °F, whatever the unit beside them.
func decodeStatus(r *vehicle.Report, status leaf.Value) {
	r.Observations = slices.Grow(r.Observations, most)
	reportedAt(r, status.Get("dateTime"))
	leaf.Follow(r, status, statusRules)
	readPosition(r, status.Get("vehicleLocation"))
}

// isStatus tells a status from an answer that holds nothing of the car.
func isStatus(status leaf.Value) bool {
	return status.Object() && (!status.Get("doorLock").Missing() || !status.Get("engine").Missing() || !status.Get("dateTime").Missing())
}

// reportedAt notes when the car reported. A time that is missing or cannot be read leaves the report without one, which
// never counts as newer than what is known.
func reportedAt(r *vehicle.Report, at leaf.Value) {
	if at.Missing() {
		return
	}
	reported, refused := leaf.AsUTC(at)
	if refused != "" {
		r.Refuse(vehicle.LastUpdatedAt, refused, at.Raw())
		return
	}
	r.Reported = reported
	vehicle.LastUpdatedAt.Set(r, reported, at.Raw())
}

// statusRules are relative to vehicleStatus. The misspelt names are the cloud's.
var statusRules = []leaf.Rule{
	leaf.Flag(vehicle.EngineRunning, "engine"),
	leaf.Flag(vehicle.AccessoryOn, "acc"),
	leaf.Flag(vehicle.Ignition3, "ign3"),
	leaf.Flag(vehicle.Transmission, "transCond"),
	leaf.Flag(vehicle.SleepMode, "sleepModeCheck"),
	leaf.Battery12V("battery.batSoc"),

	leaf.At(vehicle.AirTemperature, "airTemp.value", asFahrenheit),
	leaf.Flag(vehicle.AirControl, "airCtrlOn"),
	leaf.Flag(vehicle.Defrost, "defrost"),
	leaf.Flag(vehicle.SteeringHeater, "steerWheelHeat"),
	leaf.Flag(vehicle.RearHeater, "sideBackWindowHeat"),
	leaf.Flag(vehicle.MirrorHeater, "sideMirrorHeat"),
	leaf.Seat(vehicle.SeatFrontLeft, "seatHeaterVentState.flSeatHeatState"),
	leaf.Seat(vehicle.SeatFrontRight, "seatHeaterVentState.frSeatHeatState"),
	leaf.Seat(vehicle.SeatRearLeft, "seatHeaterVentState.rlSeatHeatState"),
	leaf.Seat(vehicle.SeatRearRight, "seatHeaterVentState.rrSeatHeatState"),

	leaf.Flag(vehicle.Locked, "doorLock"),
	leaf.Flag(vehicle.DoorFrontLeft, "doorOpen.frontLeft"),
	leaf.Flag(vehicle.DoorFrontRight, "doorOpen.frontRight"),
	leaf.Flag(vehicle.DoorBackLeft, "doorOpen.backLeft"),
	leaf.Flag(vehicle.DoorBackRight, "doorOpen.backRight"),
	leaf.Flag(vehicle.Hood, "hoodOpen"),
	leaf.Flag(vehicle.Trunk, "trunkOpen"),
	leaf.Flag(vehicle.WindowFrontLeft, "windowOpen.frontLeft"),
	leaf.Flag(vehicle.WindowFrontRight, "windowOpen.frontRight"),
	leaf.Flag(vehicle.WindowBackLeft, "windowOpen.backLeft"),
	leaf.Flag(vehicle.WindowBackRight, "windowOpen.backRight"),

	leaf.Flag(vehicle.TireWarning, "tirePressureLamp.tirePressureWarningLampAll"),
	leaf.Flag(vehicle.TireWarningFrontLeft, "tirePressureLamp.tirePressureWarningLampFrontLeft"),
	leaf.Flag(vehicle.TireWarningFrontRight, "tirePressureLamp.tirePressureWarningLampFrontRight"),
	leaf.Flag(vehicle.TireWarningRearLeft, "tirePressureLamp.tirePressureWarningLampRearLeft"),
	leaf.Flag(vehicle.TireWarningRearRight, "tirePressureLamp.tirePressureWarningLampRearRight"),

	leaf.Flag(vehicle.WasherFluidLow, "washerFluidStatus"),
	leaf.Flag(vehicle.BrakeFluidLow, "breakOilStatus"),
	leaf.Flag(vehicle.KeyBatteryLow, "smartKeyBatteryWarning"),
	leaf.Percent(vehicle.FuelLevel, "fuelLevel"),
	leaf.Flag(vehicle.FuelLow, "lowFuelLight"),
	fuelRange,

	leaf.Percent(vehicle.SoC, "evStatus.batteryStatus"),
	leaf.Flag(vehicle.Charging, "evStatus.batteryCharge"),
	leaf.Plug("evStatus.batteryPlugin"),
	leaf.ChargePort("evStatus.chargePortDoorOpenStatus"),
	// batteryStndChrgPower keeps the AC rate while the car charges with DC (§5).
	leaf.Quantity(vehicle.ChargingPower, "evStatus.realTimePower", vehicle.Kilowatt),
	leaf.Flag(vehicle.PreconditionOn, "evStatus.batteryPreconditiong"),
	leaf.Distance(vehicle.TotalRange, ranges+"totalAvailableRange"),
	leaf.Distance(vehicle.EVRange, ranges+"evModeRange"),
	leaf.Minutes(vehicle.ChargeTime, "evStatus.remainTime2.atc.value"),
	leaf.Minutes(vehicle.ChargeTimeFast, "evStatus.remainTime2.etc1.value"),
	leaf.Minutes(vehicle.ChargeTimePort, "evStatus.remainTime2.etc2.value"),
	leaf.Minutes(vehicle.ChargeTimeAC, "evStatus.remainTime2.etc3.value"),
	chargeLimits,

	leaf.Flag(vehicle.Departure1On, departure+"reservChargeSet"),
	leaf.Days(vehicle.Departure1Days, departure+"reservInfo.day"),
	leaf.Timer12(vehicle.Departure1Time, departure+"reservInfo.time"),
	leaf.Flag(vehicle.Departure1Climate, departure+"reservFatcSet.airCtrl"),
	leaf.At(vehicle.Departure1Temp, departure+"reservFatcSet.airTemp.value", asFahrenheit),
	leaf.Flag(vehicle.Departure1Defrost, departure+"reservFatcSet.defrost"),
	leaf.Timer12(vehicle.OffPeakStart, offPeak+"offPeakPowerTime1.startTime"),
	leaf.Timer12(vehicle.OffPeakEnd, offPeak+"offPeakPowerTime1.endTime"),
	offPeakOnly,
	leaf.Flag(vehicle.ScheduledChargingOn, reservations+"reservFlag"),
}

const (
	ranges       = "evStatus.drvDistance.0.rangeByFuel."
	reservations = "evStatus.reservChargeInfos."
	departure    = reservations + "reservChargeInfo.reservChargeInfoDetail."
	offPeak      = reservations + "offpeakPowerInfo."
)

// What LO and HI of a set temperature mean. The reference takes 81 for HI; the car's top is 82 (§5).
const lowest, highest = 62, 82

// asFahrenheit reads a set temperature: whole degrees as a text, LO, HI or OFF.
func asFahrenheit(value leaf.Value) (vehicle.Quantity, vehicle.Refused) {
	q := vehicle.Quantity{Unit: vehicle.Fahrenheit}
	switch strings.ToUpper(strings.TrimSpace(value.Str())) {
	case "LO":
		q.Value = lowest
		return q, ""
	case "HI":
		q.Value = highest
		return q, ""
	case "OFF", "":
		if value.Kind() == '"' {
			return q, vehicle.RefusedSentinel
		}
	}
	n, refused := leaf.AsNumber(value)
	q.Value = n
	return q, refused
}

// fuelRange prefers the range by fuel to the older leaf. In both, 0 says nothing.
func fuelRange(r *vehicle.Report, status leaf.Value) {
	for _, path := range []string{ranges + "gasModeRange", "dte"} {
		block := status.Get(path)
		n, refused := leaf.AsNumber(block.Get("value"))
		if block.Get("value").Missing() || refused == "" && n == 0 {
			continue
		}
		leaf.TakeDistance(r, vehicle.FuelRange, block)
		return
	}
}

// chargeLimits reads the limits: plug 0 is DC and 1 is AC, and of several entries for the same plug the last is the true one.
// Each is read whatever is wrong with the other, unlike the reference does it.
func chargeLimits(r *vehicle.Report, status leaf.Value) {
	var dc, ac leaf.Value
	for entry := range status.Get(reservations + "targetSOClist").All() {
		switch plug, refused := leaf.AsCode(entry.Get("plugType")); {
		case refused != "" || entry.Get("targetSOClevel").Missing():
		case plug == 0:
			dc = entry
		case plug == 1:
			ac = entry
		}
	}
	leaf.Follow(r, ac, []leaf.Rule{leaf.Percent(vehicle.LimitAC, "targetSOClevel")})
	leaf.Follow(r, dc, []leaf.Rule{leaf.Percent(vehicle.LimitDC, "targetSOClevel")})
}

// offPeakOnly reads 1 as only in the cheap hours and 2 as preferably, as elsewhere (assumed); 0 says nothing.
func offPeakOnly(r *vehicle.Report, status leaf.Value) {
	flag := status.Get(offPeak + "offPeakPowerFlag")
	if code, refused := leaf.AsState(flag); refused == "" && code == 0 {
		return
	}
	leaf.Take(r, vehicle.OffPeakOnly, flag, leaf.AsThreeState)
}

// addOdometer joins what several answers say of the odometer: the highest is the newest, as it only rises (§4.4). They
// always count in miles.
func addOdometer(r *vehicle.Report, status leaf.Value, others ...float64) {
	highest, raw := 0.0, ""
	if said := status.Get("odometer"); !said.Missing() {
		n, refused := leaf.AsNumber(said)
		if refused == "" {
			highest, raw = n, said.Raw()
		}
	}
	for _, n := range others {
		if n > highest {
			highest, raw = n, ""
		}
	}
	if highest > 0 {
		vehicle.Odometer.Set(r, vehicle.Quantity{Value: highest, Unit: vehicle.Mile}, raw)
	}
}
