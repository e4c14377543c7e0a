package kiaus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/cloudtest"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// site is the cloud as docs/protocol/usa-kia.md tells of it: sessions, each with keys of its own for the cars, and one
// that lives at a time. Every path may be answered otherwise by a test.
type site struct {
	cloudtest.Script

	mu        sync.Mutex        // guards what follows
	sid       int               // of the session that lives
	trusted   map[string]string // rmtoken by device
	challenge string            // otpkey that waits
	noOTP     bool              // the account needs no codes
	noTrust   bool              // codes bring no rmtoken
	password  string
	status    map[string]string // vinkey's car → what gvi holds of it
	cars      []string          // ids of the cars
	codes     int               // that were sent
}

// reply is an answer.
type reply = cloudtest.Reply

const okStatus = `{"statusCode":0,"errorType":0,"errorCode":0,"errorMessage":"Success with response body"}`

func good(payload string) reply {
	return cloudtest.Say(200, `{"status":`+okStatus+`,"payload":`+payload+`}`)
}

func bad(code int) reply {
	return cloudtest.Say(200, fmt.Sprintf(`{"status":{"statusCode":1,"errorType":1,"errorCode":%d,"errorMessage":"no"}}`, code))
}

func newSite(t *testing.T) *site {
	s := &site{trusted: map[string]string{}, password: "secret", cars: []string{"1", "2"}, status: map[string]string{}}
	s.Script = cloudtest.Script{
		T: t, Prefix: "/apigw/v1/", Serve: s.serve, Stamp: func(n int, h http.Header) { h.Set("xid", fmt.Sprint("xid-", n)) },
	}
	return s
}

func (s *site) live() string { return fmt.Sprint("sid-", s.sid) }

func (s *site) keyOf(car string) string { return fmt.Sprint("key-", s.sid, "-", car) }

func (s *site) serve(r *http.Request, path, body string) reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := r.Header
	if r.URL.Host != "api.owners.kia.com" {
		s.T.Errorf("a call to %s", r.URL)
	}
	switch path {
	case "prof/authUser":
		var in signInBody
		if err := json.Unmarshal([]byte(body), &in); err != nil || in.Device != h.Get("deviceid") || in.Type != 2 {
			s.T.Errorf("sign-in %s: %v", body, err)
		}
		if in.Credential.Password != s.password {
			return bad(1001)
		}
		rm := h.Get("rmtoken")
		if s.noOTP || rm != "" && s.trusted[h.Get("deviceid")] == rm {
			s.sid++
			out := good(`{}`)
			out.Header = map[string]string{"sid": s.live()}
			return out
		}
		s.challenge = fmt.Sprint("otp-", len(s.Calls()))
		return good(`{"otpKey":"` + s.challenge + `","hasEmail":true,"hasPhone":true,"email":"j***@example.com","phone":"***-***-1234","rmTokenExpired":` + fmt.Sprint(rm != "") + `}`)
	case "cmm/sendOTP":
		if h.Get("otpkey") != s.challenge || h.Get("xid") == "" || body != "{}" {
			return bad(1003)
		}
		s.codes++
		return good("{}")
	case "cmm/verifyOTP":
		switch {
		case h.Get("otpkey") != s.challenge || h.Get("xid") == "":
			return bad(1003)
		case body != `{"otp":"123456"}`:
			return bad(1165)
		}
		out := good("{}")
		s.sid++
		out.Header = map[string]string{"sid": s.live()}
		if !s.noTrust {
			s.trusted[h.Get("deviceid")] = "rm-1"
			out.Header["rmtoken"] = "rm-1"
		}
		return out
	}
	if h.Get("sid") != s.live() || s.sid == 0 {
		return bad(1003)
	}
	if path == "ownr/gvl" {
		var list []string
		for _, id := range s.cars {
			list = append(list, `{"vin":"KNDCC3LG5L500000`+id+`","vehicleIdentifier":"`+id+`","vehicleKey":"`+s.keyOf(id)+`","nickName":"Car `+id+
				`","modelName":"NIRO EV","modelYear":"2020","fuelType":4,"mileage":"12844.7"}`)
		}
		return good(`{"vehicleSummary":[` + strings.Join(list, ",") + `]}`)
	}
	car := strings.TrimPrefix(h.Get("vinkey"), fmt.Sprint("key-", s.sid, "-"))
	if car == h.Get("vinkey") {
		return bad(1005)
	}
	switch path {
	case "cmm/gvi":
		var in statusRequest
		if err := json.Unmarshal([]byte(body), &in); err != nil || len(in.Keys) != 1 || in.Keys[0] != h.Get("vinkey") || in.Info["vehicleStatus"] != "1" {
			return bad(9001)
		}
		text := s.status[car]
		if text == "" {
			text = info
		}
		return good(`{"vehicleInfoList":[` + text + `]}`)
	case "evc/gts":
		return good(`{"targetSOClist":[{"plugType":0,"targetSOClevel":100},{"plugType":1,"targetSOClevel":70}]}`)
	case "rems/rvs":
		return good(`{"vehicleStatusRpt":{"statusType":"0","vehicleStatus":` + forced + `}}`)
	case "cmm/gts":
		return good(`{"remoteStatus":0,"calSyncStatus":0,"alertStatus":0,"locationStatus":0,"evStatus":0}`)
	}
	return good("{}") // commands
}

// owner is one run of a program in front of a site.
type owner struct {
	*cloud
	tokens bluelink.TokenStore
}

var account = bluelink.Account{Name: "home", Region: vehicle.USA, Brand: vehicle.Kia, Username: "jane@example.com", Password: "secret"}

func open(t *testing.T, s *site, tokens bluelink.TokenStore) *owner {
	t.Helper()
	settings, err := bluelink.NewSettings(bluelink.WithRoundTripper(s), bluelink.WithTokenStore(tokens))
	if err != nil {
		t.Fatal(err)
	}
	opened, err := Open(account, settings)
	if err != nil {
		t.Fatal(err)
	}
	return &owner{opened.(*cloud), tokens}
}

// signedIn is a program whose device is trusted.
func signedIn(t *testing.T) (*site, *owner) {
	t.Helper()
	s := newSite(t)
	o := open(t, s, bluelink.NewMemoryTokens())
	mustFail(t, o.Login(t.Context()), bluelink.ErrOTPRequired)
	person := bluelink.WithPerson(t.Context())
	must(t, o.session.SendCode(person, bluelink.ByEmail))
	must(t, o.session.EnterCode(person, "123456"))
	return s, o
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func mustFail(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("error %v, want %v", err, want)
	}
}

// list gives the cars.
func (o *owner) list(t *testing.T) []vehicle.Vehicle {
	t.Helper()
	list, err := o.Vehicles(t.Context())
	must(t, err)
	return list
}

func (o *owner) read(ctx context.Context, v vehicle.Vehicle) (vehicle.State, error) {
	r, err := o.Cached(ctx, bluelink.Ask{Vehicle: v})
	if err != nil {
		return vehicle.State{}, err
	}
	state, _, _ := vehicle.State{}.Apply(r, time.Now())
	return state, nil
}

// info is the answer of docs/protocol/usa-kia.md §4.1.
const info = `{"vinKey":"k","vehicleConfig":{
 "vehicleDetail":{"vehicle":{"vin":"KNDCC3LG5L5000001","mileage":"12850.3","mileageSyncDate":"20240615120000","fuelType":4,"trim":{"modelYear":"2020","modelName":"NIRO EV","trimName":"EX"}},"device":{"telematics":{"generation":"3"}}},
 "maintenance":{"nextServiceMile":1771.9,"maintenanceSchedule":[7500,15000]},
 "heatVentSeat":{"driverSeat":{"heatVentType":3,"heatVentStep":3}}},
 "lastVehicleInfo":{"vehicleNickName":"My EV","enrollment":{"provStatus":"4","enrollmentStatus":"1","registrationDate":"20200829","expirationDate":"20290829"},"activeDTC":{"dtcActiveCount":"0"},
  "vehicleStatusRpt":{"statusType":"2","reportDate":{"utc":"20240615143100","offset":-8},"vehicleStatus":` + cached + `},
  "location":{"coord":{"lat":37.77,"lon":-122.42,"alt":118,"type":0},"head":349,"speed":{"value":0,"unit":1},"syncDate":{"utc":"20240615142500","offset":-8}}}}`

const cached = `{"climate":{"airCtrl":false,"defrost":false,"airTemp":{"value":"72","unit":1},"heatingAccessory":{"steeringWheel":0,"steeringWheelStep":0,"sideMirror":0,"rearWindow":0},"heatVentSeat":{"driverSeat":{"heatVentType":1,"heatVentLevel":4},"passengerSeat":{"heatVentType":0,"heatVentLevel":1},"rearLeftSeat":{"heatVentType":2,"heatVentLevel":2}}},
 "engine":false,"doorLock":true,"doorStatus":{"frontLeft":0,"frontRight":0,"backLeft":0,"backRight":0,"trunk":0,"hood":0},"windowStatus":{"windowFL":1,"windowFR":0,"windowRL":0,"windowRR":0},"sunroofOpen":0,
 "lowFuelLight":false,"fuelLevel":false,"distanceToEmpty":{"value":214,"unit":3},"ign3":true,"transCond":true,"tirePressure":{"all":0,"frontLeft":0,"frontRight":0,"rearLeft":0,"rearRight":0},
 "batteryStatus":{"stateOfCharge":81,"sensorStatus":0,"deliveryMode":0},"smartKeyBatteryWarning":false,"washerFluidStatus":false,"brakeOilStatus":false,"sleepMode":false,"valetParkingMode":0,"remoteControlAvailable":1,
 "dateTime":{"utc":"20240615143100","offset":-8},"syncDate":{"utc":"20240615143000","offset":-8},
 "evStatus":{"batteryStatus":79,"batteryCharge":false,"batteryPlugin":0,"realTimePower":0.0,"batteryPrecondition":false,"wirelessCharging":false,
  "remainChargeTime":[{"remainChargeType":1,"timeInterval":{"value":30,"unit":4}}],
  "drvDistance":[{"type":2,"rangeByFuel":{"evModeRange":{"value":214.37,"unit":3},"totalAvailableRange":{"value":214.37,"unit":3}}}],
  "syncDate":{"utc":"20240615143000","offset":-8},
  "targetSOC":[{"plugType":0,"targetSOClevel":80},{"plugType":1,"targetSOClevel":90}]}}`

// forced is what the car itself answers a little later: it sends no range, and a limit with its range.
const forced = `{"climate":{"airCtrl":true,"defrost":false,"airTemp":{"value":"70","unit":1}},"engine":false,"doorLock":false,
 "doorStatus":{"frontLeft":1,"frontRight":0,"backLeft":0,"backRight":0,"trunk":0,"hood":0},"batteryStatus":{},
 "syncDate":{"utc":"20240615150000","offset":-8},"evStatus":{"batteryStatus":77,"batteryCharge":true,"batteryPlugin":2,
 "targetSOC":[{"plugType":0,"targetSOClevel":60,"dte":{"type":2,"rangeByFuel":{"gasModeRange":{"value":0,"unit":0},"evModeRange":{"value":160,"unit":3}}}},{"plugType":1,"targetSOClevel":0}]}}`
