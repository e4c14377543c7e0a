package hyundaius

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// damages are what a cloud may put in place of a leaf.
var damages = map[string]any{
	"null": nil, "true": true, "false": false, "text": "x", "empty text": "", "number": 7.5, "negative": -1, "huge": json.Number("1e400"),
	"beyond 2^63": json.Number("36893488147419103232"), "list": []any{1}, "empty list": []any{}, "object": map[string]any{"x": 1},
}

// costs says which leaves more than one data point is computed from, and how many, by the end of their path.
var costs = map[string]int{"batteryPlugin": 2, "plugType": 2, "coord.lat": 6, "coord.lon": 6}

func costOf(path string) int {
	if strings.HasPrefix(path, "evTripDetails.") {
		return 4 // the days, the newest day, its month, and the odometer
	}
	for end, n := range costs {
		if path == end || strings.HasSuffix(path, "."+end) {
			return n
		}
	}
	return 1
}

// spot is a place in a JSON document that can be damaged and mended.
type spot struct {
	path   string
	leaf   bool
	set    func(any)
	remove func() // nil in a list
	mend   func()
}

func spots(path string, node any, found []spot) []spot {
	add := func(path string, child any, set func(any), remove func()) {
		_, object := child.(map[string]any)
		_, list := child.([]any)
		found = append(found, spot{path, !object && !list, set, remove, func() { set(child) }})
		found = spots(path, child, found)
	}
	switch n := node.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(n)) {
			add(strings.TrimPrefix(path+"."+key, "."), n[key], func(v any) { n[key] = v }, func() { delete(n, key) })
		}
	case []any:
		for i := range n {
			add(path+"."+strconv.Itoa(i), n[i], func(v any) { n[i] = v }, nil)
		}
	}
	return found
}

// TestDecode_DamageCostsOnlyItsOwnData damages every place of the page's answer and of the recordings in every way.
func TestDecode_DamageCostsOnlyItsOwnData(t *testing.T) {
	answers := map[string][]byte{"page": []byte(strings.TrimSuffix(status, "}") + `,"evTripDetails":` + trips + `}`)}
	t.Run("recordings", func(t *testing.T) { maps.Copy(answers, recordings(t)) })
	for file, text := range answers {
		for _, engine := range []vehicle.Engine{vehicle.EV, vehicle.ICE} {
			t.Run(file+" "+engine.String(), func(t *testing.T) {
				t.Parallel()
				damageEverything(t, engine, text)
			})
		}
	}
}

func damageEverything(t *testing.T, engine vehicle.Engine, text []byte) {
	var tree map[string]any
	if err := json.Unmarshal(text, &tree); err != nil {
		t.Fatal(err)
	}
	delete(tree, "_fixture_meta")
	root := any(tree)
	kinds := slices.Collect(maps.Keys(damages))
	if testing.Short() {
		kinds = []string{"null", "text", "huge", "object"}
	}
	read := func() map[string]any {
		damaged, err := json.Marshal(root)
		if err != nil {
			t.Fatal(err)
		}
		report, err := Decode(vehicle.USA, "flat", engine, damaged)
		if err != nil {
			return nil // only when nothing is left
		}
		values := map[string]any{}
		state, _, _ := vehicle.State{}.Apply(report, someTime)
		for reading := range state.All() {
			if reading.Value != nil {
				values[reading.Datum.Key] = reading.Value
			}
		}
		return values
	}
	whole := read()
	if len(whole) < 30 {
		t.Fatalf("only %d data points in the undamaged answer", len(whole))
	}
	lost := func() []string { // what is not as before; something new counts as well
		var keys []string
		now := read()
		for key, value := range whole {
			if !reflect.DeepEqual(now[key], value) {
				keys = append(keys, key)
			}
		}
		for key := range now {
			if _, ok := whole[key]; !ok {
				keys = append(keys, key)
			}
		}
		slices.Sort(keys)
		return keys
	}
	places := spots("", root, nil)
	removed := map[string][]string{} // by path of a leaf: what its removal costs
	for _, place := range places {
		if !place.leaf {
			continue
		}
		if place.remove != nil {
			place.remove()
		} else {
			place.set(nil)
		}
		removed[place.path] = lost()
		place.mend()
		if keys := removed[place.path]; len(keys) > costOf(place.path) {
			t.Errorf("%s: without %s, %v is lost", engine, place.path, keys)
		}
		for _, kind := range kinds {
			place.set(damages[kind])
			if keys := lost(); len(keys) > costOf(place.path) {
				t.Errorf("%s: with %s at %s, %v is lost", engine, kind, place.path, keys)
			}
			place.mend()
		}
	}
	for _, place := range places {
		if place.leaf {
			continue
		}
		var below []string
		for path, keys := range removed {
			if strings.HasPrefix(path, place.path+".") {
				below = append(below, keys...)
			}
		}
		for _, kind := range kinds {
			place.set(damages[kind])
			for _, key := range lost() {
				if !slices.Contains(below, key) && !belongs(key, place.path) {
					t.Errorf("%s: with %s at %s, %s is lost", engine, kind, place.path, key)
				}
			}
			place.mend()
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
