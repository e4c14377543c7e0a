package hass

import (
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/topic"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// withoutEntity are the data points that get no entity of their own, and why. All others do, with the first topic that
// tells them.
var withoutEntity = map[*vehicle.Datum]string{
	vehicle.LastScannedAt.Datum: "status/last_updated says it",
	vehicle.Latitude.Datum:      "the tracker has it",
	vehicle.Longitude.Datum:     "the tracker has it",
	vehicle.TireUnit.Datum:      "it is the unit of the tyres' pressures",
}

// value is what a topic with the envelope says; null becomes None, which Home Assistant reads as unknown.
const value = "{{ value_json.value }}"

// orNone is that for a word whose null says that there is none.
const orNone = "{{ value_json.value or 'none' }}"

// Templates for what is not told as Home Assistant wants it.
const (
	inner     = "{{ value_json.value.value if value_json.value else None }}"                          // of seats and windows
	dayList   = "{{ None if value_json.value is none else value_json.value | join(', ') or 'none' }}" // 1, 2
	isNone    = " if value_json.value is not none else None }}"                                       // the end of a template that calculates
	fromWh    = "{{ (value_json.value / 1000) | round(2)" + isNone                                    // kWh
	fromKJ    = "{{ (value_json.value / 3600) | round(2)" + isNone                                    // kWh
	newestDay = "{{ value_json.value[0].date if value_json.value else None }}"                        // of daily statistics
	days      = "{{ {'days': value_json.value} | tojson }}"                                           // their attributes
	monthKM   = "{{ value_json.value.summary.distance if value_json.value else None }}"               // of trips
	trips     = "{{ value_json.value | tojson if value_json.value else '{}' }}"                       // their attributes
)

// The payloads of a flag: what Home Assistant makes of true and false in a template.
const (
	yes = "True"
	no  = "False"
)

// dataEntity is the entity that shows a data point by its topic, whose unit is the one given.
func dataEntity(d *vehicle.Datum, row *topic.Row, unit string) entity {
	w := exceptions[d].over(kinds[d.Kind])
	e := entity{key: d.Key, platform: "sensor"}
	template := value
	switch d.Kind {
	case vehicle.KindFlag:
		return flagEntity(d, row, w)
	case vehicle.KindEnergy:
		template = fromWh
		if unit == vehicle.Kilojoule.String() {
			template = fromKJ
		}
	case vehicle.KindSeat:
		template = inner
	case vehicle.KindDays:
		template = dayList
	case vehicle.KindStats:
		template = newestDay
	case vehicle.KindMonth, vehicle.KindDay:
		template = monthKM
	default:
	}
	if w.unit != "" {
		unit = w.unit
	}
	if unit == "" && !unitless[w.class] {
		w.class, w.state = "", "" // it has none yet, and these would need one
		if d.Kind == vehicle.KindNumber {
			w.state = exceptions[d].state
		}
	}
	e = e.with("state_topic", below(row.Suffix)).with("value_template", template)
	switch d.Kind {
	case vehicle.KindSeat:
		e = e.with("options", enumeration(vehicle.SeatOn, vehicle.SeatHighHeat))
	case vehicle.KindOpening:
		e = e.with("options", enumeration(vehicle.Closed, vehicle.Ventilated))
	case vehicle.KindPlug:
		e = e.with("options", enumeration(vehicle.PlugNone, vehicle.PlugAC))
	case vehicle.KindStats:
		e = e.with("json_attributes_topic", below(row.Suffix)).with("json_attributes_template", days)
	case vehicle.KindMonth, vehicle.KindDay:
		e = e.with("json_attributes_topic", below(row.Suffix)).with("json_attributes_template", trips)
	default:
	}
	e.fields = append(e.fields, w.fields(unit)...)
	return e
}

// unitless are the device classes of what has no unit.
var unitless = map[string]bool{"timestamp": true, "enum": true}

// flagEntity shows a yes or no.
func flagEntity(d *vehicle.Datum, row *topic.Row, w words) entity {
	on, off, template := yes, no, value
	switch d {
	case vehicle.Charging.Datum:
		on, off = "charging", "not_charging"
	case vehicle.PluggedIn.Datum:
		on, off = "connected", "disconnected"
	case vehicle.TireWarning.Datum: // told as all_normal
		on, off = no, yes
	}
	switch {
	case w.class == "lock": // on is unlocked
		on, off = off, on
	case d.Group == vehicle.GroupWindows: // told as 0, 1 or 2
		on, off, template = "open", "closed", windowState
	}
	e := entity{key: d.Key, platform: "binary_sensor"}
	e = e.with("state_topic", below(row.Suffix)).with("value_template", template).with("payload_on", on).with("payload_off", off)
	e.fields = append(e.fields, w.fields("")...)
	return e
}

// windowState is open or closed; a vented window is open.
const windowState = "{{ None if not value_json.value else 'closed' if value_json.value.value == 0 else 'open' }}"

// enumeration is the texts of a closed list of codes.
func enumeration[T interface {
	~uint8
	String() string
}](first, last T) (texts []string) {
	for code := first; code <= last; code++ {
		texts = append(texts, code.String())
	}
	return texts
}
