package canada

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/cloudtest"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// site is the cloud as docs/protocol/canada.md tells of it: one token that lives at a time, devices that a code makes trusted,
// and a ticket for each PIN. Every path may be answered otherwise by a test.
type site struct {
	cloudtest.Script

	mu        sync.Mutex // guards what follows
	token     int
	trusted   map[string]bool
	otpKey    string
	code      string
	spare     bool // tells of no telephone
	password  string
	pin       string
	tickets   map[string]bool // those that it takes
	status    string
	wrapper   string // that the cars want
	codesSent []string
}

// reply is an answer.
type reply = cloudtest.Reply

func good(result string) reply {
	return cloudtest.Say(200, `{"responseHeader":{"responseCode":0,"responseDesc":"Success"},"result":`+result+`}`)
}

func bad(code string) reply {
	return cloudtest.Say(200, `{"error":{"errorCode":"`+code+`","errorDesc":"no"},"responseHeader":{"responseCode":1,"responseDesc":"Failure"}}`)
}

func newSite(t *testing.T) *site {
	s := &site{
		trusted: map[string]bool{}, code: "123456", password: "secret", pin: "1234", tickets: map[string]bool{}, status: status, wrapper: oldWrapper,
	}
	s.Script = cloudtest.Script{T: t, Prefix: "/tods/api/", Serve: s.serve}
	return s
}

func (s *site) live() string { return fmt.Sprint("token-", s.token) }

func (s *site) grant() reply {
	s.token++
	return good(`{"token":{"accessToken":"` + s.live() + `","scope":["profile"],"tokenType":"bearer","expireIn":86400,"refreshToken":"RT","signature":""},"verifiedTnC":true}`)
}

func (s *site) serve(r *http.Request, path, body string) reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := r.Header
	if r.Method != http.MethodPost {
		s.T.Errorf("%s %s", r.Method, path)
	}
	var in map[string]any
	if body != "" {
		if err := json.Unmarshal([]byte(body), &in); err != nil {
			s.T.Errorf("%s: %s: %v", path, body, err)
		}
	}
	text := func(name string) string { t, _ := in[name].(string); return t }
	device := h.Get("Deviceid")
	switch path {
	case "v2/login":
		switch {
		case device == "" || h.Get("accessToken") != "":
			s.T.Errorf("sign-in with %v", h)
		case text("password") != s.password || text("loginId") != account.Username:
			return bad("7404")
		case !s.trusted[device]:
			return bad("7110")
		}
		return s.grant()
	case "mfa/selverifmeth":
		if device == "" || text("mfaApiCode") != "0107" || text("userAccount") != account.Username {
			return bad("7999")
		}
		phone := `,"userPhone":"***0100"`
		if s.spare {
			phone = ""
		}
		return good(`{"userInfoUuid":"uuid-1","emailList":["` + account.Username + `"],"otpKey":""` + phone + `}`)
	case "mfa/sendotp":
		if text("userInfoUuid") != "uuid-1" || text("mfaApiCode") != "0107" {
			return bad("7999")
		}
		s.codesSent = append(s.codesSent, text("otpMethod")+text("userPhone"))
		s.otpKey = fmt.Sprint("otp-", len(s.codesSent))
		return good(`{"otpKey":"` + s.otpKey + `","userAccount":"J***@EXAMPLE.COM"}`)
	case "mfa/validateotp":
		if text("otpNo") != s.code || text("otpKey") != s.otpKey || text("userAccount") != account.Username {
			return bad("7999")
		}
		return good(`{"verifiedOtp":true,"otpValidationKey":"valid-1"}`)
	case "mfa/genmfatkn":
		if text("otpValidationKey") != "valid-1" || text("mfaYn") != "Y" || text("userAccount") != account.Username || text("otpEmail") != account.Username {
			return bad("7999")
		}
		s.trusted[device] = true
		return s.grant()
	}
	if h.Get("accessToken") != s.live() {
		return bad("7403")
	}
	if path == "vhcllst" {
		return good(`{"vehicles":[{"vehicleId":"Ab3x/Yz==","nickName":"My EV","modelName":"IONIQ 5","modelYear":"2024","fuelKindCode":"E","dtcCount":0,"vin":"KMHC0000000000001"},
		 {"vehicleId":"Cd4","nickName":"Old","modelName":"ELANTRA","modelYear":"2018","fuelKindCode":"G","dtcCount":0,"vin":"KMHC0000000000002"}]}`)
	}
	if h.Get("vehicleId") == "" {
		s.T.Errorf("%s about no car", path)
	}
	switch path {
	case "vrfypin":
		if text("pin") != s.pin {
			return bad("7310")
		}
		ticket := fmt.Sprint("pAuth-", len(s.Calls()))
		s.tickets[ticket] = true
		return good(`{"pAuth":"` + ticket + `"}`)
	case "lstvhclsts", "rltmvhclsts":
		return good(`{"status":` + s.status + `}`)
	case "nxtsvc":
		return good(`{"maintenanceInfo":{"msopServiceOdometer":24010.0,"msopServiceOdometerUnit":1,"imatServiceOdometer":36010.0,"imatServiceOdometerUnit":1,"currentOdometer":30123.4,"currentOdometerUnit":1}}`)
	case "evc/selsoc":
		return good(limits)
	case "alerts/maintenance/evTripDetails":
		return good(`{"tripdetails":[{"startdate":"2026-08-01 07:45:10","totalused":4200,"drivetrain":3600,"climate":300,"accessories":250,"batterycare":50,"regen":900,"distance":21},
		 {"startdate":"2026-08-01 17:45:10","totalused":4000,"drivetrain":3500,"climate":200,"accessories":250,"batterycare":50,"regen":800,"distance":20},
		 {"startdate":"2026-07-31 17:45:10","totalused":100},{"startdate":"x"}]}`)
	}
	if !s.tickets[h.Get("pAuth")] {
		return bad("7999")
	}
	switch path {
	case "fndmcr":
		if h.Get("from") != "SPA" {
			return bad("6459")
		}
		return good(`{"coord":{"lat":45.5,"lon":-73.6,"alt":30,"type":0},"head":90,"speed":{"value":0,"unit":0},"time":"20260801153000"}`)
	case "rmtsts":
		return good(`{"transaction":{"apiCode":"RMT-E0301","apiResult":"C","apiStatusCode":"200"}}`)
	case "evc/rfon":
		if in[s.wrapper] == nil {
			return bad("15109")
		}
	}
	out := good("{}")
	out.Header = map[string]string{"transactionId": fmt.Sprint("tx-", len(s.Calls()))}
	return out
}

const limits = `[{"plugType":0,"level":80,"dte":{"rangeByFuel":{"totalAvailableRange":{"value":288.0,"unit":1}},"type":2}},
 {"plugType":1,"level":110},{"plugType":1,"level":70},{"plugType":1,"level":90,"dte":{"rangeByFuel":{"totalAvailableRange":{"value":324.0,"unit":1}},"type":2}}]`

// owner is one run of a program in front of a site.
type owner struct {
	*cloud
	tokens bluelink.TokenStore
}

var account = bluelink.Account{Name: "home", Region: vehicle.Canada, Brand: vehicle.Hyundai, Username: "jane@example.com", Password: "secret", PIN: "1234"}

func open(t *testing.T, s *site, tokens bluelink.TokenStore, change ...func(*bluelink.Account)) *owner {
	t.Helper()
	settings, err := bluelink.NewSettings(bluelink.WithRoundTripper(s), bluelink.WithTokenStore(tokens))
	must(t, err)
	who := account
	for _, f := range change {
		f(&who)
	}
	opened, err := Open(who, settings)
	must(t, err)
	return &owner{opened.(*cloud), tokens}
}

// signedIn is a program whose device is trusted.
func signedIn(t *testing.T, change ...func(*bluelink.Account)) (*site, *owner) {
	t.Helper()
	s := newSite(t)
	o := open(t, s, bluelink.NewMemoryTokens(), change...)
	mustFail(t, o.Login(t.Context()), bluelink.ErrOTPRequired)
	person := bluelink.WithPerson(t.Context())
	must(t, o.session.SendCode(person, bluelink.ByEmail))
	must(t, o.session.EnterCode(person, s.code))
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

func (o *owner) list(t *testing.T) []vehicle.Vehicle {
	t.Helper()
	list, err := o.Vehicles(t.Context())
	must(t, err)
	return list
}

func (o *owner) read(t *testing.T, v vehicle.Vehicle, known vehicle.State) (vehicle.State, error) {
	t.Helper()
	r, err := o.Cached(t.Context(), bluelink.Ask{Vehicle: v, Known: known})
	if err != nil {
		return vehicle.State{}, err
	}
	state, _, _ := known.Apply(r, time.Now())
	return state, nil
}

// status is the one of docs/protocol/canada.md §4.2.
const status = `{"lastStatusDate":"20260801153000","airCtrlOn":false,"engine":false,"doorLock":true,
 "doorOpen":{"frontLeft":0,"frontRight":0,"backLeft":0,"backRight":0},"trunkOpen":false,"hoodOpen":false,"sunroofOpen":0,
 "airTempUnit":"C","airTemp":{"value":"0EH","unit":0},"defrost":false,"lowFuelLight":false,"acc":false,"ign3":false,"transCond":true,
 "steerWheelHeat":0,"sideBackWindowHeat":0,"sideMirrorHeat":0,"dte":{"value":412.0,"unit":1},
 "tirePressureLamp":{"tirePressureLampAll":0,"tirePressureLampFL":0,"tirePressureLampFR":0,"tirePressureLampRL":0,"tirePressureLampRR":0},
 "battery":{"batSoc":87,"batState":0,"sjbDeliveryMode":1,"powerAutoCutMode":2,"batSignalReferenceValue":{"batWarning":65}},"remoteIgnition":true,
 "seatHeaterVentInfo":{"drvSeatHeatState":2,"astSeatHeatState":7,"rlSeatHeatState":2,"rrSeatHeatState":2},"seatHeaterVentState":{"flSeatHeatState":8,"rrSeatHeatState":3},
 "sleepModeCheck":false,
 "lampWireStatus":{"headLamp":{"headLampStatus":false,"leftLowLamp":false,"rightLowLamp":false,"leftHighLamp":false,"rightHighLamp":false,"leftBifuncLamp":false,"rightBifuncLamp":false},
  "stopLamp":{"leftLamp":false,"rightLamp":false},"turnSignalLamp":{"leftFrontLamp":false,"rightFrontLamp":false,"leftRearLamp":false,"rightRearLamp":false}},
 "windowOpen":{"frontLeft":0,"frontRight":0,"backLeft":0,"backRight":0},"smartKeyBatteryWarning":false,"fuelLevel":62,"washerFluidStatus":false,"breakOilStatus":false,"engineOilStatus":false,
 "evStatus":{"batteryCharge":true,"batteryStatus":64,"batteryPlugin":2,"batteryPower":{"batteryFstChrgPower":0.0,"batteryStndChrgPower":7.1},"batteryPreconditiong":false,
  "remainTime2":{"etc1":{"value":25,"unit":1},"etc2":{"value":600,"unit":1},"etc3":{"value":180,"unit":1},"atc":{"value":180,"unit":1}},
  "drvDistance":[{"rangeByFuel":{"gasModeRange":{"value":0.0,"unit":1},"evModeRange":{"value":301.0,"unit":1},"totalAvailableRange":{"value":301.0,"unit":1}},"type":2}]}}`
