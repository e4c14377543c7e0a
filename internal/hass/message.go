package hass

import (
	"bytes"
	"strconv"
	"strings"
	"sync"
)

// head is what all messages of a device begin with: the device, who tells, and by which topics its entities are available.
func (h *Home) head(device func(*object), id string, available ...string) []byte {
	o := object{append(make([]byte, 0, 512), '{'), true}
	o.key("device")
	d := object{append(o.dst, '{'), true}
	d.value("identifiers", []string{id}, nil)
	device(&d)
	o.dst = append(d.dst, '}')
	o.key("origin")
	origin := object{append(o.dst, '{'), true}
	origin.texts("name", Product, "sw_version", h.options.Version, "support_url", Support)
	o.dst = append(origin.dst, '}')
	if len(available) > 0 {
		o.key("availability")
		for i, topic := range available {
			lead := byte(',')
			if i == 0 {
				lead = '['
			}
			o.dst = append(o.dst, lead)
			one := object{append(o.dst, '{'), true}
			one.text("topic", topic)
			o.dst = append(one.dst, '}')
		}
		o.dst = append(o.dst, ']')
		o.text("availability_mode", "all")
	}
	o.key("components")
	return append(o.dst, '{')
}

// scratches are where messages are written before they are copied to where they just fit. A fleet's would otherwise leave
// gigabytes behind.
var scratches = sync.Pool{New: func() any {
	room := make([]byte, 0, 128<<10)
	return &room
}}

// componentsKey stands before the entities of a message. In a text its quotes would be escaped.
const componentsKey = `"components":{`

// overhead is what a message needs on the wire besides topic and payload, more than enough.
const overhead = 64

// messages writes a device's entities into as few messages as may be. All of them name the same device, so that Home
// Assistant shows one.
func (h *Home) messages(p *place, head []byte, entities []*entity, limit int) []Message {
	w := &writer{home: h, id: p.id, head: head, limit: limit, most: len(entities)}
	for _, young := range []bool{false, true} {
		w.begin(young)
		for _, e := range entities {
			if e.young != young {
				continue
			}
			w.add(e, p)
		}
	}
	return w.end()
}

// writer collects the messages of a device.
type writer struct {
	home  *Home
	id    string
	head  []byte
	limit int
	most  int // entities in all

	done    []Message
	name    string // of the current message's topic
	count   int    // of messages that were split off by size
	body    []byte // of the current message, in scratch; nil before its first entity
	scratch *[]byte
	parts   []string
}

// begin turns to entities of their own message.
func (w *writer) begin(young bool) {
	w.flush()
	w.name, w.count = w.id, 0
	if young {
		w.name = w.id + "_young"
	}
}

// add writes one entity, into a new message when there is no room.
func (w *writer) add(e *entity, p *place) {
	if w.body == nil {
		w.parts = make([]string, 0, w.most)
		w.scratch, _ = scratches.Get().(*[]byte)
		w.body = append((*w.scratch)[:0], w.head...)
	}
	before := len(w.body)
	if len(w.parts) > 0 {
		w.body = append(w.body, ',')
	}
	w.body = appendText(w.body, e.key)
	w.body = append(w.body, ':')
	w.body = e.append(w.body, p)
	if w.limit > 0 && len(w.body)+2+len(w.topic())+overhead > w.limit && len(w.parts) > 0 {
		w.body = w.body[:before]
		w.flush()
		w.add(e, p)
		return
	}
	part := e.part
	if part == "" {
		part = e.named().part
	}
	w.parts = append(w.parts, part)
}

func (w *writer) topic() string {
	topic := w.home.options.Prefix + "/device/"
	if node := w.home.options.Node; node != "" {
		topic += node + "/"
	}
	topic += w.name
	if w.count > 0 {
		topic += "_" + strconv.Itoa(w.count+1)
	}
	return topic + "/config"
}

// flush ends the current message.
func (w *writer) flush() {
	if w.body == nil {
		return
	}
	w.body = append(w.body, "}}"...)
	w.done = append(w.done, Message{w.topic(), bytes.Clone(w.body), w.parts})
	*w.scratch = w.body
	scratches.Put(w.scratch)
	w.body, w.parts = nil, nil
	w.count++
}

func (w *writer) end() []Message {
	w.flush()
	return w.done
}

func pointers(all []entity) []*entity {
	list := make([]*entity, len(all))
	for i := range all {
		list[i] = &all[i]
	}
	return list
}

// Without makes a message take back entities that it had before: a component with its platform alone. When Home Assistant
// has had time to read it, the message as it was takes its place. Where both together are more than limit, the most bytes of
// a packet and 0 for any, what is gone stands alone, as much of it as there is room for: Home Assistant keeps the entities
// that a message does not name.
func Without(m Message, gone []string, limit int) []byte {
	room := len(m.Payload) + len(gone)*len(`"":{"platform":""},`)
	for _, part := range gone {
		room += len(part)
	}
	const end = "}}"
	fits := func(n int) bool { return limit == 0 || n+len(end)+len(m.Topic)+overhead <= limit }
	body := append(make([]byte, 0, room), m.Payload[:len(m.Payload)-len(end)]...)
	if !fits(room) {
		body = body[:bytes.Index(body, []byte(componentsKey))+len(componentsKey)]
	}
	for _, part := range gone {
		before := len(body)
		if body[before-1] != '{' {
			body = append(body, ',')
		}
		platform, key, _ := strings.Cut(part, "/")
		body = append(appendText(body, key), ':')
		o := object{append(body, '{'), true}
		o.text("platform", platform)
		body = append(o.dst, '}')
		if !fits(len(body)) {
			body = body[:before]
			break
		}
	}
	if body[len(body)-1] == '{' {
		return m.Payload // Home Assistant refuses a message without components
	}
	return append(body, end...)
}
