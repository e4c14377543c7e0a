package sim

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
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
	for name, values := range americanGuest(f, s) {
		header[name] = values
	}
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
