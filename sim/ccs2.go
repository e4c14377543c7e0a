package sim

import (
	"fmt"
	"strconv"
	"time"
)

// renderCCS2 writes the Vehicle tree of docs/protocol/ccs2-status.md §3 with the types
// of its §2: flags as 0 and 1, DTE and limits without a fraction, times as text.
func (r *report) renderCCS2() []byte {
	b, m := &r.body, r.car.model
	t := newTree(5120)
	t.text("Date", r.at.UTC().Format(compactTime+".000"))
	g := r.car.cloud.ccapi
	t.text("Offset", g.offset)
	t.text("Version", "CCU"+utcCompact(r.at)+"01")
	t.flag("DrivingReady", b.driving())
	ccs2Body(t, b, m)
	ccs2Cabin(t, b)
	ccs2Chassis(t, b)
	ccs2Drivetrain(t, b, m)
	ccs2Electronics(t, b)
	if m.engine.plugs() {
		ccs2Battery(t, b, m)
		ccs2Charging(t, b, m)
		ccs2Schedules(t, b)
	}
	r.ccs2Location(t)
	t.flag("RemoteControl.SleepMode", b.asleep())
	t.num("Service.ConnectedCar.RemoteControl.Available", 1)
	t.num("Service.ConnectedCar.RemoteControl.WaitingTime", 168)
	t.num("Service.ConnectedCar.ActiveAlert.Available", 1)
	return t.bytes()
}

func ccs2Body(t *tree, b *body, m *model) {
	t.flag("Body.Hood.Open", b.hood)
	t.num("Body.Hood.Frunk.Fault", 0)
	t.flag("Body.Trunk.Open", b.trunk)
	if m.sunroof {
		t.flag("Body.Sunroof.Glass.Open", b.sunroof)
	}
	t.flag("Body.Windshield.Front.Defog.State", b.defrost)
	t.num("Body.Windshield.Front.Heat.State", 0)
	t.flag("Body.Windshield.Front.WasherFluid.LevelLow", b.washerLow)
	t.flag("Body.Windshield.Rear.Defog.State", b.rearHeat)
	t.num("Body.Lights.Front.HeadLamp.SystemWarning", 0)
	for _, side := range []string{"Left", "Right"} {
		t.num("Body.Lights.Front."+side+".Low.Warning", 0)
		t.num("Body.Lights.Front."+side+".High.Warning", 0)
		t.num("Body.Lights.Front."+side+".TurnSignal.Warning", 0)
	}
	for _, side := range []string{"Left", "Right"} {
		t.num("Body.Lights.Rear."+side+".StopLamp.Warning", 0)
		t.num("Body.Lights.Rear."+side+".TurnSignal.Warning", 0)
	}
	t.num("Body.Lights.TailLamp.Alert", 0)
	t.flag("Body.Lights.Hazard.Alert", b.at.Before(b.hazardTil))
	t.num("Body.Lights.DischargeAlert.State", 0)
}

// ccs2Corners are the places of a car in the order of the body's rows of four, also where
// the driver sits on the right (unknown; docs/protocol/ccs2-status.md §4).
var ccs2Corners = [4]string{"Row1.Driver", "Row1.Passenger", "Row2.Left", "Row2.Right"}

func ccs2Cabin(t *tree, b *body) {
	for i, place := range ccs2Corners {
		t.flag("Cabin.Door."+place+".Open", b.doors[i])
		t.flag("Cabin.Door."+place+".Lock", !b.locked[i]) // 0 is locked
	}
	for i, place := range ccs2Corners {
		// A vented window is not open but has a level (docs/protocol/ccs2-status.md §4).
		level := [...]int{0: 0, 1: 10, 2: 1}[b.windows[i]]
		t.flag("Cabin.Window."+place+".Open", b.windows[i] == 1)
		t.num("Cabin.Window."+place+".OpenLevel", level)
	}
	for i, place := range ccs2Corners {
		t.num("Cabin.Seat."+place+".Climate.State", b.seats[i])
	}
	t.flag("Cabin.SteeringWheel.Heat.State", b.wheelHeat > 0)
	t.num("Cabin.SteeringWheel.Heat.RemoteControl.Step", b.wheelHeat)
	if b.climate {
		t.text("Cabin.HVAC.Row1.Driver.Temperature.Value", strconv.FormatFloat(b.temperatureC, 'f', 1, 64))
	} else {
		t.text("Cabin.HVAC.Row1.Driver.Temperature.Value", "OFF")
	}
	t.num("Cabin.HVAC.Row1.Driver.Temperature.Unit", 0)
	speed := 0
	if b.climate {
		speed = 3
	}
	t.num("Cabin.HVAC.Row1.Driver.Blower.SpeedLevel", speed)
	t.real("Cabin.HVAC.OutsideTemperature.Value", b.outsideC, 1)
	t.num("Cabin.HVAC.OutsideTemperature.Unit", 0)
	t.num("Cabin.HVAC.Temperature.RangeType", 1)
	t.num("Cabin.RestMode.State", 0)
}

func ccs2Chassis(t *tree, b *body) {
	for i, place := range []string{"Row1.Left", "Row1.Right", "Row2.Left", "Row2.Right"} {
		t.num("Chassis.Axle."+place+".Tire.Pressure", whole(b.tyresPsi[i]))
		t.flag("Chassis.Axle."+place+".Tire.PressureLow", b.tyreWarning(i))
	}
	t.flag("Chassis.Axle.Tire.PressureLow", b.anyTyreWarning())
	t.num("Chassis.Axle.Tire.PressureUnit", 0)
	t.flag("Chassis.Brake.Fluid.Warning", b.brakeLow)
	t.text("Chassis.DrivingMode.State", "Eco")
}

func ccs2Drivetrain(t *tree, b *body, m *model) {
	t.real("Drivetrain.Odometer", b.odometerKm, 1)
	t.num("Drivetrain.FuelSystem.DTE.Total", whole(b.totalRange(m)))
	t.num("Drivetrain.FuelSystem.DTE.Unit", 1)
	if m.engine == plugIn {
		t.num("Drivetrain.FuelSystem.DTE.EV", whole(b.evRange(m)))
	}
	if m.engine.burns() {
		t.num("Drivetrain.FuelSystem.DTE.ICE", whole(b.fuelRange(m)))
	}
	t.num("Drivetrain.FuelSystem.FuelLevel", b.fuelLevel(m))
	t.flag("Drivetrain.FuelSystem.LowFuelWarning", m.engine.burns() && b.fuelPercent < 12)
	t.flag("Drivetrain.Transmission.ParkingPosition", !b.driving())
	t.num("Drivetrain.Transmission.GearPosition", 0)
	if m.engine.burns() {
		t.num("Drivetrain.InternalCombustionEngine.OilLevelWarning", 0)
	}
}

func (b *body) fuelLevel(m *model) int {
	if !m.engine.burns() {
		return 0
	}
	return whole(b.fuelPercent)
}

func ccs2Electronics(t *tree, b *body) {
	t.num("Electronics.Battery.Level", b.level12V())
	t.flag("Electronics.Battery.SensorReliability", b.unreliable12V)
	t.num("Electronics.Battery.Charging.WarningLevel", 65)
	t.num("Electronics.Battery.PowerStateAlert.ClassC", 2)
	t.num("Electronics.Battery.Auxiliary.FailWarning", 0)
	t.num("Electronics.AutoCut.PowerMode", 2)
	t.num("Electronics.AutoCut.BatteryPreWarning", 0)
	t.num("Electronics.AutoCut.DeliveryMode", 2)
	t.flag("Electronics.FOB.LowBattery", b.fobLow)
	t.flag("Electronics.PowerSupply.Accessory", b.driving())
	t.flag("Electronics.PowerSupply.Ignition1", b.driving())
	t.flag("Electronics.PowerSupply.Ignition3", !b.asleep())
}

// level12V is 255 while the battery's sensor knows nothing.
func (b *body) level12V() int {
	if b.unreliable12V {
		return 255
	}
	return int(b.battery12V)
}

func ccs2Battery(t *tree, b *body, m *model) {
	const at = "Green.BatteryManagement."
	t.real(at+"BatteryRemain.Ratio", round(b.soc(m)*2, 0)/2, 1)
	t.num(at+"BatteryRemain.Value", whole(b.energyKWh*3600))
	t.text(at+"BatteryRemain.Unit", "kJ")
	t.num(at+"BatteryCapacity.Value", whole(m.capacityKWh*3600))
	soh := 100
	if m.engine == plugIn {
		soh = 0 // plug-in hybrids do not know it
	}
	t.num(at+"SoH.Ratio", soh)
	t.num(at+"BatteryConditioning", 0)
	t.real(at+"BatteryPackVoltage", 310+b.soc(m)*0.9, 1)
	t.num(at+"ChillerRPM", 0)
	t.num(at+"HeatingState", 0)
	t.num(at+"WinterModeOperation", 0)
	t.num(at+"BatteryPreCondition.Status", 0)
	t.num(at+"BatteryPreCondition.TemperatureLevel", 1)
	warm := b.outsideC
	if b.charging || b.driving() {
		warm += 9
	}
	t.num(at+"Temperature.CoolingWaterInlet", whole(warm))
	t.num(at+"Temperature.Min.Raw", whole(warm))
	t.real(at+"Temperature.Min.Decimal", warm, 1)
	t.num(at+"Temperature.Max.Raw", whole(warm+1))
	t.real(at+"Temperature.Max.Decimal", warm+1, 1)
	climate := 0
	if b.climate {
		climate = 1600
	}
	t.num("Green.PowerConsumption.Moment.ClimateAirConditioning", climate)
	t.num("Green.PowerConsumption.Moment.BatteryCooling", 0)
	t.num("Green.PowerConsumption.Moment.BatteryHeater", 0)
	t.num("Green.PowerConsumption.Prediction.Climate", 0)
}

func ccs2Charging(t *tree, b *body, m *model) {
	const at = "Green.ChargingInformation."
	t.flag(at+"ConnectorFastening.State", b.plug != plugNone)
	t.num(at+"ElectricCurrentLevel.State", b.currentLevel)
	t.num(at+"Charging.RemainTime", b.minutesLeft(m))
	t.num(at+"Charging.RemainTimeUnit", 1)
	t.num(at+"Charging.SoC.Raw", whole(b.soc(m)))
	t.num(at+"Charging.SoC.Decimal", 0)
	t.num(at+"EstimatedTime.Standard", b.minutesStation(m))
	t.num(at+"EstimatedTime.ICCB", b.minutesPortable(m))
	t.num(at+"EstimatedTime.Quick", b.minutesQuick(m))
	t.num(at+"EstimatedTime.Unit", 1)
	// Day 7, 31:63 is "no charging window planned".
	for _, end := range []string{"Start", "End"} {
		t.num(at+"ExpectedTime."+end+"Day", 7)
		t.num(at+"ExpectedTime."+end+"Hour", 31)
		t.num(at+"ExpectedTime."+end+"Min", 63)
	}
	t.num(at+"TargetSoC.Standard", b.limitAC)
	t.num(at+"TargetSoC.Quick", b.limitDC)
	t.num(at+"DTE.TargetSoC.Standard", whole(m.evRange(float64(b.limitAC))))
	t.num(at+"DTE.TargetSoC.Quick", whole(m.evRange(float64(b.limitDC))))
	t.num(at+"SequenceDetails", 12)
	t.num(at+"SequenceSubcode", 2)
	door := 2
	if b.chargePort {
		door = 1
	}
	t.num("Green.ChargingDoor.State", door)
	power := 0.0
	if b.charging {
		power = b.chargeKW
	}
	t.real("Green.Electric.SmartGrid.RealTimePower", power, 1)
	t.num("Green.Electric.SmartGrid.VehicleToLoad.DischargeLimitation.SoC", b.v2lLimit)
	t.num("Green.Electric.SmartGrid.VehicleToLoad.DischargeLimitation.DTE", whole(m.evRange(float64(b.v2lLimit))))
	t.num("Green.Electric.SmartGrid.VehicleToLoad.DischargeLimitation.RemainTime", 0)
	t.num("Green.Electric.SmartGrid.VehicleToGrid.Mode", 0)
	t.num("Green.EnergyInformation.DTE.Invalid", 0)
}

// weekdays as the tree spells them, Sunday first.
var weekdays = [7]string{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"}

// unset31, unset70 stand for a time that was never set.
const (
	unsetHour   = 31
	unsetMinute = 70
)

func (c clockTime) ccs2() (hour, minute int) {
	if !c.set {
		return unsetHour, unsetMinute
	}
	return c.hour, c.minute
}

func ccs2Schedules(t *tree, b *body) {
	const at = "Green.Reservation."
	s := &b.schedule
	hour, minute := s.start.ccs2()
	t.num(at+"OffPeakTime.StartHour", hour)
	t.num(at+"OffPeakTime.StartMin", minute)
	hour, minute = s.end.ccs2()
	t.num(at+"OffPeakTime.EndHour", hour)
	t.num(at+"OffPeakTime.EndMin", minute)
	mode := 0
	switch {
	case s.charging && s.offPeakOnly:
		mode = 3
	case s.charging:
		mode = 2
	}
	t.num(at+"OffPeakTime.Mode", mode)
	for i, name := range []string{"Schedule1", "Schedule2"} {
		d := &s.departures[i]
		at := at + "Departure." + name + "."
		t.flag(at+"Enable", d.enabled)
		hour, minute := d.at.ccs2()
		t.num(at+"Hour", hour)
		t.num(at+"Min", minute)
		for day, name := range weekdays {
			t.flag(at+name, d.days[day])
		}
	}
	d := &s.departures[0]
	t.flag(at+"Departure.Climate.Activation", d.climate)
	t.flag(at+"Departure.Climate.Defrost", d.defrost)
	t.text(at+"Departure.Climate.Temperature", strconv.FormatFloat(d.temperatureC, 'f', 1, 64))
	t.text(at+"Departure.Climate.TemperatureHex", fmt.Sprintf("%02x", widerCodes.index(d.temperatureC)))
	t.num(at+"Departure.Climate.TemperatureUnit", 0)
}

// ccs2Location is where the car was parked last: in most regions this copy is stale,
// often by days, and clients have to ask for the parked position
// (docs/protocol/ccs2-status.md §4). Where there is no such call it is where the car is,
// with the clock of the rest of the tree (docs/protocol/brazil.md §5).
func (r *report) ccs2Location(t *tree) {
	b := &r.body
	lat, lon, at, zone := b.parkedLat, b.parkedLon, r.wall(b.parkedAt), r.car.cloud.home.zone
	if r.car.cloud.ccapi.treePlace {
		lat, lon, at, zone = b.lat, b.lon, r.at, time.UTC
	}
	t.real("Location.GeoCoord.Latitude", lat, 6)
	t.real("Location.GeoCoord.Longitude", lon, 6)
	t.num("Location.GeoCoord.Altitude", whole(b.altitude))
	t.num("Location.GeoCoord.Type", 0)
	t.num("Location.Heading", whole(b.heading))
	t.num("Location.Speed.Value", 0)
	t.num("Location.Speed.Unit", 0)
	local := at.In(zone)
	t.num("Location.TimeStamp.Year", local.Year())
	t.num("Location.TimeStamp.Mon", int(local.Month()))
	t.num("Location.TimeStamp.Day", local.Day())
	t.num("Location.TimeStamp.Hour", local.Hour())
	t.num("Location.TimeStamp.Min", local.Minute())
	t.num("Location.TimeStamp.Sec", local.Second())
	t.text("Location.Date", at.UTC().Format(compactTime+".000"))
	t.num("Location.Servicestate", 0)
}
