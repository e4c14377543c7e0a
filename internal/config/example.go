package config

import (
	"fmt"
	"reflect"
	"strings"
)

const exampleHead = `# Configuration of bluelink2mqtt: every key with its default. Save it as bluelink2mqtt.yaml, or name
# the file with --config or BLUELINK_CONFIG; "bluelink2mqtt config check" reads it and says what is wrong.
#
# To set a key, remove the # that touches it. What stays commented keeps its default. An empty value
# counts as not set. Each key can also be given by the variable in brackets, which wins over the file;
# 0 there is the number of the entry. File names begin at the folder of this file.
#
# Durations: 90s, 30m, 12h, 2d.
`

// Example is a commented configuration file with all keys and their defaults. Loaded as it stands it changes nothing;
// with the keys uncommented neither, but for the entries of lists.
func Example() string {
	var out strings.Builder
	out.WriteString(exampleHead)
	for i := range keys().list {
		key := &keys().list[i]
		if key.File {
			continue // its secret tells of it
		}
		depth := strings.Count(strings.ReplaceAll(key.Path, "[]", ""), ".")
		indent := strings.Repeat("  ", depth)
		if depth == 0 {
			out.WriteString("\n")
		}
		comment(&out, indent, key.Doc+".")
		if key.Section {
			fmt.Fprintf(&out, "%s%s:\n", indent, key.name())
			continue
		}
		fmt.Fprintf(&out, "%s# [%s]\n", indent, key.note())
		switch {
		case !key.inList():
			fmt.Fprintf(&out, "%s#%s: %s\n", indent, key.name(), key.Default())
		case keys().byPath[key.list()].firstOf(key):
			fmt.Fprintf(&out, "%s#- %s: %s\n", indent, key.name(), key.sample())
		default:
			fmt.Fprintf(&out, "%s#  %s: %s\n", indent, key.name(), key.sample())
		}
	}
	return out.String()
}

// note is the line that says what the key accepts and how else it is given.
func (k *Key) note() string {
	parts := []string{k.Unit()}
	if accepts := k.Range(); accepts != "" && k.Unit() != "switch" {
		parts[0] += ": " + accepts
	}
	parts = append(parts, strings.Join(k.Variables(), " or "))
	if k.Secret {
		parts = append(parts, "or "+k.name()+fileSuffix+": a file that holds it")
	}
	return strings.Join(parts, "; ")
}

// sample is the value of a list's key in the example.
func (k *Key) sample() string {
	switch k.typ {
	case vinsType:
		return "[]"
	case textsType:
		return k.Example
	}
	if k.typ.Kind() == reflect.Int && len(k.OneOf) == 0 && k.Example != "" {
		return k.Example
	}
	return quoted(k.Example)
}

// firstOf reports whether a key is the first one of the list's entries.
func (k *Key) firstOf(key *Key) bool {
	for i := range keys().list {
		if other := &keys().list[i]; other.inList() && other.list() == k.Path {
			return other == key
		}
	}
	return false
}

// comment writes a text in lines of readable length.
func comment(out *strings.Builder, indent, text string) {
	const width = 100
	line := indent + "#"
	for _, word := range strings.Fields(text) {
		if len(line)+1+len(word) > width {
			out.WriteString(line + "\n")
			line = indent + "#"
		}
		line += " " + word
	}
	out.WriteString(line + "\n")
}
