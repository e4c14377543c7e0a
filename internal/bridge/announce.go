package bridge

import (
	"context"
	"encoding/json"
	"errors"
	"hash/maphash"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/store"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/topic"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// Announcer writes what a home's controller, such as Home Assistant, is told so that it finds by itself what there is.
// When it is told, the bridge decides. Its methods answer at once.
type Announcer interface {
	// Car may ask by which topic each part is announced now, so that parts need not move.
	Car(car Car, can Abilities, told func() map[string]string) []Announcement
	Account(name string) []Announcement
	Bridge() []Announcement
	// Without makes an announcement take back parts that it had before; it may leave out all others, which are told again
	// soon.
	Without(a Announcement, gone []string) []byte
	// Hears tells whether a message is the controller's word on itself, and whether it says that it has just started.
	Hears(topic string, payload []byte) (ours, born bool)
}

// Announcement is one retained message. Parts name what it announces.
type Announcement struct {
	Topic   string
	Payload []byte
	Parts   []string
}

// Abilities is what a car can be told, as far as it is allowed.
type Abilities struct {
	Commands []string // by their names in the catalogue
	Presets  []string
}

// abilities are those of a car that is as v says.
func (l *lane) abilities(v vehicle.Vehicle) Abilities {
	var can Abilities
	for _, spec := range vehicle.Commands() {
		asked, able := spec, spec
		switch spec {
		case vehicle.Preset{}.Spec():
			continue
		case vehicle.Refresh{}.Spec(), vehicle.Hint{}.Spec(), vehicle.Cancel{}.Spec():
			can.Commands = append(can.Commands, spec.Name)
			continue
		case vehicle.ClimateTarget{}.Spec():
			able = vehicle.ClimateStart{}.Spec()
		case vehicle.ScheduleChange{}.Spec():
			asked, able = vehicle.Schedule{}.Spec(), vehicle.Schedule{}.Spec()
		}
		if len(v.Capabilities.Commands) > 0 && l.bridge.allowed(l.account(), v, asked, able) == nil {
			can.Commands = append(can.Commands, spec.Name)
		}
	}
	presets := l.bridge.Presets()
	for _, name := range slices.Sorted(maps.Keys(presets)) {
		refused := func(c vehicle.Command) bool { return !slices.Contains(can.Commands, c.Spec().Name) }
		if !slices.ContainsFunc(presets[name], refused) {
			can.Presets = append(can.Presets, name)
		}
	}
	return can
}

// device is what is known of the announcements of one device.
type device struct {
	told uint64 // sum of what was told last; 0 for nothing
	kept uint64 // sum of what the journal has; 0 for not known yet
	// owes tells that something was taken back or is new: soon the announcement follows without what was taken back, and
	// what no broker keeps is told again.
	owes bool
}

// announced is what the store keeps of a device, so that a later run can clear what it leaves behind: below which base
// and name its topics are, and what was announced by which topic.
type announced struct {
	Base   string           `json:"base"`
	Name   string           `json:"name,omitempty"`
	Topics map[string]parts `json:"topics,omitempty"`
	Places bool             `json:"places,omitempty"` // where the car is was retained
	Mirror bool             `json:"mirror,omitempty"` // bare values stand beside the data
	Track  string           `json:"track,omitempty"`  // topic of the [Tracker]
}

func (a announced) same(b announced) bool {
	return a.Base == b.Base && a.Name == b.Name && a.Mirror == b.Mirror && a.Places == b.Places && a.Track == b.Track &&
		maps.EqualFunc(a.Topics, b.Topics, slices.Equal[parts])
}

// The keys of what was announced.
const (
	announcedPrefix  = "announced/"
	announcedCar     = announcedPrefix + "car/"
	announcedAccount = announcedPrefix + "account/"
	announcedBridge  = announcedPrefix + "bridge"
)

// heralding is the part of the bridge that announces; a bridge without [Announcer] only keeps the journal.
type heralding struct {
	out   Announcer // nil where nobody is to be told
	base  string
	store store.Store
	bare  bool                    // cars are told as bare values too
	place bool                    // the broker keeps where cars are
	track func(car string) string // topic of the tracker, empty for none
	log   *slog.Logger
	life  context.Context // of reads and writes, some of which come after the end of Run
	up    atomic.Bool     // there is a connection
	seed  maphash.Seed

	before func(key string) announced // [heralding.read]

	devices sync.Mutex // guards those of the bridge and the accounts, and their announcements
	bridge  device
	account map[string]*device

	mu    sync.Mutex            // guards dirty
	dirty map[string]*announced // not written yet; nil to delete
	wake  chan struct{}
	done  chan struct{}
}

func newHeralding(o Options, track func(car string) string) *heralding {
	place := slices.ContainsFunc(o.Table.Rows(), func(r *topic.Row) bool { return r.Place && r.Retain })
	h := &heralding{
		out: o.Announcer, base: o.Tree.Base(), store: o.Store, bare: o.Mirror, place: place, track: track, log: o.Log,
		life: context.Background(), seed: maphash.MakeSeed(), account: map[string]*device{},
		dirty: map[string]*announced{}, wake: make(chan struct{}, 1), done: make(chan struct{}),
	}
	h.before = h.read
	return h
}

// tell publishes the announcements of a device: when they differ from those that were told last, or in any case. What was
// announced before and is no more is taken back. It tells what the device left behind below another base or name, as bare
// values, for the tracker, or of where it was.
func (h *heralding) tell(d *device, key, name string, now []Announcement, always bool, publish func(Publication)) (ghost *announced) {
	var sum maphash.Hash
	sum.SetSeed(h.seed)
	for i := range now {
		_, _ = sum.WriteString(now[i].Topic)
		_, _ = sum.Write(now[i].Payload)
	}
	told := sum.Sum64() | 1
	if told == d.told && !always {
		return nil
	}
	d.told = told
	next := announced{Base: h.base, Name: name}
	if strings.HasPrefix(key, announcedCar) {
		next.Mirror, next.Places, next.Track = h.bare, h.place, h.track(name)
	}
	if len(now) > 0 {
		next.Topics = make(map[string]parts, len(now))
	}
	sum.Reset()
	for i := range now {
		next.Topics[now[i].Topic] = now[i].Parts
		for _, part := range now[i].Parts {
			_, _ = sum.WriteString(part)
			_ = sum.WriteByte(0)
		}
		_, _ = sum.WriteString(now[i].Topic)
	}
	var before announced
	if kept := sum.Sum64() | 1; kept != d.kept {
		d.kept = kept
		before = h.before(key)
		if !next.same(before) {
			h.write(key, &next)
			d.owes = true
		}
	}
	for _, topic := range slices.Sorted(maps.Keys(before.Topics)) {
		if _, still := next.Topics[topic]; !still {
			publish(Publication{Topic: topic, Retain: true})
		}
	}
	for i := range now {
		a := &now[i]
		gone := slices.DeleteFunc(slices.Clone(before.Topics[a.Topic]), func(part string) bool { return slices.Contains(a.Parts, part) })
		if len(gone) > 0 {
			a.Payload = h.out.Without(*a, gone)
		}
		publish(Publication{Topic: a.Topic, Payload: a.Payload, Retain: true, ContentType: jsonType})
	}
	moved := before.Base != next.Base || before.Name != next.Name || before.Track != next.Track
	if before.Base != "" && (moved || before.Mirror && !next.Mirror || before.Places && !next.Places) {
		return &before
	}
	return nil
}

// read gives what was announced of a device before.
func (h *heralding) read(key string) (a announced) {
	h.mu.Lock()
	waiting, dirty := h.dirty[key]
	h.mu.Unlock()
	switch {
	case waiting != nil:
		return *waiting
	case dirty:
		return a
	}
	ctx, cancel := context.WithTimeout(h.life, saveWithin)
	defer cancel()
	entry, err := h.store.Get(ctx, key)
	if err == nil {
		err = json.Unmarshal(entry.Value, &a)
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		h.log.Warn("what was announced before cannot be read; something may be left behind", "key", key, "error", err)
		return announced{}
	}
	return a
}

// told gives by which topic each part of a device is announced now.
func (h *heralding) told(key string) map[string]string {
	by := map[string]string{}
	for topic, parts := range h.before(key).Topics {
		for _, part := range parts {
			by[part] = topic
		}
	}
	return by
}

// write keeps what is announced of a device, nil for nothing. It does not wait for the disk.
func (h *heralding) write(key string, a *announced) {
	h.mu.Lock()
	h.dirty[key] = a
	h.mu.Unlock()
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// gather is how long what is announced waits to be written: a car that is new is announced twice within seconds, and the
// second time counts.
const gather = 10 * time.Second

// run writes until stop. What cannot be written is tried again.
func (h *heralding) run() error {
	pause := gather
	for stopped := false; !stopped; {
		select {
		case <-h.done:
			stopped = true
		case <-h.wake:
			select {
			case <-h.done:
				stopped = true
			case <-time.After(pause):
			}
		}
		pause = gather
		if err := h.flush(); err != nil {
			h.log.Warn("what is announced cannot be written; it is tried again", "error", err)
			pause = saveRetry
		}
	}
	return nil
}

func (h *heralding) stop() { close(h.done) }

func (h *heralding) flush() error {
	h.mu.Lock()
	dirty := maps.Clone(h.dirty)
	h.mu.Unlock()
	ctx, cancel := context.WithTimeout(h.life, saveWithin)
	defer cancel()
	for some := range slices.Chunk(slices.Sorted(maps.Keys(dirty)), saveTogether) {
		if err := h.save(ctx, some, dirty); err != nil {
			select {
			case h.wake <- struct{}{}:
			default:
			}
			return err
		}
		h.mu.Lock()
		for _, key := range some {
			if h.dirty[key] == dirty[key] {
				delete(h.dirty, key)
			}
		}
		h.mu.Unlock()
	}
	return nil
}

// save writes some records together, or one by one where the store cannot do that.
func (h *heralding) save(ctx context.Context, some []string, records map[string]*announced) error {
	var ops []store.Op
	for _, key := range some {
		if records[key] == nil {
			ops = append(ops, store.DeleteOp(key, store.AnyRevision))
			continue
		}
		value, err := json.Marshal(records[key])
		if err != nil {
			return err
		}
		ops = append(ops, store.PutOp(key, value, store.AnyRevision))
	}
	_, err := h.store.Apply(ctx, ops...)
	if !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	for _, op := range ops {
		if _, err := h.store.Apply(ctx, op); err != nil {
			return err
		}
	}
	return nil
}

// introduceHouse announces the bridge and its accounts, and then says how they are.
func (b *Bridge) introduceHouse() {
	b.announceHouse()
	b.publishBridge()
	for _, a := range b.accounts {
		a.publish(always)
	}
}

func (b *Bridge) announceHouse() {
	h := b.heralding
	if !h.up.Load() {
		return
	}
	h.devices.Lock()
	defer h.devices.Unlock()
	var now []Announcement
	if h.out != nil {
		now = h.out.Bridge()
	}
	b.clearHouse(h.tell(&h.bridge, announcedBridge, "", now, true, b.outbox.Publish))
	for _, a := range b.accounts {
		if h.out != nil {
			now = h.out.Account(a.Name)
		}
		if h.account[a.Name] == nil {
			h.account[a.Name] = &device{}
		}
		b.clearAccount(h.tell(h.account[a.Name], announcedAccount+a.Name, a.Name, now, true, b.outbox.Publish))
	}
}

// announce tells of the car. The shelf's lock is held.
func (s *shelf) announce(always bool) {
	h := s.bridge.heralding
	if !h.up.Load() || s.gone {
		return // a connection comes with everything, and of a car that is gone all is cleared
	}
	var now []Announcement
	key := announcedCar + string(s.lane.id)
	if h.out != nil {
		now = h.out.Car(s.copy(), s.lane.abilities(s.vehicle), func() map[string]string { return h.told(key) })
	}
	ghost := h.tell(&s.device, key, s.lane.name, now, always, s.publish)
	if ghost != nil {
		s.bridge.clearCar(*ghost)
	}
}

// settle says once more what a controller may have missed that was learning of something new, and the announcement
// without what it has taken back by now.
func (s *shelf) settle(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.device.owes {
		return
	}
	s.device.owes = false
	s.announce(true)
	s.tellFleeting(now)
}

// settleHouse announces the bridge and its accounts without what they have taken back by now.
func (b *Bridge) settleHouse() {
	h := b.heralding
	h.devices.Lock()
	owes := h.bridge.owes
	h.bridge.owes = false
	for _, d := range h.account {
		owes = owes || d.owes
		d.owes = false
	}
	h.devices.Unlock()
	if owes {
		b.announceHouse()
	}
}

// repeat says once more what no broker keeps, and tells how many publications that took.
func (s *shelf) repeat() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.sent
	s.tellOnline()
	s.tellFleeting(time.Now())
	return s.sent - before
}

func (s *shelf) tellFleeting(now time.Time) {
	for row := range s.bridge.options.Table.Seen(s.state) {
		if !row.Retain {
			s.tell(row, now)
		}
	}
}

// unfamiliar tells whether changes of a car's state are more than values: something is known for the first time, or in another
// unit.
func unfamiliar(changes []vehicle.Change) bool {
	return slices.ContainsFunc(changes, func(c vehicle.Change) bool { return c.Old.Last == nil || c.Old.Unit() != c.New.Unit() })
}
