package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/app"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/control"
)

func newDoctorCommand() *cobra.Command {
	var flags configFlags
	var ready, asJSON bool
	cmd := &cobra.Command{
		Use: "doctor", Short: "Ask the running bridge how it is",
		Long: `Ask the running bridge how it is. With --ready it prints nothing but what is missing and
exits 0 only when the broker is connected and the cars are known: a health check.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := flags.load(cmd)
			if err != nil {
				return err
			}
			dir, err := app.StoreDir(c)
			if err != nil {
				return err
			}
			client, err := control.Dial(cmd.Context(), control.SocketPath(dir))
			if err != nil {
				return fmt.Errorf("no bridge runs with the store in %s: %w", dir, err)
			}
			defer client.Close()
			health, err := client.Health(cmd.Context())
			switch {
			case err != nil:
				return err
			case ready && !health.Ready:
				return errors.New(health.NotReady)
			case ready:
				return nil
			case asJSON:
				return jsonLines(cmd.OutOrStdout(), []control.Health{health})
			}
			return printHealth(cmd, health)
		},
	}
	cmd.Flags().BoolVar(&ready, "ready", false, "only tell whether the bridge does its work")
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object")
	flags.register(cmd)
	return cmd
}

func printHealth(cmd *cobra.Command, h control.Health) error {
	rows := [][]string{
		{"version", h.Version},
		{"ready", yes(h.Ready, h.NotReady)},
		{"healthy", yes(h.Healthy, h.Sick)},
		{"broker", yes(h.Connected, "not connected")},
	}
	for _, a := range h.Accounts {
		rows = append(rows, []string{"account " + a.Name, fmt.Sprintf("%s since %s, %d cars", a.State, ago(a.Since), a.Cars), a.Message})
	}
	return table(cmd.OutOrStdout(), rows...)
}

func yes(well bool, otherwise string) string {
	if well {
		return "yes"
	}
	return "no: " + oneLine(otherwise, "; ")
}

// oneLine keeps in its line what stands in several, as joined errors do.
func oneLine(text, between string) string { return strings.ReplaceAll(text, "\n", between) }
