package hyundaius

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

func (w *world) send(v vehicle.Vehicle, c vehicle.Command) (vehicle.ActionID, error) {
	return w.cloud.Send(w.t.Context(), bluelink.Ask{Vehicle: v}, c)
}

// sameJSON compares bodies as the page has them.
func sameJSON(t *testing.T, got, want string) bool {
	t.Helper()
	var a, b any
	if got == "" || want == "" {
		return got == want
	}
	if json.Unmarshal([]byte(got), &a) != nil || json.Unmarshal([]byte(want), &b) != nil {
		t.Fatalf("%s or %s is no JSON", got, want)
	}
	return reflect.DeepEqual(a, b)
}

// TestSend_AsThePageSays holds the table of §6 with the bodies of §6.1 and §6.2 and the headers of §1.2.
func TestSend_AsThePageSays(t *testing.T) {
	const owner = `{"userName":"` + email + `","vin":"` + vin + `"}`
	const petrol = `{"Ims":0,"airCtrl":1,"airTemp":{"unit":1,"value":72},"defrost":false,"heating1":0,"igniOnDuration":5,"seatHeaterVentInfo":{"drvSeatHeatState":2,"astSeatHeatState":2,"rlSeatHeatState":2,"rrSeatHeatState":2},"username":"` + email + `","vin":"` + vin + `"}`
	start := vehicle.ClimateStart{Temperature: vehicle.Some(vehicle.Quantity{Value: 72, Unit: vehicle.Fahrenheit}), Duration: vehicle.Some(5 * time.Minute)}
	warm := start
	warm.FrontLeft = vehicle.Some(vehicle.SeatLowHeat)
	for _, test := range []struct {
		engine, generation string
		command            vehicle.Command
		path, body         string
	}{
		{"E", "2", vehicle.Lock{}, "rcs/rdo/off", owner},
		{"N", "2", vehicle.Unlock{}, "rcs/rdo/on", owner},
		{"E", "2", start, "evc/fatc/start", `{"airCtrl":1,"airTemp":{"value":"72","unit":1},"defrost":false,"heating1":0}`},
		{"E", "3", warm, "evc/fatc/start", `{"airCtrl":1,"airTemp":{"value":"72","unit":1},"defrost":false,"heating1":0,"igniOnDuration":5,"seatHeaterVentInfo":{"drvSeatHeatState":6,"astSeatHeatState":2,"rlSeatHeatState":2,"rrSeatHeatState":2}}`},
		{"N", "2", start, "rcs/rsc/start", petrol},
		{"P", "3", start, "rcs/rsc/start", petrol},
		{"X", "2", start, "rcs/rsc/start", petrol},
		{"E", "2", vehicle.ClimateStop{}, "evc/fatc/stop", ""},
		{"P", "2", vehicle.ClimateStop{}, "rcs/rsc/stop", ""},
		{"E", "2", vehicle.ChargeStart{}, "evc/charge/start", ""},
		{"E", "2", vehicle.ChargeStop{}, "evc/charge/stop", ""},
		{"E", "2", vehicle.ChargeLimits{AC: vehicle.Some(90), DC: vehicle.Some(80)}, "evc/charge/targetsoc/set", `{"targetSOClist":[{"plugType":0,"targetSOClevel":80},{"plugType":1,"targetSOClevel":90}]}`},
		{"N", "2", vehicle.Hazard{}, "rcs/rhl/light", owner},
		{"E", "2", vehicle.Hazard{Horn: true}, "rcs/rhl/hnl", owner},
	} {
		w := newWorld(t)
		w.with("vehicleGeneration", test.generation)
		w.put(listPath, ok(strings.Replace(w.answers[listPath].body, `"evStatus":"E"`, `"evStatus":"`+test.engine+`"`, 1)))
		v := w.car()
		id, err := w.send(v, test.command)
		r := w.last()
		if err != nil || id != "tid-1" || r.method != http.MethodPost || r.path != test.path || !sameJSON(t, r.body, test.body) {
			t.Errorf("%s %T: %q, %v after %s %s %s", test.engine, test.command, id, err, r.method, r.path, r.body)
		}
		for name, want := range map[string]string{
			"blueLinkServicePin": pin, "registrationId": regid, "vin": vin, "APPCLOUD-VIN": vin, "gen": test.generation, "username": email, "accessToken": "AbCd",
			"client_id": clientID, "clientSecret": clientSecret,
		} {
			if got := r.header.Get(name); got != want {
				t.Errorf("%T: %s is %q, want %q", test.command, name, got, want)
			}
		}
	}
}

// TestSend_RefusesBeforeAnythingLeaves gives what a car does not have, and what makes no sense.
func TestSend_RefusesBeforeAnythingLeaves(t *testing.T) {
	hot := func(n float64, u vehicle.Unit) vehicle.Command {
		return vehicle.ClimateStart{Temperature: vehicle.Some(vehicle.Quantity{Value: n, Unit: u})}
	}
	for _, test := range []struct {
		engine  string
		command vehicle.Command
		want    error
	}{
		{"N", vehicle.ChargeStart{}, bluelink.ErrUnsupported},
		{"P", vehicle.ChargeLimits{AC: vehicle.Some(80)}, bluelink.ErrUnsupported},
		{"E", vehicle.Windows{FrontLeft: vehicle.Some(vehicle.Open)}, bluelink.ErrUnsupported},
		{"E", vehicle.ValetOn{}, bluelink.ErrUnsupported},
		{"E", vehicle.OpenChargePort{}, bluelink.ErrUnsupported},
		{"E", vehicle.SetChargingCurrent{Level: 1}, bluelink.ErrUnsupported},
		{"E", vehicle.Refresh{Mode: vehicle.Force}, bluelink.ErrUnsupported},
		{"E", vehicle.ClimateStart{FrontLeft: vehicle.Some(vehicle.SeatHighHeat)}, bluelink.ErrUnsupported}, // of generation 2
		{"N", vehicle.ClimateStart{FrontRight: vehicle.Some(vehicle.SeatHighCool)}, bluelink.ErrUnsupported},
		{"N", vehicle.ClimateStart{RearLeft: vehicle.Some(vehicle.SeatLowHeat)}, bluelink.ErrUnsupported}, // not in the list's seats
		{"E", hot(61, vehicle.Fahrenheit), bluelink.ErrInvalidCommand},
		{"E", hot(83, vehicle.Fahrenheit), bluelink.ErrInvalidCommand},
		{"E", hot(14, vehicle.Celsius), bluelink.ErrInvalidCommand},
		{"E", hot(21, vehicle.Mile), bluelink.ErrInvalidCommand},
		{"N", vehicle.ClimateStart{Duration: vehicle.Some(11 * time.Minute)}, bluelink.ErrInvalidCommand},
		{"N", vehicle.ClimateStart{Duration: vehicle.Some(90 * time.Second)}, bluelink.ErrInvalidCommand},
		{"N", vehicle.ClimateStart{Heating: vehicle.Some(5)}, bluelink.ErrInvalidCommand},
		{"N", vehicle.ClimateStart{SteeringWheel: vehicle.Some(3)}, bluelink.ErrInvalidCommand},
		{"N", vehicle.ClimateStart{FrontLeft: vehicle.Some(vehicle.Seat(9))}, bluelink.ErrInvalidCommand},
		{"E", vehicle.ChargeLimits{}, bluelink.ErrInvalidCommand},
		{"E", vehicle.ChargeLimits{AC: vehicle.Some(85)}, bluelink.ErrInvalidCommand},
		{"E", vehicle.ChargeLimits{DC: vehicle.Some(110)}, bluelink.ErrInvalidCommand},
	} {
		w := newWorld(t)
		v := w.with("evStatus", test.engine)
		_, err := w.send(v, test.command)
		if got := w.paths(); !errors.Is(err, test.want) || bluelink.MayHaveSucceeded(err) || got != "" {
			t.Errorf("%s %T %+v: %v after %q, want %v", test.engine, test.command, test.command, err, got, test.want)
		}
	}
}

// TestSend_AcceptsAnEmptyAnswer holds the ids of §6: the first of three headers in any case, or none.
func TestSend_AcceptsAnEmptyAnswer(t *testing.T) {
	for _, test := range []struct {
		answer  reply
		id      vehicle.ActionID // empty for one that nobody can ask for
		refused error
	}{
		{reply{status: 200, headers: []string{"TMSTID", "a", "transactionId", "b"}}, "a", nil},
		{reply{status: 200, headers: []string{"transactionid", "b", "Xid", "c"}}, "b", nil},
		{reply{status: 200, headers: []string{"xid", "c"}, body: `{"status":"ok"}`}, "c", nil},
		{reply{status: 200, headers: []string{"tmsTid", "a"}, body: `{"errorCode":0}`}, "a", nil},
		{reply{status: 200}, "", nil},
		{reply{status: 200, body: "<html>"}, "", bluelink.ErrBadResponse},
		{reply{status: 204, headers: []string{"tmsTid", "a"}}, "", bluelink.ErrBadResponse},
		{reply{status: 200, headers: []string{"tmsTid", "a"}, body: `{"errorCode":"502","errorSubCode":"HT_533"}`}, "", bluelink.ErrBusy},
	} {
		w := newWorld(t)
		v := w.car()
		w.put("rcs/rdo/off", test.answer)
		id, err := w.send(v, vehicle.Lock{})
		if !errors.Is(err, test.refused) || (err == nil) != (test.refused == nil) {
			t.Errorf("%+v: %v", test.answer, err)
		}
		if err != nil {
			continue
		}
		if test.id != "" && id != test.id || id == "" {
			t.Errorf("%+v: id %q, want %q", test.answer, id, test.id)
		}
		w.paths()
		if status, err := w.cloud.Action(t.Context(), v, id); test.id == "" && (status != vehicle.ActionUnknown || err != nil || w.paths() != "") {
			t.Errorf("an action without id: %s, %v", status, err)
		}
	}
}

// TestSend_OnceUnlessTheTokenHadEnded repeats only what a refused token proves was not done.
func TestSend_OnceUnlessTheTokenHadEnded(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		for _, test := range []struct {
			answer reply
			want   error
			maybe  bool
			posts  int
		}{
			{reply{status: 401, body: expired}, bluelink.ErrSessionExpired, false, 2},
			{reply{status: 401, body: `{"errorCode":401}`}, bluelink.ErrSessionExpired, false, 2},
			{reply{status: 401}, bluelink.ErrBadResponse, true, 1},
			{reply{status: 401, body: "{}"}, bluelink.ErrBadResponse, true, 1},
			{reply{status: 403, body: "<html>"}, bluelink.ErrBlocked, false, 1},
			{reply{status: 500}, bluelink.ErrUnavailable, true, 1},
			{reply{status: 502, body: `{"errorCode":502,"errorSubCode":"GEN","systemName":"HATA","errorMessage":"could not complete your request"}`}, bluelink.ErrUnavailable, true, 1},
			{reply{status: 502, body: `{"errorCode":502,"errorSubCode":"GEN","systemName":"BLODS","errorMessage":"Feature Status is OFF"}`}, bluelink.ErrUnsupported, false, 1},
			{reply{status: 502, body: `{"errorCode":502,"errorSubCode":"HT_900","systemName":"HATA"}`}, bluelink.ErrVehicleUnreachable, true, 1},
			{reply{status: 502, body: `{"errorCode":502,"errorSubCode":"HT_534","systemName":"HATA"}`}, bluelink.ErrRateLimited, false, 1},
			{reply{status: 200, wait: time.Hour}, bluelink.ErrUnavailable, true, 1},
		} {
			w := newWorld(t)
			v := w.car()
			w.put("rcs/rdo/on", test.answer)
			id, err := w.send(v, vehicle.Unlock{})
			posts := strings.Count(w.paths(), "rcs/rdo/on")
			if !errors.Is(err, test.want) || bluelink.MayHaveSucceeded(err) != test.maybe || posts != test.posts || id != "" {
				t.Errorf("%d %s: %v, maybe %t, sent %d times", test.answer.status, test.answer.body, err, bluelink.MayHaveSucceeded(err), posts)
			}
		}
	})
}

// TestSend_RenewsAhead sends no command with a token that may end on its way (§2.3).
func TestSend_RenewsAhead(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t)
		v := w.car()
		pass(1799*time.Second - 59*time.Second)
		if _, err := w.send(v, vehicle.Lock{}); err != nil {
			t.Fatal(err)
		}
		if got := w.paths(); got != tokenPath+", rcs/rdo/off" {
			t.Errorf("calls: %s", got)
		}
	})
}

var wrongPIN = reply{status: 400, body: `{"errorCode":"400","errorMessage":"PIN is wrong","isBlueLinkServicePinValid":"invalid","remainingAttemptCount":"2"}`}

// TestPIN_WrongOneIsShownOnce shows it once for all cars, restarts included, until it changes or a person signs in.
func TestPIN_WrongOneIsShownOnce(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t)
		v := w.car()
		wrong := wrongPIN
		wrong.wait = time.Second
		w.put("rcs/rdo/off", wrong)
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				_, err := w.cloud.Send(context.Background(), bluelink.Ask{Vehicle: v}, vehicle.Lock{})
				if !errors.Is(err, bluelink.ErrPIN) || bluelink.Reason(err) != vehicle.PINWrong || bluelink.MayHaveSucceeded(err) {
					t.Errorf("error is %v", err)
				}
			})
		}
		all.Wait()
		for range 3 {
			pass(24 * time.Hour)
			w.open()
			if _, err := w.send(v, vehicle.Lock{}); !errors.Is(err, bluelink.ErrPIN) {
				t.Errorf("error is %v", err)
			}
		}
		if n := strings.Count(w.paths(), "rcs/rdo/off"); n != 1 {
			t.Errorf("the wrong PIN was shown %d times", n)
		}
		if _, err := w.cloud.Cached(t.Context(), bluelink.Ask{Vehicle: v}); err != nil {
			t.Errorf("reads need no PIN: %v", err)
		}
		if err := w.cloud.Login(bluelink.WithPerson(t.Context())); err != nil {
			t.Fatal(err)
		}
		w.put("rcs/rdo/off", reply{status: 200, headers: []string{"tmsTid", "x"}})
		if id, err := w.send(v, vehicle.Lock{}); id != "x" || err != nil {
			t.Errorf("after a person has signed in: %v", err)
		}
	})
}

// TestPIN_ChangedOneIsTried begins anew with another PIN in the configuration.
func TestPIN_ChangedOneIsTried(t *testing.T) {
	w := newWorld(t)
	v := w.car()
	w.put("rcs/rdo/off", wrongPIN)
	_, err := w.send(v, vehicle.Lock{})
	if !errors.Is(err, bluelink.ErrPIN) || !strings.Contains(err.Error(), "2 more") {
		t.Errorf("error is %v", err)
	}
	w.account.PIN = "4712"
	w.open()
	w.put("rcs/rdo/off", reply{status: 200})
	if _, err := w.send(v, vehicle.Lock{}); err != nil {
		t.Error(err)
	}
	w.account.PIN = ""
	w.open()
	w.paths()
	if _, err := w.send(v, vehicle.Lock{}); !errors.Is(err, bluelink.ErrPINRequired) || w.paths() != "" {
		t.Errorf("without a PIN: %v", err)
	}
}

// TestPIN_LockEndsByItself waits about an hour (§2.4): the PIN may be the right one.
func TestPIN_LockEndsByItself(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t)
		v := w.car()
		w.put("rcs/rdo/off", reply{status: 400, body: `{"errorCode":400,"errorMessage":"Your PIN is LOCKED"}`})
		for range 5 {
			if _, err := w.send(v, vehicle.Lock{}); !errors.Is(err, bluelink.ErrPIN) || bluelink.RetryAfter(err) == 0 {
				t.Errorf("error is %v", err)
			}
			pass(10 * time.Minute)
		}
		if n := strings.Count(w.paths(), "rcs/rdo/off"); n != 1 {
			t.Errorf("shown %d times to a lock", n)
		}
		w.put("rcs/rdo/off", reply{status: 200})
		pass(11 * time.Minute)
		if _, err := w.send(v, vehicle.Lock{}); err != nil {
			t.Error(err)
		}
	})
}

// TestPIN_UnansweredOnesKeepTheirDistance loses every answer: a wrong PIN counts at the cloud all the same. One that was
// taken before is not held back.
func TestPIN_UnansweredOnesKeepTheirDistance(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t)
		v := w.car()
		day := func() int {
			w.put("rcs/rdo/off", reply{status: 200, wait: time.Hour}) // longer than anybody waits
			w.paths()
			for range 24 * 60 {
				if _, err := w.send(v, vehicle.Lock{}); !errors.Is(err, bluelink.ErrUnavailable) {
					t.Fatalf("error is %v", err)
				}
				pass(time.Minute)
			}
			return strings.Count(w.paths(), "rcs/rdo/off")
		}
		if n := day(); n < 24 || n > 48 {
			t.Errorf("a PIN that nobody has taken yet was shown %d times", n)
		}
		pass(time.Hour)
		w.put("rcs/rdo/off", reply{status: 200})
		if _, err := w.send(v, vehicle.Lock{}); err != nil {
			t.Fatal(err)
		}
		if n := day(); n < 24*40 {
			t.Errorf("a PIN that is good was shown %d times only", n)
		}
	})
}

// TestPIN_AFaultInACommandHoldsUpNoOther has the first command of an account end in a fault of ours, which the lane of its
// car contains.
func TestPIN_AFaultInACommandHoldsUpNoOther(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t)
		v := w.car()
		func() {
			defer func() {
				if recover() == nil {
					t.Error("no fault")
				}
			}()
			_, _ = w.cloud.Send(faulty{t.Context()}, bluelink.Ask{Vehicle: v}, vehicle.Lock{})
		}()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := w.cloud.Send(ctx, bluelink.Ask{Vehicle: v}, vehicle.Unlock{}); err != nil {
			t.Error(err)
		}
	})
}

// faulty is a context that panics where a call looks at it.
type faulty struct{ context.Context }

func (faulty) Err() error { panic("a fault") }

// TestPIN_WhoGivesUpHoldsUpNobody cancels a command that waits for the first one's end.
func TestPIN_WhoGivesUpHoldsUpNobody(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t)
		v := w.car()
		w.put("rcs/rdo/off", reply{status: 200, wait: 20 * time.Second})
		var first sync.WaitGroup
		first.Go(func() {
			if _, err := w.cloud.Send(context.Background(), bluelink.Ask{Vehicle: v}, vehicle.Lock{}); err != nil {
				t.Error(err)
			}
		})
		pass(time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		_, err := w.cloud.Send(ctx, bluelink.Ask{Vehicle: v}, vehicle.Unlock{})
		if !errors.Is(err, context.DeadlineExceeded) || bluelink.MayHaveSucceeded(err) || time.Since(start) > 2*time.Second {
			t.Errorf("%v after %s", err, time.Since(start))
		}
		first.Wait()
		w.put("rcs/rdo/off", reply{status: 200, wait: time.Second}) // proven: the next ones go side by side
		start = time.Now()
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() {
				if _, err := w.cloud.Send(context.Background(), bluelink.Ask{Vehicle: v}, vehicle.Lock{}); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("ten commands took %s", took)
		}
	})
}

// TestAction_ReadsTheStatus holds §7.
func TestAction_ReadsTheStatus(t *testing.T) {
	for _, test := range []struct {
		answer reply
		status vehicle.ActionStatus
		err    error
	}{
		{ok(`{"status":"SUCCESS","tid":"t"}`), vehicle.ActionSuccess, nil},
		{ok(`{"status":"ERROR"}`), vehicle.ActionFailed, nil},
		{ok(`{"status":"PENDING","nextPollingInterval":"2"}`), vehicle.ActionPending, nil},
		{ok(`{"status":"success"}`), vehicle.ActionPending, nil},
		{ok(`{}`), vehicle.ActionPending, nil},
		{ok(``), vehicle.ActionUnknown, nil},
		{ok(`<html>`), "", bluelink.ErrBadResponse},
		{ok(`{"errorCode":502,"errorSubCode":"HT_900"}`), "", bluelink.ErrVehicleUnreachable},
		{reply{status: 500}, "", bluelink.ErrUnavailable},
	} {
		w := newWorld(t)
		v := w.car()
		w.put(actionPath, test.answer)
		status, err := w.cloud.Action(t.Context(), v, "tid-1")
		if status != test.status || !errors.Is(err, test.err) {
			t.Errorf("%s: %s, %v", test.answer.body, status, err)
		}
		r := w.last()
		if r.method != http.MethodGet || r.header.Get("tid") != "tid-1" || r.header.Get("login_id") != email || r.header.Get("service_type") == "" || r.header.Get("blueLinkServicePin") != "" {
			t.Errorf("%s %v", r.method, r.header)
		}
		if got := w.kinds.String(); got != "login read read" {
			t.Errorf("kinds: %s", got)
		}
	}
}

// TestErrors_ShowNoSecretsWhateverTheCloudEchoes lets the cloud send back all that it was sent.
func TestErrors_ShowNoSecretsWhateverTheCloudEchoes(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		echo := strings.Join([]string{"sorry", email, password, pin, vin, regid, "AbCdEfGhIjKlMnOpQrStUvWxYz", "34.0522", clientSecret}, " ")
		secrets := []string{email, password, pin, vin, "AbCdEfGhIjKl", "34.0522"}
		for _, body := range []string{
			`{"errorCode":502,"errorSubCode":"GEN","systemName":"HATA","errorMessage":"` + echo + `"}`, `{"errorCode":"` + echo + `","errorSubCode":"` + echo + `"}`,
			`{"error":"` + echo + `"}`, echo, `<html>` + echo, `{"isBlueLinkServicePinValid":"invalid","errorMessage":"` + echo + `","remainingAttemptCount":1}`,
			`{"errorCode":400,"errorSubMessage":"` + echo + `"}`,
		} {
			for _, status := range []int{200, 400, 403, 502} {
				for _, path := range []string{tokenPath, listPath, statusPath, forcePath, tripsPath, findPath, actionPath, "rcs/rdo/off"} {
					w := newWorld(t)
					v := vehicle.Vehicle{ID: "x", CloudID: regid, VIN: vin, Engine: vehicle.EV, Region: vehicle.USA, Brand: vehicle.Hyundai}
					w.put(path, reply{status: status, body: body})
					var errs []error
					_, err := w.cloud.Vehicles(t.Context())
					errs = append(errs, err)
					_, err = w.cloud.Cached(t.Context(), bluelink.Ask{Vehicle: v})
					errs = append(errs, err)
					_, err = w.cloud.Force(t.Context(), bluelink.Ask{Vehicle: v})
					errs = append(errs, err)
					_, err = w.send(v, vehicle.Lock{})
					errs = append(errs, err)
					_, err = w.cloud.Action(t.Context(), v, "t")
					text := fmt.Sprint(append(errs, err)) + w.log.String()
					for _, secret := range secrets {
						if strings.Contains(text, secret) {
							t.Fatalf("%s, %d: %q shows in %s", path, status, secret, text)
						}
					}
				}
			}
		}
	})
}
