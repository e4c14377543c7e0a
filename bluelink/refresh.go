package bluelink

import (
	"context"
	"fmt"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// Result is what a refresh brought.
type Result struct {
	State        vehicle.State
	Changes      []vehicle.Change
	Refusals     []vehicle.Refusal
	DataSource   vehicle.DataSource  // cached or fresh
	UpdateMethod vehicle.RefreshMode // what was asked for
}

// RefreshCached reads what the cloud holds of a car. It never wakes the car.
func (c *Client) RefreshCached(ctx context.Context, id vehicle.ID) (Result, error) {
	return c.refresh(ctx, id, vehicle.Cached, false)
}

// RefreshForce wakes the car and reads what it then reports.
func (c *Client) RefreshForce(ctx context.Context, id vehicle.ID) (Result, error) {
	return c.refresh(ctx, id, vehicle.Force, true)
}

// RefreshSmart forces when the car's last report is known and older than maxAge, and otherwise reads what the cloud
// holds. The result's DataSource says which way it went.
func (c *Client) RefreshSmart(ctx context.Context, id vehicle.ID, maxAge time.Duration) (Result, error) {
	return c.refresh(ctx, id, vehicle.Smart, vehicle.NeedsForce(c.State(id).ReportedAt(), time.Now(), maxAge))
}

func (c *Client) refresh(ctx context.Context, id vehicle.ID, mode vehicle.RefreshMode, force bool) (Result, error) {
	known, err := c.car(id)
	if err != nil {
		return Result{}, err
	}
	read, source := c.cloud.Cached, vehicle.FromCloud
	if force {
		read, source = c.cloud.Force, vehicle.FromCar
	}
	asked := time.Now()
	report, err := read(ctx, known.ask(ctx))
	if err != nil {
		return Result{}, fmt.Errorf("%s refresh of %s: %w", mode, id, err)
	}
	report.Reported, report.Source = time.Time{}, "" // our clock's time has no report time
	vehicle.LastScannedAt.Set(&report, asked.UTC(), "")
	result := known.apply(report, time.Now())
	result.DataSource, result.UpdateMethod = source, mode
	return result, nil
}
