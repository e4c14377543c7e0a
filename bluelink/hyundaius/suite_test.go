package hyundaius

import (
	"flag"
	"testing"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/cloudtest"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

var update = flag.Bool("update", false, "write golden files and the table in README.md anew")

func TestSuite(t *testing.T) {
	for _, brand := range []vehicle.Brand{vehicle.Hyundai, vehicle.Genesis} {
		cloudtest.Run(t, cloudtest.Setup{Region: vehicle.USA, Brand: brand, Open: Open, HEV: vehicle.ICE})
	}
}
