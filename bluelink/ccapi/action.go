package ccapi

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// results are what a record says (docs/protocol/europe.md §7).
var results = map[string]vehicle.ActionStatus{
	"success": vehicle.ActionSuccess, "fail": vehicle.ActionFailed, "non-response": vehicle.ActionTimeout,
	"": vehicle.ActionPending, "pending": vehicle.ActionPending, // docs/protocol/brazil.md §7
}

// Action reads how far a command has come. Records appear a moment after their command and are shown only to the device id
// that sent it: as long as that moment can last in the region, a command without a record is pending. Later, or with a result
// that nobody has explained, its status is unknown, and only the car's state tells.
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
	for record := list.first(); record.Exists(); record = record.next() {
		if record.get("recordId").str() != string(id) {
			continue
		}
		result := record.get("result")
		if result.missing() {
			return vehicle.ActionPending, nil
		}
		if status, known := results[strings.ToLower(result.str())]; known && result.kind() == '"' {
			return status, nil
		}
		return vehicle.ActionUnknown, nil
	}
	if c.justSent(id) {
		return vehicle.ActionPending, nil
	}
	return vehicle.ActionUnknown, nil
}

// remember notes when a command was sent.
func (c *cloud) remember(id vehicle.ActionID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	maps.DeleteFunc(c.sent, func(_ vehicle.ActionID, at time.Time) bool { return time.Since(at) >= c.profile.recordDelay })
	c.sent[id] = time.Now()
}

// justSent tells whether a command is so new that it may have no record yet.
func (c *cloud) justSent(id vehicle.ActionID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	at, known := c.sent[id]
	return known && time.Since(at) < c.profile.recordDelay
}
