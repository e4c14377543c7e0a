package ccapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/internal/want"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// form is how a command looks on the wire, for some cars.
type form struct {
	of   vehicle.Command
	cars audience
	auth auth
	path string // below the car
	body encoder
}

// auth says which token a call shows, and so to which version of the API it goes: the A and C of the page.
type auth uint8

const (
	session   auth = iota // access token, v1
	pin                   // control token, v2
	sessionV2             // access token, v2
)

// The tables of the regions are joined from these parts and their own (docs/protocol/europe.md §6). A car is offered the
// commands that it has a row for; several rows are several calls, in this order.
//
// Which engines a command is for is assumed where the page does not say. A car without the equipment accepts the command
// and does nothing.
var (
	// byForm is what cars of each form hear in words of their own, where a region knows both.
	byForm = []form{
		{vehicle.Lock{}, flatCars, session, "/control/door", deviceAction("close")},
		{vehicle.Lock{}, ccs2Cars, pin, "/ccs2/control/door", command("close")},
		{vehicle.Unlock{}, flatCars, session, "/control/door", deviceAction("open")},
		{vehicle.Unlock{}, ccs2Cars, pin, "/ccs2/control/door", command("open")},
		{vehicle.ClimateStart{}, ccs2Cars, pin, "/ccs2/control/temperature", from(ccs2ClimateStart)},
		{vehicle.ClimateStop{}, flatCars, session, "/control/temperature", from(flatClimateStop)},
		{vehicle.ClimateStop{}, ccs2Cars, pin, "/ccs2/control/temperature", command("stop")},
	}
	chargeByForm = []form{
		{vehicle.ChargeStart{}, flatPlugged, session, "/control/charge", deviceAction("start")},
		{vehicle.ChargeStart{}, ccs2Plugged, pin, "/ccs2/control/charge", command("start")},
		{vehicle.ChargeStop{}, flatPlugged, session, "/control/charge", deviceAction("stop")},
		{vehicle.ChargeStop{}, ccs2Plugged, pin, "/ccs2/control/charge", command("stop")},
	}
	// alike is what cars of both forms hear in the same words.
	alike = []form{
		{vehicle.ChargeLimits{}, plugged, session, "/charge/target", from(chargeLimits)},
		{vehicle.SetChargingCurrent{}, ccs2Plugged, session, "/ccs2/charge/chargingcurrent", from(chargingCurrent)},
		{vehicle.SetV2LLimit{}, electric, session, "/ccs2/charge/dischargelimit", from(dischargeLimit)},

		{vehicle.Windows{}, allCars, pin, "/control/windowcurtain", from(windows)},
		{vehicle.Hazard{}, allCars, pin, "/ccs2/control/light", command("on")},
		{vehicle.Hazard{Horn: true}, allCars, pin, "/ccs2/control/hornlight", command("on")},
		{vehicle.Destination{}, allCars, pin, "/location/routes", from(destination)},

		{vehicle.Schedule{}, ccs2Electric, pin, "/ccs2/reservation/charge", from(scheduledCharging)},
		{vehicle.Schedule{}, ccs2Electric, pin, "/ccs2/reservation/hvac", from(scheduledClimate)},
		{vehicle.Schedule{}, pluggedOtherwise, pin, "/ccs2/reservation/chargehvac", from(scheduleTogether)},
	}
	valet = []form{
		{vehicle.ValetOn{}, allCars, pin, "/control/valet", action("activate")},
		{vehicle.ValetOff{}, allCars, pin, "/control/valet", action("deactivate")},
	}
)

// audience tells which cars a row is for.
type audience func(*vehicle.Vehicle) bool

func allCars(*vehicle.Vehicle) bool            { return true }
func flatCars(v *vehicle.Vehicle) bool         { return v.CCS2 == 0 }
func ccs2Cars(v *vehicle.Vehicle) bool         { return v.CCS2 != 0 }
func plugged(v *vehicle.Vehicle) bool          { return v.Engine.Plugs() }
func flatPlugged(v *vehicle.Vehicle) bool      { return flatCars(v) && plugged(v) }
func ccs2Plugged(v *vehicle.Vehicle) bool      { return ccs2Cars(v) && plugged(v) }
func ccs2Electric(v *vehicle.Vehicle) bool     { return ccs2Cars(v) && v.Engine == vehicle.EV }
func pluggedOtherwise(v *vehicle.Vehicle) bool { return plugged(v) && !ccs2Electric(v) }

// electric cars of the flat form too have been built to feed a load.
func electric(v *vehicle.Vehicle) bool {
	return v.Engine == vehicle.EV || v.Engine == vehicle.EngineUnknown
}

// fits tells whether a row is for a command. The horn has a path of its own.
func (f *form) fits(c vehicle.Command) bool {
	if hazard, ok := c.(vehicle.Hazard); ok {
		return f.of == vehicle.Command(hazard)
	}
	return reflect.TypeOf(f.of) == reflect.TypeOf(c)
}

// formsOf are the calls that make a command for a car; none where it has no such command.
func (d *dialect) formsOf(v *vehicle.Vehicle, c vehicle.Command) []*form {
	var calls []*form
	for i := range d.forms {
		if f := &d.forms[i]; f.fits(c) && f.cars(v) {
			calls = append(calls, f)
		}
	}
	return calls
}

// commandsOf are the names of the commands that a car is offered.
func (d *dialect) commandsOf(v *vehicle.Vehicle) []string {
	var names []string
	for _, spec := range vehicle.Commands() {
		offered := func(f form) bool { return f.of.Spec() == spec && f.cars(v) }
		if spec == (vehicle.Refresh{}).Spec() || slices.ContainsFunc(d.forms, offered) {
			names = append(names, spec.Name)
		}
	}
	return names
}

// order is a command on its way to the wire.
type order struct {
	command vehicle.Command
	ask     bluelink.Ask
	side    side   // where the driver sits
	device  string // id of the device that sends it
}

// encoder makes the body, which is then written as JSON; nil is none. Its error says what is wrong with the command.
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

func command(word string) encoder {
	return func(order) (any, error) { return map[string]string{"command": word}, nil }
}

func action(word string) encoder {
	return func(order) (any, error) { return map[string]string{"action": word}, nil }
}

func deviceAction(word string) encoder {
	return func(o order) (any, error) { return map[string]string{"action": word, "deviceId": o.device}, nil }
}

// unsupported says that a car cannot do a part of what is asked.
func unsupported(text string) error {
	return &bluelink.Error{Text: text, Err: bluelink.ErrUnsupported}
}

// Send gives the car a command. What it cannot send it refuses before anything leaves: what the car has no row for, what
// makes no sense, and everything when the account has no PIN, even the few calls that would not need it: an account without
// PIN only reads.
func (c *cloud) Send(ctx context.Context, ask bluelink.Ask, command vehicle.Command) (vehicle.ActionID, error) {
	calls := c.profile.formsOf(&ask.Vehicle, command)
	if len(calls) == 0 {
		return "", c.refuse(command, unsupported("this car has no such command"))
	}
	o := order{command: command, ask: ask, side: leftHand}
	for _, f := range calls {
		if _, err := f.body(o); err != nil {
			return "", c.refuse(command, err)
		}
	}
	if c.account.PIN == "" {
		return "", c.refuse(command, &bluelink.Error{Err: bluelink.ErrPINRequired})
	}
	o.side = c.sideOf(ctx, ask, command)
	id, err := c.post(ctx, calls[0], o)
	for _, f := range calls[1:] {
		if err == nil {
			id, err = c.postNext(ctx, f, o, id)
		}
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

// post makes a call once; again only as insist says.
func (c *cloud) post(ctx context.Context, f *form, o order) (id vehicle.ActionID, err error) {
	v := &o.ask.Vehicle
	q := request{
		op: o.command.Spec().Name, kind: bluelink.CallCommand, method: http.MethodPost, root: vehiclesV1, path: below(v, f.path), car: v, ccs2: v.CCS2,
	}
	if f.auth != session {
		q.root, q.control = vehiclesV2, f.auth == pin
	}
	err = c.insist(ctx, &q, func(k keys) error {
		if ctx.Err() != nil { // the tokens took too long
			return bluelink.Unsent(&bluelink.Error{Op: q.op, Cloud: c.account.Cloud(), Err: context.Cause(ctx)})
		}
		o.device = k.Device
		body, err := f.body(o)
		if err != nil {
			return bluelink.Unsent(err)
		}
		if body != nil {
			text, err := json.Marshal(body)
			if err != nil {
				return bluelink.Unsent(fmt.Errorf("%s: %w", q.op, err))
			}
			q.body = string(text)
		}
		answer, err := c.try(ctx, &q, k)
		if err != nil {
			return err
		}
		if id = vehicle.ActionID(strings.Clone(answer.get("msgId").str())); id == "" {
			return c.fail(q.op, bluelink.ErrBadResponse, "accepted without an id")
		}
		c.remember(id)
		return nil
	})
	return id, err
}

// refuses tells whether an answer says of itself that the request was refused.
func refuses(root value) bool {
	return root.get("retCode").str() == "F" || !root.get("error").missing() || !root.get("errCode").missing() ||
		root.get("retMsg").str() == "Received unexpected statusCode"
}

// unproven takes a bare 401 for what it is: it may come from anywhere, and does not prove that the command was not carried
// out, as the answer about an expired token does.
func unproven(err error, root value) error {
	if errors.Is(err, bluelink.ErrSessionExpired) && !refuses(root) {
		return &bluelink.Error{Err: bluelink.ErrBadResponse, Text: "refused in no words that are known"}
	}
	return err
}
