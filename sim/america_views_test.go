package sim

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
)

// cachedCalls read the first car of an account from what the cloud knows, forcedCalls from
// the car itself.
var (
	cachedCalls = map[string]string{
		"us-hyundai": "GET https://api.telematics.hyundaiusa.com/ac/v2/rcs/rvs/vehicleStatus\n+ us-hyundai car1",
		"us-genesis": "GET https://api.telematics.hyundaiusa.com/ac/v2/rcs/rvs/vehicleStatus\n+ us-genesis car1",
		"us-kia":     strings.NewReplacer("car2", "car1", "key2", "key1").Replace(kiaUSInfoCall),
		"ca-hyundai": "POST https://mybluelink.ca/tods/api/lstvhclsts\n+ ca-hyundai car1",
		"ca-kia":     "POST https://kiaconnect.ca/tods/api/lstvhclsts\n+ ca-kia car1",
		"ca-genesis": "POST https://genesisconnect.ca/tods/api/lstvhclsts\n+ ca-genesis car1",
	}
	forcedCalls = map[string]string{
		"us-hyundai": cachedCalls["us-hyundai"] + "\nREFRESH: true",
		"us-genesis": cachedCalls["us-genesis"] + "\nREFRESH: true",
		"us-kia":     "POST https://api.owners.kia.com/apigw/v1/rems/rvs\n+ us-kia car1\n| {\"requestType\":0}",
		"ca-hyundai": "POST https://mybluelink.ca/tods/api/rltmvhclsts\n+ ca-hyundai car1",
		"ca-kia":     "POST https://kiaconnect.ca/tods/api/rltmvhclsts\n+ ca-kia car1",
		"ca-genesis": "POST https://genesisconnect.ca/tods/api/rltmvhclsts\n+ ca-genesis car1",
	}
)

// Each American account counts what its owner would worry about, each call is booked on
// the car that a header names, and a wake is told from a read although it may be the same
// call but for a header.
func TestViews_KnowTheAmericanClouds(t *testing.T) {
	for account := range americanLogins {
		t.Run(account, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &player{t: t, vars: map[string]string{}}
				p.world(Options{Cars: 2, Parked: true})
				p.signIn(account)
				p.get(cachedCalls[account])
				p.get(cachedCalls[account])
				p.get(forcedCalls[account])
				region, brand, _ := strings.Cut(account, "-")

				want := AccountCounts{Logins: 1}
				switch {
				case account == "us-kia":
					want.Codes = 1
				case region == "ca":
					want.Codes, want.PINs = 1, 1
				}
				var accounts []AccountView
				viewInto(t, p.sim, "/_sim/accounts", &accounts)
				for _, a := range accounts {
					if mine := a.Region == region && a.Brand == brand; mine && a.AccountCounts != want || !mine && a.AccountCounts != (AccountCounts{}) {
						t.Errorf("%s %s counted %+v", a.Region, a.Brand, a.AccountCounts)
					}
				}
				kinds := map[string]int64{}
				for _, c := range p.sim.Calls() {
					kinds[c.Kind] += c.Count
					if c.Vehicle != "" && c.Vehicle != p.vars[account+".car1"] {
						t.Errorf("%s is booked on %s", c.Path, c.Vehicle)
					}
				}
				if kinds["wake"] != 1 || kinds["read"] < 2 || kinds["login"] == 0 || kinds["code"] != int64(want.Codes) {
					t.Errorf("calls by kind: %v", kinds)
				}
				var cars []VehicleView
				viewInto(t, p.sim, "/_sim/vehicles", &cars)
				for _, v := range cars {
					wakes := 0
					if v.ID == p.vars[account+".car1"] {
						wakes = 1
					}
					if v.Wakes != wakes {
						t.Errorf("%s was woken %d times", v.ID, v.Wakes)
					}
				}

				// After a reset nobody is signed in.
				p.sim.Reset()
				p.play(cachedCalls[account])
				if answer := fmt.Sprint(p.status, " ", string(p.answer)); !strings.Contains(answer, "C401_2") && !strings.Contains(answer, "1003") && !strings.Contains(answer, "7403") {
					t.Errorf("after a reset: %s", answer)
				}
			})
		})
	}
}

// A car that is out of reach is asked in vain, and says so when it is back.
func TestAmericanClouds_WakeWhatTheyCanReach(t *testing.T) {
	for account := range americanLogins {
		t.Run(account, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &player{t: t, vars: map[string]string{}}
				p.world(Options{Cars: 2, Parked: true})
				p.signIn(account)
				id := p.vars[account+".car1"]
				must(t, p.sim.SetVehicle(id, map[string]any{"reachable": false, "trunk_open": true}))
				p.play(forcedCalls[account])
				if answer := string(p.answer); !strings.Contains(answer, "HT_900") && !strings.Contains(answer, "1132") && !strings.Contains(answer, "poor coverage") {
					t.Errorf("out of reach: %d %s", p.status, answer)
				}
				must(t, p.sim.SetVehicle(id, map[string]any{"reachable": true}))
				p.play(forcedCalls[account])
				if answer := string(p.answer); p.status != http.StatusOK || !strings.Contains(answer, `"trunkOpen":true`) && !strings.Contains(answer, `"trunk":1`) {
					t.Errorf("back again: %d %s", p.status, answer)
				}
			})
		})
	}
}

func TestShape_TakesWhatThePageShowsAndNothingElse(t *testing.T) {
	s := shape{"a": asWhole, "b?": asText, "c": shape{"d": asFlag}, "e?": listOf{shape{"f": asDegrees}}, "g?": orNull{shape{"h": asWhole}}}
	for text, want := range map[string]bool{
		`{"a":1,"b":"x","c":{"d":false},"e":[{"f":"21.5"},{"f":7}]}`: true,

		`{"a":1,"c":{"d":true}}`:                    true,
		`{"a":1,"c":{"d":true},"g":null}`:           true,
		`{"a":1,"c":{"d":true},"g":{"h":1}}`:        true,
		`{"a":1,"c":{"d":true},"g":{"h":1.5}}`:      false,
		`{"c":{"d":true}}`:                          false,
		`{"a":1.5,"c":{"d":true}}`:                  false,
		`{"a":"1","c":{"d":true}}`:                  false,
		`{"A":1,"c":{"d":true}}`:                    false,
		`{"a":1,"c":{"d":1}}`:                       false,
		`{"a":1,"c":{"d":true,"x":0}}`:              false,
		`{"a":1,"c":{"d":true},"e":[{"f":"warm"}]}`: false,
		`{"a":1,"c":{"d":true},"e":{"f":1}}`:        false,
		`{"a":1,"c":{"d":true},"b":null}`:           false,
		`[]`:                                        false,
		``:                                          false,
	} {
		var into struct{}
		if got := s.reads([]byte(text), &into); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}

func TestKiaUS_SeatCodesGoThereAndBack(t *testing.T) {
	for code := 2; code <= 8; code++ {
		kind, level, step := kiaUSSeat(code)
		if back, ok := kiaUSSeatCode(kind, level, step); !ok || back != code {
			t.Errorf("%d became type %d level %d step %d became %d", code, kind, level, step, back)
		}
	}
	if _, ok := kiaUSSeatCode(1, 1, 0); ok {
		t.Error("heat without a level is a code")
	}
}

// The examples of docs/protocol/canada.md §6.4.
func TestCanada_TemperatureCodes(t *testing.T) {
	for year, examples := range map[int]map[float64]string{
		2020: {16: "04H", 17: "06H", 21: "0EH", 22: "10H", 27: "1AH", 31.5: "23H"},
		2019: {17: "02H", 21: "0AH", 27: "16H", 31.5: "1FH"},
	} {
		v := &car{year: year}
		for celsius, code := range examples {
			if got := v.canadaTemperature(celsius); got != code {
				t.Errorf("%d: %v °C is %s, want %s", year, celsius, got, code)
			}
			if got, ok := v.canadaCelsius(code); !ok || got != celsius {
				t.Errorf("%d: %s is %v °C (%v), want %v", year, code, got, ok, celsius)
			}
		}
		for _, code := range []string{"", "H", "0eH", "EH", "24H", "-1H", "HIGH", "0E"} {
			if got, ok := v.canadaCelsius(code); ok {
				t.Errorf("%q is %v °C", code, got)
			}
		}
	}
}

// The fuzz test must get past the doors, or it tests nothing but them.
func TestStrangers_AreAdmittedToTheAmericanClouds(t *testing.T) {
	s := newSim(t, Options{Cars: 2, Parked: true})
	s.Reset()
	headers := admitAmericans(s)
	for host, call := range map[string]string{
		"api.telematics.hyundaiusa.com": "GET //ac/v2/rcs/rvs/vehicleStatus", "api.owners.kia.com": "GET /apigw/v1/evc/gts",
		"mybluelink.ca": "POST /tods/api/drlck", "kiaconnect.ca": "POST /tods/api/lstvhclsts", "genesisconnect.ca": "POST /tods/api/nxtsvc",
	} {
		method, path, _ := strings.Cut(call, " ")
		r := httptest.NewRequest(method, "http://host/", http.NoBody)
		r.URL.Path, r.Host, r.Header = path, host, headers[host]
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if answer := w.Body.String(); w.Code != http.StatusOK || !strings.Contains(answer, `"responseCode":0`) && !strings.Contains(answer, "vehicleStatus") && !strings.Contains(answer, "targetSOClist") {
			t.Errorf("%s: %d %s", host, w.Code, answer)
		}
	}
}

// Some clients find a header only in the spelling that they know, which Go's own would not
// show.
func TestStrangers_FindTheHeadersOfAmericaSpeltAsTheyAre(t *testing.T) {
	s := newSim(t, Options{Cars: 2, Parked: true})
	s.Reset()
	headers := admitAmericans(s)
	for host, want := range map[string]struct{ call, body, header string }{
		"api.telematics.hyundaiusa.com": {"POST /ac/v2/evc/fatc/stop", "", "tmsTid"},
		"api.owners.kia.com":            {"GET /apigw/v1/evc/gts", "", "xid errcd"},
		"mybluelink.ca":                 {"POST /tods/api/drlck", `{"pin":"1234"}`, "transactionId"},
	} {
		method, path, _ := strings.Cut(want.call, " ")
		r := httptest.NewRequest(method, path, strings.NewReader(want.body))
		r.Host, r.Header = host, headers[host]
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		for name := range strings.FieldsSeq(want.header) {
			if w.Header()[name] == nil {
				t.Errorf("%s: %s is missing: %d %v %s", host, name, w.Code, w.Header(), w.Body)
			}
		}
	}
}
