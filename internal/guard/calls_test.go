package guard_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/guard"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// hook notes what it is told and refuses with its error.
type hook struct {
	name   string
	seen   *journal
	refuse error
}

func (h hook) Before(context.Context, bluelink.Call) error {
	h.seen.note(h.name + " before")
	return h.refuse
}

func (h hook) After(_ context.Context, _ bluelink.Call, _ time.Duration, err error) {
	end := "ok"
	if err != nil {
		end = string(bluelink.Reason(err))
	}
	h.seen.note(h.name + " after " + end)
}

// exchange makes a call through a real transport and counts what leaves.
func exchange(t *testing.T, hooks bluelink.Hook, status int) (left int, err error) {
	t.Helper()
	settings, err := bluelink.NewSettings(bluelink.WithHook(hooks), bluelink.WithRoundTripper(roundTripper(func(r *http.Request) (*http.Response, error) {
		left++
		return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader("{}")), Request: r}, nil
	})))
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://cloud.invalid/", nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := bluelink.NewTransport(bluelink.Account{Name: "home", Region: vehicle.Europe, Brand: vehicle.Kia}, settings)
	_, err = transport.Do(t.Context(), bluelink.Exchange{
		Call: bluelink.Call{Kind: bluelink.CallRead, Op: "read status"}, Request: request,
		Classify: func(a bluelink.Answer) error {
			if a.Status != http.StatusOK {
				return bluelink.ErrUnavailable
			}
			return nil
		},
	})
	return left, err
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestHooks_EachSeesTheCallAndItsEnd(t *testing.T) {
	var seen journal
	left, err := exchange(t, guard.Hooks{hook{"a", &seen, nil}, hook{"b", &seen, nil}}, http.StatusServiceUnavailable)
	if left != 1 || !errors.Is(err, bluelink.ErrUnavailable) {
		t.Errorf("%d calls left, %v", left, err)
	}
	want := []string{"a before", "b before", "a after cloud_unavailable", "b after cloud_unavailable"}
	if !slices.Equal(seen.read(), want) {
		t.Errorf("hooks were told %v, want %v", seen.read(), want)
	}
}

func TestHooks_RefusalOfTheSecondIsToldToTheFirstOnlyAndTheCallNeverLeaves(t *testing.T) {
	var seen journal
	left, err := exchange(t, guard.Hooks{hook{"a", &seen, nil}, hook{"b", &seen, bluelink.ErrQuota}, hook{"c", &seen, nil}}, http.StatusOK)
	if left != 0 {
		t.Error("the refused call left")
	}
	if !errors.Is(err, bluelink.ErrQuota) || bluelink.MayHaveSucceeded(err) {
		t.Errorf("refused with %v", err)
	}
	if want := []string{"a before", "b before", "a after quota_exhausted"}; !slices.Equal(seen.read(), want) {
		t.Errorf("hooks were told %v, want %v", seen.read(), want)
	}
}

func TestCallHook_CountsCallsByKindAndOutcome(t *testing.T) {
	o, registry := measured(t)
	hooks := guard.Hooks{o.Metrics.CallHook()}
	_, _ = exchange(t, hooks, http.StatusOK)
	_, _ = exchange(t, hooks, http.StatusOK)
	_, _ = exchange(t, hooks, http.StatusServiceUnavailable)
	for outcome, want := range map[string]float64{"ok": 2, "cloud_unavailable": 1} {
		if n := metric(t, registry, "bluelink2mqtt_call_seconds", "account", "home", "kind", "read", "outcome", outcome); n != want {
			t.Errorf("%v calls ended %s, want %v", n, outcome, want)
		}
	}
	if n := metric(t, registry, "bluelink2mqtt_calls_in_flight", "account", "home"); n != 0 {
		t.Errorf("%v calls in flight after the end", n)
	}
}

func TestCountingGate_CountsWakesAndNothingElse(t *testing.T) {
	o := options(t)
	gate := &guard.CountingGate{}
	o.Gate = gate
	c := guard.Wrap(&cloud{}, o)
	_ = c.Login(t.Context())
	_, _ = c.Vehicles(t.Context())
	_ = read(t.Context(), c)
	_ = wake(t.Context(), c)
	_ = wake(t.Context(), c)
	if gate.Wakes() != 2 {
		t.Errorf("counted %d wakes, want 2", gate.Wakes())
	}
}
