package cloudtest

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// mostRaw bounds, in bytes, what an observation keeps of the text that it was read from.
const mostRaw = 129

// Sane checks a report and what is believed after it, whatever the cloud sent: each observation has a value or a refusal, and
// the state outlives being stored.
func Sane(t *testing.T, report vehicle.Report) {
	t.Helper()
	for _, o := range report.Observations {
		if len(o.Raw) > mostRaw {
			t.Errorf("%s keeps %d bytes of text", o.Datum, len(o.Raw))
		}
		if (o.Value == nil) == (o.Refuse == "") {
			t.Errorf("%s has value %v and refusal %q", o.Datum, o.Value, o.Refuse)
		}
	}
	state, _, _ := vehicle.State{}.Apply(report, time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC))
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
