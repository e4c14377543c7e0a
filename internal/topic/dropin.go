package topic

import "slices"

// DropIn is the topics below {base}/{vehicle}/ of the service that this one replaces, in its order: the contract. Each is
// published as soon as a car reports what it is made of, except those of [NeverKnown].
func DropIn() []string { return slices.Clone(dropIn) }

// NeverKnown is the topics of the contract that stay empty, with the reason.
func NeverKnown() map[string]string {
	return map[string]string{
		"status/climate/current_temperature": "no cloud reports it",
		"status/location/address":            "needs geocoding, which does not exist yet",
		"status/location/place_name":         "needs geocoding, which does not exist yet",
	}
}

var dropIn = []string{
	"battery/level",
	"battery/charging_status",
	"battery/plug_status",
	"battery/temperature",
	"ev/range",
	"ev/charge_time_100",
	"ev/charge_time_target",
	"ev/charge_limit",
	"ev/energy_consumption",
	"status/doors/locked",
	"status/doors/front_left_open",
	"status/doors/front_right_open",
	"status/doors/back_left_open",
	"status/doors/back_right_open",
	"status/doors/trunk_open",
	"status/doors/hood_open",
	"status/doors/front_left_locked",
	"status/doors/front_right_locked",
	"status/doors/back_left_locked",
	"status/doors/back_right_locked",
	"status/windows/front_left",
	"status/windows/front_right",
	"status/windows/back_left",
	"status/windows/back_right",
	"status/windows/sunroof",
	"status/climate/is_on",
	"status/climate/set_temperature",
	"status/climate/current_temperature",
	"status/climate/defrost",
	"status/climate/heated_steering_wheel",
	"status/climate/heated_side_mirror",
	"status/climate/heated_rear_window",
	"status/climate/air_control",
	"status/climate/front_left_seat_status",
	"status/climate/front_right_seat_status",
	"status/climate/rear_left_seat_status",
	"status/climate/rear_right_seat_status",
	"status/location/latitude",
	"status/location/longitude",
	"status/location/speed",
	"status/location/heading",
	"status/location/altitude",
	"status/location/address",
	"status/location/place_name",
	"status/location/last_updated",
	"status/tires/all_normal",
	"status/tires/front_left_warning",
	"status/tires/front_right_warning",
	"status/tires/back_left_warning",
	"status/tires/back_right_warning",
	"status/service/next_service_distance",
	"status/service/next_service_unit",
	"status/service/last_service_distance",
	"status/service/last_service_unit",
	"status/engine/is_running",
	"status/engine/fuel_level",
	"status/engine/fuel_range",
	"status/engine/fuel_unit",
	"ev/total_power_consumed",
	"ev/total_power_regenerated",
	"ev/power_consumption_30d",
	"status/last_updated",
	"status/data_source",
	"status/update_method",
	"status/error",
}
