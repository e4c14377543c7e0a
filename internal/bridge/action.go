package bridge

import (
	"context"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// The pace at which the outcome of a command is asked for (docs/protocol/europe.md §7). At once there is none yet.
const (
	firstLook  = 2 * time.Second
	slowestAsk = 5 * time.Second
	// unrecorded is how long a command may be without a record before that means anything.
	unrecorded = 15 * time.Second
	// deafAfter is after how many failed questions in a row the car's state must tell.
	deafAfter = 5
)

// follow sees to the end of a command that was sent. An error says that the next run has to.
func (l *lane) follow(ctx context.Context, f *flight, a *attempt) (outcome, error) {
	if a.id == "" {
		return l.settle(ctx, a, vehicle.Unknown, bluelink.Reason(a.lost), "the cloud's answer was lost")
	}
	status, err := l.poll(ctx, a)
	if err != nil && l.stops(ctx) {
		return outcome{}, errSuspended
	}
	switch status {
	case vehicle.ActionSuccess:
		l.confirm(f)
		l.endAction(a, vehicle.Confirmed)
		return l.verify(ctx, f, a)
	case vehicle.ActionFailed:
		state, _ := l.peek(ctx) // what it reports now may tell why
		l.endAction(a, vehicle.Failed)
		return outcome{vehicle.Failed, vehicle.VehicleRefused, withObstacle("the car refused it", a.command, state)}, nil
	case vehicle.ActionTimeout:
		return l.decide(ctx, a, vehicle.TimedOut, vehicle.VehicleUnreachable, "the car did not answer")
	case vehicle.ActionPending:
		return l.decide(ctx, a, vehicle.TimedOut, vehicle.Timeout, "no outcome within "+l.limitOf(a.command).String())
	case vehicle.ActionUnknown:
	}
	if err == nil {
		return l.settle(ctx, a, vehicle.Unknown, vehicle.EffectNotSeen, "the cloud has no record of it")
	}
	out, suspended := l.settle(ctx, a, vehicle.Unknown, bluelink.Reason(err), "the cloud did not tell its outcome")
	if suspended == nil {
		l.tellAction(a, "error", outcomeOf(err).message)
	}
	return out, suspended
}

// poll asks for the outcome until there is one or the command's time is up. Pending means that it is; an error that the
// cloud does not tell.
func (l *lane) poll(ctx context.Context, a *attempt) (vehicle.ActionStatus, error) {
	end := a.taken.Add(l.limitOf(a.command))
	failures := 0
	for wait := firstLook; ; wait = min(wait+time.Second, slowestAsk) {
		if err := l.pause(ctx, wait); err != nil {
			return vehicle.ActionPending, err
		}
		status, err := l.account().Client.ActionStatus(ctx, l.id, a.id)
		over := !time.Now().Before(end)
		switch {
		case err != nil && l.stops(ctx):
			return vehicle.ActionPending, err
		case err != nil:
			if failures++; failures >= deafAfter || over || !bluelink.Temporary(err) {
				l.log.WarnContext(ctx, "the outcome of a command cannot be asked for; the car's state has to tell",
					"reason", string(bluelink.Reason(err)), "error", err)
				return vehicle.ActionUnknown, err
			}
		case status == vehicle.ActionPending, status == vehicle.ActionUnknown && time.Since(a.taken) < unrecorded:
			failures = 0
			if over {
				return vehicle.ActionPending, nil
			}
		default:
			return status, nil
		}
	}
}

// limitOf is how long the outcome of a command is waited for: what is right for the command, or more where the region's
// cloud is slow.
func (l *lane) limitOf(c vehicle.Command) time.Duration {
	return max(c.Spec().Limit, l.shelf.car().Vehicle.Capabilities.Patience)
}

// stops tells whether the work has to end because the bridge does.
func (l *lane) stops(ctx context.Context) bool {
	select {
	case <-l.stopping:
		return true
	default:
		return ctx.Err() != nil
	}
}

// confirm tells that the car has reported the command done.
func (l *lane) confirm(f *flight) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, o := range f.orders {
		l.bridge.advance(o, vehicle.Confirmed, vehicle.NoReason, "")
	}
}

// actionWords are the ends of an action in the words of the service that this one replaces.
var actionWords = map[vehicle.CommandState]string{
	vehicle.Confirmed: "SUCCESS", vehicle.Verified: "SUCCESS", vehicle.Failed: "FAILED", vehicle.TimedOut: "TIMEOUT", vehicle.Unknown: "UNKNOWN",
}

// endAction tells the end of an action in the form of the service that this one replaces.
func (l *lane) endAction(a *attempt, state vehicle.CommandState) {
	word, ends := actionWords[state]
	if !ends {
		return
	}
	l.tellAction(a, "status", word)
	l.tellAction(a, "started_at", actionTime(a.sent))
	l.tellAction(a, "completed_at", actionTime(time.Now()))
}

// tellAction publishes one step of an action. One without an id has no topic.
func (l *lane) tellAction(a *attempt, step, text string) {
	if vehicle.ValidID(string(a.id)) {
		l.bridge.outbox.Publish(Publication{Topic: l.shelf.topics.Action(string(a.id), step), Payload: []byte(text), Expiry: resultExpiry})
	}
}

// actionTime is a time as the service that this one replaces wrote it.
func actionTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z") }
