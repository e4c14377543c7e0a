package want_test

import (
	"errors"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/internal/want"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

func TestWarmth_OfEveryWayToAskForIt(t *testing.T) {
	for code := range 5 {
		for wheel := -1; wheel < 3; wheel++ {
			start := vehicle.ClimateStart{Heating: vehicle.Some(code)}
			if wheel >= 0 {
				start.SteeringWheel = vehicle.Some(wheel)
			}
			w, err := want.WarmthOf(start)
			if err != nil {
				t.Fatal(err)
			}
			rear, warm := code == 1 || code == 2 || code == 4, code == 1 || code == 3 || code == 4
			if wheel >= 0 {
				warm = wheel > 0
			}
			if w.Rear != rear || (w.Wheel > 0) != warm || w.WheelGiven != (wheel >= 0 || warm) || wheel < 0 && w.Code() != code {
				t.Errorf("code %d, wheel %d: %+v, code %d", code, wheel, w, w.Code())
			}
		}
	}
	for _, start := range []vehicle.ClimateStart{
		{Heating: vehicle.Some(5)}, {Heating: vehicle.Some(-1)}, {SteeringWheel: vehicle.Some(3)}, {SteeringWheel: vehicle.Some(-1)},
	} {
		if _, err := want.WarmthOf(start); !errors.Is(err, bluelink.ErrInvalidCommand) {
			t.Errorf("%+v: %v", start, err)
		}
	}
}

func TestMinutes_AreWholeAndWithinTheRange(t *testing.T) {
	for d, minutes := range map[time.Duration]int{time.Minute: 1, 10 * time.Minute: 10, 11 * time.Minute: 0, 0: 0, -time.Minute: 0, 90 * time.Second: 0} {
		got, err := want.Minutes(vehicle.Some(d), 5, 10)
		if got != minutes || (err == nil) != (minutes > 0) || err != nil && !errors.Is(err, bluelink.ErrInvalidCommand) {
			t.Errorf("%s: %d, %v", d, got, err)
		}
	}
	if got, err := want.Minutes(vehicle.Optional[time.Duration]{}, 5, 10); got != 5 || err != nil {
		t.Errorf("none given: %d, %v", got, err)
	}
}

func TestLimit_RepeatsWhatTheCarReportsAndGuessesNothing(t *testing.T) {
	none := vehicle.Optional[int]{}
	for _, test := range []struct {
		asked vehicle.Optional[int]
		known vehicle.Percent // 0 for nothing
		want  int             // 0 for a refusal
	}{
		{vehicle.Some(80), 0, 80}, {vehicle.Some(85), 0, 0}, {vehicle.Some(40), 90, 0}, {vehicle.Some(110), 90, 0}, {none, 90, 90}, {none, 85, 0}, {none, 0, 0},
	} {
		var r vehicle.Report
		if test.known != 0 {
			vehicle.LimitAC.Set(&r, test.known, "")
		}
		known, _, _ := vehicle.State{}.Apply(r, time.Now())
		got, err := want.Limit("AC", test.asked, vehicle.LimitAC, known)
		if got != test.want || (err == nil) != (test.want != 0) || err != nil && !errors.Is(err, bluelink.ErrInvalidCommand) {
			t.Errorf("%+v: %d, %v", test, got, err)
		}
	}
}
