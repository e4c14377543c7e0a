package hyundaius

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/cloudtest"
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
	pages := map[string]string{}
	for _, spec := range cloudtest.Sent() {
		if !slices.ContainsFunc(forms, func(f form) bool { return f.of.Spec() == spec }) {
			continue
		}
		more := []string(nil)
		switch spec.Name {
		case "climate-start":
			more = append(cloudtest.Climates(), `"unit":"F","set_temp":72.5`)
		case "charge-limits":
			more = []string{`"ac":50,"dc":100`, `"ac":100,"dc":50`}
		}
		words := map[string][]string{"set_temp": cloudtest.Steps(14, 30, 0.5), "action": {`"lights"`, `"lights_and_horn"`}}
		var page strings.Builder
		for _, payload := range cloudtest.Payloads(t, spec, words, more...) {
			page.WriteString(describe(t, spec, payload))
		}
		pages[spec.Name+".txt"] = page.String()
	}
	cloudtest.Golden(t, "testdata/commands", pages)
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
	for _, about := range slices.Sorted(maps.Keys(knowns)) {
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
