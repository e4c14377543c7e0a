package bridge

import (
	"errors"
	"reflect"
	"sync"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/topic"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// againAfter is how long a topic whose value stays the same is left alone although the car reported it again.
const againAfter = 15 * time.Minute

// saveAgainAfter is how old the stored state may grow while only its times change.
const saveAgainAfter = 15 * time.Minute

// shelf is what MQTT shows of one car: the state, and what was said about it last. Every publication about the car's
// state goes through it, in one order, so that a newer one is never followed by an older.
type shelf struct {
	bridge *Bridge
	lane   *lane
	topics topic.Car

	mu      sync.Mutex // guards what follows; held while publications are handed to the outbox
	vehicle vehicle.Vehicle
	state   vehicle.State
	told    []told // by position of the row
	refresh bluelink.Result
	failure topic.Message                      // status/error; without payload before the first refresh
	used    topic.Used                         // told last
	target  vehicle.Optional[vehicle.Quantity] // temperature for the next climate-start that names none
	rest    vehicle.Rest
	rested  bool // whether the 12 V battery falls was told
	stale   topic.StaleReason
	online  bool
	born    time.Time
	written time.Time // when the store got it
	device  device    // what was announced of it
	missing time.Time // since when the accounts' lists lack the car; zero while one names it
	gone    bool      // for so long that nothing of it is published any more

	tracked time.Time // when the car was where the tracker was told last

	preset  string // that has started the climate control
	climate climateTold
	turning topic.LockState // what the lock is doing; empty while no command runs
	lock    topic.LockState // that was told last
	sent    int             // publications so far
}

// told is when a topic was last published, and which report it told, in seconds since 1970. There is one for each of some
// two hundred topics of a car, hence no larger; it lasts until the year 2106.
type told struct{ at, reported uint32 }

func newShelf(b *Bridge, l *lane, v vehicle.Vehicle, before saved) *shelf {
	s := &shelf{
		bridge: b, lane: l, topics: b.tree.Car(l.name), vehicle: v, state: before.State, rest: before.Rest, missing: before.Missing, born: time.Now(),
		told:  make([]told, len(b.options.Table.Rows())),
		stale: topic.NoSchedule, // nothing, or the state of the last run, until the first read
	}
	s.online = s.reachable(s.born)
	return s
}

// refreshed shows what a refresh brought.
func (s *shelf) refreshed(r bluelink.Result) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before, now := s.state, time.Now()
	s.state, s.refresh = r.State, bluelink.Result{DataSource: r.DataSource, UpdateMethod: r.UpdateMethod}
	if unfamiliar(r.Changes) {
		s.announce(false)
	}
	changed := s.bridge.options.Table.Changed(before, r.State, r.Changes)
	for _, row := range s.bridge.options.Table.Rows() {
		if len(changed) > 0 && changed[0] == row {
			changed = changed[1:]
			s.tell(row, now)
			continue
		}
		last := &s.told[row.Position()]
		if last.at != 0 && seconds(now) >= last.at+uint32(againAfter/time.Second) && seconds(row.Reported(r.State)) > last.reported {
			s.tell(row, now)
		}
	}
	s.judgeRest(now)
	s.tellClimate(now, onNews)
	s.tellLock(now, onNews)
	s.track(onNews)
	s.failure = topic.Cleared(now)
	s.tellRefresh()
	s.setStale(topic.Fresh)
	s.setOnline(s.reachable(now))
}

// failed shows that a refresh did not bring anything. It tells whether the car's state is old for another reason than
// before.
func (s *shelf) failed(mode vehicle.RefreshMode, err error, reason vehicle.Reason, message string) (news bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failure = topic.Failed(topic.Problem{
		At: time.Now(), Command: vehicle.Refresh{}.Spec().Name, Mode: mode, Reason: reason, Text: message,
	})
	s.send(s.failure)
	if mode != vehicle.Cached && errors.Is(err, bluelink.ErrUnsupported) {
		return true // that it cannot be woken says nothing about what can be read
	}
	return s.setStale(staleBy(err, reason))
}

// presence shows that the car is there and who it is, to a broker that may know nothing of it, and tells how many
// publications that took. An announcement, which is large, counts for many.
func (s *shelf) presence() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.sent
	s.announce(true)
	s.tellInfo()
	s.tellOnline()
	return s.sent - before
}

// contents shows all that is known of the car, and tells how many publications that took.
func (s *shelf) contents() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, before := time.Now(), s.sent
	for row := range s.bridge.options.Table.Seen(s.state) {
		s.tell(row, now)
	}
	s.rested = false
	s.tellRest(now)
	s.tellClimate(now, always)
	s.tellLock(now, always)
	s.track(always)
	s.tellRefresh()
	s.tellStale()
	if books := s.lane.account().Books; books != nil {
		s.used = books.Car(s.lane.id)
		s.send(s.used.Messages(now)...)
	}
	return s.sent - before
}

// introduce takes what the vehicle list says now, and tells whether that is news.
func (s *shelf) introduce(v vehicle.Vehicle) (news bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if reflect.DeepEqual(s.vehicle, v) {
		return false
	}
	s.vehicle = v
	s.announce(false)
	s.tellInfo()
	return true
}

// review looks whether the state has grown too old. One that is and has no other reason was not asked for.
func (s *shelf) review(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	online := s.reachable(now)
	s.setOnline(online)
	if !online && s.stale == topic.Fresh {
		pace := s.bridge.pace.Load()
		switch {
		case pace.Interval == 0:
			s.setStale(topic.NoSchedule)
		case now.Before(pace.Vacation):
			s.setStale(topic.Vacation)
		default:
			s.setStale(topic.BridgeFault)
		}
	}
}

// circumstances is what the time of the next read depends on.
func (s *shelf) circumstances() (state vehicle.State, noData bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state, s.stale == topic.Disabled
}

// reachable tells whether a read went well lately. A car that sleeps behind good cached data is reachable; one that was
// never read gets as long as any other.
func (s *shelf) reachable(now time.Time) bool {
	last := s.state.FetchedAt()
	if last.IsZero() {
		last = s.born
	}
	return now.Sub(last) < s.bridge.options.StaleAfter
}

func (s *shelf) setOnline(online bool) {
	if s.online == online {
		return
	}
	s.online = online
	s.lane.log.Info("availability changed", "online", online)
	s.tellOnline()
}

func (s *shelf) setStale(reason topic.StaleReason) (news bool) {
	if s.stale == reason {
		return false
	}
	s.stale = reason
	s.tellStale()
	return true
}

// tell publishes one data topic.
func (s *shelf) tell(row *topic.Row, now time.Time) {
	s.told[row.Position()] = told{seconds(now), seconds(row.Reported(s.state))}
	s.send(topic.Message{Suffix: row.Suffix, Payload: row.Append(make([]byte, 0, payloadSize), s.state), Retain: row.Retain})
}

// payloadSize is room for the payload of nearly every data topic.
const payloadSize = 128

// usualSize is what counts as one publication, in bytes of payload.
const usualSize = 1024

// tellRefresh publishes how the last refresh went.
func (s *shelf) tellRefresh() {
	if s.refresh.DataSource != "" {
		s.send(topic.Refreshed(s.state.FetchedAt(), s.refresh.DataSource, s.refresh.UpdateMethod)...)
	}
	if s.failure.Payload != nil {
		s.send(s.failure)
	}
}

func (s *shelf) tellStale() { s.send(topic.Stale(time.Now(), s.stale)...) }

func (s *shelf) tellInfo() {
	s.publish(Publication{Topic: s.topics.Info(), Payload: topic.Info(s.vehicle), Retain: true, ContentType: jsonType})
}

func (s *shelf) tellOnline() {
	word := topic.Offline
	if s.online {
		word = topic.Online
	}
	s.publish(Publication{Topic: s.topics.Availability(), Payload: []byte(word), Retain: true})
}

func (s *shelf) send(messages ...topic.Message) {
	for _, m := range messages {
		s.publish(Publication{Topic: s.topics.Topic(m.Suffix), Payload: m.Payload, Retain: m.Retain, ContentType: jsonType})
		if s.bridge.options.Mirror {
			m = topic.Mirror(m)
			s.publish(Publication{Topic: s.topics.Topic(m.Suffix), Payload: m.Payload, Retain: m.Retain})
		}
	}
}

func (s *shelf) publish(p Publication) {
	if s.gone {
		return // what was there is being cleared
	}
	s.sent += 1 + len(p.Payload)/usualSize
	s.bridge.outbox.Publish(p)
}

// car is a copy of what is shown.
func (s *shelf) car() Car {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.copy()
}

// copy is car. The shelf's lock is held.
func (s *shelf) copy() Car {
	return Car{Name: s.lane.name, Account: s.lane.account().Name, Vehicle: s.vehicle, State: s.state, Stale: s.stale}
}

// kept is what the store shall keep of the car.
func (s *shelf) kept() saved {
	s.mu.Lock()
	defer s.mu.Unlock()
	return saved{s.lane.bound, s.lane.account().Key, s.vehicle, s.state, s.rest, s.missing, s.gone}
}

// unsaved tells whether the stored state has grown old.
func (s *shelf) unsaved(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return now.Sub(s.written) > saveAgainAfter
}

func (s *shelf) savedAt(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.written = now
}

// staleBy is why a state is old after a refresh that ended with this error. Some errors share a reason because the same
// act helps; here they are told apart.
func staleBy(err error, reason vehicle.Reason) topic.StaleReason {
	switch {
	case errors.Is(err, bluelink.ErrConsentRequired):
		return topic.ConsentRequired
	case errors.Is(err, bluelink.ErrBlocked), errors.Is(err, bluelink.ErrClientRefused):
		return topic.ClientBlocked
	}
	switch reason {
	case vehicle.VehicleUnreachable, vehicle.VehicleBusy, vehicle.VehicleRefused, vehicle.PreconditionFailed:
		return topic.VehicleUnreachable
	case vehicle.CloudLimit, vehicle.RateLimited:
		return topic.CloudLimit
	case vehicle.QuotaExhausted:
		return topic.QuotaExhausted
	case vehicle.LoginRequired:
		return topic.LoginRequired
	case vehicle.CodeRequired:
		return topic.CodeRequired
	case vehicle.GuardedDailyCap, vehicle.GuardedSpacing, vehicle.Guarded12V, vehicle.GuardedParked:
		return topic.Guarded
	case vehicle.GuardedQuietHours:
		return topic.QuietHours
	case vehicle.Unsupported:
		return topic.Disabled
	case vehicle.Internal, vehicle.Shutdown, vehicle.Overloaded, vehicle.NotOwner:
		return topic.BridgeFault
	case vehicle.NoReason:
		return topic.Fresh
	case vehicle.CloudUnavailable, vehicle.Timeout, vehicle.BreakerOpen, vehicle.CloudChanged,
		vehicle.InvalidPayload, vehicle.UnknownVehicle, vehicle.NotPermitted, vehicle.ReadOnly, vehicle.Retained,
		vehicle.ExpiredReason, vehicle.PINRequired, vehicle.PINWrong, vehicle.EffectNotSeen,
		vehicle.RevertedByVehicle, vehicle.SupersededReason, vehicle.CancelledReason:
	}
	return topic.CloudUnavailable
}

func seconds(t time.Time) uint32 {
	if t.IsZero() {
		return 0
	}
	return uint32(max(0, t.Unix()))
}

// complain shows why a command did not go well.
func (s *shelf) complain(p topic.Problem) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failure = topic.Failed(p)
	s.send(s.failure)
}
