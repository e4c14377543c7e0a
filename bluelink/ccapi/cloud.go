package ccapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/internal/answer"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// cloud is one account at one brand's cloud.
type cloud struct {
	account   bluelink.Account
	profile   *profile
	transport *bluelink.Transport
	session   *bluelink.Session
	pins      *bluelink.PINMemory
	control   control
	refusals  answer.Refusals
	log       *slog.Logger

	mu        sync.Mutex // guards what follows; never held during a call
	histories map[vehicle.ID]historyMark
	sides     map[vehicle.ID]side
	sent      map[vehicle.ActionID]time.Time // commands of the last minutes
}

var _ bluelink.Cloud = (*cloud)(nil)

// Open prepares an account; it makes no call yet.
func Open(account bluelink.Account, s bluelink.Settings) (bluelink.Cloud, error) {
	p := profileOf(account.Region, account.Brand)
	if p == nil {
		return nil, fmt.Errorf("open %s: not served by this family", account.Cloud())
	}
	switch byToken := account.RefreshToken != ""; {
	case account.Username != "" && account.Password != "", byToken && p.byToken:
	case p.byToken:
		return nil, errors.New("open " + account.Cloud() + ": an e-mail and a password are needed, or a refresh token")
	default:
		return nil, errors.New("open " + account.Cloud() + ": an e-mail and a password are needed; a refresh token is of no use there")
	}
	pins := bluelink.NewPINMemory(account, s.Tokens)
	s.Tokens = pins
	transport := bluelink.NewTransport(account, s)
	return &cloud{
		account: account, profile: p, transport: transport, log: s.Log, pins: pins, control: control{turn: make(chan struct{}, 1)},
		session:   bluelink.NewSession(account, newAuthority(account, p, transport), s),
		histories: map[vehicle.ID]historyMark{}, sides: map[vehicle.ID]side{}, sent: map[vehicle.ActionID]time.Time{},
	}, nil
}

// Login makes sure that there is a session. A person who signs in lets a refused PIN be tried once more.
func (c *cloud) Login(ctx context.Context) error {
	if bluelink.ByPerson(ctx) {
		if err := c.pins.Forgive(ctx); err != nil {
			return err
		}
	}
	_, err := c.session.Tokens(ctx, 0)
	return err
}

// fail is an error of this package's own, about an answer that went well by itself.
func (c *cloud) fail(op string, err error, text string) error {
	return &bluelink.Error{Op: op, Cloud: c.account.Cloud(), Text: text, Left: true, Err: err}
}

// pause waits, or ends with the context.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
