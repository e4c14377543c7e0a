package kiaus

import (
	"math"
	"strconv"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/internal/want"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// The range of temperatures in °F; LOW and HIGH are the words for what lies beyond it (docs/protocol/usa-kia.md §6.1).
const (
	lowestF  = 62
	highestF = 82
)

// What a start takes for what is not given.
const (
	usualF       = 70
	usualMinutes = 5
)

// climateBody is the body of rems/start. Whatever stands outside of remoteClimate is refused (§6.1).
type climateBody struct {
	Climate remoteClimate `json:"remoteClimate"`
}

type remoteClimate struct {
	Air      temperature `json:"airTemp"`
	Control  bool        `json:"airCtrl"`
	Defrost  bool        `json:"defrost"`
	Heating  accessories `json:"heatingAccessory"`
	Duration timer       `json:"ignitionOnDuration"`
	Seats    *seatsBody  `json:"heatVentSeat,omitempty"`
}

type temperature struct {
	Unit  int    `json:"unit"` // 1 is °F
	Value string `json:"value"`
}

// accessories are 0 or 1; a wheel with several levels ignores what comes without its step, 0 off, 1 low, 2 high
// (HKCA#700).
type accessories struct {
	Rear   int `json:"rearWindow"`
	Mirror int `json:"sideMirror"`
	Wheel  int `json:"steeringWheel"`
	Step   int `json:"steeringWheelStep"`
}

type timer struct {
	Unit  int `json:"unit"` // 4 is minutes
	Value int `json:"value"`
}

// seatsBody holds all seats, when any is asked for. Cars without such seats refuse the whole command because of it.
type seatsBody struct {
	Driver    seatBody `json:"driverSeat"`
	Passenger seatBody `json:"passengerSeat"`
	RearLeft  seatBody `json:"rearLeftSeat"`
	RearRight seatBody `json:"rearRightSeat"`
}

type seatBody struct {
	Type  int `json:"heatVentType"` // 0 nothing, 1 heat, 2 cool
	Level int `json:"heatVentLevel"`
	Step  int `json:"heatVentStep"`
}

// climateStart builds the body (docs/protocol/usa-kia.md §6.1).
func climateStart(_ bluelink.Ask, start vehicle.ClimateStart) (any, error) {
	air, err := fahrenheitOf(start.Temperature)
	if err != nil {
		return nil, err
	}
	minutes, err := want.Minutes(start.Duration, usualMinutes, 30)
	if err != nil {
		return nil, err
	}
	heating, err := heatingOf(start)
	if err != nil {
		return nil, err
	}
	return climateBody{remoteClimate{
		Air: temperature{1, air}, Control: start.Climate.Or(true), Defrost: start.Defrost.Value, Heating: heating,
		Duration: timer{4, minutes}, Seats: seatsOf(start),
	}}, nil
}

// fahrenheitOf is the temperature in whole °F.
func fahrenheitOf(t vehicle.Optional[vehicle.Quantity]) (string, error) {
	q, ok := t.Or(vehicle.Quantity{Value: usualF, Unit: vehicle.Fahrenheit}).In(vehicle.Fahrenheit)
	degrees := math.Round(q.Value)
	switch {
	case !ok || !(degrees >= 57 && degrees <= 86):
		return "", want.Invalid("the temperature must be 57 to 86 °F, not %v", t.Value)
	case degrees < lowestF:
		return "LOW", nil
	case degrees > highestF:
		return "HIGH", nil
	}
	return strconv.Itoa(int(degrees)), nil
}

// heatingOf is what else is warmed. The mirrors are where the wheel is too (docs/protocol/usa-kia.md §6.1).
func heatingOf(start vehicle.ClimateStart) (h accessories, err error) {
	warm, err := want.WarmthOf(start)
	if err != nil {
		return h, err
	}
	if warm.Rear {
		h.Rear = 1
	}
	if code := start.Heating.Value; code == 1 || code == 4 {
		h.Mirror = 1
	}
	h.Wheel, h.Step = min(warm.Wheel, 1), warm.Wheel
	return h, nil
}

// seatsOf are the seats that are asked for, the others off; nil when none is.
func seatsOf(start vehicle.ClimateStart) *seatsBody {
	if !start.FrontLeft.Given && !start.FrontRight.Given && !start.RearLeft.Given && !start.RearRight.Given {
		return nil
	}
	return &seatsBody{seatOf(start.FrontLeft), seatOf(start.FrontRight), seatOf(start.RearLeft), seatOf(start.RearRight)}
}

// seatOf is docs/protocol/usa-kia.md §6.2: the level counts from 2, low, to 4, high, and the step the other way.
func seatOf(asked vehicle.Optional[vehicle.Seat]) seatBody {
	switch asked.Or(vehicle.SeatOff) {
	case vehicle.SeatHighHeat, vehicle.SeatOn:
		return seatBody{1, 4, 1}
	case vehicle.SeatMediumHeat:
		return seatBody{1, 3, 2}
	case vehicle.SeatLowHeat:
		return seatBody{1, 2, 3}
	case vehicle.SeatHighCool:
		return seatBody{2, 4, 1}
	case vehicle.SeatMediumCool:
		return seatBody{2, 3, 2}
	case vehicle.SeatLowCool:
		return seatBody{2, 2, 3}
	case vehicle.SeatOff:
	}
	return seatBody{0, 1, 0}
}
