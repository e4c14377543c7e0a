package sim

import (
	"math"
	"strconv"
	"strings"
)

// tree writes a JSON object leaf by leaf, each with its dotted path, so that a wire
// form reads like the table of its protocol page. Leaves of one object must follow each
// other; a test sees to it.
type tree struct {
	buf    []byte
	parent string // path of the open objects, each with its dot
}

// newTree begins an object of about the given size in bytes.
func newTree(size int) *tree { return &tree{buf: append(make([]byte, 0, size), '{')} }

// at closes and opens objects until the leaf's place is reached and writes its key.
func (t *tree) at(path string) {
	cut := strings.LastIndexByte(path, '.') + 1
	parent, key := path[:cut], path[cut:]
	common := 0
	for i := 0; i < len(parent) && i < len(t.parent) && parent[i] == t.parent[i]; i++ {
		if parent[i] == '.' {
			common = i + 1
		}
	}
	t.close(strings.Count(t.parent[common:], "."))
	for rest := parent[common:]; rest != ""; {
		name, after, _ := strings.Cut(rest, ".")
		t.key(name)
		t.buf = append(t.buf, '{')
		rest = after
	}
	t.parent = parent
	t.key(key)
}

func (t *tree) key(name string) {
	if t.buf[len(t.buf)-1] != '{' {
		t.buf = append(t.buf, ',')
	}
	t.buf = append(append(append(t.buf, '"'), name...), '"', ':')
}

func (t *tree) close(objects int) {
	for range objects {
		t.buf = append(t.buf, '}')
	}
}

// bytes ends the object.
func (t *tree) bytes() []byte {
	t.close(strings.Count(t.parent, "."))
	t.parent = ""
	return append(t.buf, '}')
}

// num writes an integer without a fraction.
func (t *tree) num(path string, v int) {
	t.at(path)
	t.buf = strconv.AppendInt(t.buf, int64(v), 10)
}

// real writes a number with at most the given digits after the point.
func (t *tree) real(path string, v float64, digits int) {
	t.at(path)
	t.buf = appendReal(t.buf, v, digits)
}

// flag writes 0 or 1: cars send integers, and strict clients take nothing else.
func (t *tree) flag(path string, v bool) {
	n := 0
	if v {
		n = 1
	}
	t.num(path, n)
}

// truth writes true or false, where the flat protocol does.
func (t *tree) truth(path string, v bool) {
	t.at(path)
	t.buf = strconv.AppendBool(t.buf, v)
}

// text writes a text that needs no escaping.
func (t *tree) text(path, v string) {
	t.at(path)
	t.buf = append(append(append(t.buf, '"'), v...), '"')
}

// raw writes a piece of JSON.
func (t *tree) raw(path, v string) {
	t.at(path)
	t.buf = append(t.buf, v...)
}

func appendReal(buf []byte, v float64, digits int) []byte {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return append(buf, '0')
	}
	return strconv.AppendFloat(buf, round(v, digits), 'f', -1, 64)
}

// whole is a distance or share as clients with integers want it.
func whole(v float64) int { return int(math.Round(v)) }
