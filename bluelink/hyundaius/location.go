package hyundaius

import (
	"context"
	"net/http"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/internal/leaf"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// findCar asks the modem where the car is (§4.3). It has a tight quota of its own, and some cars time out, so that it is
// asked only beside a wake whose status tells no place, and not for long.
func (c *cloud) findCar(ctx context.Context, v *vehicle.Vehicle) (vehicle.Report, error) {
	r := vehicle.Report{Engine: v.Engine, Source: "findMyCar"}
	got, err := c.ask(ctx, request{op: "find car", kind: bluelink.CallWake, method: http.MethodGet, path: "rcs/rfc/findMyCar", car: v})
	if err != nil {
		return vehicle.Report{}, err
	}
	readPosition(&r, got.root)
	return r, nil
}

// readPosition reads where a car is. A position without a time is as old as the status around it (assumed).
func readPosition(r *vehicle.Report, place leaf.Value) {
	leaf.TakePosition(r, place, leaf.Position{Time: "time", Otherwise: r.Reported, Speed: vehicle.MilePerHour})
}
