package ccapi

import (
	"context"
	"encoding/json"
	"errors"
	goflag "flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

var update = goflag.Bool("update", false, "write the golden files of commands anew")

// goldenRegions are the regions whose commands stand in testdata/commands. New Zealand's are Australia's.
var goldenRegions = []vehicle.Region{vehicle.Europe, vehicle.Australia, vehicle.India, vehicle.China, vehicle.Brazil}

// TestCommands_LookOnTheWireAsReviewed holds every payload of every command, at every step of every range, for every kind
// of car of every region, against testdata/commands: go test ./bluelink/ccapi -run Reviewed -update. A region has no file for
// a command that none of its cars has.
func TestCommands_LookOnTheWireAsReviewed(t *testing.T) {
	for _, region := range goldenRegions {
		t.Run(region.String(), func(t *testing.T) { holdCommands(t, dialects[region], "testdata/commands/"+region.String()) })
	}
}

func holdCommands(t *testing.T, d *dialect, dir string) {
	var wanted []string
	for _, spec := range sent() {
		if !slices.ContainsFunc(d.forms, func(f form) bool { return f.of.Spec() == spec }) {
			continue
		}
		var page strings.Builder
		for _, s := range samplesOf(t, spec) {
			page.WriteString(s.describe(d))
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

// sent are the commands that reach a cloud.
func sent() []*vehicle.Spec {
	return slices.DeleteFunc(slices.Clone(vehicle.Commands()), func(s *vehicle.Spec) bool { return s.Local || s.Name == "refresh" })
}

// sample is a command as somebody sends it, with what is known of the car.
type sample struct {
	payload string
	command vehicle.Command
	about   string // what is known
	known   vehicle.State
}

// describe tells how a sample looks on the wire, with cars that share a form on one line. Cars that are not named have no
// such command.
func (s sample) describe(d *dialect) string {
	var lines []string
	cars := map[string][]string{}
	for _, ccs2 := range []int{0, 1} {
		form := vehicle.Vehicle{CCS2: ccs2}.Protocol()
		same := map[string][]string{}
		for _, engine := range []vehicle.Engine{vehicle.EV, vehicle.PHEV, vehicle.HEV, vehicle.ICE} {
			line := s.wire(d, vehicle.Vehicle{ID: "x", CloudID: "ID", Engine: engine, CCS2: ccs2})
			if line != "" && cars[line] == nil && same[line] == nil {
				lines = append(lines, line)
			}
			same[line] = append(same[line], engine.String())
		}
		for line, engines := range same {
			who := form + " " + strings.Join(engines, " ")
			if len(engines) == 4 {
				who = form
			}
			cars[line] = append(cars[line], who)
		}
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%s%s\n", s.payload, s.about)
	for _, line := range lines {
		fmt.Fprintf(&text, "\t%s: %s\n", strings.Join(cars[line], ", "), line)
	}
	return text.String()
}

func (s sample) wire(d *dialect, v vehicle.Vehicle) string {
	forms := d.formsOf(&v, s.command)
	if len(forms) == 0 {
		return ""
	}
	o := order{command: s.command, ask: bluelink.Ask{Vehicle: v, Known: s.known}, device: "DEVICE", side: leftHand}
	o.side = (&cloud{profile: &profile{dialect: d}}).sideOf(context.Background(), bluelink.Ask{Vehicle: v, Known: s.known}, withEqualSeats(s.command))
	var calls []string
	for _, f := range forms {
		body, err := f.body(o)
		if err != nil {
			e := (*bluelink.Error)(nil)
			errors.As(err, &e)
			return fmt.Sprintf("%s: %s", bluelink.Reason(err), e.Text)
		}
		text, err := json.Marshal(body)
		if err != nil {
			return err.Error()
		}
		if body == nil {
			text = []byte("(no body)")
		}
		calls = append(calls, fmt.Sprintf("%s %s %s", map[auth]string{session: "A", pin: "C", sessionV2: "A of v2"}[f.auth], f.path, text))
	}
	return strings.Join(calls, " then ")
}

// withEqualSeats is a command for which nobody asks the car's profile.
func withEqualSeats(c vehicle.Command) vehicle.Command {
	if start, ok := c.(vehicle.ClimateStart); ok {
		start.FrontLeft, start.FrontRight = vehicle.Optional[vehicle.Seat]{}, vehicle.Optional[vehicle.Seat]{}
		return start
	}
	return c
}

// texts are samples of keys whose values the catalogue does not list.
var texts = map[string][]string{
	"set_temp":            steps(14, 30, 0.5),
	"temperature":         append(steps(17, 27, 0.5), "16.7", "16.8", "21.2", "21.25", "27.2", "27.3"),
	"off_peak_start_time": hours(), "off_peak_end_time": {`"01:30"`},
	"first_departure": {
		`{"enabled":true,"days":[1,2,3,4,5],"time":"07:10"}`, `{"enabled":true,"days":[6,0,6],"time":"12:00"}`, `{"enabled":false,"days":[],"time":"00:00"}`,
		`{"enabled":true,"days":[],"time":"07:10"}`,
	},
	"second_departure": {`{"enabled":true,"days":[0],"time":"23:59"}`},
	"points": {
		`[{"name":"Home","lat":52.52,"lon":13.405}]`,
		`[{"name":"Café \"Zur Post\"","lat":-33.86,"lon":-70.5,"addr":"1 High St","zip":"10115","phone":"+49 30 1","place_id":"here:1"},{"name":"B","lat":90,"lon":180}]`,
	},
}

// more are samples of several keys together.
var more = map[string][]string{
	"climate-start": append(climates(),
		`"set_temp":21.5,"duration":10,"defrost":true,"climate":true,"heating":4,"steering_wheel":2,"front_left_seat":8,"front_right_seat":5,"rear_left_seat":6,"rear_right_seat":3`,
		`"set_temp":21.2`, `"set_temp":21.25`, `"set_temp":29.74`, `"set_temp":29.8`),
	"charge-limits": {`"ac":50,"dc":100`, `"ac":100,"dc":50`},
	"windows":       {`"front_left":0,"front_right":0,"back_left":0,"back_right":0`, `"front_left":0,"front_right":1,"back_left":2`},
	"schedule":      {`"first_departure":{"enabled":true,"days":[1],"time":"07:10"},"second_departure":{"enabled":true,"days":[6],"time":"09:00"},"charging_enabled":true,"off_peak_start_time":"23:30","off_peak_end_time":"01:30","off_peak_charge_only_enabled":true,"climate_enabled":true,"temperature":22,"defrost":true`, `"temperature":72,"temperature_unit":1`},
}

func steps(from, to, step float64) (list []string) {
	for n := from; n <= to; n += step {
		list = append(list, fmt.Sprint(n))
	}
	return list
}

func hours() (list []string) {
	for hour := range 24 {
		list = append(list, fmt.Sprintf("%q", fmt.Sprintf("%02d:%02d", hour, hour*60/24)))
	}
	return list
}

// climates are temperatures in Fahrenheit, and all that warms the wheel.
func climates() (list []string) {
	for _, f := range steps(57, 86, 1) {
		list = append(list, `"unit":"F","set_temp":`+f)
	}
	for heating := range 5 {
		for wheel := range 3 {
			list = append(list, fmt.Sprintf(`"heating":%d,"steering_wheel":%d`, heating, wheel))
		}
	}
	return list
}

// samplesOf are payloads of a command: the plain one, one key at a time over its whole range, and several together.
func samplesOf(t *testing.T, spec *vehicle.Spec) (samples []sample) {
	t.Helper()
	var payloads []string
	add := func(members string) {
		var action string
		if len(spec.Words) > 0 {
			action = fmt.Sprintf(`"action":%q`, spec.Words[0])
			if members != "" {
				action += ","
			}
		}
		payloads = append(payloads, "{"+action+members+"}")
	}
	required := false
	for _, f := range spec.Fields {
		required = required || f.Required
	}
	if !required && spec.Name != "charge-limits" && spec.Name != "windows" {
		add("")
	}
	for _, f := range spec.Fields {
		if f.Key == "unit" || f.Key == "temperature_unit" { // mean something only beside a temperature
			continue
		}
		for _, value := range valuesOf(t, f) {
			add(fmt.Sprintf(`%q:%s`, f.Key, value))
		}
	}
	for _, members := range more[spec.Name] {
		add(members)
	}
	for _, payload := range payloads {
		request, err := vehicle.DecodeRequest(spec.Topic, []byte(payload))
		if err != nil || request.Command.Spec() != spec {
			t.Fatalf("%s %s: %v", spec.Name, payload, err)
		}
		s := sample{payload: payload, command: request.Command}
		switch {
		case spec.Name == "charge-limits":
			reports := [][2]vehicle.Percent{{80, 90}}
			if strings.Contains(payload, "80") {
				reports = append(reports, [2]vehicle.Percent{}, [2]vehicle.Percent{85, 85})
			}
			for _, limits := range reports {
				var r vehicle.Report
				s.about = ", the car reports nothing"
				if limits[0] != 0 {
					vehicle.LimitAC.Set(&r, limits[0], "")
					vehicle.LimitDC.Set(&r, limits[1], "")
					s.about = fmt.Sprintf(", the car reports AC %g %% and DC %g %%", limits[0], limits[1])
				}
				s.known = believe(vehicle.State{}, r)
				samples = append(samples, s)
			}
		case strings.Contains(payload, "front_left_seat"):
			samples = append(samples, s)
			var r vehicle.Report
			vehicle.TotalRange.Set(&r, vehicle.Quantity{Value: 200, Unit: vehicle.Mile}, "")
			s.about, s.known = ", the car counts in miles", believe(vehicle.State{}, r)
			samples = append(samples, s)
		default:
			samples = append(samples, s)
		}
	}
	return samples
}

// valuesOf is the whole range of a key.
func valuesOf(t *testing.T, f vehicle.Field) []string {
	t.Helper()
	if list, ok := texts[f.Key]; ok {
		return list
	}
	switch f.Kind {
	case vehicle.FieldFlag:
		return []string{"true", "false"}
	case vehicle.FieldNumber:
		return steps(f.Min, f.Max, f.Step)
	case vehicle.FieldWord:
		var list []string
		for _, word := range f.Words {
			list = append(list, fmt.Sprintf("%q", word))
		}
		return list
	case vehicle.FieldText, vehicle.FieldObject:
	}
	t.Fatalf("the key %s has no samples", f.Key)
	return nil
}

// TestCommands_RefuseWhatMakesNoSense gives the library what no front lets through.
func TestCommands_RefuseWhatMakesNoSense(t *testing.T) {
	some := vehicle.Some[int]
	for _, c := range []vehicle.Command{
		vehicle.ClimateStart{Temperature: vehicle.Some(vehicle.Quantity{Value: 13.7, Unit: vehicle.Celsius})},
		vehicle.ClimateStart{Temperature: vehicle.Some(vehicle.Quantity{Value: 31, Unit: vehicle.Celsius})},
		vehicle.ClimateStart{Temperature: vehicle.Some(vehicle.Quantity{Value: 21})},
		vehicle.ClimateStart{Temperature: vehicle.Some(vehicle.Quantity{Value: 21, Unit: vehicle.Mile})},
		vehicle.ClimateStart{Duration: vehicle.Some(90 * time.Second)},
		vehicle.ClimateStart{Duration: vehicle.Some(31 * time.Minute)},
		vehicle.ClimateStart{Duration: vehicle.Some(-time.Minute)},
		vehicle.ClimateStart{Heating: some(5)},
		vehicle.ClimateStart{Heating: some(-1)},
		vehicle.ClimateStart{SteeringWheel: some(3)},
		vehicle.ClimateStart{SteeringWheel: some(-1)},
		vehicle.ChargeLimits{},
		vehicle.ChargeLimits{AC: some(85), DC: some(80)},
		vehicle.ChargeLimits{AC: some(80), DC: some(110)},
		vehicle.ChargeLimits{AC: some(40), DC: some(80)},
		vehicle.SetV2LLimit{Limit: 10},
		vehicle.SetV2LLimit{Limit: 25},
		vehicle.SetV2LLimit{Limit: 90},
		vehicle.Windows{},
		vehicle.Windows{BackLeft: vehicle.Some(vehicle.Opening(3))},
		vehicle.Destination{},
		vehicle.Destination{Points: make([]vehicle.PointOfInterest, 11)},
		vehicle.Destination{Points: []vehicle.PointOfInterest{{Name: "x", Latitude: 91}}},
		vehicle.Destination{Points: []vehicle.PointOfInterest{{Latitude: 1}}},
		vehicle.Schedule{},
		vehicle.Schedule{Temperature: vehicle.Quantity{Value: 21, Unit: vehicle.Celsius}, OffPeak: [2]vehicle.TimeOfDay{{Hour: 24}}},
		vehicle.Schedule{Temperature: vehicle.Quantity{Value: 21, Unit: vehicle.Celsius}, Departures: [2]vehicle.Departure{{}, {Days: vehicle.Days{7}}}},
		vehicle.Schedule{Temperature: vehicle.Quantity{Value: 28, Unit: vehicle.Celsius}},
	} {
		w := scripted(t, nil)
		w.account.PIN = "1234"
		w.openThrough(roundTripper(nil)) // a call would fall over
		_, err := w.cloud.Send(t.Context(), bluelink.Ask{Vehicle: vehicle.Vehicle{ID: "x", CloudID: "ID", Engine: vehicle.EV}}, c)
		if !errors.Is(err, bluelink.ErrInvalidCommand) || bluelink.Reason(err) != vehicle.InvalidPayload || bluelink.MayHaveSucceeded(err) {
			t.Errorf("%T %+v: %v", c, c, err)
		}
	}
}
