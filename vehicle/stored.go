package vehicle

import (
	"encoding/json"
	"fmt"
	"time"
)

// storedState and its parts are the form in which a state lies in the store. Times are microseconds since 1970.
type storedState struct {
	Fetched  time.Time                `json:"fetched_at"`
	Readings map[string]storedReading `json:"readings"`
	Doubts   map[string]storedDoubt   `json:"doubts,omitempty"`
	Ahead    []storedMoment           `json:"ahead,omitempty"`
}

type storedReading struct {
	Value    json.RawMessage `json:"value,omitempty"`
	Last     json.RawMessage `json:"last,omitempty"` // only where it differs from Value
	Reported int64           `json:"reported,omitempty"`
	Seen     int64           `json:"seen,omitempty"`
	Fetched  int64           `json:"fetched,omitempty"`
}

type storedDoubt struct {
	Value    json.RawMessage `json:"value"`
	Reported int64           `json:"reported"`
}

type storedMoment struct {
	Claimed int64 `json:"claimed"`
	Seen    int64 `json:"seen"`
}

// MarshalJSON writes the form for the store.
func (s State) MarshalJSON() ([]byte, error) {
	stored := storedState{Fetched: s.fetched, Readings: make(map[string]storedReading, len(s.readings))}
	for i := range s.readings {
		r := &s.readings[i]
		key := rows[r.row].Key
		entry := storedReading{Reported: r.reported, Seen: r.seen, Fetched: r.fetched}
		text, err := json.Marshal(r.good)
		if err != nil {
			return nil, fmt.Errorf("encode %s: %w", key, err)
		}
		if r.known {
			entry.Value = text
		} else {
			entry.Last = text
		}
		stored.Readings[key] = entry
	}
	for _, d := range s.doubts {
		text, err := json.Marshal(d.value)
		if err != nil {
			return nil, fmt.Errorf("encode the doubt about %s: %w", d.datum.Key, err)
		}
		if stored.Doubts == nil {
			stored.Doubts = map[string]storedDoubt{}
		}
		stored.Doubts[d.datum.Key] = storedDoubt{text, d.reported}
	}
	for _, m := range s.ahead {
		stored.Ahead = append(stored.Ahead, storedMoment{m.claimed, m.seen})
	}
	return json.Marshal(stored)
}

// UnmarshalJSON reads the form of the store. A data point of another version of the catalogue, or one that cannot be
// read, is left out: the next report brings it again.
func (s *State) UnmarshalJSON(text []byte) error {
	var stored storedState
	if err := json.Unmarshal(text, &stored); err != nil {
		return err
	}
	next := State{fetched: stored.Fetched, readings: make([]reading, 0, len(stored.Readings))}
	for _, d := range rows {
		entry, ok := stored.Readings[d.Key]
		if !ok {
			continue
		}
		r := reading{row: d.index, reported: entry.Reported, seen: entry.Seen, fetched: entry.Fetched, known: entry.Value != nil}
		if !r.known {
			entry.Value = entry.Last
		}
		var err error
		if r.good, err = d.codec(entry.Value); err != nil {
			continue
		}
		next.readings = append(next.readings, r)
		if doubted, ok := stored.Doubts[d.Key]; ok {
			if value, err := d.codec(doubted.Value); err == nil {
				next.doubts = append(next.doubts, doubt{d, value, doubted.Reported})
			}
		}
	}
	for _, m := range stored.Ahead {
		next.ahead = append(next.ahead, moment{m.Claimed, m.Seen})
	}
	*s = next
	return nil
}
