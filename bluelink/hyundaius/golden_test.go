package hyundaius

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// goldenCars are the kinds of cars that commands differ between.
var goldenCars = []struct {
	name    string
	engine  vehicle.Engine
	details details
}{
	{"ev gen2", vehicle.EV, usualDetails},
	{"ev gen3", vehicle.EV, details{generation: 3, coldest: 62, hottest: 82}},
	{"ev gen3 warm seat", vehicle.EV, details{generation: 3, coldest: 62, hottest: 82, seats: map[int][]int{1: {2, 6, 7, 8}}}},
	{"ice", vehicle.ICE, usualDetails},
	{"phev", vehicle.PHEV, usualDetails},
}

// TestCommands_LookOnTheWireAsReviewed holds every payload of every command, at every step of every range, for every kind
// of car, against testdata/commands: go test ./bluelink/hyundaius -run Reviewed -update.
func TestCommands_LookOnTheWireAsReviewed(t *testing.T) {
	const dir = "testdata/commands"
	var wanted []string
	for _, spec := range vehicle.Commands() {
		if !slices.ContainsFunc(forms, func(f form) bool { return f.of.Spec() == spec }) {
			continue
		}
		var page strings.Builder
		for _, payload := range payloadsOf(t, spec) {
			page.WriteString(describe(t, spec, payload))
		}
		file := filepath.Join(dir, spec.Name+".txt")
		wanted = append(wanted, file)
		if *update {
			if err := errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(file, []byte(page.String()), 0o644)); err != nil {
				t.Fatal(err)
			}
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		got, want := strings.Split(page.String(), "\n"), strings.Split(string(text), "\n")
		for i := range max(len(got), len(want)) {
			if i >= len(got) || i >= len(want) || got[i] != want[i] {
				t.Errorf("%s, line %d\n got %s\nwant %s", file, i+1, strings.Join(got[min(i, len(got)):min(i+1, len(got))], ""), strings.Join(want[min(i, len(want)):min(i+1, len(want))], ""))
				break
			}
		}
	}
	found, _ := filepath.Glob(dir + "/*")
	for _, file := range found {
		if !slices.Contains(wanted, file) {
			t.Errorf("%s belongs to no command", file)
		}
	}
}

// describe tells how a command looks on the wire, with cars that share a form on one line.
func describe(t *testing.T, spec *vehicle.Spec, payload string) string {
	t.Helper()
	request, err := vehicle.DecodeRequest(spec.Topic, []byte(payload))
	if err != nil || request.Command.Spec() != spec {
		t.Fatalf("%s %s: %v", spec.Name, payload, err)
	}
	knowns := map[string]vehicle.State{"": {}}
	if spec.Name == "charge-limits" {
		knowns = map[string]vehicle.State{", the car reports nothing": {}, ", the car reports AC 80 % and DC 90 %": limited(80, 90), ", the car reports 85 % twice": limited(85, 85)}
	}
	var text strings.Builder
	for _, about := range slices.Sorted(func(yield func(string) bool) {
		for about := range knowns {
			if !yield(about) {
				return
			}
		}
	}) {
		var lines []string
		cars := map[string][]string{}
		for _, car := range goldenCars {
			line := onWire(request.Command, car.engine, car.details, knowns[about])
			if line == "" {
				continue
			}
			if cars[line] == nil {
				lines = append(lines, line)
			}
			cars[line] = append(cars[line], car.name)
		}
		fmt.Fprintf(&text, "%s%s\n", payload, about)
		for _, line := range lines {
			fmt.Fprintf(&text, "  %s: %s\n", strings.Join(cars[line], ", "), line)
		}
	}
	return text.String()
}

func limited(ac, dc vehicle.Percent) vehicle.State {
	var r vehicle.Report
	vehicle.LimitAC.Set(&r, ac, "")
	vehicle.LimitDC.Set(&r, dc, "")
	return believe(vehicle.State{}, r)
}

// onWire is the call that a command makes, or why it makes none; empty where such a car has no such command.
func onWire(command vehicle.Command, engine vehicle.Engine, d details, known vehicle.State) string {
	v := vehicle.Vehicle{ID: "x", CloudID: "REGID", VIN: "VIN", Engine: engine}
	f := formOf(&v, command)
	if f == nil {
		return ""
	}
	c := &cloud{account: bluelink.Account{Username: "jane@example.com"}, details: map[vehicle.ID]details{"x": d}}
	body, err := c.encode(f, command, bluelink.Ask{Vehicle: v, Known: known})
	if err != nil {
		e := (*bluelink.Error)(nil)
		errors.As(err, &e)
		return fmt.Sprintf("%s: %s", bluelink.Reason(err), e.Text)
	}
	return strings.TrimSpace(f.path + " " + body)
}

// payloadsOf are payloads of a command: the plain one, one key at a time over its whole range, and several together.
func payloadsOf(t *testing.T, spec *vehicle.Spec) (payloads []string) {
	t.Helper()
	add := func(members string) {
		if len(spec.Words) > 0 {
			members = strings.TrimSuffix(fmt.Sprintf(`"action":%q,%s`, spec.Words[0], members), ",")
		}
		payloads = append(payloads, "{"+members+"}")
	}
	switch spec.Name {
	case "charge-limits", "hazard":
	default:
		add("")
	}
	for _, f := range spec.Fields {
		switch {
		case f.Key == "unit":
		case f.Key == "set_temp":
			for degrees := 14.0; degrees <= 30; degrees += 0.5 {
				add(fmt.Sprintf(`"set_temp":%g`, degrees))
			}
			for degrees := 57; degrees <= 86; degrees++ {
				add(fmt.Sprintf(`"set_temp":%d,"unit":"F"`, degrees))
			}
			add(`"set_temp":72.5,"unit":"F"`)
		case f.Kind == vehicle.FieldFlag:
			add(fmt.Sprintf(`%q:true`, f.Key))
			add(fmt.Sprintf(`%q:false`, f.Key))
		case f.Kind == vehicle.FieldNumber:
			for n := f.Min; n <= f.Max; n += f.Step {
				add(fmt.Sprintf(`%q:%g`, f.Key, n))
			}
		case f.Kind == vehicle.FieldWord:
			for _, word := range f.Words {
				add(fmt.Sprintf(`%q:%q`, f.Key, word))
			}
		default:
			t.Fatalf("the key %s has no samples", f.Key)
		}
	}
	switch spec.Name {
	case "climate-start":
		for heating := range 5 {
			for wheel := range 3 {
				add(fmt.Sprintf(`"heating":%d,"steering_wheel":%d`, heating, wheel))
			}
		}
		add(`"set_temp":21.5,"duration":10,"defrost":true,"climate":true,"heating":4,"front_left_seat":8,"front_right_seat":5,"rear_left_seat":6,"rear_right_seat":3`)
	case "charge-limits":
		add(`"ac":50,"dc":100`)
		add(`"ac":100,"dc":50`)
	}
	return payloads
}
