package canada

import (
	"context"
	"net/http"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/internal/leaf"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// Force asks the car itself, which answers the call after 5 to 40 s (docs/protocol/canada.md §4.1), and then where it is. What
// lies between is read from the cloud, and where that fails, what is known of it stays.
func (c *cloud) Force(ctx context.Context, ask bluelink.Ask) (vehicle.Report, error) {
	const op = "wake and read status"
	v := &ask.Vehicle
	report, err := c.readStatus(ctx, ask, request{call: bluelink.Call{Kind: bluelink.CallWake, Op: op}, path: "rltmvhclsts", timeout: slow}, nil)
	if err != nil {
		return vehicle.Report{}, err
	}
	if known := ask.Known.ReportedAt(); !report.Reported.IsZero() && report.Reported.Before(known) {
		return vehicle.Report{}, c.fail(op, bluelink.ErrVehicleUnreachable, "the answer is older than what is known")
	}
	if report, err = c.complete(ctx, ask, report); err != nil || !c.placeDue(ask, report) {
		return report, err
	}
	// The slowest last, so that nothing waits for it.
	place, err := c.readPlace(ctx, v)
	if c.parts(v).Overlook(ctx, "position", err); err == nil && place.Has(vehicle.Latitude) {
		c.placed(v.ID, odometerOf(report, ask.Known))
	}
	report.Merge(place)
	return report, nil
}

// placeDue tells whether the car is to be asked where it is: whenever a person wants to know, and else when it has moved since
// that was last learnt.
func (c *cloud) placeDue(ask bluelink.Ask, report vehicle.Report) bool {
	if _, known := vehicle.Latitude.Of(ask.Known); !known || !ask.Sparing {
		return true
	}
	before, _ := vehicle.Odometer.Of(ask.Known)
	c.mu.Lock()
	defer c.mu.Unlock()
	if at, ok := c.places[ask.Vehicle.ID]; ok {
		before = at
	}
	return odometerOf(report, ask.Known) != before
}

// placed remembers at which reading of the odometer a car was found.
func (c *cloud) placed(id vehicle.ID, odometer vehicle.Quantity) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.places[id] = odometer
}

// placeTimeout bounds the call: a car that was just reached answers within 20 s, and one that is out of reach keeps it for two
// minutes (docs/protocol/canada.md §4.4).
const placeTimeout = time.Minute

// readPlace asks the car where it is. The call needs a ticket for the PIN, and another identity than all others
// (docs/protocol/canada.md §1.3, §4.4).
func (c *cloud) readPlace(ctx context.Context, v *vehicle.Vehicle) (vehicle.Report, error) {
	r := vehicle.Report{Engine: v.Engine, Source: "fndmcr"}
	err := c.show(ctx, v, request{
		call: bluelink.Call{Kind: bluelink.CallWake, Op: "find car"}, path: "fndmcr", body: pinBody{c.account.PIN}, timeout: placeTimeout,
		header: map[string]string{"From": "SPA", "Referer": "https://" + c.host + "/remote/"},
		answer: func(result leaf.Value, _ http.Header) error {
			readPosition(&r, result)
			return nil
		},
	})
	return r, err
}

// readPosition reads where a car is, the time in UTC.
func readPosition(r *vehicle.Report, place leaf.Value) {
	if inner := place.Get("gpsDetail"); inner.Object() { // of some accounts (§4.4)
		place = inner
	}
	leaf.TakePosition(r, place, leaf.Position{Time: "time", Speed: vehicle.KilometrePerHour})
}
