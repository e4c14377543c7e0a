package ccapi

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/sim"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// TestSend_ScheduleOfTwoPartsWaitsForTheFirst commands a car whose schedule takes two calls.
func TestSend_ScheduleOfTwoPartsWaitsForTheFirst(t *testing.T) {
	schedule := vehicle.Schedule{
		Departures: [2]vehicle.Departure{{Enabled: true, Days: vehicle.Days{time.Monday}, Time: vehicle.TimeOfDay{Hour: 7}}},
		Charging:   true, Temperature: vehicle.Quantity{Value: 70, Unit: vehicle.Fahrenheit},
	}
	for _, test := range []struct {
		name, fault string
		deadline    time.Duration
		err         error // nil when it succeeds
		maybe       bool
		accepted    int
		from, to    time.Duration
	}{
		{name: "well", accepted: 2, from: 3 * time.Second, to: 20 * time.Second},
		{name: "the first stays pending though done", fault: "action=pending,path=*/reservation/charge", accepted: 2, from: time.Minute, to: 70 * time.Second},
		{name: "the first has no record", fault: "action=unrecorded,path=*/reservation/charge", accepted: 2, from: europe.recordDelay, to: 25 * time.Second},
		{name: "the car refuses the first", fault: "action=fail,path=*/reservation/charge", err: bluelink.ErrRefused, accepted: 1, to: 20 * time.Second},
		{name: "the car does not hear the first", fault: "action=non-response,path=*/reservation/charge", err: bluelink.ErrVehicleUnreachable, maybe: true, accepted: 1, to: 20 * time.Second},
		{name: "the first is refused", fault: "duplicate,path=*/reservation/charge", err: bluelink.ErrBusy, accepted: 0},
		{name: "the second is refused", fault: "duplicate,path=*/reservation/hvac", err: bluelink.ErrBusy, maybe: true, accepted: 1, to: 20 * time.Second},
		{name: "the second gets lost", fault: "reset,path=*/reservation/hvac", err: bluelink.ErrUnavailable, maybe: true, accepted: 1, to: 20 * time.Second},
		{name: "the quota ends in between", fault: "quota,path=*/records", err: bluelink.ErrRateLimited, maybe: true, accepted: 1, to: 20 * time.Second},
		{name: "looks fail", fault: "status=503,path=*/records,count=2", accepted: 2, to: 30 * time.Second},
		{
			name: "the deadline comes first", fault: "action=pending,path=*/reservation/charge", deadline: 20 * time.Second,
			err: context.DeadlineExceeded, maybe: true, accepted: 1, from: 20 * time.Second, to: 20 * time.Second,
		},
	} {
		inBubble(t, func(t *testing.T) {
			w := newWorld(t, vehicle.Kia, sim.Options{Parked: true})
			v := w.car("ccs2", vehicle.EV)
			if test.fault != "" {
				w.fault(test.fault)
			}
			ctx := t.Context()
			if test.deadline > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, test.deadline)
				defer cancel()
			}
			start := time.Now()
			id, err := w.cloud.Send(ctx, bluelink.Ask{Vehicle: v}, schedule)
			took := time.Since(start)
			if !errors.Is(err, test.err) || (err == nil) != (test.err == nil) || bluelink.MayHaveSucceeded(err) != test.maybe {
				t.Errorf("%s: %v, may have succeeded %t", test.name, err, bluelink.MayHaveSucceeded(err))
			}
			if w.commandsSeen(v) != test.accepted || took < test.from || took > test.to {
				t.Errorf("%s: %d accepted after %s", test.name, w.commandsSeen(v), took)
			}
			if test.err != nil {
				return
			}
			w.ClearFaults()
			if status := w.outcome(v, id); status != vehicle.ActionSuccess {
				t.Errorf("%s: the second part is %s", test.name, status)
			}
			state := w.cached(v, vehicle.State{}, false)
			if effect := schedule.Spec().Effect(schedule, state); effect != vehicle.EffectSeen {
				t.Errorf("%s: effect %d", test.name, effect)
			}
		})
	}
}
