package config

import (
	"fmt"
	"strconv"
	"strings"
)

// Zone is a circle on the ground.
type Zone struct {
	Name   string `yaml:"name" example:"home" doc:"Its name: a-z, 0-9, _ and -. One that Home Assistant has a zone of is that zone"`
	At     string `yaml:"at" example:"52.5200, 13.4050" doc:"Its middle: latitude and longitude in degrees"`
	Radius int    `yaml:"radius" min:"0" max:"1000000" example:"150" doc:"Its radius in metres; 0 for 100. Where several hold a car, the smallest counts"`
}

// usualRadius is the radius of a zone that says none, in metres.
const usualRadius = 100

// Point is the zone's middle.
func (z Zone) Point() (latitude, longitude float64, err error) {
	north, east, _ := strings.Cut(z.At, ",")
	latitude, err1 := strconv.ParseFloat(strings.TrimSpace(north), 64)
	longitude, err2 := strconv.ParseFloat(strings.TrimSpace(east), 64)
	if err1 != nil || err2 != nil || !(latitude >= -90 && latitude <= 90 && longitude >= -180 && longitude <= 180) {
		return 0, 0, fmt.Errorf("is no place: latitude and longitude in degrees, such as 52.52, 13.405")
	}
	return latitude, longitude, nil
}

// Metres is the zone's radius.
func (z Zone) Metres() float64 {
	if z.Radius == 0 {
		return usualRadius
	}
	return float64(z.Radius)
}

func (l *loader) zones() {
	names := map[string]Origin{}
	for i, z := range l.config.Zones {
		entry := fmt.Sprintf("zones[%d]", i)
		for _, key := range []string{"name", "at"} {
			if !l.given(entry + "." + key) {
				at := l.config.origins[entry]
				at.Name = entry + "." + key
				l.problem(at, "is missing: a zone has a name and a middle")
			}
		}
		if z.Name != "" {
			l.name(l.at(entry+".name"), z.Name, names)
		}
		if z.Name == "not_home" {
			l.problem(l.at(entry+".name"), "%q has a meaning of its own: choose another name", z.Name)
		}
		if _, _, err := z.Point(); err != nil && z.At != "" {
			l.problem(l.at(entry+".at"), "%v", err)
		}
	}
	if l.config.MQTT.Location == TellZone && len(l.config.Zones) == 0 {
		l.problem(l.at("mqtt.location"), "tells the zone alone, but there are no zones: name them under zones")
	}
}
