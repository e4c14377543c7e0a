package e2e

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bluelink2mqtt/bluelink2mqtt/sim"
)

// mqttjsAnswer is one answer as testdata/mqttjs.cjs prints it.
type mqttjsAnswer struct {
	Record      record `json:"record"`
	Correlation string `json:"correlation"`
	ContentType string `json:"contentType"`
	Retain      bool   `json:"retain"`
	QoS         int    `json:"qos"`
}

// mqttjs gives a command by mqtt.js, which "make strangers" installs; it skips where that was not done.
func (w *world) mqttjs(topic, payload string) (answers []mqttjsAnswer) {
	w.t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		w.t.Skip("no node on this machine: mqtt.js is not tested; make strangers installs it")
	}
	folder := os.Getenv("STRANGERS")
	if folder == "" {
		folder = filepath.Join(os.TempDir(), "strangers")
	}
	packages := filepath.Join(folder, "node_modules")
	if _, err := os.Stat(filepath.Join(packages, "mqtt")); err != nil {
		w.t.Skipf("no npm package mqtt in %s: mqtt.js is not tested; make strangers installs it", packages)
	}
	script := exec.CommandContext(w.t.Context(), node, filepath.Join("testdata", "mqttjs.cjs"), w.broker.URL(), topic, payload)
	script.Env = append(os.Environ(), "NODE_PATH="+packages)
	var complaints bytes.Buffer
	script.Stderr = &complaints
	out, err := script.Output()
	if err != nil {
		w.t.Fatalf("mqtt.js: %v\n%s%s", err, out, complaints.String())
	}
	for line := range strings.Lines(string(out)) {
		var a mqttjsAnswer
		if err := json.Unmarshal([]byte(line), &a); err != nil {
			w.t.Fatalf("%s: %v", line, err)
		}
		answers = append(answers, a)
	}
	return answers
}

// mqtt.js asks as an MQTT v5 client does and gets each step of its command, with its correlation data.
func TestCommand_RequestAndResponseOfMQTTJS(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sim.Options{Cars: 1, Parked: true})
	w.start(t.TempDir(), w.dropIn("kia"), "run")
	l := w.listen(w.broker.URL(), "hyundai/#")
	car := w.cars("kia")[0]
	v := "hyundai/" + car.ID + "/"
	l.await("the first state", func() bool { return l.last[v+"status/last_updated"] != nil })
	for _, c := range []struct{ command, payload, id, states string }{
		{"lock", `{"action":"unlock","id":"js-1"}`, "js-1", "accepted sent confirmed verified"},
		{"refresh", `{"mode":"cached","id":"js-2"}`, "js-2", "accepted sent verified"},
		{"lock", `{"action":"fly","id":"js-3"}`, "js-3", "rejected"},
	} {
		var states []string
		for _, a := range w.mqttjs(v+"commands/"+c.command, c.payload) {
			states = append(states, a.Record.State)
			if a.Record.ID != c.id || a.Correlation != "0001feff" || a.ContentType != "application/json" || a.Retain || a.QoS != 1 {
				t.Errorf("%s: an answer is %+v", c.payload, a)
			}
		}
		if got := strings.Join(states, " "); got != c.states {
			t.Errorf("%s went %q, want %q", c.payload, got, c.states)
		}
		if r := l.terminal(v + "result/" + c.id); !strings.HasSuffix(c.states, r.State) {
			t.Errorf("%s: the record is %+v", c.payload, r)
		}
	}
	l.awaitValue(v+"status/doors/locked", false)
}
