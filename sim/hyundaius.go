package sim

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// hyundaiUS is the cloud of Hyundai and Genesis in the USA for one of the two: they share
// host and constants (docs/protocol/usa-hyundai-genesis.md §1). An account belongs to one
// brand, and its access token says which.
type hyundaiUS struct {
	cloud *cloud

	mu        sync.Mutex      // may be taken with a car's held
	refreshes map[string]bool // tokens that were handed out and not used
	seen      map[*car][]body // what cameras saw, newest first
}

const (
	hyundaiUSHost   = "api.telematics.hyundaiusa.com"
	hyundaiUSClient = "m66129Bb-em93-SPAHYN-bZ91-am4540zp19920"
	hyundaiUSSecret = "v558o935-6nne-423i-baa8"

	// genesisUSEmail is another name of the Genesis account, whose host is that of Hyundai:
	// some clients sign in without a word about the brand (§1.3). Those that say G get it by
	// the common name.
	genesisUSEmail = "demo+genesis@example.com"
)

func buildHyundaiUS(c *cloud) map[string]*router {
	h := &hyundaiUS{cloud: c}
	c.email = h.name()
	h.forget()
	c.forget, c.render = h.forget, renderHyundaiUS
	c.answerTakes = [2]time.Duration{10 * time.Second, 25 * time.Second} // assumed: no figure is known (§11)
	routes := newRouter(c, hyundaiUSHost, h, h.endpoints())
	routes.claim = h.claims
	if c.brand == "hyundai" {
		// Two calls of one client carry whatever host they were sent to (§12).
		routes.stray = hyundaiUSPath
	}
	return map[string]*router{hyundaiUSHost: routes}
}

func (h *hyundaiUS) forget() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.refreshes, h.seen = map[string]bool{}, map[*car][]body{}
}

func hyundaiUSPath(r *http.Request) bool {
	path := strings.TrimLeft(r.URL.Path, "/")
	return strings.HasPrefix(path, "ac/v2/") || strings.HasPrefix(path, "v2/ac/")
}

const (
	hyundaiUSToken   = "/v2/ac/oauth/token"
	hyundaiUSRenewal = "/v2/ac/oauth/token/refresh"
)

// hyundaiUSGrant is the body of both token calls.
type hyundaiUSGrant struct {
	Username *string `json:"username"`
	Password *string `json:"password"`
	Grant    string  `json:"grant_type"`
	Refresh  string  `json:"refresh_token"`
}

// claims reports whether a call is for this brand's account: by its access token, and
// where there is none yet by the account's name, the refresh token, or the brand
// indicator (§1.3).
func (h *hyundaiUS) claims(r *http.Request) bool {
	path := "/" + strings.TrimLeft(r.URL.Path, "/")
	if path != hyundaiUSToken && path != hyundaiUSRenewal {
		return h.cloud.account.issued(accessUS(r.Header))
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	r.Body = io.NopCloser(bytes.NewReader(body))
	if err != nil {
		return false
	}
	var grant hyundaiUSGrant
	if c := (&call{body: body}); !c.decode(&grant) {
		return false
	}
	named := grant.Username != nil && strings.EqualFold(*grant.Username, genesisUSEmail)
	return named || h.knows(grant.Refresh) || grant.Refresh == "" && r.Header.Get("brandIndicator") == "G"
}

// accessUS is the access token under either of its names (§1.2).
func accessUS(header http.Header) string { return headerOf(header, "accessToken", "access_token") }

// issued reports whether a token was handed out by this account, expired or not.
func (a *account) issued(text string) bool {
	a.mu.RLock()
	defer a.mu.RUnlock()
	_, known := a.tokens[text]
	return known
}

func (h *hyundaiUS) endpoints() []endpoint {
	vehicle := append(h.commandEndpoints(), []endpoint{
		{pattern: "GET /ac/v2/rcs/rvs/vehicleStatus", kind: kindRead, kindOf: hyundaiUSStatusKind, handle: h.driven(h.status), status: true},
		{pattern: "GET /ac/v2/rcs/rfc/findMyCar", kind: kindWake, handle: h.driven(h.location)},
		{pattern: "GET /ac/v2/ts/alerts/maintenance/evTripDetails", kind: kindRead, handle: h.driven(h.trips)},
		{pattern: "GET /ac/v2/svm/getSVMDetails", kind: kindRead, handle: h.driven(h.surroundings)},
		{pattern: "GET /ac/v2/rmt/getRunningStatus", kind: kindRead, handle: h.driven(h.runningStatus)},
		{pattern: "POST /ac/v2/rmt/getRunningStatus", kind: kindRead, handle: h.driven(h.runningStatus)},
	}...)
	for i := range vehicle {
		vehicle[i].carOf = h.carOf
	}
	return append(vehicle, []endpoint{
		{pattern: "POST " + hyundaiUSToken, kind: kindLogin, kindOf: hyundaiUSGrantKind, handle: h.token},
		{pattern: "POST " + hyundaiUSRenewal, kind: kindRenew, handle: h.token},
		{pattern: "GET /ac/v2/enrollment/details/{username}", kind: kindRead, handle: h.signed(h.enrollment)},
	}...)
}

// carOf finds the car of a call by its registration id (§1.2).
func (h *hyundaiUS) carOf(c *call) *car {
	id := c.r.Header.Get("registrationId")
	return h.cloud.byID[id]
}

func hyundaiUSGrantKind(c *call) kind {
	var grant hyundaiUSGrant
	if c.decode(&grant) && grant.Grant == "refresh_token" {
		return kindRenew
	}
	return kindLogin
}

// hyundaiUSStatusKind tells a cached read from a forced one: both are the same call but
// for one header (§4.2).
func hyundaiUSStatusKind(c *call) kind {
	if strings.EqualFold(c.r.Header.Get("refresh"), "true") {
		return kindWake
	}
	return kindRead
}

// hyundaiUSFailure is an answer that failed; the HTTP status is its code (§8).
type hyundaiUSFailure struct {
	code              int
	sub, system       string
	text              string
	function, service string // which part of the cloud says so
}

const hyundaiUSFields = "Please check to see that all required fields are populated and try again."

var (
	hyundaiUSWrongPassword = hyundaiUSFailure{502, "IDM_401_1", "IDM", "Incorrect username or password", "customerLogin", "Login"}
	hyundaiUSExpired       = hyundaiUSFailure{401, "C401_2", "IDM", "Token has expired", "remoteVehicleStatus", "CheckToken"}
	hyundaiUSFieldMissing  = hyundaiUSFailure{400, "C400_1", "IDM", hyundaiUSFields, "", ""}
	hyundaiUSPINMissing    = hyundaiUSFailure{400, "C400_1", "IDM", hyundaiUSFields, "validatePIN", "CheckCustomerUserPin"}
	hyundaiUSQuota         = hyundaiUSFailure{502, "HT_534", "HATA", "You have exceeded the daily remote service request limit for this vehicle. Please try again tomorrow.", "", ""}
	hyundaiUSPending       = hyundaiUSFailure{502, "HT_533", "HATA", "Your previous request is pending. Please wait until it is finished.", "", ""}
	hyundaiUSUnreachable   = hyundaiUSFailure{502, "HT_900", "HATA", "Not able to connect with your vehicle. Please try again later.", "", ""}
	hyundaiUSGeneric       = hyundaiUSFailure{502, "GEN", "HATA", "We could not complete your request. Please try again later.", "", ""}
	hyundaiUSFeatureOff    = hyundaiUSFailure{502, "GEN", "BLODS", "Feature Status is OFF", "", ""}
	hyundaiUSUnsupported   = hyundaiUSFailure{502, "GEN", "BLODS", "Your vehicle does not support this feature.", "", ""}
)

func (f hyundaiUSFailure) reply() reply {
	subText := f.text
	if f.function == hyundaiUSPINMissing.function {
		subText = "Missing Fields: blueLinkServicePin or pinToken"
	}
	return reply{status: f.code, body: marshal(map[string]any{
		"errorCode": f.code, "errorSubCode": f.sub, "systemName": f.system, "errorMessage": f.text, "errorSubMessage": subText,
		"functionName": f.function, "serviceName": f.service,
	})}
}

// say puts a refusal of the car's own into this cloud's words.
func (h *hyundaiUS) say(refused *refusal) reply {
	switch *refused {
	case refusedDuplicate:
		return hyundaiUSPending.reply()
	case refusedTimeout, refusedBattery: // the latter assumed: no text for an empty 12 V battery is known
		return hyundaiUSUnreachable.reply()
	case refusedQuota:
		return hyundaiUSQuota.reply()
	default:
		return hyundaiUSGeneric.reply()
	}
}

// hyundaiUSClientRefused checks the app's constant, which is all that every client sends,
// under one of two names (§1.1); nil when it is right.
func hyundaiUSClientRefused(c *call) *reply {
	if headerOf(c.r.Header, "client_id", "clientId") == hyundaiUSClient {
		return nil
	}
	refused := reply{status: http.StatusForbidden, body: marshal(map[string]any{"errorCode": 403, "errorMessage": "client_id required"})}
	return &refused
}

// hyundaiUSTokenLife is what was seen in 2026 (§2.1).
const hyundaiUSTokenLife = 1799 * time.Second

// token answers sign-ins and both forms of renewal (§2.1, §2.2).
func (h *hyundaiUS) token(c *call) reply {
	a := c.cloud.account
	if refused := hyundaiUSClientRefused(c); refused != nil {
		return *refused
	}
	fail := func(f hyundaiUSFailure) reply {
		a.tally(func(n *AccountCounts) {
			if c.kind == kindRenew {
				n.FailedRenewals++
			} else {
				n.FailedLogins++
			}
		})
		return f.reply()
	}
	var grant hyundaiUSGrant
	if !c.decode(&grant) {
		return fail(hyundaiUSFieldMissing)
	}
	short := c.path == hyundaiUSRenewal
	if !short {
		// Presence first, whatever the grant.
		for name, value := range map[string]*string{"username": grant.Username, "password": grant.Password} {
			if value == nil || *value == "" {
				missing := hyundaiUSFieldMissing
				missing.text = "Parameter {" + name + "} field [Required] validation error."
				return fail(missing)
			}
		}
		if c.acts(faultCredentials) || !h.signedIn(*grant.Username, *grant.Password) {
			return fail(hyundaiUSWrongPassword)
		}
	} else if headerOf(c.r.Header, "client_secret", "clientSecret") != hyundaiUSSecret {
		return fail(hyundaiUSFieldMissing)
	}
	if c.kind == kindRenew {
		if !h.use(grant.Refresh) {
			return fail(hyundaiUSExpired) // assumed: how a stale refresh token is refused is unknown
		}
		a.tally(func(n *AccountCounts) { n.Renewals++ })
	} else {
		a.tally(func(n *AccountCounts) { n.Logins++ })
	}
	life := c.sim.tokenLife(hyundaiUSTokenLife)
	access := a.issue(freshText(200)+"/"+freshText(120)+"+"+freshText(60), token{use: useAccess}, life)
	return reply{status: http.StatusOK, body: marshal(map[string]any{
		"access_token": access, "refresh_token": h.newRefresh(), "expires_in": strconv.Itoa(int(life / time.Second)), "username": h.name(),
	})}
}

// name is what tells the account from the other brand's.
func (h *hyundaiUS) name() string {
	if h.cloud.brand == "genesis" {
		return genesisUSEmail
	}
	return Email
}

func (h *hyundaiUS) signedIn(name, password string) bool {
	return signedIn(name, password) || strings.EqualFold(name, h.name()) && password == Password
}

// newRefresh hands out a refresh token that works once; it rotates with each renewal.
func (h *hyundaiUS) newRefresh() string {
	text := freshText(64)
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.refreshes) >= tokensKept {
		clear(h.refreshes) // somebody signs in without ever renewing
	}
	h.refreshes[text] = true
	return text
}

// knows reports whether a refresh token is this account's: one that is fresh, or the one
// that its owner got (Accounts lists it), which does not wear out.
func (h *hyundaiUS) knows(text string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.refreshes[text] || text == h.cloud.account.refreshToken()
}

// use takes a refresh token and wears it out (assumed: what the old one is worth after a
// rotation is unknown, and a client must not depend on it).
func (h *hyundaiUS) use(text string) bool {
	known := h.knows(text)
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.refreshes, text)
	return known
}

// signed guards calls of an account: client, then access token. It demands no other
// header, as one client sends none (§12).
func (h *hyundaiUS) signed(handle func(*call) reply) func(*call) reply {
	return func(c *call) reply {
		if refused := hyundaiUSClientRefused(c); refused != nil {
			return *refused
		}
		t, ok := c.cloud.account.lookup("Bearer " + accessUS(c.r.Header))
		if !ok || t.use != useAccess {
			return hyundaiUSExpired.reply()
		}
		c.session = session{token: t}
		return handle(c)
	}
}

// driven guards calls about one car.
func (h *hyundaiUS) driven(handle func(*call) reply) func(*call) reply {
	return h.signed(func(c *call) reply {
		header := c.r.Header
		switch {
		case header.Get("registrationId") == "" || header.Get("gen") == "" || header.Get("vin") == "":
			return hyundaiUSFieldMissing.reply()
		case c.car == nil || header.Get("vin") != c.car.vin:
			return hyundaiUSUnsupported.reply() // assumed: what a foreign car gives is unknown
		}
		return handle(c)
	})
}

// enrollment is the vehicle list (§3). The name in the path is not compared: it carries
// @ and + as they are, or escaped.
func (h *hyundaiUS) enrollment(c *call) reply {
	list := make([]any, 0, len(c.cloud.cars))
	for _, v := range c.cloud.cars {
		list = append(list, map[string]any{
			"packageDetails": []any{map[string]any{
				"packageType": "Remote", "displayCategory": "Remote", "packageId": fixedUUID(v.base, "package"), "assetNumber": "A-S0" + v.vin[11:],
				"subscriptionType": "Included", "term": "36", "startDate": v.enrolled() + "000000", "renewalDate": "20350101000000",
			}},
			"vehicleDetails": v.hyundaiUSDetails(c.now),
			"roleDetails":    []any{map[string]any{"roleCode": "OWNER", "roleName": "Owner"}},
		})
	}
	name, err := url.PathUnescape(c.r.PathValue("username"))
	if err != nil {
		name = h.name()
	}
	return reply{status: http.StatusOK, body: marshal(map[string]any{
		"enrolledVehicleDetails": list, "addressDetails": []any{}, "emergencyContacts": []any{},
		"user": map[string]any{"loginId": name, "additionalUserDetails": map[string]any{"timezoneOffset": -5, "timezoneAbbr": "EST"}},
	})}
}

// enrolled is the day on which the car was registered.
func (v *car) enrolled() string {
	day, _, _ := strings.Cut(v.registered, " ")
	return strings.ReplaceAll(day, "-", "")
}

func (v *car) hyundaiUSDetails(now time.Time) map[string]any {
	r := v.look(now)
	brand := "H"
	if v.cloud.brand == "genesis" {
		brand = "G"
	}
	odometer := miles(r.body.odometerKm)
	if v.replay != nil {
		odometer = v.replay.number(odometer, "vehicleDetails", "odometer")
	}
	seat := func(id, levels string) map[string]any {
		return map[string]any{"seatLocationID": id, "heatingCapable": "YES", "ventCapable": "YES", "supportedLevels": levels}
	}
	return map[string]any{
		"regid": v.id, "vin": v.vin, "nickName": v.nickname, "modelCode": v.model.code, "modelYear": strconv.Itoa(v.year), "trim": "SEL",
		"hmaModel": v.model.code, "brandIndicator": brand, "evStatus": v.model.engine.hyundaiUS(), "vehicleGeneration": strconv.Itoa(max(2, v.model.generation)),
		"enrollmentDate": v.enrolled(), "enrollmentId": strconv.FormatUint(5_000_000+v.base%1_000_000, 10), "enrollmentStatus": "ACTIVE",
		"enrollmentType": "INDIVIDUAL", "deviceStatus": "ENROLLED", "bluelinkEnabled": true,
		"odometer": strconv.Itoa(whole(odometer)), "odometerUpdateDate": r.at.UTC().Format(compactTime),
		"fatcAvailable": "Y", "steeringWheelHeatCapable": "YES", "sideMirrorHeatCapable": "YES", "rearWindowHeatCapable": "YES", "targetSOCLevel": "",
		"seatConfigurations": map[string]any{"seatConfigs": []any{
			seat("1", "2,6,7,8,3,4,5"), seat("2", "2,6,7,8,3,4,5"), seat("3", "2,6,7,8"), seat("4", "2,6,7,8"),
		}},
		"additionalVehicleDetails": map[string]any{
			"minTemp": 62, "maxTemp": 82, "enableEVTrip": "Y", "targetSOCLevelMax": 100, "enableValetActivate": "N", "v2LOption": "N", "vehicleModemType": "4G",
		},
	}
}

// hyundaiUS is the word of the enrollment; hybrids say the same as petrol cars (§3).
func (e engine) hyundaiUS() string { return [...]string{"N", "E", "P", "N"}[e] }
