package ccapi

import (
	"slices"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/internal/answer"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// australia is the dialect of Australia and New Zealand, which share their gateways (docs/protocol/australia-newzealand.md).
var australia = dialect{
	format: format{
		// Recordings have the status in an object; the cloud sends it bare.
		zone: zone("Australia/Sydney"), flatStatus: "status", odometerInside: true, rules: flatRules,
		lowestAir: 17, highestAir: 26.5, anyClock: true,
	},
	manners: manners{agent: okhttp, stamps: stampedAll, formAlways: true, pinPath: "/api/v1/user/pin?token=", bareRefusal: true},
	signing: signing{
		way: newDirect, device: pushDevice, byToken: true, languages: []string{"en"}, life: 6 * time.Hour,
		pageAgent: okhttp, direct: directWay{query: "&lang=en"},
	},
	reading: reading{
		parked: placeCall{path: "/location/park", utc: true},
		found:  placeCall{path: "/location/park", utc: true},
		// Also cars of the flat form have a tree, with an odometer in it (§4; seen).
		aside:   &aside{"/ccs2/carstatus/latest", "state.Vehicle.Drivetrain.Odometer"},
		history: history{kept: fedAndElectric, total: "drivingInfoDetail.0"},
	},
	forms: australianForms, driver: rightHand, recordDelay: 15 * time.Second,
	meanings: []meaning{staleGrant},
}

// staleGrant is how the gateways refuse a refresh token (docs/protocol/australia-newzealand.md §2.3; seen).
var staleGrant = meaning{op: opGrant, code: "4002", Outcome: answer.Outcome{Err: bluelink.ErrSessionExpired}}

// australianForms is the table of docs/protocol/australia-newzealand.md §6.
var australianForms = slices.Concat(byForm, chargeByForm, alike, []form{
	{vehicle.ClimateStart{}, flatCars, session, "/control/temperature", from(flatStart{lowest: 17, highest: 26.5, timed: true}.body)},
	{vehicle.OpenChargePort{}, plugged, pin, "/control/portdoor", deviceAction("open")},
	{vehicle.CloseChargePort{}, plugged, pin, "/control/portdoor", deviceAction("close")},
})
