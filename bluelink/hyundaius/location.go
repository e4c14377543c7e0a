package hyundaius

import (
	"context"
	"net/http"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/internal/leaf"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// findCar asks the modem where the car is (§4.3). It has a tight quota of its own, and some cars time out, so that it is
// asked only beside a wake whose status tells no place, and not for long.
func (c *cloud) findCar(ctx context.Context, v *vehicle.Vehicle) (vehicle.Report, error) {
	r := vehicle.Report{Engine: v.Engine, Source: "findMyCar"}
	got, err := c.ask(ctx, request{op: "find car", kind: bluelink.CallWake, method: http.MethodGet, path: "rcs/rfc/findMyCar", car: v})
	if err != nil {
		return vehicle.Report{}, err
	}
	readPosition(&r, got.root)
	return r, nil
}

// readPosition reads {coord{lat,lon,alt}, head, speed{value,unit}, time}, each observation with the time when it was taken
// and without the text, which is a secret. A position without a time is as old as the status around it (assumed). A
// latitude of 0 is the wire's way to say that there is none.
func readPosition(r *vehicle.Report, place leaf.Value) {
	lat, lon := place.Get("coord.lat"), place.Get("coord.lon")
	if n, refused := leaf.AsNumber(lat); lat.Missing() || lon.Missing() || refused == "" && n == 0 {
		return
	}
	mine := vehicle.Report{Engine: r.Engine, Reported: r.Reported, Source: r.Source}
	taken, refused := leaf.AsUTC(place.Get("time"))
	if refused == "" && !place.Get("time").Missing() {
		mine.Reported = taken
	} else {
		taken = time.Time{}
	}
	leaf.Take(&mine, vehicle.Latitude, lat, leaf.InUnit(vehicle.Degree))
	leaf.Take(&mine, vehicle.Longitude, lon, leaf.InUnit(vehicle.Degree))
	leaf.Take(&mine, vehicle.Altitude, place.Get("coord.alt"), leaf.InUnit(vehicle.Metre))
	leaf.Take(&mine, vehicle.Heading, place.Get("head"), leaf.InUnit(vehicle.Degree))
	leaf.Take(&mine, vehicle.Speed, place.Get("speed.value"), leaf.InUnit(speedUnit(place.Get("speed.unit"))))
	if !taken.IsZero() {
		vehicle.LocationUpdatedAt.Set(&mine, taken, "")
	}
	for i := range mine.Observations {
		mine.Observations[i].Raw = ""
	}
	r.Merge(mine)
}

// speedUnit follows the codes of distances; only 1 beside a speed of 0 was seen, so the rest is assumed.
func speedUnit(code leaf.Value) vehicle.Unit {
	if unit, _ := leaf.AsDistanceUnit(code); unit == vehicle.Kilometre {
		return vehicle.KilometrePerHour
	}
	return vehicle.MilePerHour
}
