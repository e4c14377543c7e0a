package ccapi

import (
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
