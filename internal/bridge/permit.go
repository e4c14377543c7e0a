package bridge

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// Permissions are what the user lets this bridge do. Reading, hints and taking commands back are always allowed; how often
// a car may be woken is decided elsewhere.
type Permissions struct {
	ReadOnly      bool     // no command reaches a car
	Allow         []string // names of the only commands that do; empty for all
	UnlockPerHour int      // of each car; 0 for as many as come
}

// rules are what the user decides about commands.
type rules struct {
	Permissions
	presets map[string][]vehicle.Command // by the names that the user chose
}

// SetRules changes what this bridge may do, for commands that come from now on, and announces it. The map must not be
// changed afterwards.
func (b *Bridge) SetRules(p Permissions, presets map[string][]vehicle.Command) {
	b.rules.Store(&rules{p, presets})
	if b.heralding.out != nil {
		b.herald.anew(b.lanes.all())
	}
}

// Presets are the commands that the user named; the map must not be changed.
func (b *Bridge) Presets() map[string][]vehicle.Command { return b.rules.Load().presets }

// plan tells what is given to the car for an order, and says why nothing can be.
func (b *Bridge) plan(o *order) *refusal {
	switch c := o.command.(type) {
	case nil, vehicle.Refresh, vehicle.Hint, vehicle.Cancel, vehicle.ClimateTarget:
	case vehicle.Preset:
		steps, known := b.rules.Load().presets[c.Name]
		if !known && !c.None() {
			return &refusal{vehicle.Unsupported, "there is no such preset; there are " + b.presetNames()}
		}
		o.steps = steps
	default:
		o.steps = []vehicle.Command{o.command}
	}
	return nil
}

// permit says why an order is refused, if it is. It makes the order's plan.
func (b *Bridge) permit(o *order) *refusal {
	if refused := b.plan(o); refused != nil {
		return refused
	}
	if _, target := o.command.(vehicle.ClimateTarget); target {
		return b.allows(o.lane, vehicle.ClimateTarget{}.Spec(), vehicle.ClimateStart{}.Spec())
	}
	unlocks := 0
	for _, step := range o.steps {
		spec := step.Spec()
		if _, change := step.(vehicle.ScheduleChange); change {
			spec = vehicle.Schedule{}.Spec() // which is what the car gets
		}
		if refused := b.allows(o.lane, spec, spec); refused != nil {
			return refused
		}
		if _, is := step.(vehicle.Unlock); is {
			unlocks++
		}
	}
	return o.lane.countUnlocks(unlocks, b.rules.Load().UnlockPerHour)
}

// allows says why a command does not reach a car; able is the one that the car must be able to carry out for it.
func (b *Bridge) allows(l *lane, asked, able *vehicle.Spec) *refusal {
	return b.allowed(l.account(), l.shelf.car().Vehicle, asked, able)
}

// allowed is allows for a car that is as v says.
func (b *Bridge) allowed(a *account, v vehicle.Vehicle, asked, able *vehicle.Spec) *refusal {
	p, can := b.rules.Load(), v.Capabilities.Commands
	switch {
	case p.ReadOnly:
		return &refusal{vehicle.ReadOnly, "this bridge only reads (permissions.read_only)"}
	case a.Mute != "":
		return &refusal{a.Mute, "this account takes no commands; " + muteHint(a.Mute)}
	case len(p.Allow) > 0 && !slices.Contains(p.Allow, asked.Name):
		return &refusal{vehicle.NotPermitted, fmt.Sprintf("permissions.allow does not name %s; it names %s", asked.Name, strings.Join(p.Allow, ", "))}
	case len(can) > 0 && !slices.Contains(can, able.Name): // of a car that was stored by an old release nothing is known
		return &refusal{vehicle.Unsupported, fmt.Sprintf("this car cannot do %s; it can %s", able.Name, strings.Join(can, ", "))}
	}
	return nil
}

func muteHint(why vehicle.Reason) string {
	if why == vehicle.PINRequired {
		return "set the PIN of the maker's app for it"
	}
	return string(why)
}

func (b *Bridge) presetNames() string {
	presets := b.rules.Load().presets
	if len(presets) == 0 {
		return "none; the configuration names them under presets"
	}
	return strings.Join(slices.Sorted(maps.Keys(presets)), ", ")
}

// countUnlocks notes that the car is to be unlocked so many times, unless that is too often.
func (l *lane) countUnlocks(n, perHour int) *refusal {
	if n == 0 || perHour == 0 {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.unlocks = slices.DeleteFunc(l.unlocks, func(at time.Time) bool { return now.Sub(at) >= time.Hour })
	if len(l.unlocks)+n > perHour {
		return &refusal{vehicle.RateLimited, fmt.Sprintf("%d unlocks an hour are allowed and used up", perHour)}
	}
	for range n {
		l.unlocks = append(l.unlocks, now)
	}
	return nil
}
