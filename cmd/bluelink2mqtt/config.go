package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/config"
)

// newConfigCommand shows and judges the configuration without using it.
func newConfigCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "config",
		Short: "Check the configuration, or print an example or its schema",
		Args:  cobra.NoArgs,
		RunE:  func(command *cobra.Command, _ []string) error { return command.Help() },
	}
	command.AddCommand(newConfigCheckCommand(), newConfigExampleCommand(), newConfigSchemaCommand())
	for _, sub := range command.Commands() {
		checkArguments(sub)
	}
	return command
}

func newConfigCheckCommand() *cobra.Command {
	var flags configFlags
	var verbose bool
	command := &cobra.Command{
		Use:   "check",
		Short: "Read the configuration and print what is in effect, or all that is wrong",
		Long: `Reads file, .env, environment and flags as "run" does, and prints the configuration that is in effect,
secrets masked. When something is wrong it prints every problem with its place instead, and exits with 2.`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			loaded, warnings, err := flags.loadWithWarnings(command)
			for _, w := range warnings {
				fmt.Fprintln(command.ErrOrStderr(), "bluelink2mqtt: warning:", w)
			}
			if err != nil {
				return err
			}
			return printConfig(command.OutOrStdout(), loaded, verbose)
		},
	}
	flags.register(command)
	command.Flags().BoolVarP(&verbose, "verbose", "v", false, "say where each value comes from")
	return command
}

// printConfig shows the configuration in effect; with sources, also where each value comes from.
func printConfig(out io.Writer, c *config.Config, sources bool) error {
	file := c.File
	if file == "" {
		file = "no file"
	}
	if _, err := fmt.Fprintf(out, "ok: %s, accounts: %d\n\n", file, len(c.Accounts)); err != nil {
		return fmt.Errorf("print configuration: %w", err)
	}
	if err := c.Write(out, sources); err != nil {
		return fmt.Errorf("print configuration: %w", err)
	}
	return nil
}

func newConfigExampleCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "example",
		Short: "Print a commented configuration file with every key and its default",
		Args:  cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			if _, err := io.WriteString(command.OutOrStdout(), config.Example()); err != nil {
				return fmt.Errorf("print example: %w", err)
			}
			return nil
		},
	}
}

func newConfigSchemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of the configuration file, for editors",
		Args:  cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			schema, err := config.Schema()
			if err != nil {
				return fmt.Errorf("write schema: %w", err)
			}
			if _, err := fmt.Fprintf(command.OutOrStdout(), "%s\n", schema); err != nil {
				return fmt.Errorf("print schema: %w", err)
			}
			return nil
		},
	}
}
