package sim

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// renderCanada writes the status object (docs/protocol/canada.md §4.2). Distances are km,
// whose code is 1, temperatures codes of degrees Celsius. Older cars leave out what real
// ones were seen to leave out.
func renderCanada(r *report) []byte {
	b, m := &r.body, r.car.model
	t := newTree(3584)
	t.text("lastStatusDate", r.canadaTime())
	t.truth("airCtrlOn", b.climate)
	t.truth("engine", b.driving())
	t.truth("doorLock", b.allLocked())
	for i, place := range flatCorners {
		t.flag("doorOpen."+place, b.doors[i])
	}
	t.truth("trunkOpen", b.trunk)
	t.truth("hoodOpen", b.hood)
	t.flag("sunroofOpen", b.sunroof)
	t.text("airTempUnit", "C")
	t.text("airTemp.value", r.car.canadaTemperature(b.temperatureC))
	t.num("airTemp.unit", 0)
	t.truth("defrost", b.defrost)
	t.truth("lowFuelLight", m.engine.burns() && b.fuelPercent < 12)
	t.truth("acc", b.driving())
	t.truth("ign3", !b.asleep())
	t.truth("transCond", !b.driving())
	t.num("steerWheelHeat", b.wheelHeat)
	t.flag("sideBackWindowHeat", b.rearHeat)
	t.flag("sideMirrorHeat", b.mirrorHeat)
	if m.older && m.engine == electric {
		t.raw("dte", "{}")
	} else {
		t.num("dte.value", whole(b.totalRange(m)))
		t.num("dte.unit", 1)
	}
	t.flag("tirePressureLamp.tirePressureLampAll", b.anyTyreWarning())
	if !m.older {
		for i, place := range []string{"FL", "FR", "RL", "RR"} {
			t.flag("tirePressureLamp.tirePressureLamp"+place, b.tyreWarning(i))
		}
	}
	t.num("battery.batSoc", b.level12V())
	t.num("battery.batState", 0)
	t.num("battery.sjbDeliveryMode", 1)
	t.num("battery.powerAutoCutMode", 2)
	t.num("battery.batSignalReferenceValue.batWarning", 65)
	t.truth("remoteIgnition", b.climate && !b.driving())
	for i, seat := range []string{"drv", "ast", "rl", "rr"} {
		t.num("seatHeaterVentInfo."+seat+"SeatHeatState", b.seats[i])
	}
	if !m.older {
		for i, seat := range seatPlaces {
			t.num("seatHeaterVentState."+seat+"SeatHeatState", b.seats[i])
		}
	}
	t.truth("sleepModeCheck", b.asleep())
	for _, lamp := range []string{"headLampStatus", "leftLowLamp", "rightLowLamp", "leftHighLamp", "rightHighLamp", "leftBifuncLamp", "rightBifuncLamp"} {
		t.truth("lampWireStatus.headLamp."+lamp, false)
	}
	for _, lamp := range []string{"leftLamp", "rightLamp"} {
		t.truth("lampWireStatus.stopLamp."+lamp, false)
	}
	for _, lamp := range []string{"leftFrontLamp", "rightFrontLamp", "leftRearLamp", "rightRearLamp"} {
		t.truth("lampWireStatus.turnSignalLamp."+lamp, false)
	}
	for i, place := range flatCorners {
		t.flag("windowOpen."+place, b.windows[i] != 0)
	}
	t.truth("smartKeyBatteryWarning", b.fobLow)
	if m.engine.burns() {
		t.num("fuelLevel", b.fuelLevel(m))
	}
	t.truth("washerFluidStatus", b.washerLow)
	t.truth("breakOilStatus", b.brakeLow)
	t.truth("engineOilStatus", false)
	t.num("engineRuntime.value", 0)
	t.num("engineRuntime.unit", 1)
	t.truth("vehicleMovementHis", false)
	if m.engine.plugs() {
		canadaCharging(t, b, m)
	}
	return t.bytes()
}

func canadaCharging(t *tree, b *body, m *model) {
	fast, standard := b.chargePowers()
	t.truth("evStatus.batteryCharge", b.charging)
	t.num("evStatus.batteryStatus", whole(b.soc(m)))
	t.num("evStatus.batteryPlugin", int(b.plug))
	t.real("evStatus.batteryPower.batteryFstChrgPower", fast, 1)
	t.real("evStatus.batteryPower.batteryStndChrgPower", standard, 1)
	t.truth("evStatus.batteryPreconditiong", false)
	remainTimes(t, "evStatus.remainTime2.", b, m)
	t.raw("evStatus.drvDistance", "["+canadaRange(b.evRange(m), b.fuelRange(m))+"]")
}

// canadaRange is the object that holds ranges in several answers.
func canadaRange(electric, gas float64) string {
	return fmt.Sprintf(
		`{"rangeByFuel":{"gasModeRange":{"value":%d,"unit":1},"evModeRange":{"value":%d,"unit":1},"totalAvailableRange":{"value":%d,"unit":1}},"type":2}`,
		whole(gas), whole(electric), whole(electric)+whole(gas))
}

// canadaTime is UTC, or the car's own time where the options say so.
func (r *report) canadaTime() string {
	if r.car.cloud.sim.options.LocalTimes {
		return r.at.In(r.car.cloud.home.zone).Format(compactTime)
	}
	return utcCompact(r.at)
}

// canadaTable is where the codes of a car's temperatures begin, and the last of them
// (§6.4).
func (v *car) canadaTable() (first float64, last int) {
	if v.year < 2020 {
		return 16, 31
	}
	return 14, 35
}

func (v *car) canadaTemperature(celsius float64) string {
	first, last := v.canadaTable()
	return fmt.Sprintf("%02XH", min(max(whole((celsius-first)*2), 0), last))
}

// canadaCelsius reads a code. One client counts from 16 °C for all cars, so that a code
// past the end of a table is taken as the end (docs/protocol/strangers.md 15).
func (v *car) canadaCelsius(code string) (float64, bool) {
	first, last := v.canadaTable()
	if len(code) < 3 || code[len(code)-1] != 'H' {
		return 0, false
	}
	index, err := strconv.ParseUint(code[:len(code)-1], 16, 8)
	if err != nil || fmt.Sprintf("%02XH", index) != code || index > 0x23 {
		return 0, false
	}
	return first + float64(min(int(index), last))/2, true
}

// statusOf is the status object of a report, recorded or written.
func (r *report) canadaStatus() []byte {
	if r.car.replay != nil {
		return marshal(r.recording()["status"])
	}
	return r.flat()
}

func (n *canada) cached(c *call) reply {
	return canadaSuccess(join(`{"status":`, c.car.look(c.now).canadaStatus(), `}`))
}

// forced wakes the car and waits for it (§4.1).
func (n *canada) forced(c *call) reply {
	r, refused := n.ask(c)
	if refused != nil {
		return n.say(refused)
	}
	return canadaSuccess(join(`{"status":`, r.canadaStatus(), `}`))
}

func (n *canada) ask(c *call) (r *report, refused *refusal) {
	refused = c.remote(func() (refused *refusal) {
		r, refused = c.car.ask(c, false)
		return refused
	})
	return r, refused
}

// canadaService is how far apart services are, in km.
const canadaService = 12_000

func (v *car) serviceIn(r *report) float64 {
	return round(canadaService-float64(int(r.body.odometerKm*10)%(canadaService*10))/10, 1)
}

// service has the odometer, a number without fail (§4.3).
func (n *canada) service(c *call) reply {
	v := c.car
	r := v.look(c.now)
	odometer := round(r.body.odometerKm, 1)
	if v.replay != nil {
		odometer = v.replay.number(odometer, "service", "currentOdometer")
	}
	next := round(odometer+v.serviceIn(r), 1)
	return canadaSuccess(marshal(map[string]any{"maintenanceInfo": map[string]any{
		"msopServiceOdometer": round(next-canadaService, 1), "msopServiceOdometerUnit": 1, "mtspServiceDate": "20260115",
		"imatServiceOdometer": next, "imatServiceOdometerUnit": 1, "mtitServiceDate": "20270115", "currentOdometer": odometer,
		"currentOdometerUnit": 1, "serviceOdometerDuration": canadaService, "serviceDaysDuration": 365, "serviceMonthsThreshold": 12,
	}}))
}

// location refuses the web portal's identity (§1.3, §4.4) and wants a ticket.
func (n *canada) location(c *call) reply {
	switch {
	case c.r.Header.Get("from") != "SPA":
		return canadaUncertified.reply()
	case !n.ticketed(c):
		return canadaWrongPIN.reply()
	}
	r, refused := n.ask(c)
	if refused != nil {
		return n.say(refused)
	}
	now := map[string]any{"time": utcCompact(r.at)}
	if v := c.car; v.replay != nil {
		place := v.replay.place([]string{"vehicleLocation"}, now)
		if place == nil {
			return canadaGeneric.reply()
		}
		return canadaSuccess(marshal(place))
	}
	b := &r.body
	t := newTree(320)
	t.real("coord.lat", b.lat, 6)
	t.real("coord.lon", b.lon, 6)
	t.num("coord.alt", whole(b.altitude))
	t.num("coord.type", 0)
	t.num("head", whole(b.heading))
	t.num("speed.value", whole(b.speedKmh))
	t.num("speed.unit", 0)
	t.num("accuracy.hdop", 6)
	t.num("accuracy.pdop", 10)
	t.text("time", now["time"].(string))
	return canadaSuccess(t.bytes())
}

// chargeLimits is a list of its own (§4.5).
func (n *canada) chargeLimits(c *call) reply {
	v := c.car
	if !v.model.engine.plugs() || v.replay != nil {
		return canadaGeneric.reply()
	}
	return canadaSuccess(v.look(c.now).canadaLimits())
}

func (r *report) canadaLimits() []byte {
	b, m := &r.body, r.car.model
	limit := func(plugType, level int) string {
		return fmt.Sprintf(`{"plugType":%d,"level":%d,"dte":%s}`, plugType, level, canadaRange(m.evRange(float64(level)), 0))
	}
	return []byte("[" + limit(0, b.limitDC) + "," + limit(1, b.limitAC) + "]")
}

// trips lists the last drives of an electric car, newest first; their start has no
// fraction (§4.6).
func (n *canada) trips(c *call) reply {
	v := c.car
	list := []any{}
	if v.model.engine == electric && v.replay == nil {
		for _, trip := range v.recentTrips(c.now, tripsTold) {
			e := v.energyOf(trip)
			list = append(list, map[string]any{
				"startdate": trip.from.In(v.cloud.home.zone).Format(time.DateTime), "totalused": whole(e.totalWh()), "drivetrain": whole(e.motorWh),
				"climate": whole(e.climateWh), "accessories": whole(e.electronicsWh), "batterycare": whole(e.careWh), "regen": whole(e.regenW),
				"distance": whole(trip.km),
			})
		}
	}
	return canadaSuccess(marshal(map[string]any{"tripdetails": list}))
}

// selectVehicle is what one client reads the odometer from (§11 row 10).
func (n *canada) selectVehicle(c *call) reply {
	v := c.car
	r := v.look(c.now)
	return canadaSuccess(marshal(map[string]any{
		"vehicle": map[string]any{
			"vehicleId": v.id, "nickName": v.nickname, "vin": v.vin, "modelName": v.model.name, "modelYear": strconv.Itoa(v.year),
			"fuelKindCode": v.model.engine.canada(), "odometer": round(r.body.odometerKm, 1), "odometerUnit": 1,
		},
		"features": map[string]any{}, "featuresModel": map[string]any{}, "status": json.RawMessage(r.canadaStatus()),
	}))
}

// myVehicle is the car that a header names, else the account's first.
func (n *canada) myVehicle(c *call) reply {
	v := c.car
	if v == nil {
		v = c.cloud.cars[0]
	}
	return canadaSuccess(marshal(map[string]any{"selectedVehicle": map[string]any{"vehicle": map[string]any{
		"nickName": v.nickname, "vehicleId": v.id, "vin": v.vin,
	}}}))
}

// canadaPresets are the owner's saved climates, of which there are none.
func canadaPresets(*call) reply { return canadaSuccess([]byte("[]")) }
