package bluelink_test

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// dated is a cloud whose answers carry its own time, after some while.
type dated struct {
	ahead, takes time.Duration
	header       string // instead of the time
}

func (d *dated) RoundTrip(r *http.Request) (*http.Response, error) {
	<-time.After(d.takes / 2)
	date := time.Now().Add(d.ahead).UTC().Format(http.TimeFormat)
	if d.header != "" {
		date = d.header
	}
	<-time.After(d.takes / 2)
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Date": {date}}, Body: io.NopCloser(strings.NewReader("{}")), Request: r}, nil
}

// TestTransport_FollowsTheCloudsClock is A15: a machine whose clock is wrong signs with the cloud's time, and says so once.
func TestTransport_FollowsTheCloudsClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		var told []time.Duration
		cloud := &dated{ahead: 10 * time.Minute, takes: time.Second}
		tr := transport(t, bluelink.WithRoundTripper(cloud), bluelink.WithLogger(slog.New(slog.NewTextHandler(&log, nil))),
			bluelink.WithWatcher(bluelink.Watcher{Skew: func(ahead time.Duration) { told = append(told, ahead) }}))
		call := func() {
			t.Helper()
			if _, err := tr.Do(t.Context(), exchange(t, "https://cloud.example/", nil)); err != nil {
				t.Fatal(err)
			}
		}
		ahead := func() time.Duration { return time.Until(tr.Now()).Round(time.Second) }

		for range 20 {
			call()
			<-time.After(317 * time.Millisecond)
			if got := ahead(); (got - cloud.ahead).Abs() > time.Second {
				t.Fatalf("ahead by %s, want %s", got, cloud.ahead)
			}
		}
		if lines := strings.Count(log.String(), "clock differs"); lines != 1 || len(told) != 1 {
			t.Errorf("said %d times, told %v:\n%s", lines, told, &log)
		}
		cloud.takes = time.Minute / 3 // says little about the time
		cloud.ahead = -time.Hour
		call()
		if got := ahead(); (got - 10*time.Minute).Abs() > time.Second {
			t.Errorf("a slow answer was believed: %s", got)
		}
		cloud.takes, cloud.header = 0, "yesterday"
		call()
		cloud.header, cloud.ahead = "", 2*time.Second // somebody has set the clock; two seconds are no news
		call()
		if got := ahead(); got != 0 {
			t.Errorf("ahead by %s after the clock was set", got)
		}
		if !strings.Contains(log.String(), "agrees") || len(told) != 2 || told[1] != 0 {
			t.Errorf("told %v:\n%s", told, &log)
		}
	})
}

func TestTransport_TellsWhyAHookRefused(t *testing.T) {
	refusal := &bluelink.Error{Reason: vehicle.GuardedSpacing, RetryAfter: time.Minute, Text: "not yet", Err: bluelink.ErrQuota}
	tr := transport(t, bluelink.WithHook(&spy{refuse: refusal}))
	_, err := tr.Do(t.Context(), exchange(t, "https://cloud.example/", nil))
	if !errors.Is(err, bluelink.ErrQuota) || bluelink.Reason(err) != vehicle.GuardedSpacing || bluelink.RetryAfter(err) != time.Minute ||
		bluelink.MayHaveSucceeded(err) || !strings.Contains(err.Error(), "read status (kia-eu)") {
		t.Errorf("refused with %v", err)
	}
}
