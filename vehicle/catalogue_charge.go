package vehicle

import "time"

// week bounds what clouds estimate for charging; the bound is in minutes.
const week = 7 * 24 * 60

// inPark is how far the charge of a car that stands may fall: 50 points, as the figure is coarse and an old default was seen
// in its place, and 40 points an hour, which is what a small battery loses to a heater or to the house (assumed).
var inPark = pace{50, 40}

// The traction battery (docs/protocol/vehicle-model.md §2.8). A car that stands was seen to report a charge of 0, and a
// plug that is in to vanish when charging is stopped from afar.
var (
	SoC               = datum[Percent](KindPercent, GroupBattery, "ev_battery_percentage", "state of charge of the traction battery", between(0, 100), in(Percentage), plugs, gauge, emptiesFrom(5), sags(inPark))
	SoH               = datum[Percent](KindPercent, GroupBattery, "ev_battery_soh_percentage", "health of the traction battery", between(1, 110), in(Percentage), plugs)
	BatteryRemain     = datum[Quantity](KindEnergy, GroupBattery, "ev_battery_remain", "energy left in the traction battery", between(0, 2_000_000), plugs)
	BatteryCapacity   = datum[Quantity](KindEnergy, GroupBattery, "ev_battery_capacity", "energy of the full traction battery", between(0, 2_000_000), plugs)
	PackVoltage       = datum[Quantity](KindVoltage, GroupBattery, "ev_battery_pack_voltage", "voltage of the traction battery", between(0, 1500), in(Volt), plugs)
	ChillerRPM        = datum[Quantity](KindRotation, GroupBattery, "ev_battery_chiller_rpm", "speed of the battery chiller", between(0, 20_000), in(RPM), plugs)
	BatteryHeating    = datum[bool](KindFlag, GroupBattery, "ev_battery_heating_state", "battery heater is on", plugs)
	WinterMode        = datum[bool](KindFlag, GroupBattery, "ev_battery_winter_mode", "winter mode is on", plugs)
	CoolantTemp       = datum[Quantity](KindTemperature, GroupBattery, "ev_battery_water_temperature", "coolant at the battery's inlet", between(-60, 120), in(Celsius), plugs)
	BatteryTempMin    = datum[Quantity](KindTemperature, GroupBattery, "ev_battery_temperature_min", "coldest cell", between(-60, 120), in(Celsius), plugs)
	BatteryTempMax    = datum[Quantity](KindTemperature, GroupBattery, "ev_battery_temperature_max", "warmest cell", between(-60, 120), in(Celsius), plugs)
	PreconditionOn    = datum[bool](KindFlag, GroupBattery, "ev_battery_precondition_enabled", "battery preconditioning is switched on", plugs)
	Charging          = datum[bool](KindFlag, GroupBattery, "ev_battery_is_charging", "the traction battery charges", plugs)
	PluggedIn         = datum[bool](KindFlag, GroupBattery, "ev_battery_is_plugged_in", "a plug is in", plugs, staysAfter(Charging))
	PlugType          = datum[Plug](KindPlug, GroupEV, "ev_plug_type", "which plug is in", plugs, staysAfter(Charging))
	ChargingPower     = datum[Quantity](KindPower, GroupEV, "ev_charging_power", "charging power", between(-50, 500), in(Kilowatt), plugs)
	ChargePortOpen    = datum[bool](KindFlag, GroupEV, "ev_charge_port_door_is_open", "charge port is open", plugs)
	LimitAC           = datum[Percent](KindPercent, GroupEV, "ev_charge_limits_ac", "charge limit on AC", between(1, 100), in(Percentage), plugs)
	LimitDC           = datum[Percent](KindPercent, GroupEV, "ev_charge_limits_dc", "charge limit on DC", between(1, 100), in(Percentage), plugs)
	ChargingCurrent   = datum[Number](KindNumber, GroupEV, "ev_charging_current", "AC current: 1 full, 2 90 %, 3 60 %", between(1, 3), plugs)
	V2LLimit          = datum[Percent](KindPercent, GroupEV, "ev_v2l_discharge_limit", "charge at which discharging to a load ends", between(0, 100), in(Percentage), plugs)
	V2L               = datum[bool](KindFlag, GroupEV, "ev_v2l_status", "discharging to a load", plugs)
	V2X               = datum[bool](KindFlag, GroupEV, "ev_v2x_status", "discharging to the grid", plugs)
	EVRange           = datum[Quantity](KindDistance, GroupEV, "ev_driving_range", "electric range", between(0, 2000), plugs, gauge, noBareZero)
	TargetRangeAC     = datum[Quantity](KindDistance, GroupEV, "ev_target_range_charge_AC", "range at the AC limit", between(0, 2000), plugs, noBareZero)
	TargetRangeDC     = datum[Quantity](KindDistance, GroupEV, "ev_target_range_charge_DC", "range at the DC limit", between(0, 2000), plugs, noBareZero)
	ChargeTime        = datum[time.Duration](KindDuration, GroupEV, "ev_estimated_current_charge_duration", "until the limit, with this charger", between(0, week), in(Minute), plugs)
	ChargeTimeFast    = datum[time.Duration](KindDuration, GroupEV, "ev_estimated_fast_charge_duration", "until the limit, on a fast charger", between(0, week), in(Minute), plugs)
	ChargeTimePort    = datum[time.Duration](KindDuration, GroupEV, "ev_estimated_portable_charge_duration", "until the limit, on a portable charger", between(0, week), in(Minute), plugs)
	ChargeTimeAC      = datum[time.Duration](KindDuration, GroupEV, "ev_estimated_station_charge_duration", "until the limit, on an AC station", between(0, week), in(Minute), plugs)
	UseBatteryCooling = datum[Number](KindNumber, GroupEV, "ev_power_consumption_battery_cooling", "momentary use of battery cooling; unit unknown", plugs)
	UseBatteryHeater  = datum[Number](KindNumber, GroupEV, "ev_power_consumption_battery_heater", "momentary use of the battery heater; unit unknown", plugs)
	UseAirCondition   = datum[Number](KindNumber, GroupEV, "ev_power_consumption_air_conditioning", "momentary use of air conditioning; unit unknown", plugs)
	TotalConsumed     = datum[Quantity](KindEnergy, GroupEV, "total_power_consumed", "energy used in the last months, as the cloud sums them up; an old day falls out", between(0, 1e10), in(WattHour), counter, plugs)
	TotalRegenerated  = datum[Quantity](KindEnergy, GroupEV, "total_power_regenerated", "energy regained in the last months, in the same way", between(0, 1e10), in(WattHour), counter, plugs)
	Consumption30d    = datum[Quantity](KindConsumption, GroupEV, "power_consumption_30d", "use per distance over about 30 days", between(0, 5000), plugs)
)

// Schedules (docs/protocol/vehicle-model.md §2.9).
var (
	Departure1On        = datum[bool](KindFlag, GroupSchedule, "ev_first_departure_enabled", "first departure is on", plugs)
	Departure1Days      = datum[Days](KindDays, GroupSchedule, "ev_first_departure_days", "days of the first departure, 0 is Sunday", plugs)
	Departure1Time      = datum[TimeOfDay](KindTimeOfDay, GroupSchedule, "ev_first_departure_time", "time of the first departure", plugs)
	Departure1Climate   = datum[bool](KindFlag, GroupSchedule, "ev_first_departure_climate_enabled", "climate before the first departure", plugs)
	Departure1Temp      = datum[Quantity](KindTemperature, GroupSchedule, "ev_first_departure_climate_temperature", "temperature for the first departure", between(10, 95), plugs)
	Departure1Defrost   = datum[bool](KindFlag, GroupSchedule, "ev_first_departure_climate_defrost", "defrost before the first departure", plugs)
	Departure2On        = datum[bool](KindFlag, GroupSchedule, "ev_second_departure_enabled", "second departure is on", plugs)
	Departure2Days      = datum[Days](KindDays, GroupSchedule, "ev_second_departure_days", "days of the second departure, 0 is Sunday", plugs)
	Departure2Time      = datum[TimeOfDay](KindTimeOfDay, GroupSchedule, "ev_second_departure_time", "time of the second departure", plugs)
	Departure2Climate   = datum[bool](KindFlag, GroupSchedule, "ev_second_departure_climate_enabled", "climate before the second departure", plugs)
	Departure2Temp      = datum[Quantity](KindTemperature, GroupSchedule, "ev_second_departure_climate_temperature", "temperature for the second departure", between(10, 95), plugs)
	Departure2Defrost   = datum[bool](KindFlag, GroupSchedule, "ev_second_departure_climate_defrost", "defrost before the second departure", plugs)
	OffPeakStart        = datum[TimeOfDay](KindTimeOfDay, GroupSchedule, "ev_off_peak_start_time", "start of the cheap hours", plugs)
	OffPeakEnd          = datum[TimeOfDay](KindTimeOfDay, GroupSchedule, "ev_off_peak_end_time", "end of the cheap hours", plugs)
	OffPeakOnly         = datum[bool](KindFlag, GroupSchedule, "ev_off_peak_charge_only_enabled", "charge in the cheap hours only", plugs)
	ScheduledChargingOn = datum[bool](KindFlag, GroupSchedule, "ev_schedule_charge_enabled", "charging follows the schedule", plugs)
)
