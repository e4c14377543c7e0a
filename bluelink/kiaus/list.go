package kiaus

import (
	"context"
	"errors"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// Vehicles lists the cars of the account (docs/protocol/usa-kia.md §3). A damaged entry costs its own car only.
func (c *cloud) Vehicles(ctx context.Context) ([]vehicle.Vehicle, error) {
	t, err := c.session.Tokens(ctx, 0)
	if err != nil {
		return nil, err
	}
	entries, err := c.readList(ctx, t)
	if errors.Is(err, bluelink.ErrSessionExpired) && c.refusals.Blame(listCall) {
		c.session.Expire(t)
		if t, err = c.session.Tokens(ctx, 0); err != nil {
			return nil, err
		}
		entries, err = c.readList(ctx, t)
		c.refusals.Learn(listCall, err)
	}
	if err != nil {
		return nil, c.refusals.Despite(listCall, err)
	}
	list := []vehicle.Vehicle{}
	seen := map[vehicle.ID]bool{}
	for _, e := range entries {
		v := c.vehicleOf(e)
		switch {
		case e.id == "":
			c.log.WarnContext(ctx, "an entry of the vehicle list has no vehicle id and is left out", "account", c.account.Name)
		case seen[v.ID]:
			c.log.WarnContext(ctx, "the vehicle list holds a car twice", "account", c.account.Name, "vehicle", string(v.ID))
		default:
			seen[v.ID] = true
			list = append(list, v)
		}
	}
	return list, nil
}

// engines are the fuelType of the list. 4 is certain; the others were seen by one client (docs/protocol/usa-kia.md §3).
var engines = map[int]vehicle.Engine{1: vehicle.ICE, 3: vehicle.HEV, 4: vehicle.EV, 7: vehicle.PHEV}

func (c *cloud) vehicleOf(e entry) vehicle.Vehicle {
	v := vehicle.Vehicle{
		CloudID: e.id, VIN: vehicle.VIN(e.vin), Name: e.name, Model: e.model, Brand: vehicle.Kia, Region: vehicle.USA, Engine: engines[e.fuel],
	}
	if v.Name == "" {
		v.Name = v.Model
	}
	if e.year > 1980 && e.year < 2100 {
		v.Year = e.year
	}
	v.ID = vehicle.NewID(v.VIN, v.Region, v.Brand, v.CloudID)
	if v.Engine == vehicle.EngineUnknown {
		v.Engine = c.engineOf(v.ID)
	}
	v.Capabilities.Commands = commandsOf(&v)
	return v
}

// engineOf is what the first status told of a car whose type the list does not tell.
func (c *cloud) engineOf(id vehicle.ID) vehicle.Engine {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.engines[id]
}

// learnEngine remembers it. A known type never changes.
func (c *cloud) learnEngine(id vehicle.ID, engine vehicle.Engine) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.engines[id] == vehicle.EngineUnknown {
		c.engines[id] = engine
	}
}
