package hyundaius

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/internal/want"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// form is how a command looks on the wire, for some cars.
type form struct {
	of   vehicle.Command
	cars func(*vehicle.Vehicle) bool
	path string
	body encoder // nil for none
}

// forms is the table of §6. A car is offered the commands that it has a row for. Cars whose engine is not told are started as
// those with one are: a wrong path is refused with "Feature Status is OFF" and does nothing.
var forms = []form{
	{vehicle.Lock{}, allCars, "rcs/rdo/off", owner},
	{vehicle.Unlock{}, allCars, "rcs/rdo/on", owner},
	{vehicle.ClimateStart{}, electric, "evc/fatc/start", from(electricClimate)},
	{vehicle.ClimateStart{}, started, "rcs/rsc/start", from(engineStart)},
	{vehicle.ClimateStop{}, electric, "evc/fatc/stop", nil},
	{vehicle.ClimateStop{}, started, "rcs/rsc/stop", nil},
	{vehicle.ChargeStart{}, electric, "evc/charge/start", nil},
	{vehicle.ChargeStop{}, electric, "evc/charge/stop", nil},
	{vehicle.ChargeLimits{}, electric, "evc/charge/targetsoc/set", from(targets)},
	{vehicle.Hazard{}, allCars, "rcs/rhl/light", owner},
	{vehicle.Hazard{Horn: true}, allCars, "rcs/rhl/hnl", owner},
}

func allCars(*vehicle.Vehicle) bool { return true }

// electric cars are those without a tank. What charges a plug-in hybrid is not known here: the reference sends nothing (§6).
func electric(v *vehicle.Vehicle) bool { return v.Engine == vehicle.EV }

// started are the cars whose climate comes with the engine; of plug-in hybrids the sources disagree (§10).
func started(v *vehicle.Vehicle) bool { return v.Engine != vehicle.EV }

// fits tells whether a row is for a command. The horn has a path of its own.
func (f *form) fits(c vehicle.Command) bool {
	if hazard, ok := c.(vehicle.Hazard); ok {
		return f.of == vehicle.Command(hazard)
	}
	return reflect.TypeOf(f.of) == reflect.TypeOf(c)
}

// formOf is the call that makes a command for a car; nil where it has no such command.
func formOf(v *vehicle.Vehicle, c vehicle.Command) *form {
	for i := range forms {
		if f := &forms[i]; f.fits(c) && f.cars(v) {
			return f
		}
	}
	return nil
}

// commandsOf are the names of the commands that a car is offered.
func commandsOf(v *vehicle.Vehicle) []string {
	var names []string
	for _, spec := range vehicle.Commands() {
		offered := func(f form) bool { return f.of.Spec() == spec && f.cars(v) }
		if spec == (vehicle.Refresh{}).Spec() || slices.ContainsFunc(forms, offered) {
			names = append(names, spec.Name)
		}
	}
	return names
}

// order is a command on its way to the wire.
type order struct {
	command  vehicle.Command
	ask      bluelink.Ask
	details  details
	username string
}

// encoder makes the body, which is then written as JSON. Its error says what is wrong with the command.
type encoder func(order) (any, error)

// from makes an encoder of a function that knows its command.
func from[C vehicle.Command](build func(C, order) (any, error)) encoder {
	return func(o order) (any, error) {
		c, ok := o.command.(C)
		if !ok {
			return nil, want.Invalid("it is a %T", o.command) // no row fits such a command
		}
		return build(c, o)
	}
}

// owner is the body of the commands that have no parameters of their own.
func owner(o order) (any, error) {
	return struct {
		UserName string `json:"userName"`
		VIN      string `json:"vin"`
	}{o.username, o.ask.Vehicle.VIN.Full()}, nil
}

// unsupported says that a car cannot do a part of what is asked.
func unsupported(format string, args ...any) error {
	return &bluelink.Error{Text: fmt.Sprintf(format, args...), Err: bluelink.ErrUnsupported}
}

// Send gives the car a command. What it cannot send it refuses before anything leaves: what the car has no row for, what
// makes no sense, and everything when the account has no PIN or one that the cloud has refused.
func (c *cloud) Send(ctx context.Context, ask bluelink.Ask, command vehicle.Command) (vehicle.ActionID, error) {
	f := formOf(&ask.Vehicle, command)
	if f == nil {
		return "", c.refuse(command, unsupported("this car has no such command"))
	}
	if _, err := c.encode(f, command, ask); err != nil { // before anything leaves, as far as is known now
		return "", c.refuse(command, err)
	}
	if c.account.PIN == "" {
		return "", c.refuse(command, &bluelink.Error{Err: bluelink.ErrPINRequired})
	}
	if err := c.needDetails(ctx, ask.Vehicle.ID); err != nil {
		return "", bluelink.Unsent(fmt.Errorf("%s: %w", command.Spec().Name, err))
	}
	body, err := c.encode(f, command, ask)
	if err != nil {
		return "", c.refuse(command, err)
	}
	q := request{
		op: command.Spec().Name, kind: bluelink.CallCommand, method: http.MethodPost, path: f.path, body: body, car: &ask.Vehicle, bodiless: true,
	}
	release, err := c.showPIN(ctx)
	if err != nil {
		return "", c.refuse(command, err)
	}
	defer release()
	got, err := c.ask(ctx, q)
	if err = c.judgePIN(ctx, err); err != nil {
		return "", err
	}
	return idOf(got.header), nil
}

func (c *cloud) encode(f *form, command vehicle.Command, ask bluelink.Ask) (string, error) {
	if f.body == nil {
		return "", nil
	}
	body, err := f.body(order{command, ask, c.detailsOf(ask.Vehicle.ID), c.account.Username})
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(body)
	return string(text), err
}

// refuse completes the error of a command that is not sent.
func (c *cloud) refuse(command vehicle.Command, err error) error {
	if e := (*bluelink.Error)(nil); errors.As(err, &e) {
		e.Op, e.Cloud = command.Spec().Name, c.account.Cloud()
	}
	return bluelink.Unsent(err)
}
