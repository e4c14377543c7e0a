package bridge

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// attempt is a command that was sent, or may have been.
type attempt struct {
	command vehicle.Command
	id      vehicle.ActionID // empty when the cloud's answer was lost
	lost    error            // why
	sent    time.Time        // before it left, by our clock
	taken   time.Time        // when the cloud's answer came, or was lost
	before  scenery          // what the car reported until then
}

// scenery is what a car had reported before a command was sent.
type scenery struct {
	Reported time.Time `json:"reported"` // when, by its own clock
	Seen     bool      `json:"seen"`     // it was as the command asks for
}

func sceneryOf(c vehicle.Command, s vehicle.State) scenery {
	effect := c.Spec().Effect
	return scenery{s.ReportedAt(), effect != nil && effect(c, s) == vehicle.EffectSeen}
}

// errSuspended ends the work on a command that the next run of the process goes on with: it was sent, or may have been,
// and its outcome is not known yet.
var errSuspended = errors.New("left to the next run")

// command carries out a flight's commands, one after the other, and tells the orders how that ended.
func (l *lane) command(ctx context.Context, f *flight) {
	out, err := l.carry(ctx, f)
	switch {
	case errors.Is(err, errSuspended):
		l.log.InfoContext(ctx, "command is left to the next run")
		l.end(f, l.bridge.suspend)
	case errors.Is(context.Cause(ctx), errCalledOff):
		l.end(f, func(*order) {}) // nobody is left
	default:
		l.log.InfoContext(ctx, "command done", "request", f.lead.record.Command, "state", string(out.state),
			"reason", string(out.reason), "seconds", time.Since(f.since).Seconds())
		if p, preset := f.command.(vehicle.Preset); preset && out.well() && l.bridge.starts(p) {
			l.shelf.started(p.Name)
		}
		l.end(f, func(o *order) { l.bridge.conclude(o, out) })
	}
}

// carry does the work.
func (l *lane) carry(ctx context.Context, f *flight) (out outcome, err error) {
	for ; f.step < len(f.steps); l.next(f) {
		if f.step > 0 && f.resume == nil && l.stops(ctx) {
			return out, errSuspended
		}
		if f.revived && f.resume == nil && !time.Now().Before(l.deadline(f)) {
			return f.stopped(outcome{vehicle.Expired, vehicle.ExpiredReason, "the bridge was not there to send it in time"}), nil
		}
		if out, err = l.carryStep(ctx, f); out == notSent && f.step > 0 {
			err = errSuspended
		}
		if err != nil || !out.well() {
			return f.stopped(out), err
		}
	}
	return out, nil
}

// next turns to the flight's next command.
func (l *lane) next(f *flight) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f.step++
	f.resume, f.out = nil, false
}

// carryStep carries out one command and sees to its end.
func (l *lane) carryStep(ctx context.Context, f *flight) (outcome, error) {
	a := f.resume
	if a == nil {
		c := f.steps[f.step]
		if out, idle := l.already(ctx, c); idle {
			return out, nil
		}
		if change, part := c.(vehicle.ScheduleChange); part {
			whole, out, known := l.whole(change)
			if !known {
				return out, nil
			}
			c = whole
		}
		defer l.shelf.turns(c)()
		var out outcome
		var err error
		if a, out, err = l.send(ctx, f, c); a == nil {
			return out, err
		}
	} else {
		defer l.shelf.turns(a.command)()
	}
	return l.follow(ctx, f, a)
}

// stopped is how a flight of several commands ends that came to an early end: what was not sent any more lacked its
// precondition.
func (f *flight) stopped(out outcome) outcome {
	if len(f.steps) == 1 {
		return out
	}
	name := f.steps[f.step].Spec().Name
	out.message = strings.TrimSuffix(name+": "+out.message, ": ")
	if rest := f.steps[f.step+1:]; len(rest) > 0 {
		var names []string
		for _, c := range rest {
			names = append(names, c.Spec().Name)
		}
		out.message += " (" + string(out.reason) + "); not sent: " + strings.Join(names, ", ")
		out.reason = vehicle.PreconditionFailed
	}
	return out
}

// whole completes a change of the schedule with what the car reports; known is false when that does not do.
func (l *lane) whole(change vehicle.ScheduleChange) (whole vehicle.Schedule, out outcome, known bool) {
	whole, err := change.On(l.shelf.car().State)
	if err != nil {
		return whole, outcome{vehicle.Rejected, vehicle.PreconditionFailed, err.Error()}, false
	}
	return whole, outcome{}, true
}

// recently is how young a report must be to show that a command has nothing to do.
const recently = time.Minute

// already tells whether a command has nothing to do, or would undo what it asks for, as the car reports it.
func (l *lane) already(ctx context.Context, c vehicle.Command) (outcome, bool) {
	spec := c.Spec()
	if spec.Effect == nil || spec.Again == vehicle.AgainActs {
		return outcome{}, false
	}
	state := l.shelf.car().State
	recent := time.Since(state.ReportedAt()) < recently && time.Since(state.FetchedAt()) < recently
	if spec.Again == vehicle.AgainUndoes && !recent {
		if fresh, err := l.peek(ctx); err == nil {
			state = fresh
		} // else what was reported last is better than nothing
		recent = true
	}
	if !recent || spec.Effect(c, state) != vehicle.EffectSeen {
		return outcome{}, false
	}
	message := "it is so already"
	if at := state.ReportedAt(); !at.IsZero() {
		message += ", as the car reported at " + at.Format(time.RFC3339)
	}
	return outcome{vehicle.Verified, vehicle.NoReason, message + "; nothing was sent"}, true
}

// send gives the command to the cloud: once, and again only after the cloud said that it is busy with an earlier request.
// Without an attempt nothing was sent, and the outcome is final.
func (l *lane) send(ctx context.Context, f *flight, c vehicle.Command) (*attempt, outcome, error) {
	for tries := 1; ; tries++ {
		a := &attempt{command: c, sent: time.Now(), before: sceneryOf(c, l.shelf.car().State)}
		if err := l.bridge.journal.mark(ctx, f, stageSending, a); err != nil {
			if l.stops(ctx) {
				return nil, notSent, nil
			}
			l.log.ErrorContext(ctx, "command is not sent, since the journal cannot be written", "error", err)
			return nil, outcome{vehicle.Failed, vehicle.Internal, "the journal cannot be written, so it was not sent"}, nil
		}
		if tries == 1 && f.step == 0 {
			l.bridge.metrics.wire.Observe(time.Since(f.lead.record.AcceptedAt).Seconds())
		}
		a.sent = time.Now()
		id, err := l.account().Client.Do(l.inName(ctx, f), l.id, c)
		a.taken = time.Now()
		l.account().observe(l.id, err)
		switch {
		case err == nil:
			a.id = id
			l.leave(ctx, f, a)
			return a, outcome{}, nil
		case bluelink.MayHaveSucceeded(err):
			l.log.WarnContext(ctx, "the answer to a command was lost; it is not sent again",
				"request", f.lead.record.Command, "reason", string(bluelink.Reason(err)), "error", err)
			a.lost = err
			l.leave(ctx, f, a)
			return a, outcome{}, nil
		}
		if markErr := l.bridge.journal.mark(ctx, f, stageAccepted, nil); markErr != nil && ctx.Err() == nil {
			l.log.WarnContext(ctx, "the journal cannot be written", "error", markErr)
		}
		wait := busyWait(tries, err)
		switch deadline := l.deadline(f); {
		case !errors.Is(err, bluelink.ErrBusy) || time.Now().Add(wait).After(deadline):
			out := l.refused(ctx, c, err)
			l.log.WarnContext(ctx, "command was not accepted", "request", f.lead.record.Command,
				"reason", string(out.reason), "tries", tries, "error", err)
			return nil, out, nil
		default:
			l.log.DebugContext(ctx, "the cloud is busy with an earlier request", "again_in", wait.String())
			if !l.rest(ctx, f, wait) {
				return nil, notSent, nil
			}
		}
	}
}

// notSent is how a command ends that waits to be sent when the bridge stops.
var notSent = outcome{vehicle.Rejected, vehicle.Shutdown, "the bridge is stopping; it was not sent"}

// inName makes the operation in the name of an order that still waits for it: the one that it had may be taken back.
func (l *lane) inName(ctx context.Context, f *flight) context.Context {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(f.orders) == 0 || slices.Contains(f.orders, f.lead) {
		return ctx
	}
	f.lead = f.leader()
	trace := bluelink.TraceOf(ctx)
	trace.Command, trace.Cause = f.lead.record.ID, f.lead.cause
	return bluelink.WithTrace(ctx, trace)
}

// leave notes that a command was sent, or may have been. From here on nobody can take it back.
func (l *lane) leave(ctx context.Context, f *flight, a *attempt) {
	// The outcome is worth more than the caller's patience: this is written even while the bridge stops.
	ctx = context.WithoutCancel(ctx)
	if err := l.bridge.journal.mark(ctx, f, stageSent, a); err != nil {
		l.log.WarnContext(ctx, "the journal cannot be written; after a crash this command's outcome would be unknown",
			"error", err)
	}
	message := ""
	if len(f.steps) > 1 {
		message = fmt.Sprintf("%d of %d: %s", f.step+1, len(f.steps), a.command.Spec().Name)
	}
	if a.lost != nil {
		message = "the cloud's answer was lost: " + outcomeOf(a.lost).message
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	f.out = true
	for _, o := range f.orders {
		l.bridge.advance(o, vehicle.Sent, vehicle.NoReason, message)
	}
	l.tellAction(a, "status", "PENDING")
	l.tellAction(a, "started_at", actionTime(a.sent))
}

// refused is how a command ends that was not sent, or that the cloud refused.
func (l *lane) refused(ctx context.Context, c vehicle.Command, err error) outcome {
	if cause := context.Cause(ctx); errors.Is(cause, errStopping) {
		return notSent
	}
	out := outcomeOf(err)
	for _, unsent := range []error{bluelink.ErrPINRequired, bluelink.ErrUnsupported, bluelink.ErrInvalidCommand} {
		if errors.Is(err, unsent) {
			out.state = vehicle.Rejected
		}
	}
	if out.reason == vehicle.VehicleRefused {
		out.message = withObstacle(out.message, c, l.shelf.car().State)
	}
	return out
}

// withObstacle adds what the car reports that is likely to be the reason.
func withObstacle(message string, c vehicle.Command, s vehicle.State) string {
	if why := vehicle.Obstacle(c, s); why != "" {
		return message + "; the car reports: " + why
	}
	return message
}

// deadline is until when a flight may be sent.
func (l *lane) deadline(f *flight) (latest time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, o := range f.orders {
		if o.expires.After(latest) {
			latest = o.expires
		}
	}
	return latest
}

// busyWait is the wait before a command is sent again that found the cloud busy: 3 s, growing to 15 s, or what the cloud
// says, jittered.
func busyWait(tries int, err error) time.Duration {
	wait := max(min(3*time.Second<<min(tries-1, 4), 15*time.Second), bluelink.RetryAfter(err))
	return time.Duration((0.8 + 0.4*rand.Float64()) * float64(wait))
}

// rest waits with nothing under way, so that the flight may be taken back meanwhile; false when there is nothing to go on
// with.
func (l *lane) rest(ctx context.Context, f *flight, d time.Duration) bool {
	l.setResting(f, true)
	defer l.setResting(f, false)
	return l.pause(ctx, d) == nil
}

func (l *lane) setResting(f *flight, rests bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f.resting = rests
}

// commandLimit is how long a flight of commands may take before its lane counts as stuck: all that its parts may take.
func (l *lane) commandLimit(f *flight) time.Duration {
	limit := sendWithin + watchMargin
	for _, c := range f.steps {
		limit += l.limitOf(c) + c.Spec().Lasts + lookWithin + 3*l.bridge.options.ReadWithin
	}
	return limit
}

// pause waits. It ends early, with an error, when ctx does or the bridge is told to stop.
func (l *lane) pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-l.stopping:
		return errStopping
	}
}
