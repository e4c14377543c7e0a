package vehicle

import "time"

// Who the car is (docs/protocol/vehicle-model.md §2.1), as the vehicle list tells it.
var (
	CloudID          = datum[string](KindText, GroupIdentity, "id", "the cloud's id of the car")
	Name             = datum[string](KindText, GroupIdentity, "name", "nickname")
	Model            = datum[string](KindText, GroupIdentity, "model", "model name")
	RegistrationDate = datum[string](KindText, GroupIdentity, "registration_date", "registration date as the cloud writes it")
	Year             = datum[Number](KindNumber, GroupIdentity, "year", "model year", between(1980, 2100))
	ChassisNumber    = datum[string](KindText, GroupIdentity, "VIN", "chassis number")
	CCS2Support      = datum[Number](KindNumber, GroupIdentity, "ccu_ccs2_protocol_support", "0 flat protocol, otherwise CCS2", between(0, 99))
	Generation       = datum[Number](KindNumber, GroupIdentity, "generation", "generation of the car's head unit (USA)", between(0, 99))
	Enabled          = datum[bool](KindFlag, GroupIdentity, "enabled", "the car is enrolled in the service")
	EngineType       = datum[string](KindText, GroupIdentity, "engine_type", "what drives the car")
	Timezone         = datum[string](KindText, GroupIdentity, "timezone", "zone of the car's local times")
	SupportsWindows  = datum[bool](KindFlag, GroupIdentity, "supports_window_control", "windows can be commanded")
	SupportsValet    = datum[bool](KindFlag, GroupIdentity, "supports_valet_mode", "valet mode can be commanded")
)

// drivable is how far an odometer may rise, in km: 200 an hour, and 100 in any case, as report times are coarse.
var drivable = pace{100, 200}

// The car as a whole (docs/protocol/vehicle-model.md §2.2). An odometer was seen to say 0, or last month's value, while the
// car rests; a car that reports has some charge in its 12 V battery.
var (
	LastUpdatedAt      = datum[time.Time](KindTime, GroupGeneral, "last_updated_at", "when the car last reported")
	LastScannedAt      = datum[time.Time](KindTime, GroupGeneral, "last_scanned_at", "when the cloud was last asked")
	TotalRange         = datum[Quantity](KindDistance, GroupGeneral, "total_driving_range", "range with all that is on board", between(0, 5000), gauge, noBareZero)
	Odometer           = datum[Quantity](KindDistance, GroupGeneral, "odometer", "distance driven", between(0, 2_000_000), rising, vital, noZero, climbs(drivable))
	Geocode            = datum[string](KindText, GroupGeneral, "geocode", "name of the place where the car is")
	Battery12V         = datum[Percent](KindPercent, GroupBattery, "car_battery_percentage", "charge of the 12 V battery", between(0, 100), in(Percentage), vital, emptiesFrom(10))
	EngineRunning      = datum[bool](KindFlag, GroupEngine, "engine_is_running", "ignition on or ready to drive")
	DTCCount           = datum[Number](KindNumber, GroupGeneral, "dtc_count", "trouble codes present", between(0, 10_000))
	DTCDescriptions    = datum[string](KindText, GroupGeneral, "dtc_descriptions", "trouble codes as text")
	KeyBatteryLow      = datum[bool](KindFlag, GroupGeneral, "smart_key_battery_warning_is_on", "battery of the key is low")
	WasherFluidLow     = datum[bool](KindFlag, GroupGeneral, "washer_fluid_warning_is_on", "washer fluid is low")
	BrakeFluidLow      = datum[bool](KindFlag, GroupGeneral, "brake_fluid_warning_is_on", "brake fluid is low")
	OutsideTemperature = datum[Quantity](KindTemperature, GroupGeneral, "outside_temperature", "ambient temperature", between(-60, 150))
	AccessoryOn        = datum[bool](KindFlag, GroupGeneral, "accessory_on", "accessory power is on")
	Ignition3          = datum[bool](KindFlag, GroupGeneral, "ign3", "third ignition line is on")
	SleepMode          = datum[bool](KindFlag, GroupGeneral, "sleep_mode_check", "the car sleeps")
	RemoteIgnition     = datum[bool](KindFlag, GroupGeneral, "remote_ignition", "started from afar")
	Transmission       = datum[bool](KindFlag, GroupGeneral, "transmission_condition", "the transmission is in park (assumed)")
	DriveMode          = datum[string](KindText, GroupGeneral, "drive_mode", "drive mode that is chosen")
	OilLevelLow        = datum[bool](KindFlag, GroupGeneral, "oil_level_warning_is_on", "engine oil is low", burns)
	AuxBatteryFault    = datum[bool](KindFlag, GroupGeneral, "battery_auxiliary_fail_warning_is_on", "fault of the 12 V battery")
)

// Service and place (docs/protocol/vehicle-model.md §2.7).
var (
	NextService       = datum[Quantity](KindDistance, GroupService, "next_service_distance", "odometer or distance at the next service", between(0, 2_000_000))
	LastService       = datum[Quantity](KindDistance, GroupService, "last_service_distance", "odometer at the last service", between(0, 2_000_000))
	Latitude          = datum[Quantity](KindAngle, GroupLocation, "location_latitude", "latitude", between(-90, 90), in(Degree))
	Longitude         = datum[Quantity](KindAngle, GroupLocation, "location_longitude", "longitude", between(-180, 180), in(Degree))
	LocationUpdatedAt = datum[time.Time](KindTime, GroupLocation, "location_last_updated_at", "when the position was taken")
	Heading           = datum[Quantity](KindAngle, GroupLocation, "location_heading", "direction, 0 is north", between(0, 360), in(Degree))
	Altitude          = datum[Quantity](KindAltitude, GroupLocation, "location_altitude", "height above the sea", between(-500, 9000), in(Metre))
	Speed             = datum[Quantity](KindSpeed, GroupLocation, "location_speed", "speed", between(0, 400))
)

// Trips (docs/protocol/vehicle-model.md §2.11).
var (
	Daily     = datum[[]DailyStats](KindStats, GroupTrip, "daily_stats", "energy by day, newest first")
	MonthTrip = datum[MonthTrips](KindMonth, GroupTrip, "month_trip_info", "trips of a month")
	DayTrip   = datum[DayTrips](KindDay, GroupTrip, "day_trip_info", "trips of a day")
)

// DailyStats is what one day cost; energies in Wh.
type DailyStats struct {
	Date        string   `json:"date"` // yyyy-mm-dd on the car's clock
	Total       float64  `json:"total_consumed"`
	Engine      float64  `json:"engine_consumption"`
	Climate     float64  `json:"climate_consumption"`
	Electronics float64  `json:"onboard_electronics_consumption"`
	BatteryCare float64  `json:"battery_care_consumption"`
	Regenerated float64  `json:"regenerated_energy"`
	Distance    Quantity `json:"distance"`
}

// Trip is one drive, or the sum of several.
type Trip struct {
	Time     string  `json:"hhmmss,omitempty"` // start on the car's clock; empty in sums
	Drive    float64 `json:"drive_time"`       // minutes
	Idle     float64 `json:"idle_time"`        // minutes
	Distance float64 `json:"distance"`         // in the car's unit
	AvgSpeed float64 `json:"avg_speed"`
	MaxSpeed float64 `json:"max_speed"`
}

// MonthTrips are the sums of a month and the days that had trips.
type MonthTrips struct {
	Month   string     `json:"yyyymm"`
	Summary Trip       `json:"summary"`
	Days    []DayCount `json:"day_list"`
}

// DayCount is how many trips a day had.
type DayCount struct {
	Day   string `json:"yyyymmdd"`
	Trips int    `json:"trip_count"`
}

// DayTrips are the trips of one day, latest first.
type DayTrips struct {
	Day     string `json:"yyyymmdd"`
	Summary Trip   `json:"summary"`
	Trips   []Trip `json:"trip_list"`
}
