package ccapi

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/cloudtest"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// minimalFlat is the answer of docs/protocol/europe.md §11.5.
const minimalFlat = `{"retCode":"S","resCode":"0000","msgId":"…","resMsg":{"vehicleStatusInfo":{
 "vehicleLocation":{"coord":{"lat":52.52,"lon":13.405,"alt":0,"type":0},"head":107,"speed":{"value":0,"unit":0},"accuracy":{"hdop":0,"pdop":0},"time":"20260703064056"},
 "odometer":{"value":15234.5,"unit":1},
 "vehicleStatus":{"time":"20260703064053","airCtrlOn":false,"engine":false,"acc":false,"ign3":false,"transCond":true,"doorLock":true,
  "doorOpen":{"frontLeft":0,"frontRight":0,"backLeft":0,"backRight":0},"windowOpen":{"frontLeft":0,"frontRight":0,"backLeft":0,"backRight":0},
  "trunkOpen":false,"hoodOpen":false,"airTemp":{"value":"0EH","unit":0,"hvacTempType":1},"defrost":false,"steerWheelHeat":0,"sideBackWindowHeat":0,
  "seatHeaterVentState":{"flSeatHeatState":2,"frSeatHeatState":2,"rlSeatHeatState":2,"rrSeatHeatState":2},
  "lampWireStatus":{"headLamp":{"headLampStatus":0},"stopLamp":{"leftLamp":0,"rightLamp":0},"turnSignalLamp":{"leftFrontLamp":0,"rightFrontLamp":0,"leftRearLamp":0,"rightRearLamp":0}},
  "tirePressureLamp":{"tirePressureLampAll":0,"tirePressureLampFL":0,"tirePressureLampFR":0,"tirePressureLampRL":0,"tirePressureLampRR":0},
  "battery":{"batSoc":88,"batState":0},"washerFluidStatus":false,"breakOilStatus":false,"smartKeyBatteryWarning":false,"lowFuelLight":false,
  "evStatus":{"batteryCharge":false,"batteryStatus":65,"batteryPlugin":0,"chargePortDoorOpenStatus":2,"batteryPower":{"batteryStndChrgPower":0.0},
   "remainTime2":{"etc1":{"value":7,"unit":1},"etc2":{"value":340,"unit":1},"etc3":{"value":85,"unit":1},"atc":{"value":85,"unit":1}},
   "drvDistance":[{"rangeByFuel":{"evModeRange":{"value":237,"unit":1},"totalAvailableRange":{"value":237,"unit":1}},"type":2}],
   "reservChargeInfos":{"reservFlag":0,
    "reservChargeInfo":{"reservChargeInfoDetail":{"reservChargeSet":false,"reservInfo":{"day":[1],"time":{"time":"0800","timeSection":0}},"reservFatcSet":{"defrost":false,"airTemp":{"value":"14H","unit":0,"hvacTempType":1},"airCtrl":0,"heating1":0}}},
    "reserveChargeInfo2":{"reservChargeInfoDetail":{"reservChargeSet":false,"reservInfo":{"day":[9],"time":{"time":"1200","timeSection":0}},"reservFatcSet":{"defrost":false,"airTemp":{"value":"00H","unit":0,"hvacTempType":1},"airCtrl":0,"heating1":0}}},
    "offpeakPowerInfo":{"offPeakPowerTime1":{"starttime":{"time":"1130","timeSection":1},"endtime":{"time":"0130","timeSection":0}},"offPeakPowerFlag":2},
    "ect":{"start":{"day":9,"time":{"time":"1200","timeSection":0}},"end":{"day":9,"time":{"time":"1200","timeSection":0}}},
    "targetSOClist":[{"plugType":0,"targetSOClevel":80,"dte":{"type":2,"rangeByFuel":{"evModeRange":{"value":292,"unit":1},"totalAvailableRange":{"value":292,"unit":1}}}},
                     {"plugType":1,"targetSOClevel":100,"dte":{"type":2,"rangeByFuel":{"evModeRange":{"value":365,"unit":1},"totalAvailableRange":{"value":365,"unit":1}}}}]}}}}}}`

// costs says which leaves more than one data point is computed from, and how many, by the end of their path.
var costs = map[string]int{
	// CCS2: one unit for all ranges and all pressures, states that are derived from others.
	"DTE.Unit": 6, "PressureUnit": 5, "Lock": 2, "Open": 2, "OpenLevel": 2, "RemainTime": 2, "OffPeakTime.Mode": 2,
	"ConnectorFastening.State": 2, "DTE.Total": 2, "WinterModeOperation": 2, "Schedule1.Hour": 2, "Schedule2.Hour": 2,
	"Latitude": 6, "Longitude": 6,
	// flat
	"batteryPlugin": 2, "plugType": 2, "targetSOClevel": 2, "coord.lat": 6, "coord.lon": 6,
}

// TestDecode_DamageCostsOnlyItsOwnData damages every place of every recording in every way, and of a status of each region
// that has none.
func TestDecode_DamageCostsOnlyItsOwnData(t *testing.T) {
	answers := map[string][]byte{
		"eu_minimal_ccs2": []byte(minimalTree), "eu_minimal_flat": []byte(minimalFlat), "au_bare": []byte(envelope(statusAU)), "in_bare": []byte(envelope(statusIN("20260803200002"))),
	}
	t.Run("recordings", func(t *testing.T) { maps.Copy(answers, cloudtest.Recordings(t, "eu", "au", "cn", "br")) })
	for file, text := range answers {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			engine := vehicle.EV
			if strings.Contains(file, "phev") {
				engine = vehicle.PHEV
			}
			region, protocol := regionOf(t, file), protocolOf(file)
			cloudtest.Damage(t, bare(t, text), cloudtest.Decoding{
				Decode: func(damaged []byte) (vehicle.Report, error) { return Decode(region, protocol, engine, damaged) },
				Least:  40, Costs: costs, Belongs: belongs,
			})
		})
	}
}

// bare takes the envelope off an answer, which is the transport's business.
func bare(t *testing.T, answer []byte) []byte {
	t.Helper()
	for _, wrap := range []string{"resMsg", "vehicleStatusInfo"} {
		var members map[string]json.RawMessage
		if err := json.Unmarshal(answer, &members); err != nil {
			t.Fatal(err)
		}
		if inner, ok := members[wrap]; ok {
			answer = inner
		}
	}
	return answer
}

// belongs allows what no single leaf below decides: lists, and a flag that has two leaves.
func belongs(key, path string) bool {
	return strings.HasSuffix(path, "day") && strings.HasSuffix(key, "_days") ||
		strings.HasPrefix(path, "Cabin") && strings.Contains(key, "window")
}

// fuzz reads strange statuses as each region's.
func fuzz(f *testing.F, protocol string, seeds ...string) {
	for _, seed := range seeds {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, engine := range []vehicle.Engine{vehicle.EngineUnknown, vehicle.EV, vehicle.PHEV, vehicle.ICE} {
			for region := range dialects {
				if report, err := Decode(region, protocol, engine, text); err == nil {
					cloudtest.Sane(t, report)
				}
			}
		}
	})
}

func FuzzDecodeFlat(f *testing.F) {
	fuzz(f, "flat", minimalFlat, `{"vehicleStatus":{"time":"20260703064053","airTemp":{"value":"0EH"}}}`, `{"vehicle\u0053tatus":{}}`, statusAU, statusIN("20260803200002"), "{"+statusCN("20260803200002")+"}")
}

func FuzzDecodeCCS2(f *testing.F) {
	fuzz(f, "ccs2", minimalTree, `{"Drivetrain":{"Odometer":1e400}}`, `{"Chassis":{"DrivingMode":{"State":"Eco\u0000\ud800"}}}`)
}

func BenchmarkDecodeCCS2(b *testing.B) {
	b.ReportAllocs()
	b.SetBytes(int64(len(minimalTree)))
	for b.Loop() {
		if _, err := Decode(vehicle.Europe, "ccs2", vehicle.EV, []byte(minimalTree)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeFlat(b *testing.B) {
	b.ReportAllocs()
	b.SetBytes(int64(len(minimalFlat)))
	for b.Loop() {
		if _, err := Decode(vehicle.Europe, "flat", vehicle.EV, []byte(minimalFlat)); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDecodeIntoMaps is what the standard library needs for the bare text, for comparison.
func BenchmarkDecodeIntoMaps(b *testing.B) {
	b.ReportAllocs()
	b.SetBytes(int64(len(minimalTree)))
	for b.Loop() {
		var tree map[string]any
		if err := json.Unmarshal([]byte(minimalTree), &tree); err != nil {
			b.Fatal(err)
		}
	}
}
