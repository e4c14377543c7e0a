package broker

import (
	"errors"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/gorilla/websocket"
	"github.com/mochi-mqtt/server/v2/listeners"
)

// webSocketListener lets clients in through HTTP. Mochi has one too, but that opens its port by itself
// and only logs when it cannot.
type webSocketListener struct {
	*tracker
	dismiss listeners.CloseFn
	attend  attendFn
	http    http.Server
}

var _ listeners.Listener = (*webSocketListener)(nil)

// ID and Protocol are for mochi's bookkeeping.
func (w *webSocketListener) ID() string       { return "websocket" }
func (w *webSocketListener) Protocol() string { return "ws" }

// Serve upgrades requests and hands their connections to the broker until Close. A page of another
// origin is refused, or any website could talk to the broker of whoever visits it.
func (w *webSocketListener) Serve(establish listeners.EstablishFn) {
	defer w.open.Done()
	upgrader := websocket.Upgrader{Subprotocols: []string{"mqtt"}}
	w.http.ReadHeaderTimeout, w.http.IdleTimeout = connectTimeout, connectTimeout
	w.http.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateClosed || state == http.StateHijacked { // one of both, once
			w.open.Done()
		}
	}
	w.http.Handler = http.HandlerFunc(func(answer http.ResponseWriter, request *http.Request) {
		w.open.Add(1) // also for one that is taken over and leaves before it was upgraded
		defer w.open.Done()
		socket, err := upgrader.Upgrade(answer, request, nil)
		if err != nil {
			return // answered by the upgrader
		}
		defer func() { _ = socket.Close() }()
		if err := socket.SetReadDeadline(time.Now().Add(connectTimeout)); err != nil {
			return
		}
		w.attend(establish, w.ID(), &stream{Conn: socket})
	})
	_ = w.http.Serve(w.tracker) // always an error that says that it was closed
}

// Close stops accepting and sends the known clients away.
func (w *webSocketListener) Close(listeners.CloseFn) {
	_ = w.http.Close()
	w.dismiss(w.ID())
}

// stream makes a stream of the binary messages of a WebSocket: MQTT packets need not end where messages
// end [MQTT-6.0.0-1].
type stream struct {
	*websocket.Conn
	message io.Reader // what is left of the message being read, nil between messages
}

var _ net.Conn = (*stream)(nil)

func (s *stream) Read(b []byte) (int, error) {
	for {
		if s.message == nil {
			kind, message, err := s.NextReader()
			if err != nil {
				return 0, err
			}
			if kind != websocket.BinaryMessage {
				return 0, errors.New("message is not binary")
			}
			s.message = message
		}
		n, err := s.message.Read(b)
		if errors.Is(err, io.EOF) {
			s.message, err = nil, nil
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

// Write is called by one goroutine at a time.
func (s *stream) Write(b []byte) (int, error) {
	if err := s.WriteMessage(websocket.BinaryMessage, b); err != nil {
		return 0, err
	}
	return len(b), nil
}

// SetDeadline is for reading alone; a trackedConn times what is written.
func (s *stream) SetDeadline(t time.Time) error { return s.SetReadDeadline(t) }
