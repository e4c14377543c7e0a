package broker

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/gorilla/websocket"
	"github.com/mochi-mqtt/server/v2/listeners"
)

// webSocketListener lets clients in through HTTP. Mochi has one too, but that opens its port by itself
// and only logs when it cannot.
type webSocketListener struct {
	*listener
	http *http.Server
	done chan struct{} // closed when Serve has ended
}

var _ listeners.Listener = (*webSocketListener)(nil)

func newWebSocketListener(l *listener) *webSocketListener {
	return &webSocketListener{listener: l, http: &http.Server{ReadHeaderTimeout: connectTimeout}, done: make(chan struct{})}
}

// Init, ID, Address and Protocol are what mochi wants to know for its log.
func (w *webSocketListener) Init(*slog.Logger) error { return nil }
func (w *webSocketListener) ID() string              { return "websocket" }
func (w *webSocketListener) Address() string         { return w.Addr().String() }
func (w *webSocketListener) Protocol() string        { return "ws" }

// Serve upgrades requests and hands their connections to the broker until Close. A page of another
// origin is refused, or any website could talk to the broker of whoever visits it.
func (w *webSocketListener) Serve(establish listeners.EstablishFn) {
	defer close(w.done)
	upgrader := websocket.Upgrader{Subprotocols: []string{"mqtt"}}
	w.http.Handler = http.HandlerFunc(func(answer http.ResponseWriter, request *http.Request) {
		socket, err := upgrader.Upgrade(answer, request, nil)
		if err != nil {
			return // answered by the upgrader
		}
		defer func() { _ = socket.Close() }()
		if err := socket.SetReadDeadline(time.Now().Add(connectTimeout)); err != nil {
			return
		}
		_ = establish(w.ID(), &stream{Conn: socket}) // how a client ended is its own affair
	})
	_ = w.http.Serve(w.listener) // always an error that says that it was closed
}

// Close sends the clients away and ends Serve.
func (w *webSocketListener) Close(closeClients listeners.CloseFn) {
	closeClients(w.ID())
	_ = w.http.Close()
	<-w.done
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

func (s *stream) Write(b []byte) (int, error) {
	if err := s.WriteMessage(websocket.BinaryMessage, b); err != nil {
		return 0, err
	}
	return len(b), nil
}

func (s *stream) SetDeadline(t time.Time) error {
	return errors.Join(s.SetReadDeadline(t), s.SetWriteDeadline(t))
}
