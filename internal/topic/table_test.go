package topic

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

func suffixes(rows []*Row) []string {
	var all []string
	for _, row := range rows {
		all = append(all, row.Suffix)
	}
	return all
}

func TestTable_EveryDataPointHasATopicExceptTheCarsIdentity(t *testing.T) {
	table := NewTable(Options{})
	for _, d := range vehicle.Catalogue() {
		if got, want := len(table.Of(d)) > 0, d.Group != vehicle.GroupIdentity; got != want {
			t.Errorf("%s of group %s has topics %v", d, d.Group, suffixes(table.Of(d)))
		}
	}
}

func TestTable_TopicsAreUniqueAndFitIntoTheTree(t *testing.T) {
	form := regexp.MustCompile(`^(battery|ev|status)(/[a-z0-9_]+)+$`)
	seen := map[string]bool{}
	for _, row := range NewTable(Options{}).Rows() {
		if seen[row.Suffix] {
			t.Errorf("%s stands twice", row.Suffix)
		}
		seen[row.Suffix] = true
		if !form.MatchString(row.Suffix) {
			t.Errorf("%s does not fit", row.Suffix)
		}
	}
	// These belong to refreshes and to the bridge.
	for _, taken := range []string{"last_updated", "data_source", "update_method", "error", "stale", "stale_reason", "car_battery_falling", "climate/target"} {
		if seen["status/"+taken] {
			t.Errorf("status/%s is a data topic too", taken)
		}
	}
}

func TestTable_FollowsTheGeneralRule(t *testing.T) {
	table := NewTable(Options{})
	for key, want := range map[string]string{
		"odometer":                             "status/general/odometer",
		"car_battery_percentage":               "battery/car_battery_percentage",
		"ev_charge_limits_dc":                  "ev/ev_charge_limits_dc",
		"ev_target_range_charge_AC":            "ev/ev_target_range_charge_ac",
		"ev_battery_soh_percentage":            "battery/ev_battery_soh_percentage",
		"ev_plug_type":                         "ev/ev_plug_type",
		"valet_mode_active":                    "status/doors/valet_mode_active",
		"front_left_window_level":              "status/windows/front_left_window_level",
		"front_left_seat_heater_is_on":         "status/climate/front_left_seat_heater_is_on",
		"tire_pressure_rear_left":              "status/tires/tire_pressure_rear_left",
		"headlamp_status":                      "status/lights/headlamp_status",
		"fuel_level_is_low":                    "status/engine/fuel_level_is_low",
		"ev_first_departure_days":              "status/schedule/ev_first_departure_days",
		"month_trip_info":                      "status/trip/month_trip_info",
		"last_updated_at":                      "status/general/last_updated_at",
		"last_scanned_at":                      "status/fetched_at",
		"location_heading":                     "status/location/heading",
		"tire_pressure_unit":                   "status/tires/tire_pressure_unit",
		"battery_auxiliary_fail_warning_is_on": "status/general/battery_auxiliary_fail_warning_is_on",
	} {
		d, ok := vehicle.ByKey(key)
		if !ok {
			t.Errorf("the catalogue has no %s", key)
			continue
		}
		if !slices.Contains(suffixes(table.Of(d)), want) {
			t.Errorf("%s has the topics %v, want %s", key, suffixes(table.Of(d)), want)
		}
	}
}

func TestTable_TopicsOfTheContractTakeTheirDataPointForThemselves(t *testing.T) {
	table := NewTable(Options{})
	for key, want := range map[string][]string{
		"ev_battery_percentage":                {"battery/level", "status/charge_state"},
		"ev_estimated_current_charge_duration": {"ev/charge_time_100", "ev/charge_time_target"},
		"power_consumption_30d":                {"ev/energy_consumption", "ev/power_consumption_30d"},
		"air_control_is_on":                    {"status/climate/is_on", "status/climate/air_control"},
		"next_service_distance":                {"status/service/next_service_distance", "status/service/next_service_unit"},
		"fuel_driving_range":                   {"status/engine/fuel_range", "status/engine/fuel_unit"},
		"tire_pressure_all_warning_is_on":      {"status/tires/all_normal"},
		"last_scanned_at":                      {"status/fetched_at"},
		"front_left_window_level":              {"status/windows/front_left", "status/windows/front_left_window_level"},
		"VIN":                                  nil,
	} {
		d, _ := vehicle.ByKey(key)
		if got := suffixes(table.Of(d)); !slices.Equal(got, want) {
			t.Errorf("%s has the topics %v, want %v", key, got, want)
		}
	}
}

func TestTable_OrderIsTheContracts(t *testing.T) {
	var parts []string
	for _, row := range NewTable(Options{}).Rows() {
		part := strings.TrimPrefix(row.Suffix, "status/")
		part, _, deeper := strings.Cut(part, "/")
		if !deeper {
			part = "status"
		}
		if len(parts) == 0 || parts[len(parts)-1] != part {
			parts = append(parts, part)
		}
	}
	want := []string{
		"battery", "ev", "doors", "windows", "climate", "location", "tires", "lights", "service", "engine",
		"ev" /* energy */, "schedule", "trip", "general", "status",
	}
	if !slices.Equal(parts, want) {
		t.Errorf("got %v, want %v", parts, want)
	}
	for at, row := range NewTable(Options{}).Rows() {
		if row.Position() != at {
			t.Errorf("%s says that it stands at %d, it stands at %d", row.Suffix, row.Position(), at)
		}
	}
}

func TestTable_RetainsAllButThePlace(t *testing.T) {
	for _, row := range NewTable(Options{}).Rows() {
		place := strings.HasPrefix(row.Suffix, "status/location/") || row.Suffix == "status/general/geocode"
		if row.Place != place || row.Retain == place {
			t.Errorf("%s: place %v, retained %v", row.Suffix, row.Place, row.Retain)
		}
	}
	for _, row := range NewTable(Options{RetainLocation: true}).Rows() {
		if !row.Retain {
			t.Errorf("%s is not retained although that was asked for", row.Suffix)
		}
	}
}

func TestDropIn_EveryTopicIsFilledFromAFullState(t *testing.T) {
	if n := len(DropIn()); n != 65 {
		t.Fatalf("the contract has 65 topics, the list %d", n)
	}
	full := fullState(t)
	filled := map[string]string{}
	for row := range NewTable(Options{}).Seen(full) {
		filled[row.Suffix] = string(row.Append(nil, full))
	}
	for _, m := range Refreshed(fetchedAt, vehicle.FromCar, vehicle.Smart) {
		filled[m.Suffix] = string(m.Payload)
	}
	problem := Failed(Problem{At: fetchedAt, Command: "refresh", Mode: vehicle.Force, Text: "x"})
	filled[problem.Suffix] = string(problem.Payload)
	for _, suffix := range DropIn() {
		text, there := filled[suffix]
		if why := NeverKnown()[suffix]; (why == "") != there {
			t.Errorf("%s: published %v, reason to stay empty %q", suffix, there, why)
		}
		if !there {
			continue
		}
		envelope, ok := decode(t, text).(map[string]any)
		if !ok || envelope["value"] == nil || envelope["timestamp"] != "2026-01-05T07:30:12.345600Z" {
			t.Errorf("%s says %s", suffix, text)
		}
	}
}

func TestDropIn_EveryTopicStandsInTheTableOnceAndInItsOrder(t *testing.T) {
	var places []int
	all := suffixes(NewTable(Options{}).Rows())
	for _, suffix := range DropIn() {
		if at := slices.Index(all, suffix); at >= 0 {
			places = append(places, at)
		}
	}
	if len(places) != 65-4-len(NeverKnown()) {
		t.Errorf("the table has %d topics of the contract", len(places))
	}
	if !slices.IsSorted(places) {
		t.Error("the table has the topics of the contract in another order")
	}
}

func TestSeen_TellsNothingOfWhatWasNeverKnown(t *testing.T) {
	table := NewTable(Options{})
	for row := range table.Seen(vehicle.State{}) {
		t.Errorf("%s of an empty state", row.Suffix)
	}
	s := stateOf(t, func(r *vehicle.Report) {
		vehicle.SoC.Set(r, 60, "60")
		vehicle.LimitAC.Set(r, 80, "80")
	})
	got := suffixes(slices.Collect(table.Seen(s)))
	want := []string{"battery/level", "ev/charge_limit", "status/received_at"} // no charge state from these two alone
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for range table.Seen(s) {
		break // a consumer may stop early
	}
}

func TestSeen_TellsWhatHasBecomeUnknown(t *testing.T) {
	s := stateOf(t, func(r *vehicle.Report) {
		vehicle.BatteryTempMin.Set(r, vehicle.Quantity{Value: 20, Unit: vehicle.Celsius}, "20")
	})
	s = after(t, s, func(r *vehicle.Report) { r.Refuse(vehicle.BatteryTempMin, vehicle.RefusedSentinel, "-127") })
	table := NewTable(Options{})
	if !slices.Contains(suffixes(slices.Collect(table.Seen(s))), "battery/temperature") {
		t.Error("the topic is not told any more")
	}
	sameJSON(t, "unknown", payload(t, table, "battery/temperature", s),
		`{"value": null, "timestamp": "2026-01-05T07:30:12.345600Z", "reported_at": "2026-01-05T07:29:50Z", "unit": "°C",
			"last_value": 20, "last_reported_at": "2026-01-05T07:29:50Z"}`)
}

// changed applies a report and gives the topics that changed by it.
func changed(t *testing.T, o Options, before vehicle.State, set func(*vehicle.Report)) []string {
	t.Helper()
	report := vehicle.Report{Reported: reportedAt}
	set(&report)
	after, changes, _ := before.Apply(report, before.FetchedAt())
	return suffixes(NewTable(o).Changed(before, after, changes))
}

func TestChanged_GivesEveryTopicMadeOfTheChange(t *testing.T) {
	before := fullState(t)
	for name, c := range map[string]struct {
		set  func(*vehicle.Report)
		want []string
	}{
		"nothing": {func(*vehicle.Report) {}, nil},
		"same value": {func(r *vehicle.Report) {
			vehicle.SoC.Set(r, 74, "74")
			vehicle.Locked.Set(r, true, "1")
		}, nil},
		"one value, two topics": {func(r *vehicle.Report) { vehicle.ChargeTime.Set(r, 70*time.Minute, "70") }, []string{
			"ev/charge_time_100", "ev/charge_time_target",
		}},
		"in order of publication": {func(r *vehicle.Report) {
			vehicle.Odometer.Set(r, vehicle.Quantity{Value: 500, Unit: vehicle.Kilometre}, "500")
			vehicle.Locked.Set(r, false, "0")
			vehicle.SoC.Set(r, 61, "61")
		}, []string{"battery/level", "status/doors/locked", "status/general/odometer"}},
		"within the rounding": {func(r *vehicle.Report) { vehicle.SoC.Set(r, 74.04, "74.04") }, nil},
		"the unit alone": {func(r *vehicle.Report) {
			vehicle.NextService.Set(r, vehicle.Quantity{Value: 412.4, Unit: vehicle.Mile}, "412.4")
		}, []string{"status/service/next_service_distance", "status/service/next_service_unit"}},
		"has become unknown": {func(r *vehicle.Report) { r.Refuse(vehicle.FuelLevel, vehicle.RefusedSentinel, "255") }, []string{
			"status/engine/fuel_level",
		}},
		"what only refines": {func(r *vehicle.Report) {
			vehicle.LevelFrontLeft.Set(r, vehicle.Open, "1")
			vehicle.LimitAC.Set(r, 70, "70")
		}, []string{"ev/charge_limit", "status/windows/front_left", "status/windows/front_left_window_level"}},
		"all that is made of it": {func(r *vehicle.Report) { vehicle.Charging.Set(r, false, "0") }, []string{
			"battery/charging_status", "status/charge_state",
		}},
	} {
		if got := changed(t, Options{}, before, c.set); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}

func TestChanged_UnderFixedUnitsASwitchInTheCarChangesNothing(t *testing.T) {
	before := stateOf(t, func(r *vehicle.Report) {
		vehicle.Odometer.Set(r, vehicle.Quantity{Value: 1609.344, Unit: vehicle.Kilometre}, "1609.344")
	})
	inMiles := func(r *vehicle.Report) {
		vehicle.Odometer.Set(r, vehicle.Quantity{Value: 1000, Unit: vehicle.Mile}, "1000")
	}
	if got := changed(t, Options{}, before, inMiles); len(got) != 1 {
		t.Errorf("in the car's unit: got %v", got)
	}
	if got := changed(t, Options{Units: Metric}, before, inMiles); len(got) != 0 {
		t.Errorf("metric: got %v", got)
	}
}

func TestChanged_NewCarTellsAllItHas(t *testing.T) {
	report := vehicle.Report{Reported: reportedAt}
	vehicle.SoC.Set(&report, 50, "50")
	vehicle.Charging.Set(&report, false, "0")
	vehicle.LastScannedAt.Set(&report, fetchedAt, "")
	s, changes, _ := vehicle.State{}.Apply(report, fetchedAt)
	table := NewTable(Options{})
	got, want := suffixes(table.Changed(vehicle.State{}, s, changes)), suffixes(slices.Collect(table.Seen(s)))
	if !slices.Equal(got, want) {
		t.Errorf("changed %v, seen %v", got, want)
	}
}

func TestRow_TimesAreTheLatestOfWhatTheValueIsMadeOf(t *testing.T) {
	later, fetchedLater := reportedAt.Add(time.Hour), fetchedAt.Add(time.Hour)
	s := stateOf(t, func(r *vehicle.Report) {
		vehicle.WindowFrontLeft.Set(r, true, "1")
		vehicle.LevelFrontLeft.Set(r, vehicle.Open, "1")
	})
	report := vehicle.Report{Reported: later}
	vehicle.LevelFrontLeft.Set(&report, vehicle.Ventilated, "2")
	s, _, _ = s.Apply(report, fetchedLater)
	table := NewTable(Options{})
	sameJSON(t, "window", payload(t, table, "status/windows/front_left", s), `{
		"value": {"value": 2, "state": "VENTILATION"},
		"timestamp": "2026-01-05T08:30:12.345600Z", "reported_at": "2026-01-05T08:29:50Z"}`)
	if got := table.Of(vehicle.WindowFrontLeft.Datum)[0].Reported(s); !got.Equal(later) {
		t.Errorf("reported %v, want %v", got, later)
	}
}

func TestRow_UnknownValueKeepsTheLastGoodOneAndItsTimeBesideIt(t *testing.T) {
	table := NewTable(Options{Units: Metric})
	known := stateOf(t, func(r *vehicle.Report) {
		vehicle.SoC.Set(r, 74, "74")
		vehicle.EVRange.Set(r, vehicle.Quantity{Value: 100, Unit: vehicle.Mile}, "100")
		vehicle.WindowFrontLeft.Set(r, true, "1")
	})
	for _, suffix := range []string{"battery/level", "ev/range", "status/windows/front_left"} {
		if got := payload(t, table, suffix, known); strings.Contains(got, "last_") {
			t.Errorf("%s is known and says %s", suffix, got)
		}
	}
	later := reportedAt.Add(10 * time.Second)
	unknown := after(t, known, func(r *vehicle.Report) {
		r.Reported = later
		r.Refuse(vehicle.SoC, vehicle.RefusedSentinel, "255")
		r.Refuse(vehicle.EVRange, vehicle.RefusedSentinel, "0")
		r.Refuse(vehicle.WindowFrontLeft, vehicle.RefusedSentinel, "7")
	})
	for suffix, want := range map[string]string{
		"battery/level":             `"last_value": 74, "last_reported_at": "2026-01-05T07:29:50Z", "unit": "%"`,
		"ev/range":                  `"last_value": 160.9, "last_reported_at": "2026-01-05T07:29:50Z", "unit": "km"`,
		"status/windows/front_left": `"last_value": {"value": 1, "state": "OPEN"}, "last_reported_at": "2026-01-05T07:29:50Z"`,
	} {
		sameJSON(t, suffix, payload(t, table, suffix, unknown),
			`{"value": null, "timestamp": "2026-01-05T07:30:12.345600Z", "reported_at": "2026-01-05T07:30:00Z", `+want+`}`)
	}
	// A state of before the restart tells the same.
	text, err := json.Marshal(unknown)
	if err != nil {
		t.Fatal(err)
	}
	var stored vehicle.State
	if err := json.Unmarshal(text, &stored); err != nil {
		t.Fatal(err)
	}
	sameJSON(t, "after a restart", payload(t, table, "battery/level", stored), payload(t, table, "battery/level", unknown))
}

func TestRow_ValueThatWasNeverKnownHasNoLastOne(t *testing.T) {
	s := stateOf(t, func(r *vehicle.Report) { r.Refuse(vehicle.SoC, vehicle.RefusedSentinel, "255") })
	if got := payload(t, NewTable(Options{}), "battery/level", s); strings.Contains(got, "last_") {
		t.Errorf("published %s", got)
	}
}
