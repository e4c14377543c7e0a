package canada

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/internal/leaf"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

const (
	// commandMargin is how much life a token must have left to be used for a command: none shall expire on its way.
	commandMargin = time.Minute
	// slow bounds the calls that wait for the car: two minutes pass until the cloud says that it is out of reach
	// (docs/protocol/canada.md §1.4, §4.4).
	slow = 150 * time.Second
)

// request is one call. All are POST.
type request struct {
	call    bluelink.Call
	path    string // below /tods/api/
	body    any    // written as JSON; nil for none
	header  map[string]string
	timeout time.Duration // zero for the usual one
	// ticket gets the ticket for the PIN that the call shows, for the first try or the second; nil when it shows none.
	ticket func(first bool) (string, error)
	// answer reads what went well, given the result; nil when nobody asks. Its error is the call's.
	answer func(result leaf.Value, header http.Header) error
	// refusal reads what did not, and may think otherwise of it; nil when nobody asks.
	refusal func(root leaf.Value, err error) error
}

// try makes a call once.
func (c *cloud) try(ctx context.Context, q request) error {
	var text []byte
	if q.body != nil {
		var err error
		if text, err = json.Marshal(q.body); err != nil {
			return fmt.Errorf("%s: %w", q.call.Op, err)
		}
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+c.host+"/tods/api/"+q.path, strings.NewReader(string(text)))
	if err != nil {
		return fmt.Errorf("%s: build request: %w", q.call.Op, err)
	}
	sign(r, c.host, c.account.Language)
	for name, value := range q.header {
		r.Header[http.CanonicalHeaderKey(name)] = []string{value}
	}
	_, err = c.transport.Do(ctx, bluelink.Exchange{
		Call: q.call, Request: r, Timeout: q.timeout, Client: c.browser,
		Classify: func(reply bluelink.Answer) error {
			root, _ := leaf.Parse(reply.Body)
			defer root.Release()
			err := classify(q.call, reply, root)
			switch {
			case err != nil && q.refusal != nil:
				return q.refusal(root, err)
			case err == nil && q.answer != nil:
				return q.answer(root.Get("result"), reply.Header)
			}
			return err
		},
	})
	return err
}

// ask makes a call with a good token, about a car unless v is nil. It is made a second time only when the answer proves that
// the cloud refused it before it did anything, because of the token. Nothing else is ever repeated. What fails around the
// call itself is bluelink.Unsent.
func (c *cloud) ask(ctx context.Context, v *vehicle.Vehicle, q request) error {
	left := time.Duration(0)
	if q.call.Kind == bluelink.CallCommand {
		left = commandMargin
	}
	own := q.header
	for first := true; ; first = false {
		q.header = maps.Clone(own)
		if q.header == nil {
			q.header = map[string]string{}
		}
		if v != nil {
			q.call.Vehicle = v.ID
			q.header["vehicleId"] = v.CloudID
		}
		if q.ticket != nil { // before the token, which it may renew
			text, err := q.ticket(first)
			if err != nil {
				return bluelink.Unsent(fmt.Errorf("%s: %w", q.call.Op, err))
			}
			q.header["pAuth"] = text
		}
		t, err := c.session.Tokens(ctx, left)
		if err == nil && ctx.Err() != nil { // it took too long
			err = &bluelink.Error{Op: q.call.Op, Cloud: c.account.Cloud(), Err: context.Cause(ctx)}
		}
		if err != nil {
			return bluelink.Unsent(fmt.Errorf("%s: %w", q.call.Op, err))
		}
		q.header["accessToken"] = t.Access
		err = c.try(ctx, q)
		switch refused := errors.Is(err, bluelink.ErrSessionExpired); {
		case !refused:
			c.refusals.Learn(q.call, nil)
			return err
		case !first:
			c.refusals.Learn(q.call, err)
			return c.refusals.Despite(q.call, err)
		case !c.refusals.Blame(q.call):
			return c.refusals.Despite(q.call, err)
		}
		c.session.Expire(t)
	}
}
