package ccapi

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

func TestDecoding_FindsALeafWhateverWasReadBefore(t *testing.T) {
	root, ok := parse([]byte(`{"a":{"b":{"c":1,"d":[{"e":2},{"e":3}]},"bb":4},"ab":{"b":5},"":{"":6},"b":null}`))
	if !ok {
		t.Fatal("not JSON")
	}
	rapid.Check(t, func(t *rapid.T) {
		d := decoding{Report: &vehicle.Report{}, root: root}
		for range rapid.IntRange(1, 20).Draw(t, "reads") {
			steps := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "ab", "bb", "0", "1"}), 1, 5).Draw(t, "steps")
			path := strings.Join(steps, ".")
			if got, want := d.get(path), root.get(path); got != want {
				t.Fatalf("%s is %q, not %q", path, got.text(), want.text())
			}
		}
	})
}

// BenchmarkDecodeHistory reads the use of a month by day, the longest of the answers of a refresh.
func BenchmarkDecodeHistory(b *testing.B) {
	var days []string
	for day := range 30 {
		days = append(days, fmt.Sprintf(`{"drivingDate":"202601%02d","drivingPeriod":0,"totalPwrCsp":4112,"motorPwrCsp":3000,`+
			`"climatePwrCsp":612,"eDPwrCsp":300,"batteryMgPwrCsp":200,"regenPwr":900,"calculativeOdo":23}`, day+1))
	}
	text := []byte(`{"drivingInfo":[{"drivingPeriod":0,"totalPwrCsp":4112,"calculativeOdo":23}],"drivingInfoDetail":[` + strings.Join(days, ",") + `]}`)
	b.ReportAllocs()
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		month, ok := parse(text)
		if !ok {
			b.Fatal("not JSON")
		}
		if n := len(decodeDays(month.get("drivingInfoDetail"), vehicle.Kilometre)); n != 30 {
			b.Fatalf("%d days", n)
		}
		month.release()
	}
}
