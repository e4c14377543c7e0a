package ccapi

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// fixtures is where recorded answers lie, beside the checkout.
var fixtures = filepath.Join("..", "..", "..", "shared", "fixtures")

// recordings are the recorded answers of the regions that this package reads, by file name.
func recordings(t testing.TB, prefixes ...string) map[string][]byte {
	t.Helper()
	found := map[string][]byte{}
	for _, prefix := range prefixes {
		files, _ := filepath.Glob(filepath.Join(fixtures, "status", prefix+"_*.json"))
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			found[filepath.Base(file)] = text
		}
	}
	if len(found) == 0 {
		t.Skipf("no recorded answers in %s: they are kept beside the repository, in shared/fixtures", filepath.Join(fixtures, "status"))
	}
	return found
}

func protocolOf(file string) string {
	if strings.Contains(file, "ccs2") {
		return "ccs2"
	}
	return "flat"
}

func regionOf(t testing.TB, file string) vehicle.Region {
	t.Helper()
	word, _, _ := strings.Cut(file, "_")
	region, err := vehicle.ParseRegion(word)
	if err != nil {
		t.Fatal(err)
	}
	return region
}

// units that the reference prints beside a value.
var unitKeys = map[string]string{
	"total_driving_range_unit": "total_driving_range", "odometer_unit": "odometer", "ev_driving_range_unit": "ev_driving_range",
	"ev_battery_water_temperature_unit": "ev_battery_water_temperature", "ev_battery_temperature_min_unit": "ev_battery_temperature_min",
	"ev_battery_temperature_max_unit": "ev_battery_temperature_max", "ev_target_range_charge_AC_unit": "ev_target_range_charge_AC",
	"ev_target_range_charge_DC_unit":               "ev_target_range_charge_DC",
	"ev_first_departure_climate_temperature_unit":  "ev_first_departure_climate_temperature",
	"ev_second_departure_climate_temperature_unit": "ev_second_departure_climate_temperature",
	"tire_pressure_front_left_unit":                "tire_pressure_front_left", "tire_pressure_front_right_unit": "tire_pressure_front_right",
	"tire_pressure_rear_left_unit": "tire_pressure_rear_left", "tire_pressure_rear_right_unit": "tire_pressure_rear_right",
}

// notCompared are what the vehicle list or other calls fill, and what only the reference has.
var notCompared = []string{
	"geocode", "last_scanned_at", "location", "data", "key", "VIN", "id", "name", "model", "registration_date", "year",
	"ccu_ccs2_protocol_support", "generation", "enabled", "engine_type", "timezone", "supports_window_control", "supports_valet_mode",
	"daily_stats", "month_trip_info", "day_trip_info",
}

func TestParity_RecordingsAreReadAsTheReferenceDoes(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(fixtures, "expected.json"))
	if err != nil {
		t.Skipf("no expectations beside the repository: %v", err)
	}
	var expected map[string]map[string]any
	if err := json.Unmarshal(text, &expected); err != nil {
		t.Fatal(err)
	}
	for file, payload := range recordings(t, "eu", "au", "cn", "br") {
		t.Run(file, func(t *testing.T) {
			report, err := Decode(regionOf(t, file), protocolOf(file), vehicle.EngineUnknown, payload)
			if err != nil {
				t.Fatal(err)
			}
			state, _, refusals := vehicle.State{}.Apply(report, time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC))
			compared := 0
			for key, want := range expected[file] {
				if want == nil || slices.Contains(notCompared, key) {
					continue
				}
				compared++
				if of, ok := unitKeys[key]; ok {
					// The reference names the unit of some data points that the car does not report.
					if reading := state.Read(mustRow(t, of)); reading.Value != nil && reading.Unit().String() != want {
						t.Errorf("%s: unit %v, want %v", key, reading.Unit(), want)
					}
					continue
				}
				if got := state.Read(mustRow(t, key)).Value; !agree(got, want) && !rejected(refusals, key) {
					t.Errorf("%s: %v, want %v", key, got, want)
				}
			}
			if compared < 30 {
				t.Errorf("only %d keys compared", compared)
			}
		})
	}
}

// mayReject lists what the recordings hold and we do not believe, with the reason.
var mayReject = map[string]vehicle.Refused{
	"ev_battery_soh_percentage": vehicle.RefusedSentinel, // 0 of a plug-in hybrid
	"ev_battery_remain":         vehicle.RefusedUnit,     // 54.5 without unit, or 0 kJ at 77 %
	"ev_battery_capacity":       vehicle.RefusedUnit,     // 76.0 without unit
	"ev_charging_current":       vehicle.RefusedSentinel, // 0, "not given"
}

func rejected(refusals []vehicle.Refusal, key string) bool {
	reason, may := mayReject[key]
	return may && slices.ContainsFunc(refusals, func(r vehicle.Refusal) bool {
		return r.Datum.Key == key && (r.Reason == reason || r.Reason == vehicle.RefusedSentinel)
	})
}

func mustRow(t *testing.T, key string) *vehicle.Datum {
	t.Helper()
	row, ok := vehicle.ByKey(key)
	if !ok {
		t.Fatalf("the catalogue has no row %s", key)
	}
	return row
}

// agree compares as shared/fixtures/README.md says.
func agree(got, want any) bool {
	switch w := want.(type) {
	case bool:
		if got == nil {
			return !w // false may be left out where the leaf is missing
		}
		return truth(got) == w
	case float64:
		switch g := got.(type) {
		case bool:
			return g == (w != 0)
		case vehicle.Percent:
			return math.Abs(float64(g)-w) < 0.05
		case vehicle.Number:
			return math.Abs(float64(g)-w) < 0.05
		case vehicle.Quantity:
			return math.Abs(g.Value-w) < 0.05
		case time.Duration:
			return math.Abs(g.Minutes()-w) < 0.05
		}
	case string:
		if at, err := time.Parse(time.RFC3339, w); err == nil {
			g, ok := got.(time.Time)
			return ok && g.Truncate(time.Second).Equal(at.Truncate(time.Second))
		}
		return strings.EqualFold(fmt.Sprint(got), w)
	case []any:
		days, _ := got.(vehicle.Days)
		var wanted vehicle.Days
		for _, day := range w {
			if n, ok := day.(float64); ok && n != 9 {
				wanted = append(wanted, time.Weekday(n))
			}
		}
		return slices.Equal(days, wanted)
	}
	return false
}

func truth(got any) bool {
	switch g := got.(type) {
	case bool:
		return g
	case vehicle.Number:
		return g != 0
	}
	return false
}
