package e2e

import (
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/mqtt/mqtttest"
	"github.com/bluelink2mqtt/bluelink2mqtt/sim"
)

func TestCommands_GoThroughTheRunningBridge(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sim.Options{Cars: 2, Parked: true, LatencyForce: 100 * time.Millisecond})
	dir := t.TempDir()
	d := w.start(dir, w.dropIn("hyundai"), "run")
	l := w.listen(w.broker.URL(), "hyundai/#")
	car := w.cars("hyundai")[0]
	l.await("the first state", func() bool { return l.last["hyundai/"+car.ID+"/status/last_updated"] != nil })

	if out, errs, code := d.command("vehicles"); code != 0 || !strings.Contains(out, car.ID) {
		t.Errorf("vehicles ended %d: %s%s", code, out, errs)
	}
	if out, errs, code := d.command("state", car.VIN[len(car.VIN)-5:], "--json"); code != 0 || !strings.Contains(out, `"ev_battery_percentage"`) {
		t.Errorf("state by the end of the VIN ended %d: %s%s", code, out, errs)
	}
	if out, errs, code := d.command("send", car.ID, "refresh", "force"); code != 0 || !strings.Contains(out, "verified (fresh data)") {
		t.Errorf("send ended %d: %s%s", code, out, errs)
	}
	if out, errs, code := d.command("send", car.ID, "refresh", "smart:0"); code != 2 || !strings.Contains(errs, "between 1 and 604800") {
		t.Errorf("a smart refresh of 0 s ended %d: %s%s", code, out, errs)
	}
	if _, errs, code := d.command("doctor", "--ready"); code != 0 {
		t.Errorf("doctor --ready ended %d: %s", code, errs)
	}
	if _, err := os.Stat(dir + "/ready"); err != nil {
		t.Errorf("the ready file is not there while the broker is connected: %v", err)
	}
	second := w.start(dir, w.dropIn("hyundai"), "run")
	if err := second.stop(0); err == nil {
		t.Error("a second bridge took the same store")
	}
	if text := second.text(); !strings.Contains(text, "another process") && !strings.Contains(text, "in use") {
		t.Errorf("the second start does not say who holds the store: %s", text)
	}
	_ = d.stop(syscall.SIGTERM)
	if _, err := os.Stat(dir + "/ready"); !os.IsNotExist(err) {
		t.Errorf("the ready file outlived the bridge: %v", err)
	}
}

func TestDemo_CarsMoveWithinSeconds(t *testing.T) {
	t.Parallel()
	w := &world{t: t}
	broker, web := mqtttest.FreeAddr(t), mqtttest.FreeAddr(t)
	w.start(t.TempDir(), nil, "demo", "--broker-listen", broker, "--http-listen", web)
	l := w.listen("mqtt://"+broker, "hyundai/+/battery/level")
	l.await("two different states of charge of one car", func() bool {
		seen := map[string]string{}
		for _, m := range l.all {
			value := strings.Split(string(m.Payload), ",")[0]
			if before, ok := seen[m.Topic]; ok && before != value {
				return true
			}
			seen[m.Topic] = value
		}
		return false
	})
	for _, path := range []string{"/healthz", "/readyz", "/metrics"} {
		response, err := http.Get("http://" + web + path)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusOK {
			t.Errorf("%s answers %d", path, response.StatusCode)
		}
	}
}

func TestDemo_SaysWhatToDoWhenAPortIsTaken(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	w := &world{t: t}
	d := w.start(t.TempDir(), nil, "demo", "--broker-listen", taken.Addr().String(), "--http-listen", "127.0.0.1:0")
	if err := d.stop(0); err == nil {
		t.Error("the demo runs on a port that is taken")
	}
	if !strings.Contains(d.text(), "--broker-listen") {
		t.Errorf("it does not say what to do: %s", d.text())
	}
}

func TestSighup_AppliesWhatCanAndNamesTheRest(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sim.Options{Parked: true})
	dir := t.TempDir()
	write := func(lines string) {
		t.Helper()
		if err := os.WriteFile(dir+"/.env", []byte(lines), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("BLUELINK_PERMISSIONS_ALLOW=hazard\n")
	d := w.start(dir, w.dropIn("hyundai"), "run")
	l := w.listen(w.broker.URL(), "hyundai/#")
	car := w.cars("hyundai")[0]
	l.await("the first state", func() bool { return l.last["hyundai/"+car.ID+"/status/last_updated"] != nil })
	if out, _, code := d.command("send", car.ID, "lock"); code != 3 || !strings.Contains(out, "not_permitted") {
		t.Fatalf("before, lock ended %d: %s", code, out)
	}
	write("BLUELINK_PERMISSIONS_ALLOW=hazard,lock\nBLUELINK_MQTT_KEEPALIVE=20s\n")
	if err := d.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	code, out := 3, ""
	for try := 0; code == 3 && try < 50; try++ { // each takes as long as starting a program
		out, _, code = d.command("send", car.ID, "lock")
	}
	if code != 0 {
		t.Errorf("afterwards, lock ended %d: %s", code, out)
	}
	if log := d.text(); !strings.Contains(log, `"keys":["mqtt.keepalive"]`) || !strings.Contains(log, `"applied":["permissions.allow"]`) {
		t.Error("the log does not say what was applied and what needs a restart")
	}
}
