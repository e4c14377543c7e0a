package bridge

import (
	"bytes"
	"context"
	"errors"
	"strings"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/topic"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// Codes answers a sign-in that waits for a one-time code.
type Codes interface {
	// Challenge is what it waits for; false when it waits for nothing. It answers at once.
	Challenge() (bluelink.Challenge, bool)
	SendCode(ctx context.Context, method string) error
	EnterCode(ctx context.Context, code string) error
}

var _ Codes = (*bluelink.Session)(nil)

// codeOrder is what somebody tells an account about a one-time code: how it shall come, or the code itself. It does not
// show itself in logs.
type codeOrder struct {
	verb topic.AccountVerb
	word string
}

// maxCodeOrders is how many of them may wait for an account.
const maxCodeOrders = 4

// order hands over what a person tells. It does not wait; the account's topics answer.
func (a *account) order(verb topic.AccountVerb, payload []byte) {
	word, err := topic.ParseCodeWord(verb, payload)
	if err != nil {
		a.bridge.log.Warn("told an account what cannot be read", "account", a.Name, "topic", a.bridge.tree.AccountCommand(a.Name, verb), "error", err)
		a.codeTold(&bluelink.Error{Op: string(verb), Text: err.Error(), Err: bluelink.ErrInvalidCommand})
		return
	}
	select {
	case a.orders <- codeOrder{verb, word}:
	default:
		a.bridge.log.Warn("told an account too much at once", "account", a.Name, "topic", a.bridge.tree.AccountCommand(a.Name, verb))
	}
}

// carryOut does what a person has told about a one-time code. With a good one the account goes on at once.
func (a *account) carryOut(ops context.Context, o codeOrder) {
	if a.Codes == nil { // nor is there a topic to say so
		a.bridge.log.Warn("told an account of a one-time code whose cloud sends none", "account", a.Name, "topic", a.bridge.tree.AccountCommand(a.Name, o.verb))
		return
	}
	ctx := bluelink.WithPerson(bluelink.WithTrace(ops, bluelink.Trace{Account: a.Name, Cause: vehicle.ByMQTT}))
	log := a.bridge.log.With("account", a.Name)
	if o.verb == topic.CodeMethod {
		err := a.Codes.SendCode(ctx, o.word)
		if err != nil {
			log.Warn("no one-time code was sent", hinted(err)...)
		}
		a.codeTold(err)
		return
	}
	err := a.Codes.EnterCode(ctx, o.word)
	if err != nil {
		log.Warn("the one-time code did not sign in", hinted(err)...)
		a.codeTold(err)
		return
	}
	a.codeTold(nil)
	err = a.initialize(ops, vehicle.ByMQTT)
	if err == nil {
		a.hurry()
	}
	a.observe("", err)
	a.publish(always)
}

// codeTold remembers how what was told about a code ended, and says so.
func (a *account) codeTold(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.codeError = err
	a.tellCode(always)
}

// tellCode publishes whether the account waits for a one-time code, and how it can be had. The account's lock is held.
func (a *account) tellCode(when tellWhen) {
	if a.Codes == nil {
		return
	}
	payload := a.code().Payload()
	if when != always && bytes.Equal(payload, a.codeSaid) {
		return
	}
	a.codeSaid = payload
	a.bridge.outbox.Publish(Publication{Topic: a.bridge.tree.AccountCode(a.Name), Payload: payload, Retain: true, ContentType: jsonType})
}

// code is what is to be said about the one-time code. The account's lock is held.
func (a *account) code() topic.Code {
	challenge, waits := a.Codes.Challenge()
	if !waits {
		if a.codeRequired { // the sign-in has ended, whatever was told before
			a.codeRequired, a.codeError = false, nil
		}
		return topic.Code{Reason: bluelink.Reason(a.codeError), Message: textOf(a.codeError)}
	}
	a.codeRequired = true
	c := topic.Code{
		Required: true, Since: challenge.Since, Sent: challenge.Sent, SentAt: challenge.SentAt, Left: challenge.Left(),
		Message: textOf(a.codeError), Reason: bluelink.Reason(a.codeError),
	}
	for _, m := range challenge.Methods {
		c.Methods = append(c.Methods, topic.Destination{Method: m.Name, To: m.To})
	}
	tree := a.bridge.tree
	switch {
	case c.Message != "":
	case challenge.Sent == "":
		c.Message = "say how the code shall come, on " + tree.AccountCommand(a.Name, topic.CodeMethod) + ", or run: bluelink2mqtt login " + a.Name
	default:
		c.Message = "enter the code, on " + tree.AccountCommand(a.Name, topic.CodeSet) + ", or run: bluelink2mqtt login " + a.Name
	}
	return c
}

// textOf is an error for people; empty for none.
func textOf(err error) string {
	if err == nil {
		return ""
	}
	text := strings.ReplaceAll(err.Error(), "\n", ": ") // joined errors stand in lines of their own
	if e := (*bluelink.Error)(nil); errors.As(err, &e) && e.Text != "" {
		text = e.Text
	}
	if hint := bluelink.Hint(err); hint != "" {
		text += "; " + hint
	}
	return text
}

// hinted is an error for the log, with what a person can do where there is something.
func hinted(err error) []any {
	attributes := []any{"error", err}
	if hint := bluelink.Hint(err); hint != "" {
		attributes = append(attributes, "hint", hint)
	}
	return attributes
}

// mayConcernCode tells whether what is said about codes may have changed at the end of an operation.
func (a *account) mayConcernCode(state topic.AccountState, when tellWhen) bool {
	return when == always || state == topic.AccountCodeRequired || a.codeRequired
}
