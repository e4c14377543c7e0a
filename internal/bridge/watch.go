package bridge

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/topic"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// watchEvery is how often lanes are looked at; healthEvery how often the bridge's health is published.
const (
	watchEvery  = 10 * time.Second
	healthEvery = time.Minute
)

// watch looks after what no event reports: lanes whose operation should have ended, and states that grow old.
func (b *Bridge) watch(ctx context.Context) error {
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	var health time.Time
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-ticker.C:
			for _, l := range b.lanes.all() {
				_ = b.contain(ctx, "watch", func() {
					if r, stuck := l.look(now).(vehicle.Refresh); stuck {
						l.shelf.failed(r.Mode, context.DeadlineExceeded, vehicle.Timeout, stuckText)
					}
					l.shelf.review(now)
					l.shelf.tellUsed(now)
					l.shelf.settle(now)
				})
			}
			_ = b.contain(ctx, "watch", b.settleHouse)
			for _, a := range b.accounts {
				_ = b.contain(ctx, "watch", func() { a.publish(onNews) })
			}
			if now.Sub(health) >= healthEvery {
				health = now
				_ = b.contain(ctx, "watch", b.publishHealth)
			}
		}
	}
}

// publishHealth tells how the bridge is.
func (b *Bridge) publishHealth() {
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	h := topic.Health{
		At: time.Now(), Uptime: time.Since(b.started), Memory: memory.Sys - memory.HeapReleased, Goroutines: runtime.NumGoroutine(),
		Queued: len(b.inbox), Reconnects: max(0, int(b.connections.Load())-1),
	}
	for _, l := range b.lanes.all() {
		load := l.load()
		h.Vehicles++
		h.Commands += load.waiting
		if load.flying {
			h.InFlight++
		}
		if load.stuck {
			h.Stuck++
		}
	}
	b.outbox.Publish(Publication{Topic: b.tree.BridgeHealth(), Payload: h.Payload(), Retain: true, ContentType: jsonType})
}

// Healthy tells what is wrong with the bridge itself; nil when nothing is.
func (b *Bridge) Healthy() error {
	var wrong []error
	for _, l := range b.lanes.all() {
		if l.load().stuck {
			wrong = append(wrong, fmt.Errorf("the lane of %s is stuck", l.name))
		}
	}
	if waiting := len(b.inbox); waiting > intakeSize/2 {
		wrong = append(wrong, fmt.Errorf("%d messages wait to be decoded", waiting))
	}
	return errors.Join(wrong...)
}

// Ready tells whether the bridge does its work: every account has named its cars or its cars are known from before, and
// none waits for a person.
func (b *Bridge) Ready() error {
	var missing []error
	for _, a := range b.accounts {
		status, listed := a.snapshot()
		if needsPerson(status.State) || !listed && status.Cars == 0 {
			missing = append(missing, errors.New(status.describe(a.Name)))
		}
	}
	return errors.Join(missing...)
}
