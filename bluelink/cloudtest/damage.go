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

// Damage puts every damage in every place of an answer, and takes away what can be taken: each costs the data points that are
// computed from that place and no others, and nothing falls over. Costs says of how many data points a leaf is a part, by the
// end of its path, where it is more than one. Times are left as they are: a report with another time is another report.
func Damage(t *testing.T, answer []byte, costs map[string]int, decode func([]byte) (vehicle.Report, error)) {
	t.Helper()
	var tree map[string]any
	if err := json.Unmarshal(answer, &tree); err != nil {
		t.Fatal(err)
	}
	delete(tree, "_fixture_meta")
	read := func() map[string]any {
		damaged, err := json.Marshal(tree)
		if err != nil {
			t.Fatal(err)
		}
		values := map[string]any{}
		report, err := decode(damaged)
		if err != nil {
			return values // nothing is left
		}
		state, _, _ := vehicle.State{}.Apply(report, time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC))
		for reading := range state.All() {
			if reading.Value != nil {
				values[reading.Datum.Key] = reading.Value
			}
		}
		return values
	}
	whole := read()
	if len(whole) < 5 {
		t.Fatalf("only %d data points are read", len(whole))
	}
	lost := func() (keys map[string]bool) {
		keys = map[string]bool{}
		after := read()
		for key, value := range whole {
			if !reflect.DeepEqual(after[key], value) {
				keys[key] = true
			}
		}
		return keys
	}
	// What each place may cost: a leaf what its damages were seen to cost, at most as many as costs says, and whatever holds
	// others what those may.
	may := map[string]map[string]bool{}
	visit(tree, "", func(p place) {
		allowed := map[string]bool{}
		if p.leaf {
			if isTime(p.value) {
				return
			}
			for name, damage := range damages {
				p.set(damage)
				cost := lost()
				if len(cost) > costOf(costs, p.path) {
					t.Errorf("%s in %s costs %v", name, p.path, slices.Sorted(maps.Keys(cost)))
				}
				maps.Copy(allowed, cost)
			}
			p.set(p.value)
		} else {
			for path, keys := range may {
				if strings.HasPrefix(path, p.path+".") {
					maps.Copy(allowed, keys)
				}
			}
		}
		may[p.path] = allowed
		if holdsTime(p.value) {
			return
		}
		check := func(how string) {
			for key := range lost() {
				if !allowed[key] {
					t.Errorf("%s in the place of %s costs %s", how, p.path, key)
				}
			}
		}
		for name, damage := range damages {
			p.set(damage)
			check(name)
		}
		if p.remove != nil {
			p.remove()
			check("nothing")
		}
		p.set(p.value)
	})
}

// place is where something stands in an answer.
type place struct {
	path   string
	value  any
	leaf   bool
	set    func(any)
	remove func() // nil in a list
}

// visit comes to every place, to those within another before that.
func visit(node any, path string, come func(place)) {
	step := func(p place) {
		visit(p.value, p.path, come)
		object, _ := p.value.(map[string]any)
		list, _ := p.value.([]any)
		p.leaf = len(object)+len(list) == 0
		come(p)
	}
	switch n := node.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(n)) {
			step(place{path: path + "." + key, value: n[key], set: func(v any) { n[key] = v }, remove: func() { delete(n, key) }})
		}
	case []any:
		for i := range n {
			step(place{path: path + "." + strconv.Itoa(i), value: n[i], set: func(v any) { n[i] = v }})
		}
	}
}

// isTime tells the times of answers: fourteen digits.
func isTime(value any) bool {
	text, ok := value.(string)
	_, err := time.Parse("20060102150405", text)
	return ok && err == nil
}

func holdsTime(value any) (holds bool) {
	holds = isTime(value)
	visit(value, "", func(p place) { holds = holds || isTime(p.value) })
	return holds
}

func costOf(costs map[string]int, path string) int {
	for end, n := range costs {
		if strings.HasSuffix(path, "."+end) {
			return n
		}
	}
	return 1
}
