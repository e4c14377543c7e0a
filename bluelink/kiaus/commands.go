package kiaus

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/internal/leaf"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/internal/want"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// form is how a command looks on the wire.
type form struct {
	of     vehicle.Command
	cars   func(vehicle.Engine) bool
	method string
	path   string
	body   encoder // nil for none
}

// encoder makes the body, which is then written as JSON. Its error says what is wrong with the command.
type encoder func(bluelink.Ask, vehicle.Command) (any, error)

func allCars(vehicle.Engine) bool { return true }

// forms is the table of docs/protocol/usa-kia.md §6. The cloud restricts no command by what drives the car; that only cars
// with a plug can be told to charge is ours. For what the flags of the status promise beside these (horn, windows, valet
// mode) nobody knows the calls.
var forms = []form{
	{vehicle.Lock{}, allCars, http.MethodGet, "rems/door/lock", nil},
	{vehicle.Unlock{}, allCars, http.MethodGet, "rems/door/unlock", nil},
	{vehicle.ClimateStart{}, allCars, http.MethodPost, "rems/start", from(climateStart)},
	{vehicle.ClimateStop{}, allCars, http.MethodGet, "rems/stop", nil},
	{vehicle.ChargeStart{}, vehicle.Engine.Plugs, http.MethodPost, "evc/charge", from(chargeStart)},
	{vehicle.ChargeStop{}, vehicle.Engine.Plugs, http.MethodGet, "evc/cancel", nil},
	{vehicle.ChargeLimits{}, vehicle.Engine.Plugs, http.MethodPost, setLimits, from(chargeLimits)},
}

// setLimits is the path of the one command that waits for the car: it was refused after 44 s (docs/protocol/usa-kia.md §8,
// 554).
const (
	setLimits     = "evc/sts"
	limitsTimeout = time.Minute
)

// formOf is the row of a command for a car.
func formOf(v *vehicle.Vehicle, spec *vehicle.Spec) (form, bool) {
	i := slices.IndexFunc(forms, func(f form) bool { return f.of.Spec() == spec && f.cars(v.Engine) })
	if i < 0 {
		return form{}, false
	}
	return forms[i], true
}

// commandsOf are the names of the commands that a car is offered.
func commandsOf(v *vehicle.Vehicle) []string {
	var names []string
	for _, spec := range vehicle.Commands() {
		if _, ok := formOf(v, spec); ok || spec == (vehicle.Refresh{}).Spec() {
			names = append(names, spec.Name)
		}
	}
	return names
}

// from makes an encoder of a function that knows its command.
func from[C vehicle.Command](build func(bluelink.Ask, C) (any, error)) encoder {
	return func(ask bluelink.Ask, command vehicle.Command) (any, error) {
		c, ok := command.(C)
		if !ok {
			return nil, want.Invalid("it is a %T", command) // no row fits such a command
		}
		return build(ask, c)
	}
}

// Send gives the car a command. What it cannot send it refuses before anything leaves.
func (c *cloud) Send(ctx context.Context, ask bluelink.Ask, command vehicle.Command) (id vehicle.ActionID, err error) {
	op := command.Spec().Name
	f, ok := formOf(&ask.Vehicle, command.Spec())
	if !ok {
		return "", &bluelink.Error{Op: op, Cloud: c.account.Cloud(), Text: "this car has no such command", Err: bluelink.ErrUnsupported}
	}
	q := request{call: bluelink.Call{Kind: bluelink.CallCommand, Op: op}, method: f.method, path: f.path}
	if f.path == setLimits {
		q.timeout = limitsTimeout
	}
	if f.body != nil {
		if q.body, err = f.body(ask, command); err != nil {
			if e := (*bluelink.Error)(nil); errors.As(err, &e) {
				e.Op, e.Cloud = op, c.account.Cloud()
			}
			return "", err
		}
	}
	q.answer = func(_ leaf.Value, header http.Header) error {
		if id = vehicle.ActionID(header.Get("Xid")); id == "" {
			return &bluelink.Error{Err: bluelink.ErrBadResponse, Text: "accepted without an id"}
		}
		return nil
	}
	err = c.ask(ctx, &ask.Vehicle, q)
	return id, err
}

// chargeStart has a body that is always the same.
func chargeStart(bluelink.Ask, vehicle.ChargeStart) (any, error) {
	return map[string]int{"chargeRatio": 100}, nil
}

type limitsBody struct {
	List []plugLimit `json:"targetSOClist"`
}

// plugLimit is a charge limit; plug 0 is DC, 1 is AC.
type plugLimit struct {
	Plug  int `json:"plugType"`
	Level int `json:"targetSOClevel"`
}

// chargeLimits fills in the limit that is not given with the one that the car reports: the call sets both. What the car has
// not reported is not guessed. A plug-in hybrid that reports no DC limit has none (assumed).
func chargeLimits(ask bluelink.Ask, limits vehicle.ChargeLimits) (any, error) {
	if !limits.AC.Given && !limits.DC.Given {
		return nil, want.Invalid("neither the AC nor the DC limit is given")
	}
	ac, err := want.Limit("AC", limits.AC, vehicle.LimitAC, ask.Known)
	if err != nil {
		return nil, err
	}
	if _, known := vehicle.LimitDC.Of(ask.Known); !limits.DC.Given && !known && ask.Vehicle.Engine == vehicle.PHEV {
		return limitsBody{[]plugLimit{{1, ac}}}, nil
	}
	dc, err := want.Limit("DC", limits.DC, vehicle.LimitDC, ask.Known)
	if err != nil {
		return nil, err
	}
	return limitsBody{[]plugLimit{{0, dc}, {1, ac}}}, nil
}
