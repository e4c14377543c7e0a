package ccapi

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/sim"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// decode makes a command as the fronts do.
func decode(t *testing.T, topic, payload string) vehicle.Command {
	t.Helper()
	request, err := vehicle.DecodeRequest(topic, []byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	return request.Command
}

// send gives a car a command that must be accepted.
func (w *world) send(v vehicle.Vehicle, known vehicle.State, c vehicle.Command) vehicle.ActionID {
	w.t.Helper()
	id, err := w.cloud.Send(w.t.Context(), bluelink.Ask{Vehicle: v, Known: known}, c)
	if err != nil || id == "" {
		w.t.Fatalf("%s %s: %s of %+v: %q, %v", v.Protocol(), v.Engine, c.Spec().Name, c, id, err)
	}
	return id
}

// outcome waits for an action's end.
func (w *world) outcome(v vehicle.Vehicle, id vehicle.ActionID) vehicle.ActionStatus {
	w.t.Helper()
	for range 60 {
		status, err := w.cloud.Action(w.t.Context(), v, id)
		if err != nil {
			w.t.Fatal(err)
		}
		if status != vehicle.ActionPending {
			return status
		}
		wait(w.t, time.Second)
	}
	return vehicle.ActionPending
}

// truth is a car as it really is.
func (w *world) truth(v vehicle.Vehicle) map[string]any {
	w.t.Helper()
	for _, view := range w.VehicleViews() {
		if view.ID == v.CloudID {
			return view.Truth
		}
	}
	w.t.Fatal("no such car")
	return nil
}

func (w *world) set(v vehicle.Vehicle, values map[string]any) {
	w.t.Helper()
	if err := w.SetVehicle(v.CloudID, values); err != nil {
		w.t.Fatal(err)
	}
}

// commandsSeen is how many commands a car's cloud has accepted.
func (w *world) commandsSeen(v vehicle.Vehicle) int {
	w.t.Helper()
	for _, view := range w.VehicleViews() {
		if view.ID == v.CloudID {
			return view.Commands
		}
	}
	return -1
}

// deeds are commands with what they do to a car. Hidden says which form does not report the effect.
var deeds = []struct {
	topic, payload string
	before, after  map[string]any
	hidden         string
}{
	{topic: "lock", payload: "unlock", after: map[string]any{"locked": false}},
	{topic: "lock", payload: "lock", after: map[string]any{"locked": true}},
	{topic: "climate", payload: "start", after: map[string]any{"climate": true, "climate_celsius": 21.0, "defrost": false}},
	{topic: "climate", payload: "stop", after: map[string]any{"climate": false}},
	{
		topic: "climate", payload: `{"action":"start","set_temp":23.5,"duration":20,"defrost":true,"heating":4}`,
		after: map[string]any{"climate": true, "climate_celsius": 23.5, "defrost": true, "rear_window_heat": true, "mirror_heat": true, "steering_wheel_heat": 1},
	},
	{topic: "climate", payload: `{"action":"start","set_temp":72,"unit":"F"}`, after: map[string]any{"climate": true, "climate_celsius": 22.0}},
	{topic: "climate", payload: `{"action":"stop"}`, after: map[string]any{"climate": false}},
	{topic: "charge", payload: "stop", before: map[string]any{"plug": "ac", "soc_percent": 50}, after: map[string]any{"charging": false}},
	{topic: "charge", payload: "start", after: map[string]any{"charging": true}},
	{topic: "charge", payload: "stop", after: map[string]any{"charging": false}},
	{topic: "charge_limit", payload: `{"ac":70,"dc":80}`, after: map[string]any{"charge_limit_ac": 70, "charge_limit_dc": 80}},
	{topic: "charge_limit_ac", payload: "60", after: map[string]any{"charge_limit_ac": 60, "charge_limit_dc": 80}},
	{topic: "charge_limit_dc", payload: "100", after: map[string]any{"charge_limit_ac": 60, "charge_limit_dc": 100}},
	{topic: "charging_current", payload: "60", after: map[string]any{"charging_current_level": 3}},
	{topic: "charging_current", payload: "90", after: map[string]any{"charging_current_level": 2}},
	{topic: "v2l_limit", payload: "40", after: map[string]any{"v2l_limit_percent": 40}, hidden: "flat"},
	{topic: "charge_port", payload: "close", before: map[string]any{"plug": "none", "charge_port_open": true}, after: map[string]any{"charge_port_open": false}},
	{topic: "charge_port", payload: "open", after: map[string]any{"charge_port_open": true}},
	{
		topic: "windows", payload: "vent",
		after: map[string]any{"front_left_window": 2, "front_right_window": 2, "back_left_window": 2, "back_right_window": 2},
	},
	{
		topic: "windows", payload: `{"front_left":0,"back_right":1}`,
		after: map[string]any{"front_left_window": 0, "front_right_window": 2, "back_left_window": 2, "back_right_window": 1},
	},
	{topic: "windows", payload: "close", after: map[string]any{"front_left_window": 0, "back_right_window": 0, "back_left_window": 0}},
	{topic: "hazard", payload: "lights", after: map[string]any{"hazard_lights": true}},
	{topic: "hazard", payload: "lights_and_horn", after: map[string]any{"hazard_lights": true}},
	{topic: "valet", payload: "on", after: map[string]any{"valet": true}, hidden: "flat, ccs2"},
	{topic: "valet", payload: "off", after: map[string]any{"valet": false}, hidden: "flat, ccs2"},
	{topic: "destination", payload: `{"points":[{"name":"A","lat":52.5,"lon":13.4},{"name":"B","lat":52.6,"lon":13.5}]}`, after: map[string]any{"destination": "B"}},
	{
		topic: "schedule", payload: `{"first_departure":{"enabled":true,"days":[1,3],"time":"06:45"},"charging_enabled":true,"off_peak_start_time":"22:00","off_peak_end_time":"05:15","off_peak_charge_only_enabled":true,"climate_enabled":true,"temperature":20.5}`,
		after: map[string]any{"schedule_charging": true, "schedule_off_peak_only": true},
	},
	{topic: "schedule", payload: `{"second_departure":{"enabled":true,"days":[0],"time":"12:00"}}`, after: map[string]any{"schedule_charging": false}},
}

// TestSend_DoesWhatIsAskedToEveryKindOfCar commands each kind of car in each form: what the simulated car then is, what is
// read of it, and the commands that it does not have.
func TestSend_DoesWhatIsAskedToEveryKindOfCar(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, vehicle.Kia, sim.Options{Parked: true, Cars: 10})
		kinds := map[string]int{}
		for _, v := range w.cars() {
			kind := v.Protocol() + " " + v.Engine.String()
			if kinds[kind]++; kinds[kind] > 1 {
				continue
			}
			w.set(v, map[string]any{"battery_12v_percent": 95, "report": true})
			did := map[string]bool{}
			for _, deed := range deeds {
				c := decode(t, deed.topic, deed.payload)
				name := c.Spec().Name
				did[name] = true
				if !slices.Contains(v.Capabilities.Commands, name) {
					w.calls.reset()
					_, err := w.cloud.Send(t.Context(), bluelink.Ask{Vehicle: v}, c)
					if !errors.Is(err, bluelink.ErrUnsupported) || w.calls.ops() != "" || bluelink.MayHaveSucceeded(err) {
						t.Errorf("%s: %s without the capability: %v after %s", kind, name, err, w.calls.ops())
					}
					continue
				}
				if deed.before != nil {
					before := maps.Clone(deed.before)
					before["report"] = true
					w.set(v, before)
					wait(t, 2*time.Second)
				}
				known := w.cached(v, vehicle.State{}, false)
				if status := w.outcome(v, w.send(v, known, c)); status != vehicle.ActionSuccess {
					t.Errorf("%s: %s %s is %s", kind, name, deed.payload, status)
				}
				truth := w.truth(v)
				for key, want := range deed.after {
					if fmt.Sprint(truth[key]) != fmt.Sprint(want) {
						t.Errorf("%s: after %s %s, %s is %v, want %v", kind, name, deed.payload, key, truth[key], want)
					}
				}
				if see := c.Spec().Effect; see != nil {
					want := vehicle.EffectSeen
					if strings.Contains(deed.hidden, v.Protocol()) {
						want = vehicle.EffectUnknown
					}
					if effect := see(c, w.cached(v, known, false)); effect != want {
						t.Errorf("%s: after %s %s the effect is %d, want %d", kind, name, deed.payload, effect, want)
					}
				}
			}
			for _, spec := range sent() {
				if !did[spec.Name] {
					t.Errorf("%s was never sent", spec.Name)
				}
			}
		}
		if len(kinds) != 8 {
			t.Errorf("kinds of cars: %v", kinds)
		}
	})
}

// TestCapabilities_AreThoseOfFormAndEngine holds docs/protocol/europe.md §6.
func TestCapabilities_AreThoseOfFormAndEngine(t *testing.T) {
	const all = "refresh lock unlock climate-start climate-stop windows hazard valet-on valet-off destination"
	const plugs = all + " charge-start charge-stop charge-limits charge-port-open charge-port-close schedule"
	want := map[string]string{
		"flat ice": all, "flat hev": all, "ccs2 ice": all, "ccs2 hev": all,
		"flat phev": plugs, "ccs2 phev": plugs + " charging-current", "flat ev": plugs + " v2l-limit", "ccs2 ev": plugs + " charging-current v2l-limit",
		"flat unknown": plugs + " v2l-limit", "ccs2 unknown": plugs + " charging-current v2l-limit",
	}
	for _, ccs2 := range []int{0, 2} {
		for engine := vehicle.EngineUnknown; engine <= vehicle.HEV; engine++ {
			v := vehicle.Vehicle{Engine: engine, CCS2: ccs2}
			names := strings.Fields(want[v.Protocol()+" "+engine.String()])
			got := europe.commandsOf(&v)
			slices.Sort(names)
			if slices.Sort(got); !slices.Equal(got, names) {
				t.Errorf("%s %s: %v, want %v", v.Protocol(), engine, got, names)
			}
		}
	}
	w := newWorld(t, vehicle.Kia, sim.Options{Parked: true})
	for _, v := range w.cars() {
		if !slices.Equal(v.Capabilities.Commands, europe.commandsOf(&v)) {
			t.Errorf("%s %s is listed with %v", v.Protocol(), v.Engine, v.Capabilities.Commands)
		}
	}
	for _, c := range []vehicle.Command{vehicle.Refresh{Mode: vehicle.Force}, vehicle.ClimateTarget{}, vehicle.Preset{Name: "x"}, vehicle.Cancel{ID: "x"}, vehicle.Hint{What: "left"}, &vehicle.Hazard{}} {
		_, err := w.cloud.Send(t.Context(), bluelink.Ask{Vehicle: w.car("ccs2", vehicle.EV)}, c)
		mustBe(t, err, bluelink.ErrUnsupported)
	}
}

// TestSend_ShowsTheHeadersOfThePage holds docs/protocol/europe.md §1.5 and the columns of §6.
func TestSend_ShowsTheHeadersOfThePage(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, vehicle.Kia, sim.Options{Parked: true})
		flat, ccs2 := w.car("flat", vehicle.EV), w.car("ccs2", vehicle.EV)
		var seen *http.Request
		var body string
		w.openThrough(roundTripper(func(r *http.Request) (*http.Response, error) {
			if r.Method != http.MethodGet {
				raw, _ := io.ReadAll(r.Body)
				r.Body = io.NopCloser(strings.NewReader(string(raw)))
				seen, body = r, string(raw)
			}
			return w.RoundTripper().RoundTrip(r)
		}))
		stored := w.tokens.stored()
		w.send(flat, vehicle.State{}, vehicle.Lock{})
		if got := seen.Header["Authorization"]; !slices.Equal(got, []string{stored.Access}) || seen.Header.Values("AuthorizationCCSP") != nil {
			t.Error("a call of kind A does not show the access token alone")
		}
		if want := "/api/v1/spa/vehicles/" + flat.CloudID + "/control/door"; seen.URL.Path != want || body != `{"action":"close","deviceId":"`+stored.Device+`"}` {
			t.Errorf("%s %s", seen.URL.Path, body)
		}
		if seen.Header.Get("Content-Type") != "application/json" || seen.Header.Get("Ccuccs2protocolsupport") != "0" {
			t.Errorf("headers %v", seen.Header)
		}
		w.send(ccs2, vehicle.State{}, vehicle.Lock{})
		control := seen.Header["Authorization"]
		if len(control) != 1 || !strings.HasPrefix(control[0], "Bearer ") || control[0] == stored.Access || !slices.Equal(control, seen.Header.Values("AuthorizationCCSP")) {
			t.Error("a call of kind C does not show the control token in both headers")
		}
		if want := "/api/v2/spa/vehicles/" + ccs2.CloudID + "/ccs2/control/door"; seen.URL.Path != want || body != `{"command":"close"}` {
			t.Errorf("%s %s", seen.URL.Path, body)
		}
		if seen.Header.Get("Ccuccs2protocolsupport") != "1" || seen.Header.Get("Ccsp-Device-Id") != stored.Device || seen.Header.Get("Stamp") == "" {
			t.Errorf("headers %v", seen.Header)
		}
		if got := w.calls.ops(); !strings.Contains(got, "1 exchange PIN") || !strings.Contains(got, "2 lock") {
			t.Errorf("calls: %s", got)
		}
	})
}

// TestSend_SeatsAreThoseOfTheSideOfTheDriver reads the profile of a car that may be right-hand driven.
func TestSend_SeatsAreThoseOfTheSideOfTheDriver(t *testing.T) {
	miles := vehicle.Report{}
	vehicle.EVRange.Set(&miles, vehicle.Quantity{Value: 100, Unit: vehicle.Mile}, "")
	warm := vehicle.ClimateStart{FrontLeft: vehicle.Some(vehicle.SeatHighHeat)}
	const left, right = `"drvSeatLoc":"L","seatClimateInfo":{"drvSeatClimateState":8,"psgSeatClimateState":null`, `"drvSeatLoc":"R","seatClimateInfo":{"drvSeatClimateState":null,"psgSeatClimateState":8`
	for name, test := range map[string]struct {
		known   vehicle.State
		profile string
		command vehicle.ClimateStart
		want    string
		asked   int
	}{
		"miles":              {believe(vehicle.State{}, miles), "", warm, right, 0},
		"profile right":      {vehicle.State{}, `{"retCode":"S","resMsg":{"vinInfo":[{"option":{"drvSeatLoc":"R"}}]}}`, warm, right, 1},
		"profile left":       {vehicle.State{}, `{"retCode":"S","resMsg":{"vinInfo":[{"option":{"drvSeatLoc":"L"}}]}}`, warm, left, 1},
		"profile silent":     {vehicle.State{}, `{"retCode":"S","resMsg":{}}`, warm, left, 1},
		"no profile":         {vehicle.State{}, `{"retCode":"F","resCode":"5031","resMsg":"x"}`, warm, left, 2},
		"device lost":        {vehicle.State{}, `{"retCode":"F","resCode":"4002","resMsg":"Invalid deviceId"}`, warm, left, 2},
		"no seats":           {vehicle.State{}, "", vehicle.ClimateStart{}, `"drvSeatLoc":"L"`, 0},
		"both front seats":   {vehicle.State{}, "", vehicle.ClimateStart{FrontLeft: vehicle.Some(vehicle.SeatOff), FrontRight: vehicle.Some(vehicle.SeatOff)}, `"drvSeatLoc":"L"`, 0},
		"miles and no seats": {believe(vehicle.State{}, miles), "", vehicle.ClimateStart{}, `"drvSeatLoc":"R"`, 0},
	} {
		var body string
		asked := 0
		w := scripted(t, func(r *http.Request) (*http.Response, error) {
			switch {
			case strings.HasSuffix(r.URL.Path, "/profile"):
				asked++
				return answerWith(r, 200, test.profile), nil
			case strings.HasSuffix(r.URL.Path, "/pin"):
				return answerWith(r, 200, `{"controlToken":"c","expiresTime":600}`), nil
			}
			raw, _ := io.ReadAll(r.Body)
			body = string(raw)
			return answerWith(r, 200, `{"retCode":"S","resCode":"0000","msgId":"1"}`), nil
		})
		w.withPIN("1234")
		v := vehicle.Vehicle{ID: "x", CloudID: "id", CCS2: 1, Engine: vehicle.EV}
		for range 2 { // a profile is read once
			w.send(v, test.known, test.command)
			if !strings.Contains(body, test.want) {
				t.Errorf("%s: %s, want %s", name, body, test.want)
			}
		}
		if asked != test.asked {
			t.Errorf("%s: the profile was asked for %d times, want %d", name, asked, test.asked)
		}
	}
}

// TestCalls_OfCommandsCountAsTheCloudCounts compares the hook's book with the simulator's after commands of all sorts, a PIN
// that is refused among them.
func TestCalls_OfCommandsCountAsTheCloudCounts(t *testing.T) {
	for _, brand := range brands {
		inBubble(t, func(t *testing.T) {
			w := newWorld(t, brand, sim.Options{Parked: true})
			for _, v := range w.cars() {
				for _, deed := range deeds {
					c := decode(t, deed.topic, deed.payload)
					known := w.cached(v, vehicle.State{}, false)
					id, err := w.cloud.Send(t.Context(), bluelink.Ask{Vehicle: v, Known: known}, c)
					if err == nil {
						w.outcome(v, id)
					}
				}
			}
			w.withPIN("9999")
			_, err := w.cloud.Send(t.Context(), bluelink.Ask{Vehicle: w.car("ccs2", vehicle.EV)}, vehicle.Lock{})
			mustBe(t, err, bluelink.ErrPIN)
			ours, theirs := map[string]int64{}, map[string]int64{}
			for _, call := range w.calls.calls {
				ours[string(call.Kind)]++
			}
			for _, line := range w.Calls() {
				theirs[line.Kind] += line.Count
			}
			if !maps.Equal(ours, theirs) || ours["command"] == 0 {
				t.Errorf("%s: we counted %v, the cloud %v", brand, ours, theirs)
			}
		})
	}
}

// withPIN begins anew with another PIN in the configuration.
func (w *world) withPIN(pin string) {
	w.t.Helper()
	w.account.PIN = pin
	w.openThrough(w.rt)
}
