package answer_test

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/internal/answer"
)

func TestClassify_ReadsTheStatusAndShowsNothingOfTheBody(t *testing.T) {
	for status, want := range map[int]error{
		200: bluelink.ErrBadResponse, 302: bluelink.ErrBadResponse, 401: bluelink.ErrSessionExpired, 403: bluelink.ErrBlocked, 404: bluelink.ErrBadResponse,
		429: bluelink.ErrRateLimited, 509: bluelink.ErrRateLimited, 500: bluelink.ErrUnavailable, 503: bluelink.ErrUnavailable,
	} {
		err := answer.Classify(bluelink.Answer{Status: status, Body: []byte("<html>secret"), Header: http.Header{"Retry-After": {"30"}}})
		if !errors.Is(err, want) || strings.Contains(err.Error(), "secret") || bluelink.RetryAfter(err) != 30*time.Second {
			t.Errorf("%d: %v, want %v", status, err, want)
		}
	}
}

func TestRetryAfter_IsWhatTheCloudAsksForWithinADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := func(d time.Duration) string { return strconv.FormatInt(time.Now().Add(d).Unix(), 10) }
		for _, test := range []struct {
			name, value string
			want        time.Duration
		}{
			{"Retry-After", "90", 90 * time.Second},
			{"Retry-After", "9999999", 24 * time.Hour},
			{"Retry-After", "-1", 0},
			{"Retry-After", "soon", 0},
			{"X-Ratelimit-Reset", in(time.Hour), time.Hour},
			{"X-Ratelimit-Reset", in(-time.Hour), 0},
			{"X-Ratelimit-Reset", in(100 * time.Hour), 24 * time.Hour},
		} {
			header := http.Header{}
			header.Set(test.name, test.value)
			if got := answer.RetryAfter(header); got != test.want {
				t.Errorf("%s %s: %s, want %s", test.name, test.value, got, test.want)
			}
		}
	})
}

func TestBrief_ShowsNoSecret(t *testing.T) {
	text := "no  car\nKNDCC3LG5L5000000 of jane@example.com at 52.52012, token eyJhbGciOiJIUzI1NiJ9.abc " + strings.Repeat("word ", 100)
	got := answer.Brief(text)
	for _, secret := range []string{"KNDCC", "jane", "52.52", "eyJ", "\n"} {
		if strings.Contains(got, secret) {
			t.Errorf("%q shows %q", got, secret)
		}
	}
	if len(got) > 170 || !strings.HasPrefix(got, "no car … of …") {
		t.Errorf("%q", got)
	}
}
