package sim

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestTransport_HonoursTheContextWhileTheCarWakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSim(t, Options{Cars: 2, Parked: true, LatencyForce: time.Minute})
		g := newGuest(t, s)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		begin := time.Now()
		_, err := g.client.Do(g.request(ctx, "GET", g.car(1, "/status"), ""))
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) != 10*time.Second {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
		// The car goes on: its channel is taken until it has answered, and the cloud
		// then knows.
		if a := g.do("GET", g.car(1, "/status"), ""); !strings.Contains(a.body, "4004") {
			t.Errorf("the channel is free: %+v", a)
		}
		<-time.After(time.Minute)
		if r := s.clouds[1].cars[1].look(time.Now()); r.at.Sub(begin) != time.Minute {
			t.Errorf("the report came after %v", r.at.Sub(begin))
		}
	})
}

func TestTransport_LatencyBeforeEveryAnswerAndTheStatusRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSim(t, Options{Cars: 2, Parked: true, Latency: 100 * time.Millisecond, LatencyCached: 300 * time.Millisecond, LatencyForce: 2 * time.Second})
		g := newGuest(t, s)
		for path, want := range map[string]time.Duration{
			g.car(0, cachedPath):       400 * time.Millisecond,
			g.car(1, "/status/latest"): 400 * time.Millisecond,
			g.car(0, "/location/park"): 100 * time.Millisecond,
			g.car(1, "/status"):        2100 * time.Millisecond,
		} {
			begin := time.Now()
			if a := g.do("GET", path, ""); a.status != 200 || time.Since(begin) != want {
				t.Errorf("%s took %v (%d), want %v", path, time.Since(begin), a.status, want)
			}
		}
		before := s.clouds[1].cars[0].look(time.Now()).at
		g.do("GET", g.car(0, wakePath), "")
		<-time.After(2*time.Second - time.Millisecond)
		if !s.clouds[1].cars[0].look(time.Now()).at.Equal(before) {
			t.Error("the woken car reported early")
		}
		<-time.After(time.Millisecond)
		if s.clouds[1].cars[0].look(time.Now()).at.Equal(before) {
			t.Error("the woken car did not report")
		}
	})
}

func TestTransport_LeavesTheRequestAloneAndClosesItsBody(t *testing.T) {
	s := newSim(t, Options{Cars: 1})
	body := &closing{Reader: strings.NewReader(`{"lang":"de"}`)}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://prd.eu-ccapi.kia.com:8080/api/v1/user/language", body)
	must(t, err)
	response, err := s.RoundTripper().RoundTrip(r)
	must(t, err)
	defer response.Body.Close()
	if response.StatusCode != 200 || !body.closed || r.RequestURI != "" || r.PathValue("vehicle") != "" || r.Pattern != "" {
		t.Errorf("status %d, closed %v, request %+v", response.StatusCode, body.closed, r)
	}
	if r, err = http.NewRequestWithContext(t.Context(), http.MethodGet, "https://oneapp.kia.com", nil); err == nil {
		response, err = s.RoundTripper().RoundTrip(r)
		must(t, err)
		defer response.Body.Close()
		if response.StatusCode != 404 {
			t.Errorf("an address without a path: %d", response.StatusCode)
		}
	}
}

type closing struct {
	io.Reader
	closed bool
}

func (c *closing) Close() error { c.closed = true; return nil }

func TestTransport_CancelledBeforeItBegins(t *testing.T) {
	s := newSim(t, Options{Cars: 1})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://oneapp.kia.com/redirect", nil)
	must(t, err)
	if _, err := s.RoundTripper().RoundTrip(r); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if len(s.Calls()) != 0 {
		t.Error("the call was counted")
	}
}
