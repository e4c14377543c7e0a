package hyundaius

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/internal/leaf"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// commandMargin is how much life a token must have left to be sent with a command: stale tokens together with a PIN have
// locked PINs (§2.3).
const commandMargin = time.Minute

// request is one call with a session.
type request struct {
	op      string // "read status"
	kind    bluelink.CallKind
	method  string
	path    string // below the API's base
	body    string // JSON; empty for none
	car     *vehicle.Vehicle
	headers map[string]string // besides those of every call
	timeout time.Duration     // zero for the usual one
	// bodiless marks a call that may be answered with nothing at all.
	bodiless bool
}

// result is what a call brought.
type result struct {
	root   leaf.Value
	header http.Header
}

// ask makes a call with a good token. It is made a second time only when the answer proves that the cloud refused it before
// it did anything, because the token had ended. Nothing else is ever repeated. What fails around the call itself is
// bluelink.Unsent.
func (c *cloud) ask(ctx context.Context, q request) (result, error) {
	left := time.Duration(0)
	if q.kind == bluelink.CallCommand {
		left = commandMargin
	}
	tokens, err := c.session.Tokens(ctx, left)
	if err != nil {
		return result{}, bluelink.Unsent(fmt.Errorf("%s: %w", q.op, err))
	}
	got, err := c.try(ctx, &q, tokens)
	switch call := q.call(); {
	case !errors.Is(err, bluelink.ErrSessionExpired):
		c.refusals.Learn(call, nil)
		return got, err
	case !c.refusals.Blame(call):
		return got, c.refusals.Despite(q.call(), err)
	}
	c.session.Expire(tokens)
	if tokens, err = c.session.Tokens(ctx, left); err != nil {
		return result{}, bluelink.Unsent(fmt.Errorf("%s: %w", q.op, err))
	}
	got, err = c.try(ctx, &q, tokens)
	c.refusals.Learn(q.call(), err)
	return got, c.refusals.Despite(q.call(), err)
}

// call is the request as hooks see it.
func (q *request) call() bluelink.Call {
	call := bluelink.Call{Kind: q.kind, Op: q.op}
	if q.car != nil {
		call.Vehicle = q.car.ID
	}
	return call
}

// try makes the call once.
func (c *cloud) try(ctx context.Context, q *request, tokens bluelink.Tokens) (got result, err error) {
	if ctx.Err() != nil { // the token took too long
		return result{}, bluelink.Unsent(&bluelink.Error{Op: q.op, Cloud: c.account.Cloud(), Err: context.Cause(ctx)})
	}
	r, err := newRequest(ctx, q.method, apiBase+q.path, q.body)
	if err != nil {
		return result{}, bluelink.Unsent(err)
	}
	r.Header.Set("Username", c.account.Username)
	r.Header.Set("AccessToken", tokens.Access)
	if q.car != nil {
		about(r, q.car, c.detailsOf(q.car.ID))
	}
	if q.kind == bluelink.CallCommand {
		r.Header.Set("BlueLinkServicePin", c.account.PIN)
	}
	for name, value := range q.headers {
		r.Header.Set(name, value)
	}
	_, err = c.transport.Do(ctx, bluelink.Exchange{Call: q.call(), Request: r, Timeout: q.timeout, Classify: func(a bluelink.Answer) error {
		root, isJSON := leaf.Parse(a.Body)
		got = result{root, a.Header}
		return classify(q, a, root, isJSON)
	}})
	if err != nil {
		return result{}, err
	}
	return got, nil
}
