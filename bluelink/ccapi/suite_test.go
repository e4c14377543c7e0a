package ccapi

import (
	"slices"
	"testing"

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
		cloudtest.Run(t, cloudtest.Setup{Region: p.region, Brand: p.brand, Open: Open, Hidden: []string{"valet-on", "valet-off", "flat v2l-limit"}})
	}
}
