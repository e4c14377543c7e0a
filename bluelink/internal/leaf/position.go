package leaf

import (
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// Position is what differs in how clouds tell where a car is.
type Position struct {
	Time string // path of when it was taken, in UTC
	// Otherwise is how old a position without a time counts; zero for unknown.
	Otherwise time.Time
	// Speed is the unit of a speed whose unit is not told. Its codes are assumed to be those of distances: beside a speed
	// other than 0 none was seen.
	Speed vehicle.Unit
}

// TakePosition reads {coord{lat,lon,alt}, head, speed{value,unit}} and the time into a report. Each observation has the time
// when the position was taken, and none the text, which is a secret. A latitude of 0 is the wire's way to say that there is
// none.
func TakePosition(r *vehicle.Report, place Value, p Position) {
	lat, lon := place.Get("coord.lat"), place.Get("coord.lon")
	if n, refused := AsNumber(lat); lat.Missing() || lon.Missing() || refused == "" && n == 0 {
		return
	}
	mine := vehicle.Report{Engine: r.Engine, Reported: p.Otherwise, Source: r.Source}
	at := place.Get(p.Time)
	taken, refused := AsUTC(at)
	timed := refused == "" && !at.Missing()
	if timed {
		mine.Reported = taken
	}
	Take(&mine, vehicle.Latitude, lat, InUnit(vehicle.Degree))
	Take(&mine, vehicle.Longitude, lon, InUnit(vehicle.Degree))
	Take(&mine, vehicle.Heading, place.Get("head"), InUnit(vehicle.Degree))
	Take(&mine, vehicle.Altitude, place.Get("coord.alt"), InUnit(vehicle.Metre))
	Take(&mine, vehicle.Speed, place.Get("speed.value"), InUnit(p.speedUnit(place.Get("speed.unit"))))
	if timed {
		vehicle.LocationUpdatedAt.Set(&mine, taken, "")
	}
	for i := range mine.Observations {
		mine.Observations[i].Raw = ""
	}
	r.Merge(mine)
}

func (p Position) speedUnit(code Value) vehicle.Unit {
	switch unit, _ := AsDistanceUnit(code); unit {
	case vehicle.Kilometre:
		return vehicle.KilometrePerHour
	case vehicle.Mile:
		return vehicle.MilePerHour
	default:
		return p.Speed
	}
}
