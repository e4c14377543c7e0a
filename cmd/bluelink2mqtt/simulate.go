package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/bluelink2mqtt/bluelink2mqtt/sim"
)

// simulateOptions are the flags of "simulate".
type simulateOptions struct {
	sim.Options
	listen string
	list   bool
	asJSON bool
}

// newSimulateCommand serves simulated clouds until it is interrupted.
func newSimulateCommand() *cobra.Command {
	o := simulateOptions{}
	cmd := &cobra.Command{
		Use:   "simulate",
		Short: "Serve simulated car clouds, for trying things without a car",
		Long: `Serve simulated car clouds on one plain-HTTP port.

Send a client there with the Host header that it would send to the real cloud;
bluelink2mqtt itself does so when BLUELINK_CLOUD_URL names the address. Each region
and brand has one account: ` + sim.Email + `, password ` + sim.Password + `, PIN ` + sim.PIN + `, one-time code
` + sim.OTP + `. --list prints the refresh tokens and the cars. Genesis shares a host
with Hyundai in the USA: sign in with brand indicator G, or as demo+genesis@example.com.

Cars drive, charge, sleep and lose 12 V charge when they are woken. What happened is
served below /_sim/, whatever the Host:

  GET  /_sim/calls           calls by host, method, path, vehicle and kind
  GET  /_sim/accounts        logins, renewals, device registrations, codes
  GET  /_sim/vehicles[/ID]   wakes, commands, and each car as it really is
  POST /_sim/vehicles/ID     {"soc_percent": 42, "plug": "ac", …}
  POST /_sim/clock           {"advance": "6h"}
  GET, POST, DELETE /_sim/faults
  POST /_sim/reset

Keys of POST /_sim/vehicles/ID; with "report": true the car tells the cloud at once:
  ` + fold(sim.QuantityKeys(), 84) + `

Faults, for --fault and POST /_sim/faults:
  KIND[=ARG][,path=GLOB][,host=GLOB][,share=0.2][,after=N][,count=N]

  ` + strings.Join(sim.FaultKinds(), "\n  "),
		Example: `  bluelink2mqtt simulate --cars 2 --time-scale 60
  bluelink2mqtt simulate --latency-force 2s --fault 'busy,share=0.2' --fault 'reset,path=*/control/*,count=1'
  bluelink2mqtt simulate --replay status/eu_*.json`,
		Args: func(cmd *cobra.Command, args []string) error {
			// "--replay eu_*.json": the shell makes arguments of all files but the first.
			if len(args) > 0 && !cmd.Flags().Changed("replay") {
				return usageError("unexpected argument %q; recorded payloads come after --replay", args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Replay = append(o.Replay, args...)
			return o.run(cmd.Context(), cmd.OutOrStdout())
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&o.listen, "listen", "127.0.0.1:8089", "address to serve on; port 0 takes a free one")
	flags.IntVar(&o.Cars, "cars", sim.DefaultCars, "cars in each account")
	flags.StringSliceVar(&o.Regions, "region", nil, "serve these regions only: "+strings.Join(sim.Regions(), ", "))
	flags.Uint64Var(&o.Seed, "seed", 1, "decides VINs, ids, refresh tokens and habits")
	flags.BoolVar(&o.list, "list", false, "print accounts and cars, and do not serve")
	flags.BoolVar(&o.asJSON, "json", false, "with --list: one JSON object a line")
	flags.Float64Var(&o.TimeScale, "time-scale", 1, "car time against wall time")
	flags.BoolVar(&o.Parked, "parked", false, "cars stand still unless something is done to them")
	flags.DurationVar(&o.Latency, "latency", 0, "wait before every answer")
	flags.DurationVar(&o.LatencyCached, "latency-cached", 0, "wait before a cached status read")
	flags.DurationVar(&o.LatencyForce, "latency-force", 0, "time of a forced read, or until a woken car reports (default 4 to 7 s flat, 15 to 22 s CCS2)")
	flags.DurationVar(&o.LatencyCommand, "latency-command", 0, "time that a car takes for a command (default 3 to 15 s, in China 1 to 2 min)")
	flags.StringArrayVar(&o.Replay, "replay", nil, "recorded payloads to answer with, {region}_{brand}_{…}.json; several may follow")
	flags.StringArrayVar(&o.Faults, "fault", nil, "what goes wrong (see above); may be repeated")
	flags.BoolVar(&o.OldClients, "old-clients", false, "serve what the clouds do not and some clients ask for: China's former sign-in; in Australia renewals without a stamp, and wakes answered with the state")
	flags.BoolVar(&o.StrictStamps, "strict-stamps", false, "refuse the stamp keys that Australia's clouds took until August 2025")
	flags.DurationVar(&o.TokenLife, "token-life", 0, "life of the tokens for the vehicles (default as in the real clouds, an hour or a day)")
	flags.BoolVar(&o.NoCodes, "no-codes", false, "let accounts in without a one-time code where a region asks for one")
	flags.BoolVar(&o.LocalTimes, "local-times", false, "Canada: times of the car's own zone in its status, instead of UTC")
	flags.IntVar(&o.Quota, "quota", 0, "calls that each account may make a day; 0 is no limit")
	return cmd
}

// fold joins words with commas into lines of at most width characters.
func fold(words []string, width int) string {
	var text strings.Builder
	line := 0
	for i, word := range words {
		switch {
		case i == 0:
		case line+len(word)+2 > width:
			text.WriteString(",\n  ")
			line = 0
		default:
			text.WriteString(", ")
			line += 2
		}
		text.WriteString(word)
		line += len(word)
	}
	return text.String()
}

func (o *simulateOptions) run(ctx context.Context, out io.Writer) error {
	world, err := sim.New(o.Options)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	if o.list {
		return o.print(out, world)
	}
	var listening net.ListenConfig
	listener, err := listening.Listen(ctx, "tcp", o.listen)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("listen on %s: something else serves there already; stop it, or take a free port with --listen 127.0.0.1:0", o.listen)
	case err != nil:
		return fmt.Errorf("listen on %s: %w", o.listen, err)
	}
	o.introduce(out, world, listener.Addr().String())
	return serveSimulation(ctx, listener, world)
}

// serveSimulation serves until the context ends; calls that wait for a car then end at
// once, as their context is ours.
func serveSimulation(ctx context.Context, listener net.Listener, world http.Handler) error {
	server := &http.Server{
		Handler: world, ReadHeaderTimeout: 10 * time.Second,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	select {
	case err := <-ended:
		return fmt.Errorf("serve on %s: %w", listener.Addr(), err)
	case <-ctx.Done():
	}
	deadline, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := server.Shutdown(deadline); err != nil {
		_ = server.Close() // whoever still talks had his time
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve on %s: %w", listener.Addr(), err)
	}
	return nil
}

// introduce says what is served and what to try.
func (o *simulateOptions) introduce(out io.Writer, world *sim.Sim, address string) {
	accounts, vehicles := world.Accounts(), world.Vehicles()
	fmt.Fprintf(out, "Simulated clouds on http://%s: %d accounts, %d cars\n", address, len(accounts), len(vehicles))
	fmt.Fprintf(out, "Every account: %s, password %s, PIN %s, one-time code %s\n", sim.Email, sim.Password, sim.PIN, sim.OTP)
	fmt.Fprintf(out, "Hosts: %s\n\nTry:\n", strings.Join(world.Hosts(), ", "))
	fmt.Fprintf(out, "  curl -s http://%s/_sim/vehicles/%s\n", address, vehicles[0].ID)
	fmt.Fprintf(out, "  curl -s http://%s/_sim/calls\n", address)
	fmt.Fprintf(out, "  curl -s http://%s/_sim/vehicles/%s -d '{\"soc_percent\": 42, \"report\": true}'\n", address, vehicles[0].ID)
	fmt.Fprintf(out, "  curl -s http://%s/_sim/faults -d 'busy,share=0.2'\n", address)
	fmt.Fprintf(out, "  BLUELINK_CLOUD_URL=http://%s HYUNDAI_REGION=1 HYUNDAI_BRAND=2 HYUNDAI_USERNAME=%s HYUNDAI_PASSWORD=%s HYUNDAI_PIN=%s bluelink2mqtt run\n",
		address, sim.Email, sim.Password, sim.PIN)
	fmt.Fprintln(out, "\nStop with Ctrl-C.")
}

// print writes accounts and cars as tables, or as one JSON object a line.
func (o *simulateOptions) print(out io.Writer, world *sim.Sim) error {
	if o.asJSON {
		lines := json.NewEncoder(out)
		for _, a := range world.Accounts() {
			if err := lines.Encode(struct {
				Type string `json:"type"`
				sim.Account
			}{"account", a}); err != nil {
				return fmt.Errorf("print accounts: %w", err)
			}
		}
		for _, v := range world.Vehicles() {
			if err := lines.Encode(struct {
				Type string `json:"type"`
				sim.Vehicle
			}{"vehicle", v}); err != nil {
				return fmt.Errorf("print vehicles: %w", err)
			}
		}
		return nil
	}
	table := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(table, "REGION\tBRAND\tEMAIL\tPASSWORD\tPIN\tCODE\tREFRESH TOKEN\tHOSTS")
	for _, a := range world.Accounts() {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n",
			a.Region, a.Brand, a.Email, a.Password, a.PIN, a.OTP, a.RefreshToken, strings.Join(a.Hosts, " "))
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("print accounts: %w", err)
	}
	fmt.Fprintln(out)
	fmt.Fprintln(table, "REGION\tBRAND\tID\tVIN\tPROTOCOL\tENGINE\tYEAR\tMODEL")
	for _, v := range world.Vehicles() {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%d\t%s\n", v.Region, v.Brand, v.ID, v.VIN, v.Protocol, v.Engine, v.Year, v.Model)
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("print vehicles: %w", err)
	}
	return nil
}
