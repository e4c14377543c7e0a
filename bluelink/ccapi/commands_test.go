package ccapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
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
			got := commandsOf(&v)
			slices.Sort(names)
			if slices.Sort(got); !slices.Equal(got, names) {
				t.Errorf("%s %s: %v, want %v", v.Protocol(), engine, got, names)
			}
		}
	}
	w := newWorld(t, vehicle.Kia, sim.Options{Parked: true})
	for _, v := range w.cars() {
		if !slices.Equal(v.Capabilities.Commands, commandsOf(&v)) {
			t.Errorf("%s %s is listed with %v", v.Protocol(), v.Engine, v.Capabilities.Commands)
		}
	}
	for _, c := range []vehicle.Command{vehicle.Refresh{Mode: vehicle.Force}, vehicle.ClimateTarget{}, vehicle.Preset{Name: "x"}, vehicle.Cancel{ID: "x"}, vehicle.Hint{What: "left"}} {
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
		if got := seen.Header["Authorization"]; !slices.Equal(got, []string{stored.Access}) || seen.Header["AuthorizationCCSP"] != nil {
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
		if len(control) != 1 || !strings.HasPrefix(control[0], "Bearer ") || control[0] == stored.Access || !slices.Equal(control, seen.Header["AuthorizationCCSP"]) {
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

// TestSend_IsSentOnceUnlessTheCloudProvesItRefused lets every way to fail strike a command, before and after the cloud has
// carried it out.
func TestSend_IsSentOnceUnlessTheCloudProvesItRefused(t *testing.T) {
	for _, test := range []struct {
		fault   string
		err     error // nil when it succeeds in the end
		reason  vehicle.Reason
		maybe   bool
		posts   int
		carried int // commands that the cloud accepted
	}{
		{"expired-token,count=1", nil, "", false, 2, 1},
		{"invalid-device,count=1", nil, "", false, 2, 1},
		{"expired-token", bluelink.ErrSessionExpired, vehicle.CloudUnavailable, false, 2, 0},
		{"invalid-device", bluelink.ErrDevice, vehicle.CloudUnavailable, false, 2, 0},
		{"duplicate", bluelink.ErrBusy, vehicle.VehicleBusy, false, 1, 0},
		{"low-battery", bluelink.ErrRefused, vehicle.PreconditionFailed, false, 1, 0},
		{"quota", bluelink.ErrRateLimited, vehicle.CloudLimit, false, 1, 0},
		{"busy", bluelink.ErrUnavailable, vehicle.CloudUnavailable, true, 1, 0},
		{"unreachable", bluelink.ErrVehicleUnreachable, vehicle.VehicleUnreachable, true, 1, 0},
		{"silent", bluelink.ErrUnavailable, vehicle.Timeout, true, 1, 0},
		{"silent=after", bluelink.ErrUnavailable, vehicle.Timeout, true, 1, 1},
		{"reset", bluelink.ErrUnavailable, vehicle.CloudUnavailable, true, 1, 0},
		{"reset=after", bluelink.ErrUnavailable, vehicle.CloudUnavailable, true, 1, 1},
		{"truncated", bluelink.ErrUnavailable, vehicle.CloudUnavailable, true, 1, 1},
		{"empty", bluelink.ErrBadResponse, vehicle.CloudChanged, true, 1, 0},
		{"html", bluelink.ErrBadResponse, vehicle.CloudChanged, true, 1, 0},
		{"html=401", bluelink.ErrBadResponse, vehicle.CloudChanged, true, 1, 0},
		{"status=401", bluelink.ErrBadResponse, vehicle.CloudChanged, true, 1, 0},
		{"html=400", bluelink.ErrBadResponse, vehicle.CloudChanged, true, 1, 0},
		{"status=500", bluelink.ErrUnavailable, vehicle.CloudUnavailable, true, 1, 0},
		{"status=502", bluelink.ErrUnavailable, vehicle.CloudUnavailable, true, 1, 0},
		{"html=503", bluelink.ErrUnavailable, vehicle.CloudUnavailable, true, 1, 0},
		{"wrong-types", bluelink.ErrBadResponse, vehicle.CloudChanged, true, 1, 1},
	} {
		for _, form := range []string{"flat", "ccs2"} {
			inBubble(t, func(t *testing.T) {
				w := newWorld(t, vehicle.Kia, sim.Options{Parked: true})
				v := w.car(form, vehicle.EV)
				w.fault(test.fault + ",path=*/control/door")
				w.calls.reset()
				start := time.Now()
				id, err := w.cloud.Send(t.Context(), bluelink.Ask{Vehicle: v}, vehicle.Unlock{})
				if !errors.Is(err, test.err) || (err == nil) != (test.err == nil) || bluelink.Reason(err) != test.reason || bluelink.MayHaveSucceeded(err) != test.maybe {
					t.Errorf("%s, %s: %v, reason %s, may have succeeded %t", form, test.fault, err, bluelink.Reason(err), bluelink.MayHaveSucceeded(err))
				}
				if took := time.Since(start); took > bluelink.CallTimeout {
					t.Errorf("%s, %s: took %s", form, test.fault, took)
				}
				if (id == "") != (err != nil) {
					t.Errorf("%s, %s: id %q", form, test.fault, id)
				}
				posts := 0
				for _, call := range w.calls.calls {
					if call.Op == "unlock" {
						posts++
					}
				}
				if posts != test.posts || w.commandsSeen(v) != test.carried {
					t.Errorf("%s, %s: %d posts and %d accepted, want %d and %d", form, test.fault, posts, w.commandsSeen(v), test.posts, test.carried)
				}
				if test.err != nil {
					return
				}
				if w.outcome(v, id) != vehicle.ActionSuccess || w.truth(v)["locked"] != false {
					t.Errorf("%s, %s: not carried out", form, test.fault)
				}
			})
		}
	}
}

// TestSend_NeverLeftIsNeverMaybe fails before the command's own call.
func TestSend_NeverLeftIsNeverMaybe(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, vehicle.Kia, sim.Options{Parked: true})
		v := w.car("ccs2", vehicle.EV)
		// A token that cannot be renewed: the command does not leave, although the renewal did.
		for _, fault := range []string{"silent", "reset=after", "html", "status=500", "empty"} {
			w.ClearFaults()
			w.tokens.expire()
			w.open()
			w.fault(fault + ",host=cci-api-eu.kia.com")
			w.calls.reset()
			_, err := w.cloud.Send(t.Context(), bluelink.Ask{Vehicle: v}, vehicle.Lock{})
			if err == nil || bluelink.MayHaveSucceeded(err) || strings.Contains(w.calls.ops(), "lock") {
				t.Errorf("renewal, %s: %v after %s", fault, err, w.calls.ops())
			}
		}
		w.ClearFaults()
		wait(t, time.Hour)
		w.open()
		w.send(v, vehicle.State{}, vehicle.Lock{})
		// A hook that refuses, and a caller who has gone.
		w.calls.refuse = func(call bluelink.Call) error {
			if call.Op == "unlock" {
				return fmt.Errorf("enough for today: %w", bluelink.ErrQuota)
			}
			return nil
		}
		_, err := w.cloud.Send(t.Context(), bluelink.Ask{Vehicle: v}, vehicle.Unlock{})
		if mustBe(t, err, bluelink.ErrQuota); bluelink.MayHaveSucceeded(err) {
			t.Error("a refused call may have succeeded")
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		w.calls.refuse = nil
		_, err = w.cloud.Send(ctx, bluelink.Ask{Vehicle: v}, vehicle.Unlock{})
		if mustBe(t, err, context.Canceled); bluelink.MayHaveSucceeded(err) {
			t.Error("what was never begun may have succeeded")
		}
		if w.commandsSeen(v) != 1 {
			t.Errorf("%d commands", w.commandsSeen(v))
		}
	})
}

// TestSend_RenewsTheTokenAhead sends no command with a token that may expire on its way.
func TestSend_RenewsTheTokenAhead(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t, vehicle.Kia, sim.Options{Parked: true})
		flat, ccs2 := w.car("flat", vehicle.EV), w.car("ccs2", vehicle.EV)
		w.outcome(ccs2, w.send(ccs2, vehicle.State{}, vehicle.Lock{}))
		life := func(left time.Duration) {
			w.tokens.mu.Lock()
			w.tokens.tokens.Expires = time.Now().Add(left)
			w.tokens.mu.Unlock()
			w.open()
			w.calls.reset()
		}
		life(59 * time.Second)
		w.send(flat, vehicle.State{}, vehicle.Lock{})
		if w.calls.count(bluelink.CallRenew) == 0 {
			t.Errorf("sent with a token of 59 s: %s", w.calls.ops())
		}
		// The control token has its own margin.
		w.outcome(ccs2, w.send(ccs2, vehicle.State{}, vehicle.Unlock{}))
		wait(t, controlLife-commandMargin-30*time.Second)
		w.calls.reset()
		w.outcome(ccs2, w.send(ccs2, vehicle.State{}, vehicle.Lock{}))
		if strings.Contains(w.calls.ops(), "PIN") {
			t.Error("a good control token was thrown away")
		}
		wait(t, 30*time.Second)
		w.send(ccs2, vehicle.State{}, vehicle.Unlock{})
		if !strings.Contains(w.calls.ops(), "1 exchange PIN") {
			t.Errorf("sent with a control token near its end: %s", w.calls.ops())
		}
	})
}

// TestSend_SecondCommandOfACarIsBusy sends two at once.
func TestSend_SecondCommandOfACarIsBusy(t *testing.T) {
	for _, form := range []string{"flat", "ccs2"} {
		inBubble(t, func(t *testing.T) {
			w := newWorld(t, vehicle.Kia, sim.Options{Parked: true, Latency: time.Second})
			v := w.car(form, vehicle.EV)
			var errs [2]error
			var both sync.WaitGroup
			for i := range errs {
				both.Go(func() {
					_, errs[i] = w.cloud.Send(t.Context(), bluelink.Ask{Vehicle: v}, vehicle.Hazard{Horn: i == 1})
				})
			}
			both.Wait()
			if (errs[0] == nil) == (errs[1] == nil) {
				t.Fatalf("%s: %v and %v", form, errs[0], errs[1])
			}
			err := errors.Join(errs[:]...)
			if mustBe(t, err, bluelink.ErrBusy); bluelink.Reason(err) != vehicle.VehicleBusy || bluelink.RetryAfter(err) == 0 {
				t.Errorf("%s: reason %s, again after %s", form, bluelink.Reason(err), bluelink.RetryAfter(err))
			}
			if w.commandsSeen(v) != 1 {
				t.Errorf("%d accepted", w.commandsSeen(v))
			}
		})
	}
}

// TestSend_ScheduleOfTwoPartsWaitsForTheFirst commands a car whose schedule takes two calls.
func TestSend_ScheduleOfTwoPartsWaitsForTheFirst(t *testing.T) {
	schedule := vehicle.Schedule{
		Departures: [2]vehicle.Departure{{Enabled: true, Days: vehicle.Days{time.Monday}, Time: vehicle.TimeOfDay{Hour: 7}}},
		Charging:   true, Temperature: vehicle.Quantity{Value: 70, Unit: vehicle.Fahrenheit},
	}
	for _, test := range []struct {
		name, fault string
		deadline    time.Duration
		err         error // nil when it succeeds
		maybe       bool
		accepted    int
		from, to    time.Duration
	}{
		{name: "well", accepted: 2, from: 3 * time.Second, to: 20 * time.Second},
		{name: "the first stays pending though done", fault: "action=pending,path=*/reservation/charge", accepted: 2, from: time.Minute, to: 70 * time.Second},
		{name: "the first has no record", fault: "action=unrecorded,path=*/reservation/charge", accepted: 2, from: recordDelay, to: 25 * time.Second},
		{name: "the car refuses the first", fault: "action=fail,path=*/reservation/charge", err: bluelink.ErrRefused, accepted: 1, to: 20 * time.Second},
		{name: "the car does not hear the first", fault: "action=non-response,path=*/reservation/charge", err: bluelink.ErrVehicleUnreachable, maybe: true, accepted: 1, to: 20 * time.Second},
		{name: "the first is refused", fault: "duplicate,path=*/reservation/charge", err: bluelink.ErrBusy, accepted: 0},
		{name: "the second is refused", fault: "duplicate,path=*/reservation/hvac", err: bluelink.ErrBusy, maybe: true, accepted: 1, to: 20 * time.Second},
		{name: "the second gets lost", fault: "reset,path=*/reservation/hvac", err: bluelink.ErrUnavailable, maybe: true, accepted: 1, to: 20 * time.Second},
		{name: "the quota ends in between", fault: "quota,path=*/records", err: bluelink.ErrRateLimited, maybe: true, accepted: 1, to: 20 * time.Second},
		{name: "looks fail", fault: "status=503,path=*/records,count=2", accepted: 2, to: 30 * time.Second},
		{
			name: "the deadline comes first", fault: "action=pending,path=*/reservation/charge", deadline: 20 * time.Second,
			err: context.DeadlineExceeded, maybe: true, accepted: 1, from: 20 * time.Second, to: 20 * time.Second,
		},
	} {
		inBubble(t, func(t *testing.T) {
			w := newWorld(t, vehicle.Kia, sim.Options{Parked: true})
			v := w.car("ccs2", vehicle.EV)
			if test.fault != "" {
				w.fault(test.fault)
			}
			ctx := t.Context()
			if test.deadline > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, test.deadline)
				defer cancel()
			}
			start := time.Now()
			id, err := w.cloud.Send(ctx, bluelink.Ask{Vehicle: v}, schedule)
			took := time.Since(start)
			if !errors.Is(err, test.err) || (err == nil) != (test.err == nil) || bluelink.MayHaveSucceeded(err) != test.maybe {
				t.Errorf("%s: %v, may have succeeded %t", test.name, err, bluelink.MayHaveSucceeded(err))
			}
			if w.commandsSeen(v) != test.accepted || took < test.from || took > test.to {
				t.Errorf("%s: %d accepted after %s", test.name, w.commandsSeen(v), took)
			}
			if test.err != nil {
				return
			}
			w.ClearFaults()
			if status := w.outcome(v, id); status != vehicle.ActionSuccess {
				t.Errorf("%s: the second part is %s", test.name, status)
			}
			state := w.cached(v, vehicle.State{}, false)
			if effect := schedule.Spec().Effect(schedule, state); effect != vehicle.EffectSeen {
				t.Errorf("%s: effect %d", test.name, effect)
			}
		})
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
