package bridge

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
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
	Accounts []Account              // at least one
	Outbox   Outbox                 // required
	Store    store.Store            // required
	Tree     topic.Tree             // required
	Table    *topic.Table           // required
	Metrics  *Metrics               // required
	Log      *slog.Logger           // required
	Names    map[vehicle.VIN]string // names that the user chose for topics
	Info     topic.Bridge           // published at each connect

	KeepVIN    bool          // a cloud id that holds the VIN stays the car's name in topics, as it was before
	Initial    bool          // read every car once at start
	Interval   time.Duration // between scheduled reads; 0 for none
	StaleAfter time.Duration // without data until a car is offline; 24 h when zero
	Inbox      int           // commands that may wait for one car; 64 when zero
	Grace      time.Duration // for operations in flight when the bridge is told to stop; 5 s when zero
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
	archive  *archive
	memory   memory

	inbox   chan Message
	overrun sync.Once

	adopted     chan *lane    // lanes that wait for their goroutine
	recalled    chan struct{} // closed when the cars of the last run have their lanes
	connections atomic.Int64
	started     time.Time
}

// New checks the options and builds a bridge; nothing runs yet.
func New(o Options) (*Bridge, error) {
	switch {
	case len(o.Accounts) == 0:
		return nil, errors.New("bridge: there is no account")
	case o.Outbox == nil, o.Store == nil, o.Table == nil, o.Metrics == nil, o.Log == nil:
		return nil, errors.New("bridge: outbox, store, table, metrics and log are required")
	}
	o.StaleAfter = cmp.Or(o.StaleAfter, 24*time.Hour)
	o.Inbox = cmp.Or(o.Inbox, 64)
	o.Grace = cmp.Or(o.Grace, 5*time.Second)
	b := &Bridge{
		options: o, log: o.Log, tree: o.Tree, outbox: o.Outbox, metrics: o.Metrics, lanes: newLanes(),
		inbox: make(chan Message, intakeSize), adopted: make(chan *lane), recalled: make(chan struct{}), started: time.Now(),
	}
	b.archive = newArchive(o.Store, o.Log)
	for _, a := range o.Accounts {
		b.accounts = append(b.accounts, &account{
			Account: a, bridge: b, status: AccountStatus{State: topic.AccountStarting, Since: time.Now().UTC()}, tried: make(chan struct{}),
		})
	}
	o.Metrics.watch(b)
	return b, nil
}

// Run works until ctx ends; when it returns, everything that it started has ended. Operations in flight get a grace
// period to end by themselves.
func (b *Bridge) Run(ctx context.Context) error {
	ops, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(b.options.Grace, cancel) })
	defer stop()

	work, ctx := errgroup.WithContext(ctx)
	var lanes sync.WaitGroup
	work.Go(func() error { return b.intake(ctx) })
	work.Go(func() error { return b.watch(ctx) })
	work.Go(func() error {
		for {
			select {
			case <-ctx.Done():
				lanes.Wait()
				b.archive.stop()
				return nil
			case l := <-b.adopted:
				lanes.Go(func() { l.run(ctx, ops) })
				if b.options.Initial {
					l.push(l.read(vehicle.ByStart))
				}
			}
		}
	})
	work.Go(b.archive.run)
	work.Go(func() error {
		if err := b.recall(ctx); err != nil {
			return err
		}
		close(b.recalled)
		for _, a := range b.accounts {
			work.Go(func() error { return a.run(ctx, ops) })
		}
		return nil
	})
	return work.Wait()
}

// recall gives the cars that were known when the process last ran their lanes, so that they are served at once, also
// while their cloud cannot be reached.
func (b *Bridge) recall(ctx context.Context) error {
	for saved, err := range b.archive.load(ctx) {
		if err != nil {
			return fmt.Errorf("read the cars from the store: %w", err)
		}
		for _, a := range b.accounts {
			if a.Key == saved.Account && (a.Wanted == nil || a.Wanted(saved.Vehicle.VIN)) {
				a.Client.Seed(saved.Vehicle, saved.State)
				b.adopt(ctx, a, saved.Vehicle, saved.State)
			}
		}
	}
	return nil
}

// adopt gives a car its lane; a car that has one keeps it.
func (b *Bridge) adopt(ctx context.Context, a *account, v vehicle.Vehicle, state vehicle.State) {
	if l := b.lanes.byID(v.ID); l != nil {
		l.shelf.introduce(v)
		return
	}
	name := b.nameOf(v)
	l := &lane{
		bridge: b, account: a, car: v, name: name, work: make(chan struct{}, 1),
		log: b.log.With("vehicle", name),
	}
	l.shelf = newShelf(b, l, v, state)
	if !b.lanes.add(l) {
		b.log.Error("two cars would have the same name in topics; give one another under vehicles", "name", name)
		return
	}
	b.archive.mark(l)
	a.mu.Lock()
	a.status.Cars++
	a.mu.Unlock()
	b.log.Info("car found", "vehicle", name, "car", v, "account", a.Name, "protocol", v.Protocol(), "engine", v.Engine.String())
	l.shelf.everything()
	select {
	case b.adopted <- l:
	case <-ctx.Done():
	}
}

// nameOf chooses a car's name in topics: the user's, else the one it had before, else the cloud's id.
func (b *Bridge) nameOf(v vehicle.Vehicle) string {
	for vin, name := range b.options.Names {
		if v.VIN != "" && strings.EqualFold(vin.Full(), v.VIN.Full()) {
			return name
		}
	}
	if name := b.archive.name(v.ID); name != "" {
		return name
	}
	holdsVIN := v.VIN != "" && strings.Contains(strings.ToUpper(v.CloudID), strings.ToUpper(v.VIN.Full()))
	switch {
	case !topic.ValidCloudID(v.CloudID):
		return string(v.ID)
	case holdsVIN && b.options.KeepVIN:
		b.log.Warn("the cloud's id of this car holds its VIN and stands in every topic; give it a name under vehicles", "car", v)
	case holdsVIN:
		return string(v.ID)
	}
	return v.CloudID
}

// Connected publishes everything: MQTT has (again) a connection.
func (b *Bridge) Connected() {
	b.connections.Add(1)
	b.outbox.Publish(Publication{Topic: b.tree.BridgeState(), Payload: []byte(topic.Online), Retain: true})
	b.outbox.Publish(Publication{Topic: b.tree.BridgeInfo(), Payload: b.options.Info.Payload(), Retain: true, ContentType: jsonType})
	for _, a := range b.accounts {
		status, _ := a.snapshot()
		b.publishAccount(a.Name, status)
	}
	for _, l := range b.lanes.all() {
		l.shelf.everything()
	}
}

// starting tells whether an account has not named its cars yet.
func (b *Bridge) starting() bool { return b.startingWhy() != "" }

func (b *Bridge) startingWhy() string {
	for _, a := range b.accounts {
		if status, listed := a.snapshot(); !listed {
			return strings.TrimSpace("account " + a.Name + " is " + string(status.State) + ". " + status.Message)
		}
	}
	return ""
}

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

// Observe learns how an operation ended that was not made by a lane.
func (b *Bridge) Observe(account string, err error) {
	for _, a := range b.accounts {
		if a.Name == account {
			a.observe(err)
		}
	}
}

// patience is how long a read of our own may wait in line.
func (b *Bridge) patience() time.Duration { return max(b.options.Interval, 10*time.Minute) }

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
