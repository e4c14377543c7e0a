package hyundaius

import (
	"flag"
	"testing"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/cloudtest"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

var _ = flag.Bool("update", false, "write golden files and the table in README.md anew")

func TestSuite(t *testing.T) {
	for _, brand := range []vehicle.Brand{vehicle.Hyundai, vehicle.Genesis} {
		cloudtest.Run(t, cloudtest.Setup{Region: vehicle.USA, Brand: brand, Open: Open, HEV: vehicle.ICE, Errors: map[string]error{
			"cached duplicate": bluelink.ErrBusy,        // §8, seen on reads too
			"cached no-data":   bluelink.ErrUnavailable, // the generic 502, as of many a Genesis: §1.3
			"force busy":       bluelink.ErrUnavailable, "command busy": bluelink.ErrUnavailable,
			"command truncated": nil, // there is nothing to cut off an empty answer
			// This cloud has no word of its own for a low 12 V battery.
			"force low-battery": bluelink.ErrVehicleUnreachable, "command low-battery": bluelink.ErrVehicleUnreachable,
		}})
	}
}
