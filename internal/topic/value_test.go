package topic

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
	"pgregory.net/rapid"
)

const times = `"timestamp": "2026-01-05T07:30:12.345600Z", "reported_at": "2026-01-05T07:29:50Z"`

func TestPayloads_AreThoseOfTheContract(t *testing.T) {
	q := func(value float64, unit vehicle.Unit) vehicle.Quantity {
		return vehicle.Quantity{Value: value, Unit: unit}
	}
	for _, c := range []struct {
		topic string
		set   func(*vehicle.Report)
		want  string // without the times
	}{
		{"battery/level", func(r *vehicle.Report) { vehicle.SoC.Set(r, 74, "") }, `"value": 74, "unit": "%"`},
		{"battery/level", func(r *vehicle.Report) { vehicle.SoC.Set(r, 74.46, "") }, `"value": 74.5, "unit": "%"`},
		{"battery/charging_status", func(r *vehicle.Report) { vehicle.Charging.Set(r, true, "") }, `"value": "charging"`},
		{"battery/charging_status", func(r *vehicle.Report) { vehicle.Charging.Set(r, false, "") }, `"value": "not_charging"`},
		{"battery/plug_status", func(r *vehicle.Report) { vehicle.PluggedIn.Set(r, true, "") }, `"value": "connected"`},
		{"battery/plug_status", func(r *vehicle.Report) { vehicle.PluggedIn.Set(r, false, "") }, `"value": "disconnected"`},
		{"battery/temperature", func(r *vehicle.Report) { vehicle.BatteryTempMin.Set(r, q(-3.5, vehicle.Celsius), "") }, `"value": -3.5, "unit": "\u00b0C"`},
		{"ev/range", func(r *vehicle.Report) { vehicle.EVRange.Set(r, q(412, vehicle.Kilometre), "") }, `"value": 412, "unit": "km"`},
		{"ev/range", func(r *vehicle.Report) { vehicle.EVRange.Set(r, q(256.3, vehicle.Mile), "") }, `"value": 256.3, "unit": "mi"`},
		{"ev/charge_time_100", func(r *vehicle.Report) { vehicle.ChargeTime.Set(r, 85*time.Minute, "") }, `"value": 85, "unit": "min"`},
		{"ev/charge_time_target", func(r *vehicle.Report) { vehicle.ChargeTime.Set(r, 0, "") }, `"value": 0, "unit": "min"`},
		{"ev/charge_limit", func(r *vehicle.Report) { vehicle.LimitAC.Set(r, 80, "") }, `"value": 80, "unit": "%"`},
		{"ev/energy_consumption", func(r *vehicle.Report) { vehicle.Consumption30d.Set(r, q(187, vehicle.WattHourPerKilometre), "") }, `"value": 18.7, "unit": "kWh/100km"`},
		{"ev/energy_consumption", func(r *vehicle.Report) { vehicle.Consumption30d.Set(r, q(300, vehicle.WattHourPerMile), "") }, `"value": 18.64, "unit": "kWh/100km"`},
		{"ev/power_consumption_30d", func(r *vehicle.Report) { vehicle.Consumption30d.Set(r, q(187, vehicle.WattHourPerKilometre), "") }, `"value": 187, "unit": "Wh"`},
		{"ev/total_power_consumed", func(r *vehicle.Report) { vehicle.TotalConsumed.Set(r, q(2_345_678, vehicle.NoUnit), "") }, `"value": 2345678, "unit": "Wh"`},
		{"status/doors/locked", func(r *vehicle.Report) { vehicle.Locked.Set(r, true, "") }, `"value": true`},
		{"status/doors/back_right_open", func(r *vehicle.Report) { vehicle.DoorBackRight.Set(r, false, "") }, `"value": false`},
		{"status/windows/front_left", func(r *vehicle.Report) { vehicle.WindowFrontLeft.Set(r, false, "") }, `"value": {"value": 0, "state": "CLOSED"}`},
		{"status/windows/sunroof", func(r *vehicle.Report) { vehicle.Sunroof.Set(r, true, "") }, `"value": {"value": 1, "state": "OPEN"}`},
		{"status/climate/is_on", func(r *vehicle.Report) { vehicle.AirControl.Set(r, true, "") }, `"value": true`},
		{"status/climate/set_temperature", func(r *vehicle.Report) { vehicle.AirTemperature.Set(r, q(72, vehicle.Fahrenheit), "") }, `"value": 72, "unit": "°F"`},
		{"status/climate/front_left_seat_status", func(r *vehicle.Report) { vehicle.SeatFrontLeft.Set(r, vehicle.SeatHighHeat, "") }, `"value": {"value": "High Heat", "level": "HIGH"}`},
		{"status/climate/rear_right_seat_status", func(r *vehicle.Report) { vehicle.SeatRearRight.Set(r, vehicle.SeatOff, "") }, `"value": {"value": "Off", "level": "OFF"}`},
		{"status/location/latitude", func(r *vehicle.Report) { vehicle.Latitude.Set(r, q(52.5200066, vehicle.Degree), "") }, `"value": 52.520007`},
		{"status/location/longitude", func(r *vehicle.Report) { vehicle.Longitude.Set(r, q(-0.1275, vehicle.Degree), "") }, `"value": -0.1275`},
		{"status/location/speed", func(r *vehicle.Report) { vehicle.Speed.Set(r, q(48, vehicle.KilometrePerHour), "") }, `"value": 48, "unit": "km/h"`},
		{"status/location/last_updated", func(r *vehicle.Report) { vehicle.LocationUpdatedAt.Set(r, reportedAt, "") }, `"value": "2026-01-05T07:29:50Z"`},
		{"status/tires/all_normal", func(r *vehicle.Report) { vehicle.TireWarning.Set(r, false, "") }, `"value": true`},
		{"status/tires/all_normal", func(r *vehicle.Report) { vehicle.TireWarning.Set(r, true, "") }, `"value": false`},
		{"status/tires/back_left_warning", func(r *vehicle.Report) { vehicle.TireWarningRearLeft.Set(r, true, "") }, `"value": true`},
		{"status/service/next_service_distance", func(r *vehicle.Report) { vehicle.NextService.Set(r, q(15000, vehicle.Kilometre), "") }, `"value": 15000, "unit": "km"`},
		{"status/service/next_service_unit", func(r *vehicle.Report) { vehicle.NextService.Set(r, q(15000, vehicle.Kilometre), "") }, `"value": "km"`},
		{"status/service/last_service_unit", func(r *vehicle.Report) { vehicle.LastService.Set(r, q(15000, vehicle.Mile), "") }, `"value": "mi"`},
		{"status/engine/is_running", func(r *vehicle.Report) { vehicle.EngineRunning.Set(r, false, "") }, `"value": false`},
		{"status/engine/fuel_level", func(r *vehicle.Report) { vehicle.FuelLevel.Set(r, 62, "") }, `"value": 62, "unit": "%"`},
		{"status/engine/fuel_range", func(r *vehicle.Report) { vehicle.FuelRange.Set(r, q(480, vehicle.Kilometre), "") }, `"value": 480, "unit": "km"`},
		{"status/engine/fuel_unit", func(r *vehicle.Report) { vehicle.FuelRange.Set(r, q(480, vehicle.Kilometre), "") }, `"value": "km"`},
		{"status/engine/fuel_unit", func(r *vehicle.Report) { vehicle.FuelRange.Set(r, q(480, vehicle.NoUnit), "") }, `"value": null`},
		{"status/general/odometer", func(r *vehicle.Report) { vehicle.Odometer.Set(r, q(12345.678, vehicle.Kilometre), "") }, `"value": 12345.7, "unit": "km"`},
		{"battery/ev_battery_remain", func(r *vehicle.Report) { vehicle.BatteryRemain.Set(r, q(180720, vehicle.Kilojoule), "") }, `"value": 180720, "unit": "kJ"`},
		{"ev/ev_charging_power", func(r *vehicle.Report) { vehicle.ChargingPower.Set(r, q(7.238, vehicle.Kilowatt), "") }, `"value": 7.24, "unit": "kW"`},
		{"ev/ev_plug_type", func(r *vehicle.Report) { vehicle.PlugType.Set(r, vehicle.PlugDC, "") }, `"value": "dc"`},
		{"status/windows/back_left_window_level", func(r *vehicle.Report) { vehicle.LevelBackLeft.Set(r, vehicle.Ventilated, "") }, `"value": "VENTILATION"`},
		{"status/schedule/ev_first_departure_days", func(r *vehicle.Report) { vehicle.Departure1Days.Set(r, vehicle.Days{0, 6}, "") }, `"value": [0, 6]`},
		{"status/schedule/ev_first_departure_days", func(r *vehicle.Report) { vehicle.Departure1Days.Set(r, nil, "") }, `"value": []`},
		{"status/schedule/ev_off_peak_end_time", func(r *vehicle.Report) { vehicle.OffPeakEnd.Set(r, vehicle.TimeOfDay{Hour: 1, Minute: 30}, "") }, `"value": "01:30:00"`},
		{"status/general/drive_mode", func(r *vehicle.Report) { vehicle.DriveMode.Set(r, `My "Mode"`, "") }, `"value": "My \"Mode\""`},
		{"status/reported_at", func(r *vehicle.Report) { vehicle.LastUpdatedAt.Set(r, reportedAt, "") }, `"value": "2026-01-05T07:29:50Z"`},
		{"status/fetched_at", func(r *vehicle.Report) { vehicle.LastScannedAt.Set(r, fetchedAt, "") }, `"value": "2026-01-05T07:30:12Z"`},
	} {
		sameJSON(t, c.topic, payload(t, NewTable(Options{}), c.topic, stateOf(t, c.set)), "{"+c.want+", "+times+"}")
	}
}

func TestPayload_WithoutReportTimeHasNone(t *testing.T) {
	report := vehicle.Report{}
	vehicle.SoC.Set(&report, 50, "")
	s, _, _ := vehicle.State{}.Apply(report, fetchedAt)
	sameJSON(t, "level", payload(t, NewTable(Options{}), "battery/level", s),
		`{"value": 50, "timestamp": "2026-01-05T07:30:12.345600Z", "unit": "%"}`)
	sameJSON(t, "received", payload(t, NewTable(Options{}), "status/received_at", s),
		`{"value": "2026-01-05T07:30:12Z", "timestamp": "2026-01-05T07:30:12.345600Z"}`)
}

func TestPayloads_EveryTopicOfAnEmptyStateIsNull(t *testing.T) {
	for _, row := range NewTable(Options{}).Rows() {
		envelope := decode(t, string(row.Append(nil, vehicle.State{}))).(map[string]any)
		if value := envelope["value"]; value != nil && value != "unknown" {
			t.Errorf("%s says %v of a car that nobody knows", row.Suffix, value)
		}
	}
}

// A level is believed where it fits the flag; a flag from a newer report outweighs it.
func TestWindow_LevelCountsWhereItAgreesWithTheFlag(t *testing.T) {
	table := NewTable(Options{})
	for _, c := range []struct {
		flag, level any // nil: never reported; "refused": unknown now
		want        string
	}{
		{false, nil, `{"value": 0, "state": "CLOSED"}`},
		{true, nil, `{"value": 1, "state": "OPEN"}`},
		{nil, vehicle.Ventilated, `{"value": 2, "state": "VENTILATION"}`},
		{nil, vehicle.Closed, `{"value": 0, "state": "CLOSED"}`},
		{true, vehicle.Ventilated, `{"value": 2, "state": "VENTILATION"}`},
		{true, vehicle.Open, `{"value": 1, "state": "OPEN"}`},
		{true, vehicle.Closed, `{"value": 1, "state": "OPEN"}`},
		{false, vehicle.Ventilated, `{"value": 0, "state": "CLOSED"}`},
		{"refused", vehicle.Open, `{"value": 1, "state": "OPEN"}`},
		{"refused", nil, `null, "last_value": {"value": 1, "state": "OPEN"}, "last_reported_at": "2026-01-05T07:29:50Z"`},
	} {
		s := stateOf(t, func(r *vehicle.Report) {
			if c.flag == "refused" {
				vehicle.WindowBackLeft.Set(r, true, "")
				r.Refuse(vehicle.WindowBackLeft, vehicle.RefusedCode, "7")
			}
			if open, ok := c.flag.(bool); ok {
				vehicle.WindowBackLeft.Set(r, open, "")
			}
			if level, ok := c.level.(vehicle.Opening); ok {
				vehicle.LevelBackLeft.Set(r, level, "")
			}
		})
		sameJSON(t, fmt.Sprint(c.flag, " ", c.level), payload(t, table, "status/windows/back_left", s), `{"value": `+c.want+`, `+times+`}`)
	}
}

func TestUnits_FixedUnitsNeverChange(t *testing.T) {
	q := func(value float64, unit vehicle.Unit) vehicle.Quantity {
		return vehicle.Quantity{Value: value, Unit: unit}
	}
	for _, c := range []struct {
		topic            string
		set              func(*vehicle.Report)
		metric, imperial string
	}{
		{"ev/range", func(r *vehicle.Report) { vehicle.EVRange.Set(r, q(100, vehicle.Mile), "") }, `"value": 160.9, "unit": "km"`, `"value": 100, "unit": "mi"`},
		{"ev/range", func(r *vehicle.Report) { vehicle.EVRange.Set(r, q(100, vehicle.NoUnit), "") }, `"value": null, "unit": "km"`, `"value": null, "unit": "mi"`},
		{"status/climate/set_temperature", func(r *vehicle.Report) { vehicle.AirTemperature.Set(r, q(21.5, vehicle.Celsius), "") }, `"value": 21.5, "unit": "°C"`, `"value": 70.7, "unit": "°F"`},
		{"status/tires/tire_pressure_front_left", func(r *vehicle.Report) { vehicle.TireFrontLeft.Set(r, q(2.5, vehicle.Bar), "") }, `"value": 250, "unit": "kPa"`, `"value": 36.26, "unit": "psi"`},
		{"battery/ev_battery_remain", func(r *vehicle.Report) { vehicle.BatteryRemain.Set(r, q(36000, vehicle.Kilojoule), "") }, `"value": 10000, "unit": "Wh"`, `"value": 10000, "unit": "Wh"`},
		{"status/location/speed", func(r *vehicle.Report) { vehicle.Speed.Set(r, q(100, vehicle.KilometrePerHour), "") }, `"value": 100, "unit": "km/h"`, `"value": 62.1, "unit": "mph"`},
		{"ev/power_consumption_30d", func(r *vehicle.Report) { vehicle.Consumption30d.Set(r, q(187, vehicle.WattHourPerKilometre), "") }, `"value": 187, "unit": "Wh"`, `"value": 300.9, "unit": "Wh"`},
		{"ev/energy_consumption", func(r *vehicle.Report) { vehicle.Consumption30d.Set(r, q(187, vehicle.WattHourPerKilometre), "") }, `"value": 18.7, "unit": "kWh/100km"`, `"value": 18.7, "unit": "kWh/100km"`},
		{"status/service/next_service_unit", func(r *vehicle.Report) { vehicle.NextService.Set(r, q(9000, vehicle.Kilometre), "") }, `"value": "km"`, `"value": "mi"`},
		{"battery/level", func(r *vehicle.Report) { vehicle.SoC.Set(r, 74, "") }, `"value": 74, "unit": "%"`, `"value": 74, "unit": "%"`},
	} {
		s := stateOf(t, c.set)
		sameJSON(t, "metric "+c.topic, payload(t, NewTable(Options{Units: Metric}), c.topic, s), "{"+c.metric+", "+times+"}")
		sameJSON(t, "imperial "+c.topic, payload(t, NewTable(Options{Units: Imperial}), c.topic, s), "{"+c.imperial+", "+times+"}")
	}
}

// Whatever a car reports, a topic's unit is the same before anything is known, while it is, and when it no longer is.
func TestUnits_FixedForEveryTopic(t *testing.T) {
	full := fullState(t)
	gone := vehicle.Report{Reported: reportedAt}
	for _, d := range vehicle.Catalogue() {
		gone.Refuse(d, vehicle.RefusedSentinel, "")
	}
	unknown, _, _ := full.Apply(gone, fetchedAt)
	for _, units := range []Units{Metric, Imperial} {
		for _, row := range NewTable(Options{Units: units}).Rows() {
			var first any
			for i, s := range []vehicle.State{full, unknown, {}} {
				unit := decode(t, string(row.Append(nil, s))).(map[string]any)["unit"]
				if i == 0 {
					first = unit
				} else if unit != first {
					t.Errorf("%v: unit of %s was %v, then %v", units, row.Suffix, first, unit)
				}
			}
		}
	}
}

func TestParseUnits_TakesTheThreeWords(t *testing.T) {
	for text, want := range map[string]Units{"": AsReported, "car": AsReported, " Metric ": Metric, "IMPERIAL": Imperial} {
		if got, err := ParseUnits(text); err != nil || got != want {
			t.Errorf("ParseUnits(%q) = %v, %v", text, got, err)
		}
	}
	if _, err := ParseUnits("si"); err == nil || !strings.Contains(err.Error(), "metric") {
		t.Errorf("the refusal does not say what is known: %v", err)
	}
}

// The parity of numbers with the reference library counts one decimal; no rounding may cost it.
func TestRounding_KeepsOneDecimal(t *testing.T) {
	numeric := []*vehicle.Datum{}
	for _, d := range vehicle.Catalogue() {
		if len(NewTable(Options{}).Of(d)) > 0 && forms[d.Kind].value == "number" && d.Kind != vehicle.KindDuration {
			numeric = append(numeric, d)
		}
	}
	table := NewTable(Options{})
	rapid.Check(t, func(rt *rapid.T) {
		d := rapid.SampledFrom(numeric).Draw(rt, "datum")
		low, high := d.Min, d.Max
		if low == high {
			low, high = -1e6, 1e6
		}
		number := math.Round(rapid.Float64Range(low, high).Draw(rt, "number")*10) / 10
		number = min(max(number, low), high)
		if number == 0 {
			rt.Skip("the 0 of some rows says nothing")
		}
		var value any = vehicle.Quantity{Value: number, Unit: d.Unit}
		switch d.Kind {
		case vehicle.KindPercent:
			value = vehicle.Percent(number)
		case vehicle.KindNumber:
			value = vehicle.Number(number)
		default:
		}
		report := vehicle.Report{Observations: []vehicle.Observation{{Datum: d, Value: value}}}
		s, _, refusals := vehicle.State{}.Apply(report, fetchedAt)
		if len(refusals) > 0 {
			rt.Fatalf("%v", refusals)
		}
		// The last topic is the one that tells the data point itself.
		rows := table.Of(d)
		row := rows[0]
		for _, r := range rows {
			if r.from[0] == d && r.Suffix != "ev/energy_consumption" && r.Suffix != "status/location/position" && !strings.HasSuffix(r.Suffix, "_unit") {
				row = r
			}
		}
		got := decode(t, string(row.Append(nil, s))).(map[string]any)["value"]
		if told, ok := got.(float64); !ok || math.Round(told*10) != math.Round(number*10) {
			rt.Fatalf("%s of %v says %v", row.Suffix, number, got)
		}
	})
}
