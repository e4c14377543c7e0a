package cloudtest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/sim"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// spoilers make of a cloud's answer what a stranger could send in its place.
var spoilers = map[string]func(*http.Response, []byte){
	"web page":       replaced("text/html", "<!DOCTYPE html><html><body>Please sign in</body></html>"),
	"nothing":        replaced("application/json", ""),
	"null":           replaced("application/json", "null"),
	"a number":       replaced("application/json", "17"),
	"a text":         replaced("application/json", `"ok"`),
	"empty object":   replaced("application/json", "{}"),
	"empty list":     replaced("application/json", "[]"),
	"no UTF-8":       replaced("application/json", "{\"\xff\xfe\":\"\xc3\x28\"}"),
	"deep lists":     replaced("application/json", strings.Repeat("[", 100_000)+strings.Repeat("]", 100_000)),
	"deep objects":   replaced("application/json", strings.Repeat(`{"a":`, 100_000)+"1"+strings.Repeat("}", 100_000)),
	"huge number":    replaced("application/json", `{"a":`+strings.Repeat("9", 100_000)+`}`),
	"half of it":     func(r *http.Response, body []byte) { refill(r, body[:len(body)/2]) },
	"twice":          func(r *http.Response, body []byte) { refill(r, append(body, body...)) },
	"bits turned":    func(r *http.Response, body []byte) { refill(r, turned(body)) },
	"all null":       func(r *http.Response, body []byte) { refill(r, blanked(body)) },
	"longer than it": func(r *http.Response, body []byte) { refill(r, body); r.ContentLength += 10 },
	"without end": func(r *http.Response, _ []byte) {
		r.Body, r.ContentLength = io.NopCloser(endless{}), -1
		r.Header.Del("Content-Length")
	},
}

func replaced(kind, text string) func(*http.Response, []byte) {
	return func(r *http.Response, _ []byte) {
		r.Header.Set("Content-Type", kind)
		refill(r, []byte(text))
	}
}

func refill(r *http.Response, body []byte) {
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	r.Header.Set("Content-Length", strconv.Itoa(len(body)))
}

func turned(body []byte) []byte {
	body = bytes.Clone(body)
	for i := 7; i < len(body); i += 31 {
		body[i] ^= 1 << (i % 7)
	}
	return body
}

// blanked writes null in the place of every number and text.
func blanked(body []byte) []byte {
	var out []byte
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case c == ':' && i+1 < len(body) && body[i+1] != '{' && body[i+1] != '[':
			out = append(out, ":null"...)
			quoted := false
			for i+1 < len(body) && (quoted || !strings.ContainsRune(",}]", rune(body[i+1]))) {
				i++
				quoted = quoted != (body[i] == '"' && body[i-1] != '\\')
			}
		default:
			out = append(out, c)
		}
	}
	return out
}

// endless is a body of blanks.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

// spoiling is a way to the cloud on which its answers, from the n-th on, are spoiled.
type spoiling struct {
	next  http.RoundTripper
	spoil func(*http.Response, []byte)
}

func (s *spoiling) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := s.next.RoundTrip(r)
	if err != nil || s.spoil == nil {
		return response, err
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	response.Body.Close()
	s.spoil(response, body)
	return response, nil
}

// hostile answers each operation with what no cloud should send: that is an error that somebody has classified or a report
// with little in it, never a panic, and it does no lasting harm.
func hostile(t *testing.T, s *Setup, _ *replayed) {
	everything := append([]operation{
		{"action", func(ctx context.Context, w *world, v vehicle.Vehicle) error {
			_, err := w.cloud.Action(ctx, v, "0f0f0f0f-0000-4000-8000-000000000000")
			return err
		}},
		{"renewal", func(ctx context.Context, w *world, _ vehicle.Vehicle) error {
			kept, err := w.tokens.Load(ctx)
			if err != nil {
				return err
			}
			ended := kept
			ended.Expires = time.Now().Add(-time.Hour)
			if err := w.tokens.Save(ctx, ended); err != nil {
				return err
			}
			defer func() { _ = w.tokens.Save(ctx, kept) }() // it is memory
			fresh := *w
			fresh.open(w.way)
			return fresh.cloud.Login(ctx)
		}},
	}, operations[:2]...)
	everything = append(everything, operation{"force", func(ctx context.Context, w *world, v vehicle.Vehicle) error {
		_, err := w.cloud.Force(ctx, bluelink.Ask{Vehicle: v})
		return err
	}}, operations[3])

	w := newWorld(t, s, sim.Options{})
	way := &spoiling{next: w.RoundTripper()}
	w.open(way)
	v := w.electric()
	for name, spoil := range spoilers {
		for _, op := range everything {
			way.spoil = spoil
			err := contained(func() error { return op.do(t.Context(), w, v) })
			if err != nil && bluelink.Reason(err) == vehicle.Internal {
				t.Errorf("%s, answered with %s: %v", op.name, name, err)
			}
			way.spoil = nil
			pass(t, 10*time.Minute)
		}
	}
	pass(t, 2*time.Hour)
	if _, err := w.cloud.Cached(t.Context(), bluelink.Ask{Vehicle: v}); err != nil {
		t.Errorf("afterwards: %v", err)
	}
	for name, spoil := range spoilers { // a sign-in
		w := newWorld(t, s, sim.Options{})
		way := &spoiling{next: w.RoundTripper(), spoil: spoil}
		w.open(way)
		if err := contained(func() error { return w.cloud.Login(t.Context()) }); err == nil && name != "twice" || err != nil && bluelink.Reason(err) == vehicle.Internal {
			t.Errorf("sign in, answered with %s: %v", name, err)
		}
	}
}

// contained makes a panic an error.
func contained(work func() error) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("panic: %v\n%s", cause, debug.Stack())
		}
	}()
	return work()
}
