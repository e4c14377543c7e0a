package ccapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// Limits of a forced refresh.
const (
	liveTimeout  = 120 * time.Second // of a call that is answered by the car
	wakeDeadline = 140 * time.Second // until a woken car must have reported; the makers' app gives up then too
	// recent is how fresh our knowledge must be to stand for what the cloud holds now.
	recent = time.Minute
)

// looks are the times after a wake at which the cloud is asked whether the car has reported; then every lookEvery. A car
// within reach reports after about 21 s (docs/protocol/europe.md §9; measured).
var looks = [...]time.Duration{2 * time.Second, 5 * time.Second, 10 * time.Second, 15 * time.Second, 20 * time.Second, 25 * time.Second}

const lookEvery = 10 * time.Second

// Force wakes the car and reads what it then reports, in the way of the car's form.
func (c *cloud) Force(ctx context.Context, ask bluelink.Ask) (vehicle.Report, error) {
	if c.profile.speaksTree(&ask.Vehicle) {
		return c.forceCCS2(ctx, ask)
	}
	return c.forceFlat(ctx, ask)
}

// forceFlat asks the car itself, which answers the call after 5 to 40 s (docs/protocol/europe.md §4.2). Where the answer
// has no odometer, what is known of it stays.
func (c *cloud) forceFlat(ctx context.Context, ask bluelink.Ask) (vehicle.Report, error) {
	const op = "wake and read status"
	v := &ask.Vehicle
	message, err := c.ask(ctx, request{
		op: op, kind: bluelink.CallWake, method: http.MethodGet, path: below(v, "/status"), car: v, ccs2: v.CCS2, timeout: liveTimeout,
	})
	if err != nil {
		return vehicle.Report{}, err
	}
	f := &c.profile.format
	status := f.flatOf(message)
	if !isFlatStatus(status) {
		return vehicle.Report{}, c.fail(op, bluelink.ErrNoData, "only metadata; the car may report in the CCS2 form")
	}
	report := vehicle.Report{Engine: v.Engine, Source: "status"}
	local := clock{f.zone, ask.Known, time.Now()}
	decodeFlat(f, message, local.orUTC(status.get("time")), &report)
	if report.Blank() {
		return vehicle.Report{}, c.fail(op, bluelink.ErrUnavailable, blankStatus)
	}
	if known := ask.Known.ReportedAt(); !report.Reported.IsZero() && report.Reported.Before(known) {
		return vehicle.Report{}, c.fail(op, bluelink.ErrVehicleUnreachable, "the answer is older than what is known")
	}
	if report.Reported.IsZero() {
		report = c.withTime(ctx, ask, report)
	}
	return c.complete(ctx, ask, report, besides{place: c.profile.found, odometer: true, limits: c.profile.limits, history: c.profile.keepsHistory(v)})
}

// withTime replaces a car's answer that does not say when it was given, and so could not be told from older news, by what
// the cloud now holds, if that is new (docs/protocol/australia-newzealand.md §4: "possibly without time").
func (c *cloud) withTime(ctx context.Context, ask bluelink.Ask, answer vehicle.Report) vehicle.Report {
	latest, err := c.readStatus(ctx, ask)
	if err != nil {
		c.parts(&ask.Vehicle).Overlook(ctx, "status with its time", err)
		return answer
	}
	if latest.Reported.After(ask.Known.ReportedAt()) {
		return latest
	}
	return answer
}

// orUTC tells on which clock a forced status is: the region's in some recordings, UTC in others. Read on the region's it
// must not be older than what is known; where it is, and UTC makes it newer, it is UTC (docs/protocol/europe.md §5.3).
func (c clock) orUTC(leaf value) clock {
	known := c.known.ReportedAt()
	asLocal, ok := c.read(leaf, vehicle.LastUpdatedAt)
	asUTC, _ := c.utc().read(leaf, vehicle.LastUpdatedAt)
	if ok && asLocal.Before(known) && !asUTC.Before(known) && asUTC.Before(c.now.Add(clockSlack)) {
		return c.utc()
	}
	return c
}

// forceCCS2 wakes the car once and then looks until the cloud holds a report that is newer than the one before
// (docs/protocol/europe.md §4.3). A car that does not report is unreachable; what the cloud holds of it is not returned in
// the place of news.
func (c *cloud) forceCCS2(ctx context.Context, ask bluelink.Ask) (vehicle.Report, error) {
	v := &ask.Vehicle
	start := time.Now()
	before, err := c.reportedBefore(ctx, ask)
	if err != nil {
		return vehicle.Report{}, err
	}
	_, err = c.ask(ctx, request{op: "wake", kind: bluelink.CallWake, method: http.MethodGet, path: below(v, "/ccs2/carstatus"), car: v, ccs2: v.CCS2})
	if err != nil {
		return vehicle.Report{}, err
	}
	woken := time.Now()
	ctx, cancel := context.WithDeadlineCause(ctx, start.Add(wakeDeadline), errNoReport)
	defer cancel()
	for n := 0; ; n++ {
		due := looks[len(looks)-1] + time.Duration(n-len(looks)+1)*lookEvery
		if n < len(looks) {
			due = looks[n]
		}
		if err := pause(ctx, time.Until(woken.Add(due))); err != nil {
			return vehicle.Report{}, c.unreachable(err)
		}
		report, err := c.readStatus(ctx, ask)
		switch {
		case ctx.Err() != nil:
			return vehicle.Report{}, c.unreachable(context.Cause(ctx))
		case err != nil && !passing(err):
			return vehicle.Report{}, err
		case err == nil && isNews(report.Reported, before, woken):
			return c.complete(ctx, ask, report, besides{place: c.profile.parked, history: c.profile.keepsHistory(v)})
		}
	}
}

// isNews tells whether a report came after the one before the wake. Report times are whole seconds: a car that reported in
// the very second of its wake shows the same time again, and is as fresh as can be.
func isNews(reported, before, woken time.Time) bool {
	return reported.After(before) || reported.Equal(before) && woken.Sub(before).Abs() < 2*time.Second
}

var errNoReport = fmt.Errorf("no report within %s of the wake: %w", wakeDeadline, context.DeadlineExceeded)

// unreachable says that a woken car did not report in time; a caller who gave up is told that instead.
func (c *cloud) unreachable(cause error) error {
	err := cause
	if errors.Is(cause, context.DeadlineExceeded) {
		err = errors.Join(bluelink.ErrVehicleUnreachable, cause)
	}
	return &bluelink.Error{Op: "wait for the woken car", Cloud: c.account.Cloud(), Left: true, Err: err}
}

// passing tells the failures of a look that may be over at the next, and that more calls do not make worse.
func passing(err error) bool {
	for _, passes := range []error{
		bluelink.ErrUnavailable, bluelink.ErrVehicleUnreachable, bluelink.ErrBusy, bluelink.ErrBadResponse, bluelink.ErrNoData,
	} {
		if errors.Is(err, passes) {
			return true
		}
	}
	return false
}

// reportedBefore is the time of the report that the cloud holds before a wake: what we know when that is recent, else what
// one read says. An older mark would take for the car's answer what it reported of its own between our last read and now.
func (c *cloud) reportedBefore(ctx context.Context, ask bluelink.Ask) (time.Time, error) {
	known := ask.Known.ReportedAt()
	if !known.IsZero() && time.Since(ask.Known.FetchedAt()) < recent {
		return known, nil
	}
	report, err := c.readStatus(ctx, ask)
	switch {
	case err == nil && report.Reported.After(known):
		return report.Reported, nil
	case err == nil, errors.Is(err, bluelink.ErrNoData), !known.IsZero() && passing(err) && ctx.Err() == nil:
		return known, nil
	}
	return time.Time{}, err
}
