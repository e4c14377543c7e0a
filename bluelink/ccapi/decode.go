package ccapi

import (
	"errors"
	"fmt"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// format is what a region's status looks like, whatever the brand.
type format struct {
	zone           *time.Location // of times without one
	flatStatus     string         // the main object of the flat form
	odometerInside bool           // of that object, instead of beside it
	lowestAir      float64        // °C; code 00H of a set temperature
}

// formats lists the regions whose status this package reads. Only those with a profile can be signed in to.
var formats = map[vehicle.Region]*format{
	vehicle.Europe:     {zone: zone("Europe/Berlin"), flatStatus: "vehicleStatus", lowestAir: 14}, // docs/protocol/europe.md §5
	vehicle.Australia:  {zone: zone("Australia/Sydney"), flatStatus: "status", odometerInside: true, lowestAir: 17},
	vehicle.NewZealand: {zone: zone("Australia/Sydney"), flatStatus: "status", odometerInside: true, lowestAir: 17},
	vehicle.China:      {zone: zone("Asia/Shanghai"), flatStatus: "status", odometerInside: true, lowestAir: 14},
	vehicle.Brazil:     {zone: time.FixedZone("-03", -3*60*60), lowestAir: 14}, // CCS2 only
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
	f, ok := formats[region]
	if !ok {
		return vehicle.Report{}, fmt.Errorf("decode a status of region %s: not of this family", region)
	}
	root, ok := parse(payload)
	if !ok || root.kind() != '{' {
		return vehicle.Report{}, errors.New("decode a status: not a JSON object")
	}
	r := vehicle.Report{Engine: engine, Source: protocol}
	c := clock{zone: f.zone}
	switch {
	case protocol == "ccs2":
		decodeCCS2(f, unwrap(root, "Drivetrain", "resMsg.state.Vehicle", "state.Vehicle", "Vehicle"), c, &r)
	case protocol == "flat" && f.flatStatus != "":
		root = unwrap(root, f.flatStatus, "resMsg.vehicleStatusInfo", "vehicleStatusInfo", "resMsg")
		if isFlatStatus(root) { // a forced read answers with the status itself
			decodeFlatStatus(f, root, c, &r)
		} else {
			decodeFlat(f, root, c, &r)
		}
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
	if !root.get(mark).missing() {
		return root
	}
	for _, path := range paths {
		if inner := root.get(path); inner.object() {
			return inner
		}
	}
	return root
}
