package sim

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// Whatever is typed as a fault is taken or refused, and what is taken can be written
// down and read again.
func FuzzParseFault(f *testing.F) {
	for _, seed := range []string{"busy", "slow=2s,path=*/x,share=0.5", "status=503,after=1,count=2", "drip=,host=*", `{"kind":"reset"}`, `"quota"`, ",", "="} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		fault, err := decodeFault([]byte(text))
		if err != nil {
			return
		}
		again, err := decodeFault(marshal(fault))
		fault.ID, fault.Matched, fault.Struck = 0, 0, 0
		// Texts that are no UTF-8 change on their way through JSON.
		if err != nil || again != fault && strings.ToValidUTF8(text, "") == text {
			t.Errorf("%q became %+v became %+v (%v)", text, fault, again, err)
		}
		glob(fault.Path, text)
		glob(text, fault.Path)
	})
}

// stranger is a call of somebody who may be anybody.
type stranger struct{ method, host, path, body string }

// A stranger may send anything anywhere: the answer has a status, a view's answer is
// JSON, and the simulator goes on.
func FuzzStranger(f *testing.F) {
	s := newSim(f, Options{Cars: 3, Parked: true, LatencyForce: 1})
	g := newGuest(f, s)
	header := g.request(f.Context(), "GET", "http://x/", "").Header
	for _, seed := range append(americanSeeds, []stranger{
		{"GET", "prd.eu-ccapi.kia.com", "/api/v1/spa/vehicles/" + g.ids[0] + "/ccs2/carstatus/latest", ""},
		{"POST", "prd.eu-ccapi.kia.com", "/api/v1/spa/vehicles/" + g.ids[0] + "/tripinfo", `{"tripPeriodType":1,"setTripDay":"20240601"}`},
		{"POST", "prd.eu-ccapi.kia.com", "/api/v2/spa/vehicles/" + g.ids[0] + "/ccs2/reservation/charge", `{"reservFlag":1}`},
		{"POST", "prd.eu-ccapi.kia.com", "/api/v1/spa/vehicles/" + g.ids[1] + "/control/temperature", `{"action":"start","tempCode":"0EH"}`},
		{"POST", "idpconnect-eu.kia.com", "/auth/account/signin", "client_id=%zz&password=00"},
		{"GET", "idpconnect-eu.kia.com", "/auth/api/v2/user/oauth2/authorize?client_id=x", ""},
		{"POST", "cci-api-eu.kia.com", "/domain/api/v2/auth/token-refresh", `{"accessToken":null}`},
		{"POST", "x", "/_sim/vehicles/" + g.ids[0], `{"soc_percent":1e400}`},
		{"POST", "x", "/_sim/vehicles/" + g.ids[1], `{"plug":"ac","charging":false,"odometer_km":5}`},
		{"POST", "x", "/_sim/clock", `{"advance":"1h"}`},
		{"GET", "raw.githubusercontent.com", "/neoPix/bluelinky-stamps/master/kia-x.v2.json", ""},
	}...) {
		f.Add(seed.method, seed.host, seed.path, seed.body)
	}
	for _, seed := range ccapiSeeds(s) {
		f.Add(seed.method, seed.host, seed.path, seed.body)
	}
	f.Fuzz(func(t *testing.T, method, host, path, body string) {
		if strings.HasPrefix(path, "/_sim/faults") {
			return // a silent fault is silent for good
		}
		r, err := http.NewRequestWithContext(t.Context(), method, "http://host/", strings.NewReader(body))
		if err != nil {
			return
		}
		target, err := r.URL.Parse(path)
		if err != nil || !strings.HasPrefix(target.Path, "/") {
			return
		}
		r.URL, r.Host = target, host
		r.Header = header.Clone()
		for name, value := range admit(s)[hostName(host)] {
			r.Header.Set(name, value)
		}
		maps.Copy(r.Header, admitAmericans(s)[hostName(host)])
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code < 200 || w.Code > 599 {
			t.Errorf("status %d", w.Code)
		}
		if strings.HasPrefix(w.Header().Get("Content-Type"), "application/json") && !json.Valid(w.Body.Bytes()) {
			t.Errorf("not JSON: %s", w.Body.Bytes())
		}
	})
}

// admit gives a control token and a device in each cloud of Europe's family, whatever was
// forgotten since, and the headers that go with them by host.
func admit(s *Sim) map[string]map[string]string {
	headers := map[string]map[string]string{}
	for _, c := range s.clouds {
		g := c.ccapi
		if g == nil {
			continue
		}
		token := c.account.issue("stranger-"+c.region+c.brand, token{use: useControl}, 100*365*24*time.Hour)
		c.account.mu.Lock()
		c.account.devices["stranger"] = time.Now()
		c.account.mu.Unlock()
		cookie, _, _ := strings.Cut(g.sign(ticket{Client: g.serviceID, Back: g.url(redirectPath), User: Email}), ";")
		headers[g.host] = map[string]string{
			"Authorization": "Bearer " + token, "ccsp-device-id": "stranger", "ccsp-application-id": g.appIDs[0], "Cookie": cookie,
		}
		if len(g.stampKeys) > 0 {
			headers[g.host]["Stamp"] = makeStamp(g.stampKeys[0], g.appIDs[0], "1700000000")
		}
	}
	return headers
}

// ccapiSeeds are calls to each host of that family: one to each endpoint, with a body that
// some command takes.
func ccapiSeeds(s *Sim) []stranger {
	bodies := []string{
		`{"action":"start","deviceId":"stranger","hvacType":1,"options":{"defrost":false,"heating1":0},"tempCode":"0EH","unit":"C"}`,
		`{"command":"open"}`, `{"periodTarget":1}`, `{"tripPeriodType":0,"setTripMonth":"202401"}`,
		`{"email":"demo@example.com","password":"demo"}`, "grant_type=refresh_token&refresh_token=x", "",
	}
	var seeds []stranger
	for _, c := range s.clouds {
		g := c.ccapi
		if g == nil {
			continue
		}
		for i, e := range append(g.endpoints(), g.signinEndpoints()...) {
			method, path, _ := strings.Cut(e.pattern, " ")
			seeds = append(seeds, stranger{method, g.host, strings.ReplaceAll(path, "{vehicle}", c.cars[i%len(c.cars)].id), bodies[i%len(bodies)]})
		}
	}
	for _, host := range []string{"uars-h.hmgmobility.com.cn", "eu-account.kia.com"} {
		seeds = append(seeds, stranger{"GET", host, "/join/account/loginInit.do?cocd=H&deviceUuid=%00", ""}, stranger{"GET", host, callbackPath + "?code=`", ""},
			stranger{"POST", host, "/auth/realms/eukiaidm/login-actions/authenticate?session_code=.", "username=%zz"})
	}
	return seeds
}

// Recordings come from strangers, too.
func FuzzReplay(f *testing.F) {
	f.Add([]byte(`{"Date":"20260101000000","Location":{"GeoCoord":{"Latitude":1},"TimeStamp":{"Year":2026}}}`), true)
	f.Add([]byte(`{"vehicleStatus":{"time":"x","evStatus":{}},"vehicleLocation":{"coord":{"lat":1}}}`), false)
	f.Fuzz(func(t *testing.T, raw []byte, ccs2 bool) {
		tree, err := readRecording(raw, ccs2)
		if err != nil {
			return
		}
		r := &replay{ccs2: ccs2, tree: tree}
		r.engine()
		r.position()
		for _, form := range [][]byte{marshal(r.render(r.recordedAt(berlin), berlin)), marshal(r.render(noTime, nil))} {
			if !json.Valid(form) {
				t.Errorf("not JSON: %s", form)
			}
		}
	})
}
