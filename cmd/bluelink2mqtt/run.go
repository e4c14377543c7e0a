package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/app"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/config"
)

func newRunCommand() *cobra.Command {
	var flags configFlags
	cmd := &cobra.Command{
		Use: "run", Short: "Run the bridge",
		Long: `Run the bridge between the makers' clouds and MQTT until it is told to stop.

It is configured by a file, a .env file, the environment and flags, each stronger than
those before; "bluelink2mqtt config example" shows every key. SIGHUP reads it again and
applies the sections refresh, permissions and presets and the log level; what else has
changed needs a restart and is named in the log. The environment of the Python service
mqtt-hyundai-kia (HYUNDAI_USERNAME, MQTT_BROKER_HOST and so on) is enough.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, warnings, err := flags.loadWithWarnings(cmd)
			if err != nil {
				return err
			}
			level := new(slog.LevelVar)
			level.Set(c.Log.Level)
			log := app.NewLoggerAt(c.Log, level, os.Stderr)
			for _, w := range warnings {
				log.Warn("configuration", "warning", w.String())
			}
			log.Info("starting", "version", programVersion(), "accounts", len(c.Accounts), "config", c.File)
			a, err := app.New(app.Options{Config: c, Version: programVersion(), Log: log, Level: level})
			if err != nil {
				return err
			}
			stop := flags.reload(cmd, a, log)
			err = a.Run(cmd.Context())
			stop()
			if errors.Is(err, context.Canceled) && cmd.Context().Err() != nil {
				err = nil // to be told to stop is how it ends, also on its way up
			}
			log.Info("stopped")
			return errors.Join(err, a.Close())
		},
	}
	flags.register(cmd)
	return cmd
}

// reload reads the configuration again at each SIGHUP and applies what can change while the program runs. The function
// that it returns ends it.
func (f *configFlags) reload(cmd *cobra.Command, a *app.App, log *slog.Logger) (stop func()) {
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for range hangups {
			c, err := f.load(cmd)
			if err != nil {
				log.Error("the configuration cannot be read again; the old one stays", "error", err)
				continue
			}
			a.Reload(c)
		}
	}()
	return func() {
		signal.Stop(hangups)
		close(hangups)
		<-ended
	}
}

// configFlags are the flags that set keys of the configuration.
type configFlags struct{ overrides []*config.Override }

func (f *configFlags) register(cmd *cobra.Command) {
	for _, flag := range []struct{ name, key, help string }{
		{"http-listen", "http.listen", "host:port of the web server (/metrics, /healthz, /readyz)"},
		{"store-dir", "store.dir", "directory of the store"},
		{"log-level", "log.level", "debug, info, warn or error"},
		{"log-format", "log.format", "auto, text or json"},
	} {
		o := &config.Override{Key: flag.key, Flag: "--" + flag.name}
		cmd.Flags().StringVar(&o.Value, flag.name, "", flag.help)
		f.overrides = append(f.overrides, o)
	}
}

// load reads the configuration for a command that leaves its warnings to "run" and "config check".
func (f *configFlags) load(cmd *cobra.Command) (*config.Config, error) {
	c, _, err := f.loadWithWarnings(cmd)
	return c, err
}

func (f *configFlags) loadWithWarnings(cmd *cobra.Command) (*config.Config, []config.Warning, error) {
	sources := config.Here()
	sources.Path, _ = cmd.Flags().GetString("config")
	for _, o := range f.overrides {
		if o.Value != "" {
			sources.Overrides = append(sources.Overrides, *o)
		}
	}
	c, warnings, err := config.Load(sources)
	if err == nil {
		err = app.Served(c)
	}
	if err != nil {
		return nil, warnings, &exitError{exitUsage, err}
	}
	return c, warnings, nil
}
