package hass

import (
	"cmp"
	"fmt"
	"strconv"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/topic"
)

// entity is one entity of a device, the same for all devices: its topics are told by their ending.
type entity struct {
	key      string // unique on its device, part of the unique id, for ever
	platform string
	part     string // platform and key, once they are known for all cars
	name     string // of the user's own, in place of the one in names/
	fields   []field
	// alone makes it available with the bridge alone: what says why a car is not.
	alone bool
	// young marks a platform that Home Assistant has had for so short a time that one without it would refuse the
	// whole message, see [message.parts].
	young bool
}

// field is one key of a component with its value: a string, bool, int, float64, list of strings or nil, or one of the
// kinds of topics.
type field struct {
	key   string
	value any
}

// The kinds of topics, each told by its ending.
type (
	below   string // a topic below the car's
	command string // where a car takes one kind of command
	event   string // where a car tells what happened
	whole   string // a whole topic
)

// with gives the entity one more field.
func (e entity) with(key string, value any) entity {
	e.fields = append(e.fields[:len(e.fields):len(e.fields)], field{key, value})
	return e
}

// named gives the entity the name by which messages list their parts.
func (e entity) named() entity {
	e.part = e.platform + "/" + e.key
	return e
}

// place is where an entity stands: what its message needs besides itself.
type place struct {
	car    topic.Car
	id     string // unique ids begin with it
	slug   string // entity ids begin with it
	bridge string // topic of the bridge's state
	names  names
	slugs  names // of the English names, from which first entity ids are made
}

// nameOf is how people call an entity, in the user's language, and what its first entity id ends with.
func (p *place) nameOf(e *entity) (local, ending string) {
	if e.name != "" {
		return e.name, cmp.Or(slug(e.name), slug(e.key))
	}
	return p.names[e.key], p.slugs[e.key]
}

// append writes the entity as a component.
func (e *entity) append(dst []byte, p *place) []byte {
	o := object{append(dst, '{'), true}
	local, ending := p.nameOf(e)
	o.text("platform", e.platform)
	o.joined("unique_id", p.id, "_", e.key)
	o.joined("default_entity_id", e.platform, ".", p.slug, "_", ending)
	o.text("name", local)
	for _, f := range e.fields {
		o.value(f.key, f.value, p)
	}
	if e.alone {
		o.key("availability")
		o.dst = appendText(append(o.dst, `[{"topic":`...), p.bridge)
		o.dst = append(o.dst, `}]`...)
	}
	return append(o.dst, '}')
}

// object writes the members of a JSON object one after the other.
type object struct {
	dst   []byte
	first bool
}

func (o *object) key(name string) {
	if !o.first {
		o.dst = append(o.dst, ',')
	}
	o.first = false
	o.dst = append(append(append(o.dst, '"'), name...), '"', ':')
}

func (o *object) text(key, text string) {
	o.key(key)
	o.dst = appendText(o.dst, text)
}

// joined writes a text of parts that need no care: words and ids.
func (o *object) joined(key string, parts ...string) {
	o.key(key)
	o.dst = append(o.dst, '"')
	for _, part := range parts {
		o.dst = append(o.dst, part...)
	}
	o.dst = append(o.dst, '"')
}

// texts writes those members that have a text.
func (o *object) texts(pairs ...string) {
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			o.text(pairs[i], pairs[i+1])
		}
	}
}

func (o *object) value(key string, value any, p *place) {
	switch v := value.(type) {
	case string:
		o.text(key, v)
	case below:
		o.text(key, p.car.Topic(string(v)))
	case command:
		o.text(key, p.car.Command(string(v)))
	case event:
		o.text(key, p.car.Event(string(v)))
	case whole:
		o.text(key, string(v))
	case []string:
		o.key(key)
		o.dst = append(o.dst, '[')
		for i, text := range v {
			if i > 0 {
				o.dst = append(o.dst, ',')
			}
			o.dst = appendText(o.dst, text)
		}
		o.dst = append(o.dst, ']')
	case bool:
		o.key(key)
		o.dst = strconv.AppendBool(o.dst, v)
	case int:
		o.key(key)
		o.dst = strconv.AppendInt(o.dst, int64(v), 10)
	case float64:
		o.key(key)
		o.dst = strconv.AppendFloat(o.dst, v, 'f', -1, 64)
	case nil:
		o.key(key)
		o.dst = append(o.dst, "null"...)
	default:
		panic(fmt.Sprintf("hass: %s has a value of type %T", key, value))
	}
}
