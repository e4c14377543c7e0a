package ccapi

import (
	"slices"
	"testing"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/cloudtest"
	"github.com/bluelink2mqtt/bluelink2mqtt/sim"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

func TestSuite(t *testing.T) {
	for _, p := range profiles {
		if !slices.Contains(sim.Regions(), p.region.String()) || p.region != vehicle.Europe { // the others join when their trees are agreed on
			t.Logf("nothing simulates %s-%s yet", p.brand, p.region)
			continue
		}
		cloudtest.Run(t, cloudtest.Setup{
			Region: p.region, Brand: p.brand, Open: Open, Hidden: []string{"valet-on", "valet-off", "flat v2l-limit"},
			Codes: map[string]error{ // docs/protocol/europe.md §8
				"4004": bluelink.ErrBusy, "4005": bluelink.ErrUnsupported, "4006": bluelink.ErrVehicleUnreachable, "4007": bluelink.ErrRefused,
				"4081": bluelink.ErrVehicleUnreachable, "5091": bluelink.ErrRateLimited, "5153": bluelink.ErrRefused, "5921": bluelink.ErrNoData,
				"7501": bluelink.ErrSessionExpired, "9999": bluelink.ErrVehicleUnreachable,
			},
		})
	}
}
