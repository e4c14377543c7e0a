package guard_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/guard"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// cloud is a cloud that does what its fields say; a nil field succeeds at once.
type cloud struct {
	bluelink.Cloud // commands, which nobody gives here

	login    func(context.Context) error
	vehicles func(context.Context) ([]vehicle.Vehicle, error)
	cached   func(context.Context, bluelink.Ask) error
	force    func(context.Context, bluelink.Ask) error
	send     func(context.Context, vehicle.Command) error
}

var _ bluelink.Cloud = (*cloud)(nil)

func (c *cloud) Login(ctx context.Context) error {
	if c.login == nil {
		return nil
	}
	return c.login(ctx)
}

func (c *cloud) Vehicles(ctx context.Context) ([]vehicle.Vehicle, error) {
	if c.vehicles == nil {
		return nil, nil
	}
	return c.vehicles(ctx)
}

func (c *cloud) Cached(ctx context.Context, ask bluelink.Ask) (vehicle.Report, error) {
	return call(ctx, ask, "cached", c.cached)
}

func (c *cloud) Force(ctx context.Context, ask bluelink.Ask) (vehicle.Report, error) {
	return call(ctx, ask, "force", c.force)
}

func (c *cloud) Send(ctx context.Context, _ bluelink.Ask, command vehicle.Command) (vehicle.ActionID, error) {
	if c.send == nil {
		return "action-1", nil
	}
	return "", c.send(ctx, command)
}

func (c *cloud) Action(context.Context, vehicle.Vehicle, vehicle.ActionID) (vehicle.ActionStatus, error) {
	return vehicle.ActionPending, nil
}

// call answers with a report that names its source.
func call(ctx context.Context, ask bluelink.Ask, source string, do func(context.Context, bluelink.Ask) error) (vehicle.Report, error) {
	if do != nil {
		if err := do(ctx, ask); err != nil {
			return vehicle.Report{}, err
		}
	}
	return vehicle.Report{Source: source}, nil
}

// options are those of Wrap, with a registry and a gate of their own.
func options(t *testing.T) guard.Options {
	t.Helper()
	o, _ := measured(t)
	return o
}

// measured is options, and the registry that their metrics go to.
func measured(t *testing.T) (guard.Options, *prometheus.Registry) {
	t.Helper()
	registry := prometheus.NewRegistry()
	return guard.Options{
		Account: "home", Gate: &guard.CountingGate{}, Bulkhead: guard.NewBulkhead(guard.BulkheadOptions{}),
		Metrics: guard.NewMetrics(registry),
	}, registry
}

// read makes a cached read through a cloud.
func read(ctx context.Context, c bluelink.Cloud) error {
	_, err := c.Cached(ctx, bluelink.Ask{})
	return err
}

// wake makes a forced read through a cloud.
func wake(ctx context.Context, c bluelink.Cloud) error {
	_, err := c.Force(ctx, bluelink.Ask{})
	return err
}

// twice wraps an error as callers above a cloud do.
func twice(err error) error {
	return fmt.Errorf("read state of a car: %w", &bluelink.Error{Op: "read status", Cloud: "hyundai-eu", Err: errors.Join(err, errors.New("cause"))})
}

// metric reads one series; labels are name, value, name, value …. A series that is not there reads 0.
func metric(t *testing.T, registry prometheus.Gatherer, name string, labels ...string) float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
	series:
		for _, m := range family.GetMetric() {
			if family.GetName() != name {
				continue
			}
			has := map[string]string{}
			for _, l := range m.GetLabel() {
				has[l.GetName()] = l.GetValue()
			}
			for label := range slices.Chunk(labels, 2) {
				if has[label[0]] != label[1] {
					continue series
				}
			}
			switch {
			case m.Gauge != nil:
				return m.GetGauge().GetValue()
			case m.Counter != nil:
				return m.GetCounter().GetValue()
			}
			return float64(m.GetHistogram().GetSampleCount())
		}
	}
	return 0
}

// journal notes what happened, in order.
type journal struct {
	mu    sync.Mutex
	lines []string
}

func (j *journal) note(line string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, line)
}

func (j *journal) read() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.lines)
}
