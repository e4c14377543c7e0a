package ccapi

import (
	"encoding/json"
	"strconv"
	"strings"
)

// value is one value of a JSON document: a view into the text, of which nothing is copied and nothing converted before it
// is asked for. Clouds send leaves of any type in any place, so no step of the way down can fail: what is not there is the
// zero value, and a damaged leaf spoils no other.
type value struct {
	doc *document
	at  int32
}

// document lists the values of a JSON text in their order, each with the place of the next one on its level.
type document struct {
	text  string
	nodes []node
}

type node struct {
	key        span // of an object's member, without quotes
	text       span
	next       int32 // the next sibling; 0 for the last
	hasChild   bool  // the first child is the next node of the list
	keyEscaped bool
}

type span struct{ from, to int32 }

// parse checks that a text is JSON and lists its values.
func parse(body []byte) (root value, ok bool) {
	// The grammar is the standard library's business; what follows only finds the parts of a text that keeps it.
	if len(body) > 1<<30 || !json.Valid(body) {
		return value{}, false
	}
	doc := &document{text: string(body), nodes: make([]node, 1, 8+len(body)/10)} // the first node is no value
	s := scanner{doc: doc}
	s.value(span{}, false)
	return value{doc, 1}, true
}

// scanner walks through a valid JSON text once.
type scanner struct {
	doc *document
	pos int32
}

// value lists the value that begins here, with all that is in it, and returns its place in the list.
func (s *scanner) value(key span, escaped bool) int32 {
	s.space()
	at := int32(len(s.doc.nodes))
	s.doc.nodes = append(s.doc.nodes, node{key: key, keyEscaped: escaped})
	start := s.pos
	switch s.doc.text[s.pos] {
	case '{', '[':
		s.doc.nodes[at].hasChild = s.members(s.doc.text[s.pos] == '{')
	case '"':
		s.quoted()
	default:
		s.bare()
	}
	s.doc.nodes[at].text = span{start, s.pos}
	return at
}

// bare steps over a number, true, false or null.
func (s *scanner) bare() {
	for s.pos < int32(len(s.doc.text)) {
		switch s.doc.text[s.pos] {
		case ',', '}', ']', ' ', '\t', '\r', '\n':
			return
		}
		s.pos++
	}
}

// members lists what an object or array holds and tells whether that is anything.
func (s *scanner) members(object bool) (found bool) {
	s.pos++
	last := int32(0)
	for {
		s.space()
		switch s.doc.text[s.pos] {
		case '}', ']':
			s.pos++
			return last != 0
		case ',':
			s.pos++
			continue
		}
		var key span
		var escaped bool
		if object {
			key, escaped = s.quoted()
			s.space()
			s.pos++ // the colon
		}
		at := s.value(key, escaped)
		if last != 0 {
			s.doc.nodes[last].next = at
		}
		last = at
	}
}

// quoted steps over a text and returns its inside.
func (s *scanner) quoted() (inside span, escaped bool) {
	s.pos++
	start := s.pos
	for s.doc.text[s.pos] != '"' {
		if s.doc.text[s.pos] == '\\' {
			escaped = true
			s.pos++
		}
		s.pos++
	}
	s.pos++
	return span{start, s.pos - 1}, escaped
}

func (s *scanner) space() {
	for s.pos < int32(len(s.doc.text)) {
		switch s.doc.text[s.pos] {
		case ' ', '\t', '\r', '\n':
			s.pos++
		default:
			return
		}
	}
}

// get goes down a path such as "Cabin.Door.Row1"; a number steps into an array.
func (v value) get(path string) value {
	for path != "" && v.doc != nil {
		var step string
		step, path, _ = strings.Cut(path, ".")
		v = v.step(step)
	}
	return v
}

func (v value) step(name string) value {
	if v.kind() == '[' {
		nth, err := strconv.Atoi(name)
		if err != nil {
			return value{}
		}
		for child := v.first(); child.doc != nil; child = child.next() {
			if nth == 0 {
				return child
			}
			nth--
		}
		return value{}
	}
	for child := v.first(); child.doc != nil; child = child.next() {
		if child.key() == name {
			return child
		}
	}
	return value{}
}

// first is the first member or element of an object or array.
func (v value) first() value {
	if v.doc == nil || !v.doc.nodes[v.at].hasChild {
		return value{}
	}
	return value{v.doc, v.at + 1}
}

// next is the member or element that follows on the same level.
func (v value) next() value {
	if v.doc == nil || v.doc.nodes[v.at].next == 0 {
		return value{}
	}
	return value{v.doc, v.doc.nodes[v.at].next}
}

// key is the name under which an object holds this value.
func (v value) key() string {
	n := &v.doc.nodes[v.at]
	if n.keyEscaped {
		return unquote(v.doc.text[n.key.from-1 : n.key.to+1])
	}
	return v.doc.text[n.key.from:n.key.to]
}

// text is the value as it is written.
func (v value) text() string {
	if v.doc == nil {
		return ""
	}
	n := &v.doc.nodes[v.at]
	return v.doc.text[n.text.from:n.text.to]
}

// kind is the first character of the value: { [ " t f n, a digit or a minus; 0 when there is none.
func (v value) kind() byte {
	if v.doc == nil {
		return 0
	}
	return v.doc.text[v.doc.nodes[v.at].text.from]
}

// missing tells that there is nothing, or null, which clouds use alike.
func (v value) missing() bool { return v.doc == nil || v.kind() == 'n' }

// object tells whether the value is an object with anything in it.
func (v value) object() bool { return v.kind() == '{' && v.doc.nodes[v.at].hasChild }

// str is the content of a text, or the digits of a number; empty for all else.
func (v value) str() string {
	switch v.kind() {
	case '"':
		text := v.text()
		if strings.IndexByte(text, '\\') >= 0 {
			return unquote(text)
		}
		return text[1 : len(text)-1]
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		return v.text()
	}
	return ""
}

func unquote(quoted string) string {
	var plain string
	if json.Unmarshal([]byte(quoted), &plain) != nil {
		return ""
	}
	return plain
}

// rawLimit bounds what an observation keeps of the text that it was read from.
const rawLimit = 64

// raw is the beginning of the value as it is written.
func (v value) raw() string {
	text := v.text()
	if len(text) > rawLimit {
		return strings.ToValidUTF8(text[:rawLimit], "")
	}
	return text
}
