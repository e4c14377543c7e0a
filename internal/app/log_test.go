package app

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/config"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/redact"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

func TestLogger_LinesCarryTheirTrace(t *testing.T) {
	var out bytes.Buffer
	log := NewLogger(config.Log{Level: slog.LevelInfo, Format: config.AutoFormat}, &out)
	ctx := bluelink.WithTrace(context.Background(), bluelink.Trace{Account: "home", Command: "c-1", Cause: vehicle.ByMQTT})
	log.With("vehicle", "ioniq5").InfoContext(ctx, "refresh done")
	var line map[string]any
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatalf("what is no terminal gets %q, want JSON: %v", out.String(), err)
	}
	for key, want := range map[string]string{"account": "home", "command": "c-1", "cause": "mqtt", "vehicle": "ioniq5"} {
		if line[key] != want {
			t.Errorf("%s is %v, want %s", key, line[key], want)
		}
	}
}

func TestLogger_TellsTheAccountOnce(t *testing.T) {
	var out bytes.Buffer
	log := NewLogger(config.Log{Format: config.JSONFormat}, &out).With("account", "home")
	log.InfoContext(bluelink.WithTrace(context.Background(), bluelink.Trace{Account: "home"}), "signed in")
	if n := strings.Count(out.String(), "home"); n != 1 {
		t.Errorf("the line tells the account %d times: %s", n, out.String())
	}
}

func TestLogger_MasksWhatTheConfigurationHolds(t *testing.T) {
	const password = "correct horse battery staple"
	hideSecrets(&config.Config{Accounts: []config.Account{{Password: redact.NewSecret(password)}}})
	t.Cleanup(func() { redact.Forget(password) })
	var out bytes.Buffer
	log := NewLogger(config.Log{Format: config.TextFormat}, &out)
	log.Error("sign-in failed for "+password, "body", "password="+password)
	if strings.Contains(out.String(), password) {
		t.Errorf("the password stands in %q", out.String())
	}
}
