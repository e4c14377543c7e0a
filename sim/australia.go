package sim

import (
	"net/http"
	"time"
)

// Australia and New Zealand: docs/protocol/australia-newzealand.md. Kia's two countries
// share a host and are told apart by what their apps send (§1, §10.1).
var (
	australiaHyundai = signedAt("au-apigw.ccs.hyundai.com.au", "8080", ccapi{
		dialect:   &australian,
		serviceID: "855c72df-dfd7-4230-ab03-67cbf902bb1c", secret: "e6fbwHM32YNbhQl0pviaPp3rf4t3S6k91eceA3MJLdbdThCO",
		appIDs: []string{"f9ccfdac-a48d-4c57-bd32-9116963c24ed"},
		stampKeys: []string{
			mustDecodeKey("nGDHng3k4Cg9gWV+C+A6Yk/ecDopUNTkGmDpr2qVKAQXx9bvY2/YLoHPfObliK32mZQ="),
			mustDecodeKey("V60WkEmyRQaAfrBF1623/7QL62MjLVbCHdItGzQ1g5T/hkmKmMVTaMHv4cKGzgD3kfc="),
		},
	})
	australiaKia = signedAt("au-apigw.ccs.kia.com.au", "8082", ccapi{
		dialect:   &australian,
		serviceID: "8acb778a-b918-4a8d-8624-73a0beb64289", secret: "7ScMMm6fEYXdiEPCxaPaQmgeYdlUrfwoh4AfXGOzYIS2Cu9T",
		appIDs: []string{"4ad4dcde-be23-48a8-bc1c-91b94f5c06f8"},
		stampKeys: []string{
			mustDecodeKey("SGGCDRvrzmRa2WTNFQPUaNfSFdtPklZ48xUuVckigYasxmeOQqVgCAC++YNrI1vVabI="),
			mustDecodeKey("IDbMgWBXgic4MAyMgf5PFFRAdGX5O3IyC3uvN3scCs0gDpTFDuyvBorlAH9JMM2/hys="),
		},
	})
	newZealandKia = signedAt("au-apigw.ccs.kia.com.au", "8082", ccapi{
		dialect:   &australian,
		serviceID: "4ab606a7-cea4-48a0-a216-ed9c14a4a38c", secret: "0haFqXTkKktNKfzkxhZ0aku31i74g0yQFm5od2mz4LdI5mLY",
		appIDs:    []string{"97745337-cac6-4a5b-afc3-e65ace81c994"},
		stampKeys: []string{mustDecodeKey("SGGCDRvrzmRa2WTNFQPUaC1OsnAhQgPgcQETEfbY8abEjR/ICXK0p+Rayw5tHCGyiUA=")},
	})
)

var sydney = zone("Australia/Sydney")

// australian is how the vehicle API of Australia and New Zealand speaks. The time of a
// status is Sydney's in both countries (assumed), that of a position UTC (seen; §9).
var australian = dialect{
	zone: sydney, placeZone: time.UTC, rightHand: true, tokenLife: 21600 * time.Second,
	stamps: stampNeeded, tokenStamps: stampNeeded, badApp: refusedApplication, badStamp: refusedApplication, badDevice: refusedDevice,
	badGrant: invalidParameters, badLogin: requiresLogin, zeroRates: true,
	root: rootBare, odometer: true, seats: flatSeats, codes: narrowCodes, twoPlaces: true,
	offset: "10", treeForAll: true, reportOdometer: true, support: saysCCS2, history: historyForm{has: engine.plugs, everFirst: true},
	reads: australianReads, readsV2: true,
	commands: []command{
		{path: "/control/door", versions: "v1 v2", who: forFlat, pin: pinOnV2, read: orderDoorFlat, keys: "action! deviceId!"},
		{path: "/control/temperature", versions: "v1 v2", who: forFlat, pin: pinOnV2, read: orderClimateFlat, keys: climateKeysFlat},
		// One client's path for the same body (§6).
		{path: "/control/engine", versions: "v2", who: forFlat, pin: pinAlways, read: orderClimateFlat, keys: climateKeysFlat},
		{path: "/control/charge", versions: "v1 v2", who: forFlat, pin: pinOnV2, read: orderChargeFlat, keys: "action! deviceId!"},
		{path: "/ccs2/control/door", versions: "v2", who: forCCS2, pin: pinAlways, read: orderDoorCCS2, keys: "command!"},
		{path: "/ccs2/control/temperature", versions: "v2", who: forCCS2, pin: pinAlways, read: orderClimateCCS2, keys: climateKeysCCS2},
		{path: "/ccs2/control/charge", versions: "v2", who: forCCS2, pin: pinAlways, read: orderChargeCCS2, keys: "command!"},
		{path: "/charge/target", versions: "v1 v2", pin: pinOnV2, read: orderLimits, keys: limitKeys},
		{path: "/ccs2/charge/chargingcurrent", versions: "v1", who: forCCS2, read: orderCurrent, keys: "chargingCurrent!"},
		{path: "/ccs2/charge/dischargelimit", versions: "v1", read: orderDischarge, keys: "dischargingLimit!"},
		{path: "/ccs2/control/light", versions: "v2", pin: pinAlways, read: orderLight, keys: "command!"},
		{path: "/ccs2/control/hornlight", versions: "v2", pin: pinAlways, read: orderLight, keys: "command!"},
		{path: "/control/windowcurtain", versions: "v2", pin: pinAlways, read: orderWindows, keys: windowKeys},
		{path: "/control/portdoor", versions: "v2", pin: pinAlways, read: orderPortDoor, keys: "action! deviceId!"},
		{path: "/location/routes", versions: "v2", pin: pinAlways, read: orderRoute, keys: routeKeys},
		{path: "/ccs2/reservation/chargehvac", versions: "v2", pin: pinAlways, read: orderSchedule, keys: scheduleKeys},
		{path: "/ccs2/reservation/charge", versions: "v2", who: forCCS2, pin: pinAlways, read: orderScheduleCharge, keys: scheduleChargeKeys},
		{path: "/ccs2/reservation/hvac", versions: "v2", who: forCCS2, pin: pinAlways, read: orderScheduleClimate, keys: scheduleClimateKeys},
	},
}

func australianReads(g *ccapi) []endpoint {
	return []endpoint{
		{pattern: "GET /profile", kind: kindRead, handle: g.profile},
		{pattern: "GET /status/latest", kind: kindRead, handle: g.flatCached, status: true},
		{pattern: "GET /ccs2/carstatus/latest", kind: kindRead, handle: g.ccs2Cached, status: true},
		{pattern: "GET /location/park", kind: kindRead, handle: g.parkedLocation},
		{pattern: "GET /status", kind: kindWake, handle: g.flatForced, live: true},
		{pattern: "GET /ccs2/carstatus", kind: kindWake, handle: g.australianWake, live: true},
		{pattern: "GET /charge/target", kind: kindRead, handle: g.chargeTargets},
		{pattern: "POST /tripinfo", kind: kindRead, handle: g.tripInfo},
		{pattern: "POST /drvhistory", kind: kindRead, handle: g.drivingHistory},
		{pattern: "POST /monthlyreport", kind: kindRead, handle: g.monthlyReport},
	}
}

// australianWake is acknowledged; one client looks for the car's tree in its answer and
// fails without (docs/protocol/australia-newzealand.md §4, §10.7).
func (g *ccapi) australianWake(c *call) reply {
	if !c.sim.options.OldClients || !c.car.model.ccs2 {
		return g.ccs2Wake(c)
	}
	r, refused := c.car.ask(c, false)
	if refused != nil {
		return refused.reply()
	}
	return g.treeAnswer(r, r.ccs2())
}

// signedAt completes a row whose sign-in is at the vehicle API itself and leads back to
// it.
func signedAt(host, port string, g ccapi) ccapi {
	g.host, g.port = host, port
	g.backs = []string{g.url(redirectPath)}
	return g
}

// build joins the row to its cloud and returns its host.
func (g ccapi) build(c *cloud) map[string]*router {
	g.join(c)
	return map[string]*router{g.host: newRouter(c, g.host, &g, append(g.endpoints(), g.signinEndpoints()...))}
}

// buildAustralia adds what the options say of outdated clients: the older stamp keys
// are accepted by default, as one client still makes them (docs/protocol/strangers.md 16),
// and renewals without a stamp when they are asked for (§10.3).
func (g ccapi) buildAustralia(c *cloud) map[string]*router {
	speaks := *g.dialect
	if c.sim.options.OldClients {
		speaks.tokenStamps = stampIfSent
	}
	g.dialect = &speaks
	if c.sim.options.StrictStamps {
		g.stampKeys = g.stampKeys[:1]
	}
	hosts := g.build(c)
	for _, routes := range hosts {
		routes.claim = c.ccapi.claims
	}
	return hosts
}

// claims tells whether a call to a shared host is for this row's app: by the ids that it
// sends, the session in which it signs in, or its token.
func (g *ccapi) claims(r *http.Request) bool {
	switch {
	case r.Header.Get("ccsp-application-id") == g.appIDs[0], r.Header.Get("ccsp-service-id") == g.serviceID,
		r.Header.Get("Authorization") == g.basic(), r.URL.Query().Get("client_id") == g.serviceID:
		return true
	}
	if _, known := g.ticketOf(r); known {
		return true
	}
	text, _ := cutBearer(r.Header.Get("Authorization"))
	a := g.cloud.account
	a.mu.RLock()
	defer a.mu.RUnlock()
	_, known := a.tokens[text]
	return known
}
