package hasstest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Home is a Home Assistant that has just started: it finds devices by their messages, follows their topics and shows what
// became of their entities. It is safe for concurrent use.
type Home struct {
	mu       sync.Mutex
	prefix   string
	devices  map[string]map[string]Component // by topic and id
	kept     map[string][]byte               // what the broker keeps
	shows    map[string]map[string]string    // of an entity, by its place
	readers  map[string]map[string]bool      // places of the entities that read a topic
	unique   map[string]string               // place by platform and unique id
	problems []error
}

// NewHome starts one that listens below a discovery prefix.
func NewHome(prefix string) *Home {
	return &Home{
		prefix: prefix, devices: map[string]map[string]Component{}, kept: map[string][]byte{}, shows: map[string]map[string]string{},
		readers: map[string]map[string]bool{}, unique: map[string]string{},
	}
}

// Receive takes a message of any topic. retained tells that the broker keeps it: what it keeps reaches an entity also when
// that is found later, anything else only an entity that is there.
func (h *Home) Receive(topic string, payload []byte, retained bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if retained {
		if len(payload) == 0 {
			delete(h.kept, topic)
		} else {
			h.kept[topic] = slices.Clone(payload)
		}
	}
	if strings.HasPrefix(topic, h.prefix+"/device/") {
		h.discover(topic, payload)
		return
	}
	for place := range h.readers[topic] {
		at, id, _ := strings.Cut(place, " ")
		if c, there := h.devices[at][id]; there {
			h.update(place, c, topic, payload)
		}
	}
}

// Reconnected says that it was connected to the broker again: what that keeps comes anew.
func (h *Home) Reconnected() {
	h.mu.Lock()
	defer h.mu.Unlock()
	clear(h.kept)
}

func (h *Home) discover(topic string, payload []byte) {
	if len(payload) == 0 {
		for id := range h.devices[topic] {
			delete(h.shows, topic+" "+id)
		}
		delete(h.devices, topic)
		return
	}
	m, err := Read(topic, payload)
	if err != nil {
		h.problems = append(h.problems, err)
		return
	}
	if h.devices[topic] == nil {
		h.devices[topic] = map[string]Component{}
	}
	for _, c := range m.Components {
		place := topic + " " + c.ID
		if c.Gone() {
			delete(h.devices[topic], c.ID)
			delete(h.shows, place)
			continue
		}
		at, id, _ := strings.Cut(h.unique[c.Platform()+" "+c.UniqueID()], " ")
		if other, there := h.devices[at][id]; there && at+" "+id != place && other.UniqueID() == c.UniqueID() {
			h.problems = append(h.problems, fmt.Errorf("%s: the unique id of %s %s is taken", place, at, id))
		}
		h.unique[c.Platform()+" "+c.UniqueID()] = place
		h.devices[topic][c.ID] = c
		for _, t := range append(c.Topics(), c.availability()...) {
			if h.readers[t] == nil {
				h.readers[t] = map[string]bool{}
			}
			h.readers[t][place] = true
			if kept := h.kept[t]; kept != nil {
				h.update(place, c, t, kept)
			}
		}
	}
}

// availability are the topics that say whether the entity is available: its own, else the device's.
func (c Component) availability() (topics []string) {
	list, own := c.Config["availability"].([]any)
	if !own {
		list, _ = c.root["availability"].([]any)
	}
	for _, item := range list {
		entry, _ := item.(map[string]any)
		topics = append(topics, text(entry["topic"]))
	}
	return topics
}

func (h *Home) update(place string, c Component, topic string, payload []byte) {
	if h.shows[place] == nil {
		h.shows[place] = map[string]string{}
	}
	if slices.Contains(c.availability(), topic) {
		h.shows[place][topic] = string(payload)
	}
	shows, err := c.Understand(topic, payload)
	if err != nil {
		h.problems = append(h.problems, err)
		return
	}
	if fell(c, h.shows[place]["state_topic"], shows["state_topic"]) {
		h.problems = append(h.problems, fmt.Errorf("%s: a meter fell from %s to %s: it is taken for a new one", place, h.shows[place]["state_topic"], shows["state_topic"]))
	}
	maps.Copy(h.shows[place], shows)
}

// fell tells that what is announced to only rise has not: statistics then count all of it once more.
func fell(c Component, from, to string) bool {
	before, err := strconv.ParseFloat(from, 64)
	now, bad := strconv.ParseFloat(to, 64)
	return c.text("state_class") == "total_increasing" && err == nil && bad == nil && now < before
}

// Entity is an entity as it stands.
type Entity struct {
	ID        string // unique
	Platform  string
	Available bool
	Shows     map[string]string // by the key of the topic: state_topic, mode_state_topic …
}

// Entities are all, by unique id and platform.
func (h *Home) Entities() []Entity {
	h.mu.Lock()
	defer h.mu.Unlock()
	var all []Entity
	for topic, components := range h.devices {
		for id, c := range components {
			e := Entity{c.UniqueID(), c.Platform(), true, map[string]string{}}
			shows := h.shows[topic+" "+id]
			for _, t := range c.availability() {
				e.Available = e.Available && shows[t] == "online"
			}
			for _, r := range c.readings() {
				if c.text(r.key) != "" {
					e.Shows[r.key] = unknown
					if value, ok := shows[r.key]; ok {
						e.Shows[r.key] = value
					}
				}
			}
			all = append(all, e)
		}
	}
	slices.SortFunc(all, func(a, b Entity) int { return strings.Compare(a.ID+" "+a.Platform, b.ID+" "+b.Platform) })
	return all
}

// Picture is what a person sees, a line each entity; attributes are left out.
func (h *Home) Picture() string {
	var out strings.Builder
	for _, e := range h.Entities() {
		fmt.Fprintf(&out, "%s %s", e.ID, e.Platform)
		if !e.Available {
			out.WriteString(" unavailable")
		}
		for _, key := range slices.Sorted(maps.Keys(e.Shows)) {
			if key != "json_attributes_topic" || e.Platform == "device_tracker" {
				fmt.Fprintf(&out, " %s=%s", key, e.Shows[key])
			}
		}
		out.WriteByte('\n')
	}
	return out.String()
}

// Components are all that were found and not taken back.
func (h *Home) Components() (all []Component) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, topic := range slices.Sorted(maps.Keys(h.devices)) {
		for _, id := range slices.Sorted(maps.Keys(h.devices[topic])) {
			all = append(all, h.devices[topic][id])
		}
	}
	return all
}

// Kept are the topics that the broker keeps.
func (h *Home) Kept() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Sorted(maps.Keys(h.kept))
}

// Err is everything that Home Assistant would have complained of.
func (h *Home) Err() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return errors.Join(h.problems...)
}
