package topic

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// Code says whether an account waits for a one-time code, and how it can be had.
type Code struct {
	Required bool
	Methods  []Destination // that the cloud offers
	Since    time.Time     // when it was demanded
	Sent     string        // the method by which one was sent last; empty when none was
	SentAt   time.Time
	Left     int            // codes that may still be entered for the one that was sent
	Message  string         // what a person should do next; empty when nothing is to be done
	Reason   vehicle.Reason // why what was asked last did not work; empty when it did
}

// Destination is where a cloud can send a code.
type Destination struct {
	Method string `json:"method"` // email or sms
	To     string `json:"to"`     // masked
}

// Payload is what [Tree.AccountCode] says.
func (c Code) Payload() []byte {
	var left *int
	if c.Sent != "" {
		left = &c.Left
	}
	return encode(struct {
		Required bool          `json:"required"`
		Methods  []Destination `json:"methods"`
		Since    *moment       `json:"since"`
		Sent     *string       `json:"sent"`
		SentAt   *moment       `json:"sent_at"`
		Left     *int          `json:"tries_left"`
		Message  *string       `json:"message"`
		Reason   *string       `json:"reason"`
	}{
		c.Required, append([]Destination{}, c.Methods...), momentOf(c.Since), orNull(c.Sent), momentOf(c.SentAt), left, orNull(c.Message),
		orNull(c.Reason),
	})
}

// maxCodeWord bounds what an account is told.
const maxCodeWord = 64

// ParseCodeWord reads what an account is told on code/method or code/set: a plain word, or a JSON object with the key
// "method" or "code". The error names neither, as a code is a secret.
func ParseCodeWord(verb AccountVerb, payload []byte) (string, error) {
	key := map[AccountVerb]string{CodeMethod: "method", CodeSet: "code"}[verb]
	text := strings.TrimSpace(string(payload))
	if strings.HasPrefix(text, "{") {
		var object map[string]any
		decoder := json.NewDecoder(bytes.NewReader(payload))
		decoder.UseNumber() // a code may begin with 0, and is a text then
		if err := decoder.Decode(&object); err != nil || len(object) != 1 || object[key] == nil {
			return "", fmt.Errorf(`give it as plain text, or as {"%s": "…"}`, key)
		}
		text = strings.TrimSpace(fmt.Sprint(object[key]))
	}
	switch {
	case text == "":
		return "", errors.New("it is empty")
	case len(text) > maxCodeWord:
		return "", fmt.Errorf("it is longer than %d bytes", maxCodeWord)
	case verb == CodeMethod:
		return strings.ToLower(text), nil
	}
	return text, nil
}
