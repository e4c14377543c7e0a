package e2e

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/topic"
	"github.com/bluelink2mqtt/bluelink2mqtt/sim"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// recorded is where the recorded payloads and what the reference library reads in them lie, beside the checkout.
const recorded = "../../../shared/fixtures"

// TestReplay_RecordingsComeOutInParity leads real recordings all the way to MQTT and compares each topic with what the
// reference library reads.
func TestReplay_RecordingsComeOutInParity(t *testing.T) {
	t.Parallel()
	folder, err := filepath.Abs(recorded)
	if err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob(folder + "/status/eu_*.json")
	text, err := os.ReadFile(folder + "/expected.json")
	if err != nil || len(files) == 0 {
		t.Skipf("the recorded payloads are not there: %v", err)
	}
	var expected map[string]map[string]any
	if err := json.Unmarshal(text, &expected); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, sim.Options{Cars: 1, Replay: files})
	d := w.start(t.TempDir(), w.dropIn("kia"), "run")
	l := w.listen(w.broker.URL(), "hyundai/#")
	out, _, code := d.command(append([]string{"decode"}, files...)...)
	if code != 0 {
		t.Fatalf("decode ended with %d: %s", code, out)
	}
	rejected := map[string]map[string]string{}
	for _, line := range strings.Split(strings.TrimSpace(out), "\n") {
		var o struct {
			File     string            `json:"file"`
			Rejected map[string]string `json:"rejected"`
		}
		if err := json.Unmarshal([]byte(line), &o); err != nil {
			t.Fatal(err)
		}
		rejected[filepath.Base(o.File)] = o.Rejected
	}
	table := topic.NewTable(topic.Options{RetainLocation: true})
	compared := 0
	for _, view := range w.sim.VehicleViews() {
		file := filepath.Base(view.Replay)
		if view.Replay == "" || view.Region != "eu" {
			continue
		}
		base := "hyundai/" + view.ID + "/"
		l.await("the state of "+file, func() bool { return l.last[base+"status/data_source"] != nil })
		engine, err := vehicle.ParseEngine(view.Engine)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range table.Rows() {
			if len(row.Inputs) != 1 || strings.HasSuffix(row.Suffix, "_unit") || !row.Inputs[0].Fits(engine) {
				continue
			}
			key := row.Inputs[0].Key
			want, known := expected[file][key]
			if !known || want == nil || rejected[file][key] != "" || derived[row.Suffix] || row.Inputs[0].Group == vehicle.GroupTrip {
				continue
			}
			got, published := l.value(base + row.Suffix)
			if !published && want == false {
				continue // the reference takes an absent flag for false
			}
			compared++
			if !published || !parity(key, got.Value, want) {
				t.Errorf("%s: %s is %v (published: %v), the reference reads %v", file, row.Suffix, got.Value, published, want)
			}
		}
	}
	if compared < 400 {
		t.Errorf("only %d topics were compared", compared)
	}
}

// derived are topics that say something else than their data point, and those of data that parity leaves out.
var derived = map[string]bool{
	"ev/energy_consumption": true, "status/fetched_at": true, "status/location/latitude": true, "status/location/longitude": true,
	"status/location/last_updated": true, "status/general/geocode": true,
}

// words are topics that say a flag in words.
var words = map[string]bool{"charging": true, "connected": true, "not_charging": false, "disconnected": false}

// parity compares as the recordings' README says: numbers to one decimal, flags by truth, texts without regard to case,
// times to the second.
func parity(key string, got, want any) bool {
	if object, ok := got.(map[string]any); ok {
		got = object["value"]
	}
	if text, ok := got.(string); ok {
		if flag, ok := words[text]; ok {
			got = flag
		}
	}
	if key == vehicle.TireWarning.Key {
		got = !truth(got)
	}
	switch w := want.(type) {
	case bool:
		return truth(got) == w
	case float64:
		if n, ok := got.(float64); ok {
			return math.Abs(n-w) < 0.06
		}
		return truth(got) == (w != 0)
	case string:
		g, ok := got.(string)
		if at, err := time.Parse(time.RFC3339, w); err == nil {
			other, err := time.Parse(time.RFC3339, g)
			return err == nil && at.Unix() == other.Unix()
		}
		return ok && strings.EqualFold(g, w)
	case []any:
		list, _ := got.([]any)
		if len(w) == 1 && w[0] == 9.0 {
			return len(list) == 0 || len(list) == 1 && list[0] == 9.0
		}
		if len(list) != len(w) {
			return false
		}
		for i := range w {
			if list[i] != w[i] {
				return false
			}
		}
		return true
	}
	return false
}

func truth(v any) bool {
	switch v := v.(type) {
	case bool:
		return v
	case float64:
		return v != 0
	}
	return false
}
