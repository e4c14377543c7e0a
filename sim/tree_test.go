package sim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"pgregory.net/rapid"
)

// everyForm calls check with both wire forms of reports of all kinds of cars, standing,
// driving, charging and in odd states.
func everyForm(t *testing.T, check func(t *testing.T, what string, form []byte)) {
	t.Helper()
	for _, alive := range []bool{true, false} {
		s := newSim(t, Options{Cars: 10, Seed: 7, Parked: !alive})
		for _, hours := range []int{0, 5, 9, 30} {
			if hours > 0 {
				if err := s.Advance(time.Duration(hours) * time.Hour); err != nil {
					t.Fatal(err)
				}
			}
			for _, c := range s.clouds {
				for _, v := range c.cars {
					v.mu.Lock()
					v.settle(time.Now())
					v.event()
					r := v.report
					v.mu.Unlock()
					what := fmt.Sprintf("%s %s %s after %d h", v.cloud.region, v.cloud.brand, v.model.name, hours)
					if v.model.ccs2 {
						check(t, what, r.ccs2())
					} else {
						check(t, what, r.flat())
					}
				}
			}
		}
	}
}

func newSim(t testing.TB, o Options) *Sim {
	t.Helper()
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestForms_AreJSONWithoutRepeatedKeys(t *testing.T) {
	everyForm(t, func(t *testing.T, what string, form []byte) {
		d := json.NewDecoder(bytes.NewReader(form))
		if err := walkKeys(d, what); err != nil {
			t.Fatalf("%s: %v\n%s", what, err, form)
		}
		if _, err := d.Token(); !errors.Is(err, io.EOF) {
			t.Fatalf("%s: more than one value", what)
		}
	})
}

// walkKeys reads one value and complains about a key that an object has twice: leaves
// of one object that do not follow each other.
func walkKeys(d *json.Decoder, at string) error {
	token, err := d.Token()
	if err != nil {
		return err
	}
	switch token {
	case json.Delim('{'):
		seen := map[string]bool{}
		for d.More() {
			key, err := d.Token()
			if err != nil {
				return err
			}
			name := key.(string)
			if seen[name] {
				return fmt.Errorf("%s.%s stands there twice", at, name)
			}
			seen[name] = true
			if err := walkKeys(d, at+"."+name); err != nil {
				return err
			}
		}
		_, err = d.Token()
	case json.Delim('['):
		for i := 0; d.More(); i++ {
			if err := walkKeys(d, at+"."+strconv.Itoa(i)); err != nil {
				return err
			}
		}
		_, err = d.Token()
	}
	return err
}

// leaves flattens a form into dotted paths.
func leaves(t testing.TB, form []byte) map[string]any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(form))
	d.UseNumber()
	var tree any
	if err := d.Decode(&tree); err != nil {
		t.Fatal(err)
	}
	all := map[string]any{}
	var walk func(string, any)
	walk = func(at string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for key, inner := range v {
				walk(at+"."+key, inner)
			}
		case []any:
			for i, inner := range v {
				walk(at+"."+strconv.Itoa(i), inner)
			}
		default:
			all[strings.TrimPrefix(at, ".")] = v
		}
	}
	walk("", tree)
	return all
}

// TestForms_KeepTheTypesThatStrictClientsNeed holds the rules of docs/protocol/europe.md
// §11.4 and ccs2-status.md §2: what must be an integer, a boolean or a text is one.
func TestForms_KeepTheTypesThatStrictClientsNeed(t *testing.T) {
	texts := []string{
		"Date", "Offset", "Version", "Location.Date", "Chassis.DrivingMode.State", "Cabin.HVAC.Row1.Driver.Temperature.Value",
		"Green.BatteryManagement.BatteryRemain.Unit", "Green.Reservation.Departure.Climate.Temperature", "Green.Reservation.Departure.Climate.TemperatureHex",
		"time", "airTemp.value",
	}
	booleans := []string{
		"airCtrlOn", "defrost", "engine", "acc", "ign3", "transCond", "doorLock", "trunkOpen", "hoodOpen", "batteryCharge", "reservChargeSet",
		"washerFluidStatus", "breakOilStatus", "smartKeyBatteryWarning", "lowFuelLight", "sunroofOpen",
	}
	fractions := []string{
		"Drivetrain.Odometer", "odometer.value", "BatteryRemain.Ratio", "RealTimePower", "batteryStndChrgPower", "Latitude", "Longitude", ".lat", ".lon",
		"BatteryPackVoltage", "Decimal", "OutsideTemperature.Value",
	}
	endsIn := func(path string, endings []string) bool {
		for _, ending := range endings {
			if strings.HasSuffix(path, ending) {
				return true
			}
		}
		return false
	}
	everyForm(t, func(t *testing.T, what string, form []byte) {
		if american(what) {
			return // other pages, other types: see america_test.go
		}
		for path, leaf := range leaves(t, form) {
			got := typeOf(leaf)
			want := "int"
			switch {
			case endsIn(path, fractions):
				if got == "int" || got == "number" {
					continue
				}
				want = "number"
			case endsIn(path, texts):
				want = "text"
			case unicode.IsLower(rune(path[0])) && endsIn(path, booleans): // the flat form's names are
				want = "bool"
			}
			if got != want {
				t.Errorf("%s: %s is %s (%v), want %s", what, path, got, leaf, want)
			}
		}
	})
}

func TestForms_StayWithinWhatClientsCanRead(t *testing.T) {
	everyForm(t, func(t *testing.T, what string, form []byte) {
		all := leaves(t, form)
		if _, ccs2 := all["Date"]; ccs2 {
			if _, there := all["Drivetrain.FuelSystem.DTE.Total"]; !there {
				t.Errorf("%s: no DTE.Total, which one client cannot do without", what)
			}
			if unit := fmt.Sprint(all["Drivetrain.FuelSystem.DTE.Unit"]); unit != "1" {
				t.Errorf("%s: DTE.Unit is %s", what, unit)
			}
		}
		for path, leaf := range all {
			n, err := strconv.ParseFloat(fmt.Sprint(leaf), 64)
			if err != nil {
				continue
			}
			switch {
			case strings.HasSuffix(path, "BatteryRemain.Ratio"), strings.HasSuffix(path, "batteryStatus"), strings.HasSuffix(path, "FuelLevel"), strings.HasSuffix(path, "fuelLevel"):
				if n < 0 || n > 100 {
					t.Errorf("%s: %s is %v", what, path, n)
				}
			case strings.HasSuffix(path, "RemainTime"), strings.HasSuffix(path, "atc.value"):
				if n < 0 || n > 6000 {
					t.Errorf("%s: %s is %v", what, path, n)
				}
			}
		}
	})
}

// The tree of docs/protocol/ccs2-status.md §6 is what a client can be sure to find; ours
// has every leaf of it.
func TestCCS2_HasEveryLeafOfTheMinimalTree(t *testing.T) {
	s := newSim(t, Options{Cars: 1, Parked: true})
	all := leaves(t, s.clouds[0].cars[0].report.ccs2())
	for _, path := range strings.Fields(minimalTree) {
		if _, there := all[path]; !there {
			t.Errorf("%s is missing", path)
		}
	}
}

const minimalTree = `Date Offset DrivingReady Body.Hood.Open Body.Trunk.Open Body.Sunroof.Glass.Open
Body.Windshield.Front.Defog.State Body.Windshield.Front.WasherFluid.LevelLow Body.Windshield.Rear.Defog.State
Body.Lights.Front.HeadLamp.SystemWarning Body.Lights.Front.Left.Low.Warning Body.Lights.Front.Right.High.Warning
Body.Lights.Rear.Left.StopLamp.Warning Body.Lights.Rear.Right.TurnSignal.Warning
Cabin.Door.Row1.Driver.Open Cabin.Door.Row1.Passenger.Lock Cabin.Door.Row2.Left.Lock Cabin.Door.Row2.Right.Open
Cabin.Window.Row1.Driver.OpenLevel Cabin.Window.Row2.Right.Open Cabin.Seat.Row1.Driver.Climate.State Cabin.Seat.Row2.Right.Climate.State
Cabin.SteeringWheel.Heat.State Cabin.HVAC.Row1.Driver.Temperature.Value Cabin.HVAC.Row1.Driver.Temperature.Unit Cabin.HVAC.Row1.Driver.Blower.SpeedLevel
Chassis.Axle.Row1.Left.Tire.Pressure Chassis.Axle.Row2.Right.Tire.PressureLow Chassis.Axle.Tire.PressureUnit Chassis.Brake.Fluid.Warning Chassis.DrivingMode.State
Drivetrain.Odometer Drivetrain.FuelSystem.DTE.Total Drivetrain.FuelSystem.DTE.Unit Drivetrain.FuelSystem.FuelLevel Drivetrain.FuelSystem.LowFuelWarning
Drivetrain.Transmission.ParkingPosition Electronics.Battery.Level Electronics.Battery.SensorReliability Electronics.Battery.Auxiliary.FailWarning
Electronics.FOB.LowBattery Electronics.PowerSupply.Accessory Electronics.PowerSupply.Ignition3
Green.BatteryManagement.BatteryRemain.Ratio Green.BatteryManagement.BatteryRemain.Value Green.BatteryManagement.BatteryCapacity.Value Green.BatteryManagement.SoH.Ratio
Green.BatteryManagement.BatteryPreCondition.Status Green.ChargingInformation.ConnectorFastening.State Green.ChargingInformation.ElectricCurrentLevel.State
Green.ChargingInformation.Charging.RemainTime Green.ChargingInformation.EstimatedTime.Standard Green.ChargingInformation.EstimatedTime.ICCB
Green.ChargingInformation.EstimatedTime.Quick Green.ChargingInformation.ExpectedTime.StartDay Green.ChargingInformation.TargetSoC.Standard
Green.ChargingInformation.TargetSoC.Quick Green.ChargingInformation.DTE.TargetSoC.Standard Green.ChargingDoor.State Green.Electric.SmartGrid.RealTimePower
Green.Electric.SmartGrid.VehicleToLoad.DischargeLimitation.SoC Green.Reservation.OffPeakTime.StartHour Green.Reservation.OffPeakTime.Mode
Green.Reservation.Departure.Schedule1.Enable Green.Reservation.Departure.Schedule1.Hour Green.Reservation.Departure.Schedule1.Sat Green.Reservation.Departure.Schedule2.Enable
Location.GeoCoord.Latitude Location.GeoCoord.Longitude Location.GeoCoord.Altitude Location.GeoCoord.Type Location.Heading Location.Speed.Value
Location.TimeStamp.Year Location.TimeStamp.Mon Location.TimeStamp.Day Location.TimeStamp.Hour Location.TimeStamp.Min Location.TimeStamp.Sec RemoteControl.SleepMode`

// The times of docs/protocol/europe.md §5.2 and §6.5: midnight is "1200"/0, noon
// "1200"/1, and every time survives the way to the wire and back.
func TestClockTime_TwelveHoursAndBack(t *testing.T) {
	for want, c := range map[string]clockTime{
		"1200 0": {0, 0, true}, "0130 0": {1, 30, true}, "0710 0": {7, 10, true}, "1200 1": {12, 0, true}, "1130 1": {23, 30, true},
	} {
		text, section := c.twelveHours()
		if got := fmt.Sprintf("%s %d", text, section); got != want {
			t.Errorf("%02d:%02d is %s, want %s", c.hour, c.minute, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		c := clockTime{rapid.IntRange(0, 23).Draw(t, "hour"), rapid.IntRange(0, 59).Draw(t, "minute"), true}
		text, section := c.twelveHours()
		back, ok := (&wireTime{text, section}).clock()
		if !ok || back != c {
			t.Fatalf("%v became %s/%d became %v (%v)", c, text, section, back, ok)
		}
	})
}

func TestTemperatureCode_ExamplesOfTheProtocolPage(t *testing.T) {
	for celsius, want := range map[float64]string{
		14: "00H", 16: "04H", 17: "06H", 20: "0CH", 21: "0EH", 22: "10H", 25: "16H", 27: "1AH", 29.5: "1FH", 35: "1FH", -5: "00H",
	} {
		if got := widerCodes.code(celsius); got != want {
			t.Errorf("%v °C is %s, want %s", celsius, got, want)
		}
		if back, ok := widerCodes.celsius(want); !ok || celsius >= 14 && celsius <= 29.5 && back != celsius {
			t.Errorf("%s is %v (%v), want %v", want, back, ok, celsius)
		}
	}
}

func TestVIN_CheckDigits(t *testing.T) {
	// A well-known valid chassis number, and ours.
	if got := vinCheckDigit([]byte("1M8GDM9AXKP042788")); got != 'X' {
		t.Errorf("check digit %c, want X", got)
	}
	seen := map[string]bool{}
	for _, v := range newSim(t, Options{Cars: 30}).Vehicles() {
		if len(v.VIN) != 17 || strings.ContainsAny(v.VIN, "IOQ") || vinCheckDigit([]byte(v.VIN)) != v.VIN[8] {
			t.Errorf("%s is no chassis number", v.VIN)
		}
		if seen[v.VIN] || seen[v.ID] {
			t.Errorf("%s or %s is there twice", v.VIN, v.ID)
		}
		seen[v.VIN], seen[v.ID] = true, true
	}
}
