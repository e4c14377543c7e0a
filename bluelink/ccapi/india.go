package ccapi

import (
	"slices"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// india is the dialect of docs/protocol/india.md.
var india = dialect{
	format: format{zone: zone("Asia/Kolkata"), odometerInside: true, rules: indianRules, lowestAir: 14, highestAir: 29.5},
	// The gateway wants stamps at the entry only, and leaves the form to the paths (§1).
	manners: manners{agent: okhttp, stamps: stampedEntry, pinPath: "/api/v1/user/pin?token=", bareRefusal: true},
	signing: signing{
		way: newDirect, device: pushDevice, byToken: true, languages: []string{"en"}, life: 6 * time.Hour, pageAgent: okhttp, grantRedirect: nowhere,
		direct: directWay{query: "&state=test"},
	},
	reading: reading{
		parked: placeCall{path: "/location/park"},
		found:  placeCall{path: "/location/park"},
		aside:  &aside{"/setting/alert/maintenance", "odometer"},
		limits: true, // the status often knows the AC limit alone (§5)
		// That asking for it does not wake a car was only ever said of other regions.
		history: history{kept: fedAndElectric, total: "drivingInfo.0", regenerated: true, forcedOnly: true},
	},
	forms: indianForms, driver: rightHand, recordDelay: 15 * time.Second,
	meanings: []meaning{staleGrant},
}

// indianForms is the table of docs/protocol/india.md §6: doors and air have no CCS2 form there.
var indianForms = slices.Concat(chargeByForm, alike, valet, []form{
	{vehicle.Lock{}, allCars, session, "/control/door", deviceAction("close")},
	{vehicle.Unlock{}, allCars, session, "/control/door", deviceAction("open")},
	{vehicle.ClimateStart{}, allCars, session, "/control/engine", from(flatStart{lowest: 14, highest: 29.5, kind: 1, timed: true}.body)},
	{vehicle.ClimateStop{}, allCars, pin, "/control/engine", action("stop")},
	{vehicle.OpenChargePort{}, plugged, pin, "/control/portdoor", indianPort("open")},
	{vehicle.CloseChargePort{}, plugged, pin, "/control/portdoor", indianPort("close")},
})

// indianPort spells the device id as destinations do.
func indianPort(word string) encoder {
	return func(o order) (any, error) { return map[string]string{"action": word, "deviceID": o.device}, nil }
}

// indianRules are those of docs/protocol/india.md §5: the front seats are named by who sits on them, and some leaves stand
// elsewhere or in no other region.
var indianRules = slices.Concat(flatRules, []rule{
	seat(vehicle.SeatFrontLeft, "seatHeaterVentState.astSeatHeatState"),
	seat(vehicle.SeatFrontRight, "seatHeaterVentState.drvSeatHeatState"),
	flag(vehicle.AccessoryOn, "acc"),
	flag(vehicle.Ignition3, "ign3"),
	flag(vehicle.Transmission, "transCond"),
	flag(vehicle.SleepMode, "sleepModeCheck"),
	flag(vehicle.Sunroof, "sunroofOpen"),
	indianChargePort,
})

// indianChargePort reads the port's lid at the root where it does not stand in its usual place, with the usual codes.
func indianChargePort(d *decoding) {
	if d.get("evStatus.chargePortDoorOpenStatus").missing() {
		chargePort("chargePortDoorOpenStatus")(d)
	}
}
