package strain

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"text/tabwriter"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/control"
	"github.com/bluelink2mqtt/bluelink2mqtt/sim"
)

// TestMatrix_EveryFaultMeetsEveryOperation holds the table: what a user sees of each fault, that neighbours go on, that
// attempts are bounded, and that it recovers by itself or says that a person is needed.
func TestMatrix_EveryFaultMeetsEveryOperation(t *testing.T) {
	var mu sync.Mutex // guards seen
	seen := map[string]map[operation]outcome{}
	for _, row := range table {
		seen[row.fault] = map[operation]outcome{}
		for _, o := range operations {
			t.Run(row.fault+" "+string(o), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					want := row.at(o)
					got := strike(t, row.fault, o, want)
					want.check(t, got)
					mu.Lock()
					defer mu.Unlock()
					seen[row.fault][o] = got
				})
			})
		}
	}
	t.Cleanup(func() { publish(t, seen) })
}

// TestMatrix_HasARowForEveryKindOfFault notices a fault that the simulator learns.
func TestMatrix_HasARowForEveryKindOfFault(t *testing.T) {
	for _, text := range sim.FaultKinds() {
		kind := strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == '[' })[0]
		if !slices.ContainsFunc(table, func(r row) bool { return r.fault == kind || strings.HasPrefix(r.fault, kind+"=") }) {
			t.Errorf("the fault %q has no row", kind)
		}
	}
}

// TestMatrix_HasNoEmptyCell notices an operation that a row says nothing about, or says twice.
func TestMatrix_HasNoEmptyCell(t *testing.T) {
	for _, row := range table {
		for _, o := range operations {
			n := 0
			for _, cell := range row.cells {
				if slices.Contains(cell.ops, o) {
					n++
				}
			}
			if n != 1 {
				t.Errorf("the row %s has %d cells for %s", row.fault, n, o)
			}
		}
	}
}

// publish writes the matrix as it was seen where make failures asks for it.
func publish(t *testing.T, seen map[string]map[operation]outcome) {
	path := os.Getenv("STRAIN_MATRIX")
	if path == "" {
		return
	}
	var text strings.Builder
	out := tabwriter.NewWriter(&text, 0, 8, 2, ' ', 0)
	fmt.Fprint(out, "fault")
	for _, o := range operations {
		fmt.Fprint(out, "\t", o)
	}
	fmt.Fprintln(out)
	for _, row := range table {
		fmt.Fprint(out, row.fault)
		for _, o := range operations {
			fmt.Fprint(out, "\t", seen[row.fault][o].text())
		}
		fmt.Fprintln(out)
	}
	_ = out.Flush()
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		t.Error(err)
	}
}

// text is a cell of the printed matrix.
func (o outcome) text() string {
	_, reason, _ := strings.Cut(o.end, "/")
	switch {
	case o.end == "":
		return "?" // the cell's test broke off
	case o.cure == harmless && o.calls == 0:
		return "–"
	case o.cure == harmless:
		return "ok"
	}
	return reason + ", " + o.cure
}

// operation is what a fault strikes.
type operation string

const (
	cachedFlat operation = "cached flat"
	cachedCCS2 operation = "cached CCS2"
	forceFlat  operation = "force flat"
	forceCCS2  operation = "force CCS2"
	smart      operation = "smart"
	login      operation = "login"
	renewal    operation = "renewal"
	list       operation = "list"
)

var operations = []operation{cachedFlat, cachedCCS2, forceFlat, forceCCS2, smart, login, renewal, list}

// aboutCar tells the operations on one car from those on its account.
func (o operation) aboutCar() bool {
	return slices.Index(operations, o) < slices.Index(operations, login)
}

// protocol is the form of the car that is asked.
func (o operation) protocol() string {
	if o == cachedFlat || o == forceFlat {
		return "flat"
	}
	return "ccs2"
}

// mode is the refresh that a user asks for meanwhile.
func (o operation) mode() string {
	switch o {
	case forceFlat, forceCCS2:
		return "force"
	case smart:
		return "smart:60" // the car has been parked for hours, so that this wakes it
	default:
	}
	return "cached"
}

// where is the part of the clouds that the fault is put on.
func (o operation) where(car sim.Vehicle) string {
	switch o {
	case cachedFlat:
		return "path=*/" + car.ID + "/status/latest"
	case cachedCCS2:
		return "path=*/" + car.ID + "/ccs2/carstatus/latest"
	case forceFlat:
		return "path=*/" + car.ID + "/status"
	case forceCCS2, smart:
		return "path=*/" + car.ID + "/ccs2/carstatus"
	case login:
		return "host=idpconnect-eu.hyundai.com"
	case renewal:
		return "host=cci-api-eu.hyundai.com"
	case list:
	}
	return "host=prd.eu-ccapi.hyundai.com,path=/api/v1/spa/vehicles"
}

// outcome is what is seen of a fault.
type outcome struct {
	end     string // of the refresh that a user asks for meanwhile: "failed/cloud_unavailable"
	stale   string // why the car's data are old, once that refresh has ended
	account string // how its account stands then
	cure    string // what ends it once the fault is over: itself, person, or nothing where it did no harm
	logins  int    // sign-ins in all that handed out a code
	devices int    // device registrations in all
	calls   int64  // that the fault struck in two hours
	took    time.Duration
	loud    []line // warnings and errors in the log
}

// What cures.
const (
	harmless = "nothing"
	itself   = "itself"
	aDay     = "a day" // by itself, a day later; a person is faster
	person   = "person"
)

// outage is how long a fault lasts.
const outage = 2 * time.Hour

// strike lets a fault meet an operation and watches everything that a user and the cloud would see.
func strike(t *testing.T, fault string, o operation, want want) (seen outcome) {
	s := setup{sim: sim.Options{Cars: 2, Parked: true}, interval: interval}
	w := newWorld(t, s)
	victim, other := w.car(home, o.protocol()), w.car(home, "flat")
	if other.ID == victim.ID {
		other = w.car(home, "ccs2")
	}
	far := w.car(away, o.protocol())
	neighbours := []sim.Vehicle{other, far}
	if !o.aboutCar() || want.spreads {
		neighbours = []sim.Vehicle{far}
	}

	on := fault + "," + o.where(victim)
	if o == login || o == list {
		w.fault(on)
	}
	w.start(s)
	defer w.stop()
	switch o {
	case login, list:
		pass(time.Minute)
	case renewal:
		// A token lives for a day, and is renewed in time. While that fails it goes on until its end.
		w.served()
		w.app.SetPace(plain(0))
		pass(20 * time.Hour)
		w.fault(on)
		w.app.SetPace(plain(interval))
		pass(3 * time.Hour)
		if end := w.refresh(victim, "cached").end(); end != "verified/cached" {
			t.Errorf("while its token lives, a car's refresh ends %s", end)
		}
		pass(105 * time.Minute)
	default:
		w.served()
		pass(5 * time.Minute)
		w.fault(on)
	}

	// A user asks, and others ask at the same time, or right after.
	id := w.send(victim, o.mode())
	if want.instant {
		w.ended(id)
	}
	asked := time.Now()
	for _, car := range neighbours {
		if r := w.refresh(car, "cached"); r.State != "verified" || time.Since(asked) > time.Second {
			t.Errorf("a neighbour's refresh ended %s after %s", r.end(), r.took())
		}
	}
	r := w.ended(id)
	synctest.Wait()
	seen.end, seen.took = r.end(), r.took()
	seen.stale, seen.account = w.stale(victim), w.account(home)
	if got := w.problem(victim); r.State != "verified" && o.aboutCar() && got != r.Reason {
		t.Errorf("status/error says %q, the command ended %s", got, r.end())
	}
	if n := w.metric("bluelink2mqtt_commands_total", "state", r.State, "reason", cmp.Or(r.Reason, "none")); n < 1 {
		t.Errorf("the metric of commands does not count %s", r.end())
	}

	// The fault goes on, and so do the others.
	pass(outage)
	synctest.Wait()
	seen.calls = w.struck()
	for _, car := range neighbours {
		if late := time.Since(w.updated(car)); late > interval+slack || w.stale(car) != "" {
			t.Errorf("a neighbour was read %s ago and is stale for %q", late, w.stale(car))
		}
	}
	if got := w.account(away); got != "online" {
		t.Errorf("the other account is %s", got)
	}
	healthy, body := w.ask("/healthz")
	if healthy != http.StatusOK {
		t.Errorf("/healthz answers %d %s", healthy, body)
	}
	seen.loud = w.box.loud()

	// It ends.
	w.sim.ClearFaults()
	seen.cure = w.recover(victim, o, r)
	counts := w.counts(home)
	seen.logins, seen.devices = counts.Logins, counts.DeviceRegistrations
	w.stop()
	if len(w.box.twice) > 0 {
		t.Errorf("commands %v ended more than once", w.box.twice)
	}
	for _, secret := range []string{sim.Password + `"`, sim.Email, victim.VIN, other.VIN, far.VIN} {
		if strings.Contains(w.box.logged(), secret) {
			t.Errorf("the log shows the secret %q", secret)
		}
	}
	return seen
}

// recover waits until the car is served as before, and tells what that took.
func (w *world) recover(victim sim.Vehicle, o operation, r record) (cure string) {
	w.t.Helper()
	ended := time.Now()
	// The longest wait after a failed sign-in is half an hour; then comes the next read.
	pass(30*time.Minute + interval + slack)
	synctest.Wait()
	served := func() bool {
		read := w.box.payload("hyundai/"+victim.ID+"/status/last_updated") != nil && w.updated(victim).After(ended)
		return read && w.stale(victim) == "" && w.problem(victim) == "" && w.account(home) == "online"
	}
	cure = itself
	switch {
	case served() && r.State == "verified":
		cure = harmless
	case served():
	default:
		before := w.counts(home)
		pass(24 * time.Hour)
		synctest.Wait()
		if cure = aDay; served() {
			break
		}
		cure = person
		if after := w.counts(home); after.Logins != before.Logins || after.FailedLogins != before.FailedLogins {
			w.t.Errorf("sign-ins went on while a person was needed: %+v, a day ago %+v", after, before)
		}
		if why, _ := w.ask("/readyz"); why != http.StatusServiceUnavailable {
			w.t.Error("a person is needed, and /readyz does not say so")
		}
		if err := w.login(home); err != nil {
			w.t.Errorf("login: %v", err)
		}
		pass(interval + slack)
		synctest.Wait()
		if !served() {
			w.t.Errorf("not even a person can help: stale %q, error %q, account %s", w.stale(victim), w.problem(victim), w.account(home))
		}
	}
	if end := w.refresh(victim, o.mode()).end(); end != "verified/fresh" && end != "verified/cached" {
		w.t.Errorf("after the fault the same refresh ends %s", end)
	}
	return cure
}

// login does what a person does who runs login.
func (w *world) login(account string) error {
	ctx, cancel := context.WithTimeout(w.t.Context(), 5*time.Minute)
	defer cancel()
	for step, err := range w.app.Login(ctx, control.LoginRequest{Account: account}) {
		if err != nil {
			return err
		}
		if o := step.Outcome; o != nil && o.Error != "" {
			return errors.New(o.Error)
		}
	}
	return nil
}
