package bluelink

import (
	"log/slog"
	"net/http"
	"sync"
	"time"
)

// Limits of what a Date header can tell.
const (
	// exactWithin is the longest call whose Date header is believed: what the answer waited for may lie on either side of it.
	exactWithin = 10 * time.Second
	// negligible is the skew that is not compensated: the header knows whole seconds only, and clouds allow more.
	negligible = 5 * time.Second
	// notable is the skew that a person should hear of.
	notable = 30 * time.Second
)

// skew is how far the cloud's clock is ahead of ours, measured by what its answers say. A host without a battery-backed
// clock may be wrong by years after a power cut, and clouds refuse what is signed with a wrong time.
type skew struct {
	log    *slog.Logger
	report func(time.Duration) // nil for none

	mu    sync.Mutex // guards what follows
	ahead time.Duration
	said  time.Duration // of the last log line
}

// learn takes the Date header of an answer to a call that lasted from start to end.
func (s *skew) learn(header http.Header, start, end time.Time) {
	text := header.Get("Date")
	if text == "" || end.Sub(start) > exactWithin {
		return
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return
	}
	// The header cuts off what is below a second.
	ahead := at.Add(500 * time.Millisecond).Sub(start.Add(end.Sub(start) / 2).Round(0))
	s.mu.Lock()
	if ahead.Abs() < negligible {
		ahead = 0
	}
	changed := (ahead - s.ahead).Abs() >= negligible
	if changed {
		s.ahead = ahead
	}
	news := s.ahead.Abs() >= notable && (s.ahead-s.said).Abs() >= notable || s.ahead == 0 && s.said != 0
	if news {
		s.said = s.ahead
	}
	ahead = s.ahead
	s.mu.Unlock()
	if changed && s.report != nil {
		s.report(ahead)
	}
	switch {
	case news && ahead == 0:
		s.log.Info("this machine's clock agrees with the cloud's again")
	case news:
		s.log.Warn("this machine's clock differs from the cloud's; set it, for instance by NTP. Requests carry the cloud's time",
			"cloud_is_ahead_by", ahead.Round(time.Second).String())
	}
}

func (s *skew) now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Now().Add(s.ahead)
}
