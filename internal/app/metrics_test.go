package app

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/config"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/redact"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

var update = flag.Bool("update", false, "write generated files anew")

//go:generate go test -count=1 -run ^TestMetrics_PageIsFresh$ . -update

// described reads name, help and labels out of a description, which has no other way to tell them.
var described = regexp.MustCompile(`fqName: "([^"]+)", help: "((?:[^"\\]|\\.)*)", (?:unit: "[^"]*", )?constLabels: \{([^}]*)\}, variableLabels: \{([^}]*)\}`)

func TestMetrics_PageIsFresh(t *testing.T) {
	c := config.Default()
	c.Accounts = []config.Account{{
		Name: "home", Region: vehicle.Europe, Brand: vehicle.Hyundai, Username: redact.NewSecret("a@example.com"), Password: redact.NewSecret("secret"),
	}}
	a, err := New(Options{Config: c, Log: NewLogger(c.Log, t.Output()), Forgetful: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })

	rows := map[string]string{}
	for _, d := range a.descriptions() {
		m := described.FindStringSubmatch(d.String())
		if m == nil {
			t.Fatalf("cannot read %s", d)
		}
		if !strings.HasPrefix(m[1], "bluelink2mqtt_") {
			continue
		}
		var labels []string
		for _, l := range strings.Split(m[3]+","+m[4], ",") {
			name, _, _ := strings.Cut(strings.TrimSpace(l), "=")
			if name != "" && !slices.Contains(labels, "`"+name+"`") {
				labels = append(labels, "`"+name+"`")
			}
		}
		slices.Sort(labels)
		rows[m[1]] = fmt.Sprintf("| `%s` | %s | %s |\n", m[1], strings.Join(labels, ", "), m[2])
	}
	var names []string
	for name := range rows {
		names = append(names, name)
	}
	slices.Sort(names)
	page := "# Metrics\n\nServed on `/metrics` where `http.listen` is set, beside those of the Go runtime (`go_…`) and the process\n" +
		"(`process_…`). Times are in seconds. Generated from the code.\n\n| name | labels | meaning |\n|---|---|---|\n"
	for _, name := range names {
		page += rows[name]
	}
	path := filepath.Join("..", "..", "docs", "metrics.md")
	if *update {
		if err := os.WriteFile(path, []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	have, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != page {
		t.Error("docs/metrics.md is not what the code says; run make generate")
	}
}

// descriptions gives what every collector of the program describes.
func (a *App) descriptions() []*prometheus.Desc {
	ch := make(chan *prometheus.Desc)
	go func() {
		defer close(ch)
		a.registry.Describe(ch)
	}()
	var all []*prometheus.Desc
	for d := range ch {
		all = append(all, d)
	}
	return all
}
