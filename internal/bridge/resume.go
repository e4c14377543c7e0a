package bridge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/store"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// abandonAfter is how long commands of a car that is not there any more are kept.
const abandonAfter = 7 * 24 * time.Hour

// errLost is why nobody knows what the cloud answered to a command that the last run was sending when it ended.
var errLost = errors.New("the process ended while it was being sent")

// left is what the last run has left of a car.
type left struct {
	pages  []*page
	target vehicle.Optional[vehicle.Quantity]
}

// load reads what the last run has left. It comes before the first lane.
func (j *journal) load(ctx context.Context) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	now := time.Now()
	for e, err := range j.store.Range(ctx, journalPrefix) {
		p := &page{}
		if err := readEntry(e, err, p); err != nil {
			if !j.skip(e.Key, err) {
				return fmt.Errorf("read the journal: %w", err)
			}
			continue
		}
		age := now.Sub(p.Accepted)
		if p.Record != nil {
			age = now.Sub(p.Record.UpdatedAt)
		}
		switch {
		case p.Stage == stageEnded && (age > rememberFor || p.Record == nil), age > abandonAfter:
			j.put(entry{ops: []store.Op{store.DeleteOp(e.Key, store.AnyRevision)}})
			continue
		case p.Stage == stageEnded:
			j.keeping = append(j.keeping, keepsake{e.Key, p.Record.UpdatedAt})
		default:
			j.open++
		}
		j.leftOf(p.Vehicle).pages = append(j.leftOf(p.Vehicle).pages, p)
	}
	slices.SortFunc(j.keeping, func(a, b keepsake) int { return a.at.Compare(b.at) })
	for e, err := range j.store.Range(ctx, targetPrefix) {
		var target vehicle.Quantity
		if err := readEntry(e, err, &target); err != nil {
			if !j.skip(e.Key, err) {
				return fmt.Errorf("read the kept temperatures: %w", err)
			}
			continue
		}
		j.leftOf(vehicle.ID(e.Key[len(targetPrefix):])).target = vehicle.Some(target)
	}
	return nil
}

func (j *journal) leftOf(id vehicle.ID) *left {
	if j.left == nil {
		j.left = map[vehicle.ID]*left{}
	}
	if j.left[id] == nil {
		j.left[id] = &left{}
	}
	return j.left[id]
}

// errUnreadable marks one entry that cannot be read, while others can.
var errUnreadable = errors.New("cannot be read")

func readEntry(e store.Entry, err error, into any) error {
	if damaged := (*store.DamagedError)(nil); errors.As(err, &damaged) {
		return fmt.Errorf("%w: %w", errUnreadable, err)
	}
	if err != nil {
		return err
	}
	if err := json.Unmarshal(e.Value, into); err != nil {
		return fmt.Errorf("%w: %w", errUnreadable, err)
	}
	return nil
}

// skip passes over an entry that cannot be read.
func (j *journal) skip(key string, err error) bool {
	if !errors.Is(err, errUnreadable) {
		return false
	}
	j.log.Warn("an entry of the journal cannot be read; its command is not carried out", "key", key, "error", err)
	return true
}

// claim gives a new lane what the last run has left of its car, and remembers the ids. It comes before anybody knows the
// lane, so that no repeated command is taken for a new one.
func (j *journal) claim(l *lane) (orders []*order) {
	j.mu.Lock()
	left := j.left[l.id]
	delete(j.left, l.id)
	j.mu.Unlock()
	if left == nil {
		return nil
	}
	if left.target.Given {
		l.shelf.aim(left.target.Value)
	}
	slices.SortStableFunc(left.pages, func(a, b *page) int { return a.Accepted.Compare(b.Accepted) })
	for _, p := range left.pages {
		o := p.order(l)
		if p.Given {
			j.bridge.memory.remember(l.name+"/"+p.ID, o)
		}
		if (p.Stage != stageEnded || p.Untold) && !j.bridge.options.Guest {
			orders = append(orders, o)
		}
	}
	return orders
}

// resume puts what the last run has left in line: first what was sent, or may have been, whose end is to be seen, then
// what was not sent, as far as it is still fresh. The lane's lock is held, so that nothing new comes before.
func (l *lane) resume(orders []*order) {
	for _, o := range orders {
		switch o.page.Stage {
		case stageEnded:
			l.bridge.journal.tellAgain(o)
		case stageSending, stageSent:
			l.revive(o)
		case stageAccepted:
		}
	}
	for _, o := range orders {
		if o.page != nil && o.page.Stage == stageAccepted {
			l.again(o)
		}
	}
}

// order is the order that a page tells of.
func (p *page) order(l *lane) *order {
	o := &order{cause: p.Cause, expires: p.Expires, lane: l, page: p}
	if p.Response != nil {
		o.askers = []asker{{topic: p.Response.Topic, correlation: p.Response.Correlation}}
	}
	if p.Record != nil {
		o.over, o.record = true, *p.Record
		o.record.Vehicle = l.name // which the user may have changed
		if !p.Untold {
			o.page = nil
		}
		return o
	}
	o.record = vehicle.Record{ID: p.ID, Vehicle: l.name, Command: p.Topic, State: vehicle.Accepted, AcceptedAt: p.Accepted, UpdatedAt: p.Accepted}
	if request, err := vehicle.DecodeRequest(p.Topic, []byte(p.Payload)); err == nil {
		o.command = request.Command
		o.record.Command = o.command.Spec().Name
	}
	return o
}

// tellAgain tells the end of a command that the last run may not have come to tell.
func (j *journal) tellAgain(o *order) {
	last := o.page.close(o.record)
	j.bridge.tell(o, o.record)
	j.mu.Lock()
	defer j.mu.Unlock()
	j.finish(last)
}

// again carries out what the last run has accepted and not sent, under the rules of today.
func (l *lane) again(o *order) {
	if o.command == nil {
		l.bridge.conclude(o, outcome{vehicle.Rejected, vehicle.Internal, "it was accepted by another release, and this one cannot read it"})
		return
	}
	if refused := l.bridge.permit(o); refused != nil {
		l.bridge.refuse(o, refused.reason, refused.message)
		return
	}
	if o.expired(time.Now()) {
		l.bridge.expire(o)
		return
	}
	l.log.Info("command of the last run is carried out, as it was not sent", "command", o.record.ID, "request", o.record.Command,
		"step", o.page.Step)
	if step := o.page.Step; step > 0 && step < len(o.steps) { // what came before it is done
		l.complete(o)
		l.enlist(&flight{command: o.command, steps: o.steps, orders: []*order{o}, step: step, revived: true})
		return
	}
	l.enter(o)
}

// revive sees to the end of what the last run has sent, or may have. It is never sent again.
func (l *lane) revive(o *order) {
	p := o.page
	o.record.State = vehicle.Sent
	_ = l.bridge.plan(o) // what is refused today was sent nevertheless
	l.complete(o)
	if p.Step >= len(o.steps) {
		l.bridge.conclude(o, outcome{vehicle.Unknown, vehicle.Internal, "it was sent by the last run, and what it was cannot be told any more"})
		return
	}
	a := &attempt{command: o.steps[p.Step], id: p.Action, sent: p.Sent, taken: p.Sent}
	if p.Before != nil {
		a.before = *p.Before
	}
	if a.id == "" {
		lost := p.Lost
		if lost == "" {
			lost = vehicle.Shutdown
		}
		a.lost = &bluelink.Error{Op: o.record.Command, Reason: lost, Err: errLost}
	}
	l.log.Info("command of the last run is seen to its end, as it may have been sent", "command", o.record.ID, "request", o.record.Command,
		"answered", a.id != "")
	if last := len(l.line) - 1; last >= 0 && l.line[last].resume != nil && a.id != "" && l.line[last].resume.id == a.id {
		l.line[last].orders = append(l.line[last].orders, o) // they were one
		return
	}
	l.enlist(&flight{command: o.command, steps: o.steps, orders: []*order{o}, step: p.Step, out: true, resume: a, revived: true})
}
