package hass

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

const parityPage = "../../docs/home-assistant-parity.md"

// TestParity_EveryEntityAndServiceOfTheOldIntegrationHasItsPlace holds the table against our entities and commands, and
// writes its page with -update.
func TestParity_EveryEntityAndServiceOfTheOldIntegrationHasItsPlace(t *testing.T) {
	ours := map[string]string{}
	for _, e := range all(t) {
		ours[e.platform+"/"+e.key] = e.key
	}
	if len(parityEntities) != 155 || len(parityServices) != 20 {
		t.Errorf("%d entities and %d services, want 155 (four of which never existed) and 20", len(parityEntities), len(parityServices))
	}
	for _, row := range parityEntities {
		if _, there := ours[row.ours]; !there && row.ours != "" {
			t.Errorf("%s %s: there is no %s", row.platform, row.key, row.ours)
		}
		if row.ours == "" && !strings.HasPrefix(row.note, "replaced by") && !strings.HasPrefix(row.note, "deliberately not, because") {
			t.Errorf("%s %s is neither there, nor replaced, nor left out for a reason", row.platform, row.key)
		}
	}
	for _, s := range parityServices {
		if _, there := vehicle.CommandByName(s.command); !there {
			t.Errorf("service %s: there is no command %s", s.name, s.command)
		}
		for _, named := range regexp.MustCompile("`([a-z_]+/[a-z_]+)`").FindAllStringSubmatch(s.note, -1) {
			if ours[named[1]] == "" {
				t.Errorf("service %s names %s, which is not there", s.name, named[1])
			}
		}
	}
	want := parityMarkdown(t)
	if flag.Lookup("update").Value.String() == "true" {
		if err := os.WriteFile(parityPage, want, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(parityPage)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is stale (%v): go test ./internal/hass -update", parityPage, err)
	}
}

// TestParity_TableNamesWhatTheListNames reads the list of what owners had, where it lies beside the checkout.
func TestParity_TableNamesWhatTheListNames(t *testing.T) {
	text, err := os.ReadFile("../../../shared/home-assistant-parity.md")
	if err != nil {
		t.Skip("the list of the old integration's entities is not there")
	}
	rows := map[string]bool{}
	for _, row := range parityEntities {
		rows[row.platform+" "+row.key] = true
	}
	for _, s := range parityServices {
		if !strings.Contains(string(text), "`"+s.name+"`") {
			t.Errorf("the list has no service %s", s.name)
		}
	}
	section, named := "", 0
	heading, entry := regexp.MustCompile("^## 2\\.[1-7] `([a-z_]+)`"), regexp.MustCompile("^\\| `([^`]+)` \\|")
	for line := range strings.Lines(string(text)) {
		if m := heading.FindStringSubmatch(line); m != nil {
			section = m[1]
		} else if strings.HasPrefix(line, "## ") {
			section = ""
		}
		if m := entry.FindStringSubmatch(line); m != nil && section != "" {
			named++
			if !rows[section+" "+m[1]] {
				t.Errorf("the table has no %s %s", section, m[1])
			}
		}
	}
	if named != 152 {
		t.Errorf("%d entities were read from the list, want 152", named)
	}
}

func parityMarkdown(t *testing.T) []byte {
	t.Helper()
	english, err := readNames("en")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	line := func(format string, args ...any) { fmt.Fprintf(&out, format+"\n", args...) }
	line("# Home Assistant: what takes the place of the custom integration")
	line("")
	line("<!-- Generated from internal/hass by go test ./internal/hass -update; changes by hand are lost. -->")
	line("")
	line("Every entity and service of the custom integration `kia_uvo` 3.10.1, and what takes its place here. Its %d entities include four that are never created; names are those of its English translation. How to move without losing history stands in [Home Assistant](home-assistant.md#moving-from-the-custom-integration).", len(parityEntities))
	line("")
	line("Entities appear here as soon as the car reports what they show, and controls only where the car can do it, and may.")
	line("")
	line("## Entities")
	line("")
	line("*same* means that Home Assistant makes the same entity id of both, so that history goes on when the old one has gone.")
	line("")
	line("| there | key | name | here | name here | entity id | remark |")
	line("|---|---|---|---|---|---|---|")
	same := 0
	for _, row := range parityEntities {
		place, name, id := "–", "", ""
		if platform, key, there := strings.Cut(row.ours, "/"); there {
			place, name = "`"+row.ours+"`", english[key]
			if platform == row.platform && slug(name) == slug(row.name) {
				id = "same"
				same++
			}
		}
		line("| %s | `%s` | %s | %s | %s | %s | %s |", row.platform, row.key, row.name, place, name, id, row.note)
	}
	if same < 125 {
		t.Errorf("only %d entities keep their ids", same)
	}
	line("")
	line("## Services")
	line("")
	line("A service becomes a command of the same meaning: an automation publishes it with `mqtt.publish`, and most have an entity as well. All commands stand in [topics](topics.md#commands).")
	line("")
	line("| service | command | remark |")
	line("|---|---|---|")
	for _, s := range parityServices {
		line("| `%s` | `%s` | %s |", s.name, s.command, s.note)
	}
	return out.Bytes()
}
