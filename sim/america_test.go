package sim

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// american tells the forms of the USA and Canada from the others by their name in
// everyForm.
func american(what string) bool {
	return strings.HasPrefix(what, "us ") || strings.HasPrefix(what, "ca ")
}

// americanHeaders set the headers of a call about a car ("car1") or about none ("list"),
// as the chapter on headers of each page has them. They need ${access}.
var americanHeaders = map[string]func(p *player, car string){
	"us-hyundai": hyundaiUSHeaders("us-hyundai", "H"),
	"us-genesis": hyundaiUSHeaders("us-genesis", "G"),
	"us-kia":     kiaUSHeaders,
	"ca-hyundai": canadaHeaders("ca-hyundai", "mybluelink.ca"),
	"ca-kia":     canadaHeaders("ca-kia", "kiaconnect.ca"),
	"ca-genesis": canadaHeaders("ca-genesis", "genesisconnect.ca"),
}

// hyundaiUSHeaders are those of docs/protocol/usa-hyundai-genesis.md §1.1 and §1.2.
func hyundaiUSHeaders(account, indicator string) func(*player, string) {
	return func(p *player, car string) {
		set := map[string]string{
			"Content-Type": "application/json;charset=UTF-8", "from": "SPA", "to": "ISS", "language": "0", "offset": "-5", "refresh": "false",
			"encryptFlag": "false", "brandIndicator": indicator, "client_id": "m66129Bb-em93-SPAHYN-bZ91-am4540zp19920",
			"clientSecret": "v558o935-6nne-423i-baa8", "username": "demo@example.com", "accessToken": "${access}", "blueLinkServicePin": "1234",
		}
		if car != "list" {
			number := strings.TrimPrefix(car, "car")
			set["registrationId"], set["vin"], set["gen"] = "${"+account+".car"+number+"}", "${"+account+".vin"+number+"}", "2"
			set["APPCLOUD-VIN"] = set["vin"]
		}
		for name, value := range set {
			p.request.Header.Set(name, p.expand(value))
		}
	}
}

// kiaUSHeaders are those of docs/protocol/usa-kia.md §1.1 and §1.2; "nobody" has no session.
func kiaUSHeaders(p *player, car string) {
	set := map[string]string{
		"content-type": "application/json;charset=utf-8", "accept": "application/json", "apptype": "L", "appversion": "7.22.0",
		"clientid": "SPACL716-APL", "secretkey": "sydnat-9kykci-Kuhtep-h5nK", "clientuuid": "f7fb3494-7483-5eb2-8a42-a206863fef78",
		"deviceid": "8AAE8C1F-CE6A-499D-9538-30D36E434F10", "from": "SPA", "to": "APIGW", "language": "0", "offset": "-8", "tokentype": "A",
		"date": "Mon, 02 Jan 2006 15:04:05 GMT",
	}
	if car != "nobody" {
		set["sid"] = "${access}"
	}
	if number, driven := strings.CutPrefix(car, "car"); driven {
		set["vinkey"] = "${key" + number + "}"
	}
	for name, value := range set {
		p.request.Header.Set(name, p.expand(value))
	}
}

// canadaHeaders are those of docs/protocol/canada.md §1.1 and §1.2; the ticket is ${pauth}.
func canadaHeaders(account, host string) func(*player, string) {
	return func(p *player, car string) {
		set := map[string]string{
			"Accept": "application/json, text/plain, */*", "Content-Type": "application/json;charset=UTF-8", "from": "CWP", "offset": "-5", "language": "0",
			"Origin": "https://" + host, "Referer": "https://" + host + "/login", "client_id": "HATAHSPACA0232141ED9722C67715A0B",
			"client_secret": "CLISCR01AHSPA", "Deviceid": "YmMwOGU4ZmZhMmNjNTc0OThlZmZiMmVlOTJhOGQ0OGI=",
		}
		if car != "nobody" {
			set["accessToken"] = "${access}"
		}
		if number, driven := strings.CutPrefix(car, "car"); driven {
			set["vehicleId"], set["pAuth"] = "${"+account+".car"+number+"}", "${pauth}"
		}
		for name, value := range set {
			p.request.Header.Set(name, p.expand(value))
		}
	}
}

// canadaSignIn is docs/protocol/canada.md §2.3, §2.4 and §2.6.
func canadaSignIn(account, host string) string {
	return strings.NewReplacer("ACCOUNT", account, "HOST", "https://"+host+"/tods/api").Replace(`
POST HOST/v2/login
+ ACCOUNT nobody
| {"loginId":"demo@example.com","password":"demo"}
< .error.errorCode = "7110"
POST HOST/mfa/selverifmeth
+ ACCOUNT nobody
| {"mfaApiCode":"0107","userAccount":"demo@example.com"}
< .result.userInfoUuid -> user
POST HOST/mfa/sendotp
+ ACCOUNT nobody
| {"otpMethod":"E","mfaApiCode":"0107","userAccount":"demo@example.com","userPhone":"","userInfoUuid":"${user}"}
< .result.otpKey -> otpkey
POST HOST/mfa/validateotp
+ ACCOUNT nobody
| {"otpNo":"123456","userAccount":"demo@example.com","otpKey":"${otpkey}","mfaApiCode":"0107"}
< .result.otpValidationKey -> proof
POST HOST/mfa/genmfatkn
+ ACCOUNT nobody
| {"userAccount":"demo@example.com","otpEmail":"demo@example.com","mfaApiCode":"0107","otpValidationKey":"${proof}","mfaYn":"Y"}
< .result.token.accessToken -> access
POST HOST/vrfypin
+ ACCOUNT list
| {"pin":"1234"}
< .result.pAuth -> pauth
`)
}

// americanLogins are the shortest sign-ins; they give ${access}, and the keys of the first
// two cars where cars have keys.
var americanLogins = map[string]string{
	// docs/protocol/usa-hyundai-genesis.md §2.1
	"us-hyundai": `
POST https://api.telematics.hyundaiusa.com/v2/ac/oauth/token
client_id: m66129Bb-em93-SPAHYN-bZ91-am4540zp19920
| {"username":"demo@example.com","password":"demo"}
< 200
< .access_token -> access
`,
	"us-genesis": `
POST https://api.telematics.hyundaiusa.com/v2/ac/oauth/token
client_id: m66129Bb-em93-SPAHYN-bZ91-am4540zp19920
brandIndicator: G
| {"username":"demo@example.com","password":"demo"}
< 200
< .access_token -> access
`,
	// docs/protocol/usa-kia.md §2.1 to §2.4 and §2.6
	"us-kia": `
POST https://api.owners.kia.com/apigw/v1/prof/authUser
+ us-kia nobody
| {"deviceKey":"8AAE8C1F-CE6A-499D-9538-30D36E434F10","deviceType":2,"userCredential":{"userId":"demo@example.com","password":"demo"},"tncFlag":1}
< 200
< .payload.otpKey -> otpkey
< xid -> xid
POST https://api.owners.kia.com/apigw/v1/cmm/sendOTP
+ us-kia nobody
otpkey: ${otpkey}
xid: ${xid}
notifytype: EMAIL
| {}
< .status.statusCode = 0
POST https://api.owners.kia.com/apigw/v1/cmm/verifyOTP
+ us-kia nobody
otpkey: ${otpkey}
xid: ${xid}
| {"otp":"123456"}
< .status.statusCode = 0
< sid -> sid
< rmtoken -> rmtoken
POST https://api.owners.kia.com/apigw/v1/prof/authUser
+ us-kia nobody
sid: ${sid}
rmtoken: ${rmtoken}
| {"deviceKey":"8AAE8C1F-CE6A-499D-9538-30D36E434F10","deviceType":2,"userCredential":{"userId":"demo@example.com","password":"demo"}}
< .status.statusCode = 0
< sid -> access
GET https://api.owners.kia.com/apigw/v1/ownr/gvl
+ us-kia list
< .payload.vehicleSummary.0.vehicleKey -> key1
< .payload.vehicleSummary.1.vehicleKey -> key2
`,
	"ca-hyundai": canadaSignIn("ca-hyundai", "mybluelink.ca"),
	"ca-kia":     canadaSignIn("ca-kia", "kiaconnect.ca"),
	"ca-genesis": canadaSignIn("ca-genesis", "genesisconnect.ca"),
}

// signIn plays a sign-in.
func (p *player) signIn(account string) {
	at := p.line
	p.play(americanLogins[account])
	p.line = at
}

// admitAmericans signs a stranger in to each American cloud, whatever was forgotten since,
// and returns the headers that go with that by host.
func admitAmericans(s *Sim) map[string]http.Header {
	headers := map[string]http.Header{}
	for _, c := range s.clouds {
		if !american(c.region+" ") || c.region == "us" && c.brand == "genesis" { // whose host is Hyundai's
			continue
		}
		host, v := c.hosts[0], c.cars[0]
		far := c.account.now().Add(100 * 365 * 24 * time.Hour)
		set := map[string]string{}
		switch own := ownerOf(s.hosts[host]).(type) {
		case *hyundaiUS:
			set["accessToken"] = c.account.issue("stranger-"+c.brand, token{use: useAccess}, 100*365*24*time.Hour)
			set["registrationId"], set["vin"], set["gen"], set["client_id"], set["blueLinkServicePin"] = v.id, v.vin, "2", hyundaiUSClient, PIN
		case *kiaUS:
			own.mu.Lock()
			own.session = &kiaUSSession{sid: "stranger", expires: far, keys: map[*car]string{v: "stranger"}, warm: map[*car]bool{}}
			own.keys["stranger"] = kiaUSKeyOwner{v, "stranger"}
			own.mu.Unlock()
			set["sid"], set["vinkey"], set["clientid"], set["secretkey"], set["deviceid"] = "stranger", "stranger", kiaUSClient, kiaUSSecret, "stranger"
			set["Content-Type"], set["Date"] = "application/json", "Mon, 02 Jan 2006 15:04:05 GMT"
		case *canada:
			own.mu.Lock()
			own.access, own.expires, own.tickets["stranger"] = "stranger", far, far
			own.mu.Unlock()
			set["accessToken"], set["pAuth"], set["vehicleId"], set["Deviceid"], set["from"] = "stranger", "stranger", v.id, "stranger", "SPA"
		}
		headers[host] = http.Header{}
		for name, value := range set {
			headers[host].Set(name, value)
		}
	}
	return headers
}

// ownerOf is what answers on a host, found as a request finds it.
func ownerOf(routes *router) mischief {
	for _, path := range []string{hyundaiUSToken, kiaUSBase + kiaUSAuth, canadaBase + canadaLogin} {
		at, _ := routes.mux.Handler(httptest.NewRequest(http.MethodPost, path, http.NoBody))
		if found, ok := at.(*route); ok && found.mischief != nil {
			return found.mischief
		}
	}
	return nil
}

var americanSeeds = []stranger{
	{"POST", "mybluelink.ca", "/tods/api/v2/login", `{"loginId":1}`},
	{"POST", "kiaconnect.ca", "/tods/api/mfa/validateotp", `{"otpNo":"123456","userAccount":"demo@example.com","otpKey":"","mfaApiCode":"0107"}`},
	{"POST", "genesisconnect.ca", "/tods/api/lstvhclsts", ""},
	{"POST", "kiaconnect.ca", "/tods/api/evc/rfon", `{"pin":"1234","hvacInfo":{"airCtrl":1,"defrost":false,"heating1":0,"airTemp":{"value":"FFH","unit":0}}}`},
	{"POST", "kiaconnect.ca", "/tods/api/evc/setsoc", `{"pin":"1234","tsoc":[{"plugType":-1,"level":80}]}`},
	{"POST", "kiaconnect.ca", "/tods/api/rmtsts", "{}"},
	{"POST", "api.owners.kia.com", "/apigw/v1/prof/authUser", `{"deviceKey":"","deviceType":2,"userCredential":null}`},
	{"POST", "api.owners.kia.com", "/apigw/v1/cmm/gvi", `{"vehicleConfigReq":{},"vehicleInfoReq":{"vehicleStatus":"1"},"vinKey":["x"]}`},
	{"POST", "api.owners.kia.com", "/apigw/v1/rems/rvs", `{"requestType":0}`},
	{"POST", "api.owners.kia.com", "/apigw/v1/rems/start", `{"remoteClimate":{"airTemp":{"unit":1,"value":"NaN"},"airCtrl":true,"defrost":false,"heatingAccessory":{"rearWindow":1,"sideMirror":1,"steeringWheel":1}}}`},
	{"GET", "api.owners.kia.com", "/apigw/v1/rems/door/lock", ""},
	{"POST", "api.owners.kia.com", "/apigw/v1/cmm/gts", `{"xid":1}`},
	{"POST", "api.telematics.hyundaiusa.com", "/v2/ac/oauth/token", `{"username":null,"password":1}`},
	{"GET", "api.telematics.hyundaiusa.com", "//ac/v2/rcs/rvs/vehicleStatus", ""},
	{"GET", "api.telematics.hyundaiusa.com", "/ac/v2/enrollment/details/%zz", ""},
	{"POST", "api.telematics.hyundaiusa.com", "/ac/v2/evc/fatc/start", `{"airCtrl":1,"airTemp":{"value":[],"unit":1}}`},
	{"POST", "api.telematics.hyundaiusa.com", "/ac/v2/evc/charge/targetsoc/set", `{"targetSOClist":[null]}`},
	{"POST", "", "/ac/v2/rcs/rdo/on", "userName=%zz"},
	{"POST", "api.telematics.hyundaiusa.com", "/ac/v2/svm/findMyCarSVM", `{"vin":1,"blueLinkServicePin":null}`},
	{"GET", "api.telematics.hyundaiusa.com", "/ac/v2/svm/getSVMDetails", ""},
}

// Types as strict clients of the American clouds need them: text where the pages show
// text, true or false where they show that, whole numbers for units, codes and levels
// (docs/protocol/usa-hyundai-genesis.md §12).
func TestForms_AmericanTypes(t *testing.T) {
	texts := []string{
		".utc", "dateTime", "lastStatusDate", "airTempUnit", "ignitionStatus", "LockStatus", "trunkOpenStatus", "airConditionStatus", "defrostStatus", "airTemp.value", "time.time", "Time.time",
	}
	booleans := []string{
		".acc", ".ign3", "transCond", ".engine", "doorLock", "trunkOpen", "hoodOpen", "airCtrlOn", "defrost", "lowFuelLight", "washerFluidStatus",
		"breakOilStatus", "smartKeyBatteryWarning", "sleepModeCheck", "batteryCharge", "batteryPreconditiong", "evIgnitionStatus", "reservChargeSet",
		"airCtrl", "brakeOilStatus", "sleepMode", "batteryPrecondition", "wirelessCharging",
		"remoteIgnition", "engineOilStatus", "vehicleMovementHis", "headLampStatus", "Lamp",
	}
	fractions := []string{".lat", ".lon", "ChrgPower", "realTimePower", "Range.value"}
	endsIn := func(path string, endings []string) bool {
		for _, ending := range endings {
			if strings.HasSuffix("."+path, ending) {
				return true
			}
		}
		return false
	}
	everyForm(t, func(t *testing.T, what string, form []byte) {
		if !american(what) {
			return
		}
		for path, leaf := range leaves(t, form) {
			got, want := typeOf(leaf), "int"
			switch {
			case endsIn(path, fractions):
				want = got
				if got != "int" && got != "number" {
					want = "number"
				}
			case endsIn(path, texts):
				want = "text"
			case strings.Contains(path, "tirePressure"): // the names of other lamps end alike
			case path == "fuelLevel" && got == "bool": // no tank (docs/protocol/usa-kia.md §5)
				want = "bool"
			case strings.HasSuffix(path, "reservFatcSet.airCtrl"):
			case endsIn(path, booleans):
				want = "bool"
			}
			if got != want {
				t.Errorf("%s: %s is %s (%v), want %s", what, path, got, leaf, want)
			}
		}
	})
}
