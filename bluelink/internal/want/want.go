// Package want reads what a command wants, as far as all clouds understand the same by it. What a cloud is then sent stands in
// the families.
package want

import (
	"fmt"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// Invalid says that a command makes no sense, in words for its sender.
func Invalid(format string, args ...any) error {
	return &bluelink.Error{Text: fmt.Sprintf(format, args...), Err: bluelink.ErrInvalidCommand}
}

// Minutes is a duration in whole minutes, the usual one when none is given.
func Minutes(d vehicle.Optional[time.Duration], usual, most int) (int, error) {
	if !d.Given {
		return usual, nil
	}
	if d.Value < time.Minute || d.Value > time.Duration(most)*time.Minute || d.Value%time.Minute != 0 {
		return 0, Invalid("the duration must be 1 to %d whole minutes, not %s", most, d.Value)
	}
	return int(d.Value / time.Minute), nil
}

// Limit is a charge limit where the cloud takes both together: one that is not given is repeated as the car reports it. What
// the car has not reported is not guessed.
func Limit(name string, asked vehicle.Optional[int], p vehicle.Point[vehicle.Percent], known vehicle.State) (int, error) {
	allowed := func(n float64) bool { return n == 50 || n == 60 || n == 70 || n == 80 || n == 90 || n == 100 }
	if asked.Given {
		if !allowed(float64(asked.Value)) {
			return 0, Invalid("the %s limit must be 50 to 100 %% in steps of 10, not %d %%", name, asked.Value)
		}
		return asked.Value, nil
	}
	is, ok := p.Of(known)
	switch {
	case !ok:
		return 0, Invalid("both limits go together, and what the car's %s limit is now is not known; give both", name)
	case !allowed(float64(is)):
		return 0, Invalid("both limits go together, and the car's %s limit of %g %% cannot be repeated; give both", name, float64(is))
	}
	return int(is), nil
}

// Warmth is what else than the air and the seats is to be warmed.
type Warmth struct {
	Rear  bool // rear window, and mirrors where the car warms them together
	Wheel int  // 0 off, 1 low, 2 high
	// WheelGiven tells an asked for 0 from none.
	WheelGiven bool
	// plain is the code 1, which means the same as 4 in some cars and less in others.
	plain bool
}

// WarmthOf reads both ways in which heating is asked for: the code of docs/protocol/vehicle-model.md §4.2, and the steering
// wheel by itself, which goes before. The code does not say how warm the wheel shall be: low (assumed).
func WarmthOf(start vehicle.ClimateStart) (w Warmth, err error) {
	code, wheel := start.Heating.Value, start.SteeringWheel
	if code < 0 || code > 4 {
		return w, Invalid("the heating must be 0 to 4, not %d", code)
	}
	if wheel.Value < 0 || wheel.Value > 2 {
		return w, Invalid("the steering wheel must be 0 to 2, not %d", wheel.Value)
	}
	w.Rear, w.plain = code == 1 || code == 2 || code == 4, code == 1
	if code == 1 || code == 3 || code == 4 {
		w.Wheel, w.WheelGiven = 1, true
	}
	if wheel.Given {
		w.Wheel, w.WheelGiven = wheel.Value, true
	}
	return w, nil
}

// Code is the one number that most clouds have for it.
func (w Warmth) Code() int {
	switch warm := w.Wheel > 0; {
	case w.Rear && warm && w.plain:
		return 1
	case w.Rear && warm:
		return 4
	case w.Rear:
		return 2
	case warm:
		return 3
	}
	return 0
}
