package sim

import "time"

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

// The keys of bodies with more than an action.
const (
	windowKeys = "backLeft backRight frontLeft frontRight"
	limitKeys  = "targetSOClist! targetSOClist.plugType targetSOClist.targetSOClevel"
	routeKeys  = "deviceID! poiInfoList! poiInfoList.phone poiInfoList.waypointID poiInfoList.lang poiInfoList.src poiInfoList.coord " +
		"poiInfoList.coord.lat poiInfoList.coord.lon poiInfoList.coord.alt poiInfoList.coord.type " +
		"poiInfoList.addr poiInfoList.zip poiInfoList.placeid poiInfoList.name"
)

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

// orderAllWindows moves all of them (docs/protocol/brazil.md §6).
func orderAllWindows(c *call) (effect, bool) {
	var body struct{ Action string }
	ok := c.decode(&body) && (body.Action == "open" || body.Action == "close")
	to := 0
	if body.Action == "open" {
		to = 1
	}
	return windowEffect(ok, &to, &to, &to, &to)
}

// orderFlash is the light without a body.
func orderFlash(*call) (effect, bool) { return flash, true }

func flash(v *car) bool {
	v.body.hazardTil = v.body.at.Add(30 * time.Second)
	return true
}

func orderLight(c *call) (effect, bool) {
	var body struct{ Command string }
	ok := c.decode(&body) && body.Command == "on"
	return flash, ok
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
