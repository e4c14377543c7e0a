package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/control"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

func newSendCommand() *cobra.Command {
	var flags configFlags
	var wait, asJSON bool
	cmd := &cobra.Command{
		Use: "send VEHICLE COMMAND [WORD | key=value…]", Short: "Give a car a command and tell how it ends",
		Long: `Give a car a command and tell how it ends. VEHICLE is its name, its id, its VIN or an
ending of one of them. Arguments are one plain word or keys with values.

The exit code tells how it ended: 0 done, 1 failed, 2 it makes no sense, 3 refused by a
guard or by permission, 4 timed out, 5 nobody knows, 6 a person is needed. With
--wait=false it tells whether the command was accepted; a bridge that runs goes on with it.

` + commandList(),
		Example: `  bluelink2mqtt send ioniq5 refresh cached
  bluelink2mqtt send ioniq5 refresh force
  bluelink2mqtt send ioniq5 refresh smart:300
  bluelink2mqtt send ioniq5 refresh mode=smart max_age=300
  bluelink2mqtt send ioniq5 lock
  bluelink2mqtt send ioniq5 climate-start set_temp=21.5 duration=10 defrost=true
  bluelink2mqtt send ioniq5 charge-limits ac=80 dc=90 --json
  bluelink2mqtt send ioniq5 preset leave --wait=false`,
		Args: cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			request, err := vehicle.ParseLine(args[1:]...)
			switch {
			case errors.Is(err, vehicle.ErrUnknownCommand):
				return usageError("there is no command %q; there are\n%s", args[1], commandList())
			case err != nil:
				return &exitError{exitUsage, err}
			}
			return withService(cmd, &flags, func(ctx context.Context, s control.Service) error {
				if _, running := s.(*control.Client); !running {
					wait = true // this process is the bridge: what it leaves stays undone
				}
				return follow(ctx, cmd.OutOrStdout(), s, args[0], request, wait, asJSON)
			})
		},
	}
	cmd.Flags().BoolVar(&wait, "wait", true, "wait for the end, not only until it is accepted")
	cmd.Flags().BoolVar(&asJSON, "json", false, "each step as a JSON object on a line")
	flags.register(cmd)
	return cmd
}

// follow prints each step of a command and turns its end into an exit code.
func follow(ctx context.Context, out io.Writer, s control.Service, ref string, r vehicle.Request, wait, asJSON bool) error {
	var last vehicle.Record
	for record, err := range s.Send(ctx, ref, r.Topic, r.Payload) {
		if err != nil {
			return err
		}
		last = record
		if err := printStep(out, record, asJSON); err != nil {
			return err
		}
		if !wait && !record.Terminal {
			return nil
		}
	}
	if !last.Terminal {
		return errors.New("the bridge stopped; its next run sees to the end of what was sent")
	}
	if code := exitCodeOf(last); code != exitDone {
		return &exitError{code: code}
	}
	return nil
}

func printStep(out io.Writer, record vehicle.Record, asJSON bool) error {
	if asJSON {
		return jsonLines(out, []vehicle.Record{record})
	}
	words := []string{string(record.State)}
	switch {
	case record.DataSource != "":
		words = append(words, "("+string(record.DataSource)+" data)")
	case record.Reason != "":
		words = append(words, string(record.Reason)+":", record.Message)
	case record.Message != "":
		words = append(words, "("+record.Message+")")
	}
	if _, err := fmt.Fprintln(out, strings.Join(words, " ")); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

// exitCodeOf tells how a command ended.
func exitCodeOf(r vehicle.Record) int {
	switch r.Reason {
	case vehicle.LoginRequired, vehicle.CodeRequired, vehicle.PINRequired, vehicle.PINWrong:
		return exitPerson
	case vehicle.InvalidPayload:
		return exitUsage
	default:
	}
	switch r.State {
	case vehicle.Verified, vehicle.Confirmed:
		return exitDone
	case vehicle.Rejected, vehicle.Expired, vehicle.Cancelled, vehicle.Superseded:
		return exitRefused
	case vehicle.TimedOut:
		return exitTimedOut
	case vehicle.Unknown:
		return exitUnknown
	case vehicle.Failed, vehicle.Accepted, vehicle.Queued, vehicle.Sent:
	}
	return exitFailed
}

func commandList() string {
	var all []string
	for _, spec := range vehicle.Commands() {
		all = append(all, fmt.Sprintf("  %-18s %s", spec.Name, spec.Meaning))
	}
	return strings.Join(all, "\n")
}
