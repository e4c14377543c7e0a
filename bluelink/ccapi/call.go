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

// The server does not look at it; docs/protocol/europe.md §1.2.
const userAgent = "okhttp/3.12.0"

// request is one call of the vehicle API.
type request struct {
	op     string // "read status"
	kind   bluelink.CallKind
	method string
	path   string // below /api/v1/spa/vehicles
	body   string // JSON; empty for none
	car    *vehicle.Vehicle
	// ccs2 is what the header says of the car's form. Some calls want 0 whatever the car's (docs/protocol/europe.md §1.5).
	ccs2    int
	timeout time.Duration // zero for the usual one
	// besides marks a call whose failure is overlooked, so that it must not cost a device registration either.
	besides bool
}

// ask makes one call with good tokens and returns the answer's resMsg. It is made a second time only when the answer
// proves that the cloud refused it before it did anything: after an expired token, with a new one, and after a device id
// that the cloud no longer knows, with another. Nothing else is ever repeated.
func (c *cloud) ask(ctx context.Context, q request) (value, error) {
	tokens, err := c.session.Tokens(ctx, 0)
	if err != nil {
		return value{}, fmt.Errorf("%s: %w", q.op, err)
	}
	message, err := c.try(ctx, q, tokens)
	switch {
	case errors.Is(err, bluelink.ErrSessionExpired):
		c.session.Expire(tokens)
		tokens, err = c.session.Tokens(ctx, 0)
	case errors.Is(err, bluelink.ErrDevice) && !q.besides:
		tokens, err = c.session.Reregister(ctx, tokens.Device)
	default:
		return message, err
	}
	if err != nil {
		return value{}, fmt.Errorf("%s: %w", q.op, err)
	}
	message, err = c.try(ctx, q, tokens)
	return message, despite(err)
}

// despite tells the cloud's fault from a session's end: what it has just given and refuses at once no person can mend. That
// it was refused before anything was done remains true.
func despite(err error) error {
	refused := (*bluelink.Error)(nil)
	if !errors.Is(err, bluelink.ErrSessionExpired) && !errors.Is(err, bluelink.ErrDevice) || !errors.As(err, &refused) {
		return err
	}
	fault := *refused
	fault.Text, fault.Reason = "it refuses what it has just given", vehicle.CloudUnavailable
	fault.Err = errors.Join(refused.Err, bluelink.ErrUnavailable)
	return &fault
}

// try makes the call once.
func (c *cloud) try(ctx context.Context, q request, tokens bluelink.Tokens) (message value, err error) {
	r, err := newRequest(ctx, q.method, "https://"+c.profile.api+"/api/v1/spa/vehicles"+q.path, "application/json", q.body)
	if err != nil {
		return value{}, err
	}
	r.Header["Authorization"] = []string{tokens.Access}
	r.Header["Ccsp-Device-Id"] = []string{tokens.Device}
	r.Header["Ccuccs2protocolsupport"] = []string{strconv.Itoa(q.ccs2)}
	c.profile.sign(r, c.transport.Now())
	call := bluelink.Call{Kind: q.kind, Op: q.op}
	if q.car != nil {
		call.Vehicle = q.car.ID
	}
	_, err = c.transport.Do(ctx, bluelink.Exchange{Call: call, Request: r, Timeout: q.timeout, Classify: func(answer bluelink.Answer) error {
		root, ok := parse(answer.Body)
		message = root.get("resMsg")
		return classify(q.kind, answer, root, ok)
	}})
	if err != nil {
		return value{}, err
	}
	return message, nil
}

// sign adds what shows that the request comes from the app. The time is the cloud's: a stamp of another is refused.
func (p *profile) sign(r *http.Request, now time.Time) {
	r.Header["Ccsp-Service-Id"] = []string{p.service}
	r.Header["Ccsp-Application-Id"] = []string{p.appID}
	r.Header["Stamp"] = []string{p.stamp(now)}
}

func newRequest(ctx context.Context, method, address, contentType, body string) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(body))
	if err != nil {
		return nil, errors.New("build request: not an address") // the error's text would hold the address with its query
	}
	if body != "" {
		r.Header["Content-Type"] = []string{contentType}
	}
	r.Header["User-Agent"] = []string{userAgent}
	return r, nil
}

// below is a path of one car.
func below(v *vehicle.Vehicle, path string) string { return "/" + url.PathEscape(v.CloudID) + path }
