package kiaus

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/internal/leaf"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// forceTimeout bounds the call that the car itself answers, usually after 20 to 60 s (docs/protocol/usa-kia.md §4.2).
const forceTimeout = 120 * time.Second

// Force asks the car itself (docs/protocol/usa-kia.md §4.2). It answers with its status alone; position, odometer and the
// like are read from the cloud afterwards, and where that fails, what is known of them stays.
func (c *cloud) Force(ctx context.Context, ask bluelink.Ask) (vehicle.Report, error) {
	const op = "wake and read status"
	v := &ask.Vehicle
	report := vehicle.Report{Engine: v.Engine, Source: "rems/rvs"}
	if report.Engine == vehicle.EngineUnknown {
		report.Engine = c.engineOf(v.ID)
	}
	err := c.ask(ctx, v, request{
		call: bluelink.Call{Kind: bluelink.CallWake, Op: op}, method: http.MethodPost, path: "rems/rvs", body: map[string]int{"requestType": 0},
		timeout: forceTimeout,
		answer: func(root leaf.Value, _ http.Header) error {
			status := root.Get("payload.vehicleStatusRpt.vehicleStatus")
			if !status.Object() {
				return &bluelink.Error{Err: bluelink.ErrBadResponse, Text: "no vehicleStatus"}
			}
			decodeStatus(status, &report)
			return nil
		},
	})
	switch known := ask.Known.ReportedAt(); {
	case err != nil:
		return vehicle.Report{}, err
	case !says(report):
		return vehicle.Report{}, c.fail(op, bluelink.ErrNoData, "an empty status")
	case report.Blank():
		return vehicle.Report{}, c.fail(op, bluelink.ErrUnavailable, blankStatus)
	case !report.Reported.IsZero() && report.Reported.Before(known):
		return vehicle.Report{}, c.fail(op, bluelink.ErrVehicleUnreachable, "the answer is older than what is known")
	}
	beside := vehicle.Report{Engine: report.Engine, Source: "cmm/gvi"}
	err = c.readInfo(ctx, v, "read beside the status", func(info leaf.Value) error {
		decodeBeside(info, &beside)
		return nil
	})
	if errors.Is(ctx.Err(), context.Canceled) {
		return vehicle.Report{}, &bluelink.Error{Op: "read beside the status", Cloud: c.account.Cloud(), Left: true, Err: context.Cause(ctx)}
	}
	if err != nil {
		c.log.DebugContext(ctx, "left out of the report", "part", "position and odometer", "vehicle", string(v.ID), "error", err)
	}
	report.Merge(beside)
	if report.Engine.Plugs() && !(report.Has(vehicle.LimitAC) && report.Has(vehicle.LimitDC)) {
		return c.withLimits(ctx, v, report, false)
	}
	return report, nil
}
