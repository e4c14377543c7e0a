package e2e

import (
	"bytes"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/template"
	"time"

	"github.com/itchyny/gojq"
	"go.yaml.in/yaml/v3"

	"github.com/bluelink2mqtt/bluelink2mqtt/sim"
)

// plugin is a source or a sink of evcc's configuration.
type plugin struct {
	Source   string  `yaml:"source"`
	Topic    string  `yaml:"topic"`
	JQ       string  `yaml:"jq"`
	Timeout  string  `yaml:"timeout"`
	Payload  string  `yaml:"payload"`
	Plugged  *plugin `yaml:"plugged"`
	Charging *plugin `yaml:"charging"`
}

// custom is evcc's custom vehicle.
type custom struct {
	Name         string   `yaml:"name"`
	Type         string   `yaml:"type"`
	Title        string   `yaml:"title"`
	Capacity     float64  `yaml:"capacity"`
	Features     []string `yaml:"features"`
	SoC          plugin   `yaml:"soc"`
	Range        plugin   `yaml:"range"`
	Odometer     plugin   `yaml:"odometer"`
	Status       plugin   `yaml:"status"`
	LimitSoC     plugin   `yaml:"limitSoc"`
	Climater     plugin   `yaml:"climater"`
	Wakeup       plugin   `yaml:"wakeup"`
	ChargeEnable plugin   `yaml:"chargeEnable"`
}

// documented is the block of docs/evcc.md for a car.
func documented(t *testing.T, car string) custom {
	t.Helper()
	page, err := os.ReadFile("../../docs/evcc.md")
	if err != nil {
		t.Fatal(err)
	}
	_, block, _ := strings.Cut(string(page), "```yaml\n")
	block, _, found := strings.Cut(block, "```")
	if !found {
		t.Fatal("docs/evcc.md has no block")
	}
	var c struct {
		Vehicles []custom `yaml:"vehicles"`
	}
	decoder := yaml.NewDecoder(strings.NewReader(strings.ReplaceAll(block, "hyundai/ioniq5/", "hyundai/"+car+"/")))
	decoder.KnownFields(true)
	if err := decoder.Decode(&c); err != nil || len(c.Vehicles) != 1 {
		t.Fatalf("the block of docs/evcc.md: %d vehicles, %v", len(c.Vehicles), err)
	}
	return c.Vehicles[0]
}

// silence is how long a car may stay parked without a report, so that nothing is published anew.
const silence = 180 * 24 * time.Hour

// outdated tells whether evcc drops a value that came so long ago. A missing timeout means none to the evcc of today, but its
// older releases drop every value then.
func (p plugin) outdated(t *testing.T, age time.Duration) bool {
	t.Helper()
	timeout, err := time.ParseDuration(p.Timeout)
	if err != nil {
		t.Fatalf("timeout of %s: %v", p.Topic, err)
	}
	return age > timeout
}

// read is a value as evcc's MQTT source gives it: the retained message through jq, as text.
func (p plugin) read(t *testing.T, l *listener) string {
	t.Helper()
	if p.Source != "mqtt" {
		t.Fatalf("%+v is no source of MQTT", p)
	}
	if p.outdated(t, silence) {
		t.Errorf("%s is outdated for evcc when the car has been silent for %v", p.Topic, silence)
	}
	l.await(p.Topic, func() bool { return l.last[p.Topic] != nil })
	l.mu.Lock()
	payload := l.last[p.Topic]
	l.mu.Unlock()
	query, err := gojq.Parse(p.JQ)
	if err != nil {
		t.Fatalf("jq of %s: %v", p.Topic, err)
	}
	var message any
	if err := yaml.Unmarshal(payload, &message); err != nil {
		t.Fatal(err)
	}
	value, ok := query.Run(message).Next()
	if err, bad := value.(error); !ok || bad {
		t.Fatalf("jq of %s on %s: %v", p.Topic, payload, err)
	}
	var text bytes.Buffer
	if err := template.Must(template.New("").Parse("{{.}}")).Execute(&text, value); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

func (p plugin) number(t *testing.T, l *listener) float64 {
	t.Helper()
	n, err := strconv.ParseFloat(p.read(t, l), 64)
	if err != nil {
		t.Errorf("%s: %v", p.Topic, err)
	}
	return n
}

// status is evcc's combined source: A unplugged, B plugged, C charging.
func (p plugin) status(t *testing.T, l *listener) string {
	t.Helper()
	flag := func(p *plugin) bool {
		is, err := strconv.ParseBool(p.read(t, l))
		if err != nil {
			t.Errorf("%s: %v", p.Topic, err)
		}
		return is
	}
	switch plugged, charging := flag(p.Plugged), flag(p.Charging); {
	case charging:
		return "C"
	case plugged:
		return "B"
	}
	return "A"
}

// payload is what evcc's MQTT sink sends for a parameter.
func (p plugin) payload(t *testing.T, parameters map[string]any) string {
	t.Helper()
	var text bytes.Buffer
	if err := template.Must(template.New("").Parse(p.Payload)).Execute(&text, parameters); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

// TestEVCC_ReadsAndCommandsThroughTheDocumentedBlock speaks as evcc's MQTT plug-in does.
func TestEVCC_ReadsAndCommandsThroughTheDocumentedBlock(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sim.Options{Cars: 2, Parked: true})
	car := w.cars("hyundai")[0]
	if err := w.sim.SetVehicle(car.ID, map[string]any{
		"soc_percent": 63, "plug": "ac", "charging": false, "odometer_km": 12345, "charge_limit_ac": 80, "climate": false, "report": true,
	}); err != nil {
		t.Fatal(err)
	}
	w.start(t.TempDir(), w.dropIn("hyundai"), "run")
	l := w.listen(w.broker.URL(), "hyundai/#")
	c := documented(t, car.ID)
	if !slices.Equal(c.Features, []string{"streaming"}) { // the one of evcc's features of vehicles that is for MQTT
		t.Errorf("features %q", c.Features)
	}
	for name, got := range map[string]float64{"soc": c.SoC.number(t, l) - 63, "odometer": c.Odometer.number(t, l) - 12345, "limit": c.LimitSoC.number(t, l) - 80} {
		if got != 0 {
			t.Errorf("%s is off by %v", name, got)
		}
	}
	if km := c.Range.number(t, l); km < 10 || km > 1000 {
		t.Errorf("range %v km", km)
	}
	if on := c.Climater.read(t, l); on != "false" {
		t.Errorf("climater %s", on)
	}
	if status := c.Status.status(t, l); status != "B" {
		t.Errorf("status %s", status)
	}
	l.publish(c.ChargeEnable.Topic, c.ChargeEnable.payload(t, map[string]any{"chargeenable": true}))
	l.await("charging", func() bool { return strings.Contains(string(l.last[c.Status.Charging.Topic]), `"charging"`) })
	if status := c.Status.status(t, l); status != "C" {
		t.Errorf("status %s", status)
	}
	if err := w.sim.SetVehicle(car.ID, map[string]any{"soc_percent": 70.5}); err != nil {
		t.Fatal(err)
	}
	wake := retry(l, c.Wakeup.Topic, c.Wakeup.payload(t, nil)) // evcc repeats it as well, and the car may be busy yet
	wake()
	l.await("news", func() bool { return strings.Contains(string(l.last[c.SoC.Topic]), `:70`) }, wake)
}
