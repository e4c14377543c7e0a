package vehicle

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Command is something that a person or a program asks of a car. The set is closed: each command is a struct in a file
// command_*.go with its row in [Commands].
type Command interface {
	Spec() *Spec
	command()
}

// Spec is a row of the catalogue of commands. Every front (topics, CLI, pages, tables) ranges over the catalogue.
type Spec struct {
	Name    string // as the CLI and REST spell it
	Topic   string // last segment of the command topic
	Meaning string // one line for tables
	Plain   string // the plain words it takes, for errors and tables; empty when only JSON is taken
	Keys    []string
	Wakes   func(Command) bool // whether this one may wake the car
	Limit   time.Duration      // until it counts as timed out, from sending

	// Decode reads the arguments: either one plain word or the JSON keys of the row. Its error says what to do.
	Decode func(Arguments) (Command, error)
}

// Arguments are what a sender gave: a plain word, or the members of a JSON object without those of [Request].
type Arguments struct {
	Word string // lower case, trimmed; empty for JSON
	Keys map[string]json.RawMessage
}

// Commands is every command once. It must not be changed.
func Commands() []*Spec { return []*Spec{refreshSpec} }

// CommandByTopic finds a row by the last segment of its topic.
func CommandByTopic(segment string) (*Spec, bool) {
	for _, spec := range Commands() {
		if spec.Topic == segment {
			return spec, true
		}
	}
	return nil, false
}

// Request is a command with what its sender said about it.
type Request struct {
	Command Command
	ID      string    // 1–64 of [A-Za-z0-9_-]; empty when the sender gave none
	Expires time.Time // zero when the sender gave none
	Source  string    // free text of the sender, for logs
}

// requestKeys are the JSON keys that every command takes.
var requestKeys = []string{"id", "expires_at", "source"}

// maxPayload bounds what is read of one command; the longest honest one, a list of destinations, is far below.
const maxPayload = 64 << 10

// ErrInvalid is what every refusal of a payload wraps.
var ErrInvalid = errors.New("invalid payload")

// DecodeRequest reads a payload: a plain word, or a JSON object with the keys of the row and of every command. The error
// wraps [ErrInvalid] and says what would be accepted; the request then still carries the id, when that could be read.
func DecodeRequest(spec *Spec, payload []byte) (Request, error) {
	text := bytes.TrimSpace(payload)
	if len(text) > maxPayload {
		return Request{}, fmt.Errorf("%w: %d bytes are too many, at most %d", ErrInvalid, len(text), maxPayload)
	}
	if len(text) == 0 {
		return Request{}, fmt.Errorf("%w: empty; send %s", ErrInvalid, spec.usage())
	}
	var request Request
	arguments := Arguments{}
	if text[0] == '{' {
		members, err := decodeObject(text)
		if err != nil {
			return Request{}, fmt.Errorf("%w: %w; send %s", ErrInvalid, err, spec.usage())
		}
		if request, err = takeRequest(members); err != nil {
			return request, fmt.Errorf("%w: %w", ErrInvalid, err)
		}
		for key := range members {
			if !slices.Contains(spec.Keys, key) {
				known := strings.Join(slices.Concat(spec.Keys, requestKeys), ", ")
				return request, fmt.Errorf("%w: key %.64q is not known; known are %s", ErrInvalid, key, known)
			}
		}
		arguments.Keys = members
	} else {
		arguments.Word = strings.ToLower(string(text))
	}
	command, err := spec.Decode(arguments)
	if err != nil {
		return request, fmt.Errorf("%w: %w; send %s", ErrInvalid, err, spec.usage())
	}
	request.Command = command
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

func (s *Spec) usage() string {
	if s.Plain == "" {
		return "a JSON object with " + strings.Join(s.Keys, ", ")
	}
	return s.Plain + " or a JSON object with " + strings.Join(s.Keys, ", ")
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
