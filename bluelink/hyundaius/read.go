package hyundaius

import (
	"context"
	"net/http"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/internal/beside"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/internal/leaf"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// Cached reads what the cloud holds (§4.1): the status with its position, and beside it the odometer of the list and the
// trips of an electric car. A Genesis whose cached status the cloud cannot give is not woken for it: that is its owner's to
// decide (§1.3).
func (c *cloud) Cached(ctx context.Context, ask bluelink.Ask) (vehicle.Report, error) {
	v := &ask.Vehicle
	c.parts(v).Overlook(ctx, "vehicle list", c.needDetails(ctx, v.ID))
	report, status, err := c.readStatus(ctx, v, false)
	if err != nil {
		return vehicle.Report{}, err
	}
	news := report.Reported.After(ask.Known.ReportedAt())
	return c.complete(ctx, ask, report, status, besides{
		list:  !ask.Sparing || news && time.Since(c.detailsOf(v.ID).read) >= tripsEvery,
		trips: v.Engine == vehicle.EV && (!ask.Sparing || c.tripsDue(ask, news, time.Now())),
	})
}

// readStatus reads the status: as the cloud holds it, or from the car itself.
func (c *cloud) readStatus(ctx context.Context, v *vehicle.Vehicle, live bool) (vehicle.Report, leaf.Value, error) {
	q := request{op: "read status", kind: bluelink.CallRead, method: http.MethodGet, path: "rcs/rvs/vehicleStatus", car: v}
	if live {
		q.op, q.kind, q.timeout = "wake and read status", bluelink.CallWake, liveTimeout
		q.headers = map[string]string{"Refresh": "true"}
	}
	got, err := c.ask(ctx, q)
	if err != nil {
		return vehicle.Report{}, leaf.Value{}, err
	}
	status := got.root.Get("vehicleStatus")
	switch {
	case status.Missing():
		return vehicle.Report{}, leaf.Value{}, c.fail(q.op, bluelink.ErrBadResponse, "no vehicleStatus")
	case !isStatus(status):
		return vehicle.Report{}, leaf.Value{}, c.fail(q.op, bluelink.ErrNoData, "an empty status")
	}
	r := vehicle.Report{Engine: v.Engine, Source: "vehicleStatus"}
	decodeStatus(&r, status)
	if r.Blank() {
		return vehicle.Report{}, leaf.Value{}, c.fail(q.op, bluelink.ErrUnavailable, "a blank status: every gauge is at 0")
	}
	return r, status, nil
}

// besides says what is read beside the status. No part may fail the whole.
type besides struct{ list, trips, place bool }

// complete reads what stands beside the status and joins it with the status.
func (c *cloud) complete(ctx context.Context, ask bluelink.Ask, report vehicle.Report, status leaf.Value, want besides) (vehicle.Report, error) {
	v := &ask.Vehicle
	var trips []trip
	var place vehicle.Report
	parts := c.parts(v)
	if want.list {
		parts.Go(ctx, "vehicle list", func() error { _, err := c.Vehicles(ctx); return err })
	}
	if want.trips {
		c.tripsAsked(v.ID, time.Now())
		parts.Go(ctx, "trips", func() (err error) { trips, err = c.readTrips(ctx, v); return err })
	}
	if want.place {
		parts.Go(ctx, "position", func() (err error) { place, err = c.findCar(ctx, v); return err })
	}
	if err := parts.Wait(ctx); err != nil {
		return vehicle.Report{}, err
	}
	addOdometer(&report, status, c.detailsOf(v.ID).odometer, newestOdometer(trips))
	reportTrips(&report, trips)
	report.Merge(place)
	return report, nil
}

// parts are those of a report about a car.
func (c *cloud) parts(v *vehicle.Vehicle) *beside.Parts {
	return &beside.Parts{Log: c.log, Vehicle: v.ID, Cloud: c.account.Cloud()}
}
