package app

import (
	"context"
	"log/slog"
	"slices"
	"sync"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/bridge"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/mqtt"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/topic"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// plainly subscribes topic by topic where the broker takes no wildcards: to those of the cars and accounts that are known.
type plainly struct {
	tree      topic.Tree
	accounts  []string
	cars      func() []bridge.Car
	subscribe func(ctx context.Context, filters ...string) error
	log       *slog.Logger
	wake      chan struct{} // capacity 1: something is new

	mu      sync.Mutex // guards filters
	filters []string   // that the broker did not take; empty while it takes wildcards
}

// refused takes the filters that a new connection did not get. It does not wait.
func (p *plainly) refused(filters []string) {
	p.mu.Lock()
	p.filters = filters
	p.mu.Unlock()
	p.look()
}

// reported looks for topics of cars that were not known before. It does not wait.
func (p *plainly) reported(bridge.Car) {
	if len(p.wanted()) > 0 {
		p.look()
	}
}

func (p *plainly) look() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

func (p *plainly) wanted() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.filters
}

// run subscribes until ctx ends. The client remembers what it was asked for.
func (p *plainly) run(ctx context.Context) error {
	asked := map[string]bool{}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-p.wake:
		}
		var fresh []string
		for _, t := range p.topics(p.wanted()) {
			if !asked[t] {
				asked[t] = true
				fresh = append(fresh, t)
			}
		}
		if len(fresh) == 0 {
			continue
		}
		if err := p.subscribe(ctx, fresh...); err != nil && ctx.Err() == nil {
			p.log.Error("some commands will not arrive", "error", err)
		}
	}
}

// topics are all that match one of the filters.
func (p *plainly) topics(filters []string) (all []string) {
	if len(filters) == 0 {
		return nil
	}
	add := func(t string) {
		if slices.ContainsFunc(filters, func(filter string) bool { return mqtt.Matches(filter, t) }) {
			all = append(all, t)
		}
	}
	for _, name := range p.accounts {
		for _, verb := range []topic.AccountVerb{topic.Retry, topic.CodeMethod, topic.CodeSet} {
			add(p.tree.AccountCommand(name, verb))
		}
	}
	for _, car := range p.cars() {
		for _, segment := range commandSegments() {
			add(p.tree.Car(car.Name).Command(segment))
		}
	}
	return all
}

// commandSegments are the last segments of all command topics.
var commandSegments = sync.OnceValue(func() (all []string) {
	for _, spec := range vehicle.Commands() {
		all = append(all, spec.Topic)
		for _, shortcut := range spec.Shortcuts {
			all = append(all, shortcut.Topic)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
})
