package ccapi

import (
	"testing"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/cloudtest"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// peculiar is in what the clouds of a region differ from others.
var peculiar = map[vehicle.Region]cloudtest.Setup{
	vehicle.Australia:  {Cannot: tasman},
	vehicle.NewZealand: {Cannot: tasman},
	vehicle.India:      {Unrecorded: []string{"valet-on", "valet-off"}}, // docs/protocol/india.md §6
	vehicle.China:      {SignsInAgain: true},                            // when its cookies are gone
	vehicle.Brazil: { // docs/protocol/brazil.md §2.5, §4, §6, §8
		SignsInAgain: true, ShownByCar: true, Lacks: []string{"windows vent", "hazard lights_and_horn"},
		Errors: map[string]error{ // a page with 403 is a firewall's that lets through again
			"sign in blocked": bluelink.ErrUnavailable, "sign in blocked=403": bluelink.ErrUnavailable, "list html=403": bluelink.ErrUnavailable,
			"cached html=403": bluelink.ErrUnavailable, "force html=403": bluelink.ErrUnavailable, "command html=403": bluelink.ErrUnavailable,
		},
	},
}

// tasman is a car whose climate cannot be started from afar (docs/protocol/australia-newzealand.md §8).
var tasman = []string{"Tasman climate-start", "Tasman climate-stop"}

func TestSuite(t *testing.T) {
	for _, p := range profiles {
		setup := peculiar[p.region]
		setup.Region, setup.Brand, setup.Open = p.region, p.brand, Open
		setup.Hidden = []string{"valet-on", "valet-off", "flat v2l-limit"} // no report shows them
		setup.Codes = map[string]error{                                    // docs/protocol/europe.md §8
			"4004": bluelink.ErrBusy, "4005": bluelink.ErrUnsupported, "4006": bluelink.ErrVehicleUnreachable, "4007": bluelink.ErrRefused,
			"4081": bluelink.ErrVehicleUnreachable, "5091": bluelink.ErrRateLimited, "5153": bluelink.ErrRefused, "5921": bluelink.ErrNoData,
			"7501": bluelink.ErrSessionExpired, "9999": bluelink.ErrVehicleUnreachable,
		}
		cloudtest.Run(t, setup)
	}
}
