package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/app"
)

func newStoreCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "store", Short: "List, export or import what is kept: tokens, counts, states",
		Long: `List, export or import what is kept between two runs: tokens and device ids, counts of
calls, the last state of each car. It is kept in store.dir, encrypted when store.key is
set. No bridge may run on the store meanwhile; these commands say which one does.`,
	}
	cmd.AddCommand(newStoreListCommand(), newStoreExportCommand(), newStoreImportCommand())
	for _, sub := range cmd.Commands() {
		checkArguments(sub)
	}
	return cmd
}

func newStoreListCommand() *cobra.Command {
	var flags configFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use: "list", Short: "List the keys of the store, without their values",
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := flags.load(cmd)
			if err != nil {
				return err
			}
			keys, err := app.ListStore(cmd.Context(), c)
			if err != nil {
				return err
			}
			if asJSON {
				return jsonLines(cmd.OutOrStdout(), keys)
			}
			rows := [][]string{{"KEY", "BYTES", "REVISION"}}
			for _, k := range keys {
				size, revision := fmt.Sprint(k.Size), fmt.Sprint(k.Revision)
				if k.Damaged {
					size, revision = "damaged", "unknown"
				}
				rows = append(rows, []string{k.Key, size, revision})
			}
			return table(cmd.OutOrStdout(), rows...)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object a line")
	flags.register(cmd)
	return cmd
}

func newStoreExportCommand() *cobra.Command {
	var flags configFlags
	var secrets bool
	var path string
	cmd := &cobra.Command{
		Use: "export", Short: "Write what is kept, one JSON object a line",
		Long: `Write all that is kept, one JSON object a line: to take it to another machine, or to look
at it. Values that hold secrets (tokens, VINs, positions) are held back unless --secrets
asks for them; whoever has such a file can use the account. It is not encrypted, also
when the store is.`,
		Example: `  bluelink2mqtt store export --secrets --out store.jsonl
  bluelink2mqtt store import store.jsonl`,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			c, err := flags.load(cmd)
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			if path != "" {
				file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
				switch {
				case errors.Is(err, fs.ErrExist):
					return &exitError{exitRefused, fmt.Errorf("%s exists already: choose another name", path)}
				case err != nil:
					return fmt.Errorf("export the store: %w", err)
				}
				defer func() {
					if err = errors.Join(err, file.Close()); err != nil {
						_ = os.Remove(path) // half an export is worse than none
					}
				}()
				out = file
			}
			n, err := app.ExportStore(cmd.Context(), c, out, secrets)
			if err != nil {
				return err
			}
			return sayExport(cmd.ErrOrStderr(), n)
		},
	}
	cmd.Flags().BoolVar(&secrets, "secrets", false, "with tokens, VINs and positions")
	cmd.Flags().StringVar(&path, "out", "", "write to this new file, for its owner only")
	flags.register(cmd)
	return cmd
}

func sayExport(out io.Writer, n app.Exported) error {
	text := fmt.Sprintf("%d entries written", n.Written)
	if n.HeldBack > 0 {
		text += fmt.Sprintf(", %d without their values, which hold secrets (--secrets includes them)", n.HeldBack)
	}
	if n.Damaged > 0 {
		text += fmt.Sprintf(", %d without their values, which are damaged", n.Damaged)
	}
	_, err := fmt.Fprintln(out, text)
	return err
}

func newStoreImportCommand() *cobra.Command {
	var flags configFlags
	var overwrite bool
	cmd := &cobra.Command{
		Use: "import FILE", Short: "Take over what export has written",
		Long: `Take over what "store export" has written, here or on another machine; - reads standard
input. All of it is written or nothing. A store that holds something already is left
alone, unless --overwrite is given: the export's values then win, so that counts of
calls may fall behind.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := flags.load(cmd)
			if err != nil {
				return err
			}
			in := cmd.InOrStdin()
			if args[0] != "-" {
				file, err := os.Open(args[0])
				if err != nil {
					return &exitError{exitUsage, fmt.Errorf("import a store: %w", err)}
				}
				defer func() { _ = file.Close() }()
				in = file
			}
			n, err := app.ImportStore(cmd.Context(), c, in, overwrite)
			if errors.Is(err, app.ErrStoreFilled) {
				return fmt.Errorf("%w: choose an empty store.dir, or give --overwrite", err)
			}
			if err != nil {
				return err
			}
			text := fmt.Sprintf("%d entries taken over", n.Written)
			if n.LeftOut > 0 {
				text += fmt.Sprintf(", %d left out, whose values the export does not hold", n.LeftOut)
			}
			_, err = fmt.Fprintln(cmd.ErrOrStderr(), text)
			return err
		},
	}
	cmd.Flags().BoolVar(&overwrite, "overwrite", false, "also into a store that holds something")
	flags.register(cmd)
	return cmd
}
