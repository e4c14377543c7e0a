package control

import (
	"bufio"
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// echo is a service that gives back what it was asked for.
type echo struct{ Service }

func (echo) Vehicles(context.Context) ([]Vehicle, error) { return []Vehicle{{Name: "car"}}, nil }

func (echo) State(_ context.Context, ref string) (State, error) {
	return State{Vehicle: Vehicle{Name: ref}}, nil
}

func (echo) Login(_ context.Context, r LoginRequest) iter.Seq2[LoginStep, error] {
	return func(yield func(LoginStep, error) bool) {
		if yield(LoginStep{Account: r.Account, Stage: &Stage{Op: r.Method}}, nil) {
			yield(LoginStep{Account: r.Account, Outcome: &Outcome{State: r.Code}}, nil)
		}
	}
}

func (echo) RefreshToken(_ context.Context, account string) (string, error) { return account, nil }

func (echo) Logout(_ context.Context, account string, _ bool) ([]Account, error) {
	return []Account{{Name: account}}, nil
}

func (echo) Health(context.Context) (Health, error) { return Health{}, nil }

func (echo) Send(_ context.Context, ref, command string, payload []byte) iter.Seq2[vehicle.Record, error] {
	return func(yield func(vehicle.Record, error) bool) {
		if yield(vehicle.Record{Vehicle: ref, Command: command}, nil) {
			yield(vehicle.Record{Message: string(payload), State: vehicle.Confirmed, Terminal: true}, nil)
		}
	}
}

// FuzzHandler asks the socket's handler for anything. It answers every request, and what it says is JSON.
func FuzzHandler(f *testing.F) {
	for _, method := range []string{"GET", "POST", "PUT"} {
		for _, path := range []string{"/vehicles", "/vehicles/x", "/vehicles/%2F/commands/refresh", "/vehicles//commands/", "/login", "/refresh-token?account=%00", "/logout", "/health", "/", "//", "/../health"} {
			f.Add(method, path, `{"mode":"cached"}`)
		}
	}
	f.Add("POST", "/vehicles/a/commands/refresh", strings.Repeat("x", maxBody+1))
	f.Add("POST", "/vehicles/a/commands/refresh", "\xff\n{")
	f.Fuzz(func(t *testing.T, method, target, body string) {
		address, err := url.ParseRequestURI(target)
		if err != nil || strings.ContainsAny(method, " \r\n\t") || method == "" || !strings.HasPrefix(target, "/") {
			return // net/http lets none of these through
		}
		request := &http.Request{
			Method: method, URL: address, RequestURI: target, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{},
			Body: http.NoBody, Host: "socket",
		}
		if body != "" {
			request = httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
			request.Method, request.URL, request.RequestURI = method, address, target
		}
		answer := httptest.NewRecorder()
		handler(echo{}).ServeHTTP(answer, request)
		if kind := answer.Header().Get("Content-Type"); kind != "application/json" && kind != "application/x-ndjson" && answer.Code == http.StatusOK {
			t.Errorf("%s %q is answered with %q", method, target, answer.Body)
		}
		if answer.Code != http.StatusOK && answer.Code != http.StatusUnprocessableEntity {
			return // net/http's own refusals are text
		}
		lines := bufio.NewScanner(answer.Body)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			if !json.Valid(lines.Bytes()) {
				t.Errorf("%s %q is answered with %q", method, target, lines.Text())
			}
		}
	})
}
