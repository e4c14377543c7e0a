package config

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// variablePrefix begins the variables of our own keys: mqtt.base_topic is BLUELINK_MQTT_BASE_TOPIC.
const variablePrefix = "BLUELINK_"

// fileVariable names the configuration file.
const fileVariable = "BLUELINK_CONFIG"

// aliases are further names of keys.
var aliases = map[string]string{"BLUELINK_STATE_DIR": "store.dir"}

// environment reads NAME=value lines as os.Environ gives them. An empty value counts as not set: compose files write
// NAME=${NAME:-} for what nobody gave.
func environment(environ []string) []variable {
	var all []variable
	for _, line := range environ {
		if name, value, ok := strings.Cut(line, "="); ok && name != "" {
			all = append(all, variable{name, value, Origin{Source: FromEnvironment, Name: name, layer: fromEnvironment}})
		}
	}
	return all
}

// lookup is the value of a variable, "" when it is not set.
func lookup(variables []variable, name string) (value string, at Origin) {
	for _, v := range variables {
		if v.name == name && strings.TrimSpace(v.value) != "" {
			value, at = v.value, v.origin
		}
	}
	return value, at
}

// ownVariables gives the settings of BLUELINK_ variables, list entries in their order.
func ownVariables(f *findings, variables []variable, dir string) []setting {
	var all []setting
	for _, v := range variables {
		if !strings.HasPrefix(v.name, variablePrefix) || v.name == fileVariable || strings.TrimSpace(v.value) == "" {
			continue
		}
		key, entry := keyOfVariable(v.name)
		switch {
		case key != nil:
			all = append(all, newSetting(key, entry, v.value, v.origin, dir))
		case !serviceLink.MatchString(v.name):
			f.problem(v.origin, "is not a known variable%s", suggestVariable(v.name))
		}
	}
	slices.SortStableFunc(all, func(a, b setting) int {
		// An alias is weaker than the name itself.
		return cmp.Or(cmp.Compare(a.key.list(), b.key.list()), cmp.Compare(a.entry, b.entry),
			-cmp.Compare(len(aliases[a.origin.Name]), len(aliases[b.origin.Name])))
	})
	return all
}

// serviceLink are the variables that Kubernetes sets in each container for a service called bluelink or bluelink-….
var serviceLink = regexp.MustCompile(`_SERVICE_(HOST|PORT(_[A-Z0-9_]+)?)$|_PORT(_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?$`)

// newSetting makes the setting of a text from outside the file. A list of texts is separated by commas, one of
// commands with their parameters by semicolons.
func newSetting(key *Key, entry int, text string, at Origin, dir string) setting {
	s := setting{key: key, entry: entry, origin: at, dir: dir}
	if !key.texts() {
		s.items = []item{{text, at}}
		return s
	}
	for _, part := range strings.FieldsFunc(text, key.Holds.separates) {
		if part = strings.TrimSpace(part); part != "" {
			s.items = append(s.items, item{part, at})
		}
	}
	return s
}

// maxEntries bounds the numbers of list entries in names of variables.
const maxEntries = 100_000

// keyOfVariable finds the key of BLUELINK_MQTT_HOST or BLUELINK_ACCOUNTS_0_USERNAME; nil when there is none.
func keyOfVariable(name string) (key *Key, entry int) {
	if path, ok := aliases[name]; ok {
		return keys().byPath[path], 0
	}
	if key := keys().byEnv[name]; key != nil {
		return key, 0
	}
	list, rest, _ := strings.Cut(strings.TrimPrefix(name, variablePrefix), "_")
	number, field, _ := strings.Cut(rest, "_")
	entry, err := strconv.Atoi(number)
	if err != nil || entry < 0 || entry >= maxEntries || number != strconv.Itoa(entry) || field != strings.ToUpper(field) {
		return nil, 0
	}
	return keys().byPath[strings.ToLower(list)+"[]."+strings.ToLower(field)], entry
}

// suggestVariable is the end of a sentence that names the variable which is meant, or "".
func suggestVariable(name string) string {
	number := ""
	if parts := strings.SplitN(name, "_", 4); len(parts) == 4 && strings.Trim(parts[2], "0123456789") == "" {
		number = parts[2]
	}
	var candidates []string
	for _, key := range keys().list {
		if !key.Section && (number != "") == key.inList() {
			candidates = append(candidates, strings.Replace(key.Variable(), "_0_", "_"+number+"_", 1))
		}
	}
	for _, alias := range dropIn {
		candidates = append(candidates, alias.name)
	}
	if near := nearest(name, append(candidates, fileVariable)); near != "" {
		return "; did you mean " + near + "?"
	}
	return ""
}
