package vehicle

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ParseLine reads a command as people type it: its name, then nothing, one plain word, or keys with values, such as
// "climate-start set_temp=21.5 defrost=true". The request's payload means the same on MQTT.
func ParseLine(words ...string) (Request, error) {
	if len(words) == 0 {
		return Request{}, fmt.Errorf("%w: no command", ErrInvalid)
	}
	spec, ok := CommandByName(words[0])
	if !ok {
		return Request{}, fmt.Errorf("%w: %.64q is none of %s", ErrUnknownCommand, words[0], strings.Join(names(), ", "))
	}
	payload, err := linePayload(spec, words[1:])
	if err != nil {
		return Request{}, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return DecodeRequest(spec.Topic, payload)
}

func linePayload(spec *Spec, words []string) ([]byte, error) {
	switch {
	case len(words) == 0 && len(spec.Words) > 0:
		return []byte(spec.Words[0]), nil
	case len(words) == 1 && !strings.Contains(words[0], "="):
		if len(spec.Words) > 0 && !slices.Contains(spec.Words, strings.ToLower(words[0])) {
			return nil, fmt.Errorf("%s takes no %.64q", spec.Name, words[0]) // another command of the same topic perhaps
		}
		return []byte(words[0]), nil
	}
	members := map[string]json.RawMessage{}
	if len(spec.Words) > 0 {
		members[action] = quoted(spec.Words[0])
	}
	for _, word := range words {
		key, text, ok := strings.Cut(word, "=")
		if !ok {
			return nil, fmt.Errorf("%.64q is not key=value", word)
		}
		if _, twice := members[key]; twice {
			return nil, fmt.Errorf("%.64q is given twice", key)
		}
		members[key] = spec.typed(key, text)
	}
	payload, err := json.Marshal(members)
	if err != nil {
		return nil, errors.New("the values cannot be written as JSON")
	}
	return payload, nil
}

// typed is a value as it was typed: a number, true, false, a list or an object where the key takes one, else a text.
func (s *Spec) typed(key, text string) json.RawMessage {
	at := slices.IndexFunc(s.Fields, func(f Field) bool { return f.Key == key })
	plain := slices.Contains(requestKeys, key) || at >= 0 && (s.Fields[at].Kind == FieldText || s.Fields[at].Kind == FieldWord)
	if !plain && json.Valid([]byte(text)) {
		return json.RawMessage(text)
	}
	return quoted(text)
}

func quoted(text string) json.RawMessage {
	raw, _ := json.Marshal(text) // a text cannot fail
	return raw
}

func names() []string {
	all := make([]string, len(commands))
	for i, spec := range commands {
		all[i] = spec.Name
	}
	return all
}
