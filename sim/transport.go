package sim

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"syscall"
)

// RoundTripper returns a transport that hands each request to the simulator in the
// caller's goroutine, without a socket and whatever the URL's scheme. It honours the
// request's context, and a cut connection is an error as it is on a real one.
func (s *Sim) RoundTripper() http.RoundTripper { return transport{s} }

type transport struct{ sim *Sim }

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		defer func() { _ = r.Body.Close() }() // a RoundTripper must close it; nothing depends on the error
	}
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	in := r.WithContext(r.Context()) // a shallow copy; the caller's request must stay as it is
	if in.Host == "" {
		in.Host = r.URL.Host
	}
	if in.Body == nil {
		in.Body = http.NoBody
	}
	if in.Method == "" {
		in.Method = http.MethodGet
	}
	if in.URL.Path == "" {
		u := *in.URL
		u.Path = "/"
		in.URL = &u
	}
	in.RequestURI = in.URL.RequestURI()

	rec := &recorder{header: make(http.Header)}
	cut := rec.serve(t.sim, in)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	if cut && rec.status == 0 {
		return nil, fmt.Errorf("read from %s: %w", in.Host, syscall.ECONNRESET)
	}
	return rec.response(r), nil
}

// recorder is the ResponseWriter of a call without a socket.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (rec *recorder) Header() http.Header { return rec.header }

func (rec *recorder) WriteHeader(status int) {
	if rec.status == 0 {
		rec.status = status
	}
}

func (rec *recorder) Write(p []byte) (int, error) {
	rec.WriteHeader(http.StatusOK)
	return rec.body.Write(p)
}

// Flush lets handlers that push single bytes run unchanged.
func (rec *recorder) Flush() { rec.WriteHeader(http.StatusOK) }

// serve runs the handler and reports whether it cut the connection.
func (rec *recorder) serve(h http.Handler, r *http.Request) (cut bool) {
	defer func() {
		failure := recover()
		if failure == nil {
			return
		}
		if err, _ := failure.(error); !errors.Is(err, http.ErrAbortHandler) {
			panic(failure)
		}
		cut = true
	}()
	h.ServeHTTP(rec, r)
	rec.WriteHeader(http.StatusOK)
	return false
}

func (rec *recorder) response(r *http.Request) *http.Response {
	length := int64(rec.body.Len())
	body := io.NopCloser(bytes.NewReader(rec.body.Bytes()))
	if announced, err := strconv.ParseInt(rec.header.Get("Content-Length"), 10, 64); err == nil && announced > length {
		length = announced
		body = io.NopCloser(io.MultiReader(bytes.NewReader(rec.body.Bytes()), cutReader{}))
	}
	header := make(http.Header, len(rec.header)) // as net/http reads it, however it is spelt
	for name, values := range rec.header {
		header[http.CanonicalHeaderKey(name)] = values
	}
	return &http.Response{
		Status: strconv.Itoa(rec.status) + " " + http.StatusText(rec.status), StatusCode: rec.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Body: body, ContentLength: length, Request: r,
	}
}

// cutReader ends a body that was shorter than its announced length.
type cutReader struct{}

func (cutReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// cutConnection ends the request with a TCP reset where there is a socket. It does not
// return.
func cutConnection(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err == nil {
		if tcp, ok := conn.(interface{ SetLinger(int) error }); ok {
			_ = tcp.SetLinger(0) // without it the peer sees an orderly end instead of a reset
		}
		_ = conn.Close()
	} else if !errors.Is(err, http.ErrNotSupported) {
		panic(http.ErrAbortHandler)
	}
	panic(http.ErrAbortHandler)
}
