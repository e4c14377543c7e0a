package bluelink_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// fakeCloud answers with what its functions say.
type fakeCloud struct {
	bluelink.Cloud // commands, which nobody gives here

	mu     sync.Mutex
	login  error
	list   []vehicle.Vehicle
	fail   error
	asked  []bluelink.Ask
	forced int
	soc    vehicle.Percent
	at     time.Time
}

func (c *fakeCloud) Login(context.Context) error { return c.login }

func (c *fakeCloud) Vehicles(context.Context) ([]vehicle.Vehicle, error) { return c.list, c.fail }

func (c *fakeCloud) Cached(_ context.Context, ask bluelink.Ask) (vehicle.Report, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = append(c.asked, ask)
	if c.fail != nil {
		return vehicle.Report{}, c.fail
	}
	r := vehicle.Report{Engine: ask.Vehicle.Engine, Reported: c.at, Source: "test"}
	vehicle.LastUpdatedAt.Set(&r, c.at, "")
	vehicle.SoC.Set(&r, c.soc, "")
	return r, nil
}

func (c *fakeCloud) Force(ctx context.Context, ask bluelink.Ask) (vehicle.Report, error) {
	c.forced++
	c.at = time.Now()
	return c.Cached(ctx, ask)
}

var ev = vehicle.Vehicle{ID: "a", CloudID: "1", Engine: vehicle.EV}

func newClient(t *testing.T, cloud bluelink.Cloud) *bluelink.Client {
	t.Helper()
	client, err := bluelink.New(cloud)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func TestClient_RefreshesReadLikeTheirSpecification(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := &fakeCloud{list: []vehicle.Vehicle{ev}, soc: 70, at: time.Now().Add(-time.Hour)}
		client := newClient(t, cloud)
		if err := client.Initialize(t.Context()); err != nil {
			t.Fatal(err)
		}
		expect := func(what string, r bluelink.Result, err error, source vehicle.DataSource, method vehicle.RefreshMode) {
			t.Helper()
			if err != nil || r.DataSource != source || r.UpdateMethod != method {
				t.Errorf("%s: %s, %s, %v", what, r.DataSource, r.UpdateMethod, err)
			}
		}
		r, err := client.RefreshSmart(t.Context(), ev.ID, time.Minute)
		expect("smart with nothing known", r, err, vehicle.FromCloud, vehicle.Smart)
		r, err = client.RefreshCached(t.Context(), ev.ID)
		expect("cached", r, err, vehicle.FromCloud, vehicle.Cached)
		r, err = client.RefreshSmart(t.Context(), ev.ID, time.Hour)
		expect("smart with a report exactly as old", r, err, vehicle.FromCloud, vehicle.Smart)
		<-time.After(time.Second)
		r, err = client.RefreshSmart(t.Context(), ev.ID, time.Hour)
		expect("smart with an older report", r, err, vehicle.FromCar, vehicle.Smart)
		r, err = client.RefreshForce(t.Context(), ev.ID)
		expect("force", r, err, vehicle.FromCar, vehicle.Force)
		if cloud.forced != 2 {
			t.Errorf("%d wakes", cloud.forced)
		}
		if soc, _ := vehicle.SoC.Of(client.State(ev.ID)); soc != 70 {
			t.Errorf("believes %v %%", soc)
		}
	})
}

func TestClient_FailedRefreshChangesNothing(t *testing.T) {
	cloud := &fakeCloud{list: []vehicle.Vehicle{ev}, soc: 70, at: time.Now().Add(-time.Hour)}
	client := newClient(t, cloud)
	if err := client.Initialize(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := client.RefreshCached(t.Context(), ev.ID); err != nil {
		t.Fatal(err)
	}
	before := client.State(ev.ID)
	cloud.fail = &bluelink.Error{Op: "read status", Err: bluelink.ErrUnavailable}
	_, err := client.RefreshCached(t.Context(), ev.ID)
	if !errors.Is(err, bluelink.ErrUnavailable) {
		t.Errorf("error %v", err)
	}
	if after := client.State(ev.ID); after.FetchedAt() != before.FetchedAt() || after.ReportedAt() != before.ReportedAt() {
		t.Error("a failed refresh changed what is believed")
	}
}

func TestClient_TellsTheCloudWhatIsKnownAndWhoAsks(t *testing.T) {
	cloud := &fakeCloud{list: []vehicle.Vehicle{ev}, soc: 70, at: time.Now().Add(-time.Hour)}
	client := newClient(t, cloud)
	if err := client.Initialize(t.Context()); err != nil {
		t.Fatal(err)
	}
	for cause, sparing := range map[vehicle.Cause]bool{vehicle.ByTimer: true, vehicle.ByMQTT: false, "": false} {
		cloud.asked = nil
		if _, err := client.RefreshCached(bluelink.WithTrace(t.Context(), bluelink.Trace{Cause: cause}), ev.ID); err != nil {
			t.Fatal(err)
		}
		if cloud.asked[0].Sparing != sparing || cloud.asked[0].Vehicle.CloudID != "1" {
			t.Errorf("asked by %q: %+v", cause, cloud.asked[0])
		}
	}
	if cloud.asked[0].Known.ReportedAt().IsZero() {
		t.Error("the cloud is not told what is known")
	}
}

func TestClient_KnowsItsCars(t *testing.T) {
	cloud := &fakeCloud{list: []vehicle.Vehicle{ev}, soc: 70, at: time.Now()}
	client := newClient(t, cloud)
	if _, err := client.RefreshCached(t.Context(), ev.ID); !errors.Is(err, bluelink.ErrUnknownVehicle) {
		t.Errorf("before it was listed: %v", err)
	}
	seeded := vehicle.Vehicle{ID: "b", CloudID: "2"}
	report := vehicle.Report{}
	vehicle.SoC.Set(&report, 55, "")
	state, _, _ := vehicle.State{}.Apply(report, time.Now())
	client.Seed(seeded, state)
	if soc, _ := vehicle.SoC.Of(client.State("b")); soc != 55 || len(client.Vehicles()) != 1 {
		t.Errorf("seeded: %v %%, %d cars", soc, len(client.Vehicles()))
	}
	cloud.list = []vehicle.Vehicle{ev, seeded}
	if err := client.Initialize(t.Context()); err != nil {
		t.Fatal(err)
	}
	if soc, _ := vehicle.SoC.Of(client.State("b")); soc != 55 || len(client.Vehicles()) != 2 {
		t.Errorf("after the list: %v %%, %d cars", soc, len(client.Vehicles()))
	}
	if !client.State("nobody").Empty() {
		t.Error("something is believed of a car that nobody knows")
	}
	cloud.login = bluelink.ErrCredentials
	if err := client.Initialize(t.Context()); !errors.Is(err, bluelink.ErrCredentials) {
		t.Errorf("sign-in: %v", err)
	}
	cloud.login, cloud.fail = nil, bluelink.ErrUnavailable
	if err := client.Initialize(t.Context()); !errors.Is(err, bluelink.ErrUnavailable) || len(client.Vehicles()) != 2 {
		t.Errorf("list: %v, %d cars", err, len(client.Vehicles()))
	}
	if _, err := bluelink.New(nil); err == nil {
		t.Error("a client without a cloud")
	}
}

func TestClient_CarsDoNotWaitForEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := make(chan struct{})
		cloud := &slowCloud{fakeCloud: fakeCloud{soc: 1, at: time.Now()}, slow: slow}
		other := vehicle.Vehicle{ID: "b", CloudID: "2", Engine: vehicle.EV}
		cloud.list = []vehicle.Vehicle{ev, other}
		client := newClient(t, cloud)
		if err := client.Initialize(t.Context()); err != nil {
			t.Fatal(err)
		}
		var waiting sync.WaitGroup
		waiting.Go(func() { _, _ = client.RefreshForce(t.Context(), ev.ID) })
		synctest.Wait()
		if _, err := client.RefreshCached(t.Context(), other.ID); err != nil {
			t.Error(err)
		}
		_ = client.State(ev.ID) // must not wait either
		close(slow)
		waiting.Wait()
	})
}

// slowCloud holds forced refreshes until it is told.
type slowCloud struct {
	fakeCloud
	slow chan struct{}
}

func (c *slowCloud) Force(ctx context.Context, ask bluelink.Ask) (vehicle.Report, error) {
	<-c.slow
	return c.Cached(ctx, ask)
}
