package ccapi

import (
	"context"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// Send gives the car a command.
func (c *cloud) Send(_ context.Context, _ bluelink.Ask, command vehicle.Command) (vehicle.ActionID, error) {
	return "", &bluelink.Error{Op: command.Spec().Name, Cloud: c.account.Cloud(), Err: bluelink.ErrUnsupported}
}

// Action asks how far a command has come.
func (c *cloud) Action(context.Context, vehicle.Vehicle, vehicle.ActionID) (vehicle.ActionStatus, error) {
	return vehicle.ActionUnknown, nil
}
