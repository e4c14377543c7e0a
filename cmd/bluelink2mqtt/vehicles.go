package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/control"
)

func newVehiclesCommand() *cobra.Command {
	var flags configFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use: "vehicles", Short: "List the cars of all accounts",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withService(cmd, &flags, func(ctx context.Context, s control.Service) error {
				list, err := s.Vehicles(ctx)
				if err != nil {
					return err
				}
				if asJSON {
					return jsonLines(cmd.OutOrStdout(), list)
				}
				rows := [][]string{{"NAME", "ACCOUNT", "MODEL", "NICKNAME", "ENGINE", "PROTOCOL", "VIN", "REPORTED"}}
				for _, v := range list {
					rows = append(rows, []string{v.Name, v.Account, v.Model, v.Nickname, v.Engine, v.Protocol, "…" + v.VINEnd, ago(v.Reported)})
				}
				return table(cmd.OutOrStdout(), rows...)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object a line")
	flags.register(cmd)
	return cmd
}
