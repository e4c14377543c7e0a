package hass_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/clouds"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/hass"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/hass/hasstest"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/topic"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// state publishes everything that the bridge would about a car.
func state(home *hasstest.Home, o hass.Options, c hass.Car) {
	topics := o.Tree.Car(c.Name)
	home.Receive(o.Tree.BridgeState(), []byte(topic.Online), true)
	home.Receive(topics.Availability(), []byte(topic.Online), true)
	home.Receive(topics.Info(), topic.Info(c.Vehicle), true)
	send := func(messages ...topic.Message) {
		for _, m := range messages {
			home.Receive(topics.Topic(m.Suffix), m.Payload, m.Retain)
		}
	}
	for row := range o.Table.Seen(c.State) {
		home.Receive(topics.Topic(row.Suffix), row.Append(nil, c.State), row.Retain)
	}
	for _, reason := range append(topic.StaleReasons(), topic.Fresh) {
		send(topic.Stale(fetched, reason)...)
	}
	for _, source := range []vehicle.DataSource{vehicle.FromCloud, vehicle.FromCar} {
		for _, method := range []vehicle.RefreshMode{vehicle.Cached, vehicle.Force, vehicle.Smart} {
			send(topic.Refreshed(fetched, source, method)...)
		}
	}
	send(topic.Cleared(fetched), topic.Failed(topic.Problem{At: fetched, Command: "lock", Reason: vehicle.Timeout, Text: strings.Repeat("long ", 100)}))
	send(topic.Used{}.Messages(fetched)...)
	for _, cause := range vehicle.Causes() {
		send(topic.Used{Calls: 3, Wakes: 1, LastWake: fetched, Cause: cause}.Messages(fetched)...)
	}
	for _, target := range []vehicle.Optional[vehicle.Quantity]{{}, vehicle.Some(vehicle.Quantity{Value: 21.5, Unit: vehicle.Celsius}), vehicle.Some(vehicle.Quantity{Value: 70, Unit: vehicle.Fahrenheit})} {
		for _, preset := range []string{"", "warm"} {
			messages, _ := o.Table.Climate(fetched, c.State, target, preset)
			send(messages[:]...)
		}
	}
	for _, turning := range append(topic.LockStates(), "") {
		send(topic.Lock(fetched, topic.LockOf(c.State, turning)))
	}
	for _, s := range vehicle.CommandStates() {
		record := vehicle.Record{ID: "1", Vehicle: c.Name, Command: "lock", State: s, AcceptedAt: fetched, UpdatedAt: fetched}
		home.Receive(topics.Event(topic.CommandEvents), topic.CommandEvent(record), false)
	}
	send(topic.Falling(fetched, true), topic.Falling(fetched, false))
	home.Receive(topics.Event(topic.BatteryEvents), topic.BatteryEvent(fetched, vehicle.Fall{Since: reported, From: 80, To: 60}), false)
	home.Receive(topics.Event(topic.SecurityEvents), topic.SecurityEvent(topic.NotLocked, fetched, "1"), false)
}

// found announces a car to a new home and checks that it is what Home Assistant takes.
func found(t *testing.T, o hass.Options, c hass.Car) *hasstest.Home {
	t.Helper()
	home := hasstest.NewHome(prefix)
	for _, m := range newHome(t, o).Car(c, 0) {
		home.Receive(m.Topic, m.Payload, true)
	}
	state(home, o, c)
	if err := home.Err(); err != nil {
		t.Errorf("Home Assistant complains:\n%v", err)
	}
	return home
}

func TestCar_IsWhatHomeAssistantTakes(t *testing.T) {
	presets := []hass.Preset{{Name: "warm", Climate: true}, {Name: "Leave home", Climate: false}, {Name: "leave_home", Climate: false}}
	for _, engine := range []vehicle.Engine{vehicle.EngineUnknown, vehicle.ICE, vehicle.EV, vehicle.PHEV, vehicle.HEV} {
		for _, units := range []topic.Units{topic.AsReported, topic.Metric, topic.Imperial} {
			for n := range 3 {
				t.Run(fmt.Sprintf("%s/%s/%d", engine, units, n), func(t *testing.T) {
					v := ioniq()
					v.Engine = engine
					c := car(v, full(t, engine, n), everything())
					c.Presets = presets
					home := found(t, options(t, units), c)
					for _, e := range home.Entities() {
						if !e.Available {
							t.Errorf("%s is not available", e.ID)
						}
						for key, shows := range e.Shows {
							word := strings.HasSuffix(e.ID, "_engine_type") || strings.HasSuffix(e.ID, "_daily_stats") || strings.HasSuffix(e.ID, "_days") // whose unknown is a word, or which has no day
							if shows == "unknown" && key == "state_topic" && !word {
								t.Errorf("%s (%s) shows nothing although everything is known", e.ID, e.Platform)
							}
						}
					}
				})
			}
		}
	}
}

func TestCar_UnknownIsUnknownAndNoError(t *testing.T) {
	o := options(t, topic.AsReported)
	c := car(ioniq(), full(t, vehicle.EV, 0), everything())
	home := found(t, o, c)
	c.State = unknown(c.State)
	state(home, o, c)
	if err := home.Err(); err != nil {
		t.Errorf("Home Assistant complains:\n%v", err)
	}
	nothing := 0
	for _, e := range home.Entities() {
		if e.Shows["state_topic"] == "unknown" {
			nothing++
		}
	}
	if nothing < 100 {
		t.Errorf("only %d entities show that nothing is known", nothing)
	}
}

// TestCar_ASumOfTheLastMonthsMayFall is what happens each night when an old day falls out of it.
func TestCar_ASumOfTheLastMonthsMayFall(t *testing.T) {
	o := options(t, topic.AsReported)
	c := car(ioniq(), full(t, vehicle.EV, 0), everything())
	home := found(t, o, c)
	night := vehicle.Report{Engine: vehicle.EV, Reported: reported.Add(time.Hour)}
	for _, d := range []*vehicle.Datum{vehicle.TotalConsumed.Datum, vehicle.TotalRegenerated.Datum} {
		was, _ := c.State.Read(d).Value.(vehicle.Quantity)
		was.Value -= 3000
		night.Observations = append(night.Observations, vehicle.Observation{Datum: d, Value: was, Reported: night.Reported})
	}
	var changes []vehicle.Change
	if c.State, changes, _ = c.State.Apply(night, fetched.Add(time.Hour)); len(changes) < 2 {
		t.Fatalf("%d changes", len(changes))
	}
	state(home, o, c)
	if err := home.Err(); err != nil {
		t.Errorf("Home Assistant complains:\n%v", err)
	}
}

// TestTracker_StaysWhereTheCarWasSeenLast holds what docs/home-assistant.md promises of a car in a garage.
func TestTracker_StaysWhereTheCarWasSeenLast(t *testing.T) {
	o := options(t, topic.AsReported)
	c := car(ioniq(), full(t, vehicle.EV, 0), everything())
	home := found(t, o, c)
	at := func() string {
		for _, e := range home.Entities() {
			if e.Platform == "device_tracker" {
				return e.Shows["json_attributes_topic"]
			}
		}
		return "nowhere"
	}
	before := at()
	c.State = unknown(c.State)
	state(home, o, c)
	if now := at(); now != before || !strings.Contains(now, ",") {
		t.Errorf("it was at %s and is at %s", before, now)
	}
}

func TestCar_OfWhichNothingIsKnownYetIsFound(t *testing.T) {
	c := car(ioniq(), vehicle.State{}, everything())
	if n := len(found(t, options(t, topic.AsReported), c).Entities()); n < 20 {
		t.Errorf("%d entities", n)
	}
}

func TestHouse_IsWhatHomeAssistantTakes(t *testing.T) {
	o := options(t, topic.AsReported)
	home, h := hasstest.NewHome(prefix), newHome(t, o)
	for _, m := range append(h.Bridge(0), h.Account("hyundai-eu", true, 0)...) {
		home.Receive(m.Topic, m.Payload, true)
	}
	home.Receive(o.Tree.BridgeState(), []byte(topic.Online), true)
	home.Receive(o.Tree.BridgeInfo(), topic.Bridge{Version: "1.4.0", Started: fetched, Protocol: "5"}.Payload(), true)
	home.Receive(o.Tree.BridgeHealth(), topic.Health{At: fetched, Uptime: time.Hour, Memory: 20 << 20, Vehicles: 2}.Payload(), true)
	for _, s := range topic.AccountStates() {
		for _, breaker := range []string{"", "closed", "open", "half_open"} {
			a := topic.Account{State: s, Since: fetched, Used: 3, Limit: 150, Reset: fetched, Reads: breaker, Commands: breaker}
			home.Receive(o.Tree.AccountState("hyundai-eu"), a.Payload(), true)
		}
	}
	home.Receive(o.Tree.AccountCode("hyundai-eu"), topic.Code{Required: true, Methods: []topic.Destination{{Method: "email", To: "j…"}}}.Payload(), true)
	home.Receive(o.Tree.AccountCode("hyundai-eu"), topic.Code{}.Payload(), true)
	if err := home.Err(); err != nil {
		t.Errorf("Home Assistant complains:\n%v", err)
	}
	if picture := home.Picture(); !strings.Contains(picture, "bluelink2mqtt_bridge_connection binary_sensor state_topic=on\n") {
		t.Errorf("the bridge is not there:\n%s", picture)
	}
	home.Receive(o.Tree.BridgeState(), []byte(topic.Offline), true)
	picture := home.Picture()
	for _, line := range []string{"bluelink2mqtt_bridge_connection binary_sensor state_topic=off\n", "bluelink2mqtt_bridge_queue sensor unavailable"} {
		if !strings.Contains(picture, line) {
			t.Errorf("without the bridge there is no %q:\n%s", line, picture)
		}
	}
}

// TestCar_OfEveryRecordingIsWhatHomeAssistantTakes announces real cars as they were recorded.
func TestCar_OfEveryRecordingIsWhatHomeAssistantTakes(t *testing.T) {
	files, _ := filepath.Glob("../../../shared/fixtures/status/*.json")
	if len(files) == 0 {
		t.Skip("the recorded payloads are not there")
	}
	read := 0
	for _, file := range files {
		words := strings.Split(strings.TrimSuffix(filepath.Base(file), ".json"), "_")
		region, err := vehicle.ParseRegion(words[0])
		if err != nil {
			t.Fatal(err)
		}
		brand, err := vehicle.ParseBrand(words[1])
		if err != nil {
			t.Fatal(err)
		}
		protocol := "flat"
		if strings.Contains(file, "ccs2") {
			protocol = "ccs2"
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		report, err := clouds.Decode(region, brand, protocol, vehicle.EngineUnknown, text)
		if err != nil {
			t.Logf("%s: %v", filepath.Base(file), err)
			continue
		}
		read++
		t.Run(filepath.Base(file), func(t *testing.T) {
			s, _, _ := vehicle.State{}.Apply(report, time.Now())
			v := ioniq()
			v.Region, v.Brand, v.Engine = region, brand, vehicle.EngineUnknown
			for _, units := range []topic.Units{topic.AsReported, topic.Metric, topic.Imperial} {
				found(t, options(t, units), car(v, s, everything()))
			}
		})
	}
	if read == 0 {
		t.Error("no recording could be read")
	}
}

// TestControls_SendWhatCarsTake sends everything that every entity can send, and reads it as the bridge does.
func TestControls_SendWhatCarsTake(t *testing.T) {
	for _, units := range []topic.Units{topic.Metric, topic.Imperial} {
		o := options(t, units)
		c := car(ioniq(), full(t, vehicle.EV, 0), everything())
		c.Presets = []hass.Preset{{Name: "warm", Climate: true}}
		given := map[string]bool{}
		for _, component := range found(t, o, c).Components() {
			sends, err := component.Sends()
			if err != nil {
				t.Errorf("%s: %v", component.ID, err)
			}
			for _, sent := range sends {
				name, segment, ok := o.Tree.ParseCommand(sent.Topic)
				request, err := vehicle.DecodeRequest(segment, []byte(sent.Payload))
				if !ok || name != c.Name || err != nil {
					t.Errorf("%s sends %q on %s: %v", component.ID, sent.Payload, sent.Topic, err)
					continue
				}
				given[request.Command.Spec().Name] = true
			}
		}
		for _, spec := range vehicle.Commands() {
			if why := hass.WithoutControl()[spec.Name]; given[spec.Name] == (why != "") {
				t.Errorf("%s is given by an entity: %v; why not: %q", spec.Name, given[spec.Name], why)
			}
		}
	}
}

func TestPermissions_TakeControlsAway(t *testing.T) {
	o := options(t, topic.AsReported)
	all := found(t, o, car(ioniq(), full(t, vehicle.EV, 0), everything()))
	some := found(t, o, car(ioniq(), full(t, vehicle.EV, 0), append(reading(), "lock", "charge-limits")))
	none := found(t, o, car(ioniq(), full(t, vehicle.EV, 0), reading()))
	for _, c := range none.Components() {
		sends, _ := c.Sends()
		for _, sent := range sends {
			_, segment, _ := o.Tree.ParseCommand(sent.Topic)
			if request, err := vehicle.DecodeRequest(segment, []byte(sent.Payload)); err != nil || request.Command.Spec().Topic != "refresh" && request.Command.Spec().Topic != "hint" {
				t.Errorf("%s may send %q on %s although cars are only read", c.ID, sent.Payload, sent.Topic)
			}
		}
	}
	has := func(h *hasstest.Home, line string) bool { return strings.Contains(h.Picture(), line) }
	for line, where := range map[string][3]bool{
		"_lock lock":                  {true, false, false}, // it would unlock as well
		"_limit_ac number":            {true, true, false},
		"_ev_charge_limits_ac sensor": {false, false, true}, // shown where it cannot be set
		"_climate climate":            {true, false, false},
		"_is_locked binary_sensor":    {true, true, true},
	} {
		if got := [3]bool{has(all, line), has(some, line), has(none, line)}; got != where {
			t.Errorf("%s is there with all, some and no commands: %v, want %v", line, got, where)
		}
	}
}
