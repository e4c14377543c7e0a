package mqtt

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/gorilla/websocket"
)

// server is one broker address: url without user information, and what the schemes mean.
type server struct {
	url       *url.URL
	tls       bool
	webSocket bool
}

// parseServer reads a broker URL. Without a scheme it is plain MQTT, without a port the scheme's usual.
func parseServer(text string) (s server, user *url.Userinfo, err error) {
	if !strings.Contains(text, "://") {
		text = "mqtt://" + text
	}
	u, err := url.Parse(text)
	if err != nil {
		// The library's error repeats the URL, which may hold a password.
		return server{}, nil, errors.New("broker URL cannot be read: want mqtt://host:port")
	}
	user, u.User = u.User, nil
	s.url = u
	port := "1883"
	switch u.Scheme = strings.ToLower(u.Scheme); u.Scheme {
	case "mqtt", "tcp":
	case "mqtts", "ssl", "tls":
		s.tls, port = true, "8883"
	case "ws":
		s.webSocket, port = true, "80"
	case "wss":
		s.webSocket, s.tls, port = true, true, "443"
	default:
		return server{}, nil, fmt.Errorf("broker URL %s: unknown scheme, want mqtt, mqtts, ws or wss", u)
	}
	if u.Hostname() == "" {
		return server{}, nil, fmt.Errorf("broker URL %s: no host", u)
	}
	if u.Port() == "" {
		u.Host = net.JoinHostPort(u.Hostname(), port)
	}
	return s, user, nil
}

// dialer opens connections to brokers, whatever the scheme.
type dialer struct {
	network func(ctx context.Context, network, address string) (net.Conn, error)
	tls     TLS
}

// dial connects to s. Every part of it ends with ctx. What is seen of a TLS handshake is noted in seen.
func (d dialer) dial(ctx context.Context, s server, seen *handshake) (net.Conn, error) {
	var config *tls.Config
	if s.tls {
		var err error
		if config, err = d.tls.config(seen); err != nil {
			return nil, err
		}
		if config.ServerName == "" {
			config.ServerName = s.url.Hostname()
		}
	}
	if s.webSocket {
		ws := websocket.Dialer{NetDialContext: d.network, TLSClientConfig: config, Subprotocols: []string{"mqtt"}}
		socket, response, err := ws.DialContext(ctx, s.url.String(), nil)
		if err != nil {
			if response != nil {
				return nil, fmt.Errorf("open WebSocket (HTTP status %d): %w", response.StatusCode, err)
			}
			return nil, fmt.Errorf("open WebSocket: %w", err)
		}
		return &wsConn{Conn: socket}, nil
	}
	network, err := d.network(ctx, "tcp", s.url.Host)
	if err != nil || !s.tls {
		return network, err
	}
	secure := tls.Client(network, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = network.Close() // the handshake's error is what counts
		return nil, err
	}
	return secure, nil
}
