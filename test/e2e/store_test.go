package e2e

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/bluelink2mqtt/bluelink2mqtt/sim"
)

// A person signs out while the bridge runs, and in again later.
func TestLogout_RunningBridgeStaysOutUntilLogin(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sim.Options{Cars: 1, Parked: true})
	dir := t.TempDir()
	env := append(w.dropIn("kia"), "BLUELINK_REFRESH_INTERVAL=1s")
	d := w.start(dir, env, "run")
	l := w.listen(w.broker.URL(), "hyundai/#")
	car := "hyundai/" + w.cars("kia")[0].ID
	account := func(state string) func() bool {
		return func() bool {
			return strings.Contains(string(l.last["hyundai/account/default/state"]), fmt.Sprintf("%q", state))
		}
	}
	l.await("the account to be online", account("online"))
	l.await("the first state", func() bool { return l.last[car+"/battery/level"] != nil })

	out, stderr, code := d.command("logout")
	if code != 0 || !strings.Contains(out, "disabled") {
		t.Fatalf("logout: exit %d, %s%s", code, out, stderr)
	}
	l.await("the account to be out", account("disabled"))
	l.publish(car+"/commands/refresh", jsonRefresh("cached", "while-out"))
	if r := l.terminal(car + "/result/while-out"); r.State == "verified" || r.Reason != "login_required" {
		t.Errorf("a refresh while signed out ended %+v, want login_required", r)
	}
	if kept := openedBeside(t, d); kept != "" {
		t.Errorf("the store still holds %s", kept)
	}
	// Neither time nor a restart signs in.
	if err := d.stop(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	l.await("farewell", func() bool { return string(l.last["hyundai/bridge/state"]) == "offline" })
	d = w.start(dir, env, "run")
	l.await("birth", func() bool { return string(l.last["hyundai/bridge/state"]) == "online" })
	l.publish(car+"/commands/refresh", jsonRefresh("cached", "after-restart"))
	if r := l.terminal(car + "/result/after-restart"); r.State == "verified" {
		t.Errorf("a refresh after the restart ended %+v", r)
	}
	l.await("the account to be out again", account("disabled"))
	if c := w.counts("kia"); c.Logins != 1 {
		t.Fatalf("%d sign-ins although a person has signed out, want only the first", c.Logins)
	}

	out, stderr, code = d.command("login")
	if code != 0 || !strings.Contains(out, "online") {
		t.Fatalf("login: exit %d, %s%s", code, out, stderr)
	}
	l.await("the account to be online again", account("online"))
	if c := w.counts("kia"); c.Logins != 2 || c.Registrations != 1 {
		t.Errorf("%d sign-ins and %d registrations, want two with the same device", c.Logins, c.Registrations)
	}
}

// openedBeside looks for a token in the files of a running bridge.
func openedBeside(t *testing.T, d *daemon) string {
	t.Helper()
	for _, file := range files(t, d.dir+"/store") {
		if strings.Contains(file.text, "Bearer ") {
			return "a token in " + file.name
		}
	}
	return ""
}

// TestStore_ExitCodes holds what scripts rely on.
func TestStore_ExitCodesTellWhoMustAct(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sim.Options{Cars: 1, Parked: true})
	dir := t.TempDir()
	d := w.start(dir, w.dropIn("kia"), "run")
	l := w.listen(w.broker.URL(), "hyundai/#")
	l.await("birth", func() bool { return string(l.last["hyundai/bridge/state"]) == "online" })
	for _, args := range [][]string{{"store", "list"}, {"store", "export"}, {"store", "import", "-"}, {"run"}} {
		_, stderr, code := d.command(args...)
		if want := fmt.Sprintf("in use by process %d (bluelink2mqtt run)", d.cmd.Process.Pid); code != 3 || !strings.Contains(stderr, want) || !strings.Contains(stderr, "stop that one first") {
			t.Errorf("%v beside the bridge: exit %d, %s", args, code, stderr)
		}
	}
	if err := d.stop(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	d.env = append(d.env, "BLUELINK_STORE_KEY=a key of enough characters")
	if _, stderr, code := d.command("store", "list"); code != 0 {
		t.Errorf("with a key: exit %d, %s", code, stderr)
	}
	for _, key := range []string{"BLUELINK_STORE_KEY=another key of enough characters", "BLUELINK_STORE_KEY="} {
		d.env[len(d.env)-1] = key
		if _, stderr, code := d.command("run"); code != 2 || !strings.Contains(stderr, "store.key") {
			t.Errorf("%s: exit %d, %s", key, code, stderr)
		}
	}
}

// Another e-mail in the configuration is another person: the first one's tokens are neither used nor lost.
func TestAccount_SwitchedInTheConfigurationUsesNoTokensOfTheOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sim.Options{Cars: 1, Parked: true})
	dir := t.TempDir()
	account := func(l *listener, state string) func() bool {
		return func() bool {
			return strings.Contains(string(l.last["hyundai/account/default/state"]), fmt.Sprintf("%q", state))
		}
	}
	first := w.dropIn("genesis")
	for i, step := range []struct {
		email, want string
		logins      int
	}{
		{sim.Email, "online", 1},
		{"somebody.else@example.com", "credentials_refused", 1}, // whom the cloud does not know
		{sim.Email, "online", 1},
	} {
		l := w.listen(w.broker.URL(), "hyundai/#")
		env := append(append([]string{}, first...), "HYUNDAI_USERNAME="+step.email)
		d := w.start(dir, env, "run")
		l.await(fmt.Sprintf("step %d: %s", i, step.want), func() bool {
			return string(l.last["hyundai/bridge/state"]) == "online" && account(l, step.want)()
		})
		if err := d.stop(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		l.await("farewell", func() bool { return string(l.last["hyundai/bridge/state"]) == "offline" })
		if c := w.counts("genesis"); c.Logins != step.logins {
			t.Errorf("step %d: %d sign-ins, want %d", i, c.Logins, step.logins)
		}
	}
}
