package ccapi

import (
	"slices"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// europe is the dialect of docs/protocol/europe.md, from which the other pages tell their differences.
var europe = dialect{
	format: format{
		zone: zone("Europe/Berlin"), flatInside: "vehicleStatusInfo", flatStatus: "vehicleStatus", rules: flatRules,
		lowestAir: 14, highestAir: 30, // one client accepts as much
	},
	manners: manners{agent: okhttp, stamps: stampedAll, formAlways: true, pinPath: "/api/v1/user/pin"},
	signing: signing{way: newOneApp, device: pushDevice, byToken: true, languages: european, life: time.Hour, pageAgent: browserAgent, grantRedirect: nowhere},
	reading: reading{
		parked:  placeCall{path: "/location/park"},
		found:   placeCall{path: "/location", utc: true, wakes: true},
		history: history{kept: fedAndElectric, total: "drivingInfo.0", regenerated: true},
	},
	forms: europeanForms, recordDelay: 15 * time.Second,
}

// european languages, of docs/protocol/europe.md §1.3.
var european = []string{"en", "de", "fr", "it", "es", "sv", "nl", "no", "cs", "sk", "hu", "da", "pl", "fi", "pt"}

// europeanForms is the table of docs/protocol/europe.md §6.
var europeanForms = slices.Concat(byForm, chargeByForm, alike, valet, []form{
	{vehicle.ClimateStart{}, flatCars, session, "/control/temperature", from(flatStart{lowest: 14, highest: 29.5, timed: true}.body)},
	{vehicle.OpenChargePort{}, plugged, pin, "/control/portdoor", action("open")},
	{vehicle.CloseChargePort{}, plugged, pin, "/control/portdoor", action("close")},
})
