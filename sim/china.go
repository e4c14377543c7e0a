package sim

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"time"
)

// china is the Chinese cloud of one brand: the vehicle API, and the service (UARS) that
// signs its users in; docs/protocol/china.md. The former sign-in is served beside it when
// the options say so (§0, §2.6).
type china struct {
	ccapi
	uarsHost string
	oldApp   string // the application id of the former sign-in
}

var (
	chinaHyundai = china{
		ccapi: ccapi{
			dialect: &chinese, host: "prd.cn-ccapi.hyundai.com",
			serviceID: "72b3d019-5bc7-443d-a437-08f307cf06e2", secret: "secret",
			appIDs: []string{"b09e4d17-c30c-40f1-a1ec-8ac11d6665cf"},
		},
		uarsHost: "uars-h.hmgmobility.com.cn", oldApp: "ed01581a-380f-48cd-83d4-ed1490c272d0",
	}
	chinaKia = china{
		ccapi: ccapi{
			dialect: &chinese, host: "prd.cn-ccapi.kia.com",
			serviceID: "9d5df92a-06ae-435f-b459-8304f2efcc67", secret: "tsXdkUg08Av2ZZzXOgWzJyxUT6yeSnNNQkXXPRdKWEANwl1p",
			appIDs: []string{"5519a969-295f-4c5a-a27e-9d9fab2bd50c"},
		},
		uarsHost: "uars-k.hmgmobility.com.cn", oldApp: "eea8762c-adfc-4ee4-8d7a-6e2452ddf342",
	}
)

// oldDevice is sent with every call by one outdated client (§1).
const oldDevice = "2e062595-28e0-4bcb-a75a-1b395cde337c"

var shanghai = zone("Asia/Shanghai")

// chinese is how China's vehicle API speaks: no stamps, no word of CCS2 in the list, and a
// position that only the car itself knows. Commands take one to two minutes (§6).
var chinese = dialect{
	zone: shanghai, placeZone: shanghai, tokenLife: 21600 * time.Second,
	badApp: refusedParameter, badStamp: refusedParameter,
	badDevice: refusal{http.StatusBadRequest, "4002", "deviceId is not exist"},
	badGrant:  invalidParameters, badLogin: requiresLogin, providerDevice: true, zeroRates: true,
	root: rootStatus, odometer: true, seats: flatSeats, codes: widerCodes, offCode: "FFH", twoPlaces: true,
	offset: "8", support: saysNothing,
	history: historyForm{has: func(e engine) bool { return e == electric }, everFirst: true},
	reads:   chineseReads, readsV2: true,
	commands: []command{
		{path: "/control/door", versions: "v1 v2", pin: pinOnV2, read: orderDoorFlat, keys: "action! deviceId!"},
		{path: "/control/engine", versions: "v1", read: orderEngineStart, keys: engineKeysChina},
		{path: "/control/engine", versions: "v2", pin: pinAlways, read: orderEngine, keys: engineKeysChina},
		{path: "/control/charge", versions: "v1 v2", pin: pinOnV2, read: orderChargeFlat, keys: "action! deviceId!"},
		{path: "/charge/target", versions: "v1 v2", pin: pinOnV2, read: orderLimits, keys: limitKeys},
		{path: "/control/portdoor", versions: "v2", read: orderPortDoor, keys: "action! deviceId!"},
		{path: "/ccs2/charge/dischargelimit", versions: "v1", read: orderDischarge, keys: "dischargingLimit!"},
		{path: "/ccs2/charge/chargingcurrent", versions: "v1", who: forCCS2, read: orderCurrent, keys: "chargingCurrent!"},
		{path: "/ccs2/control/light", versions: "v2", pin: pinAlways, read: orderLight, keys: "command!"},
		{path: "/ccs2/control/hornlight", versions: "v2", pin: pinAlways, read: orderLight, keys: "command!"},
		{path: "/control/windowcurtain", versions: "v2", pin: pinAlways, read: orderWindows, keys: windowKeys},
		{path: "/location/routes", versions: "v2", pin: pinAlways, read: orderRoute, keys: routeKeys},
		{path: "/ccs2/reservation/chargehvac", versions: "v2", pin: pinAlways, read: orderSchedule, keys: scheduleKeys},
		{path: "/ccs2/reservation/charge", versions: "v2", who: forCCS2, pin: pinAlways, read: orderScheduleCharge, keys: scheduleChargeKeys},
		{path: "/ccs2/reservation/hvac", versions: "v2", who: forCCS2, pin: pinAlways, read: orderScheduleClimate, keys: scheduleClimateKeys},
	},
}

func chineseReads(g *ccapi) []endpoint {
	return []endpoint{
		{pattern: "GET /profile", kind: kindRead, handle: g.profile},
		{pattern: "GET /status/latest", kind: kindRead, handle: g.flatCached, status: true},
		{pattern: "GET /status", kind: kindWake, handle: g.flatForced, live: true},
		{pattern: "GET /location", kind: kindWake, handle: g.liveLocation(shanghai, true), live: true},
		{pattern: "GET /ccs2/carstatus/latest", kind: kindRead, handle: g.ccs2Cached, status: true},
		{pattern: "GET /ccs2/carstatus", kind: kindWake, handle: g.chineseWake, live: true},
		{pattern: "GET /charge/target", kind: kindRead, handle: g.chargeTargets},
		{pattern: "POST /tripinfo", kind: kindRead, handle: g.tripInfo},
		{pattern: "POST /drvhistory", kind: kindRead, handle: g.drivingHistory},
		{pattern: "POST /monthlyreport", kind: kindRead, handle: g.monthlyReport},
	}
}

// chineseWake is acknowledged; outdated clients read the flat state in its answer, as
// they take every car for one that speaks CCS2 (§3, §10.7).
func (g *ccapi) chineseWake(c *call) reply {
	if !c.sim.options.OldClients || c.car.model.ccs2 {
		return g.ccs2Wake(c)
	}
	r, refused := c.car.ask(c, false)
	if refused != nil {
		return refused.reply()
	}
	return spaAnswer(r.flat())
}

func (n china) build(c *cloud) map[string]*router {
	c.commandTakes = [2]time.Duration{time.Minute, 2 * time.Minute}
	n.backs = []string{"https://" + n.uarsHost + callbackPath}
	endpoints := []endpoint{
		{pattern: "GET " + userAuthorizePath, kind: kindLogin, handle: n.userAuthorize},
		{pattern: "GET " + signinPagePath, kind: kindLogin, handle: signinPage},
		{pattern: "POST " + userSigninPath, kind: kindLogin, handle: n.userSignin},
		{pattern: "POST " + silentSigninPath, kind: kindRenew, handle: n.silentSignin},
		{pattern: "POST /api/v1/user/language", kind: kindOther, handle: setLanguage},
	}
	if c.sim.options.OldClients {
		speaks := *n.dialect
		speaks.providerDevice, speaks.offCode = false, ""
		n.dialect = &speaks
		n.appIDs = append(n.appIDs[:1:1], n.oldApp)
		n.backs = append(n.backs, "https://"+n.host+":443"+redirectPath)
		n.devices = []string{oldDevice}
		endpoints = append(
			endpoints,
			endpoint{pattern: "GET " + redirectPath, kind: kindOther, handle: signedInPage},
			endpoint{pattern: "POST " + userTokenPath, kind: kindRenew, kindOf: grantKind, handle: n.token},
			endpoint{pattern: "POST /api/v1/user/{$}", kind: kindOther, handle: setLanguage}, // one client's path for it
		)
	} else {
		endpoints = append(endpoints, endpoint{pattern: "POST " + userTokenPath, kind: kindRenew, kindOf: grantKind, handle: func(c *call) reply {
			c.cloud.account.tally(func(n *AccountCounts) { n.FailedRenewals++ })
			return invalidParameters.reply(nil) // no longer served (§2.2)
		}})
	}
	n.join(c)
	return map[string]*router{
		n.host:     newRouter(c, n.host, &n, append(n.endpoints(), endpoints...)),
		n.uarsHost: newRouter(c, n.uarsHost, &n, n.uarsEndpoints()),
	}
}

// silentSignin gives another code to a session in which somebody has signed in (§2.2).
func (n *china) silentSignin(c *call) reply {
	t, known := n.ticketOf(c.r)
	if !known || t.User == "" || t.Back != n.backs[0] {
		c.cloud.account.tally(func(n *AccountCounts) { n.FailedRenewals++ })
		return requiresLogin.reply(nil)
	}
	answer := n.sendBack(t, c.cloud.account.addCode(code{client: t.Client, renews: true}))
	answer.header = http.Header{"Set-Cookie": {n.sign(t)}}
	return answer
}

const callbackPath = "/join/ccsp/loginCallback.do"

func (n *china) uarsEndpoints() []endpoint {
	return []endpoint{
		{pattern: "GET /join/account/loginInit.do", kind: kindLogin, handle: n.loginInit},
		{pattern: "GET " + callbackPath, kind: kindLogin, handle: n.callback, kindOf: func(c *call) kind {
			if c.cloud.account.renews(c.r.URL.Query().Get("code")) {
				return kindRenew
			}
			return kindLogin
		}},
	}
}

// loginInit begins a session at the service and leads to the vehicle API (§2.1).
func (n *china) loginInit(c *call) reply {
	query := c.r.URL.Query()
	if query.Get("cocd") != "H" || query.Get("deviceUuid") == "" {
		return page(http.StatusBadRequest, "400", "Bad Request")
	}
	state := base64.RawURLEncoding.EncodeToString([]byte(`{"interfaceId":"UARS-COM-040","accUnqNo":"","deviceUuid":"` +
		jsonSafe(query.Get("deviceUuid")) + `","webRedirect":""}`))
	return redirect(n.url(userAuthorizePath+"?response_type=code&client_id="+n.serviceID+"&redirect_uri="+url.QueryEscape(n.backs[0])+
		"&state="+state+"&lang=zh&scope=url.login"), "JSESSIONID="+freshText(32)+"; Path=/; HttpOnly")
}

// callback redeems the code at the vehicle API and hands the tokens over in a page's
// script, as JSON in a template literal (§2.1).
func (n *china) callback(c *call) reply {
	a := c.cloud.account
	if !a.redeem(c.r.URL.Query().Get("code"), n.serviceID) || c.acts(faultLanding) && c.fault.arg == "error" {
		a.tally(func(n *AccountCounts) { n.FailedRenewals++ })
		return loginInfo("var loginInfo = `", map[string]any{"code": 9001, "status": false, "message": "login failed", "id": "UARS-COM-040", "data": nil}, "`;")
	}
	if c.kind == kindRenew {
		a.tally(func(n *AccountCounts) { n.Renewals++ })
	}
	life := c.sim.tokenLife(n.tokenLife)
	info := map[string]any{"code": 0, "status": true, "message": "ok", "id": "UARS-COM-040", "data": map[string]any{
		"uarsToken": freshText(36) + "." + freshText(60) + "." + freshText(43), "tokenCode": freshText(24),
		"ccspToken": map[string]any{
			"accessToken": n.accessToken(c, life), "refreshToken": freshText(48), "tokenType": "Bearer", "expiresIn": int(life / time.Second),
		},
		"profile": map[string]any{"email": Email, "hasPin": true},
	}}
	if c.acts(faultLanding) { // without the literal
		return loginInfo("init(", info, ");")
	}
	return loginInfo("var loginInfo = `", info, "`;")
}

func loginInfo(before string, info map[string]any, after string) reply {
	return page(http.StatusOK, "Signed in", "<script>"+before+string(marshal(info))+after+"</script>")
}

// fits adds where the service fails.
func (n *china) fits(c *call, f *fault) bool {
	if f.kind == faultLanding {
		return c.path == callbackPath
	}
	return n.ccapi.fits(c, f)
}
