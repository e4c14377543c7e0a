package hass

import "github.com/bluelink2mqtt/bluelink2mqtt/vehicle"

// words are what Home Assistant calls a thing. What is empty is left out; of an exception it leaves the kind's word.
type words struct {
	class    string // device_class; none takes the kind's away
	state    string // state_class; the same
	unit     string // where it is not the topic's own
	icon     string
	category string // diagnostic or config
	digits   digits
	off      bool // not enabled until somebody wants it
}

// none takes away what the kind says.
const none = "-"

// The categories of entities.
const (
	diagnostic = "diagnostic"
	config     = "config"
)

// The state classes.
const (
	measurement = "measurement"
	rising      = "total_increasing" // of a meter: a fall is taken for a new one, and all that it shows is counted again
	sum         = "total"            // of what may fall as well
)

// digits is how many decimals are shown.
type digits uint8

const (
	anyDigits digits = iota
	integer
	tenths
	hundredths
)

// kinds are the words of each kind of data point. Units are the topic's own, unless a word stands here.
var kinds = [...]words{
	vehicle.KindFlag:        {},
	vehicle.KindPercent:     {state: measurement, digits: integer},
	vehicle.KindNumber:      {},
	vehicle.KindDistance:    {class: "distance", state: measurement, digits: integer},
	vehicle.KindTemperature: {class: "temperature", state: measurement, digits: tenths},
	vehicle.KindPressure:    {class: "pressure", state: measurement, digits: tenths},
	vehicle.KindEnergy:      {class: "energy_storage", state: measurement, unit: "kWh", digits: tenths},
	vehicle.KindConsumption: {class: "energy_distance", state: measurement, digits: tenths},
	vehicle.KindPower:       {class: "power", state: measurement, digits: tenths},
	vehicle.KindVoltage:     {class: "voltage", state: measurement, digits: integer},
	vehicle.KindRotation:    {state: measurement, digits: integer},
	vehicle.KindSpeed:       {class: "speed", state: measurement, digits: integer},
	vehicle.KindAngle:       {unit: "°", digits: integer},
	vehicle.KindAltitude:    {class: "distance", state: measurement, digits: integer},
	vehicle.KindDuration:    {class: "duration", state: measurement, digits: integer},
	vehicle.KindTime:        {class: "timestamp"},
	vehicle.KindTimeOfDay:   {icon: "mdi:clock-outline"},
	vehicle.KindDays:        {icon: "mdi:calendar-week"},
	vehicle.KindText:        {},
	vehicle.KindSeat:        {class: "enum", icon: "mdi:car-seat-heater"},
	vehicle.KindOpening:     {class: "enum", icon: "mdi:car-door"},
	vehicle.KindPlug:        {class: "enum", icon: "mdi:ev-plug-type2"},
	vehicle.KindStats:       {icon: "mdi:chart-bar"},
	vehicle.KindMonth:       {icon: "mdi:calendar-month"},
	vehicle.KindDay:         {icon: "mdi:calendar-today"},
}

// problem is a warning of the car that belongs among the diagnostics.
var problem = words{class: "problem", category: diagnostic}

// lamp is the fault of a lamp, of which there are many and hardly ever one.
var lamp = words{class: "problem", category: diagnostic, off: true}

// exceptions are the words of data points where the kind does not say enough.
var exceptions = map[*vehicle.Datum]words{
	// The car as a whole.
	vehicle.LastUpdatedAt.Datum:      {category: diagnostic},
	vehicle.TotalRange.Datum:         {icon: "mdi:road-variant"},
	vehicle.Odometer.Datum:           {state: rising, icon: "mdi:counter"},
	vehicle.Geocode.Datum:            {icon: "mdi:map-marker", off: true},
	vehicle.Battery12V.Datum:         {icon: "mdi:car-battery", category: diagnostic},
	vehicle.EngineRunning.Datum:      {class: "running"},
	vehicle.DTCCount.Datum:           {state: measurement, icon: "mdi:car-wrench", category: diagnostic},
	vehicle.DTCDescriptions.Datum:    {icon: "mdi:car-wrench", category: diagnostic},
	vehicle.KeyBatteryLow.Datum:      {class: "battery", category: diagnostic},
	vehicle.WasherFluidLow.Datum:     problem,
	vehicle.BrakeFluidLow.Datum:      problem,
	vehicle.OilLevelLow.Datum:        problem,
	vehicle.AuxBatteryFault.Datum:    problem,
	vehicle.OutsideTemperature.Datum: {},
	vehicle.AccessoryOn.Datum:        {class: "power", category: diagnostic},
	vehicle.Ignition3.Datum:          {icon: "mdi:key-variant", category: diagnostic},
	vehicle.SleepMode.Datum:          {icon: "mdi:sleep", category: diagnostic},
	vehicle.RemoteIgnition.Datum:     {icon: "mdi:remote", category: diagnostic},
	vehicle.Transmission.Datum:       {icon: "mdi:car-shift-pattern", category: diagnostic},
	vehicle.DriveMode.Datum:          {icon: "mdi:steering", category: diagnostic},

	// Climate.
	vehicle.AirTemperature.Datum:   {state: none},
	vehicle.AirControl.Datum:       {class: "running", category: diagnostic},
	vehicle.Defrost.Datum:          {icon: "mdi:car-defrost-front", category: diagnostic},
	vehicle.SteeringHeater.Datum:   {class: "heat", icon: "mdi:steering", category: diagnostic},
	vehicle.RearHeater.Datum:       {class: "heat", icon: "mdi:car-defrost-rear", category: diagnostic},
	vehicle.MirrorHeater.Datum:     {class: "heat", icon: "mdi:mirror-rectangle", category: diagnostic},
	vehicle.SeatFrontLeft.Datum:    {category: diagnostic},
	vehicle.SeatFrontRight.Datum:   {category: diagnostic},
	vehicle.SeatRearLeft.Datum:     {category: diagnostic},
	vehicle.SeatRearRight.Datum:    {category: diagnostic},
	vehicle.HeaterFrontLeft.Datum:  {class: "heat", category: diagnostic, off: true},
	vehicle.HeaterFrontRight.Datum: {class: "heat", category: diagnostic, off: true},
	vehicle.HeaterRearLeft.Datum:   {class: "heat", category: diagnostic, off: true},
	vehicle.HeaterRearRight.Datum:  {class: "heat", category: diagnostic, off: true},

	// Doors and windows. A lock's on is unlocked; data.go turns it round.
	vehicle.Locked.Datum:           {class: "lock"},
	vehicle.LockedFrontLeft.Datum:  {class: "lock", category: diagnostic, off: true},
	vehicle.LockedFrontRight.Datum: {class: "lock", category: diagnostic, off: true},
	vehicle.LockedBackLeft.Datum:   {class: "lock", category: diagnostic, off: true},
	vehicle.LockedBackRight.Datum:  {class: "lock", category: diagnostic, off: true},
	vehicle.DoorFrontLeft.Datum:    {class: "door"},
	vehicle.DoorFrontRight.Datum:   {class: "door"},
	vehicle.DoorBackLeft.Datum:     {class: "door"},
	vehicle.DoorBackRight.Datum:    {class: "door"},
	vehicle.Trunk.Datum:            {class: "opening", icon: "mdi:car-back"},
	vehicle.Hood.Datum:             {class: "opening", icon: "mdi:car"},
	vehicle.ValetMode.Datum:        {icon: "mdi:account-key", category: diagnostic},
	vehicle.WindowFrontLeft.Datum:  {class: "window"},
	vehicle.WindowFrontRight.Datum: {class: "window"},
	vehicle.WindowBackLeft.Datum:   {class: "window"},
	vehicle.WindowBackRight.Datum:  {class: "window"},
	vehicle.Sunroof.Datum:          {class: "window"},
	vehicle.LevelFrontLeft.Datum:   {category: diagnostic, off: true},
	vehicle.LevelFrontRight.Datum:  {category: diagnostic, off: true},
	vehicle.LevelBackLeft.Datum:    {category: diagnostic, off: true},
	vehicle.LevelBackRight.Datum:   {category: diagnostic, off: true},

	// Tyres and lamps.
	vehicle.TireWarning.Datum:           problem,
	vehicle.TireWarningFrontLeft.Datum:  problem,
	vehicle.TireWarningFrontRight.Datum: problem,
	vehicle.TireWarningRearLeft.Datum:   problem,
	vehicle.TireWarningRearRight.Datum:  problem,
	vehicle.HeadLamp.Datum:              problem,
	vehicle.HeadLampLeftLow.Datum:       lamp,
	vehicle.HeadLampRightLow.Datum:      lamp,
	vehicle.HeadLampLeftHigh.Datum:      lamp,
	vehicle.HeadLampRightHigh.Datum:     lamp,
	vehicle.HeadLampLeftBi.Datum:        lamp,
	vehicle.HeadLampRightBi.Datum:       lamp,
	vehicle.StopLampLeft.Datum:          lamp,
	vehicle.StopLampRight.Datum:         lamp,
	vehicle.TurnLeftFront.Datum:         lamp,
	vehicle.TurnRightFront.Datum:        lamp,
	vehicle.TurnLeftRear.Datum:          lamp,
	vehicle.TurnRightRear.Datum:         lamp,

	// Service, place and fuel.
	vehicle.NextService.Datum:       {state: none, icon: "mdi:car-wrench", category: diagnostic},
	vehicle.LastService.Datum:       {state: none, icon: "mdi:car-wrench", category: diagnostic},
	vehicle.LocationUpdatedAt.Datum: {category: diagnostic},
	vehicle.Heading.Datum:           {icon: "mdi:compass", category: diagnostic, off: true},
	vehicle.Altitude.Datum:          {icon: "mdi:image-filter-hdr", category: diagnostic, off: true},
	vehicle.Speed.Datum:             {category: diagnostic, off: true},
	vehicle.FuelRange.Datum:         {icon: "mdi:gas-station"},
	vehicle.FuelLevel.Datum:         {icon: "mdi:gas-station"},
	vehicle.FuelLow.Datum:           {class: "problem", icon: "mdi:gas-station-off"},

	// The traction battery.
	vehicle.SoC.Datum:             {class: "battery"},
	vehicle.SoH.Datum:             {icon: "mdi:battery-heart-variant", category: diagnostic},
	vehicle.BatteryCapacity.Datum: {category: diagnostic},
	vehicle.PackVoltage.Datum:     {category: diagnostic, off: true},
	vehicle.ChillerRPM.Datum:      {icon: "mdi:fan", category: diagnostic, off: true},
	vehicle.BatteryHeating.Datum:  {class: "heat", category: diagnostic},
	vehicle.WinterMode.Datum:      {icon: "mdi:snowflake", category: diagnostic},
	vehicle.CoolantTemp.Datum:     {category: diagnostic},
	vehicle.BatteryTempMin.Datum:  {category: diagnostic},
	vehicle.BatteryTempMax.Datum:  {category: diagnostic},
	vehicle.PreconditionOn.Datum:  {icon: "mdi:battery-heart", category: diagnostic},
	vehicle.Charging.Datum:        {class: "battery_charging"},
	vehicle.PluggedIn.Datum:       {class: "plug"},

	// Charging and driving.
	vehicle.ChargePortOpen.Datum:    {class: "door", icon: "mdi:ev-plug-type2"},
	vehicle.LimitAC.Datum:           {icon: "mdi:battery-charging-80"},
	vehicle.LimitDC.Datum:           {icon: "mdi:battery-charging-80"},
	vehicle.ChargingCurrent.Datum:   {icon: "mdi:current-ac"},
	vehicle.V2LLimit.Datum:          {icon: "mdi:battery-arrow-down"},
	vehicle.V2L.Datum:               {class: "power"},
	vehicle.V2X.Datum:               {class: "power"},
	vehicle.EVRange.Datum:           {icon: "mdi:road-variant"},
	vehicle.TargetRangeAC.Datum:     {icon: "mdi:road-variant", category: diagnostic, off: true},
	vehicle.TargetRangeDC.Datum:     {icon: "mdi:road-variant", category: diagnostic, off: true},
	vehicle.ChargeTime.Datum:        {icon: "mdi:timer-outline"},
	vehicle.ChargeTimeFast.Datum:    {icon: "mdi:timer-outline", off: true},
	vehicle.ChargeTimePort.Datum:    {icon: "mdi:timer-outline", off: true},
	vehicle.ChargeTimeAC.Datum:      {icon: "mdi:timer-outline", off: true},
	vehicle.UseBatteryCooling.Datum: {state: measurement, icon: "mdi:fan", category: diagnostic, off: true},
	vehicle.UseBatteryHeater.Datum:  {state: measurement, icon: "mdi:heating-coil", category: diagnostic, off: true},
	vehicle.UseAirCondition.Datum:   {state: measurement, icon: "mdi:air-conditioner", category: diagnostic, off: true},
	// Sums over the last months, from which an old day falls out each day (seen in Europe).
	vehicle.TotalConsumed.Datum:    {class: "energy", state: sum, icon: "mdi:lightning-bolt"},
	vehicle.TotalRegenerated.Datum: {class: "energy", state: sum, icon: "mdi:recycle"},
	vehicle.Consumption30d.Datum:   {icon: "mdi:lightning-bolt"},

	// Schedules.
	vehicle.Departure1On.Datum:        {icon: "mdi:calendar-check"},
	vehicle.Departure1Days.Datum:      {category: diagnostic},
	vehicle.Departure1Climate.Datum:   {icon: "mdi:air-conditioner"},
	vehicle.Departure1Temp.Datum:      {category: diagnostic},
	vehicle.Departure1Defrost.Datum:   {icon: "mdi:car-defrost-front"},
	vehicle.Departure2On.Datum:        {icon: "mdi:calendar-check"},
	vehicle.Departure2Days.Datum:      {category: diagnostic},
	vehicle.Departure2Climate.Datum:   {icon: "mdi:air-conditioner"},
	vehicle.Departure2Temp.Datum:      {category: diagnostic},
	vehicle.Departure2Defrost.Datum:   {icon: "mdi:car-defrost-front"},
	vehicle.OffPeakOnly.Datum:         {icon: "mdi:clock-check-outline"},
	vehicle.ScheduledChargingOn.Datum: {icon: "mdi:calendar-clock"},
}

// over lays the words of an exception over those of the kind.
func (w words) over(kind words) words {
	pick := func(own, common string) string {
		switch own {
		case "":
			return common
		case none:
			return ""
		}
		return own
	}
	w.class, w.state, w.unit = pick(w.class, kind.class), pick(w.state, kind.state), pick(w.unit, kind.unit)
	w.icon, w.category = pick(w.icon, kind.icon), pick(w.category, kind.category)
	if w.digits == anyDigits {
		w.digits = kind.digits
	}
	return w
}

// fields are the words as keys of a component; unit is the topic's own.
func (w words) fields(unit string) []field {
	var all []field
	add := func(key, value string) {
		if value != "" {
			all = append(all, field{key, value})
		}
	}
	add("device_class", w.class)
	add("state_class", w.state)
	add("unit_of_measurement", unit)
	if w.digits != anyDigits && unit != "" {
		all = append(all, field{"suggested_display_precision", int(w.digits - integer)})
	}
	add("entity_category", w.category)
	add("icon", w.icon)
	if w.off {
		all = append(all, field{"enabled_by_default", false})
	}
	return all
}
