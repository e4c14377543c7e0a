package mqtt_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/broker"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/mqtt"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/mqtt/mqtttest"
)

// authority is a certificate authority of the test, with files as users have them.
type authority struct {
	t    *testing.T
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t, dir: t.TempDir()}
	a.cert, a.key = a.issue("ca", &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	return a
}

// issue makes a certificate with the files name.crt and name.key; the first one signs itself.
func (a *authority) issue(name string, template *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	template.Subject = pkix.Name{CommonName: name}
	template.NotBefore = time.Now().Add(-48 * time.Hour)
	if template.NotAfter.IsZero() {
		template.NotAfter = time.Now().Add(time.Hour)
	}
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		a.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	for ending, block := range map[string]*pem.Block{
		".crt": {Type: "CERTIFICATE", Bytes: der}, ".key": {Type: "PRIVATE KEY", Bytes: private},
	} {
		if err := os.WriteFile(a.file(name+ending), pem.EncodeToMemory(block), 0o600); err != nil {
			a.t.Fatal(err)
		}
	}
	return cert, key
}

func (a *authority) file(name string) string { return filepath.Join(a.dir, name) }

func TestClient_WebSocket(t *testing.T) {
	addr := mqtttest.FreeAddr(t)
	startEmbedded(t, broker.Options{WebSocket: addr})
	a := newAuthority(t)
	a.issue("server", &x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}})
	secure := mqtt.TLS{CAFile: a.file("ca.crt")}
	for _, test := range []struct {
		name, url string
		tls       mqtt.TLS
		version   mqtt.Version
	}{
		{name: "plain", url: "ws://" + addr + "/mqtt"},
		{name: "plain in 3.1.1", url: "ws://" + addr + "/mqtt", version: mqtt.Version311},
		{name: "TLS", url: "wss://" + a.terminate("server", addr), tls: secure},
		{name: "TLS in 3.1.1", url: "wss://" + a.terminate("server", addr), tls: secure, version: mqtt.Version311},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := startUp(t, "", mqtt.Options{Servers: []string{test.url}, TLS: test.tls, Version: test.version, Subscriptions: []string{"ws/#"}})
			big := strings.Repeat("x", 100_000) // more than one read
			l.publish(t, event("ws/a", big))
			m := next(t, l.messages, "what was published")
			m.Ack()
			if string(m.Payload) != big {
				t.Errorf("%d bytes arrived", len(m.Payload))
			}
		})
	}
}

// terminate takes TLS connections and forwards what they carry to target.
func (a *authority) terminate(name, target string) (addr string) {
	a.t.Helper()
	pair, err := tls.LoadX509KeyPair(a.file(name+".crt"), a.file(name+".key"))
	if err != nil {
		a.t.Fatal(err)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair}})
	if err != nil {
		a.t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", target)
			if err != nil {
				_ = client.Close()
				return
			}
			forward := func(to, from net.Conn) {
				_, _ = io.Copy(to, from)
				_, _ = to.Close(), from.Close()
			}
			all.Go(func() { forward(server, client) })
			all.Go(func() { forward(client, server) })
		}
	})
	a.t.Cleanup(func() { _ = l.Close(); all.Wait() })
	return l.Addr().String()
}

func TestClient_SecondServerIsUsedWhenTheFirstIsGone(t *testing.T) {
	b := startEmbedded(t, brokerDefaults)
	gone := mqtttest.FreeAddr(t)
	l := start(t, "", mqtt.Options{Servers: []string{"mqtt://" + gone, "mqtt://" + b.Addr()}})
	if info := next(t, l.ups, "the connection"); info.Server != "mqtt://"+b.Addr() {
		t.Errorf("connected to %s", info.Server)
	}
}
