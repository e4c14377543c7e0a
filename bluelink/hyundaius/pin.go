package hyundaius

import (
	"context"
	"errors"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
)

// showPIN says whether the PIN may be shown, which is on every command (§2.4). The cloud counts wrong ones and locks: one
// that it has refused is not shown again, a restart included, until it changes or a person signs in; and until one was
// taken, commands of several cars go one after the other. release must be called when the command is over and judged.
func (c *cloud) showPIN(ctx context.Context) (release func(), err error) {
	c.mu.Lock()
	proven := c.proven
	c.mu.Unlock()
	release = func() {}
	if !proven {
		select {
		case c.proving <- struct{}{}:
			release = func() { <-c.proving }
		case <-ctx.Done():
			return nil, &bluelink.Error{Err: context.Cause(ctx)}
		}
	}
	if err := c.pinRefused(ctx); err != nil {
		release()
		return nil, err
	}
	return release, nil
}

// pinRefused says why the PIN must not be shown, or nothing.
func (c *cloud) pinRefused(ctx context.Context) error {
	switch refused, err := c.pins.Refused(ctx); {
	case err != nil:
		return err
	case refused:
		return &bluelink.Error{Text: "not tried again until it changes", Err: bluelink.ErrPIN}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if wait := time.Until(c.locked); wait > 0 {
		return &bluelink.Error{Text: "it is locked", RetryAfter: wait, Err: bluelink.ErrPIN}
	}
	if wait := time.Until(c.retryAt); wait > 0 && !c.proven {
		return &bluelink.Error{Text: "waiting after no answer", RetryAfter: wait, Err: bluelink.ErrUnavailable}
	}
	return nil
}

// judgePIN remembers what the cloud thinks of the PIN, and completes the end of the command that showed it. A lock says nothing of the PIN itself and ends after about an hour.
func (c *cloud) judgePIN(ctx context.Context, err error) error {
	refused, wait := errors.Is(err, bluelink.ErrPIN), bluelink.RetryAfter(err)
	c.mu.Lock()
	c.proven = err == nil || c.proven && !refused
	switch e := (*bluelink.Error)(nil); {
	case c.proven || refused:
		c.silent = 0
	case bluelink.MayHaveSucceeded(err) && errors.As(err, &e) && e.Status == 0:
		// Should it be a wrong one, each counts at the cloud although nobody hears of it.
		if c.silent++; c.silent > 1 {
			c.retryAt = time.Now().Add(min(time.Minute<<min(c.silent-2, 10), time.Hour))
		}
	}
	if refused && wait > 0 {
		c.locked = time.Now().Add(wait)
	}
	c.mu.Unlock()
	if refused && wait == 0 {
		return errors.Join(err, c.pins.Refuse(context.WithoutCancel(ctx)))
	}
	return err
}
