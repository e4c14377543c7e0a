package mqtt

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"

	"github.com/gorilla/websocket"
)

// TLS says how mqtts:// and wss:// servers are checked. The zero value trusts the system's roots and
// wants the host name of the URL in the certificate. Files are read again for each connection, so that
// renewed certificates need no restart.
type TLS struct {
	CAFile     string // PEM; when set, only these authorities are trusted
	CertFile   string // PEM client certificate, together with KeyFile
	KeyFile    string
	ServerName string // name in the certificate when it is not the URL's

	// InsecureSkipVerify accepts every certificate. The connection is then open to anybody in between;
	// a warning says so at each start.
	InsecureSkipVerify bool
}

var errTLSFiles = errors.New("TLS files")

// config reads the files. Asked is called when the server wants a client certificate.
func (t TLS) config(asked func()) (*tls.Config, error) {
	config := &tls.Config{
		MinVersion:         tls.VersionTLS12,
		ServerName:         t.ServerName,
		InsecureSkipVerify: t.InsecureSkipVerify, //nolint:gosec // asked for explicitly, warned about at start
	}
	if t.CAFile != "" {
		pem, err := os.ReadFile(t.CAFile)
		if err != nil {
			return nil, fmt.Errorf("%w: read CA file: %w", errTLSFiles, err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%w: CA file %s holds no PEM certificate", errTLSFiles, t.CAFile)
		}
	}
	var certificate tls.Certificate // empty: none is sent
	if t.CertFile != "" || t.KeyFile != "" {
		var err error
		if certificate, err = tls.LoadX509KeyPair(t.CertFile, t.KeyFile); err != nil {
			return nil, fmt.Errorf("%w: load client certificate: %w", errTLSFiles, err)
		}
	}
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		asked()
		return &certificate, nil
	}
	return config, nil
}

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

// dial connects to s. Every part of it ends with ctx. Asked is called when s wants a client certificate.
func (d dialer) dial(ctx context.Context, s server, asked func()) (net.Conn, error) {
	var config *tls.Config
	if s.tls {
		var err error
		if config, err = d.tls.config(asked); err != nil {
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
