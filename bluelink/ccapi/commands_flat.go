package ccapi

import (
	"fmt"
	"math"
	"time"

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
	minutes, err := minutesOf(start.Duration, usualMinutes)
	if err != nil {
		return nil, err
	}
	if !f.timed {
		minutes = 0
	}
	warm, err := heatingOf(start)
	if err != nil {
		return nil, err
	}
	if err := noSeats(start.FrontLeft, start.FrontRight, start.RearLeft, start.RearRight); err != nil {
		return nil, err
	}
	code := fmt.Sprintf("%02XH", int((celsius-f.lowest)*2))
	return flatClimate{Action: "start", Type: f.kind, Options: flatClimateOptions{start.Defrost.Value, warm.code(), minutes}, Code: code, Unit: "C"}, nil
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
		return 0, invalid("the temperature must be %g to %g °C, not %v", least, most, t.Value)
	}
	return celsius, nil
}

// halfDegrees rounds to half degrees Celsius.
func halfDegrees(t vehicle.Quantity) (celsius float64, ok bool) {
	q, ok := t.In(vehicle.Celsius)
	return math.RoundToEven(q.Value*2) / 2, ok
}

func minutesOf(d vehicle.Optional[time.Duration], usual int) (int, error) {
	if !d.Given {
		return usual, nil
	}
	if d.Value < time.Minute || d.Value > 30*time.Minute || d.Value%time.Minute != 0 {
		return 0, invalid("the duration must be 1 to 30 whole minutes, not %s", d.Value)
	}
	return int(d.Value / time.Minute), nil
}

// heating is what else than the air and the seats is warmed.
type heating struct {
	rear  bool // rear window, and mirrors where the car warms them together
	wheel int  // 0 off, 1 low, 2 high
	// wheelGiven tells an asked for 0 from none.
	wheelGiven bool
	// plain is the code 1, which means the same as 4 in some cars and less in others.
	plain bool
}

// heatingOf reads both ways in which heating is asked for: the code of docs/protocol/vehicle-model.md §4.2, and the
// steering wheel by itself, which goes before. The code does not say how warm the wheel shall be: low (assumed).
func heatingOf(start vehicle.ClimateStart) (h heating, err error) {
	code, wheel := start.Heating.Value, start.SteeringWheel
	if code < 0 || code > 4 {
		return h, invalid("the heating must be 0 to 4, not %d", code)
	}
	if wheel.Value < 0 || wheel.Value > 2 {
		return h, invalid("the steering wheel must be 0 to 2, not %d", wheel.Value)
	}
	h.rear, h.plain = code == 1 || code == 2 || code == 4, code == 1
	if code == 1 || code == 3 || code == 4 {
		h.wheel, h.wheelGiven = 1, true
	}
	if wheel.Given {
		h.wheel, h.wheelGiven = wheel.Value, true
	}
	return h, nil
}

// code is the one number that the flat form has for it.
func (h heating) code() int {
	switch warm := h.wheel > 0; {
	case h.rear && warm && h.plain:
		return 1
	case h.rear && warm:
		return 4
	case h.rear:
		return 2
	case warm:
		return 3
	}
	return 0
}
