package app

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/bridge"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/control"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

var _ control.Service = (*App)(nil)

// Vehicles lists all cars.
func (a *App) Vehicles(context.Context) ([]control.Vehicle, error) {
	var list []control.Vehicle
	for _, car := range a.bridge.Cars() {
		list = append(list, describe(car))
	}
	return list, nil
}

// State tells what is believed of a car.
func (a *App) State(_ context.Context, ref string) (control.State, error) {
	car, err := a.bridge.Car(ref)
	if err != nil {
		return control.State{}, err
	}
	state := control.State{Vehicle: describe(car), Fetched: car.State.FetchedAt()}
	for r := range car.State.All() {
		state.Data = append(state.Data, datumOf(r))
	}
	return state, nil
}

func datumOf(r vehicle.Reading) control.Datum {
	d := control.Datum{Key: r.Datum.Key, Value: plain(r.Value), Unit: r.Unit().String(), Reported: r.Reported}
	if r.Value == nil {
		d.Last, d.LastReported = plain(r.Last), r.LastSeen
	}
	return d
}

// plain is a value as JSON and tables show it: the number of a quantity, since the unit stands beside it.
func plain(value any) any {
	switch v := value.(type) {
	case vehicle.Quantity:
		return v.Value
	case interface{ Minutes() float64 }: // time.Duration
		return v.Minutes()
	}
	return value
}

func describe(car bridge.Car) control.Vehicle {
	v := car.Vehicle
	return control.Vehicle{
		Name: car.Name, Account: car.Account, ID: v.ID, CloudID: v.CloudID, VINEnd: v.VIN.Last4(), Brand: v.Brand.String(),
		Region: v.Region.String(), Model: v.Model, Nickname: v.Name, Engine: v.Engine.String(), Protocol: v.Protocol(),
		Reported: car.State.ReportedAt(), Stale: string(car.Stale),
	}
}

// Send gives a command; command is the last segment of its topic.
func (a *App) Send(ctx context.Context, ref, command string, payload []byte) iter.Seq2[vehicle.Record, error] {
	return func(yield func(vehicle.Record, error) bool) {
		request, err := vehicle.DecodeRequest(command, payload)
		if err != nil {
			yield(vehicle.Record{}, err)
			return
		}
		steps, err := a.bridge.Submit(ref, request, vehicle.ByCLI)
		if err != nil {
			yield(vehicle.Record{}, err)
			return
		}
		for {
			select {
			case <-ctx.Done():
				yield(vehicle.Record{}, context.Cause(ctx))
				return
			case record, more := <-steps:
				if !more || !yield(record, nil) {
					return
				}
			}
		}
	}
}

// known reports an account that is not configured; the empty name means all.
func (a *App) known(account string) error {
	if account != "" && a.clouds[account] == nil {
		return fmt.Errorf("there is no account %q; configured are %v", account, slices.Sorted(maps.Keys(a.clouds)))
	}
	return nil
}

// Logout forgets tokens, because a person asked for it. It makes no call, and works without Run.
func (a *App) Logout(ctx context.Context, account string, device bool) ([]control.Account, error) {
	if err := a.known(account); err != nil {
		return nil, err
	}
	var failures []error
	for name, session := range a.sessions {
		if account != "" && account != name {
			continue
		}
		ctx := bluelink.WithTrace(ctx, bluelink.Trace{Account: name, Cause: vehicle.ByCLI})
		if err := session.SignOut(ctx, device); err != nil {
			failures = append(failures, fmt.Errorf("sign out of account %s: %w", name, err))
			continue
		}
		a.bridge.Observe(name, &bluelink.Error{Op: "sign out", Err: bluelink.ErrSignedOut})
	}
	// What was overwritten can still be read in the file.
	if file, ok := a.store.(interface{ Rewrite() error }); ok {
		failures = append(failures, file.Rewrite())
	}
	return a.accounts(), errors.Join(failures...)
}

// Health tells how the program stands.
func (a *App) Health(context.Context) (control.Health, error) {
	h := control.Health{Version: a.options.Version, Ready: true, Healthy: true, Accounts: a.accounts()}
	if err := a.Ready(); err != nil {
		h.Ready, h.NotReady = false, err.Error()
	}
	if err := a.bridge.Healthy(); err != nil {
		h.Healthy, h.Sick = false, err.Error()
	}
	h.Connected = a.mqtt != nil && a.mqtt.Stats().Connected
	return h, nil
}

func (a *App) accounts() []control.Account {
	states := a.bridge.AccountStates()
	var list []control.Account
	for _, name := range slices.Sorted(maps.Keys(states)) {
		s := states[name]
		list = append(list, control.Account{Name: name, State: string(s.State), Since: s.Since, Message: s.Message, Cars: s.Cars})
	}
	return list
}

// Settle waits until the cars are known, as well as they can be: from the store, and from each account's first answer.
func (a *App) Settle(ctx context.Context) error { return a.bridge.Settle(ctx) }
