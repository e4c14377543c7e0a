package bluelink

import (
	"context"
	"fmt"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// Do gives a car a command and returns the id under which [Client.ActionStatus] tells its outcome. It sends once: an error
// for which [MayHaveSucceeded] is true leaves the outcome to be seen in the car's state.
func (c *Client) Do(ctx context.Context, id vehicle.ID, command vehicle.Command) (vehicle.ActionID, error) {
	known, err := c.car(id)
	if err != nil {
		return "", err
	}
	action, err := c.cloud.Send(ctx, known.ask(ctx), command)
	if err != nil {
		return "", fmt.Errorf("%s of %s: %w", command.Spec().Name, id, err)
	}
	return action, nil
}

// ActionStatus asks how far a command has come. It does not wait.
func (c *Client) ActionStatus(ctx context.Context, id vehicle.ID, action vehicle.ActionID) (vehicle.ActionStatus, error) {
	known, err := c.car(id)
	if err != nil {
		return "", err
	}
	status, err := c.cloud.Action(ctx, known.ask(ctx).Vehicle, action)
	if err != nil {
		return "", fmt.Errorf("status of action on %s: %w", id, err)
	}
	return status, nil
}
