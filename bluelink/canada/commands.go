package canada

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/internal/leaf"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/internal/want"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// form is how a command looks on the wire, for some cars.
type form struct {
	of   vehicle.Command
	cars func(vehicle.Engine) bool
	path string
	body encoder
}

// encoder makes the body, which is then written as JSON. Its error says what is wrong with the command.
type encoder func(order) (any, error)

// order is a command on its way to the wire.
type order struct {
	command vehicle.Command
	ask     bluelink.Ask
	pin     string
	wrapper string // of the climate's body; empty for that of the model
}

func allCars(vehicle.Engine) bool            { return true }
func electric(engine vehicle.Engine) bool    { return engine == vehicle.EV }
func notElectric(engine vehicle.Engine) bool { return engine != vehicle.EV }

// forms is the table of docs/protocol/canada.md §6. Charge limits are read of electric cars only, so no others are offered
// them; that only cars with a plug can be told to charge is ours.
var forms = []form{
	{vehicle.Lock{}, allCars, "drlck", pinAlone},
	{vehicle.Unlock{}, allCars, "drulck", pinAlone},
	{vehicle.ClimateStart{}, electric, "evc/rfon", from(climateStart)},
	{vehicle.ClimateStart{}, notElectric, "rmtstrt", from(engineStart)},
	{vehicle.ClimateStop{}, electric, "evc/rfoff", pinAlone},
	{vehicle.ClimateStop{}, notElectric, "rmtstp", pinAlone},
	{vehicle.ChargeStart{}, vehicle.Engine.Plugs, "evc/rcstrt", pinAlone},
	{vehicle.ChargeStop{}, vehicle.Engine.Plugs, "evc/rcstp", pinAlone},
	{vehicle.ChargeLimits{}, electric, setLimits, from(chargeLimits)},
	{vehicle.Hazard{}, allCars, "hornlight", from(hornLight)},
}

// setLimits is the path of the one command that is over with its answer.
const setLimits = "evc/setsoc"

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
func from[C vehicle.Command](build func(order, C) (any, error)) encoder {
	return func(o order) (any, error) {
		c, ok := o.command.(C)
		if !ok {
			return nil, want.Invalid("it is a %T", o.command) // no row fits such a command
		}
		return build(o, c)
	}
}

func pinAlone(o order) (any, error) { return pinBody{o.pin}, nil }

// Send gives the car a command. What it cannot send it refuses before anything leaves, and everything when the account has
// no PIN.
func (c *cloud) Send(ctx context.Context, ask bluelink.Ask, command vehicle.Command) (vehicle.ActionID, error) {
	v := &ask.Vehicle
	f, ok := formOf(v, command.Spec())
	if !ok {
		return "", c.refuse(command, &bluelink.Error{Text: "this car has no such command", Err: bluelink.ErrUnsupported})
	}
	o := order{command: command, ask: ask, pin: c.account.PIN, wrapper: c.wrapperOf(v)}
	body, err := f.body(o)
	if err != nil {
		return "", c.refuse(command, err)
	}
	if c.account.PIN == "" {
		return "", c.refuse(command, &bluelink.Error{Err: bluelink.ErrPINRequired})
	}
	id, err := c.post(ctx, v, f, command, body)
	start, wrapped := body.(electricClimate)
	if !wrapped || !errors.Is(err, errWrapper) {
		return id, err
	}
	// The cloud has refused the form of the body, and so done nothing. There are two, and no list of who wants which.
	other := start.rewrapped()
	if id, err = c.post(ctx, v, f, command, other); err == nil {
		c.keepWrapper(v, other.name)
	}
	return id, err
}

// refuse completes the error of a command that is not sent.
func (c *cloud) refuse(command vehicle.Command, err error) error {
	if e := (*bluelink.Error)(nil); errors.As(err, &e) {
		e.Op, e.Cloud = command.Spec().Name, c.account.Cloud()
	}
	return err
}

// post sends a command once, with a ticket of its own.
func (c *cloud) post(ctx context.Context, v *vehicle.Vehicle, f form, command vehicle.Command, body any) (id vehicle.ActionID, err error) {
	q := request{
		call: bluelink.Call{Kind: bluelink.CallCommand, Op: command.Spec().Name}, path: f.path, body: body,
		answer: func(_ leaf.Value, header http.Header) error {
			if id = vehicle.ActionID(header.Get("Transactionid")); id == "" {
				return &bluelink.Error{Err: bluelink.ErrBadResponse, Text: "accepted without an id"}
			}
			return nil
		},
	}
	if f.path == setLimits {
		// It waits for the car, answers with what it has set, and asking for its id afterwards has brought nothing; the
		// identity is that of the web site's page for it, whatever the brand (§6.3).
		q.timeout = slow
		q.header = map[string]string{"From": "SPA", "Offset": "-8", "Priority": "u=1, i", "Referer": "https://kiaconnect.ca/remote/"}
		q.answer = func(leaf.Value, http.Header) error {
			id = answered
			return nil
		}
	}
	err = c.show(ctx, v, q)
	return id, err
}

// hornLight sounds and shows where the car is. That the horn may stay silent is assumed.
func hornLight(o order, h vehicle.Hazard) (any, error) {
	return struct {
		PIN  string `json:"pin"`
		Horn bool   `json:"horn"`
	}{o.pin, h.Horn}, nil
}

type limitsBody struct {
	List []plugLimit `json:"tsoc"`
	PIN  string      `json:"pin"`
}

// plugLimit is a charge limit; plug 0 is DC, 1 is AC.
type plugLimit struct {
	Plug  int `json:"plugType"`
	Level int `json:"level"`
}

// chargeLimits fills in the limit that is not given with the one that the car reports: the call sets both. What the car has
// not reported is not guessed.
func chargeLimits(o order, limits vehicle.ChargeLimits) (any, error) {
	if !limits.AC.Given && !limits.DC.Given {
		return nil, want.Invalid("neither the AC nor the DC limit is given")
	}
	dc, err := want.Limit("DC", limits.DC, vehicle.LimitDC, o.ask.Known)
	if err != nil {
		return nil, err
	}
	ac, err := want.Limit("AC", limits.AC, vehicle.LimitAC, o.ask.Known)
	if err != nil {
		return nil, err
	}
	return limitsBody{[]plugLimit{{0, dc}, {1, ac}}, o.pin}, nil
}
