package sim

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// view asks the simulator itself, on a Host that no cloud has.
func view(t testing.TB, s *Sim, method, path, body string) (int, string) {
	t.Helper()
	r := httptest.NewRequest(method, "http://127.0.0.1:8089"+path, strings.NewReader(body))
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	read, err := io.ReadAll(w.Result().Body)
	must(t, err)
	return w.Code, string(read)
}

func viewInto(t testing.TB, s *Sim, path string, into any) {
	t.Helper()
	status, body := view(t, s, "GET", path, "")
	if err := json.Unmarshal([]byte(body), into); err != nil || status != http.StatusOK {
		t.Fatalf("GET %s: %d %v: %s", path, status, err, body)
	}
}

func TestViews_CallsByHostMethodPathVehicleAndKind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSim(t, Options{Cars: 2, Parked: true})
		g := newGuest(t, s)
		g.list()
		for range 3 {
			g.do("GET", g.car(0, cachedPath), "")
		}
		g.do("GET", g.car(0, wakePath), "")
		g.do("POST", g.car(1, "/control/door"), `{"action":"open"}`)
		g.do("GET", pageClients["kia"][2]+"/api/v1/spa/vehicles/nobody/status/latest", "")
		g.do("GET", pageClients["kia"][2]+"/nothing/here", "")
		var calls []map[string]any
		viewInto(t, s, "/_sim/calls", &calls)
		got := map[string]string{}
		for _, c := range calls {
			got[fmt.Sprintf("%v %v %v %v", c["host"], c["method"], c["path"], c["vehicle"])] = fmt.Sprintf("%v %v", c["kind"], c["count"])
		}
		api := "prd.eu-ccapi.kia.com "
		for line, want := range map[string]string{
			api + "POST /api/v1/spa/notifications/register ":                             "register 1",
			"idpconnect-eu.kia.com POST /auth/api/v2/user/oauth2/token ":                 "renew 1",
			api + "GET /api/v1/spa/vehicles ":                                            "read 1",
			api + "GET /api/v1/spa/vehicles/{vehicle}/ccs2/carstatus/latest " + g.ids[0]: "read 3",
			api + "GET /api/v1/spa/vehicles/{vehicle}/ccs2/carstatus " + g.ids[0]:        "wake 1",
			api + "POST /api/v1/spa/vehicles/{vehicle}/control/door " + g.ids[1]:         "command 1",
			api + "GET /api/v1/spa/vehicles/{vehicle}/status/latest (unknown)":           "read 1",
			api + "(any) (unknown) ":                                                     "other 1",
		} {
			if got[line] != want {
				t.Errorf("%s: %q, want %q", line, got[line], want)
			}
		}
		if len(calls) != 8 {
			t.Errorf("%d lines: %v", len(calls), got)
		}
	})
}

func TestViews_AccountsCountLoginsRenewalsAndRegistrations(t *testing.T) {
	s := newSim(t, Options{Cars: 1})
	g := newGuest(t, s)
	g.renew()
	signin(g)
	var accounts []AccountView
	viewInto(t, s, "/_sim/accounts", &accounts)
	for _, a := range accounts {
		want := AccountCounts{}
		if a.Region == "eu" && a.Brand == "kia" {
			want = AccountCounts{FailedLogins: 1, Renewals: 2, DeviceRegistrations: 1}
		}
		email := "demo@example.com"
		if a.Region == "us" && a.Brand == "genesis" { // at the host of another account
			email = "demo+genesis@example.com"
		}
		if a.AccountCounts != want || a.Email != email {
			t.Errorf("%s: %+v, want %+v", a.Brand, a, want)
		}
	}
	if len(accounts) != len(faces) {
		t.Errorf("%d accounts", len(accounts))
	}
}

func TestViews_VehiclesTellTheTruthAndTakeIt(t *testing.T) {
	s := newSim(t, Options{Cars: 4, Parked: true})
	var list []VehicleView
	viewInto(t, s, "/_sim/vehicles", &list)
	if len(list) != 4*len(faces) || list[0].Protocol != "ccs2" || list[1].Protocol != "flat" || list[2].Engine != "PHEV" || list[3].Engine != "ICE" {
		t.Fatalf("the fleet is %d cars, first %+v", len(list), list[0].Vehicle)
	}
	id := list[0].ID
	status, body := view(t, s, "POST", "/_sim/vehicles/"+id, `{"soc_percent": 33.5, "plug": "ac", "trunk_open": true, "latitude": 50}`)
	if status != http.StatusOK {
		t.Fatalf("%d: %s", status, body)
	}
	var one VehicleView
	viewInto(t, s, "/_sim/vehicles/"+list[0].VIN, &one) // by VIN, too
	if one.ID != id || one.Truth["soc_percent"] != 33.5 || one.Truth["plug"] != "ac" || one.Truth["charging"] != true || one.Truth["trunk_open"] != true {
		t.Errorf("%+v", one)
	}
	// Every key that can be read and set takes back what it said.
	for _, v := range list {
		var now VehicleView
		viewInto(t, s, "/_sim/vehicles/"+v.ID, &now)
		for _, q := range quantities {
			value, there := now.Truth[q.key]
			if !there || q.set == nil {
				continue
			}
			if err := s.SetVehicle(v.ID, map[string]any{q.key: value}); err != nil && q.key != "charging" {
				t.Errorf("%s: %v", v.Model, err)
			}
		}
	}
}

func TestViews_RefuseWithAdvice(t *testing.T) {
	s := newSim(t, Options{Cars: 4, Parked: true})
	list := s.Vehicles()
	ev, flat, petrol := "/_sim/vehicles/"+list[0].ID, "/_sim/vehicles/"+list[1].ID, "/_sim/vehicles/"+list[3].ID
	for _, tc := range []struct {
		method, path, body string
		status             int
		advice             string
	}{
		{"GET", "/_sim/nothing", "", 404, "/_sim/vehicles"},
		{"GET", "/_sim", "", 404, "/_sim/vehicles"},
		{"PUT", "/_sim/vehicles", "", 404, "/_sim/vehicles"},
		{"GET", "/_sim/vehicles/nobody", "", 404, "GET /_sim/vehicles lists them"},
		{"POST", "/_sim/vehicles/nobody", "{}", 404, "GET /_sim/vehicles lists them"},
		{"POST", ev, `{"soc": 5}`, 400, "soc_percent"},
		{"POST", ev, `{"soc_percent": 101}`, 400, "within 0 and 100"},
		{"POST", ev, `{"soc_percent": "5"}`, 400, "must be a number"},
		{"POST", ev, `{"soc_percent": null}`, 400, "must be a number"},
		{"POST", ev, `{"plug": "usb"}`, 400, "none, ac, portable, dc"},
		{"POST", ev, `{"charging": true}`, 400, "set plug"},
		{"POST", ev, `{"speed_kmh": 50}`, 400, "follows from others"},
		{"POST", ev, `{"fuel_percent": 50}`, 400, "EV"},
		{"POST", ev, `{"locked": 1}`, 400, "true or false"},
		{"POST", ev, `{"front_left_window": 1.5}`, 400, "whole number"},
		{"POST", ev, `{"report": "yes"}`, 400, "true or false"},
		{"POST", ev, `[]`, 400, "soc_percent"},
		{"POST", ev, ``, 400, "soc_percent"},
		{"POST", flat, `{"soc_percent": 0, "driving": true}`, 400, "not enough energy"},
		{"POST", petrol, `{"plug": "ac"}`, 400, "ICE"},
		{"POST", "/_sim/clock", `{"advance": "tomorrow"}`, 400, `{"advance": "6h"}`},
		{"POST", "/_sim/clock", `{"advance": "-6h"}`, 400, `{"advance": "6h"}`},
		{"POST", "/_sim/clock", `{"forward": "6h"}`, 400, `{"advance": "6h"}`},
		{"POST", "/_sim/faults", ``, 400, "KIND"},
		{"POST", "/_sim/faults", `nonsense`, 400, "known are slow"},
		{"POST", "/_sim/faults", `{"kind":"busy","foo":1}`, 400, "known keys"},
		{"DELETE", "/_sim/faults/77", ``, 404, "GET /_sim/faults"},
	} {
		status, body := view(t, s, tc.method, tc.path, tc.body)
		var failure struct{ Error string }
		if status != tc.status || json.Unmarshal([]byte(body), &failure) != nil || !strings.Contains(failure.Error, tc.advice) {
			t.Errorf("%s %s %s: %d %s, want %d and %q", tc.method, tc.path, tc.body, status, body, tc.status, tc.advice)
		}
	}
	// A refused change changes nothing.
	if _, body := view(t, s, "POST", ev, `{"soc_percent": 5, "nonsense": 1}`); !strings.Contains(body, "unknown key") {
		t.Error(body)
	}
	if soc := truthOf(s.clouds[0].cars[0], "soc_percent"); soc == 5.0 {
		t.Error("half of a refused change was carried out")
	}
}

func TestViews_FaultsAsTextAndJSON(t *testing.T) {
	s := newSim(t, Options{Cars: 1})
	for _, body := range []string{
		"busy,share=0.2", `"busy,share=0.2"`, `{"kind": "busy", "share": 0.2}`,
	} {
		status, answer := view(t, s, "POST", "/_sim/faults", body)
		var f Fault
		if err := json.Unmarshal([]byte(answer), &f); err != nil || status != 200 || f.Kind != "busy" || f.Share != 0.2 || f.ID == 0 {
			t.Errorf("%s: %d %s", body, status, answer)
		}
	}
	var list []Fault
	viewInto(t, s, "/_sim/faults", &list)
	if len(list) != 3 {
		t.Errorf("%d faults: %+v", len(list), list)
	}
	if status, _ := view(t, s, "DELETE", fmt.Sprintf("/_sim/faults/%d", list[1].ID), ""); status != 200 || len(s.Faults()) != 2 {
		t.Errorf("after taking one away: %+v", s.Faults())
	}
	if status, body := view(t, s, "DELETE", "/_sim/faults", ""); status != 200 || strings.TrimSpace(body) != "[]" {
		t.Errorf("%d %s", status, body)
	}
}

func TestViews_ClockAndReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSim(t, Options{Cars: 2, Faults: []string{"slow=1s"}})
		g := newGuest(t, s)
		before := s.VehicleViews()
		if status, body := view(t, s, "POST", "/_sim/clock", `{"advance": "6h"}`); status != 200 || !strings.Contains(body, "2000-01-01T06:00:02") {
			t.Errorf("%d %s", status, body)
		}
		if after := s.VehicleViews(); after[0].Truth["soc_percent"] == before[0].Truth["soc_percent"] {
			t.Error("six hours have changed nothing")
		}
		if a := g.list(); a.status != 401 {
			t.Errorf("a token of an hour lives after six: %+v", a)
		}
		s.ClearFaults()
		if status, _ := view(t, s, "POST", "/_sim/reset", ""); status != 200 {
			t.Error(status)
		}
		if len(s.Calls()) != 0 || s.AccountViews()[1].DeviceRegistrations != 0 || len(s.Faults()) != 1 {
			t.Errorf("after the reset: %v, %+v, %+v", s.Calls(), s.AccountViews()[1], s.Faults())
		}
		var clock clockState
		viewInto(t, s, "/_sim/clock", &clock)
		if !clock.Car.Equal(time.Now()) {
			t.Errorf("the clock shows %+v", clock)
		}
		if a := newGuest(t, s).list(); a.status != 200 {
			t.Errorf("%+v", a)
		}
	})
}

func TestSim_UnknownHostIsToldWhichAreKnown(t *testing.T) {
	s := newSim(t, Options{Cars: 1})
	status, body := view(t, s, "GET", "/", "")
	if status != http.StatusMisdirectedRequest || !strings.Contains(body, "prd.eu-ccapi.kia.com") {
		t.Errorf("%d %s", status, body)
	}
	// Ports and case do not matter.
	for _, host := range []string{"PRD.eu-ccapi.kia.com", "prd.eu-ccapi.kia.com:443", "prd.eu-ccapi.kia.com:8080"} {
		r := httptest.NewRequest("GET", "http://x/api/v1/spa/vehicles", nil)
		r.Host = host
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != http.StatusUnauthorized {
			t.Errorf("%s: %d", host, w.Code)
		}
	}
}
