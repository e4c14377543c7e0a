package ccapi

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// recordDelay is how long a command may be without a record before that means anything (docs/protocol/europe.md §7).
const recordDelay = 15 * time.Second

// results are what a record says (docs/protocol/europe.md §7).
var results = map[string]vehicle.ActionStatus{
	"success": vehicle.ActionSuccess, "fail": vehicle.ActionFailed, "non-response": vehicle.ActionTimeout,
}

// Action reads how far a command has come. Records appear a moment after their command and are shown only to the device id
// that sent it: without a record, or with a result that nobody has explained, the status is unknown. For the first 15 s
// after sending a caller should take that for pending; afterwards only the car's state tells.
func (c *cloud) Action(ctx context.Context, v vehicle.Vehicle, id vehicle.ActionID) (vehicle.ActionStatus, error) {
	const op = "read action"
	list, err := c.ask(ctx, request{
		op: op, kind: bluelink.CallRead, method: http.MethodGet, root: notifications, path: below(&v, "/records"), car: &v, ccs2: v.CCS2,
		besides: true,
	})
	if errors.Is(err, bluelink.ErrDevice) {
		return vehicle.ActionUnknown, nil // its records are gone, and another device has none: the next read registers one
	}
	if err != nil {
		return "", err
	}
	if !list.missing() && list.kind() != '[' {
		return "", c.fail(op, bluelink.ErrBadResponse, "no list of records")
	}
	for record := list.first(); record.doc != nil; record = record.next() {
		if record.get("recordId").str() != string(id) {
			continue
		}
		result := record.get("result")
		if result.missing() {
			return vehicle.ActionPending, nil
		}
		if status, known := results[result.str()]; known {
			return status, nil
		}
		return vehicle.ActionUnknown, nil
	}
	return vehicle.ActionUnknown, nil
}
