package ccapi

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// Cached reads what the cloud holds: the status, and beside it where the car is parked and what it used
// (docs/protocol/europe.md §4.1).
func (c *cloud) Cached(ctx context.Context, ask bluelink.Ask) (vehicle.Report, error) {
	v := &ask.Vehicle
	report, err := c.readStatus(ctx, ask)
	if err != nil {
		return vehicle.Report{}, err
	}
	news := report.Reported.After(ask.Known.ReportedAt())
	return c.complete(ctx, ask, report, besides{
		parked:  !ask.Sparing || news || !placed(ask.Known),
		history: recordsHistory(v) && (!ask.Sparing || c.historyDue(ask, odometerOf(report, ask.Known), time.Now())),
	})
}

// readStatus reads the status in the form of the car.
func (c *cloud) readStatus(ctx context.Context, ask bluelink.Ask) (vehicle.Report, error) {
	const op = "read status"
	v := &ask.Vehicle
	q := request{op: op, kind: bluelink.CallRead, method: http.MethodGet, path: below(v, "/status/latest"), car: v, ccs2: v.CCS2}
	r := vehicle.Report{Engine: v.Engine, Source: "status/latest"}
	inner, decode := "vehicleStatusInfo", decodeFlat
	if v.CCS2 != 0 {
		q.path, r.Source = below(v, "/ccs2/carstatus/latest"), "ccs2/carstatus/latest"
		inner, decode = "state.Vehicle", decodeCCS2
	}
	message, err := c.ask(ctx, q)
	if err != nil {
		return vehicle.Report{}, err
	}
	defer message.release()
	status := message.get(inner)
	if status.doc != nil && status.missing() {
		return vehicle.Report{}, c.fail(op, bluelink.ErrNoData, "no status")
	}
	if status.kind() != '{' {
		return vehicle.Report{}, c.fail(op, bluelink.ErrBadResponse, "no "+inner)
	}
	decode(c.profile.format, status, clock{c.profile.format.zone, ask.Known, time.Now()}, &r)
	if !slices.ContainsFunc(r.Observations, saysMoreThanItsTime) {
		return vehicle.Report{}, c.fail(op, bluelink.ErrNoData, "an empty status")
	}
	if r.Blank() {
		return vehicle.Report{}, c.fail(op, bluelink.ErrUnavailable, blankStatus)
	}
	return r, nil
}

// saysMoreThanItsTime tells the observations that make a status one.
func saysMoreThanItsTime(o vehicle.Observation) bool { return o.Datum != vehicle.LastUpdatedAt.Datum }

// blankStatus is what the answer of a cloud that has lost the car's data is called.
const blankStatus = "a blank status: every gauge is at 0"

// recordsHistory tells which cars keep an energy history.
func recordsHistory(v *vehicle.Vehicle) bool {
	return v.Engine == vehicle.EV || v.Engine == vehicle.PHEV
}

// placed tells whether a position is known.
func placed(known vehicle.State) bool {
	_, ok := vehicle.Latitude.Of(known)
	return ok
}

// besides says what is read beside the status. Neither part may fail the whole.
type besides struct{ parked, live, history bool }

// complete reads what stands beside the status and joins it with the status.
func (c *cloud) complete(ctx context.Context, ask bluelink.Ask, report vehicle.Report, want besides) (vehicle.Report, error) {
	v := &ask.Vehicle
	var place, history vehicle.Report
	var beside sync.WaitGroup
	if want.parked || want.live {
		beside.Go(func() {
			c.overlook(ctx, v, "position", contained(func() (err error) {
				place, err = c.readPlace(ctx, ask, want.live)
				return err
			}))
		})
	}
	if want.history {
		odometer := odometerOf(report, ask.Known)
		err := contained(func() (err error) {
			history, err = c.readHistory(ctx, v, odometer.Unit)
			return err
		})
		c.historyAsked(v.ID, odometer, time.Now(), err)
		c.overlook(ctx, v, "energy history", err)
	}
	beside.Wait()
	if errors.Is(ctx.Err(), context.Canceled) {
		return vehicle.Report{}, &bluelink.Error{Op: "read beside the status", Cloud: c.account.Cloud(), Left: true, Err: context.Cause(ctx)}
	}
	// The tree's own position is days old, or where the navigation last went (docs/protocol/ccs2-status.md §4; seen): it
	// counts only while nothing better is known.
	if place.Has(vehicle.Latitude) || v.CCS2 != 0 && placed(ask.Known) {
		report.Drop(position...)
	}
	report.Merge(place)
	report.Merge(history)
	return report, nil
}

// overlook tells of a part that is left out of a report.
func (c *cloud) overlook(ctx context.Context, v *vehicle.Vehicle, part string, err error) {
	fault := (*faultError)(nil)
	switch {
	case err == nil:
	case errors.As(err, &fault):
		c.log.ErrorContext(ctx, "panic in an operation; please report it", "part", part, "vehicle", string(v.ID), "panic", fault.Error(), "stack", string(fault.stack))
	default:
		c.log.DebugContext(ctx, "left out of the report", "part", part, "vehicle", string(v.ID), "error", err)
	}
}
