package bridge

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// read is an order of our own to read what the cloud holds.
func (l *lane) read(cause vehicle.Cause) *order {
	now := time.Now()
	return &order{
		command: vehicle.Refresh{Mode: vehicle.Cached}, cause: cause, expires: now.Add(l.bridge.patience()),
		record: vehicle.Record{ID: newID(now), Vehicle: l.name, Command: vehicle.Refresh{}.Spec().Name, AcceptedAt: now.UTC()},
	}
}

// never is a time that does not come.
const never = 100 * 365 * 24 * time.Hour

// firstRead spreads the scheduled reads of many cars over one interval.
func (l *lane) firstRead() time.Duration {
	interval := l.bridge.options.Interval
	if interval == 0 {
		return never
	}
	return time.Duration((0.5 + 0.5*rand.Float64()) * float64(interval))
}

// interval is the wait until the next scheduled read, a little jittered so that cars do not fall into step.
func (l *lane) interval() time.Duration {
	interval := l.bridge.options.Interval
	if interval == 0 {
		return never
	}
	return time.Duration((0.95 + 0.1*rand.Float64()) * float64(interval))
}

// refresh reads the car's state, puts it on the shelf and tells the orders.
func (l *lane) refresh(ctx context.Context, f *flight, r vehicle.Refresh, start time.Time) {
	result, err := l.ask(ctx, r)
	took := time.Since(start)
	state, reason, message := outcomeOf(err)
	l.bridge.metrics.refreshed(r.Mode, err, took)
	l.account.observe(err)
	if err != nil {
		l.log.WarnContext(ctx, "refresh failed", "mode", string(r.Mode), "reason", string(reason), "seconds", took.Seconds(), "error", err)
		l.shelf.failed(r.Mode, reason, message)
		l.end(f, func(o *order) { l.bridge.advance(o, state, reason, message) })
		return
	}
	l.shelf.refreshed(result)
	if len(result.Changes) > 0 || l.shelf.unsaved(time.Now()) {
		l.bridge.archive.mark(l)
	}
	for _, refusal := range result.Refusals {
		l.log.DebugContext(ctx, "value not believed", "key", refusal.Datum.Key, "reason", string(refusal.Reason), "raw", refusal.Raw, "source", refusal.Source)
	}
	l.log.InfoContext(ctx, "refresh done", "mode", string(r.Mode), "data_source", string(result.DataSource), "seconds", took.Seconds(),
		"changes", len(result.Changes), "refused", len(result.Refusals))
	l.end(f, func(o *order) {
		o.sourced(result)
		l.bridge.advance(o, vehicle.Verified, vehicle.NoReason, "")
	})
}

func (l *lane) ask(ctx context.Context, r vehicle.Refresh) (bluelink.Result, error) {
	client := l.account.Client
	switch r.Mode {
	case vehicle.Force:
		return client.RefreshForce(ctx, l.car.ID)
	case vehicle.Smart:
		return client.RefreshSmart(ctx, l.car.ID, r.MaxAge)
	case vehicle.Cached:
	}
	return client.RefreshCached(ctx, l.car.ID)
}

// sourced notes where a refresh got its data.
func (o *order) sourced(r bluelink.Result) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.record.DataSource, o.record.UpdateMethod = r.DataSource, r.UpdateMethod
}
