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

// scratches are where entities are written before they are copied to where they just fit. A fleet's would otherwise leave
// gigabytes behind.
var scratches = sync.Pool{New: func() any {
	room := make([]byte, 0, 128<<10)
	return &room
}}

// componentsKey stands before the entities of a message. In a text its quotes would be escaped.
const componentsKey = `"components":{`

// end closes what head has begun.
const end = "}}"

// overhead is what a message needs on the wire besides topic and payload, more than enough.
const overhead = 64

// piece is an entity as it is written in a message.
type piece struct {
	part     string
	from, to int // of its text
}

// messages writes a device's entities into as few messages as may be. All of them name the same device, so that Home
// Assistant shows one. told gives by which topic a part is announced now; nil for a device that was not announced.
func (h *Home) messages(p *place, head []byte, entities []*entity, limit int, told func() map[string]string) []Message {
	scratch, _ := scratches.Get().(*[]byte)
	defer scratches.Put(scratch)
	text := (*scratch)[:0]
	old, young := make([]piece, 0, len(entities)), []piece(nil)
	for _, e := range entities {
		from := len(text)
		text = append(appendText(text, e.key), ':')
		text = e.append(text, p)
		part := e.part
		if part == "" {
			part = e.named().part
		}
		if written := (piece{part, from, len(text)}); e.young {
			young = append(young, written)
		} else {
			old = append(old, written)
		}
	}
	*scratch = text
	w := &writer{home: h, head: head, text: text, limit: limit, told: told}
	w.write(p.id, old)
	w.write(p.id+"_young", young)
	return w.done
}

// writer collects the messages of a device.
type writer struct {
	home  *Home
	head  []byte
	text  []byte // of all pieces
	limit int    // 0 for none
	told  func() map[string]string

	done []Message
}

// write makes messages with one name of some pieces: one where that fits, else several.
func (w *writer) write(name string, pieces []piece) {
	if len(pieces) == 0 {
		return
	}
	size := 0
	for _, one := range pieces {
		size += one.size()
	}
	if topic := w.topic(name, 0); w.limit == 0 || w.room(topic) >= size {
		w.join(topic, pieces)
		return
	}
	for n, some := range w.split(name, pieces) {
		if len(some) > 0 {
			w.join(w.topic(name, n), some)
		}
	}
}

// split spreads pieces over messages. Each stays in the message that it is in, as long as there is room: a Home Assistant
// that reads another message with it first, before the one that has lost it, would refuse it as known and then remove it.
// New ones go into the last message or further ones, which they leave some room for what is in it to grow.
func (w *writer) split(name string, pieces []piece) [][]piece {
	var (
		at    = make([]int, len(pieces)) // the message of each, counted from 1; 0 while it has none
		used  []int                      // bytes of each message
		place = func(i, n, keep int) bool {
			for len(used) <= n {
				used = append(used, 0)
			}
			size := pieces[i].size()
			if used[n] > 0 && used[n]+size+keep > w.room(w.topic(name, n)) {
				return false
			}
			used[n] += size
			at[i] = n + 1
			return true
		}
	)
	if w.told != nil {
		told, number := w.told(), map[string]int{}
		for n := range pieces {
			number[w.topic(name, n)] = n
		}
		for i := range pieces {
			if n, known := number[told[pieces[i].part]]; known {
				place(i, n, 0)
			}
		}
	}
	for i := range pieces {
		for n := max(0, len(used)-1); at[i] == 0; n++ {
			place(i, n, w.limit/8)
		}
	}
	messages := make([][]piece, len(used))
	for i, one := range pieces {
		messages[at[i]-1] = append(messages[at[i]-1], one)
	}
	return messages
}

// size is what the piece takes in a message, with a comma.
func (p piece) size() int { return p.to - p.from + len(",") }

// room is what a message with this topic has for pieces.
func (w *writer) room(topic string) int {
	return w.limit - len(w.head) - len(end) - len(topic) - overhead
}

// join makes one message.
func (w *writer) join(topic string, pieces []piece) {
	size := len(w.head) + len(end)
	for _, one := range pieces {
		size += one.size()
	}
	m := Message{topic, append(make([]byte, 0, size), w.head...), make([]string, len(pieces))}
	for i, one := range pieces {
		if i > 0 {
			m.Payload = append(m.Payload, ',')
		}
		m.Payload = append(m.Payload, w.text[one.from:one.to]...)
		m.Parts[i] = one.part
	}
	m.Payload = append(m.Payload, end...)
	w.done = append(w.done, m)
}

// topic is that of the n-th message with a name, counted from 0.
func (w *writer) topic(name string, n int) string {
	topic := w.home.options.Prefix + "/device/"
	if node := w.home.options.Node; node != "" {
		topic += node + "/"
	}
	topic += name
	if n > 0 {
		topic += "_" + strconv.Itoa(n+1)
	}
	return topic + "/config"
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
