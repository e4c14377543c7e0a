package mqtt_test

import (
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/broker"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/mqtt"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/mqtt/linktest"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/mqtt/mqtttest"
)

// forServer and forClient are what certificates of either side say.
func forServer() *x509.Certificate {
	return &x509.Certificate{
		DNSNames: []string{"broker.home"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
}

func forClient() *x509.Certificate {
	return &x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
}

// expired is the same, of yesterday.
func expired(template *x509.Certificate) *x509.Certificate {
	template.NotAfter = time.Now().Add(-24 * time.Hour)
	return template
}

// encrypted is Mosquitto with TLS.
func (a *authority) encrypted(server string, more ...string) *mqtttest.Mosquitto {
	a.t.Helper()
	return mqtttest.Start(a.t, append([]string{
		"cafile " + a.file("ca.crt"), "certfile " + a.file(server+".crt"), "keyfile " + a.file(server+".key"),
	}, more...)...)
}

func TestTLS_SaysExactlyWhatIsWrongAndWhatHelps(t *testing.T) {
	a, stranger := newAuthority(t), newAuthority(t)
	a.issue("server", forServer())
	a.issue("old-server", expired(forServer()))
	a.issue("client", forClient())
	a.issue("old-client", expired(forClient()))
	stranger.issue("client", forClient())
	open, late := a.encrypted("server"), a.encrypted("old-server")
	strict := a.encrypted("server", "require_certificate true")
	strict12 := a.encrypted("server", "require_certificate true", "tls_version tlsv1.2")
	plain := plainListener(t)
	web := startEmbedded(t, broker.Options{WebSocket: mqtttest.FreeAddr(t)}).opts.WebSocket
	ca := mqtt.TLS{CAFile: a.file("ca.crt")}
	with := func(from *authority, name string) mqtt.TLS {
		return mqtt.TLS{CAFile: a.file("ca.crt"), CertFile: from.file(name + ".crt"), KeyFile: from.file(name + ".key")}
	}

	for _, test := range []struct {
		name, url string
		tls       mqtt.TLS
		says      string // of the error, "" when it connects
		helps     string // of the hint
	}{
		{name: "own authority", url: "mqtts://" + open.Addr(), tls: ca},
		{name: "other name in the certificate", url: "mqtts://" + open.Addr(), tls: mqtt.TLS{CAFile: ca.CAFile, ServerName: "broker.home"}},
		{name: "unchecked", url: "mqtts://" + late.Addr(), tls: mqtt.TLS{InsecureSkipVerify: true}},
		{name: "client certificate", url: "mqtts://" + strict.Addr(), tls: with(a, "client")},
		{name: "WebSocket", url: "wss://" + a.terminate("server", web), tls: ca},

		{name: "unknown authority", url: "mqtts://" + open.Addr(), says: "unknown authority", helps: "as ca_file"},
		{name: "another authority", url: "mqtts://" + open.Addr(), tls: mqtt.TLS{CAFile: stranger.file("ca.crt")}, says: "unknown authority", helps: "authorities in ca_file did not sign"},
		{name: "unknown authority of a WebSocket", url: "wss://" + a.terminate("server", web), says: "unknown authority", helps: "as ca_file"},
		{name: "wrong host name", url: "mqtts://" + open.Addr(), tls: mqtt.TLS{CAFile: ca.CAFile, ServerName: "elsewhere"}, says: "wrong name", helps: "(broker.home, 127.0.0.1)"},
		{name: "expired", url: "mqtts://" + late.Addr(), tls: ca, says: "certificate out of date", helps: "set the clock"},
		{name: "client certificate missing", url: "mqtts://" + strict.Addr(), tls: ca, says: "client certificate wanted", helps: "cert_file"},
		{name: "client certificate missing in TLS 1.2", url: "mqtts://" + strict12.Addr(), tls: ca, says: "client certificate wanted", helps: "cert_file"},
		{name: "client certificate of a stranger", url: "mqtts://" + strict.Addr(), tls: with(stranger, "client"), says: "client certificate refused", helps: "authority that the broker trusts"},
		{name: "client certificate of a stranger in TLS 1.2", url: "mqtts://" + strict12.Addr(), tls: with(stranger, "client"), says: "client certificate refused", helps: "authority that the broker trusts"},
		{name: "client certificate expired", url: "mqtts://" + strict.Addr(), tls: with(a, "old-client"), says: "client certificate refused", helps: "has expired on " + time.Now().UTC().Add(-24*time.Hour).Format(time.DateOnly)},
		{name: "broker without TLS", url: "mqtts://" + plain, tls: ca, says: "no TLS on this port", helps: "8883"},
	} {
		t.Run(test.name, func(t *testing.T) {
			attempts := make(chan int, 10_000)
			var book logbook
			l := start(t, "", mqtt.Options{
				Servers: []string{test.url}, TLS: test.tls, Logger: book.logger(),
				Backoff: func(n int) time.Duration { attempts <- n; return quickly(n) },
			})
			if test.says == "" {
				next(t, l.ups, "the connection")
				warned := len(book.containing("not checked")) == 1
				if warned != test.tls.InsecureSkipVerify {
					t.Errorf("warned of an unchecked certificate: %v", warned)
				}
				l.publish(t, state("car/soc", "74"))
				l.flush(t)
				return
			}
			for range 4 {
				next(t, attempts, "an attempt")
			}
			failure, ok := errors.AsType[*mqtt.Error](l.Stats().LastError)
			if !ok || !errors.Is(failure, mqtt.ErrTLS) || failure.Reason != test.says || !strings.Contains(failure.Hint(), test.helps) {
				t.Fatalf("failed with %v, hint %q; want %q, hint %q", l.Stats().LastError, failure.Hint(), test.says, test.helps)
			}
			if said := book.containing("cannot connect"); len(said) != 1 || !strings.Contains(said[0], test.says) || !strings.Contains(said[0], "hint=") {
				t.Errorf("the log says %q", said)
			}
		})
	}
}

// Nothing on the wire tells it from a broker that still starts.
func TestTLS_BrokerThatWantsItMayHangUp(t *testing.T) {
	a := newAuthority(t)
	a.issue("server", forServer())
	attempts := make(chan int, 10_000)
	l := start(t, a.encrypted("server").Addr(), mqtt.Options{Backoff: func(n int) time.Duration { attempts <- n; return quickly(n) }})
	for range 4 {
		next(t, attempts, "an attempt")
	}
	failure, ok := errors.AsType[*mqtt.Error](l.Stats().LastError)
	if !ok || !errors.Is(failure, mqtt.ErrUnreachable) || !strings.Contains(failure.Hint(), "mqtts://") {
		t.Errorf("failed with %v", l.Stats().LastError)
	}
}

// plainListener answers everything with text, as a service without TLS does.
func plainListener(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				_, _ = conn.Write([]byte("220 hello, this is not what you are looking for"))
				_, _ = io.Copy(io.Discard, conn)
				_ = conn.Close()
			})
		}
	})
	t.Cleanup(func() { _ = l.Close(); all.Wait() })
	return l.Addr().String()
}

func TestTLS_NewFilesAreTakenAtTheNextConnection(t *testing.T) {
	a := newAuthority(t)
	a.issue("server", forServer())
	a.issue("client", expired(forClient()))
	strict := a.encrypted("server", "require_certificate true")
	link := linktest.New(t, strict.Addr())
	move := func(from, to string) {
		t.Helper()
		for _, ending := range []string{".crt", ".key"} {
			if err := os.Rename(a.file(from+ending), a.file(to+ending)); err != nil {
				t.Fatal(err)
			}
		}
	}
	attempts := make(chan int, 10_000)
	var book logbook
	l := start(t, "", mqtt.Options{
		Servers: []string{"mqtts://" + link.Addr()}, Logger: book.logger(),
		TLS:     mqtt.TLS{CAFile: a.file("ca.crt"), CertFile: a.file("client.crt"), KeyFile: a.file("client.key")},
		Backoff: func(n int) time.Duration { attempts <- n; return quickly(n) },
	})
	for range 3 {
		next(t, attempts, "an attempt")
	}
	a.issue("renewed", forClient())
	move("renewed", "client")
	next(t, l.ups, "the connection with the renewed certificate")

	// The file of the authority changes too, together with the broker's certificate.
	other := newAuthority(t)
	other.issue("server", forServer())
	open := other.encrypted("server")
	link.SetTarget(open.Addr())
	link.Cut()
	next(t, l.downs, "the loss")
	for len(book.containing("unknown authority")) == 0 {
		next(t, attempts, "an attempt with the old authority")
	}
	pem, err := os.ReadFile(other.file("ca.crt"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(a.file("ca.crt"), pem[:40], 0o600); err != nil { // being written
		t.Fatal(err)
	}
	for len(book.containing("certificate files")) == 0 {
		next(t, attempts, "an attempt with half a file")
	}
	if err := os.WriteFile(a.file("ca.crt"), pem, 0o600); err != nil {
		t.Fatal(err)
	}
	next(t, l.ups, "the connection with the new authority")
}
