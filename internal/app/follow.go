package app

import (
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/abrp"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/bridge"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/config"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/owntracks"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// followers are others that are told what cars report.
func (a *App) followers() (all []func(bridge.Car), err error) {
	calls := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "bluelink2mqtt_abrp_calls_total", Help: "Calls to A Better Route Planner, by outcome: ok or failed.",
	}, []string{"outcome"})
	a.registry.MustRegister(calls)
	if a.options.Offline {
		return nil, nil
	}
	if a.config.OwnTracks.User != "" {
		a.ownTracks = &ownTracks{config: a.config.OwnTracks, outbox: a.outbox()}
		all = append(all, a.ownTracks.reported)
	}
	tokens := map[vehicle.ID]string{}
	for _, v := range a.config.Vehicles {
		if token := v.ABRPToken.Reveal(); token != "" {
			tokens[vehicle.NewID(v.VIN, 0, 0, "")] = token
		}
	}
	if len(tokens) == 0 {
		return all, nil
	}
	a.abrp, err = abrp.New(abrp.Options{
		Key: a.config.ABRP.Key.Reveal(), Tokens: tokens, Locate: a.config.ABRP.Locate, Client: &http.Client{}, Log: a.log,
		Outcome: func(ok bool) {
			outcome := "failed"
			if ok {
				outcome = "ok"
			}
			calls.WithLabelValues(outcome).Inc()
		},
	})
	if err != nil {
		return nil, err
	}
	return append(all, func(car bridge.Car) { a.abrp.Reported(car.Vehicle.ID, car.Name, car.State) }), nil
}

// ownTracks publishes where cars are: each time that another position was taken, and to each broker that may know nothing
// of it.
type ownTracks struct {
	config config.OwnTracks
	outbox bridge.Outbox

	last sync.Map // by vehicle.ID: when the position was taken that was told last; lanes come at once
}

// reported takes a report of a car that is news.
func (o *ownTracks) reported(car bridge.Car) {
	payload, taken := owntracks.Location(car.State, car.Name, time.Now())
	if payload == nil {
		return
	}
	if before, told := o.last.Swap(car.Vehicle.ID, taken); told && !taken.After(before.(time.Time)) {
		return
	}
	o.outbox.Publish(bridge.Publication{
		Topic: owntracks.Topic(o.config.Prefix, o.config.User, car.Name), Payload: payload, Retain: true, ContentType: "application/json",
	})
}

// connected tells where all cars are: what is retained is not kept while there is no connection.
func (o *ownTracks) connected(cars []bridge.Car) {
	o.last.Clear()
	for _, car := range cars {
		o.reported(car)
	}
}
