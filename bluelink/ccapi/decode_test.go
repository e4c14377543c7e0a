package ccapi

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

var someTime = time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)

// believed decodes a text and gives what is then believed, by key, with the refusals as "key: reason".
func believed(t testing.TB, protocol string, engine vehicle.Engine, text string, before ...vehicle.State) (map[string]any, []string) {
	t.Helper()
	report, err := Decode(vehicle.Europe, protocol, engine, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var known vehicle.State
	if len(before) > 0 {
		known = before[0]
	}
	state, _, refusals := known.Apply(report, someTime)
	values := map[string]any{}
	for reading := range state.All() {
		if reading.Value != nil {
			values[reading.Datum.Key] = reading.Value
		}
	}
	var refused []string
	for _, r := range refusals {
		refused = append(refused, fmt.Sprintf("%s: %s", r.Datum.Key, r.Reason))
	}
	return values, refused
}

func km(n float64) vehicle.Quantity { return vehicle.Quantity{Value: n, Unit: vehicle.Kilometre} }

func at(hour, minute int) vehicle.TimeOfDay { return vehicle.TimeOfDay{Hour: hour, Minute: minute} }

// in puts a value at a path into JSON objects.
func in(path, value string) string {
	parts := strings.Split(path, ".")
	slices.Reverse(parts)
	for _, part := range parts {
		value = `{"` + part + `":` + value + `}`
	}
	return value
}

// TestDecode_ReadsTheVectorsOfThePages holds the cases of docs/protocol/ccs2-status.md §5 and the like of the flat form.
func TestDecode_ReadsTheVectorsOfThePages(t *testing.T) {
	const flat, ccs2 = "flat", "ccs2"
	const offPeak, departure = "Green.Reservation.OffPeakTime", "Green.Reservation.Departure.Schedule1"
	tests := map[string]struct {
		form    string
		engine  vehicle.Engine
		text    string
		want    map[string]any
		refused []string
	}{
		"12 V sentinel": {
			ccs2, vehicle.EV, in("Electronics.Battery", `{"Level":255,"SensorReliability":1}`),
			nil,
			[]string{"car_battery_percentage: sentinel"},
		},
		"12 V of an unreliable sensor": {
			ccs2, vehicle.EV, in("Electronics.Battery", `{"Level":80,"SensorReliability":1}`),
			nil,
			[]string{"car_battery_percentage: sentinel"},
		},
		"12 V cut to a whole number": {
			ccs2, vehicle.EV, in("Electronics.Battery", `{"Level":59.7}`), map[string]any{"car_battery_percentage": vehicle.Percent(59)}, nil,
		},
		"12 V out of range": {
			flat, vehicle.EV, in("vehicleStatus.battery.batSoc", `120`), nil, []string{"car_battery_percentage: out_of_range"},
		},
		"off-peak never set": {
			ccs2, vehicle.EV, in(offPeak, `{"StartHour":31,"StartMin":70,"EndHour":31,"EndMin":70,"Mode":0}`),
			map[string]any{"ev_schedule_charge_enabled": false},
			[]string{"ev_off_peak_start_time: sentinel", "ev_off_peak_end_time: sentinel"},
		},
		"off-peak mode 0": {
			ccs2, vehicle.EV, in(offPeak, `{"StartHour":22,"StartMin":30,"EndHour":1,"EndMin":30,"Mode":0}`),
			map[string]any{"ev_off_peak_start_time": at(22, 30), "ev_off_peak_end_time": at(1, 30), "ev_schedule_charge_enabled": false},
			nil,
		},
		"off-peak mode 2": {
			ccs2, vehicle.EV, in(offPeak, `{"StartHour":22,"StartMin":"30","EndHour":1,"EndMin":30,"Mode":2}`),
			map[string]any{
				"ev_off_peak_start_time": at(22, 30), "ev_off_peak_end_time": at(1, 30), "ev_schedule_charge_enabled": true,
				"ev_off_peak_charge_only_enabled": false,
			},
			nil,
		},
		"off-peak mode 3": {
			ccs2, vehicle.EV, in(offPeak, `{"Mode":3}`),
			map[string]any{"ev_schedule_charge_enabled": true, "ev_off_peak_charge_only_enabled": true},
			nil,
		},
		"off-peak mode 1 is not known": {
			ccs2, vehicle.EV, in(offPeak, `{"Mode":1}`), nil,
			[]string{"ev_schedule_charge_enabled: unknown_code", "ev_off_peak_charge_only_enabled: unknown_code"},
		},
		"ranges of a PHEV": {
			ccs2, vehicle.PHEV, in("Drivetrain.FuelSystem.DTE", `{"Total":600,"EV":47,"ICE":551,"Unit":1}`),
			map[string]any{"total_driving_range": km(600), "ev_driving_range": km(47), "fuel_driving_range": km(551)},
			nil,
		},
		"ranges of an EV": {
			ccs2, vehicle.EV, in("Drivetrain.FuelSystem.DTE", `{"Total":600,"EV":47,"ICE":551,"Unit":1}`),
			map[string]any{"total_driving_range": km(600), "ev_driving_range": km(600)},
			nil,
		},
		"ranges of an ICE": {
			ccs2, vehicle.ICE, in("Drivetrain.FuelSystem.DTE", `{"Total":600,"EV":47,"ICE":551,"Unit":2}`),
			map[string]any{
				"total_driving_range": vehicle.Quantity{Value: 600, Unit: vehicle.Mile},
				"fuel_driving_range":  vehicle.Quantity{Value: 551, Unit: vehicle.Mile},
			},
			nil,
		},
		"combustion range beyond 2^63": {
			ccs2, vehicle.PHEV, in("Drivetrain.FuelSystem.DTE", `{"Total":600,"ICE":18446744073709551615,"Unit":1}`),
			map[string]any{"total_driving_range": km(600)},
			[]string{"fuel_driving_range: out_of_range"},
		},
		"distance unit that nobody knows": {
			ccs2, vehicle.EV, in("Drivetrain.FuelSystem.DTE", `{"Total":600,"Unit":7}`), nil,
			[]string{"total_driving_range: unknown_unit", "ev_driving_range: unknown_unit"},
		},
		"pressure in bar": {
			ccs2, vehicle.EV, in("Chassis.Axle", `{"Row1":{"Left":{"Tire":{"Pressure":27}},"Right":{"Tire":{"Pressure":255}}},"Tire":{"PressureUnit":2}}`),
			map[string]any{"tire_pressure_unit": vehicle.Number(2), "tire_pressure_front_left": vehicle.Quantity{Value: 2.7, Unit: vehicle.Bar}},
			[]string{"tire_pressure_front_right: sentinel"},
		},
		"pressure in psi": {
			ccs2, vehicle.EV, in("Chassis.Axle", `{"Row2":{"Left":{"Tire":{"Pressure":38}}},"Tire":{"PressureUnit":0}}`),
			map[string]any{"tire_pressure_unit": vehicle.Number(0), "tire_pressure_rear_left": vehicle.Quantity{Value: 38, Unit: vehicle.PSI}},
			nil,
		},
		"pressure in kPa, 0 is a value": {
			ccs2, vehicle.EV, in("Chassis.Axle", `{"Row1":{"Left":{"Tire":{"Pressure":51}},"Right":{"Tire":{"Pressure":0}}},"Tire":{"PressureUnit":1}}`),
			map[string]any{
				"tire_pressure_unit": vehicle.Number(1), "tire_pressure_front_left": vehicle.Quantity{Value: 255, Unit: vehicle.Kilopascal},
				"tire_pressure_front_right": vehicle.Quantity{Value: 0, Unit: vehicle.Kilopascal},
			},
			nil,
		},
		"pressure of an indirect TPMS": {
			ccs2, vehicle.EV, in("Chassis.Axle", `{"Row1":{"Left":{"Tire":{"Pressure":27}}},"Tire":{"PressureUnit":3}}`), nil,
			[]string{"tire_pressure_unit: unknown_unit", "tire_pressure_front_left: unknown_unit"},
		},
		"vented window": {
			ccs2, vehicle.EV, in("Cabin.Window.Row1.Driver", `{"Open":0,"OpenLevel":1}`),
			map[string]any{"front_left_window_is_open": true, "front_left_window_level": vehicle.Ventilated},
			nil,
		},
		"open window": {
			ccs2, vehicle.EV, in("Cabin.Window.Row1.Driver", `{"Open":1,"OpenLevel":0}`),
			map[string]any{"front_left_window_is_open": true, "front_left_window_level": vehicle.Open},
			nil,
		},
		"closed window": {
			ccs2, vehicle.EV, in("Cabin.Window.Row1.Driver", `{"Open":0,"OpenLevel":0}`),
			map[string]any{"front_left_window_is_open": false, "front_left_window_level": vehicle.Closed},
			nil,
		},
		"window without level": {
			ccs2, vehicle.EV, in("Cabin.Window.Row1.Driver", `{"Open":0}`), map[string]any{"front_left_window_is_open": false}, nil,
		},
		"schedule that was never set": {
			ccs2, vehicle.EV, in(departure, `{"Enable":0}`), map[string]any{"ev_first_departure_enabled": false}, nil,
		},
		"schedule of two days": {
			ccs2, vehicle.EV, in(departure, `{"Enable":1,"Hour":0,"Min":0,"Sun":0,"Mon":1,"Tue":1}`),
			map[string]any{
				"ev_first_departure_enabled": true, "ev_first_departure_time": at(0, 0),
				"ev_first_departure_days": vehicle.Days{time.Monday, time.Tuesday},
			},
			nil,
		},
		"set temperature as text": {
			ccs2, vehicle.EV, in("Cabin.HVAC.Row1.Driver.Temperature", `{"Value":"24.0","Unit":0}`),
			map[string]any{"air_temperature": vehicle.Quantity{Value: 24, Unit: vehicle.Celsius}},
			nil,
		},
		"climate off says nothing about what is set": {
			ccs2, vehicle.EV, `{"DrivingReady":0,"Cabin":` + in("HVAC.Row1.Driver.Temperature", `{"Value":"OFF","Unit":0}`) + `}`,
			map[string]any{"engine_is_running": false},
			nil,
		},
		"set temperature that is not one": {
			ccs2, vehicle.EV, in("Cabin.HVAC.Row1.Driver.Temperature", `{"Value":"LOW","Unit":0}`), nil, []string{"air_temperature: wrong_type"},
		},
		"three states": {
			ccs2, vehicle.EV,
			`{"Body":{"Windshield":{"Front":{"Defog":{"State":1}},"Rear":{"Defog":{"State":2}}}},"Cabin":{"SteeringWheel":{"Heat":{"State":5}}}}`,
			map[string]any{"defrost_is_on": true, "back_window_heater_is_on": false},
			[]string{"steering_wheel_heater_is_on: unknown_code"},
		},
		"flags of every type": {
			ccs2, vehicle.EV, in("Cabin.Door", `{"Row1":{"Driver":{"Open":true},"Passenger":{"Open":1.0}},"Row2":{"Left":{"Open":"1"},"Right":{"Open":"open"}}}`),
			map[string]any{"front_left_door_is_open": true, "front_right_door_is_open": true, "back_left_door_is_open": true},
			[]string{"back_right_door_is_open: wrong_type"},
		},
		"locked by four doors": {
			ccs2, vehicle.EV, in("Cabin.Door", `{"Row1":{"Driver":{"Lock":0},"Passenger":{"Lock":0}},"Row2":{"Left":{"Lock":0},"Right":{"Lock":0}}}`),
			map[string]any{
				"front_left_door_is_locked": true, "front_right_door_is_locked": true, "back_left_door_is_locked": true,
				"back_right_door_is_locked": true, "is_locked": true,
			},
			nil,
		},
		"not locked by three doors": {
			ccs2, vehicle.EV, in("Cabin.Door", `{"Row1":{"Driver":{"Lock":0},"Passenger":{"Lock":0}},"Row2":{"Left":{"Lock":0}}}`),
			map[string]any{"front_left_door_is_locked": true, "front_right_door_is_locked": true, "back_left_door_is_locked": true},
			nil,
		},
		"unlocked by one door": {
			ccs2, vehicle.EV, in("Cabin.Door.Row2.Right.Lock", `1`),
			map[string]any{"back_right_door_is_locked": false, "is_locked": false},
			nil,
		},
		"charging while time is left": {
			ccs2, vehicle.EV, in("Green.ChargingInformation", `{"Charging":{"RemainTime":85},"ConnectorFastening":{"State":1}}`),
			map[string]any{"ev_battery_is_charging": true, "ev_estimated_current_charge_duration": 85 * time.Minute, "ev_battery_is_plugged_in": true},
			nil,
		},
		"negative time is no time": {
			ccs2, vehicle.EV, in("Green.ChargingInformation", `{"Charging":{"RemainTime":-1},"ConnectorFastening":{"State":0}}`),
			map[string]any{"ev_battery_is_plugged_in": false, "ev_plug_type": vehicle.PlugNone},
			[]string{"ev_battery_is_charging: out_of_range", "ev_estimated_current_charge_duration: out_of_range"},
		},
		"seat code that nobody knows": {
			ccs2, vehicle.EV, in("Cabin.Seat.Row1", `{"Driver":{"Climate":{"State":15}},"Passenger":{"Climate":{"State":0}}}`),
			map[string]any{"front_right_seat_status": vehicle.SeatOff},
			[]string{"front_left_seat_status: unknown_code"},
		},
		"energy in kilojoules": {
			ccs2, vehicle.EV, in("Green.BatteryManagement", `{"BatteryRemain":{"Value":180720},"BatteryCapacity":{"Value":76.0}}`),
			map[string]any{"ev_battery_remain": vehicle.Quantity{Value: 180720, Unit: vehicle.Kilojoule}},
			[]string{"ev_battery_capacity: unknown_unit"},
		},
		"preconditioning falls back to winter mode": {
			ccs2, vehicle.EV, in("Green.BatteryManagement.WinterModeOperation", `1`),
			map[string]any{"ev_battery_winter_mode": true, "ev_battery_precondition_enabled": true},
			nil,
		},
		"preconditioning switched on is 2": {
			ccs2, vehicle.EV, in("Green.BatteryManagement.BatteryPreCondition.Status", `2`),
			map[string]any{"ev_battery_precondition_enabled": true},
			nil,
		},
		"sleep mode in its other place": {
			ccs2, vehicle.EV, in("Service.RemoteControl.SleepMode", `1`), map[string]any{"sleep_mode_check": true}, nil,
		},
		"nothing electric in an ICE": {
			ccs2, vehicle.ICE, `{"DrivingReady":1,"Green":{"ChargingInformation":{"ConnectorFastening":{"State":0}}}}`,
			map[string]any{"engine_is_running": true},
			nil,
		},

		"plug of an AC station": {
			flat, vehicle.EV, in("vehicleStatus.evStatus.batteryPlugin", `3`),
			map[string]any{"ev_battery_is_plugged_in": true, "ev_plug_type": vehicle.PlugAC},
			nil,
		},
		"plug that nobody knows": {
			flat, vehicle.EV, in("vehicleStatus.evStatus.batteryPlugin", `4`),
			map[string]any{"ev_battery_is_plugged_in": true},
			[]string{"ev_plug_type: unknown_code"},
		},
		"set temperature in code": {
			flat, vehicle.EV, in("vehicleStatus.airTemp", `{"value":"0EH","unit":0}`),
			map[string]any{"air_temperature": vehicle.Quantity{Value: 21, Unit: vehicle.Celsius}},
			nil,
		},
		"set temperature FFH": {
			flat, vehicle.EV, in("vehicleStatus.airTemp", `{"value":"FFH","unit":0}`), nil, []string{"air_temperature: sentinel"},
		},
		"set temperature beyond the table": {
			flat, vehicle.EV, in("vehicleStatus.airTemp", `{"value":"40H","unit":0}`), nil, []string{"air_temperature: unknown_code"},
		},
		"odometer 0 says nothing": {
			flat, vehicle.EV, `{"vehicleStatus":{"engine":false},"odometer":{"value":0,"unit":1}}`,
			map[string]any{"engine_is_running": false},
			[]string{"odometer: sentinel"},
		},
		"odometer 0 of the tree says nothing": {
			ccs2, vehicle.EV, in("Drivetrain.Odometer", `0`), nil, []string{"odometer: sentinel"},
		},
		"range 0 without unit says nothing": {
			ccs2, vehicle.EV, in("Drivetrain.FuelSystem.DTE", `{"Total":0}`), nil,
			[]string{"total_driving_range: sentinel", "ev_driving_range: sentinel"},
		},
		"range 0 of unit 0 says nothing": {
			flat, vehicle.EV, in("vehicleStatus.evStatus.drvDistance", `[{"rangeByFuel":{"evModeRange":{"value":0,"unit":0}}}]`), nil,
			[]string{"ev_driving_range: sentinel"},
		},
		"range 0 of a known unit": {
			ccs2, vehicle.PHEV, in("Drivetrain.FuelSystem.DTE", `{"EV":0,"Unit":1}`), map[string]any{"ev_driving_range": km(0)}, nil,
		},
		"time left and power": {
			ccs2, vehicle.EV, in("Green", `{"ChargingInformation":{"Charging":{"RemainTime":85}},"Electric":{"SmartGrid":{"RealTimePower":7.2}},"Reservation":{"OffPeakTime":{"Mode":3}}}`),
			map[string]any{
				"ev_battery_is_charging": true, "ev_charging_power": vehicle.Quantity{Value: 7.2, Unit: vehicle.Kilowatt},
				"ev_estimated_current_charge_duration": 85 * time.Minute, "ev_schedule_charge_enabled": true, "ev_off_peak_charge_only_enabled": true,
			},
			nil,
		},
		"time left, no power and a schedule: it waits": {
			ccs2, vehicle.EV, in("Green", `{"ChargingInformation":{"Charging":{"RemainTime":85}},"Electric":{"SmartGrid":{"RealTimePower":0}},"Reservation":{"OffPeakTime":{"Mode":2}}}`),
			map[string]any{
				"ev_battery_is_charging": false, "ev_charging_power": vehicle.Quantity{Unit: vehicle.Kilowatt},
				"ev_estimated_current_charge_duration": 85 * time.Minute, "ev_schedule_charge_enabled": true, "ev_off_peak_charge_only_enabled": false,
			},
			nil,
		},
		"odometer as text": {
			flat, vehicle.EV, `{"vehicleStatus":{},"odometer":{"value":"15234.5","unit":3}}`,
			map[string]any{"odometer": vehicle.Quantity{Value: 15234.5, Unit: vehicle.Mile}},
			nil,
		},
		"last limit of a plug wins": {
			flat, vehicle.EV, in("vehicleStatus.evStatus.reservChargeInfos.targetSOClist",
				`[{"plugType":1,"targetSOClevel":60},{"plugType":0,"targetSOClevel":70},{"plugType":1,"targetSOClevel":90},{"targetSOClevel":50},7]`),
			map[string]any{"ev_charge_limits_ac": vehicle.Percent(90), "ev_charge_limits_dc": vehicle.Percent(70)},
			nil,
		},
		"fuel range by gas mode may be 0": {
			flat, vehicle.PHEV, in("vehicleStatus", `{"evStatus":{"drvDistance":[{"rangeByFuel":{"gasModeRange":{"value":0,"unit":1}}}]},"dte":{"value":400,"unit":1}}`),
			map[string]any{"fuel_driving_range": km(0)},
			nil,
		},
		"fuel range of an ICE": {
			flat, vehicle.ICE, in("vehicleStatus.dte", `{"value":400,"unit":1}`), map[string]any{"fuel_driving_range": km(400)}, nil,
		},
		"port 0 and flag 0 say nothing": {
			flat, vehicle.EV, in("vehicleStatus.evStatus", `{"batteryCharge":true,"chargePortDoorOpenStatus":0,"reservChargeInfos":{"offpeakPowerInfo":{"offPeakPowerFlag":0}}}`),
			map[string]any{"ev_battery_is_charging": true},
			nil,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, refused := believed(t, test.form, test.engine, test.text)
			if len(got)+len(test.want) != 0 && !reflect.DeepEqual(got, test.want) {
				t.Errorf("believed %v\n    want %v", got, test.want)
			}
			if !slices.Equal(refused, test.refused) {
				t.Errorf("refused %v\n   want %v", refused, test.refused)
			}
		})
	}
}

// minimalTree is the tree of docs/protocol/ccs2-status.md §6.
const minimalTree = `{"Date":"20260703064053.000","Offset":"1","DrivingReady":0,
 "Body":{"Hood":{"Open":0},"Trunk":{"Open":1},"Sunroof":{"Glass":{"Open":0}},
  "Windshield":{"Front":{"Defog":{"State":0},"WasherFluid":{"LevelLow":0}},"Rear":{"Defog":{"State":1}}},
  "Lights":{"Front":{"HeadLamp":{"SystemWarning":0},"Left":{"Low":{"Warning":0},"High":{"Warning":0},"TurnSignal":{"Warning":0}},"Right":{"Low":{"Warning":0},"High":{"Warning":0},"TurnSignal":{"Warning":0}}},
   "Rear":{"Left":{"StopLamp":{"Warning":0},"TurnSignal":{"Warning":0}},"Right":{"StopLamp":{"Warning":0},"TurnSignal":{"Warning":0}}}}},
 "Cabin":{"Door":{"Row1":{"Driver":{"Open":0,"Lock":0},"Passenger":{"Open":0,"Lock":0}},"Row2":{"Left":{"Open":0,"Lock":0},"Right":{"Open":0,"Lock":1}}},
  "Window":{"Row1":{"Driver":{"Open":0,"OpenLevel":1},"Passenger":{"Open":0,"OpenLevel":0}},"Row2":{"Left":{"Open":0,"OpenLevel":0},"Right":{"Open":0,"OpenLevel":0}}},
  "Seat":{"Row1":{"Driver":{"Climate":{"State":7}},"Passenger":{"Climate":{"State":2}}},"Row2":{"Left":{"Climate":{"State":2}},"Right":{"Climate":{"State":2}}}},
  "SteeringWheel":{"Heat":{"State":0}},
  "HVAC":{"Row1":{"Driver":{"Temperature":{"Value":"21.5","Unit":0},"Blower":{"SpeedLevel":0}}}}},
 "Chassis":{"Axle":{"Row1":{"Left":{"Tire":{"Pressure":36,"PressureLow":0}},"Right":{"Tire":{"Pressure":36,"PressureLow":0}}},"Row2":{"Left":{"Tire":{"Pressure":35,"PressureLow":1}},"Right":{"Tire":{"Pressure":255,"PressureLow":0}}},"Tire":{"PressureLow":1,"PressureUnit":0}},
  "Brake":{"Fluid":{"Warning":0}},"DrivingMode":{"State":"Eco"}},
 "Drivetrain":{"Odometer":15234.5,"FuelSystem":{"DTE":{"Total":237,"Unit":1},"FuelLevel":0,"LowFuelWarning":0},"Transmission":{"ParkingPosition":1,"GearPosition":0}},
 "Electronics":{"Battery":{"Level":88,"SensorReliability":0,"Auxiliary":{"FailWarning":0}},"FOB":{"LowBattery":0},"PowerSupply":{"Accessory":0,"Ignition1":0,"Ignition3":0}},
 "Green":{"BatteryManagement":{"BatteryRemain":{"Ratio":65,"Value":180720,"Unit":"kJ"},"BatteryCapacity":{"Value":278640},"SoH":{"Ratio":100},"BatteryPreCondition":{"Status":2,"TemperatureLevel":1}},
  "ChargingInformation":{"ConnectorFastening":{"State":1},"ElectricCurrentLevel":{"State":1},"Charging":{"RemainTime":85,"RemainTimeUnit":1},
   "EstimatedTime":{"Standard":85,"ICCB":340,"Quick":7,"Unit":1},"ExpectedTime":{"StartDay":7,"StartHour":31,"StartMin":63,"EndDay":7,"EndHour":31,"EndMin":63},
   "TargetSoC":{"Standard":80,"Quick":100},"DTE":{"TargetSoC":{"Standard":292,"Quick":365}}},
  "ChargingDoor":{"State":1},
  "Electric":{"SmartGrid":{"RealTimePower":7.2,"VehicleToLoad":{"DischargeLimitation":{"SoC":20,"DTE":94,"RemainTime":0}}}},
  "Reservation":{"OffPeakTime":{"StartHour":23,"StartMin":30,"EndHour":1,"EndMin":30,"Mode":3},
   "Departure":{"Schedule1":{"Enable":1,"Hour":7,"Min":10,"Sun":0,"Mon":1,"Tue":1,"Wed":0,"Thu":0,"Fri":0,"Sat":0},"Schedule2":{"Enable":0}}}},
 "Location":{"GeoCoord":{"Latitude":52.52,"Longitude":13.405,"Altitude":0,"Type":0},"Heading":107,"Speed":{"Value":0,"Unit":0},
  "TimeStamp":{"Year":2026,"Mon":7,"Day":3,"Hour":8,"Min":40,"Sec":56}},
 "RemoteControl":{"SleepMode":1}}`

func TestDecodeCCS2_ReadsTheWholeMinimalTree(t *testing.T) {
	unit := func(n float64, u vehicle.Unit) vehicle.Quantity { return vehicle.Quantity{Value: n, Unit: u} }
	want := map[string]any{
		"last_updated_at": time.Date(2026, 7, 3, 6, 40, 53, 0, time.UTC), "odometer": km(15234.5),
		"car_battery_percentage": vehicle.Percent(88), "engine_is_running": false, "air_temperature": unit(21.5, vehicle.Celsius),
		"air_control_is_on": false, "defrost_is_on": false, "back_window_heater_is_on": true, "steering_wheel_heater_is_on": false,
		"front_left_seat_status": vehicle.SeatMediumHeat, "front_right_seat_status": vehicle.SeatOff,
		"rear_left_seat_status": vehicle.SeatOff, "rear_right_seat_status": vehicle.SeatOff,
		"front_left_door_is_locked": true, "front_right_door_is_locked": true, "back_left_door_is_locked": true,
		"back_right_door_is_locked": false, "is_locked": false,
		"front_left_door_is_open": false, "front_right_door_is_open": false, "back_left_door_is_open": false, "back_right_door_is_open": false,
		"trunk_is_open": true, "hood_is_open": false, "sunroof_is_open": false,
		"front_left_window_is_open": true, "front_right_window_is_open": false, "back_left_window_is_open": false, "back_right_window_is_open": false,
		"front_left_window_level": vehicle.Ventilated, "front_right_window_level": vehicle.Closed,
		"back_left_window_level": vehicle.Closed, "back_right_window_level": vehicle.Closed,
		"tire_pressure_unit": vehicle.Number(0), "tire_pressure_front_left": unit(36, vehicle.PSI),
		"tire_pressure_front_right": unit(36, vehicle.PSI), "tire_pressure_rear_left": unit(35, vehicle.PSI),
		"tire_pressure_front_left_warning_is_on": false, "tire_pressure_front_right_warning_is_on": false,
		"tire_pressure_rear_left_warning_is_on": true, "tire_pressure_rear_right_warning_is_on": false, "tire_pressure_all_warning_is_on": true,
		"headlamp_status": false, "headlamp_left_low": false, "headlamp_right_low": false, "headlamp_left_high": false, "headlamp_right_high": false,
		"stop_lamp_left": false, "stop_lamp_right": false, "turn_signal_left_front": false, "turn_signal_right_front": false,
		"turn_signal_left_rear": false, "turn_signal_right_rear": false,
		"washer_fluid_warning_is_on": false, "brake_fluid_warning_is_on": false, "smart_key_battery_warning_is_on": false, "drive_mode": "Eco",
		"battery_auxiliary_fail_warning_is_on": false, "accessory_on": false, "ign3": false, "sleep_mode_check": true,
		"ev_battery_percentage": vehicle.Percent(65), "ev_battery_remain": unit(180720, vehicle.Kilojoule),
		"ev_battery_capacity": unit(278640, vehicle.Kilojoule), "ev_battery_soh_percentage": vehicle.Percent(100),
		"ev_battery_precondition_enabled": true,
		"ev_battery_is_plugged_in":        true, "ev_battery_is_charging": true, "ev_charging_power": unit(7.2, vehicle.Kilowatt), "ev_charging_current": vehicle.Number(1),
		"ev_estimated_current_charge_duration": 85 * time.Minute, "ev_estimated_fast_charge_duration": 7 * time.Minute,
		"ev_estimated_portable_charge_duration": 340 * time.Minute, "ev_estimated_station_charge_duration": 85 * time.Minute,
		"ev_charge_limits_ac": vehicle.Percent(80), "ev_charge_limits_dc": vehicle.Percent(100),
		"ev_target_range_charge_AC": km(292), "ev_target_range_charge_DC": km(365), "total_driving_range": km(237), "ev_driving_range": km(237),
		"ev_charge_port_door_is_open": true, "ev_v2l_discharge_limit": vehicle.Percent(20),
		"ev_first_departure_enabled": true, "ev_first_departure_days": vehicle.Days{1, 2}, "ev_first_departure_time": at(7, 10),
		"ev_second_departure_enabled": false, "ev_off_peak_start_time": at(23, 30), "ev_off_peak_end_time": at(1, 30),
		"ev_schedule_charge_enabled": true, "ev_off_peak_charge_only_enabled": true,
		"location_latitude": unit(52.52, vehicle.Degree), "location_longitude": unit(13.405, vehicle.Degree),
		"location_last_updated_at": time.Date(2026, 7, 3, 6, 40, 56, 0, time.UTC),
		"location_heading":         unit(107, vehicle.Degree), "location_altitude": unit(0, vehicle.Metre), "location_speed": unit(0, vehicle.KilometrePerHour),
	}
	envelope := `{"retCode":"S","resCode":"0000","resMsg":{"resCode":"0000","lastUpdateTime":"1783060853000","state":{"Vehicle":` + minimalTree + `}}}`
	for name, text := range map[string]string{"tree": minimalTree, "envelope": envelope} {
		// fuel_level 0 is in the tree, and an EV has no tank.
		got, refused := believed(t, "ccs2", vehicle.EV, text)
		compare(t, name, got, want)
		if want := []string{"tire_pressure_rear_right: sentinel"}; !slices.Equal(refused, want) {
			t.Errorf("%s: refused %v, want %v", name, refused, want)
		}
	}
}

func compare(t *testing.T, name string, got, want map[string]any) {
	t.Helper()
	for _, key := range slices.Sorted(maps.Keys(want)) {
		if !reflect.DeepEqual(got[key], want[key]) {
			t.Errorf("%s: %s is %v, want %v", name, key, got[key], want[key])
		}
	}
	for _, key := range slices.Sorted(maps.Keys(got)) {
		if _, ok := want[key]; !ok {
			t.Errorf("%s: %s is %v, not expected", name, key, got[key])
		}
	}
}

func TestTimer12_ReadsTheExamplesOfThePage(t *testing.T) {
	tests := map[string]string{ // docs/protocol/europe.md §5.2
		`{"time":"0775","timeSection":0}`:     "08:15:00",
		`{"time":"0800","timeSection":0}`:     "08:00:00",
		`{"time":"0800","timeSection":1}`:     "20:00:00",
		`{"time":"2200","timeSection":0}`:     "22:00:00",
		`{"time":"1300","timeSection":1}`:     "13:00:00",
		`{"time":"1200","timeSection":0}`:     "00:00:00",
		`{"time":"1200","timeSection":1}`:     "12:00:00",
		`{"time":"0075","timeSection":0}`:     "01:15:00",
		`{"time":"1160","timeSection":1}`:     "",
		`{"time":"1260","timeSection":0}`:     "",
		`{"time":"2375","timeSection":0}`:     "",
		`{"time":"2400","timeSection":0}`:     "",
		`{"time":"0030","timeSection":0}`:     "",
		`{"time":"0800","timeSection":"AM"}`:  "",
		`{"time":"0800"}`:                     "",
		`{"time":"0000","timeSection":0}`:     "",
		`{"time":"0","timeSection":0}`:        "",
		`{"time":"","timeSection":0}`:         "",
		`{"time":null,"timeSection":0}`:       "",
		`{"time":800,"timeSection":0}`:        "",
		`{"time":"99999999","timeSection":0}`: "",
		`{"time":"-100","timeSection":0}`:     "",
	}
	for text, want := range tests {
		got, _ := believed(t, "flat", vehicle.EV, `{"vehicleStatus":{"engine":false,"evStatus":{"reservChargeInfos":{"offpeakPowerInfo":{"offPeakPowerTime1":{"starttime":`+text+`}}}}}}`)
		set, ok := got["ev_off_peak_start_time"].(vehicle.TimeOfDay)
		if ok != (want != "") || ok && set.String() != want {
			t.Errorf("%s: %v, want %q", text, got["ev_off_peak_start_time"], want)
		}
	}
}

func TestClocks_FollowThePage(t *testing.T) {
	utc := func(text string) time.Time {
		at, err := time.Parse(time.DateTime, text)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	tests := map[string]struct {
		form, text string
		want       any // nil when unknown
	}{ // docs/protocol/europe.md §5.3
		"flat is Berlin, summer":   {"flat", in("vehicleStatus.time", `"20260703064053"`), utc("2026-07-03 04:40:53")},
		"flat is Berlin, winter":   {"flat", in("vehicleStatus.time", `"20260103064053"`), utc("2026-01-03 05:40:53")},
		"flat as in HTTP":          {"flat", in("vehicleStatus.time", `"Tue, 24 Jun 2025 16:18:10 GMT"`), utc("2025-06-24 16:18:10")},
		"flat with punctuation":    {"flat", in("vehicleStatus.time", `"2026-07-03T06:40:53Z"`), utc("2026-07-03 04:40:53")},
		"flat as a number":         {"flat", `{"vehicleStatus":{"engine":true,"time":20260703064053}}`, nil},
		"flat as words":            {"flat", `{"vehicleStatus":{"engine":true,"time":"yesterday"}}`, nil},
		"flat of month 13":         {"flat", `{"vehicleStatus":{"engine":true,"time":"20261303064053"}}`, nil},
		"flat of zeroes":           {"flat", `{"vehicleStatus":{"engine":true,"time":"00000000000000"}}`, nil},
		"flat without":             {"flat", `{"vehicleStatus":{"engine":true}}`, nil},
		"tree is UTC":              {"ccs2", `{"Date":"20260703064053.000"}`, utc("2026-07-03 06:40:53")},
		"tree without fraction":    {"ccs2", `{"Date":"20260703064053","Offset":"2"}`, utc("2026-07-03 06:40:53")},
		"tree of 0":                {"ccs2", `{"Date":0,"DrivingReady":1}`, nil},
		"tree of null":             {"ccs2", `{"Date":null,"DrivingReady":1}`, nil},
		"forced flat as it stands": {"flat", `{"resMsg":{"doorLock":true,"time":"20260703064053"}}`, utc("2026-07-03 04:40:53")},
	}
	for name, test := range tests {
		got, _ := believed(t, test.form, vehicle.EV, test.text)
		if !reflect.DeepEqual(got["last_updated_at"], test.want) {
			t.Errorf("%s: %v, want %v", name, got["last_updated_at"], test.want)
		}
	}
	for text, want := range map[string]any{
		`{"GeoCoord":{"Latitude":52.5,"Longitude":13.4},"Date":"20260703064053.9","TimeStamp":{"Year":2020,"Mon":1,"Day":1,"Hour":1,"Min":1,"Sec":1}}`: utc("2026-07-03 06:40:53"),
		`{"GeoCoord":{"Latitude":52.5,"Longitude":13.4},"TimeStamp":{"Year":"2026","Mon":"7","Day":"3","Hour":"8","Min":"40","Sec":"53"}}`:             utc("2026-07-03 06:40:53"),
		`{"GeoCoord":{"Latitude":52.5,"Longitude":13.4},"TimeStamp":{"Year":2026,"Mon":2,"Day":30,"Hour":8,"Min":40,"Sec":53}}`:                        nil,
		`{"GeoCoord":{"Latitude":52.5,"Longitude":13.4},"TimeStamp":{"Year":2026,"Mon":2,"Day":3,"Hour":8,"Min":40}}`:                                  nil,
		`{"GeoCoord":{"Latitude":52.5,"Longitude":13.4}}`: nil,
	} {
		got, _ := believed(t, "ccs2", vehicle.EV, `{"Location":`+text+`}`)
		if !reflect.DeepEqual(got["location_last_updated_at"], want) || got["location_latitude"] == nil {
			t.Errorf("%s: %v, want %v", text, got["location_last_updated_at"], want)
		}
	}
	for _, noPosition := range []string{`{"Latitude":0,"Longitude":0}`, `{"Latitude":null,"Longitude":13.4}`, `{"Longitude":13.4}`, `{"Latitude":52.5}`} {
		got, refused := believed(t, "ccs2", vehicle.EV, `{"DrivingReady":0,"Location":{"Heading":7,"GeoCoord":`+noPosition+`}}`)
		if len(got) != 1 || refused != nil {
			t.Errorf("%s: believed %v, refused %v, want no position", noPosition, got, refused)
		}
	}
}

// TestDecode_KeepsWhatASecondReportLacks is the last row of docs/protocol/ccs2-status.md §5 by our rules of truth.
func TestDecode_KeepsWhatASecondReportLacks(t *testing.T) {
	first, err := Decode(vehicle.Europe, "ccs2", vehicle.EV, []byte(minimalTree))
	if err != nil {
		t.Fatal(err)
	}
	state, _, _ := vehicle.State{}.Apply(first, someTime)
	before, _ := believed(t, "ccs2", vehicle.EV, minimalTree)
	after, _ := believed(t, "ccs2", vehicle.EV, `{"Date":"20260703070000","Drivetrain":{"FuelSystem":{"DTE":{"Total":200}}}}`, state)
	before["last_updated_at"] = time.Date(2026, 7, 3, 7, 0, 0, 0, time.UTC)
	before["total_driving_range"], before["ev_driving_range"] = km(200), km(200) // with the unit that was known
	compare(t, "after", after, before)
}

func TestDecode_KeepsCoordinatesOutOfTheText(t *testing.T) {
	for form, text := range map[string]string{
		"ccs2": minimalTree, "flat": `{"vehicleStatus":{},"vehicleLocation":{"coord":{"lat":52.52,"lon":"13.405"},"head":"x","time":"20260703064056"}}`,
	} {
		report, err := Decode(vehicle.Europe, form, vehicle.EV, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		seen := false
		for _, o := range report.Observations {
			if o.Datum.Group == vehicle.GroupLocation {
				seen = true
				if o.Raw != "" {
					t.Errorf("%s: %s carries its text %q", form, o.Datum, o.Raw)
				}
			}
		}
		if !seen {
			t.Errorf("%s: no position", form)
		}
	}
}

func TestDecode_SaysWhatItCannotRead(t *testing.T) {
	for name, decode := range map[string]func() (vehicle.Report, error){
		"HTML":    func() (vehicle.Report, error) { return Decode(vehicle.Europe, "flat", 0, []byte("<html>")) },
		"empty":   func() (vehicle.Report, error) { return Decode(vehicle.Europe, "ccs2", 0, nil) },
		"list":    func() (vehicle.Report, error) { return Decode(vehicle.Europe, "ccs2", 0, []byte("[]")) },
		"nothing": func() (vehicle.Report, error) { return Decode(vehicle.Europe, "ccs2", 0, []byte("{}")) },
		"metadata": func() (vehicle.Report, error) {
			return Decode(vehicle.Europe, "flat", 0, []byte(`{"resMsg":{"RetCode":"S","resCode":"200"}}`))
		},
		"other form":   func() (vehicle.Report, error) { return Decode(vehicle.Europe, "flat", 0, []byte(minimalTree)) },
		"other family": func() (vehicle.Report, error) { return Decode(vehicle.Canada, "flat", 0, []byte(minimalTree)) },
		"other word":   func() (vehicle.Report, error) { return Decode(vehicle.Europe, "ccs3", 0, []byte(minimalTree)) },
		"flat Brazil": func() (vehicle.Report, error) {
			return Decode(vehicle.Brazil, "flat", 0, []byte(`{"vehicleStatus":{}}`))
		},
	} {
		if report, err := decode(); err == nil || len(report.Observations) != 0 {
			t.Errorf("%s: %d observations and error %v, want an error alone", name, len(report.Observations), err)
		}
	}
}
