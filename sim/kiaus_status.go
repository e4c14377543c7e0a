package sim

import (
	"fmt"
	"strconv"
	"time"
)

// renderKiaUS writes the vehicleStatus object (docs/protocol/usa-kia.md §4.1), which both
// reads carry in different places. Distances are miles, temperatures degrees Fahrenheit.
func renderKiaUS(r *report) []byte { return r.kiaUSStatus(true, !r.car.model.older) }

// kiaUSStatus writes it with or without two blocks that not every answer has.
func (r *report) kiaUSStatus(climate, limits bool) []byte {
	b, m := &r.body, r.car.model
	t := newTree(3584)
	if climate {
		r.kiaUSClimate(t)
	}
	t.truth("engine", b.driving())
	t.truth("doorLock", b.allLocked())
	for i, place := range flatCorners {
		t.flag("doorStatus."+place, b.doors[i])
	}
	t.flag("doorStatus.trunk", b.trunk)
	t.flag("doorStatus.hood", b.hood)
	for i, place := range flatCorners {
		t.flag("windowOpen."+place, b.windows[i] != 0)
	}
	for i, place := range []string{"FL", "FR", "RL", "RR"} {
		t.flag("windowStatus.window"+place, b.windows[i] != 0)
	}
	t.flag("sunroofOpen", b.sunroof)
	t.truth("lowFuelLight", m.engine.burns() && b.fuelPercent < 12)
	if m.engine.burns() {
		t.num("fuelLevel", b.fuelLevel(m))
	} else {
		t.truth("fuelLevel", false) // no tank
	}
	t.num("distanceToEmpty.value", whole(miles(b.totalRange(m))))
	t.num("distanceToEmpty.unit", 3)
	t.truth("ign3", !b.asleep())
	t.truth("transCond", !b.driving())
	t.flag("tirePressure.all", b.anyTyreWarning())
	for i, place := range []string{"frontLeft", "frontRight", "rearLeft", "rearRight"} {
		t.flag("tirePressure."+place, b.tyreWarning(i))
	}
	if b.unreliable12V {
		t.raw("batteryStatus", "{}")
	} else {
		t.num("batteryStatus.stateOfCharge", b.level12V())
		t.num("batteryStatus.sensorStatus", 0)
		t.num("batteryStatus.deliveryMode", 0)
	}
	t.truth("smartKeyBatteryWarning", b.fobLow)
	t.truth("washerFluidStatus", b.washerLow)
	t.truth("brakeOilStatus", b.brakeLow)
	t.truth("sleepMode", b.asleep())
	t.flag("valetParkingMode", b.valet)
	t.num("remoteControlAvailable", 1)
	r.kiaUSTime(t, "dateTime.", r.at)
	r.kiaUSTime(t, "syncDate.", r.at)
	if m.engine.plugs() {
		r.kiaUSCharging(t, limits)
	}
	return t.bytes()
}

func (r *report) kiaUSClimate(t *tree) {
	b := &r.body
	t.truth("climate.airCtrl", b.climate)
	t.truth("climate.defrost", b.defrost)
	t.text("climate.airTemp.value", fmt.Sprint(fahrenheit(b.temperatureC)))
	t.num("climate.airTemp.unit", 1)
	t.flag("climate.heatingAccessory.steeringWheel", b.wheelHeat > 0)
	t.num("climate.heatingAccessory.steeringWheelStep", b.wheelHeat)
	t.flag("climate.heatingAccessory.sideMirror", b.mirrorHeat)
	t.flag("climate.heatingAccessory.rearWindow", b.rearHeat)
	if r.car.model.older {
		return
	}
	for i, seat := range kiaUSSeats {
		kind, level, _ := kiaUSSeat(b.seats[i])
		t.num("climate.heatVentSeat."+seat+".heatVentType", kind)
		t.num("climate.heatVentSeat."+seat+".heatVentLevel", level)
	}
}

// kiaUSTime writes a time: UTC, beside the car's offset, which does not count (§5).
func (r *report) kiaUSTime(t *tree, at string, when time.Time) {
	_, seconds := when.In(r.car.cloud.home.zone).Zone()
	t.text(at+"utc", utcCompact(when))
	t.num(at+"offset", seconds/3600)
}

func (r *report) kiaUSCharging(t *tree, limits bool) {
	b, m := &r.body, r.car.model
	t.num("evStatus.batteryStatus", whole(b.soc(m)))
	t.truth("evStatus.batteryCharge", b.charging)
	plugged := int(b.plug)
	if m.climateAsked && b.plug == plugAC {
		plugged = 4
	}
	t.num("evStatus.batteryPlugin", plugged)
	power := 0.0
	if b.charging {
		power = b.chargeKW
	}
	t.real("evStatus.realTimePower", power, 1)
	t.truth("evStatus.batteryPrecondition", false)
	t.truth("evStatus.wirelessCharging", false)
	t.raw("evStatus.remainChargeTime", r.kiaUSTimes())
	electric, gas := round(miles(b.evRange(m)), 2), round(miles(b.fuelRange(m)), 2)
	gasRange := ""
	if m.engine.burns() {
		gasRange = fmt.Sprintf(`"gasModeRange":{"value":%v,"unit":3},`, gas)
	}
	t.raw("evStatus.drvDistance", fmt.Sprintf(
		`[{"type":2,"rangeByFuel":{%s"evModeRange":{"value":%v,"unit":3},"totalAvailableRange":{"value":%v,"unit":3}}}]`,
		gasRange, electric, round(electric+gas, 2)))
	r.kiaUSTime(t, "evStatus.syncDate.", r.at)
	if limits {
		t.raw("evStatus.targetSOC", "["+m.kiaUSTarget(0, b.limitDC)+","+m.kiaUSTarget(1, b.limitAC)+"]")
	}
}

// kiaUSTimes are the estimates: of each charger as long as none is plugged in, else of that
// one (§5). The newest cars say so by a kind of its own.
func (r *report) kiaUSTimes() string {
	b, m := &r.body, r.car.model
	estimate := func(kind, minutes int) string {
		return fmt.Sprintf(`{"remainChargeType":%d,"timeInterval":{"value":%d,"unit":4}}`, kind, minutes)
	}
	quick, portable, station := b.minutesQuick(m), b.minutesPortable(m), b.minutesStation(m)
	switch {
	case m.climateAsked && b.charging:
		return "[" + estimate(4, b.minutesLeft(m)) + "]"
	case b.plug == plugNone:
		return "[" + estimate(1, quick) + "," + estimate(2, portable) + "," + estimate(3, station) + "]"
	case b.charging:
		return "[" + estimate(int(b.plug), b.minutesLeft(m)) + "]"
	}
	return "[" + estimate(int(b.plug), []int{1: quick, 2: portable, 3: station}[b.plug]) + "]"
}

// kiaUSTarget is a limit and how far the car would come with it.
func (m *model) kiaUSTarget(plugType, level int) string {
	far := round(miles(m.evRange(float64(level))), 0)
	return fmt.Sprintf(`{"plugType":%d,"targetSOClevel":%d,"dte":{"type":2,"rangeByFuel":{"gasModeRange":{"value":0,"unit":3},`+
		`"evModeRange":{"value":%v,"unit":3},"totalAvailableRange":{"value":%v,"unit":3}}}}`, plugType, level, far, far)
}

func kiaUSTargets(dc, ac int) string {
	return fmt.Sprintf(`[{"plugType":0,"targetSOClevel":%d},{"plugType":1,"targetSOClevel":%d}]`, dc, ac)
}

// Flags of the cached read are texts (§4.1).
var (
	kiaUSInfoShape = shape{
		"vehicleConfigReq": shape{"airTempRange?": asText, "maintenance?": asText, "seatHeatCoolOption?": asText, "vehicle?": asText, "vehicleFeature?": asText},
		"vehicleInfoReq": shape{
			"drivingActivty?": asText, "dtc?": asText, "enrollment?": asText, "functionalCards?": asText, "location?": asText, "vehicleStatus": asText, "weather?": asText,
		},
		"vinKey": asAnything,
	}
	kiaUSReadShape = shape{"requestType": asWhole}
)

type kiaUSInfoRequest struct {
	Config map[string]string `json:"vehicleConfigReq"`
	Info   map[string]string `json:"vehicleInfoReq"`
	Keys   []string          `json:"vinKey"`
}

// vehicleInfo is the cached read (§4.1). The key stands in the header and in the body, and
// both must be of this session; the status cannot be left out.
func (k *kiaUS) vehicleInfo(c *call, s *kiaUSSession) reply {
	var body kiaUSInfoRequest
	if !kiaUSInfoShape.reads(c.body, &body) || len(body.Keys) != 1 || !flags(body.Config) || !flags(body.Info) || body.Info["vehicleStatus"] != "1" {
		return kiaUSWrongShape.reply()
	}
	v, key := c.car, body.Keys[0]
	if !k.opens(s, key, v) {
		return kiaUSWrongKey.reply()
	}
	if c.acts(faultNoData) {
		return kiaUSSuccess([]byte(`{"vehicleInfoList":[]}`))
	}
	r := v.look(c.now)
	if v.replay != nil {
		return kiaUSSuccess(marshal(map[string]any{"vehicleInfoList": []any{withKey(r.recording(), "vinKey", key)}}))
	}
	return kiaUSSuccess(join(`{"vehicleInfoList":[`, r.kiaUSInfo(&body), `]}`))
}

// flags reports whether all values are "0" or "1".
func flags(values map[string]string) bool {
	for _, value := range values {
		if value != "0" && value != "1" {
			return false
		}
	}
	return true
}

// kiaUSInfo writes the blocks that were asked for.
func (r *report) kiaUSInfo(ask *kiaUSInfoRequest) []byte {
	v, m, b := r.car, r.car.model, &r.body
	t := newTree(5120)
	t.text("vinKey", ask.Keys[0])
	const config, info = "vehicleConfig.", "lastVehicleInfo."
	if ask.Config["vehicle"] == "1" {
		const at = config + "vehicleDetail."
		t.text(at+"vehicle.vin", v.vin)
		t.text(at+"vehicle.mileage", v.mileage(r))
		t.text(at+"vehicle.mileageSyncDate", utcCompact(r.at))
		t.num(at+"vehicle.fuelType", m.engine.kiaUS())
		t.text(at+"vehicle.trim.modelYear", strconv.Itoa(v.year))
		t.text(at+"vehicle.trim.modelName", m.name)
		t.text(at+"vehicle.trim.trimName", "EX")
		t.text(at+"device.telematics.generation", strconv.Itoa(max(2, m.generation)))
	}
	if ask.Config["maintenance"] == "1" {
		const every = 7500
		driven := miles(b.odometerKm)
		t.real(config+"maintenance.nextServiceMile", every-float64(int(driven*10)%(every*10))/10, 1)
		t.raw(config+"maintenance.maintenanceSchedule", "[7500,15000]")
	}
	seats := "1"
	if m.older {
		seats = "0"
	}
	if ask.Config["vehicleFeature"] == "1" {
		t.raw(config+"vehicleFeature", `{"remoteFeature":{"lock":"1","unlock":"1","start":"3","stop":"1","heatedSteeringWheel":"1","heatedRearWindow":"1","heatedSeat":"`+
			seats+`","ventSeat":"`+seats+`","hornlight":"1","panic":"1","steeringWheelStepLevel":"1","windowSafety":"1"},`+
			`"chargeFeature":{"immediateCharge":"1","cancelCharge":"1","targetSOC":"1","minTargetSOC":"50","maxTargetSOC":"100","socStep":"10","chargePortDoorOption":"0"},`+
			`"alertFeature":{"valetType":{"valet":"1","valetParkingMode":"0"}},"vrmFeature":{"trip":"1"}}`)
	}
	if ask.Config["seatHeatCoolOption"] == "1" && !m.older {
		t.raw(config+"heatVentSeat", `{"driverSeat":{"heatVentType":3,"heatVentStep":3},"passengerSeat":{"heatVentType":3,"heatVentStep":3},`+
			`"rearLeftSeat":{"heatVentType":1,"heatVentStep":3},"rearRightSeat":{"heatVentType":1,"heatVentStep":3}}`)
	}
	t.raw(info+"vehicleNickName", string(marshal(v.nickname)))
	if ask.Info["enrollment"] == "1" {
		t.text(info+"enrollment.provStatus", "4")
		t.text(info+"enrollment.enrollmentStatus", "1")
		t.text(info+"enrollment.registrationDate", v.enrolled())
		t.text(info+"enrollment.expirationDate", "20350101")
	}
	if ask.Info["dtc"] == "1" {
		t.text(info+"activeDTC.dtcActiveCount", "0")
	}
	const rpt = info + "vehicleStatusRpt."
	t.text(rpt+"statusType", "2")
	r.kiaUSTime(t, rpt+"reportDate.", r.at)
	status := r.flat()
	if m.climateAsked && (ask.Config["airTempRange"] != "1" || ask.Config["seatHeatCoolOption"] != "1") {
		status = r.kiaUSStatus(false, true)
	}
	t.raw(rpt+"vehicleStatus", string(status))
	if ask.Info["location"] == "1" {
		const at = info + "location."
		t.real(at+"coord.lat", b.lat, 6)
		t.real(at+"coord.lon", b.lon, 6)
		t.num(at+"coord.alt", whole(b.altitude))
		t.num(at+"coord.type", 0)
		t.num(at+"head", whole(b.heading))
		t.num(at+"speed.value", whole(miles(b.speedKmh)))
		t.num(at+"speed.unit", 1)
		r.kiaUSTime(t, at+"syncDate.", r.at)
	}
	return t.bytes()
}

// kiaUSReadKind tells a forced read from one of what the cloud knows (§4.2).
func kiaUSReadKind(c *call) kind {
	var body struct {
		Type int `json:"requestType"`
	}
	if c.decode(&body) && body.Type == 1 {
		return kindRead
	}
	return kindWake
}

// status is the forced read: it waits for the car and gives the status without position
// and odometer, but with charge limits also where the cached one has none (§4.2, §4.3).
func (k *kiaUS) status(c *call, s *kiaUSSession) reply {
	var body struct {
		Type int `json:"requestType"`
	}
	if !kiaUSReadShape.reads(c.body, &body) || body.Type < 0 || body.Type > 1 {
		return kiaUSWrongShape.reply()
	}
	v := c.car
	r := v.look(c.now)
	if body.Type == 0 {
		refused := c.remote(func() (refused *refusal) {
			r, refused = v.ask(c, false)
			return refused
		})
		if refused != nil {
			return k.say(refused)
		}
	}
	k.mu.Lock()
	s.warm[v] = true
	k.mu.Unlock()
	status := r.flat()
	switch {
	case v.replay != nil:
		status = marshal(dig(r.recording(), kiaUSRecording.status...))
	case v.model.older:
		status = r.kiaUSStatus(true, true)
	}
	t := newTree(len(status) + 256)
	t.text("vehicleStatusRpt.statusType", strconv.Itoa(body.Type))
	r.kiaUSTime(t, "vehicleStatusRpt.reportDate.", r.at)
	t.raw("vehicleStatusRpt.vehicleStatus", string(status))
	return kiaUSSuccess(t.bytes())
}

// chargeTargets gives the limits, both 0 until the car was asked in this session (§4.3).
func (k *kiaUS) chargeTargets(c *call, s *kiaUSSession) reply {
	v := c.car
	if !v.model.engine.plugs() {
		return kiaUSUnsupported.reply()
	}
	r := v.look(c.now)
	k.mu.Lock()
	warm := s.warm[v]
	k.mu.Unlock()
	switch {
	case !warm:
		return kiaUSSuccess([]byte(`{"targetSOClist":` + kiaUSTargets(0, 0) + `}`))
	case v.replay != nil:
		limits := dig(r.recording(), append(kiaUSRecording.status, "evStatus", "targetSOC")...)
		if limits == nil {
			return kiaUSUnsupported.reply()
		}
		return kiaUSSuccess(marshal(map[string]any{"targetSOClist": limits}))
	}
	return kiaUSSuccess([]byte(`{"targetSOClist":` + kiaUSTargets(r.body.limitDC, r.body.limitAC) + `}`))
}
