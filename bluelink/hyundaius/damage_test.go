package hyundaius

import (
	"maps"
	"strings"
	"testing"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/cloudtest"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// TestDecode_DamageCostsOnlyItsOwnData damages every place of the page's answer and of the recordings in every way.
func TestDecode_DamageCostsOnlyItsOwnData(t *testing.T) {
	answers := map[string][]byte{"page": []byte(strings.TrimSuffix(status, "}") + `,"evTripDetails":` + trips + `}`)}
	t.Run("recordings", func(t *testing.T) { maps.Copy(answers, recordings(t)) })
	for file, text := range answers {
		for _, engine := range []vehicle.Engine{vehicle.EV, vehicle.ICE} {
			t.Run(file+" "+engine.String(), func(t *testing.T) {
				t.Parallel()
				cloudtest.Damage(t, text, cloudtest.Decoding{
					Decode: func(damaged []byte) (vehicle.Report, error) { return Decode(vehicle.USA, "flat", engine, damaged) },
					Least:  30, Belongs: belongs,
					// Of a trip: the days, the newest day, its month, and the odometer.
					Costs: map[string]int{"batteryPlugin": 2, "plugType": 2, "coord.lat": 6, "coord.lon": 6, "evTripDetails.": 4},
				})
			})
		}
	}
}

// belongs allows what no single leaf below decides: lists, and the place that all of its leaves make.
func belongs(key, path string) bool {
	return strings.HasSuffix(path, "day") && strings.HasSuffix(key, "_days") || path == "vehicleStatus" || strings.HasPrefix(path, "evTripDetails")
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{status, `{"vehicleStatus":{"dateTime":"2024-09-01T12:00:00Z","airTemp":{"value":"LO"}}}`, `{"vehicle\u0053tatus":{}}`, `{"evTripDetails":` + trips + `,"doorLock":true}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, engine := range []vehicle.Engine{vehicle.EngineUnknown, vehicle.EV, vehicle.PHEV, vehicle.ICE} {
			if report, err := Decode(vehicle.USA, "flat", engine, text); err == nil {
				cloudtest.Sane(t, report)
			}
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	b.ReportAllocs()
	b.SetBytes(int64(len(status)))
	for b.Loop() {
		if _, err := Decode(vehicle.USA, "flat", vehicle.EV, []byte(status)); err != nil {
			b.Fatal(err)
		}
	}
}
