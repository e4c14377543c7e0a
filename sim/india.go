package sim

import "time"

// India: docs/protocol/india.md. Neither stamps nor the CCS2 header are sent with calls
// for a car, and stamps of the sign-in are not looked at (§1).
var (
	indiaHyundai = signedAt("prd.in-ccapi.hyundai.connected-car.io", "8080", ccapi{
		dialect:   &indian,
		serviceID: "e5b3f6d0-7f83-43c9-aff3-a254db7af368", secret: "5JFOCr6C24OfOzlDqZp7EwqrkL0Ww04UaxcDiE6Ud3qI5SE4",
		appIDs: []string{"5a27df80-4ca1-4154-8c09-6f4029d91cf7"},
	})
	indiaKia = signedAt("prd.in-ccapi.kia.connected-car.io", "8080", ccapi{
		dialect:   &indian,
		serviceID: "d0fe4855-7527-4be0-ab6e-a481216c705d", secret: "SHoTtXpyfbYmP3XjNA6BrtlDglypPWj920PtKBJPfleHEYpU",
		appIDs: []string{"00000000-69cd-4660-b75d-277ae15379dd"},
	})
)

var kolkata = zone("Asia/Kolkata")

// indian is how India's vehicle API speaks. How long its tokens live is unknown; six
// hours are those of its sisters. No Indian CCS2 car is known; its forms follow the
// shared code (§6).
var indian = dialect{
	zone: kolkata, placeZone: kolkata, rightHand: true, tokenLife: 21600 * time.Second,
	badApp: refusedAppID, badStamp: refusedParameter, badDevice: refusedDevice,
	badGrant: invalidParameters, badLogin: requiresLogin,
	root: rootBare, sunroof: true, seats: [4]string{"astSeatHeatState", "drvSeatHeatState", "rlSeatHeatState", "rrSeatHeatState"},
	codes: widerCodes, twoPlaces: true,
	offset: "5", treeForAll: true, support: saysCCS2, history: historyForm{has: engine.plugs},
	// Hyundai's electric cars name their trips and tell no more (§4).
	tripsByID: func(v *car) bool { return v.cloud.brand == "hyundai" && v.model.engine == electric },
	reads:     indianReads,
	commands: []command{
		{path: "/control/door", versions: "v1", read: orderDoorFlat, keys: "action! deviceId!"},
		{path: "/control/engine", versions: "v1", read: orderEngineStart, keys: engineKeys},
		{path: "/control/engine", versions: "v2", pin: pinAlways, read: orderEngine, keys: engineKeys},
		{path: "/control/charge", versions: "v1 v2", who: forFlat, pin: pinOnV2, read: orderChargeFlat, keys: "action! deviceId! ccuCCS2ProtocolSupport"},
		{path: "/ccs2/control/charge", versions: "v2", who: forCCS2, pin: pinAlways, read: orderChargeCCS2, keys: "command!"},
		{path: "/charge/target", versions: "v1", read: orderLimits, keys: limitKeys},
		{path: "/ccs2/charge/chargingcurrent", versions: "v1", who: forCCS2, read: orderCurrent, keys: "chargingCurrent!"},
		{path: "/ccs2/charge/dischargelimit", versions: "v1", read: orderDischarge, keys: "dischargingLimit!"},
		{path: "/control/portdoor", versions: "v2", pin: pinAlways, read: orderPortDoor, keys: "action! deviceID!"},
		{path: "/control/valet", versions: "v2", pin: pinAlways, read: orderValet, keys: "action!", unlisted: true},
		{path: "/ccs2/control/light", versions: "v2", pin: pinAlways, read: orderLight, keys: "command!"},
		{path: "/ccs2/control/hornlight", versions: "v2", pin: pinAlways, read: orderLight, keys: "command!"},
		{path: "/control/windowcurtain", versions: "v2", pin: pinAlways, read: orderWindows, keys: windowKeys},
		{path: "/location/routes", versions: "v2", pin: pinAlways, read: orderRoute, keys: routeKeys},
		{path: "/ccs2/reservation/chargehvac", versions: "v2", pin: pinAlways, read: orderSchedule, keys: scheduleKeys},
		{path: "/ccs2/reservation/charge", versions: "v2", who: forCCS2, pin: pinAlways, read: orderScheduleCharge, keys: scheduleChargeKeys},
		{path: "/ccs2/reservation/hvac", versions: "v2", who: forCCS2, pin: pinAlways, read: orderScheduleClimate, keys: scheduleClimateKeys},
	},
}

func indianReads(g *ccapi) []endpoint {
	return []endpoint{
		{pattern: "GET /status/latest", kind: kindRead, handle: g.flatCached, status: true},
		{pattern: "GET /ccs2/carstatus/latest", kind: kindRead, handle: g.ccs2Cached, status: true},
		{pattern: "GET /profile", kind: kindRead, handle: g.profile},
		{pattern: "GET /setting/alert/maintenance", kind: kindRead, handle: maintenance},
		{pattern: "GET /location/park", kind: kindRead, handle: g.parkedLocation},
		{pattern: "GET /status", kind: kindWake, handle: g.flatForced, live: true},
		{pattern: "GET /ccs2/carstatus", kind: kindWake, handle: g.ccs2Wake, live: true},
		{pattern: "GET /charge/target", kind: kindRead, handle: g.chargeTargets},
		{pattern: "POST /tripinfo", kind: kindRead, handle: g.tripInfo},
		{pattern: "POST /tripinfo/detail", kind: kindRead, handle: g.tripDetail},
		{pattern: "POST /drvhistory", kind: kindRead, handle: g.drivingHistory},
	}
}

// service is how often something of a car is looked after. The names are assumed; the
// figures are those of a workshop's plan (docs/protocol/india.md §4).
type service struct {
	name       string
	km, months int
	burns      bool // only where there is an engine
}

var services = []service{
	{"Engine Oil", 10000, 12, true},
	{"Air Cleaner", 30000, 36, true},
	{"Tire Rotation", 10000, 12, false},
	{"Wheel Alignment", 20000, 24, false},
}

// maintenance is the only place that tells the distance, next to the plan of services.
func maintenance(c *call) reply {
	v := c.car
	if v.replay != nil {
		return refusedNoData.reply()
	}
	plan := []any{}
	for _, s := range services {
		if s.burns && !v.model.engine.burns() {
			continue
		}
		plan = append(plan, map[string]any{
			"itemId": s.name, "enable": true,
			"items": map[string]any{"distValue": s.km, "termValue": s.months},
		})
	}
	return spaAnswer(marshal(map[string]any{"odometer": round(v.look(c.now).body.odometerKm, 1), "mainList": plan}))
}
