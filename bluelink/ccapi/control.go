package ccapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
)

// commandMargin is how much life a token must have left to be sent with a command: none shall expire on its way.
const commandMargin = time.Minute

// controlLife is how long control tokens live (docs/protocol/europe.md §2.7; seen).
const controlLife = 10 * time.Minute

// control keeps the control token, which the cloud gives for the PIN and wants to see with most commands
// (docs/protocol/europe.md §2.7). It is not tied to the device id.
type control struct {
	turn chan struct{} // held by the one caller that sends the PIN

	mu      sync.Mutex // guards what follows; never held during a call
	token   string     // as it goes into the header
	until   time.Time
	silent  int       // PINs in a row of which the cloud did not say what it thinks
	retryAt time.Time // no PIN before
}

// good gives the token if it lives long enough for a command.
func (k *control) good() (token string, ok bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.token, k.token != "" && time.Until(k.until) > commandMargin
}

// drop forgets a token that the cloud no longer takes.
func (k *control) drop(refused string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.token == refused {
		k.token = ""
	}
}

// controlToken gives a control token. It sends the PIN only when there is no good token, once for all callers that wait,
// and never one that was refused.
func (c *cloud) controlToken(ctx context.Context) (string, error) {
	k := &c.control
	if token, ok := k.good(); ok {
		return token, nil
	}
	q := &request{op: "exchange PIN", kind: bluelink.CallCommand}
	select {
	case k.turn <- struct{}{}:
		defer func() { <-k.turn }()
	case <-ctx.Done():
		return "", &bluelink.Error{Op: q.op, Cloud: c.account.Cloud(), Err: context.Cause(ctx)}
	}
	if token, ok := k.good(); ok { // another caller was faster
		return token, nil
	}
	switch refused, err := c.pins.Refused(ctx); {
	case err != nil:
		return "", err
	case refused:
		return "", &bluelink.Error{Op: q.op, Cloud: c.account.Cloud(), Text: "not tried again until it changes", Err: bluelink.ErrPIN}
	}
	k.mu.Lock()
	wait := time.Until(k.retryAt)
	k.mu.Unlock()
	if wait > 0 {
		return "", &bluelink.Error{Op: q.op, Cloud: c.account.Cloud(), Text: "waiting after no answer", RetryAfter: wait, Err: bluelink.ErrUnavailable}
	}
	var token string
	var until time.Time
	err := c.insist(ctx, q, func(shown keys) (err error) {
		token, until, err = c.sendPIN(ctx, q, shown)
		return err
	})
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
	k.token, k.until, k.silent = token, until, 0
	return token, nil
}

// sendPIN makes the call. It goes on when the caller gives up: a refusal that nobody reads would be asked for again.
//
// The call counts as a command. It is made for nothing else, and like one it is booked before it leaves, since each wrong
// PIN brings the account nearer to being locked.
func (c *cloud) sendPIN(ctx context.Context, q *request, shown keys) (token string, until time.Time, err error) {
	ctx = context.WithoutCancel(ctx)
	body, err := json.Marshal(map[string]string{"deviceId": shown.Device, "pin": c.account.PIN})
	if err != nil {
		return "", time.Time{}, fmt.Errorf("%s: %w", q.op, err)
	}
	r, err := c.profile.newRequest(ctx, http.MethodPut, "https://"+c.profile.api+c.profile.pinPath, "application/json", string(body))
	if err != nil {
		return "", time.Time{}, err
	}
	if c.profile.pinDressed {
		c.dress(r, shown, 0)
	}
	r.Header["Authorization"] = []string{shown.Access}
	sent := time.Now()
	call := bluelink.Call{Kind: q.kind, Op: q.op}
	_, err = c.transport.Do(ctx, bluelink.Exchange{Call: call, Request: r, Classify: func(answer bluelink.Answer) error {
		root, ok := parse(answer.Body)
		if err := c.profile.classifyPIN(answer, root, ok); err != nil {
			return err
		}
		token = "Bearer " + root.get("controlToken").str()
		life := controlLife
		if seconds, refused := asNumber(root.get("expiresTime")); refused == "" && seconds > 0 && seconds <= 24*60*60 {
			life = time.Duration(seconds) * time.Second
		}
		until = sent.Add(life)
		return nil
	}})
	switch {
	case errors.Is(err, bluelink.ErrPIN):
		err = errors.Join(err, c.pins.Refuse(ctx))
	case err == nil: // one that was refused earlier may be the right one again some day
		if err := c.pins.Forgive(ctx); err != nil {
			c.log.WarnContext(ctx, "that the PIN is good could not be stored", "account", c.account.Name, "error", err)
		}
	}
	return token, until, err
}

// classifyPIN reads the answer to a PIN. What a refusal of the PIN looks like nobody has written down
// (docs/protocol/europe.md §10), so that every refusal counts as one that does not plainly speak of something else: a good
// PIN that is not tried again does less harm than a wrong one that is.
func (d *dialect) classifyPIN(answer bluelink.Answer, root value, isJSON bool) error {
	good := answer.Status >= 200 && answer.Status <= 299
	if token := root.get("controlToken"); good && token.kind() == '"' && token.str() != "" {
		return nil
	}
	err := unproven(d.classify(bluelink.Call{Kind: bluelink.CallLogin}, answer, root, isJSON), root)
	text := strings.ToLower(root.get("error").str())
	switch {
	case !isJSON || root.kind() != '{', !good && !refusesToken(answer.Status),
		errors.Is(err, bluelink.ErrDevice), errors.Is(err, bluelink.ErrUnavailable), errors.Is(err, bluelink.ErrRateLimited),
		errors.Is(err, bluelink.ErrSessionExpired) && (text == "" || strings.Contains(text, "token")):
		return err
	case good && !refuses(root) && !d.bareRefusal:
		return &bluelink.Error{Err: bluelink.ErrBadResponse, Text: "no controlToken"}
	}
	refused := bluelink.Error{Err: bluelink.ErrPIN}
	if e := (*bluelink.Error)(nil); errors.As(err, &e) {
		refused.Code, refused.Text = e.Code, e.Text
	}
	if left, wrong := asCode(root.get("errBody.remainCount")); wrong == "" && !root.get("errBody.remainCount").missing() {
		refused.Text += fmt.Sprintf("; %d more before it locks", left)
	}
	return &refused
}
