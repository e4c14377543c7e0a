package mqtttest

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// RabbitMQ is a RabbitMQ with its MQTT plug-in. Until version 3.13 that speaks only 3.1.1, and closes the connection when
// it is asked in version 5.
type RabbitMQ struct{ *process }

// RabbitUser is whom a RabbitMQ of [StartRabbitMQ] knows by this name and password; nobody else may connect.
const RabbitUser = "guest"

// StartRabbitMQ runs one until the test ends. It keeps what is retained over a restart, and does not match it with
// wildcards. To start it for the first time takes a quarter of a minute.
func StartRabbitMQ(t testing.TB) *RabbitMQ {
	t.Helper()
	// Debian's own front changes the user, which needs files in its places.
	found, _ := filepath.Glob("/usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin/rabbitmq-server")
	binary := installed(t, "RabbitMQ", "rabbitmq-server", found...)
	epmd := installed(t, "Erlang", "rabbitmq-server", "epmd")
	if plugins, _ := filepath.Glob("/usr/lib/rabbitmq/lib/rabbitmq_server-*/plugins/rabbitmq_mqtt-*"); len(plugins) == 0 {
		t.Skip("RabbitMQ comes without its MQTT plug-in")
	}
	addr, dir := FreeAddr(t), t.TempDir()
	_, distribution, _ := net.SplitHostPort(FreeAddr(t))
	_, names, _ := net.SplitHostPort(FreeAddr(t))
	write := func(name string, lines ...string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	environment := append(os.Environ(),
		"HOME="+dir, "RABBITMQ_CONF_ENV_FILE="+write("environment"), "RABBITMQ_NODENAME=test"+distribution+"@localhost",
		"RABBITMQ_MNESIA_BASE="+filepath.Join(dir, "mnesia"), "RABBITMQ_LOG_BASE="+dir, "RABBITMQ_DIST_PORT="+distribution,
		"RABBITMQ_ENABLED_PLUGINS_FILE="+write("plugins", "[rabbitmq_mqtt]."),
		"RABBITMQ_CONFIG_FILE="+write("rabbitmq.conf", "listeners.tcp = none", "mqtt.listeners.tcp.1 = "+addr, "mqtt.allow_anonymous = false",
			"default_user = "+RabbitUser, "default_pass = "+RabbitUser, "log.console = true", "log.console.level = info", "log.file = false"),
		// It keeps the names of nodes for all on a machine, and stays when its node ends.
		"ERL_EPMD_PORT="+names, "ERL_EPMD_ADDRESS=127.0.0.1",
		"RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=-kernel inet_dist_use_interface {127,0,0,1}",
	)
	run := func(name string, args ...string) *exec.Cmd {
		cmd := exec.Command(name, args...)
		cmd.Env = environment
		return cmd
	}
	r := &RabbitMQ{&process{
		t: t, name: "rabbitmq", addr: addr, command: func() *exec.Cmd { return run(binary) },
		running: func(line string) bool { return strings.Contains(line, "Server startup complete") },
	}}
	t.Cleanup(func() { _ = run(epmd, "-kill").Run() }) // it has ended when the node never came up
	r.start()
	return r
}
