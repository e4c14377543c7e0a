package hass_test

import (
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/hass"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/topic"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

const prefix = "homeassistant"

var (
	fetched  = time.Date(2026, 1, 5, 7, 30, 12, 345_600_000, time.UTC)
	reported = time.Date(2026, 1, 5, 7, 29, 50, 0, time.UTC)
)

// samples are plausible values of each kind, in several units where cars differ.
func samples(d *vehicle.Datum) []any {
	quantities := func(all ...vehicle.Quantity) (values []any) {
		for _, q := range all {
			values = append(values, q)
		}
		return values
	}
	switch d.Kind {
	case vehicle.KindFlag:
		return []any{true, false}
	case vehicle.KindPercent:
		return []any{vehicle.Percent(70)}
	case vehicle.KindNumber:
		if d == vehicle.ChargingCurrent.Datum {
			return []any{vehicle.Number(1), vehicle.Number(2), vehicle.Number(3)}
		}
		return []any{vehicle.Number(max(2, d.Min))}
	case vehicle.KindDistance:
		return quantities(vehicle.Quantity{Value: 412.4, Unit: vehicle.Kilometre}, vehicle.Quantity{Value: 256, Unit: vehicle.Mile})
	case vehicle.KindTemperature:
		return quantities(vehicle.Quantity{Value: 21.5, Unit: vehicle.Celsius}, vehicle.Quantity{Value: 70, Unit: vehicle.Fahrenheit})
	case vehicle.KindPressure:
		return quantities(vehicle.Quantity{Value: 36, Unit: vehicle.PSI}, vehicle.Quantity{Value: 250, Unit: vehicle.Kilopascal}, vehicle.Quantity{Value: 2.5, Unit: vehicle.Bar})
	case vehicle.KindEnergy:
		return quantities(vehicle.Quantity{Value: 180_720, Unit: vehicle.Kilojoule}, vehicle.Quantity{Value: 50_200, Unit: vehicle.WattHour})
	case vehicle.KindConsumption:
		return quantities(vehicle.Quantity{Value: 187, Unit: vehicle.WattHourPerKilometre}, vehicle.Quantity{Value: 301, Unit: vehicle.WattHourPerMile})
	case vehicle.KindPower:
		return quantities(vehicle.Quantity{Value: 7.24, Unit: vehicle.Kilowatt})
	case vehicle.KindVoltage:
		return quantities(vehicle.Quantity{Value: 697.4, Unit: vehicle.Volt})
	case vehicle.KindRotation:
		return quantities(vehicle.Quantity{Value: 1200, Unit: vehicle.RPM})
	case vehicle.KindSpeed:
		return quantities(vehicle.Quantity{Value: 48, Unit: vehicle.KilometrePerHour}, vehicle.Quantity{Value: 30, Unit: vehicle.MilePerHour})
	case vehicle.KindAngle:
		return quantities(vehicle.Quantity{Value: 52.5200066, Unit: vehicle.Degree})
	case vehicle.KindAltitude:
		return quantities(vehicle.Quantity{Value: 34.5, Unit: vehicle.Metre})
	case vehicle.KindDuration:
		return []any{85 * time.Minute, time.Duration(0)}
	case vehicle.KindTime:
		return []any{reported}
	case vehicle.KindTimeOfDay:
		return []any{vehicle.TimeOfDay{Hour: 7, Minute: 10}}
	case vehicle.KindDays:
		return []any{vehicle.Days{time.Monday, time.Tuesday}, vehicle.Days{}}
	case vehicle.KindText:
		return []any{`Eco "plus"`}
	case vehicle.KindSeat:
		return []any{vehicle.SeatHighHeat, vehicle.SeatOff, vehicle.SeatLowCool}
	case vehicle.KindOpening:
		return []any{vehicle.Ventilated, vehicle.Closed, vehicle.Open}
	case vehicle.KindPlug:
		return []any{vehicle.PlugAC, vehicle.PlugNone}
	case vehicle.KindStats:
		return []any{[]vehicle.DailyStats{{Date: "2026-01-04", Total: 8200, Regenerated: 1850, Distance: vehicle.Quantity{Value: 41.5, Unit: vehicle.Kilometre}}}, []vehicle.DailyStats{}}
	case vehicle.KindMonth:
		return []any{vehicle.MonthTrips{Month: "202601", Summary: vehicle.Trip{Drive: 310, Distance: 220}, Days: []vehicle.DayCount{{Day: "20260104", Trips: 2}}}}
	case vehicle.KindDay:
		return []any{vehicle.DayTrips{Day: "20260104", Summary: vehicle.Trip{Distance: 41}, Trips: []vehicle.Trip{{Time: "081500", Drive: 25}}}}
	}
	return nil
}

// full is a state that knows every data point that a car with this engine can have; n chooses among the samples.
func full(t testing.TB, engine vehicle.Engine, n int) vehicle.State {
	t.Helper()
	report := vehicle.Report{Engine: engine, Reported: reported}
	for _, d := range vehicle.Catalogue() {
		values := samples(d)
		if len(values) == 0 {
			t.Fatalf("no sample for the kind of %s", d)
		}
		if d.Fits(engine) {
			report.Observations = append(report.Observations, vehicle.Observation{Datum: d, Value: values[n%len(values)], Reported: reported})
		}
	}
	s, _, refusals := vehicle.State{}.Apply(report, fetched)
	if len(refusals) > 0 {
		t.Fatalf("samples were refused: %v", refusals)
	}
	return s
}

// unknown is the state in which everything that was known has become unknown, but for counters, which hold.
func unknown(s vehicle.State) vehicle.State {
	report := vehicle.Report{Reported: reported.Add(time.Minute)}
	for _, d := range vehicle.Catalogue() {
		report.Refuse(d, vehicle.RefusedSentinel, "")
	}
	s, _, _ = s.Apply(report, fetched.Add(time.Minute))
	return s
}

// everything are the names of all commands.
func everything() (all []string) {
	for _, spec := range vehicle.Commands() {
		all = append(all, spec.Name)
	}
	return all
}

// reading are the names of those that only read.
func reading() []string {
	return []string{vehicle.Refresh{}.Spec().Name, vehicle.Hint{}.Spec().Name, vehicle.Cancel{}.Spec().Name}
}

func ioniq() vehicle.Vehicle {
	const vin = "KMHXX00XXPU000001"
	return vehicle.Vehicle{
		ID: vehicle.NewID(vin, vehicle.Europe, vehicle.Hyundai, ""), VIN: vin, Name: "Ioniq 5", Model: "IONIQ 5", Year: 2023,
		Brand: vehicle.Hyundai, Region: vehicle.Europe, Engine: vehicle.EV, CCS2: 1,
	}
}

// car is an announced car.
func car(v vehicle.Vehicle, s vehicle.State, commands []string) hass.Car {
	return hass.Car{Name: "ioniq5", Account: "hyundai-eu", Vehicle: v, State: s, Commands: commands}
}

// options are those of most tests; change says what differs.
func options(t testing.TB, units topic.Units, change ...func(*hass.Options)) hass.Options {
	t.Helper()
	tree, err := topic.NewTree("home/garage/hyundai")
	if err != nil {
		t.Fatal(err)
	}
	o := hass.Options{
		Tree: tree, Table: topic.NewTable(topic.Options{Units: units}), Prefix: prefix, Language: "en", Version: "1.4.0",
	}
	for _, c := range change {
		c(&o)
	}
	return o
}

func newHome(t testing.TB, o hass.Options) *hass.Home {
	t.Helper()
	h, err := hass.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return h
}
