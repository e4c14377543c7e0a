package kiaus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/internal/leaf"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// commandMargin is how much life a session must have left to be used for a command: none shall expire on its way.
const commandMargin = time.Minute

// request is one call.
type request struct {
	call    bluelink.Call
	method  string
	path    string // below base
	body    any    // written as JSON; nil for none
	header  map[string]string
	timeout time.Duration // zero for the usual one
	// answer reads what went well; nil when nobody asks. Its error is the call's.
	answer func(root leaf.Value, header http.Header) error
}

// try makes a call once, from a device.
func (c *cloud) try(ctx context.Context, q request, device string) error {
	var text []byte
	if q.body != nil {
		var err error
		if text, err = json.Marshal(q.body); err != nil {
			return fmt.Errorf("%s: %w", q.call.Op, err)
		}
	}
	r, err := http.NewRequestWithContext(ctx, q.method, base+q.path, strings.NewReader(string(text)))
	if err != nil {
		return fmt.Errorf("%s: build request: %w", q.call.Op, err)
	}
	sign(r, device, c.transport.Now())
	for name, value := range q.header {
		r.Header[http.CanonicalHeaderKey(name)] = []string{value}
	}
	_, err = c.transport.Do(ctx, bluelink.Exchange{
		Call: q.call, Request: r, Timeout: q.timeout, Client: c.browser,
		Classify: func(reply bluelink.Answer) error {
			root, _ := leaf.Parse(reply.Body)
			defer root.Release()
			if err := classify(q.call, reply, root); err != nil {
				return err
			}
			if q.answer == nil {
				return nil
			}
			return q.answer(root, reply.Header)
		},
	})
	return err
}

// ask makes a call about a car, with a good session and a key of that. It is made a second time only when the answer proves
// that the cloud refused it before it did anything: after an expired session with a new one, and after a key that is not of
// this session with another. Nothing else is ever repeated. What fails around the call itself is bluelink.Unsent.
func (c *cloud) ask(ctx context.Context, v *vehicle.Vehicle, q request) error {
	left := time.Duration(0)
	if q.call.Kind == bluelink.CallCommand {
		left = commandMargin
	}
	q.call.Vehicle = v.ID
	k, err := c.key(ctx, v, left)
	if err != nil {
		return bluelink.Unsent(fmt.Errorf("%s: %w", q.call.Op, err))
	}
	sid := k.sid()
	err = c.show(ctx, q, k)
	switch blame := c.refusals.Blame(q.call); {
	case errors.Is(err, errKey):
		// The cheap way first: the same session may have given other keys since. If it has not, it is the session.
		c.garage.drop(k)
		refused := err
		again, err := c.key(ctx, v, left)
		if err == nil && again.vin == k.vin && again.sid() == sid {
			if !blame {
				return c.refusals.Despite(q.call, refused)
			}
			c.session.Expire(k.tokens)
			again, err = c.key(ctx, v, left)
		}
		if err != nil {
			return bluelink.Unsent(fmt.Errorf("%s: %w", q.call.Op, err))
		}
		k = again
	case errors.Is(err, bluelink.ErrSessionExpired) && !blame:
		return c.refusals.Despite(q.call, err)
	case errors.Is(err, bluelink.ErrSessionExpired):
		c.session.Expire(k.tokens)
		if k, err = c.key(ctx, v, left); err != nil {
			return bluelink.Unsent(fmt.Errorf("%s: %w", q.call.Op, err))
		}
	default:
		c.refusals.Learn(q.call, nil)
		return err
	}
	err = c.show(ctx, q, k)
	if k.sid() != sid {
		c.refusals.Learn(q.call, err)
	}
	return c.refusals.Despite(q.call, err)
}

// show makes the call with a key. The list of keys in the body is that of this call's car alone.
func (c *cloud) show(ctx context.Context, q request, k key) error {
	if ctx.Err() != nil { // session and key took too long
		return bluelink.Unsent(&bluelink.Error{Op: q.call.Op, Cloud: c.account.Cloud(), Err: context.Cause(ctx)})
	}
	q.header = map[string]string{"sid": k.sid(), "vinkey": k.vin}
	if body, ok := q.body.(statusRequest); ok {
		body.Keys = []string{k.vin}
		q.body = body
	}
	return c.try(ctx, q, k.tokens.Device)
}
