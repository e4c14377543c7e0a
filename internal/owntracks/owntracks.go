// Package owntracks tells where a car is in the words of OwnTracks, for its recorder and for maps that read the same topics.
// The format is that of https://owntracks.org/booklet/tech/json/.
//
// It imports vehicle and knows neither topics of ours nor MQTT: the composition root publishes what it writes.
package owntracks

import (
	"encoding/json"
	"math"
	"strings"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// Topic is where a car's position belongs: prefix is "owntracks" unless the user has another, user whose device the car is,
// and name the car's.
func Topic(prefix, user, name string) string { return prefix + "/" + user + "/" + name }

// location is a message of the type "location". Numbers are whole where OwnTracks says so.
type location struct {
	Type     string  `json:"_type"`
	Lat      float64 `json:"lat"`
	Lon      float64 `json:"lon"`
	Taken    int64   `json:"tst"`           // seconds since 1970: of the position, not of the message
	Tracker  string  `json:"tid"`           // two characters on the map
	Altitude *int    `json:"alt,omitempty"` // m
	Course   *int    `json:"cog,omitempty"` // degrees, 0 is north
	Speed    *int    `json:"vel,omitempty"` // km/h
	Charge   *int    `json:"batt,omitempty"`
	Battery  *int    `json:"bs,omitempty"` // 0 unknown, 1 unplugged, 2 charging, 3 full
	Trigger  string  `json:"t"`
	Created  int64   `json:"created_at"`
}

// Location is the message about a state; nil where there is no position with a time.
func Location(state vehicle.State, name string, now time.Time) []byte {
	lat, located := vehicle.Latitude.Of(state)
	lon, also := vehicle.Longitude.Of(state)
	taken, timed := vehicle.LocationUpdatedAt.Of(state)
	if !located || !also || !timed {
		return nil
	}
	l := location{
		Type: "location", Lat: lat.Value, Lon: lon.Value, Taken: taken.Unix(), Tracker: tracker(name), Trigger: "p", Created: now.Unix(),
		Altitude: whole(vehicle.Altitude, state, vehicle.Metre), Course: whole(vehicle.Heading, state, vehicle.Degree),
		Speed: whole(vehicle.Speed, state, vehicle.KilometrePerHour),
	}
	if soc, known := vehicle.SoC.Of(state); known {
		percent := int(math.Round(float64(soc)))
		l.Charge, l.Battery = &percent, battery(state, percent)
	}
	payload, err := json.Marshal(l)
	if err != nil {
		return nil // a number that JSON cannot carry never gets into a state
	}
	return payload
}

// tracker is what the map shows: the first letter of the name and the last character of it.
func tracker(name string) string {
	letters := []rune(strings.ToUpper(name))
	switch len(letters) {
	case 0:
		return "??"
	case 1:
		return string(letters) + string(letters)
	}
	return string(letters[0]) + string(letters[len(letters)-1])
}

func whole(p vehicle.Point[vehicle.Quantity], state vehicle.State, unit vehicle.Unit) *int {
	q, known := p.Of(state)
	if !known {
		return nil
	}
	converted, ok := q.In(unit)
	if !ok {
		return nil
	}
	n := int(math.Round(converted.Value))
	return &n
}

func battery(state vehicle.State, percent int) *int {
	status := 0
	charging, known := vehicle.Charging.Of(state)
	plugged, also := vehicle.PluggedIn.Of(state)
	switch {
	case known && charging:
		status = 2
	case percent >= 100:
		status = 3
	case also && !plugged:
		status = 1
	}
	return &status
}
