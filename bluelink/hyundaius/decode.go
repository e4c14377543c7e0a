package hyundaius

import (
	"errors"
	"fmt"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/internal/leaf"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// Decode reads a recorded status without a cloud: the answer {vehicleStatus}, or the vehicleStatus itself, with the
// vehicleDetails of the list and the tripdetails beside it when they were recorded too.
func Decode(_ vehicle.Region, protocol string, engine vehicle.Engine, payload []byte) (vehicle.Report, error) {
	if protocol != "flat" {
		return vehicle.Report{}, fmt.Errorf("decode a status: %q is not a form of this cloud; flat", protocol)
	}
	root, ok := leaf.Parse(payload)
	if !ok || root.Kind() != '{' {
		return vehicle.Report{}, errors.New("decode a status: not a JSON object")
	}
	status := root
	if inner := root.Get("vehicleStatus"); inner.Object() {
		status = inner
	}
	r := vehicle.Report{Engine: engine, Source: "vehicleStatus"}
	decodeStatus(&r, status)
	trips := decodeTrips(root.Get("evTripDetails.tripdetails"))
	addOdometer(&r, status, readDetails(root.Get("vehicleDetails")).odometer, newestOdometer(trips))
	reportTrips(&r, trips)
	if len(r.Observations) == 0 {
		return r, errors.New("decode a status: nothing in it is known")
	}
	return r, nil
}
