package app

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/bridge"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/config"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// forgetful is an outbox that keeps nothing while it is down, as that of MQTT keeps nothing that is retained.
type forgetful struct {
	up  bool
	got []string
}

func (f *forgetful) Publish(p bridge.Publication) {
	if f.up {
		f.got = append(f.got, p.Topic)
	}
}

func (*forgetful) Drained(context.Context) error { return nil }

func TestOwnTracks_PositionsReachABrokerThatWasAway(t *testing.T) {
	r := vehicle.Report{Reported: time.Now()}
	vehicle.Latitude.Set(&r, vehicle.Quantity{Value: 52.5, Unit: vehicle.Degree}, "")
	vehicle.Longitude.Set(&r, vehicle.Quantity{Value: 13.3, Unit: vehicle.Degree}, "")
	vehicle.LocationUpdatedAt.Set(&r, time.Now(), "")
	state, _, _ := vehicle.State{}.Apply(r, time.Now())
	car := bridge.Car{Name: "ioniq5", Vehicle: vehicle.Vehicle{ID: "0123456789ab"}, State: state}
	out := &forgetful{}
	o := &ownTracks{config: config.OwnTracks{Prefix: "owntracks", User: "anna"}, outbox: out}
	o.reported(car) // no connection
	out.up = true
	o.connected([]bridge.Car{car})
	o.reported(car)                // the same position
	o.connected([]bridge.Car{car}) // a broker that has forgotten it
	if want := []string{"owntracks/anna/ioniq5", "owntracks/anna/ioniq5"}; !slices.Equal(out.got, want) {
		t.Errorf("told %v, want %v", out.got, want)
	}
}
