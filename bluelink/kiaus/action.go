package kiaus

import (
	"context"
	"net/http"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/internal/leaf"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// Action reads how far a command has come (docs/protocol/usa-kia.md §7). The answer counts what still runs, by kind: 0 is
// done, 1 runs, and more is taken for a failure (assumed). An answer that says nothing of it leaves the outcome unknown.
func (c *cloud) Action(ctx context.Context, v vehicle.Vehicle, id vehicle.ActionID) (status vehicle.ActionStatus, err error) {
	err = c.ask(ctx, &v, request{
		call: bluelink.Call{Kind: bluelink.CallRead, Op: "read action"}, method: http.MethodPost, path: "cmm/gts",
		body: map[string]string{"xid": string(id)},
		answer: func(root leaf.Value, _ http.Header) error {
			status = statusOf(root.Get("payload"))
			return nil
		},
	})
	return status, err
}

func statusOf(payload leaf.Value) vehicle.ActionStatus {
	status, told := vehicle.ActionSuccess, false
	for counter := range payload.All() {
		n, refused := leaf.AsCode(counter)
		switch {
		case refused != "" || counter.Missing():
			continue
		case n > 1 || n < 0:
			return vehicle.ActionFailed
		case n == 1:
			status = vehicle.ActionPending
		}
		told = true
	}
	if !told {
		return vehicle.ActionUnknown
	}
	return status
}
