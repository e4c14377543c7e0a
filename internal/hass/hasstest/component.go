package hasstest

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// unknown is the state of an entity of which nothing is known.
const unknown = "unknown"

// maxState is how many characters a state has at most.
const maxState = 255

// noPreset is the preset that a climate entity has besides those that it is given, before all others.
const noPreset = "none"

// reading is a topic that an entity reads, its template, and what its result means.
type reading struct {
	key, template string
	understand    func(c Component, result string) (string, error)
}

// errIgnored tells that a result changes nothing, without a word in the log: the entity shows what it has shown.
var errIgnored = errors.New("it is ignored: the state stays")

// lenient ignores an empty result. Most platforms do, but not all: a text is empty then, and attributes are no JSON.
func lenient(understand func(Component, string) (string, error)) func(Component, string) (string, error) {
	return func(c Component, result string) (string, error) {
		if result == "" {
			return "", errIgnored
		}
		return understand(c, result)
	}
}

// readings are all topics that an entity of this platform may read.
func (c Component) readings() []reading {
	state := reading{"state_topic", "value_template", nil}
	all := []reading{{"json_attributes_topic", "json_attributes_template", attributes}}
	switch c.Platform() {
	case "sensor":
		state.understand = sensorState
	case "binary_sensor":
		state.understand = lenient(words2("payload_on", "ON", "on", "payload_off", "OFF", "off"))
	case "switch":
		state.understand = lenient(words2("state_on", c.or("payload_on", "ON"), "on", "state_off", c.or("payload_off", "OFF"), "off"))
	case "lock":
		state.understand = lenient(lockState)
	case "cover":
		state.understand = lenient(words2("state_open", "open", "open", "state_closed", "closed", "closed"))
	case "number":
		state.understand = lenient(numberState)
	case "select":
		state.understand = lenient(optionState)
	case "text":
		state.understand = textState
	case "time":
		state.understand = lenient(timeState)
	case "event":
		state.understand = lenient(eventState)
	case "update":
		state.understand = lenient(updateState)
	case "climate":
		return append(all,
			reading{"mode_state_topic", "mode_state_template", lenient(oneOf("modes", nil))},
			reading{"temperature_state_topic", "temperature_state_template", lenient(numeric)},
			reading{"current_temperature_topic", "current_temperature_template", lenient(numeric)},
			reading{"preset_mode_state_topic", "preset_mode_value_template", lenient(presetState)})
	case "device_tracker":
		all[0].understand = position
		return all
	}
	return append(all, state)
}

func (c Component) or(key, otherwise string) string {
	if c.has(key) {
		return c.text(key)
	}
	return otherwise
}

// Topics are those that the entity reads.
func (c Component) Topics() (all []string) {
	for _, r := range c.readings() {
		if topic := c.text(r.key); topic != "" && !slices.Contains(all, topic) {
			all = append(all, topic)
		}
	}
	return all
}

// Understand makes of a message what the entity shows of it, by the key of the topic. What Home Assistant would complain
// of in its log is an error.
func (c Component) Understand(topic string, payload []byte) (map[string]string, error) {
	shows := map[string]string{}
	for _, r := range c.readings() {
		if c.text(r.key) != topic || len(payload) == 0 {
			continue
		}
		result, err := Render(c.text(r.template), payload)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.ID, err)
		}
		switch shown, err := r.understand(c, result); {
		case err == nil:
			shows[r.key] = shown
		case !errors.Is(err, errIgnored):
			return nil, fmt.Errorf("%s (%s) reads %q from %s: %w", c.ID, c.Platform(), result, payload, err)
		}
	}
	return shows, nil
}

func words2(on, onDefault, onState, off, offDefault, offState string) func(Component, string) (string, error) {
	return func(c Component, result string) (string, error) {
		switch result {
		case c.or(on, onDefault):
			return onState, nil
		case c.or(off, offDefault):
			return offState, nil
		case "None":
			return unknown, nil
		}
		return "", fmt.Errorf("it is neither %q nor %q", c.or(on, onDefault), c.or(off, offDefault))
	}
}

func lockState(c Component, result string) (string, error) {
	for _, state := range []string{"locked", "unlocked", "locking", "unlocking", "jammed"} {
		if result == c.or("state_"+state, strings.ToUpper(state)) {
			return state, nil
		}
	}
	if result == "None" {
		return unknown, nil
	}
	return "", fmt.Errorf("it is no state of a lock")
}

func sensorState(c Component, result string) (string, error) {
	class := c.text("device_class")
	switch {
	case result == "None":
		return unknown, nil
	case class == "enum":
		if !slices.Contains(c.texts("options"), result) {
			return "", fmt.Errorf("it is none of %v", c.texts("options"))
		}
	case class == "timestamp":
		at, err := time.Parse(time.RFC3339, result)
		if err != nil {
			return "", fmt.Errorf("it is no time with a zone: %w", err)
		}
		if at.Year() < 1990 {
			return "", errors.New("no car has seen that time")
		}
	case c.has("state_class") || c.has("unit_of_measurement") || c.has("suggested_display_precision") || class != "":
		if result == "" {
			return "", errIgnored
		}
		if _, err := strconv.ParseFloat(result, 64); err != nil {
			return "", fmt.Errorf("it is no number")
		}
	case len(result) > maxState:
		return "", fmt.Errorf("it has %d characters, more than %d", len(result), maxState)
	}
	return result, nil
}

func numeric(_ Component, result string) (string, error) {
	if result == "None" {
		return unknown, nil
	}
	if _, err := strconv.ParseFloat(result, 64); err != nil {
		return "", fmt.Errorf("it is no number")
	}
	return result, nil
}

func numberState(c Component, result string) (string, error) {
	if result == "None" {
		return unknown, nil
	}
	n, err := strconv.ParseFloat(result, 64)
	low, _ := c.number("min")
	high, _ := c.number("max")
	if err != nil || n < low || n > high {
		return "", fmt.Errorf("it is no number from %v to %v", low, high)
	}
	return result, nil
}

func oneOf(key string, more []string) func(Component, string) (string, error) {
	return func(c Component, result string) (string, error) {
		if result == "None" {
			return unknown, nil
		}
		if !slices.Contains(append(more, c.texts(key)...), result) {
			return "", fmt.Errorf("it is none of %v", c.texts(key))
		}
		return result, nil
	}
}

func presetState(c Component, result string) (string, error) {
	if result == "None" {
		return noPreset, nil
	}
	return oneOf("preset_modes", []string{noPreset})(c, result)
}

func optionState(c Component, result string) (string, error) { return oneOf("options", nil)(c, result) }

func timeState(_ Component, result string) (string, error) {
	if result == "None" {
		return unknown, nil
	}
	_, err := time.Parse(time.TimeOnly, result)
	return result, err
}

func attributes(_ Component, result string) (string, error) {
	value, err := decode([]byte(result))
	if err != nil {
		return "", fmt.Errorf("attributes are no JSON: %w", err)
	}
	if _, ok := value.(map[string]any); !ok {
		return "", errors.New("attributes are no object")
	}
	return result, nil
}

// textState is what a text shows: it must fit what may be entered. No word makes it unknown again.
func textState(c Component, result string) (string, error) { return result, c.fits(result) }

// fits tells why a text can be neither entered nor shown.
func (c Component) fits(entry string) error {
	low, high := c.length()
	if n := utf8.RuneCountInString(entry); n < low || n > high {
		return fmt.Errorf("%q has %d characters, not %d to %d", entry, n, low, high)
	}
	if pattern, err := regexp.Compile("^(?:" + c.text("pattern") + ")"); err != nil || !pattern.MatchString(entry) {
		return fmt.Errorf("%q does not match %s", entry, c.text("pattern"))
	}
	return nil
}

// length is how many characters a text may have.
func (c Component) length() (low, high int) {
	low, high = 0, maxState
	if n, given := c.number("min"); given {
		low = int(n)
	}
	if n, given := c.number("max"); given {
		high = int(n)
	}
	return low, high
}

// position is what a tracker shows: where it is. Attributes that say nothing of that leave it where it was.
func position(c Component, result string) (string, error) {
	if _, err := attributes(c, result); err != nil {
		return "", err
	}
	value, _ := decode([]byte(result))
	members, _ := value.(map[string]any)
	_, lat := members["latitude"]
	_, lon := members["longitude"]
	if zones, in := members["in_zones"]; in && !lat && !lon {
		if _, list := zones.([]any); !list {
			return "", errors.New("in_zones is no list")
		}
		return text(zones), nil
	}
	if !lat && !lon {
		return "", errIgnored
	}
	north, ok := number(members["latitude"])
	east, too := number(members["longitude"])
	if !ok || !too || north < -90 || north > 90 || east < -180 || east > 180 {
		return "", fmt.Errorf("half a position resets the tracker with a warning")
	}
	return fmt.Sprintf("%.4f,%.4f", north, east), nil
}

func eventState(c Component, result string) (string, error) {
	if result == "None" || result == "{}" {
		return "", errIgnored
	}
	value, err := decode([]byte(result))
	members, ok := value.(map[string]any)
	if err != nil || !ok {
		return "", fmt.Errorf("an event must be a JSON object")
	}
	kind, _ := members["event_type"].(string)
	if !slices.Contains(c.texts("event_types"), kind) {
		return "", fmt.Errorf("the event type %q is none of %v", kind, c.texts("event_types"))
	}
	return kind, nil
}

func updateState(_ Component, result string) (string, error) {
	value, err := decode([]byte(result))
	members, ok := value.(map[string]any)
	if err != nil || !ok {
		return "", fmt.Errorf("it is no JSON object")
	}
	installed, _ := members["installed_version"].(string)
	latest, _ := members["latest_version"].(string)
	if installed == "" || latest == "" {
		return "", fmt.Errorf("both versions must be told")
	}
	if installed == latest {
		return "off", nil
	}
	return "on", nil
}

// Sent is what an entity can send.
type Sent struct {
	Topic, Payload string
}

// Sends is everything that a person can make the entity send: all choices, and of numbers the ends and all steps.
func (c Component) Sends() (all []Sent, err error) {
	send := func(topicKey, templateKey string, values ...any) {
		topic := c.text(topicKey)
		if topic == "" {
			return
		}
		for _, v := range values {
			payload, failure := RenderCommand(c.text(templateKey), v)
			if failure != nil {
				err = failure
				return
			}
			all = append(all, Sent{topic, payload})
		}
	}
	plain := func(values ...string) {
		for _, v := range values {
			send("command_topic", "command_template", v)
		}
	}
	switch c.Platform() {
	case "switch":
		plain(c.or("payload_on", "ON"), c.or("payload_off", "OFF"))
	case "lock":
		plain(c.or("payload_lock", "LOCK"), c.or("payload_unlock", "UNLOCK"))
	case "cover":
		plain(c.or("payload_open", "OPEN"), c.or("payload_close", "CLOSE"))
	case "button":
		plain(c.or("payload_press", "PRESS"))
	case "select":
		plain(c.texts("options")...)
	case "time":
		plain("07:10:00", "00:00:00", "23:59:00")
	case "text":
		for _, entry := range []string{"", "0", "1, 2", "1,2,3", "0,1,2,3,4,5,6", "123456"} {
			if c.fits(entry) == nil {
				plain(entry)
			}
		}
	case "number":
		send("command_topic", "command_template", steps(c, "min", "max", "step")...)
	case "climate":
		for _, mode := range c.texts("modes") {
			send("mode_command_topic", "mode_command_template", mode)
		}
		send("temperature_command_topic", "temperature_command_template", steps(c, "min_temp", "max_temp", "temp_step")...)
		presets := c.texts("preset_modes")
		if len(presets) > 0 {
			presets = append([]string{noPreset}, presets...)
		}
		for _, preset := range presets {
			send("preset_mode_command_topic", "preset_mode_command_template", preset)
		}
	}
	return all, err
}

// steps are the numbers that a slider can stand at; whole ones are sent without decimals, but for temperatures.
func steps(c Component, low, high, step string) (all []any) {
	from, _ := c.number(low)
	to, _ := c.number(high)
	by, _ := c.number(step)
	for n := 0; ; n++ {
		v := from + float64(n)*by
		switch {
		case v > to:
			return all
		case v == float64(int64(v)) && c.Platform() == "number":
			all = append(all, int64(v))
		default:
			all = append(all, v)
		}
	}
}
