package ccapi

import "github.com/bluelink2mqtt/bluelink2mqtt/bluelink/internal/leaf"

// value is one value of a JSON answer, see package leaf. What is not there is the zero value.
type value struct{ leaf.Value }

// rawLimit bounds what an observation keeps of the text that it was read from.
const rawLimit = leaf.RawLimit

// parse lists the values of a JSON text; ok is false for a text that is not JSON.
func parse(body []byte) (root value, ok bool) {
	v, ok := leaf.Parse(body)
	return value{v}, ok
}

// release gives the document back: no value of it may be used after that.
func (v value) release() { v.Release() }

// get goes down a path such as "Cabin.Door.Row1"; a number steps into an array.
func (v value) get(path string) value { return value{v.Get(path)} }

// step goes down one step of a path.
func (v value) step(name string) value { return value{v.Step(name)} }

// first is the first member or element of an object or array.
func (v value) first() value { return value{v.First()} }

// next is the member or element that follows on the same level.
func (v value) next() value { return value{v.Next()} }

// len is the number of members or elements.
func (v value) len() int { return v.Len() }

// key is the name under which an object holds this value.
func (v value) key() string { return v.Key() }

// text is the value as it is written, raw the beginning of that, and str the content of a text or the digits of a number.
func (v value) text() string { return v.Text() }
func (v value) raw() string  { return v.Raw() }
func (v value) str() string  { return v.Str() }

// kind is the first character of the value; 0 when there is none.
func (v value) kind() byte { return v.Kind() }

// missing tells that there is nothing, or null, which clouds use alike.
func (v value) missing() bool { return v.Missing() }

// object tells whether the value is an object with anything in it.
func (v value) object() bool { return v.Object() }
