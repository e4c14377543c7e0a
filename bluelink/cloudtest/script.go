package cloudtest

import (
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Script is a cloud as a family's own tests want it: Serve answers, unless a test has another answer for the path. The clouds
// as they are stand in package sim; a script also says what none of them would.
type Script struct {
	T      testing.TB
	Prefix string // of every path; paths are told without it
	Serve  func(r *http.Request, path, body string) Reply
	Stamp  func(calls int, header http.Header) // adds what every answer carries; nil for nothing

	mu     sync.Mutex // guards what follows
	calls  []Call
	answer map[string]Answer
}

// Call is one that came in.
type Call struct {
	Path, Body string
	Header     http.Header
}

// Reply is what goes out. One without a status is a connection that was reset.
type Reply struct {
	Status int
	Body   string
	Header map[string]string
}

// Say is a reply with this status and body, and with headers that may be left out.
func Say(status int, body string, header ...map[string]string) Reply {
	r := Reply{Status: status, Body: body, Header: map[string]string{}}
	for _, h := range header {
		maps.Copy(r.Header, h)
	}
	return r
}

// Answer is a test's own for a path; false lets the script answer as usual.
type Answer func(r *http.Request, body string) (Reply, bool)

// RoundTrip is the cloud.
func (s *Script) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	path, ours := strings.CutPrefix(r.URL.Path, s.Prefix)
	if err != nil || !ours {
		s.T.Errorf("a call to %s: %v", r.URL, err)
	}
	s.mu.Lock()
	s.calls = append(s.calls, Call{path, string(body), r.Header.Clone()})
	answer, n := s.answer[path], len(s.calls)
	s.mu.Unlock()
	out, ok := Reply{}, false
	if answer != nil {
		out, ok = answer(r, string(body))
	}
	if !ok {
		out = s.Serve(r, path, string(body))
	}
	if out.Status == 0 {
		return nil, errors.New("connection reset")
	}
	w := httptest.NewRecorder()
	if s.Stamp != nil {
		s.Stamp(n, w.Header())
	}
	for name, text := range out.Header {
		w.Header().Set(name, text)
	}
	w.WriteHeader(out.Status)
	_, _ = w.WriteString(out.Body)
	response := w.Result()
	response.Request = r
	return response, nil
}

// Calls are all that came in.
func (s *Script) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

// Count is how often a path was called.
func (s *Script) Count(path string) (n int) {
	for _, c := range s.Calls() {
		if c.Path == path {
			n++
		}
	}
	return n
}

// Last is the last call of a path, which there must be.
func (s *Script) Last(path string) Call {
	for _, c := range slices.Backward(s.Calls()) {
		if c.Path == path {
			return c
		}
	}
	s.T.Fatalf("%s was not called", path)
	return Call{}
}

// On lets a path be answered otherwise, with nil as usual again.
func (s *Script) On(path string, answer Answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.answer == nil {
		s.answer = map[string]Answer{}
	}
	s.answer[path] = answer
}

// Always answers a path so from now on.
func (s *Script) Always(path string, r Reply) {
	s.On(path, func(*http.Request, string) (Reply, bool) { return r, true })
}

// Once answers the next call of a path so.
func (s *Script) Once(path string, r Reply) {
	done := false
	s.On(path, func(*http.Request, string) (Reply, bool) {
		was := done
		done = true
		return r, !was
	})
}
