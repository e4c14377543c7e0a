package app

import (
	"context"
	"io"
	"log/slog"
	"os"
	"slices"

	"golang.org/x/term"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/config"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/redact"
)

// NewLogger makes the program's logger: text for a terminal, JSON for everything else, unless the configuration chooses.
// Command, cause and account of an operation come out of its context into each of its lines, and secrets are masked.
func NewLogger(c config.Log, out io.Writer) *slog.Logger { return NewLoggerAt(c, c.Level, out) }

// NewLoggerAt is NewLogger with a level that can change.
func NewLoggerAt(c config.Log, level slog.Leveler, out io.Writer) *slog.Logger {
	options := &slog.HandlerOptions{Level: level}
	var handler slog.Handler = slog.NewJSONHandler(out, options)
	if c.Format == config.TextFormat || c.Format != config.JSONFormat && IsTerminal(out) {
		handler = slog.NewTextHandler(out, options)
	}
	return slog.New(traced{Handler: redact.NewHandler(handler)})
}

// IsTerminal tells whether a person sits at the other end.
func IsTerminal(end any) bool {
	file, ok := end.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// traced adds what an operation's context carries.
type traced struct {
	slog.Handler
	named bool // its lines tell the account already
}

func (h traced) Handle(ctx context.Context, record slog.Record) error {
	t := bluelink.TraceOf(ctx)
	for _, attr := range []slog.Attr{
		slog.String("account", t.Account), slog.String("command", t.Command), slog.String("cause", string(t.Cause)),
	} {
		if attr.Value.String() != "" && !(h.named && attr.Key == "account") {
			record.AddAttrs(attr)
		}
	}
	return h.Handler.Handle(ctx, record)
}

func (h traced) WithAttrs(attrs []slog.Attr) slog.Handler {
	named := slices.ContainsFunc(attrs, func(a slog.Attr) bool { return a.Key == "account" })
	return traced{h.Handler.WithAttrs(attrs), h.named || named}
}

func (h traced) WithGroup(name string) slog.Handler {
	return traced{h.Handler.WithGroup(name), h.named}
}

// hideSecrets makes the log's mask know what the configuration holds.
func hideSecrets(c *config.Config) { redact.Register(c.Secrets()...) }
