package main

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/config"
)

// command runs the command line in a new working directory that holds the given file, with no environment but that.
func command(t *testing.T, file string, args ...string) (out, errOut string, err error) {
	t.Helper()
	for _, line := range os.Environ() {
		name, _, _ := strings.Cut(line, "=")
		for _, prefix := range []string{"BLUELINK_", "HYUNDAI_", "MQTT_", "LOG_LEVEL", "INITIAL_REFRESH", "REFRESH_INTERVAL"} {
			if strings.HasPrefix(name, prefix) {
				t.Setenv(name, "")
			}
		}
	}
	t.Chdir(t.TempDir())
	if file != "" {
		if err := os.WriteFile(config.LocalFile, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var stdout, stderr strings.Builder
	root := newRootCommand()
	root.SetOut(&stdout)
	root.SetErr(&stderr)
	root.SetArgs(args)
	err = root.ExecuteContext(t.Context())
	return stdout.String(), stderr.String(), err
}

const oneAccount = "accounts: [{region: eu, brand: 2, username: me@example.com, password: hunter2hunter2}]\n"

func TestConfigCheck_PrintsWhatIsInEffect(t *testing.T) {
	out, errOut, err := command(t, oneAccount+"mqtt: {port: 8883}\n", "config", "check", "--verbose", "--log-level", "warn")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"ok: bluelink2mqtt.yaml, accounts: 1", "name: hyundai-eu", "port: 8883", "# bluelink2mqtt.yaml:2: mqtt.port", "# command line: --log-level"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q does not stand in\n%s", want, out)
		}
	}
	if !strings.Contains(errOut, "accounts[0].brand: 2 means hyundai") {
		t.Errorf("no warning of the brand's number in %q", errOut)
	}
	if strings.Contains(out+errOut, "hunter2") || strings.Contains(out+errOut, "me@example.com") {
		t.Errorf("a secret stands in\n%s\n%s", out, errOut)
	}
}

func TestConfigCheck_EndsWithTwoAndAllProblems(t *testing.T) {
	_, _, err := command(t, "units: furlongs\nmqtt: {prot: 1}\n", "config", "check")
	var exit *exitError
	var problems *config.Problems
	if !errors.As(err, &exit) || exit.code != exitUsage || !errors.As(err, &problems) || len(problems.List) != 3 {
		t.Errorf("ends with %v, want code 2 and three problems", err)
	}
}

func TestConfigExample_PassesTheCheckWithAnAccount(t *testing.T) {
	example, _, err := command(t, "", "config", "example")
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = command(t, strings.Replace(example, "accounts:\n", oneAccount, 1), "config", "check")
	if err != nil {
		t.Error(err)
	}
}

func TestConfigSchema_IsPrinted(t *testing.T) {
	out, _, err := command(t, "", "config", "schema")
	if err != nil || !strings.HasPrefix(out, "{\n") || !strings.Contains(out, `"base_topic"`) {
		t.Errorf("printed %.80q, %v", out, err)
	}
}

func TestConfig_RefusesWhatItDoesNotKnow(t *testing.T) {
	for _, args := range [][]string{{"config", "nonsense"}, {"config", "check", "x"}, {"config", "example", "--nope"}} {
		var exit *exitError
		if _, _, err := command(t, "", args...); !errors.As(err, &exit) || exit.code != exitUsage {
			t.Errorf("%v ends with %v, want code 2", args, err)
		}
	}
}
