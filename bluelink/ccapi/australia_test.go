package ccapi

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// Exchanges of docs/protocol/australia-newzealand.md.

const kiaAU = "https://au-apigw.ccs.kia.com.au:8082"

// dressed are the headers of §1 "AUTH".
func dressed(service, app string, more ...string) map[string]string {
	headers := map[string]string{
		"Authorization": "Bearer a.j.wt", "AuthorizationCCSP": "", "ccsp-service-id": service, "ccsp-application-id": app, "Stamp": "…",
		"ccsp-device-id": "device-1", "Ccuccs2protocolsupport": "0", "User-Agent": "okhttp/3.12.0",
	}
	for i := 0; i+1 < len(more); i += 2 {
		headers[more[i]] = more[i+1]
	}
	return headers
}

var (
	kiaAUAuth = dressed("8acb778a-b918-4a8d-8624-73a0beb64289", "4ad4dcde-be23-48a8-bc1c-91b94f5c06f8")
	kiaAUCtrl = dressed("8acb778a-b918-4a8d-8624-73a0beb64289", "4ad4dcde-be23-48a8-bc1c-91b94f5c06f8", "Authorization", "Bearer c.j.wt", "AuthorizationCCSP", "Bearer c.j.wt")
)

// withForm is the headers of a call about a CCS2 car.
func withForm(headers map[string]string, flag string) map[string]string {
	headers = maps.Clone(headers)
	headers["Ccuccs2protocolsupport"] = flag
	return headers
}

// signInAU is §2.1 and §2.2.
func signInAU(host, service, app, basic string) []exchange {
	return []exchange{
		{
			call: "POST " + host + "/api/v1/spa/notifications/register", body: `{"pushRegId":"…","pushType":"GCM","uuid":"…"}`,
			headers: map[string]string{"ccsp-service-id": service, "ccsp-application-id": app, "Stamp": "…", "Authorization": "", "Content-Type": "application/json;charset=UTF-8"},
			answer:  envelope(`{"deviceId":"device-1"}`), give: []string{"X-Ratelimit-Limit", "0", "X-Ratelimit-Remaining", "0", "X-Ratelimit-Reset", "0"},
		},
		{
			call:    "GET " + host + "/api/v1/user/oauth2/authorize?response_type=code&client_id=" + service + "&redirect_uri=" + host + "/api/v1/user/oauth2/redirect&lang=en",
			headers: map[string]string{"Authorization": "", "Cookie": ""},
			status:  http.StatusFound, give: []string{"Location", host + "/web/v1/user/signin", "Set-Cookie", "account=QUJD.0a1b; Path=/"},
		},
		{call: "GET " + host + "/web/v1/user/signin", answer: "<html>", headers: map[string]string{"Cookie": "account=QUJD.0a1b"}},
		{
			call: "POST " + host + "/api/v1/user/signin", body: `{"email":"somebody@example.com","password":"secret phrase"}`,
			headers: map[string]string{"Cookie": "account=QUJD.0a1b", "Content-Type": "application/json"},
			answer:  `{"redirectUrl":"` + host + `/api/v1/user/oauth2/redirect?code=Ab12Cd34"}`,
		},
		{
			call: "POST " + host + "/api/v1/user/oauth2/token", headers: map[string]string{"Authorization": basic, "Stamp": "…", "Content-Type": "application/x-www-form-urlencoded"},
			body:   "code=Ab12Cd34&grant_type=authorization_code&redirect_uri=" + strings.NewReplacer(":", "%3A", "/", "%2F").Replace(host+"/api/v1/user/oauth2/redirect"),
			answer: `{"access_token":"a.j.wt","token_type":"Bearer","refresh_token":"XKZ1","expires_in":21600}`,
		},
	}
}

func TestAustralia_SignsInAsThePageSays(t *testing.T) {
	for _, row := range []struct {
		region                    vehicle.Region
		brand                     vehicle.Brand
		host, service, app, basic string
	}{
		{
			vehicle.Australia, vehicle.Hyundai, "https://au-apigw.ccs.hyundai.com.au:8080", "855c72df-dfd7-4230-ab03-67cbf902bb1c", "f9ccfdac-a48d-4c57-bd32-9116963c24ed",
			"Basic ODU1YzcyZGYtZGZkNy00MjMwLWFiMDMtNjdjYmY5MDJiYjFjOmU2ZmJ3SE0zMllOYmhRbDBwdmlhUHAzcmY0dDNTNms5MWVjZUEzTUpMZGJkVGhDTw==",
		},
		{
			vehicle.Australia, vehicle.Kia, kiaAU, "8acb778a-b918-4a8d-8624-73a0beb64289", "4ad4dcde-be23-48a8-bc1c-91b94f5c06f8",
			"Basic OGFjYjc3OGEtYjkxOC00YThkLTg2MjQtNzNhMGJlYjY0Mjg5OjdTY01NbTZmRVlYZGlFUEN4YVBhUW1nZVlkbFVyZndvaDRBZlhHT3pZSVMyQ3U5VA==",
		},
		{
			vehicle.NewZealand, vehicle.Kia, kiaAU, "4ab606a7-cea4-48a0-a216-ed9c14a4a38c", "97745337-cac6-4a5b-afc3-e65ace81c994",
			"Basic NGFiNjA2YTctY2VhNC00OGEwLWEyMTYtZWQ5YzE0YTRhMzhjOjBoYUZxWFRrS2t0Tktmemt4aFowYWt1MzFpNzRnMHlRRm01b2QybXo0TGRJNW1MWQ==",
		},
	} {
		w, s := playing(t, row.region, row.brand, bluelink.Tokens{})
		s.expect(signInAU(row.host, row.service, row.app, row.basic)...)
		if err := w.cloud.Login(t.Context()); err != nil {
			t.Fatalf("%s %s: %v", row.brand, row.region, err)
		}
		s.over()
		stored := w.tokens.stored()
		if stored.Access != "Bearer a.j.wt" || stored.Refresh != "XKZ1" || stored.Device != "device-1" || time.Until(stored.Expires).Round(time.Minute) != 6*time.Hour {
			t.Errorf("%s %s: stored %+v", row.brand, row.region, stored)
		}

		// A renewal keeps the device, and the refresh token when none comes (§2.3).
		w.tokens.expire()
		w.openThrough(s)
		s.expect(
			exchange{
				call: "POST " + row.host + "/api/v1/user/oauth2/token", headers: map[string]string{"Authorization": row.basic, "Stamp": "…"},
				body: "grant_type=refresh_token&refresh_token=XKZ1", answer: `{"access_token":"b.j.wt","token_type":"Bearer","expires_in":21600}`,
			},
			exchange{
				call: "GET " + row.host + "/api/v1/spa/vehicles", headers: dressed(row.service, row.app, "Authorization", "Bearer b.j.wt"),
				answer: envelope(`{"vehicles":[]}`),
			},
		)
		if _, err := w.cloud.Vehicles(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.over()
		if now := w.tokens.stored(); now.Refresh != "XKZ1" || now.Device != "device-1" {
			t.Errorf("after a renewal: %+v", now)
		}
	}
}

// signedIn is a good session.
func signedIn(refresh string) bluelink.Tokens {
	return bluelink.Tokens{Access: "Bearer a.j.wt", Refresh: refresh, Device: "device-1", Expires: time.Now().Add(6 * time.Hour), Obtained: time.Now()}
}

const carAU = "0a1b0000-0000-4000-8000-000000000001"

const listAU = `{"vehicles":[
 {"vin":"KNAXX00000X000001","vehicleId":"` + carAU + `","vehicleName":"EV6","type":"EV","nickname":"Blue","year":"2023",
  "master":true,"carShare":0,"regDate":"2024-03-01 10:11:12.345","ccuCCS2ProtocolSupport":0,
  "detailInfo":{"inColor":"…","outColor":"ABC","saleCarmdlCd":"CV","bodyType":"2","saleCarmdlEnNm":"EV6"}},
 {"vin":"KNAXX00000X000002","vehicleId":"0a1b0000-0000-4000-8000-000000000002","vehicleName":"EV9","type":"EV","nickname":"","year":"2024",
  "regDate":"2024-03-01 10:11:12.345","ccuCCS2ProtocolSupport":true},
 {"vin":"KNAXX00000X000003","vehicleId":"0a1b0000-0000-4000-8000-000000000003","vehicleName":"Sorento","type":"PE","nickname":"S","ccuCCS2ProtocolSupport":null}]}`

func TestAustralia_ListsCars(t *testing.T) {
	w, s := playing(t, vehicle.Australia, vehicle.Kia, signedIn("XKZ1"))
	s.expect(exchange{call: "GET " + kiaAU + "/api/v1/spa/vehicles", headers: kiaAUAuth, answer: envelope(listAU)})
	list := w.cars()
	if len(list) != 3 || list[0].Name != "Blue" || list[0].Engine != vehicle.EV || list[0].CCS2 != 0 || list[0].Year != 2023 || list[0].Region != vehicle.Australia ||
		list[1].CCS2 != 1 || list[1].Name != "EV9" || list[2].Engine != vehicle.PHEV || list[2].CCS2 != 0 {
		t.Errorf("%+v", list)
	}
	if slices.Contains(list[0].Capabilities.Commands, "valet-on") || !slices.Contains(list[0].Capabilities.Commands, "charge-port-open") {
		t.Errorf("commands %v", list[0].Capabilities.Commands)
	}
}

// statusAU is a flat status of §4 and §5: bare, with the odometer inside and without the position.
const statusAU = `{"time":"20260803201502","odometer":{"value":15234.5,"unit":1},"engine":false,"doorLock":true,"airCtrlOn":false,"defrost":false,
 "airTemp":{"value":"08H","unit":0,"hvacTempType":1},"steerWheelHeat":2,"sideBackWindowHeat":0,"sideMirrorHeat":0,"acc":false,
 "doorOpen":{"frontLeft":0,"frontRight":1,"backLeft":0,"backRight":0},"windowOpen":{"frontLeft":0,"frontRight":0,"backLeft":1,"backRight":0},
 "seatHeaterVentState":{"flSeatHeatState":2,"frSeatHeatState":7,"rlSeatHeatState":2,"rrSeatHeatState":2},"hoodOpen":false,"trunkOpen":false,
 "tirePressureLamp":{"tirePressureLampAll":1,"tirePressureLampFL":0,"tirePressureLampFR":0,"tirePressureLampRL":1,"tirePressureLampRR":0},
 "battery":{"batSoc":255},"washerFluidStatus":false,"breakOilStatus":false,"smartKeyBatteryWarning":false,
 "evStatus":{"batteryStatus":65,"batteryCharge":false,"batteryPlugin":0,"chargePortDoorOpenStatus":2,
  "drvDistance":[{"rangeByFuel":{"evModeRange":{"value":237,"unit":1},"totalAvailableRange":{"value":237,"unit":1}},"type":2}],
  "remainTime2":{"atc":{"value":65535,"unit":1},"etc1":{"value":7,"unit":1},"etc2":{"value":340,"unit":1},"etc3":{"value":85,"unit":1}},
  "reservChargeInfos":{"targetSOClist":[{"plugType":1,"targetSOClevel":80,"dte":{"rangeByFuel":{"totalAvailableRange":{"value":292,"unit":1}}}},{"plugType":0,"targetSOClevel":90}],
   "reservChargeInfo":{"reservChargeInfoDetail":{"reservChargeSet":true,"reservInfo":{"day":[1,2],"time":{"time":"0710","timeSection":0}}}}}}}`

func placeAU(at string) string {
	return `{"coord":{"lat":-33.8,"lon":151.2,"alt":0,"type":0},"speed":{"value":0,"unit":0},"time":"` + at + `"}`
}

const historyAU = `{"drivingInfo":[{"drivingPeriod":0,"totalPwrCsp":300000,"calculativeOdo":2000,"regenPwr":90000}],
 "drivingInfoDetail":[{"drivingPeriod":0,"drivingDate":"20260803","totalPwrCsp":2051,"motorPwrCsp":1654,"climatePwrCsp":197,"eDPwrCsp":200,"batteryMgPwrCsp":0,"regenPwr":1121,"calculativeOdo":16}]}`

func readsBeside(host, car string, headers map[string]string) []exchange {
	at := host + "/api/v1/spa/vehicles/" + car
	return []exchange{
		{call: "GET " + at + "/location/park", headers: headers, answer: envelope(placeAU("20260803101500"))},
		{call: "POST " + at + "/drvhistory", headers: headers, body: `{"periodTarget":…}`, answer: envelope(historyAU)},
		{call: "POST " + at + "/drvhistory", headers: headers, body: `{"periodTarget":…}`, answer: envelope(historyAU)},
	}
}

// waitUntil lets a bubble's clock show a moment.
func waitUntil(t *testing.T, moment time.Time) {
	t.Helper()
	wait(t, time.Until(moment))
}

func TestAustralia_ReadsTheBareStatus(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		waitUntil(t, time.Date(2026, 8, 3, 11, 0, 0, 0, time.UTC)) // 21:00 in Sydney
		w, s := playing(t, vehicle.Australia, vehicle.Kia, signedIn("XKZ1"))
		s.expect(exchange{call: "GET " + kiaAU + "/api/v1/spa/vehicles/" + carAU + "/status/latest", headers: kiaAUAuth, answer: envelope(statusAU)})
		s.expect(readsBeside(kiaAU, carAU, kiaAUAuth)...)
		v := vehicle.Vehicle{ID: "x", CloudID: carAU, Region: vehicle.Australia, Engine: vehicle.EV}
		state := w.cached(v, vehicle.State{}, false)
		s.over()
		shows(t, state, map[string]any{
			"last_updated_at": time.Date(2026, 8, 3, 10, 15, 2, 0, time.UTC), "odometer": km(15234.5), "is_locked": true,
			"air_temperature": vehicle.Quantity{Value: 21, Unit: vehicle.Celsius}, "front_right_door_is_open": true, "back_left_window_is_open": true,
			"front_right_seat_status": vehicle.SeatMediumHeat, "tire_pressure_rear_left_warning_is_on": true, "car_battery_percentage": nil,
			"ev_battery_percentage": vehicle.Percent(65), "ev_charge_limits_ac": vehicle.Percent(80), "ev_charge_limits_dc": vehicle.Percent(90),
			"ev_target_range_charge_AC": km(292), "ev_target_range_charge_DC": nil, "ev_estimated_current_charge_duration": nil,
			"ev_first_departure_time": vehicle.TimeOfDay{Hour: 7, Minute: 10}, "location_latitude": vehicle.Quantity{Value: -33.8, Unit: vehicle.Degree},
			"location_last_updated_at": time.Date(2026, 8, 3, 10, 15, 0, 0, time.UTC), // UTC, not local
			"total_power_consumed":     vehicle.Quantity{Value: 2051, Unit: vehicle.WattHour}, "total_power_regenerated": nil,
			"power_consumption_30d": vehicle.Quantity{Value: 150, Unit: vehicle.WattHourPerKilometre},
		})
		if n := w.calls.count(bluelink.CallWake); n != 0 {
			t.Errorf("%d wakes", n)
		}
	})
}

// shows compares data points of a state; nil is unknown.
func shows(t *testing.T, state vehicle.State, want map[string]any) {
	t.Helper()
	for key, value := range want {
		if got := state.Read(mustRow(t, key)).Value; got != value {
			t.Errorf("%s is %v, want %v", key, got, value)
		}
	}
}

func TestAustralia_LooksElsewhereForAMissingOdometer(t *testing.T) {
	w, s := playing(t, vehicle.NewZealand, vehicle.Kia, signedIn("XKZ1"))
	path := "GET " + kiaAU + "/api/v1/spa/vehicles/" + carAU
	s.expect(
		exchange{call: path + "/status/latest", answer: envelope(`{"time":"20260803201502","doorLock":true}`)},
		exchange{call: path + "/ccs2/carstatus/latest", answer: envelope(`{"lastUpdateTime":"1785752102000","state":{"Vehicle":{"Drivetrain":{"Odometer":15234.5}}}}`)},
		exchange{call: path + "/location/park", answer: envelope(`{"gpsDetail":` + placeAU("20260803101500") + `}`)},
	)
	v := vehicle.Vehicle{ID: "x", CloudID: carAU, Region: vehicle.NewZealand, Engine: vehicle.ICE}
	shows(t, w.cached(v, vehicle.State{}, false), map[string]any{
		"odometer": km(15234.5), "location_longitude": vehicle.Quantity{Value: 151.2, Unit: vehicle.Degree},
	})
	s.over()
}

// TestAustralia_ForcedReadsEraseNothing is the pitfall of §4: the answer is bare too.
func TestAustralia_ForcedReadsEraseNothing(t *testing.T) {
	for name, test := range map[string]struct {
		answer string
		want   time.Time
		more   []exchange
	}{
		"local time": {strings.Replace(statusAU, "20260803201502", "20260803210010", 1), time.Date(2026, 8, 3, 11, 0, 10, 0, time.UTC), nil},
		"UTC":        {strings.Replace(statusAU, "20260803201502", "20260803110010", 1), time.Date(2026, 8, 3, 11, 0, 10, 0, time.UTC), nil},
		"no time": {
			strings.Replace(statusAU, `"time":"20260803201502",`, "", 1), time.Date(2026, 8, 3, 11, 0, 20, 0, time.UTC),
			[]exchange{{
				call:   "GET " + kiaAU + "/api/v1/spa/vehicles/" + carAU + "/status/latest",
				answer: envelope(strings.Replace(statusAU, "20260803201502", "20260803210020", 1)),
			}},
		},
	} {
		inBubble(t, func(t *testing.T) {
			waitUntil(t, time.Date(2026, 8, 3, 11, 0, 0, 0, time.UTC))
			w, s := playing(t, vehicle.Australia, vehicle.Kia, signedIn("XKZ1"))
			path := "GET " + kiaAU + "/api/v1/spa/vehicles/" + carAU
			s.expect(exchange{call: path + "/status/latest", answer: envelope(statusAU)})
			s.expect(readsBeside(kiaAU, carAU, kiaAUAuth)...)
			v := vehicle.Vehicle{ID: "x", CloudID: carAU, Region: vehicle.Australia, Engine: vehicle.EV}
			known := w.cached(v, vehicle.State{}, false)
			wait(t, 30*time.Second)
			s.expect(exchange{call: path + "/status", headers: kiaAUAuth, answer: envelope(test.answer)})
			s.expect(readsBeside(kiaAU, carAU, kiaAUAuth)...)
			s.expect(test.more...)
			report, err := w.cloud.Force(t.Context(), bluelink.Ask{Vehicle: v, Known: known})
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			s.over()
			state, changes, _ := known.Apply(report, time.Now())
			if !state.ReportedAt().Equal(test.want) {
				t.Errorf("%s: reported at %s", name, state.ReportedAt())
			}
			for _, c := range changes {
				if c.New.Value == nil {
					t.Errorf("%s: %s is erased", name, c.New.Datum)
				}
			}
		})
	}
}

func TestAustralia_MetadataInThePlaceOfAStatusIsNone(t *testing.T) {
	w, s := playing(t, vehicle.Australia, vehicle.Kia, signedIn("XKZ1"))
	s.expect(exchange{
		call:   "GET " + kiaAU + "/api/v1/spa/vehicles/" + carAU + "/status",
		answer: envelope(`{"ServiceNo":"RVS-B","svcTime":0,"FncCnt":0,"RetCode":"S","resCode":"200","SID":"x","svcSID":"y"}`),
	})
	_, err := w.cloud.Force(t.Context(), bluelink.Ask{Vehicle: vehicle.Vehicle{ID: "x", CloudID: carAU}})
	mustBe(t, err, bluelink.ErrNoData)
}

// TestAustralia_WakesACCS2CarAndLooks is the other pitfall of §4: the wake's answer has no message.
func TestAustralia_WakesACCS2CarAndLooks(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		waitUntil(t, time.Date(2026, 8, 3, 11, 0, 0, 0, time.UTC))
		w, s := playing(t, vehicle.Australia, vehicle.Kia, signedIn("XKZ1"))
		path, headers := "GET "+kiaAU+"/api/v1/spa/vehicles/"+carAU, withForm(kiaAUAuth, "1")
		tree := func(at string) string {
			return envelope(`{"lastUpdateTime":"1783060853000","state":{"Vehicle":{"Date":"` + at + `","Offset":"10","Drivetrain":{"Odometer":100.5,"FuelSystem":{"DTE":{"Total":237,"Unit":1}}}}}}`)
		}
		s.expect(
			exchange{call: path + "/ccs2/carstatus/latest", headers: headers, answer: tree("20260803100000.000")},
			exchange{call: path + "/ccs2/carstatus", headers: headers, answer: accepted},
			exchange{call: path + "/ccs2/carstatus/latest", headers: headers, answer: tree("20260803100000.000")},
			exchange{call: path + "/ccs2/carstatus/latest", headers: headers, answer: tree("20260803110003.000")},
		)
		s.expect(readsBeside(kiaAU, carAU, nil)...)
		v := vehicle.Vehicle{ID: "x", CloudID: carAU, Region: vehicle.Australia, Engine: vehicle.EV, CCS2: 1}
		report, err := w.cloud.Force(t.Context(), bluelink.Ask{Vehicle: v})
		if err != nil {
			t.Fatal(err)
		}
		s.over()
		shows(t, believe(vehicle.State{}, report), map[string]any{
			"last_updated_at": time.Date(2026, 8, 3, 11, 0, 3, 0, time.UTC), "odometer": km(100.5), "ev_driving_range": km(237),
			"location_last_updated_at": time.Date(2026, 8, 3, 10, 15, 0, 0, time.UTC),
		})
	})
}

func TestAustralia_SendsCommandsToTheirEnd(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w, s := playing(t, vehicle.Australia, vehicle.Kia, signedIn("XKZ1"))
		flat := vehicle.Vehicle{ID: "x", CloudID: carAU, Region: vehicle.Australia, Engine: vehicle.EV}
		ccs2 := vehicle.Vehicle{ID: "y", CloudID: carAU, Region: vehicle.Australia, Engine: vehicle.EV, CCS2: 1}
		const id = "7f000000-0000-4000-8000-000000000001"
		pinCall := exchange{
			call: "PUT " + kiaAU + "/api/v1/user/pin?token=", body: `{"deviceId":"device-1","pin":"1234"}`, answer: pinGiven,
			headers: map[string]string{"Authorization": "Bearer a.j.wt", "Content-Type": "application/json"},
		}
		records := func(result string) exchange {
			return exchange{
				call: "GET " + kiaAU + "/api/v1/spa/notifications/" + carAU + "/records", headers: kiaAUAuth,
				answer: envelope(`[{"recordId":"other","result":"fail"},{"recordId":"` + id + `","result":` + result + `}]`),
			}
		}
		s.expect(
			exchange{
				call: "POST " + kiaAU + "/api/v1/spa/vehicles/" + carAU + "/control/temperature", headers: kiaAUAuth, answer: accepted,
				body: `{"action":"start","hvacType":0,"options":{"defrost":false,"heating1":0,"igniOnDuration":5},"tempCode":"08H","unit":"C"}`,
			},
			records("null"), records(`"success"`), pinCall,
			exchange{
				call: "POST " + kiaAU + "/api/v2/spa/vehicles/" + carAU + "/control/portdoor", headers: kiaAUCtrl, answer: accepted,
				body: `{"action":"open","deviceId":"device-1"}`,
			},
			records(`"fail"`),
			exchange{
				call: "POST " + kiaAU + "/api/v2/spa/vehicles/" + carAU + "/ccs2/control/temperature", headers: withForm(kiaAUCtrl, "1"), answer: accepted,
				body: `{"command":"start","ignitionDuration":5,"strgWhlHeating":null,"hvacTempType":1,"hvacTemp":21,"sideRearMirrorHeating":0,"drvSeatLoc":"R","seatClimateInfo":{"drvSeatClimateState":7,"psgSeatClimateState":null,"rrSeatClimateState":null,"rlSeatClimateState":null},"tempUnit":"C","windshieldFrontDefogState":false}`,
			},
		)
		action := func(want vehicle.ActionStatus) {
			t.Helper()
			if status, err := w.cloud.Action(t.Context(), flat, id); status != want || err != nil {
				t.Errorf("action is %s, %v; want %s", status, err, want)
			}
		}
		w.send(flat, vehicle.State{}, vehicle.ClimateStart{})
		action(vehicle.ActionPending)
		action(vehicle.ActionSuccess)
		w.send(flat, vehicle.State{}, vehicle.OpenChargePort{})
		action(vehicle.ActionFailed)
		w.send(ccs2, vehicle.State{}, vehicle.ClimateStart{FrontRight: vehicle.Some(vehicle.SeatMediumHeat)})
		s.over()
		for _, c := range []vehicle.Command{vehicle.ValetOn{}, vehicle.ValetOff{}, vehicle.SetChargingCurrent{Level: 1}} {
			_, err := w.cloud.Send(t.Context(), bluelink.Ask{Vehicle: flat}, c)
			mustBe(t, err, bluelink.ErrUnsupported)
		}
		for _, celsius := range []float64{16.5, 27} {
			_, err := w.cloud.Send(t.Context(), bluelink.Ask{Vehicle: flat}, vehicle.ClimateStart{Temperature: vehicle.Some(vehicle.Quantity{Value: celsius, Unit: vehicle.Celsius})})
			mustBe(t, err, bluelink.ErrInvalidCommand)
		}
	})
}

// TestAustralia_APINThatBringsNoTokenIsRefused is §2.5: a wrong one may be answered without any word about it.
func TestAustralia_APINThatBringsNoTokenIsRefused(t *testing.T) {
	w, s := playing(t, vehicle.Australia, vehicle.Kia, signedIn("XKZ1"))
	s.expect(exchange{call: "PUT " + kiaAU + "/api/v1/user/pin?token=", body: `{"deviceId":"device-1","pin":"1234"}`, answer: `{}`})
	v := vehicle.Vehicle{ID: "x", CloudID: carAU, Region: vehicle.Australia, Engine: vehicle.EV}
	for range 2 { // the second is not sent
		_, err := w.cloud.Send(t.Context(), bluelink.Ask{Vehicle: v}, vehicle.OpenChargePort{})
		mustBe(t, err, bluelink.ErrPIN)
	}
	s.over()
}

// TestAustralia_RefusedRefreshTokensAreTriedTwice is §2.3's matrix: what cannot be renewed needs the password.
func TestAustralia_RefusedRefreshTokensAreTriedTwice(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		old := signedIn("Bearer XKZ1")
		old.Expires = time.Now().Add(-time.Hour)
		w, s := playing(t, vehicle.Australia, vehicle.Kia, old)
		refused := exchange{
			call: "POST " + kiaAU + "/api/v1/user/oauth2/token", body: "grant_type=refresh_token&refresh_token=Bearer+XKZ1", status: http.StatusBadRequest,
			answer: `{"errId":"x","errCode":"4002","errMsg":"Invalid parameters"}`,
		}
		s.expect(refused, refused)
		s.expect(signInAU(kiaAU, "8acb778a-b918-4a8d-8624-73a0beb64289", "4ad4dcde-be23-48a8-bc1c-91b94f5c06f8", "Basic …")[1:]...)
		if err := w.cloud.Login(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.over()
		if w.tokens.stored().Device != "device-1" {
			t.Error("another device")
		}
	})
}

func TestAustralia_RefusalsOfASignIn(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		answer string
		want   error
		text   string
	}{
		"wrong":              {401, `{"errId":"x","errCode":"4010","errMsg":"Require authentication"}`, bluelink.ErrCredentials, "Require authentication"},
		"invalid":            {400, `{"errId":"x","errCode":"4003","errMsg":"Invalid values","errBody":{"userId":"","remainCount":4,"remainTime":300}}`, bluelink.ErrCredentials, "4 more"},
		"password expired":   {200, `{"step":5,"upgrade":false}`, bluelink.ErrCredentials, "expired"},
		"terms":              {200, `{"step":0}`, bluelink.ErrConsentRequired, "terms"},
		"agreement":          {200, `{"step":3}`, bluelink.ErrConsentRequired, "agreed"},
		"new terms":          {400, `{"step":4}`, bluelink.ErrConsentRequired, "new terms"},
		"not activated":      {200, `{"step":6}`, bluelink.ErrConsentRequired, "activated"},
		"identity":           {200, `{"step":7}`, bluelink.ErrConsentRequired, "identity"},
		"identity, again":    {200, `{"step":8}`, bluelink.ErrConsentRequired, "identity"},
		"blocked":            {200, `{"step":9}`, bluelink.ErrCredentials, "blocked"},
		"e-mail":             {200, `{"step":10}`, bluelink.ErrConsentRequired, "verified"},
		"e-mail change":      {200, `{"step":11}`, bluelink.ErrConsentRequired, "changed"},
		"identity, as 12":    {200, `{"step":12}`, bluelink.ErrConsentRequired, "identity"},
		"e-mail, as 13":      {200, `{"step":13}`, bluelink.ErrConsentRequired, "verified"},
		"step nobody knows":  {200, `{"step":99}`, bluelink.ErrConsentRequired, "owner"},
		"neither":            {200, `{"popup":true}`, bluelink.ErrConsentRequired, "owner"},
		"no code":            {200, `{"redirectUrl":"https://x/y?state=1"}`, bluelink.ErrBadResponse, "no code"},
		"stamp":              {400, `{"errCode":"4002","errMsg":"Invalid parameters"}`, bluelink.ErrClientRefused, ""},
		"problem":            {400, `{"errCode":"4002","errMsg":"service problem, because of anything problem"}`, bluelink.ErrUnavailable, ""},
		"firewall":           {403, `<html>`, bluelink.ErrBlocked, ""},
		"down":               {503, `<html>`, bluelink.ErrUnavailable, ""},
		"too often":          {429, `slow`, bluelink.ErrRateLimited, ""},
		"a page":             {200, `<html>`, bluelink.ErrBadResponse, ""},
		"limit":              {509, failureOf("5091", "Exceeds number of requests"), bluelink.ErrRateLimited, ""},
		"down, in user form": {500, `{"errCode":"5000","errMsg":"Internal"}`, bluelink.ErrUnavailable, ""},
	} {
		w, s := playing(t, vehicle.Australia, vehicle.Kia, bluelink.Tokens{Device: "device-1"})
		s.expect(
			exchange{call: "GET " + kiaAU + "/api/v1/user/oauth2/authorize?…&…&…&lang=en", answer: "<html>"},
			exchange{call: "POST " + kiaAU + "/api/v1/user/signin", body: `{"email":"somebody@example.com","password":"secret phrase"}`, status: test.status, answer: test.answer},
		)
		err := w.cloud.Login(t.Context())
		if !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.text) {
			t.Errorf("%s: %v, want %v with %q", name, err, test.want, test.text)
		}
		s.over()
		if stops := errors.Is(err, bluelink.ErrCredentials) || errors.Is(err, bluelink.ErrConsentRequired) || errors.Is(err, bluelink.ErrBlocked); stops {
			if again := w.cloud.Login(t.Context()); !errors.Is(again, test.want) { // which asks for nothing, or the script complains
				t.Errorf("%s: then %v", name, again)
			}
		}
	}
}

// TestAustralia_ARefusedPageRefusesNoCredentials: it has seen none, and must not stop the account.
func TestAustralia_ARefusedPageRefusesNoCredentials(t *testing.T) {
	for answer, want := range map[string]error{
		`{"errId":"x","errCode":"4003","errMsg":"Invalid values"}`:           bluelink.ErrClientRefused,
		`{"errId":"x","errCode":"4010","errMsg":"Require authentication"}`:   bluelink.ErrClientRefused,
		`{"errId":"x","errCode":"4002","errMsg":"service problem, because"}`: bluelink.ErrUnavailable,
	} {
		w, s := playing(t, vehicle.Australia, vehicle.Kia, bluelink.Tokens{Device: "device-1"})
		s.expect(exchange{call: "GET " + kiaAU + "/api/v1/user/oauth2/authorize?…&…&…&lang=en", status: http.StatusBadRequest, answer: answer})
		mustBe(t, w.cloud.Login(t.Context()), want)
		s.over()
	}
}
