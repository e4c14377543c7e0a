package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/app"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/config"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/redact"
	"github.com/bluelink2mqtt/bluelink2mqtt/sim"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// demoOptions are the flags of "demo".
type demoOptions struct {
	broker, http, logLevel string
	sim                    sim.Options
	interval               time.Duration
}

func newDemoCommand() *cobra.Command {
	var o demoOptions
	cmd := &cobra.Command{
		Use: "demo", Short: "Show everything with simulated cars: no car, no account, no broker needed",
		Long: `Run simulated clouds, cars that drive and charge, a broker and the bridge, all in this
program. Nothing is kept and nothing leaves this machine.`,
		Args: func(cmd *cobra.Command, args []string) error {
			// "--replay eu_*.json": the shell makes arguments of all files but the first.
			if len(args) > 0 && !cmd.Flags().Changed("replay") {
				return fmt.Errorf("unexpected argument %q; recorded payloads come after --replay", args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			o.sim.Replay = append(o.sim.Replay, args...)
			return o.run(cmd.Context(), cmd.OutOrStdout())
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&o.broker, "broker-listen", "127.0.0.1:1883", "host:port of the broker")
	flags.StringVar(&o.http, "http-listen", "127.0.0.1:8080", "host:port of the web server")
	flags.StringArrayVar(&o.sim.Replay, "replay", nil, "recorded payloads as further cars, {region}_{brand}_{…}.json; several may follow")
	flags.IntVar(&o.sim.Cars, "cars", sim.DefaultCars, "cars in each account")
	flags.Uint64Var(&o.sim.Seed, "seed", 1, "decides VINs, ids and habits")
	flags.Float64Var(&o.sim.TimeScale, "time-scale", 60, "car time against wall time")
	flags.DurationVar(&o.interval, "interval", 2*time.Second, "time between two reads of a car")
	flags.StringVar(&o.logLevel, "log-level", "warn", "debug, info, warn or error")
	return cmd
}

func (o *demoOptions) run(ctx context.Context, out io.Writer) (err error) {
	for _, port := range []struct{ flag, address string }{{"--broker-listen", o.broker}, {"--http-listen", o.http}} {
		if err := free(ctx, port.flag, port.address); err != nil {
			return err
		}
	}
	o.sim.Regions = []string{vehicle.Europe.String()}
	world, err := sim.New(o.sim)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("serve the simulated clouds: %w", err)
	}
	clouds, stop := context.WithCancel(context.WithoutCancel(ctx))
	served := make(chan error, 1)
	go func() { served <- serveSimulation(clouds, listener, world) }()
	defer func() {
		stop()
		err = errors.Join(err, <-served)
	}()
	c, err := o.config("http://" + listener.Addr().String())
	if err != nil {
		return err
	}
	//nolint:contextcheck // what New opens ends by itself
	a, err := app.New(app.Options{Config: c, Version: programVersion(), Log: app.NewLogger(c.Log, os.Stderr), Forgetful: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	if err := o.introduce(out, c, world); err != nil {
		return err
	}
	return a.Run(ctx)
}

// free tells what to do when a port is taken.
func free(ctx context.Context, flag, address string) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return &exitError{exitFailed, fmt.Errorf("%s %s: something else uses this port already, perhaps a broker or another demo; stop it, or take a free port with %s 127.0.0.1:0",
			flag, address, flag)}
	case err != nil:
		return &exitError{exitUsage, fmt.Errorf("%s %s: %w", flag, address, err)}
	}
	return listener.Close()
}

// config is what a person would write to join the simulated accounts.
func (o *demoOptions) config(cloudURL string) (*config.Config, error) {
	c := config.Default()
	c.CloudURL = cloudURL
	c.Broker.Mode, c.Broker.Listen = config.EmbeddedBroker, o.broker
	c.HTTP.Listen = o.http
	c.Refresh.Interval = o.interval
	c.Limits.Enabled = false
	if err := c.Log.Level.UnmarshalText([]byte(o.logLevel)); err != nil {
		return nil, usageError("--log-level: %w", err)
	}
	for _, brand := range []vehicle.Brand{vehicle.Hyundai, vehicle.Kia, vehicle.Genesis} {
		c.Accounts = append(c.Accounts, config.Account{
			Name: brand.String() + "-" + vehicle.Europe.String(), Region: vehicle.Europe, Brand: brand, Language: "en",
			Username: redact.NewSecret(sim.Email), Password: redact.NewSecret(sim.Password), PIN: redact.NewSecret(sim.PIN),
		})
	}
	return c, nil
}

func (o *demoOptions) introduce(out io.Writer, c *config.Config, world *sim.Sim) error {
	host, port, err := net.SplitHostPort(o.broker)
	if err != nil {
		return usageError("--broker-listen: %w", err)
	}
	cars := world.Vehicles()
	base := c.MQTT.BaseTopic
	at := ""
	if host != "127.0.0.1" {
		at += " -h " + host
	}
	if port != "1883" {
		at += " -p " + port
	}
	lines := []string{
		fmt.Sprintf("%d simulated cars in %d accounts; a minute here is an hour for them. Nothing is kept, nothing leaves this machine.", len(cars), len(c.Accounts)),
		"",
		"Watch:    mosquitto_sub" + at + " -t '" + base + "/#' -v",
		"One car:  mosquitto_sub" + at + " -t '" + base + "/" + cars[0].ID + "/battery/level' -v",
		"Refresh:  mosquitto_pub" + at + " -t '" + base + "/" + cars[0].ID + "/commands/refresh' -m force",
		"          (the answer comes on " + base + "/" + cars[0].ID + "/result/…, and the data on its topics)",
		"Metrics:  curl -s http://" + o.http + "/metrics | grep bluelink2mqtt_",
		"Cars:     curl -s " + c.CloudURL + "/_sim/vehicles",
		"Trouble:  curl -s " + c.CloudURL + "/_sim/faults -d 'busy,share=0.2'",
		"",
		"Stop with Ctrl-C.",
		"",
	}
	if _, err := fmt.Fprint(out, strings.Join(lines, "\n")); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}
