package bridge

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/store"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/topic"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// Options are what a bridge is built from.
type Options struct {
	Accounts []Account              // at least one, each with a name of its own
	Outbox   Outbox                 // required
	Store    store.Store            // required
	Tree     topic.Tree             // required
	Table    *topic.Table           // required
	Metrics  *Metrics               // required
	Log      *slog.Logger           // required
	Names    map[vehicle.VIN]string // names that the user chose for topics
	Senders  map[vehicle.VIN]string // accounts that the user chose for cars that several have
	Info     func() topic.Bridge    // asked and published at each connect
	// Announcer tells a home's controller what there is; nil for nobody to be told.
	Announcer Announcer

	// Followers are told of each report that is news, on the goroutine of the car's lane; they must not wait.
	Followers []func(Car)
	// Tracker writes where cars are for maps; nil for none.
	Tracker Tracker

	Permissions Permissions
	Presets     map[string][]vehicle.Command // by the names that the user chose

	Mirror     bool          // data stand once more as bare values beside their envelopes
	KeepVIN    bool          // a cloud id that holds the VIN stays the car's name in topics, as it was before
	Guest      bool          // for a short while: commands of the last run are left to the next, which can answer their senders
	Initial    bool          // read every car once at start
	Pace       Pace          // of reads by itself
	StaleAfter time.Duration // without data until a car is offline; 24 h when zero
	Inbox      int           // commands that may wait for one car; 64 when zero
	Grace      time.Duration // for operations in flight when the bridge is told to stop; 5 s when zero

	// The limits that the guards put on operations, for the watchdog: 2 min and 4 min when zero.
	ReadWithin, WakeWithin time.Duration
}

// Bridge leads messages to cars and cars' states to topics.
type Bridge struct {
	options  Options
	log      *slog.Logger
	tree     topic.Tree
	outbox   Outbox
	metrics  *Metrics
	accounts []*account
	lanes    *lanes
	herald   *herald
	archive  *archive
	// heralding announces what there is, and keeps what was announced.
	heralding *heralding
	endings   func() []string // of retained topics below a car's name
	journal   *journal
	memory    memory

	inbox   chan Message
	overrun sync.Once
	stopped atomic.Bool // the intake takes no more messages
	pace    atomic.Pointer[Pace]
	rules   atomic.Pointer[rules]

	start       func(*lane)   // gives a lane its goroutine; set by serve, whose callees alone find cars
	recalled    chan struct{} // closed when the cars of the last run have their lanes
	adopting    sync.Mutex    // held while a car gets its lane, one at a time
	connections atomic.Int64
	started     time.Time
}

// New checks the options and builds a bridge; nothing runs yet.
func New(o Options) (*Bridge, error) {
	if err := o.complete(); err != nil {
		return nil, fmt.Errorf("bridge: %w", err)
	}
	b := &Bridge{
		options: o, log: o.Log, tree: o.Tree, outbox: o.Outbox, metrics: o.Metrics, lanes: newLanes(),
		inbox: make(chan Message, intakeSize), recalled: make(chan struct{}), started: time.Now(),
	}
	b.pace.Store(&o.Pace)
	b.rules.Store(&rules{o.Permissions, o.Presets})
	b.herald, b.archive, b.heralding = newHerald(b), newArchive(b), newHeralding(o, b.trackedOn)
	b.endings = sync.OnceValue(func() []string { return b.heralding.endings(o.Table) })
	b.journal = newJournal(b, o.Store, o.Log)
	for _, a := range o.Accounts {
		b.accounts = append(b.accounts, newAccount(b, a))
	}
	o.Metrics.watch(b)
	return b, nil
}

// complete fills in defaults and checks what is required.
func (o *Options) complete() error {
	switch {
	case len(o.Accounts) == 0:
		return errors.New("there is no account")
	case o.Outbox == nil, o.Store == nil, o.Tree == topic.Tree{}, o.Table == nil, o.Metrics == nil, o.Log == nil:
		return errors.New("outbox, store, tree, table, metrics and log are required")
	}
	names := map[string]bool{}
	for _, a := range o.Accounts {
		if a.Client == nil || names[a.Name] {
			return fmt.Errorf("account %q has no client, or is there twice", a.Name)
		}
		names[a.Name] = true
	}
	if o.Info == nil {
		o.Info = func() topic.Bridge { return topic.Bridge{} }
	}
	o.StaleAfter = cmp.Or(o.StaleAfter, 24*time.Hour)
	o.Inbox = cmp.Or(o.Inbox, 64)
	o.Grace = cmp.Or(o.Grace, 5*time.Second)
	o.ReadWithin = cmp.Or(o.ReadWithin, 2*time.Minute)
	o.WakeWithin = cmp.Or(o.WakeWithin, 4*time.Minute)
	return nil
}

// errStopping ends operations that outlast the grace period.
var errStopping = fmt.Errorf("the bridge is stopping: %w", context.Canceled)

// Run works until ctx ends; when it returns, everything that it started has ended. Operations in flight get a grace
// period to end by themselves. It may be called once.
func (b *Bridge) Run(ctx context.Context) error {
	work, ctx := errgroup.WithContext(ctx)
	ops, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(nil)
	served := make(chan struct{})
	work.Go(func() error { return b.intake(ctx) })
	work.Go(func() error { return b.watch(ctx) })
	work.Go(func() error { return b.herald.run(ctx) })
	work.Go(b.archive.run)
	work.Go(b.journal.run)
	work.Go(b.heralding.run)
	work.Go(func() error {
		defer b.archive.stop()
		defer b.journal.stop()
		defer b.heralding.stop()
		defer close(served)
		return b.serve(ctx, ops)
	})
	work.Go(func() error {
		<-ctx.Done()
		select {
		case <-served:
		case <-time.After(b.options.Grace):
			cancel(errStopping)
		}
		return nil
	})
	return work.Wait()
}

// serve finds the cars and works their lanes until ctx ends. Operations are made under ops, which lasts a little longer.
func (b *Bridge) serve(ctx, ops context.Context) error {
	var lanes, accounts sync.WaitGroup
	ctx, stop := context.WithCancel(ctx)
	defer lanes.Wait()
	defer stop()
	b.start = func(l *lane) { lanes.Go(func() { l.run(ctx, ops) }) }

	switch err := b.recall(ctx); {
	case err != nil && ctx.Err() != nil:
		return nil // it was told to stop before it had begun
	case err != nil:
		return err
	}
	close(b.recalled)
	for _, a := range b.accounts {
		accounts.Go(func() { a.run(ctx, ops) })
		accounts.Go(func() { a.serve(ctx, ops) })
	}
	accounts.Wait()
	<-ctx.Done()
	return nil
}

// recall gives the cars that were known when the process last ran their lanes, so that they are served at once, also
// while their cloud cannot be reached.
func (b *Bridge) recall(ctx context.Context) error {
	if err := b.journal.load(ctx); err != nil {
		return err
	}
	b.endings() // which may write
	for saved, err := range b.archive.load(ctx) {
		if err != nil {
			return fmt.Errorf("read the cars from the store: %w", err)
		}
		if saved.Gone {
			b.log.Info("a car is left out that is gone", "car", saved.Vehicle)
			b.archive.leave(saved)
			continue
		}
		for _, a := range b.accounts {
			if a.Key == saved.Account && a.wants(saved.Vehicle) {
				_ = b.contain(ctx, "recall", func() {
					a.Client.Seed(saved.Vehicle, saved.State)
					b.adopt(a, saved.Vehicle, saved)
				})
				break
			}
		}
	}
	return nil
}

// adopt gives a car its lane, with what was known of it when the process last ran; a car that has one keeps it.
func (b *Bridge) adopt(a *account, v vehicle.Vehicle, before saved) {
	b.adopting.Lock()
	defer b.adopting.Unlock()
	if l := b.lanes.byID(v.ID); l != nil && l.stay() {
		b.introduce(l, way{account: a, vehicle: v})
		return
	}
	if known, back := b.archive.back(v.ID); back {
		before = known
		a.Client.Seed(v, before.State)
	}
	name, bound := b.nameOf(v)
	l := &lane{
		bridge: b, id: v.ID, name: name, bound: bound, work: make(chan struct{}, 1), paced: make(chan struct{}, 1), log: b.log.With("vehicle", name),
	}
	l.join(way{account: a, vehicle: v})
	l.shelf = newShelf(b, l, v, before)
	switch other := b.enter(l); {
	case other != nil && other.id == l.id: // another account has just found it
		b.introduce(other, way{account: a, vehicle: v})
		return
	case other != nil:
		b.log.Error("two cars would have the same name in topics; give one another under vehicles", "name", name, "car", v)
		return
	}
	a.found()
	if holdsVIN(name, v) && !b.options.Guest {
		b.log.Warn("the cloud's id of this car holds its VIN and stands in every topic; give it a name under vehicles", "car", v)
	}
	b.archive.bind(v.ID, bound)
	b.archive.mark(l)
	b.log.Info("car found", "vehicle", name, "car", v, "account", a.Name, "protocol", v.Protocol(), "engine", v.Engine.String())
	b.herald.announce(l)
	b.start(l)
	if b.options.Initial {
		l.push(l.read(vehicle.ByStart))
	}
}

// enter makes a lane known, with what the last run has left of its car in line before anything new; when another lane has
// its car or its name, it gives that.
func (b *Bridge) enter(l *lane) (other *lane) {
	left := b.journal.claim(l)
	l.mu.Lock()
	defer l.mu.Unlock()
	if other = b.lanes.add(l); other == nil {
		l.resume(left)
	}
	return other
}

// introduce tells a lane what an account's list of cars says now.
func (b *Bridge) introduce(l *lane, w way) {
	known := slices.ContainsFunc(*l.ways.Load(), func(other way) bool { return other.account == w.account })
	changed := l.join(w)
	if !known {
		w.account.found()
		l.log.Info("car found in another account too", "account", w.account.Name, "commanded_through", l.account().Name)
	}
	if changed {
		b.archive.mark(l)
	}
	if w.account == l.account() && l.shelf.introduce(w.vehicle) {
		b.archive.mark(l)
	}
}

// nameOf chooses a car's name in topics: the user's, else the one that it is bound to.
func (b *Bridge) nameOf(v vehicle.Vehicle) (name, bound string) {
	bound = cmp.Or(b.archive.name(v.ID), b.firstName(v))
	name = bound
	for vin, chosen := range b.options.Names {
		if v.VIN != "" && strings.EqualFold(vin.Full(), v.VIN.Full()) {
			return chosen, bound
		}
		if chosen == bound {
			name = string(v.ID) // the user gave it to another car
		}
	}
	return name, bound
}

// firstName is the name that a car gets at first sight: the cloud's id, where that can stand in a topic.
func (b *Bridge) firstName(v vehicle.Vehicle) string {
	if !topic.ValidCloudID(v.CloudID) || holdsVIN(v.CloudID, v) && !b.options.KeepVIN {
		return string(v.ID)
	}
	return v.CloudID
}

func holdsVIN(name string, v vehicle.Vehicle) bool {
	return v.VIN != "" && strings.Contains(strings.ToUpper(name), strings.ToUpper(v.VIN.Full()))
}

// Connected publishes everything: MQTT has (again) a connection. It does not wait; the cars follow one after the other.
func (b *Bridge) Connected() {
	b.connections.Add(1)
	b.heralding.up.Store(true)
	b.publishBridge()
	for _, a := range b.accounts {
		a.publish(always)
	}
	b.herald.anew(b.lanes.all())
}

// Disconnected says that MQTT has lost its connection.
func (b *Bridge) Disconnected() { b.heralding.up.Store(false) }

// Settle waits until the cars are known as well as they can be: those of the last run from the store, and of each account
// what its cloud answered when it was first asked.
func (b *Bridge) Settle(ctx context.Context) error {
	waits := []<-chan struct{}{b.recalled}
	for _, a := range b.accounts {
		waits = append(waits, a.tried)
	}
	for _, wait := range waits {
		select {
		case <-wait:
		case <-ctx.Done():
			return fmt.Errorf("wait for the cars: %w", context.Cause(ctx))
		}
	}
	return nil
}

// Observe learns how a sign-in ended that a person asked for. When it went well, an account that has not named its cars
// yet is asked for them at once.
func (b *Bridge) Observe(account string, err error) {
	for _, a := range b.accounts {
		if a.Name == account {
			a.observe("", err)
			if err == nil {
				a.hurry()
			}
		}
	}
}

// patience is how long a read of our own may wait in line.
func (b *Bridge) patience() time.Duration { return max(b.pace.Load().Interval, 10*time.Minute) }

// Car is a car as fronts show it.
type Car struct {
	Name    string
	Account string
	Vehicle vehicle.Vehicle
	State   vehicle.State
	Stale   topic.StaleReason // why the state is old; empty when it is not
}

// Cars gives all cars by name.
func (b *Bridge) Cars() []Car {
	var cars []Car
	for _, l := range b.lanes.all() {
		cars = append(cars, l.shelf.car())
	}
	return cars
}

// Car gives one car, by whatever a person calls it.
func (b *Bridge) Car(ref string) (Car, error) {
	l, err := b.lanes.find(ref)
	if err != nil {
		return Car{}, err
	}
	return l.shelf.car(), nil
}

// AccountStates gives how each account stands.
func (b *Bridge) AccountStates() map[string]AccountStatus {
	states := map[string]AccountStatus{}
	for _, a := range b.accounts {
		states[a.Name], _ = a.snapshot()
	}
	return states
}
