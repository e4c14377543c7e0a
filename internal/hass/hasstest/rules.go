package hasstest

import "strings"

// The rules of Home Assistant's MQTT integration, as of 2026.7. An unknown key in a component is ignored there and is an
// error here: it would be a mistake of ours.

func words(text string) map[string]bool {
	set := map[string]bool{}
	for _, word := range strings.Fields(text) {
		set[word] = true
	}
	return set
}

// rootKeys are those of a device's message; any other makes Home Assistant refuse all of it, as do those below.
var (
	rootKeys   = words("device origin components availability availability_mode availability_topic availability_template payload_available payload_not_available state_topic command_topic qos encoding message_expiry_interval")
	deviceKeys = words("identifiers connections name manufacturer model model_id hw_version sw_version serial_number suggested_area configuration_url via_device")
	originKeys = words("name sw_version support_url")
)

// sharedKeys are those of every entity. object_id, which ended with 2026.4, is not among them.
const sharedKeys = "platform unique_id default_entity_id name icon entity_category enabled_by_default entity_picture availability availability_mode availability_topic availability_template payload_available payload_not_available json_attributes_topic json_attributes_template qos encoding message_expiry_interval"

// platform is what one platform takes.
type platform struct {
	keys     map[string]bool
	required []string
	classes  map[string]bool // device classes; nil for none
}

func takes(keys, required, classes string) platform {
	return platform{words(sharedKeys + " " + keys), strings.Fields(required), words(classes)}
}

const readWrite = "command_topic command_template state_topic value_template optimistic retain"

var platforms = map[string]platform{
	"sensor": takes("state_topic value_template device_class state_class unit_of_measurement suggested_display_precision options expire_after force_update last_reset_value_template",
		"state_topic", sensorClasses()),
	"binary_sensor": takes("state_topic value_template payload_on payload_off device_class expire_after off_delay force_update", "state_topic",
		"battery battery_charging carbon_monoxide cold connectivity door garage_door gas heat light lock moisture motion moving occupancy opening plug power presence problem running safety smoke sound tamper update vibration window"),
	"switch": takes(readWrite+" payload_on payload_off state_on state_off device_class", "command_topic", "outlet switch"),
	"lock": takes(readWrite+" code_format payload_lock payload_unlock payload_open payload_reset state_locked state_unlocked state_locking state_unlocking state_jammed",
		"command_topic", ""),
	"cover": takes("command_topic state_topic value_template optimistic retain payload_open payload_close payload_stop payload_stop_tilt state_open state_closed state_opening state_closing state_stopped device_class position_topic position_template position_open position_closed set_position_topic set_position_template",
		"command_topic", "awning blind curtain damper door garage gate shade shutter window"),
	"number": takes(readWrite+" min max step mode unit_of_measurement device_class payload_reset", "command_topic", sensorClasses()),
	"select": takes(readWrite+" options", "command_topic options", ""),
	"button": takes("command_topic command_template payload_press retain device_class", "command_topic", "identify restart update"),
	"text":   takes("command_topic command_template state_topic value_template retain min max mode pattern", "command_topic", ""),
	"time":   takes(readWrite, "command_topic", ""),
	// state_topic and value_template are deprecated and end with 2027.1.
	"device_tracker": takes("source_type", "json_attributes_topic", ""),
	"event":          takes("state_topic value_template event_types device_class", "state_topic event_types", "button doorbell motion"),
	"update": takes("state_topic value_template latest_version_topic latest_version_template command_topic payload_install retain title release_url release_summary device_class display_precision",
		"state_topic", "firmware"),
	"climate": takes("modes mode_command_topic mode_command_template mode_state_topic mode_state_template temperature_command_topic temperature_command_template temperature_state_topic temperature_state_template temperature_unit current_temperature_topic current_temperature_template min_temp max_temp temp_step initial precision optimistic retain action_topic action_template preset_modes preset_mode_command_topic preset_mode_command_template preset_mode_state_topic preset_mode_value_template power_command_topic power_command_template payload_on payload_off",
		"mode_command_topic", ""),
}

// sensorUnits are the units of sensors' device classes that a car may have, and numberless those of classes without any.
var sensorUnits = map[string]map[string]bool{
	"battery":         words("%"),
	"data_size":       words("bit kbit Mbit Gbit B kB MB GB TB KiB MiB GiB TiB"),
	"distance":        words("km m cm mm mi nmi yd in ft"),
	"duration":        words("d h min s ms µs"),
	"energy":          words("J kJ MJ GJ mWh Wh kWh MWh GWh TWh cal kcal Mcal Gcal"),
	"energy_distance": words("kWh/100km Wh/km mi/kWh km/kWh"),
	"energy_storage":  words("J kJ MJ GJ mWh Wh kWh MWh GWh TWh cal kcal Mcal Gcal"),
	"power":           words("mW W kW MW GW TW"),
	"pressure":        words("Pa hPa kPa bar cbar mbar mmHg inHg psi inH₂O mPa"),
	"speed":           words("ft/s in/d in/h in/s km/h kn m/s mph mm/d mm/h mm/s m/min Beaufort"),
	"temperature":     words("°C °F K"),
	"voltage":         words("V mV µV kV MV"),
}

var unitless = words("enum timestamp date")

func sensorClasses() string {
	var all []string
	for class := range sensorUnits {
		all = append(all, class)
	}
	for class := range unitless {
		all = append(all, class)
	}
	return strings.Join(all, " ")
}

// stateClasses are those that a device class goes with; one that is not here goes with all.
var stateClasses = map[string]map[string]bool{
	"battery": words("measurement"), "energy": words("total total_increasing"), "energy_distance": words("measurement"),
	"energy_storage": words("measurement"), "power": words("measurement"), "pressure": words("measurement"), "speed": words("measurement"),
	"temperature": words("measurement"), "voltage": words("measurement"), "enum": {}, "timestamp": {}, "date": {},
}

var (
	allStateClasses = words("measurement total total_increasing")
	modes           = words("auto off cool heat dry fan_only heat_cool")
)

// youngest are platforms that Home Assistant has had since 2026.5 only. A message that names one is refused as a whole by
// an older one, so that nothing else may stand in it.
var youngest = words("time date datetime")
