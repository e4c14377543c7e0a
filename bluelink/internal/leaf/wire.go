package leaf

import (
	"bytes"
	"encoding/json"
	"iter"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

// Value is one value of a JSON document: a view into the text, of which nothing is copied and nothing converted before it
// is asked for. Clouds send leaves of any type in any place, so no step of the way down can fail: what is not there is the
// zero Value, and a damaged leaf spoils no other.
type Value struct {
	doc *document
	at  int32
}

// document lists the values of a JSON text in their order, each with the place of the next one on its level.
type document struct {
	text  string
	nodes []node
}

type node struct {
	key      span // of an object's member, without quotes
	text     span
	next     int32 // the next sibling; 0 for the last
	hasChild bool  // the first child is the next node of the list
	oddKey   bool  // the key has escapes or more than ASCII
}

type span struct{ from, to int32 }

// maxDepth is how deep values may be nested, as in encoding/json.
const maxDepth = 10_000

// Parse lists the values of a JSON text; ok is false for a text that is not JSON. It takes exactly what json.Valid takes, in
// one pass instead of two: a test compares them.
func Parse(body []byte) (root Value, ok bool) {
	if len(body) > 1<<30 {
		return Value{}, false
	}
	// A value is the first in its list or object, or a comma stands before it.
	most := 2 + bytes.Count(body, []byte{','}) + bytes.Count(body, []byte{'{'}) + bytes.Count(body, []byte{'['})
	nodes := *spareNodes.Get().(*[]node)
	if cap(nodes) < most {
		nodes = make([]node, 0, most)
	}
	doc := &document{text: string(body), nodes: append(nodes, node{})} // the first node is no value
	s := scanner{doc: doc, text: doc.text}
	if !s.value(node{}, 0) {
		return Value{}, false
	}
	s.space()
	return Value{doc, 1}, int(s.pos) == len(s.text)
}

// spareNodes are lists of nodes that are not in use: those of a refresh's four answers are a fifth of all memory that it
// asks for.
var spareNodes = sync.Pool{New: func() any { return new([]node) }}

// mostSpare bounds what is kept for the next document; the list of thousands of cars is read once.
const mostSpare = 1024

// Release gives the document back. No value of it may be used after that; texts and numbers taken from it may.
func (v Value) Release() {
	if v.doc == nil || cap(v.doc.nodes) > mostSpare {
		return
	}
	nodes := v.doc.nodes[:0]
	v.doc.nodes = nil
	spareNodes.Put(&nodes)
}

// scanner walks through a text once. Its methods step over what they are named for and tell whether it was there.
type scanner struct {
	doc  *document
	text string
	pos  int32
}

// peek is the next character, or 0 at the end, where no rule of JSON expects one.
func (s *scanner) peek() byte {
	if int(s.pos) < len(s.text) {
		return s.text[s.pos]
	}
	return 0
}

// take steps over one character.
func (s *scanner) take(c byte) bool {
	if s.peek() != c || int(s.pos) >= len(s.text) {
		return false
	}
	s.pos++
	return true
}

func (s *scanner) space() {
	for int(s.pos) < len(s.text) {
		switch s.text[s.pos] {
		case ' ', '\t', '\r', '\n':
			s.pos++
		default:
			return
		}
	}
}

// value lists the value that begins here, with all that is in it.
func (s *scanner) value(n node, depth int) (ok bool) {
	s.space()
	at := len(s.doc.nodes)
	n.text.from = s.pos
	s.doc.nodes = append(s.doc.nodes, n)
	switch c := s.peek(); c {
	case '{', '[':
		ok = depth < maxDepth && s.members(c == '{', depth+1)
	case '"':
		_, _, ok = s.quoted()
	case 't':
		ok = s.word("true")
	case 'f':
		ok = s.word("false")
	case 'n':
		ok = s.word("null")
	default:
		ok = s.number()
	}
	s.doc.nodes[at].text.to = s.pos
	s.doc.nodes[at].hasChild = (n.text.from < s.pos) && len(s.doc.nodes) > at+1
	return ok
}

// members lists what an object or array holds.
func (s *scanner) members(object bool, depth int) bool {
	end := byte(']')
	if object {
		end = '}'
	}
	s.pos++
	if s.space(); s.take(end) {
		return true
	}
	for last := int32(0); ; {
		var n node
		if object {
			var ok bool
			s.space()
			if n.key, n.oddKey, ok = s.quoted(); !ok {
				return false
			}
			if s.space(); !s.take(':') {
				return false
			}
		}
		at := int32(len(s.doc.nodes))
		if !s.value(n, depth) {
			return false
		}
		if last != 0 {
			s.doc.nodes[last].next = at
		}
		last = at
		switch s.space(); {
		case s.take(end):
			return true
		case !s.take(','):
			return false
		}
	}
}

// quoted steps over a text and returns its inside; odd tells that this has escapes or more than ASCII.
func (s *scanner) quoted() (inside span, odd, ok bool) {
	if !s.take('"') {
		return span{}, false, false
	}
	start := s.pos
	for int(s.pos) < len(s.text) {
		switch c := s.text[s.pos]; {
		case c == '"':
			s.pos++
			return span{start, s.pos - 1}, odd, true
		case c < ' ':
			return span{}, false, false
		case c == '\\':
			odd = true
			s.pos++
			if !s.escape() {
				return span{}, false, false
			}
		default:
			odd = odd || c >= utf8.RuneSelf
			s.pos++
		}
	}
	return span{}, false, false
}

// escape steps over what follows a backslash.
func (s *scanner) escape() bool {
	switch s.peek() {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.pos++
		return true
	case 'u':
		s.pos++
		for range 4 {
			c := s.peek() | ' '
			if (c < '0' || c > '9') && (c < 'a' || c > 'f') || s.peek() < '0' {
				return false
			}
			s.pos++
		}
		return true
	}
	return false
}

func (s *scanner) word(word string) bool {
	if !strings.HasPrefix(s.text[s.pos:], word) {
		return false
	}
	s.pos += int32(len(word))
	return true
}

func (s *scanner) number() bool {
	s.take('-')
	if !s.take('0') && !s.digits() {
		return false
	}
	if s.take('.') && !s.digits() {
		return false
	}
	if s.take('e') || s.take('E') {
		if !s.take('+') {
			s.take('-')
		}
		return s.digits()
	}
	return true
}

// digits steps over one digit or more.
func (s *scanner) digits() bool {
	start := s.pos
	for c := s.peek(); c >= '0' && c <= '9'; c = s.peek() {
		s.pos++
	}
	return s.pos > start
}

// Get goes down a path such as "Cabin.Door.Row1"; a number steps into an array.
func (v Value) Get(path string) Value {
	for path != "" && v.doc != nil {
		var step string
		step, path, _ = strings.Cut(path, ".")
		v = v.Step(step)
	}
	return v
}

// Step goes down one step of a path.
func (v Value) Step(name string) Value {
	if v.Kind() == '[' {
		nth, err := strconv.Atoi(name)
		if err != nil {
			return Value{}
		}
		for child := v.First(); child.doc != nil; child = child.Next() {
			if nth == 0 {
				return child
			}
			nth--
		}
		return Value{}
	}
	for child := v.First(); child.doc != nil; child = child.Next() {
		if child.Key() == name {
			return child
		}
	}
	return Value{}
}

// First is the first member or element of an object or array.
func (v Value) First() Value {
	if v.doc == nil || !v.doc.nodes[v.at].hasChild {
		return Value{}
	}
	return Value{v.doc, v.at + 1}
}

// Next is the member or element that follows on the same level.
func (v Value) Next() Value {
	if v.doc == nil || v.doc.nodes[v.at].next == 0 {
		return Value{}
	}
	return Value{v.doc, v.doc.nodes[v.at].next}
}

// All ranges over the members or elements.
func (v Value) All() iter.Seq[Value] {
	return func(yield func(Value) bool) {
		for child := v.First(); child.doc != nil && yield(child); child = child.Next() {
		}
	}
}

// Exists tells that there is a value, if only null.
func (v Value) Exists() bool { return v.doc != nil }

// Len is the number of members or elements.
func (v Value) Len() (n int) {
	for child := v.First(); child.doc != nil; child = child.Next() {
		n++
	}
	return n
}

// Key is the name under which an object holds this value.
func (v Value) Key() string {
	n := &v.doc.nodes[v.at]
	if n.oddKey {
		return unquote(v.doc.text[n.key.from-1 : n.key.to+1])
	}
	return v.doc.text[n.key.from:n.key.to]
}

// Text is the value as it is written.
func (v Value) Text() string {
	if v.doc == nil {
		return ""
	}
	n := &v.doc.nodes[v.at]
	return v.doc.text[n.text.from:n.text.to]
}

// Kind is the first character of the value: { [ " t f n, a digit or a minus; 0 when there is none.
func (v Value) Kind() byte {
	if v.doc == nil {
		return 0
	}
	return v.doc.text[v.doc.nodes[v.at].text.from]
}

// Missing tells that there is nothing, or null, which clouds use alike.
func (v Value) Missing() bool { return v.doc == nil || v.Kind() == 'n' }

// Object tells whether the value is an object with anything in it.
func (v Value) Object() bool { return v.Kind() == '{' && v.doc.nodes[v.at].hasChild }

// Str is the content of a text, or the digits of a number; empty for all else.
func (v Value) Str() string {
	switch v.Kind() {
	case '"':
		text := v.Text()
		if strings.IndexByte(text, '\\') >= 0 || !utf8.ValidString(text) {
			return unquote(text)
		}
		return text[1 : len(text)-1]
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		return v.Text()
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

// RawLimit bounds what an observation keeps of the text that it was read from.
const RawLimit = 64

// Raw is the beginning of the value as it is written.
func (v Value) Raw() string {
	text := v.Text()
	return strings.ToValidUTF8(text[:min(len(text), RawLimit)], "")
}
