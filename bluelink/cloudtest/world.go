package cloudtest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/sim"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// everyKind is how many cars an account needs to have each kind of them.
const everyKind = 10

// world is a simulated cloud with one client in front of it.
type world struct {
	*sim.Sim
	t       *testing.T
	setup   *Setup
	account bluelink.Account
	tokens  bluelink.TokenStore
	book    *callBook
	session *bluelink.Session
	cloud   bluelink.Cloud
	way     http.RoundTripper // to the cloud
	known   vehicle.State     // of the car that a forced operation is about
}

// newWorld opens the account of a setup. When the test ends, the calls that it made are compared with those that the cloud
// counted.
func newWorld(t *testing.T, s *Setup, options sim.Options) *world {
	t.Helper()
	options.Parked, options.Regions = true, []string{s.Region.String()}
	simulated, err := sim.New(options)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{
		Sim: simulated, t: t, setup: s, tokens: bluelink.NewMemoryTokens(), book: &callBook{},
		account: bluelink.Account{
			Name: "test", Region: s.Region, Brand: s.Brand, Password: sim.Password, PIN: sim.PIN,
		},
	}
	for _, a := range w.Accounts() {
		if a.Region == s.Region.String() && a.Brand == s.Brand.String() {
			w.account.Username = a.Email
			w.open(w.RoundTripper())
			return w
		}
	}
	t.Fatalf("the simulator has no cloud %s", w.account.Cloud())
	return nil
}

// open begins anew with what the token store holds, as after a restart.
func (w *world) open(rt http.RoundTripper) {
	w.t.Helper()
	w.way = rt
	settings, err := bluelink.NewSettings(bluelink.WithRoundTripper(rt), bluelink.WithTokenStore(w.tokens), bluelink.WithHook(w.book),
		bluelink.WithSession(func(s *bluelink.Session) { w.session = s }))
	if err != nil {
		w.t.Fatal(err)
	}
	if w.cloud, err = w.setup.Open(w.account, settings); err != nil {
		w.t.Fatal(err)
	}
}

// enter signs in, with a one-time code where the cloud wants one.
func (w *world) enter() {
	w.t.Helper()
	err := w.cloud.Login(w.t.Context())
	if w.setup.CodeBy != "" && errors.Is(err, bluelink.ErrOTPRequired) {
		if err := w.session.SendCode(w.t.Context(), w.setup.CodeBy); err != nil {
			w.t.Fatal(err)
		}
		if err := w.session.EnterCode(w.t.Context(), sim.OTP); err != nil {
			w.t.Fatal(err)
		}
		err = w.cloud.Login(w.t.Context())
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// cars signs in and lists the account's cars; their 12 V batteries are full.
func (w *world) cars() []vehicle.Vehicle {
	w.t.Helper()
	w.enter()
	list := w.list()
	for _, v := range list {
		w.set(v, map[string]any{"battery_12v_percent": 95, "report": true})
	}
	return list
}

// list lists the cars.
func (w *world) list() []vehicle.Vehicle {
	w.t.Helper()
	list, err := w.cloud.Vehicles(w.t.Context())
	if err != nil || len(list) == 0 {
		w.t.Fatalf("list: %d cars, %v", len(list), err)
	}
	return list
}

// electric is the first car of the list that can be charged; the list must have one.
func (w *world) electric() vehicle.Vehicle {
	w.t.Helper()
	list := w.cars()
	if i := slices.IndexFunc(list, func(v vehicle.Vehicle) bool { return v.Engine == vehicle.EV }); i >= 0 {
		return list[i]
	}
	w.t.Fatal("the account has no electric car")
	return vehicle.Vehicle{}
}

// truths are the account's cars as they really are, in the order of the list.
func (w *world) truths() []sim.VehicleView {
	return slices.DeleteFunc(w.VehicleViews(), func(v sim.VehicleView) bool {
		return v.Region != w.account.Region.String() || v.Brand != w.account.Brand.String()
	})
}

// truth is a car as it really is. What a cloud calls a car differs; the chassis number does not.
func (w *world) truth(v vehicle.Vehicle) sim.VehicleView {
	w.t.Helper()
	for _, view := range w.truths() {
		if view.VIN == v.VIN.Full() || view.ID == v.CloudID {
			return view
		}
	}
	w.t.Fatalf("the simulator has no car %s", v.ID)
	return sim.VehicleView{}
}

func (w *world) set(v vehicle.Vehicle, values map[string]any) {
	w.t.Helper()
	if err := w.SetVehicle(w.truth(v).ID, values); err != nil {
		w.t.Fatal(err)
	}
}

// commandFault switches a fault on for what is to be a command.
func (w *world) commandFault(text string) (struck func() int64) {
	w.t.Helper()
	if w.setup.Unlock != "" {
		text += ",path=" + w.setup.Unlock
	}
	return w.fault(text)
}

// fault switches a fault on, and tells later how often it struck.
func (w *world) fault(text string) (struck func() int64) {
	w.t.Helper()
	on, err := w.AddFault(text)
	if err != nil {
		w.t.Fatal(err)
	}
	return func() int64 {
		for _, f := range w.Faults() {
			if f.ID == on.ID {
				return f.Struck
			}
		}
		return 0
	}
}

// counts is what the account's owner would worry about.
func (w *world) counts() sim.AccountCounts {
	w.t.Helper()
	for _, view := range w.AccountViews() {
		if view.Region == w.account.Region.String() && view.Brand == w.account.Brand.String() {
			return view.AccountCounts
		}
	}
	w.t.Fatal("no such account")
	return sim.AccountCounts{}
}

// read reads a car and believes it.
func (w *world) read(v vehicle.Vehicle, known vehicle.State) vehicle.State {
	w.t.Helper()
	report, err := w.cloud.Cached(w.t.Context(), bluelink.Ask{Vehicle: v, Known: known})
	if err != nil {
		w.t.Fatalf("read %s %s: %v", v.Protocol(), v.Engine, err)
	}
	next, _, _ := known.Apply(report, time.Now())
	return next
}

// agree compares the calls that the hook saw with those that the cloud counted, by kind.
func (w *world) agree() {
	w.t.Helper()
	theirs := map[bluelink.CallKind]int{}
	for _, line := range w.Calls() {
		theirs[bluelink.CallKind(line.Kind)] += int(line.Count)
	}
	ours := w.book.kinds()
	if w.setup.SignsInAgain { // which of the two it is only the client knows
		for _, counts := range []map[bluelink.CallKind]int{ours, theirs} {
			if n := counts[bluelink.CallRenew]; n > 0 {
				counts[bluelink.CallLogin] += n
				delete(counts, bluelink.CallRenew)
			}
		}
	}
	if !maps.Equal(ours, theirs) {
		w.t.Errorf("the hook saw %v, the cloud %v", ours, theirs)
	}
}

// callBook is a hook that keeps what left.
type callBook struct {
	mu    sync.Mutex
	calls []bluelink.Call
}

func (b *callBook) Before(_ context.Context, call bluelink.Call) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls = append(b.calls, call)
	return nil
}

func (b *callBook) After(context.Context, bluelink.Call, time.Duration, error) {}

// kinds counts the calls by kind.
func (b *callBook) kinds() map[bluelink.CallKind]int {
	b.mu.Lock()
	defer b.mu.Unlock()
	counts := map[bluelink.CallKind]int{}
	for _, call := range b.calls {
		if call.Kind == bluelink.CallCode && call.Credentials {
			call.Kind = bluelink.CallLogin // a code is a part of its sign-in; only requests for one are counted apart
		}
		counts[call.Kind]++
	}
	return counts
}

// since counts the calls of an operation after the first n.
func (b *callBook) since(n int, op string) (count int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, call := range b.calls[n:] {
		if call.Op == op {
			count++
		}
	}
	return count
}

func (b *callBook) len() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.calls)
}

// after tells the operations of the calls after the first n.
func (b *callBook) after(n int) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var ops []string
	for _, call := range b.calls[n:] {
		ops = append(ops, fmt.Sprintf("%s (%s)", call.Op, call.Kind))
	}
	return strings.Join(ops, ", ")
}
