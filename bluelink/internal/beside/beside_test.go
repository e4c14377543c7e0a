package beside_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/internal/beside"
)

func TestParts_OneThatFailsOrPanicsCostsItselfAndIsTold(t *testing.T) {
	var log bytes.Buffer
	p := &beside.Parts{Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})), Vehicle: "car1", Cloud: "hyundai-eu"}
	read := ""
	p.Go(t.Context(), "position", func() error { read = "52.5"; return nil })
	p.Go(t.Context(), "limits", func() error { return errors.New("no such thing") })
	if err := p.Do(t.Context(), "history", func() error { var none []int; _ = none[len(none)]; return nil }); err == nil {
		t.Error("a panic is no error")
	}
	if err := p.Wait(t.Context()); err != nil || read != "52.5" {
		t.Errorf("%v, read %q", err, read)
	}
	for _, want := range []string{
		`level=DEBUG msg="left out of the report" part=limits vehicle=car1 error="no such thing"`,
		`level=ERROR msg="panic in an operation; please report it" part=history`, "index out of range", "beside_test.go",
	} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log does not say %q:\n%s", want, &log)
		}
	}
}

func TestParts_WhoHasGivenUpGetsNoReport(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	p := &beside.Parts{Log: slog.New(slog.DiscardHandler), Cloud: "hyundai-eu"}
	why := errors.New("nobody wants it any more")
	p.Go(ctx, "position", func() error { cancel(why); return ctx.Err() })
	err := p.Wait(ctx)
	if failed := (*bluelink.Error)(nil); !errors.As(err, &failed) || !failed.Left || !errors.Is(err, why) {
		t.Errorf("%v", err)
	}
}
