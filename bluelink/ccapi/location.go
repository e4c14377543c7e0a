package ccapi

import (
	"context"
	"net/http"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// position is all that a report can say about where the car is.
var position = []vehicle.Row{
	vehicle.Latitude, vehicle.Longitude, vehicle.LocationUpdatedAt, vehicle.Heading, vehicle.Altitude, vehicle.Speed,
}

// readPlace asks where the car is: where it was parked, which the cloud knows, or live, which wakes the car
// (docs/protocol/europe.md §5.3).
func (c *cloud) readPlace(ctx context.Context, ask bluelink.Ask, at placeCall) (vehicle.Report, error) {
	v := &ask.Vehicle
	r := vehicle.Report{Engine: v.Engine, Source: at.path[1:]}
	q := request{
		op: "read parked position", kind: bluelink.CallRead, method: http.MethodGet, path: below(v, at.path), car: v, besides: true,
	}
	now := clock{c.profile.zone, ask.Known, time.Now()}
	if at.wakes {
		q.op, q.kind, q.ccs2, q.timeout = "read live position", bluelink.CallWake, v.CCS2, liveTimeout
	}
	if at.utc {
		now = now.utc()
	}
	message, err := c.ask(ctx, q)
	if err != nil {
		return vehicle.Report{}, err
	}
	defer message.release()
	if inner := message.get("gpsDetail"); inner.kind() == '{' { // some accounts have it around, some not
		message = inner
	}
	readPosition(&r, message, now)
	return r, nil
}

// readPosition reads {coord{lat,lon,alt}, head, speed{value,unit}, time}, the form of the flat status, of the parked and
// of the live location; which clock its time is on depends on the call (docs/protocol/europe.md §5.3).
func readPosition(r *vehicle.Report, leaf value, c clock) {
	taken, _ := c.read(leaf.get("time"), vehicle.LocationUpdatedAt)
	place{
		lat: leaf.get("coord.lat"), lon: leaf.get("coord.lon"), alt: leaf.get("coord.alt"), head: leaf.get("head"),
		speed: leaf.get("speed.value"), speedUnit: leaf.get("speed.unit"), taken: taken,
	}.report(r)
}

// readTreePosition reads the Location of the CCS2 tree. Its Date, where there is one, is UTC; its TimeStamp is on the
// car's clock.
func readTreePosition(r *vehicle.Report, leaf value, c clock) {
	taken, ok := c.utc().read(leaf.get("Date"), vehicle.LocationUpdatedAt)
	if !ok {
		taken = c.readTimeStamp(leaf.get("TimeStamp"))
	}
	place{
		lat: leaf.get("GeoCoord.Latitude"), lon: leaf.get("GeoCoord.Longitude"), alt: leaf.get("GeoCoord.Altitude"),
		head: leaf.get("Heading"), speed: leaf.get("Speed.Value"), speedUnit: leaf.get("Speed.Unit"), taken: taken,
	}.report(r)
}

// readTimeStamp reads a time from six numbers; zero when one is missing or makes no calendar date.
func (c clock) readTimeStamp(leaf value) time.Time {
	var parts [6]int
	for i, name := range [...]string{"Year", "Mon", "Day", "Hour", "Min", "Sec"} {
		n, refused := asCode(leaf.get(name))
		if refused != "" {
			return time.Time{}
		}
		parts[i] = n
	}
	at := time.Date(parts[0], time.Month(parts[1]), parts[2], parts[3], parts[4], parts[5], 0, time.UTC)
	if at.Year() != parts[0] || int(at.Month()) != parts[1] || at.Day() != parts[2] || parts[0] < oldest ||
		parts[3] > 23 || parts[4] > 59 || parts[5] > 59 || parts[3] < 0 || parts[4] < 0 || parts[5] < 0 {
		return time.Time{}
	}
	return c.at(at, vehicle.LocationUpdatedAt)
}

// place is a position as a cloud gave it.
type place struct {
	lat, lon, alt, head, speed, speedUnit value
	taken                                 time.Time // zero when unknown
}

// report adds the position, each observation with the time when it was taken and without the text, which is a secret. A
// latitude of 0 is the wire's way to say that there is none.
func (p place) report(r *vehicle.Report) {
	if lat, refused := asNumber(p.lat); p.lat.missing() || p.lon.missing() || refused == "" && lat == 0 {
		return
	}
	mine := vehicle.Report{Engine: r.Engine, Reported: p.taken, Source: r.Source, Observations: make([]vehicle.Observation, 0, len(position))}
	degrees := func(leaf value) (vehicle.Quantity, vehicle.Refused) {
		n, refused := asNumber(leaf)
		return vehicle.Quantity{Value: n, Unit: vehicle.Degree}, refused
	}
	take(&mine, vehicle.Latitude, p.lat, degrees)
	take(&mine, vehicle.Longitude, p.lon, degrees)
	take(&mine, vehicle.Heading, p.head, degrees)
	take(&mine, vehicle.Altitude, p.alt, func(leaf value) (vehicle.Quantity, vehicle.Refused) {
		n, refused := asNumber(leaf)
		return vehicle.Quantity{Value: n, Unit: vehicle.Metre}, refused
	})
	take(&mine, vehicle.Speed, p.speed, func(leaf value) (vehicle.Quantity, vehicle.Refused) {
		n, refused := asNumber(leaf)
		return vehicle.Quantity{Value: n, Unit: asSpeedUnit(p.speedUnit)}, refused
	})
	if !p.taken.IsZero() {
		vehicle.LocationUpdatedAt.Set(&mine, p.taken, "")
	}
	for i := range mine.Observations {
		mine.Observations[i].Raw = ""
	}
	r.Merge(mine)
}

// asSpeedUnit follows the codes of distances; only 0 beside a speed of 0 was seen in Europe, so the rest is assumed.
func asSpeedUnit(leaf value) vehicle.Unit {
	if unit, _ := asDistanceUnit(leaf); unit == vehicle.Mile {
		return vehicle.MilePerHour
	}
	return vehicle.KilometrePerHour
}
