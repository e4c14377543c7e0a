package canada

import (
	"testing"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/cloudtest"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

func TestSuite(t *testing.T) {
	for _, brand := range []vehicle.Brand{vehicle.Hyundai, vehicle.Kia, vehicle.Genesis} {
		cloudtest.Run(t, cloudtest.Setup{
			Region: vehicle.Canada, Brand: brand, Open: Open, CodeBy: bluelink.ByEmail, SignsInAgain: true, TrustsDevices: true,
			Unlock: "*/drulck",                                               // after the call that shows the PIN
			Later:  []string{"phev charge_limit_ac", "phev charge_limit_dc"}, // only electric cars have them (§4.1)
			Lost:   vehicle.ActionFailed,                                     // §7
			Errors: map[string]error{
				// This cloud has one word for whatever it could not do, and one text for a car that does not answer.
				"force busy": bluelink.ErrUnavailable, "command busy": bluelink.ErrUnavailable, "cached no-data": bluelink.ErrUnavailable,
				"force low-battery": bluelink.ErrVehicleUnreachable, "command low-battery": bluelink.ErrVehicleUnreachable,
				"sign in credentials=error": bluelink.ErrUnavailable,
				// What stands before it refuses for a quarter of an hour (§8).
				"list html=403": bluelink.ErrRateLimited, "cached html=403": bluelink.ErrRateLimited, "force html=403": bluelink.ErrRateLimited,
				"command html=403": bluelink.ErrRateLimited, "sign in blocked": bluelink.ErrRateLimited, "sign in blocked=403": bluelink.ErrRateLimited,
			},
		})
	}
}
