package canada

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/cloudtest"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

func TestVehicles_AreThoseOfTheList(t *testing.T) {
	s, o := signedIn(t)
	s.Always("vhcllst", good(`{"vehicles":[
	 {"vehicleId":"Ab3xYz1q2w3e4r5t==","nickName":"My EV","modelName":"IONIQ 5","modelYear":"2024","fuelKindCode":"E","vin":"kmhc0000000000001"},
	 {"vehicleId":"2","nickName":"","modelName":"ELANTRA","modelYear":"","fuelKindCode":"G","vin":"KMHC0000000000002"},
	 {"vehicleId":"3","nickName":"P","modelName":"TUCSON","modelYear":2023,"fuelKindCode":"p","vin":"KMHC0000000000003"},
	 {"vehicleId":"4","nickName":"?","modelName":"?","fuelKindCode":"H"},{"vehicleId":"2","vin":"KMHC0000000000002"},{"vin":"x"},null,7]}`))
	list := o.list(t)
	if len(list) != 4 {
		t.Fatalf("%d cars", len(list))
	}
	for i, want := range []vehicle.Vehicle{
		{CloudID: "Ab3xYz1q2w3e4r5t==", VIN: "KMHC0000000000001", Name: "My EV", Model: "IONIQ 5", Year: 2024, Engine: vehicle.EV},
		{CloudID: "2", VIN: "KMHC0000000000002", Name: "ELANTRA", Model: "ELANTRA", Engine: vehicle.ICE},
		{CloudID: "3", VIN: "KMHC0000000000003", Name: "P", Model: "TUCSON", Year: 2023, Engine: vehicle.PHEV},
		{CloudID: "4", Name: "?", Model: "?"},
	} {
		v := list[i]
		limits := slices.Contains(v.Capabilities.Commands, "charge-limits")
		plugs := slices.Contains(v.Capabilities.Commands, "charge-start")
		if v.CloudID != want.CloudID || v.VIN != want.VIN || v.Name != want.Name || v.Model != want.Model || v.Year != want.Year || v.Engine != want.Engine ||
			limits != (want.Engine == vehicle.EV) || plugs != want.Engine.Plugs() || v.Brand != vehicle.Hyundai || v.Region != vehicle.Canada {
			t.Errorf("car %d is %+v", i, v)
		}
	}
	s.Always("vhcllst", good(`{"count":0}`))
	_, err := o.Vehicles(t.Context())
	mustFail(t, err, bluelink.ErrBadResponse)
}

func TestCached_ReadsTheStatusAndWhatStandsBesideIt(t *testing.T) {
	s, o := signedIn(t)
	car := o.list(t)[0]
	state, err := o.read(t, car, vehicle.State{})
	must(t, err)
	for point, want := range map[string]string{
		"ev_battery_percentage": "64", "car_battery_percentage": "87", "ev_driving_range": "301 km", "total_driving_range": "301 km", "air_temperature": "21 °C",
		"last_updated_at": "2026-08-01 15:30:00 +0000 UTC", "odometer": "30123.4 km", "next_service_distance": "36010 km", "last_service_distance": "24010 km",
		"ev_charge_limits_ac": "90", "ev_charge_limits_dc": "80", "ev_target_range_charge_AC": "324 km", "ev_plug_type": "portable", "ev_charging_power": "7.1 kW",
		"ev_estimated_current_charge_duration": "3h0m0s", "location_latitude": "<nil>", "fuel_level": "<nil>", "remote_ignition": "true",
		"front_left_seat_status": "High Heat", "front_right_seat_status": "Medium Heat", "rear_right_seat_status": "Low Cool", "rear_left_seat_status": "Off",
	} {
		if got := text(state, point); got != want {
			t.Errorf("%s is %s, want %s", point, got, want)
		}
	}
	days, _ := vehicle.Daily.Of(state)
	if len(days) != 2 || days[0].Date != "2026-08-01" || days[0].Total != 8200 || days[0].Distance != (vehicle.Quantity{Value: 41, Unit: vehicle.Kilometre}) || days[1].Total != 100 {
		t.Errorf("days %+v", days)
	}
	for _, path := range []string{"fndmcr", "rltmvhclsts", "vrfypin"} {
		if s.Count(path) != 0 {
			t.Errorf("a cached read calls %s", path)
		}
	}
	if c := s.Last("lstvhclsts"); c.Header.Get("vehicleId") != car.CloudID || c.Header.Get("accessToken") != s.live() || c.Body != "" {
		t.Errorf("asked by %s with %v", c.Body, c.Header)
	}
	old, err := o.read(t, o.list(t)[1], vehicle.State{})
	must(t, err)
	if got := text(old, "fuel_level") + " " + text(old, "fuel_driving_range") + " " + text(old, "ev_charge_limits_ac") + " " + text(old, "air_temperature"); got != "62 0 km <nil> 23 °C" {
		t.Errorf("a petrol car of 2018: %s", got)
	}
	if s.Count("evc/selsoc") != 1 {
		t.Errorf("charge limits were read %d times", s.Count("evc/selsoc"))
	}
}

func TestCached_PartsThatFailLeaveTheRest(t *testing.T) {
	for _, r := range []reply{bad("7101"), cloudtest.Say(500, "<html>"), {}, good("{}"), good("[]"), cloudtest.Say(200, "<html>"), bad("4711")} {
		s, o := signedIn(t)
		for _, path := range []string{"nxtsvc", "evc/selsoc", "alerts/maintenance/evTripDetails"} {
			s.Always(path, r)
		}
		state, err := o.read(t, o.list(t)[0], vehicle.State{})
		if err != nil || text(state, "ev_battery_percentage") != "64" || text(state, "odometer") != "<nil>" {
			t.Errorf("%s: %v", r.Body, err)
		}
	}
	s, o := signedIn(t)
	car := o.list(t)[0]
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := o.complete(ctx, bluelink.Ask{Vehicle: car}, vehicle.Report{}); !errors.Is(err, context.Canceled) || s.Count("nxtsvc") != 0 {
		t.Errorf("given up: %v", err)
	}
}

func TestCached_SparingAsksForWhatIsNews(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, o := signedIn(t)
		car := o.list(t)[0]
		var known vehicle.State
		calls := func(date string) string {
			s.status = strings.Replace(status, "20260801153000", date, 1)
			n := len(s.Calls())
			r, err := o.Cached(t.Context(), bluelink.Ask{Vehicle: car, Known: known, Sparing: true})
			must(t, err)
			known, _, _ = known.Apply(r, time.Date(2026, 8, 2, 0, 0, 0, 0, time.UTC))
			var paths []string
			for _, c := range s.Calls()[n:] {
				paths = append(paths, c.Path)
			}
			return strings.Join(paths, " ")
		}
		const all = "lstvhclsts nxtsvc evc/selsoc alerts/maintenance/evTripDetails"
		for _, step := range []struct{ date, want string }{
			{"20260801100000", all}, {"20260801100000", "lstvhclsts"}, {"20260801110000", "lstvhclsts nxtsvc evc/selsoc"},
		} {
			if got := calls(step.date); got != step.want {
				t.Errorf("%s: %s, want %s", step.date, got, step.want)
			}
		}
		s.Always("nxtsvc", good(`{"maintenanceInfo":{"currentOdometer":30200,"currentOdometerUnit":1}}`)) // a drive
		if got := calls("20260801120000"); got != "lstvhclsts nxtsvc evc/selsoc" {
			t.Errorf("soon after the last: %s", got)
		}
		<-time.After(7 * time.Hour)
		if got := calls("20260801170000"); got != all {
			t.Errorf("after a drive, hours later: %s", got)
		}
	})
}

func TestCached_AnswersThatHoldNothing(t *testing.T) {
	for name, test := range map[string]struct {
		reply reply
		want  error
	}{
		"null":          {good(`{"status":null}`), bluelink.ErrNoData},
		"none":          {good(`{}`), bluelink.ErrBadResponse},
		"no result":     {cloudtest.Say(200, `{"responseHeader":{"responseCode":0}}`), bluelink.ErrBadResponse},
		"only its time": {good(`{"status":{"lastStatusDate":"20260801153000"}}`), bluelink.ErrNoData},
		"empty":         {good(`{"status":{}}`), bluelink.ErrNoData},
		"every gauge 0": {good(`{"status":` + blank + `}`), bluelink.ErrUnavailable},
	} {
		s, o := signedIn(t)
		car := o.list(t)[0]
		s.Always("lstvhclsts", test.reply)
		if _, err := o.read(t, car, vehicle.State{}); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
}

// blank is a status of a cloud that has lost the car's data.
const blank = `{"doorLock":false,"battery":{"batSoc":0},"evStatus":{"batteryStatus":0,"drvDistance":[{"rangeByFuel":{"evModeRange":{"value":0,"unit":1},"totalAvailableRange":{"value":0,"unit":1}}}]}}`

func TestForce_AsksTheCarAndErasesNothing(t *testing.T) {
	s, o := signedIn(t)
	car := o.list(t)[0]
	before, err := o.read(t, car, vehicle.State{})
	must(t, err)
	s.status = `{"lastStatusDate":"20260801160000","doorLock":false,"evStatus":{"batteryStatus":63},"dte":{},"battery":{},"windowOpen":{},"lampWireStatus":{"headLamp":{}},"seatHeaterVentInfo":{}}`
	report, err := o.Force(t.Context(), bluelink.Ask{Vehicle: car, Known: before})
	must(t, err)
	after, _, _ := before.Apply(report, time.Now())
	for point, want := range map[string]string{
		"ev_battery_percentage": "63", "is_locked": "false", "last_updated_at": "2026-08-01 16:00:00 +0000 UTC",
		"location_latitude": "45.5 °", "location_longitude": "-73.6 °", "location_last_updated_at": "2026-08-01 15:30:00 +0000 UTC", "location_heading": "90 °",
		// What the car did not send stays.
		"car_battery_percentage": "87", "ev_driving_range": "301 km", "odometer": "30123.4 km", "front_left_window_is_open": "false", "front_left_seat_status": "High Heat",
	} {
		if got := text(after, point); got != want {
			t.Errorf("%s is %s, want %s", point, got, want)
		}
	}
	if c := s.Last("fndmcr"); c.Header.Get("from") != "SPA" || c.Header.Get("pAuth") == "" || c.Header.Get("referer") != "https://mybluelink.ca/remote/" || c.Body != `{"pin":"1234"}` {
		t.Errorf("found by %s with %v", c.Body, c.Header)
	}
	// Without a position the rest stands.
	for _, r := range []reply{bad("6459"), bad("4711"), {}, good(`{"coord":{"lat":0,"lon":0}}`), good(`{}`)} {
		s.Always("fndmcr", r)
		report, err := o.Force(t.Context(), bluelink.Ask{Vehicle: car, Known: before})
		if err != nil || report.Has(vehicle.Latitude) {
			t.Errorf("%s: %v", r.Body, err)
		}
	}
	s.Always("fndmcr", good(`{"gpsDetail":{"coord":{"lat":46,"lon":-74},"time":"20260801153000"}}`))
	if report, err := o.Force(t.Context(), bluelink.Ask{Vehicle: car, Known: before}); err != nil || !report.Has(vehicle.Latitude) {
		t.Errorf("the other form of a position: %v", err)
	}
	s.status = status
	_, err = o.Force(t.Context(), bluelink.Ask{Vehicle: car, Known: after})
	mustFail(t, err, bluelink.ErrVehicleUnreachable)
}

func TestForce_SparingFindsTheCarWhenItHasMoved(t *testing.T) {
	s, o := signedIn(t)
	car := o.list(t)[0]
	var known vehicle.State
	minute := 0
	found := func(odometer string) int {
		minute++
		s.status = strings.Replace(status, "20260801153000", fmt.Sprintf("202608011530%02d", minute), 1)
		s.Always("nxtsvc", good(`{"maintenanceInfo":{"currentOdometer":`+odometer+`,"currentOdometerUnit":1}}`))
		n := s.Count("fndmcr")
		r, err := o.Force(t.Context(), bluelink.Ask{Vehicle: car, Known: known, Sparing: true})
		must(t, err)
		known, _, _ = known.Apply(r, time.Date(2026, 8, 2, 0, 0, 0, 0, time.UTC))
		return s.Count("fndmcr") - n
	}
	if found("100") != 1 || found("100") != 0 || found("110") != 1 {
		t.Error("it is found the first time and when it has moved")
	}
	s.Always("fndmcr", reply{})
	for range 2 {
		if found("120") != 1 {
			t.Error("what failed remains due")
		}
	}
	s.On("fndmcr", nil)
	if found("120") != 1 || found("120") != 0 {
		t.Error("until it is learnt")
	}
	o = open(t, s, o.tokens)
	if found("120") != 0 || found("130") != 1 {
		t.Error("also after a restart")
	}
}

func TestForce_WithoutAPINReadsAllButThePosition(t *testing.T) {
	s, o := signedIn(t, func(a *bluelink.Account) { a.PIN = "" })
	report, err := o.Force(t.Context(), bluelink.Ask{Vehicle: o.list(t)[0]})
	if err != nil || report.Has(vehicle.Latitude) || s.Count("vrfypin")+s.Count("fndmcr") != 0 {
		t.Errorf("%v, %d PINs", err, s.Count("vrfypin"))
	}
}

// TestClocks_OfACarThatWasJustAskedTellItsZone.
func TestClocks_OfACarThatWasJustAskedTellItsZone(t *testing.T) {
	for name, test := range map[string]struct {
		zone string // of the car's clock
		want string
	}{
		"UTC": {"UTC", "UTC"}, "Toronto": {"Canada/Eastern", "Canada/Eastern"}, "St. John's": {"Canada/Newfoundland", "Canada/Newfoundland"}, "Vancouver": {"Canada/Pacific", "Canada/Pacific"},
	} {
		synctest.Test(t, func(t *testing.T) {
			zone, err := time.LoadLocation(test.zone)
			must(t, err)
			s, o := signedIn(t)
			car := o.list(t)[0]
			shown := func(at time.Time) string {
				return strings.Replace(status, "20260801153000", at.In(zone).Format("20060102150405"), 1)
			}
			<-time.After(12 * time.Hour)
			began := time.Now().Truncate(time.Second)
			s.status = shown(began)
			report, err := o.Force(t.Context(), bluelink.Ask{Vehicle: car})
			must(t, err)
			state, _, _ := vehicle.State{}.Apply(report, time.Now())
			if !state.ReportedAt().Equal(began.UTC()) || text(state, "timezone") != test.want {
				t.Errorf("%s: reported at %s in %s, want %s", name, state.ReportedAt(), text(state, "timezone"), began)
			}
			<-time.After(time.Hour)
			s.status = shown(began.Add(30 * time.Minute))
			state, err = o.read(t, car, state)
			if err != nil || !state.ReportedAt().Equal(began.Add(30*time.Minute)) {
				t.Errorf("%s: then reported at %s, %v", name, state.ReportedAt(), err)
			}
			// The same report again, hours later, is no clock that is behind.
			<-time.After(5*time.Hour - 30*time.Minute)
			report, err = o.Force(t.Context(), bluelink.Ask{Vehicle: car, Known: state})
			must(t, err)
			if next, _, _ := state.Apply(report, time.Now()); !next.ReportedAt().Equal(state.ReportedAt()) {
				t.Errorf("%s: an old report became one of %s", name, next.ReportedAt())
			}
		})
	}
}

// TestClocks_OfThisMachineMayBeWrongByHours holds a car's clock against the cloud's, which each answer tells.
func TestClocks_OfThisMachineMayBeWrongByHours(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, o := signedIn(t)
		car := o.list(t)[0]
		<-time.After(12 * time.Hour)
		now := time.Now().UTC().Add(-4 * time.Hour).Truncate(time.Second) // this machine's clock is ahead
		date := map[string]string{"Date": now.Format(http.TimeFormat)}
		s.Always("rltmvhclsts", cloudtest.Say(200, good(`{"status":`+strings.Replace(status, "20260801153000", now.Format("20060102150405"), 1)+`}`).Body, date))
		report, err := o.Force(t.Context(), bluelink.Ask{Vehicle: car})
		must(t, err)
		if !report.Reported.Equal(now) {
			t.Errorf("reported at %s, want %s", report.Reported, now)
		}
	})
}

// text is what a state says of a data point.
func text(state vehicle.State, key string) string {
	row, ok := vehicle.ByKey(key)
	if !ok {
		return "no row " + key
	}
	number := func(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) }
	switch v := state.Read(row).Value.(type) {
	case vehicle.Quantity:
		return strings.TrimSpace(number(v.Value) + " " + v.Unit.String())
	case vehicle.Percent:
		return number(float64(v))
	case vehicle.Number:
		return number(float64(v))
	default:
		return fmt.Sprint(v)
	}
}
