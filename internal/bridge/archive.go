package bridge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/store"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// The archive's pace. What changes between two writes is written together: a crash costs at most that much of a state,
// which the next read brings again.
const (
	saveEvery    = time.Second
	saveRetry    = time.Minute      // after a failure
	saveWithin   = 30 * time.Second // one write
	saveTogether = 256              // cars in one transaction
)

// saved is what the store keeps of a car, under one key.
type saved struct {
	Name    string          `json:"name"`    // in topics when the user gives none, bound to the VIN at first sight
	Account string          `json:"account"` // store key of its account
	Vehicle vehicle.Vehicle `json:"vehicle"` // its VIN in full
	State   vehicle.State   `json:"state"`
	Rest    vehicle.Rest    `json:"rest,omitzero"`
	Missing time.Time       `json:"missing,omitzero"` // since when its accounts' lists lack it
	Gone    bool            `json:"gone,omitzero"`    // so long that it gets no lane until one names it
}

// archive writes cars to the store, behind the lanes: a lane never waits for the disk.
type archive struct {
	store   store.Store
	log     *slog.Logger
	contain func(ctx context.Context, part string, work func()) error

	mu    sync.Mutex // guards what follows
	dirty map[vehicle.ID]*lane
	names map[vehicle.ID]string
	gone  map[vehicle.ID]saved

	wake chan struct{}
	done chan struct{}
}

func newArchive(b *Bridge) *archive {
	return &archive{
		store: b.options.Store, log: b.log, contain: b.contain, dirty: map[vehicle.ID]*lane{}, names: map[vehicle.ID]string{},
		gone: map[vehicle.ID]saved{},
		wake: make(chan struct{}, 1), done: make(chan struct{}),
	}
}

const vehiclePrefix = "vehicle/"

// load yields the cars of the last run.
func (a *archive) load(ctx context.Context) iter.Seq2[saved, error] {
	return func(yield func(saved, error) bool) {
		for entry, err := range a.store.Range(ctx, vehiclePrefix) {
			var car saved
			if damaged := (*store.DamagedError)(nil); err != nil && !errors.As(err, &damaged) {
				yield(car, err)
				return
			}
			if err == nil {
				err = json.Unmarshal(entry.Value, &car)
			}
			if err != nil {
				a.log.Warn("a car cannot be read from the store and begins anew", "key", entry.Key, "error", err)
				continue
			}
			a.bind(car.Vehicle.ID, car.Name)
			if !yield(car, nil) {
				return
			}
		}
	}
}

// bind notes the name that a car keeps.
func (a *archive) bind(id vehicle.ID, name string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.names[id] = name
}

// name is the name that a car had in topics when it was first seen.
func (a *archive) name(id vehicle.ID) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.names[id]
}

// mark tells that a car has something to write.
func (a *archive) mark(l *lane) {
	a.mu.Lock()
	a.dirty[l.id] = l
	a.mu.Unlock()
	a.signal()
}

// leave keeps what was known of a car that is gone, in case that it comes back.
func (a *archive) leave(car saved) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.gone[car.Vehicle.ID] = car
}

// back gives what was known of a car that was gone; false for one that was not.
func (a *archive) back(id vehicle.ID) (car saved, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	car, ok = a.gone[id]
	delete(a.gone, id)
	return car, ok
}

func (a *archive) signal() {
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// run writes until stop, which comes after the last lane has ended. A failure is said once until writing works again.
func (a *archive) run() error {
	failing := false
	for stopped := false; !stopped; {
		select {
		case <-a.done:
			stopped = true
		case <-a.wake:
		}
		err := a.flush()
		pause := saveEvery
		switch {
		case err != nil:
			if !failing {
				a.log.Error("states cannot be written; they are kept in memory and tried again", "error", err)
			}
			pause = saveRetry
			a.signal()
		case failing:
			a.log.Info("states are written again")
		}
		failing = err != nil
		if !stopped {
			select {
			case <-a.done:
			case <-time.After(pause):
			}
		}
	}
	return nil
}

func (a *archive) stop() { close(a.done) }

// flush writes all dirty cars, each under its own key. What cannot be written stays dirty.
func (a *archive) flush() error {
	a.mu.Lock()
	dirty := slices.Collect(maps.Values(a.dirty))
	clear(a.dirty)
	a.mu.Unlock()
	// Not under the context of Run: the last write comes after its end.
	ctx, cancel := context.WithTimeout(context.Background(), saveWithin)
	defer cancel()
	var failures []error
	for some := range slices.Chunk(dirty, saveTogether) {
		if err := a.save(ctx, some); err != nil {
			failures = append(failures, err)
		}
	}
	return errors.Join(failures...)
}

// save writes some cars together, or one by one where the store cannot do that or one of them cannot be written.
func (a *archive) save(ctx context.Context, some []*lane) error {
	ops, err := a.encode(ctx, some)
	if err == nil {
		_, err = a.store.Apply(ctx, ops...)
	}
	alone := len(ops) < len(some) || errors.Is(err, errors.ErrUnsupported) || errors.Is(err, store.ErrInvalid)
	switch {
	case err == nil:
		for _, l := range some {
			l.shelf.savedAt(time.Now())
		}
		return nil
	case alone && len(some) > 1:
		var failures []error
		for _, l := range some {
			failures = append(failures, a.save(ctx, []*lane{l}))
		}
		return errors.Join(failures...)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, l := range some {
		if a.dirty[l.id] == nil { // a car that was gone may have another lane meanwhile
			a.dirty[l.id] = l
		}
	}
	return fmt.Errorf("write %d cars: %w", len(some), err)
}

func (a *archive) encode(ctx context.Context, some []*lane) (ops []store.Op, err error) {
	for _, l := range some {
		var value []byte
		fault := a.contain(ctx, "archive", func() { value, err = json.Marshal(l.shelf.kept()) })
		if err = errors.Join(fault, err); err != nil {
			return ops, fmt.Errorf("encode the state of %s: %w", l.name, err)
		}
		ops = append(ops, store.PutOp(vehiclePrefix+string(l.id), value, store.AnyRevision))
	}
	return ops, nil
}
