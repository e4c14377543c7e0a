package canada

import (
	"context"
	"net/http"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/internal/beside"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/internal/leaf"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// blankStatus is what the answer of a cloud that has lost the car's data is called.
const blankStatus = "a blank status: every gauge is at 0"

// Cached reads what the cloud holds: the status, and beside it the odometer, the charge limits and the energy of trips
// (docs/protocol/canada.md §4.1). Where the car is it does not tell: the call for that asks the car itself (§4.4, §9), and a
// read never wakes.
func (c *cloud) Cached(ctx context.Context, ask bluelink.Ask) (vehicle.Report, error) {
	report, err := c.readStatus(ctx, ask, request{call: bluelink.Call{Kind: bluelink.CallRead, Op: "read status"}, path: "lstvhclsts"}, zoneOf(ask.Known))
	if err != nil {
		return vehicle.Report{}, err
	}
	if !ask.Sparing || report.Reported.After(ask.Known.ReportedAt()) {
		return c.complete(ctx, ask, report)
	}
	return report, nil
}

// readStatus makes the call for a status. A nil zone has the answer tell it: that of a car which was just asked.
func (c *cloud) readStatus(ctx context.Context, ask bluelink.Ask, q request, zone *time.Location) (vehicle.Report, error) {
	v := &ask.Vehicle
	report := vehicle.Report{Engine: v.Engine, Source: q.path}
	q.answer = func(result leaf.Value, _ http.Header) error {
		status := result.Get("status")
		switch {
		case status.Exists() && status.Missing():
			return &bluelink.Error{Err: bluelink.ErrNoData, Text: "no status"}
		case status.Kind() != '{':
			return &bluelink.Error{Err: bluelink.ErrBadResponse, Text: "no status"}
		}
		z := zone
		if z == nil {
			z = guessZone(status.Get("lastStatusDate"), ask.Known, c.transport.Now())
		}
		decodeStatus(status, z, v.Year, &report)
		return nil
	}
	switch err := c.ask(ctx, v, q); {
	case err != nil:
		return vehicle.Report{}, err
	case !says(report):
		return vehicle.Report{}, c.fail(q.call.Op, bluelink.ErrNoData, "an empty status")
	case report.Blank():
		return vehicle.Report{}, c.fail(q.call.Op, bluelink.ErrUnavailable, blankStatus)
	}
	return report, nil
}

// says tells whether a report holds more than its own time.
func says(r vehicle.Report) bool {
	for i := range r.Observations {
		if d := r.Observations[i].Datum; d != vehicle.LastUpdatedAt.Datum && d != vehicle.Timezone.Datum {
			return true
		}
	}
	return false
}

// complete reads what stands beside the status, one call after the other: the cloud refuses a second request for a car while
// one is under way. No part may fail the whole.
func (c *cloud) complete(ctx context.Context, ask bluelink.Ask, report vehicle.Report) (vehicle.Report, error) {
	v := &ask.Vehicle
	c.beside(ctx, v, &report, "odometer", "nxtsvc", func(r *vehicle.Report, result leaf.Value) {
		leaf.Follow(r, result.Get("maintenanceInfo"), serviceRules)
	})
	if v.Engine == vehicle.EV { // no other has them (§4.1)
		c.beside(ctx, v, &report, "charge limits", "evc/selsoc", readLimits)
		odometer := odometerOf(report, ask.Known)
		if !ask.Sparing || c.tripsDue(v.ID, odometer, time.Now()) {
			unit := odometer.Unit
			read := c.beside(ctx, v, &report, "trips", "alerts/maintenance/evTripDetails", func(r *vehicle.Report, result leaf.Value) {
				readTrips(r, result.Get("tripdetails"), unit)
			})
			c.tripsAsked(v.ID, odometer, time.Now(), read)
		}
	}
	if err := c.parts(v).Wait(ctx); err != nil {
		return vehicle.Report{}, err
	}
	return report, nil
}

// beside reads one part into a report, and tells whether it could. What it observes is as old as the status.
func (c *cloud) beside(ctx context.Context, v *vehicle.Vehicle, report *vehicle.Report, part, path string, read func(*vehicle.Report, leaf.Value)) bool {
	mine := vehicle.Report{Engine: report.Engine, Reported: report.Reported, Source: path}
	err := c.ask(ctx, v, request{
		call: bluelink.Call{Kind: bluelink.CallRead, Op: "read " + part}, path: path,
		answer: func(result leaf.Value, _ http.Header) error {
			read(&mine, result)
			return nil
		},
	})
	c.parts(v).Overlook(ctx, part, err)
	report.Merge(mine)
	return err == nil
}

// parts are those of a report about a car.
func (c *cloud) parts(v *vehicle.Vehicle) *beside.Parts {
	return &beside.Parts{Log: c.log, Vehicle: v.ID, Cloud: c.account.Cloud()}
}

// odometerOf is the reading of a report, or else what is known of it.
func odometerOf(report vehicle.Report, known vehicle.State) vehicle.Quantity {
	reading, _ := vehicle.Odometer.Of(known)
	for i := range report.Observations {
		if o := &report.Observations[i]; o.Datum == vehicle.Odometer.Datum && o.Refuse == "" {
			if q, ok := o.Value.(vehicle.Quantity); ok {
				reading = q
			}
		}
	}
	return reading
}
