package sim

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// ccapi is the vehicle API that six regions share, as one brand's cloud in one region
// has it: a row of constants, and the dialect of its region (ccapi_dialect.go).
// /api/v1/user is in ccapi_user.go and ccapi_signin.go, what is below one car in
// ccapi_status.go and ccapi_command.go.
type ccapi struct {
	*dialect
	host, port string // port is empty where clients send none
	serviceID  string // the OAuth client
	secret     string
	appIDs     []string // the first is today's
	stampKeys  []string // 50 bytes each, the first is today's; none where no stamps are used

	// devices exist without being registered, as some clients' constants do.
	devices []string

	cloud *cloud
	backs []string // where a sign-in may lead; empty for anywhere
}

// url is an address below the API's host.
func (g *ccapi) url(path string) string {
	if g.port == "" {
		return "https://" + g.host + path
	}
	return "https://" + g.host + ":" + g.port + path
}

// join makes a row the API of a cloud.
func (g *ccapi) join(c *cloud) {
	g.cloud = c
	c.ccapi = g
	c.account.reset()
}

// endpoints are those of the vehicle API and the PIN; signing in differs by region.
func (g *ccapi) endpoints() []endpoint {
	endpoints := []endpoint{
		{pattern: "PUT " + pinPath, kind: kindCommand, handle: g.pin},
		{pattern: "POST /api/v1/spa/notifications/register", kind: kindRegister, handle: g.rated(g.register), spa: true},
		{pattern: "GET /api/v1/spa/notifications/{vehicle}/records", kind: kindRead, handle: g.spa(g.records)},
		{pattern: "GET /api/v1/spa/vehicles", kind: kindRead, handle: g.spa(g.vehicleList)},
	}
	add := func(version string, row endpoint) {
		method, path, _ := strings.Cut(row.pattern, " ")
		row.pattern = method + " /api/" + version + "/spa/vehicles/{vehicle}" + path
		row.handle = g.spa(row.handle)
		endpoints = append(endpoints, row)
	}
	for _, row := range g.reads(g) {
		add("v1", row)
		if g.readsV2 {
			add("v2", row)
		}
	}
	for _, row := range g.commands {
		for _, version := range strings.Fields(row.versions) {
			add(version, g.commandEndpoint(row))
		}
	}
	for i := range endpoints {
		_, path, _ := strings.Cut(endpoints[i].pattern, " ")
		endpoints[i].spa = strings.HasPrefix(path, "/api/v1/spa/") || strings.HasPrefix(path, "/api/v2/spa/")
	}
	return endpoints
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

// accept is the answer to a command.
func (g *ccapi) accept(id string) reply {
	if g.accepted == "" {
		return acceptedAnswer(id)
	}
	return jsonReply(http.StatusOK, `{"retCode":"S","resCode":"0000","resMsg":"`+g.accepted+`","msgId":"`+id+`"}`)
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

// refusals are all known codes with the HTTP status that was seen or follows the pattern
// (docs/protocol/europe.md §8, australia-newzealand.md §8).
var refusals = map[string]refusal{
	"4002": refusedDevice, "4004": refusedDuplicate, "4005": refusedSupport, "4007": refusedBattery,
	"4081": refusedTimeout, "5031": refusedBusy, "5091": refusedQuota, "5921": refusedNoData,
	"4006": {http.StatusBadRequest, "4006", "TMU timeout"},
	"4017": refusedApplication,
	"5153": {http.StatusBadRequest, "5153", "Invalid valet auth"},
	"7501": {http.StatusBadRequest, "7501", "Received unexpected statusCode"},
	"9999": {http.StatusBadRequest, "9999", "Undefined Error - Response timeout"},
}

// refusedApplication is Australia's answer to a wrong application id or stamp
// (docs/protocol/australia-newzealand.md §1, §8).
var refusedApplication = refusal{http.StatusUnauthorized, "4017", "Invalid Application Id"}

func (r refusal) reply() reply {
	return jsonReply(r.status, `{"retCode":"F","resCode":"`+r.code+`","resMsg":"`+jsonSafe(r.text)+`","msgId":"`+freshUUID()+`"}`)
}

// expiredReply is the gateway's answer to tokens that it does not know (any more).
func expiredReply() reply {
	return jsonReply(http.StatusUnauthorized, `{"error":"Key not authorized: Token is expired"}`)
}

// disallowed is the gateway's answer to a token that is not enough.
func disallowed() reply {
	return jsonReply(http.StatusForbidden, `{"error":"Access to this API has been disallowed"}`)
}

// spa guards a handler of the vehicle API: token, application and stamp, device,
// quota, car, in this order. It demands no more headers than
// docs/protocol/europe.md §11.3.3 allows.
func (g *ccapi) spa(handle func(*call) reply) func(*call) reply {
	return g.rated(func(c *call) reply {
		header := c.r.Header
		t, ok := c.cloud.account.lookup(header.Get("Authorization"))
		if !ok || t.use != useAccess && t.use != useControl {
			return expiredReply()
		}
		if refused := g.application(c); refused != nil {
			return refused.reply()
		}
		c.session = session{token: t, device: header.Get("ccsp-device-id")}
		if !c.cloud.account.knowsDevice(c.session.device) {
			return g.badDevice.reply()
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
	})
}

// rated adds the rate limit of zeros that some regions send whatever the quota
// (docs/protocol/australia-newzealand.md §9).
func (g *ccapi) rated(handle func(*call) reply) func(*call) reply {
	if !g.zeroRates {
		return handle
	}
	return func(c *call) reply {
		answer := handle(c)
		answer.header = zeroRates
		return answer
	}
}

var zeroRates = http.Header{"X-Ratelimit-Limit": {"0"}, "X-Ratelimit-Remaining": {"0"}, "X-Ratelimit-Reset": {"0"}}

func (q quotaAnswer) header() http.Header {
	return http.Header{
		"X-Ratelimit-Limit":     {strconv.Itoa(q.limit)},
		"X-Ratelimit-Remaining": {strconv.Itoa(q.remaining)},
		"X-Ratelimit-Reset":     {strconv.FormatInt(q.reset.Unix(), 10)},
	}
}

// application checks who the client says it is; nil when it is one of ours.
func (g *ccapi) application(c *call) *refusal {
	header := c.r.Header
	switch service := header.Get("ccsp-service-id"); {
	case !slices.Contains(g.appIDs, header.Get("ccsp-application-id")):
		return &g.badApp
	case service != "" && service != g.serviceID:
		return &refusedParameter
	case !g.stampOK(header.Get("Stamp"), g.stamps):
		return &g.badStamp
	}
	return nil
}

// stampOK checks a stamp as far as the need goes.
func (g *ccapi) stampOK(stamp string, need stampNeed) bool {
	if need == stampIgnored || need == stampIfSent && stamp == "" {
		return true
	}
	for _, key := range g.stampKeys {
		if verifyStamp(stamp, key, g.appIDs) {
			return true
		}
	}
	return false
}

// register hands out a device id; no token is needed (docs/protocol/europe.md §2.1).
func (g *ccapi) register(c *call) reply {
	if refused := g.application(c); refused != nil {
		return refused.reply()
	}
	var body struct {
		PushRegID string `json:"pushRegId"`
		PushType  string `json:"pushType"`
		UUID      string `json:"uuid"`
		Provider  string `json:"providerDeviceId"`
	}
	if !c.decode(&body) || body.PushRegID == "" || body.UUID == "" || body.PushType != "GCM" && body.PushType != "APNS" {
		return refusedParameter.reply()
	}
	if g.providerDevice && (body.PushType != "APNS" || body.Provider == "") {
		return refusedParameter.reply()
	}
	return spaAnswer([]byte(`{"deviceId":"` + c.cloud.account.register() + `"}`))
}

// profile answers for every car: one client has the VIN from nowhere else
// (docs/protocol/strangers.md 6).
func (g *ccapi) profile(c *call) reply {
	v := c.car
	side := "L"
	if g.rightHand {
		side = "R"
	}
	return spaAnswer(marshal(map[string]any{"vinInfo": []any{map[string]any{
		"basic":         map[string]any{"vin": v.vin, "modelYear": strconv.Itoa(v.year), "modelName": v.model.name},
		"option":        map[string]any{"windowSafetyOption": 1, "windowSafetyOption2": 1, "drvSeatLoc": side},
		"serviceOption": map[string]any{"windowControlOption": 1},
	}}}))
}

// listed is a car in the vehicle list: the seven keys that one client reads without
// asking, and those that others read (docs/protocol/europe.md §3).
type listed struct {
	VIN          string       `json:"vin"`
	VehicleID    string       `json:"vehicleId"`
	VehicleName  string       `json:"vehicleName"`
	Type         string       `json:"type"`
	TmuNum       string       `json:"tmuNum"`
	Nickname     string       `json:"nickname"`
	Year         string       `json:"year"`
	Master       bool         `json:"master"`
	CarShare     int          `json:"carShare"`
	RegDate      string       `json:"regDate"`
	DetailInfo   listedDetail `json:"detailInfo"`
	ProtocolType int          `json:"protocolType"`
	// CCS2 is absent in China, and a number everywhere else.
	CCS2 *int `json:"ccuCCS2ProtocolSupport,omitempty"`
}

type listedDetail struct {
	InColor        string `json:"inColor"`
	OutColor       string `json:"outColor"`
	SaleCarmdlCd   string `json:"saleCarmdlCd"`
	BodyType       string `json:"bodyType"`
	SaleCarmdlEnNm string `json:"saleCarmdlEnNm"`
}

// saysCCS2 is the ordinary way, saysFlat that of a cloud which denies it and speaks it
// all the same, and saysNothing that of one which leaves it out.
func saysCCS2(v *car) *int {
	n := 0
	if v.model.ccs2 {
		n = 1
	}
	return &n
}

func saysFlat(*car) *int { return new(int) }

func saysNothing(*car) *int { return nil }

func (g *ccapi) vehicleList(c *call) reply {
	list := make([]listed, 0, len(c.cloud.cars))
	for _, v := range c.cloud.cars {
		list = append(list, listed{
			VIN: v.vin, VehicleID: v.id, VehicleName: v.model.name, Type: v.model.engine.wire(), TmuNum: "-", Nickname: v.nickname,
			Year: strconv.Itoa(v.year), Master: true, RegDate: v.registered,
			DetailInfo:   listedDetail{InColor: "WK", OutColor: "SWP", SaleCarmdlCd: v.model.code, BodyType: "2", SaleCarmdlEnNm: v.model.name},
			ProtocolType: 1, CCS2: g.support(v),
		})
	}
	return spaAnswer(marshal(map[string]any{"vehicles": list}))
}
