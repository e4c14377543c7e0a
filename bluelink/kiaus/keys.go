package kiaus

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/internal/leaf"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// garage keeps the keys of the account's cars. They are good for the session that fetched them and for no other, so that all
// of them are fetched together: whoever renewed the key of his own car alone would end those of the others, each of which
// would sign in again in its turn, for ever (docs/protocol/usa-kia.md §2.6, §2.7; seen).
type garage struct {
	turn chan struct{} // held by the one caller that fetches

	mu   sync.Mutex // guards what follows; never held during a call
	sid  string     // of the session that the keys belong to
	keys map[string]string
}

// key is what a call about a car shows.
type key struct {
	tokens bluelink.Tokens
	car    string // the cloud's id of it
	vin    string // the key itself, which the wire calls vinkey
}

func (k key) sid() string { return k.tokens.Access }

// get gives the key of a car for a session. It is not known for certain that a car is missing before the keys of that
// session have been fetched.
func (g *garage) get(sid, car string) (vin string, fetched bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.sid != sid || g.keys == nil {
		return "", false
	}
	return g.keys[car], true
}

// put takes the keys that a session has fetched.
func (g *garage) put(sid string, keys map[string]string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.sid, g.keys = sid, maps.Clone(keys)
}

// drop forgets all keys, when the one that the cloud does not take is still among them.
func (g *garage) drop(refused key) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.sid == refused.sid() && g.keys[refused.car] == refused.vin {
		g.sid, g.keys = "", nil
	}
}

// key gives a session that lives for at least left, and the key of a car in it.
func (c *cloud) key(ctx context.Context, v *vehicle.Vehicle, left time.Duration) (key, error) {
	for tried := false; ; tried = true {
		t, err := c.session.Tokens(ctx, left)
		if err != nil {
			return key{}, err
		}
		vin, fetched := c.garage.get(t.Access, v.CloudID)
		if !fetched {
			t, vin, err = c.fetchKeys(ctx, t, left, v.CloudID)
			if errors.Is(err, bluelink.ErrSessionExpired) && !tried && c.refusals.Blame(listCall) {
				c.session.Expire(t)
				continue
			}
			if tried || err == nil {
				c.refusals.Learn(listCall, err)
			}
		}
		switch {
		case err != nil:
			return key{}, c.refusals.Despite(listCall, err)
		case vin == "":
			return key{}, &bluelink.Error{Op: "look up the car's key", Cloud: c.account.Cloud(), Err: bluelink.ErrUnknownVehicle}
		}
		return key{t, v.CloudID, vin}, nil
	}
}

// fetchKeys gets the keys of all cars, once for all who wait. The session that the caller has may have been replaced when its
// turn comes, and then it is the other's keys that it wants.
func (c *cloud) fetchKeys(ctx context.Context, t bluelink.Tokens, left time.Duration, car string) (bluelink.Tokens, string, error) {
	select {
	case c.garage.turn <- struct{}{}:
		defer func() { <-c.garage.turn }()
	case <-ctx.Done():
		return t, "", &bluelink.Error{Op: "wait for the cars' keys", Cloud: c.account.Cloud(), Err: context.Cause(ctx)}
	}
	if living, err := c.session.Tokens(ctx, left); err == nil {
		t = living
	}
	if vin, fetched := c.garage.get(t.Access, car); fetched { // another caller was faster
		return t, vin, nil
	}
	if _, err := c.readList(ctx, t); err != nil {
		return t, "", err
	}
	vin, _ := c.garage.get(t.Access, car)
	return t, vin, nil
}

// listCall is the call that reads the list of cars.
var listCall = bluelink.Call{Kind: bluelink.CallRead, Op: "list vehicles"}

// readList reads the list of cars, and takes the keys that come with it (docs/protocol/usa-kia.md §3).
func (c *cloud) readList(ctx context.Context, t bluelink.Tokens) (list []entry, err error) {
	err = c.try(ctx, request{
		call: listCall, method: http.MethodGet, path: "ownr/gvl", header: map[string]string{"sid": t.Access},
		answer: func(root leaf.Value, _ http.Header) error {
			cars := root.Get("payload.vehicleSummary")
			if cars.Kind() != '[' {
				return &bluelink.Error{Err: bluelink.ErrBadResponse, Text: "no list of vehicles"}
			}
			keys := map[string]string{}
			for car := range cars.All() {
				e := readEntry(car)
				list = append(list, e)
				keys[e.id] = e.key
			}
			c.garage.put(t.Access, keys)
			return nil
		},
	}, t.Device)
	return list, err
}

// entry is a car of the list.
type entry struct {
	id, key, vin, name, model string
	year, fuel                int
}

func readEntry(car leaf.Value) entry {
	text := func(name string) string { return strings.Clone(strings.TrimSpace(car.Get(name).Str())) }
	number := func(name string) int {
		n, refused := leaf.AsCode(car.Get(name))
		if refused != "" {
			return 0
		}
		return n
	}
	return entry{
		id: text("vehicleIdentifier"), key: text("vehicleKey"), vin: strings.ToUpper(text("vin")), name: text("nickName"), model: text("modelName"),
		year: number("modelYear"), fuel: number("fuelType"),
	}
}
