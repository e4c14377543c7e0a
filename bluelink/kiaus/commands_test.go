package kiaus

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/cloudtest"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

var _ = flag.Bool("update", false, "write the golden files of commands anew")

// TestCommands_LookOnTheWireAsReviewed holds every payload of every command, at every step of every range, for every kind
// of car, against testdata/commands: go test ./bluelink/kiaus -run Reviewed -update.
func TestCommands_LookOnTheWireAsReviewed(t *testing.T) {
	pages := map[string]string{}
	for _, spec := range cloudtest.Sent() {
		if _, ok := formOf(&vehicle.Vehicle{}, spec); !ok {
			continue
		}
		var more []string
		if spec.Name == "climate-start" {
			more = cloudtest.Climates()
		}
		var page strings.Builder
		for _, payload := range cloudtest.Payloads(t, spec, map[string][]string{"set_temp": cloudtest.Steps(14, 30, 0.5)}, more...) {
			for _, known := range []string{"AC 80 % and DC 90 %", "nothing"} {
				if known == "nothing" && spec.Name != "charge-limits" {
					continue
				}
				fmt.Fprintf(&page, "%s\n", wire(t, spec, payload, known))
			}
		}
		pages[spec.Name+".txt"] = page.String()
	}
	if len(pages) != len(forms) {
		t.Errorf("%d pages for %d commands", len(pages), len(forms))
	}
	cloudtest.Golden(t, "testdata/commands", pages)
}

// wire tells how a payload looks on the wire.
func wire(t *testing.T, spec *vehicle.Spec, payload, reports string) string {
	t.Helper()
	request, err := vehicle.DecodeRequest(spec.Topic, []byte(payload))
	if err != nil || request.Command.Spec() != spec {
		t.Fatalf("%s: %v", payload, err)
	}
	var r vehicle.Report
	if reports != "nothing" {
		vehicle.LimitAC.Set(&r, 80, "")
		vehicle.LimitDC.Set(&r, 90, "")
	}
	known, _, _ := vehicle.State{}.Apply(r, time.Now())
	if spec.Name == "charge-limits" {
		payload += ", the car reports " + reports
	}
	lines, engines := []string{}, map[string][]string{}
	for _, engine := range []vehicle.Engine{vehicle.EV, vehicle.PHEV, vehicle.HEV, vehicle.ICE} {
		v := vehicle.Vehicle{ID: "x", CloudID: "1", Engine: engine}
		f, ok := formOf(&v, spec)
		if !ok {
			continue
		}
		line := f.method + " " + f.path
		if f.body != nil {
			body, err := f.body(bluelink.Ask{Vehicle: v, Known: known}, request.Command)
			if e := (*bluelink.Error)(nil); errors.As(err, &e) {
				line = string(bluelink.Reason(err)) + ": " + e.Text
			} else if text, err := json.Marshal(body); err == nil {
				line += " " + string(text)
			}
		}
		if engines[line] == nil {
			lines = append(lines, line)
		}
		engines[line] = append(engines[line], engine.String())
	}
	text := payload
	for _, line := range lines {
		text += "\n\t" + strings.Join(engines[line], " ") + ": " + line
	}
	return text
}

func TestSend_ShowsSessionAndKeyAndReturnsTheID(t *testing.T) {
	s, o := signedIn(t)
	car := o.list(t)[1]
	id, err := o.Send(t.Context(), bluelink.Ask{Vehicle: car}, vehicle.ClimateStart{})
	must(t, err)
	sent := s.Last("rems/start")
	if sent.Header.Get("sid") != s.live() || sent.Header.Get("vinkey") != s.keyOf("2") || string(id) != fmt.Sprint("xid-", len(s.Calls())) {
		t.Errorf("sent with %v, id %s", sent.Header, id)
	}
	s.On("rems/stop", func(*http.Request, string) (reply, bool) {
		r := good("{}")
		r.Header = map[string]string{"xid": ""}
		return r, true
	})
	_, err = o.Send(t.Context(), bluelink.Ask{Vehicle: car}, vehicle.ClimateStop{})
	if mustFail(t, err, bluelink.ErrBadResponse); !bluelink.MayHaveSucceeded(err) {
		t.Error("accepted without an id, it may have been carried out")
	}
}

func TestChargeLimits_WaitForTheCar(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, o := signedIn(t)
		car := o.list(t)[0]
		s.On(setLimits, func(*http.Request, string) (reply, bool) {
			<-time.After(44 * time.Second)
			return bad(554), true
		})
		_, err := o.Send(t.Context(), bluelink.Ask{Vehicle: car}, vehicle.ChargeLimits{AC: vehicle.Some(90), DC: vehicle.Some(80)})
		if mustFail(t, err, bluelink.ErrVehicleUnreachable); s.Last(setLimits).Body != `{"targetSOClist":[{"plugType":0,"targetSOClevel":80},{"plugType":1,"targetSOClevel":90}]}` {
			t.Errorf("sent %s", s.Last(setLimits).Body)
		}
	})
}

func TestSend_RefusesBeforeAnythingLeaves(t *testing.T) {
	s, o := signedIn(t)
	some := vehicle.Some[int]
	car := o.list(t)[0]
	n := len(s.Calls())
	for _, c := range []vehicle.Command{
		vehicle.ClimateStart{Temperature: vehicle.Some(vehicle.Quantity{Value: 13, Unit: vehicle.Celsius})},
		vehicle.ClimateStart{Temperature: vehicle.Some(vehicle.Quantity{Value: 31, Unit: vehicle.Celsius})},
		vehicle.ClimateStart{Temperature: vehicle.Some(vehicle.Quantity{Value: 21})},
		vehicle.ClimateStart{Duration: vehicle.Some(90 * time.Second)},
		vehicle.ClimateStart{Duration: vehicle.Some(31 * time.Minute)},
		vehicle.ClimateStart{Heating: some(5)},
		vehicle.ClimateStart{SteeringWheel: some(3)},
		vehicle.ChargeLimits{},
		vehicle.ChargeLimits{AC: some(85), DC: some(80)},
		vehicle.ChargeLimits{AC: some(80), DC: some(110)},
		vehicle.ChargeLimits{AC: some(80)},
	} {
		_, err := o.Send(t.Context(), bluelink.Ask{Vehicle: car}, c)
		if !errors.Is(err, bluelink.ErrInvalidCommand) || bluelink.MayHaveSucceeded(err) {
			t.Errorf("%T %+v: %v", c, c, err)
		}
	}
	ice := car
	ice.Engine = vehicle.ICE
	for _, test := range []struct {
		v vehicle.Vehicle
		c vehicle.Command
	}{{ice, vehicle.ChargeStart{}}, {car, vehicle.Windows{}}, {car, vehicle.ValetOn{}}, {car, vehicle.Refresh{}}, {car, vehicle.ClimateTarget{}}} {
		if _, err := o.Send(t.Context(), bluelink.Ask{Vehicle: test.v}, test.c); !errors.Is(err, bluelink.ErrUnsupported) {
			t.Errorf("%T: %v", test.c, err)
		}
	}
	if len(s.Calls()) != n {
		t.Errorf("%d calls left", len(s.Calls())-n)
	}
}

func TestAction_ReadsTheCountersOfThePage(t *testing.T) {
	s, o := signedIn(t)
	car := o.list(t)[0]
	for payload, want := range map[string]vehicle.ActionStatus{
		`{"remoteStatus":0,"calSyncStatus":0,"alertStatus":0,"locationStatus":0,"evStatus":0}`: vehicle.ActionSuccess,
		`{"remoteStatus":1,"calSyncStatus":0,"alertStatus":0,"locationStatus":0,"evStatus":0}`: vehicle.ActionPending,
		`{"remoteStatus":0,"calSyncStatus":0,"alertStatus":0,"locationStatus":0,"evStatus":1}`: vehicle.ActionPending,
		`{"remoteStatus":2,"calSyncStatus":1,"alertStatus":0,"locationStatus":0,"evStatus":0}`: vehicle.ActionFailed,
		`{"remoteStatus":1,"evStatus":4}`: vehicle.ActionFailed,
		`{"remoteStatus":-1}`:             vehicle.ActionFailed,
		`{"remoteStatus":"x"}`:            vehicle.ActionUnknown,
		`{"remoteStatus":null}`:           vehicle.ActionUnknown,
		`{}`:                              vehicle.ActionUnknown, `null`: vehicle.ActionUnknown, `[]`: vehicle.ActionUnknown,
	} {
		s.Always("cmm/gts", good(payload))
		if got, err := o.Action(t.Context(), car, "abc"); err != nil || got != want {
			t.Errorf("%s: %s, %v, want %s", payload, got, err, want)
		}
	}
	if body := s.Last("cmm/gts").Body; body != `{"xid":"abc"}` {
		t.Errorf("asked by %s", body)
	}
	s.Always("cmm/gts", cloudtest.Say(500, ""))
	_, err := o.Action(t.Context(), car, "abc")
	mustFail(t, err, bluelink.ErrUnavailable)
}
