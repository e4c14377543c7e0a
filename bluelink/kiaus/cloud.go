package kiaus

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"sync"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/internal/answer"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// cloud is one account.
type cloud struct {
	account   bluelink.Account
	transport *bluelink.Transport
	browser   *http.Client // with the cookies of what stands before the cloud
	session   *bluelink.Session
	garage    garage
	refusals  answer.Refusals
	log       *slog.Logger

	mu      sync.Mutex // guards what follows; never held during a call
	engines map[vehicle.ID]vehicle.Engine
}

var _ bluelink.Cloud = (*cloud)(nil)

// Serves tells whether the cloud of a region and brand is this one.
func Serves(region vehicle.Region, brand vehicle.Brand) bool {
	return region == vehicle.USA && brand == vehicle.Kia
}

// Open prepares an account; it makes no call yet.
func Open(account bluelink.Account, s bluelink.Settings) (bluelink.Cloud, error) {
	if account.Username == "" || account.Password == "" {
		return nil, errors.New("open " + account.Cloud() + ": an e-mail and a password are needed")
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	c := &cloud{
		account: account, transport: bluelink.NewTransport(account, s), log: s.Log, garage: garage{turn: make(chan struct{}, 1)},
		engines: map[vehicle.ID]vehicle.Engine{},
	}
	c.browser = c.transport.Browser(jar, false)
	c.session = bluelink.NewSession(account, &authority{c}, s)
	return c, nil
}

// Login makes sure that there is a session.
func (c *cloud) Login(ctx context.Context) error {
	_, err := c.session.Tokens(ctx, 0)
	return err
}

// fail is an error of this package's own, about an answer that went well by itself.
func (c *cloud) fail(op string, err error, text string) error {
	return &bluelink.Error{Op: op, Cloud: c.account.Cloud(), Text: text, Left: true, Err: err}
}
