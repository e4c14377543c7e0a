package bluelink_test

import (
	"bufio"
	"net"
	"net/http"
	"sync"
	"testing"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
)

// forgetful is a server that serves one request on each connection and resets the connection at the second one, as clouds
// do that forget kept-alive connections.
type forgetful struct {
	mu    sync.Mutex // guards asked
	asked []string   // requests that arrived, also those that were not answered
}

func (f *forgetful) start(t *testing.T) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var conns sync.WaitGroup
	conns.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			conns.Go(func() { f.serve(conn) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		conns.Wait()
	})
	return "http://" + listener.Addr().String()
}

func (f *forgetful) serve(conn net.Conn) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	for n := 0; ; n++ {
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		f.mu.Lock()
		f.asked = append(f.asked, r.Method+" "+r.URL.Path)
		f.mu.Unlock()
		if n > 0 {
			_ = conn.(*net.TCPConn).SetLinger(0)
			return
		}
		_, _ = conn.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"))
	}
}

func (f *forgetful) count(request string) (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, asked := range f.asked {
		if asked == request {
			n++
		}
	}
	return n
}

// TestTransport_AForgottenConnectionCostsNoRead: the read is sent once more, on another connection.
func TestTransport_AForgottenConnectionCostsNoRead(t *testing.T) {
	server := &forgetful{}
	tr := transport(t, bluelink.WithCloudURL(server.start(t)))
	for range 3 {
		if _, err := tr.Do(t.Context(), exchange(t, somewhere, nil)); err != nil {
			t.Fatal(err)
		}
	}
}

// TestTransport_WhatActsIsNeverSentTwiceByItself: net/http repeats a GET whose kept-alive connection breaks, also one that
// has been carried out.
func TestTransport_WhatActsIsNeverSentTwiceByItself(t *testing.T) {
	for _, kind := range []bluelink.CallKind{bluelink.CallWake, bluelink.CallCommand, bluelink.CallRenew, bluelink.CallRegister, bluelink.CallCode} {
		t.Run(string(kind), func(t *testing.T) {
			server := &forgetful{}
			tr := transport(t, bluelink.WithCloudURL(server.start(t)))
			if _, err := tr.Do(t.Context(), exchange(t, somewhere, nil)); err != nil {
				t.Fatal(err)
			}
			x := exchange(t, "http://cloud.example:8080/act", nil)
			x.Call.Kind = kind
			if _, err := tr.Do(t.Context(), x); err != nil {
				t.Errorf("it met the forgotten connection: %v", err)
			}
			if n := server.count("GET /act"); n != 1 {
				t.Errorf("the request arrived %d times", n)
			}
		})
	}
}
