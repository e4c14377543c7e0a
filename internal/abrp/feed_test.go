package abrp_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/abrp"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// planner stands for the service.
type planner struct {
	mu     sync.Mutex
	got    []message
	status int
	body   string
	err    error
	during func() // a call
}

type message struct {
	at   time.Time
	key  string
	body map[string]any
}

func (p *planner) RoundTrip(r *http.Request) (*http.Response, error) {
	if p.during != nil {
		p.during()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	m := message{at: time.Now(), key: r.Header.Get("Authorization")}
	if err := json.NewDecoder(r.Body).Decode(&m.body); err != nil {
		return nil, err
	}
	p.got = append(p.got, m)
	if p.err != nil {
		return nil, p.err
	}
	return &http.Response{StatusCode: p.status, Body: io.NopCloser(strings.NewReader(p.body)), Request: r}, nil
}

func (p *planner) answer(status int, body string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.status, p.body, p.err = status, body, err
}

func (p *planner) sent() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.got)
}

// pass lets virtual time pass.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

const car = vehicle.ID("0123456789ab")

// follow runs a feed in virtual time.
func follow(t *testing.T, locate bool, test func(t *testing.T, p *planner, f *abrp.Feed, log *bytes.Buffer)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p, log := &planner{status: http.StatusOK, body: `{"status":"ok"}`}, &bytes.Buffer{}
		f, err := abrp.New(abrp.Options{
			Key: "geheimer-schluessel", Tokens: map[vehicle.ID]string{car: "geheimes-zeichen"}, Locate: locate,
			Client: &http.Client{Transport: p}, Log: slog.New(slog.NewTextHandler(log, nil)),
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- f.Run(ctx) }()
		defer func() {
			cancel()
			if err := <-ended; err != nil {
				t.Error(err)
			}
			if text := log.String(); strings.Contains(text, "geheim") {
				t.Errorf("the log holds a secret: %s", text)
			}
		}()
		test(t, p, f, log)
	})
}

// report is what a car says now.
func report(soc vehicle.Percent, charging bool) vehicle.State {
	r := vehicle.Report{Engine: vehicle.EV, Reported: time.Now(), Source: "status"}
	vehicle.LastUpdatedAt.Set(&r, time.Now(), "")
	vehicle.SoC.Set(&r, soc, "")
	vehicle.Charging.Set(&r, charging, "")
	vehicle.PluggedIn.Set(&r, charging, "")
	vehicle.EngineRunning.Set(&r, false, "")
	vehicle.ChargingPower.Set(&r, vehicle.Quantity{Value: 11, Unit: vehicle.Kilowatt}, "")
	vehicle.EVRange.Set(&r, vehicle.Quantity{Value: 100, Unit: vehicle.Mile}, "")
	vehicle.Latitude.Set(&r, vehicle.Quantity{Value: 52.5, Unit: vehicle.Degree}, "")
	vehicle.Longitude.Set(&r, vehicle.Quantity{Value: 13.3, Unit: vehicle.Degree}, "")
	s, _, _ := vehicle.State{}.Apply(r, time.Now())
	return s
}

func TestFeed_SendsWhatIsKnownOnce(t *testing.T) {
	follow(t, true, func(t *testing.T, p *planner, f *abrp.Feed, _ *bytes.Buffer) {
		s := report(74, true)
		f.Reported(car, "mine", s)
		f.Reported("another car's", "x", s)
		synctest.Wait()
		f.Reported(car, "mine", s) // the same report
		pass(time.Hour)
		if p.sent() != 1 {
			t.Fatalf("%d messages", p.sent())
		}
		m := p.got[0]
		if m.key != "APIKEY geheimer-schluessel" || m.body["token"] != "geheimes-zeichen" {
			t.Errorf("keys: %q, %v", m.key, m.body["token"])
		}
		text, _ := json.Marshal(m.body["tlm"])
		want := `{"est_battery_range":160.9344,"is_charging":true,"is_parked":true,"lat":52.5,"lon":13.3,"power":-11,"soc":74,"utc":946684800}`
		if string(text) != want {
			t.Errorf("told %s, want %s", text, want)
		}
	})
}

func TestFeed_PositionsStayAtHomeUnlessAskedFor(t *testing.T) {
	follow(t, false, func(t *testing.T, p *planner, f *abrp.Feed, _ *bytes.Buffer) {
		f.Reported(car, "mine", report(74, false))
		synctest.Wait()
		if text, _ := json.Marshal(p.got[0].body); strings.Contains(string(text), "52.5") || strings.Contains(string(text), "lat") {
			t.Errorf("told %s", text)
		}
	})
}

func TestFeed_NewestReportWaitsForItsTurn(t *testing.T) {
	follow(t, false, func(t *testing.T, p *planner, f *abrp.Feed, _ *bytes.Buffer) {
		for range 56 { // one a minute from a parked car
			f.Reported(car, "mine", report(70, false))
			pass(time.Minute)
		}
		if n := p.sent(); n != 12 {
			t.Errorf("%d messages in an hour of a parked car", n)
		}
		before := p.sent()
		for range 60 {
			f.Reported(car, "mine", report(70, true))
			pass(time.Minute)
		}
		if n := p.sent() - before; n < 55 || n > 60 {
			t.Errorf("%d messages in an hour of charging", n)
		}
	})
}

func TestFeed_OutageIsWaitedOutAndTheNewestReportSentThen(t *testing.T) {
	follow(t, false, func(t *testing.T, p *planner, f *abrp.Feed, log *bytes.Buffer) {
		p.answer(0, "", errors.New("no route"))
		for i := range 100 {
			f.Reported(car, "mine", report(vehicle.Percent(i), false))
			pass(time.Minute)
		}
		if n := p.sent(); n > 9 {
			t.Errorf("%d tries in an outage", n)
		}
		for _, page := range []string{"<html>", `{"status":"no"}`, ""} {
			p.answer(http.StatusOK, page, nil)
			pass(time.Hour)
		}
		p.answer(http.StatusOK, `{"status":"ok"}`, nil)
		pass(2 * time.Hour)
		if told := p.got[len(p.got)-1].body["tlm"].(map[string]any)["soc"]; told != 99.0 {
			t.Errorf("afterwards %v was told", told)
		}
		if n := strings.Count(log.String(), "WARN"); n != 1 || !strings.Contains(log.String(), "again") {
			t.Errorf("the log says %s", log)
		}
	})
}

func TestFeed_RefusedKeyIsNotTriedAgain(t *testing.T) {
	follow(t, false, func(t *testing.T, p *planner, f *abrp.Feed, log *bytes.Buffer) {
		p.answer(http.StatusBadRequest, "", nil) // one report that it does not like
		f.Reported(car, "mine", report(74, false))
		pass(time.Hour)
		p.answer(http.StatusUnauthorized, "", nil)
		for range 10 {
			f.Reported(car, "mine", report(74, false))
			pass(time.Hour)
		}
		if p.sent() != 2 || !strings.Contains(log.String(), "refuses") {
			t.Errorf("%d tries, the log says %s", p.sent(), log)
		}
	})
}

func TestFeed_ReportThatIsNotTakenCostsALineAndNotTheNextReport(t *testing.T) {
	follow(t, false, func(t *testing.T, p *planner, f *abrp.Feed, log *bytes.Buffer) {
		p.answer(http.StatusBadRequest, "", nil)
		p.during = func() {
			p.during = nil
			<-time.After(time.Second)
			f.Reported(car, "mine", report(75, false))
		}
		for soc := range 10 {
			f.Reported(car, "mine", report(vehicle.Percent(soc), false))
			pass(time.Hour)
			if soc == 0 && p.got[len(p.got)-1].body["tlm"].(map[string]any)["soc"] != 75.0 {
				t.Error("the report that came during the call was not sent")
			}
		}
		if n := strings.Count(log.String(), "WARN"); n != 1 || p.sent() != 11 {
			t.Errorf("%d calls, the log says %s", p.sent(), log)
		}
	})
}
