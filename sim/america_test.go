package sim

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
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

// americanLogins are the shortest sign-ins; they give ${access}.
var americanLogins = map[string]func(p *player, account string){
	"us-hyundai": (*player).hyundaiUSLogin,
}

// hyundaiUSLogin signs in (docs/protocol/usa-hyundai-genesis.md §2.1).
func (p *player) hyundaiUSLogin(string) {
	at := p.line
	p.play(`
POST https://api.telematics.hyundaiusa.com/v2/ac/oauth/token
client_id: m66129Bb-em93-SPAHYN-bZ91-am4540zp19920
| {"username":"demo@example.com","password":"demo"}
< 200
< .access_token -> access
`)
	p.line = at
}

// americanGuest signs in to the American clouds and returns the headers of all of them
// at once, so that a stranger's calls get as far as they can.
func americanGuest(t testing.TB, s *Sim) http.Header {
	t.Helper()
	header := http.Header{}
	// As a player of exchanges, outside of one.
	p := &player{t: t, sim: s, vars: map[string]string{}}
	p.name()
	for account, login := range americanLogins {
		login(p, account)
		p.request = httptest.NewRequest(http.MethodGet, "http://host/", http.NoBody)
		americanHeaders[account](p, "car1")
		maps.Copy(header, p.request.Header)
		p.request = nil
	}
	return header
}

var americanSeeds = []stranger{
	{"POST", "api.telematics.hyundaiusa.com", "/v2/ac/oauth/token", `{"username":null,"password":1}`},
	{"GET", "api.telematics.hyundaiusa.com", "//ac/v2/rcs/rvs/vehicleStatus", ""},
	{"GET", "api.telematics.hyundaiusa.com", "/ac/v2/enrollment/details/%zz", ""},
	{"POST", "api.telematics.hyundaiusa.com", "/ac/v2/evc/fatc/start", `{"airCtrl":1,"airTemp":{"value":[],"unit":1}}`},
	{"POST", "api.telematics.hyundaiusa.com", "/ac/v2/evc/charge/targetsoc/set", `{"targetSOClist":[null]}`},
	{"POST", "", "/ac/v2/rcs/rdo/on", "userName=%zz"},
}

// Types as strict clients of the American clouds need them: text where the pages show
// text, true or false where they show that, whole numbers for units, codes and levels
// (docs/protocol/usa-hyundai-genesis.md §12).
func TestForms_AmericanTypes(t *testing.T) {
	texts := []string{
		"dateTime", "ignitionStatus", "LockStatus", "trunkOpenStatus", "airConditionStatus", "defrostStatus", "airTemp.value", "time.time", "Time.time",
	}
	booleans := []string{
		".acc", ".ign3", "transCond", ".engine", "doorLock", "trunkOpen", "hoodOpen", "airCtrlOn", "defrost", "lowFuelLight", "washerFluidStatus",
		"breakOilStatus", "smartKeyBatteryWarning", "sleepModeCheck", "batteryCharge", "batteryPreconditiong", "evIgnitionStatus", "reservChargeSet",
	}
	fractions := []string{".lat", ".lon", "ChrgPower", "realTimePower"}
	endsIn := func(path string, endings []string) bool {
		for _, ending := range endings {
			if strings.HasSuffix(path, ending) {
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
			case endsIn(path, booleans):
				want = "bool"
			}
			if got != want {
				t.Errorf("%s: %s is %s (%v), want %s", what, path, got, leaf, want)
			}
		}
	})
}
