package strain

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/bridge"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/config"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/redact"
	"github.com/bluelink2mqtt/bluelink2mqtt/sim"
)

// commanding is a world whose cars can be commanded: parked ones of all kinds, and accounts with this PIN.
func commanding(pin string) setup {
	return setup{sim: sim.Options{Parked: true, Cars: 10}, change: func(c *config.Config) {
		c.Limits.Enabled = false
		for i := range c.Accounts {
			c.Accounts[i].PIN = redact.NewSecret(pin)
		}
		c.Presets = []config.Preset{{Name: "leave", Commands: []string{"lock", "climate-start set_temp=22"}}}
	}}
}

// command runs a test in a world whose cars have been read.
func command(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := commanding(sim.PIN)
		w := newWorld(t, s)
		w.start(s)
		defer func() { w.stop() }()
		w.served()
		test(t, w)
		if len(w.box.twice) > 0 {
			t.Errorf("ended more than once: %v", w.box.twice)
		}
	})
}

// give gives a command to a car as a broker would and returns the id under which it is answered.
func (w *world) give(car sim.Vehicle, topic, payload string) (id string) {
	w.t.Helper()
	id = fmt.Sprintf("c%d", w.box.next())
	body := map[string]json.RawMessage{}
	if json.Unmarshal([]byte(payload), &body) != nil {
		key := map[string]string{"preset": "name"}[topic]
		if key == "" {
			key = "action"
		}
		body[key], _ = json.Marshal(payload)
	}
	body["id"], _ = json.Marshal(id)
	text, err := json.Marshal(body)
	if err != nil {
		w.t.Fatal(err)
	}
	w.app.Bridge().Handle(bridge.Message{Topic: "hyundai/" + car.ID + "/commands/" + topic, Payload: text})
	return id
}

// do gives a command and waits for its end.
func (w *world) do(car sim.Vehicle, topic, payload string) record {
	w.t.Helper()
	return w.ended(w.give(car, topic, payload))
}

// truth is a car as it really is.
func (w *world) truth(car sim.Vehicle) map[string]any { return w.view(car).Truth }

func (w *world) view(car sim.Vehicle) sim.VehicleView {
	w.t.Helper()
	for _, v := range w.sim.VehicleViews() {
		if v.ID == car.ID {
			return v
		}
	}
	w.t.Fatalf("no car %s", car.Model)
	return sim.VehicleView{}
}

// make changes a car, and lets it report.
func (w *world) make(car sim.Vehicle, values map[string]any) {
	w.t.Helper()
	has := w.truth(car)
	report := map[string]any{"report": true}
	for key, value := range values {
		if _, known := has[key]; known {
			report[key] = value
		}
	}
	if err := w.sim.SetVehicle(car.ID, report); err != nil {
		w.t.Fatal(err)
	}
}

// actions are how the actions of a car ended, as the topics of the service that this one replaces say.
func (w *world) actions(car sim.Vehicle) (ends []string) {
	w.box.mu.Lock()
	defer w.box.mu.Unlock()
	for topic, payload := range w.box.last {
		if strings.HasPrefix(topic, "hyundai/"+car.ID+"/action/") && strings.HasSuffix(topic, "/status") {
			ends = append(ends, string(payload))
		}
	}
	return ends
}

// Every command, on every kind of car: the right effect on the car, the right end, the right topics. What a car cannot do
// is refused, and nothing is sent.
func TestCommands_EveryOneDoesWhatItSaysOnEveryKindOfCar(t *testing.T) {
	t.Parallel()
	command(t, func(t *testing.T, w *world) {
		cars := slices.DeleteFunc(w.cars(), func(v sim.Vehicle) bool { return v.Brand != home })
		for _, c := range []struct {
			name, topic, payload string
			before               map[string]any
			key                  string
			want                 any
		}{
			{"lock", "lock", "lock", map[string]any{"locked": false}, "locked", true},
			{"unlock", "lock", "unlock", map[string]any{"locked": true}, "locked", false},
			{"climate-start", "climate", `{"action":"start","set_temp":22,"duration":10,"defrost":true}`, map[string]any{"climate": false}, "climate", true},
			{"climate-stop", "climate", "stop", map[string]any{"climate": true}, "climate", false},
			{"charge-start", "charge", "start", map[string]any{"plug": "ac", "soc_percent": 40, "charge_limit_ac": 80, "charging": false}, "charging", true},
			{"charge-stop", "charge", "stop", map[string]any{"plug": "ac", "soc_percent": 40, "charge_limit_ac": 80, "charging": true}, "charging", false},
			{"charge-limits", "charge_limit", `{"ac":70,"dc":90}`, map[string]any{"charge_limit_ac": 60, "charge_limit_dc": 60}, "charge_limit_ac", 70},
			{"charge-limits", "charge_limit_ac", `{"ac":80}`, map[string]any{"charge_limit_ac": 60, "charge_limit_dc": 60}, "charge_limit_ac", 80},
			{"charging-current", "charging_current", `{"level":2}`, map[string]any{"charging_current_level": 1}, "charging_current_level", 2},
			{"charge-port-open", "charge_port", "open", map[string]any{"plug": "none", "charge_port_open": false}, "charge_port_open", true},
			{"charge-port-close", "charge_port", "close", map[string]any{"plug": "none", "charge_port_open": true}, "charge_port_open", false},
			{"windows", "windows", `{"front_left":1,"front_right":1,"back_left":1,"back_right":1}`, map[string]any{"front_left_window": 0}, "front_left_window", 1},
			{"windows", "windows", `{"front_left":0,"front_right":0,"back_left":0,"back_right":0}`, map[string]any{"front_left_window": 1}, "front_left_window", 0},
			{"hazard", "hazard", "lights", nil, "hazard_lights", nil},
			{"hazard", "hazard", "lights_and_horn", nil, "hazard_lights", nil},
			{"valet-on", "valet", "on", map[string]any{"valet": false}, "valet", true},
			{"valet-off", "valet", "off", map[string]any{"valet": true}, "valet", false},
			{"v2l-limit", "v2l_limit", `{"limit":40}`, map[string]any{"v2l_limit_percent": 20}, "v2l_limit_percent", 40},
			{"schedule", "schedule", `{"charging_enabled":true,"off_peak_start_time":"23:30","off_peak_end_time":"05:30"}`, map[string]any{"schedule_charging": false}, "schedule_charging", true},
			{"destination", "destination", `{"points":[{"name":"Home","lat":52.52,"lon":13.405}]}`, nil, "destination", "Home"},
			{"climate-start", "preset", "leave", map[string]any{"climate": false, "locked": false}, "climate", true},
		} {
			ids := make([]string, len(cars))
			sent := make([]int, len(cars))
			for i, car := range cars {
				w.make(car, c.before)
				sent[i] = w.view(car).Commands
				ids[i] = w.give(car, c.topic, c.payload)
			}
			for i, car := range cars {
				r := w.ended(ids[i])
				what := fmt.Sprintf("%s %s on %s %s %s", c.topic, c.payload, car.Model, car.Protocol, car.Engine)
				if !w.able(car, c.name) {
					if r.end() != "rejected/unsupported" || w.view(car).Commands != sent[i] {
						t.Errorf("%s: ended %+v, although the car cannot do it", what, r)
					}
					continue
				}
				if r.State != "verified" && r.State != "confirmed" {
					t.Errorf("%s: ended %+v", what, r)
				}
				if got := w.truth(car)[c.key]; c.want != nil && fmt.Sprint(got) != fmt.Sprint(c.want) {
					t.Errorf("%s: %s is %v, want %v", what, c.key, got, c.want)
				}
				if shown := c.key == "locked" || c.key == "climate" || c.key == "charging" || c.key == "charge_limit_ac"; shown && r.State != "verified" {
					t.Errorf("%s: ended %+v, although every car reports %s", what, r, c.key)
				}
			}
		}
		for _, car := range cars {
			for _, end := range w.actions(car) {
				if end != "SUCCESS" {
					t.Errorf("an action of %s ended %s", car.Model, end)
				}
			}
		}
		if n := w.metric("bluelink2mqtt_journal_commands"); n != 0 {
			t.Errorf("%v commands are open at the end", n)
		}
	})
}

// able tells whether a car is offered a command.
func (w *world) able(car sim.Vehicle, name string) bool {
	w.t.Helper()
	var info struct {
		Capabilities struct{ Commands []string }
	}
	if err := json.Unmarshal(w.box.payload("hyundai/"+car.ID+"/info"), &info); err != nil {
		w.t.Fatal(err)
	}
	return slices.Contains(info.Capabilities.Commands, name)
}

// What goes wrong around a command does not make it go wrong, and never makes it go twice.
func TestCommands_FaultsOnTheWay(t *testing.T) {
	t.Parallel()
	const control = ",path=*/control/door"
	for _, c := range []struct {
		id, fault string
		end       string // "verified/" is good
		commands  int    // that reached the car
		action    string
	}{
		{"D1", "duplicate,count=3" + control, "verified/", 1, "SUCCESS"},
		{"D1", "duplicate" + control, "failed/vehicle_busy", 0, ""},
		{"D2", "action=pending" + control, "verified/", 1, "SUCCESS"},
		{"D3", "action=unrecorded" + control, "verified/", 1, "SUCCESS"},
		{"D3", "invalid-device,path=*/records,count=1", "verified/", 1, "SUCCESS"},
		{"D4", "status=405,path=*/records", "verified/", 1, "SUCCESS"},
		{"D4", "html,path=*/records", "verified/", 1, "SUCCESS"},
		{"D5", "action=fail" + control, "failed/vehicle_refused", 1, "FAILED"},
		{"", "action=non-response" + control, "timed_out/vehicle_unreachable", 1, "TIMEOUT"},
		{"", "reset=after" + control, "verified/", 1, ""},
		{"", "silent=after" + control, "verified/", 1, ""},
		{"", "reset" + control, "unknown/cloud_unavailable", 0, ""},
		{"", "status=503" + control, "unknown/cloud_unavailable", 0, ""},
		{"", "html" + control, "unknown/cloud_changed", 0, ""},
		{"", "expired-token,count=1" + control, "verified/", 1, "SUCCESS"},
		{"", "invalid-device,count=1" + control, "verified/", 1, "SUCCESS"},
		{"", "quota" + control, "failed/cloud_limit", 0, ""},
		{"", "low-battery" + control, "failed/precondition_failed", 0, ""},
		{"", "reset,path=*/user/pin,count=1", "failed/cloud_unavailable", 0, ""},
	} {
		for _, protocol := range []string{"flat", "ccs2"} {
			if strings.Contains(c.fault, "/user/pin") && protocol == "flat" {
				continue // locks without it
			}
			t.Run(strings.Join([]string{c.id, c.fault, protocol}, " "), func(t *testing.T) {
				command(t, func(t *testing.T, w *world) {
					car := w.car(home, protocol)
					w.make(car, map[string]any{"locked": false})
					w.fault(c.fault)
					r := w.do(car, "lock", "lock")
					view := w.view(car)
					if r.end() != c.end || view.Commands != c.commands {
						t.Errorf("ended %+v; %d commands reached the car", r, view.Commands)
					}
					if good := strings.HasPrefix(c.end, "verified"); good != (view.Truth["locked"] == true) {
						t.Errorf("ended %s, and the car is locked: %v", r.State, view.Truth["locked"])
					}
					if got := strings.Join(w.actions(car), " "); got != c.action {
						t.Errorf("its action ended %q, want %q", got, c.action)
					}
					if w.struck() == 0 {
						t.Error("the fault never struck")
					}
					w.sim.ClearFaults()
					pass(2 * time.Minute) // the breaker
					want := "verified/"
					if c.end == "failed/cloud_limit" {
						want = "confirmed/" // the cloud is not read any more today
					}
					if r := w.do(car, "lock", "unlock"); r.end() != want {
						t.Errorf("the next one ended %+v", r)
					}
				})
			})
		}
	}
}

func TestCommands_CarThatRefusesSaysWhatStandsInTheWay(t *testing.T) { // D5
	t.Parallel()
	command(t, func(t *testing.T, w *world) {
		for _, protocol := range []string{"flat", "ccs2"} {
			car := w.car(home, protocol)
			w.make(car, map[string]any{"locked": false, "back_left_door_open": true})
			r := w.do(car, "lock", "lock")
			if r.end() != "failed/vehicle_refused" || !strings.Contains(r.Message, "back left door is open") {
				t.Errorf("%s: ended %+v", protocol, r)
			}
			if w.problem(car) != "vehicle_refused" {
				t.Errorf("%s: status/error says %q", protocol, w.problem(car))
			}
		}
	})
}

// A wrong PIN is tried once, and not again until it changes: the cloud counts and locks the account.
func TestCommands_WrongPINIsTriedOnceAndTheRightOneWorksAtOnce(t *testing.T) { // D12, D16
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := commanding("9999")
		w := newWorld(t, s)
		w.start(s)
		defer func() { w.stop() }()
		w.served()
		car := w.car(home, "ccs2")
		for range 4 {
			if r := w.do(car, "lock", "unlock"); r.end() != "failed/pin_wrong" {
				t.Errorf("ended %+v", r)
			}
		}
		if n := w.counts(home).WrongPINs; n != 1 {
			t.Errorf("the wrong PIN was sent %d times", n)
		}
		w.stop()
		w.start(s)
		w.served()
		if r := w.do(car, "lock", "unlock"); r.end() != "failed/pin_wrong" || w.counts(home).WrongPINs != 1 {
			t.Errorf("after a restart: %+v, sent %d times", r, w.counts(home).WrongPINs)
		}
		w.stop()
		w.start(commanding(sim.PIN))
		w.served()
		if r := w.do(car, "lock", "unlock"); r.end() != "verified/" {
			t.Errorf("with the right PIN: %+v", r)
		}
	})
}

func TestCommands_OneGoodOneAfterTheOtherForADay(t *testing.T) { // D15
	t.Parallel()
	command(t, func(t *testing.T, w *world) {
		car := w.car(home, "ccs2")
		for n := range 24 {
			what := []string{"lock", "unlock"}[n%2]
			if r := w.do(car, "lock", what); r.end() != "verified/" {
				t.Fatalf("%s after %d h ended %+v", what, n, r)
			}
			pass(time.Hour)
		}
	})
}

// A car has one channel for commands; ten commands at once arrive one after the other.
func TestCommands_ManyAtOnceNeverCollide(t *testing.T) { // D1
	t.Parallel()
	command(t, func(t *testing.T, w *world) {
		var ids []string
		for _, car := range w.cars() {
			w.make(car, map[string]any{"climate": false, "locked": false})
			for _, c := range []string{"lock", "climate", "hazard", "valet"} {
				ids = append(ids, w.give(car, c, map[string]string{"lock": "lock", "climate": "start", "hazard": "lights", "valet": "on"}[c]))
			}
		}
		for _, id := range ids {
			if r := w.ended(id); r.State != "verified" && r.State != "confirmed" {
				t.Errorf("ended %+v", r)
			}
		}
		for _, v := range w.sim.VehicleViews() {
			if (v.Brand == home || v.Brand == away) && v.Region == "eu" && v.Commands != 4 {
				t.Errorf("%s got %d commands", v.Model, v.Commands)
			}
		}
		if n := w.metric("bluelink2mqtt_call_seconds", "kind", "command", "outcome", "vehicle_busy"); n != 0 {
			t.Errorf("%v found the car busy", n)
		}
	})
}

// Stop is answered by a start where charging has ended by itself.
func TestCommands_StopIsNotSentToACarThatDoesNotCharge(t *testing.T) { // D10
	t.Parallel()
	command(t, func(t *testing.T, w *world) {
		for _, protocol := range []string{"flat", "ccs2"} {
			car := w.car(home, protocol)
			w.make(car, map[string]any{"plug": "ac", "soc_percent": 90, "charge_limit_ac": 80, "charging": false})
			if r := w.do(car, "charge", "stop"); r.end() != "verified/" || w.view(car).Commands != 0 {
				t.Errorf("%s: ended %+v; %d commands reached the car", protocol, r, w.view(car).Commands)
			}
		}
	})
}

func TestCommands_StoppedProgramSeesToTheEndAfterItsRestart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := commanding(sim.PIN)
		w := newWorld(t, s)
		w.start(s)
		defer func() { w.stop() }()
		w.served()
		car := w.car(home, "ccs2")
		w.make(car, map[string]any{"locked": false})
		id := w.give(car, "lock", "lock")
		pass(time.Second)
		w.stop()
		if _, ended := w.box.ends[id]; ended {
			t.Fatal("it has ended already")
		}
		w.start(s)
		if r := w.ended(id); r.end() != "verified/" || w.view(car).Commands != 1 {
			t.Errorf("ended %+v; %d commands reached the car", r, w.view(car).Commands)
		}
	})
}
