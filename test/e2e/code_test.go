package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/sim"
)

// TestCodes_OverMQTTAndThenNeverAgain signs in to clouds of two regions that want a one-time code, with a restart before the
// code, and gives each a command.
func TestCodes_OverMQTTAndThenNeverAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sim.Options{Cars: 2, Parked: true, Regions: []string{"us", "ca"}, LatencyForce: 100 * time.Millisecond})
	dir := t.TempDir()
	config := `accounts:
  - {name: kia, region: us, brand: kia, username: ` + sim.Email + `, password: ` + sim.Password + `}
  - {name: canada, region: ca, brand: genesis, username: ` + sim.Email + `, password: ` + sim.Password + `, pin: "` + sim.PIN + `"}
mqtt: {url: "` + w.broker.URL() + `", base_topic: cars}
`
	if err := os.WriteFile(filepath.Join(dir, "bluelink2mqtt.yaml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	env := []string{"BLUELINK_CLOUD_URL=" + w.clouds}
	d := w.start(dir, env, "run")
	l := w.listen(w.broker.URL(), "cars/#")
	says := func(topic, word string) func() bool {
		return func() bool { return strings.Contains(string(l.last[topic]), word) }
	}
	accounts := []string{"kia", "canada"}
	for _, a := range accounts {
		l.await(a+" to want a code", says("cars/account/"+a+"/code", `"required":true`))
		l.publish("cars/account/"+a+"/code/method", "email")
		l.await(a+"'s code to be sent", says("cars/account/"+a+"/code", `"sent":"email"`))
	}
	if err := d.stop(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	d = w.start(dir, env, "run")
	for _, a := range accounts {
		l.publish("cars/account/"+a+"/code/set", "000000")
		l.await(a+"'s wrong code to be refused", says("cars/account/"+a+"/code", `"reason":"code_required"`), func() { l.publish("cars/account/"+a+"/code/set", "000000") })
		l.publish("cars/account/"+a+"/code/set", sim.OTP)
		l.await(a+" to be online", says("cars/account/"+a+"/state", "online"))
	}
	if err := d.stop(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	d = w.start(dir, env, "run")
	for _, v := range w.sim.Vehicles() {
		if v.Engine != "ev" || v.Brand == "hyundai" || v.Brand == "genesis" && v.Region == "us" || v.Brand == "kia" && v.Region == "ca" {
			continue
		}
		// What a car is called tells the list; the topics of the two clouds differ.
		var car string
		l.await("the cars", func() bool {
			for topic, payload := range l.last {
				if name, info := strings.CutSuffix(topic, "/info"); info && strings.Contains(string(payload), v.VIN[len(v.VIN)-4:]) {
					car = name
				}
			}
			return car != ""
		})
		l.publish(car+"/commands/refresh", `{"mode":"force","id":"f-`+v.Region+`"}`)
		if r := l.terminal(car + "/result/f-" + v.Region); r.State != "verified" || r.DataSource != "fresh" {
			t.Errorf("forced refresh in %s: %+v", v.Region, r)
		}
		l.publish(car+"/commands/lock", `{"action":"unlock","id":"u-`+v.Region+`"}`)
		if r := l.terminal(car + "/result/u-" + v.Region); r.State != "verified" {
			t.Errorf("unlock in %s: %+v", v.Region, r)
		}
		l.awaitValue(car+"/status/doors/locked", false)
	}
	var all []struct {
		counts
		Codes int `json:"codes"`
	}
	w.view("/_sim/accounts", &all)
	seen := 0
	for _, c := range all {
		if account := c.Region + " " + c.Brand; account == "us kia" || account == "ca genesis" {
			seen++
			if c.Codes != 1 || c.Logins+c.Renewals != 1 {
				t.Errorf("%s: the cloud counts %+v, want one sign-in and one code", account, c)
			}
		}
	}
	if seen != 2 {
		t.Errorf("the cloud counts %+v", all)
	}
	if log := d.text(); strings.Contains(log, sim.OTP) || strings.Contains(log, sim.Email) {
		t.Error("the log shows the code or the e-mail")
	}
}
