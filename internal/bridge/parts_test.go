package bridge

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
)

func TestParts_ComeBackAsTheyWereAndTakeLittleRoom(t *testing.T) {
	var all parts
	for i := range 200 {
		all = append(all, fmt.Sprintf("binary_sensor/tire_pressure_of_wheel_%d_warning_is_on", i))
	}
	for _, p := range []parts{all, {}, {"lock/lock"}} {
		text, err := json.Marshal(announced{Base: "hyundai", Topics: map[string]parts{"t": p}})
		if err != nil {
			t.Fatal(err)
		}
		var back announced
		if err := json.Unmarshal(text, &back); err != nil || !slices.Equal(back.Topics["t"], p) {
			t.Errorf("%d parts came back as %d: %v", len(p), len(back.Topics["t"]), err)
		}
		if len(p) > 100 && len(text) > 2000 {
			t.Errorf("%d parts take %d bytes", len(p), len(text))
		}
	}
	var p parts
	for _, text := range []string{"!", "AAAA", "c3RyYW5nZQ"} {
		if err := p.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q was read as %v", text, p)
		}
	}
}
