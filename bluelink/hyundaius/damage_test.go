package hyundaius

import (
	"encoding/json"
	"fmt"
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

// sane checks a report and what is believed after it, whatever the cloud sent.
func sane(t *testing.T, report vehicle.Report) {
	for _, o := range report.Observations {
		if len(o.Raw) > 129 {
			t.Errorf("%s keeps %d bytes of text", o.Datum, len(o.Raw))
		}
		if (o.Value == nil) == (o.Refuse == "") {
			t.Errorf("%s has value %v and refusal %q", o.Datum, o.Value, o.Refuse)
		}
	}
	state, _, _ := vehicle.State{}.Apply(report, someTime)
	stored, err := json.Marshal(state)
	if err != nil {
		t.Fatalf("the state cannot be stored: %v", err)
	}
	var again vehicle.State
	if err := json.Unmarshal(stored, &again); err != nil {
		t.Fatalf("the stored state cannot be read: %v", err)
	}
	values := map[*vehicle.Datum]string{}
	for reading := range again.All() {
		values[reading.Datum] = fmt.Sprint(reading.Value)
	}
	for reading := range state.All() {
		if fmt.Sprint(reading.Value) != values[reading.Datum] {
			t.Errorf("%s: stored %v, read %s", reading.Datum, reading.Value, values[reading.Datum])
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{status, `{"vehicleStatus":{"dateTime":"2024-09-01T12:00:00Z","airTemp":{"value":"LO"}}}`, `{"vehicle\u0053tatus":{}}`, `{"evTripDetails":` + trips + `,"doorLock":true}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, engine := range []vehicle.Engine{vehicle.EngineUnknown, vehicle.EV, vehicle.PHEV, vehicle.ICE} {
			if report, err := Decode(vehicle.USA, "flat", engine, text); err == nil {
				sane(t, report)
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
