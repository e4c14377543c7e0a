package sim

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// kiaUS is the cloud of Kia in the USA (docs/protocol/usa-kia.md): sessions instead of
// tokens, keys of cars that belong to a session, and codes sent to the owner.
type kiaUS struct {
	cloud *cloud

	mu       sync.Mutex
	session  *kiaUSSession            // the one that counts: each sign-in ends the one before
	codes    map[string]*kiaUSCode    // sign-ins that wait for a code, by otpKey
	devices  map[string]kiaUSDevice   // remembered devices by rmtoken
	halfways map[string]kiaUSHalfway  // right codes by their temporary session
	wrong    int                      // passwords in a row
	keys     map[string]kiaUSKeyOwner // every key that was handed out lately
}

// kiaUSSession is what a sid stands for.
type kiaUSSession struct {
	sid     string
	expires time.Time // in cloud time
	keys    map[*car]string
	// warm cars were asked in this session; charge limits of others read as 0
	// (docs/protocol/usa-kia.md §4.3).
	warm map[*car]bool
}

// kiaUSKeyOwner says which car a key opens, and in which session.
type kiaUSKeyOwner struct {
	car *car
	sid string
}

const (
	kiaUSHost   = "api.owners.kia.com"
	kiaUSBase   = "/apigw/v1/"
	kiaUSClient = "SPACL716-APL"
	kiaUSSecret = "sydnat-9kykci-Kuhtep-h5nK"
)

// kiaUSSessionLife is how long a sid lives: clients count on less than 23 h (§9).
const kiaUSSessionLife = 24 * time.Hour

func buildKiaUS(c *cloud) map[string]*router {
	k := &kiaUS{cloud: c}
	k.forget()
	c.forget, c.render = k.forget, renderKiaUS
	c.answerTakes = [2]time.Duration{20 * time.Second, 45 * time.Second} // §9
	routes := newRouter(c, kiaUSHost, k, k.endpoints())
	routes.stray = func(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, kiaUSBase) }
	return map[string]*router{kiaUSHost: routes}
}

func (k *kiaUS) forget() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.session, k.wrong = nil, 0
	k.codes, k.devices = map[string]*kiaUSCode{}, map[string]kiaUSDevice{}
	k.halfways, k.keys = map[string]kiaUSHalfway{}, map[string]kiaUSKeyOwner{}
}

func (k *kiaUS) endpoints() []endpoint {
	vehicle := append(k.commandEndpoints(), []endpoint{
		{pattern: "POST " + kiaUSInfo, kind: kindRead, handle: k.driven(k.vehicleInfo), status: true},
		{pattern: "POST rems/rvs", kind: kindWake, kindOf: kiaUSReadKind, handle: k.driven(k.status)},
		{pattern: "GET evc/gts", kind: kindRead, handle: k.driven(k.chargeTargets)},
		{pattern: "POST cmm/gts", kind: kindRead, handle: k.driven(k.actionStatus)},
	}...)
	for i := range vehicle {
		vehicle[i].carOf = k.carOf
	}
	rows := append(vehicle, []endpoint{
		{pattern: "POST " + kiaUSAuth, kind: kindLogin, kindOf: kiaUSAuthKind, handle: k.authUser},
		{pattern: "POST cmm/sendOTP", kind: kindCode, handle: k.sendCode},
		{pattern: "POST " + kiaUSVerify, kind: kindLogin, handle: k.verifyCode},
		{pattern: "GET ownr/gvl", kind: kindRead, handle: k.signed(k.vehicleList)},
	}...)
	for i := range rows {
		method, path, _ := strings.Cut(rows[i].pattern, " ")
		rows[i].pattern = method + " " + kiaUSBase + path
		handle := rows[i].handle
		rows[i].handle = func(c *call) reply { return c.withXid(k.known(c, handle)) }
	}
	return rows
}

const (
	kiaUSAuth   = "prof/authUser"
	kiaUSVerify = "cmm/verifyOTP"
	kiaUSInfo   = "cmm/gvi"
)

// known checks who the client says it is. Without a Content-Type even reads fail, and
// nothing goes without a Date (§1.1).
func (k *kiaUS) known(c *call, handle func(*call) reply) reply {
	header := c.r.Header
	if header.Get("clientid") != kiaUSClient || header.Get("secretkey") != kiaUSSecret ||
		header.Get("deviceid") == "" || !strings.HasPrefix(header.Get("Content-Type"), "application/json") {
		return kiaUSRejected.reply()
	}
	if header.Get("Date") == "" {
		return kiaUSHeaderMissing.reply()
	}
	return handle(c)
}

// withXid adds what every answer carries: a transaction id, unless it names the command's,
// and whether it is an error (§1.5). Their names are in small letters, as HTTP/2 has them:
// one client looks for no other spelling of rmtoken.
func (c *call) withXid(answer reply) reply {
	header := http.Header{}
	for name, values := range answer.header {
		header[name] = values
	}
	if header.Get("Xid") == "" {
		header.Set("Xid", freshUUID())
	}
	if header.Get("Errcd") == "" {
		header.Set("Errcd", "0")
	}
	answer.header = http.Header{}
	for name, values := range header {
		answer.header[strings.ToLower(name)] = values
	}
	return answer
}

// kiaUSSuccess wraps a payload into the envelope; nil leaves it out.
func kiaUSSuccess(payload []byte) reply {
	const status = `{"status":{"statusCode":0,"errorType":0,"errorCode":0,"errorMessage":"Success with response body"}`
	if payload == nil {
		return jsonReply(http.StatusOK, status+`}`)
	}
	return reply{status: http.StatusOK, body: join(status+`,"payload":`, payload, `}`)}
}

// kiaUSFailure is an error of the envelope; the HTTP status stays 200 (§1.5, §8).
type kiaUSFailure struct {
	kind, code int
	text       string
}

var (
	kiaUSWrongPassword = kiaUSFailure{1, 1001, "Invalid Email or Password"}
	kiaUSNotReady      = kiaUSFailure{1, 1001, "We cannot process your request. Please make sure that doors, hood and trunk are closed and locked."}
	kiaUSPending       = kiaUSFailure{1, 1001, "We cannot process your request. An earlier one is still under way."} // assumed: the code is unverified (§12)
	kiaUSSessionOver   = kiaUSFailure{1, 1003, "Session Key is either invalid or expired"}
	kiaUSWrongKey      = kiaUSFailure{1, 1005, "Invalid vehicle for current session"}
	kiaUSNoAddress     = kiaUSFailure{1, 1037, "Please enter valid email address"}
	kiaUSUnsupported   = kiaUSFailure{1, 1043, "Feature not supported by the vehicle"}
	kiaUSUnreachable   = kiaUSFailure{1, 1132, "Please start or move your vehicle"}
	kiaUSWrongCode     = kiaUSFailure{1, 1165, "The code you entered is not valid"}
	kiaUSThrottled     = kiaUSFailure{1, 429, "Too many requests"}
	kiaUSUnavailable   = kiaUSFailure{1, 503, "Service unavailable"}
	kiaUSWrongShape    = kiaUSFailure{1, 9001, "Incorrect request payload format"}
	kiaUSHeaderMissing = kiaUSFailure{3, 9200, "Missing mandatory data in header"}
	kiaUSRejected      = kiaUSFailure{3, 9789, "Invalid Request"}
)

func (f kiaUSFailure) reply() reply { return f.with(nil) }

// with adds a payload, as a wrong password has one.
func (f kiaUSFailure) with(payload any) reply {
	body := map[string]any{"status": map[string]any{"statusCode": 1, "errorType": f.kind, "errorCode": f.code, "errorMessage": f.text}}
	if payload != nil {
		body["payload"] = payload
	}
	return reply{status: http.StatusOK, header: http.Header{"Errcd": {strconv.Itoa(f.code)}}, body: marshal(body)}
}

// say puts a refusal of the car's own into this cloud's words.
func (k *kiaUS) say(refused *refusal) reply {
	switch *refused {
	case refusedDuplicate:
		return kiaUSPending.reply()
	case refusedTimeout, refusedBattery:
		return kiaUSUnreachable.reply()
	case refusedQuota:
		return kiaUSThrottled.reply()
	default:
		return kiaUSUnavailable.reply()
	}
}

// signed guards calls of a session.
func (k *kiaUS) signed(handle func(*call, *kiaUSSession) reply) func(*call) reply {
	return func(c *call) reply {
		s := k.sessionOf(c.r.Header.Get("sid"))
		if s == nil {
			return kiaUSSessionOver.reply()
		}
		return handle(c, s)
	}
}

// sessionOf finds the session that counts; nil for any other sid.
func (k *kiaUS) sessionOf(sid string) *kiaUSSession {
	now := k.cloud.account.now()
	k.mu.Lock()
	defer k.mu.Unlock()
	if s := k.session; s != nil && s.sid == sid && now.Before(s.expires) {
		return s
	}
	// A right code that came without an rmtoken is a session of its own (§2.3).
	if half, known := k.halfways[sid]; known && half.rmtoken == "" && now.Before(half.expires) {
		delete(k.halfways, sid)
		return k.beginLocked(sid, half.expires)
	}
	return nil
}

// begin makes a new session, which ends the one before.
func (k *kiaUS) begin(life time.Duration) *kiaUSSession {
	expires := k.cloud.account.now().Add(life)
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.beginLocked(freshUUID(), expires)
}

func (k *kiaUS) beginLocked(sid string, expires time.Time) *kiaUSSession {
	k.session = &kiaUSSession{sid: sid, expires: expires, keys: map[*car]string{}, warm: map[*car]bool{}}
	return k.session
}

// driven guards calls about one car: session, then the key that belongs to it (§2.6).
func (k *kiaUS) driven(handle func(*call, *kiaUSSession) reply) func(*call) reply {
	return k.signed(func(c *call, s *kiaUSSession) reply {
		if c.car == nil || !k.opens(s, c.r.Header.Get("vinkey"), c.car) {
			return kiaUSWrongKey.reply()
		}
		return handle(c, s)
	})
}

// carOf finds the car of a key, also of an old one, so that the book of calls knows it.
func (k *kiaUS) carOf(c *call) *car {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.keys[c.r.Header.Get("vinkey")].car
}

// opens reports whether a key is this car's in this session.
func (k *kiaUS) opens(s *kiaUSSession, key string, v *car) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return key != "" && s.keys[v] == key
}

// keyOf hands out a car's key, one for each session.
func (k *kiaUS) keyOf(s *kiaUSSession, v *car) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	key := s.keys[v]
	if key == "" {
		key = freshUUID()
		if len(k.keys) >= max(tokensKept, 4*len(k.cloud.cars)) {
			clear(k.keys) // somebody signs in again and again
		}
		s.keys[v], k.keys[key] = key, kiaUSKeyOwner{v, s.sid}
	}
	return key
}

// vehicleList hands out the keys (§3).
func (k *kiaUS) vehicleList(c *call, s *kiaUSSession) reply {
	list := make([]any, 0, len(c.cloud.cars))
	for _, v := range c.cloud.cars {
		r := v.look(c.now)
		list = append(list, map[string]any{
			"vin": v.vin, "vehicleIdentifier": v.id, "vehicleKey": k.keyOf(s, v), "nickName": v.nickname, "modelName": v.model.name,
			"modelYear": strconv.Itoa(v.year), "trim": "EX", "colorName": "SILVER", "generation": max(2, v.model.generation),
			"genType": strconv.Itoa(max(2, v.model.generation)), "fuelType": v.model.engine.kiaUS(), "mileage": v.mileage(r),
			"enrollmentStatus": 1, "provStatus": "4", "telematicsUnit": 1, "fatcAvailable": 1, "activationType": 2,
			"projectCode": v.model.code, "headUnitDesc": "AVN5.0",
		})
	}
	return kiaUSSuccess(marshal(map[string]any{"vehicleSummary": list}))
}

// kiaUS is the code of the vehicle list; only that of electric cars is confirmed (§3).
func (e engine) kiaUS() int { return [...]int{1, 4, 7, 3}[e] }

// mileage is the odometer as text, in miles.
func (v *car) mileage(r *report) string {
	if v.replay != nil {
		if text, ok := dig(v.replay.tree, "vehicleConfig", "vehicleDetail", "vehicle", "mileage").(string); ok {
			return text
		}
	}
	return strconv.FormatFloat(miles(r.body.odometerKm), 'f', 1, 64)
}
