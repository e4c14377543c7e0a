package topic

import (
	"strings"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// spec is a data topic before a choice of units.
type spec struct {
	suffix string
	write  writer
	// from are the data points that the value is made of. The first one belongs to this topic: it gets no topic by the
	// general rule of [restOf].
	from []*vehicle.Datum
	// with are data points that refine the value but make none by themselves.
	with []*vehicle.Datum
	// value and unit override what docs/topics.md would say by the kind of the data point.
	value, unit string
}

// section is the topics of one part of the car, in order of publication. A section with a group ends with all data points
// of the group that have no topic of their own.
type section struct {
	group  vehicle.Group
	topics []spec
}

// sections is the table of all data topics, in the order of publication of the service that this one replaces: battery,
// ev, doors, windows, climate, location, tires, service, engine, energy, status. Parts of the car that it did not know
// stand beside their like.
var sections = []section{
	{vehicle.GroupBattery, []spec{
		one("battery/level", vehicle.SoC),
		{
			suffix: "battery/charging_status", from: data(vehicle.Charging),
			write: words(vehicle.Charging, "not_charging", "charging"), value: "`charging`, `not_charging`",
		},
		{
			suffix: "battery/plug_status", from: data(vehicle.PluggedIn),
			write: words(vehicle.PluggedIn, "disconnected", "connected"), value: "`connected`, `disconnected`",
		},
		one("battery/temperature", vehicle.BatteryTempMin),
	}},
	{vehicle.GroupEV, []spec{
		one("ev/range", vehicle.EVRange),
		// The same estimate twice: clouds estimate to the limit, so nobody knows the time to 100 %.
		one("ev/charge_time_100", vehicle.ChargeTime),
		one("ev/charge_time_target", vehicle.ChargeTime),
		one("ev/charge_limit", vehicle.LimitAC),
		{
			suffix: "ev/energy_consumption", from: data(vehicle.Consumption30d),
			write: perHundred(vehicle.Consumption30d), unit: "kWh/100km",
		},
	}},
	{vehicle.GroupDoors, []spec{
		one("status/doors/locked", vehicle.Locked),
		one("status/doors/front_left_open", vehicle.DoorFrontLeft),
		one("status/doors/front_right_open", vehicle.DoorFrontRight),
		one("status/doors/back_left_open", vehicle.DoorBackLeft),
		one("status/doors/back_right_open", vehicle.DoorBackRight),
		one("status/doors/trunk_open", vehicle.Trunk),
		one("status/doors/hood_open", vehicle.Hood),
		one("status/doors/front_left_locked", vehicle.LockedFrontLeft),
		one("status/doors/front_right_locked", vehicle.LockedFrontRight),
		one("status/doors/back_left_locked", vehicle.LockedBackLeft),
		one("status/doors/back_right_locked", vehicle.LockedBackRight),
	}},
	{vehicle.GroupWindows, []spec{
		windowTopic("front_left", vehicle.WindowFrontLeft, vehicle.LevelFrontLeft),
		windowTopic("front_right", vehicle.WindowFrontRight, vehicle.LevelFrontRight),
		windowTopic("back_left", vehicle.WindowBackLeft, vehicle.LevelBackLeft),
		windowTopic("back_right", vehicle.WindowBackRight, vehicle.LevelBackRight),
		windowTopic("sunroof", vehicle.Sunroof, vehicle.Point[vehicle.Opening]{}),
	}},
	{vehicle.GroupClimate, []spec{
		one("status/climate/is_on", vehicle.AirControl),
		one("status/climate/set_temperature", vehicle.AirTemperature),
		one("status/climate/defrost", vehicle.Defrost),
		one("status/climate/heated_steering_wheel", vehicle.SteeringHeater),
		one("status/climate/heated_side_mirror", vehicle.MirrorHeater),
		one("status/climate/heated_rear_window", vehicle.RearHeater),
		one("status/climate/air_control", vehicle.AirControl),
		seatTopic("front_left", vehicle.SeatFrontLeft),
		seatTopic("front_right", vehicle.SeatFrontRight),
		seatTopic("rear_left", vehicle.SeatRearLeft),
		seatTopic("rear_right", vehicle.SeatRearRight),
	}},
	{vehicle.GroupLocation, []spec{
		one("status/location/latitude", vehicle.Latitude),
		one("status/location/longitude", vehicle.Longitude),
		one("status/location/speed", vehicle.Speed),
		one("status/location/heading", vehicle.Heading),
		one("status/location/altitude", vehicle.Altitude),
		one("status/location/last_updated", vehicle.LocationUpdatedAt),
		{
			suffix: "status/location/position", from: data(vehicle.Latitude, vehicle.Longitude), write: position,
			with:  []*vehicle.Datum{vehicle.Speed.Datum, vehicle.Heading.Datum, vehicle.Altitude.Datum},
			value: "`{\"latitude\", \"longitude\", \"speed\", \"heading\", \"altitude\"}`, the last three where known", unit: " ",
		},
	}},
	{vehicle.GroupTires, []spec{
		{suffix: "status/tires/all_normal", from: data(vehicle.TireWarning), write: not(vehicle.TireWarning)},
		one("status/tires/front_left_warning", vehicle.TireWarningFrontLeft),
		one("status/tires/front_right_warning", vehicle.TireWarningFrontRight),
		one("status/tires/back_left_warning", vehicle.TireWarningRearLeft),
		one("status/tires/back_right_warning", vehicle.TireWarningRearRight),
	}},
	{vehicle.GroupLights, nil},
	{vehicle.GroupService, []spec{
		one("status/service/next_service_distance", vehicle.NextService),
		unitTopic("status/service/next_service_unit", vehicle.NextService),
		one("status/service/last_service_distance", vehicle.LastService),
		unitTopic("status/service/last_service_unit", vehicle.LastService),
	}},
	{vehicle.GroupEngine, []spec{
		one("status/engine/is_running", vehicle.EngineRunning),
		one("status/engine/fuel_level", vehicle.FuelLevel),
		one("status/engine/fuel_range", vehicle.FuelRange),
		unitTopic("status/engine/fuel_unit", vehicle.FuelRange),
	}},
	{"", []spec{ // energy
		one("ev/total_power_consumed", vehicle.TotalConsumed),
		one("ev/total_power_regenerated", vehicle.TotalRegenerated),
		{ // Wh per distance under the unit of the service that this one replaces, which called it Wh
			suffix: "ev/power_consumption_30d", from: data(vehicle.Consumption30d),
			write: labelled(vehicle.Consumption30d.Datum, "Wh"), unit: "Wh (in truth Wh/km or Wh/mi)",
		},
	}},
	{vehicle.GroupSchedule, nil},
	{vehicle.GroupTrip, nil},
	{vehicle.GroupGeneral, []spec{
		// Here by the general rule, and below as reported_at: a reader of either name finds it.
		one("status/general/last_updated_at", vehicle.LastUpdatedAt),
	}},
	{"", []spec{ // status
		{
			suffix: "status/charge_state", write: chargeStateValue, value: chargeStateWords(),
			from: data(vehicle.Charging, vehicle.PluggedIn),
			with: []*vehicle.Datum{
				vehicle.PlugType.Datum, vehicle.ChargingPower.Datum, vehicle.SoC.Datum, vehicle.LimitAC.Datum,
				vehicle.LimitDC.Datum, vehicle.ScheduledChargingOn.Datum,
			},
		},
		one("status/reported_at", vehicle.LastUpdatedAt),
		one("status/fetched_at", vehicle.LastScannedAt),
		{suffix: "status/received_at", write: receivedAt, value: forms[vehicle.KindTime].value},
	}},
}

// specs is the flat table: each section's topics, then what is left of its group.
func specs() []spec {
	owned := map[*vehicle.Datum]bool{}
	for _, part := range sections {
		for _, topic := range part.topics {
			if len(topic.from) > 0 {
				owned[topic.from[0]] = true
			}
		}
	}
	var all []spec
	for _, part := range sections {
		all = append(all, part.topics...)
		for _, d := range vehicle.Catalogue() {
			if d.Group == part.group && !owned[d] {
				all = append(all, restOf(d))
			}
		}
	}
	return all
}

// restOf is the general rule for a data point without a topic of its own.
func restOf(d *vehicle.Datum) spec {
	suffix := string(d.Group) + "/" + strings.ToLower(d.Key)
	if d.Group != vehicle.GroupBattery && d.Group != vehicle.GroupEV {
		suffix = "status/" + suffix
	}
	return spec{suffix: suffix, from: []*vehicle.Datum{d}, write: plain(d)}
}

// place tells whether a data point says where the car is.
func place(d *vehicle.Datum) bool {
	return d.Group == vehicle.GroupLocation || d == vehicle.Geocode.Datum
}

// data lists rows of the catalogue of one type.
func data[T any](points ...vehicle.Point[T]) []*vehicle.Datum {
	all := make([]*vehicle.Datum, len(points))
	for i, p := range points {
		all[i] = p.Datum
	}
	return all
}

func one[T any](suffix string, p vehicle.Point[T]) spec {
	return spec{suffix: suffix, from: []*vehicle.Datum{p.Datum}, write: plain(p.Datum)}
}

func unitTopic[T any](suffix string, p vehicle.Point[T]) spec {
	return spec{suffix: suffix, from: []*vehicle.Datum{p.Datum}, write: unitOf(p.Datum), value: "`km`, `mi`", unit: " "}
}

func seatTopic(where string, p vehicle.Point[vehicle.Seat]) spec {
	return spec{
		suffix: "status/climate/" + where + "_seat_status", from: data(p), write: seat(p),
		value: "`{\"value\": \"High Heat\", \"level\": \"HIGH\"}`; levels `OFF`, `LOW`, `MED`, `HIGH`",
	}
}

func windowTopic(where string, flag vehicle.Point[bool], level vehicle.Point[vehicle.Opening]) spec {
	topic := spec{
		suffix: "status/windows/" + where, from: data(flag), write: window(flag, level),
		value: "`{\"value\": 0, \"state\": \"CLOSED\"}`; 1 `OPEN`",
	}
	if level.Datum != nil {
		topic.value += ", 2 `VENTILATION` where the car tells it from open"
		topic.from = append(topic.from, level.Datum)
	}
	return topic
}

func receivedAt(dst []byte, _ Units, s vehicle.State) ([]byte, string) {
	if s.FetchedAt().IsZero() {
		return appendNull(dst), ""
	}
	return appendTime(dst, s.FetchedAt(), seconds), ""
}
