package config

import (
	"strings"
	"testing"
)

func TestZone_SaysWhereItIs(t *testing.T) {
	c := load(t, in(t, map[string]string{"bluelink2mqtt.yaml": "zones:\n  - {name: home, at: \"52.52, 13.405\"}\n  - {name: work, at: \"-33.9,151.2\", radius: 400}\nmqtt: {location: zone}\n"}, old...))
	if len(c.Zones) != 2 || c.Zones[0].Metres() != 100 || c.Zones[1].Metres() != 400 || c.MQTT.Location != TellZone {
		t.Fatalf("zones are %+v", c.Zones)
	}
	if lat, lon, err := c.Zones[1].Point(); lat != -33.9 || lon != 151.2 || err != nil {
		t.Errorf("work is at %v, %v, %v", lat, lon, err)
	}
	for text, says := range map[string]string{
		"zones: [{name: home}]":                                   "a zone has a name and a middle",
		"zones: [{name: home, at: \"91,0\"}]":                     "is no place",
		"zones: [{name: home, at: here}]":                         "is no place",
		"zones: [{name: not_home, at: \"1,1\"}]":                  "a meaning of its own",
		"zones: [{name: a, at: \"1,1\"}, {name: a, at: \"2,2\"}]": "names are unique",
		"mqtt: {location: zone}":                                  "there are no zones",
		"mqtt: {location: off}\nowntracks: {user: anna}":          "which mqtt.location keeps back",
	} {
		_, _, err := Load(in(t, map[string]string{"bluelink2mqtt.yaml": text + "\n"}, old...))
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", text, err, says)
		}
	}
}
