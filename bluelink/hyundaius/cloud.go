package hyundaius

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

// cloud is one account.
type cloud struct {
	account   bluelink.Account
	transport *bluelink.Transport
	session   *bluelink.Session
	pins      *bluelink.PINMemory
	refusals  answer.Refusals
	log       *slog.Logger

	mu      sync.Mutex // guards what follows; never held during a call
	details map[vehicle.ID]details
	trips   map[vehicle.ID]time.Time // when a car's trips were last asked for
	locked  time.Time                // until when the PIN is locked
	proven  bool                     // the cloud has taken the PIN since the start
	silent  int                      // PINs in a row, none of them proven, of which the cloud did not say what it thinks
	retryAt time.Time                // no such PIN before
	proving chan struct{}            // held by the one command that shows a PIN which is not proven
}

var _ bluelink.Cloud = (*cloud)(nil)

// Open prepares an account; it makes no call yet.
func Open(account bluelink.Account, s bluelink.Settings) (bluelink.Cloud, error) {
	switch {
	case !Serves(account.Region, account.Brand):
		return nil, fmt.Errorf("open %s: not served by this family", account.Cloud())
	case account.Username == "" || account.Password == "":
		return nil, errors.New("open " + account.Cloud() + ": an e-mail and a password are needed")
	}
	pins := bluelink.NewPINMemory(account, s.Tokens)
	s.Tokens = pins
	transport := bluelink.NewTransport(account, s)
	return &cloud{
		account: account, transport: transport, log: s.Log, pins: pins,
		session: bluelink.NewSession(account, &authority{account: account, transport: transport}, s),
		details: map[vehicle.ID]details{}, trips: map[vehicle.ID]time.Time{}, proving: make(chan struct{}, 1),
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
