package ccapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
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

// world is a simulated cloud with one client in front of it, and what went between them.
type world struct {
	*sim.Sim
	t       *testing.T
	account bluelink.Account
	tokens  *tokenStore
	calls   *callBook
	log     *bytes.Buffer
	cloud   bluelink.Cloud
	rt      http.RoundTripper // the way to the cloud
}

// newWorld opens a European account of a brand with its password.
func newWorld(t *testing.T, brand vehicle.Brand, options sim.Options) *world {
	t.Helper()
	return newWorldIn(t, vehicle.Europe, brand, options)
}

// newWorldIn opens an account of a brand in a region with its password.
func newWorldIn(t *testing.T, region vehicle.Region, brand vehicle.Brand, options sim.Options) *world {
	t.Helper()
	if options.Replay == nil {
		options.Regions = []string{region.String()}
	}
	s, err := sim.New(options)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{
		Sim: s, t: t, tokens: &tokenStore{}, calls: &callBook{}, log: &bytes.Buffer{},
		account: bluelink.Account{Name: "test", Region: region, Brand: brand, Username: sim.Email, Password: sim.Password, PIN: sim.PIN},
	}
	w.open()
	return w
}

// open begins anew with what the token store holds, as after a restart.
func (w *world) open() { w.openThrough(w.RoundTripper()) }

func (w *world) openThrough(rt http.RoundTripper) {
	w.t.Helper()
	w.rt = rt
	var settings []bluelink.Option
	settings = append(settings, bluelink.WithRoundTripper(rt), bluelink.WithTokenStore(w.tokens), bluelink.WithHook(w.calls),
		bluelink.WithLogger(slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))))
	s, err := bluelink.NewSettings(settings...)
	if err != nil {
		w.t.Fatal(err)
	}
	if w.cloud, err = Open(w.account, s); err != nil {
		w.t.Fatal(err)
	}
}

// cars are the account's cars, which the test needs.
func (w *world) cars() []vehicle.Vehicle {
	w.t.Helper()
	list, err := w.cloud.Vehicles(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return list
}

// car is the first car of a form and engine.
func (w *world) car(protocol string, engine vehicle.Engine) vehicle.Vehicle {
	w.t.Helper()
	for _, v := range w.cars() {
		if v.Protocol() == protocol && v.Engine == engine {
			return v
		}
	}
	w.t.Fatalf("the simulated account has no %s car of form %s", engine, protocol)
	return vehicle.Vehicle{}
}

func (w *world) fault(text string) {
	w.t.Helper()
	if _, err := w.AddFault(text); err != nil {
		w.t.Fatal(err)
	}
}

// counts is what the account's cloud counted.
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

// tokenStore keeps tokens and what was done to them; it can fail.
type tokenStore struct {
	mu     sync.Mutex
	tokens bluelink.Tokens
	saves  int
	fail   error
	onSave func(bluelink.Tokens)
}

func (s *tokenStore) Load(context.Context) (bluelink.Tokens, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tokens, nil
}

func (s *tokenStore) Save(_ context.Context, t bluelink.Tokens) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		return s.fail
	}
	if s.onSave != nil {
		s.onSave(t)
	}
	s.saves++
	s.tokens = t
	return nil
}

func (s *tokenStore) stored() bluelink.Tokens {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tokens
}

// expire makes the stored access token old, as after a long stop.
func (s *tokenStore) expire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens.Expires = time.Now().Add(-time.Hour)
}

// callBook is a hook that counts what left, by kind and operation, and can refuse.
type callBook struct {
	mu     sync.Mutex
	calls  []bluelink.Call
	errs   []error
	refuse func(bluelink.Call) error
	// again counts the passwords that were shown in order to renew: they have bounds of their own.
	again int
}

func (b *callBook) Before(ctx context.Context, call bluelink.Call) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if call.Credentials && bluelink.AttemptOf(ctx).Renewal {
		b.again++
	}
	if b.refuse != nil {
		if err := b.refuse(call); err != nil {
			return err
		}
	}
	b.calls = append(b.calls, call)
	return nil
}

func (b *callBook) After(_ context.Context, _ bluelink.Call, _ time.Duration, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err != nil {
		b.errs = append(b.errs, err)
	}
}

func (b *callBook) reset() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls, b.errs = nil, nil
}

// ops counts the calls by operation, as "2 read energy history, 1 read status".
func (b *callBook) ops() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	counts := map[string]int{}
	for _, call := range b.calls {
		counts[call.Op]++
	}
	var texts []string
	for _, op := range slices.Sorted(maps.Keys(counts)) {
		texts = append(texts, fmt.Sprintf("%d %s", counts[op], op))
	}
	return strings.Join(texts, ", ")
}

func (b *callBook) count(kind bluelink.CallKind) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0
	for _, call := range b.calls {
		if call.Kind == kind {
			n++
		}
	}
	return n
}

// mustBe checks what an error is classified as.
func mustBe(t *testing.T, err, sentinel error) {
	t.Helper()
	if !errors.Is(err, sentinel) {
		t.Fatalf("error is %v, want %v", err, sentinel)
	}
}

var brands = []vehicle.Brand{vehicle.Kia, vehicle.Hyundai, vehicle.Genesis}

// roundTripper is a cloud in one function.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// answerWith makes an answer with headers in pairs.
func answerWith(r *http.Request, status int, body string, headers ...string) *http.Response {
	header := http.Header{}
	for i := 0; i+1 < len(headers); i += 2 {
		header.Add(headers[i], headers[i+1])
	}
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: r}
}

// scripted is a client with a good session before a cloud in one function.
func scripted(t *testing.T, answer roundTripper) *world {
	t.Helper()
	w := &world{
		t: t, calls: &callBook{}, log: &bytes.Buffer{},
		tokens:  &tokenStore{tokens: bluelink.Tokens{Access: "Bearer a", Refresh: "r", Device: "d", Expires: time.Now().Add(time.Hour)}},
		account: bluelink.Account{Name: "test", Region: vehicle.Europe, Brand: vehicle.Kia, Username: "somebody@example.com", Password: "secret"},
	}
	w.openThrough(answer)
	return w
}
