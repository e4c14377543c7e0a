package bench

import (
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/clouds"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/mqtt"
	"github.com/bluelink2mqtt/bluelink2mqtt/sim"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

const (
	refreshCars = 100 // those of them that can be plugged in are asked: a refresh of them is four calls
	atOnce      = 64  // refreshes under way
)

// measureRefreshes asks cars of a cloud without latency for cached refreshes of four calls each, as fast as they go, in
// turn with the same calls made by net/http alone.
func measureRefreshes(b *testing.B, n *numbers, name string, w *world) {
	d := w.drive(byEvents)
	var all atomic.Int64
	_, stopCounting := connect(b, w.broker.URL(), func(m mqtt.Message) {
		if !besideRefreshes.MatchString(m.Topic) {
			all.Add(1)
		}
	}, base+"#")
	program := w.run(setup{account: 2 * atOnce})
	cars := pluggedIn(b, w.url, d.await(refreshCars))
	d.refresh(cars, 2, atOnce, "cached") // connections stand, and everything that never changes was published

	before := all.Load()
	d.refresh(cars, 5, atOnce, "cached")
	publications := float64(all.Load()-before) / float64(5*len(cars))
	stopCounting() // from here on the broker shall have no more to do than it must

	calls := recordCalls(b, w.url, 20)
	var rates, cpu, cloudsCPU, askingCPU, limits, limitsCPU []float64
	for range pick(5, 15) {
		used, clouds, asking := program.cpu(), w.clouds.cpu(), ownCPU(b)
		count, took := d.refreshFor(pick(2*time.Second, 5*time.Second), cars, atOnce, "cached")
		each := func(used time.Duration) float64 { return float64(used.Microseconds()) / float64(count) }
		cpu = append(cpu, each(program.cpu()-used))
		cloudsCPU, askingCPU = append(cloudsCPU, each(w.clouds.cpu()-clouds)), append(askingCPU, each(ownCPU(b)-asking))
		rates = append(rates, float64(count)/took.Seconds())
		perSecond, call := repeat(b, calls, pick(time.Second, 3*time.Second))
		limits, limitsCPU = append(limits, perSecond/4), append(limitsCPU, call*4)
	}
	n.add(b, name+"/per_second", rates...)
	n.add(b, name+"/cpu_us", cpu...)
	n.add(b, name+"/clouds_cpu_us", cloudsCPU...)
	n.add(b, name+"/asking_cpu_us", askingCPU...)
	n.add(b, name+"/publications", publications)
	n.add(b, name+"/http_alone", limits...)
	n.add(b, name+"/http_alone_cpu_us", limitsCPU...)
	n.add(b, name+"/share_of_http", ratios(rates, limits)...)
}

// besideRefreshes are topics that a refresh does not publish: what asks for it, and what is told once a second or minute.
var besideRefreshes = regexp.MustCompile(`/commands/|/calls_today$|^` + base + `(bridge|account)/`)

// pluggedIn are the electric ones among cars.
func pluggedIn(b *testing.B, url string, cars []*target) []*target {
	b.Helper()
	defer http.DefaultClient.CloseIdleConnections()
	response, err := http.Get(url + "/_sim/vehicles")
	if err != nil {
		b.Fatal(err)
	}
	defer response.Body.Close()
	var list []sim.Vehicle
	if err := json.NewDecoder(response.Body).Decode(&list); err != nil {
		b.Fatal(err)
	}
	electric := map[string]bool{}
	for _, v := range list {
		electric[v.ID] = v.Engine == "EV"
	}
	return slices.DeleteFunc(cars, func(car *target) bool { return !electric[car.name] })
}

// recorded is a call that the client made, to be made again.
type recorded struct {
	request *http.Request
	body    string
}

// recorder remembers the calls that pass.
type recorder struct {
	transport *http.Transport

	mu    sync.Mutex // guards calls
	calls []recorded
}

func (r *recorder) RoundTrip(request *http.Request) (*http.Response, error) {
	call := recorded{request: request.Clone(request.Context())}
	if request.Body != nil {
		text, err := io.ReadAll(request.Body)
		if err != nil {
			return nil, err
		}
		call.body = string(text)
		request.Body = io.NopCloser(strings.NewReader(call.body))
	}
	r.mu.Lock()
	r.calls = append(r.calls, call)
	r.mu.Unlock()
	return r.transport.RoundTrip(request)
}

// recordCalls makes one refresh of some cars with the client library and gives the calls that it took.
func recordCalls(b *testing.B, url string, cars int) []recorded {
	b.Helper()
	r := &recorder{transport: http.DefaultTransport.(*http.Transport).Clone()}
	defer r.transport.CloseIdleConnections()
	account := bluelink.Account{Region: vehicle.Europe, Brand: vehicle.Hyundai, Username: sim.Email, Password: sim.Password}
	cloud, err := clouds.Open(account, bluelink.WithCloudURL(url), bluelink.WithRoundTripper(r))
	if err != nil {
		b.Fatal(err)
	}
	c, err := bluelink.New(cloud)
	if err != nil {
		b.Fatal(err)
	}
	if err := c.Initialize(b.Context()); err != nil {
		b.Fatal(err)
	}
	r.calls = nil // the sign-in
	list := slices.DeleteFunc(c.Vehicles(), func(v vehicle.Vehicle) bool { return v.Engine != vehicle.EV })
	for _, car := range list[:cars] {
		if _, err := c.RefreshCached(b.Context(), car.ID); err != nil {
			b.Fatal(err)
		}
	}
	if len(r.calls) != 4*cars {
		b.Fatalf("%d refreshes took %d calls, not four each", cars, len(r.calls))
	}
	return r.calls
}

// repeat makes calls for so long with net/http alone, as many at once as a refresh benchmark, and gives calls a second and
// the processor time of one in microseconds.
func repeat(b *testing.B, calls []recorded, length time.Duration) (perSecond, cpu float64) {
	b.Helper()
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 2 * atOnce
	defer transport.CloseIdleConnections()
	var done, next atomic.Int64
	var workers sync.WaitGroup
	begun, used := time.Now(), ownCPU(b)
	for range atOnce {
		workers.Go(func() {
			for time.Since(begun) < length {
				call := calls[next.Add(1)%int64(len(calls))]
				r := call.request.Clone(b.Context())
				r.Body = io.NopCloser(strings.NewReader(call.body))
				response, err := transport.RoundTrip(r)
				if err != nil {
					b.Error(err)
					return
				}
				_, err = io.Copy(io.Discard, response.Body)
				response.Body.Close()
				if err != nil || response.StatusCode != http.StatusOK {
					b.Errorf("the call ended with status %d, %v", response.StatusCode, err)
					return
				}
				done.Add(1)
			}
		})
	}
	workers.Wait()
	n := float64(done.Load())
	return n / time.Since(begun).Seconds(), float64((ownCPU(b) - used).Microseconds()) / n
}
