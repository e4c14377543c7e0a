package sim

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"time"
)

// recordingForm says where in a recording of an American cloud things stand.
type recordingForm struct {
	status []string   // the status object
	times  [][]string // report times, UTC; the first counts
	layout string     // of the times when the car reports anew
}

// recordingForms are the forms by region and brand (docs/protocol/vehicle-model.md §8).
var recordingForms = map[string]*recordingForm{
	"us hyundai": hyundaiUSRecording,
	"us genesis": hyundaiUSRecording,
	"us kia":     kiaUSRecording,
	"ca hyundai": canadaRecording,
	"ca kia":     canadaRecording,
	"ca genesis": canadaRecording,
}

var canadaRecording = &recordingForm{
	status: []string{"status"},
	times:  [][]string{{"status", "lastStatusDate"}},
	layout: compactTime,
}

var hyundaiUSRecording = &recordingForm{
	status: []string{"vehicleStatus"},
	times:  [][]string{{"vehicleStatus", "dateTime"}},
	layout: time.RFC3339,
}

var kiaUSRecording = &recordingForm{
	status: []string{"lastVehicleInfo", "vehicleStatusRpt", "vehicleStatus"},
	times: [][]string{
		{"lastVehicleInfo", "vehicleStatusRpt", "vehicleStatus", "syncDate", "utc"},
		{"lastVehicleInfo", "vehicleStatusRpt", "vehicleStatus", "dateTime", "utc"},
		{"lastVehicleInfo", "vehicleStatusRpt", "vehicleStatus", "evStatus", "syncDate", "utc"},
		{"lastVehicleInfo", "location", "syncDate", "utc"},
	},
	layout: compactTime,
}

func (f *recordingForm) read(raw []byte) (map[string]any, error) {
	tree, err := readObject(raw)
	if err != nil {
		return nil, err
	}
	for _, envelope := range []string{"result", "payload"} {
		if inner, ok := tree[envelope].(map[string]any); ok {
			tree = inner
		}
	}
	if list, ok := tree["vehicleInfoList"].([]any); ok && len(list) > 0 {
		tree, _ = list[0].(map[string]any)
	}
	if _, ok := dig(tree, f.status...).(map[string]any); !ok {
		return nil, fmt.Errorf("found no %s in it", strings.Join(f.status, "."))
	}
	return tree, nil
}

// burns tells by what a recorded car reports whether it has a plug and a tank.
func (f *recordingForm) burns(tree map[string]any) (plug, fuel bool) {
	status := dig(tree, f.status...)
	electric, _ := dig(status, "evStatus").(map[string]any)
	level, _ := dig(status, "fuelLevel").(json.Number)
	return len(electric) > 0, level != "" && level != "0"
}

// recordedAt is the recording's own report time, or zero.
func (f *recordingForm) recordedAt(tree map[string]any) time.Time {
	text, _ := dig(tree, f.times[0]...).(string)
	for _, layout := range []string{compactTime, time.RFC3339} {
		if at, err := time.Parse(layout, text); err == nil {
			return at.UTC()
		}
	}
	return time.Time{}
}

// at is the recording as if the car had just said it.
func (f *recordingForm) at(tree map[string]any, at time.Time) map[string]any {
	for _, path := range f.times {
		if dig(tree, path...) != nil {
			tree = withPath(tree, at.UTC().Format(f.layout), path)
		}
	}
	return tree
}

// withPath copies what leads to a leaf, so that the leaf can be another one.
func withPath(object map[string]any, value any, path []string) map[string]any {
	if len(path) > 1 {
		inner, _ := object[path[0]].(map[string]any)
		value = withPath(inner, value, path[1:])
	}
	return withKey(object, path[0], value)
}

// number is a recorded number, or else the given one; some are texts.
func (r *replay) number(otherwise float64, path ...string) float64 {
	if n, ok := degrees(dig(r.tree, path...)); ok {
		return n
	}
	return otherwise
}

// place is a recorded position with what every position has, at a time; nil when none
// was recorded.
func (r *replay) place(path []string, times map[string]any) map[string]any {
	recorded, _ := dig(r.tree, path...).(map[string]any)
	if dig(recorded, "coord", "lat") == nil {
		return nil
	}
	position := map[string]any{
		"head": 0, "speed": map[string]any{"value": 0, "unit": 1}, "accuracy": map[string]any{"hdop": 0, "pdop": 0},
	}
	for _, more := range []map[string]any{recorded, times} {
		maps.Copy(position, more)
	}
	return position
}
