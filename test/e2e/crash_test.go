package e2e

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/store"
	"github.com/bluelink2mqtt/bluelink2mqtt/sim"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// kills is how often the program dies.
func kills() int {
	if os.Getenv("SOAK") != "" {
		return 200
	}
	return 10
}

// threeAccounts is the environment of a program with an account of each brand.
func (w *world) threeAccounts() []string {
	env := []string{"BLUELINK_MQTT_URL=mqtt://" + w.broker.Addr(), "BLUELINK_CLOUD_URL=" + w.clouds}
	for i, brand := range []string{"hyundai", "kia", "genesis"} {
		account := fmt.Sprintf("BLUELINK_ACCOUNTS_%d_", i)
		env = append(
			env, account+"NAME="+brand, account+"REGION=eu", account+"BRAND="+brand,
			account+"USERNAME="+sim.Email, account+"PASSWORD="+sim.Password, account+"PIN="+sim.PIN,
		)
	}
	return env
}

// kept is what a store holds after a crash.
type kept struct {
	tokens map[string]bluelink.Tokens // by account, as the store names it
	calls  map[string]booked          // by account
	cars   map[vehicle.ID]vehicle.State
	keys   int
}

// booked is an account's ledger, as far as a cloud counts too.
type booked struct {
	Day      string         `json:"day"`
	Calls    map[string]int `json:"calls"`    // by kind and cause
	Lost     int            `json:"lost"`     // in crashes
	Reserved int            `json:"reserved"` // may have been made since it was written
}

// atMost is how many calls the ledger knows of, or allows to have been made.
func (b booked) atMost() int {
	n := b.Lost + b.Reserved
	for word, calls := range b.Calls {
		if kind, _, _ := strings.Cut(word, "/"); kind == "read" || kind == "wake" || kind == "command" {
			n += calls
		}
	}
	return n
}

// anHourPasses lets a store forget when its accounts signed in.
func anHourPasses(t *testing.T, dir string) {
	t.Helper()
	s, err := store.OpenBolt(dir, store.BoltOptions{})
	if err != nil {
		t.Fatalf("the store cannot be opened: %v", err)
	}
	for entry, err := range s.Range(t.Context(), "account/") {
		if err == nil && strings.HasSuffix(entry.Key, "/logins") {
			_, err = s.Put(t.Context(), entry.Key, []byte(`{"registration":"known"}`), store.AnyRevision)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// openKept reads everything in a store that nobody owns.
func openKept(t *testing.T, dir string) kept {
	t.Helper()
	s, err := store.OpenBolt(dir, store.BoltOptions{})
	if err != nil {
		t.Fatalf("the store cannot be opened: %v", err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Errorf("close the store: %v", err)
		}
	}()
	k := kept{tokens: map[string]bluelink.Tokens{}, calls: map[string]booked{}, cars: map[vehicle.ID]vehicle.State{}}
	for entry, err := range s.Range(t.Context(), "") {
		if err != nil {
			t.Fatalf("%s cannot be read: %v", entry.Key, err)
		}
		k.keys++
		if !json.Valid(entry.Value) {
			t.Errorf("%s holds no JSON", entry.Key)
		}
		read := func(into any) {
			if err := json.Unmarshal(entry.Value, into); err != nil {
				t.Errorf("%s: %v", entry.Key, err)
			}
		}
		switch words := strings.Split(entry.Key, "/"); {
		case len(words) == 3 && words[0] == "account" && words[2] == "tokens":
			var tokens bluelink.Tokens
			read(&tokens)
			k.tokens[words[1]] = tokens
		case len(words) == 3 && words[0] == "account" && words[2] == "ledger":
			var ledger booked
			read(&ledger)
			k.calls[words[1]] = ledger
		case len(words) == 2 && words[0] == "vehicle":
			var car struct {
				State vehicle.State `json:"state"`
			}
			read(&car)
			k.cars[vehicle.ID(words[1])] = car.State
		}
	}
	return k
}

// TestCrash_NothingAcknowledgedIsLost kills a busy program at random moments. What a cloud was shown must be on the disk:
// the newest tokens that a request carried, and the device id; cars, what was read of them and what was counted never fall
// back, and no ledger knows of fewer calls than the cloud has counted. No start signs in or registers again, except where the cloud had replaced a set of tokens and the program died before it could
// store the answer: no client can help that.
func TestCrash_NothingAcknowledgedIsLost(t *testing.T) {
	const carsOfEach = 34
	// Tokens are renewed every second: they are used only while they live for 10 s more.
	w, tapped := newTappedWorld(t, sim.Options{Cars: carsOfEach, TokenLife: 11 * time.Second})
	dir := t.TempDir()
	env := append(w.threeAccounts(), "BLUELINK_REFRESH_INTERVAL=1s", "BLUELINK_LOG_LEVEL=error")
	l := w.listen(w.broker.URL(), "hyundai/bridge/state", "hyundai/account/+/state", "hyundai/+/status/last_updated")
	online := func() bool { return string(l.last["hyundai/bridge/state"]) == "online" }
	allOnline := func() bool {
		for brand := range brandNumbers {
			if !strings.Contains(string(l.last["hyundai/account/"+brand+"/state"]), `"online"`) {
				return false
			}
		}
		return true
	}

	// heal runs the program until all accounts have renewed their tokens and work with them, and ends it in peace.
	heal := func() {
		l.await("the end of the run before", func() bool { return !online() })
		before := tapped.wallets()
		d := w.start(dir, env, "run")
		l.await("all accounts to be at work", func() bool {
			for brand, now := range tapped.wallets() {
				if now.usedToken <= len(before[brand].tokens) {
					return false
				}
			}
			return true
		})
		if err := d.stop(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
	}

	d := w.start(dir, env, "run")
	l.await("all cars", func() bool {
		seen := 0
		for topic := range l.last {
			if strings.HasSuffix(topic, "/status/last_updated") {
				seen++
			}
		}
		return seen == 3*carsOfEach && allOnline()
	})
	if err := d.stop(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	before := openKept(t, dir+"/store")
	if len(before.tokens) != 3 || len(before.calls) != 3 || len(before.cars) != 3*carsOfEach {
		t.Fatalf("after the first run the store holds %d accounts, %d ledgers and %d cars", len(before.tokens), len(before.calls), len(before.cars))
	}

	var starts []time.Duration
	helpless := map[string]int{} // sign-ins that nobody could have avoided, by brand
	for round := range kills() {
		l.await("the end of the run before", func() bool { return !online() })
		began := time.Now()
		d := w.start(dir, env, "run")
		l.await("the start", online)
		starts = append(starts, time.Since(began))
		stop := make(chan struct{})
		select {
		case <-tapped.after(10+rand.IntN(1500), stop):
			<-time.After(time.Duration(rand.IntN(3000)) * time.Microsecond) // not always just when a call comes in
		case <-time.After(patience):
			t.Error("the program makes no calls")
		}
		close(stop)
		_ = d.stop(syscall.SIGKILL)

		now := openKept(t, dir+"/store")
		if now.keys < before.keys {
			t.Errorf("round %d: %d keys became %d", round, before.keys, now.keys)
		}
		for id, was := range before.cars {
			if is, ok := now.cars[id]; !ok || is.FetchedAt().Before(was.FetchedAt()) {
				t.Errorf("round %d: car %s was read at %s and now at %s", round, id, was.FetchedAt(), is.FetchedAt())
			}
		}
		for key, was := range before.tokens {
			if is := now.tokens[key]; is.Device != was.Device || is.Device == "" {
				t.Errorf("round %d: %s has another device id", round, key)
			}
		}
		for account, was := range before.calls {
			is := now.calls[account]
			if is.Day == was.Day && is.atMost() < was.atMost() {
				t.Errorf("round %d: %s had %d calls booked and now %d", round, account, was.atMost(), is.atMost())
			}
		}
		lost := false
		for brand, wallet := range tapped.wallets() {
			set, token := 0, 0
			for account, tokens := range now.tokens {
				if place(wallet.sets, tokens.Extra["accessToken"]) == 0 {
					continue // another brand's
				}
				set = place(wallet.sets, tokens.Extra["accessToken"])
				token = place(wallet.tokens, strings.TrimPrefix(tokens.Access, "Bearer "))
				ledger, counted := now.calls[account]
				if cloud := w.counts(brand).CallsToday; counted && ledger.atMost() < cloud {
					t.Errorf("round %d: %s counts %d calls, the ledger knows of %d at most", round, brand, cloud, ledger.atMost())
				}
			}
			if set < wallet.usedSet || token < wallet.usedToken {
				t.Errorf("round %d: %s used set %d and token %d, the store holds %d and %d: used before they were durable",
					round, brand, wallet.usedSet, wallet.usedToken, set, token)
			}
			if set < len(wallet.sets) {
				helpless[brand]++
				lost = true
			}
		}
		before = now
		if lost { // its account waits for an hour before it signs in, and would not be busy
			anHourPasses(t, dir+"/store")
			heal()
			before = openKept(t, dir+"/store")
		}
	}

	heal()
	for brand := range brandNumbers {
		c := w.counts(brand)
		if c.Logins > 1+helpless[brand] || c.Registrations != 1 {
			t.Errorf("%s: %d crashes cost %d sign-ins and %d registrations, want at most %d and one", brand, kills(), c.Logins, c.Registrations, 1+helpless[brand])
		}
		t.Logf("%s: %d renewals, %d sign-ins; answers lost with the process: %d", brand, c.Renewals, c.Logins, helpless[brand])
	}
	slices.Sort(starts)
	t.Logf("start to the first message with %d cars: median %s, slowest %s (goal 100 ms)", 3*carsOfEach,
		starts[len(starts)/2].Round(time.Millisecond), starts[len(starts)-1].Round(time.Millisecond))
}
