package ccapi

import (
	"slices"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/internal/answer"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// china is the dialect of docs/protocol/china.md: generation B, as nothing of A answers any more (§0).
var china = dialect{
	format: format{
		zone: zone("Asia/Shanghai"), flatStatus: "status", odometerInside: true, rules: flatRules, lowestAir: 14, highestAir: 29.5,
	},
	manners: manners{agent: blueLink, pinPath: "/api/v1/user/pin", pinDressed: true, bareRefusal: true},
	signing: signing{
		way: newUARS, device: providedDevice, languages: []string{"zh", "en"}, life: 6 * time.Hour, pageAgent: blueLink, entryTimeout: time.Minute,
	},
	reading: reading{
		// The only call that tells a position wakes the car (§4; seen); what the status holds has to do.
		found:   placeCall{path: "/location", wakes: true},
		history: history{kept: func(v *vehicle.Vehicle) bool { return v.Engine == vehicle.EV }, total: "drivingInfoDetail.0"},
		within:  time.Minute,
	},
	forms: chineseForms, recordDelay: time.Minute, patience: 3 * time.Minute,
	meanings: []meaning{
		// Whatever it says: the body has not what the server wants, or the constants are those of generation A (§8).
		{op: opRegister, code: "4002", Outcome: answer.Outcome{Err: bluelink.ErrClientRefused}},
	},
}

const blueLink = "BlueLink/109 CFNetwork/3896.100.1.2.1 Darwin/27.0.0"

// providedDevice is a device with an id of the app's own beside the push id (docs/protocol/china.md §2.3).
func providedDevice(push string) any {
	return map[string]string{"providerDeviceId": newUUID(), "pushRegId": randomHex(16), "pushType": push, "uuid": newUUID()}
}

// chineseForms is the table of docs/protocol/china.md §6: doors, air and charging have no CCS2 form there.
var chineseForms = slices.Concat(alike, []form{
	{vehicle.Lock{}, allCars, session, "/control/door", deviceAction("close")},
	{vehicle.Unlock{}, allCars, session, "/control/door", deviceAction("open")},
	{vehicle.ClimateStart{}, allCars, session, "/control/engine", from(flatStart{lowest: 14, highest: 29.5, kind: 1}.body)},
	{vehicle.ClimateStop{}, allCars, pin, "/control/engine", action("stop")},
	{vehicle.ChargeStart{}, plugged, session, "/control/charge", deviceAction("start")},
	{vehicle.ChargeStop{}, plugged, session, "/control/charge", deviceAction("stop")},
	{vehicle.OpenChargePort{}, plugged, sessionV2, "/control/portdoor", deviceAction("open")},
	{vehicle.CloseChargePort{}, plugged, sessionV2, "/control/portdoor", deviceAction("close")},
})
