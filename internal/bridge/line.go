package bridge

import (
	"fmt"
	"slices"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// What happens to commands while they wait in a lane's line: they join, overtake each other, ripen, are taken back.

// debounce is how long a slider's command waits for a newer one, while nothing else waits behind it.
const debounce = 3 * time.Second

// hintSpacing is how long one read answers for all hints.
const hintSpacing = time.Minute

// local carries out at once what needs no cloud, or turns it into what does; done tells that nothing is left to do. The
// lane's lock is held.
func (l *lane) local(o *order) (done bool) {
	switch c := o.command.(type) {
	case vehicle.Cancel:
		l.cancel(o, c.ID)
		return true
	case vehicle.ClimateTarget:
		l.shelf.aim(c.Temperature) // the journal has it on disk by now
		l.bridge.advance(o, vehicle.Accepted, vehicle.NoReason, "")
		l.bridge.advance(o, vehicle.Verified, vehicle.NoReason, "kept for the next climate-start that names none")
		return true
	case vehicle.Preset:
		if !c.None() {
			return false
		}
		l.shelf.started("")
		l.bridge.advance(o, vehicle.Accepted, vehicle.NoReason, "")
		l.bridge.advance(o, vehicle.Verified, vehicle.NoReason, "no preset is shown; the car goes on as it is")
		return true
	case vehicle.Hint:
		if since := time.Since(l.hinted); since < hintSpacing {
			l.bridge.advance(o, vehicle.Accepted, vehicle.NoReason, "")
			l.bridge.advance(o, vehicle.Verified, vehicle.NoReason, fmt.Sprintf("a hint was followed %d s ago", int(since.Seconds())))
			return true
		}
		l.hinted = time.Now()
		o.command, o.hint = vehicle.Refresh{Mode: vehicle.Cached}, true
	}
	return false
}

// complete fills in what the car's owner has told before.
func (l *lane) complete(o *order) {
	target := l.shelf.aimed()
	if !target.Given {
		return
	}
	for i, step := range o.steps {
		if c, starts := step.(vehicle.ClimateStart); starts && !c.Temperature.Given {
			c.Temperature = target
			o.steps = slices.Clone(o.steps)
			o.steps[i] = c
		}
	}
}

// equal finds a command in line that asks for the same as the order does, with nothing but refreshes behind it.
func (l *lane) equal(o *order) *flight {
	for _, f := range slices.Backward(l.line) {
		if f.refreshes() {
			continue
		}
		if !f.begun() && slices.EqualFunc(f.steps, o.steps, vehicle.SameCommand) {
			return f
		}
		return nil
	}
	return nil
}

// overtake lets the newest command of a slider take the place of older ones that still wait. What an older one alone asks
// for, such as the other one of two limits, goes along. It gives the orders that do.
func (l *lane) overtake(o *order) (along []*order) {
	if !o.command.Spec().Slider {
		return nil
	}
	l.line = slices.DeleteFunc(l.line, func(f *flight) bool {
		if f.command.Spec() != o.command.Spec() || f.begun() {
			return false
		}
		for _, older := range f.orders {
			if _, whole := vehicle.Overtake(older.command, o.command); whole && !vehicle.SameCommand(older.command, o.command) {
				l.bridge.conclude(older, outcome{vehicle.Superseded, vehicle.SupersededReason, "a newer one came before it was sent"})
			} else {
				along = append(along, older)
			}
		}
		l.bridge.metrics.queued.Dec()
		return true
	})
	return along
}

// fold makes a slider's flight ask for what its orders ask for together, the newest last.
func (f *flight) fold() {
	if len(f.orders) == 0 || !f.command.Spec().Slider {
		return
	}
	f.command = f.orders[0].command
	for _, o := range f.orders[1:] {
		f.command, _ = vehicle.Overtake(f.command, o.command)
	}
	f.steps = []vehicle.Command{f.command}
}

// ripe tells whether a flight that is first in line may leave: a slider's waits for a newer one, unless somebody waits
// behind it.
func (l *lane) ripe(f *flight, now time.Time) bool {
	if !now.Before(f.ripens) {
		return true
	}
	return slices.ContainsFunc(l.line, func(other *flight) bool { return other != f && !other.leader().quiet() })
}

// ripens is how long the flight that is first in line still waits to ripen; false when nothing does.
func (l *lane) ripens(now time.Time) (wait time.Duration, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.line) == 0 || l.ripe(l.line[0], now) {
		return 0, false
	}
	return l.line[0].ripens.Sub(now), true
}

// cancel takes back a command that still waits, in line or to be sent. The lane's lock is held.
func (l *lane) cancel(o *order, id string) {
	l.bridge.advance(o, vehicle.Accepted, vehicle.NoReason, "")
	wanted := func(w *order) bool { return w.record.ID == id && !w.quiet() }
	done := func() { l.bridge.advance(o, vehicle.Verified, vehicle.NoReason, "") }
	taken := outcome{vehicle.Cancelled, vehicle.CancelledReason, "taken back before it was sent"}
	for i, f := range l.line {
		at := slices.IndexFunc(f.orders, wanted)
		if at < 0 || f.begun() {
			continue
		}
		l.bridge.moveThen(f.orders[at], taken, true, done)
		f.orders = slices.Delete(f.orders, at, at+1)
		if f.fold(); len(f.orders) == 0 {
			l.line = slices.Delete(l.line, i, i+1)
			l.bridge.metrics.queued.Dec()
		}
		return
	}
	if f := l.current; f != nil && f.recallable() {
		if at := slices.IndexFunc(f.orders, wanted); at >= 0 {
			l.bridge.moveThen(f.orders[at], taken, true, done)
			f.orders = slices.Delete(f.orders, at, at+1)
			l.callOff(f)
			return
		}
	}
	l.bridge.conclude(o, outcome{vehicle.Rejected, vehicle.PreconditionFailed, "no command with this id waits; what was sent cannot be taken back"})
}

// recallable tells whether nothing of a flight that has left the line has reached the cloud yet.
func (f *flight) recallable() bool {
	return !f.out && !f.begun() && (f.waiting || f.resting)
}

// callOff ends a flight that nobody waits for any more. The lane's lock is held.
func (l *lane) callOff(f *flight) {
	if len(f.orders) == 0 && !f.calledOff {
		f.calledOff = true
		f.cancel(errCalledOff)
	}
}
