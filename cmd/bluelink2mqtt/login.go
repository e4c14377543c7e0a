package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/control"
)

func newLoginCommand() *cobra.Command {
	var flags configFlags
	cmd := &cobra.Command{
		Use: "login [ACCOUNT]", Short: "Sign in now, also after refused credentials",
		Long: `Sign in to one account, or to all. After credentials were refused or the maker blocked
this client, nothing is tried by itself any more, so that the account is never locked:
correct the configuration, or run this when the cause is gone.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withService(cmd, &flags, func(ctx context.Context, s control.Service) error {
				name := ""
				if len(args) > 0 {
					name = args[0]
				}
				list, err := s.Login(ctx, name)
				rows := [][]string{{"ACCOUNT", "STATE", "CARS", "HINT"}}
				for _, a := range list {
					rows = append(rows, []string{a.Name, a.State, show(a.Cars), a.Message})
				}
				if err != nil {
					return &exitError{exitPerson, err}
				}
				return errors.Join(err, table(cmd.OutOrStdout(), rows...))
			})
		},
	}
	flags.register(cmd)
	return cmd
}
