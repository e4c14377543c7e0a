package ccapi

import (
	"slices"
	"strings"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// The CCS2 tree (docs/protocol/ccs2-status.md §3 and §4), that is resMsg.state.Vehicle. Its driver is read as front left for
// every car: what a car whose driver sits on the right means by it is unknown (§4).

// decodeCCS2 reads the CCS2 tree. Its report time is always UTC.
func decodeCCS2(f *format, root value, c clock, r *vehicle.Report) {
	r.Observations = slices.Grow(r.Observations, most)
	d := &decoding{Report: r, root: root, format: f}
	d.reportedAt(root.get("Date"), c.utc())
	d.follow(ccs2Rules)
	if f.oneClock && !c.now.IsZero() {
		c = c.utc()
	}
	readTreePosition(r, root.get("Location"), c)
}

var ccs2Rules = []rule{
	quantity(vehicle.Odometer, "Drivetrain.Odometer", vehicle.Kilometre),
	twelveVolt("Electronics.Battery.Level", "Electronics.Battery.SensorReliability"),
	flag(vehicle.EngineRunning, "DrivingReady"),
	flag(vehicle.AuxBatteryFault, "Electronics.Battery.Auxiliary.FailWarning"),
	flag(vehicle.AccessoryOn, "Electronics.PowerSupply.Accessory"),
	flag(vehicle.Ignition3, "Electronics.PowerSupply.Ignition3"),
	flag(vehicle.KeyBatteryLow, "Electronics.FOB.LowBattery"),
	either(flag(vehicle.SleepMode, "RemoteControl.SleepMode"), "RemoteControl.SleepMode",
		flag(vehicle.SleepMode, "Service.RemoteControl.SleepMode")),

	setTemperature,
	outsideTemperature,
	flag(vehicle.AirControl, "Cabin.HVAC.Row1.Driver.Blower.SpeedLevel"), // a level
	threeState(vehicle.Defrost, "Body.Windshield.Front.Defog.State"),
	threeState(vehicle.SteeringHeater, "Cabin.SteeringWheel.Heat.State"),
	threeState(vehicle.RearHeater, "Body.Windshield.Rear.Defog.State"),
	seat(vehicle.SeatFrontLeft, "Cabin.Seat.Row1.Driver.Climate.State"),
	seat(vehicle.SeatFrontRight, "Cabin.Seat.Row1.Passenger.Climate.State"),
	seat(vehicle.SeatRearLeft, "Cabin.Seat.Row2.Left.Climate.State"),
	seat(vehicle.SeatRearRight, "Cabin.Seat.Row2.Right.Climate.State"),

	flag(vehicle.HeadLamp, "Body.Lights.Front.HeadLamp.SystemWarning"),
	flag(vehicle.HeadLampLeftLow, "Body.Lights.Front.Left.Low.Warning"),
	flag(vehicle.HeadLampRightLow, "Body.Lights.Front.Right.Low.Warning"),
	flag(vehicle.HeadLampLeftHigh, "Body.Lights.Front.Left.High.Warning"),
	flag(vehicle.HeadLampRightHigh, "Body.Lights.Front.Right.High.Warning"),
	flag(vehicle.StopLampLeft, "Body.Lights.Rear.Left.StopLamp.Warning"),
	flag(vehicle.StopLampRight, "Body.Lights.Rear.Right.StopLamp.Warning"),
	flag(vehicle.TurnLeftFront, "Body.Lights.Front.Left.TurnSignal.Warning"),
	flag(vehicle.TurnRightFront, "Body.Lights.Front.Right.TurnSignal.Warning"),
	flag(vehicle.TurnLeftRear, "Body.Lights.Rear.Left.TurnSignal.Warning"),
	flag(vehicle.TurnRightRear, "Body.Lights.Rear.Right.TurnSignal.Warning"),

	flag(vehicle.DoorFrontLeft, "Cabin.Door.Row1.Driver.Open"),
	flag(vehicle.DoorFrontRight, "Cabin.Door.Row1.Passenger.Open"),
	flag(vehicle.DoorBackLeft, "Cabin.Door.Row2.Left.Open"),
	flag(vehicle.DoorBackRight, "Cabin.Door.Row2.Right.Open"),
	unless(vehicle.LockedFrontLeft, "Cabin.Door.Row1.Driver.Lock"),
	unless(vehicle.LockedFrontRight, "Cabin.Door.Row1.Passenger.Lock"),
	unless(vehicle.LockedBackLeft, "Cabin.Door.Row2.Left.Lock"),
	unless(vehicle.LockedBackRight, "Cabin.Door.Row2.Right.Lock"),
	lockedTogether,
	flag(vehicle.Hood, "Body.Hood.Open"),
	flag(vehicle.Trunk, "Body.Trunk.Open"),
	flag(vehicle.Sunroof, "Body.Sunroof.Glass.Open"),
	window(vehicle.WindowFrontLeft, vehicle.LevelFrontLeft, "Cabin.Window.Row1.Driver"),
	window(vehicle.WindowFrontRight, vehicle.LevelFrontRight, "Cabin.Window.Row1.Passenger"),
	window(vehicle.WindowBackLeft, vehicle.LevelBackLeft, "Cabin.Window.Row2.Left"),
	window(vehicle.WindowBackRight, vehicle.LevelBackRight, "Cabin.Window.Row2.Right"),

	flag(vehicle.TireWarning, "Chassis.Axle.Tire.PressureLow"),
	flag(vehicle.TireWarningFrontLeft, "Chassis.Axle.Row1.Left.Tire.PressureLow"),
	flag(vehicle.TireWarningFrontRight, "Chassis.Axle.Row1.Right.Tire.PressureLow"),
	flag(vehicle.TireWarningRearLeft, "Chassis.Axle.Row2.Left.Tire.PressureLow"),
	flag(vehicle.TireWarningRearRight, "Chassis.Axle.Row2.Right.Tire.PressureLow"),
	tirePressures,

	flag(vehicle.WasherFluidLow, "Body.Windshield.Front.WasherFluid.LevelLow"),
	flag(vehicle.BrakeFluidLow, "Chassis.Brake.Fluid.Warning"),
	leafRule(vehicle.DriveMode, "Chassis.DrivingMode.State", asWord),
	flag(vehicle.OilLevelLow, "Drivetrain.InternalCombustionEngine.OilLevelWarning"),
	percent(vehicle.FuelLevel, "Drivetrain.FuelSystem.FuelLevel"),
	flag(vehicle.FuelLow, "Drivetrain.FuelSystem.LowFuelWarning"),
	distance(vehicle.TotalRange, "Drivetrain.FuelSystem.DTE.Total", ccs2Unit),
	rangeByEngine,

	percent(vehicle.SoC, "Green.BatteryManagement.BatteryRemain.Ratio"),
	storedEnergy(vehicle.BatteryRemain, "Green.BatteryManagement.BatteryRemain"),
	storedEnergy(vehicle.BatteryCapacity, "Green.BatteryManagement.BatteryCapacity"),
	stateOfHealth("Green.BatteryManagement.SoH.Ratio"),
	quantity(vehicle.PackVoltage, "Green.BatteryManagement.BatteryPackVoltage", vehicle.Volt),
	quantity(vehicle.ChillerRPM, "Green.BatteryManagement.ChillerRPM", vehicle.RPM),
	flag(vehicle.BatteryHeating, "Green.BatteryManagement.HeatingState"),
	flag(vehicle.WinterMode, "Green.BatteryManagement.WinterModeOperation"),
	quantity(vehicle.CoolantTemp, "Green.BatteryManagement.Temperature.CoolingWaterInlet", vehicle.Celsius),
	quantity(vehicle.BatteryTempMin, "Green.BatteryManagement.Temperature.Min.Raw", vehicle.Celsius),
	quantity(vehicle.BatteryTempMax, "Green.BatteryManagement.Temperature.Max.Raw", vehicle.Celsius),
	either(flag(vehicle.PreconditionOn, "Green.BatteryManagement.BatteryPreCondition.Status"), "Green.BatteryManagement.BatteryPreCondition.Status",
		flag(vehicle.PreconditionOn, "Green.BatteryManagement.WinterModeOperation")),

	quantity(vehicle.ChargingPower, "Green.Electric.SmartGrid.RealTimePower", vehicle.Kilowatt),
	percent(vehicle.V2LLimit, "Green.Electric.SmartGrid.VehicleToLoad.DischargeLimitation.SoC"),
	number(vehicle.UseAirCondition, "Green.PowerConsumption.Moment.ClimateAirConditioning"),
	number(vehicle.UseBatteryCooling, "Green.PowerConsumption.Moment.BatteryCooling"),
	number(vehicle.UseBatteryHeater, "Green.PowerConsumption.Moment.BatteryHeater"),
	threeState(vehicle.ChargePortOpen, "Green.ChargingDoor.State"),
	ccs2Plug,
	ccs2Charging,
	minutes(vehicle.ChargeTime, "Green.ChargingInformation.Charging.RemainTime"),
	minutes(vehicle.ChargeTimeFast, "Green.ChargingInformation.EstimatedTime.Quick"),
	minutes(vehicle.ChargeTimePort, "Green.ChargingInformation.EstimatedTime.ICCB"),
	minutes(vehicle.ChargeTimeAC, "Green.ChargingInformation.EstimatedTime.Standard"),
	leafRule(vehicle.ChargingCurrent, "Green.ChargingInformation.ElectricCurrentLevel.State", asCurrentLevel),
	percent(vehicle.LimitAC, "Green.ChargingInformation.TargetSoC.Standard"),
	percent(vehicle.LimitDC, "Green.ChargingInformation.TargetSoC.Quick"),
	distance(vehicle.TargetRangeAC, "Green.ChargingInformation.DTE.TargetSoC.Standard", ccs2Unit),
	distance(vehicle.TargetRangeDC, "Green.ChargingInformation.DTE.TargetSoC.Quick", ccs2Unit),

	flag(vehicle.Departure1On, ccs2Departure1+"Enable"),
	timer24(vehicle.Departure1Time, ccs2Departure1+"Hour", ccs2Departure1+"Min"),
	ccs2Days(vehicle.Departure1Days, ccs2Departure1),
	flag(vehicle.Departure2On, ccs2Departure2+"Enable"),
	timer24(vehicle.Departure2Time, ccs2Departure2+"Hour", ccs2Departure2+"Min"),
	ccs2Days(vehicle.Departure2Days, ccs2Departure2),
	timer24(vehicle.OffPeakStart, ccs2OffPeak+"StartHour", ccs2OffPeak+"StartMin"),
	timer24(vehicle.OffPeakEnd, ccs2OffPeak+"EndHour", ccs2OffPeak+"EndMin"),
	offPeakMode,
}

const (
	ccs2Unit       = "Drivetrain.FuelSystem.DTE.Unit" // of all distances but the odometer's
	ccs2Departure1 = "Green.Reservation.Departure.Schedule1."
	ccs2Departure2 = "Green.Reservation.Departure.Schedule2."
	ccs2OffPeak    = "Green.Reservation.OffPeakTime."
)

// either follows the first rule where its leaf is there, else the second.
func either(first rule, path string, second rule) rule {
	return func(d *decoding) {
		if d.get(path).missing() {
			second(d)
			return
		}
		first(d)
	}
}

// setTemperature reads the temperature that is set. OFF says that the climate is off and nothing about what is set.
func setTemperature(d *decoding) {
	const at = "Cabin.HVAC.Row1.Driver.Temperature."
	if leaf := d.get(at + "Value"); strings.EqualFold(leaf.str(), "OFF") {
		return
	}
	withUnit(vehicle.AirTemperature, at+"Value", at+"Unit", asTemperatureUnit)(d)
}

// outsideTemperature needs both leaves: few cars have them.
func outsideTemperature(d *decoding) {
	const at = "Cabin.HVAC.OutsideTemperature."
	if d.get(at + "Unit").missing() {
		return
	}
	withUnit(vehicle.OutsideTemperature, at+"Value", at+"Unit", asTemperatureUnit)(d)
}

// lockedTogether tells whether the car is locked, from its four doors: one that is unlocked settles it, and only four
// locked ones make it so.
func lockedTogether(d *decoding) {
	locked := 0
	var damaged value
	for _, door := range []string{"Row1.Driver", "Row1.Passenger", "Row2.Left", "Row2.Right"} {
		leaf := d.get("Cabin.Door." + door + ".Lock")
		if leaf.missing() {
			continue
		}
		switch open, refused := asFlag(leaf); {
		case refused != "":
			damaged = leaf
		case open:
			vehicle.Locked.Set(d.Report, false, leaf.raw())
			return
		default:
			locked++
		}
	}
	switch {
	case damaged.Exists():
		d.Refuse(vehicle.Locked, vehicle.RefusedType, damaged.raw())
	case locked == 4:
		vehicle.Locked.Set(d.Report, true, "")
	}
}

// window reads a window from two leaves: a vented one reports Open 0 and OpenLevel 1
// (docs/protocol/ccs2-status.md §4; seen).
func window(open vehicle.Point[bool], level vehicle.Point[vehicle.Opening], path string) rule {
	return func(d *decoding) {
		node := d.get(path)
		isOpen, isVented := node.get("Open"), node.get("OpenLevel")
		wide, wrongOpen := asFlag(isOpen)
		vented, wrongLevel := asFlag(isVented)
		switch {
		case isOpen.missing() && isVented.missing():
		case !isOpen.missing() && wrongOpen != "":
			d.Refuse(open, wrongOpen, isOpen.raw())
			d.Refuse(level, wrongOpen, isOpen.raw())
		case wide:
			open.Set(d.Report, true, isOpen.raw())
			level.Set(d.Report, vehicle.Open, isOpen.raw())
		case !isVented.missing() && wrongLevel != "":
			d.Refuse(open, wrongLevel, isVented.raw())
			d.Refuse(level, wrongLevel, isVented.raw())
		case isVented.missing(): // closed or vented; the flag is all that such a car reports
			open.Set(d.Report, false, isOpen.raw())
		case vented:
			open.Set(d.Report, true, isVented.raw())
			level.Set(d.Report, vehicle.Ventilated, isVented.raw())
		default:
			open.Set(d.Report, false, isVented.raw())
			level.Set(d.Report, vehicle.Closed, isVented.raw())
		}
	}
}

// tirePressures reads the pressures in the unit that the driver chose in the car, each unit with a scale of its own. Cars
// that measure indirectly give a unit that nobody knows and pressures that mean nothing.
func tirePressures(d *decoding) {
	unitLeaf := d.get("Chassis.Axle.Tire.PressureUnit")
	if unitLeaf.missing() {
		return
	}
	scales := [...]struct {
		unit  vehicle.Unit
		scale float64
	}{{vehicle.PSI, 1}, {vehicle.Kilopascal, 5}, {vehicle.Bar, 0.1}}
	code, refused := asCode(unitLeaf)
	known := refused == "" && code >= 0 && code < len(scales)
	if known {
		vehicle.TireUnit.Set(d.Report, vehicle.Number(code), unitLeaf.raw())
	} else {
		d.Refuse(vehicle.TireUnit, vehicle.RefusedUnit, unitLeaf.raw())
	}
	for _, tire := range [...]struct {
		p    vehicle.Point[vehicle.Quantity]
		path string
	}{
		{vehicle.TireFrontLeft, "Row1.Left"},
		{vehicle.TireFrontRight, "Row1.Right"},
		{vehicle.TireRearLeft, "Row2.Left"},
		{vehicle.TireRearRight, "Row2.Right"},
	} {
		take(d.Report, tire.p, d.get("Chassis.Axle."+tire.path+".Tire.Pressure"), func(leaf value) (vehicle.Quantity, vehicle.Refused) {
			n, refused := asNumber(leaf)
			switch {
			case refused != "":
			case !known:
				refused = vehicle.RefusedUnit
			case n == 255:
				refused = vehicle.RefusedSentinel
			default:
				return vehicle.Quantity{Value: tenths(n * scales[code].scale), Unit: scales[code].unit}, ""
			}
			return vehicle.Quantity{}, refused
		})
	}
}

// asWord reads a short text.
func asWord(leaf value) (string, vehicle.Refused) {
	word := strings.TrimSpace(leaf.str())
	if leaf.kind() != '"' || word == "" || len(word) > rawLimit {
		return "", vehicle.RefusedType
	}
	return strings.Clone(word), "" // the answer's text need not live as long as the word
}

// rangeByEngine reads the ranges that mean something else in each kind of car. What stands in for a combustion range has
// been seen beyond 2^63 in cars without one (docs/protocol/ccs2-status.md §2); the catalogue's range refuses that.
func rangeByEngine(d *decoding) {
	switch d.Engine {
	case vehicle.EV:
		distance(vehicle.EVRange, "Drivetrain.FuelSystem.DTE.Total", ccs2Unit)(d)
	case vehicle.PHEV:
		distance(vehicle.EVRange, "Drivetrain.FuelSystem.DTE.EV", ccs2Unit)(d)
		distance(vehicle.FuelRange, "Drivetrain.FuelSystem.DTE.ICE", ccs2Unit)(d)
	case vehicle.ICE, vehicle.HEV:
		distance(vehicle.FuelRange, "Drivetrain.FuelSystem.DTE.ICE", ccs2Unit)(d)
	case vehicle.EngineUnknown:
	}
}

// storedEnergy reads kilojoules. Values below 1000 look like kilowatt hours written by hand, and an empty battery is one
// that the car does not know (docs/protocol/ccs2-status.md §4; assumed).
func storedEnergy(p vehicle.Point[vehicle.Quantity], path string) rule {
	return leafRule(p, path+".Value", func(leaf value) (vehicle.Quantity, vehicle.Refused) {
		n, refused := asNumber(leaf)
		switch {
		case refused != "":
		case n == 0:
			refused = vehicle.RefusedSentinel
		case n < 1000:
			refused = vehicle.RefusedUnit
		}
		return vehicle.Quantity{Value: n, Unit: vehicle.Kilojoule}, refused
	})
}

// ccs2Plug tells only whether a plug is in; which one, it does not say.
func ccs2Plug(d *decoding) {
	leaf := d.get("Green.ChargingInformation.ConnectorFastening.State")
	take(d.Report, vehicle.PluggedIn, leaf, asFlag)
	if in, refused := asFlag(leaf); refused == "" && !leaf.missing() && !in {
		vehicle.PlugType.Set(d.Report, vehicle.PlugNone, leaf.raw())
	}
}

// ccs2Charging derives charging from the time that is left: the tree has no flag for it. A car that waits for the cheap
// hours has time left too; it draws no power (kia_uvo#1661; seen).
func ccs2Charging(d *decoding) {
	take(d.Report, vehicle.Charging, d.get("Green.ChargingInformation.Charging.RemainTime"), func(leaf value) (bool, vehicle.Refused) {
		n, refused := asNumber(leaf)
		if refused == "" && n < 0 {
			refused = vehicle.RefusedRange
		}
		return n > 0 && !d.waitsForCheapHours(), refused
	})
}

// waitsForCheapHours tells whether a schedule is on and no power flows.
func (d *decoding) waitsForCheapHours() bool {
	mode, wrongMode := asState(d.get(ccs2OffPeak + "Mode"))
	power, wrongPower := asNumber(d.get("Green.Electric.SmartGrid.RealTimePower"))
	return wrongMode == "" && (mode == 2 || mode == 3) && wrongPower == "" && power == 0
}

// asCurrentLevel reads the limit of the AC current; 0 is "not given".
func asCurrentLevel(leaf value) (vehicle.Number, vehicle.Refused) {
	code, refused := asState(leaf)
	if refused == "" && code == 0 {
		refused = vehicle.RefusedSentinel
	}
	return vehicle.Number(code), refused
}

// ccs2Days reads a flag for each day. A schedule that was never set has no hour, and its days mean nothing.
func ccs2Days(p vehicle.Point[vehicle.Days], path string) rule {
	return func(d *decoding) {
		if d.get(path + "Hour").missing() {
			return
		}
		days, found := vehicle.Days{}, false
		for day, name := range [...]string{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"} {
			leaf := d.get(path + name)
			if leaf.missing() {
				continue
			}
			found = true
			on, refused := asFlag(leaf)
			if refused != "" {
				d.Refuse(p, refused, leaf.raw())
				return
			}
			if on {
				days = append(days, weekday(day))
			}
		}
		if found {
			p.Set(d.Report, days, "")
		}
	}
}

func weekday(day int) time.Weekday { return time.Weekday(day) }

// offPeakMode reads 0 as off, 2 as preferably and 3 as only in the cheap hours. What 1 means is not known.
func offPeakMode(d *decoding) {
	leaf := d.get(ccs2OffPeak + "Mode")
	if leaf.missing() {
		return
	}
	switch mode, refused := asState(leaf); {
	case refused != "":
		d.Refuse(vehicle.ScheduledChargingOn, refused, leaf.raw())
		d.Refuse(vehicle.OffPeakOnly, refused, leaf.raw())
	case mode == 0:
		vehicle.ScheduledChargingOn.Set(d.Report, false, leaf.raw())
	case mode == 2 || mode == 3:
		vehicle.ScheduledChargingOn.Set(d.Report, true, leaf.raw())
		vehicle.OffPeakOnly.Set(d.Report, mode == 3, leaf.raw())
	default:
		d.Refuse(vehicle.ScheduledChargingOn, vehicle.RefusedCode, leaf.raw())
		d.Refuse(vehicle.OffPeakOnly, vehicle.RefusedCode, leaf.raw())
	}
}
