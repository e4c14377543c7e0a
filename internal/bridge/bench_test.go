package bridge_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/bridge"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/store"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/topic"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// nothing is an outbox that counts.
type nothing struct{ published int }

func (n *nothing) Publish(bridge.Publication)    { n.published++ }
func (n *nothing) Drained(context.Context) error { return nil }

// bench is a bridge whose cars have their lanes and whose intake belongs to the benchmark.
func bench(b *testing.B, c *cloud, many int, change ...func(*bridge.Options)) (*bridge.Bridge, *nothing) {
	b.Helper()
	tree, err := topic.NewTree("hyundai")
	if err != nil {
		b.Fatal(err)
	}
	client, err := bluelink.New(c)
	if err != nil {
		b.Fatal(err)
	}
	out := &nothing{}
	o := bridge.Options{
		Accounts: []bridge.Account{{Name: "home", Client: client}}, Outbox: out, Store: store.NewMemory(), Tree: tree,
		Table: topic.NewTable(topic.Options{}), Metrics: bridge.NewMetrics(prometheus.NewRegistry()), Log: slog.New(slog.DiscardHandler), Inbox: 1 << 30,
		Grace: time.Millisecond,
	}
	for _, f := range change {
		f(&o)
	}
	br, err := bridge.New(o)
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- br.Run(ctx) }()
	b.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			b.Error(err)
		}
	})
	if err := br.Settle(ctx); err != nil {
		b.Fatal(err)
	}
	if n := len(br.Cars()); n != many {
		b.Fatalf("%d cars", n)
	}
	return br, out
}

// From a message to its share in the refresh of a busy lane, two records included.
func BenchmarkHandOver(b *testing.B) {
	c, next := newCloud(car(1)), make(chan struct{})
	c.reply(func(ctx context.Context, made call) (vehicle.Report, error) {
		select {
		case <-next:
		case <-ctx.Done():
		}
		return report(made.at, soc(50)), ctx.Err()
	})
	br, _ := bench(b, c, 1)
	message := bridge.Message{Topic: "hyundai/car-1/commands/refresh", Payload: []byte("cached")}
	taken := 0
	b.ReportAllocs()
	for b.Loop() {
		message.Received = time.Now()
		br.Take(message)
		if taken++; taken%1000 == 0 { // more may not share one
			select {
			case next <- struct{}{}:
			default:
			}
		}
	}
}

// One refresh's publications, when everything in it changed and when nothing did.
func BenchmarkRefreshed(b *testing.B) {
	for name, changing := range map[string]bool{"all changed": true, "none changed": false} {
		b.Run(name, func(b *testing.B) {
			br, out := bench(b, newCloud(car(1)), 1)
			results := make([]bluelink.Result, 0, 64)
			state := vehicle.State{}
			start := time.Now()
			for n := range cap(results) {
				at := start.Add(time.Duration(n) * time.Second)
				turn := float64(n)
				if !changing {
					turn, at = 1, start
				}
				r := bluelink.Result{DataSource: vehicle.FromCloud, UpdateMethod: vehicle.Cached}
				state, r.Changes, r.Refusals = state.Apply(driving(at, turn), at)
				r.State = state
				results = append(results, r)
			}
			if err := br.Refreshed("car-1", results[0]); err != nil {
				b.Fatal(err)
			}
			out.published = 0
			rounds := 0
			b.ReportAllocs()
			for b.Loop() {
				_ = br.Refreshed("car-1", results[1+rounds%(len(results)-1)])
				rounds++
			}
			b.ReportMetric(float64(out.published)/float64(rounds), "publications/op")
		})
	}
}

// driving is a report with some thirty data points that differ from turn to turn.
func driving(at time.Time, turn float64) vehicle.Report {
	odd := int(turn)%2 == 1
	r := report(at, soc(20+turn))
	km := func(value float64) vehicle.Quantity { return vehicle.Quantity{Value: value, Unit: vehicle.Kilometre} }
	vehicle.EVRange.Set(&r, km(100+turn), "")
	vehicle.TotalRange.Set(&r, km(100+turn), "")
	vehicle.Odometer.Set(&r, km(10_000+turn), "")
	vehicle.Speed.Set(&r, vehicle.Quantity{Value: turn, Unit: vehicle.KilometrePerHour}, "")
	vehicle.Latitude.Set(&r, vehicle.Quantity{Value: 48 + turn/1000, Unit: vehicle.Degree}, "")
	vehicle.Longitude.Set(&r, vehicle.Quantity{Value: 2 + turn/1000, Unit: vehicle.Degree}, "")
	vehicle.LocationUpdatedAt.Set(&r, at, "")
	vehicle.Battery12V.Set(&r, vehicle.Percent(60+turn/4), "")
	vehicle.ChargeTime.Set(&r, time.Duration(turn)*time.Minute, "")
	vehicle.ChargingPower.Set(&r, vehicle.Quantity{Value: 1 + turn/10, Unit: vehicle.Kilowatt}, "")
	for _, flag := range []vehicle.Point[bool]{
		vehicle.Charging, vehicle.PluggedIn, vehicle.Locked, vehicle.DoorFrontLeft, vehicle.DoorFrontRight, vehicle.DoorBackLeft,
		vehicle.DoorBackRight, vehicle.Trunk, vehicle.Hood, vehicle.WindowFrontLeft, vehicle.WindowFrontRight, vehicle.AirControl,
		vehicle.Defrost, vehicle.SteeringHeater, vehicle.EngineRunning, vehicle.TireWarning,
	} {
		flag.Set(&r, odd, fmt.Sprint(odd))
	}
	return r
}
