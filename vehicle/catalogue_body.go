package vehicle

// Climate and seats (docs/protocol/vehicle-model.md §2.3).
var (
	AirTemperature   = datum[Quantity](KindTemperature, GroupClimate, "air_temperature", "temperature that is set", between(10, 95))
	AirControl       = datum[bool](KindFlag, GroupClimate, "air_control_is_on", "climate is on")
	Defrost          = datum[bool](KindFlag, GroupClimate, "defrost_is_on", "front defrost is on")
	SteeringHeater   = datum[bool](KindFlag, GroupClimate, "steering_wheel_heater_is_on", "steering wheel heater is on")
	RearHeater       = datum[bool](KindFlag, GroupClimate, "back_window_heater_is_on", "rear window heater is on")
	MirrorHeater     = datum[bool](KindFlag, GroupClimate, "side_mirror_heater_is_on", "mirror heaters are on")
	SeatFrontLeft    = datum[Seat](KindSeat, GroupClimate, "front_left_seat_status", "front left seat")
	SeatFrontRight   = datum[Seat](KindSeat, GroupClimate, "front_right_seat_status", "front right seat")
	SeatRearLeft     = datum[Seat](KindSeat, GroupClimate, "rear_left_seat_status", "rear left seat")
	SeatRearRight    = datum[Seat](KindSeat, GroupClimate, "rear_right_seat_status", "rear right seat")
	HeaterFrontLeft  = datum[bool](KindFlag, GroupClimate, "front_left_seat_heater_is_on", "front left seat heats (USA Kia)")
	HeaterFrontRight = datum[bool](KindFlag, GroupClimate, "front_right_seat_heater_is_on", "front right seat heats (USA Kia)")
	HeaterRearLeft   = datum[bool](KindFlag, GroupClimate, "rear_left_seat_heater_is_on", "rear left seat heats (USA Kia)")
	HeaterRearRight  = datum[bool](KindFlag, GroupClimate, "rear_right_seat_heater_is_on", "rear right seat heats (USA Kia)")
)

// Doors (docs/protocol/vehicle-model.md §2.4).
var (
	Locked           = datum[bool](KindFlag, GroupDoors, "is_locked", "all doors are locked")
	LockedFrontLeft  = datum[bool](KindFlag, GroupDoors, "front_left_door_is_locked", "front left door is locked")
	LockedFrontRight = datum[bool](KindFlag, GroupDoors, "front_right_door_is_locked", "front right door is locked")
	LockedBackLeft   = datum[bool](KindFlag, GroupDoors, "back_left_door_is_locked", "back left door is locked")
	LockedBackRight  = datum[bool](KindFlag, GroupDoors, "back_right_door_is_locked", "back right door is locked")
	DoorFrontLeft    = datum[bool](KindFlag, GroupDoors, "front_left_door_is_open", "front left door is open")
	DoorFrontRight   = datum[bool](KindFlag, GroupDoors, "front_right_door_is_open", "front right door is open")
	DoorBackLeft     = datum[bool](KindFlag, GroupDoors, "back_left_door_is_open", "back left door is open")
	DoorBackRight    = datum[bool](KindFlag, GroupDoors, "back_right_door_is_open", "back right door is open")
	Trunk            = datum[bool](KindFlag, GroupDoors, "trunk_is_open", "trunk is open")
	Hood             = datum[bool](KindFlag, GroupDoors, "hood_is_open", "hood is open")
	ValetMode        = datum[bool](KindFlag, GroupDoors, "valet_mode_active", "valet mode is on")
)

// Windows (docs/protocol/vehicle-model.md §2.4). The levels are rows of our own: only cars that tell a vented window from
// an open one fill them.
var (
	WindowFrontLeft  = datum[bool](KindFlag, GroupWindows, "front_left_window_is_open", "front left window is not closed")
	WindowFrontRight = datum[bool](KindFlag, GroupWindows, "front_right_window_is_open", "front right window is not closed")
	WindowBackLeft   = datum[bool](KindFlag, GroupWindows, "back_left_window_is_open", "back left window is not closed")
	WindowBackRight  = datum[bool](KindFlag, GroupWindows, "back_right_window_is_open", "back right window is not closed")
	Sunroof          = datum[bool](KindFlag, GroupWindows, "sunroof_is_open", "sunroof is open")
	LevelFrontLeft   = datum[Opening](KindOpening, GroupWindows, "front_left_window_level", "front left window: closed, open or vented")
	LevelFrontRight  = datum[Opening](KindOpening, GroupWindows, "front_right_window_level", "front right window: closed, open or vented")
	LevelBackLeft    = datum[Opening](KindOpening, GroupWindows, "back_left_window_level", "back left window: closed, open or vented")
	LevelBackRight   = datum[Opening](KindOpening, GroupWindows, "back_right_window_level", "back right window: closed, open or vented")
)

// Tyres (docs/protocol/vehicle-model.md §2.5). The bounds are in kPa; they keep out the 255 of a
// tyre that has not reported where it reaches us in psi or bar.
var (
	TireWarning           = datum[bool](KindFlag, GroupTires, "tire_pressure_all_warning_is_on", "pressure of any tyre is low")
	TireWarningFrontLeft  = datum[bool](KindFlag, GroupTires, "tire_pressure_front_left_warning_is_on", "pressure of the front left tyre is low")
	TireWarningFrontRight = datum[bool](KindFlag, GroupTires, "tire_pressure_front_right_warning_is_on", "pressure of the front right tyre is low")
	TireWarningRearLeft   = datum[bool](KindFlag, GroupTires, "tire_pressure_rear_left_warning_is_on", "pressure of the rear left tyre is low")
	TireWarningRearRight  = datum[bool](KindFlag, GroupTires, "tire_pressure_rear_right_warning_is_on", "pressure of the rear right tyre is low")
	TireFrontLeft         = datum[Quantity](KindPressure, GroupTires, "tire_pressure_front_left", "pressure of the front left tyre", between(0, 1000))
	TireFrontRight        = datum[Quantity](KindPressure, GroupTires, "tire_pressure_front_right", "pressure of the front right tyre", between(0, 1000))
	TireRearLeft          = datum[Quantity](KindPressure, GroupTires, "tire_pressure_rear_left", "pressure of the rear left tyre", between(0, 1000))
	TireRearRight         = datum[Quantity](KindPressure, GroupTires, "tire_pressure_rear_right", "pressure of the rear right tyre", between(0, 1000))
	TireUnit              = datum[Number](KindNumber, GroupTires, "tire_pressure_unit", "unit chosen in the car: 0 psi, 1 kPa, 2 bar", between(0, 2))
)

// Lamps (docs/protocol/vehicle-model.md §2.6); true is a fault.
var (
	HeadLamp          = datum[bool](KindFlag, GroupLights, "headlamp_status", "fault of the head lamps")
	HeadLampLeftLow   = datum[bool](KindFlag, GroupLights, "headlamp_left_low", "fault of the left low beam")
	HeadLampRightLow  = datum[bool](KindFlag, GroupLights, "headlamp_right_low", "fault of the right low beam")
	HeadLampLeftHigh  = datum[bool](KindFlag, GroupLights, "headlamp_left_high", "fault of the left high beam")
	HeadLampRightHigh = datum[bool](KindFlag, GroupLights, "headlamp_right_high", "fault of the right high beam")
	HeadLampLeftBi    = datum[bool](KindFlag, GroupLights, "headlamp_left_bifunc", "fault of the left bi-function lamp")
	HeadLampRightBi   = datum[bool](KindFlag, GroupLights, "headlamp_right_bifunc", "fault of the right bi-function lamp")
	StopLampLeft      = datum[bool](KindFlag, GroupLights, "stop_lamp_left", "fault of the left stop lamp")
	StopLampRight     = datum[bool](KindFlag, GroupLights, "stop_lamp_right", "fault of the right stop lamp")
	TurnLeftFront     = datum[bool](KindFlag, GroupLights, "turn_signal_left_front", "fault of the left front turn signal")
	TurnRightFront    = datum[bool](KindFlag, GroupLights, "turn_signal_right_front", "fault of the right front turn signal")
	TurnLeftRear      = datum[bool](KindFlag, GroupLights, "turn_signal_left_rear", "fault of the left rear turn signal")
	TurnRightRear     = datum[bool](KindFlag, GroupLights, "turn_signal_right_rear", "fault of the right rear turn signal")
)

// Combustion (docs/protocol/vehicle-model.md §2.10).
var (
	FuelRange = datum[Quantity](KindDistance, GroupEngine, "fuel_driving_range", "range on fuel", between(0, 5000), burns, gauge, noBareZero)
	FuelLevel = datum[Percent](KindPercent, GroupEngine, "fuel_level", "fuel in the tank", between(0, 100), in(Percentage), burns, gauge)
	FuelLow   = datum[bool](KindFlag, GroupEngine, "fuel_level_is_low", "fuel is low", burns)
)
