package vehicle

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"
)

// Request is a command with what its sender said about it.
type Request struct {
	Command Command
	ID      string    // 1–64 of [A-Za-z0-9_-]; empty when the sender gave none
	Expires time.Time // zero when the sender gave none
	Source  string    // free text of the sender, for logs

	// What DecodeRequest has read it from, so that it can be kept and read again; empty of a request made otherwise.
	Topic   string
	Payload []byte
}

// requestKeys are the JSON keys that every command takes, and action the one that chooses among those of a topic.
var requestKeys = []string{"id", "expires_at", "source"}

const action = "action"

// maxPayload bounds what is read of one command; the longest honest one, a list of destinations, is far below.
const maxPayload = 64 << 10

// The refusals of a payload. Every other one wraps ErrInvalid too.
var (
	ErrInvalid        = errors.New("invalid payload")
	ErrUnknownCommand = errors.New("there is no such command")
)

// DecodeRequest reads the payload of a command topic: a plain word or number, or a JSON object with the keys of the
// command and of every command. The error wraps [ErrInvalid] and says what would be accepted; the request then still
// carries the id, when that could be read. A topic that takes no commands is [ErrUnknownCommand].
func DecodeRequest(topic string, payload []byte) (Request, error) {
	request, err := decodeRequest(topic, payload)
	if err == nil {
		request.Topic, request.Payload = topic, payload
	}
	return request, err
}

func decodeRequest(topic string, payload []byte) (Request, error) {
	specs, key := rowsOf(topic)
	if len(specs) == 0 {
		return Request{}, fmt.Errorf("%w as %.64q; there are %s", ErrUnknownCommand, topic, strings.Join(CommandTopics(), ", "))
	}
	refuse := func(r Request, err error) (Request, error) {
		return r, fmt.Errorf("%w: %w; send %s", ErrInvalid, err, usage(specs, key))
	}
	text := bytes.TrimSpace(payload)
	switch {
	case len(text) > maxPayload:
		return refuse(Request{}, fmt.Errorf("%d bytes are too many, at most %d", len(text), maxPayload))
	case len(text) == 0:
		return refuse(Request{}, errors.New("empty"))
	case text[0] != '{':
		command, err := decodePlain(specs, key, string(text))
		if err != nil {
			return refuse(Request{}, err)
		}
		return Request{Command: command}, nil
	}
	members, err := decodeObject(text)
	if err != nil {
		return refuse(Request{}, err)
	}
	request, err := takeRequest(members)
	if err != nil {
		return refuse(request, err)
	}
	spec, err := chooseByAction(specs, members)
	if err != nil {
		return refuse(request, err)
	}
	if spec.idMeans != "" && request.ID != "" {
		members[spec.idMeans], request.ID = spec.field(spec.idMeans).plainJSON(request.ID), ""
	}
	values, err := spec.values(members)
	if err != nil {
		return refuse(request, err)
	}
	if request.Command, err = spec.build(values); err != nil {
		return refuse(request, err)
	}
	return request, nil
}

// ValidID tells whether a sender's id can stand in a topic.
func ValidID(id string) bool {
	if len(id) < 1 || len(id) > 64 {
		return false
	}
	for _, c := range []byte(id) {
		word := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-'
		if !word {
			return false
		}
	}
	return true
}

// rowsOf gives the commands of a topic, and the key that a plain payload sets when the topic is a shortcut.
func rowsOf(topic string) (specs []*Spec, key string) {
	for _, spec := range commands {
		if spec.Topic == topic {
			specs = append(specs, spec)
		}
		for _, s := range spec.Shortcuts {
			if s.Topic == topic {
				return []*Spec{spec}, s.Key
			}
		}
	}
	return specs, ""
}

// decodePlain reads a plain payload: a word of one of the commands, else the value of the one key that may be plain.
func decodePlain(specs []*Spec, key, text string) (Command, error) {
	word := strings.ToLower(text)
	for _, spec := range specs {
		if key == "" && slices.Contains(spec.Words, word) {
			return spec.build(Values{})
		}
	}
	for _, spec := range specs {
		plain := key
		if plain == "" {
			plain = spec.Plain
		}
		if plain != "" {
			values, err := spec.values(map[string]json.RawMessage{plain: spec.field(plain).plainJSON(text)})
			if err != nil {
				return nil, err
			}
			return spec.build(values)
		}
		if spec.plain != nil {
			values, err := spec.plain(word)
			if err != nil {
				return nil, err
			}
			return spec.build(values)
		}
	}
	return nil, fmt.Errorf("%.64q means nothing here", text)
}

// plainJSON is a plain payload as JSON of the kind that the field wants.
func (f *Field) plainJSON(text string) json.RawMessage {
	if f.Kind == FieldNumber && json.Valid([]byte(text)) {
		return json.RawMessage(text)
	}
	quoted, _ := json.Marshal(text) // a string cannot fail
	return quoted
}

// chooseByAction finds the command that the key "action" names, and takes the key away. Where only one command without
// words has the topic there is nothing to choose.
func chooseByAction(specs []*Spec, members map[string]json.RawMessage) (*Spec, error) {
	if len(specs) == 1 && len(specs[0].Words) == 0 {
		return specs[0], nil
	}
	raw, given := members[action]
	if !given {
		return nil, errors.New("the key action is missing")
	}
	var word string
	if json.Unmarshal(raw, &word) != nil {
		return nil, errors.New("action must be a text")
	}
	delete(members, action)
	for _, spec := range specs {
		if slices.Contains(spec.Words, strings.ToLower(word)) {
			return spec, nil
		}
	}
	return nil, fmt.Errorf("action %.64q is not known", word)
}

// Values are the checked values of a command's keys.
type Values map[string]any

func (v Values) flag(key string) Optional[bool] {
	b, ok := v[key].(bool)
	return Optional[bool]{b, ok}
}

func (v Values) number(key string) Optional[float64] {
	f, ok := v[key].(float64)
	return Optional[float64]{f, ok}
}

func (v Values) whole(key string) Optional[int] {
	f, ok := v[key].(float64)
	return Optional[int]{int(f), ok}
}

func (v Values) text(key string) string {
	s, _ := v[key].(string)
	return s
}

// values checks the members of a JSON object against the row's fields. A null counts as not given.
func (s *Spec) values(members map[string]json.RawMessage) (Values, error) {
	values := Values{}
	for key, raw := range members {
		at := slices.IndexFunc(s.Fields, func(f Field) bool { return f.Key == key })
		if at < 0 {
			return nil, fmt.Errorf("key %.64q is not known; known are %s", key, strings.Join(s.known(), ", "))
		}
		if string(raw) == "null" {
			continue
		}
		value, err := s.Fields[at].value(raw)
		if err != nil {
			return nil, err
		}
		values[key] = value
	}
	for _, f := range s.Fields {
		if _, given := values[f.Key]; f.Required && !given {
			return nil, fmt.Errorf("the key %s is missing", f.Key)
		}
	}
	return values, nil
}

// field finds a field of the row that the row itself names.
func (s *Spec) field(key string) *Field {
	return &s.Fields[slices.IndexFunc(s.Fields, func(f Field) bool { return f.Key == key })]
}

// known are the keys that a command takes.
func (s *Spec) known() []string {
	var keys []string
	if len(s.Words) > 0 {
		keys = append(keys, action)
	}
	for _, f := range s.Fields {
		keys = append(keys, f.Key)
	}
	return append(keys, requestKeys...)
}

// value checks one value.
func (f *Field) value(raw json.RawMessage) (any, error) {
	switch f.Kind {
	case FieldFlag:
		var flag bool
		if json.Unmarshal(raw, &flag) != nil {
			return nil, fmt.Errorf("%s must be true or false", f.Key)
		}
		return flag, nil
	case FieldNumber:
		var number float64
		if json.Unmarshal(raw, &number) != nil || !f.fits(number) {
			return nil, fmt.Errorf("%s must be %s", f.Key, f.Range())
		}
		return number, nil
	case FieldWord:
		var word string
		if json.Unmarshal(raw, &word) != nil || !slices.Contains(f.Words, strings.ToLower(word)) {
			return nil, fmt.Errorf("%s cannot be %.64s; it must be one of %s", f.Key, raw, strings.Join(f.Words, ", "))
		}
		return strings.ToLower(word), nil
	case FieldText:
		var text string
		if json.Unmarshal(raw, &text) != nil || text == "" || len(text) > 256 {
			return nil, fmt.Errorf("%s must be a text of 1 to 256 bytes", f.Key)
		}
		return text, nil
	case FieldObject:
	}
	return raw, nil
}

func (f *Field) fits(number float64) bool {
	if number < f.Min || number > f.Max {
		return false
	}
	if f.Step == 0 {
		return true
	}
	steps := (number - f.Min) / f.Step
	return math.Abs(steps-math.Round(steps)) < 1e-9
}

// Range says which numbers a field takes: "50 to 100 in steps of 10 %".
func (f *Field) Range() string {
	text := fmt.Sprintf("%g to %g", f.Min, f.Max)
	if f.Step != 0 && f.Step != 1 {
		text += fmt.Sprintf(" in steps of %g", f.Step)
	} else if f.Step == 1 {
		text = "a whole number, " + text
	}
	if f.Unit != NoUnit {
		text += " " + f.Unit.String()
	}
	return text
}

// Usage says what the command's topic takes, for errors and tables.
func (s *Spec) Usage() string { return usage([]*Spec{s}, "") }

func usage(specs []*Spec, key string) string {
	var plain, objects []string
	for _, s := range specs {
		if key == "" {
			plain = append(plain, s.Words...)
		}
		set := key
		if set == "" {
			set = s.Plain
		}
		for _, f := range s.Fields {
			if f.Key == set && set != "" {
				plain = append(plain, f.Describe())
			}
		}
		if s.plain != nil {
			plain = append(plain, s.plainForm)
		}
		objects = append(objects, strings.Join(s.known()[:len(s.known())-len(requestKeys)], ", "))
	}
	object := "a JSON object with " + strings.Join(slices.Compact(objects), "; or ")
	if len(plain) == 0 {
		return object
	}
	return strings.Join(slices.Compact(plain), ", ") + ", or " + object
}

// Describe says which values a field takes.
func (f *Field) Describe() string {
	switch f.Kind {
	case FieldNumber:
		return f.Range()
	case FieldWord:
		return strings.Join(f.Words, ", ")
	case FieldFlag:
		return "true, false"
	case FieldText:
		return "text"
	case FieldObject:
	}
	return "JSON"
}

func decodeObject(text []byte) (map[string]json.RawMessage, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	var members map[string]json.RawMessage
	if err := decoder.Decode(&members); err != nil {
		return nil, errors.New("not a JSON object")
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the JSON object")
	}
	return members, nil
}

// takeRequest reads the members that every command takes and removes them.
func takeRequest(members map[string]json.RawMessage) (request Request, err error) {
	if raw, ok := members["id"]; ok {
		var id string
		if json.Unmarshal(raw, &id) != nil || !ValidID(id) {
			return request, errors.New("id must be a text of 1 to 64 of A-Z, a-z, 0-9, _ and -")
		}
		request.ID = id
	}
	if raw, ok := members["expires_at"]; ok {
		if json.Unmarshal(raw, &request.Expires) != nil || request.Expires.IsZero() {
			return request, errors.New(`expires_at must be a time such as "2026-01-05T07:30:00Z"`)
		}
	}
	if raw, ok := members["source"]; ok {
		if json.Unmarshal(raw, &request.Source) != nil || len(request.Source) > 256 {
			return request, errors.New("source must be a text of at most 256 bytes")
		}
	}
	for _, key := range requestKeys {
		delete(members, key)
	}
	return request, nil
}
