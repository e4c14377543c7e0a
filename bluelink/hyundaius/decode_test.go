package hyundaius

import (
	"fmt"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/cloudtest"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

func recordings(t testing.TB) map[string][]byte {
	t.Helper()
	return cloudtest.Recordings(t, "us_hyundai")
}

func TestDecode_ReadsRecordingsAsTheReferenceDoes(t *testing.T) {
	cloudtest.Parity{
		Recordings: []string{"us_hyundai"}, Least: 40,
		Skip: []string{"ccu_ccs2_protocol_support", "supports_window_control", "supports_valet_mode", "month_trip_info", "day_trip_info"},
		Decode: func(_ string, answer []byte) (vehicle.Report, error) {
			return Decode(vehicle.USA, "flat", vehicle.EngineUnknown, answer)
		},
	}.Run(t)
}

// TestDecode_ReadsEachFormOfALeaf holds the transformations of §5.
func TestDecode_ReadsEachFormOfALeaf(t *testing.T) {
	for _, test := range []struct {
		leaves string
		datum  vehicle.Row
		want   any // nil for unknown
	}{
		{`"airTemp":{"value":"LO"}`, vehicle.AirTemperature, vehicle.Quantity{Value: 62, Unit: vehicle.Fahrenheit}},
		{`"airTemp":{"value":"HI","unit":0}`, vehicle.AirTemperature, vehicle.Quantity{Value: 82, Unit: vehicle.Fahrenheit}},
		{`"airTemp":{"value":"72.0"}`, vehicle.AirTemperature, vehicle.Quantity{Value: 72, Unit: vehicle.Fahrenheit}},
		{`"airTemp":{"value":72}`, vehicle.AirTemperature, vehicle.Quantity{Value: 72, Unit: vehicle.Fahrenheit}},
		{`"airTemp":{"value":"OFF"}`, vehicle.AirTemperature, nil},
		{`"airTemp":{"value":"01H"}`, vehicle.AirTemperature, nil},
		{`"battery":{"batSoc":255}`, vehicle.Battery12V, nil},
		{`"battery":{"batSoc":-1}`, vehicle.Battery12V, nil},
		{`"steerWheelHeat":2`, vehicle.SteeringHeater, true},
		{`"seatHeaterVentState":{"flSeatHeatState":0}`, vehicle.SeatFrontLeft, vehicle.SeatOff},
		{`"seatHeaterVentState":{"flSeatHeatState":15}`, vehicle.SeatFrontLeft, nil},
		{`"dte":{"value":0,"unit":3}`, vehicle.FuelRange, nil},
		{`"dte":{"value":10,"unit":1},"evStatus":{"drvDistance":[{"rangeByFuel":{"gasModeRange":{"value":20,"unit":3}}}]}`, vehicle.FuelRange, miles(20)},
		{`"dte":{"value":10,"unit":1},"evStatus":{"drvDistance":[{"rangeByFuel":{"gasModeRange":{"value":0,"unit":3}}}]}`, vehicle.FuelRange, vehicle.Quantity{Value: 10, Unit: vehicle.Kilometre}},
		{`"evStatus":{"realTimePower":null,"batteryStndChrgPower":7.2}`, vehicle.ChargingPower, nil},
		{`"evStatus":{"batteryPlugin":1}`, vehicle.PlugType, vehicle.PlugDC},
		{`"evStatus":{"chargePortDoorOpenStatus":1}`, vehicle.ChargePortOpen, true},
		{`"evStatus":{"reservChargeInfos":{"targetSOClist":[{"targetSOClevel":50},{"plugType":1,"targetSOClevel":60},{"plugType":1,"targetSOClevel":90}]}}`, vehicle.LimitAC, vehicle.Percent(90)},
		{`"evStatus":{"reservChargeInfos":{"targetSOClist":[{"plugType":0,"targetSOClevel":0}]}}`, vehicle.LimitDC, nil},
		{`"evStatus":{"reservChargeInfos":{"offpeakPowerInfo":{"offPeakPowerFlag":0}}}`, vehicle.OffPeakOnly, nil},
		{`"odometer":"12360"`, vehicle.Odometer, miles(12360)},
		{`"odometer":"none"`, vehicle.Odometer, nil},
		{`"vehicleLocation":{"coord":{"lat":34.1,"lon":-118.2},"time":"20240901115500"}`, vehicle.LocationUpdatedAt, time.Date(2024, 9, 1, 11, 55, 0, 0, time.UTC)},
		{`"vehicleLocation":{"coord":{"lat":34.1,"lon":-118.2},"time":""}`, vehicle.Longitude, vehicle.Quantity{Value: -118.2, Unit: vehicle.Degree}},
		{`"vehicleLocation":{"coord":{"lat":0,"lon":-118.2}}`, vehicle.Longitude, nil},
		{`"vehicleLocation":{"coord":{"lat":34.1,"lon":-118.2},"speed":{"value":50,"unit":1}}`, vehicle.Speed, vehicle.Quantity{Value: 50, Unit: vehicle.KilometrePerHour}},
	} {
		report, err := Decode(vehicle.USA, "flat", vehicle.EngineUnknown, []byte(`{"vehicleStatus":{"dateTime":"2024-09-01T12:00:00Z",`+test.leaves+`}}`))
		if err != nil {
			t.Fatal(err)
		}
		if got := believe(vehicle.State{}, report).Read(rowOf(test.datum)).Value; got != test.want {
			t.Errorf("%s: %v, want %v", test.leaves, got, test.want)
		}
	}
}

// rowOf is the catalogue's row of a typed one.
func rowOf(r vehicle.Row) *vehicle.Datum {
	d, _ := vehicle.ByKey(fmt.Sprint(r))
	return d
}

// TestDecode_TimesNeverInvent reads reports whose time is missing or strange.
func TestDecode_TimesNeverInvent(t *testing.T) {
	for text, want := range map[string]string{
		`"2024-09-01T12:00:00Z"`: "2024-09-01T12:00:00Z", `"2024-09-01T12:00:00.5+03:00"`: "2024-09-01T12:00:00Z", `"20240901120000"`: "2024-09-01T12:00:00Z",
		`"Sun, 01 Sep 2024 12:00:00 GMT"`: "2024-09-01T12:00:00Z", `null`: "", `""`: "", `17`: "", `"0000"`: "", `"1970-01-01T00:00:00Z"`: "",
	} {
		report, err := Decode(vehicle.USA, "flat", vehicle.EV, []byte(`{"dateTime":`+text+`,"doorLock":true}`))
		got := ""
		if !report.Reported.IsZero() {
			got = report.Reported.Format(time.RFC3339)
		}
		if err != nil || got != want || !report.Has(vehicle.Locked) {
			t.Errorf("%s: %q, %v", text, got, err)
		}
	}
	for _, payload := range []string{`[]`, `x`, `{}`, `{"vehicleStatus":{}}`} {
		if _, err := Decode(vehicle.USA, "flat", vehicle.EV, []byte(payload)); err == nil {
			t.Errorf("%s is a status", payload)
		}
	}
	if _, err := Decode(vehicle.USA, "ccs2", vehicle.EV, []byte(status)); err == nil {
		t.Error("this cloud has no CCS2")
	}
}
