package kiaus

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/cloudtest"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

func TestVehicles_AreThoseOfTheList(t *testing.T) {
	s, o := signedIn(t)
	s.Always("ownr/gvl", good(`{"vehicleSummary":[
	 {"vin":"kndcc3lg5l5000001","vehicleIdentifier":"1","vehicleKey":"k1","nickName":"My EV","modelName":"NIRO EV","modelYear":"2020","fuelType":4},
	 {"vin":"KNDCC3LG5L5000002","vehicleIdentifier":"2","vehicleKey":"k2","nickName":"","modelName":"TELLURIDE","modelYear":"x","fuelType":1},
	 {"vin":"KNDCC3LG5L5000003","vehicleIdentifier":"3","vehicleKey":"k3","nickName":"H","modelName":"NIRO","fuelType":3},
	 {"vin":"KNDCC3LG5L5000004","vehicleIdentifier":"4","vehicleKey":"k4","nickName":"P","modelName":"SORENTO","fuelType":"7"},
	 {"vehicleIdentifier":"5","vehicleKey":"k5","nickName":"?","modelName":"?","fuelType":99},
	 {"vin":"KNDCC3LG5L5000001","vehicleIdentifier":"1","vehicleKey":"k1"}, {"vin":"KNDCC3LG5L5000006"}, null, 7]}`))
	list := o.list(t)
	if len(list) != 5 {
		t.Fatalf("%d cars", len(list))
	}
	for i, want := range []vehicle.Vehicle{
		{CloudID: "1", VIN: "KNDCC3LG5L5000001", Name: "My EV", Model: "NIRO EV", Year: 2020, Engine: vehicle.EV},
		{CloudID: "2", VIN: "KNDCC3LG5L5000002", Name: "TELLURIDE", Model: "TELLURIDE", Engine: vehicle.ICE},
		{CloudID: "3", VIN: "KNDCC3LG5L5000003", Name: "H", Model: "NIRO", Engine: vehicle.HEV},
		{CloudID: "4", VIN: "KNDCC3LG5L5000004", Name: "P", Model: "SORENTO", Engine: vehicle.PHEV},
		{CloudID: "5", Name: "?", Model: "?"},
	} {
		v := list[i]
		plugs := strings.Contains(strings.Join(v.Capabilities.Commands, " "), "charge-start")
		if v.CloudID != want.CloudID || v.VIN != want.VIN || v.Name != want.Name || v.Model != want.Model || v.Year != want.Year || v.Engine != want.Engine ||
			v.ID != vehicle.NewID(want.VIN, vehicle.USA, vehicle.Kia, want.CloudID) || plugs != want.Engine.Plugs() {
			t.Errorf("car %d is %+v", i, v)
		}
	}
	s.Always("ownr/gvl", good(`{}`))
	_, err := o.Vehicles(t.Context())
	mustFail(t, err, bluelink.ErrBadResponse)
}

func TestVehicles_TypeThatTheListDoesNotTellComesFromTheFirstStatus(t *testing.T) {
	for name, test := range map[string]struct {
		status string
		want   vehicle.Engine
	}{
		"no electric part": {strings.Replace(info, `"evStatus"`, `"x"`, 1), vehicle.ICE},
		"an empty one":     {`{"lastVehicleInfo":{"vehicleStatusRpt":{"vehicleStatus":{"doorLock":true,"evStatus":{}}}}}`, vehicle.ICE},
		"range on fuel":    {strings.Replace(info, `"evModeRange"`, `"gasModeRange":{"value":0,"unit":3},"evModeRange"`, 1), vehicle.PHEV},
		"electric":         {info, vehicle.EV},
	} {
		s, o := signedIn(t)
		s.Always("ownr/gvl", good(`{"vehicleSummary":[{"vin":"KNDCC3LG5L5000001","vehicleIdentifier":"1","vehicleKey":"`+s.keyOf("1")+`","fuelType":99}]}`))
		car := o.list(t)[0]
		s.status["1"] = test.status
		if _, err := o.read(t.Context(), car); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		s.status["1"] = info // a known type never changes
		if _, err := o.read(t.Context(), car); err != nil {
			t.Fatal(err)
		}
		if v := o.list(t)[0]; v.Engine != test.want {
			t.Errorf("%s: %s, want %s", name, v.Engine, test.want)
		}
	}
}

func TestCached_ReadsTheStatusAndTheLimitsBesideIt(t *testing.T) {
	s, o := signedIn(t)
	car := o.list(t)[0]
	state, err := o.read(t.Context(), car)
	must(t, err)
	for point, want := range map[string]string{
		"ev_battery_percentage": "79", "car_battery_percentage": "81", "odometer": "12850.3 mi", "ev_driving_range": "214.37 mi", "air_temperature": "72 °F",
		"ev_charge_limits_ac": "70", "ev_charge_limits_dc": "100", // of evc/gts, before those of the status
		"last_updated_at": "2024-06-15 14:30:00 +0000 UTC", "location_last_updated_at": "2024-06-15 14:25:00 +0000 UTC", "location_latitude": "37.77 °",
		"front_left_seat_status": "High Heat", "front_right_seat_status": "Off", "rear_left_seat_status": "Low Cool", "front_left_window_is_open": "<nil>",
		"next_service_distance": "1771.9 mi", "dtc_count": "0", "is_locked": "true", "fuel_level": "<nil>", "fuel_driving_range": "<nil>",
		"ev_estimated_current_charge_duration": "30m0s", "ev_plug_type": "none",
	} {
		if got := text(state, point); got != want {
			t.Errorf("%s is %s, want %s", point, got, want)
		}
	}
	body := s.Last("cmm/gvi").Body
	want := `{"vehicleConfigReq":{"airTempRange":"1","maintenance":"1","seatHeatCoolOption":"1","vehicle":"1","vehicleFeature":"0"},` +
		`"vehicleInfoReq":{"drivingActivty":"0","dtc":"1","enrollment":"1","functionalCards":"0","location":"1","vehicleStatus":"1","weather":"0"},"vinKey":["` + s.keyOf("1") + `"]}`
	if body != want {
		t.Errorf("asked by %s\nwant %s", body, want)
	}
}

func TestCached_LimitsThatFailOrAreNoneLeaveTheRest(t *testing.T) {
	for name, r := range map[string]reply{
		"unsupported": bad(1043), "reset": {}, "nothing yet": good(`{"targetSOClist":[{"plugType":0,"targetSOClevel":0},{"plugType":1,"targetSOClevel":0}]}`),
		"nonsense": good(`{"targetSOClist":[{"plugType":0,"targetSOClevel":true},{"plugType":1,"targetSOClevel":"x"},{"plugType":1}]}`), "a page": cloudtest.Say(200, "<html>"),
	} {
		s, o := signedIn(t)
		s.Always("evc/gts", r)
		state, err := o.read(t.Context(), o.list(t)[0])
		if ac, dc := text(state, "ev_charge_limits_ac"), text(state, "ev_charge_limits_dc"); err != nil || ac != "90" || dc != "80" {
			t.Errorf("%s: %v, AC %s, DC %s", name, err, ac, dc)
		}
	}
	s, o := signedIn(t)
	ctx, cancel := context.WithCancel(t.Context())
	s.Always("evc/gts", reply{})
	car := o.list(t)[0]
	cancel()
	_, err := o.Cached(ctx, bluelink.Ask{Vehicle: car})
	mustFail(t, err, context.Canceled)
}

func TestCached_SparingAsksForTheStatusAlone(t *testing.T) {
	s, o := signedIn(t)
	car := o.list(t)[0]
	for range 3 {
		if _, err := o.Cached(t.Context(), bluelink.Ask{Vehicle: car, Sparing: true}); err != nil {
			t.Fatal(err)
		}
	}
	if n := s.Count("evc/gts"); n != 0 || s.Count("cmm/gvi") != 3 {
		t.Errorf("%d reads of limits", n)
	}
	s.status["1"] = strings.Replace(info, `"targetSOC"`, `"x"`, 1) // older cars: no limits in the status
	r, err := o.Cached(t.Context(), bluelink.Ask{Vehicle: car, Sparing: true})
	if err != nil || s.Count("evc/gts") != 1 || !r.Has(vehicle.LimitAC) {
		t.Errorf("%v, %d reads of limits", err, s.Count("evc/gts"))
	}
	known, _, _ := vehicle.State{}.Apply(r, time.Now())
	if _, err := o.Cached(t.Context(), bluelink.Ask{Vehicle: car, Known: known, Sparing: true}); err != nil || s.Count("evc/gts") != 1 {
		t.Errorf("without news: %v, %d reads of limits", err, s.Count("evc/gts"))
	}
}

func TestCached_AnswersThatHoldNothing(t *testing.T) {
	for name, test := range map[string]struct {
		reply reply
		want  error
	}{
		"no car":        {good(`{"vehicleInfoList":[]}`), bluelink.ErrNoData},
		"no list":       {good(`{}`), bluelink.ErrBadResponse},
		"an empty car":  {good(`{"vehicleInfoList":[{}]}`), bluelink.ErrBadResponse},
		"no payload":    {cloudtest.Say(200, `{"status":`+okStatus+`}`), bluelink.ErrBadResponse},
		"only its time": {good(`{"vehicleInfoList":[{"lastVehicleInfo":{"vehicleStatusRpt":{"vehicleStatus":{"syncDate":{"utc":"20240615143000"}}}}}]}`), bluelink.ErrNoData},
		"every gauge 0": {good(`{"vehicleInfoList":[` + blank + `]}`), bluelink.ErrUnavailable},
	} {
		s, o := signedIn(t)
		car := o.list(t)[0]
		s.Always("cmm/gvi", test.reply)
		if _, err := o.read(t.Context(), car); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
}

// blank is a status of a cloud that has lost the car's data.
const blank = `{"vehicleConfig":{"vehicleDetail":{"vehicle":{"mileage":"0"}}},"lastVehicleInfo":{"vehicleStatusRpt":{"vehicleStatus":{"doorLock":false,
 "batteryStatus":{"stateOfCharge":0},"evStatus":{"batteryStatus":0,"drvDistance":[{"rangeByFuel":{"evModeRange":{"value":0,"unit":3},"totalAvailableRange":{"value":0,"unit":3}}}]}}}}}`

func TestForce_AsksTheCarAndErasesNothing(t *testing.T) {
	s, o := signedIn(t)
	car := o.list(t)[0]
	before, err := o.read(t.Context(), car)
	must(t, err)
	report, err := o.Force(t.Context(), bluelink.Ask{Vehicle: car, Known: before})
	must(t, err)
	after, _, _ := before.Apply(report, time.Now())
	for point, want := range map[string]string{
		"ev_battery_percentage": "77", "is_locked": "false", "air_temperature": "70 °F", "ev_plug_type": "portable", "last_updated_at": "2024-06-15 15:00:00 +0000 UTC",
		// What the car did not send stays.
		"car_battery_percentage": "81", "ev_driving_range": "214.37 mi", "odometer": "12850.3 mi", "location_latitude": "37.77 °", "hood_is_open": "false",
		// The car's own limit goes before the cloud's, and the cloud's before none.
		"ev_charge_limits_dc": "60", "ev_charge_limits_ac": "70",
	} {
		if got := text(after, point); got != want {
			t.Errorf("%s is %s, want %s", point, got, want)
		}
	}
	if s.Count("rems/rvs") != 1 || s.Last("rems/rvs").Body != `{"requestType":0}` {
		t.Errorf("woken by %s", s.Last("rems/rvs").Body)
	}
	// What stands beside may fail.
	s.Always("cmm/gvi", reply{})
	s.Always("evc/gts", bad(1043))
	if _, err := o.Force(t.Context(), bluelink.Ask{Vehicle: car, Known: before}); err != nil {
		t.Errorf("what stands beside fails: %v", err)
	}
	// Older than what is known is no answer of the car.
	_, err = o.Force(t.Context(), bluelink.Ask{Vehicle: car, Known: after})
	must(t, err) // the same moment
	s.Always("rems/rvs", good(`{"vehicleStatusRpt":{"vehicleStatus":`+cached+`}}`))
	_, err = o.Force(t.Context(), bluelink.Ask{Vehicle: car, Known: after})
	mustFail(t, err, bluelink.ErrVehicleUnreachable)
	for body, want := range map[string]error{
		`{}`: bluelink.ErrBadResponse, `{"vehicleStatusRpt":{"vehicleStatus":{"syncDate":{"utc":"20240615150000"}}}}`: bluelink.ErrNoData,
		`{"vehicleStatusRpt":{"vehicleStatus":{"doorLock":false,"batteryStatus":{"stateOfCharge":0},"evStatus":{"batteryStatus":0,"drvDistance":[{"rangeByFuel":{"evModeRange":{"value":0,"unit":3},"totalAvailableRange":{"value":0,"unit":3}}}]}}}}`: bluelink.ErrUnavailable,
	} {
		s.Always("rems/rvs", good(body))
		if _, err := o.Force(t.Context(), bluelink.Ask{Vehicle: car}); !errors.Is(err, want) {
			t.Errorf("%.60s: %v, want %v", body, err, want)
		}
	}
}

// text is what a state says of a data point.
func text(state vehicle.State, key string) string {
	row, ok := vehicle.ByKey(key)
	if !ok {
		return "no row " + key
	}
	switch v := state.Read(row).Value.(type) {
	case vehicle.Quantity:
		return strings.TrimSpace(number(v.Value) + " " + v.Unit.String())
	case vehicle.Percent:
		return number(float64(v))
	case vehicle.Number:
		return number(float64(v))
	default:
		return sprint(v)
	}
}
