package main

import (
	"context"
	"errors"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/app"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/control"
)

func newLogoutCommand() *cobra.Command {
	var flags configFlags
	var device bool
	cmd := &cobra.Command{
		Use: "logout [ACCOUNT]", Short: "Forget the tokens of an account, and do not sign in again",
		Long: `Forget the tokens of one account, or of all. Nothing signs in to it afterwards until
"login" is run or its credentials are changed. Nothing is sent to the maker.

The id under which the maker knows this machine is kept, since each new one is another
device in the account; --device forgets it too.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			name := ""
			if len(args) > 0 {
				name = args[0]
			}
			return withoutClouds(cmd, &flags, func(ctx context.Context, s control.Service) error {
				list, err := s.Logout(ctx, name, device)
				rows := [][]string{{"ACCOUNT", "STATE", "HINT"}}
				for _, a := range list {
					if name == "" || name == a.Name {
						rows = append(rows, []string{a.Name, a.State, a.Message})
					}
				}
				if err != nil {
					return err
				}
				return table(cmd.OutOrStdout(), rows...)
			})
		},
	}
	cmd.Flags().BoolVar(&device, "device", false, "forget the device id too")
	flags.register(cmd)
	return cmd
}

// withoutClouds calls do with the running bridge when one owns the store, and otherwise with a program that does not run,
// so that no cloud is asked for anything but what do asks for.
func withoutClouds(cmd *cobra.Command, flags *configFlags, do func(context.Context, control.Service) error) (err error) {
	c, err := flags.load(cmd)
	if err != nil {
		return err
	}
	dir, err := app.StoreDir(c)
	if err != nil {
		return err
	}
	if client, err := control.Dial(cmd.Context(), control.SocketPath(dir)); err == nil {
		defer client.Close()
		return do(cmd.Context(), client)
	}
	quiet := c.Log
	quiet.Level = max(quiet.Level, slog.LevelError)
	a, err := app.New(app.Options{Config: c, Version: programVersion(), Log: app.NewLogger(quiet, cmd.ErrOrStderr()), Offline: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	return do(cmd.Context(), a)
}
