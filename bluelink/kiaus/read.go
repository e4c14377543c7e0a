package kiaus

import (
	"context"
	"net/http"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/internal/beside"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/internal/leaf"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// statusRequest says which parts of a status are wanted. The flags are texts, and the misspelt name is the wire's. Without
// those of temperature and seats some cars leave their climate out (docs/protocol/usa-kia.md §4.1).
type statusRequest struct {
	Config map[string]string `json:"vehicleConfigReq"`
	Info   map[string]string `json:"vehicleInfoReq"`
	Keys   []string          `json:"vinKey"`
}

var wholeStatus = statusRequest{
	Config: map[string]string{"airTempRange": "1", "maintenance": "1", "seatHeatCoolOption": "1", "vehicle": "1", "vehicleFeature": "0"},
	Info: map[string]string{
		"drivingActivty": "0", "dtc": "1", "enrollment": "1", "functionalCards": "0", "location": "1", "vehicleStatus": "1", "weather": "0",
	},
}

// blankStatus is what the answer of a cloud that has lost the car's data is called.
const blankStatus = "a blank status: every gauge is at 0"

// Cached reads what the cloud holds, the position with it, and then the charge limits, which stand elsewhere
// (docs/protocol/usa-kia.md §4.1, §4.3).
func (c *cloud) Cached(ctx context.Context, ask bluelink.Ask) (vehicle.Report, error) {
	const op = "read status"
	v := &ask.Vehicle
	var report vehicle.Report
	err := c.readInfo(ctx, v, op, func(info leaf.Value) error {
		report = vehicle.Report{Engine: c.engineFor(v, info), Source: "cmm/gvi"}
		decodeInfo(info, &report)
		return nil
	})
	switch {
	case err != nil:
		return vehicle.Report{}, err
	case !says(report):
		return vehicle.Report{}, c.fail(op, bluelink.ErrNoData, "an empty status")
	case report.Blank():
		return vehicle.Report{}, c.fail(op, bluelink.ErrUnavailable, blankStatus)
	}
	news := report.Reported.After(ask.Known.ReportedAt())
	if report.Engine.Plugs() && (!ask.Sparing || news && !report.Has(vehicle.LimitAC)) {
		return c.withLimits(ctx, v, report, true)
	}
	return report, nil
}

// readInfo makes the call for the status and hands over the part that holds it.
func (c *cloud) readInfo(ctx context.Context, v *vehicle.Vehicle, op string, take func(info leaf.Value) error) error {
	return c.ask(ctx, v, request{
		call: bluelink.Call{Kind: bluelink.CallRead, Op: op}, method: http.MethodPost, path: "cmm/gvi", body: wholeStatus,
		answer: func(root leaf.Value, _ http.Header) error {
			list := root.Get("payload.vehicleInfoList")
			switch {
			case list.Kind() == '[' && list.Len() == 0:
				return &bluelink.Error{Err: bluelink.ErrNoData, Text: "no car in the answer"}
			case !list.Get("0").Object():
				return &bluelink.Error{Err: bluelink.ErrBadResponse, Text: "no vehicleInfoList"}
			}
			return take(list.Get("0"))
		},
	})
}

// says tells whether a report holds more than its own time.
func says(r vehicle.Report) bool {
	for i := range r.Observations {
		if r.Observations[i].Datum != vehicle.LastUpdatedAt.Datum {
			return true
		}
	}
	return false
}

// withLimits adds the charge limits that the cloud keeps beside the status. They go before those of the cached status, and
// those of the car itself before them (docs/protocol/usa-kia.md §4.3). Where they fail the rest stands; many cars have none.
func (c *cloud) withLimits(ctx context.Context, v *vehicle.Vehicle, report vehicle.Report, better bool) (vehicle.Report, error) {
	mine := vehicle.Report{Engine: report.Engine, Reported: report.Reported, Source: "evc/gts"}
	err := c.ask(ctx, v, request{
		call: bluelink.Call{Kind: bluelink.CallRead, Op: "read charge limits"}, method: http.MethodGet, path: "evc/gts",
		answer: func(root leaf.Value, _ http.Header) error {
			readLimits(&mine, root.Get("payload.targetSOClist"))
			return nil
		},
	})
	parts := &beside.Parts{Log: c.log, Vehicle: v.ID, Cloud: c.account.Cloud()}
	parts.Overlook(ctx, "charge limits", err)
	if err := parts.Wait(ctx); err != nil {
		return vehicle.Report{}, err
	}
	for _, limit := range []vehicle.Point[vehicle.Percent]{vehicle.LimitAC, vehicle.LimitDC} {
		switch {
		case mine.Has(limit) && better:
			report.Drop(limit)
		case report.Has(limit):
			mine.Drop(limit)
		}
	}
	report.Merge(mine)
	return report, nil
}

// engineFor is the car's type. Where the list does not tell it, its status does, once (docs/protocol/usa-kia.md §3).
func (c *cloud) engineFor(v *vehicle.Vehicle, info leaf.Value) vehicle.Engine {
	if v.Engine != vehicle.EngineUnknown {
		return v.Engine
	}
	status := info.Get("lastVehicleInfo.vehicleStatusRpt.vehicleStatus")
	if known := c.engineOf(v.ID); known != vehicle.EngineUnknown || !status.Object() {
		return known
	}
	engine := vehicle.EV
	switch electric := status.Get("evStatus"); {
	case !electric.Object():
		engine = vehicle.ICE
	case !electric.Get("drvDistance.0.rangeByFuel.gasModeRange.value").Missing():
		engine = vehicle.PHEV
	}
	c.learnEngine(v.ID, engine)
	return engine
}
