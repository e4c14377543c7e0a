package kiaus

import (
	"fmt"
	"maps"
	"strconv"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/cloudtest"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

func number(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) }

func sprint(v any) string { return fmt.Sprint(v) }

func recordings(t testing.TB) map[string][]byte {
	t.Helper()
	return cloudtest.Recordings(t, "us_kia")
}

func TestDecode_ReadsRecordingsAsTheReferenceDoes(t *testing.T) {
	cloudtest.Parity{
		Recordings: []string{"us_kia"}, Least: 30, Skip: []string{"odometer_unit", "ev_driving_range_unit", "total_driving_range_unit"},
		Units: map[string]vehicle.Unit{"odometer": vehicle.Mile, "ev_driving_range": vehicle.Mile, "total_driving_range": vehicle.Mile},
		Decode: func(_ string, answer []byte) (vehicle.Report, error) {
			return Decode(vehicle.USA, "flat", vehicle.EngineUnknown, answer)
		},
	}.Run(t)
}

func TestDecode_TakesTheAnswerInEachOfItsWrappings(t *testing.T) {
	for name, payload := range map[string]string{
		"whole": `{"status":{},"payload":{"vehicleInfoList":[` + info + `]}}`, "payload": `{"vehicleInfoList":[` + info + `]}`, "entry": info,
		"forced": `{"status":{},"payload":{"vehicleStatusRpt":{"vehicleStatus":` + cached + `}}}`, "status": cached,
	} {
		r, err := Decode(vehicle.USA, "flat", vehicle.EV, []byte(payload))
		if err != nil || !r.Has(vehicle.SoC) || !r.Has(vehicle.Locked) || r.Reported.IsZero() {
			t.Errorf("%s: %v, %d observations", name, err, len(r.Observations))
		}
	}
	for _, payload := range []string{"", "[]", "{}", `{"payload":{}}`, "null"} {
		if _, err := Decode(vehicle.USA, "flat", vehicle.EV, []byte(payload)); err == nil {
			t.Errorf("%q is a status", payload)
		}
	}
	if _, err := Decode(vehicle.USA, "ccs2", vehicle.EV, []byte(info)); err == nil {
		t.Error("this cloud has no CCS2 tree")
	}
}

// TestDecode_LeavesOfThePage are the sentinels and variants of docs/protocol/usa-kia.md §5.
func TestDecode_LeavesOfThePage(t *testing.T) {
	for _, test := range []struct{ status, key, want string }{
		{`"climate":{"airTemp":{"value":"LOW","unit":1}}`, "air_temperature", "62 °F"},
		{`"climate":{"airTemp":{"value":"HIGH","unit":1}}`, "air_temperature", "82 °F"},
		{`"climate":{"airTemp":{"value":"OFF","unit":1}}`, "air_temperature", "<nil>"},
		{`"climate":{"airTemp":{"value":72}}`, "air_temperature", "72 °F"},
		{`"climate":{"airTemp":{"value":"21.5","unit":0}}`, "air_temperature", "21.5 °C"},
		{`"climate":{"airTemp":{"value":"72","unit":7}}`, "air_temperature", "<nil>"},
		{`"climate":{"airTemp":{"value":"x","unit":1}}`, "air_temperature", "<nil>"},
		{`"batteryStatus":{"stateOfCharge":255}`, "car_battery_percentage", "<nil>"},
		{`"batteryStatus":{"stateOfCharge":-1}`, "car_battery_percentage", "<nil>"},
		{`"batteryStatus":{}`, "car_battery_percentage", "<nil>"},
		{`"fuelLevel":false`, "fuel_level", "<nil>"},
		{`"fuelLevel":40`, "fuel_level", "40"},
		{`"breakOilStatus":true`, "brake_fluid_warning_is_on", "true"},
		{`"brakeOilStatus":true,"breakOilStatus":false`, "brake_fluid_warning_is_on", "true"},
		{`"evStatus":{"batteryPlugin":1}`, "ev_plug_type", "dc"},
		{`"evStatus":{"batteryPlugin":2}`, "ev_plug_type", "portable"},
		{`"evStatus":{"batteryPlugin":5}`, "ev_plug_type", "ac"},
		{`"evStatus":{"batteryPlugin":-1}`, "ev_plug_type", "<nil>"},
		{`"evStatus":{"windowStatus":{"windowFL":1}}`, "front_left_window_is_open", "true"},
		{`"windowOpen":{"frontLeft":0},"evStatus":{"windowStatus":{"windowFL":1}}`, "front_left_window_is_open", "false"},
		{`"evStatus":{"drvDistance":[{"rangeByFuel":{"evModeRange":{"value":0,"unit":0}}}]}`, "ev_driving_range", "<nil>"},
		{`"evStatus":{"drvDistance":[{"rangeByFuel":{"evModeRange":{"value":200.5,"unit":1}}}]}`, "ev_driving_range", "200.5 km"},
		{`"evStatus":{"drvDistance":[{"rangeByFuel":{"evModeRange":{"value":200,"unit":9}}}]}`, "ev_driving_range", "<nil>"},
		{`"evStatus":{"drvDistance":[{"rangeByFuel":{"gasModeRange":{"value":300,"unit":3}}}]},"distanceToEmpty":{"value":320,"unit":3}`, "fuel_driving_range", "300 mi"},
		{`"evStatus":{"drvDistance":[{"rangeByFuel":{"gasModeRange":{"value":0,"unit":0}}}]},"distanceToEmpty":{"value":320,"unit":3}`, "fuel_driving_range", "320 mi"},
		{`"evStatus":{"batteryStatus":50},"distanceToEmpty":{"value":214,"unit":3}`, "fuel_driving_range", "<nil>"},
		{`"distanceToEmpty":{"value":320,"unit":3}`, "fuel_driving_range", "320 mi"},
		{`"evStatus":{"targetSOC":[{"plugType":1,"targetSOClevel":50},{"plugType":1,"targetSOClevel":70},{"plugType":1,"targetSOClevel":0}]}`, "ev_charge_limits_ac", "70"},
		{`"evStatus":{"targetSOC":[{"plugType":0,"targetSOClevel":true}]}`, "ev_charge_limits_dc", "<nil>"},
		{`"evStatus":{"batteryCharge":false,"remainChargeTime":[{"remainChargeType":1,"timeInterval":{"value":39,"unit":4}},{"remainChargeType":2,"timeInterval":{"value":1100,"unit":4}},{"remainChargeType":3,"timeInterval":{"value":240,"unit":4}}]}`, "ev_estimated_current_charge_duration", "0s"},
		{`"evStatus":{"batteryCharge":false,"remainChargeTime":[{"remainChargeType":1,"timeInterval":{"value":39,"unit":4}},{"remainChargeType":2,"timeInterval":{"value":1100,"unit":4}},{"remainChargeType":3,"timeInterval":{"value":240,"unit":4}}]}`, "ev_estimated_fast_charge_duration", "39m0s"},
		{`"evStatus":{"batteryCharge":false,"remainChargeTime":[{"remainChargeType":1,"timeInterval":{"value":39,"unit":4}},{"remainChargeType":2,"timeInterval":{"value":1100,"unit":4}},{"remainChargeType":3,"timeInterval":{"value":240,"unit":4}}]}`, "ev_estimated_portable_charge_duration", "18h20m0s"},
		{`"evStatus":{"batteryCharge":false,"remainChargeTime":[{"remainChargeType":1,"timeInterval":{"value":39,"unit":4}},{"remainChargeType":2,"timeInterval":{"value":1100,"unit":4}},{"remainChargeType":3,"timeInterval":{"value":240,"unit":4}}]}`, "ev_estimated_station_charge_duration", "4h0m0s"},
		{`"evStatus":{"batteryCharge":true,"remainChargeTime":[{"remainChargeType":1,"timeInterval":{"value":39,"unit":4}},{"remainChargeType":2,"timeInterval":{"value":1100,"unit":4}},{"remainChargeType":3,"timeInterval":{"value":240,"unit":4}}]}`, "ev_estimated_current_charge_duration", "39m0s"},
		{`"evStatus":{"batteryCharge":true,"remainChargeTime":[{"remainChargeType":1,"timeInterval":{"value":39,"unit":4}},{"remainChargeType":4,"timeInterval":{"value":225,"unit":4}}]}`, "ev_estimated_current_charge_duration", "3h45m0s"},
		{`"evStatus":{"batteryCharge":false,"remainChargeTime":[{"remainChargeType":3,"timeInterval":{"value":90,"unit":4}}]}`, "ev_estimated_current_charge_duration", "1h30m0s"},
		{`"evStatus":{"batteryCharge":false,"remainChargeTime":{"value":45,"unit":4}}`, "ev_estimated_current_charge_duration", "45m0s"},
		{`"seatHeaterVentState":{"flSeatHeatState":8}`, "front_left_seat_heater_is_on", "true"},
		{`"seatHeaterVentState":{"flSeatHeatState":2}`, "front_left_seat_heater_is_on", "false"},
		{`"climate":{"heatVentSeat":{"driverSeat":{"heatVentType":1,"heatVentLevel":1}}}`, "front_left_seat_status", "<nil>"},
		{`"climate":{"heatVentSeat":{"driverSeat":{"heatVentType":0}}}`, "front_left_seat_status", "Off"},
		{`"valetParkingMode":1`, "valet_mode_active", "true"},
	} {
		r, _ := Decode(vehicle.USA, "flat", vehicle.EngineUnknown, []byte(`{"doorLock":true,"syncDate":{"utc":"20240615143000","offset":-8},`+test.status+`}`))
		state, _, _ := vehicle.State{}.Apply(r, time.Now())
		if got := text(state, test.key); got != test.want {
			t.Errorf("%s: %s is %s, want %s", test.status, test.key, got, test.want)
		}
	}
}

// TestDecode_DamageCostsOnlyItsOwnData damages every place of every answer in every way.
func TestDecode_DamageCostsOnlyItsOwnData(t *testing.T) {
	answers := map[string][]byte{"page": []byte(info), "forced": []byte(`{"vehicleStatusRpt":{"vehicleStatus":` + forced + `}}`)}
	t.Run("recordings", func(t *testing.T) { maps.Copy(answers, recordings(t)) })
	for name, payload := range answers {
		t.Run(name, func(t *testing.T) {
			cloudtest.Damage(t, payload, cloudtest.Decoding{
				Decode: func(damaged []byte) (vehicle.Report, error) {
					return Decode(vehicle.USA, "flat", vehicle.PHEV, damaged)
				},
				KeepTimes: true, Costs: map[string]int{"batteryPlugin": 2, "coord.lat": 6, "coord.lon": 6, "plugType": 2, "timeInterval.value": 2},
			})
		})
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(info))
	f.Add([]byte(cached))
	f.Add([]byte(`{"vehicleStatusRpt":{"vehicleStatus":` + forced + `}}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		report, err := Decode(vehicle.USA, "flat", vehicle.EngineUnknown, payload)
		if err != nil {
			return
		}
		cloudtest.Sane(t, report)
		now := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
		state, _, _ := vehicle.State{}.Apply(report, now)
		if _, changes, _ := state.Apply(report, now); len(changes) != 0 {
			t.Errorf("the same report twice changes %v", changes)
		}
	})
}
