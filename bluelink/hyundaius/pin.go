package hyundaius

import (
	"context"
	"errors"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
)

// showPIN says whether the PIN may be shown, which is on every command (§2.4). The cloud counts wrong ones and locks: one
// that it has refused is not shown again, a restart included, until it changes or a person signs in; and until one was
// taken, commands of several cars go one after the other. done must be called with the end of the command; it completes its
// error.
func (c *cloud) showPIN(ctx context.Context) (done func(context.Context, error) error, err error) {
	c.mu.Lock()
	proven := c.proven
	c.mu.Unlock()
	release := func() {}
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
	return func(ctx context.Context, err error) error {
		defer release()
		return c.judgePIN(ctx, err)
	}, nil
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
	return nil
}

// judgePIN remembers what the cloud thinks of the PIN. A lock says nothing of the PIN itself and ends after about an hour.
func (c *cloud) judgePIN(ctx context.Context, err error) error {
	refused, wait := errors.Is(err, bluelink.ErrPIN), bluelink.RetryAfter(err)
	c.mu.Lock()
	c.proven = err == nil || c.proven && !refused
	if refused && wait > 0 {
		c.locked = time.Now().Add(wait)
	}
	c.mu.Unlock()
	if refused && wait == 0 {
		return errors.Join(err, c.pins.Refuse(context.WithoutCancel(ctx)))
	}
	return err
}
