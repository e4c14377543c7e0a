package sim

import (
	"bytes"
	"encoding/json"
	"strings"
)

// shape says what a body may look like: its keys, and for each the kind of its value, a
// shape, or a list of one of them. A key with a question mark may be absent. Names count
// letter by letter, which encoding/json alone does not see to.
type shape map[string]any

// valueKind is the kind of a leaf.
type valueKind int

const (
	asText    valueKind = iota + 1
	asWhole             // an integer
	asFlag              // true or false
	asDegrees           // a number, or one as text
	asAnything
)

// listOf is an array whose elements all have one shape.
type listOf struct{ each shape }

// orNull is a value that may be null.
type orNull struct{ value any }

// reads decodes a body of this shape; false for one that the cloud would not take. The
// tags of into name the keys as the shape does.
func (s shape) reads(body []byte, into any) bool {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var tree any
	if d.Decode(&tree) != nil || !fits(s, tree) {
		return false
	}
	return json.Unmarshal(body, into) == nil
}

func (s shape) takes(object map[string]any) bool {
	for key := range object {
		if _, known := s[key]; known {
			continue
		}
		if _, known := s[key+"?"]; !known {
			return false
		}
	}
	for key, want := range s {
		name, optional := strings.CutSuffix(key, "?")
		value, there := object[name]
		if !there && optional {
			continue
		}
		if !there || !fits(want, value) {
			return false
		}
	}
	return true
}

// fits compares a decoded value with what is wanted of it.
func fits(want, value any) bool {
	switch want := want.(type) {
	case shape:
		object, ok := value.(map[string]any)
		return ok && want.takes(object)
	case listOf:
		list, ok := value.([]any)
		for _, element := range list {
			ok = ok && fits(want.each, element)
		}
		return ok
	case orNull:
		return value == nil || fits(want.value, value)
	case valueKind:
		return want.fits(value)
	default:
		return false
	}
}

func (k valueKind) fits(value any) bool {
	switch v := value.(type) {
	case string:
		if k == asDegrees {
			_, ok := degrees(value)
			return ok
		}
		return k == asText || k == asAnything
	case bool:
		return k == asFlag || k == asAnything
	case json.Number:
		if k == asWhole {
			_, err := v.Int64()
			return err == nil
		}
		return k == asDegrees || k == asAnything
	default:
		return k == asAnything
	}
}

// degrees reads a number, or one as text.
func degrees(value any) (float64, bool) {
	text := ""
	switch v := value.(type) {
	case string:
		text = v
	case json.Number:
		text = v.String()
	case json.RawMessage:
		text = strings.Trim(string(v), `"`)
	}
	n, err := json.Number(text).Float64()
	return n, err == nil
}
