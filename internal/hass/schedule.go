package hass

import (
	"slices"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// schedule is the controls of departures and cheap hours. A cloud takes a schedule as a whole only; the bridge completes
// what one of them changes with what the car reports, so that each is there only for a car that does.
var schedule = []control{
	planned(vehicle.Departure1On.Datum, planSwitch("departure_1", "first_departure_enabled", vehicle.Departure1On.Datum, "mdi:calendar-check")),
	planned(vehicle.Departure1Days.Datum, planDays("departure_1_days", "first_departure_days", vehicle.Departure1Days.Datum)),
	planned(vehicle.Departure1Time.Datum, planTime("departure_1_time", "first_departure_time", vehicle.Departure1Time.Datum)),
	planned(vehicle.Departure2On.Datum, planSwitch("departure_2", "second_departure_enabled", vehicle.Departure2On.Datum, "mdi:calendar-check")),
	planned(vehicle.Departure2Days.Datum, planDays("departure_2_days", "second_departure_days", vehicle.Departure2Days.Datum)),
	planned(vehicle.Departure2Time.Datum, planTime("departure_2_time", "second_departure_time", vehicle.Departure2Time.Datum)),
	planned(vehicle.Departure1Climate.Datum, planSwitch("departure_climate", "climate_enabled", vehicle.Departure1Climate.Datum, "mdi:air-conditioner")),
	planned(vehicle.Departure1Defrost.Datum, planSwitch("departure_defrost", "defrost", vehicle.Departure1Defrost.Datum, "mdi:car-defrost-front")),
	{needs: changes, shows: vehicle.Departure1Temp.Datum, instead: true, whole: true, each: planTemperature},
	planned(vehicle.ScheduledChargingOn.Datum, planSwitch("scheduled_charging", "charging_enabled", vehicle.ScheduledChargingOn.Datum, "mdi:calendar-clock")),
	planned(vehicle.OffPeakOnly.Datum, planSwitch("off_peak_only", "off_peak_charge_only_enabled", vehicle.OffPeakOnly.Datum, "mdi:clock-check-outline")),
	planned(vehicle.OffPeakStart.Datum, planTime("off_peak_start", "off_peak_start_time", vehicle.OffPeakStart.Datum)),
	planned(vehicle.OffPeakEnd.Datum, planTime("off_peak_end", "off_peak_end_time", vehicle.OffPeakEnd.Datum)),
}

var changes = []vehicle.Command{vehicle.ScheduleChange{}}

func planned(d *vehicle.Datum, build func(*Home) entity) control {
	return control{needs: changes, shows: d, instead: true, whole: true, build: build}
}

// needed are the data points without which nobody knows what the rest of a schedule is.
var needed = []*vehicle.Datum{
	vehicle.Departure1On.Datum, vehicle.Departure2On.Datum, vehicle.ScheduledChargingOn.Datum, vehicle.OffPeakOnly.Datum,
	vehicle.Departure1Climate.Datum,
}

// plans tells whether a car has ever reported a part of its schedule and all that changing it needs.
func (h *Home) plans(part *vehicle.Datum, s vehicle.State) bool {
	return h.first(part).Seen(s) && !slices.ContainsFunc(needed, func(d *vehicle.Datum) bool { return !h.first(d).Seen(s) })
}

// plan begins the control of one key of the schedule.
func plan(h *Home, key, platform string, d *vehicle.Datum, template string) entity {
	return entity{key: key, platform: platform}.commands(vehicle.ScheduleChange{}.Spec().Topic).shown(h.first(d), template).
		with("entity_category", config)
}

func planSwitch(key, name string, d *vehicle.Datum, icon string) func(*Home) entity {
	return func(h *Home) entity {
		return plan(h, key, "switch", d, value).with("payload_on", `{"`+name+`":true}`).with("payload_off", `{"`+name+`":false}`).
			with("state_on", yes).with("state_off", no).with("icon", icon)
	}
}

// planTime is a time of day, which older releases of Home Assistant do not know.
func planTime(key, name string, d *vehicle.Datum) func(*Home) entity {
	return func(h *Home) entity {
		e := plan(h, key, "time", d, value).with("command_template", `{"`+name+`":"{{ value }}"}`).with("icon", "mdi:clock-outline")
		e.young = true
		return e
	}
}

// planDays is a list of days, by number, as the car has it. A text has no way to show that nobody knows: then it is as empty
// as for no day at all.
func planDays(key, name string, d *vehicle.Datum) func(*Home) entity {
	return func(h *Home) entity {
		return entity{key: key, platform: "text", fields: []field{
			{"command_topic", command(vehicle.ScheduleChange{}.Spec().Topic)},
			{"qos", 1},
			{"command_template", `{"` + name + `":"{{ value or 'none' }}"}`},
			{"state_topic", below(h.first(d).Suffix)},
			{"value_template", "{{ value_json.value | join(', ') if value_json.value else '' }}"},
			{"pattern", "^([0-6](, ?[0-6])*)?$"},
			{"min", 0},
			{"max", 24},
			{"entity_category", config},
			{"icon", "mdi:calendar-week"},
		}}
	}
}

// planTemperature is the one for climate before departures, which is the same for both.
func planTemperature(h *Home, c *Car) entity {
	bounds, unit, template := vehicle.ScheduleCelsius, vehicle.Celsius, `{"temperature":{{ value }}}`
	if h.first(vehicle.Departure1Temp.Datum).Unit(c.State) == vehicle.Fahrenheit.String() {
		bounds, unit, template = vehicle.ScheduleFahrenheit, vehicle.Fahrenheit, `{"temperature":{{ value }},"temperature_unit":1}`
	}
	e := plan(h, "departure_temperature", "number", vehicle.Departure1Temp.Datum, value).with("command_template", template).
		with("min", bounds.Min).with("max", bounds.Max).with("step", bounds.Step).with("mode", "slider")
	return e.with("device_class", "temperature").with("unit_of_measurement", unit.String())
}
