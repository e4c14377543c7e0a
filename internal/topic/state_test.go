package topic

import (
	"encoding/json"
	"flag"
	"reflect"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// update writes what the tests compare with: testdata/golden and docs/topics.md.
var update = flag.Bool("update", false, "write golden files and docs/topics.md anew")

var (
	fetchedAt  = time.Date(2026, 1, 5, 7, 30, 12, 345_600_000, time.UTC)
	reportedAt = time.Date(2026, 1, 5, 8, 29, 50, 0, time.FixedZone("", 3600))
)

// samples is a plausible value of each kind, in the car's unit.
var samples = map[vehicle.Kind]any{
	vehicle.KindFlag:        true,
	vehicle.KindPercent:     vehicle.Percent(74),
	vehicle.KindNumber:      vehicle.Number(2),
	vehicle.KindDistance:    vehicle.Quantity{Value: 412.4, Unit: vehicle.Kilometre},
	vehicle.KindTemperature: vehicle.Quantity{Value: 21.5, Unit: vehicle.Celsius},
	vehicle.KindPressure:    vehicle.Quantity{Value: 36, Unit: vehicle.PSI},
	vehicle.KindEnergy:      vehicle.Quantity{Value: 180_720, Unit: vehicle.Kilojoule},
	vehicle.KindConsumption: vehicle.Quantity{Value: 187, Unit: vehicle.WattHourPerKilometre},
	vehicle.KindPower:       vehicle.Quantity{Value: 7.24, Unit: vehicle.Kilowatt},
	vehicle.KindVoltage:     vehicle.Quantity{Value: 697.4, Unit: vehicle.Volt},
	vehicle.KindRotation:    vehicle.Quantity{Value: 1200, Unit: vehicle.RPM},
	vehicle.KindSpeed:       vehicle.Quantity{Value: 48, Unit: vehicle.KilometrePerHour},
	vehicle.KindAngle:       vehicle.Quantity{Value: 52.5200066, Unit: vehicle.Degree},
	vehicle.KindAltitude:    vehicle.Quantity{Value: 34.5, Unit: vehicle.Metre},
	vehicle.KindDuration:    85 * time.Minute,
	vehicle.KindTime:        reportedAt,
	vehicle.KindTimeOfDay:   vehicle.TimeOfDay{Hour: 7, Minute: 10},
	vehicle.KindDays:        vehicle.Days{time.Monday, time.Tuesday},
	vehicle.KindText:        `Eco "plus"`,
	vehicle.KindSeat:        vehicle.SeatHighHeat,
	vehicle.KindOpening:     vehicle.Ventilated,
	vehicle.KindPlug:        vehicle.PlugAC,
	vehicle.KindStats: []vehicle.DailyStats{{
		Date: "2026-01-04", Total: 8200, Engine: 6100, Climate: 900, Electronics: 700, BatteryCare: 500, Regenerated: 1850,
		Distance: vehicle.Quantity{Value: 41.5, Unit: vehicle.Kilometre},
	}},
	vehicle.KindMonth: vehicle.MonthTrips{
		Month: "202601", Summary: vehicle.Trip{Drive: 310, Idle: 12, Distance: 220, AvgSpeed: 43, MaxSpeed: 121},
		Days: []vehicle.DayCount{{Day: "20260104", Trips: 2}},
	},
	vehicle.KindDay: vehicle.DayTrips{
		Day: "20260104", Summary: vehicle.Trip{Drive: 50, Idle: 2, Distance: 41, AvgSpeed: 49, MaxSpeed: 98},
		Trips: []vehicle.Trip{{Time: "081500", Drive: 25, Idle: 1, Distance: 20, AvgSpeed: 48, MaxSpeed: 98}},
	},
}

// fullState knows every data point of the catalogue.
func fullState(t testing.TB) vehicle.State {
	t.Helper()
	report := vehicle.Report{Reported: reportedAt}
	for _, d := range vehicle.Catalogue() {
		value, ok := samples[d.Kind]
		if !ok {
			t.Fatalf("no sample for the kind of %s", d)
		}
		if n, ok := value.(vehicle.Number); ok && d.Min > float64(n) {
			value = vehicle.Number(d.Min)
		}
		report.Observations = append(report.Observations, vehicle.Observation{Datum: d, Value: value, Reported: reportedAt})
	}
	s, _, refusals := vehicle.State{}.Apply(report, fetchedAt)
	if len(refusals) > 0 {
		t.Fatalf("samples were refused: %v", refusals)
	}
	return s
}

// stateOf applies what set puts into one report.
func stateOf(t testing.TB, set func(*vehicle.Report)) vehicle.State {
	t.Helper()
	return after(t, vehicle.State{}, set)
}

func after(t testing.TB, s vehicle.State, set func(*vehicle.Report)) vehicle.State {
	t.Helper()
	report := vehicle.Report{Reported: reportedAt}
	set(&report)
	s, _, _ = s.Apply(report, fetchedAt)
	return s
}

// payload is the JSON that a topic says of a state.
func payload(t testing.TB, table *Table, suffix string, s vehicle.State) string {
	t.Helper()
	for _, row := range table.Rows() {
		if row.Suffix == suffix {
			return string(row.Append(nil, s))
		}
	}
	t.Fatalf("there is no topic %s", suffix)
	return ""
}

// decode reads JSON, or fails the test.
func decode(t testing.TB, text string) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%s is not JSON: %v", text, err)
	}
	return v
}

// sameJSON compares two JSON texts; order of keys and spelling of numbers do not count.
func sameJSON(t testing.TB, what, got, want string) {
	t.Helper()
	if !reflect.DeepEqual(decode(t, got), decode(t, want)) {
		t.Errorf("%s\n got %s\nwant %s", what, got, want)
	}
}
