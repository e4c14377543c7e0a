package canada

import (
	"context"
	"errors"
	"net/http"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/internal/leaf"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// answered is the id of a command that was over when the cloud had answered: there is nothing to ask for.
const answered vehicle.ActionID = "answered"

// Action reads how far a command has come (docs/protocol/canada.md §7). It goes with the ticket of the command; when the
// cloud refuses that, with a new one.
func (c *cloud) Action(ctx context.Context, v vehicle.Vehicle, id vehicle.ActionID) (vehicle.ActionStatus, error) {
	if id == answered {
		return vehicle.ActionSuccess, nil
	}
	var status vehicle.ActionStatus
	stale := false // perhaps the ticket is
	q := request{
		call: bluelink.Call{Kind: bluelink.CallRead, Op: "read action"}, path: "rmtsts", header: map[string]string{"transactionId": string(id)},
		answer: func(result leaf.Value, _ http.Header) error {
			status = statusOf(result.Get("transaction"))
			return nil
		},
		refusal: func(root leaf.Value, err error) error {
			if root.Get("result.transaction").Object() { // a refusal that tells of the command, and none of the question
				status = vehicle.ActionFailed
				return nil
			}
			stale = errors.Is(err, bluelink.ErrBadResponse) && root.Get("responseHeader").Object()
			return err
		},
	}
	err := c.showAgain(ctx, &v, q)
	if stale {
		err = c.show(ctx, &v, q)
	}
	return status, err
}

func statusOf(transaction leaf.Value) vehicle.ActionStatus {
	switch result := transaction.Get("apiResult"); {
	case result.Missing():
		return vehicle.ActionUnknown
	case result.Str() == "C":
		return vehicle.ActionSuccess
	case result.Str() == "P":
		return vehicle.ActionPending
	}
	return vehicle.ActionFailed
}
