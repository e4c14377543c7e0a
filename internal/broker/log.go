package broker

import (
	"context"
	"log/slog"
)

// quietHandler brings mochi's log lines into ours: its chatter becomes debug lines, and attributes that
// hold whole packets are left out, because packets hold positions and commands.
type quietHandler struct {
	slog.Handler
}

func (h quietHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.Handler.Enabled(ctx, quieter(level))
}

func (h quietHandler) Handle(ctx context.Context, record slog.Record) error {
	message := record.Message
	if message == "" {
		message = "connection ended" // mochi says nothing but the error
	}
	quiet := slog.NewRecord(record.Time, quieter(record.Level), "embedded broker: "+message, record.PC)
	record.Attrs(func(a slog.Attr) bool {
		if a.Key != "pk" && a.Key != "packet" {
			quiet.AddAttrs(a)
		}
		return true
	})
	return h.Handler.Handle(ctx, quiet)
}

func (h quietHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return quietHandler{h.Handler.WithAttrs(attrs)}
}

func (h quietHandler) WithGroup(name string) slog.Handler {
	return quietHandler{h.Handler.WithGroup(name)}
}

// quieter is the level at which a line of mochi's is worth reading. Its warnings are about single
// clients that went away; only errors are about the broker.
func quieter(level slog.Level) slog.Level {
	if level < slog.LevelError {
		return slog.LevelDebug
	}
	return level
}
