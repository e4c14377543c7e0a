package redact

import (
	"strings"
	"unicode/utf8"
)

// The scanner finds what looks like a secret by its shape or by the name before it. It goes over a text once and looks
// closer only at the few bytes that such things have in common: "@", "=", ":", "eyJ", words of certain lengths, and the
// beginning of an escape, which is no part of the word after it.

// span is a part of a text that must not be seen, except for its last tail bytes.
type span struct {
	from, to int
	tail     int
}

// kind of a byte, as far as the scanner cares.
const (
	other = iota
	wordly
	special // "@", "=", ":", "%", "\"
)

var kinds = func() (table [256]uint8) {
	for c := range table {
		switch {
		case isAlphanumeric(byte(c)):
			table[c] = wordly
		case strings.IndexByte(`@=:%\`, byte(c)) >= 0:
			table[c] = special
		}
	}
	return table
}()

// Bounds on what is looked at around one byte, so that a text made to be slow is not.
const (
	longestLocalPart = 128 // of an address, more than the 64 of the standard
	longestDomain    = 255
	longestUserInfo  = 256 // of a URL
	longestGap       = 16  // of spaces between a name and its separator
)

// scan appends what it finds in s to spans, in no particular order.
func scan(s string, spans []span) []span {
	for i := 0; i < len(s); {
		found := len(spans)
		next := i + 1
		switch kinds[s[i]] {
		case wordly:
			for next < len(s) && kinds[s[next]] == wordly {
				next++
			}
			spans = scanWord(s, i, next, spans)
		case special:
			next = i + escape(s[i:])
			spans = scanSpecial(s, i, spans)
		}
		if len(spans) > found { // what is hidden already needs no second look
			next = max(next, spans[found].to)
		}
		i = next
	}
	return scanJWT(s, spans)
}

// escape returns the length of the escape that s, which is not empty, begins with; 1 if it begins with none.
func escape(s string) int {
	switch {
	case s[0] == '%' && len(s) >= 3 && isHex(s[1]) && isHex(s[2]): // %22
		return 3
	case s[0] == '\\' && len(s) >= 6 && s[1] == 'u': // \u0022
		return 6
	case s[0] == '\\' && len(s) >= 2 && isLetter(s[1]): // \n
		return 2
	}
	return 1
}

// scanWord looks at the word s[from:to].
func scanWord(s string, from, to int, spans []span) []span {
	switch word := s[from:to]; len(word) {
	case 17:
		if isVIN(word) {
			return append(spans, span{from, to, 4})
		}
	case len("basic"), len("bearer"):
		if !strings.EqualFold(word, "basic") && !strings.EqualFold(word, "bearer") {
			return spans
		}
		start := to
		for start < len(s) && (s[start] == ' ' || s[start] == '+') { // "+" is a space in a form
			start++
		}
		if strings.HasPrefix(s[start:], "%20") {
			start += len("%20")
		}
		end := start + valueEnd(s[start:], " \t\r\n\"'\\,;&<>[]{}()")
		if start > to && isOpaque(s[start:end]) {
			return append(spans, span{from: start, to: end})
		}
	}
	return spans
}

// scanSpecial looks around the special character s[i].
func scanSpecial(s string, i int, spans []span) []span {
	switch s[i] {
	case '@':
		return scanAddress(s, i, i+1, spans)
	case '=', ':':
		return scanPair(s, i, i+1, spans)
	}
	if i+3 > len(s) {
		return spans
	}
	switch s[i : i+3] {
	case "%40":
		return scanAddress(s, i, i+3, spans)
	case "%3D", "%3d", "%3A", "%3a":
		return scanPair(s, i, i+3, spans)
	}
	return spans
}

// scanAddress looks at an "@", s[at:after]: it may belong to an e-mail address, or end the credentials in a URL.
func scanAddress(s string, at, after int, spans []span) []span {
	start := at
	for start > 0 && at-start < longestUserInfo && strings.IndexByte(" \t\r\n\"'<>/?#", s[start-1]) < 0 {
		start--
	}
	if start >= 3 && start < at && s[start-3:start] == "://" {
		return append(spans, span{from: start, to: at})
	}
	start = at
	for start > 0 && at-start < longestLocalPart && (isAlphanumeric(s[start-1]) || s[start-1] >= utf8.RuneSelf || strings.IndexByte("._%+-", s[start-1]) >= 0) {
		start--
	}
	end := after
	for end < len(s) && end-after < longestDomain && (isAlphanumeric(s[end]) || s[end] >= utf8.RuneSelf || s[end] == '.' || s[end] == '-') {
		end++
	}
	domain := strings.TrimRight(s[after:end], ".-")
	dot := strings.LastIndexByte(domain, '.')
	if start == at || dot < 1 || len(domain)-dot-1 < 2 || isDigit(domain[dot+1]) {
		return spans // "@host", "module@v1.2.3"
	}
	return append(spans, span{from: start, to: after + len(domain)})
}

// scanPair looks at a separator, s[at:after], between a name and its value: a=b in a query or form, "a": "b" in JSON,
// also when that stands in a string itself, a: b in a header or in prose, a:b as fmt prints structs and maps.
func scanPair(s string, at, after int, spans []span) []span {
	name, quotedName := nameBefore(s[:at])
	m := meaningOf(name)
	if m == harmless {
		return spans
	}
	start := after
	for start < len(s) && (s[start] == ' ' || s[start] == '\t') {
		start++
	}
	if m == header {
		return scanHeader(s, start, spans)
	}
	for start < len(s) && s[start] == '[' {
		start++
	}
	if m == coordinate && !startsNumber(s[start:min(start+8, len(s))]) {
		return spans
	}
	start, end, quoted := valueAt(s, start)
	value := s[start:end]
	prose := s[at] == ':' && start > after && !quotedName && !quoted
	switch {
	case value == "" || strings.HasPrefix(value, Mask) || value == "null" || value == "true" || value == "false" || value == "<nil>":
		return spans
	case m == code && !isCode(value), m == secret && prose && !isOpaque(value):
		return spans
	case m == vin && prose && len(value) != 17:
		return spans
	case m == vin && len(value) > 8:
		return append(spans, span{start, end, 4})
	}
	return append(spans, span{from: start, to: end})
}

// scanHeader hides the rest of a header's line, or of the string or list that holds it. In prose ("authorization: the
// cloud says …") there is nothing to hide.
func scanHeader(s string, start int, spans []span) []span {
	for start < len(s) && strings.IndexByte(`["'\`, s[start]) >= 0 {
		start++
	}
	first := s[start : start+valueEnd(s[start:], " \r\n\"'\\]")]
	scheme := strings.EqualFold(first, "bearer") || strings.EqualFold(first, "basic")
	if !scheme && !strings.Contains(first, "=") && (len(first) < 16 || !isOpaque(first)) {
		return spans
	}
	return append(spans, span{from: start, to: start + valueEnd(s[start:], "\r\n\"'\\]")})
}

// nameBefore returns the name at the end of s, and whether it was quoted.
func nameBefore(s string) (name string, quoted bool) {
	for range longestGap {
		if s == "" || s[len(s)-1] != ' ' {
			break
		}
		s = s[:len(s)-1]
	}
	switch {
	case strings.HasSuffix(s, `"`), strings.HasSuffix(s, "'"):
		s, quoted = strings.TrimSuffix(s[:len(s)-1], `\`), true
	case strings.HasSuffix(s, "%22"):
		s, quoted = s[:len(s)-3], true
	}
	start := len(s)
	for start > 0 && len(s)-start <= longestName && (isAlphanumeric(s[start-1]) || s[start-1] == '_' || s[start-1] == '-') {
		start--
	}
	name = s[start:]
	if start > 0 { // what looked like letters may be an escape, as in %26code and \ncode
		if skip := escape(s[start-1:]) - 1; skip < len(name) {
			name = name[skip:]
		}
	}
	return name, quoted
}

// valueAt returns where the value at s[start:] stands, without its quotes.
func valueAt(s string, start int) (from, to int, quoted bool) {
	quote := start
	for quote < len(s) && s[quote] == '\\' {
		quote++
	}
	switch {
	case quote < len(s) && (s[quote] == '"' || s[quote] == '\''):
		from = quote + 1
		return from, from + quotedEnd(s[from:], s[start:from]), true
	case strings.HasPrefix(s[start:], "%22"):
		from = start + len("%22")
		return from, from + textEnd(s[from:], "%22"), true
	case start < len(s) && s[start] == '{':
		return start, start, false // what is in there has names of its own
	}
	end := start + valueEnd(s[start:], " \t\r\n&\"'<>,;)]}")
	for _, escaped := range []string{"%26", `\n`, `\r`} {
		end = start + textEnd(s[start:end], escaped)
	}
	return start, end, false
}

// quotedEnd returns where the string that quote opened ends: at the same quote, unless that is escaped within. A string
// that nobody closed ends with the text.
func quotedEnd(s, quote string) int {
	if len(quote) > 1 { // \"…\": JSON within a string
		return textEnd(s, quote)
	}
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case quote[0]:
			return i
		}
	}
	return len(s)
}

func textEnd(s, end string) int {
	if i := strings.Index(s, end); i >= 0 {
		return i
	}
	return len(s)
}

func valueEnd(s, ends string) int {
	if i := strings.IndexAny(s, ends); i >= 0 {
		return i
	}
	return len(s)
}

// startsNumber reports whether value begins with a number, or with a string that holds one.
func startsNumber(value string) bool {
	value = strings.TrimLeft(value, `\"'+-.`)
	return value != "" && isDigit(value[0])
}

// scanJWT finds JSON web tokens wherever they stand: base64 of `{"`, then parts joined by dots.
func scanJWT(s string, spans []span) []span {
	const shortestHeader = 16 // {"alg":"x"} has 11 bytes
	for from := 0; from+shortestHeader <= len(s); {
		i := strings.Index(s[from:], "eyJ")
		if i < 0 {
			return spans
		}
		start := from + i
		end, firstDot := start, -1
		for end < len(s) && (isAlphanumeric(s[end]) || strings.IndexByte("_-.=", s[end]) >= 0) {
			if s[end] == '.' && firstDot < 0 {
				firstDot = end
			}
			end++
		}
		if firstDot-start >= shortestHeader || end-start >= 64 {
			spans = append(spans, span{from: start, to: end})
		}
		from = end
	}
	return spans
}
