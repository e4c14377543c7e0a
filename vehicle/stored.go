package vehicle

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// storedState and its parts are the form in which a state lies in the store. Times are microseconds since 1970. The form
// is written in full for every car that changed and ten thousand cars are kept: what most readings share stands once.
type storedState struct {
	Fetched  time.Time                `json:"fetched_at"`
	Reported int64                    `json:"reported"` // of readings that tell no other
	Readings map[string]storedReading `json:"readings"`
	Doubts   map[string]storedDoubt   `json:"doubts"`
	Ahead    []storedMoment           `json:"ahead"`
}

type storedReading struct {
	Value    json.RawMessage `json:"value"`
	Last     json.RawMessage `json:"last"`     // in the place of Value while that is unknown
	Reported *int64          `json:"reported"` // where it is not the state's
	Seen     *int64          `json:"seen"`     // where it is not Reported
	Fetched  *int64          `json:"fetched"`  // where it is not the state's
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
	reported, fetched := s.usualReport(), micros(s.fetched)
	dst := make([]byte, 0, 256+64*len(s.readings))
	dst = append(dst, `{"fetched_at":"`...)
	dst = s.fetched.AppendFormat(dst, time.RFC3339Nano)
	dst = appendMember(dst, `","reported":`, reported)
	dst = append(dst, `,"readings":{`...)
	for i := range s.readings {
		r := &s.readings[i]
		dst = appendKey(dst, i, rows[r.row].Key)
		if r.value() != nil {
			dst = append(dst, `{"value":`...)
		} else {
			dst = append(dst, `{"last":`...)
		}
		var err error
		if dst, err = appendValue(dst, r.good()); err != nil {
			return nil, fmt.Errorf("encode %s: %w", rows[r.row].Key, err)
		}
		if r.reported != reported {
			dst = appendMember(dst, `,"reported":`, r.reported)
		}
		if seen := r.seen(); seen != r.reported {
			dst = appendMember(dst, `,"seen":`, seen)
		}
		if r.fetched != fetched {
			dst = appendMember(dst, `,"fetched":`, r.fetched)
		}
		dst = append(dst, '}')
	}
	dst = append(dst, '}')
	for i, d := range s.doubts {
		if i == 0 {
			dst = append(dst, `,"doubts":{`...)
		}
		dst = append(appendKey(dst, i, d.datum.Key), `{"value":`...)
		var err error
		if dst, err = appendValue(dst, d.value); err != nil {
			return nil, fmt.Errorf("encode the doubt about %s: %w", d.datum.Key, err)
		}
		dst = append(appendMember(dst, `,"reported":`, d.reported), '}')
		if i == len(s.doubts)-1 {
			dst = append(dst, '}')
		}
	}
	if len(s.ahead) > 0 {
		moments := make([]storedMoment, len(s.ahead))
		for i, m := range s.ahead {
			moments[i] = storedMoment{m.claimed, m.seen}
		}
		text, err := json.Marshal(moments)
		if err != nil {
			return nil, fmt.Errorf("encode times ahead: %w", err)
		}
		dst = append(append(dst, `,"ahead":`...), text...)
	}
	return append(dst, '}'), nil
}

// usualReport is the report time that most readings share, where there is one.
func (s State) usualReport() (usual int64) {
	lead := 0
	for i := range s.readings { // the majority vote of Boyer and Moore
		switch at := s.readings[i].reported; {
		case lead == 0:
			usual, lead = at, 1
		case at == usual:
			lead++
		default:
			lead--
		}
	}
	return usual
}

func appendKey(dst []byte, nth int, key string) []byte {
	if nth > 0 {
		dst = append(dst, ',')
	}
	dst = append(append(dst, '"'), key...) // keys of the catalogue need no escapes
	return append(dst, '"', ':')
}

func appendMember(dst []byte, name string, n int64) []byte {
	return strconv.AppendInt(append(dst, name...), n, 10)
}

// appendValue writes a value so that its row's codec reads it: as encoding/json does, but for the common types at once.
func appendValue(dst []byte, value any) ([]byte, error) {
	switch v := value.(type) {
	case bool:
		return strconv.AppendBool(dst, v), nil
	case Percent:
		return strconv.AppendFloat(dst, float64(v), 'g', -1, 64), nil
	case Number:
		return strconv.AppendFloat(dst, float64(v), 'g', -1, 64), nil
	case time.Duration:
		return strconv.AppendInt(dst, int64(v), 10), nil
	case []DailyStats:
		return appendDays(dst, v)
	}
	text, err := json.Marshal(value)
	return append(dst, text...), err
}

// appendDays writes each day as a list, without the names of what is in it: with them a month is more than all else that
// is known of a car.
func appendDays(dst []byte, days []DailyStats) ([]byte, error) {
	dst = append(dst, '[')
	for i := range days {
		if i > 0 {
			dst = append(dst, ',')
		}
		day := storedDay(days[i])
		text, err := json.Marshal(day.fields())
		if err != nil {
			return nil, err
		}
		dst = append(dst, text...)
	}
	return append(dst, ']'), nil
}

// storedDay is a day as it lies in the store.
type storedDay DailyStats

// fields are pointers to the parts, in their order.
func (d *storedDay) fields() []any {
	return []any{
		&d.Date, &d.Total, &d.Engine, &d.Climate, &d.Electronics, &d.BatteryCare, &d.Regenerated, &d.Distance.Value, &d.Distance.Unit,
	}
}

// UnmarshalJSON reads the list.
func (d *storedDay) UnmarshalJSON(text []byte) error {
	fields := d.fields()
	count := len(fields)
	if err := json.Unmarshal(text, &fields); err != nil {
		return err
	}
	if len(fields) != count {
		return fmt.Errorf("a day has %d parts, not %d", len(fields), count)
	}
	return nil
}

// readDays reads what appendDays has written.
func readDays(raw json.RawMessage) (any, error) {
	var stored []storedDay
	if err := json.Unmarshal(raw, &stored); err != nil {
		return nil, err
	}
	days := make([]DailyStats, len(stored))
	for i := range stored {
		days[i] = DailyStats(stored[i])
	}
	return days, nil
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
		r := reading{row: d.index, reported: either(entry.Reported, stored.Reported), fetched: either(entry.Fetched, micros(stored.Fetched))}
		text := entry.Value
		if text == nil {
			text = entry.Last
		}
		good, err := d.codec(text)
		if err != nil {
			continue
		}
		if r.held = good; entry.Value == nil {
			r.held = &past{good, either(entry.Seen, r.reported)}
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

func either(told *int64, usual int64) int64 {
	if told != nil {
		return *told
	}
	return usual
}
