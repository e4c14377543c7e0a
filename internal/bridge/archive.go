package bridge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"sync"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/store"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// saveEvery bounds how often a car's state is written: what changes between is written together. A crash costs at most
// that much of a state, which the next read brings again.
const saveEvery = time.Second

// saved is what the store keeps of a car, under one key.
type saved struct {
	Name    string          `json:"name"`    // in topics, bound to the VIN at first sight
	Account string          `json:"account"` // store key of its account
	Vehicle vehicle.Vehicle `json:"vehicle"`
	VIN     string          `json:"vin"` // in full, which Vehicle does not print
	State   vehicle.State   `json:"state"`
}

// archive writes cars to the store, behind the lanes: a lane never waits for the disk.
type archive struct {
	store store.Store
	log   *slog.Logger

	mu      sync.Mutex // guards what follows
	dirty   map[*lane]struct{}
	names   map[vehicle.ID]string
	failing bool

	wake chan struct{}
	done chan struct{}
}

func newArchive(s store.Store, log *slog.Logger) *archive {
	return &archive{
		store: s, log: log, dirty: map[*lane]struct{}{}, names: map[vehicle.ID]string{},
		wake: make(chan struct{}, 1), done: make(chan struct{}),
	}
}

const vehiclePrefix = "vehicle/"

// load yields the cars of the last run.
func (a *archive) load(ctx context.Context) iter.Seq2[saved, error] {
	return func(yield func(saved, error) bool) {
		for entry, err := range a.store.Range(ctx, vehiclePrefix) {
			var car saved
			var damaged *store.DamagedError
			switch {
			case errors.As(err, &damaged):
				a.log.Warn("a car cannot be read from the store and begins anew", "key", entry.Key, "error", err)
				continue
			case err == nil:
				if err = json.Unmarshal(entry.Value, &car); err != nil {
					a.log.Warn("a car cannot be read from the store and begins anew", "key", entry.Key, "error", err)
					continue
				}
			}
			car.Vehicle.VIN = vehicle.VIN(car.VIN)
			a.mu.Lock()
			a.names[car.Vehicle.ID] = car.Name
			a.mu.Unlock()
			if !yield(car, err) {
				return
			}
		}
	}
}

// name is the topic name that a car had when it was last seen.
func (a *archive) name(id vehicle.ID) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.names[id]
}

// mark tells that a car has something to write.
func (a *archive) mark(l *lane) {
	a.mu.Lock()
	a.dirty[l] = struct{}{}
	a.mu.Unlock()
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// run writes until stop, which comes after the last lane has ended.
func (a *archive) run() error {
	for {
		select {
		case <-a.done:
			a.flush()
			return nil
		case <-a.wake:
			a.flush()
			select {
			case <-a.done:
			case <-time.After(saveEvery):
			}
		}
	}
}

func (a *archive) stop() { close(a.done) }

// flush writes all dirty cars, each under its own key. What cannot be written stays dirty.
func (a *archive) flush() {
	a.mu.Lock()
	dirty := a.dirty
	a.dirty = map[*lane]struct{}{}
	a.mu.Unlock()
	if len(dirty) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	var ops []store.Op
	for l := range dirty {
		car := l.shelf.car()
		value, err := json.Marshal(saved{car.Name, l.account.Key, car.Vehicle, car.Vehicle.VIN.Full(), car.State})
		if err != nil {
			a.log.Error("state cannot be encoded", "vehicle", car.Name, "error", err)
			continue
		}
		ops = append(ops, store.Op{Key: vehiclePrefix + string(l.car.ID), Value: value, Revision: store.AnyRevision})
	}
	_, err := a.store.Apply(ctx, ops...)
	if errors.Is(err, errors.ErrUnsupported) {
		err = nil
		for _, op := range ops {
			if _, putErr := a.store.Put(ctx, op.Key, op.Value, op.Revision); putErr != nil {
				err = errors.Join(err, putErr)
			}
		}
	}
	a.wrote(dirty, err)
}

// wrote notes the end of a flush; a failure is said once until writing works again.
func (a *archive) wrote(dirty map[*lane]struct{}, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case err != nil:
		if !a.failing {
			a.log.Error("states cannot be written; they are kept in memory and tried again", "error", fmt.Errorf("write %d cars: %w", len(dirty), err))
		}
		for l := range dirty {
			a.dirty[l] = struct{}{}
		}
	case a.failing:
		a.log.Info("states are written again")
	}
	a.failing = err != nil
	for l := range dirty {
		if err == nil {
			l.shelf.savedAt(time.Now())
		}
	}
}
