package config

import (
	"fmt"
	"io"
	"reflect"
	"strings"
)

// Write prints the configuration that is in effect as YAML, secrets and VINs masked. With sources each value that is not
// the default is followed by where it comes from.
func (c *Config) Write(w io.Writer, sources bool) error {
	out := &strings.Builder{}
	for i := range keys().list {
		key := &keys().list[i]
		switch {
		case key.File || key.inList():
			// Secrets stand at their own key, entries of lists below their list.
		case key.List:
			c.writeList(out, key, sources)
		case key.Section:
			fmt.Fprintf(out, "%s%s:\n", indent(key), key.name())
		default:
			c.writeValue(out, key, 0, indent(key), sources)
		}
	}
	_, err := io.WriteString(w, out.String())
	return err
}

func indent(key *Key) string { return strings.Repeat("  ", strings.Count(key.Path, ".")) }

func (c *Config) writeList(out *strings.Builder, list *Key, sources bool) {
	entries := reflect.ValueOf(c).Elem().FieldByIndex(list.index).Len()
	if entries == 0 {
		fmt.Fprintf(out, "%s: []\n", list.name())
		return
	}
	fmt.Fprintf(out, "%s:\n", list.name())
	for entry := range entries {
		for i := range keys().list {
			key := &keys().list[i]
			if key.File || !key.inList() || key.list() != list.Path {
				continue
			}
			lead := "    "
			if list.firstOf(key) {
				lead = "  - "
			}
			c.writeValue(out, key, entry, lead, sources)
		}
	}
}

func (c *Config) writeValue(out *strings.Builder, key *Key, entry int, lead string, sources bool) {
	line := lead + key.name() + ": " + key.text(key.field(c, entry))
	if at, given := c.origins[key.concrete(entry)]; sources && given {
		line = fmt.Sprintf("%-40s # %s", line, at)
	}
	fmt.Fprintln(out, line)
}
