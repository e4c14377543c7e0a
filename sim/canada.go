package sim

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// canada is the Canadian cloud of one brand (docs/protocol/canada.md): every call is a
// POST, every answer a 200, and every command needs a ticket that the PIN buys.
type canada struct {
	cloud *cloud
	host  string
	// wrongCode is what a wrong one-time code gives.
	wrongCode canadaFailure

	mu      sync.Mutex
	access  string               // the token that counts: each sign-in ends the one before
	expires time.Time            // of it, in cloud time
	ended   map[string]bool      // tokens that another sign-in ended
	trusted map[string]time.Time // devices that need no code, and until when
	codes   map[string]*canadaCode
	tickets map[string]time.Time // pAuth and until when
}

const canadaBase = "/tods/api/"

var (
	canadaHyundai = canada{host: "mybluelink.ca", wrongCode: canadaStepRejected}
	canadaKia     = canada{host: "kiaconnect.ca", wrongCode: canadaStepRejected}
	canadaGenesis = canada{host: "genesisconnect.ca", wrongCode: canadaCodeRejected}
)

// build joins the row of a brand to its cloud.
func (n *canada) build(c *cloud) map[string]*router {
	own := &canada{cloud: c, host: n.host, wrongCode: n.wrongCode}
	own.forget()
	c.forget, c.render = own.forget, renderCanada
	c.answerTakes = [2]time.Duration{5 * time.Second, 20 * time.Second} // §4.1
	routes := newRouter(c, own.host, own, own.endpoints())
	routes.stray = own.strays
	return map[string]*router{own.host: routes}
}

func (n *canada) forget() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.access, n.expires = "", time.Time{}
	n.ended, n.trusted = map[string]bool{}, map[string]time.Time{}
	n.codes, n.tickets = map[string]*canadaCode{}, map[string]time.Time{}
}

// strays takes calls to an unknown host, as clients set none of their own: the brand is
// that of Origin, else Hyundai (§11).
func (n *canada) strays(r *http.Request) bool {
	origin := hostName(strings.TrimPrefix(r.Header.Get("Origin"), "https://"))
	switch {
	case !strings.HasPrefix(r.URL.Path, canadaBase):
		return false
	case origin == canadaKia.host || origin == canadaGenesis.host:
		return n.host == origin
	default:
		return n.host == canadaHyundai.host
	}
}

func (n *canada) endpoints() []endpoint {
	rows := []endpoint{
		{pattern: canadaLogin, kind: kindLogin, handle: n.login},
		{pattern: canadaOldLogin, kind: kindLogin, handle: n.oldLogin},
		{pattern: "mfa/selverifmeth", kind: kindLogin, handle: n.methods},
		{pattern: "mfa/sendotp", kind: kindCode, handle: n.sendCode},
		{pattern: "mfa/validateotp", kind: kindLogin, handle: n.checkCode},
		{pattern: canadaTrust, kind: kindLogin, handle: n.trust},
		{pattern: "vhcllst", kind: kindRead, handle: n.signed(n.vehicleList)},
		{pattern: "vrfypin", kind: kindCommand, handle: n.signed(n.ticket)},
		{pattern: "lgout", kind: kindOther, handle: n.signed(n.logout)},
		{pattern: "vrfyacctkn", kind: kindOther, handle: n.signed(canadaNothing)},
		{pattern: "vrfytnc", kind: kindOther, handle: n.signed(canadaNothing)},
		{pattern: canadaCached, kind: kindRead, carOf: n.carOf, handle: n.driven(n.cached), status: true},
		{pattern: "rltmvhclsts", kind: kindWake, carOf: n.carOf, handle: n.driven(n.forced)},
		{pattern: "nxtsvc", kind: kindRead, carOf: n.carOf, handle: n.driven(n.service)},
		{pattern: "fndmcr", kind: kindWake, carOf: n.carOf, handle: n.driven(n.location)},
		{pattern: "evc/selsoc", kind: kindRead, carOf: n.carOf, handle: n.driven(n.chargeLimits)},
		{pattern: "alerts/maintenance/evTripDetails", kind: kindRead, carOf: n.carOf, handle: n.driven(n.trips)},
		{pattern: "sltvhcl", kind: kindRead, carOf: n.carOf, handle: n.driven(n.selectVehicle)},
		{pattern: "v2/myvehicle", kind: kindRead, carOf: n.carOf, handle: n.signed(n.myVehicle)},
		{pattern: "gtfvsttng", kind: kindRead, carOf: n.carOf, handle: n.driven(canadaPresets)},
		{pattern: "rmtsts", kind: kindRead, carOf: n.carOf, handle: n.driven(n.actionStatus)},
	}
	rows = append(rows, n.commandEndpoints()...)
	for i := range rows {
		rows[i].pattern = "POST " + canadaBase + rows[i].pattern
	}
	// One client fetches the page first, for its cookie (§1.4).
	return append(rows, endpoint{pattern: "GET /login", kind: kindOther, handle: func(*call) reply {
		answer := page(http.StatusOK, "Sign in", "This page needs a browser.")
		answer.header = http.Header{"Set-Cookie": {"__cf_bm=" + freshText(32) + "; Path=/; HttpOnly; Secure"}}
		return answer
	}})
}

const (
	canadaLogin    = "v2/login"
	canadaOldLogin = "lgn"
	canadaTrust    = "mfa/genmfatkn"
	canadaCached   = "lstvhclsts"
)

// toCanada reports whether a call is to this endpoint.
func (c *call) toCanada(path string) bool { return c.path == canadaBase+path }

// canadaSuccess wraps a result into the envelope; nil leaves it out (§2.1).
func canadaSuccess(result []byte) reply {
	const head = `{"responseHeader":{"responseCode":0,"responseDesc":"Success"}`
	if result == nil {
		return jsonReply(http.StatusOK, head+`}`)
	}
	return reply{status: http.StatusOK, body: join(head+`,"result":`, result, `}`)}
}

func canadaNothing(*call) reply { return canadaSuccess([]byte("{}")) }

// canadaFailure is a business error: its code is a text, its HTTP status 200 (§2.1, §8).
type canadaFailure struct{ code, text string }

var (
	canadaUncertified   = canadaFailure{"6459", "This request is not allowed for this client."}
	canadaPending       = canadaFailure{"6533", "A previous request is still in progress. Please wait 90 seconds."}
	canadaQuota         = canadaFailure{"6534", "You have reached the daily limit of remote requests."}
	canadaNoStatus      = canadaFailure{"7101", "Your request could not be processed."}
	canadaNewDevice     = canadaFailure{"7110", ""} // seen without a text
	canadaWrongPIN      = canadaFailure{"7310", "The PIN is not valid."}
	canadaLocked        = canadaFailure{"7402", "Your account is locked."}
	canadaExpired       = canadaFailure{"7403", "Your authentication has expired."}
	canadaWrongPassword = canadaFailure{"7404", "The user name or the password is wrong."}
	canadaGeneric       = canadaFailure{"7445", "Your request could not be processed."}
	canadaUnreachable   = canadaFailure{"7445", "The engine was not started recently, or the vehicle is in an area of poor coverage."} // the code is not recorded
	canadaCodeRejected  = canadaFailure{"7549", "The verification failed."}
	canadaOtherLogin    = canadaFailure{"7602", "The access token was deleted."}
	canadaOtherAddress  = canadaFailure{"7606", "The access token is not valid here."}
	canadaWrongDevice   = canadaFailure{"7710", "The device id is not valid."}
	canadaTooMany       = canadaFailure{"7901", "Too many sign-ins. Please try again later."}
	canadaStepRejected  = canadaFailure{"7999", "Your request could not be processed."}
	canadaWrongClimate  = canadaFailure{"15109", "This vehicle does not support the request."}
)

func (f canadaFailure) reply() reply { return f.with(nil) }

// with adds a result, as some failures have one (§11 row 9).
func (f canadaFailure) with(result any) reply {
	failure := map[string]string{"errorCode": f.code}
	if f.text != "" {
		failure["errorDesc"] = f.text
	}
	body := map[string]any{"error": failure, "responseHeader": map[string]any{"responseCode": 1, "responseDesc": "Failure"}}
	if result != nil {
		body["result"] = result
	}
	return reply{status: http.StatusOK, body: marshal(body)}
}

// say puts a refusal of the car's own into this cloud's words.
func (n *canada) say(refused *refusal) reply {
	switch *refused {
	case refusedDuplicate:
		return canadaPending.reply()
	case refusedTimeout, refusedBattery:
		return canadaUnreachable.reply()
	case refusedQuota:
		return canadaQuota.reply()
	default:
		return canadaGeneric.reply()
	}
}

// signed guards calls of an account. The token stands in the header as it is.
func (n *canada) signed(handle func(*call) reply) func(*call) reply {
	return func(c *call) reply {
		now, text := c.cloud.account.now(), c.r.Header.Get("accessToken")
		n.mu.Lock()
		good, ended := text != "" && text == n.access && now.Before(n.expires), n.ended[text]
		n.mu.Unlock()
		switch {
		case good:
			return handle(c)
		case ended:
			return canadaOtherLogin.reply()
		default:
			return canadaExpired.reply()
		}
	}
}

// driven guards calls about one car.
func (n *canada) driven(handle func(*call) reply) func(*call) reply {
	return n.signed(func(c *call) reply {
		if c.car == nil {
			return canadaGeneric.reply() // assumed: what a foreign id gives is unknown
		}
		return handle(c)
	})
}

func (n *canada) carOf(c *call) *car { return n.cloud.byID[c.r.Header.Get("vehicleId")] }

// canadaTicketLife is how long a pAuth is good, for a command and its polls (assumed: the
// real life is unknown, §2.6).
const canadaTicketLife = 5 * time.Minute

// ticket sells a pAuth for the PIN (§2.6). The car does not matter, and neither does an
// old ticket (§11 rows 6, 12).
func (n *canada) ticket(c *call) reply {
	var body struct {
		PIN string `json:"pin"`
	}
	if !c.decode(&body) {
		return canadaGeneric.reply()
	}
	a := c.cloud.account
	if verdict := a.tryPIN(body.PIN, pinLock); !verdict.right {
		return canadaWrongPIN.reply()
	}
	a.tally(func(n *AccountCounts) { n.PINs++ })
	text := freshText(32)
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.tickets) >= tokensKept {
		clear(n.tickets)
	}
	n.tickets[text] = a.now().Add(canadaTicketLife)
	return canadaSuccess([]byte(`{"pAuth":"` + text + `"}`))
}

// ticketed reports whether a call carries a good ticket, in the header or, as one client
// sends some, in the body (§11 row 8). A PIN in the body must be right, too.
func (n *canada) ticketed(c *call) bool {
	var body struct {
		PIN    *string `json:"pin"`
		Ticket string  `json:"pAuth"`
	}
	if len(c.body) > 0 && !c.decode(&body) || body.PIN != nil && *body.PIN != PIN {
		return false
	}
	now := c.cloud.account.now()
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, text := range []string{c.r.Header.Get("pAuth"), body.Ticket} {
		if until, known := n.tickets[text]; known && now.Before(until) {
			return true
		}
	}
	return false
}

// vehicleList is also the test of a token (§2.5, §3).
func (n *canada) vehicleList(c *call) reply {
	list := make([]any, 0, len(c.cloud.cars))
	for i, v := range c.cloud.cars {
		valet := 0
		r := v.look(c.now)
		if r.body.valet {
			valet = 1
		}
		list = append(list, map[string]any{
			"vehicleId": v.id, "nickName": v.nickname, "modelCode": v.model.code, "modelName": v.model.name, "modelYear": strconv.Itoa(v.year),
			"fuelKindCode": v.model.engine.canada(), "trim": "", "engine": "", "exteriorColor": "W1", "dtcCount": 0, "subscriptionStatus": "A",
			"subscriptionEndDate": "20350101", "mileageForNextService": v.serviceIn(r), "daysForNextService": "20350101", "overviewMessage": "",
			"defaultVehicle": i == 0, "enrollmentStatus": "4", "genType": "G2.5", "valetParkingModeOn": valet, "vin": v.vin,
		})
	}
	return canadaSuccess(marshal(map[string]any{"vehicles": list}))
}

// canada is the code of the vehicle list; that of hybrids is assumed (§3).
func (e engine) canada() string { return [...]string{"G", "E", "P", "H"}[e] }

func (n *canada) logout(*call) reply {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.access = ""
	return canadaSuccess([]byte("{}"))
}
