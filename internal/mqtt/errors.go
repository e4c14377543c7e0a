package mqtt

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/eclipse/paho.golang/autopaho"
	"github.com/eclipse/paho.golang/packets"
)

// What can be wrong with the connection. An [Error] wraps exactly one of these, so that callers choose
// by errors.Is.
var (
	ErrCredentials   = errors.New("user name or password refused")
	ErrNotAuthorized = errors.New("not authorised")
	ErrClientID      = errors.New("client id refused")
	ErrTLS           = errors.New("TLS failed")
	ErrTakenOver     = errors.New("another client connected with the same client id")
	ErrProtocol      = errors.New("broker does not speak this version of MQTT")
	ErrBusy          = errors.New("broker is busy or over its limits")
	ErrSilent        = errors.New("broker stopped answering")
	ErrUnreachable   = errors.New("broker not reachable")
	ErrLost          = errors.New("connection lost")
	ErrShutdown      = errors.New("broker is shutting down")
	ErrRefused       = errors.New("broker refused")
)

// What Publish and its kin return.
var (
	ErrInvalid  = errors.New("invalid publication")
	ErrTooLarge = errors.New("publication is larger than the broker accepts")
	ErrClosed   = errors.New("MQTT client has ended")
)

// Error is a failed or lost connection.
type Error struct {
	Op     string // "connect to", "connection to"
	Server string // URL without user information
	Kind   error  // one of the sentinels above
	Code   byte   // MQTT reason code, 0 when the broker gave none
	Text   string // the broker's own words, may be empty
	Reason string // of ErrTLS: which part of it failed
	Err    error  // what the network or the library said, may be nil

	advice string // what a person can do, where it depends on more than the kind
}

func (e *Error) Error() string {
	text := fmt.Sprintf("%s %s: %v", e.Op, e.Server, e.Kind)
	if e.Reason != "" {
		text += ", " + e.Reason
	}
	if e.Code != 0 {
		text += fmt.Sprintf(" (reason 0x%02X)", e.Code)
	}
	if e.Text != "" {
		text += fmt.Sprintf(", broker says %q", e.Text)
	}
	if e.Err != nil && e.Code == 0 {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap gives errors.Is both the kind and the cause.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Err}
}

// hints tell a person what to look at; kinds that heal by themselves have none.
var hints = map[error]string{
	ErrCredentials:   "check the broker's user name and password",
	ErrNotAuthorized: "check the broker's user name and password (Mosquitto answers so to a wrong one) and its access rules",
	ErrClientID:      "the broker does not accept this client id: choose another, or leave it out",
	ErrTakenOver:     "another program uses this client id: stop it, or give each its own client id",
	ErrProtocol:      "let the version be found out: mqtt.version auto",
	ErrUnreachable:   "check the broker's address and that it is running",
}

// Hint says what a person can do about e; empty when only waiting helps.
func (e *Error) Hint() string { return cmp.Or(e.advice, hints[e.Kind]) }

// clues are what was seen of a failed attempt beside its error.
type clues struct {
	answer    []byte // the first two bytes that came, if any did
	encrypted bool
	tls       handshake
}

// answeredOld reports whether CONNECT was answered by a CONNACK of MQTT 3.1.1: two bytes after the
// length, where version 5 has at least three.
func (c clues) answeredOld() bool {
	const connack = 0x20
	return len(c.answer) == 2 && c.answer[0] == connack && c.answer[1] == 2
}

// connectError classifies why an attempt to connect failed.
func connectError(server string, err error, seen clues) *Error {
	result := &Error{Op: "connect to", Server: server, Err: err}
	if refusal, ok := errors.AsType[*autopaho.ConnackError](err); ok {
		result.Code, result.Text = refusal.ReasonCode, refusal.Reason
		result.Kind = connackKind(refusal.ReasonCode)
		return result
	}
	if result.Reason, result.advice = tlsFailure(err, seen.tls); result.Reason != "" {
		result.Kind = ErrTLS
		return result
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		result.Kind = ErrUnreachable
		result.Err = fmt.Errorf("no answer in time: %w", err)
	case seen.answeredOld():
		result.Kind, result.Err = ErrProtocol, nil
	case seen.tls.asked:
		// With TLS 1.3 the broker judges our certificate after our side of the handshake, and its alert is
		// lost when it meets what we have begun to send.
		result.Kind = ErrTLS
		result.Reason, result.advice = wanted(seen.tls)
	case hungUp(err) && len(seen.answer) == 0:
		result.Kind = ErrUnreachable
		result.Err = fmt.Errorf("closed instead of answering CONNECT: %w", err)
		if !seen.encrypted {
			result.advice = "the broker may still be starting, or want TLS on this port: mqtts:// or tls.enabled"
		}
	default:
		result.Kind = ErrUnreachable
	}
	return result
}

// isConnack reports whether err is the broker's refusal in CONNACK.
func isConnack(err error) bool {
	_, ok := errors.AsType[*autopaho.ConnackError](err)
	return ok
}

func connackKind(code byte) error {
	switch code {
	case packets.ConnackBadUsernameOrPassword, packets.ConnackBadAuthenticationMethod:
		return ErrCredentials
	case packets.ConnackNotAuthorized, packets.ConnackBanned:
		return ErrNotAuthorized
	case packets.ConnackInvalidClientID:
		return ErrClientID
	case packets.ConnackUnsupportedProtocolVersion:
		return ErrProtocol
	case packets.ConnackServerUnavailable, packets.ConnackServerBusy,
		packets.ConnackQuotaExceeded, packets.ConnackConnectionRateExceeded:
		return ErrBusy
	}
	return ErrRefused
}

// disconnectError classifies a DISCONNECT from the broker.
func disconnectError(server string, packet *packets.Disconnect) *Error {
	result := &Error{Op: "connection to", Server: server, Code: packet.ReasonCode, Kind: ErrLost}
	if packet.Properties != nil {
		result.Text = packet.Properties.ReasonString
	}
	switch packet.ReasonCode {
	case packets.DisconnectSessionTakenOver:
		result.Kind = ErrTakenOver
	case packets.DisconnectNotAuthorized, packets.DisconnectAdministrativeAction:
		result.Kind = ErrNotAuthorized
	case packets.DisconnectServerBusy, packets.DisconnectQuotaExceeded,
		packets.DisconnectMessageRateTooHigh, packets.DisconnectConnectionRateExceeded:
		result.Kind = ErrBusy
	case packets.DisconnectServerShuttingDown:
		result.Kind = ErrShutdown
	case packets.DisconnectKeepAliveTimeout:
		result.Kind = ErrSilent
	}
	return result
}
