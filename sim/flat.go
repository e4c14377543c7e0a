package sim

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// renderFlat writes the message of a cached read, as the region has it: the status
// stands in it at its root (docs/protocol/europe.md §5.1 and §11.5,
// australia-newzealand.md §4, china.md §4).
func (r *report) renderFlat() []byte {
	g := r.car.cloud.ccapi
	if g.root == rootBare {
		return r.flatStatus()
	}
	t := newTree(4096)
	switch g.root {
	case rootStatus:
		t.raw("status", string(r.flatStatus()))
		r.flatCoord(t, "vehicleLocation.")
		t.text("vehicleLocation.time", localCompact(r.at, g.placeZone))
	default:
		const at = "vehicleStatusInfo."
		r.flatPlace(t, at+"vehicleLocation.", g.placeZone)
		t.real(at+"odometer.value", r.body.odometerKm, 1)
		t.num(at+"odometer.unit", 1)
		t.raw(at+"vehicleStatus", string(r.flatStatus()))
	}
	return t.bytes()
}

// flatPlace writes a position with the time of the report.
func (r *report) flatPlace(t *tree, at string, zone *time.Location) {
	b := &r.body
	r.flatCoord(t, at)
	t.num(at+"head", whole(b.heading))
	t.num(at+"speed.value", whole(b.speedKmh))
	t.num(at+"speed.unit", 0)
	t.num(at+"accuracy.hdop", 0)
	t.num(at+"accuracy.pdop", 0)
	t.text(at+"time", localCompact(r.at, zone))
}

func (r *report) flatCoord(t *tree, at string) {
	b := &r.body
	t.real(at+"coord.lat", b.lat, 6)
	t.real(at+"coord.lon", b.lon, 6)
	t.num(at+"coord.alt", whole(b.altitude))
	t.num(at+"coord.type", 0)
}

// flatStatus writes the status by itself.
func (r *report) flatStatus() []byte {
	b, m, g := &r.body, r.car.model, r.car.cloud.ccapi
	t := newTree(3584)
	t.text("time", localCompact(r.at, g.zone))
	if g.odometer {
		t.real("odometer.value", b.odometerKm, 1)
		t.num("odometer.unit", 1)
	}
	t.truth("airCtrlOn", b.climate)
	t.truth("engine", b.driving())
	t.truth("acc", b.driving())
	t.truth("ign3", !b.asleep())
	t.truth("transCond", !b.driving())
	t.truth("doorLock", b.allLocked())
	for i, place := range flatCorners {
		t.flag("doorOpen."+place, b.doors[i])
	}
	for i, place := range flatCorners {
		t.flag("windowOpen."+place, b.windows[i] != 0)
	}
	if m.sunroof && g.sunroof {
		t.truth("sunroofOpen", b.sunroof)
	}
	t.truth("trunkOpen", b.trunk)
	t.truth("hoodOpen", b.hood)
	if g.offCode != "" && !b.climate {
		t.text("airTemp.value", g.offCode)
	} else {
		t.text("airTemp.value", g.codes.code(b.temperatureC))
	}
	t.num("airTemp.unit", 0)
	t.num("airTemp.hvacTempType", 1)
	t.truth("defrost", b.defrost)
	t.flag("steerWheelHeat", b.wheelHeat > 0)
	t.flag("sideBackWindowHeat", b.rearHeat)
	t.flag("sideMirrorHeat", b.mirrorHeat)
	for i, seat := range g.seats {
		t.num("seatHeaterVentState."+seat, b.seats[i])
	}
	for _, lamp := range []string{"headLampStatus", "leftLowLamp", "rightLowLamp", "leftHighLamp", "rightHighLamp", "leftBifuncLamp", "rightBifuncLamp"} {
		t.num("lampWireStatus.headLamp."+lamp, 0)
	}
	for _, lamp := range []string{"leftLamp", "rightLamp"} {
		t.num("lampWireStatus.stopLamp."+lamp, 0)
	}
	for _, lamp := range []string{"leftFrontLamp", "rightFrontLamp", "leftRearLamp", "rightRearLamp"} {
		t.num("lampWireStatus.turnSignalLamp."+lamp, 0)
	}
	t.flag("tirePressureLamp.tirePressureLampAll", b.anyTyreWarning())
	for i, place := range []string{"FL", "FR", "RL", "RR"} {
		t.flag("tirePressureLamp.tirePressureLamp"+place, b.tyreWarning(i))
	}
	t.num("battery.batSoc", b.level12V())
	t.num("battery.batState", 0)
	t.truth("washerFluidStatus", b.washerLow)
	t.truth("breakOilStatus", b.brakeLow)
	t.truth("smartKeyBatteryWarning", b.fobLow)
	t.flag("sleepModeCheck", b.asleep())
	if m.engine.burns() {
		t.num("fuelLevel", b.fuelLevel(m))
		t.truth("lowFuelLight", b.fuelPercent < 12)
		t.num("dte.value", whole(b.totalRange(m)))
		t.num("dte.unit", 1)
	} else {
		t.truth("lowFuelLight", false)
	}
	if m.engine.plugs() {
		flatCharging(t, b, m)
		flatSchedules(t, b, m, g.codes)
	}
	return t.bytes()
}

var flatCorners = [4]string{"frontLeft", "frontRight", "backLeft", "backRight"}

func flatCharging(t *tree, b *body, m *model) {
	t.truth("evStatus.batteryCharge", b.charging)
	t.num("evStatus.batteryStatus", whole(b.soc(m)))
	t.num("evStatus.batteryPlugin", int(b.plug))
	door := 2
	if b.chargePort {
		door = 1
	}
	t.num("evStatus.chargePortDoorOpenStatus", door)
	power := 0.0
	if b.charging {
		power = b.chargeKW
	}
	t.real("evStatus.batteryPower.batteryStndChrgPower", power, 1)
	for _, row := range []struct {
		name    string
		minutes int
	}{
		{"etc1", b.minutesQuick(m)}, {"etc2", b.minutesPortable(m)}, {"etc3", b.minutesStation(m)}, {"atc", b.minutesLeft(m)},
	} {
		t.num("evStatus.remainTime2."+row.name+".value", row.minutes)
		t.num("evStatus.remainTime2."+row.name+".unit", 1)
	}
	gas := ""
	if m.engine.burns() {
		gas = fmt.Sprintf(`"gasModeRange":{"value":%d,"unit":1},`, whole(b.fuelRange(m)))
	}
	t.raw("evStatus.drvDistance", fmt.Sprintf(
		`[{"rangeByFuel":{%s"evModeRange":{"value":%d,"unit":1},"totalAvailableRange":{"value":%d,"unit":1}},"type":2}]`,
		gas, whole(b.evRange(m)), whole(b.totalRange(m))))
}

func flatSchedules(t *tree, b *body, m *model, codes climateCodes) {
	const at = "evStatus.reservChargeInfos."
	s := &b.schedule
	t.flag(at+"reservFlag", s.charging)
	// The second key has an e more than the first.
	for i, name := range []string{"reservChargeInfo", "reserveChargeInfo2"} {
		d := &s.departures[i]
		at := at + name + ".reservChargeInfoDetail."
		t.truth(at+"reservChargeSet", d.enabled)
		t.raw(at+"reservInfo.day", flatDays(d.days))
		flatTime(t, at+"reservInfo.time.", d.at)
		t.truth(at+"reservFatcSet.defrost", d.defrost)
		t.text(at+"reservFatcSet.airTemp.value", codes.code(d.temperatureC))
		t.num(at+"reservFatcSet.airTemp.unit", 0)
		t.num(at+"reservFatcSet.airTemp.hvacTempType", 1)
		t.flag(at+"reservFatcSet.airCtrl", d.climate)
		t.num(at+"reservFatcSet.heating1", 0)
	}
	flatTime(t, at+"offpeakPowerInfo.offPeakPowerTime1.starttime.", s.start)
	flatTime(t, at+"offpeakPowerInfo.offPeakPowerTime1.endtime.", s.end)
	flag := 2
	if s.offPeakOnly {
		flag = 1
	}
	t.num(at+"offpeakPowerInfo.offPeakPowerFlag", flag)
	for _, end := range []string{"start", "end"} {
		t.num(at+"ect."+end+".day", 9)
		flatTime(t, at+"ect."+end+".time.", clockTime{set: true})
	}
	t.raw(at+"targetSOClist", "["+flatTarget(0, b.limitDC, m)+","+flatTarget(1, b.limitAC, m)+"]")
}

func flatTarget(plugType, limit int, m *model) string {
	km := whole(m.evRange(float64(limit)))
	return fmt.Sprintf(`{"plugType":%d,"targetSOClevel":%d,"dte":{"type":2,"rangeByFuel":{"evModeRange":{"value":%d,"unit":1},"totalAvailableRange":{"value":%d,"unit":1}}}}`,
		plugType, limit, km, km)
}

// flatDays lists the days of a departure, Sunday 0; [9] is none.
func flatDays(days [7]bool) string {
	var list []string
	for day, on := range days {
		if on {
			list = append(list, strconv.Itoa(day))
		}
	}
	if list == nil {
		return "[9]"
	}
	return "[" + strings.Join(list, ",") + "]"
}

// flatTime writes a time of day on the 12-hour clock (docs/protocol/europe.md §5.2);
// "0000" is not set.
func flatTime(t *tree, at string, c clockTime) {
	text, section := "0000", 0
	if c.set {
		text, section = c.twelveHours()
	}
	t.text(at+"time", text)
	t.num(at+"timeSection", section)
}

func (c clockTime) twelveHours() (text string, section int) {
	hour := c.hour % 12
	if hour == 0 {
		hour = 12
	}
	return fmt.Sprintf("%02d%02d", hour, c.minute), c.hour / 12
}

// climateCodes are the set points that the flat form can express: index 00H is the
// coldest, each further one half a degree more, up to last
// (docs/protocol/europe.md §6.1, australia-newzealand.md §6).
type climateCodes struct {
	coldest float64
	last    int
}

// widerCodes reach from 14 to 29.5 °C, and narrowCodes from 17 to 26.5 °C.
var (
	widerCodes  = climateCodes{14, 0x1f}
	narrowCodes = climateCodes{17, 0x13}
)

// code is a set point as the flat protocol writes it: "0EH" is 21 °C in most regions.
func (k climateCodes) code(celsius float64) string { return fmt.Sprintf("%02XH", k.index(celsius)) }

func (k climateCodes) index(celsius float64) int {
	return min(max(whole((celsius-k.coldest)*2), 0), k.last)
}

// celsius reads a code, whatever the case of its digits.
func (k climateCodes) celsius(code string) (float64, bool) {
	if len(code) != 3 || code[2] != 'H' {
		return 0, false
	}
	index, err := strconv.ParseUint(code[:2], 16, 8)
	return k.coldest + float64(index)/2, err == nil && int(index) <= k.last
}
