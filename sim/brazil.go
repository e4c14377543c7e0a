package sim

import (
	"net/http"
	"time"
)

// Brazil: docs/protocol/brazil.md. Only Hyundai is there; every car says that it speaks
// the flat protocol and is read as a CCS2 tree.
var brazilHyundai = signedAt("br-ccapi.hyundai.com.br", "", ccapi{
	dialect:   &brazilian,
	serviceID: "03f7df9b-7626-4853-b7bd-ad1e8d722bd5", secret: "yQz2bc6Cn8OovVOR7RDWwxTqVwWG3yKBYFDg0HsOXsyxyPlH",
	// Those of the app for iOS and of the one for Android (§1); both are taken.
	appIDs: []string{"513a491a-0d7c-4d6a-ac03-a2df127d73b0", "213a491a-0d7c-4d6a-ac03-a2df127d73b0"},
	// One client's constant. The real cloud has refused it since September 2026 (§2.1); it
	// is taken here for the sake of that client's older versions.
	devices: []string{"c6e5815b-3057-4e5e-95d5-e3d5d1d2093e"},
})

// brasilia is fixed: the country has no summer time.
var brasilia = time.FixedZone("-03", -3*60*60)

// brazilian is how Brazil's vehicle API speaks. The times of a tree agree with each
// other; that they are UTC is assumed (§5). What a command has changed shows after a wake
// (§10.7).
var brazilian = dialect{
	zone: brasilia, placeZone: brasilia, tokenLife: 86400 * time.Second,
	badApp: refusedAppID, badStamp: refusedParameter, badDevice: refusedDevice,
	badGrant:     userError{status: http.StatusBadRequest, code: "4001", text: "Invalid grant", number: true},
	badLogin:     userError{status: http.StatusBadRequest, code: "4003", text: "Invalid credentials", number: true},
	clientInForm: true,
	root:         rootBare, odometer: true, seats: flatSeats, codes: widerCodes,
	offset: "-3", treePlace: true, compactUpdate: true, support: saysFlat, accepted: "Success",
	history: historyForm{has: func(engine) bool { return false }},
	reads:   brazilianReads,
	commands: []command{
		{path: "/control/door", versions: "v2", pin: pinAlways, read: orderDoorFlat, keys: "action! deviceId!"},
		{path: "/control/window", versions: "v2", pin: pinAlways, read: orderAllWindows, keys: "action! deviceId!"},
		{path: "/control/light", versions: "v2", pin: pinAlways, read: orderFlash},
		{path: "/control/engine", versions: "v2", pin: pinAlways, read: orderEngineBrazil, keys: engineKeysBrazil},
	},
}

func brazilianReads(g *ccapi) []endpoint {
	return []endpoint{
		{pattern: "GET /ccs2/carstatus/latest", kind: kindRead, handle: g.ccs2Cached, status: true},
		{pattern: "GET /ccs2/carstatus", kind: kindWake, handle: acknowledged, live: true},
		// Only the result of the last command, if any: not to be used (§4).
		{pattern: "GET /status/latest", kind: kindRead, handle: func(*call) reply { return refusedBusy.reply() }},
		{pattern: "GET /status", kind: kindWake, handle: forcedFlat, live: true},
		{pattern: "POST /tripinfo", kind: kindRead, handle: g.tripInfo},
	}
}

// acknowledged is a wake, with an empty message where other regions have none.
func acknowledged(c *call) reply {
	id := freshUUID()
	if refused := c.car.wake(c, id); refused != nil {
		return refused.reply()
	}
	return jsonReply(http.StatusOK, `{"retCode":"S","resCode":"0000","resMsg":null,"msgId":"`+id+`"}`)
}

// forcedFlat wakes the car and tells its state in the old form.
func forcedFlat(c *call) reply {
	if c.car.replay != nil {
		return refusedBusy.reply() // recorded as a tree only
	}
	r, refused := c.car.ask(c, false)
	if refused != nil {
		return refused.reply()
	}
	return spaAnswer(r.flatStatus())
}

func (g ccapi) buildBrazil(c *cloud) map[string]*router {
	c.discreet = true
	g.join(c)
	endpoints := append(g.endpoints(), g.signinEndpoints()...)
	endpoints = append(
		endpoints,
		endpoint{pattern: "GET /api/v1/spa/notifications/{vehicle}/history", kind: kindRead, handle: g.spa(g.records), spa: true},
		endpoint{pattern: "GET " + deviceLanguagePath, kind: kindOther, handle: g.spa(g.deviceLanguage), spa: true},
		endpoint{pattern: "POST " + deviceLanguagePath, kind: kindOther, handle: g.spa(g.setDeviceLanguage), spa: true},
	)
	return map[string]*router{g.host: newRouter(c, g.host, &g, endpoints)}
}

const deviceLanguagePath = "/api/v1/spa/devices/{device}/setting/language"

// newDeviceLanguage is what a device speaks before it is told (assumed: unknown).
const newDeviceLanguage = "US-EN"

// deviceLanguage tells in which language a registered device gets its messages (§2.8).
func (g *ccapi) deviceLanguage(c *call) reply {
	language, known := c.cloud.account.language(c.r.PathValue("device"))
	if !known {
		return g.badDevice.reply()
	}
	return spaAnswer(marshal(map[string]string{"language": language}))
}

func (g *ccapi) setDeviceLanguage(c *call) reply {
	var body struct {
		Language string `json:"language"`
	}
	if !c.onlyKeys("language!") || !c.decode(&body) || body.Language == "" {
		return refusedParameter.reply()
	}
	if !c.cloud.account.speak(c.r.PathValue("device"), body.Language) {
		return g.badDevice.reply()
	}
	return spaAnswer(nil)
}
