package bluelink

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// Client is one account as a caller uses it: its cars, and what is believed of each. It is safe for concurrent use.
type Client struct {
	cloud Cloud

	mu   sync.RWMutex // guards the map and the list, not the cars in it
	cars map[vehicle.ID]*car
	list []vehicle.Vehicle
}

// car is what the client keeps of one car.
type car struct {
	mu      sync.Mutex // guards what follows; never held during a call
	vehicle vehicle.Vehicle
	state   vehicle.State
}

// New makes a client on a cloud, which package clouds opens.
func New(cloud Cloud) (*Client, error) {
	if cloud == nil {
		return nil, errors.New("cloud is nil")
	}
	return &Client{cloud: cloud, cars: map[vehicle.ID]*car{}}, nil
}

// Initialize makes sure that there is a session and reads the account's cars. It may be called again, to learn of new
// cars; what is believed of the others stays.
func (c *Client) Initialize(ctx context.Context) error {
	if err := c.cloud.Login(ctx); err != nil {
		return fmt.Errorf("initialize: %w", err)
	}
	list, err := c.cloud.Vehicles(ctx)
	if err != nil {
		return fmt.Errorf("initialize: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.list = list
	for _, v := range list {
		known, ok := c.cars[v.ID]
		if !ok {
			known = &car{}
			c.cars[v.ID] = known
		}
		known.mu.Lock()
		known.vehicle = v
		known.mu.Unlock()
	}
	return nil
}

// Seed tells what was believed of a car when the process last ran, before its first refresh.
func (c *Client) Seed(v vehicle.Vehicle, state vehicle.State) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.cars[v.ID]; !ok {
		c.list = append(slices.Clip(c.list), v)
	}
	c.cars[v.ID] = &car{vehicle: v, state: state}
}

// Vehicles are the account's cars as last read, in the cloud's order.
func (c *Client) Vehicles() []vehicle.Vehicle {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return slices.Clone(c.list)
}

// State is what is believed of a car; the zero State for one that is not known.
func (c *Client) State(id vehicle.ID) vehicle.State {
	known, err := c.car(id)
	if err != nil {
		return vehicle.State{}
	}
	known.mu.Lock()
	defer known.mu.Unlock()
	return known.state
}

func (c *Client) car(id vehicle.ID) (*car, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if known, ok := c.cars[id]; ok {
		return known, nil
	}
	return nil, &Error{Op: "look up " + string(id), Err: ErrUnknownVehicle}
}

func (k *car) ask(ctx context.Context) Ask {
	k.mu.Lock()
	defer k.mu.Unlock()
	trace := TraceOf(ctx)
	return Ask{Vehicle: k.vehicle, Known: k.state, Sparing: trace.Sparing || trace.Cause == vehicle.ByTimer}
}

// apply believes a report.
func (k *car) apply(report vehicle.Report, now time.Time) Result {
	k.mu.Lock()
	defer k.mu.Unlock()
	var r Result
	k.state, r.Changes, r.Refusals = k.state.Apply(report, now)
	r.State = k.state
	return r
}
