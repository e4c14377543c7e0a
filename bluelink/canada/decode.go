package canada

import (
	"errors"
	"fmt"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/internal/leaf"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// Decode reads a recorded status without a cloud, with or without its envelope. The clouds have one form, which is called
// "flat"; the model year, which decides how a temperature is read, is not told.
func Decode(region vehicle.Region, protocol string, engine vehicle.Engine, payload []byte) (vehicle.Report, error) {
	if protocol != "flat" {
		return vehicle.Report{}, fmt.Errorf("decode a status of region %s: %q is not a form of it; flat", region, protocol)
	}
	root, ok := leaf.Parse(payload)
	if !ok || root.Kind() != '{' {
		return vehicle.Report{}, errors.New("decode a status: not a JSON object")
	}
	for _, wrap := range []string{"result", "status"} {
		if inner := root.Get(wrap); inner.Object() {
			root = inner
		}
	}
	r := vehicle.Report{Engine: engine, Source: protocol}
	decodeStatus(root, time.UTC, 0, &r)
	if len(r.Observations) == 0 {
		return r, errors.New("decode a status: nothing in it is known")
	}
	return r, nil
}
