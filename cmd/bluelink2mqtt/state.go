package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/control"
)

func newStateCommand() *cobra.Command {
	var flags configFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use: "state VEHICLE", Short: "Show what is known of a car, without asking its cloud",
		Long: `Show what is known of a car, without asking its cloud; "send VEHICLE refresh cached"
asks. VEHICLE is its name, its id, its VIN or an ending of one of them.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withService(cmd, &flags, func(ctx context.Context, s control.Service) error {
				state, err := s.State(ctx, args[0])
				if err != nil {
					return err
				}
				if asJSON {
					return jsonLines(cmd.OutOrStdout(), []control.State{state})
				}
				rows := [][]string{{"KEY", "VALUE", "UNIT", "REPORTED"}}
				for _, d := range state.Data {
					value := short(show(d.Value))
					if d.Value == nil && d.Last != nil {
						value += ", last " + short(show(d.Last)) + " " + ago(d.LastReported)
					}
					rows = append(rows, []string{d.Key, value, d.Unit, ago(d.Reported)})
				}
				return table(cmd.OutOrStdout(), rows...)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object")
	flags.register(cmd)
	return cmd
}

// short keeps a list of days or trips from widening the table; --json has all of it.
func short(text string) string {
	const most = 48
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return text
}

// show is a value for people.
func show(value any) string {
	switch v := value.(type) {
	case nil:
		return "unknown"
	case string:
		return v
	}
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	if plain := ""; json.Unmarshal(text, &plain) == nil {
		return plain
	}
	return string(text)
}
