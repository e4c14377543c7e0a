// Package guard stands between a client and a cloud and decides what may pass. It has two levels.
//
// Around an operation of [bluelink.Cloud] (a login, a list, a cached or forced read) stand, in this order and only here:
// gate → circuit breaker → bulkhead → deadline → metrics. Each is one [Around] in a file of its own; [Wrap] puts them in
// their order.
//
// Around each call below an operation stands a [bluelink.Hook], since one refresh is several calls and logins happen
// inside of any operation: see calls.go.
//
// Start with [Wrap]. The package imports bluelink, vehicle and store; only the composition root imports it.
package guard

import (
	"context"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// Operation is what a guard decides about.
type Operation struct {
	Account string
	Name    string            // login, vehicles, cached, force
	Kind    bluelink.CallKind // read or wake; its compartment in breaker and bulkhead
	Vehicle vehicle.Vehicle   // zero when the operation is about no car
	Known   vehicle.State     // what is believed of the car
}

// The names of operations, as metrics spell them.
const (
	opLogin    = "login"
	opVehicles = "vehicles"
	opCached   = "cached"
	opForce    = "force"
	opAction   = "action"
)

// Around is one guard: it calls do once, or refuses and returns why.
type Around func(ctx context.Context, op Operation, do func(context.Context) error) error

// Stack puts guards around a cloud, the first one outermost.
func Stack(account string, cloud bluelink.Cloud, guards ...Around) bluelink.Cloud {
	return &stack{account: account, cloud: cloud, guards: guards}
}

type stack struct {
	account string
	cloud   bluelink.Cloud
	guards  []Around
	listed  func([]vehicle.Vehicle) // is told each list of cars; may be nil
}

var _ bluelink.Cloud = (*stack)(nil)

func (s *stack) Login(ctx context.Context) error {
	op := Operation{Account: s.account, Name: opLogin, Kind: bluelink.CallRead}
	return s.pass(ctx, op, s.cloud.Login)
}

func (s *stack) Vehicles(ctx context.Context) (list []vehicle.Vehicle, err error) {
	op := Operation{Account: s.account, Name: opVehicles, Kind: bluelink.CallRead}
	err = s.pass(ctx, op, func(ctx context.Context) (err error) {
		list, err = s.cloud.Vehicles(ctx)
		return err
	})
	if err == nil && s.listed != nil {
		s.listed(list)
	}
	return list, err
}

func (s *stack) Cached(ctx context.Context, ask bluelink.Ask) (report vehicle.Report, err error) {
	op := Operation{Account: s.account, Name: opCached, Kind: bluelink.CallRead, Vehicle: ask.Vehicle, Known: ask.Known}
	err = s.pass(ctx, op, func(ctx context.Context) (err error) {
		report, err = s.cloud.Cached(ctx, ask)
		return err
	})
	return report, err
}

func (s *stack) Force(ctx context.Context, ask bluelink.Ask) (report vehicle.Report, err error) {
	op := Operation{Account: s.account, Name: opForce, Kind: bluelink.CallWake, Vehicle: ask.Vehicle, Known: ask.Known}
	err = s.pass(ctx, op, func(ctx context.Context) (err error) {
		report, err = s.cloud.Force(ctx, ask)
		return err
	})
	return report, err
}

func (s *stack) Send(ctx context.Context, ask bluelink.Ask, command vehicle.Command) (id vehicle.ActionID, err error) {
	op := Operation{Account: s.account, Name: command.Spec().Name, Kind: bluelink.CallCommand, Vehicle: ask.Vehicle, Known: ask.Known}
	err = s.pass(ctx, op, func(ctx context.Context) (err error) {
		id, err = s.cloud.Send(ctx, ask, command)
		return err
	})
	return id, err
}

func (s *stack) Action(ctx context.Context, v vehicle.Vehicle, id vehicle.ActionID) (status vehicle.ActionStatus, err error) {
	op := Operation{Account: s.account, Name: opAction, Kind: bluelink.CallRead, Vehicle: v}
	err = s.pass(ctx, op, func(ctx context.Context) (err error) {
		status, err = s.cloud.Action(ctx, v, id)
		return err
	})
	return status, err
}

// pass calls do through all guards, from the outermost on.
func (s *stack) pass(ctx context.Context, op Operation, do func(context.Context) error) error {
	for i := len(s.guards) - 1; i >= 0; i-- {
		guard, inner := s.guards[i], do
		do = func(ctx context.Context) error { return guard(ctx, op, inner) }
	}
	return do(ctx)
}

// Options are the numbers of the guards; the zero of any means its default.
type Options struct {
	Account  string
	Gate     Gate // required
	Breaker  BreakerOptions
	Bulkhead *Bulkhead // shared by all accounts of the process; required
	Deadline Deadlines
	Metrics  *Metrics // required
}

// Wrap puts all guards around a cloud, in the one order: gate → circuit breaker → bulkhead → deadline → metrics.
func Wrap(cloud bluelink.Cloud, o Options) bluelink.Cloud {
	breakers := newBreakers(o.Account, o.Breaker, o.Metrics)
	guards := []Around{
		admit(o.Gate),
		breakers.around,
		o.Bulkhead.account(o.Account, o.Metrics),
		o.Deadline.around,
		o.Metrics.around,
	}
	return &stack{account: o.Account, cloud: cloud, guards: guards, listed: breakers.list}
}
