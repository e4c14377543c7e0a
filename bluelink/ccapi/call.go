package ccapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// Where the paths of calls begin.
const (
	vehiclesV1    = "/api/v1/spa/vehicles"
	vehiclesV2    = "/api/v2/spa/vehicles" // commands that need a control token
	notifications = "/api/v1/spa/notifications"
)

// request is one call of the vehicle API.
type request struct {
	op     string // "read status"
	kind   bluelink.CallKind
	method string
	root   string // vehiclesV1 when empty
	path   string // below root
	body   string // JSON; empty for none
	car    *vehicle.Vehicle
	// ccs2 is what the header says of the car's form. Some calls want 0 whatever the car's (docs/protocol/europe.md §1.5).
	ccs2    int
	timeout time.Duration // zero for the usual one
	// control marks a call that needs a control token.
	control bool
	// besides marks a call whose failure is overlooked, so that it must not cost a device registration either.
	besides bool
}

// keys are what a call shows of who makes it.
type keys struct {
	bluelink.Tokens
	control string // token for the PIN; empty where none is needed
}

// keys gets those that a call needs.
func (c *cloud) keys(ctx context.Context, q *request) (k keys, err error) {
	left := time.Duration(0)
	if q.kind == bluelink.CallCommand {
		left = commandMargin
	}
	if q.control {
		if k.control, err = c.controlToken(ctx); err != nil {
			return keys{}, err
		}
	}
	k.Tokens, err = c.session.Tokens(ctx, left) // last, as a control token may have brought new ones
	return k, err
}

// ask makes one call and returns the answer's resMsg.
func (c *cloud) ask(ctx context.Context, q request) (value, error) {
	var root value
	err := c.insist(ctx, &q, func(k keys) (err error) {
		root, err = c.try(ctx, &q, k)
		return err
	})
	return root.get("resMsg"), err
}

// insist makes a call with good keys. It is made a second time only when the answer proves that the cloud refused it before
// it did anything: after an expired token, with a new one, and after a device id that the cloud no longer knows, with
// another. Nothing else is ever repeated. What fails around the call itself is bluelink.Unsent.
func (c *cloud) insist(ctx context.Context, q *request, call func(keys) error) error {
	shown, err := c.keys(ctx, q)
	if err != nil {
		return bluelink.Unsent(fmt.Errorf("%s: %w", q.op, err))
	}
	refused := shown.Access
	err = call(shown)
	switch {
	case errors.Is(err, bluelink.ErrSessionExpired) && q.control:
		c.control.drop(shown.control)
	case errors.Is(err, bluelink.ErrSessionExpired) && !c.refusals.Blame(q.call()):
		return c.refusals.Despite(q.call(), err)
	case errors.Is(err, bluelink.ErrSessionExpired):
		c.session.Expire(shown.Tokens)
	case errors.Is(err, bluelink.ErrDevice) && !q.besides:
		if _, err := c.session.Reregister(ctx, shown.Device); err != nil {
			return bluelink.Unsent(fmt.Errorf("%s: %w", q.op, err))
		}
	default:
		c.refusals.Learn(q.call(), nil)
		return err
	}
	if shown, err = c.keys(ctx, q); err != nil {
		return bluelink.Unsent(fmt.Errorf("%s: %w", q.op, err))
	}
	err = call(shown)
	if shown.Access != refused {
		c.refusals.Learn(q.call(), err)
	}
	return c.refusals.Despite(q.call(), err)
}

// call is the request as hooks see it.
func (q *request) call() bluelink.Call {
	call := bluelink.Call{Kind: q.kind, Op: q.op}
	if q.car != nil {
		call.Vehicle = q.car.ID
	}
	return call
}

// try makes the call once and returns the whole answer.
func (c *cloud) try(ctx context.Context, q *request, k keys) (root value, err error) {
	at := q.root
	if at == "" {
		at = vehiclesV1
	}
	r, err := c.profile.newRequest(ctx, q.method, "https://"+c.profile.api+at+q.path, "application/json", q.body)
	if err != nil {
		return value{}, err
	}
	c.dress(r, k, q.ccs2)
	call := q.call()
	_, err = c.transport.Do(ctx, bluelink.Exchange{Call: call, Request: r, Timeout: q.timeout, Classify: func(answer bluelink.Answer) error {
		var ok bool
		root, ok = parse(answer.Body)
		if q.kind == bluelink.CallCommand {
			return unproven(c.profile.classify(call, answer, root, ok), root)
		}
		return c.profile.classify(call, answer, root, ok)
	}})
	if err != nil {
		return value{}, err
	}
	return root, nil
}

// dress adds the headers of calls with a session (docs/protocol/europe.md §1.5).
func (c *cloud) dress(r *http.Request, k keys, ccs2 int) {
	p := c.profile
	r.Header["Authorization"] = []string{k.Access}
	if k.control != "" {
		r.Header["Authorization"] = []string{k.control}
		if !p.onceOnly {
			r.Header["Authorizationccsp"] = []string{k.control}
		}
	}
	r.Header["Ccsp-Device-Id"] = []string{k.Device}
	r.Header["Ccsp-Application-Id"] = []string{p.appID}
	if !p.nameless {
		r.Header["Ccsp-Service-Id"] = []string{p.service}
	}
	if p.formAlways || ccs2 != 0 {
		r.Header["Ccuccs2protocolsupport"] = []string{strconv.Itoa(ccs2)}
	}
	if p.stamps == stampedAll {
		r.Header["Stamp"] = []string{p.stamp(c.transport.Now())}
	}
	for name, text := range p.fixed {
		r.Header[name] = []string{text}
	}
}

func (p *profile) newRequest(ctx context.Context, method, address, contentType, body string) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(body))
	if err != nil {
		return nil, errors.New("build request: not an address") // the error's text would hold the address with its query
	}
	if body != "" {
		r.Header["Content-Type"] = []string{contentType}
	}
	r.Header["User-Agent"] = []string{p.agent}
	return r, nil
}

// below is a path of one car.
func below(v *vehicle.Vehicle, path string) string { return "/" + url.PathEscape(v.CloudID) + path }
