package main

import (
	"errors"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/bluelink2mqtt/bluelink2mqtt/sim"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"bluelink2mqtt": main})
}

// exits runs a command and wants an exit code: exits 3 bluelink2mqtt send …
func exits(ts *testscript.TestScript, _ bool, args []string) {
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		code = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("exit code %d, want %s", code, args[0])
	}
}

// TestScripts runs the command line as a person would, against simulated clouds at $CLOUDS, with parked cars $EV_CCS2,
// $EV_FLAT, $PHEV_CCS2 and so on, and a refresh token of an ordinary sign-in at Kia. $RECORDED is the folder of recorded payloads, or nothing where it is missing; [recorded]
// tells.
func TestScripts(t *testing.T) {
	world, err := sim.New(sim.Options{Parked: true})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(world)
	t.Cleanup(server.Close)
	recorded, err := filepath.Abs("../../../shared/fixtures/status")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(recorded); err != nil {
		t.Logf("the recorded payloads are not there: %v", err)
		recorded = ""
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			env.Setenv("CLOUDS", server.URL)
			env.Setenv("RECORDED", recorded)
			env.Setenv("BLUELINK_STORE_DIR", filepath.Join(env.WorkDir, "store"))
			for _, a := range world.Accounts() {
				if a.Brand == "kia" && a.Region == "eu" {
					env.Setenv("KIA_REFRESH_TOKEN", a.RefreshToken)
				}
			}
			for _, v := range world.Vehicles() {
				if v.Brand == "hyundai" && v.Region == "eu" {
					env.Setenv(strings.ToUpper(v.Engine)+"_"+strings.ToUpper(v.Protocol), v.ID)
				}
			}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits},
		Condition: func(name string) (bool, error) {
			if name == "recorded" {
				return recorded != "", nil
			}
			return false, os.ErrInvalid
		},
	})
}
