// Package redact keeps secrets out of everything that is printed.
//
// Two nets, one behind the other. [Secret] is the type of a password, PIN or token in a configuration or session: it
// prints as *** whatever prints it, and only Reveal gives it out. [Handler] wraps a slog.Handler and masks what got past
// that: secrets that were registered, and everything that looks like one (tokens, e-mail addresses, VINs,
// coordinates). [Text] and [Error] do the same for dumps and error texts. Start with secret.go and text.go.
//
// It is a leaf: anyone may import it, it imports nothing of ours.
package redact

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log/slog"
)

// Mask stands where a secret was.
const Mask = "***"

// Secret is a text that must not be seen. The zero Secret is empty and prints as "", so that a missing password can be
// told from a hidden one.
//
// The text lies behind a pointer, since fmt prints unexported fields of a surrounding struct by reflection, without
// asking their methods: an address then shows instead of the secret. Two Secrets cannot be compared with ==; see Equal.
type Secret struct {
	_    [0]func()
	text *string
}

// NewSecret hides text.
func NewSecret(text string) Secret {
	if text == "" {
		return Secret{}
	}
	return Secret{text: &text}
}

// Reveal returns the text itself. Call it where the secret leaves for the cloud or the broker, and nowhere else.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// IsZero reports whether the secret is empty. Encoders ask it for omitempty and omitzero.
func (s Secret) IsZero() bool { return s.text == nil }

// Equal compares in constant time.
func (s Secret) Equal(other Secret) bool {
	return subtle.ConstantTimeCompare([]byte(s.Reveal()), []byte(other.Reveal())) == 1
}

// String returns the mask, or "" for the zero Secret.
func (s Secret) String() string {
	if s.IsZero() {
		return ""
	}
	return Mask
}

// Format prints the mask for every verb and flag of fmt.
func (s Secret) Format(f fmt.State, verb rune) {
	if verb == 'q' || f.Flag('#') {
		_, _ = fmt.Fprintf(f, "%q", s.String())
		return
	}
	_, _ = io.WriteString(f, s.String())
}

// LogValue shows the mask to slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText gives the mask to encoders of JSON, YAML and XML.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText takes the secret from a configuration file, an environment variable or a flag. It refuses the mask
// itself: a configuration that was printed by us and then saved holds no password any more.
func (s *Secret) UnmarshalText(text []byte) error {
	if string(text) == Mask {
		return errors.New(`"` + Mask + `" is the mask of a secret, not a secret: enter the secret itself`)
	}
	*s = NewSecret(string(text))
	return nil
}
