package sim

import (
	"crypto/rand"
	"crypto/rsa"
	"strings"
	"sync"
	"time"
)

// europe is the European cloud of one brand: vehicle API ("ccapi"), identity provider
// ("IDP"), OneApp backend ("CCI") and the brand's own old sign-in, with the constants of
// docs/protocol/europe.md §1.1.
type europe struct {
	ccapi
	brand       string
	idpHost     string
	cciHost     string
	oneAppHost  string
	oneAppID    string // the OAuth client of the OneApp login
	cciClientID string
	keycloak    keycloak

	key func() *rsa.PrivateKey // for passwords; made at first use
}

var (
	europeKia = europe{
		brand: "kia",
		ccapi: ccapi{
			dialect: &european, host: "prd.eu-ccapi.kia.com", port: "8080",
			serviceID: "fdc85c00-0a2f-4c64-bcb4-2cfb1500730a", secret: "secret",
			appIDs:    []string{"a2b8469b-30a3-4361-8e13-6fceea8fbe74"},
			stampKeys: []string{mustDecodeKey("wLTVxwidmH8CfJYBWSnHD6E0huk0ozdiuygB4hLkM5XCgzAL1Dk5sE36d/bx5PFMbZs=")},
		},
		idpHost: "idpconnect-eu.kia.com", cciHost: "cci-api-eu.kia.com", oneAppHost: "oneapp.kia.com",
		oneAppID: "01b36c86-79e8-486c-8009-15f2ad88d670", cciClientID: "com.kia.oneapp.eu",
		keycloak: keycloak{"eu-account.kia.com", "eukiaidm", "572e0304-5f8d-4b4c-9dd5-41aa84eed160"},
	}
	europeHyundai = europe{
		brand: "hyundai",
		ccapi: ccapi{
			dialect: &european, host: "prd.eu-ccapi.hyundai.com", port: "8080",
			serviceID: "6d477c38-3ca4-4cf3-9557-2a1929a94654", secret: "KUy49XxPzLpLuoK0xhBC77W6VXhmtQR9iQhmIFjjoY4IpxsV",
			// The second id is still sent by one client (docs/protocol/europe.md §10.3).
			appIDs:    []string{"014d2225-8495-4735-812d-2616334fd15d", "1eba27d2-9a5b-4eba-8ec7-97eb6c62fb51"},
			stampKeys: []string{mustDecodeKey("RFtoRq/vDXJmRndoZaZQyfOot7OrIqGVFj96iY2WL3yyH5Z/pUvlUhqmCxD2t+D65SQ=")},
		},
		idpHost: "idpconnect-eu.hyundai.com", cciHost: "cci-api-eu.hyundai.com", oneAppHost: "oneapp.hyundai.com",
		oneAppID: "4f4953b5-02e1-4dbc-8599-87e983ee1be5", cciClientID: "com.hyundai.oneapp.eu",
		keycloak: keycloak{"eu-account.hyundai.com", "euhyundaiidm", "64621b96-0f0d-11ec-82a8-0242ac130003"},
	}
	europeGenesis = europe{
		brand: "genesis",
		ccapi: ccapi{
			dialect: &european, host: "prd-eu-ccapi.genesis.com", port: "443",
			serviceID: "3020afa2-30ff-412a-aa51-d28fbe901e10", secret: "FKDdlef2ffdleFEweELFKERiLER2FED21sDdwdgQz6hFESE3",
			appIDs:    []string{"f11f2b86-e0e7-4851-90df-5600b01d8b70"},
			stampKeys: []string{mustDecodeKey("RFtoRq/vDXJmRndoZaZQyYo3/qFLtVReW8P7utRPcc0ZxOzOELm9mexvviBk/qqIp4A=")},
		},
		idpHost: "idpconnect-eu.genesis.com", cciHost: "cci-api-eu.genesis.com", oneAppHost: "oneapp.genesis.com",
		oneAppID: "50e3b8b0-ced5-43b7-8a42-f86ac92fe50e", cciClientID: "com.genesis.oneapp.eu",
	}
)

// european is how Europe's vehicle API speaks; docs/protocol/europe.md §4 to §6 and
// §11.2. Both versions take either token.
var european = dialect{
	zone: berlin, placeZone: berlin, tokenLife: 86400 * time.Second,
	stamps: stampNeeded, tokenStamps: stampIfSent, badApp: refusedAppID, badStamp: refusedParameter, badDevice: refusedDevice,
	badGrant: invalidValues, badLogin: invalidValues,
	root: rootInfo, seats: flatSeats, codes: widerCodes,
	offset: "1", support: saysCCS2, history: historyForm{has: engine.plugs, named: true},
	reads: europeanReads, readsV2: true,
	commands: []command{
		{path: "/control/door", versions: "v1 v2", who: forFlat, read: orderDoorFlat, keys: "action deviceId"},
		{path: "/control/temperature", versions: "v1 v2", who: forFlat, read: orderClimateFlat, keys: climateKeysFlat},
		{path: "/control/charge", versions: "v1 v2", who: forFlat, read: orderChargeFlat, keys: "action deviceId"},
		{path: "/ccs2/control/door", versions: "v1 v2", who: forCCS2, pin: pinAlways, read: orderDoorCCS2, keys: "command"},
		{path: "/ccs2/control/temperature", versions: "v1 v2", who: forCCS2, pin: pinAlways, read: orderClimateCCS2, keys: climateKeysCCS2},
		{path: "/ccs2/control/charge", versions: "v1 v2", who: forCCS2, pin: pinAlways, read: orderChargeCCS2, keys: "command"},
		{path: "/charge/target", versions: "v1 v2", read: orderLimits, keys: limitKeys + " deviceId"},
		{path: "/ccs2/charge/chargingcurrent", versions: "v1 v2", who: forCCS2, read: orderCurrent, keys: "chargingCurrent"},
		{path: "/ccs2/charge/dischargelimit", versions: "v1 v2", read: orderDischarge, keys: "dischargingLimit"},
		{path: "/control/portdoor", versions: "v1 v2", pin: pinAlways, read: orderPortDoor, keys: "action deviceId"},
		{path: "/control/windowcurtain", versions: "v1 v2", pin: pinAlways, read: orderWindows, keys: windowKeys + " deviceId"},
		{path: "/ccs2/control/windowcurtain", versions: "v1 v2", who: forCCS2, pin: pinAlways, read: orderWindowsCCS2, keys: "drvSeatWindow psgSeatWindow rlSeatWindow rrSeatWindow drvSeatLoc"},
		{path: "/ccs2/control/light", versions: "v1 v2", pin: pinAlways, read: orderLight, keys: "command"},
		{path: "/ccs2/control/hornlight", versions: "v1 v2", pin: pinAlways, read: orderLight, keys: "command"},
		{path: "/control/valet", versions: "v1 v2", pin: pinAlways, read: orderValet, keys: "action deviceId"},
		{path: "/location/routes", versions: "v1 v2", pin: pinAlways, read: orderRoute, keys: routeKeys},
		{path: "/ccs2/reservation/chargehvac", versions: "v1 v2", pin: pinAlways, read: orderSchedule, keys: scheduleKeys},
		{path: "/ccs2/reservation/charge", versions: "v1 v2", who: forCCS2, pin: pinAlways, read: orderScheduleCharge, keys: scheduleChargeKeys},
		{path: "/ccs2/reservation/hvac", versions: "v1 v2", who: forCCS2, pin: pinAlways, read: orderScheduleClimate, keys: scheduleClimateKeys},
	},
}

func europeanReads(g *ccapi) []endpoint {
	return []endpoint{
		{pattern: "GET /profile", kind: kindRead, handle: g.profile},
		{pattern: "GET /status/latest", kind: kindRead, handle: g.flatCached, status: true},
		{pattern: "GET /ccs2/carstatus/latest", kind: kindRead, handle: g.ccs2Cached, status: true},
		{pattern: "GET /location/park", kind: kindRead, handle: g.parkedLocation},
		// The car's clock is UTC there (docs/protocol/europe.md §5.3).
		{pattern: "GET /location", kind: kindWake, handle: g.liveLocation(time.UTC, false), live: true},
		{pattern: "GET /status", kind: kindWake, handle: g.flatForced, live: true},
		{pattern: "POST /status", kind: kindWake, handle: g.flatForced, live: true},
		{pattern: "GET /ccs2/carstatus", kind: kindWake, handle: g.ccs2Wake, live: true},
		{pattern: "POST /ccs2/carstatus", kind: kindWake, handle: g.ccs2Wake, live: true},
		{pattern: "GET /charge/target", kind: kindRead, handle: g.chargeTargets},
		{pattern: "POST /tripinfo", kind: kindRead, handle: g.tripInfo},
		{pattern: "POST /drvhistory", kind: kindRead, handle: g.drivingHistory},
		{pattern: "POST /monthlyreport", kind: kindRead, handle: g.monthlyReport},
	}
}

// build joins the row to its cloud and returns its hosts.
func (e europe) build(c *cloud) map[string]*router {
	e.join(c)
	e.key = passwordKey
	hosts := map[string]*router{
		e.host:       newRouter(c, e.host, &e, append(e.endpoints(), e.userEndpoints()...)),
		e.idpHost:    newRouter(c, e.idpHost, &e, e.idpEndpoints()),
		e.cciHost:    newRouter(c, e.cciHost, &e, e.cciEndpoints()),
		e.oneAppHost: newRouter(c, e.oneAppHost, &e, e.oneAppEndpoints()),
	}
	if host := e.keycloak.host; host != "" {
		hosts[host] = newRouter(c, host, &e, e.keycloakEndpoints())
	}
	return hosts
}

// passwordKey makes the RSA key of the sign-in pages. It takes a moment, so one key
// serves all brands of the process and is made when the first client asks.
var passwordKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic("sim: make an RSA key: " + err.Error()) // only when the system has no randomness
	}
	return key
})

func (e *europe) idpURL(path string) string { return "https://" + e.idpHost + path }
func (e *europe) oneAppRedirect() string    { return "https://" + e.oneAppHost + "/redirect" }

// clientKnown reports whether an OAuth client may sign in at the IDP and be sent back to
// an address: the OneApp client to its own only, the older one to any of several that
// clients use (docs/protocol/europe.md §1.1, §10.5).
func (e *europe) clientKnown(id, redirectURI string) bool {
	return id == e.oneAppID && redirectURI == e.oneAppRedirect() || id == e.serviceID && strings.HasPrefix(redirectURI, "https://")
}
