package bluelink_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/clouds"
	"github.com/bluelink2mqtt/bluelink2mqtt/sim"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// The simulated cloud takes the place of the real one in all examples. Without WithRoundTripper the same lines talk to the
// maker's.
func open(options ...bluelink.Option) (*bluelink.Client, *sim.Sim) {
	world, err := sim.New(sim.Options{Parked: true, LatencyForce: time.Millisecond})
	if err != nil {
		panic(err)
	}
	cloud, err := clouds.Open(bluelink.Account{
		Region: vehicle.Europe, Brand: vehicle.Kia, Username: sim.Email, Password: sim.Password, PIN: sim.PIN,
	}, append(options, bluelink.WithRoundTripper(world.RoundTripper()))...)
	if err != nil {
		panic(err)
	}
	client, err := bluelink.New(cloud)
	if err != nil {
		panic(err)
	}
	return client, world
}

// Sign in, list the cars and read what the cloud holds of them. No car is woken.
func Example() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	client, _ := open()
	if err := client.Initialize(ctx); err != nil {
		panic(err)
	}
	for _, car := range client.Vehicles() {
		result, err := client.RefreshCached(ctx, car.ID)
		if err != nil {
			panic(err)
		}
		soc, known := vehicle.SoC.Of(result.State)
		fmt.Printf("%s (%s): charge known %t, %v\n", car.Model, car.Engine, known, soc >= 0 && soc <= 100)
	}
	// Output:
	// EV6 (ev): charge known true, true
	// e-Niro (ev): charge known true, true
	// Sportage PHEV (phev): charge known true, true
	// Ceed (ice): charge known false, true
}

// A smart refresh wakes the car only when its last report is older than asked. The result says which way it went.
func ExampleClient_RefreshSmart() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	client, _ := open()
	if err := client.Initialize(ctx); err != nil {
		panic(err)
	}
	car := client.Vehicles()[1]
	if _, err := client.RefreshCached(ctx, car.ID); err != nil {
		panic(err)
	}
	for _, maxAge := range []time.Duration{24 * time.Hour, time.Minute} {
		result, err := client.RefreshSmart(ctx, car.ID, maxAge)
		if err != nil {
			panic(err)
		}
		fmt.Println("not older than", maxAge, "is", result.DataSource)
	}
	// Output:
	// not older than 24h0m0s is cached
	// not older than 1m0s is fresh
}

// Every data point stands in one catalogue, with its unit and its last good value.
func ExampleClient_State() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	client, world := open()
	if err := client.Initialize(ctx); err != nil {
		panic(err)
	}
	car := client.Vehicles()[0]
	if err := world.SetVehicle(car.CloudID, map[string]any{"odometer_km": 12345.6, "locked": true, "report": true}); err != nil {
		panic(err)
	}
	if _, err := client.RefreshCached(ctx, car.ID); err != nil {
		panic(err)
	}
	state := client.State(car.ID)
	odometer, _ := vehicle.Odometer.Of(state)
	miles, _ := odometer.In(vehicle.Mile)
	locked, known := vehicle.Locked.Of(state)
	fmt.Println("odometer", odometer)
	fmt.Printf("in miles %.0f\n", miles.Value)
	fmt.Println("locked", locked, known)
	// Output:
	// odometer 12345.6 km
	// in miles 7671
	// locked true true
}

// A command is sent once. Its action tells how far it has come; afterwards only the car's own report shows what it did. What
// the car cannot do is not in its capabilities, and is refused before anything is sent.
func ExampleClient_Do() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	client, _ := open()
	if err := client.Initialize(ctx); err != nil {
		panic(err)
	}
	car := client.Vehicles()[0]
	start := vehicle.ClimateStart{Temperature: vehicle.Some(vehicle.Quantity{Value: 21.5, Unit: vehicle.Celsius}), Duration: vehicle.Some(10 * time.Minute)}
	action, err := client.Do(ctx, car.ID, start)
	if bluelink.MayHaveSucceeded(err) {
		panic("do not send it again: look at the car's state")
	}
	if err != nil {
		panic(err)
	}
	status, err := client.ActionStatus(ctx, car.ID, action) // and again every few seconds, while it is pending
	if err != nil {
		panic(err)
	}
	fmt.Println("start the climate:", status)

	petrol := client.Vehicles()[3]
	_, err = client.Do(ctx, petrol.ID, vehicle.ChargeStart{})
	fmt.Println("charge a petrol car:", bluelink.Reason(err), slices.Contains(petrol.Capabilities.Commands, "charge-start"))
	// Output:
	// start the climate: pending
	// charge a petrol car: unsupported false
}

// meter counts calls and forbids those that wake a car.
type meter struct{ calls int }

func (m *meter) Before(_ context.Context, call bluelink.Call) error {
	if call.Kind == bluelink.CallWake {
		return fmt.Errorf("cars must sleep: %w", bluelink.ErrQuota)
	}
	m.calls++
	return nil
}

func (m *meter) After(context.Context, bluelink.Call, time.Duration, error) {}

// A hook sees every call, and can refuse it before it leaves. Errors are classified once: what it is, whether it may be
// repeated, and whether it could have happened anyway.
func ExampleWithHook() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	client, _ := open(bluelink.WithHook(&meter{}))
	if err := client.Initialize(ctx); err != nil {
		panic(err)
	}
	_, err := client.RefreshForce(ctx, client.Vehicles()[1].ID)
	fmt.Println(errors.Is(err, bluelink.ErrQuota), bluelink.Reason(err), bluelink.Temporary(err), bluelink.MayHaveSucceeded(err))
	// Output:
	// true quota_exhausted true false
}
