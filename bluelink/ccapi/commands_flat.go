package ccapi

import (
	"fmt"
	"math"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/internal/want"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// Climate of cars of the flat form (docs/protocol/europe.md §6.1), and what both forms share of it. Neither can leave the
// air alone and warm only the rest: whether that is asked for is not sent.

type flatClimate struct {
	Action  string             `json:"action"`
	Type    int                `json:"hvacType"`
	Options flatClimateOptions `json:"options"`
	Code    string             `json:"tempCode"`
	Unit    string             `json:"unit"`
}

type flatClimateOptions struct {
	Defrost bool `json:"defrost"`
	Heating int  `json:"heating1"`
	Minutes int  `json:"igniOnDuration,omitempty"`
}

// What a start takes for what is not given (docs/protocol/europe.md §6.1).
const (
	usualCelsius = 21.0
	usualMinutes = 5
)

// flatStart starts the climate in the way of one region.
type flatStart struct {
	lowest, highest float64 // °C; code 00H and the last one
	kind            int     // hvacType
	timed           bool    // it says for how long; else the car decides
}

// body knows no seats, and the steering wheel only as on or off.
func (f flatStart) body(start vehicle.ClimateStart, _ order) (any, error) {
	celsius, err := celsiusOf(start.Temperature, f.lowest, f.highest)
	if err != nil {
		return nil, err
	}
	minutes, err := want.Minutes(start.Duration, usualMinutes, 30)
	if err != nil {
		return nil, err
	}
	if !f.timed {
		minutes = 0
	}
	warm, err := want.WarmthOf(start)
	if err != nil {
		return nil, err
	}
	if err := noSeats(start.FrontLeft, start.FrontRight, start.RearLeft, start.RearRight); err != nil {
		return nil, err
	}
	code := fmt.Sprintf("%02XH", int((celsius-f.lowest)*2))
	return flatClimate{Action: "start", Type: f.kind, Options: flatClimateOptions{start.Defrost.Value, warm.Code(), minutes}, Code: code, Unit: "C"}, nil
}

// noSeats refuses to warm or cool seats that cannot be reached.
func noSeats(seats ...vehicle.Optional[vehicle.Seat]) error {
	for _, seat := range seats {
		if seat.Or(vehicle.SeatOff) != vehicle.SeatOff {
			return unsupported("this car's seats cannot be set from afar")
		}
	}
	return nil
}

// flatClimateStop is always the same.
func flatClimateStop(vehicle.ClimateStop, order) (any, error) {
	return flatClimate{Action: "stop", Options: flatClimateOptions{Defrost: true, Heating: 1}, Code: "10H", Unit: "C"}, nil
}

// celsiusOf is the temperature in °C, to the half degree that cars can be set to, within what the form can say.
func celsiusOf(t vehicle.Optional[vehicle.Quantity], least, most float64) (float64, error) {
	if !t.Given {
		return usualCelsius, nil
	}
	celsius, ok := halfDegrees(t.Value)
	if !ok || !(celsius >= least && celsius <= most) {
		return 0, want.Invalid("the temperature must be %g to %g °C, not %v", least, most, t.Value)
	}
	return celsius, nil
}

// halfDegrees rounds to half degrees Celsius.
func halfDegrees(t vehicle.Quantity) (celsius float64, ok bool) {
	q, ok := t.In(vehicle.Celsius)
	return math.RoundToEven(q.Value*2) / 2, ok
}
