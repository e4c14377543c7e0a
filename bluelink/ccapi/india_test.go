package ccapi

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// Exchanges of docs/protocol/india.md.

const hyundaiIN = "https://prd.in-ccapi.hyundai.connected-car.io:8080"

// indianHeaders are those of §1: no stamp, and the form only of CCS2 cars.
func indianHeaders(token string, more ...string) map[string]string {
	headers := map[string]string{
		"Authorization": token, "AuthorizationCCSP": "", "ccsp-service-id": "e5b3f6d0-7f83-43c9-aff3-a254db7af368",
		"ccsp-application-id": "5a27df80-4ca1-4154-8c09-6f4029d91cf7", "ccsp-device-id": "device-1", "Stamp": "", "Ccuccs2protocolsupport": "",
	}
	for i := 0; i+1 < len(more); i += 2 {
		headers[more[i]] = more[i+1]
	}
	return headers
}

var (
	authIN = indianHeaders("Bearer a.j.wt")
	ctrlIN = indianHeaders("Bearer c.j.wt", "AuthorizationCCSP", "Bearer c.j.wt")
)

func TestIndia_SignsInAndRenewsAsThePageSays(t *testing.T) {
	for _, row := range []struct {
		brand                           vehicle.Brand
		host, service, app, push, basic string
	}{
		{
			vehicle.Hyundai, hyundaiIN, "e5b3f6d0-7f83-43c9-aff3-a254db7af368", "5a27df80-4ca1-4154-8c09-6f4029d91cf7", "GCM",
			"Basic ZTViM2Y2ZDAtN2Y4My00M2M5LWFmZjMtYTI1NGRiN2FmMzY4OjVKRk9DcjZDMjRPZk96bERxWnA3RXdxcmtMMFd3MDRVYXhjRGlFNlVkM3FJNVNFNA==",
		},
		{
			vehicle.Kia, "https://prd.in-ccapi.kia.connected-car.io:8080", "d0fe4855-7527-4be0-ab6e-a481216c705d", "00000000-69cd-4660-b75d-277ae15379dd", "APNS",
			"Basic ZDBmZTQ4NTUtNzUyNy00YmUwLWFiNmUtYTQ4MTIxNmM3MDVkOlNIb1R0WHB5ZmJZbVAzWGpOQTZCcnRsRGdseXBQV2o5MjBQdEtCSlBmbGVIRVlwVQ==",
		},
	} {
		w, s := playing(t, vehicle.India, row.brand, bluelink.Tokens{})
		redirect := strings.NewReplacer(":", "%3A", "/", "%2F").Replace(row.host + "/api/v1/user/oauth2/redirect")
		s.expect(
			exchange{
				call: "POST " + row.host + "/api/v1/spa/notifications/register", body: `{"pushRegId":"…","pushType":"` + row.push + `","uuid":"…"}`,
				headers: map[string]string{"ccsp-service-id": row.service, "ccsp-application-id": row.app, "Stamp": "…", "Authorization": ""}, answer: envelope(`{"deviceId":"device-1"}`),
			},
			exchange{
				call:   "GET " + row.host + "/api/v1/user/oauth2/authorize?response_type=code&client_id=" + row.service + "&redirect_uri=" + row.host + "/api/v1/user/oauth2/redirect&state=test",
				answer: "<html>", give: []string{"Set-Cookie", "account=x; Path=/"},
			},
			exchange{
				call: "POST " + row.host + "/api/v1/user/signin", body: `{"email":"somebody@example.com","password":"secret phrase"}`, headers: map[string]string{"Cookie": "account=x"},
				answer: `{"redirectUrl":"` + row.host + `/api/v1/user/oauth2/redirect?code=Ab12&state=test"}`,
			},
			exchange{
				call: "POST " + row.host + "/api/v1/user/oauth2/token", headers: map[string]string{"Authorization": row.basic, "Stamp": "…"},
				body: "code=Ab12&grant_type=authorization_code&redirect_uri=" + redirect, answer: `{"access_token":"a.j.wt","token_type":"Bearer","refresh_token":"R1"}`,
			},
		)
		if err := w.cloud.Login(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.over()
		if life := time.Until(w.tokens.stored().Expires).Round(time.Minute); life != 6*time.Hour { // nothing was said
			t.Errorf("%s: the token lives %s", row.brand, life)
		}
		w.tokens.expire()
		w.openThrough(s)
		s.expect(
			exchange{
				call: "POST " + row.host + "/api/v1/user/oauth2/token", headers: map[string]string{"Authorization": row.basic, "Stamp": "…"},
				body:   "grant_type=refresh_token&redirect_uri=https%3A%2F%2Fwww.getpostman.com%2Foauth2%2Fcallback&refresh_token=R1",
				answer: `{"access_token":"b.j.wt","token_type":"Bearer","expires_in":86400}`,
			},
		)
		if err := w.cloud.Login(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.over()
		if stored := w.tokens.stored(); stored.Refresh != "R1" || stored.Device != "device-1" || stored.Access != "Bearer b.j.wt" {
			t.Errorf("%s: stored %+v", row.brand, stored)
		}
	}
}

const carIN = "2c3d0000-0000-4000-8000-000000000001"

// statusIN is a flat status of §5.
func statusIN(at string) string {
	return `{"time":"` + at + `","engine":false,"doorLock":true,"airCtrlOn":false,"defrost":false,"acc":false,"ign3":true,"transCond":true,"sleepModeCheck":false,
 "airTemp":{"value":"0EH","unit":0},"steerWheelHeat":1,"sideBackWindowHeat":0,"sunroofOpen":false,"chargePortDoorOpenStatus":2,
 "doorOpen":{"frontLeft":0,"frontRight":1,"backLeft":0,"backRight":0},"windowOpen":{"frontLeft":0,"frontRight":0,"backLeft":1,"backRight":0},
 "seatHeaterVentState":{"astSeatHeatState":3,"drvSeatHeatState":8,"rlSeatHeatState":2,"rrSeatHeatState":2},"hoodOpen":false,"trunkOpen":false,"battery":{"batSoc":77},
 "lampWireStatus":{"headLamp":{"headLampStatus":true,"leftLowLamp":false},"stopLamp":{"leftLamp":false},"turnSignalLamp":{"leftFrontLamp":true}},
 "tirePressureLamp":{"tirePressureLampAll":0},"evStatus":{"batteryStatus":71,"batteryCharge":false,"batteryPlugin":3,
  "drvDistance":[{"rangeByFuel":{"evModeRange":{"value":301.25,"unit":1},"totalAvailableRange":{"value":301.25,"unit":1}}}],
  "remainTime2":{"atc":{"value":60},"etc1":{"value":30},"etc2":{"value":600},"etc3":{"value":300}},
  "reservChargeInfos":{"targetSOClist":[{"plugType":1,"targetSOClevel":80}]}}}`
}

func TestIndia_ReadsWhatStandsInCallsOfItsOwn(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		waitUntil(t, time.Date(2026, 8, 3, 15, 0, 0, 0, time.UTC)) // 20:30 in India
		w, s := playing(t, vehicle.India, vehicle.Hyundai, signedIn("R1"))
		at := hyundaiIN + "/api/v1/spa/vehicles/" + carIN
		place := func(wrap string) exchange {
			return exchange{call: "GET " + at + "/location/park", headers: authIN, answer: envelope(strings.Replace(wrap, "*", `{"coord":{"lat":28.6,"lon":77.2,"alt":0,"type":0},"time":"20260803201500"}`, 1))}
		}
		s.expect(
			exchange{call: "GET " + at + "/status/latest", headers: authIN, answer: envelope(statusIN("20260803200002"))},
			exchange{call: "GET " + at + "/setting/alert/maintenance", headers: authIN, answer: envelope(`{"odometer":12345.6}`)},
			place("*"),
		)
		v := vehicle.Vehicle{ID: "x", CloudID: carIN, Region: vehicle.India, Engine: vehicle.EV}
		known := w.cached(v, vehicle.State{}, false)
		s.over()
		shows(t, known, map[string]any{
			"last_updated_at": time.Date(2026, 8, 3, 14, 30, 2, 0, time.UTC), "odometer": km(12345.6), "air_temperature": vehicle.Quantity{Value: 21, Unit: vehicle.Celsius},
			"front_left_seat_status": vehicle.SeatLowCool, "front_right_seat_status": vehicle.SeatHighHeat, "steering_wheel_heater_is_on": true,
			"ev_charge_port_door_is_open": false, "ign3": true, "accessory_on": false, "transmission_condition": true, "sleep_mode_check": false, "sunroof_is_open": false,
			"headlamp_status": true, "turn_signal_left_front": true, "car_battery_percentage": vehicle.Percent(77), "ev_battery_percentage": vehicle.Percent(71),
			"ev_charge_limits_ac": vehicle.Percent(80), "ev_charge_limits_dc": nil, "location_latitude": vehicle.Quantity{Value: 28.6, Unit: vehicle.Degree},
			"location_last_updated_at": time.Date(2026, 8, 3, 14, 45, 0, 0, time.UTC), "is_locked": true,
		})

		// A sparing read without news costs one call.
		s.expect(exchange{call: "GET " + at + "/status/latest", answer: envelope(statusIN("20260803200002"))})
		known = w.cached(v, known, true)
		s.over()

		// A forced one erases nothing, and has the limits, the odometer, the position and the history besides.
		wait(t, time.Minute)
		history := envelope(historyAU)
		s.expect(
			exchange{call: "GET " + at + "/status", headers: authIN, answer: envelope(statusIN("20260803203100"))},
			exchange{call: "GET " + at + "/setting/alert/maintenance", answer: envelope(`{"odometer":12346}`)},
			place(`{"gpsDetail":*}`),
			exchange{call: "GET " + at + "/charge/target", headers: authIN, answer: envelope(`{"targetSOClist":[{"plugType":0,"targetSOClevel":50},{"plugType":0,"targetSOClevel":90},{"plugType":1,"targetSOClevel":70}]}`)},
			exchange{call: "POST " + at + "/drvhistory", headers: authIN, body: `{"periodTarget":…}`, answer: history},
			exchange{call: "POST " + at + "/drvhistory", headers: authIN, body: `{"periodTarget":…}`, answer: history},
		)
		report, err := w.cloud.Force(t.Context(), bluelink.Ask{Vehicle: v, Known: known})
		if err != nil {
			t.Fatal(err)
		}
		s.over()
		state, changes, _ := known.Apply(report, time.Now())
		for _, c := range changes {
			if c.New.Value == nil {
				t.Errorf("%s is erased", c.New.Datum)
			}
		}
		shows(t, state, map[string]any{
			"last_updated_at": time.Date(2026, 8, 3, 15, 1, 0, 0, time.UTC), "odometer": km(12346), "ev_charge_limits_ac": vehicle.Percent(70),
			"ev_charge_limits_dc": vehicle.Percent(90), "total_power_consumed": vehicle.Quantity{Value: 300000, Unit: vehicle.WattHour},
			"total_power_regenerated": vehicle.Quantity{Value: 90000, Unit: vehicle.WattHour},
		})
	})
}

// TestIndia_AFailedPartCostsItself is a pitfall of §4: elsewhere a failing odometer aborts the rest.
func TestIndia_AFailedPartCostsItself(t *testing.T) {
	w, s := playing(t, vehicle.India, vehicle.Hyundai, signedIn("R1"))
	at := hyundaiIN + "/api/v1/spa/vehicles/" + carIN
	s.expect(
		exchange{call: "GET " + at + "/status/latest", answer: envelope(statusIN("20260803200002"))},
		exchange{call: "GET " + at + "/setting/alert/maintenance", status: 503, answer: failureOf("5031", "Service Temporary Unavailable")},
		exchange{call: "GET " + at + "/location/park", answer: failureOf("9999", "Response timeout")},
	)
	state := w.cached(vehicle.Vehicle{ID: "x", CloudID: carIN, Region: vehicle.India, Engine: vehicle.EV}, vehicle.State{}, false)
	s.over()
	shows(t, state, map[string]any{"ev_battery_percentage": vehicle.Percent(71), "odometer": nil, "location_latitude": nil})
}

func TestIndia_SendsCommands(t *testing.T) {
	w, s := playing(t, vehicle.India, vehicle.Hyundai, signedIn("R1"))
	v := vehicle.Vehicle{ID: "x", CloudID: carIN, Region: vehicle.India, Engine: vehicle.EV}
	ccs2 := v
	ccs2.CCS2 = 1
	v1, v2 := hyundaiIN+"/api/v1/spa/vehicles/"+carIN, hyundaiIN+"/api/v2/spa/vehicles/"+carIN
	s.expect(
		exchange{
			call: "POST " + v1 + "/control/engine", headers: authIN, answer: accepted,
			body: `{"action":"start","hvacType":1,"options":{"defrost":true,"heating1":4,"igniOnDuration":10},"tempCode":"13H","unit":"C"}`,
		},
		exchange{call: "PUT " + hyundaiIN + "/api/v1/user/pin?token=", body: `{"deviceId":"device-1","pin":"1234"}`, answer: pinGiven, headers: map[string]string{"Authorization": "Bearer a.j.wt"}},
		exchange{call: "POST " + v2 + "/control/engine", headers: ctrlIN, body: `{"action":"stop"}`, answer: accepted},
		exchange{call: "POST " + v1 + "/control/door", headers: indianHeaders("Bearer a.j.wt", "Ccuccs2protocolsupport", "1"), body: `{"action":"close","deviceId":"device-1"}`, answer: accepted},
		exchange{call: "POST " + v2 + "/control/portdoor", headers: ctrlIN, body: `{"action":"open","deviceID":"device-1"}`, answer: accepted},
		exchange{call: "POST " + v2 + "/control/valet", headers: ctrlIN, body: `{"action":"activate"}`, answer: accepted},
		exchange{call: "POST " + v2 + "/ccs2/control/hornlight", headers: ctrlIN, body: `{"command":"on"}`, answer: accepted},
	)
	start := vehicle.ClimateStart{
		Temperature: vehicle.Some(vehicle.Quantity{Value: 74.3, Unit: vehicle.Fahrenheit}), Defrost: vehicle.Some(true), Heating: vehicle.Some(4), Duration: vehicle.Some(10 * time.Minute),
	}
	for _, c := range []vehicle.Command{start, vehicle.ClimateStop{}} {
		w.send(v, vehicle.State{}, c)
	}
	w.send(ccs2, vehicle.State{}, vehicle.Lock{})
	for _, c := range []vehicle.Command{vehicle.OpenChargePort{}, vehicle.ValetOn{}, vehicle.Hazard{Horn: true}} {
		w.send(v, vehicle.State{}, c)
	}
	s.over()
	if list := india.commandsOf(&v); !slices.Contains(list, "valet-on") || slices.Contains(list, "charging-current") {
		t.Errorf("commands %v", list)
	}
}

// TestIndia_AnotherDeviceForOneThatIsUnknown is §2.5, also where others give up: in the list and with a lock.
func TestIndia_AnotherDeviceForOneThatIsUnknown(t *testing.T) {
	w, s := playing(t, vehicle.India, vehicle.Hyundai, signedIn("R1"))
	s.expect(
		exchange{call: "GET " + hyundaiIN + "/api/v1/spa/vehicles", headers: authIN, status: http.StatusBadRequest, answer: failureOf("4002", "Invalid request body - Invalid deviceId.")},
		exchange{call: "POST " + hyundaiIN + "/api/v1/spa/notifications/register", body: `{"pushRegId":"…","pushType":"GCM","uuid":"…"}`, answer: envelope(`{"deviceId":"device-2"}`)},
		exchange{call: "GET " + hyundaiIN + "/api/v1/spa/vehicles", headers: indianHeaders("Bearer a.j.wt", "ccsp-device-id", "device-2"), answer: envelope(`{"vehicles":[]}`)},
		exchange{
			call: "POST " + hyundaiIN + "/api/v1/spa/vehicles/" + carIN + "/control/door", body: `{"action":"close","deviceId":"device-2"}`, status: http.StatusBadRequest,
			answer: failureOf("4002", "Invalid request body - Invalid deviceId."),
		},
		exchange{call: "POST " + hyundaiIN + "/api/v1/spa/notifications/register", body: `{"pushRegId":"…","pushType":"GCM","uuid":"…"}`, answer: envelope(`{"deviceId":"device-3"}`)},
		exchange{call: "POST " + hyundaiIN + "/api/v1/spa/vehicles/" + carIN + "/control/door", body: `{"action":"close","deviceId":"device-3"}`, answer: accepted},
	)
	if _, err := w.cloud.Vehicles(t.Context()); err != nil {
		t.Error(err)
	}
	w.send(vehicle.Vehicle{ID: "x", CloudID: carIN, Region: vehicle.India}, vehicle.State{}, vehicle.Lock{})
	s.over()
}
