package canada

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/internal/leaf"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// tickets keeps what the cloud gives for the PIN, by car: the header pAuth of whatever reaches the car
// (docs/protocol/canada.md §2.6). How long one lives nobody knows. Each command shows a new one; asking how far it has come
// goes with the same one, as long as the cloud takes it.
type tickets struct {
	turn chan struct{} // held by the one caller that sends the PIN

	mu      sync.Mutex // guards what follows; never held during a call
	of      map[vehicle.ID]ticket
	silent  int       // PINs in a row of which the cloud did not say what it thinks
	retryAt time.Time // no PIN before
}

type ticket struct {
	text string
	at   time.Time
}

// ticketLife is how long a ticket is shown again for reading; longer than any command takes.
const ticketLife = 5 * time.Minute

// kept is the car's latest ticket, when it is not old.
func (k *tickets) kept(id vehicle.ID) (string, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	t, ok := k.of[id]
	return t.text, ok && time.Since(t.at) < ticketLife
}

// ticket gets a new ticket for a car. It sends the PIN, one caller at a time, and never one that was refused.
func (c *cloud) ticket(ctx context.Context, v *vehicle.Vehicle) (string, error) {
	const op = "show PIN"
	k := &c.tickets
	if c.account.PIN == "" {
		return "", &bluelink.Error{Op: op, Cloud: c.account.Cloud(), Err: bluelink.ErrPINRequired}
	}
	select {
	case k.turn <- struct{}{}:
		defer func() { <-k.turn }()
	case <-ctx.Done():
		return "", &bluelink.Error{Op: op, Cloud: c.account.Cloud(), Err: context.Cause(ctx)}
	}
	switch refused, err := c.pins.Refused(ctx); {
	case err != nil:
		return "", err
	case refused:
		return "", &bluelink.Error{Op: op, Cloud: c.account.Cloud(), Text: "not tried again until it changes", Err: bluelink.ErrPIN}
	}
	k.mu.Lock()
	wait := time.Until(k.retryAt)
	k.mu.Unlock()
	if wait > 0 {
		return "", &bluelink.Error{Op: op, Cloud: c.account.Cloud(), Text: "waiting after no answer", RetryAfter: wait, Err: bluelink.ErrUnavailable}
	}
	text, err := c.sendPIN(ctx, v, op)
	k.mu.Lock()
	defer k.mu.Unlock()
	if bluelink.MayHaveSucceeded(err) {
		// Should it be a wrong one, each counts at the cloud although nobody hears of it.
		if k.silent++; k.silent > 1 {
			k.retryAt = time.Now().Add(min(time.Minute<<min(k.silent-2, 10), time.Hour))
		}
	}
	if err != nil {
		return "", err
	}
	k.of[v.ID], k.silent = ticket{text, time.Now()}, 0
	return text, nil
}

// sendPIN makes the call. It goes on when the caller gives up: a refusal that nobody reads would be asked for again.
//
// The call counts as a command. It is made for nothing else, and like one it is booked before it leaves, since each wrong
// PIN brings the account nearer to being locked.
func (c *cloud) sendPIN(ctx context.Context, v *vehicle.Vehicle, op string) (text string, err error) {
	err = c.ask(context.WithoutCancel(ctx), v, request{
		call: bluelink.Call{Kind: bluelink.CallCommand, Op: op}, path: "vrfypin", body: pinBody{c.account.PIN},
		answer: func(result leaf.Value, _ http.Header) error {
			if text = strings.Clone(result.Get("pAuth").Str()); text == "" {
				return &bluelink.Error{Err: bluelink.ErrBadResponse, Text: "no pAuth"}
			}
			return nil
		},
		refusal: refusedPIN,
	})
	switch {
	case errors.Is(err, bluelink.ErrPIN):
		err = errors.Join(err, c.pins.Refuse(context.WithoutCancel(ctx)))
	case err == nil: // one that was refused earlier may be the right one again some day
		if err := c.pins.Forgive(ctx); err != nil {
			c.log.WarnContext(ctx, "that the PIN is good could not be stored", "account", c.account.Name, "error", err)
		}
	}
	return text, err
}

// refusedPIN takes a refusal in words that nobody knows for one of the PIN: a good PIN that is not tried again does less harm
// than a wrong one that is.
func refusedPIN(root leaf.Value, err error) error {
	e := (*bluelink.Error)(nil)
	code := root.Get("error.errorCode").Str()
	if _, known := outcomeOf(bluelink.Call{Kind: bluelink.CallCommand}, code); known || code == "" || !errors.As(err, &e) {
		return err
	}
	refused := *e
	refused.Err = bluelink.ErrPIN
	return &refused
}

type pinBody struct {
	PIN string `json:"pin"`
}

// show makes a call with a new ticket.
func (c *cloud) show(ctx context.Context, v *vehicle.Vehicle, q request) error {
	q.ticket = func(bool) (string, error) { return c.ticket(ctx, v) }
	return c.ask(ctx, v, q)
}

// showAgain makes a call with the ticket that was shown last, if it is not old.
func (c *cloud) showAgain(ctx context.Context, v *vehicle.Vehicle, q request) error {
	q.ticket = func(first bool) (string, error) {
		if text, ok := c.tickets.kept(v.ID); ok && first {
			return text, nil
		}
		return c.ticket(ctx, v)
	}
	return c.ask(ctx, v, q)
}
