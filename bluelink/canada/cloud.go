package canada

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"sync"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/internal/answer"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// cloud is one account at one brand's cloud.
type cloud struct {
	account   bluelink.Account
	host      string
	transport *bluelink.Transport
	browser   *http.Client // with the cookies of the cloud and of what stands before it
	session   *bluelink.Session
	pins      *bluelink.PINMemory
	tickets   tickets
	refusals  answer.Refusals
	log       *slog.Logger

	mu       sync.Mutex // guards what follows; never held during a call
	trips    map[vehicle.ID]tripMark
	places   map[vehicle.ID]vehicle.Quantity // odometer where the car was last found
	wrappers map[vehicle.ID]string           // of the climate's body, where another than the model's worked
}

var _ bluelink.Cloud = (*cloud)(nil)

// Serves tells whether the cloud of a region and brand is one of these.
func Serves(region vehicle.Region, brand vehicle.Brand) bool {
	return region == vehicle.Canada && hosts[brand] != ""
}

// Open prepares an account; it makes no call yet.
func Open(account bluelink.Account, s bluelink.Settings) (bluelink.Cloud, error) {
	host := hosts[account.Brand]
	if host == "" {
		return nil, fmt.Errorf("open %s: not served by this family", account.Cloud())
	}
	if account.Username == "" || account.Password == "" {
		return nil, errors.New("open " + account.Cloud() + ": an e-mail and a password are needed")
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	pins := bluelink.NewPINMemory(account, s.Tokens)
	s.Tokens = pins
	c := &cloud{
		account: account, host: host, transport: bluelink.NewTransport(account, s), pins: pins, log: s.Log,
		tickets: tickets{turn: make(chan struct{}, 1), of: map[vehicle.ID]ticket{}},
		trips:   map[vehicle.ID]tripMark{}, places: map[vehicle.ID]vehicle.Quantity{}, wrappers: map[vehicle.ID]string{},
	}
	c.browser = c.transport.Browser(jar, false)
	c.session = bluelink.NewSession(account, &authority{c}, s)
	return c, nil
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
