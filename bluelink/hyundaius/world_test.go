package hyundaius

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

const (
	email    = "jane+car@example.com"
	password = "hunter2secret"
	pin      = "4711"
	vin      = "1HGBH41JXMN109186"
	regid    = "H00001234567V" + vin
)

// page is the cloud of the protocol page: its own example answers, unless a test puts others in their place.
type page struct {
	mu       sync.Mutex
	answers  map[string]reply // by path below the bases, "REFRESH" before a forced status
	requests []seen
}

type reply struct {
	status  int
	body    string
	headers []string // in pairs
	wait    time.Duration
}

// seen is a request as it arrived.
type seen struct {
	method, path string
	header       http.Header
	body         string
}

func ok(body string) reply { return reply{status: 200, body: body} }

// The examples of the page, with an electric car of generation 3 beside the one of generation 2.
const (
	grant = `{"access_token":"AbCd","refresh_token":"EfGh","expires_in":"1799","username":"jane@example.com"}`
	list  = `{"enrolledVehicleDetails":[{"packageDetails":[],"vehicleDetails":{"regid":"` + regid + `","vin":"` + vin + `","nickName":"My Car","modelCode":"IONIQ 5","modelYear":"2024","brandIndicator":"H","evStatus":"E","vehicleGeneration":"2","enrollmentDate":"20240105","enrollmentStatus":"ACTIVE","odometer":"12345",
 "seatConfigurations":{"seatConfigs":[{"seatLocationID":"1","heatingCapable":"YES","supportedLevels":"2,6,7,8,3,4,5"},{"seatLocationID":"2","supportedLevels":"2,6,7,8"}]},"additionalVehicleDetails":{"minTemp":62,"maxTemp":82}},"roleDetails":[]}]}`
	status = `{"hataTID":"x","vehicleStatus":{
 "dateTime":"2024-09-01T12:00:00Z","acc":false,"ign3":true,"transCond":true,"engine":false,"ignitionStatus":"false",
 "doorLock":true,"doorLockStatus":"true","doorOpen":{"frontLeft":0,"frontRight":0,"backLeft":0,"backRight":0},
 "windowOpen":{"frontLeft":0,"frontRight":0,"backLeft":0,"backRight":0},"trunkOpen":false,"hoodOpen":false,
 "airCtrlOn":false,"airTemp":{"value":"72","unit":1,"hvacTempType":1},"defrost":false,"steerWheelHeat":0,"sideBackWindowHeat":0,"sideMirrorHeat":0,
 "seatHeaterVentState":{"flSeatHeatState":2,"frSeatHeatState":2,"rlSeatHeatState":2,"rrSeatHeatState":2},
 "tirePressureLamp":{"tirePressureWarningLampAll":0,"tirePressureWarningLampFrontLeft":0,"tirePressureWarningLampFrontRight":0,"tirePressureWarningLampRearLeft":0,"tirePressureWarningLampRearRight":0},
 "battery":{"batSoc":88,"batState":0,"sjbDeliveryMode":0},"lowFuelLight":false,"fuelLevel":60,"dte":{"value":320,"unit":3},"odometer":12360,
 "washerFluidStatus":false,"breakOilStatus":false,"smartKeyBatteryWarning":false,"sleepModeCheck":false,"hazardStatus":0,
 "vehicleLocation":{"coord":{"lat":34.05,"lon":-118.24,"alt":0,"type":0},"time":"2024-09-01T11:55:00Z"},
 "evStatus":{"batteryStatus":80,"batteryCharge":false,"batteryPlugin":0,"batteryStndChrgPower":0.0,"batteryFstChrgPower":0.0,"realTimePower":0.0,
   "batteryPreconditiong":false,"chargePortDoorOpenStatus":2,"remainTime2":{"atc":{"value":10,"unit":1},"etc1":{"value":20,"unit":1},"etc2":{"value":30,"unit":1},"etc3":{"value":40,"unit":1}},
   "drvDistance":[{"type":2,"rangeByFuel":{"evModeRange":{"value":240,"unit":3},"gasModeRange":{"value":0,"unit":3},"totalAvailableRange":{"value":240,"unit":3}}}],
   "reservChargeInfos":{"reservFlag":0,"targetSOClist":[{"plugType":0,"targetSOClevel":80,"type":2},{"plugType":1,"targetSOClevel":100,"type":2}],
     "reservChargeInfo":{"reservChargeInfoDetail":{"reservChargeSet":false,"reservInfo":{"day":[1,9],"time":{"time":"1200","timeSection":0}},"reservFatcSet":{"defrost":false,"airTemp":{"value":"75","unit":1},"airCtrl":0}}},
     "offpeakPowerInfo":{"offPeakPowerFlag":1,"offPeakPowerTime1":{"startTime":{"time":"1100","timeSection":1},"endTime":{"time":"0630","timeSection":0}}}}}}}`
	trips = `{"tripdetails":[
 {"startdate":"2024-08-31 17:00:00.0","odometer":{"value":12370.4,"unit":3},"distance":9,"duration":{"value":1200,"unit":1},"mileagetime":{"value":900,"unit":1},"avgspeed":{"value":25.3,"unit":3},"maxspeed":{"value":60.9,"unit":3},"totalused":2000,"drivetrain":1500,"climate":300,"accessories":150,"batterycare":50,"regen":400},
 {"startdate":"2024-08-31 10:00:00.0","odometer":{"value":12361.2,"unit":3},"distance":5,"duration":{"value":500,"unit":1},"mileagetime":{"value":700,"unit":1},"avgspeed":{"value":35.3,"unit":3},"maxspeed":{"value":70.0,"unit":3},"totalused":1000,"drivetrain":900,"climate":50,"accessories":50,"batterycare":0,"regen":100},
 {"startdate":"2024-08-30 08:30:00.0","distance":4,"duration":{"value":600,"unit":1},"mileagetime":{"value":600,"unit":1},"avgspeed":{"value":20,"unit":3},"maxspeed":{"value":40,"unit":3},"totalused":500,"drivetrain":500,"climate":0,"accessories":0,"batterycare":0,"regen":0}]}`
	found   = `{"coord":{"lat":34.0522,"lon":-118.2437,"alt":70,"type":0},"head":120,"speed":{"unit":1,"value":0},"accuracy":{"hdop":0,"pdop":1},"time":"2024-09-01T12:03:00Z"}`
	expired = `{"errorSubCode":"C401_2","systemName":"IDM","functionName":"remoteVehicleStatus","errorSubMessage":"Token has expired","errorMessage":"Token has expired","errorCode":401,"serviceName":"CheckToken"}`
	noPIN   = `{"errorSubCode":"C400_1","systemName":"IDM","functionName":"validatePIN","errorSubMessage":"Missing Fields: blueLinkServicePin or pinToken","errorMessage":"Please check to see that all required fields are populated and try again.","errorCode":400,"serviceName":"CheckCustomerUserPin"}`
)

const (
	tokenPath  = "/v2/ac/oauth/token"
	listPath   = "enrollment/details/" + email
	statusPath = "rcs/rvs/vehicleStatus"
	forcePath  = "REFRESH rcs/rvs/vehicleStatus"
	tripsPath  = "ts/alerts/maintenance/evTripDetails"
	findPath   = "rcs/rfc/findMyCar"
	actionPath = "rmt/getRunningStatus"
)

func newPage() *page {
	return &page{answers: map[string]reply{
		tokenPath: ok(grant), listPath: ok(list), statusPath: ok(status), forcePath: ok(strings.Replace(status, "12:00:00Z", "12:05:00Z", 1)),
		tripsPath: ok(trips), findPath: ok(found), actionPath: ok(`{"status":"SUCCESS","tid":"t","nextPollingInterval":"2"}`),
	}}
}

// put changes an answer.
func (p *page) put(path string, r reply) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answers[path] = r
}

func (p *page) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
	}
	if r.URL.Host != host || r.URL.Scheme != "https" {
		return nil, fmt.Errorf("a call to %s", r.URL.Host)
	}
	path := strings.TrimPrefix(r.URL.EscapedPath(), "/ac/v2/")
	if r.Header.Get("Refresh") == "true" {
		path = "REFRESH " + path
	}
	p.mu.Lock()
	p.requests = append(p.requests, seen{r.Method, path, r.Header.Clone(), string(body)})
	answer, known := p.answers[path]
	p.mu.Unlock()
	if !known { // an accepted command
		answer = reply{status: 200, headers: []string{"tmsTid", "tid-1"}}
	}
	if answer.wait > 0 {
		select {
		case <-time.After(answer.wait):
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	header := http.Header{}
	for i := 0; i+1 < len(answer.headers); i += 2 {
		header[answer.headers[i]] = []string{answer.headers[i+1]} // not in canonical form
	}
	return &http.Response{
		StatusCode: answer.status, Header: header, Body: io.NopCloser(strings.NewReader(answer.body)), ContentLength: int64(len(answer.body)), Request: r,
	}, nil
}

// paths are those of the calls since the last look.
func (p *page) paths() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []string
	for _, r := range p.requests {
		all = append(all, r.path)
	}
	p.requests = nil
	return strings.Join(all, ", ")
}

// last is the last request.
func (p *page) last() seen {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.requests) == 0 {
		return seen{}
	}
	return p.requests[len(p.requests)-1]
}

// world is one account before the page.
type world struct {
	*page
	t       *testing.T
	account bluelink.Account
	tokens  bluelink.TokenStore
	kinds   *kinds
	log     *bytes.Buffer
	cloud   bluelink.Cloud
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{
		page: newPage(), t: t, tokens: bluelink.NewMemoryTokens(), kinds: &kinds{}, log: &bytes.Buffer{},
		account: bluelink.Account{Name: "test", Region: vehicle.USA, Brand: vehicle.Hyundai, Username: email, Password: password, PIN: pin},
	}
	w.open()
	return w
}

// open begins anew with what the token store holds, as after a restart.
func (w *world) open() {
	w.t.Helper()
	s, err := bluelink.NewSettings(bluelink.WithRoundTripper(w.page), bluelink.WithTokenStore(w.tokens), bluelink.WithHook(w.kinds),
		bluelink.WithLogger(slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))))
	if err != nil {
		w.t.Fatal(err)
	}
	if w.cloud, err = Open(w.account, s); err != nil {
		w.t.Fatal(err)
	}
}

// car is the first car of the list.
func (w *world) car() vehicle.Vehicle {
	w.t.Helper()
	cars, err := w.cloud.Vehicles(w.t.Context())
	if err != nil || len(cars) == 0 {
		w.t.Fatalf("%d cars, %v", len(cars), err)
	}
	w.paths()
	return cars[0]
}

// with makes another car of the listed one.
func (w *world) with(field, value string) vehicle.Vehicle {
	w.t.Helper()
	before, rest, _ := strings.Cut(list, `"`+field+`":"`)
	_, rest, _ = strings.Cut(rest, `"`)
	w.put(listPath, ok(before+`"`+field+`":"`+value+`"`+rest))
	return w.car()
}

// kinds is a hook that counts calls by kind.
type kinds struct {
	mu    sync.Mutex
	calls []bluelink.Call
}

func (k *kinds) Before(_ context.Context, call bluelink.Call) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.calls = append(k.calls, call)
	return nil
}

func (k *kinds) After(context.Context, bluelink.Call, time.Duration, error) {}

func (k *kinds) String() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	var all []string
	for _, call := range k.calls {
		all = append(all, string(call.Kind))
	}
	k.calls = nil
	return strings.Join(all, " ")
}

func inBubble(t *testing.T, test func(*testing.T)) { synctest.Test(t, test) }

// pass lets virtual time pass.
func pass(d time.Duration) { <-time.After(d) }

// believe applies a report.
func believe(s vehicle.State, r vehicle.Report) vehicle.State {
	next, _, _ := s.Apply(r, someTime)
	return next
}

// someTime is after all recordings.
var someTime = time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
