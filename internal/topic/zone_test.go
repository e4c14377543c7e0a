package topic

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

var zones = []Zone{
	{"town", 52.52, 13.405, 10_000},
	{"home", 52.5200, 13.4050, 150},
	{"dateline", 0, 180, 1000},
}

func at(t *testing.T, lat, lon float64) vehicle.State {
	t.Helper()
	return stateOf(t, func(r *vehicle.Report) {
		vehicle.Latitude.Set(r, vehicle.Quantity{Value: lat, Unit: vehicle.Degree}, "")
		vehicle.Longitude.Set(r, vehicle.Quantity{Value: lon, Unit: vehicle.Degree}, "")
	})
}

func TestZone_IsTheSmallestThatHoldsTheCar(t *testing.T) {
	table := NewTable(Options{Zones: zones})
	for _, c := range []struct {
		lat, lon float64
		want     string
	}{
		{52.5201, 13.4051, `"home"`},
		{52.5220, 13.4050, `"town"`},
		{48.1, 11.6, `"not_home"`},
		{0.001, -179.999, `"dateline"`}, // on the other side of it
	} {
		if got := payload(t, table, "status/location/zone", at(t, c.lat, c.lon)); !strings.HasPrefix(got, `{"value":`+c.want+`,`) {
			t.Errorf("%v, %v is in %s, want %s", c.lat, c.lon, got, c.want)
		}
	}
	if got := payload(t, table, "status/location/zone", vehicle.State{}); !strings.HasPrefix(got, `{"value":null`) {
		t.Errorf("a car whose position is unknown is in %s", got)
	}
}

func TestLocation_NothingOfThePositionIsToldBeyondTheChoice(t *testing.T) {
	full := fullState(t)
	for location, want := range map[Location][]string{ZoneOnly: {"status/location/zone"}, NowhereToSay: nil} {
		var told []string
		for row := range NewTable(Options{Location: location, Zones: zones}).Seen(full) {
			text := string(row.Append(nil, full))
			if row.Place {
				told = append(told, row.Suffix)
			}
			if strings.Contains(text, "52.52") {
				t.Errorf("%s tells the position: %s", row.Suffix, text)
			}
		}
		if !slices.Equal(told, want) {
			t.Errorf("told are %v, want %v", told, want)
		}
	}
	for _, row := range NewTable(Options{Zones: zones}).Rows() {
		if row.Place && !slices.Contains(Places(), row.Suffix) {
			t.Errorf("%s is not among the places", row.Suffix)
		}
	}
}

func TestApart_IsTheDistanceOnTheGround(t *testing.T) {
	for _, c := range []struct{ lat1, lon1, lat2, lon2, want float64 }{
		{52.52, 13.405, 48.1374, 11.5755, 504_000}, {0, 0, 0, 1, 111_195}, {90, 0, 90, 77, 0}, {0, 0, 0, 180, 20_015_000},
	} {
		if got := apart(c.lat1, c.lon1, c.lat2, c.lon2); math.Abs(got-c.want) > 0.01*c.want+1 {
			t.Errorf("%+v: %.0f m", c, got)
		}
	}
}
