package ccapi

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// exchange is a call and its answer as a page of docs/protocol writes them down.
type exchange struct {
	call    string            // "GET https://host:port/path?query"; … stands for anything
	headers map[string]string // that it must have; "" for one that it must not have, … for any value
	body    string            // the same; empty for none
	status  int               // 200 when 0
	answer  string
	give    []string // headers of the answer, in pairs
}

// like makes a pattern of what is written down.
func like(text string) *regexp.Regexp {
	return regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(text), "…", `[^"&]*`) + "$")
}

// script is a cloud that knows its exchanges, each once, in the order of those of the same call.
type script struct {
	t     *testing.T
	mu    sync.Mutex
	left  []exchange
	calls []string
}

func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	call := r.Method + " " + r.URL.String()
	s.calls = append(s.calls, call)
	for i, x := range s.left {
		if !like(x.call).MatchString(call) {
			continue
		}
		s.left = append(s.left[:i:i], s.left[i+1:]...)
		for name, want := range x.headers {
			values := r.Header.Values(name)
			if got := strings.Join(values, ", "); len(values) > 1 || !like(want).MatchString(got) || want != "" && got == "" {
				s.t.Errorf("%s: %s is %q, want %q", call, name, got, want)
			}
		}
		if got := string(body); !like(x.body).MatchString(got) {
			s.t.Errorf("%s: body %s, want %s", call, got, x.body)
		}
		if x.status == 0 {
			x.status = http.StatusOK
		}
		return answerWith(r, x.status, x.answer, x.give...), nil
	}
	s.t.Errorf("nobody has written down %s", call)
	return answerWith(r, http.StatusNotFound, ""), nil
}

// expect adds exchanges.
func (s *script) expect(list ...exchange) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.left = append(s.left, list...)
}

// over checks that everything was asked for.
func (s *script) over() {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, x := range s.left {
		s.t.Errorf("nobody asked for %s", x.call)
	}
	s.left = nil
}

// playing is a client of a region before a script. It has a session unless fresh.
func playing(t *testing.T, region vehicle.Region, brand vehicle.Brand, session bluelink.Tokens) (*world, *script) {
	t.Helper()
	s := &script{t: t}
	w := &world{
		t: t, calls: &callBook{}, log: &bytes.Buffer{}, tokens: &tokenStore{tokens: session},
		account: bluelink.Account{
			Name: "test", Region: region, Brand: brand, Username: "somebody@example.com", Password: "secret phrase", PIN: "1234", Language: "en",
		},
	}
	w.openThrough(s)
	return w, s
}

// envelope is an answer of the vehicle API.
func envelope(message string) string {
	return fmt.Sprintf(`{"retCode":"S","resCode":"0000","resMsg":%s,"msgId":"7f000000-0000-4000-8000-000000000001"}`, message)
}

const (
	accepted = `{"retCode":"S","resCode":"0000","msgId":"7f000000-0000-4000-8000-000000000001"}`
	pinGiven = `{"controlToken":"c.j.wt","expiresTime":600}`
)

func failureOf(code, text string) string {
	return fmt.Sprintf(`{"retCode":"F","resCode":%q,"resMsg":%q,"msgId":"7f000000-0000-4000-8000-000000000002"}`, code, text)
}
