package topic

import (
	"math"
	"strconv"
	"time"
	"unicode/utf8"
)

// The two forms of a time. The envelope's timestamp has microseconds, six digits always, as in the service that this one
// replaces; all other times have seconds.
const (
	microseconds = "2006-01-02T15:04:05.000000Z"
	seconds      = "2006-01-02T15:04:05Z"
)

// appendHead and appendTail put the envelope around a value that is appended between them. A report time of zero and an
// empty unit are left out.
func appendHead(dst []byte) []byte { return append(dst, `{"value":`...) }

func appendTail(dst []byte, fetched, reported time.Time, unit string) []byte {
	dst = append(dst, `,"timestamp":`...)
	dst = appendTime(dst, fetched, microseconds)
	if !reported.IsZero() {
		dst = append(dst, `,"reported_at":`...)
		dst = appendTime(dst, reported, seconds)
	}
	if unit != "" {
		dst = append(dst, `,"unit":`...)
		dst = appendText(dst, unit)
	}
	return append(dst, '}')
}

func appendTime(dst []byte, t time.Time, layout string) []byte {
	dst = append(dst, '"')
	dst = t.UTC().AppendFormat(dst, layout)
	return append(dst, '"')
}

func appendNull(dst []byte) []byte { return append(dst, "null"...) }

func isNull(value []byte) bool { return string(value) == "null" }

var powers = [...]int64{1, 10, 100, 1_000, 10_000, 100_000, 1_000_000}

// appendNumber rounds to at most so many decimals, 0 to 6, and writes no more than needed: 74, not 74.0.
func appendNumber(dst []byte, value float64, decimals int) []byte {
	if math.IsNaN(value) || math.IsInf(value, 0) {
		return appendNull(dst) // JSON has no such number
	}
	power := powers[decimals]
	scaled := math.Round(value * float64(power))
	if math.Abs(scaled) >= 1<<53 {
		return strconv.AppendFloat(dst, value, 'g', -1, 64) // no decimals left to round
	}
	n := int64(scaled)
	if n < 0 {
		dst, n = append(dst, '-'), -n
	}
	dst = strconv.AppendInt(dst, n/power, 10)
	rest := n % power
	if rest == 0 {
		return dst
	}
	dst = append(dst, '.')
	for rest > 0 {
		power /= 10
		dst = append(dst, '0'+byte(rest/power))
		rest %= power
	}
	return dst
}

const hex = "0123456789abcdef"

// appendText writes a JSON string. Bytes that are not UTF-8 become the replacement character.
func appendText(dst []byte, text string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(text); {
		c := text[i]
		if c < utf8.RuneSelf {
			if c >= ' ' && c != '"' && c != '\\' && c != 0x7f {
				i++
				continue
			}
			dst = append(dst, text[start:i]...)
			if c == '"' || c == '\\' {
				dst = append(dst, '\\', c)
			} else {
				dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
			}
			i++
			start = i
			continue
		}
		r, size := utf8.DecodeRuneInString(text[i:])
		if r == utf8.RuneError && size == 1 {
			dst = append(dst, text[start:i]...)
			dst = append(dst, "\uFFFD"...)
			start = i + size
		}
		i += size
	}
	dst = append(dst, text[start:]...)
	return append(dst, '"')
}

// list writes a JSON array.
func appendList[T any](dst []byte, all []T, one func([]byte, T) []byte) []byte {
	dst = append(dst, '[')
	for i, item := range all {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = one(dst, item)
	}
	return append(dst, ']')
}

// object writes the members of a JSON object one after the other.
type object struct {
	dst   []byte
	first bool
}

func appendObject(dst []byte) object { return object{append(dst, '{'), true} }

func (o *object) key(name string) {
	if !o.first {
		o.dst = append(o.dst, ',')
	}
	o.first = false
	o.dst = append(append(append(o.dst, '"'), name...), '"', ':')
}

func (o *object) text(name, value string) { o.key(name); o.dst = appendText(o.dst, value) }

func (o *object) number(name string, value float64, decimals int) {
	o.key(name)
	o.dst = appendNumber(o.dst, value, decimals)
}

func (o *object) end() []byte { return append(o.dst, '}') }
