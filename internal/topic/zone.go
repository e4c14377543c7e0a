package topic

import (
	"math"
	"slices"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// Zone is a circle on the ground with a name.
type Zone struct {
	Name                string
	Latitude, Longitude float64 // degrees
	Radius              float64 // metres
}

// Location says what is told of where a car is.
type Location uint8

// The choices.
const (
	Position     Location = iota // everything
	ZoneOnly                     // the zone
	NowhereToSay                 // nothing
)

// NotHome is the zone of a car that is in none.
const NotHome = "not_home"

// zoneSuffix is the topic of the zone.
const zoneSuffix = "status/location/zone"

// zoneTopic tells in which zone the car is.
func zoneTopic(zones []Zone) spec {
	// The smallest one counts where several hold the car.
	zones = slices.Clone(zones)
	slices.SortStableFunc(zones, func(a, b Zone) int {
		switch {
		case a.Radius < b.Radius:
			return -1
		case a.Radius > b.Radius:
			return 1
		}
		return 0
	})
	return spec{
		suffix: zoneSuffix, from: data(vehicle.Latitude, vehicle.Longitude), value: "name of a zone, `" + NotHome + "`",
		write: func(dst []byte, _ Units, s vehicle.State) ([]byte, string) {
			north, ok := vehicle.Latitude.Of(s)
			east, too := vehicle.Longitude.Of(s)
			if !ok || !too {
				return appendNull(dst), ""
			}
			for _, z := range zones {
				if apart(z.Latitude, z.Longitude, north.Value, east.Value) <= z.Radius {
					return appendText(dst, z.Name), ""
				}
			}
			return appendText(dst, NotHome), ""
		},
	}
}

// told tells whether a topic is there under these options.
func (o Options) told(topic spec) bool {
	if !slices.ContainsFunc(topic.from, place) {
		return true
	}
	return o.Location == Position || o.Location == ZoneOnly && topic.suffix == zoneSuffix
}

// Places are the endings of all topics that tell where a car is, under any choice of options.
func Places() []string {
	all := []string{zoneSuffix}
	for _, topic := range specs() {
		if slices.ContainsFunc(topic.from, place) {
			all = append(all, topic.suffix)
		}
	}
	return all
}

// apart is how far two points on the ground are apart, in metres.
func apart(lat1, lon1, lat2, lon2 float64) float64 {
	const earth, degree = 6_371_000, math.Pi / 180
	north, east := (lat2-lat1)*degree, (lon2-lon1)*degree
	h := math.Pow(math.Sin(north/2), 2) + math.Cos(lat1*degree)*math.Cos(lat2*degree)*math.Pow(math.Sin(east/2), 2)
	return 2 * earth * math.Asin(math.Sqrt(min(1, h)))
}
