package owntracks_test

import (
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/owntracks"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func state(t *testing.T, fill func(*vehicle.Report)) vehicle.State {
	t.Helper()
	r := vehicle.Report{Engine: vehicle.EV, Reported: now.Add(-time.Minute), Source: "status"}
	fill(&r)
	s, _, refusals := vehicle.State{}.Apply(r, now)
	if len(refusals) != 0 {
		t.Fatalf("refused: %+v", refusals)
	}
	return s
}

func TestLocation_TellsWhatOwnTracksKnows(t *testing.T) {
	s := state(t, func(r *vehicle.Report) {
		vehicle.Latitude.Set(r, vehicle.Quantity{Value: 52.5163, Unit: vehicle.Degree}, "")
		vehicle.Longitude.Set(r, vehicle.Quantity{Value: 13.3777, Unit: vehicle.Degree}, "")
		vehicle.LocationUpdatedAt.Set(r, now.Add(-2*time.Minute), "")
		vehicle.Heading.Set(r, vehicle.Quantity{Value: 180.4, Unit: vehicle.Degree}, "")
		vehicle.Altitude.Set(r, vehicle.Quantity{Value: 34, Unit: vehicle.Metre}, "")
		vehicle.Speed.Set(r, vehicle.Quantity{Value: 50, Unit: vehicle.MilePerHour}, "")
		vehicle.SoC.Set(r, 74, "")
		vehicle.Charging.Set(r, true, "")
	})
	payload := owntracks.Location(s, "ioniq5", now)
	want := `{"_type":"location","lat":52.5163,"lon":13.3777,"tst":1772366280,"tid":"I5","alt":34,"cog":180,"vel":80,"batt":74,"bs":2,"t":"p","created_at":1772366400}`
	if string(payload) != want {
		t.Errorf("%s\nwant %s", payload, want)
	}
}

func TestLocation_WithoutAPositionOrItsTimeNothingIsTold(t *testing.T) {
	for name, fill := range map[string]func(*vehicle.Report){
		"nothing": func(r *vehicle.Report) { vehicle.SoC.Set(r, 74, "") },
		"no time": func(r *vehicle.Report) {
			vehicle.Latitude.Set(r, vehicle.Quantity{Value: 52.5, Unit: vehicle.Degree}, "")
			vehicle.Longitude.Set(r, vehicle.Quantity{Value: 13.3, Unit: vehicle.Degree}, "")
		},
	} {
		if payload := owntracks.Location(state(t, fill), "x", now); payload != nil {
			t.Errorf("%s: told %s", name, payload)
		}
	}
}
