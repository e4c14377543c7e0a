package app

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/bridge"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/mqtt"
)

// narrow is a client whose broker takes nothing.
type narrow struct{}

func (narrow) Publish(_ context.Context, p mqtt.Publication) error {
	return fmt.Errorf("publish on %s: %w", p.Topic, mqtt.ErrTooLarge)
}

func (narrow) Flush(context.Context) error { return nil }

func TestOutbox_WhatTheBrokerDoesNotTakeIsALineAndNotOneForEach(t *testing.T) {
	var text strings.Builder
	o := outbox{narrow{}, slog.New(slog.NewTextHandler(&text, nil)), new(atomic.Bool)}
	for i := range 100 {
		o.Publish(bridge.Publication{Topic: fmt.Sprintf("hyundai/%d", i%3)})
	}
	if n := strings.Count(text.String(), "\n"); n != 1 || !strings.Contains(text.String(), "hyundai/0") || !strings.Contains(text.String(), "max_packet_size") {
		t.Errorf("the log says in %d lines:\n%s", n, text.String())
	}
}
