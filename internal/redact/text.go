package redact

import (
	"cmp"
	"slices"
	"strings"
)

// Redactor masks texts: the secrets that were registered with it, and whatever looks like one:
//
//   - values named password, PIN, token, session, user name and the like, in queries, forms, JSON, headers and structs;
//   - "Bearer …", "Basic …", JSON web tokens, credentials in URLs;
//   - e-mail addresses, and VINs except for their last four characters;
//   - numbers named latitude, longitude, lat, lon, lng.
//
// Its zero value is ready, and all methods may be called at any time from any goroutine. The package's functions use
// one for the whole process, as a secret is one wherever it appears; tests make their own.
type Redactor struct {
	known known
}

var process Redactor

// Register makes secrets known for the process; see [Redactor.Register].
func Register(secrets ...string) { process.Register(secrets...) }

// Forget is the reverse of [Register].
func Forget(secrets ...string) { process.Forget(secrets...) }

// Text masks s; see [Redactor.Text].
func Text(s string) string { return process.Text(s) }

// Error masks the text of err; see [Redactor.Error].
func Error(err error) error { return process.Error(err) }

// Register makes secrets known: from now on they are masked wherever they appear, also escaped as in a query, a form
// or JSON. Secrets of fewer than 4 bytes are not looked for. A number of fewer than 8 digits, such as a PIN, is masked
// where it stands alone, and not within a longer number, word, date or time.
func (r *Redactor) Register(secrets ...string) {
	for _, secret := range secrets {
		r.known.add(secret)
	}
}

// Forget ends what one Register of the same secrets began: for tokens that were replaced, lest they pile up.
func (r *Redactor) Forget(secrets ...string) {
	for _, secret := range secrets {
		r.known.remove(secret)
	}
}

// Text returns s with [Mask] in the place of each secret. Without any, it returns s itself and allocates nothing.
func (r *Redactor) Text(s string) string {
	var buffer [16]span
	spans := scan(s, r.known.find(s, buffer[:0]))
	// What stands beside a mask may come to be a secret by it, when there is one that begins or ends with an asterisk.
	for round := 0; len(spans) > 0; round++ {
		if round == 8 {
			return Mask
		}
		s = mask(s, spans)
		spans = r.known.find(s, spans[:0])
	}
	return s
}

// mask returns s without spans. Where they touch or overlap, one mask stands for all.
func mask(s string, spans []span) string {
	slices.SortFunc(spans, func(a, b span) int { return cmp.Or(a.from-b.from, a.to-b.to) })
	var out strings.Builder
	out.Grow(len(s))
	seen := 0
	for i := 0; i < len(spans); {
		joined := spans[i]
		for i++; i < len(spans) && spans[i].from <= joined.to; i++ {
			if next := spans[i]; next != joined {
				joined = span{from: joined.from, to: max(joined.to, next.to)} // a tail could show a part of the other
			}
		}
		out.WriteString(s[seen:joined.from])
		out.WriteString(Mask)
		seen = joined.to - joined.tail
	}
	out.WriteString(s[seen:])
	return out.String()
}

// Error returns an error that reads like err with its secrets masked, and is err for errors.Is and errors.As. Without
// secrets, or when err is nil, it returns err itself. Whoever takes the result apart prints what is inside as it is.
func (r *Redactor) Error(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	masked := r.Text(text)
	if masked == text {
		return err
	}
	return &maskedError{text: masked, err: err}
}

type maskedError struct {
	text string
	err  error
}

func (e *maskedError) Error() string { return e.text }

func (e *maskedError) Unwrap() error { return e.err }
