// Command bluelink2mqtt joins Hyundai, Kia and Genesis cars to MQTT. Each sub-command is one file; run.go is the way in
// to the service itself. The commands read flags and configuration and hand over to internal/app.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // clouds tell local times; the image has no zones

	"github.com/spf13/cobra"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/app"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/redact"
)

// version is set when a release is built.
var version = ""

// Exit codes, as the documentation promises them.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitRefused     = 3
	exitTimedOut    = 4
	exitUnknown     = 5
	exitPerson      = 6
	exitInterrupted = 130
)

// exitError ends the program with a code of its own. Its error has been printed when it is nil.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// usageError is a mistake on the command line.
func usageError(format string, args ...any) error {
	return &exitError{exitUsage, fmt.Errorf(format, args...)}
}

func main() { os.Exit(Main()) }

// Main runs the command line and returns the exit code.
func Main() int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	root := newRootCommand()
	err := root.ExecuteContext(ctx)
	var exit *exitError
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &exit):
		if exit.err != nil {
			fmt.Fprintln(os.Stderr, "bluelink2mqtt:", redact.Error(exit.err))
		}
		return exit.code
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		return exitInterrupted
	}
	fmt.Fprintln(os.Stderr, "bluelink2mqtt:", redact.Error(err))
	return codeOf(err)
}

// codeOf is the exit code of an error that has none of its own.
func codeOf(err error) int {
	switch {
	case errors.Is(err, app.ErrStoreKey):
		return exitUsage
	case errors.Is(err, app.ErrStoreInUse), errors.Is(err, app.ErrStoreFilled):
		return exitRefused
	}
	return exitFailed
}

func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "bluelink2mqtt",
		Short: "Join Hyundai, Kia and Genesis cars to MQTT",
		Long: `Join Hyundai Bluelink, Kia Connect and Genesis cars to MQTT.

Try it without a car or an account:   bluelink2mqtt demo
Run it:                               bluelink2mqtt run
See a commented configuration:        bluelink2mqtt config example

Exit codes: 0 done, 1 failed, 2 usage or configuration, 3 refused by a guard or by
permission, 4 timed out, 5 unknown outcome, 6 a person is needed, 130 interrupted.`,
		SilenceErrors: true, SilenceUsage: true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usageError("%w; see bluelink2mqtt %s --help", err, cmd.Name())
	})
	root.PersistentFlags().String("config", "", "configuration file; else BLUELINK_CONFIG, ./bluelink2mqtt.yaml, /etc/bluelink2mqtt/config.yaml")
	root.AddCommand(
		newRunCommand(), newDemoCommand(), newSimulateCommand(),
		newVehiclesCommand(), newStateCommand(), newSendCommand(), newLoginCommand(), newLogoutCommand(),
		newStoreCommand(), newDecodeCommand(), newDoctorCommand(), newConfigCommand(), newVersionCommand(),
	)
	for _, cmd := range root.Commands() {
		checkArguments(cmd)
	}
	return root
}

// checkArguments makes wrong arguments a mistake of usage.
func checkArguments(cmd *cobra.Command) {
	check := cmd.Args
	if check == nil {
		if cmd.HasSubCommands() {
			return
		}
		check = cobra.NoArgs
	}
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return usageError("%w; usage: %s", err, cmd.UseLine())
		}
		return nil
	}
}
