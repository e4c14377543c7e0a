package bench

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/sim"
)

// cloudVariable holds the options of a simulated cloud that this very program serves as a process of its own, for what
// the sub-command simulate does not do: many accounts, cars of which much changes with each read, and cars whose 12 V
// battery outlives any number of wakes.
const cloudVariable = "BLUELINK_BENCH_CLOUD"

type cloudOptions struct {
	Accounts int  // each a world of its own
	Cars     int  // in each
	Restless bool // each read of a status finds another car

	LatencyForce time.Duration // as of the simulator
}

// serve starts a world whose clouds have these options.
func serve(tb testing.TB, o cloudOptions) *world {
	tb.Helper()
	text, err := json.Marshal(o)
	if err != nil {
		tb.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		tb.Fatal(err)
	}
	w := &world{tb: tb, broker: newBroker(tb)}
	w.clouds = start(tb, append(os.Environ(), cloudVariable+"="+string(text)), self)
	w.url = w.clouds.await("serving ")
	if o.Accounts > 1 {
		if err := json.Unmarshal([]byte(w.clouds.await("tokens ")), &w.tokens); err != nil {
			tb.Fatal(err)
		}
	}
	return w
}

// serveCloud is what the other process does; it ends with a signal.
func serveCloud(arguments string) int {
	err := func() error {
		var o cloudOptions
		if err := json.Unmarshal([]byte(arguments), &o); err != nil {
			return err
		}
		f, err := newFront(o)
		if err != nil {
			return err
		}
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		var tokens []string
		for _, w := range f.worlds {
			tokens = append(tokens, w.Accounts()[0].RefreshToken)
		}
		list, err := json.Marshal(tokens)
		if err != nil {
			return err
		}
		fmt.Printf("serving http://%s\ntokens %s\n", listener.Addr(), list)
		ended := make(chan os.Signal, 1)
		signal.Notify(ended, syscall.SIGTERM, syscall.SIGINT)
		server := &http.Server{Handler: f}
		go func() { <-ended; _ = server.Close() }()
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	}()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// front leads each call to the world of its account, which its tokens tell.
type front struct {
	worlds []*sim.Sim

	mu       sync.Mutex // guards what follows
	byToken  map[string]int
	register []byte      // a registration of a device, to be repeated in each world
	header   http.Header // of it
	devices  map[int]string

	restless sync.Map // *step by the car's id; empty when cars rest
	arrivals arrivals // of commands
}

// step counts a car's reads.
type step struct {
	sync.Mutex
	n int
}

func newFront(o cloudOptions) (*front, error) {
	f := &front{byToken: map[string]int{}, devices: map[int]string{}}
	for i := range o.Accounts {
		w, err := sim.New(sim.Options{Regions: []string{"eu"}, Cars: o.Cars, Seed: uint64(i + 1), Parked: true, LatencyForce: o.LatencyForce})
		if err != nil {
			return nil, err
		}
		f.worlds = append(f.worlds, w)
		f.byToken[w.Accounts()[0].RefreshToken] = i
		if o.Restless {
			for _, v := range w.Vehicles() {
				f.restless.Store(v.ID, new(step))
			}
		}
	}
	return f, nil
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == controlsPath {
		f.arrivals.serve(w)
		return
	}
	f.arrivals.note(r)
	f.move(r.URL.Path)
	if len(f.worlds) == 1 {
		f.worlds[0].ServeHTTP(w, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	switch {
	case strings.HasSuffix(r.URL.Path, "/oauth2/token"):
		f.grant(w, r, body)
	case strings.HasSuffix(r.URL.Path, "/notifications/register"):
		f.mu.Lock()
		f.register, f.header = body, r.Header.Clone()
		f.mu.Unlock()
		f.worlds[0].ServeHTTP(w, r)
	default:
		at := f.worldOf(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
		if device := f.device(at, r.Host); device != "" {
			r.Header.Set("Ccsp-Device-Id", device)
		}
		f.worlds[at].ServeHTTP(w, r)
	}
}

func (f *front) worldOf(token string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.byToken[token]
}

// grant trades a refresh token and remembers whose the new ones are.
func (f *front) grant(w http.ResponseWriter, r *http.Request, body []byte) {
	form, _ := url.ParseQuery(string(body))
	at := f.worldOf(form.Get("refresh_token"))
	answer := &capture{ResponseWriter: w}
	f.worlds[at].ServeHTTP(answer, r)
	var tokens struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
	if json.Unmarshal(answer.body.Bytes(), &tokens) == nil {
		f.mu.Lock()
		f.byToken[tokens.Access], f.byToken[tokens.Refresh] = at, at
		f.mu.Unlock()
	}
}

// device is the id of a device that a world knows. A registration does not say whose it is, so it was made in the first.
func (f *front) device(at int, host string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if id, known := f.devices[at]; known || f.register == nil {
		return id
	}
	r, err := http.NewRequest(http.MethodPost, "http://"+host+"/api/v1/spa/notifications/register", bytes.NewReader(f.register))
	if err != nil {
		return ""
	}
	r.Header = f.header.Clone()
	response, err := f.worlds[at].RoundTripper().RoundTrip(r)
	if err != nil {
		return ""
	}
	defer response.Body.Close()
	var answer struct {
		Message struct {
			Device string `json:"deviceId"`
		} `json:"resMsg"`
	}
	if json.NewDecoder(response.Body).Decode(&answer) == nil {
		f.devices[at] = answer.Message.Device
	}
	return f.devices[at]
}

// capture keeps a copy of an answer.
type capture struct {
	http.ResponseWriter
	body bytes.Buffer
}

func (c *capture) Write(p []byte) (int, error) {
	c.body.Write(p)
	return c.ResponseWriter.Write(p)
}

// move charges the 12 V battery of a car that is about to be woken, and changes a restless one before its status is read:
// everything that a person can touch, and the odometer.
func (f *front) move(path string) {
	_, rest, _ := strings.Cut(path, "/vehicles/")
	id, call, _ := strings.Cut(rest, "/")
	switch call {
	case "status", "ccs2/carstatus":
		_ = f.worlds[0].SetVehicle(id, map[string]any{"battery_12v_percent": 90}) // or there is no such car, which the cloud says
		return
	case "status/latest", "ccs2/carstatus/latest":
	default:
		return
	}
	found, restless := f.restless.Load(id)
	if !restless {
		return
	}
	s := found.(*step)
	s.Lock()
	defer s.Unlock()
	s.n++
	odd := s.n%2 == 1
	number := func(even, other int) int {
		if odd {
			return other
		}
		return even
	}
	_ = f.worlds[0].SetVehicle(id, map[string]any{
		"report": true, "odometer_km": 20_000 + s.n, "battery_12v_percent": number(80, 90),
		"locked": odd, "front_left_door_open": odd, "front_right_door_open": odd, "back_left_door_open": odd, "back_right_door_open": odd,
		"trunk_open": odd, "hood_open": odd, "front_left_window": number(0, 1), "front_right_window": number(0, 1),
		"front_left_seat": number(0, 8), "front_right_seat": number(0, 8), "climate": odd, "defrost": odd, "rear_window_heat": odd,
		"steering_wheel_heat": number(0, 1), "washer_fluid_low": odd, "key_battery_low": odd,
	})
}
