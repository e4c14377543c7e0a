package bridge

import (
	"bytes"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/topic"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// What a car does not report of its climate control although people who set it want to see it again: the temperature that
// is kept for the next start, and the preset that was started last.

// aim shows the temperature for the next climate-start that names none.
func (s *shelf) aim(target vehicle.Quantity) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.target = vehicle.Some(target)
	s.tellClimate(time.Now(), onNews)
}

// aimed is that temperature.
func (s *shelf) aimed() vehicle.Optional[vehicle.Quantity] {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.target
}

// started shows the preset that has started the climate control; none when it is empty.
func (s *shelf) started(preset string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.preset = preset
	s.tellClimate(time.Now(), onNews)
}

// tellClimate publishes both, as far as they have changed or in any case. The shelf's lock is held.
func (s *shelf) tellClimate(now time.Time, when tellWhen) {
	on, known := vehicle.AirControl.Of(s.state)
	if known && !on {
		s.preset = ""
	}
	messages, values := s.bridge.options.Table.Climate(now, s.state, s.target, s.preset)
	for i, m := range messages {
		if when == always || !bytes.Equal(values[i], s.climate[i]) {
			s.climate[i] = values[i]
			s.send(m)
		}
	}
}

// starts tells whether a preset starts the climate control.
func (b *Bridge) starts(p vehicle.Preset) bool {
	for _, step := range b.Presets()[p.Name] {
		if _, climate := step.(vehicle.ClimateStart); climate {
			return true
		}
	}
	return false
}

// climateTold are the values that were told last.
type climateTold = [topic.ClimateMessages][]byte
