package ccapi

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/sim"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// The failure classes of data, cars and accounts (docs/resilience.md) that this family can show.

// moment is a time of day in UTC on one of the switch nights.
func moment(text string) time.Time {
	at, err := time.Parse("2006-01-02 15:04", text)
	if err != nil {
		panic(err)
	}
	return at
}

// stateOf is a state in which the car last reported at a moment.
func stateOf(reported time.Time) vehicle.State {
	r := vehicle.Report{Reported: reported}
	vehicle.LastUpdatedAt.Set(&r, reported, "")
	s, _, _ := vehicle.State{}.Apply(r, reported)
	return s
}

func TestClocks_ReadTheHoursOfBothSwitchNights(t *testing.T) {
	berlin, sydney, brasilia := dialects[vehicle.Europe].zone, dialects[vehicle.Australia].zone, dialects[vehicle.Brazil].zone
	for name, c := range map[string]struct {
		zone             *time.Location
		shown            string
		known, now, want string
	}{
		"Berlin, before it skips an hour":       {berlin, "2026-03-29 01:59", "", "", "2026-03-29 00:59"},
		"Berlin, after the skipped hour":        {berlin, "2026-03-29 03:00", "", "", "2026-03-29 01:00"},
		"Berlin, in it: not yet changed":        {berlin, "2026-03-29 02:30", "", "", "2026-03-29 01:30"},
		"Berlin, in it, which is still to come": {berlin, "2026-03-29 02:30", "", "2026-03-29 01:00", "2026-03-29 00:30"},
		"Berlin, before an hour comes twice":    {berlin, "2026-10-25 01:59", "", "", "2026-10-24 23:59"},
		"Berlin, after the double hour":         {berlin, "2026-10-25 03:00", "", "", "2026-10-25 02:00"},
		"Berlin, twice: not yet changed":        {berlin, "2026-10-25 02:30", "", "", "2026-10-25 00:30"},
		"Berlin, twice, newer than known":       {berlin, "2026-10-25 02:30", "2026-10-25 00:20", "2026-10-25 01:40", "2026-10-25 00:30"},
		"Berlin, twice, the first is too old":   {berlin, "2026-10-25 02:30", "2026-10-25 00:45", "2026-10-25 01:40", "2026-10-25 01:30"},
		"Berlin, twice, neither can be":         {berlin, "2026-10-25 02:30", "2026-10-25 00:45", "2026-10-25 01:10", "2026-10-25 00:30"},
		"Berlin, any other day":                 {berlin, "2026-10-26 02:30", "2026-10-27 00:00", "2026-10-25 00:00", "2026-10-26 01:30"},
		"Sydney, skipped":                       {sydney, "2026-10-04 02:30", "", "", "2026-10-03 16:30"},
		"Sydney, before an hour comes twice":    {sydney, "2026-04-05 01:59", "", "", "2026-04-04 14:59"},
		"Sydney, twice: not yet changed":        {sydney, "2026-04-05 02:30", "", "", "2026-04-04 15:30"},
		"Sydney, twice, the first is too old":   {sydney, "2026-04-05 02:30", "2026-04-04 15:31", "2026-04-04 17:00", "2026-04-04 16:30"},
		"Brazil, which switches no more":        {brasilia, "2026-10-25 02:30", "", "", "2026-10-25 05:30"},
		"UTC":                                   {time.UTC, "2026-10-25 02:30", "", "", "2026-10-25 02:30"},
	} {
		cl := clock{zone: c.zone}
		if c.known != "" {
			cl.known = stateOf(moment(c.known))
		}
		if c.now != "" {
			cl.now = moment(c.now)
		}
		if got := cl.at(moment(c.shown), vehicle.LastUpdatedAt); !got.Equal(moment(c.want)) {
			t.Errorf("%s: %s is %s, want %s", name, c.shown, got.Format("2006-01-02 15:04"), c.want)
		}
	}
}

// TestClocks_ReportsOfTheSwitchNightsStayInOrder lets a car report all night, each report read soon after it was made: no
// report is lost as older, and none is taken for another moment than its own.
func TestClocks_ReportsOfTheSwitchNightsStayInOrder(t *testing.T) {
	zone := dialects[vehicle.Europe].zone
	for _, night := range []string{"2026-03-28 22:00", "2026-10-24 22:00"} {
		var state vehicle.State
		for minutes := 0; minutes < 6*60; minutes += 7 {
			made := moment(night).Add(time.Duration(minutes) * time.Minute)
			text := fmt.Sprintf(`{"vehicleStatus":{"time":"%s","engine":false}}`, made.In(zone).Format(compact))
			root, _ := parse([]byte(text))
			r := vehicle.Report{Source: "status/latest"}
			decodeFlat(&dialects[vehicle.Europe].format, root, clock{zone, state, made.Add(time.Minute)}, &r)
			var refusals []vehicle.Refusal
			state, _, refusals = state.Apply(r, made.Add(time.Minute))
			if !state.ReportedAt().Equal(made) || len(refusals) > 0 {
				t.Fatalf("the report of %s is taken for %s; refused %v", made, state.ReportedAt(), refusals)
			}
		}
	}
}

// TestClocks_CarsOfTwoZonesKeepTheirOwn reads two cars in turn: neither learns its zone from the other.
func TestClocks_CarsOfTwoZonesKeepTheirOwn(t *testing.T) {
	const europe, australia = `{"vehicleStatus":{"time":"20260703084053","engine":false}}`, `{"status":{"time":"20260703084053","engine":false}}`
	for range 3 {
		for region, c := range map[vehicle.Region]struct{ text, want string }{
			vehicle.Europe: {europe, "2026-07-03 06:40"}, vehicle.Australia: {australia, "2026-07-02 22:40"},
		} {
			report, err := Decode(region, "flat", vehicle.EV, []byte(c.text))
			if err != nil {
				t.Fatal(err)
			}
			if got := report.Reported.Format("2006-01-02 15:04"); got != c.want {
				t.Errorf("%s: %s, want %s", region, got, c.want)
			}
		}
	}
}

func TestCached_ChargeOfZeroIsBelievedOnlyWhenTheCarSaysSoTwice(t *testing.T) {
	for _, form := range []string{"flat", "ccs2"} {
		inBubble(t, func(t *testing.T) {
			w := newWorld(t, vehicle.Kia, sim.Options{Parked: true})
			v := w.car(form, vehicle.EV)
			set := func(values map[string]any) {
				t.Helper()
				values["report"] = true
				if err := w.SetVehicle(v.CloudID, values); err != nil {
					t.Fatal(err)
				}
			}
			set(map[string]any{"soc_percent": 60})
			state := w.cached(v, vehicle.State{}, false)
			wait(t, 15*time.Minute)
			set(map[string]any{"soc_percent": 0})
			for range 3 { // however often the same report is read
				state = w.cached(v, state, false)
				if r := state.Read(vehicle.SoC.Datum); r.Value != nil || r.Last != vehicle.Percent(60) {
					t.Fatalf("%s: %v, last %v", form, r.Value, r.Last)
				}
			}
			wait(t, time.Minute)
			set(map[string]any{"soc_percent": 0})
			state = w.cached(v, state, false)
			if got, known := vehicle.SoC.Of(state); !known || got != 0 {
				t.Errorf("%s: %v (known %t) after the second report", form, got, known)
			}
		})
	}
}

// TestCached_BlankStatusIsAnOutage lets a cloud answer with the defaults of a car that it does not know.
func TestCached_BlankStatusIsAnOutage(t *testing.T) {
	for name, status := range map[string]string{
		"ccs2": `{"state":{"Vehicle":{"Date":"20260703064053","DrivingReady":0,"Drivetrain":{"Odometer":0,"FuelSystem":{"FuelLevel":0,"DTE":{"Total":0,"Unit":1}}},
 "Electronics":{"Battery":{"Level":0}},"Green":{"BatteryManagement":{"BatteryRemain":{"Ratio":0}}},"Location":{"GeoCoord":{"Latitude":0,"Longitude":0}}}}}`,
		"flat": `{"vehicleStatusInfo":{"vehicleStatus":{"time":"20260703084053","engine":false,"doorLock":false,"battery":{"batSoc":0},
 "evStatus":{"batteryStatus":0,"drvDistance":[{"rangeByFuel":{"evModeRange":{"value":0,"unit":1}}}]}},"vehicleLocation":{"coord":{"lat":0,"lon":0}},"odometer":{"value":0,"unit":1}}}`,
	} {
		w := scripted(t, func(r *http.Request) (*http.Response, error) {
			return answerWith(r, 200, `{"retCode":"S","resCode":"0000","resMsg":`+status+`}`), nil
		})
		v := vehicle.Vehicle{ID: "x", CloudID: "id", Engine: vehicle.EV}
		if name == "ccs2" {
			v.CCS2 = 1
		}
		_, err := w.cloud.Cached(t.Context(), bluelink.Ask{Vehicle: v})
		if !errors.Is(err, bluelink.ErrUnavailable) || !strings.Contains(err.Error(), blankStatus) {
			t.Errorf("%s: %v", name, err)
		}
	}
	w := scripted(t, func(r *http.Request) (*http.Response, error) {
		return answerWith(r, 200, `{"retCode":"S","resMsg":{"time":"20260703084053","doorLock":false,"engine":false,"battery":{"batSoc":0},
 "evStatus":{"batteryStatus":0,"drvDistance":[{"rangeByFuel":{"evModeRange":{"value":0,"unit":1}}}]}}}`), nil
	})
	_, err := w.cloud.Force(t.Context(), bluelink.Ask{Vehicle: vehicle.Vehicle{ID: "x", CloudID: "id", Engine: vehicle.EV}})
	if !errors.Is(err, bluelink.ErrUnavailable) || !strings.Contains(err.Error(), blankStatus) {
		t.Errorf("forced: %v", err)
	}
}

// TestDecode_UnsetTimersAndDaysAreNotSet holds the wire's ways to say "never set".
func TestDecode_UnsetTimersAndDaysAreNotSet(t *testing.T) {
	got, refused := believed(t, "ccs2", vehicle.EV, in("Green.Reservation.OffPeakTime", `{"StartHour":31,"StartMin":70,"EndHour":31,"EndMin":63,"Mode":0}`))
	if len(got) != 1 || !slices.Equal(refused, []string{"ev_off_peak_start_time: sentinel", "ev_off_peak_end_time: sentinel"}) {
		t.Errorf("believed %v, refused %v", got, refused)
	}
	got, refused = believed(t, "flat", vehicle.EV, in("vehicleStatus.evStatus.reservChargeInfos.reservChargeInfo.reservChargeInfoDetail.reservInfo",
		`{"day":[9],"time":{"time":"0000","timeSection":0}}`))
	if days, ok := got["ev_first_departure_days"].(vehicle.Days); !ok || len(days) != 0 || got["ev_first_departure_time"] != nil {
		t.Errorf("believed %v, refused %v", got, refused)
	}
}

func TestDecode_CarWithoutElectricPartIsSilent(t *testing.T) {
	for form, text := range map[string]string{
		"flat": `{"vehicleStatus":{"time":"20260703084053","engine":false,"doorLock":true,"fuelLevel":40},"odometer":{"value":1000,"unit":1}}`,
		"ccs2": `{"Date":"20260703064053","DrivingReady":0,"Drivetrain":{"Odometer":1000,"FuelSystem":{"FuelLevel":40,"DTE":{"Total":300,"Unit":1}}}}`,
	} {
		for _, engine := range []vehicle.Engine{vehicle.ICE, vehicle.HEV, vehicle.PHEV, vehicle.EngineUnknown} {
			got, refused := believed(t, form, engine, text)
			if len(refused) > 0 || got["fuel_level"] != vehicle.Percent(40) {
				t.Errorf("%s %s: believed %v, refused %v", form, engine, got, refused)
			}
			for key := range got {
				if strings.HasPrefix(key, "ev_") {
					t.Errorf("%s %s: %s is %v", form, engine, key, got[key])
				}
			}
		}
	}
}

func TestDecode_NumbersInTextAreNumbers(t *testing.T) {
	got, refused := believed(t, "ccs2", vehicle.EV, `{"Drivetrain":{"Odometer":"1000.5"},"Electronics":{"Battery":{"Level":"80"}},
 "Green":{"BatteryManagement":{"BatteryRemain":{"Ratio":" 64.5 "}},"ChargingInformation":{"TargetSoC":{"Standard":"80"}}},
 "Cabin":{"HVAC":{"Row1":{"Driver":{"Temperature":{"Value":"23.0","Unit":0}}}}}}`)
	compare(t, "text", got, map[string]any{
		"odometer": km(1000.5), "car_battery_percentage": vehicle.Percent(80), "ev_battery_percentage": vehicle.Percent(64.5),
		"ev_charge_limits_ac": vehicle.Percent(80), "air_temperature": vehicle.Quantity{Value: 23, Unit: vehicle.Celsius},
	})
	if len(refused) > 0 {
		t.Errorf("refused %v", refused)
	}
}

func TestVehicles_ModelYearAndDateMayBeMissing(t *testing.T) {
	w := scripted(t, func(r *http.Request) (*http.Response, error) {
		return answerWith(r, 200, `{"retCode":"S","resMsg":{"vehicles":[{"vehicleId":"a","vin":"KNAXXXXXXX0000001"},
 {"vehicleId":"b","vin":"KNAXXXXXXX0000002","year":"","vehicleName":null,"regDate":"","nickname":null},{"vehicleId":"c","vin":"KNAXXXXXXX0000003","year":"20x6"}]}}`), nil
	})
	cars := w.cars()
	if len(cars) != 3 {
		t.Fatalf("%d cars", len(cars))
	}
	for _, v := range cars {
		if v.Model != "" || v.Year != 0 || v.Registered != "" || v.ID == "" {
			t.Errorf("%+v", v)
		}
	}
}

func TestCached_PositionThatFailsLeavesTheRestAndTheLastOne(t *testing.T) {
	for _, fault := range []string{"status=500", "no-data", "reset", "html", "empty"} {
		w := newWorld(t, vehicle.Kia, sim.Options{Parked: true})
		for _, v := range w.cars() {
			known := w.cached(v, vehicle.State{}, false)
			before, _ := vehicle.Latitude.Of(known)
			w.fault(fault + ",path=*/location/park")
			state := w.cached(v, known, false)
			if got, ok := vehicle.Latitude.Of(state); v.CCS2 != 0 && (!ok || got != before) {
				t.Errorf("%s %s: latitude %v, was %v", fault, v.Protocol(), got, before)
			}
			if _, ok := vehicle.Odometer.Of(state); !ok || state.FetchedAt().Before(known.FetchedAt()) {
				t.Errorf("%s %s: the status was not believed", fault, v.Protocol())
			}
			w.ClearFaults()
		}
	}
}

// TestCars_SoldOneFailsAlone holds that a car of which the cloud knows nothing any more, though it is still in the list,
// costs the others nothing.
func TestCars_SoldOneFailsAlone(t *testing.T) {
	for fault, want := range map[string]error{"no-data": bluelink.ErrNoData, "status=502": bluelink.ErrUnavailable} {
		w := newWorld(t, vehicle.Kia, sim.Options{Parked: true})
		cars := w.cars()
		sold := cars[0]
		w.calls.reset()
		w.fault(fault + ",path=*/" + sold.CloudID + "/*")
		for range 3 {
			for _, v := range cars {
				_, err := w.cloud.Cached(t.Context(), bluelink.Ask{Vehicle: v})
				if v.ID == sold.ID {
					mustBe(t, err, want)
				} else if err != nil {
					t.Errorf("%s: %s fails too: %v", fault, v.ID, err)
				}
			}
		}
		if got := w.cars(); len(got) != len(cars) {
			t.Errorf("%s: %d cars of %d are left", fault, len(got), len(cars))
		}
		if n := w.calls.count(bluelink.CallLogin) + w.calls.count(bluelink.CallRegister); n > 0 {
			t.Errorf("%s: %d calls to sign in or register", fault, n)
		}
	}
}

// TestCars_SharedOneWithoutRightToWakeIsReadable refuses the wake of a shared car; which answer a cloud gives then is not
// known, so any refusal will do.
func TestCars_SharedOneWithoutRightToWakeIsReadable(t *testing.T) {
	w := newWorld(t, vehicle.Kia, sim.Options{Parked: true})
	v := w.car("ccs2", vehicle.EV)
	for _, refusal := range []string{"status=400", "no-data", "busy"} {
		w.fault(refusal + ",path=*/" + v.CloudID + "/ccs2/carstatus")
		known := w.cached(v, vehicle.State{}, false)
		_, err := w.cloud.Force(t.Context(), bluelink.Ask{Vehicle: v, Known: known})
		if err == nil || errors.Is(err, bluelink.ErrCredentials) || errors.Is(err, bluelink.ErrBlocked) {
			t.Errorf("%s: %v", refusal, err)
		}
		w.cached(v, known, false)
		w.ClearFaults()
	}
}

// TestCars_CallsNameTheirOwnCar holds that whatever is asked about one car reaches no other, whichever stands first in the
// list.
func TestCars_CallsNameTheirOwnCar(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, vehicle.Kia, sim.Options{Parked: true, LatencyForce: time.Second})
		cars := w.cars()
		for n, v := range cars {
			wait(t, time.Hour)
			before := w.VehicleViews()
			known := w.cached(v, vehicle.State{}, false)
			w.calls.reset()
			if _, err := w.cloud.Force(t.Context(), bluelink.Ask{Vehicle: v, Known: known}); err != nil {
				t.Fatal(err)
			}
			for i, view := range w.VehicleViews() {
				woken := view.Wakes - before[i].Wakes
				if mine := view.ID == v.CloudID; mine != (woken > 0) {
					t.Errorf("car %d: %s was woken %d times", n, view.ID, woken)
				}
			}
			for _, call := range w.calls.calls {
				if call.Vehicle != v.ID {
					t.Errorf("car %d: %s is booked on %s", n, call.Op, call.Vehicle)
				}
			}
		}
	})
}

// TestCars_AnotherCloudIDIsTheSameCar holds that the VIN says which car it is.
func TestCars_AnotherCloudIDIsTheSameCar(t *testing.T) {
	id := "first"
	w := scripted(t, func(r *http.Request) (*http.Response, error) {
		return answerWith(r, 200, `{"retCode":"S","resMsg":{"vehicles":[{"vehicleId":"`+id+`","vin":"KNAXXXXXXX0000001"}]}}`), nil
	})
	before := w.cars()[0]
	id = "second"
	if after := w.cars()[0]; after.ID != before.ID || after.CloudID != "second" {
		t.Errorf("%s became %s", before.ID, after.ID)
	}
}

// What the driver's door of a car with its wheel on the right is called is unknown, so it is front left as in any car
// (docs/protocol/ccs2-status.md §4).
func TestDecode_DriverOfACarInMilesIsFrontLeftToo(t *testing.T) {
	r, err := Decode(vehicle.Europe, "ccs2", vehicle.EV, []byte(`{"Drivetrain":{"FuelSystem":{"DTE":{"Total":200,"Unit":3}}},
		"Cabin":{"Door":{"Row1":{"Driver":{"Open":1},"Passenger":{"Open":0}}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	s, _, _ := vehicle.State{}.Apply(r, time.Now())
	if left, known := vehicle.DoorFrontLeft.Of(s); !left || !known {
		t.Errorf("front left door open: %v, %v", left, known)
	}
	if right, known := vehicle.DoorFrontRight.Of(s); right || !known {
		t.Errorf("front right door open: %v, %v", right, known)
	}
}
