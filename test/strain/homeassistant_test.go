package strain

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/clouds"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/bridge"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/config"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/hass/hasstest"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/redact"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/store"
	"github.com/bluelink2mqtt/bluelink2mqtt/sim"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// withPIN lets both accounts command their cars.
func withPIN(c *config.Config) {
	for i := range c.Accounts {
		c.Accounts[i].PIN = redact.NewSecret(sim.PIN)
	}
}

// follow makes a Home Assistant see everything that the program publishes. It stands for the broker too: what that keeps
// outlives the program.
func (w *world) follow(home *hasstest.Home) {
	w.box.watch = func(p bridge.Publication) { home.Receive(p.Topic, p.Payload, p.Retain) }
}

// TestHomeAssistant_FindsEverySimulatedCar drives the cars of all clouds for two days, and reads every message that is
// published meanwhile as Home Assistant would.
func TestHomeAssistant_FindsEverySimulatedCar(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		all, err := sim.New(sim.Options{NoCodes: true})
		if err != nil {
			t.Fatal(err)
		}
		w := &world{t: t, sim: all, store: store.NewMemory(), box: newBox()}
		home := hasstest.NewHome("homeassistant")
		w.follow(home)
		w.start(setup{interval: interval, unlimited: true, change: func(c *config.Config) {
			c.Accounts = nil
			for _, s := range clouds.Supported() {
				if slices.Contains(sim.Regions(), s.Region.String()) {
					c.Accounts = append(c.Accounts, config.Account{
						Name: s.String(), Region: s.Region, Brand: s.Brand, Language: "en", Username: redact.NewSecret(sim.Email),
						Password: redact.NewSecret(sim.Password), PIN: redact.NewSecret(sim.PIN),
					})
				}
			}
			c.Presets = []config.Preset{{Name: "warm", Commands: []string{"climate-start set_temp=22"}}}
		}})
		defer w.stop()
		pass(2 * time.Minute)
		if err := w.app.Bridge().Ready(); err != nil {
			t.Fatal(err)
		}
		for range 48 {
			pass(time.Hour)
			for n, car := range w.app.Bridge().Cars() {
				for _, c := range [][2]string{{"climate", "start"}, {"climate_target", "20"}, {"lock", "unlock"}, {"charge", "start"}, {"preset", "warm"}, {"refresh", "force"}} {
					if time.Now().Hour()%6 == n%6 {
						w.app.Bridge().Handle(bridge.Message{Topic: "hyundai/" + car.Name + "/commands/" + c[0], Payload: []byte(c[1])})
					}
				}
			}
		}
		synctest.Wait()
		if err := home.Err(); err != nil {
			t.Errorf("Home Assistant complains:\n%.4000v", err)
		}
		entities := map[vehicle.ID]int{}
		for _, e := range home.Entities() {
			for _, car := range w.app.Bridge().Cars() {
				if strings.HasPrefix(e.ID, "bluelink2mqtt_"+string(car.Vehicle.ID)+"_") {
					entities[car.Vehicle.ID]++
				}
			}
			if !e.Available {
				t.Errorf("%s %s is not available", e.ID, e.Platform)
			}
		}
		for _, car := range w.app.Bridge().Cars() {
			if entities[car.Vehicle.ID] < 60 {
				t.Errorf("the %s %s of %s has %d entities", car.Vehicle.Brand, car.Vehicle.Model, car.Account, entities[car.Vehicle.ID])
			}
		}
		t.Logf("%d cars of %d accounts, %d entities", len(w.app.Bridge().Cars()), len(clouds.Supported()), len(home.Entities()))
	})
}

// TestHomeAssistant_ItsStartIsAnsweredAfterAMoment is G1, G2 and G4: discovery, then availability, then state, not at once.
func TestHomeAssistant_ItsStartIsAnsweredAfterAMoment(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, parked)
		w.start(setup{interval: 0, unlimited: true, change: withPIN})
		defer w.stop()
		w.served()
		pass(time.Minute)
		var order []string
		w.box.mu.Lock()
		w.box.watch = func(p bridge.Publication) {
			if !strings.HasSuffix(p.Topic, "/health") && !strings.Contains(p.Topic, "/account/") {
				order = append(order, p.Topic)
			}
		}
		w.box.mu.Unlock()
		seen := func() []string {
			synctest.Wait()
			w.box.mu.Lock()
			defer w.box.mu.Unlock()
			return slices.Clone(order)
		}
		tell := func(payload string, retained bool) {
			w.app.Bridge().Handle(bridge.Message{Topic: "homeassistant/status", Payload: []byte(payload), Retained: retained})
		}
		tell("offline", false)
		tell("online", true)
		pass(time.Minute)
		if got := seen(); len(got) != 0 {
			t.Errorf("an end, or an old word of the broker, was answered: %v", got)
		}
		tell("online", false)
		pass(1900 * time.Millisecond)
		if got := seen(); len(got) != 0 {
			t.Errorf("answered at once: %v", got)
		}
		pass(6200 * time.Millisecond)
		got := seen()
		for _, car := range w.app.Bridge().Cars() {
			at := func(topic string) int { return slices.Index(got, topic) }
			discovery := at("homeassistant/device/bluelink2mqtt_" + string(car.Vehicle.ID) + "/config")
			available, state := at("hyundai/"+car.Name+"/availability"), at("hyundai/"+car.Name+"/status/general/odometer")
			if discovery < 0 || available < discovery || state < available {
				t.Errorf("%s: discovery came as message %d, availability %d, state %d", car.Name, discovery, available, state)
			}
		}
		if !slices.Contains(got, "homeassistant/device/bluelink2mqtt_bridge/config") || !slices.Contains(got, "homeassistant/device/bluelink2mqtt_account_kia/config") {
			t.Error("bridge and accounts were not announced again")
		}
		answered := len(got)
		pass(time.Minute)
		again := seen()[answered:]
		for _, car := range w.app.Bridge().Cars() {
			if !slices.Contains(again, "hyundai/"+car.Name+"/status/location/position") {
				t.Errorf("the position of %s, which no broker keeps, was not told once more", car.Name)
			}
		}
		if slices.ContainsFunc(again, func(topic string) bool { return strings.HasPrefix(topic, "homeassistant/") }) {
			t.Error("what the broker keeps was told once more")
		}
	})
}

// TestHomeAssistant_LosesWhatIsNotPermittedAnyMore takes commands away, and gives them back.
func TestHomeAssistant_LosesWhatIsNotPermittedAnyMore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, parked)
		home := hasstest.NewHome("homeassistant")
		run := func(change func(*config.Config)) string {
			w.box = newBox()
			w.follow(home)
			w.start(setup{interval: interval, unlimited: true, change: func(c *config.Config) {
				withPIN(c)
				change(c)
			}})
			w.served()
			pass(time.Minute)
			w.stop()
			if err := home.Err(); err != nil {
				t.Fatalf("Home Assistant complains:\n%v", err)
			}
			return home.Picture()
		}
		free := run(func(*config.Config) {})
		bound := run(func(c *config.Config) { c.Permissions.ReadOnly = true })
		for line, where := range map[string][2]int{"_lock lock ": {4, 0}, "_climate climate ": {4, 0}, "_force_refresh button": {4, 4}, "_odometer sensor ": {4, 4}} {
			if got := [2]int{strings.Count(free, line), strings.Count(bound, line)}; got != where {
				t.Errorf("%q is there %v times, with and without commands, want %v", line, got, where)
			}
		}
		if n := strings.Count(bound, "_ev_charge_limits_ac sensor "); n == 0 || strings.Contains(bound, "_limit_ac number") {
			t.Errorf("charge limits that cannot be set are shown by %d sensors", n)
		}
		w.store, home = store.NewMemory(), hasstest.NewHome("homeassistant")
		only := run(func(c *config.Config) { c.Permissions.ReadOnly = true })
		if ids(only) != ids(bound) {
			t.Errorf("commands that were taken away leave something behind:\n%s\nwant\n%s", ids(bound), ids(only))
		}
	})
}

// ids are the entities of a picture, without what they show.
func ids(picture string) string {
	var all []string
	for line := range strings.Lines(picture) {
		words := strings.Fields(line)
		all = append(all, words[0]+" "+words[1])
	}
	return strings.Join(all, "\n")
}

// TestGhosts_NothingStaysOnTheBrokerOfWhatIsGone changes base, prefix, node and name, and takes a car, an account and at last
// Home Assistant and OwnTracks away.
func TestGhosts_NothingStaysOnTheBrokerOfWhatIsGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, parked)
		broker := hasstest.NewHome("homeassistant")
		cars := w.cars()
		run := func(change func(*config.Config)) []string {
			w.box = newBox()
			w.follow(broker)
			w.start(setup{interval: interval, unlimited: true, change: func(c *config.Config) {
				withPIN(c)
				c.OwnTracks.User = "anna"
				change(c)
			}})
			pass(2 * time.Minute)
			w.stop()
			synctest.Wait()
			return broker.Kept()
		}
		count := func(kept []string, part string) (n int) {
			for _, topic := range kept {
				if strings.HasPrefix(topic, part) {
					n++
				}
			}
			return n
		}
		expect := func(what string, kept []string, want map[string]bool) {
			t.Helper()
			for part, there := range want {
				if n := count(kept, part); (n > 0) != there {
					t.Errorf("%s: %d topics with %q are kept, wanted some: %v", what, n, part, there)
				}
			}
		}
		kept := run(func(*config.Config) {})
		expect("at first", kept, map[string]bool{"hyundai/" + cars[0].ID + "/": true, "homeassistant/device/bluelink2mqtt_bridge/": true, "hyundai/bridge/state": true, "owntracks/anna/" + cars[0].ID: true})

		kept = run(func(c *config.Config) { c.MQTT.BaseTopic = "home/cars" })
		expect("with another base", kept, map[string]bool{"hyundai/": false, "home/cars/" + cars[0].ID + "/": true, "home/cars/account/kia/": true, "owntracks/anna/" + cars[0].ID: true})

		kept = run(func(c *config.Config) {
			c.MQTT.BaseTopic, c.HomeAssistant.Prefix, c.HomeAssistant.Node = "home/cars", "ha", "cottage"
			c.Vehicles = []config.Vehicle{{VIN: vehicle.VIN(cars[0].VIN), Name: "mine"}}
		})
		expect("with another prefix, node and name", kept, map[string]bool{
			"homeassistant/": false, "ha/device/cottage/bluelink2mqtt_cottage_bridge/": true, "home/cars/" + cars[0].ID + "/": false, "home/cars/mine/": true,
			"owntracks/anna/" + cars[0].ID: false, "owntracks/anna/mine": true, "owntracks/anna/" + cars[1].ID: true,
		})

		kept = run(func(c *config.Config) {
			c.MQTT.BaseTopic, c.HomeAssistant.Prefix, c.HomeAssistant.Node = "home/cars", "ha", "cottage"
			c.OwnTracks.User = "berta"
			c.Accounts = slices.DeleteFunc(c.Accounts, func(a config.Account) bool { return a.Name == away })
			c.Accounts[0].Exclude = []vehicle.VIN{vehicle.VIN(cars[0].VIN)}
		})
		gone, stays := 0, 0
		for _, car := range cars {
			id := string(vehicle.NewID(vehicle.VIN(car.VIN), vehicle.Europe, vehicle.Hyundai, ""))
			want := car.Brand == home && car.VIN != cars[0].VIN
			if want {
				stays++
			} else {
				gone++
			}
			expect("without the "+car.Brand+" "+car.Model, kept, map[string]bool{
				"ha/device/cottage/bluelink2mqtt_cottage_" + id + "/": want, "home/cars/" + car.ID + "/": want, "owntracks/berta/" + car.ID: want,
			})
		}
		expect("without an account", kept, map[string]bool{
			"home/cars/mine/": false, "owntracks/anna/": false, "ha/device/cottage/bluelink2mqtt_cottage_account_kia/": false,
			"home/cars/account/kia/": false, "ha/device/cottage/bluelink2mqtt_cottage_account_hyundai/": true,
		})
		if gone < 3 || stays == 0 {
			t.Errorf("%d cars went and %d stayed", gone, stays)
		}

		kept = run(func(c *config.Config) {
			c.MQTT.BaseTopic, c.HomeAssistant.Enabled, c.OwnTracks.User = "home/cars", false, ""
		})
		expect("without Home Assistant and OwnTracks", kept, map[string]bool{"owntracks/": false, "ha/": false, "homeassistant/": false, "home/cars/" + cars[1].ID + "/": true})
		if err := broker.Err(); err != nil {
			t.Error(fmt.Errorf("Home Assistant complains:\n%w", err))
		}
	})
}

// selling takes a car out of the lists that the clouds give.
type selling struct {
	next http.RoundTripper
	sold atomic.Value // its cloud's id; a string
}

func (s *selling) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := s.next.RoundTrip(r)
	id, sold := s.sold.Load().(string)
	if err != nil || !sold || !strings.HasSuffix(r.URL.Path, "/spa/vehicles") {
		return answer, err
	}
	var list struct {
		RetCode string `json:"retCode"`
		ResCode string `json:"resCode"`
		ResMsg  struct {
			Vehicles []map[string]any `json:"vehicles"`
		} `json:"resMsg"`
	}
	err = json.NewDecoder(answer.Body).Decode(&list)
	list.ResMsg.Vehicles = slices.DeleteFunc(list.ResMsg.Vehicles, func(v map[string]any) bool { return v["vehicleId"] == id })
	text, wrong := json.Marshal(list)
	answer.Body, answer.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
	answer.Header.Del("Content-Length")
	return answer, errors.Join(err, wrong)
}

// TestGhosts_ASoldCarGoesWhileTheProgramRuns sells one car of an account, and looks what Home Assistant and the broker have
// left of it days later.
func TestGhosts_ASoldCarGoesWhileTheProgramRuns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, parked)
		broker := hasstest.NewHome("homeassistant")
		w.follow(broker)
		market := &selling{}
		w.start(setup{
			interval: interval, unlimited: true, change: func(c *config.Config) { withPIN(c); c.OwnTracks.User = "anna" },
			transport: func(next http.RoundTripper) http.RoundTripper { market.next = next; return market },
		})
		defer w.stop()
		w.served()
		pass(time.Minute)
		car := w.car(home, "ccs2")
		device := string(vehicle.NewID(vehicle.VIN(car.VIN), vehicle.Europe, vehicle.Hyundai, ""))
		left := func() (topics []string, entities int) {
			synctest.Wait()
			for _, topic := range broker.Kept() {
				if strings.Contains(topic, "/"+car.ID) || strings.Contains(topic, device) {
					topics = append(topics, topic)
				}
			}
			for _, e := range broker.Entities() {
				if strings.Contains(e.ID, device) {
					entities++
				}
			}
			return topics, entities
		}
		if topics, entities := left(); len(topics) < 50 || entities < 50 {
			t.Fatalf("at first there are %d topics and %d entities", len(topics), entities)
		}
		others := len(broker.Entities())
		_, its := left()
		others -= its
		market.sold.Store(car.ID)
		pass(27 * time.Hour)
		if topics, entities := left(); len(topics) < 50 || entities < 50 {
			t.Errorf("after one list without it there are %d topics and %d entities", len(topics), entities)
		}
		pass(28 * time.Hour)
		if topics, entities := left(); len(topics)+entities > 0 {
			t.Errorf("of the sold car %d entities are left, and %q", entities, topics)
		}
		if n := len(broker.Entities()); n < others {
			t.Errorf("%d entities of others are left, there were %d", n, others)
		}
		if r := w.refresh(car, "cached"); r.end() != "rejected/unknown_vehicle" {
			t.Errorf("a command for it ended as %s", r.end())
		}
		if err := broker.Err(); err != nil {
			t.Error(fmt.Errorf("Home Assistant complains:\n%w", err))
		}
	})
}

// TestHomeAssistant_LearnsWhatAReloadAllows holds that new presets and permissions are announced without a restart.
func TestHomeAssistant_LearnsWhatAReloadAllows(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, parked)
		home := hasstest.NewHome("homeassistant")
		w.follow(home)
		var first config.Config
		w.start(setup{interval: 0, unlimited: true, change: func(c *config.Config) { withPIN(c); first = *c }})
		defer w.stop()
		w.served()
		pass(time.Minute)
		has := func(part string) (n int) {
			synctest.Wait()
			for _, e := range home.Entities() {
				if strings.Contains(e.ID, part) {
					n++
				}
			}
			return n
		}
		cars := len(w.cars())
		if presets, locks := has("_preset_warm"), has("_lock"); presets != 0 || locks < cars {
			t.Fatalf("before there are %d presets and %d locks of %d cars", presets, locks, cars)
		}
		locks := has("_lock")
		changed := first
		changed.Presets = []config.Preset{{Name: "warm", Commands: []string{"climate-start set_temp=22"}}}
		changed.Permissions.Allow = []string{"climate-start", "climate-stop"}
		w.app.Reload(&changed)
		pass(time.Minute)
		if presets, now := has("_preset_warm"), has("_lock"); presets != cars || now > locks-cars {
			t.Errorf("afterwards there are %d presets, and %d of %d locks of %d cars", presets, now, locks, cars)
		}
		if err := home.Err(); err != nil {
			t.Errorf("Home Assistant complains: %.2000v", err)
		}
	})
}

// TestLocation_OnlyWhatIsAskedForIsTold keeps the position on the broker, then takes it away, and then tells the zone alone.
func TestLocation_OnlyWhatIsAskedForIsTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, parked)
		broker := hasstest.NewHome("homeassistant")
		run := func(change func(*config.Config)) (kept int, picture string) {
			w.box = newBox()
			w.follow(broker)
			w.start(setup{interval: interval, unlimited: true, change: change})
			w.served()
			pass(time.Minute)
			w.stop()
			if err := broker.Err(); err != nil {
				t.Fatalf("Home Assistant complains:\n%v", err)
			}
			for _, topic := range broker.Kept() {
				if strings.Contains(topic, "/status/location/") {
					kept++
				}
			}
			return kept, broker.Picture()
		}
		if kept, _ := run(func(c *config.Config) { c.MQTT.RetainLocation = true }); kept < 4*4 {
			t.Errorf("%d topics with positions are kept, though that is asked for", kept)
		}
		if kept, _ := run(func(*config.Config) {}); kept != 0 {
			t.Errorf("%d topics with positions are still kept", kept)
		}
		_, picture := run(func(c *config.Config) {
			c.MQTT.Location = config.TellZone
			c.Zones = []config.Zone{{Name: "world", At: "0,0", Radius: 1_000_000}, {Name: "berlin", At: "52.5,13.4", Radius: 60_000}, {Name: "europe", At: "50,10", Radius: 1_000_000}}
		})
		if n := strings.Count(picture, `device_tracker json_attributes_topic=["`); n != 4 {
			t.Errorf("%d cars are in a zone, want 4:\n%s", n, picture)
		}
		w.box.mu.Lock()
		defer w.box.mu.Unlock()
		for topic := range w.box.last {
			if strings.Contains(topic, "/location/") && !strings.HasSuffix(topic, "/zone") {
				t.Errorf("%s was told", topic)
			}
		}
	})
}
