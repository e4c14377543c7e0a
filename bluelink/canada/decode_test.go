package canada

import (
	"maps"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/cloudtest"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/internal/leaf"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

func recordings(t testing.TB) map[string][]byte {
	t.Helper()
	return cloudtest.Recordings(t, "ca_kia")
}

func TestDecode_ReadsRecordingsAsTheReferenceDoes(t *testing.T) {
	cloudtest.Parity{
		Recordings: []string{"ca_kia"}, Least: 30, Skip: []string{"odometer_unit", "ev_driving_range_unit", "total_driving_range_unit"},
		Units: map[string]vehicle.Unit{"ev_driving_range": vehicle.Kilometre, "total_driving_range": vehicle.Kilometre},
		Decode: func(_ string, answer []byte) (vehicle.Report, error) {
			return Decode(vehicle.Canada, "flat", vehicle.EngineUnknown, answer)
		},
	}.Run(t)
}

func TestDecode_TakesTheAnswerInEachOfItsWrappings(t *testing.T) {
	for name, payload := range map[string]string{
		"whole": `{"responseHeader":{"responseCode":0},"result":{"status":` + status + `}}`, "result": `{"status":` + status + `}`, "status": status,
	} {
		r, err := Decode(vehicle.Canada, "flat", vehicle.EV, []byte(payload))
		if err != nil || !r.Has(vehicle.SoC) || !r.Has(vehicle.Locked) || r.Reported.IsZero() {
			t.Errorf("%s: %v, %d observations", name, err, len(r.Observations))
		}
	}
	for _, payload := range []string{"", "[]", "{}", `{"result":{}}`, "null"} {
		if _, err := Decode(vehicle.Canada, "flat", vehicle.EV, []byte(payload)); err == nil {
			t.Errorf("%q is a status", payload)
		}
	}
	if _, err := Decode(vehicle.Canada, "ccs2", vehicle.EV, []byte(status)); err == nil {
		t.Error("these clouds have no CCS2 tree")
	}
}

// TestDecode_LeavesOfThePage are the sentinels and variants of docs/protocol/canada.md §5 and §6.4.
func TestDecode_LeavesOfThePage(t *testing.T) {
	for _, test := range []struct {
		year              int
		status, key, want string
	}{
		{2022, `"airTemp":{"value":"10H","unit":0}`, "air_temperature", "22 °C"},
		{2020, `"airTemp":{"value":"00H","unit":0}`, "air_temperature", "14 °C"},
		{2019, `"airTemp":{"value":"00H","unit":0}`, "air_temperature", "16 °C"},
		{2019, `"airTemp":{"value":"1FH","unit":0}`, "air_temperature", "31.5 °C"},
		{2019, `"airTemp":{"value":"20H","unit":0}`, "air_temperature", "<nil>"},
		{2024, `"airTemp":{"value":"23H","unit":0}`, "air_temperature", "31.5 °C"},
		{2024, `"airTemp":{"value":"24H","unit":0}`, "air_temperature", "<nil>"},
		{2024, `"airTemp":{"value":"0EH","unit":1}`, "air_temperature", "<nil>"},
		{2024, `"airTemp":{"value":"0EH"}`, "air_temperature", "<nil>"},
		{2024, `"airTemp":{"value":"OFF","unit":0}`, "air_temperature", "<nil>"},
		{2024, `"airTemp":{"value":"HIGH","unit":0}`, "air_temperature", "<nil>"},
		{2024, `"airTemp":{"value":"","unit":0}`, "air_temperature", "<nil>"},
		{2024, `"airTemp":{"value":21,"unit":0}`, "air_temperature", "<nil>"},
		{2024, `"airTemp":{"value":"21.5","unit":0}`, "air_temperature", "21.5 °C"},
		{2024, `"airTemp":{"value":"72","unit":1}`, "air_temperature", "72 °F"},
		{0, `"battery":{"batSoc":255}`, "car_battery_percentage", "<nil>"},
		{0, `"battery":{"batSoc":-1}`, "car_battery_percentage", "<nil>"},
		{0, `"dte":{"value":412,"unit":1}`, "fuel_driving_range", "412 km"},
		{0, `"dte":{"value":412,"unit":1},"evStatus":{"drvDistance":[{"rangeByFuel":{"gasModeRange":{"value":300,"unit":2}}}]}`, "fuel_driving_range", "300 mi"},
		{0, `"dte":{"value":412,"unit":1},"evStatus":{"drvDistance":[{"rangeByFuel":{"gasModeRange":{"value":0.0,"unit":1}}}]}`, "fuel_driving_range", "0 km"},
		{0, `"dte":{"value":412,"unit":4}`, "fuel_driving_range", "<nil>"},
		{0, `"evStatus":{"batteryStatus":50,"drvDistance":[{"rangeByFuel":{"totalAvailableRange":{"value":0,"unit":1}}}]}`, "total_driving_range", "<nil>"},
		{0, `"evStatus":{"batteryPower":{"batteryFstChrgPower":80.5,"batteryStndChrgPower":0}}`, "ev_charging_power", "80.5 kW"},
		{0, `"evStatus":{"batteryPower":{"batteryFstChrgPower":0,"batteryStndChrgPower":7}}`, "ev_charging_power", "7 kW"},
		{0, `"evStatus":{"batteryPower":{"batteryFstChrgPower":3}}`, "ev_charging_power", "3 kW"},
		{0, `"evStatus":{"batteryPlugin":1}`, "ev_plug_type", "dc"},
		{0, `"evStatus":{"batteryPlugin":7}`, "ev_plug_type", "<nil>"},
		{0, `"seatHeaterVentInfo":{"drvSeatHeatState":8}`, "front_left_seat_status", "High Heat"},
		{0, `"seatHeaterVentState":{"flSeatHeatState":3},"seatHeaterVentInfo":{"drvSeatHeatState":8}`, "front_left_seat_status", "Low Cool"},
		{0, `"seatHeaterVentInfo":{"drvSeatHeatState":12}`, "front_left_seat_status", "<nil>"},
	} {
		root, ok := leaf.Parse([]byte(`{"doorLock":true,"lastStatusDate":"20240615143000",` + test.status + `}`))
		if !ok {
			t.Fatal(test.status)
		}
		var r vehicle.Report
		decodeStatus(root, time.UTC, test.year, &r)
		state, _, _ := vehicle.State{}.Apply(r, time.Now())
		if got := text(state, test.key); got != test.want {
			t.Errorf("%d %s: %s is %s, want %s", test.year, test.status, test.key, got, test.want)
		}
	}
}

// TestDecode_DamageCostsOnlyItsOwnData damages every place of every answer in every way.
func TestDecode_DamageCostsOnlyItsOwnData(t *testing.T) {
	answers := map[string][]byte{"page": []byte(status)}
	t.Run("recordings", func(t *testing.T) { maps.Copy(answers, recordings(t)) })
	for name, payload := range answers {
		t.Run(name, func(t *testing.T) {
			cloudtest.Damage(t, payload, cloudtest.Decoding{
				Decode: func(damaged []byte) (vehicle.Report, error) {
					return Decode(vehicle.Canada, "flat", vehicle.PHEV, damaged)
				},
				KeepTimes: true, Costs: map[string]int{"batteryPlugin": 2, "batteryStatus": 2},
			})
		})
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(status))
	f.Add([]byte(`{"result":{"status":{"airTemp":{"value":"0EH","unit":0}}}}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		report, err := Decode(vehicle.Canada, "flat", vehicle.EngineUnknown, payload)
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
