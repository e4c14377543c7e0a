package hyundaius

import (
	"context"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// liveTimeout is how long a call may take that is answered by the car: tens of seconds, nobody has written down how many
// (§4.2, §11).
const liveTimeout = 120 * time.Second

// Force asks the car itself (§4.2): the same call as a cached read, which then blocks until the modem has answered. It
// counts towards the day's quota. What the answer lacks stays as it is known. Some cars never advance the time of their
// report (§4.2; seen): the same time again is taken, an older one is not.
func (c *cloud) Force(ctx context.Context, ask bluelink.Ask) (vehicle.Report, error) {
	v := &ask.Vehicle
	c.parts(v).Overlook(ctx, "vehicle list", c.needDetails(ctx, v.ID))
	report, status, err := c.readStatus(ctx, v, true)
	if err != nil {
		return vehicle.Report{}, err
	}
	if known := ask.Known.ReportedAt(); !report.Reported.IsZero() && report.Reported.Before(known) {
		return vehicle.Report{}, c.fail("wake and read status", bluelink.ErrVehicleUnreachable, "the answer is older than what is known")
	}
	return c.complete(ctx, ask, report, status, besides{
		list: true, trips: v.Engine == vehicle.EV, place: !report.Has(vehicle.Latitude),
	})
}
