package hyundaius

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/internal/leaf"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// Cached reads what the cloud holds (§4.1): the status with its position, and beside it the odometer of the list and the
// trips of an electric car. A Genesis whose cached status the cloud cannot give is not woken for it: that is its owner's to
// decide (§1.3).
func (c *cloud) Cached(ctx context.Context, ask bluelink.Ask) (vehicle.Report, error) {
	v := &ask.Vehicle
	c.overlook(ctx, v, "vehicle list", c.needDetails(ctx, v.ID))
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
	var beside sync.WaitGroup
	part := func(name string, read func() error) {
		beside.Go(func() { c.overlook(ctx, v, name, contained(read)) })
	}
	if want.list {
		part("vehicle list", func() error { _, err := c.Vehicles(ctx); return err })
	}
	if want.trips {
		c.tripsAsked(v.ID, time.Now())
		part("trips", func() (err error) { trips, err = c.readTrips(ctx, v); return err })
	}
	if want.place {
		part("position", func() (err error) { place, err = c.findCar(ctx, v); return err })
	}
	beside.Wait()
	if errors.Is(ctx.Err(), context.Canceled) {
		return vehicle.Report{}, &bluelink.Error{Op: "read beside the status", Cloud: c.account.Cloud(), Left: true, Err: context.Cause(ctx)}
	}
	addOdometer(&report, status, c.detailsOf(v.ID).odometer, newestOdometer(trips))
	reportTrips(&report, trips)
	report.Merge(place)
	return report, nil
}

// overlook tells of a part that is left out of a report.
func (c *cloud) overlook(ctx context.Context, v *vehicle.Vehicle, part string, err error) {
	fault := (*panicError)(nil)
	switch {
	case err == nil:
	case errors.As(err, &fault):
		c.log.ErrorContext(ctx, "panic in an operation; please report it", "part", part, "vehicle", string(v.ID), "panic", fault.Error(), "stack", string(fault.stack))
	default:
		c.log.DebugContext(ctx, "left out of the report", "part", part, "vehicle", string(v.ID), "error", err)
	}
}

// panicError is a fault of ours that strange data have hit.
type panicError struct {
	cause any
	stack []byte
}

func (e *panicError) Error() string { return fmt.Sprintf("panic: %v", e.cause) }

// contained does what runs on a goroutine of its own. A fault of ours in it would end the process there, where nobody above
// can contain it; so it becomes an error.
func contained(work func() error) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = &panicError{cause, debug.Stack()}
		}
	}()
	return work()
}
