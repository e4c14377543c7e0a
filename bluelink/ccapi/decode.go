package ccapi

import (
	"errors"
	"fmt"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// format is what a region's status looks like, whatever the brand.
type format struct {
	zone                  *time.Location // of times without one
	flatInside            string         // the object of the flat form that holds the next, and what stands beside it
	flatStatus            string         // the main object of the flat form, where it is not bare
	odometerInside        bool           // of that object, instead of beside it
	lowestAir, highestAir float64        // °C; code 00H of a set temperature and the last that is one
	rules                 []rule         // of the flat form; none where no car speaks it
	// anyClock tells that the times of flat statuses may be on the region's clock as well as UTC.
	anyClock bool
	// oneClock tells that the times of the tree are all on the same clock.
	oneClock bool
}

func zone(name string) *time.Location {
	z, err := time.LoadLocation(name)
	if err != nil {
		panic("ccapi: " + err.Error()) // the zones are part of the program
	}
	return z
}

// Decode reads a recorded status without a cloud. protocol is "flat" or "ccs2"; payload is the answer, with or without its
// envelope, or the part of it that holds the status. The region need not be one that can be signed in to.
func Decode(region vehicle.Region, protocol string, engine vehicle.Engine, payload []byte) (vehicle.Report, error) {
	d, ok := dialects[region]
	if !ok {
		return vehicle.Report{}, fmt.Errorf("decode a status of region %s: not of this family", region)
	}
	f := &d.format
	root, ok := parse(payload)
	if !ok || root.kind() != '{' {
		return vehicle.Report{}, errors.New("decode a status: not a JSON object")
	}
	r := vehicle.Report{Engine: engine, Source: protocol}
	c := clock{zone: f.zone}
	switch {
	case protocol == "ccs2":
		decodeCCS2(f, unwrap(root, "Drivetrain", "resMsg.state.Vehicle", "state.Vehicle", "Vehicle"), c, &r)
	case protocol == "flat" && f.rules != nil:
		decodeFlat(f, unwrap(root, f.flatStatus, "resMsg.vehicleStatusInfo", "vehicleStatusInfo", "resMsg"), c, &r)
	default:
		return r, fmt.Errorf("decode a status of region %s: %q is not a form of it; flat or ccs2", region, protocol)
	}
	if len(r.Observations) == 0 {
		return r, errors.New("decode a status: nothing in it is known")
	}
	return r, nil
}

// unwrap finds the object that holds the status: the first of the paths that exists, unless the root itself has mark.
func unwrap(root value, mark string, paths ...string) value {
	if mark != "" && !root.get(mark).missing() {
		return root
	}
	for _, path := range paths {
		if inner := root.get(path); inner.object() {
			return inner
		}
	}
	return root
}
