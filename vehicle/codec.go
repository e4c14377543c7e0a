package vehicle

import "encoding/json"

// codec reads a value of one row back from the JSON in which a state is stored.
type codec func(json.RawMessage) (any, error)

func codecOf[T any]() codec {
	if _, days := any(*new(T)).([]DailyStats); days {
		return readDays
	}
	return func(raw json.RawMessage) (any, error) {
		var value T
		if err := json.Unmarshal(raw, &value); err != nil {
			return nil, err
		}
		return value, nil
	}
}
