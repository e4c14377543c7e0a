package canada

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/cloudtest"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

var _ = flag.Bool("update", false, "write the golden files of commands and the table in README.md anew")

// TestCommands_LookOnTheWireAsReviewed holds every payload of every command, at every step of every range, for every kind
// of car, against testdata/commands: go test ./bluelink/canada -run Reviewed -update.
func TestCommands_LookOnTheWireAsReviewed(t *testing.T) {
	pages := map[string]string{}
	for _, spec := range cloudtest.Sent() {
		if _, ok := formOf(&vehicle.Vehicle{Engine: vehicle.EV}, spec); !ok {
			continue
		}
		var more []string
		switch spec.Name {
		case "climate-start":
			more = append(cloudtest.Climates(), `"set_temp":21.2`, `"set_temp":21.25`, `"set_temp":21.3`)
		case "hazard":
			more = []string{`"action":"lights"`, `"action":"lights_and_horn"`}
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
	cloudtest.Golden(t, "testdata/commands", pages)
}

// kinds are the cars of which a body may look another way.
var kinds = []struct {
	name string
	car  vehicle.Vehicle
}{
	{"ev", vehicle.Vehicle{Engine: vehicle.EV, Year: 2024, Model: "IONIQ 5"}},
	{"IONIQ 9", vehicle.Vehicle{Engine: vehicle.EV, Year: 2026, Model: "IONIQ 9"}},
	{"ev of 2019", vehicle.Vehicle{Engine: vehicle.EV, Year: 2019, Model: "KONA"}},
	{"phev", vehicle.Vehicle{Engine: vehicle.PHEV, Year: 2023}},
	{"ice", vehicle.Vehicle{Engine: vehicle.ICE, Year: 2023}},
	{"ice of 2018", vehicle.Vehicle{Engine: vehicle.ICE, Year: 2018}},
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
	lines, cars := []string{}, map[string][]string{}
	for _, kind := range kinds {
		f, ok := formOf(&kind.car, spec)
		if !ok {
			continue
		}
		line := f.path
		body, err := f.body(order{command: request.Command, ask: bluelink.Ask{Vehicle: kind.car, Known: known}, pin: "PIN"})
		if e := (*bluelink.Error)(nil); errors.As(err, &e) {
			line = string(bluelink.Reason(err)) + ": " + e.Text
		} else if text, err := json.Marshal(body); err == nil {
			line += " " + string(text)
		}
		if cars[line] == nil {
			lines = append(lines, line)
		}
		cars[line] = append(cars[line], kind.name)
	}
	text := payload
	for _, line := range lines {
		text += "\n\t" + strings.Join(cars[line], ", ") + ": " + line
	}
	return text
}

func TestTemperatures_AreWrittenAsThePageSays(t *testing.T) {
	for _, test := range []struct {
		of      table
		celsius float64
		want    string
	}{
		{newTable, 14, "00H"},
		{newTable, 16, "04H"},
		{newTable, 17, "06H"},
		{newTable, 21, "0EH"},
		{newTable, 22, "10H"},
		{newTable, 27, "1AH"},
		{newTable, 31.5, "23H"},
		{newTable, 32, ""},
		{newTable, 13.5, ""},
		{newTable, 21.2, ""},
		{oldTable, 16, "00H"},
		{oldTable, 17, "02H"},
		{oldTable, 21, "0AH"},
		{oldTable, 27, "16H"},
		{oldTable, 31.5, "1FH"},
		{oldTable, 15.5, ""},
		{oldTable, 32, ""},
	} {
		if got, ok := test.of.code(test.celsius); got != test.want || ok != (test.want != "") {
			t.Errorf("%g °C from %g °C on: %q, want %q", test.celsius, test.of.lowest, got, test.want)
		}
	}
}

func TestSend_ShowsANewTicketForEachCommandAndReturnsTheID(t *testing.T) {
	s, o := signedIn(t)
	car := o.list(t)[0]
	ask := bluelink.Ask{Vehicle: car}
	var tickets []string
	for range 3 {
		id, err := o.Send(t.Context(), ask, vehicle.Lock{})
		must(t, err)
		sent := s.Last("drlck")
		if string(id) != fmt.Sprint("tx-", len(s.Calls())) || sent.Body != `{"pin":"1234"}` || sent.Header.Get("vehicleId") != car.CloudID {
			t.Errorf("id %s, sent %s with %v", id, sent.Body, sent.Header)
		}
		tickets = append(tickets, sent.Header.Get("pAuth"))
		for range 5 {
			if status, err := o.Action(t.Context(), car, id); err != nil || status != vehicle.ActionSuccess {
				t.Errorf("%s, %v", status, err)
			}
		}
		if asked := s.Last("rmtsts"); asked.Header.Get("pAuth") != sent.Header.Get("pAuth") || asked.Header.Get("transactionId") != string(id) || asked.Body != "" {
			t.Errorf("asked with %v", asked.Header)
		}
	}
	if tickets[0] == tickets[1] || tickets[1] == tickets[2] || s.Count("vrfypin") != 3 {
		t.Errorf("tickets %v, the PIN was sent %d times", tickets, s.Count("vrfypin"))
	}
	s.Always("drlck", good("{}"))
	_, err := o.Send(t.Context(), ask, vehicle.Lock{})
	if mustFail(t, err, bluelink.ErrBadResponse); !bluelink.MayHaveSucceeded(err) {
		t.Error("accepted without an id, it may have been carried out")
	}
	// An error with an id is an error.
	s.Always("drlck", cloudtest.Say(200, bad("6533").Body, map[string]string{"transactionId": "tx"}))
	_, err = o.Send(t.Context(), ask, vehicle.Lock{})
	mustFail(t, err, bluelink.ErrBusy)
}

func TestAction_WithAStaleTicketGetsAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, o := signedIn(t)
		car := o.list(t)[0]
		id, err := o.Send(t.Context(), bluelink.Ask{Vehicle: car}, vehicle.Lock{})
		must(t, err)
		clear(s.tickets)
		for range 3 {
			if status, err := o.Action(t.Context(), car, id); err != nil || status != vehicle.ActionSuccess {
				t.Errorf("%s, %v", status, err)
			}
		}
		if s.Count("vrfypin") != 2 || s.Count("rmtsts") != 4 {
			t.Errorf("the PIN was sent %d times, asked %d times", s.Count("vrfypin"), s.Count("rmtsts"))
		}
		<-time.After(6 * time.Minute) // and an old one is not shown at all
		_, err = o.Action(t.Context(), car, id)
		must(t, err)
		o = open(t, s, o.tokens) // nor is one after a restart
		_, err = o.Action(t.Context(), car, id)
		if must(t, err); s.Count("vrfypin") != 4 {
			t.Errorf("the PIN was sent %d times", s.Count("vrfypin"))
		}
	})
}

func TestAction_ReadsTheAnswersOfThePage(t *testing.T) {
	s, o := signedIn(t)
	car := o.list(t)[0]
	failed := `{"error":{"errorCode":"4711"},"responseHeader":{"responseCode":1},"result":{"transaction":{"apiResult":"F"}}}`
	for _, test := range []struct {
		reply reply
		want  vehicle.ActionStatus
		err   error
	}{
		{good(`{"transaction":{"apiResult":"P","apiStatusCode":"null"}}`), vehicle.ActionPending, nil},
		{good(`{"transaction":{"apiResult":"C","apiStatusCode":"200"},"vehicle":{}}`), vehicle.ActionSuccess, nil},
		{good(`{"transaction":{"apiResult":"F"}}`), vehicle.ActionFailed, nil},
		{good(`{"transaction":{"apiResult":"?"}}`), vehicle.ActionFailed, nil},
		{good(`{"transaction":{}}`), vehicle.ActionUnknown, nil},
		{good(`{}`), vehicle.ActionUnknown, nil},
		{cloudtest.Say(200, failed), vehicle.ActionFailed, nil},
		{bad("4711"), "", bluelink.ErrBadResponse}, // says nothing about the command
		{bad("6534"), "", bluelink.ErrRateLimited},
		{cloudtest.Say(500, "<html>"), "", bluelink.ErrUnavailable},
	} {
		s.Always("rmtsts", test.reply)
		got, err := o.Action(t.Context(), car, "tx-1")
		if got != test.want || !errors.Is(err, test.err) || (err == nil) != (test.err == nil) {
			t.Errorf("%s: %q, %v, want %q", test.reply.Body, got, err, test.want)
		}
	}
	n := len(s.Calls())
	if status, err := o.Action(t.Context(), car, answered); status != vehicle.ActionSuccess || err != nil || len(s.Calls()) != n {
		t.Errorf("one that was over with its answer: %s, %v", status, err)
	}
}

func TestChargeLimits_WaitForTheCarAndAreThenOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, o := signedIn(t, func(a *bluelink.Account) { a.Brand = vehicle.Genesis })
		car := o.list(t)[0]
		s.On(setLimits, func(*http.Request, string) (reply, bool) {
			<-time.After(140 * time.Second)
			return good(`[{"plugType":0,"level":80},{"plugType":1,"level":90}]`), true
		})
		id, err := o.Send(t.Context(), bluelink.Ask{Vehicle: car}, vehicle.ChargeLimits{AC: vehicle.Some(90), DC: vehicle.Some(80)})
		must(t, err)
		sent := s.Last(setLimits)
		if sent.Body != `{"tsoc":[{"plugType":0,"level":80},{"plugType":1,"level":90}],"pin":"1234"}` || id != answered {
			t.Errorf("%s: %s", id, sent.Body)
		}
		for name, want := range map[string]string{"from": "SPA", "offset": "-8", "priority": "u=1, i", "referer": "https://kiaconnect.ca/remote/", "origin": "https://genesisconnect.ca"} {
			if got := sent.Header.Get(name); got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
	})
}

func TestClimate_BodyInTheOtherFormIsTriedOnce(t *testing.T) {
	s, o := signedIn(t)
	car := o.list(t)[0]
	ask := bluelink.Ask{Vehicle: car}
	s.wrapper = newWrapper
	for range 3 {
		if id, err := o.Send(t.Context(), ask, vehicle.ClimateStart{}); err != nil || id == "" {
			t.Fatalf("%q, %v", id, err)
		}
	}
	if n := s.Count("evc/rfon"); n != 4 || !strings.Contains(s.Last("evc/rfon").Body, newWrapper) {
		t.Errorf("sent %d times, want one more the first time", n)
	}
	s.wrapper = "neither"
	n := s.Count("evc/rfon")
	_, err := o.Send(t.Context(), ask, vehicle.ClimateStart{})
	if mustFail(t, err, bluelink.ErrUnsupported); s.Count("evc/rfon")-n != 2 || bluelink.MayHaveSucceeded(err) {
		t.Errorf("sent %d times", s.Count("evc/rfon")-n)
	}
	// Another refusal is no reason to try another form.
	s.Always("evc/rfon", bad("6533"))
	n = s.Count("evc/rfon")
	_, err = o.Send(t.Context(), ask, vehicle.ClimateStart{})
	if mustFail(t, err, bluelink.ErrBusy); s.Count("evc/rfon")-n != 1 {
		t.Errorf("sent %d times", s.Count("evc/rfon")-n)
	}
}

func TestPIN_WrongOneIsTriedOnceUntilItChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, code := range []string{"7310", "4711"} { // also in words that nobody knows
			s, o := signedIn(t, func(a *bluelink.Account) { a.PIN = "9999" })
			car := o.list(t)[0]
			s.Always("vrfypin", bad(code))
			for range 3 {
				for range 3 {
					_, err := o.Send(t.Context(), bluelink.Ask{Vehicle: car}, vehicle.Lock{})
					if mustFail(t, err, bluelink.ErrPIN); bluelink.MayHaveSucceeded(err) || bluelink.Reason(err) != vehicle.PINWrong {
						t.Errorf("%v", err)
					}
					_, err = o.Force(t.Context(), bluelink.Ask{Vehicle: car})
					must(t, err)
				}
				o = open(t, s, o.tokens, func(a *bluelink.Account) { a.PIN = "9999" })
			}
			if n := s.Count("vrfypin"); n != 1 || s.Count("drlck") != 0 {
				t.Errorf("the wrong PIN was sent %d times", n)
			}
			s.On("vrfypin", nil)
			o = open(t, s, o.tokens)
			if _, err := o.Send(t.Context(), bluelink.Ask{Vehicle: car}, vehicle.Lock{}); err != nil {
				t.Errorf("with the right one: %v", err)
			}
		}
	})
}

func TestPIN_IsSentByOneCallerAtATimeAndRestsAfterSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, o := signedIn(t, func(a *bluelink.Account) { a.PIN = "9999" })
		cars := o.list(t)
		s.On("vrfypin", func(*http.Request, string) (reply, bool) {
			<-time.After(time.Second)
			return reply{}, false
		})
		var callers sync.WaitGroup
		for _, v := range cars {
			for range 10 {
				callers.Go(func() { _, _ = o.Send(t.Context(), bluelink.Ask{Vehicle: v}, vehicle.Lock{}) })
			}
		}
		callers.Wait()
		if n := s.Count("vrfypin"); n != 1 {
			t.Errorf("a wrong PIN was sent %d times", n)
		}
		s, o = signedIn(t)
		s.Always("vrfypin", reply{})
		for range 60 {
			_, err := o.Send(t.Context(), bluelink.Ask{Vehicle: cars[0]}, vehicle.Lock{})
			if mustFail(t, err, bluelink.ErrUnavailable); bluelink.MayHaveSucceeded(err) {
				t.Error("the command was not sent")
			}
			<-time.After(time.Minute)
		}
		if n := s.Count("vrfypin"); n < 3 || n > 8 {
			t.Errorf("in an hour without answers the PIN was sent %d times", n)
		}
	})
}

func TestSend_RefusesBeforeAnythingLeaves(t *testing.T) {
	s, o := signedIn(t)
	some := vehicle.Some[int]
	cars := o.list(t)
	n := len(s.Calls())
	for _, c := range []vehicle.Command{
		vehicle.ClimateStart{Temperature: vehicle.Some(vehicle.Quantity{Value: 13.7, Unit: vehicle.Celsius})},
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
		_, err := o.Send(t.Context(), bluelink.Ask{Vehicle: cars[0]}, c)
		if !errors.Is(err, bluelink.ErrInvalidCommand) || bluelink.MayHaveSucceeded(err) {
			t.Errorf("%T %+v: %v", c, c, err)
		}
	}
	for _, test := range []struct {
		v vehicle.Vehicle
		c vehicle.Command
	}{{cars[1], vehicle.ChargeStart{}}, {cars[1], vehicle.ChargeLimits{AC: some(80), DC: some(80)}}, {cars[0], vehicle.Windows{}}, {cars[0], vehicle.ValetOn{}}, {cars[0], vehicle.Refresh{}}} {
		if _, err := o.Send(t.Context(), bluelink.Ask{Vehicle: test.v}, test.c); !errors.Is(err, bluelink.ErrUnsupported) {
			t.Errorf("%T: %v", test.c, err)
		}
	}
	o = open(t, s, o.tokens, func(a *bluelink.Account) { a.PIN = "" })
	_, err := o.Send(t.Context(), bluelink.Ask{Vehicle: cars[0]}, vehicle.Lock{})
	if mustFail(t, err, bluelink.ErrPINRequired); len(s.Calls()) != n {
		t.Errorf("%d calls left", len(s.Calls())-n)
	}
}
