package kiaus

import (
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/internal/leaf"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// readPosition reads {coord{lat,lon,alt}, head, speed{value,unit}, syncDate} (docs/protocol/usa-kia.md §4.5, §5). Each
// observation has the time when the position was taken, and none the text, which is a secret. A latitude of 0 is the wire's
// way to say that there is none.
func readPosition(r *vehicle.Report, place leaf.Value) {
	lat, lon := place.Get("coord.lat"), place.Get("coord.lon")
	if n, refused := leaf.AsNumber(lat); lat.Missing() || lon.Missing() || refused == "" && n == 0 {
		return
	}
	mine := vehicle.Report{Engine: r.Engine, Source: r.Source}
	at := place.Get("syncDate.utc")
	taken, refused := leaf.AsUTC(at)
	if refused == "" {
		mine.Reported = taken
	}
	leaf.Take(&mine, vehicle.Latitude, lat, leaf.InUnit(vehicle.Degree))
	leaf.Take(&mine, vehicle.Longitude, lon, leaf.InUnit(vehicle.Degree))
	leaf.Take(&mine, vehicle.Heading, place.Get("head"), leaf.InUnit(vehicle.Degree))
	leaf.Take(&mine, vehicle.Altitude, place.Get("coord.alt"), leaf.InUnit(vehicle.Metre))
	leaf.Take(&mine, vehicle.Speed, place.Get("speed.value"), leaf.InUnit(speedUnit(place.Get("speed.unit"))))
	if refused == "" && !at.Missing() {
		vehicle.LocationUpdatedAt.Set(&mine, taken, "")
	}
	for i := range mine.Observations {
		mine.Observations[i].Raw = ""
	}
	r.Merge(mine)
}

// speedUnit follows the codes of distances; only 1 beside a speed of 0 was seen, so the rest is assumed.
func speedUnit(at leaf.Value) vehicle.Unit {
	if unit, _ := leaf.AsDistanceUnit(at); unit == vehicle.Mile {
		return vehicle.MilePerHour
	}
	return vehicle.KilometrePerHour
}
