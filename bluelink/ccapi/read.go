package ccapi

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/internal/beside"
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
	want := besides{
		odometer: !ask.Sparing || news,
		history: c.profile.keepsHistory(v) && !c.profile.history.forcedOnly &&
			(!ask.Sparing || c.historyDue(ask, odometerOf(report, ask.Known), time.Now())),
	}
	if !ask.Sparing || news || !placed(ask.Known) {
		want.place = c.profile.parked
	}
	return c.complete(ctx, ask, report, want)
}

// readStatus reads the status in the form of the car.
func (c *cloud) readStatus(ctx context.Context, ask bluelink.Ask) (vehicle.Report, error) {
	const op = "read status"
	v := &ask.Vehicle
	f := &c.profile.format
	q := request{
		op: op, kind: bluelink.CallRead, method: http.MethodGet, path: below(v, "/status/latest"), car: v, ccs2: v.CCS2, timeout: c.profile.within,
	}
	r := vehicle.Report{Engine: v.Engine, Source: "status/latest"}
	inner, decode := f.flatInside, decodeFlat
	if c.profile.speaksTree(v) {
		q.path, r.Source = below(v, "/ccs2/carstatus/latest"), "ccs2/carstatus/latest"
		inner, decode = "state.Vehicle", decodeCCS2
	}
	message, err := c.ask(ctx, q)
	if err != nil {
		return vehicle.Report{}, err
	}
	defer message.release()
	status := message.get(inner)
	if status.Exists() && status.missing() {
		return vehicle.Report{}, c.fail(op, bluelink.ErrNoData, "no status")
	}
	if status.kind() != '{' {
		return vehicle.Report{}, c.fail(op, bluelink.ErrBadResponse, "no "+cmp.Or(inner, "status"))
	}
	decode(f, status, clock{f.zone, ask.Known, time.Now()}, &r)
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

// placed tells whether a position is known.
func placed(known vehicle.State) bool {
	_, ok := vehicle.Latitude.Of(known)
	return ok
}

// besides says what is read beside the status. No part may fail the whole.
type besides struct {
	place    placeCall // none where the status says where the car is
	odometer bool      // where the status lacks it and another call has it
	limits   bool
	history  bool
}

// complete reads what stands beside the status and joins it with the status.
func (c *cloud) complete(ctx context.Context, ask bluelink.Ask, report vehicle.Report, want besides) (vehicle.Report, error) {
	v := &ask.Vehicle
	if want.odometer && c.profile.aside != nil && !c.profile.speaksTree(v) && !report.Has(vehicle.Odometer) {
		c.parts(v).Overlook(ctx, "odometer", c.readAside(ctx, v, &report))
	}
	var place, limits, history vehicle.Report
	parts := c.parts(v)
	if want.place.path != "" {
		parts.Go(ctx, "position", func() (err error) { place, err = c.readPlace(ctx, ask, want.place); return err })
	}
	if want.limits && v.Engine.Plugs() {
		parts.Go(ctx, "charge limits", func() (err error) { limits, err = c.readLimits(ctx, v, report.Reported); return err })
	}
	if want.history {
		odometer := odometerOf(report, ask.Known)
		err := parts.Do(ctx, "energy history", func() (err error) { history, err = c.readHistory(ctx, v, odometer.Unit); return err })
		c.historyAsked(v.ID, odometer, time.Now(), err)
	}
	if err := parts.Wait(ctx); err != nil {
		return vehicle.Report{}, err
	}
	// The tree's own position is days old, or where the navigation last went (docs/protocol/ccs2-status.md §4; seen): it
	// counts only while nothing better is known.
	if place.Has(vehicle.Latitude) || c.profile.parked.path != "" && c.profile.speaksTree(v) && placed(ask.Known) {
		report.Drop(position...)
	}
	if limits.Has(vehicle.LimitAC) {
		report.Drop(vehicle.LimitAC)
	}
	if limits.Has(vehicle.LimitDC) {
		report.Drop(vehicle.LimitDC)
	}
	report.Merge(place)
	report.Merge(limits)
	report.Merge(history)
	return report, nil
}

// parts are those of a report about a car.
func (c *cloud) parts(v *vehicle.Vehicle) *beside.Parts {
	return &beside.Parts{Log: c.log, Vehicle: v.ID, Cloud: c.account.Cloud()}
}
