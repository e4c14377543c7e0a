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
	}
	command.AddCommand(newConfigCheckCommand(), newConfigExampleCommand(), newConfigSchemaCommand())
	return command
}

func newConfigCheckCommand() *cobra.Command {
	sources := config.Here()
	var verbose bool
	command := &cobra.Command{
		Use:   "check",
		Short: "Read the configuration and print what is in effect, or all that is wrong",
		Long: `Reads file, .env, environment and flags as "run" does, and prints the configuration that is in effect,
secrets masked. Otherwise it prints every problem with its place, and exits with 2.`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			return checkConfig(command.OutOrStdout(), command.ErrOrStderr(), sources, verbose)
		},
	}
	command.Flags().StringVar(&sources.Path, "config", "", "configuration file")
	command.Flags().BoolVarP(&verbose, "verbose", "v", false, "say where each value comes from")
	return command
}

// checkConfig prints the configuration in effect to out and warnings to errOut. Its error is [config.Problems].
func checkConfig(out, errOut io.Writer, sources config.Sources, verbose bool) error {
	loaded, warnings, err := config.Load(sources)
	for _, warning := range warnings {
		if _, err := fmt.Fprintf(errOut, "warning: %s\n", warning); err != nil {
			return fmt.Errorf("print warning: %w", err)
		}
	}
	if err != nil {
		return err
	}
	file := loaded.File
	if file == "" {
		file = "no file"
	}
	if _, err := fmt.Fprintf(out, "ok: %s, accounts: %d\n\n", file, len(loaded.Accounts)); err != nil {
		return fmt.Errorf("print configuration: %w", err)
	}
	if err := loaded.Write(out, verbose); err != nil {
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
