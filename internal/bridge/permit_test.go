package bridge_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/bridge"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

func permissions(p bridge.Permissions) func(*bridge.Options) {
	return func(o *bridge.Options) { o.Permissions, o.Presets = p, presets }
}

// everything is each command once, by topic and payload.
var everything = []struct{ topic, payload string }{
	{"lock", "lock"},
	{"lock", "unlock"},
	{"climate", "start"},
	{"climate", "stop"},
	{"climate_target", "20"},
	{"charge", "start"},
	{"charge", "stop"},
	{"charge_limit_ac", "80"},
	{"charging_current", "90"},
	{"charge_port", "open"},
	{"charge_port", "close"},
	{"windows", "vent"},
	{"hazard", "lights"},
	{"valet", "on"},
	{"valet", "off"},
	{"v2l_limit", "30"},
	{"schedule", `{"defrost":true}`},
	{"destination", `{"points":[{"name":"Home","lat":1,"lon":2}]}`},
	{"preset", "leave"},
}

func TestPermit_NothingReachesACarOfAMuteBridge(t *testing.T) {
	for reason, change := range map[string]func(*bridge.Options){
		"read_only":    permissions(bridge.Permissions{ReadOnly: true}),
		"pin_required": func(o *bridge.Options) { o.Accounts[0].Mute, o.Presets = vehicle.PINRequired, presets },
	} {
		t.Run(reason, func(t *testing.T) {
			drive(t, func(t *testing.T, w *world, o *obedient) {
				for _, c := range everything {
					w.Handle(w.message("car-1", c.topic, c.payload))
				}
				pass(5 * time.Minute)
				ended := w.endings()
				for topic, r := range ended {
					if r.State != "rejected" || r.Reason != reason {
						t.Errorf("%s: %+v", topic, r)
					}
				}
				if len(ended) != len(everything) || o.sent() != "" {
					t.Errorf("%d of %d ended, sent %q", len(ended), len(everything), o.sent())
				}
				steps, err := w.Submit("car-1", vehicle.Request{Command: vehicle.Unlock{}}, vehicle.ByCLI)
				if err != nil {
					t.Fatal(err)
				}
				if r := <-steps; string(r.Reason) != reason {
					t.Errorf("another front got %+v", r)
				}
				w.give("read", "refresh", "force")
				w.give("hint", "hint", "plugged")
				synctest.Wait()
				for _, id := range []string{"read", "hint"} {
					if r := w.last("car-1", id); r.State != "verified" {
						t.Errorf("%s ended %+v", id, r)
					}
				}
			}, change)
		})
	}
}

func TestPermit_OnlyWhatTheListAllows(t *testing.T) {
	drive(t, func(t *testing.T, w *world, o *obedient) {
		w.give("lock", "lock", "lock")
		w.give("unlock", "lock", "unlock")
		w.give("both", "preset", "leave")
		w.give("target", "climate_target", `{"set_temp":20}`)
		synctest.Wait()
		if said := w.outbox.value("car-1/status/error"); !strings.Contains(said, `"reason":"not_permitted"`) || !strings.Contains(said, `"error_type":"HyundaiAPIError"`) {
			t.Errorf("status/error says %s", said)
		}
		pass(time.Minute)
		if r := w.last("car-1", "lock"); r.State != "verified" {
			t.Errorf("what is allowed ended %+v", r)
		}
		for _, id := range []string{"unlock", "both", "target"} {
			if r := w.last("car-1", id); r.State != "rejected" || r.Reason != "not_permitted" {
				t.Errorf("%s ended %+v", id, r)
			}
		}
		if o.sent() != "lock" {
			t.Errorf("sent %q", o.sent())
		}
	}, permissions(bridge.Permissions{Allow: []string{"lock", "hazard"}}))
}

func TestPermit_UnlockingIsBoundedByTheHour(t *testing.T) {
	drive(t, func(t *testing.T, w *world, o *obedient) {
		give := func(id string) record {
			w.give(id, "lock", "unlock")
			pass(time.Minute)
			return w.last("car-1", id)
		}
		for n := range 2 {
			if r := give(fmt.Sprint(n)); r.State != "verified" {
				t.Errorf("unlock %d ended %+v", n, r)
			}
		}
		if r := give("third"); r.State != "rejected" || r.Reason != "rate_limited" {
			t.Errorf("the third ended %+v", r)
		}
		w.give("lock", "lock", "lock")
		pass(time.Minute)
		if r := w.last("car-1", "lock"); r.State != "verified" {
			t.Errorf("locking ended %+v", r)
		}
		pass(time.Hour)
		if r := give("later"); r.State != "verified" {
			t.Errorf("an hour later: %+v", r)
		}
	}, permissions(bridge.Permissions{UnlockPerHour: 2}))
}

func TestPermit_WhatTheCarCannotDoIsRefusedBeforeAnythingIsSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newObedient()
		o.cars[0].Capabilities.Commands = []string{"refresh", "lock", "unlock"}
		w := build(t, o.cloud, withPresets).run()
		defer w.stop()
		for _, c := range everything {
			w.Handle(w.message("car-1", c.topic, c.payload))
		}
		pass(5 * time.Minute)
		for topic, r := range w.endings() {
			if r.Command != "lock" && r.Command != "unlock" && (r.State != "rejected" || r.Reason != "unsupported") {
				t.Errorf("%s: %+v", topic, r)
			}
		}
		if o.sent() != "lock unlock" {
			t.Errorf("sent %q", o.sent())
		}
	})
}

func TestPermit_RefusedCommandIsAcknowledgedAndToldAsTheCarsError(t *testing.T) {
	drive(t, func(t *testing.T, w *world, o *obedient) {
		w.give("x", "windows", `{"front_left":7}`)
		m := w.message("car-1", "climate", give("y", "climate", "start"))
		m.Retained = true // D13
		w.Handle(m)
		m = w.message("car-1", "lock", give("z", "lock", "unlock"))
		m.Received = time.Now().Add(-3 * time.Hour) // D14
		w.Handle(m)
		pass(time.Minute)
		for id, want := range map[string]string{"x": "rejected invalid_payload.", "y": "rejected retained.", "z": "expired expired."} {
			if got := w.life(id); got != want {
				t.Errorf("%s went %q", id, got)
			}
		}
		if o.sent() != "" || w.acknowledged() != 4 {
			t.Errorf("sent %q, %d acknowledged", o.sent(), w.acknowledged())
		}
		if n := len(w.outbox.on("hyundai/car-1/status/error")); n != 3 {
			t.Errorf("%d errors", n)
		}
		if n := w.metric("bluelink2mqtt_commands_total", "reason", "retained", "command", "climate-start"); n != 1 {
			t.Errorf("%v retained ones counted", n)
		}
	})
}
