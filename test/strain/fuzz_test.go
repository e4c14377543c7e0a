package strain

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/bridge"
	"github.com/bluelink2mqtt/bluelink2mqtt/sim"
)

// FuzzMessage hands the program what anybody may publish: any topic, payload and properties. Each message is acknowledged.
// One on a command topic ends in exactly one terminal record, on the result topic and on the response topic that was asked
// for; anything else is not answered. Nothing is retained for a car that does not exist.
func FuzzMessage(f *testing.F) {
	const car = "hyundai/{car}/commands/"
	for _, topic := range []string{car + "refresh", car + "lock", car + "climate", car + "charge_limit", "hyundai/nobody/commands/refresh", "hyundai/bridge/state", "hyundai", "x/y"} {
		for _, payload := range []string{
			"", "cached", "force", "smart:300", "smart:-1", "smart:99999999999999999999", `{"mode":"cached"}`, `{"mode":"smart","max_age":1e99}`, `{"id":"a"}`,
			`{"id":"` + strings.Repeat("x", 65) + `","mode":"cached"}`, `{"id":"../x","mode":"cached"}`, `{"mode":"cached","expires_at":"0001-01-01T00:00:00Z"}`,
			`{"mode":"cached","expires_at":9e99}`, "\xff\xfe", "[]", "null", `{"mode":{}}`, "lock", "start", `{"ac":80}`, "80",
		} {
			f.Add(topic, payload, false, "", "")
		}
	}
	f.Add(car+"refresh", "cached", true, "", "")
	f.Add(car+"refresh", "", true, "", "")
	f.Add(car+"refresh", `{"id":"one","mode":"cached"}`, false, "answers/here", "\x00\x01")
	f.Add(car+"refresh", "cached", false, "hyundai/+/result/#", "")
	f.Fuzz(func(t *testing.T, topic, payload string, retained bool, response, correlation string) {
		synctest.Test(t, func(t *testing.T) {
			s := setup{sim: sim.Options{Cars: 1, Parked: true, LatencyForce: time.Second}}
			w := newWorld(t, s)
			w.start(s)
			defer w.stop()
			w.served()
			synctest.Wait()
			topic := strings.ReplaceAll(topic, "{car}", w.cars()[0].ID)
			before := len(w.box.last)
			ends, answers := 0, 0
			w.box.mu.Lock()
			w.box.watch = func(p bridge.Publication) {
				var r record
				if p.Topic != response && strings.Contains(p.Topic, "/result/") && json.Unmarshal(p.Payload, &r) == nil && r.Terminal {
					ends++
					if p.Retain {
						t.Errorf("%s is retained", p.Topic)
					}
				}
				if response != "" && p.Topic == response && string(p.Correlation) == correlation && json.Unmarshal(p.Payload, &r) == nil && r.Terminal {
					answers++
				}
				if !json.Valid(p.Payload) && !strings.HasSuffix(p.Topic, "/state") && !strings.HasSuffix(p.Topic, "/availability") {
					t.Errorf("%s got %q", p.Topic, p.Payload)
				}
			}
			w.box.mu.Unlock()
			acknowledged := 0
			w.app.Bridge().Handle(bridge.Message{
				Topic: topic, Payload: []byte(payload), Retained: retained, ResponseTopic: response, Correlation: []byte(correlation),
				Ack: func() { acknowledged++ },
			})
			pass(5 * time.Minute) // longer than any command may take
			synctest.Wait()
			parts := strings.Split(topic, "/")
			command := len(parts) == 4 && parts[0] == "hyundai" && parts[2] == "commands" && parts[1] != "" && parts[3] != "" &&
				parts[1] != "bridge" && parts[1] != "account" && !(retained && payload == "")
			switch {
			case acknowledged != 1:
				t.Errorf("acknowledged %d times", acknowledged)
			case command && ends != 1 && !strings.Contains(response, "/result/"):
				t.Errorf("a command on %q ended %d times", topic, ends)
			case command && response != "" && answers != 1 && !strings.HasPrefix(response, "hyundai/"):
				t.Errorf("%d answers on the response topic", answers)
			case !command && ends != 0 && !strings.HasPrefix(topic, "hyundai/"):
				t.Errorf("no command on %q ended %d times", topic, ends)
			}
			w.box.mu.Lock()
			defer w.box.mu.Unlock()
			if n := len(w.box.last) - before; n > 3 && !command {
				t.Errorf("%d new topics", n)
			}
		})
	})
}
