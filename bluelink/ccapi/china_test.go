package ccapi

import (
	"encoding/base64"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// Exchanges of docs/protocol/china.md, generation B.

const (
	hyundaiCN = "https://prd.cn-ccapi.hyundai.com"
	uarsCN    = "https://uars-h.hmgmobility.com.cn"
)

func chineseHeaders(token string, more ...string) map[string]string {
	headers := map[string]string{
		"Authorization": token, "AuthorizationCCSP": "", "ccsp-service-id": "72b3d019-5bc7-443d-a437-08f307cf06e2",
		"ccsp-application-id": "b09e4d17-c30c-40f1-a1ec-8ac11d6665cf", "ccsp-device-id": "device-1", "Stamp": "", "Ccuccs2protocolsupport": "",
		"User-Agent": "BlueLink/109 CFNetwork/3896.100.1.2.1 Darwin/27.0.0",
	}
	for i := 0; i+1 < len(more); i += 2 {
		headers[more[i]] = more[i+1]
	}
	return headers
}

var (
	authCN = chineseHeaders("Bearer a.j.wt")
	ctrlCN = chineseHeaders("Bearer c.j.wt", "AuthorizationCCSP", "Bearer c.j.wt")
)

// pageCN is the page of §2.1, step 4.
func pageCN(access string) string {
	return "<script>var loginInfo = `" + documentCN(access) + "`;</script>"
}

func documentCN(access string) string {
	return `{"code":0,"status":true,"message":"ok","id":"UARS-COM-040","data":{"uarsToken":"u.j.wt","tokenCode":"TC1",
"ccspToken":{"accessToken":"` + access + `","refreshToken":"r1","tokenType":"Bearer","expiresIn":21600},
"profile":{"email":"user@example.com","hasPin":true}}}`
}

// signInCN is §2.1.
func signInCN(access string) []exchange {
	entry := map[string]string{
		"ccsp-service-id": "72b3d019-5bc7-443d-a437-08f307cf06e2", "ccsp-application-id": "b09e4d17-c30c-40f1-a1ec-8ac11d6665cf", "Content-Type": "application/json;charset=UTF-8",
		"Cookie": "session=s1",
	}
	return []exchange{
		{
			call: "GET " + uarsCN + "/join/account/loginInit.do?cocd=H&deviceUuid=…&redirect=", status: http.StatusFound,
			give: []string{"Location", hyundaiCN + "/api/v1/user/oauth2/authorize?from=uars", "Set-Cookie", "JSESSIONID=j1; Path=/join; HttpOnly"},
		},
		{call: "GET " + hyundaiCN + "/api/v1/user/oauth2/authorize?from=uars", answer: "<html>", give: []string{"Set-Cookie", "session=s1; Path=/api; Secure"}},
		{
			call:    "GET " + hyundaiCN + "/api/v1/user/oauth2/authorize?response_type=code&client_id=72b3d019-5bc7-443d-a437-08f307cf06e2&redirect_uri=" + uarsCN + "%2Fjoin%2Fccsp%2FloginCallback.do&state=…&lang=en&scope=url.login",
			headers: map[string]string{"ccsp-service-id": "", "Cookie": "session=s1"}, answer: "<html>",
		},
		{
			call: "POST " + hyundaiCN + "/api/v1/user/signin", headers: entry, body: `{"email":"somebody@example.com","mobileNum":"","password":"secret phrase"}`,
			answer: `{"redirectUrl":"` + uarsCN + `/join/ccsp/loginCallback.do?code=Ab12&state=x"}`,
		},
		{
			call: "GET " + uarsCN + "/join/ccsp/loginCallback.do?code=Ab12&state=x", answer: pageCN(access), headers: map[string]string{"Cookie": "JSESSIONID=j1", "Authorization": ""},
			give: []string{"Set-Cookie", "JSESSIONID=j2; Path=/join"},
		},
	}
}

var registerCN = exchange{
	call: "POST " + hyundaiCN + "/api/v1/spa/notifications/register", body: `{"providerDeviceId":"…","pushRegId":"…","pushType":"APNS","uuid":"…"}`,
	headers: map[string]string{"ccsp-service-id": "72b3d019-5bc7-443d-a437-08f307cf06e2", "ccsp-application-id": "b09e4d17-c30c-40f1-a1ec-8ac11d6665cf", "Stamp": "", "Authorization": ""},
	answer:  envelope(`{"deviceId":"device-1"}`),
}

func TestChina_SignsInThroughTheSecondHost(t *testing.T) {
	w, s := playing(t, vehicle.China, vehicle.Hyundai, bluelink.Tokens{})
	s.expect(append(signInCN("a.j.wt"), registerCN)...)
	if err := w.cloud.Login(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.over()
	if last := s.calls[len(s.calls)-1]; !strings.HasSuffix(last, "/register") {
		t.Errorf("the device is registered before %s", last)
	}
	id := strings.Split(strings.Split(s.calls[0], "deviceUuid=")[1], "&")[0]
	state := strings.Split(strings.Split(s.calls[2], "state=")[1], "&")[0]
	if text, err := base64.RawURLEncoding.DecodeString(state); err != nil || string(text) != `{"interfaceId":"UARS-COM-040","accUnqNo":"","deviceUuid":"`+id+`","webRedirect":""}` || id != strings.ToUpper(id) {
		t.Errorf("state %s, %v", text, err)
	}
	stored := w.tokens.stored()
	if stored.Access != "Bearer a.j.wt" || stored.Device != "device-1" || time.Until(stored.Expires).Round(time.Minute) != 6*time.Hour {
		t.Errorf("stored %+v", stored)
	}

	// After a restart its cookies renew the session, each time with those of the last answer.
	for _, access := range []string{"b.j.wt", "c.j.wt"} {
		w.tokens.expire()
		w.openThrough(s)
		w.calls.reset()
		s.expect(
			exchange{
				call: "POST " + hyundaiCN + "/api/v1/user/silentsignin", body: `{"intUserId":""}`, headers: map[string]string{"Cookie": "session=s1", "ccsp-service-id": "…"},
				answer: `{"redirectUrl":"` + uarsCN + `/join/ccsp/loginCallback.do?code=Cd34"}`,
			},
			exchange{call: "GET " + uarsCN + "/join/ccsp/loginCallback.do?code=Cd34", answer: pageCN(access), headers: map[string]string{"Cookie": "JSESSIONID=j2"}},
		)
		if err := w.cloud.Login(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.over()
		if stored := w.tokens.stored(); stored.Access != "Bearer "+access || stored.Device != "device-1" || w.calls.count(bluelink.CallRenew) != 2 || w.calls.count(bluelink.CallLogin) != 0 {
			t.Errorf("stored %+v after %s", stored, w.calls.ops())
		}
	}
}

// TestChina_SignsInWhenTheCookiesAreGone is §2.2: that sign-in is part of the renewal.
func TestChina_SignsInWhenTheCookiesAreGone(t *testing.T) {
	for name, refused := range map[string][]exchange{
		"refused":  {{call: "POST " + hyundaiCN + "/api/v1/user/silentsignin", body: `{"intUserId":""}`, status: 401, answer: `{"errId":"x","errCode":"4010","errMsg":"Require authentication"}`}},
		"no place": {{call: "POST " + hyundaiCN + "/api/v1/user/silentsignin", body: `{"intUserId":""}`, answer: `{"popup":false}`}},
		"no tokens": {
			{call: "POST " + hyundaiCN + "/api/v1/user/silentsignin", body: `{"intUserId":""}`, answer: `{"redirectUrl":"` + uarsCN + `/join/ccsp/loginCallback.do?code=Cd34"}`},
			{call: "GET " + uarsCN + "/join/ccsp/loginCallback.do?code=Cd34", answer: "<html>"},
		},
	} {
		old := signedIn(byPassword)
		old.Expires, old.Extra = time.Now().Add(-time.Minute), map[string]string{cookiesKept: "damaged"}
		w, s := playing(t, vehicle.China, vehicle.Hyundai, old)
		s.expect(refused...)
		s.expect(signInCN("b.j.wt")...)
		if err := w.cloud.Login(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		s.over()
		if stored := w.tokens.stored(); stored.Device != "device-1" || stored.Access != "Bearer b.j.wt" || w.calls.again != 1 {
			t.Errorf("%s: stored %+v, %d renewals by password", name, stored, w.calls.again)
		}
	}
	// A cloud that is out of order says nothing about the cookies, and costs no password.
	old := signedIn(byPassword)
	old.Expires = time.Now().Add(-time.Minute)
	w, s := playing(t, vehicle.China, vehicle.Hyundai, old)
	s.expect(exchange{call: "POST " + hyundaiCN + "/api/v1/user/silentsignin", body: `{"intUserId":""}`, status: 503, answer: "<html>"})
	mustBe(t, w.cloud.Login(t.Context()), bluelink.ErrUnavailable)
	s.over()
}

func TestChina_RefusedPasswordsAreNotRepeated(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		answer string
		want   error
	}{
		"wrong":      {401, `{"errId":"x","errCode":"4010","errMsg":"Require authentication"}`, bluelink.ErrCredentials},
		"SMS wanted": {200, `{"popup":true,"method":"sms"}`, bluelink.ErrConsentRequired},
		"step":       {200, `{"step":5}`, bluelink.ErrCredentials},
	} {
		w, s := playing(t, vehicle.China, vehicle.Hyundai, bluelink.Tokens{})
		list := signInCN("x")[:4]
		list[3].status, list[3].answer = test.status, test.answer
		s.expect(list...)
		for range 2 {
			if err := w.cloud.Login(t.Context()); !errors.Is(err, test.want) {
				t.Errorf("%s: %v", name, err)
			}
		}
		s.over()
	}
}

func TestChina_FindsTheTokensInThePage(t *testing.T) {
	document := documentCN("a.j.wt")
	data := document[strings.Index(document, `"data":`)+len(`"data":`) : len(document)-1]
	for name, test := range map[string]struct{ page, want string }{
		"as it is":              {pageCN("a.j.wt"), "a.j.wt"},
		"another name":          {"<script>window.x =   `" + document + "` </script>", "a.j.wt"},
		"after another literal": {"<script>let a = `{}`, b = `hello`; var c=`" + document + "`;</script>", "a.j.wt"},
		"bare data in a text":   {"x = `" + data + "`", "a.j.wt"},
		"plain wrapper":         {"<p>" + document + "</p>", "a.j.wt"},
		"plain data":            {"<p>{ not JSON } " + data + " }</p>", "a.j.wt"},
		"a brace in a text":     {`<p>{"data":{"a":"}","uarsToken":"u","ccspToken":{"accessToken":"b"}}}`, "b"},
		"error document":        {"<script>var loginInfo = `{\"code\":500,\"status\":false,\"message\":\"error\"}`;</script>", ""},
		"nothing":               {"<html></html>", ""},
		"half of it":            {pageCN("a.j.wt")[:120], ""},
		"no end":                {"= `" + document, "a.j.wt"},
		"only the name":         {`"uarsToken"`, ""},
		"many braces":           {strings.Repeat("{", 100_000) + `"uarsToken"`, ""},
		"many ticks":            {strings.Repeat("=`", 100_000), ""},
	} {
		if got := loginDocument([]byte(test.page)).get("ccspToken.accessToken").str(); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

const (
	carCN  = "5f3e0000-0000-4000-8000-000000000001"
	listCN = `{"vehicles":[{"vin":"LBETESTVIN0000001","vehicleId":"` + carCN + `","vehicleName":"车型","type":"PE","tmuNum":"x",
 "nickname":"家里的车","year":"2025","master":true,"carShare":0,"regDate":"2025-05-06 07:08:09.123","detailInfo":{"bleFunc":"1","authYn":"N"}}]}`
)

func statusCN(at string) string {
	return `"status":{"time":"` + at + `","odometer":{"value":4321.5,"unit":1},"engine":false,"doorLock":1,"airCtrlOn":false,"airTemp":{"value":"FFH","unit":0},"defrost":false,
 "doorOpen":{"frontLeft":0,"frontRight":0,"backLeft":0,"backRight":0},"hoodOpen":false,"trunkOpen":false,"battery":{"batSoc":81},"fuelLevel":44,"lowFuelLight":false,
 "tirePressureLamp":{"tirePressureLampAll":1,"tirePressureLampFL":1},"dte":{"value":512,"unit":1}}`
}

func TestChina_ReadsAndForces(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		waitUntil(t, time.Date(2026, 8, 3, 12, 0, 0, 0, time.UTC)) // 20:00 in China
		w, s := playing(t, vehicle.China, vehicle.Hyundai, signedIn(byPassword))
		at := hyundaiCN + "/api/v1/spa/vehicles/" + carCN
		place := `{"coord":{"lat":31.2304,"lon":121.4737,"alt":0,"type":0},"time":"20260803193000"}`
		s.expect(
			exchange{call: "GET " + hyundaiCN + "/api/v1/spa/vehicles", headers: authCN, answer: envelope(listCN)},
			exchange{call: "GET " + at + "/status/latest", headers: authCN, answer: envelope(`{` + statusCN("20260803193500") + `,"vehicleLocation":` + place + `}`)},
		)
		v := w.cars()[0]
		if v.Engine != vehicle.PHEV || v.CCS2 != 0 || v.Name != "家里的车" || slices.Contains(v.Capabilities.Commands, "valet-on") {
			t.Errorf("car %+v", v)
		}
		known := w.cached(v, vehicle.State{}, false) // a plug-in hybrid keeps no history there
		s.over()
		want := map[string]any{
			"last_updated_at": time.Date(2026, 8, 3, 11, 35, 0, 0, time.UTC), "odometer": km(4321.5), "is_locked": true, "air_temperature": nil,
			"tire_pressure_front_left_warning_is_on": true, "fuel_driving_range": km(512), "location_last_updated_at": time.Date(2026, 8, 3, 11, 30, 0, 0, time.UTC),
			"location_latitude": vehicle.Quantity{Value: 31.2304, Unit: vehicle.Degree}, "car_battery_percentage": vehicle.Percent(81),
		}
		shows(t, known, want)
		if n := w.calls.count(bluelink.CallWake); n != 0 {
			t.Errorf("%d wakes", n)
		}
		for name, answer := range map[string]string{"in its object": `{` + statusCN("20260803200100") + `}`, "bare": strings.TrimPrefix(statusCN("20260803200100"), `"status":`)} {
			wait(t, 30*time.Second)
			s.expect(
				exchange{call: "GET " + at + "/status", headers: authCN, answer: envelope(answer)},
				exchange{call: "GET " + at + "/location", headers: authCN, answer: envelope(strings.Replace(place, "193000", "200050", 1))},
			)
			wait(t, time.Minute)
			report, err := w.cloud.Force(t.Context(), bluelink.Ask{Vehicle: v, Known: known})
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			s.over()
			state, changes, _ := known.Apply(report, time.Now())
			for _, c := range changes {
				if c.New.Value == nil {
					t.Errorf("%s: %s is erased", name, c.New.Datum)
				}
			}
			want["last_updated_at"], want["location_last_updated_at"] = time.Date(2026, 8, 3, 12, 1, 0, 0, time.UTC), time.Date(2026, 8, 3, 12, 0, 50, 0, time.UTC)
			shows(t, state, want)
		}
	})
}

func TestChina_SendsCommandsAndWaitsForTheirRecords(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w, s := playing(t, vehicle.China, vehicle.Hyundai, signedIn(byPassword))
		v := vehicle.Vehicle{ID: "x", CloudID: carCN, Region: vehicle.China, Engine: vehicle.EV}
		v1, v2 := "POST "+hyundaiCN+"/api/v1/spa/vehicles/"+carCN, "POST "+hyundaiCN+"/api/v2/spa/vehicles/"+carCN
		records := func(list string) exchange {
			return exchange{call: "GET " + hyundaiCN + "/api/v1/spa/notifications/" + carCN + "/records", headers: authCN, answer: envelope(list)}
		}
		s.expect(
			exchange{call: v1 + "/control/door", headers: authCN, body: `{"action":"open","deviceId":"device-1"}`, answer: accepted},
			records(`[]`), records(`[]`), records(`[]`),
		)
		id := w.send(v, vehicle.State{}, vehicle.Unlock{})
		for _, step := range []struct {
			after time.Duration
			want  vehicle.ActionStatus
		}{{2 * time.Second, vehicle.ActionPending}, {50 * time.Second, vehicle.ActionPending}, {10 * time.Second, vehicle.ActionUnknown}} {
			wait(t, step.after)
			if status, err := w.cloud.Action(t.Context(), v, id); status != step.want || err != nil {
				t.Errorf("not listed: %s, %v; want %s", status, err, step.want)
			}
		}
		s.expect(
			records(`[{"recordId":"`+string(id)+`","result":"success"}]`),
			exchange{call: v1 + "/control/engine", headers: authCN, body: `{"action":"start","hvacType":1,"options":{"defrost":false,"heating1":0},"tempCode":"0EH","unit":"C"}`, answer: accepted},
			exchange{
				call: "PUT " + hyundaiCN + "/api/v1/user/pin", body: `{"deviceId":"device-1","pin":"1234"}`, answer: pinGiven,
				headers: map[string]string{"Authorization": "Bearer a.j.wt", "ccsp-service-id": "…", "ccsp-application-id": "…", "ccsp-device-id": "device-1"},
			},
			exchange{call: v2 + "/control/engine", headers: ctrlCN, body: `{"action":"stop"}`, answer: accepted},
			exchange{call: v2 + "/control/portdoor", headers: authCN, body: `{"action":"open","deviceId":"device-1"}`, answer: accepted},
			exchange{call: v1 + "/control/charge", headers: authCN, body: `{"action":"start","deviceId":"device-1"}`, answer: accepted},
			exchange{call: v2 + "/ccs2/control/light", headers: ctrlCN, body: `{"command":"on"}`, answer: accepted},
		)
		if status, err := w.cloud.Action(t.Context(), v, id); status != vehicle.ActionSuccess || err != nil {
			t.Errorf("%s, %v", status, err)
		}
		for _, c := range []vehicle.Command{vehicle.ClimateStart{}, vehicle.ClimateStop{}, vehicle.OpenChargePort{}, vehicle.ChargeStart{}, vehicle.Hazard{}} {
			w.send(v, vehicle.State{}, c)
		}
		s.over()
		_, err := w.cloud.Send(t.Context(), bluelink.Ask{Vehicle: v}, vehicle.ValetOn{})
		mustBe(t, err, bluelink.ErrUnsupported)
	})
}

// TestChina_CodesMeanWhatThePageSays is §8, beyond the family's.
func TestChina_CodesMeanWhatThePageSays(t *testing.T) {
	for name, test := range map[string]struct {
		call   bluelink.Call
		status int
		body   string
		want   error
	}{
		"registration":          {bluelink.Call{Kind: bluelink.CallRegister, Op: opRegister}, 400, failureOf("4002", "Invalid request body - Invalid deviceId."), bluelink.ErrClientRefused},
		"registration, problem": {bluelink.Call{Kind: bluelink.CallRegister, Op: opRegister}, 400, failureOf("4002", "service problem"), bluelink.ErrClientRefused},
		"device":                {bluelink.Call{Kind: bluelink.CallRead}, 400, failureOf("4002", "deviceId is not exist"), bluelink.ErrDevice},
		"duplicate":             {bluelink.Call{Kind: bluelink.CallCommand}, 400, failureOf("4004", "x"), bluelink.ErrBusy},
		"unsupported":           {bluelink.Call{Kind: bluelink.CallCommand}, 400, failureOf("4005", "x"), bluelink.ErrUnsupported},
		"timeout":               {bluelink.Call{Kind: bluelink.CallCommand}, 400, failureOf("4081", "x"), bluelink.ErrVehicleUnreachable},
		"unavailable":           {bluelink.Call{Kind: bluelink.CallRead}, 503, failureOf("5031", "x"), bluelink.ErrUnavailable},
		"limit":                 {bluelink.Call{Kind: bluelink.CallRead}, 509, failureOf("5091", "x"), bluelink.ErrRateLimited},
		"no data":               {bluelink.Call{Kind: bluelink.CallRead}, 400, failureOf("5921", "x"), bluelink.ErrNoData},
		"response timeout":      {bluelink.Call{Kind: bluelink.CallRead}, 400, failureOf("9999", "x"), bluelink.ErrVehicleUnreachable},
		"gateway":               {bluelink.Call{Kind: bluelink.CallRead}, 401, `{"error":"Key not authorized: Token is expired"}`, bluelink.ErrSessionExpired},
	} {
		root, ok := parse([]byte(test.body))
		err := china.classify(test.call, bluelink.Answer{Status: test.status, Header: http.Header{}, Body: []byte(test.body)}, root, ok)
		if !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
}
