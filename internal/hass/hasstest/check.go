package hasstest

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Message is what Home Assistant reads of a device's discovery message.
type Message struct {
	Topic      string
	Root       map[string]any
	Components []Component // in the order of their ids
}

// Component is one of its entities; one that has its platform alone is taken back.
type Component struct {
	ID     string
	Config map[string]any
	root   map[string]any
}

// Platform is its platform.
func (c Component) Platform() string { return c.text("platform") }

// Gone tells that the entity is taken back.
func (c Component) Gone() bool { return len(c.Config) == 1 }

// UniqueID is its unique id.
func (c Component) UniqueID() string { return c.text("unique_id") }

func (c Component) text(key string) string {
	word, _ := c.Config[key].(string)
	return word
}

func (c Component) has(key string) bool {
	_, ok := c.Config[key]
	return ok
}

func (c Component) number(key string) (float64, bool) { return number(c.Config[key]) }

func (c Component) texts(key string) []string {
	items, _ := c.Config[key].([]any)
	all := make([]string, len(items))
	for i, item := range items {
		all[i] = text(item)
	}
	return all
}

var (
	configTopic = regexp.MustCompile(`^[^+#]+/device/([a-zA-Z0-9_-]+/)?[a-zA-Z0-9_-]+/config$`)
	uniqueID    = regexp.MustCompile(`^[a-zA-Z0-9_-]+$`)
	entityID    = regexp.MustCompile(`^[a-z_]+\.[a-z0-9]+(_[a-z0-9]+)*$`)
)

// problems collects what is wrong.
type problems struct {
	at  string
	all []error
}

func (p *problems) add(format string, args ...any) {
	p.all = append(p.all, fmt.Errorf("%s: %s", p.at, fmt.Sprintf(format, args...)))
}

func (p *problems) keys(of map[string]any, known map[string]bool) {
	for _, key := range slices.Sorted(maps.Keys(of)) {
		if !known[key] {
			p.add("the key %s is not known", key)
		}
	}
}

// Read reads a discovery message and says everything that is wrong with it.
func Read(topic string, payload []byte) (Message, error) {
	m := Message{Topic: topic}
	p := &problems{at: topic}
	if !configTopic.MatchString(topic) {
		p.add("this is no topic of a device's discovery")
	}
	value, err := decode(payload)
	root, ok := value.(map[string]any)
	if err != nil || !ok {
		p.add("the payload is no JSON object: %v", err)
		return m, errors.Join(p.all...)
	}
	if twice := repeated(payload); twice != "" {
		p.add("the key %s stands twice", twice)
	}
	m.Root = root
	p.keys(root, rootKeys)
	p.device(root)
	p.availability(root, true)
	components, _ := root["components"].(map[string]any)
	if len(components) == 0 {
		p.add("there are no components")
	}
	unique := map[string]string{}
	young := 0
	for _, id := range slices.Sorted(maps.Keys(components)) {
		config, _ := components[id].(map[string]any)
		c := Component{id, config, root}
		m.Components = append(m.Components, c)
		q := &problems{at: topic + " " + id}
		q.component(c)
		if other, taken := unique[c.Platform()+" "+c.UniqueID()]; taken && !c.Gone() {
			q.add("it has the unique id of %s", other)
		}
		unique[c.Platform()+" "+c.UniqueID()] = id
		if youngest[c.Platform()] {
			young++
		}
		p.all = append(p.all, q.all...)
	}
	if young != 0 && young != len(components) {
		p.add("it has platforms that Home Assistant knows since lately only beside others: an older one refuses all")
	}
	return m, errors.Join(p.all...)
}

// repeated finds a key that stands twice in the root or in a component, which decoders do not tell.
func repeated(payload []byte) string {
	decoder := json.NewDecoder(strings.NewReader(string(payload)))
	var walk func() string
	walk = func() string {
		t, err := decoder.Token()
		if err != nil {
			return ""
		}
		open, is := t.(json.Delim)
		if !is {
			return ""
		}
		seen := map[string]bool{}
		for decoder.More() {
			if open == '{' {
				key, _ := decoder.Token()
				word, _ := key.(string)
				if seen[word] {
					return word
				}
				seen[word] = true
			}
			if twice := walk(); twice != "" {
				return twice
			}
		}
		_, _ = decoder.Token()
		return ""
	}
	return walk()
}

func (p *problems) device(root map[string]any) {
	device, _ := root["device"].(map[string]any)
	p.keys(device, deviceKeys)
	ids, _ := device["identifiers"].([]any)
	if len(ids) == 0 {
		p.add("the device has no identifier")
	}
	for key, value := range device {
		if _, ok := value.(string); !ok && key != "identifiers" && key != "connections" {
			p.add("device.%s is no text", key)
		}
	}
	if name, _ := device["name"].(string); name == "" {
		p.add("the device has no name")
	}
	origin, _ := root["origin"].(map[string]any)
	p.keys(origin, originKeys)
	if name, _ := origin["name"].(string); name == "" {
		p.add("origin has no name")
	}
	for _, key := range []string{"state_topic", "command_topic"} {
		if _, ok := root[key]; ok {
			p.add("%s at the root is inherited by every component", key)
		}
	}
}

func (p *problems) availability(of map[string]any, root bool) {
	list, given := of["availability"]
	if !given {
		return
	}
	items, ok := list.([]any)
	if !ok || len(items) == 0 {
		p.add("availability is no list")
	}
	for _, item := range items {
		entry, _ := item.(map[string]any)
		p.keys(entry, words("topic payload_available payload_not_available value_template"))
		p.topic("availability", entry["topic"])
	}
	if mode := of["availability_mode"]; root && len(items) > 1 && mode != "all" {
		p.add("with two topics of availability the mode must be all, not %v", mode)
	}
	if _, both := of["availability_topic"]; both {
		p.add("availability and availability_topic exclude each other")
	}
}

func (p *problems) topic(key string, value any) {
	topic, ok := value.(string)
	if !ok || topic == "" || strings.ContainsAny(topic, "+#\x00") || strings.HasPrefix(topic, "$") || len(topic) > 65535 {
		p.add("%s %q is no topic to publish on", key, topic)
	}
}

func (p *problems) component(c Component) {
	rule, known := platforms[c.Platform()]
	if !known {
		p.add("the platform %q is not known: all of the message is refused", c.Platform())
		return
	}
	if c.Gone() {
		return
	}
	p.keys(c.Config, rule.keys)
	for _, key := range append([]string{"unique_id", "name"}, rule.required...) {
		if !c.has(key) {
			p.add("%s is missing", key)
		}
	}
	if !uniqueID.MatchString(c.UniqueID()) {
		p.add("the unique id %q has other characters than letters, digits, _ and -", c.UniqueID())
	}
	if id := c.text("default_entity_id"); c.has("default_entity_id") && (!entityID.MatchString(id) || !strings.HasPrefix(id, c.Platform()+".")) {
		p.add("default_entity_id %q is no entity id of this platform", id)
	}
	if device, _ := c.root["device"].(map[string]any); c.text("name") == "" || c.text("name") == device["name"] {
		p.add("the name %q says nothing beside the device's", c.text("name"))
	}
	if icon := c.text("icon"); c.has("icon") && !regexp.MustCompile(`^mdi:[a-z0-9-]+$`).MatchString(icon) {
		p.add("the icon %q is none", icon)
	}
	for key, value := range c.Config {
		switch {
		case strings.HasSuffix(key, "_topic"):
			p.topic(key, value)
		case strings.HasSuffix(key, "_template"):
			word, _ := value.(string)
			if _, err := parts(word); err != nil {
				p.add("%s: %v", key, err)
			}
		case strings.HasPrefix(key, "payload_"):
			if _, ok := value.(string); !ok && key != "payload_stop" {
				p.add("%s is no text", key)
			}
		}
	}
	if c.text("state_topic") != "" && c.text("command_topic") != "" && c.Platform() != "text" && c.Config["optimistic"] != false {
		p.add("optimistic must be false: the car decides")
	}
	if c.text("command_topic") != "" && c.Config["qos"] != int64(1) {
		p.add("commands need qos 1")
	}
	p.category(c)
	p.classes(c, rule)
	p.availability(c.Config, false)
	switch c.Platform() {
	case "number":
		p.number(c)
	case "climate":
		p.climate(c)
	case "cover":
		if stop, given := c.Config["payload_stop"]; !given || stop != nil {
			p.add("payload_stop must be null: a request to stop must not become one to close")
		}
	case "device_tracker":
		if c.text("source_type") != "gps" {
			p.add("source_type must be gps")
		}
	case "text":
		p.entry(c)
	case "select":
		if len(c.texts("options")) < 2 {
			p.add("there is nothing to choose from")
		}
	}
}

func (p *problems) category(c Component) {
	switch category := c.Config["entity_category"]; category {
	case nil, "diagnostic":
	case "config":
		if c.Platform() == "sensor" || c.Platform() == "binary_sensor" {
			p.add("a %s cannot have the category config", c.Platform())
		}
	default:
		p.add("the category %v is none", category)
	}
	if enabled, given := c.Config["enabled_by_default"]; given && enabled != false {
		p.add("enabled_by_default is true anyway")
	}
}

// classes judges device class, state class, unit and options together.
func (p *problems) classes(c Component, rule platform) {
	class, state, unit := c.text("device_class"), c.text("state_class"), c.text("unit_of_measurement")
	if c.has("device_class") && !rule.classes[class] {
		p.add("a %s has no device class %q", c.Platform(), class)
	}
	if c.Platform() != "sensor" {
		return
	}
	if c.has("state_class") && !allStateClasses[state] {
		p.add("the state class %q is none", state)
	}
	if allowed, limited := stateClasses[class]; limited && state != "" && !allowed[state] {
		p.add("the device class %s does not go with the state class %s", class, state)
	}
	if units := sensorUnits[class]; units != nil && !units[unit] {
		p.add("the device class %s has no unit %q", class, unit)
	}
	if unitless[class] && unit != "" {
		p.add("the device class %s has no unit, not %q", class, unit)
	}
	if options := c.texts("options"); (class == "enum") != (len(options) > 0) {
		p.add("options belong to the device class enum, and it to them")
	}
	if digits, given := c.Config["suggested_display_precision"]; given {
		if n, ok := digits.(int64); !ok || n < 0 || unit == "" {
			p.add("suggested_display_precision %v is none for the unit %q", digits, unit)
		}
	}
}

func (p *problems) number(c Component) {
	low, _ := c.number("min")
	high, _ := c.number("max")
	step, _ := c.number("step")
	if low >= high || step < 0.001 {
		p.add("from %v to %v in steps of %v nothing can be set", low, high, step)
	}
	if mode := c.text("mode"); mode != "slider" && mode != "box" && mode != "auto" {
		p.add("the mode %q is none", mode)
	}
}

// entry judges a text.
func (p *problems) entry(c Component) {
	if low, high := c.length(); low > high || high > maxState {
		p.add("a text cannot have %d to %d characters", low, high)
	}
	if _, err := regexp.Compile(c.text("pattern")); err != nil {
		p.add("the pattern is none: %v", err)
	}
	switch mode := c.text("mode"); mode {
	case "", "text":
	case "password":
		if c.text("state_topic") == "" {
			p.add("without a state_topic a secret that was entered is shown and recorded")
		}
	default:
		p.add("the mode %q is none", mode)
	}
}

func (p *problems) climate(c Component) {
	for _, mode := range c.texts("modes") {
		if !modes[mode] {
			p.add("the mode %q is none", mode)
		}
	}
	if c.has("preset_modes") != c.has("preset_mode_command_topic") || slices.Contains(c.texts("preset_modes"), noPreset) {
		p.add("preset_modes need a topic for commands, and none may not be one of them")
	}
	low, _ := c.number("min_temp")
	high, _ := c.number("max_temp")
	precision, _ := c.number("precision")
	if low >= high || !slices.Contains([]float64{0.1, 0.5, 1}, precision) {
		p.add("temperatures from %v to %v with precision %v", low, high, precision)
	}
	if unit := c.text("temperature_unit"); unit != "C" && unit != "F" {
		p.add("the unit %q is none", unit)
	}
	if c.Config["optimistic"] != false {
		p.add("optimistic must be false: the car decides")
	}
}
