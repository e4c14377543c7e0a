package main

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/bluelink2mqtt/bluelink2mqtt/sim"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"bluelink2mqtt": main})
}

// TestScripts runs the command line as a person would, against simulated clouds at $CLOUDS. $RECORDED is the folder of
// recorded payloads, or nothing where it is missing; [recorded] tells.
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
			return nil
		},
		Condition: func(name string) (bool, error) {
			if name == "recorded" {
				return recorded != "", nil
			}
			return false, os.ErrInvalid
		},
	})
}
