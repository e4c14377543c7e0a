package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// maxFile bounds a configuration file, in bytes.
const maxFile = 1 << 20

// yamlFile turns a configuration file into settings. It walks the nodes itself instead of decoding into the struct, so
// that every problem of the file is found at once, each with its line.
type yamlFile struct {
	*findings
	source   string
	dir      string // relative file names in the file begin here
	settings []setting
}

// readYAML gives the settings of one file; its problems go to f.
func readYAML(f *findings, source, dir string, text []byte) []setting {
	r := &yamlFile{findings: f, source: source, dir: dir}
	if len(text) > maxFile {
		f.problem(Origin{Source: source, Name: source}, "is larger than %d bytes: is it the right file?", maxFile)
		return nil
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var document yaml.Node
	switch err := decoder.Decode(&document); {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		r.syntax(err, text)
		return nil
	}
	var second yaml.Node
	switch err := decoder.Decode(&second); {
	case errors.Is(err, io.EOF):
	case err != nil:
		r.syntax(err, text)
	default:
		r.problem(r.at(&second, ""), "a second document begins here: put everything into one, without ---")
	}
	r.mapping(document.Content[0], "", 0)
	return r.settings
}

// at is the place of a node.
func (r *yamlFile) at(node *yaml.Node, key string) Origin {
	return Origin{Source: r.source, Line: max(node.Line, 1), Name: key, layer: fromFile}
}

// mapping reads the keys of one section; prefix is the path up to them, with [] for the entry of a list.
func (r *yamlFile) mapping(node *yaml.Node, prefix string, entry int) {
	node, ok := r.resolve(node, r.name(strings.TrimSuffix(prefix, "."), entry))
	if !ok {
		return
	}
	section := r.name(strings.TrimSuffix(prefix, "."), entry)
	if node.Kind != yaml.MappingNode {
		r.unreadable = r.unreadable || prefix == ""
		hint := ""
		if node.Kind == yaml.ScalarNode && strings.Contains(node.Value, ":") {
			hint = "; a space must follow the colon"
		}
		r.problem(r.at(node, section), "should hold keys, not %s%s", kindOf(node), hint)
		return
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		name, value := node.Content[i], node.Content[i+1]
		path := prefix + name.Value
		if name.Kind != yaml.ScalarNode || name.Tag == "!!merge" {
			r.problem(r.at(name, section), "neither << nor composed keys are understood here: write the keys out")
			continue
		}
		key := keys().byPath[path]
		if key == nil || strings.Contains(name.Value, "[]") {
			r.unknown(name, prefix, entry)
			continue
		}
		if first, twice := seen[name.Value]; twice {
			r.problem(r.at(name, r.name(path, entry)), "stands here twice, first on line %d: keep one", first)
			continue
		}
		seen[name.Value] = name.Line
		r.value(key, entry, value)
	}
}

// value reads what stands at a known key.
func (r *yamlFile) value(key *Key, entry int, node *yaml.Node) {
	node, ok := r.resolve(node, key.concrete(entry))
	if !ok {
		return
	}
	switch {
	case isNull(node):
		// The key is there, but nothing is said: the default holds.
	case key.List:
		r.list(key, node)
	case key.Section && node.Kind == yaml.ScalarNode && key.short != "":
		r.scalar(keys().byPath[key.Path+"."+key.short], entry, node)
	case key.Section:
		r.mapping(node, key.Path+".", entry)
	case node.Kind == yaml.SequenceNode && key.texts():
		s := setting{key: key, entry: entry, origin: r.at(node, key.concrete(entry)), dir: r.dir}
		for i, child := range node.Content {
			name := key.concrete(entry) + "[" + strconv.Itoa(i) + "]"
			child, ok := r.resolve(child, name)
			if ok && child.Kind != yaml.ScalarNode {
				r.problem(r.at(child, name), "should be one %s, not %s", key.Holds.one(), kindOf(child))
			} else if ok {
				s.items = append(s.items, item{child.Value, r.at(child, name)})
			}
		}
		if len(s.items) > 0 {
			r.settings = append(r.settings, s)
		}
	case node.Kind != yaml.ScalarNode:
		r.problem(r.at(node, key.concrete(entry)), "should be one %s, not %s", key.Unit(), kindOf(node))
	default:
		r.scalar(key, entry, node)
	}
}

func (r *yamlFile) scalar(key *Key, entry int, node *yaml.Node) {
	if strings.TrimSpace(node.Value) == "" {
		return
	}
	at := r.at(node, key.concrete(entry))
	r.settings = append(r.settings, setting{key: key, entry: entry, items: []item{{node.Value, at}}, origin: at, dir: r.dir})
}

// list reads the entries of a list of sections.
func (r *yamlFile) list(key *Key, node *yaml.Node) {
	if node.Kind != yaml.SequenceNode {
		r.unreadable = true
		r.problem(r.at(node, key.Path), "should be a list, not %s: each entry begins with a dash", kindOf(node))
		return
	}
	for i, child := range node.Content {
		name := key.concreteEntry(i)
		// An entry that says nothing usable is still an entry: those after it keep their numbers.
		r.settings = append(r.settings, setting{key: key, entry: i, origin: r.at(child, name)})
		if isNull(child) {
			r.problem(r.at(child, name), "is empty")
			continue
		}
		r.mapping(child, key.Path+"[].", i)
	}
}

// resolve follows an alias and refuses what YAML makes of an unquoted text that begins with a special character.
func (r *yamlFile) resolve(node *yaml.Node, name string) (*yaml.Node, bool) {
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	if isNull(node) && node.Anchor != "" {
		r.problem(r.at(node, name), "a text that begins with & must stand in quotes")
		return nil, false
	}
	if node.Style&yaml.TaggedStyle != 0 && !strings.HasPrefix(node.Tag, "!!") {
		r.problem(r.at(node, name), "a text that begins with ! must stand in quotes")
		return nil, false
	}
	return node, true
}

// unknown reports a key that no section has, and the one that may be meant.
func (r *yamlFile) unknown(node *yaml.Node, prefix string, entry int) {
	name := node.Value
	hint := ""
	if before, _, glued := strings.Cut(name, ":"); glued {
		// The rest may be the value, a password for example.
		name, hint = before, ": a space must follow the colon"
	}
	if !plainKey.MatchString(name) {
		r.problem(r.at(node, r.name(strings.TrimSuffix(prefix, "."), entry)), "the key here is not known%s", hint)
		return
	}
	if hint == "" {
		hint = suggestKey(prefix, name)
	}
	r.problem(r.at(node, r.name(prefix+name, entry)), "is not a known key%s", hint)
}

var plainKey = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,40}$`)

// name puts the entry's number into a path.
func (r *yamlFile) name(path string, entry int) string { return (&Key{Path: path}).concrete(entry) }

func isNull(node *yaml.Node) bool {
	return node.Kind == yaml.ScalarNode && node.Tag == "!!null"
}

func kindOf(node *yaml.Node) string {
	switch node.Kind {
	case yaml.MappingNode:
		return "keys"
	case yaml.SequenceNode:
		return "a list"
	default:
		return "a text"
	}
}

var yamlLine = regexp.MustCompile(`line (\d+): (.*)`)

// syntax reports what the parser could not read.
func (r *yamlFile) syntax(err error, text []byte) {
	r.unreadable = true
	at := Origin{Source: r.source, Line: 1, layer: fromFile}
	message := strings.TrimPrefix(err.Error(), "yaml: ")
	if found := yamlLine.FindStringSubmatch(message); found != nil {
		at.Line, _ = strconv.Atoi(found[1])
		message = found[2]
	}
	if line := lastGoodLine(text) + 1; line > 0 {
		at.Line = line
	}
	at.Line = max(at.Line, 1)
	if strings.Contains(message, "anchor") { // it holds the text itself, a password perhaps
		r.problem(at, "a text that begins with * must stand in quotes")
		return
	}
	if line, what := firstOddity(text); line > 0 {
		at.Line = line
		r.problem(at, "%s", what)
		return
	}
	r.problem(at, "cannot be read: %s. The usual cause, here or just before: a missing quote, bracket or space after a colon, "+
		"or an indentation that differs", message)
}

// lastGoodLine is the number of the last line up to which the text can be read, -1 when nobody looked. The parser itself
// counts from 0 or from 1, and often names the line where the section begins.
func lastGoodLine(text []byte) int {
	lines := bytes.SplitAfter(text, []byte("\n"))
	if len(lines) > 1000 {
		return -1 // each look reads all lines before
	}
	end := len(text)
	for i := len(lines) - 1; i >= 0; i-- {
		end -= len(lines[i])
		if line := bytes.TrimSpace(lines[i]); len(line) == 0 || line[0] == '#' {
			continue // it changes nothing
		}
		if readable(text[:end]) {
			return i
		}
	}
	return 0
}

func readable(text []byte) bool {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var node yaml.Node
		if err := decoder.Decode(&node); err != nil {
			return errors.Is(err, io.EOF)
		}
	}
}

// firstOddity finds what YAML can never read, to say it in plain words.
func firstOddity(text []byte) (line int, what string) {
	for i, content := range bytes.Split(text, []byte("\n")) {
		switch {
		case !utf8.Valid(content):
			return i + 1, "this line is not UTF-8"
		case bytes.HasPrefix(bytes.TrimLeft(content, " "), []byte("\t")) && len(bytes.TrimSpace(content)) > 0:
			return i + 1, "a tab indents this line, where YAML wants spaces"
		}
		for _, c := range string(bytes.TrimRight(content, "\r")) {
			if c < ' ' && c != '\t' || c == 0x7f {
				return i + 1, fmt.Sprintf("this line holds the control character %U", c)
			}
		}
	}
	return 0, ""
}
