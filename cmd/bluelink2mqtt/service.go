package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/app"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/config"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/control"
)

// settleWithin is how long a command that works by itself waits for the clouds' first answers.
const settleWithin = 2 * time.Minute

// withService calls do with the running bridge when one owns the store, and otherwise with one of its own, through the
// same lanes and guards.
func withService(cmd *cobra.Command, flags *configFlags, do func(context.Context, control.Service) error) error {
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
	return alone(cmd, c, do)
}

// alone takes the store's lock and works without a running bridge.
func alone(cmd *cobra.Command, c *config.Config, do func(context.Context, control.Service) error) (err error) {
	quiet := c.Log
	quiet.Level = max(quiet.Level, slog.LevelWarn)
	a, err := app.New(app.Options{Config: c, Version: programVersion(), Log: app.NewLogger(quiet, cmd.ErrOrStderr()), Offline: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	ctx, cancel := context.WithCancel(cmd.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	defer func() {
		cancel()
		err = errors.Join(err, <-ended)
	}()
	settling, stop := context.WithTimeoutCause(ctx, settleWithin, fmt.Errorf("no answer within %s", settleWithin))
	defer stop()
	if err := a.Settle(settling); err != nil {
		return err
	}
	return do(ctx, a)
}
