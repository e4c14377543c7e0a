package ccapi

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// Exchanges of docs/protocol/brazil.md.

const hyundaiBR = "https://br-ccapi.hyundai.com.br"

// authBR are the base headers of §1 with those of a session.
var authBR = map[string]string{
	"Content-Type": "application/json; charset=UTF-8", "Accept": "application/json, text/plain, */*", "Accept-Language": "pt-BR;q=1.0, en-US;q=0.9",
	"User-Agent": "BR_BlueLink/1.0.14 (com.hyundai.bluelink.br; build:10132; iOS 18.4.0) Alamofire/5.9.1", "offset": "-3", "ccuCCS2ProtocolSupport": "0",
	"ccsp-device-id": "device-1", "ccsp-application-id": "513a491a-0d7c-4d6a-ac03-a2df127d73b0", "ccsp-service-id": "", "Stamp": "",
	"Authorization": "Bearer a.j.wt", "AuthorizationCCSP": "",
}

// signInBR is §2.2 to §2.4.
func signInBR(access string) []exchange {
	const browser = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148_CCS_APP_iOS"
	return []exchange{
		{
			call:   "GET " + hyundaiBR + "/api/v1/user/oauth2/authorize?response_type=code&client_id=03f7df9b-7626-4853-b7bd-ad1e8d722bd5&redirect_uri=" + hyundaiBR + "/api/v1/user/oauth2/redirect",
			status: http.StatusFound, headers: map[string]string{"ccsp-service-id": "", "ccsp-application-id": ""},
			give: []string{"Set-Cookie", "account=x; Path=/", "Location", hyundaiBR + "/web/v1/user/signin?lang=pt"},
		},
		{call: "GET " + hyundaiBR + "/web/v1/user/signin?lang=pt", answer: "<html>"},
		{
			call: "POST " + hyundaiBR + "/api/v1/user/signin", body: `{"email":"somebody@example.com","password":"secret phrase"}`,
			headers: map[string]string{
				"Cookie": "account=x", "Content-Type": "text/plain;charset=UTF-8", "Referer": hyundaiBR + "/web/v1/user/signin", "Origin": hyundaiBR, "Accept": "*/*", "User-Agent": browser,
			},
			answer: `{"redirectUrl":"` + hyundaiBR + `/api/v1/user/oauth2/redirect?code=ABC123&state="}`,
		},
		{
			call: "POST " + hyundaiBR + "/api/v1/user/oauth2/token",
			headers: map[string]string{
				"Authorization": "Basic MDNmN2RmOWItNzYyNi00ODUzLWI3YmQtYWQxZThkNzIyYmQ1OnlRejJiYzZDbjhPb3ZWT1I3UkRXd3hUcVZ3V0czeUtCWUZEZzBIc09Yc3l4eVBsSA==", "Stamp": "",
			},
			body:   "client_id=03f7df9b-7626-4853-b7bd-ad1e8d722bd5&code=ABC123&grant_type=authorization_code&redirect_uri=https%3A%2F%2Fbr-ccapi.hyundai.com.br%2Fapi%2Fv1%2Fuser%2Foauth2%2Fredirect",
			answer: `{"access_token":"` + access + `","token_type":"Bearer","refresh_token":"RT","expires_in":86400}`,
		},
	}
}

func TestBrazil_SignsInAgainToRenew(t *testing.T) {
	w, s := playing(t, vehicle.Brazil, vehicle.Hyundai, bluelink.Tokens{})
	s.expect(exchange{
		call: "POST " + hyundaiBR + "/api/v1/spa/notifications/register", body: `{"pushRegId":"…","pushType":"APNS","uuid":"…"}`, answer: envelope(`{"deviceId":"device-1"}`),
		headers: map[string]string{"ccsp-application-id": "513a491a-0d7c-4d6a-ac03-a2df127d73b0", "ccsp-service-id": "03f7df9b-7626-4853-b7bd-ad1e8d722bd5", "offset": "-3", "Stamp": "", "Authorization": ""},
	})
	s.expect(signInBR("a.j.wt")...)
	if err := w.cloud.Login(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.over()
	w.tokens.expire()
	w.openThrough(s)
	s.expect(signInBR("b.j.wt")...)
	if err := w.cloud.Login(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.over()
	stored := w.tokens.stored()
	if stored.Access != "Bearer b.j.wt" || stored.Device != "device-1" || time.Until(stored.Expires).Round(time.Minute) != 24*time.Hour || w.calls.again != 1 {
		t.Errorf("stored %+v after %d renewals by password", stored, w.calls.again)
	}
}

func TestBrazil_ARenewalThatIsRefusedIsNotRepeated(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		old := signedIn(byPassword)
		old.Expires = time.Now().Add(-time.Minute)
		w, s := playing(t, vehicle.Brazil, vehicle.Hyundai, old)
		s.expect(signInBR("")[:2]...)
		s.expect(exchange{call: "POST " + hyundaiBR + "/api/v1/user/signin", body: `{"email":"somebody@example.com","password":"secret phrase"}`, status: 400, answer: `{"errorCode":4003,"errorMessage":"wrong"}`})
		for range 3 {
			_, err := w.cloud.Vehicles(t.Context())
			mustBe(t, err, bluelink.ErrCredentials)
			wait(t, time.Hour)
		}
		s.over()
	})
}

const carBR = "11111111-2222-3333-4444-555555555555"

const listBR = `{"vehicles":[{"vin":"9BHTESTVIN0000001","vehicleId":"` + carBR + `","vehicleName":"Creta","type":"GN","nickname":"Creta",
 "year":"2025","specYear":"2025","master":true,"regDate":"2025-03-01 10:00:00.000","ccuCCS2ProtocolSupport":0,
 "detailInfo":{"inColor":"","outColor":"","carPackageType":"","bodyType":"","saleCarmdlCd":"","saleCarmdlEnNm":""}}]}`

// latestBR is a snapshot of §4 and §5.
func latestBR(at, day, hour, minute string) string {
	return envelope(`{"resCode":"0000","ServiceNo":"x","RetCode":"S","lastUpdateTime":"` + at + `","state":{"Vehicle":{"Date":"` + at + `.585","DrivingReady":0,
 "Cabin":{"Door":{"Row1":{"Driver":{"Open":0,"Lock":0},"Passenger":{"Open":0,"Lock":0}},"Row2":{"Left":{"Open":0,"Lock":0},"Right":{"Open":0,"Lock":0}}},
  "HVAC":{"Row1":{"Driver":{"Temperature":{"Value":"OFF","Unit":0},"Blower":{"SpeedLevel":0}}}}},
 "Drivetrain":{"Odometer":6208.1,"FuelSystem":{"FuelLevel":20,"DTE":{"Total":102,"Unit":1}}},"Electronics":{"Battery":{"Level":59,"SensorReliability":0}},
 "Location":{"GeoCoord":{"Latitude":-23.5,"Longitude":-46.6,"Altitude":700,"Type":0},"TimeStamp":{"Year":2026,"Mon":7,"Day":` + day + `,"Hour":` + hour + `,"Min":` + minute + `,"Sec":30}}}}}`)
}

func TestBrazil_ReadsEverythingFromTheTree(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		waitUntil(t, time.Date(2026, 7, 17, 17, 50, 0, 0, time.UTC))
		w, s := playing(t, vehicle.Brazil, vehicle.Hyundai, signedIn(byPassword))
		latest, wake := "GET "+hyundaiBR+"/api/v1/spa/vehicles/"+carBR+"/ccs2/carstatus/latest", "GET "+hyundaiBR+"/api/v1/spa/vehicles/"+carBR+"/ccs2/carstatus"
		s.expect(
			exchange{call: "GET " + hyundaiBR + "/api/v1/spa/vehicles", headers: authBR, answer: envelope(listBR)},
			exchange{call: latest, headers: authBR, answer: latestBR("20260717174232", "17", "17", "42")},
		)
		v := w.cars()[0]
		if want := []string{"refresh", "lock", "unlock", "climate-start", "climate-stop", "windows", "hazard"}; v.CCS2 != 0 || v.Protocol() != "ccs2" || v.Engine != vehicle.ICE || !slices.Equal(v.Capabilities.Commands, want) {
			t.Errorf("car %+v", v)
		}
		known := w.cached(v, vehicle.State{}, false)
		s.over()
		shows(t, known, map[string]any{
			"last_updated_at": time.Date(2026, 7, 17, 17, 42, 32, 0, time.UTC), "location_last_updated_at": time.Date(2026, 7, 17, 17, 42, 30, 0, time.UTC),
			"is_locked": true, "odometer": km(6208.1), "fuel_level": vehicle.Percent(20), "total_driving_range": km(102), "car_battery_percentage": vehicle.Percent(59),
			"location_latitude": vehicle.Quantity{Value: -23.5, Unit: vehicle.Degree}, "air_temperature": nil,
		})

		// A forced one wakes once, looks, and does not take the old snapshot for news; it costs no call beside.
		wait(t, 5*time.Minute)
		s.expect(
			exchange{call: latest, answer: latestBR("20260717174232", "17", "17", "42")},
			exchange{call: wake, headers: authBR, answer: `{"retCode":"S","resCode":"0000","resMsg":null,"msgId":"x"}`},
			exchange{call: latest, answer: latestBR("20260717174232", "17", "17", "42")},
			exchange{call: latest, status: 503, answer: failureOf("5031", "Service Temporary Unavailable")},
			exchange{call: latest, answer: latestBR("20260717175510", "17", "17", "54")},
		)
		report, err := w.cloud.Force(t.Context(), bluelink.Ask{Vehicle: v, Known: known})
		if err != nil {
			t.Fatal(err)
		}
		s.over()
		state, _, _ := known.Apply(report, time.Now())
		shows(t, state, map[string]any{"last_updated_at": time.Date(2026, 7, 17, 17, 55, 10, 0, time.UTC), "location_last_updated_at": time.Date(2026, 7, 17, 17, 54, 30, 0, time.UTC)})
		if n := w.calls.count(bluelink.CallWake); n != 1 {
			t.Errorf("%d wakes", n)
		}
	})
}

func TestBrazil_SendsEveryCommandWithAControlToken(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w, s := playing(t, vehicle.Brazil, vehicle.Hyundai, signedIn(byPassword))
		v := vehicle.Vehicle{ID: "x", CloudID: carBR, Region: vehicle.Brazil, Engine: vehicle.ICE}
		at := "POST " + hyundaiBR + "/api/v2/spa/vehicles/" + carBR
		ctrl := maps.Clone(authBR)
		ctrl["Authorization"] = "Bearer c.j.wt"
		s.expect(
			exchange{call: "PUT " + hyundaiBR + "/api/v1/user/pin", headers: authBR, body: `{"deviceId":"device-1","pin":"1234"}`, answer: pinGiven},
			exchange{call: at + "/control/door", headers: ctrl, body: `{"action":"close","deviceId":"device-1"}`, answer: accepted},
			exchange{call: at + "/control/window", headers: ctrl, body: `{"action":"open","deviceId":"device-1"}`, answer: accepted},
			exchange{call: at + "/control/light", headers: ctrl, answer: accepted},
			exchange{
				call: at + "/control/engine", headers: ctrl, answer: accepted,
				body: `{"action":"start","options":{"airCtrl":1,"heating1":0,"seatHeaterVentCMD":{"drvSeatOptCmd":6},"defrost":false,"igniOnDuration":10},"hvacType":1,"deviceId":"device-1","tempCode":"15H","unit":"C"}`,
			},
			exchange{call: at + "/control/engine", headers: ctrl, body: `{"action":"stop","deviceId":"device-1"}`, answer: accepted},
		)
		all := func(o vehicle.Opening) vehicle.Windows {
			return vehicle.Windows{FrontLeft: vehicle.Some(o), FrontRight: vehicle.Some(o), BackLeft: vehicle.Some(o), BackRight: vehicle.Some(o)}
		}
		for _, c := range []vehicle.Command{
			vehicle.Lock{}, all(vehicle.Open), vehicle.Hazard{}, vehicle.ClimateStart{FrontLeft: vehicle.Some(vehicle.SeatLowHeat)}, vehicle.ClimateStop{},
		} {
			w.send(v, vehicle.State{}, c)
		}
		s.over()
		records := func(list string) exchange {
			return exchange{call: "GET " + hyundaiBR + "/api/v1/spa/notifications/" + carBR + "/records", headers: authBR, answer: envelope(list)}
		}
		const id = "7f000000-0000-4000-8000-000000000001"
		for _, look := range []struct {
			list string
			want vehicle.ActionStatus
		}{
			{`[]`, vehicle.ActionPending}, // not listed yet
			{`[{"recordId":"` + id + `","result":""}]`, vehicle.ActionPending},
			{`[{"recordId":"` + id + `","result":"Pending"}]`, vehicle.ActionPending},
			{`[{"recordId":"` + id + `","result":"SUCCESS"}]`, vehicle.ActionSuccess},
			{`[{"recordId":"` + id + `","result":"Fail"}]`, vehicle.ActionFailed},
			{`[{"recordId":"` + id + `","result":"Non-Response"}]`, vehicle.ActionTimeout},
		} {
			s.expect(records(look.list))
			if status, err := w.cloud.Action(t.Context(), v, id); status != look.want || err != nil {
				t.Errorf("%s: %s, %v", look.list, status, err)
			}
		}
		wait(t, 20*time.Second)
		s.expect(records(`[]`))
		if status, err := w.cloud.Action(t.Context(), v, id); status != vehicle.ActionUnknown || err != nil {
			t.Errorf("after a while: %s, %v", status, err)
		}
		s.over()
		for _, c := range []vehicle.Command{
			vehicle.Hazard{Horn: true},
			vehicle.ValetOn{},
			vehicle.ChargeStart{},
			vehicle.OpenChargePort{},
			vehicle.Destination{},
			vehicle.Schedule{},
			all(vehicle.Ventilated),
			vehicle.Windows{FrontLeft: vehicle.Some(vehicle.Open)},
			vehicle.ClimateStart{RearLeft: vehicle.Some(vehicle.SeatLowHeat)},
		} {
			if _, err := w.cloud.Send(t.Context(), bluelink.Ask{Vehicle: v}, c); !errors.Is(err, bluelink.ErrUnsupported) {
				t.Errorf("%T %+v: %v", c, c, err)
			}
		}
	})
}

// TestBrazil_CodesMeanWhatThePageSays is §8, beyond the family's.
func TestBrazil_CodesMeanWhatThePageSays(t *testing.T) {
	for name, test := range map[string]struct {
		call   bluelink.Call
		status int
		body   string
		want   error
	}{
		"firewall at the sign-in": {bluelink.Call{Kind: bluelink.CallLogin}, 403, "<html>", bluelink.ErrUnavailable},
		"firewall elsewhere":      {bluelink.Call{Kind: bluelink.CallRead}, 403, "<html>", bluelink.ErrUnavailable},
		"bare 403":                {bluelink.Call{Kind: bluelink.CallRead}, 403, "", bluelink.ErrSessionExpired},
		"403 in JSON":             {bluelink.Call{Kind: bluelink.CallRead}, 403, `{"message":"Forbidden"}`, bluelink.ErrSessionExpired},
		"bare 401":                {bluelink.Call{Kind: bluelink.CallRead}, 401, "", bluelink.ErrSessionExpired},
		"400 of the list":         {bluelink.Call{Kind: bluelink.CallRead, Op: opList}, 400, "", bluelink.ErrDevice},
		"400 of the list in JSON": {bluelink.Call{Kind: bluelink.CallRead, Op: opList}, 400, `{"message":"Bad Request"}`, bluelink.ErrDevice},
		"400 of something else":   {bluelink.Call{Kind: bluelink.CallRead}, 400, "", bluelink.ErrBadResponse},
		"status/latest":           {bluelink.Call{Kind: bluelink.CallRead}, 503, failureOf("5031", "x"), bluelink.ErrUnavailable},
		"device":                  {bluelink.Call{Kind: bluelink.CallCommand}, 400, failureOf("4002", "Invalid deviceId"), bluelink.ErrDevice},
		"duplicate":               {bluelink.Call{Kind: bluelink.CallCommand}, 400, failureOf("4004", "x"), bluelink.ErrBusy},
		"unsupported":             {bluelink.Call{Kind: bluelink.CallCommand}, 400, failureOf("4005", "x"), bluelink.ErrUnsupported},
		"timeout":                 {bluelink.Call{Kind: bluelink.CallCommand}, 408, failureOf("4081", "x"), bluelink.ErrVehicleUnreachable},
		"response timeout":        {bluelink.Call{Kind: bluelink.CallCommand}, 400, failureOf("9999", "x"), bluelink.ErrVehicleUnreachable},
		"limit":                   {bluelink.Call{Kind: bluelink.CallRead}, 509, failureOf("5091", "x"), bluelink.ErrRateLimited},
		"no data":                 {bluelink.Call{Kind: bluelink.CallRead}, 400, failureOf("5921", "x"), bluelink.ErrNoData},
		"session":                 {bluelink.Call{Kind: bluelink.CallRead}, 400, failureOf("7501", "x"), bluelink.ErrSessionExpired},
	} {
		root, ok := parse([]byte(test.body))
		err := brazil.classify(test.call, bluelink.Answer{Status: test.status, Header: http.Header{}, Body: []byte(test.body)}, root, ok)
		if !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
	for code, want := range map[string]error{"4001": bluelink.ErrClientRefused} { // an invalid grant, right after a password that was good
		w, s := playing(t, vehicle.Brazil, vehicle.Hyundai, bluelink.Tokens{Device: "device-1"})
		list := signInBR("x")
		list[3].status, list[3].answer = 400, `{"errCode":"`+code+`","errMsg":"Invalid grant"}`
		s.expect(list...)
		mustBe(t, w.cloud.Login(t.Context()), want)
		s.over()
	}
}
