package ccapi

import (
	"testing"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/cloudtest"
)

func TestSuite(t *testing.T) {
	for _, p := range profiles {
		cloudtest.Run(t, cloudtest.Setup{Region: p.region, Brand: p.brand, Open: Open, Hidden: []string{"valet-on", "valet-off", "flat v2l-limit"}})
	}
}
