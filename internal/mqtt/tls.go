package mqtt

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"
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

// handshake is what was seen of a TLS handshake beside its error.
type handshake struct {
	asked   bool      // the server wanted a client certificate
	sent    bool      // and got ours
	private bool      // only the authorities of a file were trusted
	expired time.Time // our certificate's end, when that has passed
}

var errTLSFiles = errors.New("TLS files")

// config reads the files and notes in seen what the handshake comes to.
func (t TLS) config(seen *handshake) (*tls.Config, error) {
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
		seen.private = true
	}
	var certificate tls.Certificate // empty: none is sent
	if t.CertFile != "" || t.KeyFile != "" {
		var err error
		if certificate, err = tls.LoadX509KeyPair(t.CertFile, t.KeyFile); err != nil {
			return nil, fmt.Errorf("%w: load client certificate: %w", errTLSFiles, err)
		}
		if end := certificate.Leaf.NotAfter; time.Now().After(end) {
			seen.expired = end
		}
	}
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		seen.asked, seen.sent = true, certificate.Certificate != nil
		return &certificate, nil
	}
	return config, nil
}

// Why TLS failed, in the words of logs. They tell one failure from another, so that each is said once.
const (
	unknownAuthority   = "unknown authority"
	outOfDate          = "certificate out of date"
	wrongName          = "wrong name"
	certificateWanted  = "client certificate wanted"
	certificateRefused = "client certificate refused"
	notTLS             = "no TLS on this port"
	noCommonTerms      = "no common version or cipher"
	badFiles           = "certificate files"
	otherTLS           = "handshake"
)

// Alerts that a broker sends [RFC 8446, 6.2]; others mean that both sides have nothing in common.
const (
	alertHandshakeFailure    = tls.AlertError(40)
	alertProtocolVersion     = tls.AlertError(70)
	alertInsufficient        = tls.AlertError(71)
	alertUnrecognizedName    = tls.AlertError(112)
	alertCertificateRequired = tls.AlertError(116)
)

// aboutCertificate are the alerts with which a broker refuses a client certificate: bad, unsupported, revoked, expired,
// unknown, of an unknown authority, access denied.
var aboutCertificate = []tls.AlertError{42, 43, 44, 45, 46, 48, 49}

// tlsFailure tells why TLS failed and what a person can do about it; reason is empty when err does not come from TLS.
func tlsFailure(err error, seen handshake) (reason, hint string) {
	var (
		invalid x509.CertificateInvalidError
		name    x509.HostnameError
		header  tls.RecordHeaderError
	)
	switch {
	case errors.As(err, new(x509.UnknownAuthorityError)):
		if seen.private {
			return unknownAuthority, "the authorities in ca_file did not sign the broker's certificate: put the one that did there"
		}
		return unknownAuthority, "give the certificate of the authority that signed the broker's as ca_file"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return outOfDate, "renew the broker's certificate, or set the clock of this machine"
	case errors.As(err, &name):
		return wrongName, "connect by a name that is in the broker's certificate (" + names(name.Certificate) + "), or give one of them as server_name"
	case errors.As(err, &header):
		return notTLS, "the broker speaks no TLS on this port (8883 is usual for TLS, 1883 without)"
	case errors.Is(err, errTLSFiles):
		return badFiles, "check ca_file, cert_file and key_file; they are read again at each attempt"
	case isAlert(err, alertCertificateRequired):
		return wanted(seen)
	case isAlert(err, aboutCertificate...):
		return refused(seen)
	case isAlert(err, alertUnrecognizedName):
		return wrongName, "the broker knows no such name: give one that it knows as server_name"
	case isAlert(err, alertHandshakeFailure, alertProtocolVersion, alertInsufficient):
		if seen.asked {
			return wanted(seen)
		}
		return noCommonTerms, "the broker offers nothing that is safe enough: it must speak TLS 1.2 or newer"
	case isAlert(err), errors.As(err, new(*tls.CertificateVerificationError)):
		return otherTLS, "check the broker's certificate and its settings for TLS"
	}
	return "", ""
}

// wanted is what is wrong when the broker wants a client certificate and ends the connection.
func wanted(seen handshake) (reason, hint string) {
	if !seen.sent {
		return certificateWanted, "the broker wants a client certificate: give one as cert_file and key_file"
	}
	return refused(seen)
}

func refused(seen handshake) (reason, hint string) {
	if !seen.expired.IsZero() {
		return certificateRefused, "the client certificate in cert_file has expired on " + seen.expired.UTC().Format(time.DateOnly) + ": renew it"
	}
	return certificateRefused, "the broker does not accept the client certificate in cert_file: have it signed by the authority that the broker trusts"
}

// isAlert reports whether err is an alert that the other side sent, and one of these if there are any. The alerts of
// connections have a type of the library's own; they share their texts with those that it lets others see.
func isAlert(err error, these ...tls.AlertError) bool {
	op, ok := errors.AsType[*net.OpError](err)
	if !ok || op.Op != "remote error" {
		return false
	}
	for _, alert := range these {
		if op.Err.Error() == alert.Error() {
			return true
		}
	}
	return len(these) == 0
}

// names are the names in a certificate.
func names(certificate *x509.Certificate) string {
	all := certificate.DNSNames
	for _, ip := range certificate.IPAddresses {
		all = append(all[:len(all):len(all)], ip.String())
	}
	if len(all) == 0 {
		return "it has none"
	}
	const enough = 5
	if len(all) > enough {
		all = append(all[:enough:enough], "…")
	}
	return strings.Join(all, ", ")
}
