package sim

import (
	"net/http"
	"strconv"
	"strings"
)

// The vehicle API of Europe: /api/v1/user, /api/v1/spa and /api/v2/spa
// (docs/protocol/europe.md §2 to §8, §11.2).
func (e *europe) apiEndpoints() []endpoint {
	endpoints := []endpoint{
		{pattern: "GET /api/v1/user/oauth2/authorize", kind: kindLogin, handle: e.prime},
		{pattern: "GET /api/v1/user/oauth2/redirect", kind: kindOther, handle: signedInPage},
		{pattern: "GET /web/v1/user/authorize", kind: kindLogin, handle: e.webHop},
		{pattern: "GET /web/v1/user/authorization", kind: kindOther, handle: consentPage},
		{pattern: "POST /api/v1/user/language", kind: kindOther, handle: setLanguage},
		{pattern: "GET /api/v1/user/integrationinfo", kind: kindLogin, handle: noBrandLogin},
		{pattern: "POST " + legacySigninPath, kind: kindLogin, handle: e.legacySignin},
		{pattern: "POST /api/v1/user/silentsignin", kind: kindLogin, handle: noBrandSession},
		{pattern: "POST /api/v1/user/oauth2/token", kind: kindRenew, kindOf: grantKind, handle: e.userToken},
		{pattern: "PUT " + pinPath, kind: kindCommand, handle: e.pin},
		{pattern: "POST /api/v1/spa/notifications/register", kind: kindRegister, handle: e.register, spa: true},
		{pattern: "GET /api/v1/spa/notifications/{vehicle}/records", kind: kindRead, handle: e.spa(e.records)},
		{pattern: "GET /api/v1/spa/vehicles", kind: kindRead, handle: e.spa(e.vehicleList)},
	}
	// Both versions take either token (docs/protocol/europe.md §4, §6, §11.2).
	for _, version := range []string{"v1", "v2"} {
		for _, row := range e.vehicleEndpoints() {
			method, path := cutPattern(row.pattern)
			row.pattern = method + " /api/" + version + "/spa/vehicles/{vehicle}" + path
			row.handle = e.spa(row.handle)
			endpoints = append(endpoints, row)
		}
	}
	for i := range endpoints {
		endpoints[i].spa = endpoints[i].spa || isSPA(endpoints[i].pattern)
	}
	return endpoints
}

// vehicleEndpoints are those below one car; command rows are in ccapi_command.go.
func (e *europe) vehicleEndpoints() []endpoint {
	return append(e.commandEndpoints(), []endpoint{
		{pattern: "GET /profile", kind: kindRead, handle: e.profile},
		{pattern: "GET /status/latest", kind: kindRead, handle: e.flatCached, status: true},
		{pattern: "GET /ccs2/carstatus/latest", kind: kindRead, handle: e.ccs2Cached, status: true},
		{pattern: "GET /location/park", kind: kindRead, handle: e.parkedLocation},
		{pattern: "GET /location", kind: kindWake, handle: e.liveLocation, live: true},
		{pattern: "GET /status", kind: kindWake, handle: e.flatForced, live: true},
		{pattern: "POST /status", kind: kindWake, handle: e.flatForced, live: true},
		{pattern: "GET /ccs2/carstatus", kind: kindWake, handle: e.ccs2Wake, live: true},
		{pattern: "POST /ccs2/carstatus", kind: kindWake, handle: e.ccs2Wake, live: true},
		{pattern: "GET /charge/target", kind: kindRead, handle: e.chargeTargets},
		{pattern: "POST /tripinfo", kind: kindRead, handle: e.tripInfo},
		{pattern: "POST /drvhistory", kind: kindRead, handle: e.drivingHistory},
		{pattern: "POST /monthlyreport", kind: kindRead, handle: e.monthlyReport},
	}...)
}

// spaAnswer wraps a message object into the success envelope; a nil message is left out.
func spaAnswer(message []byte) reply {
	body := make([]byte, 0, len(message)+128)
	body = append(body, `{"retCode":"S","resCode":"0000"`...)
	if message != nil {
		body = append(append(body, `,"resMsg":`...), message...)
	}
	body = append(append(append(body, `,"msgId":"`...), freshUUID()...), `"}`...)
	return reply{status: http.StatusOK, body: body}
}

// acceptedAnswer is the answer to a command or wake; its id names the action.
func acceptedAnswer(id string) reply {
	return jsonReply(http.StatusOK, `{"retCode":"S","resCode":"0000","msgId":"`+id+`"}`)
}

// refusal is a failure of the vehicle API: a code as text and a sentence. The first
// three digits of the code are the HTTP status (docs/protocol/europe.md §8).
type refusal struct {
	status     int
	code, text string
}

var (
	refusedDevice    = refusal{http.StatusBadRequest, "4002", "Invalid request body - Invalid deviceId."}
	refusedParameter = refusal{http.StatusBadRequest, "4002", "Invalid request body - Invalid parameter."}
	refusedAppID     = refusal{http.StatusBadRequest, "4002", "Invalid request value - Invalid Application Id."}
	refusedDuplicate = refusal{http.StatusBadRequest, "4004", "Duplicate request - Duplicate request"}
	refusedSupport   = refusal{http.StatusBadRequest, "4005", "Unsupported control request - Vehicle is not Supported"}
	refusedBattery   = refusal{http.StatusBadRequest, "4007", "Remote control unavailable(low battery)"}
	refusedTimeout   = refusal{http.StatusRequestTimeout, "4081", "Request timeout"}
	refusedBusy      = refusal{http.StatusServiceUnavailable, "5031", "Unavailable remote control - Service Temporary Unavailable"}
	refusedQuota     = refusal{509, "5091", "Exceeds number of requests - Exceeds Number of Requests."}
	refusedNoData    = refusal{592, "5921", "No Data Found v2 - No Data Found v2"}
)

func (r refusal) reply() reply {
	return jsonReply(r.status, `{"retCode":"F","resCode":"`+r.code+`","resMsg":"`+jsonSafe(r.text)+`","msgId":"`+freshUUID()+`"}`)
}

// expiredReply is the gateway's answer to tokens that it does not know (any more).
func expiredReply() reply {
	return jsonReply(http.StatusUnauthorized, `{"error":"Key not authorized: Token is expired"}`)
}

// spa guards a handler of the vehicle API: token, application and stamp, device,
// quota, car, in this order. It demands no more headers than docs/protocol/europe.md
// §11.3.3 allows.
func (e *europe) spa(handle func(*call) reply) func(*call) reply {
	return func(c *call) reply {
		header := c.r.Header
		t, ok := c.cloud.account.lookup(header.Get("Authorization"))
		if !ok || t.use != useAccess && t.use != useControl {
			return expiredReply()
		}
		if refused := e.application(c); refused != nil {
			return refused.reply()
		}
		c.session = session{token: t, device: header.Get("ccsp-device-id")}
		if !c.cloud.account.knowsDevice(c.session.device) {
			return refusedDevice.reply()
		}
		rate := http.Header(nil)
		if limit := c.sim.options.Quota; limit > 0 {
			q := c.cloud.account.spend(limit)
			rate = q.header()
			if q.exceeded {
				answer := refusedQuota.reply()
				answer.header = rate
				return answer
			}
		}
		if c.r.PathValue("vehicle") != "" && c.car == nil {
			return refusedNoData.reply() // assumed: what a foreign vehicle id gives is unknown
		}
		answer := handle(c)
		if rate != nil {
			answer.header = rate
		}
		return answer
	}
}

func (q quotaAnswer) header() http.Header {
	return http.Header{
		"X-Ratelimit-Limit":     {strconv.Itoa(q.limit)},
		"X-Ratelimit-Remaining": {strconv.Itoa(q.remaining)},
		"X-Ratelimit-Reset":     {strconv.FormatInt(q.reset.Unix(), 10)},
	}
}

// application checks who the client says it is; nil when it is one of ours.
func (e *europe) application(c *call) *refusal {
	header := c.r.Header
	id := header.Get("ccsp-application-id")
	known := false
	for _, ours := range e.appIDs {
		known = known || id == ours
	}
	switch service := header.Get("ccsp-service-id"); {
	case !known:
		return &refusedAppID
	case service != "" && service != e.serviceID:
		return &refusedParameter
	case !verifyStamp(header.Get("Stamp"), e.stampKey, e.appIDs):
		return &refusedParameter
	}
	return nil
}

// register hands out a device id; no token is needed (docs/protocol/europe.md §2.1).
func (e *europe) register(c *call) reply {
	if refused := e.application(c); refused != nil {
		return refused.reply()
	}
	var body struct {
		PushRegID string `json:"pushRegId"`
		PushType  string `json:"pushType"`
		UUID      string `json:"uuid"`
	}
	if !c.decode(&body) || body.PushRegID == "" || body.UUID == "" || body.PushType != "GCM" && body.PushType != "APNS" {
		return refusedParameter.reply()
	}
	return spaAnswer([]byte(`{"deviceId":"` + c.cloud.account.register() + `"}`))
}

// vehicleList gives the seven keys that one client reads without asking, and those
// that others read (docs/protocol/europe.md §3).
func (e *europe) vehicleList(c *call) reply {
	type detail struct {
		InColor        string `json:"inColor"`
		OutColor       string `json:"outColor"`
		SaleCarmdlCd   string `json:"saleCarmdlCd"`
		BodyType       string `json:"bodyType"`
		SaleCarmdlEnNm string `json:"saleCarmdlEnNm"`
	}
	type entry struct {
		VIN          string `json:"vin"`
		VehicleID    string `json:"vehicleId"`
		VehicleName  string `json:"vehicleName"`
		Type         string `json:"type"`
		TmuNum       string `json:"tmuNum"`
		Nickname     string `json:"nickname"`
		Year         string `json:"year"`
		Master       bool   `json:"master"`
		CarShare     int    `json:"carShare"`
		RegDate      string `json:"regDate"`
		DetailInfo   detail `json:"detailInfo"`
		ProtocolType int    `json:"protocolType"`
		CCS2         int    `json:"ccuCCS2ProtocolSupport"`
	}
	list := make([]entry, 0, len(c.cloud.cars))
	for _, v := range c.cloud.cars {
		list = append(list, entry{
			VIN: v.vin, VehicleID: v.id, VehicleName: v.model.name, Type: v.model.engine.wire(), TmuNum: "-", Nickname: v.nickname,
			Year: strconv.Itoa(v.year), Master: true, RegDate: v.registered,
			DetailInfo:   detail{InColor: "WK", OutColor: "SWP", SaleCarmdlCd: v.model.code, BodyType: "2", SaleCarmdlEnNm: v.model.name},
			ProtocolType: 1, CCS2: v.ccs2Support(),
		})
	}
	return spaAnswer(marshal(map[string]any{"vehicles": list}))
}

// profile answers for every car: one client has the VIN from nowhere else
// (docs/protocol/strangers.md 6).
func (e *europe) profile(c *call) reply {
	v := c.car
	return spaAnswer(marshal(map[string]any{"vinInfo": []any{map[string]any{
		"basic":         map[string]any{"vin": v.vin, "modelYear": strconv.Itoa(v.year), "modelName": v.model.name},
		"option":        map[string]any{"windowSafetyOption": 1, "windowSafetyOption2": 1, "drvSeatLoc": "L"},
		"serviceOption": map[string]any{"windowControlOption": 1},
	}}}))
}

func cutPattern(pattern string) (method, path string) {
	method, path, _ = strings.Cut(pattern, " ")
	return method, path
}

func isSPA(pattern string) bool {
	_, path := cutPattern(pattern)
	return strings.HasPrefix(path, "/api/v1/spa/") || strings.HasPrefix(path, "/api/v2/spa/")
}
