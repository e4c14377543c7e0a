package app

import (
	"net/http"
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

// ownTracks is where cars are, in the words of OwnTracks.
type ownTracks struct{ config config.OwnTracks }

func (o ownTracks) Topic(car string) string {
	return owntracks.Topic(o.config.Prefix, o.config.User, car)
}

func (o ownTracks) Position(car bridge.Car) []byte {
	return owntracks.Location(car.State, car.Name, time.Now())
}
