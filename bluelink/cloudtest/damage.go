package cloudtest

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// damages are what a cloud may put in the place of anything.
var damages = map[string]any{
	"null": nil, "true": true, "false": false, "text": "x", "empty text": "", "number": 7.5, "negative": -1, "huge": json.Number("1e400"),
	"beyond 2^63": json.Number("36893488147419103232"), "list": []any{1}, "empty list": []any{}, "object": map[string]any{"x": 1},
}

// Decoding is how a family reads an answer, and what damage to it may cost.
type Decoding struct {
	Decode func(answer []byte) (vehicle.Report, error)
	// Least is how many data points the whole answer has at least.
	Least int
	// Costs says of how many data points a leaf is a part where it is more than one: by the end of its path, or by the
	// beginning, which ends with a dot.
	Costs map[string]int
	// Belongs allows what no single leaf below a place decides; nil for nothing.
	Belongs func(key, path string) bool
	// KeepTimes leaves times as they are, and what holds them: where one is the report's, another makes another report.
	KeepTimes bool
}

// Damage puts every damage in every place of an answer, and takes away what can be taken: each costs the data points that are
// computed from that place and no others, brings none that were not there, and nothing falls over.
func Damage(t *testing.T, answer []byte, d Decoding) {
	t.Helper()
	var tree map[string]any
	if err := json.Unmarshal(answer, &tree); err != nil {
		t.Fatal(err)
	}
	delete(tree, "_fixture_meta")
	w := &wreck{t: t, tree: tree, Decoding: d}
	if w.whole = w.read(); len(w.whole) < max(d.Least, 5) {
		t.Fatalf("only %d data points in the undamaged answer", len(w.whole))
	}
	kinds := slices.Sorted(maps.Keys(damages))
	if testing.Short() {
		kinds = []string{"null", "text", "huge", "object"}
	}
	places := spots("", tree, nil)
	removed := map[string][]string{} // by path of a leaf: what its removal costs
	for _, p := range places {
		if !p.leaf || d.KeepTimes && isTime(p.value) {
			continue
		}
		if p.remove != nil {
			p.remove()
		} else {
			p.set(nil)
		}
		removed[p.path] = w.lost()
		p.set(p.value)
		w.bound("nothing", p, removed[p.path])
		for _, kind := range kinds {
			p.set(damages[kind])
			w.bound(kind, p, w.lost())
			p.set(p.value)
		}
	}
	for _, p := range places {
		if p.leaf || d.KeepTimes && holdsTime(p.value) {
			continue
		}
		var below []string
		for path, keys := range removed {
			if strings.HasPrefix(path, p.path+".") {
				below = append(below, keys...)
			}
		}
		check := func(kind string) {
			for _, key := range w.lost() {
				if !slices.Contains(below, key) && (d.Belongs == nil || !d.Belongs(key, p.path)) {
					t.Errorf("with %s at %s, %s is lost", kind, p.path, key)
				}
			}
			p.set(p.value)
		}
		for _, kind := range kinds {
			p.set(damages[kind])
			check(kind)
		}
		if p.remove != nil {
			p.remove()
			check("nothing")
		}
	}
}

// wreck is an answer under damage.
type wreck struct {
	Decoding
	t     *testing.T
	tree  any
	whole map[string]any // what was read before
}

// read gives the values by key.
func (w *wreck) read() map[string]any {
	w.t.Helper()
	damaged, err := json.Marshal(w.tree)
	if err != nil {
		w.t.Fatal(err)
	}
	report, err := w.Decode(damaged)
	if err != nil {
		return nil // only when nothing is left
	}
	values := map[string]any{}
	state, _, _ := vehicle.State{}.Apply(report, time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC))
	for reading := range state.All() {
		if reading.Value != nil {
			values[reading.Datum.Key] = reading.Value
		}
	}
	return values
}

// lost is what is not as before; something new counts as well.
func (w *wreck) lost() (keys []string) {
	w.t.Helper()
	now := w.read()
	for key, value := range w.whole {
		if !reflect.DeepEqual(now[key], value) {
			keys = append(keys, key)
		}
	}
	for key := range now {
		if _, ok := w.whole[key]; !ok {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// bound holds a damaged leaf to what it may cost.
func (w *wreck) bound(kind string, p spot, lost []string) {
	w.t.Helper()
	most := 1
	for part, n := range w.Costs {
		begins := strings.HasSuffix(part, ".") && strings.HasPrefix(p.path, part)
		if begins || p.path == part || strings.HasSuffix(p.path, "."+part) {
			most = n
		}
	}
	if len(lost) > most {
		w.t.Errorf("with %s at %s, %v is lost", kind, p.path, lost)
	}
}

// spot is a place in an answer that can be damaged and mended.
type spot struct {
	path   string
	value  any
	leaf   bool // nothing is within
	set    func(any)
	remove func() // nil in a list
}

// spots finds all places, those within another after it.
func spots(path string, node any, found []spot) []spot {
	add := func(path string, child any, set func(any), remove func()) {
		object, _ := child.(map[string]any)
		list, _ := child.([]any)
		found = spots(path, child, append(found, spot{path, child, len(object)+len(list) == 0, set, remove}))
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

// isTime tells the times of answers: fourteen digits.
func isTime(value any) bool {
	text, ok := value.(string)
	_, err := time.Parse("20060102150405", text)
	return ok && err == nil
}

func holdsTime(value any) bool {
	return isTime(value) || slices.ContainsFunc(spots("", value, nil), func(p spot) bool { return isTime(p.value) })
}
