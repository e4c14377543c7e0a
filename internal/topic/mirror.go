package topic

import "encoding/json"

// mirror is the segment below a car's under which its data stand once more without their envelopes.
const mirror = "value/"

// Mirrored is the ending of the topic that mirrors the one with this suffix.
func Mirrored(suffix string) string { return mirror + suffix }

// Mirror is an enveloped message once more as the bare value, for readers that know no JSON: a number, true or false, a text
// without quotes, null while unknown. Of a window and a seat it is the value in their object; lists and other objects stay
// JSON. An empty text is "" in quotes: an empty payload would make the broker forget the topic.
func Mirror(m Message) Message {
	return Message{Suffix: Mirrored(m.Suffix), Payload: bare(m.Payload), Retain: m.Retain}
}

// bare is the value in an object that has one, else the payload itself.
func bare(payload []byte) []byte {
	switch payload[0] {
	case '{':
		var envelope struct {
			Value json.RawMessage `json:"value"`
		}
		if json.Unmarshal(payload, &envelope) == nil && envelope.Value != nil {
			return bare(envelope.Value)
		}
	case '"':
		var text string
		if json.Unmarshal(payload, &text) == nil && text != "" {
			return []byte(text)
		}
	}
	return payload
}
