package sim

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"
)

// order reads the body of a command and says what the car shall do: nil and false for
// a body that makes no sense. The effect reports false when the car refuses.
type order func(c *call) (effect, bool)

// effect changes the car when the command has reached it. It runs with v.mu held.
type effect func(v *car) bool

// audience says which cars understand a command; the others accept it and do nothing
// (docs/protocol/europe.md §11.3.8).
type audience int

const (
	forAll audience = iota
	forFlat
	forCCS2
)

func (a audience) understands(v *car) bool {
	return a == forAll || (a == forCCS2) == v.model.ccs2
}

// commandEndpoints are the commands of docs/protocol/europe.md §6. Those with pin need
// a control token; the others take either.
func (e *europe) commandEndpoints() []endpoint {
	rows := []struct {
		path string
		who  audience
		pin  bool
		read order
		keys string // those that any client's form of the body has; the cloud refuses others (assumed)
	}{
		{"/control/door", forFlat, false, orderDoorFlat, "action deviceId"},
		{"/control/temperature", forFlat, false, orderClimateFlat, "action hvacType options tempCode unit deviceId"},
		{"/control/charge", forFlat, false, orderChargeFlat, "action deviceId"},
		{"/ccs2/control/door", forCCS2, true, orderDoorCCS2, "command"},
		{"/ccs2/control/temperature", forCCS2, true, orderClimateCCS2, "command ignitionDuration strgWhlHeating hvacTempType hvacTemp sideRearMirrorHeating heating1 drvSeatLoc seatClimateInfo tempUnit windshieldFrontDefogState"},
		{"/ccs2/control/charge", forCCS2, true, orderChargeCCS2, "command"},
		{"/charge/target", forAll, false, orderLimits, "targetSOClist deviceId"},
		{"/ccs2/charge/chargingcurrent", forCCS2, false, orderCurrent, "chargingCurrent"},
		{"/ccs2/charge/dischargelimit", forAll, false, orderDischarge, "dischargingLimit"},
		{"/control/portdoor", forAll, true, orderPortDoor, "action deviceId"},
		{"/control/windowcurtain", forAll, true, orderWindows, "backLeft backRight frontLeft frontRight deviceId"},
		{"/ccs2/control/windowcurtain", forCCS2, true, orderWindowsCCS2, "drvSeatWindow psgSeatWindow rlSeatWindow rrSeatWindow drvSeatLoc"},
		{"/ccs2/control/light", forAll, true, orderLight, "command"},
		{"/ccs2/control/hornlight", forAll, true, orderLight, "command"},
		{"/control/valet", forAll, true, orderValet, "action deviceId"},
		{"/location/routes", forAll, true, orderRoute, "deviceID poiInfoList"},
		{"/ccs2/reservation/chargehvac", forAll, true, orderSchedule, "reservChargeInfo1 reservChargeInfo2 offPeakPowerInfo reservFlag"},
		{"/ccs2/reservation/charge", forCCS2, true, orderScheduleCharge, "reservFlag offpeakPowerFlag reservStartTime reservEndTime"},
		{"/ccs2/reservation/hvac", forCCS2, true, orderScheduleClimate, "reservedHVACInfo1 reservedHVACInfo2"},
	}
	var endpoints []endpoint
	for _, row := range rows {
		endpoints = append(endpoints, endpoint{pattern: "POST " + row.path, kind: kindCommand, live: true, handle: func(c *call) reply {
			if row.pin && c.session.token.use != useControl {
				return disallowed() // assumed: what an access token gives here is unknown
			}
			do, ok := row.read(c)
			if !ok || !c.onlyKeys(row.keys) {
				return refusedParameter.reply()
			}
			if !e.ownDevice(c) {
				return refusedDevice.reply()
			}
			if !row.who.understands(c.car) {
				do = func(*car) bool { return true }
			}
			id, refused := c.car.command(c, do)
			if refused != nil {
				return refused.reply()
			}
			return acceptedAnswer(id)
		}})
	}
	return endpoints
}

// onlyKeys tells whether the body is an object without other keys than these, which are separated by spaces.
func (c *call) onlyKeys(known string) bool {
	var body map[string]json.RawMessage
	if !c.decode(&body) {
		return false
	}
	for key := range body {
		if !slices.Contains(strings.Fields(known), key) {
			return false
		}
	}
	return true
}

// disallowed is the gateway's answer to a token that is not enough.
func disallowed() reply {
	return jsonReply(http.StatusForbidden, `{"error":"Access to this API has been disallowed"}`)
}

// ownDevice checks the device id that some bodies carry, once deviceId and once
// deviceID.
func (e *europe) ownDevice(c *call) bool {
	var body struct {
		One     string `json:"deviceId"`
		Another string `json:"deviceID"`
	}
	if !c.decode(&body) {
		return false
	}
	// encoding/json matches names without regard to case, so either may hold it.
	id := body.One + body.Another
	return id == "" || c.cloud.account.knowsDevice(id)
}

// records tells how far the commands of this device have come
// (docs/protocol/europe.md §7).
func (e *europe) records(c *call) reply {
	v := c.car
	if v == nil {
		return refusedNoData.reply()
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.settle(c.now)
	list := []map[string]any{}
	for i := len(v.records) - 1; i >= 0; i-- {
		r := v.records[i]
		if r.device != c.session.device {
			continue
		}
		var result any
		if r.result != "" {
			result = r.result
		}
		list = append(list, map[string]any{"recordId": r.id, "result": result, "time": r.at.UTC().Format(compactTime), "category": "control"})
	}
	return spaAnswer(marshal(list))
}

// Bodies. Pointers tell absent and null from zero.

func orderDoorFlat(c *call) (effect, bool) {
	var body struct{ Action string }
	ok := c.decode(&body) && (body.Action == "close" || body.Action == "open")
	return lockEffect(body.Action == "close"), ok
}

func orderDoorCCS2(c *call) (effect, bool) {
	var body struct{ Command string }
	ok := c.decode(&body) && (body.Command == "close" || body.Command == "open")
	return lockEffect(body.Command == "close"), ok
}

// lockEffect locks or unlocks; a car with an open door does not lock.
func lockEffect(lock bool) effect {
	return func(v *car) bool {
		if lock && v.body.doors != [4]bool{} {
			return false
		}
		v.body.setLocked(lock)
		return true
	}
}

func orderChargeFlat(c *call) (effect, bool) {
	var body struct{ Action string }
	ok := c.decode(&body) && (body.Action == "start" || body.Action == "stop")
	return chargeEffect(body.Action == "start"), ok
}

func orderChargeCCS2(c *call) (effect, bool) {
	var body struct{ Command string }
	ok := c.decode(&body) && (body.Command == "start" || body.Command == "stop")
	return chargeEffect(body.Command == "start"), ok
}

func chargeEffect(start bool) effect {
	return func(v *car) bool {
		b := &v.body
		if !start {
			b.chargeHeld, b.chargeNow = true, false
			v.stopCharging()
			return true
		}
		if b.plug == plugNone || b.soc(v.model) >= b.limit() {
			return false
		}
		b.chargeHeld, b.chargeNow = false, true
		v.startCharging()
		return true
	}
}

func orderLimits(c *call) (effect, bool) {
	var body struct {
		List []struct {
			PlugType *int `json:"plugType"`
			Level    *int `json:"targetSOClevel"`
		} `json:"targetSOClist"`
	}
	if !c.decode(&body) || len(body.List) == 0 {
		return nil, false
	}
	limits := map[int]int{}
	for _, row := range body.List {
		if row.PlugType == nil || row.Level == nil || *row.PlugType < 0 || *row.PlugType > 1 ||
			*row.Level < 50 || *row.Level > 100 || *row.Level%10 != 0 {
			return nil, false
		}
		limits[*row.PlugType] = *row.Level
	}
	return func(v *car) bool {
		if !v.model.engine.plugs() {
			return false
		}
		if level, given := limits[0]; given {
			v.body.limitDC = level
		}
		if level, given := limits[1]; given {
			v.body.limitAC = level
		}
		return true
	}, true
}

func orderCurrent(c *call) (effect, bool) {
	var body struct {
		Level int `json:"chargingCurrent"`
	}
	if !c.decode(&body) || body.Level < 1 || body.Level > 3 {
		return nil, false
	}
	return func(v *car) bool {
		v.body.currentLevel = body.Level
		return v.model.engine.plugs()
	}, true
}

func orderDischarge(c *call) (effect, bool) {
	var body struct {
		Limit *int `json:"dischargingLimit"`
	}
	if !c.decode(&body) || body.Limit == nil || *body.Limit < 0 || *body.Limit > 100 {
		return nil, false
	}
	return func(v *car) bool {
		v.body.v2lLimit = *body.Limit
		return v.model.engine == electric
	}, true
}

func orderPortDoor(c *call) (effect, bool) {
	var body struct{ Action string }
	if !c.decode(&body) || body.Action != "open" && body.Action != "close" {
		return nil, false
	}
	return func(v *car) bool {
		if !v.model.engine.plugs() || body.Action == "close" && v.body.plug != plugNone {
			return false
		}
		v.body.chargePort = body.Action == "open"
		return true
	}, true
}

func orderWindows(c *call) (effect, bool) {
	var body struct{ FrontLeft, FrontRight, BackLeft, BackRight *int }
	ok := c.decode(&body)
	return windowEffect(ok, body.FrontLeft, body.FrontRight, body.BackLeft, body.BackRight)
}

// orderWindowsCCS2 is the form that one captured app sends.
func orderWindowsCCS2(c *call) (effect, bool) {
	var body struct {
		Driver    *int   `json:"drvSeatWindow"`
		Passenger *int   `json:"psgSeatWindow"`
		RearLeft  *int   `json:"rlSeatWindow"`
		RearRight *int   `json:"rrSeatWindow"`
		Side      string `json:"drvSeatLoc"`
	}
	ok := c.decode(&body)
	if body.Side == "R" {
		body.Driver, body.Passenger = body.Passenger, body.Driver
	}
	return windowEffect(ok, body.Driver, body.Passenger, body.RearLeft, body.RearRight)
}

// windowEffect moves windows; null leaves one as it is (assumed).
func windowEffect(ok bool, windows ...*int) (effect, bool) {
	some := false
	for _, w := range windows {
		some = some || w != nil
		ok = ok && (w == nil || *w >= 0 && *w <= 2)
	}
	return func(v *car) bool {
		for i, w := range windows {
			if w != nil {
				v.body.windows[i] = *w
			}
		}
		return true
	}, ok && some
}

func orderLight(c *call) (effect, bool) {
	var body struct{ Command string }
	ok := c.decode(&body) && body.Command == "on"
	return func(v *car) bool {
		v.body.hazardTil = v.body.at.Add(30 * time.Second)
		return true
	}, ok
}

func orderValet(c *call) (effect, bool) {
	var body struct{ Action string }
	ok := c.decode(&body) && (body.Action == "activate" || body.Action == "deactivate")
	return func(v *car) bool {
		v.body.valet = body.Action == "activate"
		return true
	}, ok
}

// orderRoute takes destinations; way points are numbered from 1 in their order.
func orderRoute(c *call) (effect, bool) {
	var body struct {
		List []struct {
			WaypointID int    `json:"waypointID"`
			Name       string `json:"name"`
			Coord      *struct{ Lat, Lon *float64 }
		} `json:"poiInfoList"`
	}
	if !c.decode(&body) || len(body.List) == 0 {
		return nil, false
	}
	for i, poi := range body.List {
		if poi.WaypointID != i+1 || poi.Coord == nil || poi.Coord.Lat == nil || poi.Coord.Lon == nil {
			return nil, false
		}
	}
	last := body.List[len(body.List)-1].Name
	return func(v *car) bool {
		v.destination = last
		return true
	}, true
}

// within takes absent and null as "unchanged".
func within(n *int, low, high int) bool { return n == nil || *n >= low && *n <= high }
