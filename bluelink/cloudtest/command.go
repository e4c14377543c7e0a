package cloudtest

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/sim"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

type is = map[string]any

// deeds are commands as the fronts take them, with what they do to a car, in an order in which each changes something.
var deeds = []struct {
	topic, payload string
	before, after  is
}{
	{topic: "lock", payload: "unlock", after: is{"locked": false}},
	{topic: "lock", payload: "lock", after: is{"locked": true}},
	{topic: "climate", payload: "start", after: is{"climate": true, "defrost": false}},
	{topic: "climate", payload: "stop", after: is{"climate": false}},
	{
		topic: "climate", payload: `{"action":"start","set_temp":23.5,"duration":10,"defrost":true,"heating":4}`,
		after: is{"climate": true, "climate_celsius": 23.5, "defrost": true, "rear_window_heat": true},
	},
	{topic: "climate", payload: `{"action":"start","set_temp":70,"unit":"F"}`, after: is{"climate": true, "climate_celsius": 21.0}},
	{topic: "climate", payload: `{"action":"stop"}`, after: is{"climate": false}},
	{topic: "charge", payload: "stop", before: is{"plug": "ac", "soc_percent": 50}, after: is{"charging": false}},
	{topic: "charge", payload: "start", after: is{"charging": true}},
	{topic: "charge", payload: "stop", after: is{"charging": false}},
	{topic: "charge_limit", payload: `{"ac":70,"dc":80}`, after: is{"charge_limit_ac": 70, "charge_limit_dc": 80}},
	{topic: "charge_limit_ac", payload: "60", after: is{"charge_limit_ac": 60, "charge_limit_dc": 80}},
	{topic: "charge_limit_dc", payload: "100", after: is{"charge_limit_ac": 60, "charge_limit_dc": 100}},
	{topic: "charging_current", payload: "60", after: is{"charging_current_level": 3}},
	{topic: "v2l_limit", payload: "40", after: is{"v2l_limit_percent": 40}},
	{topic: "charge_port", payload: "close", before: is{"plug": "none", "charge_port_open": true}, after: is{"charge_port_open": false}},
	{topic: "charge_port", payload: "open", after: is{"charge_port_open": true}},
	{topic: "windows", payload: "vent", after: is{"front_left_window": 2, "front_right_window": 2, "back_left_window": 2, "back_right_window": 2}},
	{topic: "windows", payload: "close", after: is{"front_left_window": 0, "front_right_window": 0, "back_left_window": 0, "back_right_window": 0}},
	{topic: "hazard", payload: "lights", after: is{"hazard_lights": true}},
	{topic: "hazard", payload: "lights_and_horn", after: is{"hazard_lights": true}},
	{topic: "valet", payload: "on", after: is{"valet": true}},
	{topic: "valet", payload: "off", after: is{"valet": false}},
	{topic: "destination", payload: `{"points":[{"name":"A","lat":52.5,"lon":13.4},{"name":"B","lat":52.6,"lon":13.5}]}`, after: is{"destination": "B"}},
	{
		topic: "schedule", after: is{"schedule_charging": true, "schedule_off_peak_only": true},
		payload: `{"first_departure":{"enabled":true,"days":[1,3],"time":"06:45"},"charging_enabled":true,"off_peak_start_time":"22:00","off_peak_end_time":"05:15","off_peak_charge_only_enabled":true,"climate_enabled":true,"temperature":20.5}`,
	},
	{topic: "schedule", payload: `{"second_departure":{"enabled":true,"days":[0],"time":"12:00"}}`, after: is{"schedule_charging": false}},
}

// decode makes a command as the fronts do.
func decode(t *testing.T, topic, payload string) vehicle.Command {
	t.Helper()
	request, err := vehicle.DecodeRequest(topic, []byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	return request.Command
}

// outcome waits for an action's end.
func (w *world) outcome(v vehicle.Vehicle, id vehicle.ActionID) (status vehicle.ActionStatus) {
	w.t.Helper()
	for range 100 {
		var err error
		if status, err = w.cloud.Action(w.t.Context(), v, id); err != nil {
			w.t.Errorf("action of %s %s: %v", v.Protocol(), v.Engine, err)
			return status
		}
		if status != vehicle.ActionPending {
			return status
		}
		pass(w.t, 2*time.Second)
	}
	return status
}

// commands gives each kind of car all commands that it is offered, and looks at the car.
func commands(t *testing.T, s *Setup, did *replayed) {
	w := newWorld(t, s, sim.Options{Cars: everyKind})
	kinds := map[string]bool{}
	for _, v := range w.cars() {
		kind := v.Protocol() + " " + w.truth(v).Engine + " " + fmt.Sprint(v.Capabilities.Commands)
		if kinds[kind] {
			continue
		}
		kinds[kind] = true
		done, cannot := map[string]bool{}, map[string]bool{}
		for _, deed := range deeds {
			c := decode(t, deed.topic, deed.payload)
			name := c.Spec().Name
			if !slices.Contains(v.Capabilities.Commands, name) {
				continue
			}
			if slices.Contains(s.Lacks, deed.topic+" "+deed.payload) {
				w.lacks(v, c)
				continue
			}
			before := maps.Clone(deed.before)
			if before == nil {
				before = is{}
			}
			before["battery_12v_percent"], before["report"] = 95, true
			w.set(v, before)
			pass(t, 2*time.Second)
			known := w.read(v, vehicle.State{})
			id, err := w.cloud.Send(t.Context(), bluelink.Ask{Vehicle: v, Known: known}, c)
			if cannot[name] = slices.Contains(s.Cannot, w.truth(v).Model+" "+name); cannot[name] {
				if !errors.Is(err, bluelink.ErrUnsupported) || bluelink.MayHaveSucceeded(err) {
					t.Errorf("%s: %s, which it cannot: %v", w.truth(v).Model, name, err)
				}
				continue
			}
			if err != nil || id == "" {
				t.Errorf("%s %s: %s %s: id %q, %v", v.Protocol(), v.Engine, name, deed.payload, id, err)
				continue
			}
			want := vehicle.ActionSuccess
			if slices.Contains(s.Unrecorded, name) {
				want = vehicle.ActionUnknown
			}
			if status := w.outcome(v, id); status != want {
				t.Errorf("%s %s: %s %s is %s, want %s", v.Protocol(), v.Engine, name, deed.payload, status, want)
			}
			truth := w.truth(v).Truth
			for key, want := range deed.after {
				if !near(truth[key], want) {
					t.Errorf("%s %s: after %s %s, %s is %v, want %v", v.Protocol(), v.Engine, name, deed.payload, key, truth[key], want)
				}
			}
			w.showsEffect(v, known, c)
			done[name] = true
			pass(t, time.Minute)
		}
		for _, name := range v.Capabilities.Commands {
			if !done[name] && !cannot[name] && name != "refresh" {
				t.Errorf("%s %s is offered %s, which was not carried out", v.Protocol(), v.Engine, name)
			}
		}
		for _, spec := range vehicle.Commands() {
			if !spec.Local && spec.Name != "refresh" {
				did.offer(spec.Name, w.truth(v).Engine, done[spec.Name])
			}
		}
	}
	w.agree()
}

// lacks gives a car a part of a command that none of its cloud has.
func (w *world) lacks(v vehicle.Vehicle, c vehicle.Command) {
	w.t.Helper()
	n := w.book.len()
	_, err := w.cloud.Send(w.t.Context(), bluelink.Ask{Vehicle: v}, c)
	if calls := w.book.after(n); !errors.Is(err, bluelink.ErrUnsupported) || bluelink.MayHaveSucceeded(err) || calls != "" {
		w.t.Errorf("%s %s: %s %+v: %v after %s", v.Protocol(), v.Engine, c.Spec().Name, c, err, calls)
	}
}

// near compares values of the truth; temperatures may be off by what a whole degree Fahrenheit makes.
func near(is, want any) bool {
	a, number := is.(float64)
	if b, also := want.(float64); number && also {
		return math.Abs(a-b) <= 0.6
	}
	return fmt.Sprint(is) == fmt.Sprint(want)
}

// showsEffect compares what is read after a command with what it was to do.
func (w *world) showsEffect(v vehicle.Vehicle, known vehicle.State, c vehicle.Command) {
	w.t.Helper()
	see := c.Spec().Effect
	if see == nil {
		return
	}
	want := vehicle.EffectSeen
	if name := c.Spec().Name; slices.Contains(w.setup.Hidden, name) || slices.Contains(w.setup.Hidden, v.Protocol()+" "+name) {
		want = vehicle.EffectUnknown
	}
	if w.setup.ShownByCar {
		if _, err := w.cloud.Force(w.t.Context(), bluelink.Ask{Vehicle: v, Known: known}); err != nil {
			w.t.Errorf("%s %s: %v", v.Protocol(), v.Engine, err)
		}
	}
	if effect := see(c, w.read(v, known)); effect != want {
		w.t.Errorf("%s %s: after %s %+v the effect that is reported is %d, want %d", v.Protocol(), v.Engine, c.Spec().Name, c, effect, want)
	}
}

// refuses gives each kind of car the commands that it is not offered.
func refuses(t *testing.T, s *Setup, _ *replayed) {
	w := newWorld(t, s, sim.Options{Cars: everyKind})
	others := []vehicle.Command{vehicle.Refresh{Mode: vehicle.Force}, vehicle.ClimateTarget{}, vehicle.Preset{Name: "x"}, vehicle.Cancel{ID: "x"}, vehicle.Hint{What: "left"}}
	for _, v := range w.cars() {
		for _, deed := range deeds {
			if c := decode(t, deed.topic, deed.payload); !slices.Contains(v.Capabilities.Commands, c.Spec().Name) {
				others = append(others, c)
			}
		}
		n := w.book.len()
		for _, c := range others {
			_, err := w.cloud.Send(t.Context(), bluelink.Ask{Vehicle: v}, c)
			if !errors.Is(err, bluelink.ErrUnsupported) || bluelink.MayHaveSucceeded(err) || bluelink.Reason(err) != vehicle.Unsupported {
				t.Errorf("%s %s: %s: %v", v.Protocol(), v.Engine, c.Spec().Name, err)
			}
		}
		if calls := w.book.after(n); calls != "" {
			t.Errorf("%s %s: what is unsupported costs %s", v.Protocol(), v.Engine, calls)
		}
		others = others[:5]
	}
	w.agree()
}

// actions lets commands end in each way.
func actions(t *testing.T, s *Setup, _ *replayed) {
	for _, test := range []struct {
		fault string
		ends  []vehicle.ActionStatus
	}{
		{"action=fail", []vehicle.ActionStatus{vehicle.ActionFailed}},
		{"action=non-response", []vehicle.ActionStatus{vehicle.ActionTimeout, vehicle.ActionFailed}},
		{"action=pending", []vehicle.ActionStatus{vehicle.ActionPending, vehicle.ActionUnknown}},
		{"action=unrecorded", []vehicle.ActionStatus{vehicle.ActionUnknown, vehicle.ActionPending}},
	} {
		w := newWorld(t, s, sim.Options{})
		v := w.electric()
		struck := w.fault(test.fault)
		id, err := w.cloud.Send(t.Context(), bluelink.Ask{Vehicle: v}, vehicle.Unlock{})
		if err != nil {
			t.Errorf("%s: %v", test.fault, err)
			continue
		}
		if test.fault == "action=unrecorded" && s.Lost != "" {
			test.ends = []vehicle.ActionStatus{s.Lost}
		}
		if status := w.outcome(v, id); !slices.Contains(test.ends, status) && struck() > 0 {
			t.Errorf("%s: the action is %s, want one of %v", test.fault, status, test.ends)
		}
		w.agree()
	}
	w := newWorld(t, s, sim.Options{})
	v := w.electric()
	if status, err := w.cloud.Action(t.Context(), v, "0f0f0f0f-0000-4000-8000-000000000000"); err == nil && status == vehicle.ActionSuccess {
		t.Error("an action that nobody has sent is a success")
	}
}
