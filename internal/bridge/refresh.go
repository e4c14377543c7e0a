package bridge

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
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

// refresh reads the car's state, puts it on the shelf and tells the orders.
func (l *lane) refresh(ctx context.Context, f *flight, r vehicle.Refresh) {
	start := time.Now()
	l.used = l.account()
	result, spared, err := l.askOrSpare(ctx, r)
	took := time.Since(start)
	if r.Mode != vehicle.Cached {
		l.shelf.tellUsed(time.Now())
	}
	switch cause := context.Cause(ctx); {
	case err == nil:
	case errors.Is(cause, errCalledOff):
		l.log.DebugContext(ctx, "refresh called off, nobody waits for it any more", "mode", string(r.Mode), "seconds", took.Seconds())
		l.end(f, nil)
		return
	case errors.Is(cause, errStopping):
		err = cause // whatever broke because of it
	}
	l.bridge.metrics.refreshed(r.Mode, err, took)
	l.used.observe(l.id, err)
	if err != nil {
		l.failed(ctx, f, r.Mode, err, took)
		return
	}
	l.learn(ctx, result)
	l.log.InfoContext(ctx, "refresh done", "mode", string(r.Mode), "data_source", string(result.DataSource), "seconds", took.Seconds(),
		"changes", len(result.Changes), "refused", len(result.Refusals), "spared", string(bluelink.Reason(spared)))
	sparing := outcomeOf(spared)
	l.end(f, func(o *order) {
		o.sourced(result)
		l.bridge.advance(o, vehicle.Verified, sparing.reason, sparing.message)
	})
}

// learn believes what a read brought: it puts it on the shelf and into the archive.
func (l *lane) learn(ctx context.Context, result bluelink.Result) {
	before := l.shelf.car().State.ReportedAt()
	l.shelf.refreshed(result)
	if result.State.ReportedAt().After(before) {
		for _, follow := range l.bridge.options.Followers {
			follow(l.shelf.car())
		}
	}
	if news(result.Changes) || l.shelf.unsaved(time.Now()) {
		l.bridge.archive.mark(l)
	}
	for _, refusal := range result.Refusals {
		raw := refusal.Raw
		if refusal.Datum.Group == vehicle.GroupLocation {
			raw = "(not logged)"
		}
		l.log.DebugContext(ctx, "value not believed", "key", refusal.Datum.Key, "reason", string(refusal.Reason), "raw", raw, "source", refusal.Source)
	}
}

// askOrSpare makes the operation. A smart refresh that may not wake the car brings what the cloud holds, and why.
func (l *lane) askOrSpare(ctx context.Context, r vehicle.Refresh) (result bluelink.Result, spared, err error) {
	result, err = l.ask(ctx, r)
	if r.Mode != vehicle.Smart || !errors.Is(err, bluelink.ErrQuota) {
		return result, nil, err
	}
	spared = err
	result, err = l.ask(ctx, vehicle.Refresh{Mode: vehicle.Cached})
	result.UpdateMethod = vehicle.Smart
	return result, spared, err
}

// failed tells how a refresh failed. Logs say it loudly when it is new for the car, so that an outage of hours is a line
// and not a flood; whoever asked has the record.
func (l *lane) failed(ctx context.Context, f *flight, mode vehicle.RefreshMode, err error, took time.Duration) {
	out := outcomeOf(err)
	level := slog.LevelWarn
	if out.reason == vehicle.Shutdown || !l.shelf.failed(mode, err, out.reason, out.message) {
		level = slog.LevelInfo
		if f.lead.quiet() {
			level = slog.LevelDebug
		}
	}
	l.log.Log(ctx, level, "refresh failed", "mode", string(mode), "reason", string(out.reason), "seconds", took.Seconds(), "error", err)
	l.end(f, func(o *order) {
		if o.hint {
			l.hinted = time.Time{} // the next one is followed
		}
		l.bridge.conclude(o, out)
	})
}

// ask makes the operation.
func (l *lane) ask(ctx context.Context, r vehicle.Refresh) (result bluelink.Result, err error) {
	if fault := l.bridge.contain(ctx, "operation", func() { result, err = l.call(ctx, r) }); fault != nil {
		return bluelink.Result{}, fmt.Errorf("%s refresh of %s: %w", r.Mode, l.id, fault)
	}
	return result, err
}

func (l *lane) call(ctx context.Context, r vehicle.Refresh) (bluelink.Result, error) {
	client := l.account().Client
	switch r.Mode {
	case vehicle.Force:
		return client.RefreshForce(ctx, l.id)
	case vehicle.Smart:
		return client.RefreshSmart(ctx, l.id, r.MaxAge)
	case vehicle.Cached:
	}
	reader, first := l.reader()
	if reader.account == first.account {
		return client.RefreshCached(ctx, l.id)
	}
	// Both clients go on from the same state, whoever has read it.
	l.used = reader.account
	l.log.DebugContext(ctx, "read through another account that has the car", "account", reader.account.Name)
	reader.account.Client.Seed(reader.vehicle, l.shelf.car().State)
	result, err := reader.account.Client.RefreshCached(ctx, l.id)
	if err == nil {
		client.Seed(first.vehicle, result.State)
	}
	return result, err
}

// news tells whether anything changed besides the time of asking, which always does.
func news(changes []vehicle.Change) bool {
	return slices.ContainsFunc(changes, func(c vehicle.Change) bool { return c.New.Datum != vehicle.LastScannedAt.Datum })
}

// sourced notes where a refresh got its data.
func (o *order) sourced(r bluelink.Result) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.record.DataSource, o.record.UpdateMethod = r.DataSource, r.UpdateMethod
}
