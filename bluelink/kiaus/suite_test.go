package kiaus

import (
	"testing"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/cloudtest"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

func TestSuite(t *testing.T) {
	cloudtest.Run(t, cloudtest.Setup{
		Region: vehicle.USA, Brand: vehicle.Kia, Open: Open, CodeBy: bluelink.ByEmail, SignsInAgain: true,
		Later: []string{"charge_limit_ac", "charge_limit_dc"}, // a fresh session knows none (§4.3)
		Errors: map[string]error{
			// The code of an earlier command under way is not known; the simulator has it refuse with 1001 (§6, §12).
			"force duplicate": bluelink.ErrRefused, "command duplicate": bluelink.ErrRefused,
			"force busy": bluelink.ErrUnavailable, "command busy": bluelink.ErrUnavailable,
			// This cloud has no word of its own for a low 12 V battery.
			"force low-battery": bluelink.ErrVehicleUnreachable, "command low-battery": bluelink.ErrVehicleUnreachable,
			// The list of cars beside a forced status may be empty, and has nothing to do with a command.
			"force no-data": nil, "command no-data": nil,
			// 9789 is about this client, not about the password (§8).
			"sign in credentials=error": bluelink.ErrClientRefused,
			// It is the key of the car that is refused.
			"cached invalid-device": bluelink.ErrSessionExpired, "force invalid-device": bluelink.ErrSessionExpired, "command invalid-device": bluelink.ErrSessionExpired,
		},
	})
}
