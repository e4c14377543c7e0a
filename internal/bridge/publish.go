package bridge

import (
	"slices"
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
	failure topic.Message // status/error; without payload before the first refresh
	stale   topic.StaleReason
	online  bool
	born    time.Time
	written time.Time // when the store got it
}

const jsonType = "application/json"

// told is when a topic was last published, and which report it told, in seconds since 1970.
type told struct{ at, reported int64 }

func newShelf(b *Bridge, l *lane, v vehicle.Vehicle, state vehicle.State) *shelf {
	s := &shelf{
		bridge: b, lane: l, topics: b.tree.Car(l.name), vehicle: v, state: state, born: time.Now(),
		told: make([]told, len(b.options.Table.Rows())), online: true,
	}
	if !state.Empty() {
		s.stale = topic.NoSchedule // of the last run, until the first read
	}
	s.online = s.reachable(time.Now())
	return s
}

// refreshed shows what a refresh brought.
func (s *shelf) refreshed(r bluelink.Result) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before, now := s.state, time.Now()
	s.state, s.refresh = r.State, bluelink.Result{DataSource: r.DataSource, UpdateMethod: r.UpdateMethod}
	changed := s.bridge.options.Table.Changed(before, r.State, r.Changes)
	for _, row := range s.bridge.options.Table.Rows() {
		if len(changed) > 0 && changed[0] == row {
			changed = changed[1:]
			s.tell(row, now)
			continue
		}
		last := &s.told[row.Position()]
		if now.Unix()-last.at >= int64(againAfter/time.Second) && last.at != 0 && seconds(row.Reported(r.State)) > last.reported {
			s.tell(row, now)
		}
	}
	s.failure = topic.Cleared(now)
	s.tellRefresh()
	s.setStale(topic.Fresh)
	s.setOnline(s.reachable(now))
}

// tell publishes one data topic.
func (s *shelf) tell(row *topic.Row, now time.Time) {
	s.told[row.Position()] = told{now.Unix(), seconds(row.Reported(s.state))}
	s.send(topic.Message{Suffix: row.Suffix, Payload: row.Append(nil, s.state), Retain: row.Retain})
}

// tellRefresh publishes how the last refresh went.
func (s *shelf) tellRefresh() {
	if s.refresh.DataSource != "" {
		s.send(topic.Refreshed(s.state.FetchedAt(), s.refresh.DataSource, s.refresh.UpdateMethod)...)
	}
	if s.failure.Payload != nil {
		s.send(s.failure)
	}
}

// failed shows that a refresh did not bring anything.
func (s *shelf) failed(mode vehicle.RefreshMode, reason vehicle.Reason, message string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failure = topic.Failed(topic.Problem{
		At: time.Now(), Command: vehicle.Refresh{}.Spec().Name, Mode: mode, Reason: reason, Text: message,
	})
	s.send(s.failure)
	s.setStale(staleBy(reason))
}

// everything shows the car anew: to a broker that may know nothing of it.
func (s *shelf) everything() {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.tellInfo()
	s.tellOnline()
	for row := range s.bridge.options.Table.Seen(s.state) {
		s.tell(row, now)
	}
	s.tellRefresh()
	s.tellStale()
}

// introduce takes what the vehicle list says now.
func (s *shelf) introduce(v vehicle.Vehicle) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.vehicle.Name == v.Name && s.vehicle.Model == v.Model && s.vehicle.CCS2 == v.CCS2 && s.vehicle.Engine == v.Engine &&
		s.vehicle.CloudID == v.CloudID && slices.Equal(s.vehicle.Capabilities.Commands, v.Capabilities.Commands) {
		return
	}
	s.vehicle = v
	s.tellInfo()
}

// review looks whether the state has grown too old.
func (s *shelf) review(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.setOnline(s.reachable(now))
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

func (s *shelf) setStale(reason topic.StaleReason) {
	if s.stale == reason {
		return
	}
	s.stale = reason
	s.tellStale()
}

func (s *shelf) tellStale() { s.send(topic.Stale(time.Now(), s.stale)...) }

func (s *shelf) tellInfo() {
	s.bridge.outbox.Publish(Publication{Topic: s.topics.Info(), Payload: topic.Info(s.vehicle), Retain: true, ContentType: jsonType})
}

func (s *shelf) tellOnline() {
	word := topic.Offline
	if s.online {
		word = topic.Online
	}
	s.bridge.outbox.Publish(Publication{Topic: s.topics.Availability(), Payload: []byte(word), Retain: true})
}

func (s *shelf) send(messages ...topic.Message) {
	for _, m := range messages {
		s.bridge.outbox.Publish(Publication{Topic: s.topics.Topic(m.Suffix), Payload: m.Payload, Retain: m.Retain, ContentType: jsonType})
	}
}

// car is a copy of what is shown.
func (s *shelf) car() Car {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Car{Name: s.lane.name, Account: s.lane.account.Name, Vehicle: s.vehicle, State: s.state, Stale: s.stale}
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

// staleBy is why a state is old after a refresh that ended with this reason.
func staleBy(reason vehicle.Reason) topic.StaleReason {
	switch reason {
	case vehicle.VehicleUnreachable, vehicle.VehicleBusy, vehicle.VehicleRefused:
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
		vehicle.ExpiredReason, vehicle.PINRequired, vehicle.PINWrong, vehicle.PreconditionFailed, vehicle.EffectNotSeen,
		vehicle.RevertedByVehicle, vehicle.SupersededReason, vehicle.CancelledReason:
	}
	return topic.CloudUnavailable
}

func seconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

// advance moves an order to its next state and tells whoever asked.
func (b *Bridge) advance(o *order, state vehicle.CommandState, reason vehicle.Reason, message string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.record.State, o.record.Terminal, o.record.Reason, o.record.Message = state, state.Terminal(), reason, message
	o.record.UpdatedAt = time.Now().UTC()
	b.tell(o)
	if o.record.Terminal && !o.quiet() {
		b.metrics.ended(o.record)
	}
}

// tell publishes an order's record. The order's lock is held, or nobody else knows the order yet.
func (b *Bridge) tell(o *order) {
	if o.watch != nil {
		o.watch(o.record)
	}
	if o.quiet() {
		return
	}
	payload := topic.Record(o.record)
	if o.cause == vehicle.ByMQTT || o.watch != nil {
		b.outbox.Publish(Publication{Topic: b.tree.Car(o.record.Vehicle).Result(o.record.ID), Payload: payload, ContentType: jsonType})
	}
	if o.reply.topic != "" {
		b.outbox.Publish(Publication{Topic: o.reply.topic, Payload: payload, Correlation: o.reply.correlation, ContentType: jsonType})
	}
}

func (b *Bridge) publishAccount(name string, status AccountStatus) {
	payload := topic.Account{State: status.State}.Payload()
	b.outbox.Publish(Publication{Topic: b.tree.AccountState(name), Payload: payload, Retain: true, ContentType: jsonType})
}
