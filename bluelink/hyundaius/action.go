package hyundaius

import (
	"context"
	"crypto/rand"
	"net/http"
	"strings"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// untracked begins the ids of commands that the cloud accepted without an id (§6). Nobody can ask for their outcome: only the
// car's next report tells.
const untracked = "untracked-"

// idOf is the first id that an answer's headers hold (§6).
func idOf(header http.Header) vehicle.ActionID {
	for _, name := range []string{"tmsTid", "transactionId", "Xid"} {
		if id := strings.TrimSpace(headerOf(header, name)); id != "" && len(id) <= 128 {
			return vehicle.ActionID(id)
		}
	}
	return vehicle.ActionID(untracked + strings.ToLower(rand.Text()))
}

// Action asks how far a command has come (§7). The cloud was seen to say PENDING without end; the caller's patience bounds
// that.
func (c *cloud) Action(ctx context.Context, v vehicle.Vehicle, id vehicle.ActionID) (vehicle.ActionStatus, error) {
	if strings.HasPrefix(string(id), untracked) {
		return vehicle.ActionUnknown, nil
	}
	c.parts(&v).Overlook(ctx, "vehicle list", c.needDetails(ctx, v.ID))
	got, err := c.ask(ctx, request{
		op: "read action", kind: bluelink.CallRead, method: http.MethodGet, path: "rmt/getRunningStatus", car: &v, bodiless: true,
		// service_type must be there; what it says does not seem to matter.
		headers: map[string]string{"Tid": string(id), "Login_id": c.account.Username, "Service_type": "REMOTE_POLL"},
	})
	if err != nil {
		return "", err
	}
	if !got.root.Exists() {
		return vehicle.ActionUnknown, nil
	}
	switch got.root.Get("status").Str() {
	case "SUCCESS":
		return vehicle.ActionSuccess, nil
	case "ERROR":
		return vehicle.ActionFailed, nil
	}
	return vehicle.ActionPending, nil
}
