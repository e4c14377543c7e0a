package kiaus

import (
	"errors"
	"fmt"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/internal/leaf"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// Decode reads a recorded status without a cloud: the answer to a cached or a forced read, with or without its envelope. The
// cloud has one form, which is called "flat".
func Decode(region vehicle.Region, protocol string, engine vehicle.Engine, payload []byte) (vehicle.Report, error) {
	if protocol != "flat" {
		return vehicle.Report{}, fmt.Errorf("decode a status of region %s: %q is not a form of it; flat", region, protocol)
	}
	root, ok := leaf.Parse(payload)
	if !ok || root.Kind() != '{' {
		return vehicle.Report{}, errors.New("decode a status: not a JSON object")
	}
	r := vehicle.Report{Engine: engine, Source: protocol}
	for _, wrap := range []string{"payload", "vehicleInfoList.0"} {
		if inner := root.Get(wrap); inner.Object() {
			root = inner
		}
	}
	switch status := root.Get("vehicleStatusRpt.vehicleStatus"); {
	case status.Object():
		decodeStatus(status, &r)
	case root.Get("evStatus").Object() || !root.Get("doorLock").Missing():
		decodeStatus(root, &r)
	default:
		decodeInfo(root, &r)
	}
	if len(r.Observations) == 0 {
		return r, errors.New("decode a status: nothing in it is known")
	}
	return r, nil
}
