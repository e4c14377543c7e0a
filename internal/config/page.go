package config

import (
	"fmt"
	"strings"
)

//go:generate go test -run ^TestPage -update .

// Table is the reference of all keys in Markdown, for docs/configuration.md: a table for the keys without a section,
// then one for each section.
func Table() string {
	var out strings.Builder
	table(&out, "")
	for i := range keys().list {
		if key := &keys().list[i]; key.Section {
			fmt.Fprintf(&out, "\n### `%s`\n\n%s.\n\n", key.Path, key.Doc)
			prefix := key.Path + "."
			if key.List {
				prefix = key.Path + "[]."
			}
			table(&out, prefix)
		}
	}
	return out.String()
}

// table lists the keys directly below a section. A secret tells of its file, which has no line of its own.
func table(out *strings.Builder, prefix string) {
	open := false
	for i := range keys().list {
		key := &keys().list[i]
		name, inside := strings.CutPrefix(key.Path, prefix)
		if !inside || strings.Contains(name, ".") || key.Section || key.File {
			continue
		}
		if !open {
			out.WriteString("| key | default | accepts | variable | meaning |\n|---|---|---|---|---|\n")
			open = true
		}
		fmt.Fprintf(out, "| `%s` | %s | %s | `%s` | %s |\n", key.Path, cell(key.Default()), key.accepts(),
			strings.Join(key.Variables(), "`, `"), key.Doc)
	}
}

// accepts says kind and bounds.
func (k *Key) accepts() string {
	accepts := k.Range()
	switch {
	case accepts == "":
		return k.Unit()
	case k.typ == durationType:
		return "duration, " + accepts
	default:
		return accepts
	}
}

// cell shows a default; empty ones as a dash.
func cell(text string) string {
	if text == "" || text == `""` || text == "[]" {
		return "–"
	}
	return "`" + text + "`"
}
