package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/control"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

func newSendCommand() *cobra.Command {
	var flags configFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use: "send VEHICLE COMMAND [WORD | key=value…]", Short: "Give a car a command and tell how it ends",
		Long: `Give a car a command and tell how it ends. VEHICLE is its name, its id, its VIN or an
ending of one of them. Arguments are one plain word or keys with values:

` + commandList(),
		Example: `  bluelink2mqtt send ioniq5 refresh cached
  bluelink2mqtt send ioniq5 refresh force
  bluelink2mqtt send ioniq5 refresh smart:300
  bluelink2mqtt send ioniq5 refresh mode=smart max_age=300`,
		Args: cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			topic, payload, err := commandPayload(args[1], args[2:])
			if err != nil {
				return err
			}
			return withService(cmd, &flags, func(ctx context.Context, s control.Service) error {
				return follow(ctx, cmd, s, args[0], topic, payload, asJSON)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "each step as a JSON object on a line")
	flags.register(cmd)
	return cmd
}

// follow prints each step of a command and turns its end into an exit code.
func follow(ctx context.Context, cmd *cobra.Command, s control.Service, ref, command string, payload []byte, asJSON bool) error {
	var last vehicle.Record
	for record, err := range s.Send(ctx, ref, command, payload) {
		if err != nil {
			return err
		}
		last = record
		if asJSON {
			if err := jsonLines(cmd.OutOrStdout(), []vehicle.Record{record}); err != nil {
				return err
			}
			continue
		}
		words := []string{string(record.State)}
		if record.DataSource != "" {
			words = append(words, "("+string(record.DataSource)+" data)")
		}
		if record.Reason != "" {
			words = append(words, string(record.Reason)+":", record.Message)
		}
		if _, err := fmt.Fprintln(cmd.OutOrStdout(), strings.Join(words, " ")); err != nil {
			return fmt.Errorf("print: %w", err)
		}
	}
	if code := exitCodeOf(last); code != exitDone {
		return &exitError{code: code}
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

// commandPayload turns the name of a command and its arguments into the topic and payload that mean the same on MQTT.
func commandPayload(name string, args []string) (topic string, payload []byte, err error) {
	spec, ok := vehicle.CommandByName(name)
	if !ok {
		return "", nil, usageError("there is no command %q; there are\n%s", name, commandList())
	}
	switch {
	case len(args) == 0 && len(spec.Words) > 0:
		payload = []byte(spec.Words[0])
	case len(args) == 1 && !strings.Contains(args[0], "="):
		payload = []byte(args[0])
	default:
		members := map[string]json.RawMessage{}
		if len(spec.Words) > 0 {
			members["action"] = jsonValue(strconv.Quote(spec.Words[0]))
		}
		for _, arg := range args {
			key, text, ok := strings.Cut(arg, "=")
			if !ok {
				return "", nil, usageError("%q is not key=value", arg)
			}
			members[key] = jsonValue(text)
		}
		payload, _ = json.Marshal(members) // of texts that are JSON
	}
	if _, err := vehicle.DecodeRequest(spec.Topic, payload); err != nil {
		return "", nil, &exitError{exitUsage, err}
	}
	return spec.Topic, payload, nil
}

// jsonValue is a value as typed: a number, true, false or null, else a text.
func jsonValue(text string) json.RawMessage {
	if json.Valid([]byte(text)) {
		return json.RawMessage(text)
	}
	return json.RawMessage(strconv.Quote(text))
}

func commandList() string {
	var all []string
	for _, spec := range vehicle.Commands() {
		all = append(all, fmt.Sprintf("  %-18s %s", spec.Name, spec.Meaning))
	}
	return strings.Join(all, "\n")
}
