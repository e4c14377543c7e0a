package bridge

import (
	"context"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/topic"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// looks are the waits before each look for a command's effect, a minute in all. Most cars report together with the
// outcome.
var looks = []time.Duration{time.Second, 4 * time.Second, 5 * time.Second, 10 * time.Second, 15 * time.Second, 25 * time.Second}

// lookWithin is how long they last.
const lookWithin = time.Minute

// finding is what a car's state says of a command that was sent.
type finding uint8

const (
	silence  finding = iota // the car has not reported since
	hidden                  // it has, but does not tell what the command changes
	contrary                // it reports something else
	seen                    // it reports what was asked for
)

func (f finding) String() string {
	switch f {
	case silence:
		return "the car has not reported since"
	case hidden:
		return "the car does not report it"
	case contrary:
		return "the car reports otherwise"
	case seen:
	}
	return "the car reports it"
}

// find reads a state. A report counts when it was made after the command was sent. Report times have whole seconds, and
// cars' clocks are not ours: an effect that shows up in a later report than the last one before is one, whatever its time.
func (a *attempt) find(s vehicle.State) finding {
	effect := a.command.Spec().Effect
	reported := s.ReportedAt()
	since := !reported.Before(a.sent.Truncate(time.Second))
	later := reported.After(a.before.Reported)
	switch {
	case effect == nil:
		return hidden
	case effect(a.command, s) == vehicle.EffectSeen:
		if since || later && !a.before.Seen {
			return seen
		}
	case !since:
	case effect(a.command, s) == vehicle.EffectMissing:
		return contrary
	default:
		return hidden
	}
	return silence
}

// peek reads what the cloud holds, with as few calls as will do, and gives the state that is then believed.
func (l *lane) peek(ctx context.Context) (vehicle.State, error) {
	trace := bluelink.TraceOf(ctx)
	trace.Sparing = true
	start := time.Now()
	result, err := l.ask(bluelink.WithTrace(ctx, trace), vehicle.Refresh{Mode: vehicle.Cached})
	l.bridge.metrics.refreshed(vehicle.Cached, err, time.Since(start))
	l.account().observe(l.id, err)
	if err != nil {
		l.log.DebugContext(ctx, "look for a command's effect failed", "error", err)
		return l.shelf.car().State, err
	}
	l.learn(ctx, result)
	return result.State, nil
}

// patientLooks are the looks for a car that stays silent while other commands wait.
const patientLooks = 3

// await looks for the effect of a command until the car reports it, or the looks are used up. When it is known that the
// command was carried out, others need not wait for a car that reports late. Its error says that the bridge stops.
func (l *lane) await(ctx context.Context, a *attempt, carriedOut bool) (found finding, err error) {
	for n, wait := range looks {
		if carriedOut && n >= patientLooks && found == silence && l.load().waiting > 0 {
			break
		}
		if err := l.pause(ctx, wait); err != nil {
			return found, err
		}
		state, err := l.peek(ctx)
		if err != nil {
			if l.stops(ctx) {
				return found, err
			}
			continue
		}
		if found = a.find(state); found == seen || found == hidden {
			break
		}
	}
	return found, nil
}

// verify compares what was wanted with what the car reports after it has confirmed a command.
func (l *lane) verify(ctx context.Context, f *flight, a *attempt) (outcome, error) {
	if a.command.Spec().Effect == nil {
		return outcome{state: vehicle.Confirmed, message: hidden.String()}, nil
	}
	found, err := l.await(ctx, a, true)
	switch {
	case found == seen:
		return l.lasts(ctx, a), nil
	case found == contrary && err == nil:
		l.alarm(ctx, f, a)
		return outcome{vehicle.Failed, vehicle.EffectNotSeen, "it was reported done, but " + contrary.String()}, nil
	case err != nil:
		return outcome{state: vehicle.Confirmed, message: "the bridge stopped before the car reported"}, nil //nolint:nilerr // the command itself went well
	}
	return outcome{state: vehicle.Confirmed, message: found.String()}, nil
}

// lasts looks once more at an effect that cars and schedules undo by themselves, after a while, or as soon as another
// command waits.
func (l *lane) lasts(ctx context.Context, a *attempt) outcome {
	done := outcome{state: vehicle.Verified}
	spec := a.command.Spec()
	if spec.Lasts == 0 || !l.idle(ctx, spec.Lasts) {
		return done
	}
	state, err := l.peek(ctx)
	if err == nil && spec.Effect(a.command, state) == vehicle.EffectMissing {
		return outcome{vehicle.Failed, vehicle.RevertedByVehicle, "it was done, and undone moments later by the car or its schedule"}
	}
	return done
}

// idle waits for a while, or until something is in line; false when the bridge stops.
func (l *lane) idle(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	for l.load().waiting == 0 {
		select {
		case <-timer.C:
			return true
		case <-ctx.Done():
			return false
		case <-l.stopping:
			return false
		case <-l.work: // the lane looks at its line anyway when this flight has ended
		}
	}
	return true
}

// decide lets one look decide about a command whose outcome the cloud does not know.
func (l *lane) decide(ctx context.Context, a *attempt, state vehicle.CommandState, reason vehicle.Reason, why string) (outcome, error) {
	current, err := l.peek(ctx)
	if err != nil && l.stops(ctx) {
		return outcome{}, errSuspended
	}
	return l.judge(a, a.find(current), state, reason, why), nil
}

// settle lets the reports of a minute decide about a command of which the cloud does not tell whether it arrived.
func (l *lane) settle(ctx context.Context, a *attempt, state vehicle.CommandState, reason vehicle.Reason, why string) (outcome, error) {
	if a.command.Spec().Effect == nil {
		return l.judge(a, hidden, state, reason, why), nil
	}
	found, err := l.await(ctx, a, false)
	if err != nil {
		return outcome{}, errSuspended
	}
	return l.judge(a, found, state, reason, why), nil
}

// judge ends a command by what was found: verified when its effect was seen, else as given.
func (l *lane) judge(a *attempt, found finding, state vehicle.CommandState, reason vehicle.Reason, why string) outcome {
	out := outcome{state, reason, why + "; " + found.String()}
	if found == seen {
		out = outcome{vehicle.Verified, vehicle.NoReason, why + ", but " + seen.String()}
	}
	l.endAction(a, out.state)
	return out
}

// alarm raises an event when a car is not locked after it was told to be.
func (l *lane) alarm(ctx context.Context, f *flight, a *attempt) {
	locked, known := vehicle.Locked.Of(l.shelf.car().State)
	if _, locks := a.command.(vehicle.Lock); !locks || !known || locked {
		return
	}
	l.log.ErrorContext(ctx, "the car is not locked although it confirmed to have locked")
	l.bridge.outbox.Publish(Publication{
		Topic: l.shelf.topics.Event(topic.SecurityEvents), Payload: topic.SecurityEvent(topic.NotLocked, time.Now(), f.lead.record.ID),
		ContentType: jsonType, Expiry: resultExpiry,
	})
}
