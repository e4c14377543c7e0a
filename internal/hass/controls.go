package hass

import (
	"maps"
	"slices"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/topic"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// control is an entity that gives commands.
type control struct {
	// needs are the commands that must all be allowed.
	needs []vehicle.Command
	// shows is the data point that it shows; nil for none.
	shows *vehicle.Datum
	// instead tells that the data point has no entity of its own beside it.
	instead bool
	// whole tells that it is there only for a car that reports this and all else of its schedule that a part cannot do without.
	whole bool
	// build makes the entity where it is the same for all cars, each where it is not.
	build func(*Home) entity
	each  func(*Home, *Car) entity
}

// controls are those of all commands; what needs a name of the user's, and the climate, is made in presets and climate.
var controls = slices.Concat([]control{
	{needs: []vehicle.Command{vehicle.Lock{}, vehicle.Unlock{}}, shows: vehicle.Locked.Datum, build: lock},
	{needs: []vehicle.Command{vehicle.ChargeStart{}, vehicle.ChargeStop{}}, shows: vehicle.Charging.Datum, build: func(h *Home) entity {
		start, stop := vehicle.ChargeStart{}.Spec(), vehicle.ChargeStop{}.Spec()
		return entity{key: "charge", platform: "switch"}.commands(start.Topic).
			shown(h.first(vehicle.Charging.Datum), value).
			with("payload_on", start.Words[0]).with("payload_off", stop.Words[0]).
			with("state_on", "charging").with("state_off", "not_charging").with("icon", "mdi:ev-station")
	}},
	{needs: []vehicle.Command{vehicle.OpenChargePort{}, vehicle.CloseChargePort{}}, shows: vehicle.ChargePortOpen.Datum, build: func(h *Home) entity {
		open, shut := vehicle.OpenChargePort{}.Spec(), vehicle.CloseChargePort{}.Spec()
		return entity{key: "charge_port", platform: "cover"}.commands(open.Topic).
			shown(h.first(vehicle.ChargePortOpen.Datum), value).
			with("payload_open", open.Words[0]).with("payload_close", shut.Words[0]).with("payload_stop", nil).
			with("state_open", yes).with("state_closed", no).with("device_class", "door").with("icon", "mdi:ev-plug-type2")
	}},
	{needs: []vehicle.Command{vehicle.ValetOn{}, vehicle.ValetOff{}}, shows: vehicle.ValetMode.Datum, instead: true, build: func(h *Home) entity {
		on, off := vehicle.ValetOn{}.Spec(), vehicle.ValetOff{}.Spec()
		return entity{key: "valet", platform: "switch"}.commands(on.Topic).
			shown(h.first(vehicle.ValetMode.Datum), value).
			with("payload_on", on.Words[0]).with("payload_off", off.Words[0]).
			with("state_on", yes).with("state_off", no).with("icon", "mdi:account-key").with("entity_category", config)
	}},
	limit("limit_ac", vehicle.ChargeLimits{}, "ac", vehicle.LimitAC.Datum, "mdi:battery-charging-80"),
	limit("limit_dc", vehicle.ChargeLimits{}, "dc", vehicle.LimitDC.Datum, "mdi:battery-charging-80"),
	limit("v2l_limit", vehicle.SetV2LLimit{}, "limit", vehicle.V2LLimit.Datum, "mdi:battery-arrow-down"),
	{needs: []vehicle.Command{vehicle.SetChargingCurrent{}}, shows: vehicle.ChargingCurrent.Datum, instead: true, build: func(h *Home) entity {
		return entity{key: "charging_current", platform: "select"}.commands(vehicle.SetChargingCurrent{}.Spec().Topic).
			shown(h.first(vehicle.ChargingCurrent.Datum), "{{ {1: '100', 2: '90', 3: '60'}[value_json.value] if value_json.value else None }}").
			with("options", []string{"100", "90", "60"}).with("icon", "mdi:current-ac").with("entity_category", config)
	}},
	windowControl("window_front_left", "front_left", vehicle.WindowFrontLeft.Datum),
	windowControl("window_front_right", "front_right", vehicle.WindowFrontRight.Datum),
	windowControl("window_back_left", "back_left", vehicle.WindowBackLeft.Datum),
	windowControl("window_back_right", "back_right", vehicle.WindowBackRight.Datum),
	press("windows_open", vehicle.Windows{}, "open", words{icon: "mdi:arrow-down-box"}),
	press("windows_close", vehicle.Windows{}, "close", words{icon: "mdi:arrow-up-box"}),
	press("windows_vent", vehicle.Windows{}, "vent", words{icon: "mdi:fan"}),
	press("hazard_lights", vehicle.Hazard{}, "lights", words{icon: "mdi:hazard-lights", off: true}),
	press("hazard_lights_and_horn", vehicle.Hazard{}, "lights_and_horn", words{icon: "mdi:bugle", off: true}),
	press("defrost", vehicle.ClimateStart{}, `{"action":"start","defrost":true}`, words{icon: "mdi:car-defrost-front"}),
	press("refresh", vehicle.Refresh{}, string(vehicle.Cached), words{icon: "mdi:cloud-refresh", category: config}),
	press("force_refresh", vehicle.Refresh{}, string(vehicle.Force), words{icon: "mdi:car-connected", category: config}),
	press("hint_plugged", vehicle.Hint{}, "plugged", words{icon: "mdi:power-plug", category: config, off: true}),
	press("hint_unplugged", vehicle.Hint{}, "unplugged", words{icon: "mdi:power-plug-off", category: config, off: true}),
	press("hint_arrived", vehicle.Hint{}, "arrived", words{icon: "mdi:home-import-outline", category: config, off: true}),
	press("hint_left", vehicle.Hint{}, "left", words{icon: "mdi:home-export-outline", category: config, off: true}),
	{needs: []vehicle.Command{vehicle.ClimateStart{}, vehicle.ClimateStop{}, vehicle.ClimateTarget{}}, each: climate},
}, schedule)

// commands makes an entity give commands. The car, not Home Assistant, decides what becomes of them.
func (e entity) commands(segment string) entity {
	return e.with("command_topic", command(segment)).with("qos", 1)
}

// shown makes an entity show what the car reports.
func (e entity) shown(row *topic.Row, template string) entity {
	return e.with("state_topic", below(row.Suffix)).with("value_template", template).with("optimistic", false)
}

// lock shows also what it is doing: a command takes half a minute, in which it would seem to spring back.
func lock(*Home) entity {
	shut, open := vehicle.Lock{}.Spec(), vehicle.Unlock{}.Spec()
	return entity{key: "lock", platform: "lock"}.commands(shut.Topic).
		with("state_topic", below("status/doors/lock_state")).with("value_template", value).with("optimistic", false).
		with("payload_lock", shut.Words[0]).with("payload_unlock", open.Words[0]).
		with("state_locked", string(topic.Locked)).with("state_unlocked", string(topic.Unlocked)).
		with("state_locking", string(topic.Locking)).with("state_unlocking", string(topic.Unlocking))
}

// limit is a slider for one key of a command; its bounds and steps are those of the catalogue.
func limit(key string, c vehicle.Command, name string, d *vehicle.Datum, icon string) control {
	return control{needs: []vehicle.Command{c}, shows: d, instead: true, build: func(h *Home) entity {
		spec := c.Spec()
		segment := spec.Topic
		for _, s := range spec.Shortcuts {
			if s.Key == name {
				segment = s.Topic
			}
		}
		f := fieldOf(spec, name)
		e := entity{key: key, platform: "number"}.commands(segment).shown(h.first(d), value).
			with("min", f.Min).with("max", f.Max).with("step", f.Step).with("mode", "slider")
		e.fields = append(e.fields, words{icon: icon, category: config}.fields(f.Unit.String())...)
		return e
	}}
}

// fieldOf is a key of a command, which has it.
func fieldOf(spec *vehicle.Spec, key string) vehicle.Field {
	at := slices.IndexFunc(spec.Fields, func(f vehicle.Field) bool { return f.Key == key })
	return spec.Fields[at]
}

// windowControl moves one window and leaves the others alone. A request to stop must never become one to close, so that
// there is none.
func windowControl(key, name string, d *vehicle.Datum) control {
	return control{needs: []vehicle.Command{vehicle.Windows{}}, shows: d, build: func(h *Home) entity {
		return entity{key: key, platform: "cover"}.commands(vehicle.Windows{}.Spec().Topic).
			shown(h.first(d), windowState).
			with("payload_open", `{"`+name+`":1}`).with("payload_close", `{"`+name+`":0}`).with("payload_stop", nil).
			with("state_open", "open").with("state_closed", "closed").with("device_class", "window")
	}}
}

// press is a button that gives one command.
func press(key string, c vehicle.Command, payload string, w words) control {
	return control{needs: []vehicle.Command{c}, build: func(*Home) entity { return button(key, command(c.Spec().Topic), payload, w) }}
}

func button(key string, to any, payload string, w words) entity {
	e := entity{key: key, platform: "button"}.with("command_topic", to).with("payload_press", payload).with("qos", 1)
	e.fields = append(e.fields, w.fields("")...)
	return e
}

// climate starts and stops the climate control. The clouds do not let the caller choose between heating and cooling, and
// none tells the temperature inside.
func climate(h *Home, c *Car) entity {
	start, stop, target := vehicle.ClimateStart{}.Spec(), vehicle.ClimateStop{}.Spec(), vehicle.ClimateTarget{}.Spec()
	bounds, letter, toTarget := vehicle.ClimateCelsius, "C", "{{ value }}"
	if h.temperature(c) == vehicle.Fahrenheit {
		bounds, letter, toTarget = vehicle.ClimateFahrenheit, "F", `{"set_temp":{{ value }},"unit":"F"}`
	}
	e := entity{key: "climate", platform: "climate", fields: []field{
		{"modes", []string{"off", "heat_cool"}},
		{"mode_command_topic", command(start.Topic)},
		{"mode_command_template", "{{ '" + stop.Words[0] + "' if value == 'off' else '" + start.Words[0] + "' }}"},
		{"mode_state_topic", below(h.first(vehicle.AirControl.Datum).Suffix)},
		{"mode_state_template", "{{ None if value_json.value is none else 'heat_cool' if value_json.value else 'off' }}"},
		{"temperature_command_topic", command(target.Topic)},
		{"temperature_command_template", toTarget},
		{"temperature_state_topic", below("status/climate/target")},
		{"temperature_state_template", value},
		{"temperature_unit", letter},
		{"min_temp", bounds.Min},
		{"max_temp", bounds.Max},
		{"temp_step", bounds.Step},
		{"precision", bounds.Step},
		{"optimistic", false},
		{"qos", 1},
	}}
	var names []string
	for _, p := range c.Presets {
		if p.Climate {
			names = append(names, p.Name)
		}
	}
	if len(names) == 0 {
		return e
	}
	return e.with("preset_modes", names).with("preset_mode_command_topic", command(vehicle.Preset{}.Spec().Topic)).
		with("preset_mode_state_topic", below("status/climate/preset")).
		with("preset_mode_value_template", "{{ value_json.value or 'none' }}")
}

// presetButton carries out a preset.
func presetButton(p Preset) entity {
	e := button("preset_"+presetSlug(p.Name), command(vehicle.Preset{}.Spec().Topic), p.Name, words{icon: "mdi:playlist-play"})
	e.name = p.Name
	return e
}

// withoutControl are the commands that no entity gives, and why.
var withoutControl = map[string]string{
	vehicle.Schedule{}.Spec().Name:    "its parts are given one by one, by schedule-change",
	vehicle.Destination{}.Spec().Name: "places have no entity; an automation publishes them",
	vehicle.Cancel{}.Spec().Name:      "it needs the id of a command; an automation publishes it",
}

// WithoutControl are the commands that no entity gives, by their names, and why.
func WithoutControl() map[string]string { return maps.Clone(withoutControl) }
