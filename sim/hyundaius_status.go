package sim

import (
	"fmt"
	"net/http"
	"time"
)

// renderHyundaiUS writes what a car told the cloud (docs/protocol/usa-hyundai-genesis.md
// §4.1). Distances are miles, whose code is 3, temperatures degrees Fahrenheit.
func renderHyundaiUS(r *report) []byte {
	b, m := &r.body, r.car.model
	t := newTree(3584)
	const at = "vehicleStatus."
	// The one form that all known clients read (§12).
	t.text(at+"dateTime", r.at.UTC().Format(time.RFC3339))
	t.truth(at+"acc", b.driving())
	t.truth(at+"ign3", !b.asleep())
	t.truth(at+"transCond", !b.driving())
	t.truth(at+"engine", b.driving())
	t.text(at+"ignitionStatus", fmt.Sprint(b.driving()))
	t.truth(at+"doorLock", b.allLocked())
	t.text(at+"doorLockStatus", fmt.Sprint(b.allLocked()))
	for i, place := range flatCorners {
		t.flag(at+"doorOpen."+place, b.doors[i])
	}
	for i, place := range flatCorners {
		t.flag(at+"windowOpen."+place, b.windows[i] != 0)
	}
	t.truth(at+"trunkOpen", b.trunk)
	t.text(at+"trunkOpenStatus", fmt.Sprint(b.trunk))
	t.truth(at+"hoodOpen", b.hood)
	t.truth(at+"airCtrlOn", b.climate)
	t.text(at+"airConditionStatus", fmt.Sprint(b.climate))
	t.text(at+"airTemp.value", fmt.Sprint(fahrenheit(b.temperatureC)))
	t.num(at+"airTemp.unit", 1)
	t.num(at+"airTemp.hvacTempType", 1)
	t.truth(at+"defrost", b.defrost)
	t.text(at+"defrostStatus", fmt.Sprint(b.defrost))
	t.num(at+"steerWheelHeat", b.wheelHeat)
	t.flag(at+"sideBackWindowHeat", b.rearHeat)
	t.flag(at+"sideMirrorHeat", b.mirrorHeat)
	for i, seat := range seatPlaces {
		t.num(at+"seatHeaterVentState."+seat+"SeatHeatState", b.seats[i])
	}
	t.flag(at+"tirePressureLamp.tirePressureWarningLampAll", b.anyTyreWarning())
	for i, place := range []string{"FrontLeft", "FrontRight", "RearLeft", "RearRight"} {
		t.flag(at+"tirePressureLamp.tirePressureWarningLamp"+place, b.tyreWarning(i))
	}
	t.num(at+"battery.batSoc", b.level12V())
	t.num(at+"battery.batState", 0)
	t.num(at+"battery.sjbDeliveryMode", 0)
	t.truth(at+"lowFuelLight", m.engine.burns() && b.fuelPercent < 12)
	if m.engine.burns() {
		t.num(at+"fuelLevel", b.fuelLevel(m))
		t.num(at+"dte.value", whole(miles(b.totalRange(m))))
		t.num(at+"dte.unit", 3)
	}
	if m.engine != electric {
		t.num(at+"odometer", whole(miles(b.odometerKm))) // seen on some cars without a plug
	}
	t.truth(at+"washerFluidStatus", b.washerLow)
	t.truth(at+"breakOilStatus", b.brakeLow)
	t.truth(at+"smartKeyBatteryWarning", b.fobLow)
	t.truth(at+"sleepModeCheck", b.asleep())
	t.flag(at+"hazardStatus", b.at.Before(b.hazardTil))
	t.num(at+"tailLampStatus", 0)
	t.num(at+"remoteWaitingTimeAlert.remoteControlWaitingTime", 168)
	t.num(at+"remoteWaitingTimeAlert.remoteControlAvailable", 1)
	t.real(at+"vehicleLocation.coord.lat", b.lat, 6)
	t.real(at+"vehicleLocation.coord.lon", b.lon, 6)
	t.num(at+"vehicleLocation.coord.alt", whole(b.altitude))
	t.num(at+"vehicleLocation.coord.type", 0)
	if m.engine.plugs() {
		hyundaiUSCharging(t, b, m)
	}
	return t.bytes()
}

var seatPlaces = [4]string{"fl", "fr", "rl", "rr"}

func hyundaiUSCharging(t *tree, b *body, m *model) {
	const at = "vehicleStatus.evStatus."
	fast, standard := b.chargePowers()
	t.num(at+"batteryStatus", whole(b.soc(m)))
	t.truth(at+"batteryCharge", b.charging)
	t.num(at+"batteryPlugin", int(b.plug))
	t.real(at+"batteryStndChrgPower", standard, 1)
	t.real(at+"batteryFstChrgPower", fast, 1)
	if b.charging { // missing while idle
		t.real(at+"realTimePower", b.chargeKW, 1)
	}
	t.truth(at+"batteryPreconditiong", false)
	door := 2
	if b.chargePort {
		door = 1
	}
	t.num(at+"chargePortDoorOpenStatus", door)
	t.truth(at+"evIgnitionStatus", b.driving())
	t.num(at+"inletLockModeStatus", 0)
	t.raw(at+"remainTime", "[]")
	remainTimes(t, at+"remainTime2.", b, m)
	electric, gas := whole(miles(b.evRange(m))), whole(miles(b.fuelRange(m)))
	t.raw(at+"drvDistance", fmt.Sprintf(
		`[{"type":2,"rangeByFuel":{"evModeRange":{"value":%d,"unit":3},"gasModeRange":{"value":%d,"unit":3},"totalAvailableRange":{"value":%d,"unit":3}}}]`,
		electric, gas, electric+gas))
	const plans = at + "reservChargeInfos."
	t.num(plans+"reservFlag", 0)
	t.raw(plans+"targetSOClist", fmt.Sprintf(
		`[{"plugType":0,"targetSOClevel":%d,"type":2},{"plugType":1,"targetSOClevel":%d,"type":2}]`, b.limitDC, b.limitAC))
	const detail = plans + "reservChargeInfo.reservChargeInfoDetail."
	t.truth(detail+"reservChargeSet", false)
	t.raw(detail+"reservInfo", `{"day":[9],"time":{"time":"1200","timeSection":0}}`)
	t.raw(detail+"reservFatcSet", `{"defrost":false,"airTemp":{"value":"75","unit":1},"airCtrl":0}`)
	t.num(plans+"offpeakPowerInfo.offPeakPowerFlag", 0)
	t.raw(plans+"offpeakPowerInfo.offPeakPowerTime1", `{"startTime":{"time":"1200","timeSection":0},"endTime":{"time":"1200","timeSection":0}}`)
}

// chargePowers are the two of which one is always zero, in kW.
func (b *body) chargePowers() (fast, standard float64) {
	switch {
	case !b.charging:
		return 0, 0
	case b.plug == plugDC:
		return b.chargeKW, 0
	default:
		return 0, b.chargeKW
	}
}

// remainTimes writes the four estimates in minutes, whose code is 1.
func remainTimes(t *tree, at string, b *body, m *model) {
	for _, row := range []struct {
		name    string
		minutes int
	}{
		{"atc", b.minutesLeft(m)}, {"etc1", b.minutesQuick(m)}, {"etc2", b.minutesPortable(m)}, {"etc3", b.minutesStation(m)},
	} {
		t.num(at+row.name+".value", row.minutes)
		t.num(at+row.name+".unit", 1)
	}
}

// status answers both reads: the cached one, and the forced one, which blocks until the
// car has answered and counts as a remote request (§4.1, §4.2).
func (h *hyundaiUS) status(c *call) reply {
	r := c.car.look(c.now)
	if c.kind == kindWake {
		var refused *refusal
		if r, refused = h.ask(c); refused != nil {
			return h.say(refused)
		}
	}
	head := `{"hataTID":"` + freshText(24) + `",`
	if c.car.replay != nil { // a recording may hold more than the status
		return reply{status: http.StatusOK, body: join(head+`"vehicleStatus":`, marshal(r.recording()["vehicleStatus"]), `}`)}
	}
	return reply{status: http.StatusOK, body: join(head, r.flat()[1:], "")}
}

func (h *hyundaiUS) ask(c *call) (r *report, refused *refusal) {
	refused = c.remote(func() (refused *refusal) {
		r, refused = c.car.ask(c, false)
		return refused
	})
	return r, refused
}

// location asks the car, too (§4.3).
func (h *hyundaiUS) location(c *call) reply {
	r, refused := h.ask(c)
	if refused != nil {
		return h.say(refused)
	}
	now := map[string]any{"time": r.at.UTC().Format(time.RFC3339)}
	if v := c.car; v.replay != nil {
		place := v.replay.place([]string{"vehicleStatus", "vehicleLocation"}, now)
		if place == nil {
			return hyundaiUSGeneric.reply()
		}
		return reply{status: http.StatusOK, body: marshal(place)}
	}
	b := &r.body
	t := newTree(320)
	t.real("coord.lat", b.lat, 6)
	t.real("coord.lon", b.lon, 6)
	t.num("coord.alt", whole(b.altitude))
	t.num("coord.type", 0)
	t.num("head", whole(b.heading))
	t.num("speed.unit", 1)
	t.num("speed.value", whole(miles(b.speedKmh)))
	t.num("accuracy.hdop", 0)
	t.num("accuracy.pdop", 1)
	t.text("time", now["time"].(string))
	return reply{status: http.StatusOK, body: t.bytes()}
}

// tripsTold is how many of the last drives the clouds tell of.
const tripsTold = 6

// trips lists the last drives of an electric car, newest first; their start has a
// fraction and no zone (§4.6, §12).
func (h *hyundaiUS) trips(c *call) reply {
	v := c.car
	list := []any{}
	if v.model.engine == electric && v.replay == nil {
		r := v.look(c.now)
		odometer := miles(r.body.odometerKm)
		for _, trip := range v.recentTrips(c.now, tripsTold) {
			e := v.energyOf(trip)
			seconds := whole(trip.to.Sub(trip.from).Seconds())
			mean := miles(trip.km) / trip.to.Sub(trip.from).Hours()
			value := func(n any, unit int) map[string]any { return map[string]any{"value": n, "unit": unit} }
			list = append(list, map[string]any{
				"startdate": trip.from.In(v.cloud.home.zone).Format(time.DateTime) + ".0",
				"odometer":  value(round(odometer, 1), 3), "distance": whole(miles(trip.km)),
				"duration": value(seconds, 1), "mileagetime": value(seconds*8/9, 1),
				"avgspeed": value(round(mean, 1), 3), "maxspeed": value(round(mean*(1+speedSwing), 1), 3),
				"totalused": whole(e.totalWh()), "drivetrain": whole(e.motorWh), "climate": whole(e.climateWh),
				"accessories": whole(e.electronicsWh), "batterycare": whole(e.careWh), "regen": whole(e.regenW),
			})
			odometer -= miles(trip.km)
		}
	}
	return reply{status: http.StatusOK, body: marshal(map[string]any{"tripdetails": list})}
}

// energyOf is what a drive took.
func (v *car) energyOf(trip tripRecord) (e dayStats) {
	e.book(trip.km * v.model.kWhPerKm * 1000)
	return e
}
