package kiaus

import (
	"math"
	"strconv"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
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
	minutes, err := minutesOf(start.Duration)
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
		return "", invalid("the temperature must be 57 to 86 °F, not %v", t.Value)
	case degrees < lowestF:
		return "LOW", nil
	case degrees > highestF:
		return "HIGH", nil
	}
	return strconv.Itoa(int(degrees)), nil
}

func minutesOf(d vehicle.Optional[time.Duration]) (int, error) {
	if !d.Given {
		return usualMinutes, nil
	}
	if d.Value < time.Minute || d.Value > 30*time.Minute || d.Value%time.Minute != 0 {
		return 0, invalid("the duration must be 1 to 30 whole minutes, not %s", d.Value)
	}
	return int(d.Value / time.Minute), nil
}

// heatingOf reads both ways in which heating is asked for: the code of docs/protocol/vehicle-model.md §4.2, and the
// steering wheel by itself, which goes before. The code does not say how warm the wheel shall be: low (assumed).
func heatingOf(start vehicle.ClimateStart) (h accessories, err error) {
	code, wheel := start.Heating.Value, start.SteeringWheel
	if code < 0 || code > 4 {
		return h, invalid("the heating must be 0 to 4, not %d", code)
	}
	if wheel.Value < 0 || wheel.Value > 2 {
		return h, invalid("the steering wheel must be 0 to 2, not %d", wheel.Value)
	}
	if code == 1 || code == 2 || code == 4 {
		h.Rear = 1
	}
	if code == 1 || code == 4 {
		h.Mirror = 1
	}
	if code == 1 || code == 3 || code == 4 {
		h.Step = 1
	}
	if wheel.Given {
		h.Step = wheel.Value
	}
	h.Wheel = min(h.Step, 1)
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
