package bridge

import (
	"bytes"
	"cmp"
	"context"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/topic"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// AccountBook is what an account has used up, and how long it works as it is.
type AccountBook struct {
	Used    int       // calls of today that its cloud counts
	Limit   int       // calls a day; 0 without a limit
	Reserve int       // of those, for what a person asks for
	Reset   time.Time // when the counts begin anew
	Wakes   int       // of today
	Limited time.Time // nothing but commands until then; zero when the cloud's limit was not reached
	SignIn  time.Time // no sign-in before; zero when it may be tried
	// Expiring is when a session ends that cannot be renewed, and Why the reason; zero while all is well.
	Expiring time.Time
	Why      error
	// Reads and Commands are the states of the circuit breakers: closed, open or half_open.
	Reads, Commands string
}

// standing is how an account stands, what it has used up included.
type standing struct {
	status AccountStatus
	book   AccountBook
	next   time.Time // when calls, or signing in, are allowed again
}

// stand lays what is used up over what the last operation told. The account's lock is held.
func (a *account) stand(now time.Time) standing {
	s := standing{status: a.status}
	if a.Books == nil {
		return s
	}
	s.book = a.Books.Account()
	switch b := s.book; {
	case needsPerson(s.status.State) && !now.Before(b.Expiring):
		s.next = b.SignIn
	case now.Before(b.Limited):
		s.status.State, s.next = topic.AccountLimitReached, b.Limited
		s.status.Message = "the cloud has had too many requests"
	case b.Limit > 0 && b.Used >= b.Limit:
		s.status.State, s.next = topic.AccountLimitReached, b.Reset
		s.status.Message = "the calls of the day are used up"
	case now.Before(b.Expiring):
		s.status.State, s.status.Until = topic.AccountExpiring, b.Expiring
		s.status.Message = cmp.Or(bluelink.Hint(b.Why), "the session could not be renewed yet: "+string(bluelink.Reason(b.Why)))
	case s.status.State == topic.AccountCloudUnavailable, s.status.State == topic.AccountStarting:
		s.next = b.SignIn
	}
	if s.status.State != a.status.State {
		s.status.Since = a.since
		if s.status.State != a.state {
			s.status.Since = now.UTC()
		}
	}
	return s
}

// tell publishes how the account stands: when that has changed, when its numbers have and it is time for them, or in any
// case. The account's lock is held.
func (a *account) tell(now time.Time, when tellWhen) {
	s := a.stand(now)
	if a.mayConcernCode(s.status.State, when) {
		a.tellCode(when)
	}
	if when == onChange && s.status.State == a.state && s.status.Until.Equal(a.until) {
		return
	}
	payload := topic.Account{
		State: s.status.State, Message: s.status.Message, Since: s.status.Since, Until: s.status.Until, Used: s.book.Used, Limit: s.book.Limit,
		Reset: s.book.Reset, Wakes: s.book.Wakes, Reads: s.book.Reads, Commands: s.book.Commands, NextCalls: s.next,
	}.Payload()
	if when == onNews && bytes.Equal(payload, a.told) {
		return
	}
	a.state, a.until, a.since, a.told = s.status.State, s.status.Until, s.status.Since, payload
	a.bridge.outbox.Publish(Publication{Topic: a.bridge.tree.AccountState(a.Name), Payload: payload, Retain: true, ContentType: jsonType})
}

// tellWhen says when an account's state is published.
type tellWhen int

const (
	onChange tellWhen = iota // of the state
	onNews                   // any of its numbers
	always
)

// publish tells how the account stands.
func (a *account) publish(when tellWhen) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.tell(time.Now(), when)
}

// retry makes the account sign in once more, since a person asks for it. It does not wait; the account's state answers.
func (a *account) retry() {
	select {
	case a.retries <- struct{}{}:
	default: // one is asked for already
	}
}

// serve signs in whenever a person asks for it or has a one-time code, and publishes what the books say is news, until ctx
// ends.
func (a *account) serve(ctx, ops context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-a.News:
			a.publish(onNews)
			continue
		case order := <-a.orders:
			a.carryOut(ops, order)
			continue
		case <-a.retries:
		}
		a.bridge.log.Info("signing in once more, as somebody asks for it", "account", a.Name)
		err := a.initialize(bluelink.WithPerson(ops), vehicle.ByMQTT)
		if err == nil {
			a.hurry()
		} else {
			a.bridge.log.Warn("signing in once more failed", "account", a.Name, "error", err)
		}
		a.observe("", err)
		a.publish(always)
	}
}

// told handles what somebody tells an account.
func (b *Bridge) tellAccount(name string, verb topic.AccountVerb, m Message) {
	switch {
	case m.Retained && len(m.Payload) == 0: // somebody clears a retained one
	case m.Retained:
		b.log.Info("told an account by a retained message, which is not carried out: clear it with an empty one", "topic", m.Topic)
	default:
		for _, a := range b.accounts {
			switch {
			case a.Name != name:
			case verb == topic.Retry:
				a.retry()
				return
			default:
				a.order(verb, m.Payload)
				return
			}
		}
		b.log.Info("told an account that is not here", "topic", clip(m.Topic))
	}
}

// tellUsed publishes what was asked of the car today, as far as it has changed.
func (s *shelf) tellUsed(now time.Time) {
	if s.lane.account().Books == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	used := s.lane.account().Books.Car(s.lane.id)
	if used == s.used {
		return
	}
	before := s.used.Messages(now)
	s.used = used
	for i, m := range used.Messages(now) {
		if !bytes.Equal(m.Payload, before[i].Payload) {
			s.send(m)
		}
	}
}
