package cloudtest

import (
	"strings"
	"testing"

	"github.com/bluelink2mqtt/bluelink2mqtt/sim"
)

// TestFaults_EveryKindOfTheSimulatorIsHeld keeps a new fault from being forgotten.
func TestFaults_EveryKindOfTheSimulatorIsHeld(t *testing.T) {
	held := map[string]bool{}
	note := func(fault string) {
		kind, _, _ := strings.Cut(fault, "=")
		held[kind] = true
	}
	for _, r := range expected {
		note(r.fault)
	}
	for fault := range signInFaults {
		note(fault)
	}
	for _, fault := range onceFaults {
		note(fault)
	}
	for _, line := range sim.FaultKinds() {
		kind, _, _ := strings.Cut(strings.Fields(line)[0], "[")
		if where := elsewhere[kind]; !held[kind] && where == "" {
			t.Errorf("no table of the suite has the fault %s: add it to expected, signInFaults, onceFaults or elsewhere", kind)
		}
	}
}

// TestTable_ReadsWhatItWrites writes columns of two services and reads them back.
func TestTable_ReadsWhatItWrites(t *testing.T) {
	page := "head\n\n" + tableBegin + "\n| |\n|---|\n" + tableEnd + "\ntail\n"
	for _, service := range []string{"kia-us", "hyundai-eu", "kia-us", "genesis-eu"} {
		did := newReplayed(service)
		did.add("list", "")
		did.offer("lock", "EV", true)
		did.offer("lock", "ICE", true)
		did.offer("charge-start", "PHEV", true)
		did.offer("charge-start", "EV", true)
		did.offer("charge-start", "ICE", false)
		did.offer("windows", "EV", false)
		parsed, err := parseTable(page)
		if err != nil {
			t.Fatal(err)
		}
		parsed.put(did)
		page = parsed.String()
	}
	parsed, err := parseTable(page)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(parsed.services, " "); got != "genesis-eu hyundai-eu kia-us" || parsed.before != "head\n\n" || parsed.after != "\ntail\n" {
		t.Errorf("services %s in\n%s", got, page)
	}
	for operation, want := range map[string]string{"list": "yes", "lock": "yes", "charge-start": "EV PHEV", "windows": "–", "valet-on": "–"} {
		for _, service := range parsed.services {
			if got := parsed.cells[service][operation]; got != want {
				t.Errorf("%s of %s is %q, want %q", operation, service, got, want)
			}
		}
	}
	if columns := parsed.columns(); len(columns) != 2 || len(columns[0]) != 2 || !strings.Contains(page, "| genesis-eu<br>hyundai-eu | kia-us |") {
		t.Errorf("columns %v in\n%s", columns, page)
	}
	parsed.cells["genesis-eu"]["windows"] = "yes"
	if apart, err := parseTable(parsed.String()); err != nil || len(apart.columns()) != 3 || apart.cells["genesis-eu"]["windows"] != "yes" || apart.cells["hyundai-eu"]["windows"] != "–" {
		t.Errorf("a service that has become different: %v, %v", apart.columns(), err)
	}
	if again, err := parseTable(page); err != nil || again.String() != page {
		t.Error("written again it is another page")
	}
	if _, err := parseTable("a page without it"); err == nil {
		t.Error("a page without the table is read")
	}
}
