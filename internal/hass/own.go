package hass

import (
	"maps"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/topic"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// texts are the words of a closed list.
func texts[T ~string](list []T) []string {
	all := make([]string, len(list))
	for i, word := range list {
		all[i] = string(word)
	}
	return all
}

func sensor(key string, state any, template string, w words) entity {
	e := entity{key: key, platform: "sensor"}.with("state_topic", state).with("value_template", template)
	e.fields = append(e.fields, w.fields(w.unit)...)
	return e
}

// of makes an entity one of a closed list.
func (e entity) of(options []string) entity { return e.with("options", options) }

// lonely makes an entity that says why the car is not available, and is so itself with the bridge alone.
func (e entity) lonely() entity {
	e.alone = true
	return e
}

// derived are the entities of topics that are made of several data points; each appears with its topic.
var derived = map[string]entity{
	"status/charge_state": sensor("charge_state", below("status/charge_state"), value, words{class: "enum", icon: "mdi:ev-station"}).
		of(texts(topic.ChargeStates())),
	// When nobody knows any more where the car is, the tracker stays where it was, and says so in no attribute: that is
	// what somebody wants whose car stands in a garage. Halves of a position would reset it, with a warning in the log.
	"status/location/position": {key: "location", platform: "device_tracker", fields: []field{
		{"source_type", "gps"},
		{"json_attributes_topic", below("status/location/position")},
		{"json_attributes_template", "{{ value_json.value | tojson if value_json.value else '{}' }}"},
		{"icon", "mdi:car"},
	}},
}

// derivedWith adds the zone to them, for which names are the user's, and where nothing else is told, a tracker of its own.
func derivedWith(o Options) map[string]entity {
	all := maps.Clone(derived)
	names := make([]string, len(o.Zones))
	for i, z := range o.Zones {
		names[i] = z.Name
	}
	const suffix = "status/location/zone"
	all[suffix] = sensor("zone", below(suffix), value, words{class: "enum", icon: "mdi:map-marker-radius"}).of(append(names, topic.NotHome))
	if o.Location == topic.ZoneOnly {
		all[suffix] = entity{key: "location", platform: "device_tracker", fields: []field{
			{"source_type", "gps"}, {"json_attributes_topic", below(suffix)}, {"json_attributes_template", inZones}, {"icon", "mdi:car"},
		}}
	}
	return all
}

// inZones makes attributes of a zone.
const inZones = "{{ {'in_zones': [] if value_json.value == '" + topic.NotHome + "' else [value_json.value]} | tojson if value_json.value else '{}' }}"

// told are the entities of what the bridge says about every car.
var told = named([]entity{
	{key: "stale", platform: "binary_sensor", alone: true, fields: []field{
		{"state_topic", below("status/stale")},
		{"value_template", value},
		{"payload_on", yes},
		{"payload_off", no},
		{"device_class", "problem"},
		{"entity_category", diagnostic},
	}},
	sensor("stale_reason", below("status/stale_reason"), orNone, words{class: "enum", icon: "mdi:help-circle-outline", category: diagnostic}).
		of(append(texts(topic.StaleReasons()), "none")).lonely(),
	sensor("last_updated", below("status/last_updated"), value, words{class: "timestamp", category: diagnostic}).lonely(),
	sensor("data_source", below("status/data_source"), value, words{class: "enum", icon: "mdi:source-branch", category: diagnostic, off: true}).
		of(texts([]vehicle.DataSource{vehicle.FromCloud, vehicle.FromCar})),
	sensor("update_method", below("status/update_method"), value, words{class: "enum", icon: "mdi:update", category: diagnostic, off: true}).
		of(texts([]vehicle.RefreshMode{vehicle.Cached, vehicle.Force, vehicle.Smart})),
	sensor("error", below("status/error"), "{{ value_json.value.error[:255] if value_json.value else 'none' }}",
		words{icon: "mdi:alert-circle-outline", category: diagnostic}).
		with("json_attributes_topic", below("status/error")).
		with("json_attributes_template", "{{ value_json.value | tojson if value_json.value else '{}' }}").lonely(),
	sensor("calls_today", below("status/calls_today"), value,
		words{state: measurement, unit: "calls", icon: "mdi:cloud-download", category: diagnostic}).lonely(),
	sensor("wakes_today", below("status/wakes_today"), value,
		words{state: measurement, unit: "wakes", icon: "mdi:alarm", category: diagnostic}).lonely(),
	sensor("last_wake_at", below("status/last_wake_at"), value, words{class: "timestamp", category: diagnostic}).lonely(),
	sensor("last_wake_cause", below("status/last_wake_cause"), orNone, words{class: "enum", icon: "mdi:alarm", category: diagnostic}).
		of(append(texts(vehicle.Causes()), "none")).lonely(),
	sensor("engine_type", below("info"), "{{ value_json.engine_type }}", words{class: "enum", icon: "mdi:engine", category: diagnostic}).
		of(enumeration(vehicle.EngineUnknown, vehicle.HEV)),
	{key: "command", platform: "event", fields: []field{
		{"state_topic", event(topic.CommandEvents)}, {"event_types", texts(vehicle.CommandStates())}, {"icon", "mdi:message-check"},
	}},
	{key: "car_battery_falling", platform: "binary_sensor", fields: []field{
		{"state_topic", below("status/car_battery_falling")},
		{"value_template", value},
		{"payload_on", yes},
		{"payload_off", no},
		{"device_class", "problem"},
		{"icon", "mdi:car-battery"},
		{"entity_category", diagnostic},
	}},
	{key: "battery_event", platform: "event", fields: []field{
		{"state_topic", event(topic.BatteryEvents)}, {"event_types", []string{topic.CarBatteryFalling}}, {"icon", "mdi:car-battery"},
	}},
	{key: "security", platform: "event", fields: []field{
		{"state_topic", event(topic.SecurityEvents)}, {"event_types", []string{topic.NotLocked}}, {"icon", "mdi:shield-alert"},
	}},
})

func named(all []entity) []entity {
	for i := range all {
		all[i] = all[i].named()
	}
	return all
}

// bridgeEntities are those of the bridge itself. All but the first are available with it: that one says whether it is.
func bridgeEntities(tree topic.Tree) []entity {
	health := func(key, template string, w words) entity {
		w.category, w.state = diagnostic, measurement
		return sensor(key, whole(tree.BridgeHealth()), template, w)
	}
	all := []entity{
		{key: "connection", platform: "binary_sensor", fields: []field{
			{"state_topic", whole(tree.BridgeState())},
			{"payload_on", topic.Online},
			{"payload_off", topic.Offline},
			{"device_class", "connectivity"},
			{"entity_category", diagnostic},
		}},
		{key: "version", platform: "update", fields: []field{
			{"state_topic", whole(tree.BridgeInfo())},
			{"value_template", "{{ {'installed_version': value_json.version, 'latest_version': value_json.latest_version or value_json.version} | tojson }}"},
			{"title", Product},
			{"release_url", Releases},
			{"entity_category", diagnostic},
		}},
		sensor("started_at", whole(tree.BridgeInfo()), "{{ value_json.started_at }}", words{class: "timestamp", category: diagnostic}),
		health("vehicles", "{{ value_json.vehicles }}", words{unit: "cars", icon: "mdi:car-multiple"}),
		health("queue", "{{ value_json.queued_commands }}", words{unit: "commands", icon: "mdi:tray-full"}),
		health("operations", "{{ value_json.operations_in_flight }}", words{unit: "operations", icon: "mdi:cloud-sync", off: true}),
		health("reconnects", "{{ value_json.reconnects }}", words{unit: "reconnects", icon: "mdi:lan-disconnect", off: true}),
		health("stuck_lanes", "{{ value_json.stuck_lanes }}", words{unit: "cars", icon: "mdi:car-off", off: true}),
		health("memory", "{{ (value_json.memory_bytes / 1048576) | round(1) }}", words{class: "data_size", unit: "MiB", digits: tenths, off: true}),
	}
	for i := range all[1:] {
		all[i+1].alone = true
	}
	return all
}

// accountEntities are those of one account.
func accountEntities(tree topic.Tree, account string, codes bool) []entity {
	state := whole(tree.AccountState(account))
	all := []entity{
		sensor("auth", state, "{{ value_json.auth }}", words{class: "enum", icon: "mdi:account-check", category: diagnostic}).
			of(texts(topic.AccountStates())).
			with("json_attributes_topic", state).
			with("json_attributes_template", "{{ {'message': value_json.message, 'since': value_json.since, 'until': value_json.until} | tojson }}"),
		{key: "problem", platform: "binary_sensor", fields: []field{
			{"state_topic", state},
			{"value_template", "{{ value_json.auth in ['starting', 'online'] }}"},
			{"payload_on", no},
			{"payload_off", yes},
			{"device_class", "problem"},
			{"entity_category", diagnostic},
		}},
		sensor("quota_used", state, "{{ value_json.quota_used }}", words{state: measurement, unit: "calls", icon: "mdi:counter", category: diagnostic}),
		sensor("quota_remaining", state, "{{ value_json.quota_remaining }}", words{state: measurement, unit: "calls", icon: "mdi:gauge", category: diagnostic}),
		sensor("quota_reset_at", state, "{{ value_json.quota_reset_at }}", words{class: "timestamp", category: diagnostic, off: true}),
		sensor("account_wakes_today", state, "{{ value_json.wakes_today }}", words{state: measurement, unit: "wakes", icon: "mdi:alarm", category: diagnostic}),
		sensor("next_allowed_at", state, "{{ value_json.next_allowed_at }}", words{class: "timestamp", category: diagnostic}),
		sensor("breaker", state, "{{ value_json.breaker }}", words{class: "enum", icon: "mdi:electric-switch", category: diagnostic}).of(breakerStates),
		sensor("command_breaker", state, "{{ value_json.command_breaker }}", words{class: "enum", icon: "mdi:electric-switch", category: diagnostic}).of(breakerStates),
		button("retry", whole(tree.AccountCommand(account, topic.Retry)), "retry", words{icon: "mdi:login", category: config}),
	}
	if codes {
		all = append(all, codeEntities(tree, account)...)
	}
	return all
}

// codeEntities are those of an account whose cloud sends one-time codes: whether one is wanted, by which way it shall come,
// and where to enter it.
func codeEntities(tree topic.Tree, account string) []entity {
	said, method := whole(tree.AccountCode(account)), whole(tree.AccountCommand(account, topic.CodeMethod))
	return []entity{
		{key: "code_required", platform: "binary_sensor", fields: []field{
			{"state_topic", said},
			{"value_template", "{{ value_json.required }}"},
			{"payload_on", yes},
			{"payload_off", no},
			{"json_attributes_topic", said},
			{"device_class", "problem"},
			{"entity_category", diagnostic},
		}},
		button("code_by_email", method, "email", words{icon: "mdi:email-fast", category: config}),
		button("code_by_sms", method, "sms", words{icon: "mdi:message-text-fast", category: config}),
		{key: "code", platform: "text", fields: []field{
			{"command_topic", whole(tree.AccountCommand(account, topic.CodeSet))},
			// Without a state of ours Home Assistant would show, and record, what was entered.
			{"state_topic", said},
			{"value_template", "{{ '' }}"},
			{"mode", "password"},
			{"min", 0},
			{"max", 16},
			{"entity_category", config},
			{"icon", "mdi:form-textbox-password"},
			{"qos", 1},
		}},
	}
}

// breakerStates are the words of the circuit breakers.
var breakerStates = []string{"closed", "open", "half_open"}
