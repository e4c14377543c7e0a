package ccapi

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/cloudtest"
	"github.com/bluelink2mqtt/bluelink2mqtt/sim"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// believe applies a report as the client does.
func believe(known vehicle.State, report vehicle.Report) vehicle.State {
	next, _, _ := known.Apply(report, time.Now())
	return next
}

// cached reads a car and believes the report.
func (w *world) cached(v vehicle.Vehicle, known vehicle.State, sparing bool) vehicle.State {
	w.t.Helper()
	report, err := w.cloud.Cached(w.t.Context(), bluelink.Ask{Vehicle: v, Known: known, Sparing: sparing})
	if err != nil {
		w.t.Fatal(err)
	}
	return believe(known, report)
}

func TestVehicles_AreThoseOfTheAccount(t *testing.T) {
	for _, brand := range brands {
		w := newWorld(t, brand, sim.Options{Parked: true})
		want := map[string]sim.Vehicle{}
		for _, v := range w.Sim.Vehicles() {
			if v.Region == "eu" && v.Brand == brand.String() {
				want[v.ID] = v
			}
		}
		cars := w.cars()
		if len(cars) != len(want) {
			t.Fatalf("%d cars, want %d", len(cars), len(want))
		}
		for _, v := range cars {
			s := want[v.CloudID]
			if v.VIN.Full() != s.VIN || v.Model != s.Model || v.Year != s.Year || v.Protocol() != s.Protocol || !strings.EqualFold(v.Engine.String(), s.Engine) ||
				v.Brand != brand || v.Region != vehicle.Europe || v.Name == "" || v.ID != vehicle.NewID(vehicle.VIN(s.VIN), 0, 0, "") {
				t.Errorf("%+v, want %+v", v, s)
			}
			if !slices.Contains(v.Capabilities.Commands, "refresh") {
				t.Errorf("%s accepts %v", v.ID, v.Capabilities.Commands)
			}
		}
	}
}

func TestVehicles_DamagedEntryCostsItsOwnCar(t *testing.T) {
	entry := func(more string) string {
		return `{"vin":"KNAXXXXXXX0000001","vehicleId":"id-1","vehicleName":"EV6","type":"EV","nickname":"","year":"2024","regDate":"2024-02-01"` + more + `}`
	}
	for name, test := range map[string]struct {
		list string
		want []string // cloud id, form, engine, name
	}{
		"absent flag":       {entry(``), []string{"id-1 flat ev EV6"}},
		"null flag":         {entry(`,"ccuCCS2ProtocolSupport":null`), []string{"id-1 flat ev EV6"}},
		"flag 2":            {entry(`,"ccuCCS2ProtocolSupport":2`), []string{"id-1 ccs2 ev EV6"}},
		"flag in text":      {entry(`,"ccuCCS2ProtocolSupport":"1"`), []string{"id-1 ccs2 ev EV6"}},
		"flag true":         {entry(`,"ccuCCS2ProtocolSupport":true`), []string{"id-1 ccs2 ev EV6"}},
		"flag of words":     {entry(`,"ccuCCS2ProtocolSupport":"yes"`), []string{"id-1 flat ev EV6"}},
		"flag of an object": {entry(`,"ccuCCS2ProtocolSupport":{"a":1}`), []string{"id-1 flat ev EV6"}},
		"neighbours stay": {
			`null,7,"x",[],{},{"vehicleId":null,"vin":"A"},` + entry(``) + `,{"vehicleId":"id-2","type":7,"vin":[],"vehicleName":"Ceed"}`,
			[]string{"id-1 flat ev EV6", "id-2 flat unknown Ceed"},
		},
		"same car twice": {entry(``) + `,` + entry(``), []string{"id-1 flat ev EV6"}},
		"engine codes": {
			`{"vehicleId":"1","type":"GN"},{"vehicleId":"2","type":"PE"},{"vehicleId":"3","type":"PHEV"},{"vehicleId":"4","type":"HV"},{"vehicleId":5,"type":"H2"}`,
			[]string{"1 flat ice ", "2 flat phev ", "3 flat phev ", "4 flat hev ", "5 flat unknown "},
		},
		"no cars": {``, nil},
	} {
		w := scripted(t, func(r *http.Request) (*http.Response, error) {
			return answerWith(r, 200, `{"retCode":"S","resCode":"0000","resMsg":{"vehicles":[`+test.list+`]}}`), nil
		})
		var got []string
		for _, v := range w.cars() {
			got = append(got, fmt.Sprintf("%s %s %s %s", v.CloudID, v.Protocol(), v.Engine, v.Name))
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
	w := scripted(t, func(r *http.Request) (*http.Response, error) {
		return answerWith(r, 200, `{"retCode":"S","resCode":"0000","resMsg":{"vehicles":{}}}`), nil
	})
	_, err := w.cloud.Vehicles(t.Context())
	mustBe(t, err, bluelink.ErrBadResponse)
}

// TestCached_MakesTheCallsOfThePage holds docs/protocol/europe.md §4.1.
func TestCached_MakesTheCallsOfThePage(t *testing.T) {
	w := newWorld(t, vehicle.Kia, sim.Options{Parked: true})
	for _, v := range w.cars() {
		w.calls.reset()
		state := w.cached(v, vehicle.State{}, false)
		want := "1 read parked position, 1 read status"
		if v.Engine == vehicle.EV || v.Engine == vehicle.PHEV {
			want = "2 read energy history, " + want
		}
		if got := w.calls.ops(); got != want {
			t.Errorf("%s %s: %s, want %s", v.Engine, v.Protocol(), got, want)
		}
		_, consumed := vehicle.TotalConsumed.Of(state)
		if _, ok := vehicle.Latitude.Of(state); !ok || consumed != fedAndElectric(&v) || state.ReportedAt().IsZero() {
			t.Errorf("%s %s: position %t, history %t, reported %s", v.Engine, v.Protocol(), ok, consumed, state.ReportedAt())
		}
		for _, call := range w.calls.calls {
			if call.Kind != bluelink.CallRead || call.Vehicle != v.ID || call.Account != "test" {
				t.Errorf("call %+v, want a read about %s", call, v.ID)
			}
		}
	}
	for _, view := range w.VehicleViews() {
		if view.Wakes != 0 {
			t.Errorf("%s was woken by a read", view.Model)
		}
	}
}

// TestCalls_CountAsTheCloudCounts compares the hook's book with the simulator's after everything that a client does.
func TestCalls_CountAsTheCloudCounts(t *testing.T) {
	for _, brand := range brands {
		w := newWorld(t, brand, sim.Options{Parked: true, LatencyForce: time.Millisecond})
		for _, v := range w.cars() {
			state := w.cached(v, vehicle.State{}, false)
			if v.CCS2 == 0 { // a CCS2 car takes seconds: TestForceCCS2
				if _, err := w.cloud.Force(t.Context(), bluelink.Ask{Vehicle: v, Known: state}); err != nil {
					t.Fatal(err)
				}
			}
		}
		w.tokens.expire()
		w.open()
		w.fault("invalid-device,count=1")
		w.cars()
		ours, theirs := map[string]int64{}, map[string]int64{}
		for _, call := range w.calls.calls {
			ours[string(call.Kind)]++
		}
		for _, line := range w.Calls() {
			theirs[line.Kind] += line.Count
		}
		if !maps.Equal(ours, theirs) {
			t.Errorf("%s: we counted %v, the cloud %v", brand, ours, theirs)
		}
		for _, kind := range []bluelink.CallKind{bluelink.CallRead, bluelink.CallWake, bluelink.CallLogin, bluelink.CallRenew, bluelink.CallRegister} {
			if ours[string(kind)] == 0 {
				t.Errorf("%s: no call of kind %s", brand, kind)
			}
		}
	}
}

// TestCached_SparingAsksOnlyForNews holds "the status alone; position when the report time moved, energy history after a
// drive and at most every 6 h".
func TestCached_SparingAsksOnlyForNews(t *testing.T) {
	const nothing, place, everything = "1 read status", "1 read parked position, 1 read status", "2 read energy history, 1 read parked position, 1 read status"
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, vehicle.Kia, sim.Options{Parked: true})
		v := w.car("ccs2", vehicle.EV)
		var state vehicle.State
		step := func(what string, want string) {
			t.Helper()
			w.calls.reset()
			state = w.cached(v, state, true)
			if got := w.calls.ops(); got != want {
				t.Errorf("%s: %s, want %s", what, got, want)
			}
		}
		drive := func(km float64) {
			t.Helper()
			odometer, _ := vehicle.Odometer.Of(state)
			if err := w.SetVehicle(v.CloudID, map[string]any{"odometer_km": odometer.Value + km, "report": true}); err != nil {
				t.Fatal(err)
			}
		}
		step("nothing known", everything)
		step("nothing new", nothing)
		if _, ok := vehicle.Latitude.Of(state); !ok {
			t.Error("the position got lost")
		}
		wait(t, time.Minute)
		drive(0)
		step("a report without a drive", place)
		wait(t, time.Minute)
		drive(12)
		step("a drive soon after", place)
		wait(t, 7*time.Hour)
		step("6 h after the last history, as there was a drive", "2 read energy history, 1 read status")
		wait(t, 7*time.Hour)
		step("7 h later without a drive", nothing)
		wait(t, time.Minute)
		drive(5)
		step("a drive", everything)
		w.open() // a restart, with what was stored
		wait(t, 7*time.Hour)
		step("after a restart it may have been driven", "2 read energy history, 1 read status")
		step("but once", nothing)
		w.fault("status=500,path=*/drvhistory")
		wait(t, 7*time.Hour)
		drive(5)
		w.cars() // the token's day is over
		step("a history that fails", everything)
		wait(t, time.Hour)
		step("is not asked for again at once", nothing)
		wait(t, 6*time.Hour)
		step("but later", "2 read energy history, 1 read status")
	})
}

func TestCached_PrefersTheParkedPosition(t *testing.T) {
	const park = `{"retCode":"S","resMsg":{"coord":{"lat":48.1,"lon":11.5,"alt":500,"type":0},"head":90,"speed":{"value":0,"unit":0},"time":"20260703084056"}}`
	read := func(t *testing.T, known vehicle.State, parked string) vehicle.State {
		w := scripted(t, func(r *http.Request) (*http.Response, error) {
			switch {
			case strings.HasSuffix(r.URL.Path, "/ccs2/carstatus/latest"):
				if got := r.Header.Get("Ccuccs2protocolsupport"); got != "1" {
					t.Errorf("status asked with %q", got)
				}
				return answerWith(r, 200, `{"retCode":"S","resMsg":{"state":{"Vehicle":`+minimalTree+`}}}`), nil
			case strings.HasSuffix(r.URL.Path, "/location/park"):
				if got := r.Header.Get("Ccuccs2protocolsupport"); got != "0" {
					t.Errorf("position asked with %q", got)
				}
				return answerWith(r, 200, parked), nil
			}
			return answerWith(r, 503, ""), nil
		})
		v := vehicle.Vehicle{ID: "x", CloudID: "id", CCS2: 1, Engine: vehicle.ICE}
		return w.cached(v, known, false)
	}
	where := func(state vehicle.State) (lat float64) {
		q, _ := vehicle.Latitude.Of(state)
		return q.Value
	}
	taken := time.Date(2026, 7, 3, 6, 40, 56, 0, time.UTC) // Berlin's 08:40:56
	for name, text := range map[string]string{"bare": park, "inside": strings.Replace(strings.Replace(park, `{"coord"`, `{"gpsDetail":{"coord"`, 1), `}}`, `}}}`, 1)} {
		state := read(t, vehicle.State{}, text)
		if at, _ := vehicle.LocationUpdatedAt.Of(state); where(state) != 48.1 || !at.Equal(taken) {
			t.Errorf("%s: %v at %s", name, where(state), at)
		}
	}
	for name, text := range map[string]string{
		"failure": `{"retCode":"F","resCode":"5031","resMsg":"x"}`, "no position": strings.Replace(park, "48.1", "0", 1), "junk": `[]`,
	} {
		if got := where(read(t, vehicle.State{}, text)); got != 52.52 {
			t.Errorf("%s and nothing known: %v, want the tree's", name, got)
		}
		if got := where(read(t, read(t, vehicle.State{}, park), text)); got != 48.1 {
			t.Errorf("%s and a position known: %v, want that", name, got)
		}
	}
}

func TestHistory_ReadsTheAnswersOfThePage(t *testing.T) {
	const all = `{"retCode":"S","resMsg":{"drivingInfo":[{"drivingPeriod":0,"totalPwrCsp":370723,"regenPwr":119235,"calculativeOdo":2768}],"drivingInfoDetail":[]}}`
	const month = `{"retCode":"S","resMsg":{"drivingInfo":[{"drivingPeriod":1,"totalPwrCsp":1,"calculativeOdo":1},{"drivingPeriod":0,"totalPwrCsp":3701,"%s":20}],
 "drivingInfoDetail":[{"drivingDate":"20260501","totalPwrCsp":1000,"calculativeOdo":5},{"drivingDate":"x"},7,{"drivingDate":"20260502","totalPwrCsp":2051,"motorPwrCsp":1654,"climatePwrCsp":197,"eDPwrCsp":200,"batteryMgPwrCsp":0,"regenPwr":1121,"%s":16},
 {"drivingDate":"20260503","totalPwrCsp":{}}]}}`
	read := func(t *testing.T, all, month string, unit vehicle.Unit) map[string]any {
		w := scripted(t, func(r *http.Request) (*http.Response, error) {
			body := make([]byte, 64)
			n, _ := r.Body.Read(body)
			if r.Method != http.MethodPost || r.Header.Get("Ccuccs2protocolsupport") != "1" {
				t.Errorf("%s with %q", r.Method, r.Header.Get("Ccuccs2protocolsupport"))
			}
			if string(body[:n]) == `{"periodTarget":1}` {
				return answerWith(r, 200, all), nil
			}
			return answerWith(r, 200, month), nil
		})
		report, err := w.cloud.(*cloud).readHistory(t.Context(), &vehicle.Vehicle{ID: "x", CloudID: "id", CCS2: 1, Engine: vehicle.EV}, unit)
		if err != nil {
			t.Fatal(err)
		}
		values := map[string]any{}
		for reading := range believe(vehicle.State{}, report).All() {
			values[reading.Datum.Key] = reading.Value
		}
		return values
	}
	quantity := func(n float64, u vehicle.Unit) vehicle.Quantity { return vehicle.Quantity{Value: n, Unit: u} }
	want := map[string]any{
		"total_power_consumed": quantity(370723, vehicle.WattHour), "total_power_regenerated": quantity(119235, vehicle.WattHour),
		"power_consumption_30d": quantity(185, vehicle.WattHourPerKilometre),
		"daily_stats": []vehicle.DailyStats{
			{Date: "2026-05-02", Total: 2051, Engine: 1654, Climate: 197, Electronics: 200, Regenerated: 1121, Distance: km(16)},
			{Date: "2026-05-01", Total: 1000, Distance: km(5)},
		},
	}
	for _, spelling := range []string{"calculativeOdo", "calculativeodo", "CalculativeODO"} {
		compare(t, spelling, read(t, all, fmt.Sprintf(month, spelling, spelling), vehicle.Kilometre), want)
	}
	if got := read(t, all, fmt.Sprintf(month, "calculativeOdo", "calculativeOdo"), vehicle.Mile)["power_consumption_30d"]; got != quantity(185, vehicle.WattHourPerMile) {
		t.Errorf("with an odometer in miles: %v", got)
	}
	for name, empty := range map[string]string{
		"only a period": `{"retCode":"S","resMsg":{"drivingInfo":[{"drivingPeriod":0}],"drivingInfoDetail":[]}}`,
		"no entry":      `{"retCode":"S","resMsg":{"drivingInfo":[]}}`, "no message": `{"retCode":"S"}`, "junk": `{"retCode":"S","resMsg":{"drivingInfo":7}}`,
	} {
		if got := read(t, empty, fmt.Sprintf(month, "calculativeOdo", "calculativeOdo"), vehicle.Kilometre); len(got) != 0 {
			t.Errorf("%s: %v, want nothing", name, got)
		}
		delete(want, "daily_stats")
		delete(want, "power_consumption_30d")
		compare(t, name, read(t, all, empty, vehicle.Kilometre), want)
	}
}

// TestCached_EmptyAnswersNeverErase lets a cloud answer without a status.
func TestCached_EmptyAnswersNeverErase(t *testing.T) {
	for body, want := range map[string]error{
		`{"retCode":"S","resMsg":{"state":{"Vehicle":null}}}`:                      bluelink.ErrNoData,
		`{"retCode":"S","resMsg":{"state":{"Vehicle":{}}}}`:                        bluelink.ErrNoData,
		`{"retCode":"S","resMsg":{"state":{"Vehicle":{"Date":"20260703064053"}}}}`: bluelink.ErrNoData,
		`{"retCode":"S","resMsg":{"state":{}}}`:                                    bluelink.ErrBadResponse,
		`{"retCode":"S","resMsg":{"state":{"Vehicle":"x"}}}`:                       bluelink.ErrBadResponse,
		`{"retCode":"S","resMsg":null}`:                                            bluelink.ErrBadResponse,
		`{"retCode":"S"}`:                                                          bluelink.ErrBadResponse,
		`{"retCode":"S","resMsg":[{}]}`:                                            bluelink.ErrBadResponse,
	} {
		w := scripted(t, func(r *http.Request) (*http.Response, error) { return answerWith(r, 200, body), nil })
		report, err := w.cloud.Cached(t.Context(), bluelink.Ask{Vehicle: vehicle.Vehicle{ID: "x", CloudID: "id", CCS2: 1}})
		mustBe(t, err, want)
		if len(report.Observations) != 0 {
			t.Errorf("%s: %d observations", body, len(report.Observations))
		}
	}
}

// TestCached_WrongTypesCostNoMoreThanData lets the simulator bend every answer.
func TestCached_WrongTypesCostNoMoreThanData(t *testing.T) {
	w := newWorld(t, vehicle.Kia, sim.Options{Parked: true})
	cars := w.cars()
	w.fault("wrong-types,path=*/carstatus/latest")
	w.fault("wrong-types,path=*/status/latest")
	w.fault("wrong-types,path=*/drvhistory")
	w.fault("wrong-types,path=*/location/park")
	for _, v := range cars {
		report, err := w.cloud.Cached(t.Context(), bluelink.Ask{Vehicle: v})
		if err != nil {
			if reason := bluelink.Reason(err); reason != vehicle.CloudChanged && reason != vehicle.Unsupported {
				t.Errorf("%s: %v", v.Protocol(), err)
			}
			continue
		}
		cloudtest.Sane(t, report)
	}
}
