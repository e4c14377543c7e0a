package ccapi

import (
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/cloudtest"
	"github.com/bluelink2mqtt/bluelink2mqtt/sim"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// shown says which data point shows a physical quantity of a simulated car.
var shown = map[string]string{
	"soc_percent": "ev_battery_percentage", "range_km": "total_driving_range", "charging": "ev_battery_is_charging", "charging_power_kw": "ev_charging_power",
	"charge_port_open": "ev_charge_port_door_is_open", "charge_limit_ac": "ev_charge_limits_ac", "charge_limit_dc": "ev_charge_limits_dc",
	"charging_current_level": "ev_charging_current", "v2l_limit_percent": "ev_v2l_discharge_limit", "schedule_charging": "ev_schedule_charge_enabled",
	"battery_12v_percent": "car_battery_percentage", "fuel_percent": "fuel_level", "odometer_km": "odometer", "latitude": "location_latitude",
	"longitude": "location_longitude", "heading_degrees": "location_heading", "locked": "is_locked", "trunk_open": "trunk_is_open", "hood_open": "hood_is_open",
	"sunroof_open": "sunroof_is_open", "climate": "air_control_is_on", "climate_celsius": "air_temperature", "defrost": "defrost_is_on",
	"rear_window_heat": "back_window_heater_is_on", "mirror_heat": "side_mirror_heater_is_on", "washer_fluid_low": "washer_fluid_warning_is_on",
	"brake_fluid_low": "brake_fluid_warning_is_on", "key_battery_low": "smart_key_battery_warning_is_on", "asleep": "sleep_mode_check",
	"front_left_door_open": "front_left_door_is_open", "back_right_door_open": "back_right_door_is_open", "front_right_door_locked": "front_right_door_is_locked",
	"front_left_tyre_psi": "tire_pressure_front_left", "back_right_tyre_psi": "tire_pressure_rear_right", "outside_celsius": "outside_temperature",
}

// TestCached_ReadsTheTruthOfTheSimulatedCars meets the simulator, which was written from the same pages by others: what its
// cars are must be what is believed of them, in both forms and all regions.
func TestCached_ReadsTheTruthOfTheSimulatedCars(t *testing.T) {
	for _, p := range profiles {
		t.Run(p.brand.String()+"-"+p.region.String(), func(t *testing.T) { readsTheTruth(t, p.region, p.brand) })
	}
}

func readsTheTruth(t *testing.T, region vehicle.Region, brand vehicle.Brand) {
	w := newWorldIn(t, region, brand, sim.Options{Parked: true, Cars: 10})
	for _, v := range w.cars() {
		values := map[string]any{
			"odometer_km": 23456.5, "latitude": 52.5, "longitude": 13.25, "heading_degrees": 90, "front_left_door_open": true, "front_left_window": 1, "back_right_window": 2,
			"trunk_open": true, "hood_open": true, "battery_12v_percent": 77, "washer_fluid_low": true, "front_left_seat": 8, "report": true,
		}
		if v.Engine.Plugs() {
			maps.Copy(values, map[string]any{"soc_percent": 61, "charge_limit_ac": 70, "charge_limit_dc": 90, "plug": "ac"})
		}
		if err := w.SetVehicle(v.CloudID, values); err != nil {
			t.Fatal(err)
		}
		state := w.cached(v, vehicle.State{}, false)
		var truth map[string]any
		for _, view := range w.VehicleViews() {
			if view.ID == v.CloudID {
				truth = view.Truth
			}
		}
		compared := 0
		for _, quantity := range slices.Sorted(maps.Keys(truth)) {
			row, ok := vehicle.ByKey(shown[quantity])
			if !ok {
				continue
			}
			got := state.Read(row).Value
			if got == nil {
				continue // one form reports what the other does not
			}
			compared++
			if !near(got, truth[quantity]) {
				t.Errorf("%s %s: %s is %v, believed %v", v.Engine, v.Protocol(), quantity, truth[quantity], got)
			}
		}
		if compared < 15 {
			t.Errorf("%s %s: only %d compared", v.Engine, v.Protocol(), compared)
		}
		for key, want := range map[string]any{
			"front_left_seat_status": vehicle.SeatHighHeat, "front_left_window_is_open": true, "back_right_window_is_open": true, "back_left_window_is_open": false,
		} {
			if got := state.Read(mustRow(t, key)).Value; got != want {
				t.Errorf("%s %s: %s is %v, want %v", v.Engine, v.Protocol(), key, got, want)
			}
		}
		if in, known := vehicle.PluggedIn.Of(state); v.Engine.Plugs() && (!in || !known) {
			t.Errorf("%s %s: plugged in %t, known %t", v.Engine, v.Protocol(), in, known)
		}
		if level, known := vehicle.LevelBackRight.Of(state); v.CCS2 != 0 && (!known || level != vehicle.Ventilated) {
			t.Errorf("%s: a vented window is %s", v.Engine, level)
		}
	}
}

// near compares a value with the truth, which wires round.
func near(got, truth any) bool {
	number := func(v any) (float64, bool) {
		switch n := v.(type) {
		case vehicle.Quantity:
			return n.Value, true
		case vehicle.Percent:
			return float64(n), true
		case vehicle.Number:
			return float64(n), true
		case float64:
			return n, true
		case int:
			return float64(n), true
		}
		return 0, false
	}
	g, isNumber := number(got)
	w, wanted := number(truth)
	if isNumber && wanted {
		return math.Abs(g-w) <= 1
	}
	return fmt.Sprint(got) == fmt.Sprint(truth)
}

// TestCached_ReadsReplayedRecordings reads recordings through the whole stack and compares with reading the files.
func TestCached_ReadsReplayedRecordings(t *testing.T) {
	for prefix, brand := range map[string]vehicle.Brand{"eu": vehicle.Kia, "au": vehicle.Hyundai, "cn": vehicle.Kia, "br": vehicle.Hyundai} {
		t.Run(prefix, func(t *testing.T) { readsReplays(t, prefix, brand) })
	}
}

func readsReplays(t *testing.T, prefix string, brand vehicle.Brand) {
	var files []string
	for file := range cloudtest.Recordings(t, prefix) {
		files = append(files, filepath.Join(fixtures, "status", file))
	}
	slices.Sort(files)
	region := regionOf(t, prefix+"_")
	w := newWorldIn(t, region, brand, sim.Options{Parked: true, Replay: files})
	read := 0
	for _, view := range w.VehicleViews() {
		if view.Replay == "" {
			continue
		}
		i := slices.IndexFunc(w.cars(), func(v vehicle.Vehicle) bool { return v.CloudID == view.ID })
		if i < 0 {
			t.Errorf("%s is not listed", view.Replay)
			continue
		}
		v := w.cars()[i]
		report, err := w.cloud.Cached(t.Context(), bluelink.Ask{Vehicle: v})
		if err != nil {
			t.Errorf("%s: %v", view.Replay, err)
			continue
		}
		direct, err := Decode(region, protocolOf(view.Replay), v.Engine, cloudtest.Recordings(t, prefix)[filepath.Base(view.Replay)])
		if err != nil {
			t.Fatal(err)
		}
		through, _, _ := vehicle.State{}.Apply(report, time.Now())
		want, _, _ := vehicle.State{}.Apply(direct, time.Now())
		for reading := range want.All() {
			if reading.Datum.Group == vehicle.GroupLocation {
				continue // the parked position has a source of its own
			}
			if reading.Datum == vehicle.LastUpdatedAt.Datum && dialects[region].anyClock {
				continue // which of two clocks it is on depends on when it is read
			}
			if got := through.Read(reading.Datum).Value; fmt.Sprint(got) != fmt.Sprint(reading.Value) {
				t.Errorf("%s: %s is %v through the cloud, %v in the file", filepath.Base(view.Replay), reading.Datum, got, reading.Value)
			}
		}
		read++
	}
	if read != len(files) {
		t.Errorf("read %d of %d recordings", read, len(files))
	}
}
