package abrp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// DefaultURL is where telemetry goes.
const DefaultURL = "https://api.iternio.com/1/tlm/send"

// Limits of one call and of the wait after a failed one.
const (
	callTimeout = 15 * time.Second
	maxAnswer   = 64 << 10
	firstWait   = 30 * time.Second
	longestWait = time.Hour
)

// Options are what a feed is built from.
type Options struct {
	URL     string                // DefaultURL when empty
	Key     string                // of the application, as the user got it
	Tokens  map[vehicle.ID]string // of the cars that are followed
	Locate  bool                  // tell positions too
	Client  *http.Client          // required
	Log     *slog.Logger          // required
	Outcome func(ok bool)         // told of each call; nil for nobody
}

// Feed sends telemetry. Each car has a place for its newest report; what was not sent when a newer one comes is left out.
type Feed struct {
	options Options
	wake    chan struct{}

	mu   sync.Mutex // guards cars
	cars map[vehicle.ID]*car
}

// car is what is kept of a car.
type car struct {
	name     string
	token    string
	state    vehicle.State // newest report
	fresh    bool          // it was not sent
	next     time.Time     // nothing is sent before
	sent     int64         // report that was sent last
	failed   int           // in a row
	refused  bool          // the token or the key, until the configuration changes
	disliked bool          // the report before
}

// New checks the options and makes a feed; nothing runs yet.
func New(o Options) (*Feed, error) {
	if o.Client == nil || o.Log == nil || o.Key == "" || len(o.Tokens) == 0 {
		return nil, errors.New("abrp: key, tokens, client and log are required")
	}
	if o.URL == "" {
		o.URL = DefaultURL
	}
	f := &Feed{options: o, wake: make(chan struct{}, 1), cars: map[vehicle.ID]*car{}}
	for id, token := range o.Tokens {
		f.cars[id] = &car{token: token}
	}
	return f, nil
}

// Reported takes what a car has reported. It never waits.
func (f *Feed) Reported(id vehicle.ID, name string, state vehicle.State) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.cars[id]
	if c == nil || c.refused || state.ReportedAt().Unix() <= c.sent {
		return
	}
	c.name, c.state, c.fresh = name, state, true
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// Run sends until ctx ends.
func (f *Feed) Run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-f.wake:
		case <-timer.C:
		}
		for {
			c, state, wait := f.due(time.Now())
			if c == nil {
				timer.Stop()
				if wait > 0 {
					timer.Reset(wait)
				}
				break
			}
			f.sent(c, state, f.send(ctx, c, state))
			if ctx.Err() != nil {
				return nil
			}
		}
	}
}

// due is a car whose report can be sent now; else how long until there is one, 0 when none waits.
func (f *Feed) due(now time.Time) (next *car, state vehicle.State, wait time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.cars {
		switch left := c.next.Sub(now); {
		case !c.fresh:
		case left <= 0:
			return c, c.state, 0
		case wait == 0 || left < wait:
			wait = left
		}
	}
	return nil, vehicle.State{}, wait
}

// sent notes how a call ended.
func (f *Feed) sent(c *car, state vehicle.State, err error) {
	if f.options.Outcome != nil && !errors.Is(err, errNothing) {
		f.options.Outcome(err == nil)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	log := f.options.Log.With("vehicle", c.name)
	now := time.Now()
	switch {
	case err == nil:
		if c.failed > 0 || c.disliked {
			log.Info("telemetry reaches ABRP again")
		}
		c.disliked = false
		c.failed, c.next, c.sent = 0, now.Add(pause(state)), state.ReportedAt().Unix()
		if c.state.ReportedAt().Unix() <= c.sent {
			c.fresh = false
		}
		return
	case errors.Is(err, errRefused):
		c.refused, c.fresh = true, false
		log.Error("ABRP refuses the key or the car's token; nothing more is sent for it until they are changed", "error", err)
		return
	case errors.Is(err, errNothing), errors.Is(err, errNotTaken):
		c.fresh = c.state.ReportedAt().After(state.ReportedAt()) // one may have come meanwhile
		if errors.Is(err, errNotTaken) {
			c.next = now.Add(pause(state))
			if !c.disliked {
				log.Warn("ABRP does not take a report; the next one is sent all the same", "error", err)
			}
			c.disliked = true
		}
		return
	}
	c.failed++
	c.next = now.Add(min(firstWait<<min(c.failed-1, 10), longestWait))
	if c.failed == 1 { // an outage is a line
		log.Warn("telemetry does not reach ABRP", "error", err)
	}
}

// The ends of a call that are not to be tried again.
var (
	errRefused  = errors.New("refused")
	errNothing  = errors.New("nothing to tell")
	errNotTaken = errors.New("report refused") // the next one may be taken
)

// send makes the call. Its errors hold neither key nor token.
func (f *Feed) send(ctx context.Context, c *car, state vehicle.State) error {
	t, ok := telemetryOf(state, f.options.Locate)
	if !ok {
		return errNothing
	}
	body, err := json.Marshal(map[string]any{"token": c.token, "tlm": t})
	if err != nil {
		return errNothing // a number that JSON cannot carry never gets into a state
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, f.options.URL, bytes.NewReader(body))
	if err != nil {
		return errors.New("the address of ABRP cannot be used")
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "APIKEY "+f.options.Key)
	response, err := f.options.Client.Do(request)
	if err != nil {
		return fmt.Errorf("reach ABRP: %w", err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("read the answer of ABRP: %w", err)
	}
	var answer struct {
		Status string `json:"status"`
	}
	switch code := response.StatusCode; {
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		return fmt.Errorf("%w with HTTP %d", errRefused, code)
	case code == http.StatusBadRequest: // this report will never be taken, the next one may
		return fmt.Errorf("%w with HTTP %d", errNotTaken, code)
	case code != http.StatusOK:
		return fmt.Errorf("ABRP answers HTTP %d", code)
	case json.Unmarshal(text, &answer) != nil || answer.Status != "ok":
		return errors.New("ABRP answers what is not understood")
	}
	return nil
}
