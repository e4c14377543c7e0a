package ccapi

import (
	"context"
	"net/http"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// What some regions tell in calls of their own.

// readAside adds the odometer, in kilometres, to a flat status that lacks it. It counts as old as the status: the cloud had
// it from the same report (assumed).
func (c *cloud) readAside(ctx context.Context, v *vehicle.Vehicle, r *vehicle.Report) error {
	at := c.profile.aside
	message, err := c.ask(ctx, request{
		op: "read odometer", kind: bluelink.CallRead, method: http.MethodGet, path: below(v, at.path), car: v, ccs2: v.CCS2, besides: true,
	})
	if err != nil {
		return err
	}
	defer message.release()
	mine := vehicle.Report{Engine: v.Engine, Reported: r.Reported, Source: at.path[1:]}
	take(&mine, vehicle.Odometer, message.get(at.leaf), func(leaf value) (vehicle.Quantity, vehicle.Refused) {
		n, refused := asNumber(leaf)
		return vehicle.Quantity{Value: n, Unit: vehicle.Kilometre}, refused
	})
	r.Merge(mine)
	return nil
}

// readLimits asks for the charge limits. Nobody knows that it does not wake the car (docs/protocol/europe.md §4.5), so it is
// asked only of one that is awake.
func (c *cloud) readLimits(ctx context.Context, v *vehicle.Vehicle, reported time.Time) (vehicle.Report, error) {
	r := vehicle.Report{Engine: v.Engine, Reported: reported, Source: "charge/target"}
	message, err := c.ask(ctx, request{
		op: "read charge limits", kind: bluelink.CallRead, method: http.MethodGet, path: below(v, "/charge/target"), car: v, ccs2: v.CCS2, besides: true,
	})
	if err != nil {
		return r, err
	}
	defer message.release()
	flatTargets("targetSOClist")(&decoding{Report: &r, root: message, format: &c.profile.format})
	return r, nil
}
